"""Small worlds for tests of the rules: a quiet base scenario, turns written in words, and one who says one thing."""

from __future__ import annotations

from typing import Any

import numpy as np

from sd_env import layout
from sd_env.layout import Build, Head, Signal, Stance
from sd_env.policies import RandomPolicy
from sd_env.scenario import Scenario
from sd_env.worlds import Worlds

#: Nothing costs, wears or is noisy unless a test says so; land changes hands by expectation.
QUIET: dict[str, Any] = {
    "name": "quiet",
    "horizon": 50,
    "states": {"defense": 0.0},
    "arming": {"arms_cost": 0.0, "build_rate": 1.0, "depreciation": 0.0, "capacity_cap": 10.0},
    "signals": {"signal_cost": 0.0, "audience_cost": 0.0, "pledge_turns": 2, "commitment_turns": 3},
    "alliances": {"alliance_commitment": 0.0, "abandonment_cost": 0.0, "call_turns": 2, "rupture_turns": 3},
    "war": {
        "mobilization_required": False,
        "mobilization_cost": 0.0,
        "first_strike": 0.0,
        "base_defense": 1.0,
        "decisiveness": 1.0,
        "conquest": 0.5,
        "spoils": 1.0,
        "outcome": "share",
        "attrition_loser": 0.0,
        "attrition_winner": 0.0,
        "attacker_cost": 0.0,
        "defender_cost": 0.0,
    },
    "motives": {"greed": 1.0, "p_greedy": 0.0},
    "perception": {"noise": 0.0},
}

ALIGN = "align"


def quiet(n_states: int = 2, **overrides: Any) -> Scenario:
    """The quiet scenario; ``war__conquest=.2`` overrides ``war.conquest``."""
    dotted = {key.replace("__", "."): value for key, value in overrides.items()}
    return Scenario.load(QUIET, {"n_states": n_states, **dotted})


def worlds(n_states: int = 2, *, num_worlds: int = 1, seed: int = 0, **overrides: Any) -> Worlds:
    """Worlds of the quiet scenario."""
    return Worlds(quiet(n_states, **overrides), num_worlds, seed=seed)


def play(table: Worlds, **orders: dict[str, Any]) -> np.ndarray:
    """One turn in every world: ``play(w, s0={"offense": "full", "stance": {1: "attack"}})``; rewards of the first."""
    n = table.num_states
    actions = np.array([layout.noop(n)] * n)
    for who, order in orders.items():
        i = int(who[1:])
        for key, value in order.items():
            if key == "stance":
                for j, stance in value.items():
                    actions[i, Head.STANCE + j - (j > i)] = Stance[stance.upper()]
            else:
                head = {"offense": Head.BUILD_OFFENSE, "defense": Head.BUILD_DEFENSE, "signal": Head.SIGNAL}[key]
                actions[i, head] = (Signal if key == "signal" else Build)[value.upper()]
    table.step(np.broadcast_to(actions, (table.num_worlds, *actions.shape)))
    return table.rewards[0].copy()


def attack(*targets: int) -> dict[str, Any]:
    """Orders to attack."""
    return {"stance": dict.fromkeys(targets, "attack")}


def column(table: Worlds, i: int, name: str, j: int | None = None) -> float:
    """What state i of the first world observes under ``name``; about state j if one is given."""
    if j is None:
        return float(table.observations[0, i, layout.Own[name.upper()]])
    slot = j - (j > i)
    start = layout.OWN_SIZE + slot * table.scenario.shown.block
    return float(table.observations[0, i, start + (layout.BELIEF if name == "belief" else layout.Other[name.upper()])])


def random_actions(rng: np.random.Generator, table: Worlds) -> np.ndarray:
    """Uniform over all choices, illegal ones included."""
    nvec = table.heads.sizes
    return rng.integers(0, nvec, size=(table.num_worlds, table.num_states, len(nvec)))


class Says(RandomPolicy):
    """Answers with one signal for ever."""

    memory = 0

    def __init__(self, signal: int) -> None:
        super().__init__(0)
        self.signal = signal

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        actions = np.tile(layout.noop(layout.num_states_of(mask.shape[1])), (len(observation), 1))
        actions[:, layout.Head.SIGNAL] = self.signal
        return actions
