"""Forecasts of attacks, held against what happened: of people and of policies alike."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from sd_env.policies import Cast


@dataclass(frozen=True)
class Score:
    """How forecasts did.

    Attributes:
        brier: the mean of (chance - what happened)**2, Brier (1950); 0 is perfect.
        count: how many there were.
        share: of them that came true.
        constant: the score of who always gives that share.
    """

    brier: float
    count: int
    share: float
    constant: float


def score(forecasts: Iterable[tuple[float, bool]]) -> Score | None:
    """The score of forecasts, each a chance and whether the attack came; None without any."""
    pairs = list(forecasts)
    if not pairs:
        return None
    chances, happened = (np.array(each, np.float64) for each in zip(*pairs, strict=True))
    share = float(happened.mean())
    return Score(float(((chances - happened) ** 2).mean()), len(pairs), share, share * (1 - share))


class Foreseen:
    """What the speakers of a cast foresee, held against each turn as it is played.

    Args:
        cast: whose.
        worlds: B.
    """

    def __init__(self, cast: Cast, worlds: int) -> None:
        self._cast = cast
        names = ("forecasts", "forecasts_true", "brier")
        self._sums = {seat: {name: np.zeros(worlds) for name in names} for seat in cast.speakers}

    def turn(self, attacks: np.ndarray, on: np.ndarray) -> None:
        """A turn was played.

        Args:
            attacks: ``(B, N, N)``, not 0 where the first attacked the second.
            on: bool ``(B,)``, the worlds in which it counts.
        """
        for seat, sums in self._sums.items():
            chances = self._cast.speakers[seat].foresees()
            given, happened = ~np.isnan(chances) & on[:, None, None], attacks != 0
            squares = np.where(given, (np.where(given, chances, 0.0) - happened) ** 2, 0.0)
            sums["forecasts"] += given.sum(axis=(1, 2))
            sums["forecasts_true"] += (given & happened).sum(axis=(1, 2))
            sums["brier"] += squares.sum(axis=(1, 2))

    def columns(self) -> dict[str, np.ndarray]:
        """Of each speaker's seat i: ``forecasts_i``, ``forecasts_true_i``, ``brier_i`` (a sum), and its own counts."""
        found: dict[str, np.ndarray] = {}
        for seat, sums in self._sums.items():
            counts = {**self._cast.speakers[seat].counts(), **sums}
            found |= {f"{name}_{seat}": np.asarray(values, np.float64) for name, values in counts.items()}
        return found
