"""The course of arms and war in worlds that are played, and the pairs of security seekers at peace in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from agents.table.replays import NOBODY
from sd_env.worlds import Worlds

#: A turn after all turns.
NEVER: Final = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Course:
    """What became of B worlds of one play, as far as it is looked at.

    Attributes:
        arms: float64 ``(R, B, N)``, offence and defence of each state; row r is what turn r left, NaN once the world
            has ended or the state has fallen.
        war: int64 ``(B, N, N)``, the first turn on which one of the two attacked the other, symmetric.
        actions: int64 ``(T, B, N, H)``.
        seekers: bool ``(B, N)``.
        turns: int64 ``(B,)``, how many turns each world had.
    """

    arms: np.ndarray
    war: np.ndarray
    actions: np.ndarray
    seekers: np.ndarray
    turns: np.ndarray


class Watch:
    """Keeps the course of what is played; told as :class:`agents.table.play.Recorder` is."""

    def __init__(self, rows: int) -> None:
        self._rows = rows

    def start(self, worlds: Worlds) -> None:
        """Episodes have begun."""
        b, n = worlds.num_worlds, worlds.num_states
        self._arms = np.full((self._rows, b, n), np.nan)
        self._war = np.full((b, n, n), NEVER)
        self._actions: list[np.ndarray] = []
        self._on, self._turns = np.ones(b, np.bool_), np.zeros(b, np.int64)
        self._seekers = worlds.states["greed"] == 0.0
        self._keep(worlds)

    def changed(self, worlds: Worlds) -> None:
        """Arms are others than the last turn left."""
        self._keep(worlds)

    def step(self, worlds: Worlds, actions: np.ndarray) -> None:
        """A turn was played."""
        self._actions.append(actions.copy())
        fought = worlds.pairs["attacks"] | worlds.pairs["attacks"].swapaxes(1, 2)
        self._war[fought & (self._war == NEVER) & self._on[:, None, None]] = len(self._actions)
        self._keep(worlds)
        self._turns[self._on] += 1
        self._on &= ~(worlds.terminations | worlds.truncations)

    def _keep(self, worlds: Worlds) -> None:
        if len(self._actions) < self._rows:
            arms = worlds.states["offense"] + worlds.states["defense"]
            there = worlds.states["standing"] & self._on[:, None]
            self._arms[len(self._actions)] = np.where(there, arms, np.nan)

    def course(self) -> Course:
        """What was kept."""
        return Course(self._arms, self._war, np.stack(self._actions), self._seekers, self._turns)


def pairs_of(course: Course, turn: int) -> tuple[np.ndarray, np.ndarray]:
    """One ordered pair (i, j) a world, int64 ``(B,)`` each: security seekers at peace as a turn begins, or ``NOBODY``.

    World b has the b-th of those that it has, counted round, so that all places are treated alike.
    """
    standing = np.isfinite(course.arms[turn - 1]) & course.seekers
    both = standing[:, :, None] & standing[:, None, :] & (course.war >= turn)
    both &= ~np.eye(both.shape[1], dtype=np.bool_)
    i, j = (np.full(len(both), NOBODY) for _ in range(2))
    for b, pairs in enumerate(both):
        if len(found := np.argwhere(pairs)):
            i[b], j[b] = found[b % len(found)]
    return i, j
