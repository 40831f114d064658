"""What holds of every strategy: short and cited, legal everywhere, the same alone and in a batch, repeatable."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import agents
from agents.strategies import BUILT_INS, Strategy, Traits
from sd_env import layout
from sd_env.layout import Own
from sd_env.scenario import Scenario
from sd_env.worlds import Worlds
from tests.table import random_actions

each_strategy = pytest.mark.parametrize("strategy", BUILT_INS, ids=lambda strategy: strategy.name)
DETERMINISTIC = [strategy for strategy in BUILT_INS if not strategy.traits.stochastic]
#: Hot and short, so that a few turns show wars, fallen states, alliances, calls and pledges.
LIVELY: dict[str, Any] = {
    "states.offense": [0.0, 4.0],
    "states.defense": [0.0, 1.0],
    "states.growth": [-0.1, 0.1],
    "war.mobilization_required": False,
    "war.conquest": 0.9,
    "war.collapse": 0.3,
    "horizon": 6,
}


def history(n_states: int, turns: int, *, rows: int = 3, **overrides: Any) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Observations ``(K, D)`` and masks of all seats of some worlds of random play, which begin anew when they end."""
    dotted = {key.replace("__", "."): value for key, value in overrides.items()}
    scenario = Scenario().with_overrides({"n_states": n_states, **LIVELY, **dotted})
    table = Worlds(scenario, rows, seed=n_states, autoreset=True)
    rng = np.random.default_rng(n_states)
    for _ in range(turns):
        d, m = table.observations.shape[-1], table.masks.shape[-1]
        yield table.observations.reshape(-1, d).copy(), table.masks.reshape(-1, m).copy()
        table.step(random_actions(rng, table))


def with_belief(observation: np.ndarray, n_states: int, belief: float) -> np.ndarray:
    """The observation with a column of belief at the end of each block about another state."""
    cuts = [layout.OWN_SIZE + layout.OTHER_SIZE * (slot + 1) for slot in range(n_states - 1)]
    return np.insert(observation, cuts, np.float32(belief), axis=1)


# --- every strategy -------------------------------------------------------------------------------------------


def test_there_are_enough_of_them_with_names_of_their_own() -> None:
    assert len(BUILT_INS) >= 23
    assert len({strategy.name for strategy in BUILT_INS}) == len(BUILT_INS)
    assert {strategy.name for strategy in BUILT_INS} <= set(agents.names())


@each_strategy
def test_it_is_short_cited_and_its_parameters_are_explained(strategy: type[Strategy]) -> None:
    lines = inspect.getsource(strategy).splitlines()
    assert len(lines) <= 40
    described = agents.describe(strategy.name)
    assert described.summary.endswith(".")
    assert re.fullmatch(r"[A-Z][\w ,]+ (19|20)\d\d, [^;]+(; [A-Z][\w ,]+ (19|20)\d\d, [^;]+)*", described.citation)
    assert [p.name for p in described.parameters if not p.meaning] == []
    assert isinstance(strategy.traits, Traits)
    assert (strategy.traits.memory != 0) == bool(strategy.cells)


@each_strategy
@pytest.mark.parametrize(("n_states", "context"), [(2, True), (3, False), (5, True), (16, False)])
def test_it_is_legal_in_every_world(strategy: type[Strategy], n_states: int, context: bool) -> None:
    policy = strategy()
    policy.reset(1)
    fallen = 0
    for observation, mask in history(n_states, 9, perception__context_observed=context):
        actions = policy.act(observation, mask)
        assert actions.shape == (len(mask), 3 + n_states - 1)
        assert actions.dtype == np.int64
        start = np.cumsum([0, *layout.action_sizes(n_states)[:-1]])
        assert np.take_along_axis(mask, actions + start, axis=1).all()
        out = observation[:, Own.STANDING] == 0
        assert (actions[out] == layout.noop(n_states)).all()
        fallen += int(out.sum())
    assert fallen > 0 or n_states == 2  # where one of two falls, the next episode begins


@pytest.mark.parametrize("strategy", DETERMINISTIC, ids=lambda strategy: strategy.name)
@pytest.mark.parametrize("n_states", [2, 4])
def test_a_batch_of_seats_is_so_many_single_seats(strategy: type[Strategy], n_states: int) -> None:
    """Also where the seats' episodes end and begin at different times."""
    batch, singles = strategy(), [strategy() for _ in range(3 * n_states)]
    for policy in (batch, *singles):
        policy.reset(0)
    begun = 0
    for observation, mask in history(n_states, 9):
        actions = batch.act(observation, mask)
        alone = [policy.act(observation[k : k + 1], mask[k : k + 1])[0] for k, policy in enumerate(singles)]
        assert np.array_equal(actions, alone)
        begun += len(set((observation[:, Own.TURN] == 0).tolist())) == 2
    assert begun > 0 or n_states == 4  # worlds of two end early, each at its own time


@each_strategy
def test_it_follows_from_its_seed_and_from_its_copy(strategy: type[Strategy]) -> None:
    policy, again = strategy(), strategy()
    policy.reset(5)
    again.reset(5)
    steps = list(history(3, 8))
    for observation, mask in steps[:4]:
        assert np.array_equal(policy.act(observation, mask), again.act(observation, mask))
    twins = copy.deepcopy(policy), pickle.loads(pickle.dumps(policy))
    for observation, mask in steps[4:]:
        expected = policy.act(observation, mask)
        for twin in twins:
            assert np.array_equal(twin.act(observation, mask), expected)


@each_strategy
def test_hidden_parameters_may_be_given_to_it_instead(strategy: type[Strategy]) -> None:
    """Told the world's parameters, it plays a hidden world as one that it sees."""
    told = {
        name: value for name, value in {
            "perceived_offense_advantage": 1.7, "dual_use": 0.3, "base_defense": 0.2, "decisiveness": 1.5,
            "first_strike": 0.25, "conquest": 0.9, "restoration": 0.0, "attacker_cost": 0.2,
            "distinguishability": 0.7, "build_rate": 0.3, "depreciation": 0.05, "capacity_cap": 1.5,
        }.items() if name in strategy.model_fields
    }  # fmt: skip
    world = {
        "technology__offense_advantage": 1.7, "technology__dual_use": 0.3, "war__base_defense": 0.2,
        "war__decisiveness": 1.5, "war__first_strike": 0.25, "war__attacker_cost": 0.2,
        "technology__distinguishability": 0.7, "arming__build_rate": 0.3, "arming__depreciation": 0.05,
        "arming__capacity_cap": 1.5,
    }  # fmt: skip
    seeing, knowing = strategy(), strategy(**told)
    seeing.reset(0)
    knowing.reset(0)
    shown = history(3, 9, **world)
    hidden = history(3, 9, **world, perception__context_observed=False)
    for (seen, mask), (unseen, _) in zip(shown, hidden, strict=True):
        assert seen.shape[1] == unseen.shape[1] + layout.CONTEXT_SIZE
        assert np.array_equal(seeing.act(seen, mask), knowing.act(unseen, mask))


def test_defaults_for_hidden_parameters_are_the_scenarios() -> None:
    keys = {key.rpartition(".")[2]: key for key in Scenario.dotted_keys()}
    scenario = Scenario()
    checked = 0
    for strategy in BUILT_INS:
        for name, field in strategy.model_fields.items():
            if "hidden" not in (field.description or ""):
                continue
            key = keys["offense_advantage" if name == "perceived_offense_advantage" else name]
            group, _, last = key.partition(".")
            value = getattr(getattr(scenario, group), last)
            if name == "dual_use":
                assert value is None
                value = 1.0 - scenario.technology.distinguishability
            assert (strategy.name, name, field.default) == (strategy.name, name, value)
            checked += 1
    assert checked > 20
