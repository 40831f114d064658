"""(h) How far the engine is from a bare kernel: one scenario, two states, the same arithmetic and nothing besides.

The kernel (benchmarks/bare_kernel.py) has the numbers of the scenario compiled in and knows two states alone. It plays
the actions that the worlds play, in turn with them, and what is seen, may be chosen and is earned is the same to the
bit. The ratio is what it costs that the engine plays every scenario and any number of states, keeps an account of what
happened, and checks the actions that it is given.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.bare_kernel import STATE, step
from benchmarks.engine import SCENARIO, random_legal
from benchmarks.harness import Report, alternate, one_core, timed
from sd_env import load_scenario
from sd_env.worlds import Worlds

WORLDS: Final = 1024
TURNS: Final = 32


@dataclass
class Bare:
    """Worlds of two states as the bare kernel has them.

    Args:
        worlds: from whose present state, at the start of an episode, they begin.

    Attributes:
        observations, masks, rewards: as those of `Worlds`.
    """

    worlds: Worlds
    turn: int = 0
    states: NDArray[Any] = field(init=False)

    def __post_init__(self) -> None:
        """Take over what the worlds start with."""
        self._start = np.zeros((self.worlds.num_worlds, 2), STATE)
        for name in ("homeland", "holdings", "offense", "defense", "greed", "standing"):
            self._start[name] = self.worlds.states[name]
        self._start["stance"] = 1
        self._keys = self.worlds.worlds["key"].copy()
        self.observations, self.masks = self.worlds.observations.copy(), self.worlds.masks.copy()
        self.rewards = np.zeros_like(self.worlds.rewards)
        self.begin()

    def begin(self) -> None:
        """Go back to the start of the episode."""
        self.turn, self.states = 0, self._start.copy()

    def step(self, actions: NDArray[np.int64]) -> None:
        """Play one turn in every world; actions as those of `Worlds`, and legal."""
        step(self.turn, self._keys, self.states, actions, self.observations, self.masks, self.rewards)
        self.turn += 1


def episode(worlds: Worlds, turns: int) -> list[NDArray[np.int64]]:
    """Legal actions for so many turns from where the worlds are, to which they are put back."""
    start, rng, pool = worlds.snapshot(), np.random.default_rng(0), []
    for _ in range(turns):
        pool.append(random_legal(worlds.masks, rng))
        worlds.step(pool[-1])
    worlds.restore(start)
    return pool


def run(smoke: bool, repeats: int) -> Report:
    """Measure world-turns a second of both, in turn."""
    report = Report("bare", "The engine and a bare kernel of one scenario: two states, one core")
    b, plays = (8, 1) if smoke else (WORLDS, 8)
    worlds = Worlds(load_scenario(SCENARIO), b, seed=0)
    bare, start, pool = Bare(worlds), worlds.snapshot(), episode(worlds, TURNS)
    bare.step(pool[0])  # compiles it

    def play(one: Worlds | Bare) -> None:
        for actions in pool:
            one.step(actions)

    def seconds(one: Worlds | Bare) -> float:
        begin = bare.begin if one is bare else partial(worlds.restore, start)
        return sum(timed(partial(play, one), begin) for _ in range(plays))

    with one_core(not smoke):
        engine, kernel = alternate(repeats, partial(seconds, worlds), partial(seconds, bare))
    report.rate("the engine", plays * TURNS * b, engine, "world-turns/s")
    report.rate("the bare kernel", plays * TURNS * b, kernel, "world-turns/s")
    note = "median over the repeats of their ratio"
    ratio = statistics.median(a / c for a, c in zip(engine, kernel, strict=True))
    report.ratio("time of the engine against the bare kernel", ratio, note=note)
    report.settings = {"scenario": SCENARIO, "worlds": b, "turns": TURNS, "plays": plays, "repeats": repeats}
    return report
