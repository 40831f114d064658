"""Episode logs by hand: a quiet world of tests.table in which nothing happens but what a test writes down.

Rows are turns: row 0 is the start, row t what turn t left. The records' bit masks are filled in from the pairs.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from sd_env import layout
from sd_env.layout import Head, Signal, Stance
from sd_env.record import EpisodeLog, Recorder
from sd_env.scenario import Scenario
from sd_env.worlds import Worlds
from tests.table import quiet

#: Bit masks over states, in the records of states and of pairs.
STATE_MASKS = ("owed", "attacked", "attackers", "struck", "enemies", "mobilized", "allies", "named")
PAIR_MASKS = ("call_against",)


class Draft:
    """A log in the making. ``states`` and ``pairs`` are the records, to be written to; ``log()`` is the log."""

    def __init__(self, turns: int, n_states: int = 2, **overrides: Any) -> None:
        self.scenario = quiet(n_states, **overrides)
        self.turns, self.n_states = turns, n_states
        self.params = np.array(Worlds(self.scenario, seed=0).params[0])
        self.worlds = np.zeros(turns + 1, layout.WORLDS)
        self.states = np.zeros((turns + 1, n_states), layout.STATES)
        self.pairs = np.zeros((turns + 1, n_states, n_states), layout.PAIRS)
        believed = float(self.params["perceived_offense_advantage"])
        true = float(self.params["offense_advantage"])
        self.worlds["turn"] = np.arange(turns + 1)
        self.worlds["standing"] = (1 << n_states) - 1
        self.worlds["offense_advantage"] = true
        self.worlds["perceived_offense_advantage"] = true if np.isnan(believed) else believed
        self.states["identity"] = np.arange(n_states)
        for name in ("homeland", "economy", "reliability", "standing", "keep"):
            self.states[name] = 1
        self.pairs["reach"] = 1 - np.eye(n_states)
        self.pairs["stance"] = Stance.NEUTRAL

    def arms(self, *totals: Any) -> Draft:
        """Defensive arms of each state: a number for the whole episode, or one for each row."""
        for i, total in enumerate(totals):
            self.states["defense"][:, i] = total
        return self

    def attack(self, turn: int, attacker: int, *targets: int) -> Draft:
        for target in targets:
            self.pairs["stance"][turn, attacker, target] = Stance.ATTACK
        return self

    def mobilize(self, turn: int, state: int, *targets: int) -> Draft:
        for target in targets:
            self.pairs["stance"][turn, state, target] = Stance.MOBILIZE
        return self

    def ally(self, turn: int, *members: int) -> Draft:
        for i in members:
            for j in members:
                if i != j:
                    self.pairs["stance"][turn, i, j] = Stance.ALIGN
                    self.pairs["allied"][turn, i, j] = True
        return self

    def bid(self, turn: int, state: int, against: int) -> Draft:
        """A call that is open after the turn bids the state to attack."""
        self.states["named"][turn, state] |= 1 << against
        return self

    def threaten(self, turn: int, state: int, turns: int = 3) -> Draft:
        self.states["signal"][turn, state] = Signal.THREATEN
        for row in range(turn, min(turn + turns, self.turns + 1)):
            self.states["commitment"][row, state] = turns - (row - turn)
        return self

    def fall(self, turn: int, state: int) -> Draft:
        for name in ("standing", "homeland", "holdings", "offense", "defense"):
            self.states[name][turn:, state] = 0
        return self

    def log(self, **fields: Any) -> EpisodeLog:
        states, pairs, n = self.states.copy(), self.pairs.copy(), self.n_states
        pairs["attacks"] = pairs["stance"] == Stance.ATTACK
        pairs["mobilized"] = pairs["stance"] == Stance.MOBILIZE
        total = states["offense"] + states["defense"]
        pairs["estimate"] = np.where(pairs["estimate"] > 0, pairs["estimate"], total[:, None, :] * (1 - np.eye(n)))
        weights = 1 << np.arange(n)
        states["attacked"] = states["struck"] = pairs["attacks"] @ weights
        states["attackers"] = pairs["attacks"].swapaxes(1, 2) @ weights
        states["enemies"] = states["attacked"] | states["attackers"]
        states["mobilized"] = pairs["mobilized"] @ weights
        states["allies"] = pairs["allied"] @ weights
        actions = np.zeros((self.turns, n, n + 2), np.int64)
        for head, name in ((Head.BUILD_OFFENSE, "build_offense"), (Head.BUILD_DEFENSE, "build_defense")):
            actions[..., head] = states[name][1:]
        actions[..., Head.SIGNAL] = states["signal"][1:]
        for i in range(n):
            actions[:, i, Head.STANCE :] = np.delete(pairs["stance"][1:, i], i, axis=1)
        given = EpisodeLog(
            scenario=self.scenario, agents=self.scenario.agents, seed=0, world=0, episode=0, policies=("",) * n,
            versions={}, params=self.params.copy(), worlds=self.worlds.copy(), states=states, pairs=pairs,
            actions=actions, rewards=np.zeros((self.turns, n)), observations=None, terminated=False, truncated=True,
            events=((),) * self.turns,
        )  # fmt: skip
        return dataclasses.replace(given, **fields)


def believing(log: EpisodeLog, belief: float) -> np.ndarray:
    """Beliefs (T+1, N, N) that are the same everywhere."""
    return np.full(log.pairs.shape, belief)


def simulated(scenario: Scenario, episodes: int, seed: int, *, attack: float = 0.1) -> list[EpisodeLog]:
    """Episodes of random play in which each stance is an attack with probability ``attack``, recorded."""
    rng = np.random.default_rng(seed)
    worlds = Worlds(scenario, episodes, seed=seed)
    recorder = Recorder(worlds, observations=True)
    nvec = layout.action_sizes(scenario.n_states)
    found: list[EpisodeLog] = []
    running = np.ones(episodes, bool)
    while running.any():
        actions = rng.integers(0, nvec, (episodes, scenario.n_states, len(nvec)))
        stances = actions[..., Head.STANCE :]
        stances[...] = np.where(
            rng.random(stances.shape) < attack, Stance.ATTACK, rng.integers(0, Stance.ATTACK, stances.shape)
        )
        worlds.step(actions)
        found += recorder.turn(actions)
        ended = worlds.terminations | worlds.truncations
        running &= ~ended
        worlds.reset(worlds=ended)
    return found[:episodes]


def permuted(log: EpisodeLog, order: list[int]) -> EpisodeLog:
    """The same episode with its states in another order: state k of the new log is state ``order[k]``."""
    place = np.argsort(order)

    def moved(masks: np.ndarray) -> np.ndarray:
        return sum(((masks >> i) & 1) << int(place[i]) for i in range(len(order)))

    states, pairs = log.states[:, order].copy(), log.pairs[:, order][:, :, order].copy()
    for name in STATE_MASKS:
        states[name] = moved(states[name])
    for name in PAIR_MASKS:
        pairs[name] = moved(pairs[name])
    n = len(order)
    full = np.full((log.turns, n, n), int(Stance.NEUTRAL))
    for i in range(n):
        full[:, i, [j for j in range(n) if j != i]] = log.actions[:, i, Head.STANCE :]
    full = full[:, order][:, :, order]
    actions = log.actions[:, order].copy()
    for i in range(n):
        actions[:, i, Head.STANCE :] = np.delete(full[:, i], i, axis=1)
    return dataclasses.replace(
        log, agents=tuple(log.agents[i] for i in order), states=states, pairs=pairs, actions=actions, observations=None
    )
