"""What must hold of every measure in every episode: ranges, the order of states, purity."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sd_env import measures
from sd_env.record import EpisodeLog
from sd_env.rules.compiled import UNCOMPILED
from sd_env.scenario import Scenario
from tests.logs import permuted, simulated

ROOT = Path(__file__).parents[2]
#: Alliances, calls, threats, growth, drift, greed: something of everything that a measure looks at.
LIVELY: dict[str, Any] = {
    "n_states": 4,
    "horizon": 20,
    "states.growth": [-0.1, 0.2],
    "states.offense": [0.0, 2.0],
    "geography.reach": [0.5, 1.0],
    "technology.drift": 0.1,
    "technology.distinguishability": 0.5,
    "technology.perceived_offense_advantage": 2.0,
    "war.collapse": 0.5,
    "war.attacker_cost": 0.2,
    "motives.p_greedy": 0.4,
    "anarchy.enforcement": 0.1,
    "continuation": 0.98,
}
UNIT = (0.0, 1.0)
#: Range of each measure of the summary; counts and flags by their endings.
RANGES = {
    "spiral_index": (0.0, math.inf),
    "arms_growth": (-math.inf, math.inf),
    "cooperation_index": UNIT,
    "security": UNIT,
    "self_defeat": UNIT,
    "waste": (0.0, math.inf),
    "mutual_fear": UNIT,
    "misperception": UNIT,
    "mistrust_bias": (-1.0, 1.0),
    "chain_gang_rate": UNIT,
    "buck_passing_rate": UNIT,
    "deterrence": UNIT,
    "direct_deterrence": UNIT,
    "extended_deterrence": UNIT,
    "immediate_deterrence": UNIT,
    "dilemma": UNIT,
}
COUNTS = ("wars", "chain_gangs", "buck_passing", "deterrence_trials")


def lively(episodes: int, seed: int, **overrides: Any) -> list[EpisodeLog]:
    return simulated(Scenario.load("jervis/multipolar", {**LIVELY, **overrides}), episodes, seed)


def some_beliefs(log: EpisodeLog) -> np.ndarray:
    return np.random.default_rng(log.world).uniform(size=log.pairs.shape)


@cache
def logs() -> list[EpisodeLog]:
    """Forty episodes of random play."""
    return lively(40, seed=11)


def test_measures_stay_in_their_ranges_and_something_happens() -> None:
    seen: dict[str, list[float]] = {}
    for log in logs():
        for name, value in measures.summary(log, some_beliefs(log)).items():
            seen.setdefault(name.removeprefix("measure/"), []).append(value)
    for name, values in seen.items():
        known = [value for value in values if not math.isnan(value)]
        low, high = RANGES.get(name, (0.0, math.inf) if name.endswith(COUNTS) else UNIT)
        assert name in RANGES or name.endswith(COUNTS) or name.startswith("has_"), name
        assert all(low <= value <= high for value in known), name
        if name.endswith(COUNTS) or name.startswith("has_"):
            assert all(value.is_integer() for value in values), name
    # Only these may be the same throughout: enforcement is set, beliefs are random, somebody always builds, and random
    # play rarely meets a large enough shift of power.
    still = {"has_anarchy", "dilemma", "has_uncertain_intentions", "collective_buck_passing"}
    still |= {"preventive_wars", "mixed_wars"}
    idle = {name for name, values in seen.items() if len({value for value in values if not math.isnan(value)}) < 2}
    assert idle <= still, idle - still


def test_arrays_stay_in_their_ranges() -> None:
    for log in logs():
        count, stands = log.states.shape[1], log.states["standing"]
        fear, safe = measures.fear(log, some_beliefs(log)), measures.security(log)
        duels = (*dataclasses.astuple(measures.duels(log)), *dataclasses.astuple(measures.duels(log, seen=True)))
        for array in (*duels, measures.attack_rates(log)[None], fear, safe[:, :, None]):
            assert np.isfinite(array).all() and (array >= 0.0).all() and (array <= 1.0).all()
        assert not np.einsum("tii->ti", fear).any()
        assert (safe[~stands] == 0.0).all()
        effort, means = measures.efforts(log)
        assert (effort >= 0.0).all() and (effort <= means * (1 + 1e-9) + 1e-12).all()
        assert measures.war_of(log).shape == (log.turns + 1, count)


def test_wars_agree_with_the_place_of_each_state() -> None:
    for log in logs():
        place = measures.war_of(log)
        fights = log.pairs["attacks"].any(axis=1) | log.pairs["attacks"].any(axis=2)
        assert ((place >= 0) == fights).all()
        for number, war in enumerate(measures.wars(log)):
            turns, states = np.nonzero(place == number)
            assert (turns.min(), turns.max()) == (war.start, war.end)
            assert tuple(np.unique(states)) == war.belligerents
            assert set(war.first) <= set(war.belligerents)
            assert {state for attack in war.opening for state in attack} == set(war.first)


def test_duels_one_way_are_the_others_the_other_way() -> None:
    for log in logs()[:10]:
        true = measures.duels(log)
        assert true.struck == pytest.approx(true.strike.swapaxes(1, 2))
        assert true.clashed == pytest.approx(true.clash.swapaxes(1, 2))
        assert (true.clash <= true.strike + 1e-12).all()  # meeting an attack is never better than surprise


@pytest.mark.parametrize("order", [[1, 0, 3, 2], [3, 1, 0, 2], [2, 3, 1, 0]])
def test_the_order_of_states_does_not_matter(order: list[int]) -> None:
    compared = 0
    for log in logs()[:15]:
        beliefs = some_beliefs(log)
        moved = permuted(log, order)
        mine = measures.summary(log, beliefs)
        theirs = measures.summary(moved, beliefs[:, order][:, :, order])
        assert theirs == pytest.approx(mine, rel=1e-9, abs=1e-12, nan_ok=True)
        assert measures.security(moved) == pytest.approx(measures.security(log)[:, order])
        assert measures.reaction_slopes(moved) == pytest.approx(
            measures.reaction_slopes(log)[order][:, order], rel=1e-6, abs=1e-9, nan_ok=True
        )
        wars = measures.wars(log)
        found = [tuple(sorted(order[i] for i in war.belligerents)) for war in measures.wars(moved)]
        assert len(found) == len(wars)
        if len({war.start for war in wars}) == len(wars):  # of wars as old as each other the lowest index takes over
            assert sorted(found) == sorted(war.belligerents for war in wars)
            compared += 1
    assert compared >= 5


def test_measures_only_read() -> None:
    """A log is the same bit for bit after all measures, and so are the beliefs; twice gives the same."""
    (log,) = lively(1, seed=2)
    beliefs = some_beliefs(log)
    kept, before = dataclasses.replace(log, states=log.states.copy(), pairs=log.pairs.copy()), beliefs.copy()
    first = measures.summary(log, beliefs)
    assert log == kept and (beliefs == before).all()
    assert json.dumps(measures.summary(log, beliefs)) == json.dumps(first)


def test_two_states_cannot_pass_the_buck_or_chain_a_gang() -> None:
    for log in lively(20, seed=3, n_states=2):
        assert measures.balancing(log, 0.0) == [] and measures.allies_at_war(log) == []


def test_trials_are_threats_with_cause_and_outcome() -> None:
    checked = 0
    for log in logs():
        beliefs = some_beliefs(log)
        found = measures.threats(log, beliefs)
        assert measures.trials(log, beliefs) == [t for t in found if t.utility > 0 and t.success is not None]
        for threat in found:
            why = measures.motive(log, threat.challenger, threat.target, threat.turn, beliefs)
            assert why.utility == threat.utility
            later = log.pairs["attacks"][threat.turn + 1 : threat.turn + 4, threat.challenger, threat.target]
            assert (threat.success is False) == bool(later.any())
            checked += 1
    assert checked > 100


def test_uncompiled_measures_are_the_same() -> None:
    """Under NUMBA_DISABLE_JIT=1 the rules that the measures call are plain Python; every number is the same."""
    assert not UNCOMPILED, "this process must run the compiled rules: unset NUMBA_DISABLE_JIT"
    program = "import json; from tests.sd_env import test_measures_properties as t; print(json.dumps(t.numbers()))"
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    command = [sys.executable, "-c", program]
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == json.loads(json.dumps(numbers()))


def numbers() -> list[list[tuple[str, str]]]:
    """Summaries of a few episodes, each number as its shortest exact text."""
    few = lively(2, seed=7, n_states=3, horizon=8)
    return [[(name, repr(value)) for name, value in measures.summary(log, some_beliefs(log)).items()] for log in few]
