"""What states of each type do while policies play: arms, signals, mobilizations, attacks and alliances, and returns.

Counted as the game's own tallies are (:mod:`sd_env.rules.accounts`), but of either type, and of whom a deed is done to.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import pandas as pd

from agents.evaluation.certify import GREEDY, SEEKERS
from agents.table.play import returns_of
from sd_env.layout import Signal
from sd_env.worlds import Worlds

#: Types in the order of their numbers: whether a state is greedy.
TYPES: Final = (SEEKERS, GREEDY)
#: Rates of a turn of a state: the mean of its arms after it, and the share of turns with a signal.
OF_TURNS: Final = ("offense", "defense", "reassurances", "threats")
#: Rates of a turn of a state and another: shares.
OF_PAIRS: Final = ("mobilizations", "attacks", "allied")
#: Attacks by whom they are on.
AGAINST: Final = {SEEKERS: "attacks_on_seekers", GREEDY: "attacks_on_greedy"}


class Deeds:
    """Counts what is done in worlds that are played; told as :class:`agents.table.play.Recorder` is."""

    def __init__(self) -> None:
        self._turns = np.zeros(2)
        self._of_turns = np.zeros((2, len(OF_TURNS)))
        self._pairs = np.zeros((2, 2))
        self._of_pairs = np.zeros((2, 2, len(OF_PAIRS)))

    def start(self, worlds: Worlds) -> None:
        """Episodes have begun."""
        self._on = np.ones(worlds.num_worlds, np.bool_)
        self._look(worlds)

    def changed(self, worlds: Worlds) -> None:
        """Arms were changed from outside: what they are counts after the turn."""

    def step(self, worlds: Worlds, actions: np.ndarray) -> None:
        """A turn was played: those count who stood when it began, by the types that they had then."""
        states, pairs = worlds.states, worlds.pairs
        there, greedy = self._standing & self._on[:, None], self._greedy
        both = there[:, :, None] & there[:, None, :] & ~np.eye(worlds.num_states, dtype=np.bool_)
        signal = states["signal"]
        of_turns = (states["offense"], states["defense"], signal == Signal.REASSURE, signal == Signal.THREATEN)
        of_pairs = (pairs["mobilized"], pairs["attacks"], pairs["allied"])
        for own in (0, 1):
            mine = there & (greedy == own)
            self._turns[own] += mine.sum()
            self._of_turns[own] += [each[mine].sum() for each in of_turns]
            for other in (0, 1):
                met = both & (greedy == own)[:, :, None] & (greedy == other)[:, None, :]
                self._pairs[own, other] += met.sum()
                self._of_pairs[own, other] += [each[met].sum() for each in of_pairs]
        self._on &= ~(worlds.terminations | worlds.truncations)
        self._look(worlds)

    def rates(self) -> dict[str, dict[str, float]]:
        """Rates of each type that occurred.

        They are those of :data:`OF_TURNS`, of :data:`OF_PAIRS` toward all others, and of :data:`AGAINST`, a turn of a
        pair with one of that type; NaN where no such pair met.
        """
        found = {}
        for own, kind in enumerate(TYPES):
            if self._turns[own]:
                found[kind] = {
                    **dict(zip(OF_TURNS, (self._of_turns[own] / self._turns[own]).tolist(), strict=True)),
                    **{
                        name: _ratio(self._of_pairs[own, :, k].sum(), self._pairs[own].sum())
                        for k, name in enumerate(OF_PAIRS)
                    },
                    **{
                        AGAINST[whom]: _ratio(
                            self._of_pairs[own, other, OF_PAIRS.index("attacks")], self._pairs[own, other]
                        )
                        for other, whom in enumerate(TYPES)
                    },
                }
        return found

    def _look(self, worlds: Worlds) -> None:
        self._standing = worlds.states["standing"].copy()
        self._greedy = worlds.states["greed"] > 0.0


def _ratio(above: float, below: float) -> float:
    return float(above / below) if below else math.nan


def returns_of_types(frame: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Returns of each type that occurred in the rows of :func:`agents.table.play.play`.

    Returns:
        Type -> ``mean`` over its states, homeland-incomes an episode, ``states``, how many they are, and ``error``, the
        standard error of the mean over worlds, whose states are not independent; NaN for a single world.
    """
    returns = returns_of(frame)
    greed = frame[[f"greed_{state}" for state in range(returns.shape[1])]].to_numpy() > 0
    found = {}
    for own, kind in enumerate(TYPES):
        mine = greed == own
        count = int(mine.sum())
        if count:
            mean = float(returns[mine].sum() / count)
            residuals = np.where(mine, returns - mean, 0.0).sum(axis=1)  # of a ratio of sums over worlds
            worlds = len(residuals)
            error = math.sqrt(float((residuals**2).sum()) * worlds / (worlds - 1)) / count if worlds > 1 else math.nan
            found[kind] = {"mean": mean, "error": error, "states": count}
    return found
