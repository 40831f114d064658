"""What must hold in every world: random scenarios, random actions, whole episodes."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sd_env import layout
from sd_env.rules import chance
from sd_env.scenario import Scenario
from sd_env.worlds import Worlds
from tests.table import play, quiet, random_actions, worlds

#: Ranges in which random scenarios are drawn: wider than any in the catalogue.
SPANS: dict[str, tuple[float, float]] = {
    "states.homeland": (0.1, 1), "states.holdings": (0, 2), "states.economy": (0, 4), "states.growth": (-0.2, 0.2),
    "states.offense": (0, 5), "states.defense": (0, 5), "geography.reach": (0, 1),
    "technology.offense_advantage": (0.05, 5), "technology.perceived_offense_advantage": (0.05, 5),
    "technology.distinguishability": (0, 1), "technology.dual_use": (0, 1), "technology.drift": (0, 1),
    "arming.arms_cost": (0, 1), "arming.build_rate": (0, 2), "arming.depreciation": (0, 1),
    "arming.capacity_cap": (0, 9), "signals.signal_cost": (0, 1), "signals.audience_cost": (0, 1),
    "signals.pledge_turns": (0, 6), "signals.commitment_turns": (0, 6),
    "alliances.alliance_commitment": (0, 1), "alliances.call_turns": (0, 4),
    "alliances.abandonment_cost": (0, 1), "alliances.rupture_turns": (0, 6), "alliances.reliability_rate": (0, 1),
    "alliances.amity": (-1, 1), "war.mobilization_cost": (0, 1), "war.first_strike": (0, 2), "war.base_defense": (0, 1),
    "war.peacetime_readiness": (0, 1),
    "war.decisiveness": (0.1, 8), "war.conquest": (0, 1), "war.spoils": (0, 1), "war.attrition_loser": (0, 1),
    "war.attrition_winner": (0, 1), "war.attacker_cost": (0, 1), "war.defender_cost": (0, 1), "war.collapse": (0, 0.5),
    "war.restoration": (0, 1), "anarchy.enforcement": (0, 1), "motives.greed": (0, 5), "motives.p_greedy": (0, 1),
    "motives.turnover": (0, 1),
    "motives.power_motive": (0, 2), "motives.routine": (0, 1), "motives.identification": (0, 2),
    "motives.amity_rate": (0, 1), "perception.noise": (0, 2), "perception.threat_inflation": (-1, 3),
    "perception.worst_case": (0, 1), "perception.signal_noise": (0, 1), "continuation": (0.8, 1),
    "arming.convexity": (0, 1), "arming.investment_return": (0, 0.2), "perception.buildup_evidence": (0, 5),
    "alliances.alignment_cost": (0, 1), "anarchy.enforcement_lasts": (0, 1), "perception.mistrust": (0, 1),
    "institutions.treaty_limit": (0, 2), "institutions.treaty_penalty": (0, 1), "institutions.treaty_error": (0, 0.5),
    "institutions.mediation": (0, 1), "institutions.transparency": (0, 1),
}  # fmt: skip
WHOLE = {"signals.pledge_turns", "signals.commitment_turns", "alliances.call_turns", "alliances.rupture_turns"}


@st.composite
def scenarios(draw: st.DrawFn, max_states: int = 6) -> Scenario:
    """A random scenario: some numbers fixed, some ranges, some left alone."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    overrides: dict[str, Any] = {
        "n_states": int(rng.integers(2, max_states + 1)),
        "horizon": int(rng.integers(1, 60)),
        "war.mobilization_required": bool(rng.integers(2)),
        "war.outcome": str(rng.choice(["gamble", "share"])),
        "war.contest": str(rng.choice(["ratio", "difference"])),
        "perception.context_observed": bool(rng.integers(2)),
        "perception.beliefs": bool(rng.integers(2)),
        "institutions.hotline": bool(rng.integers(2)),
    }
    if overrides["war.mobilization_required"]:
        overrides["institutions.crisis_turns"] = int(rng.integers(3))
    for key, (low, high) in SPANS.items():
        kind = rng.integers(3)
        ends = sorted(rng.integers(low, high + 1, 2) if key in WHOLE else rng.uniform(low, high, 2))
        ends = [end.item() for end in ends]
        if key == "alliances.amity":  # off the diagonal, in both directions
            n = overrides["n_states"]
            overrides[key] = rng.uniform(-1, 1, (n, n)).tolist()
        elif kind:
            overrides[key] = ends[0] if kind == 1 else ends
    return Scenario.load("jervis/multipolar", overrides)


def land(table: Worlds) -> np.ndarray:
    return (table.states["homeland"] + table.states["holdings"]).sum(axis=1)


@settings(max_examples=90)
@given(scenarios(), st.integers(0, 2**32))
def test_random_worlds_stay_within_bounds(scenario: Scenario, seed: int) -> None:
    """Over 10**6 turns in all: land is never created, stocks >= 0, observations finite and inside their space."""
    rng = np.random.default_rng(seed)
    w = Worlds(scenario, 200, seed=seed)
    low = layout.observation_low(w.num_states, *scenario.shown)
    before = land(w)
    for _ in range(60):
        w.step(random_actions(rng, w))
        after = land(w)
        assert (after <= before * (1 + 1e-12) + 1e-12).all()
        for stock in ("offense", "defense", "homeland", "holdings", "economy"):
            assert (w.states[stock] >= 0).all(), stock
        assert np.isfinite(w.observations).all() and np.isfinite(w.rewards).all()
        assert (w.observations >= low).all() and (w.observations <= layout.CEILING).all()
        assert (w.masks.reshape(-1, w.masks.shape[-1]) >= mask_of_noop(w.num_states)).all()
        assert ((w.states["reliability"] >= 0) & (w.states["reliability"] <= 1)).all()
        assert (np.abs(w.pairs["amity"]) <= 1).all()
        assert ((w.pairs["belief"] >= 0) & (w.pairs["belief"] <= 1)).all()
        w.reset(worlds=w.terminations | w.truncations)
        before = land(w)


def mask_of_noop(num_states: int) -> np.ndarray:
    """The no-op is legal always."""
    mask, start = np.zeros(layout.mask_size(num_states), np.int8), 0
    for size, choice in zip(layout.action_sizes(num_states), layout.noop(num_states), strict=True):
        mask[start + choice] = 1
        start += size
    return mask


@settings(max_examples=30)
@given(scenarios(max_states=5), st.integers(0, 2**32), st.randoms(use_true_random=False))
def test_permuting_states_permutes_everything(scenario: Scenario, seed: int, random: Any) -> None:
    """The same states in another order, each with its own draws, play the same game."""
    n = scenario.n_states
    order = list(range(n))
    random.shuffle(order)
    first, second = Worlds(scenario, 4, seed=seed), Worlds(scenario, 4, seed=seed)
    parameters, states, pairs = second._bounds
    second._bounds = (parameters, states[:, order].copy(), pairs[:, order][:, :, order].copy())
    second._identity = np.array(order)
    second.reset(seed)
    rng = np.random.default_rng(seed)
    inverse = np.argsort(order)
    for _ in range(25):
        actions = random_actions(rng, first)
        first.step(actions)
        second.step(permuted(actions, order))
        assert second.rewards == pytest.approx(first.rewards[:, order], rel=1e-9, abs=1e-9)
        for name in ("homeland", "holdings", "offense", "defense", "reliability", "standing", "greed"):
            assert second.states[name] == pytest.approx(first.states[name][:, order], rel=1e-9, abs=1e-9)
        for name in ("amity", "allied", "call", "rupture", "attacks", "belief"):
            assert second.pairs[name] == pytest.approx(first.pairs[name][:, order][:, :, order], rel=1e-9, abs=1e-9)
        ended = first.terminations | first.truncations
        assert (ended == (second.terminations | second.truncations)).all()
        if ended.any():
            break
    assert (inverse[order] == np.arange(n)).all()


def permuted(actions: np.ndarray, order: list[int]) -> np.ndarray:
    """The actions of the states in their new places, stances toward the others in the new order."""
    n = len(order)
    full = np.ones((len(actions), n, n), int)
    for i in range(n):
        full[:, i, [j for j in range(n) if j != i]] = actions[:, i, layout.Head.STANCE :]
    full = full[:, order][:, :, order]
    out = actions[:, order].copy()
    for i in range(n):
        out[:, i, layout.Head.STANCE :] = full[:, i, [j for j in range(n) if j != i]]
    return out


@settings(max_examples=20)
@given(scenarios(), st.integers(0, 2**63))
def test_a_world_of_a_batch_is_the_world_alone(scenario: Scenario, seed: int) -> None:
    """Whatever the batch and the threads: every record, observation and mask, bit for bit, over several episodes."""
    batch = Worlds(scenario, 5, seed=seed, autoreset=True)
    threads = Worlds(scenario, 5, seed=seed, autoreset=True, threads=2)
    alone = Worlds(scenario, 1, seed=seed, first_world=3, autoreset=True)
    rng = np.random.default_rng(seed)
    for _ in range(40):
        actions = random_actions(rng, batch)
        batch.step(actions)
        threads.step(actions)
        alone.step(actions[3:4])
        for name in ("params", "worlds", "states", "pairs", "observations", "masks", "rewards", "final_observations"):
            mine = getattr(batch, name)
            assert mine.tobytes() == getattr(threads, name).tobytes(), name
            assert mine[3:4].tobytes() == getattr(alone, name).tobytes(), name


def test_seeds_worlds_and_episodes_have_streams_of_their_own() -> None:
    w = worlds(num_worlds=50, states__defense=[0.1, 0.3])
    first = w.states["defense"].copy()
    w.reset()
    second = w.states["defense"].copy()
    w.reset(1)
    other_seed = w.states["defense"].copy()
    assert len(np.unique(np.concatenate([first, second, other_seed]))) == 300
    w.reset(0)
    assert (w.states["defense"] == first).all()


def test_partial_resets_leave_the_others_alone() -> None:
    w = worlds(num_worlds=3, states__defense=[0.1, 0.3])
    play(w, s0={"offense": "full"})
    before = w.snapshot()
    w.reset(worlds=[False, True, False])
    for name in ("states", "observations", "worlds"):
        now = w.snapshot()[name]
        assert now[[0, 2]].tobytes() == before[name][[0, 2]].tobytes()
    assert w.worlds["turn"].tolist() == [1, 0, 1]
    assert w.worlds["episode"].tolist() == [0, 1, 0]


@pytest.mark.parametrize("how", ["deepcopy", "pickle", "snapshot"])
def test_a_copy_continues_identically(how: str) -> None:
    scenario = Scenario.load("jervis/multipolar", {"perception.beliefs": True})
    w = Worlds(scenario, 3, seed=9, autoreset=True)
    rng = np.random.default_rng(0)
    for _ in range(10):
        w.step(random_actions(rng, w))
    if how == "snapshot":
        twin = Worlds(scenario, 3, seed=1, autoreset=True)
        twin.restore(w.snapshot())
    else:
        twin = copy.deepcopy(w) if how == "deepcopy" else pickle.loads(pickle.dumps(w))
    for _ in range(60):
        actions = random_actions(rng, w)
        w.step(actions)
        twin.step(actions)
        for name in ("params", "worlds", "states", "pairs", "observations", "masks", "rewards"):
            assert getattr(w, name).tobytes() == getattr(twin, name).tobytes()


def test_a_snapshot_of_other_worlds_is_refused_whole() -> None:
    w = worlds(3)
    before = w.snapshot()
    with pytest.raises(ValueError, match="worlds of the same|of other worlds"):
        w.restore(worlds(2).snapshot())
    assert all((before[key] == value).all() for key, value in w.snapshot().items() if key != "params")


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"num_worlds": 0}, "num_worlds is 0"),
        ({"threads": 0}, "threads is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": 2**64}, "seed is 18446744073709551616"),
    ],
)
def test_bad_arguments_are_named(kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Worlds(quiet(), **kwargs)


def test_actions_of_another_shape_are_refused_and_change_nothing() -> None:
    w = worlds()
    before = w.worlds.tobytes()
    with pytest.raises(ValueError, match=r"actions have shape \(1, 2, 3\); \(1, 2, 4\) is needed"):
        w.step(np.zeros((1, 2, 3), int))
    assert w.worlds.tobytes() == before


@pytest.mark.parametrize("wild", [-(2**40), -1, 4, 63, 64, 2**40])
def test_no_number_crashes_the_kernel(wild: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Worlds refuse what is no choice; should it come through, the rules still write nowhere else."""
    w = worlds(3)
    actions = np.full((1, 3, 5), wild)
    with pytest.raises(ValueError, match=f"{wild} is not among the whole numbers"):
        w.step(actions)
    monkeypatch.setattr(w._choices, "of", lambda given: given)
    w.step(actions)
    assert w.states["illegal"][0].tolist() == [5] * 3
    assert np.array_equal(w.heads.carried_out(w.states, w.pairs), [[layout.noop(3)] * 3])


def test_the_normal_draw_is_normal() -> None:
    """Wichura's inversion against scipy's, tails included, through the uniform that feeds it."""
    from scipy.special import ndtri

    key = np.uint64(12345)
    u = np.array([chance.uniform(key, slot) for slot in range(20000)])
    z = np.array([chance.normal(key, slot) for slot in range(20000)])
    assert np.abs(z - ndtri(u + 2.0**-54)).max() < 2e-6
    assert np.abs(np.corrcoef(u[:-1], u[1:])[0, 1]) < 0.03
