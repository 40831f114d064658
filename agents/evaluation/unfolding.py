"""How a game unfolds among those who only want to be safe: whether they come to blows, when, and after what arming.

A spiral has a beginning: arms rise together, and war comes at the top of the race. So of each pair of security seekers
it is asked on which turn the first attack between them falls, and of each turn how many arms they hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from agents.table.play import play
from sd_env.policies import CastLike
from sd_env.scenario import Scenario

if TYPE_CHECKING:
    from sd_env.worlds import Worlds

#: First turns of the ages at which arms are told; each age ends before the next begins.
AGES: Final = (0, 1, 2, 4, 8, 16, 32, 64)
#: A war that begins after this turn has had time to be the end of a race.
LATE: Final = 5
#: Shares of the pairs that fight by whose first attacks the onset is told.
_QUANTILES: Final = (0.1, 0.5, 0.9)


@dataclass(frozen=True)
class Unfolding:
    """What became of the pairs of security seekers of some episodes.

    Attributes:
        pairs: how many there were.
        fight: share of them that came to blows.
        onset: turns of the first attack by which a tenth, half and nine tenths of those that fight had begun.
        late: share of those that fight that began after turn :data:`LATE`.
        arms: mean arms (both kinds) of a security seeker that stands, by age of the world: see :data:`AGES`.
        peak: the age at which those are most.
    """

    pairs: int
    fight: float
    onset: tuple[float, float, float]
    late: float
    arms: tuple[float, ...]
    peak: int

    def row(self) -> dict[str, Any]:
        """As columns of a table."""
        onset = dict(zip(("onset_10", "onset_50", "onset_90"), self.onset, strict=True))
        arms = {f"arms_{age}": value for age, value in zip(AGES, self.arms, strict=True)}
        return {"ss_pairs": self.pairs, "ss_fight": self.fight, **onset, "late": self.late, **arms, "peak": self.peak}


def unfold(scenario: Scenario, cast: CastLike, *, worlds: int, seed: int) -> Unfolding:
    """Play ``worlds`` episodes and tell how they unfold; NaN where there is nothing to tell of.

    Args:
        scenario: the game.
        cast: who plays.
        worlds: how many.
        seed: of the worlds and of the policies' draws.

    Raises:
        PolicyError: for a cast that does not fit.
    """
    watch = _Watch()
    play(scenario, cast, worlds=worlds, seed=seed, recorder=watch)
    return watch.told()


class _Watch:
    """Notes of each pair the first turn of an attack between them, and of each turn the seekers' arms."""

    def start(self, table: Worlds) -> None:
        b, n = table.num_worlds, table.num_states
        self._seekers = table.states["greed"] == 0.0
        self._first = np.full((b, n, n), np.nan)
        self._on = np.ones(b, np.bool_)
        self._arms: list[float] = []
        self._note_arms(table)

    def step(self, table: Worlds, actions: np.ndarray) -> None:
        n = table.num_states
        turn = len(self._arms) - 1
        attacked = (table.states["attacked"][:, :, None] >> np.arange(n)) & 1 == 1
        blows = (attacked | attacked.transpose(0, 2, 1)) & self._on[:, None, None] & np.isnan(self._first)
        self._first[blows] = turn
        self._on &= ~(table.terminations | table.truncations)
        self._note_arms(table)

    def changed(self, table: Worlds) -> None:
        """Nobody intervenes here."""

    def _note_arms(self, table: Worlds) -> None:
        counted = self._seekers & table.states["standing"].astype(bool) & self._on[:, None]
        held = table.states["offense"] + table.states["defense"]
        self._arms.append(float(held[counted].mean()) if counted.any() else np.nan)

    def told(self) -> Unfolding:
        n = self._seekers.shape[1]
        above = np.triu(np.ones((n, n), np.bool_), 1)
        both = self._seekers[:, :, None] & self._seekers[:, None, :] & above
        first = self._first[both]
        fought = first[~np.isnan(first)]
        some = len(fought) > 0
        ends = (*AGES[1:], len(self._arms))
        ages = [self._arms[start:end] for start, end in zip(AGES, ends, strict=True)]
        arms = tuple(float(np.nanmean(age)) if age and not np.isnan(age).all() else np.nan for age in ages)
        onset = np.quantile(fought, _QUANTILES) if some else np.full(3, np.nan)
        return Unfolding(
            pairs=len(first),
            fight=len(fought) / len(first) if len(first) else np.nan,
            onset=(float(onset[0]), float(onset[1]), float(onset[2])),
            late=float((fought > LATE).mean()) if some else np.nan,
            arms=arms,
            peak=AGES[int(np.nanargmax(arms))] if not np.isnan(arms).all() else 0,
        )
