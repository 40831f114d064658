"""Setup and chance: every draw is its own, uniform and unmoved by the others; and a reset leaves nothing behind."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
from scipy import stats

from sd_env import layout
from sd_env.rules import chance, setup
from sd_env.scenario import Scenario
from sd_env.scenario_values import Quantity
from sd_env.worlds import Worlds
from tests.table import random_actions
from tests.transcripts import GUNS_AND_BUTTER

WORLDS = 6000
#: A test that should fail once in a million times if all is as it is said to be.
RARE = 1e-6
QUANTITIES = Scenario.quantities()
TURNS = 1000  # the longest horizon
TURN_DRAWS = ("NOISE", "HEARING", "OUTCOME", "CONTINUATION", "DRIFT", "TURNOVER", "INSPECTION", "MEDIATION")


def all_ranged(n_states: int) -> Scenario:
    """Every number that can be, drawn between its least and its greatest, whole ones between 0 or 1 and 9."""
    ranges: dict[str, Any] = {}
    for key, quantity in QUANTITIES.items():
        low = quantity.low + (0.1 if quantity.above and not quantity.whole else 0.0)
        ranges[key] = [quantity.low, 9] if quantity.whole else [low, quantity.high]
    for key in ("n_states", "states.greed", "arming.levels", "war.force_levels"):
        del ranges[key]
    return Scenario.load({}, {"n_states": n_states, **ranges, "motives.greed": [1, 2]})


@pytest.fixture(scope="module")
def drawn() -> dict[str, np.ndarray]:
    """What is drawn at the reset of many worlds with everything ranged, by name, scaled to 0 to 1."""
    scenario = all_ranged(3)
    worlds, bounds = Worlds(scenario, WORLDS, seed=11), scenario.bounds()
    found: dict[str, np.ndarray] = {}

    def keep(name: str, values: np.ndarray, span: np.ndarray) -> None:
        if span[0] < span[1]:
            found[name] = (values - span[0]) / (span[1] - span[0])

    for k, name in enumerate(layout.PARAMETERS):
        keep(name, worlds.params[name], bounds.parameters[:, k])
    for i in range(3):
        for k, name in enumerate(layout.INITIAL_STATE):
            if name not in ("greed", "p_greedy"):
                keep(f"{name} of {i}", worlds.states[name][:, i], bounds.states[:, i, k])
        found[f"type of {i}"] = (worlds.states["greed"][:, i] > 0).astype(float)
        for j in range(3):
            for k, name in enumerate(layout.INITIAL_PAIR):
                keep(f"{name} of {i} to {j}", worlds.pairs[name][:, i, j], bounds.pairs[:, i, j, k])
    return found


def bound_on_correlation(columns: int) -> float:
    """What no correlation of so many independent columns exceeds but with probability ``RARE``."""
    pairs = columns * (columns - 1) / 2
    return float(stats.norm.isf(RARE / pairs / 2)) / math.sqrt(WORLDS)


def related(columns: dict[str, np.ndarray]) -> list[str]:
    """Pairs of columns that are not independent, in words."""
    names, least = list(columns), bound_on_correlation(len(columns))
    found = np.corrcoef(np.array(list(columns.values())))
    return [
        f"{names[a]} and {names[b]}: {found[a, b]:.3f}"
        for a, b in combinations(range(len(names)), 2)
        if not abs(found[a, b]) < least
    ]


def test_everything_that_can_be_ranged_is_drawn(drawn: dict[str, np.ndarray]) -> None:
    of_states = len(layout.INITIAL_STATE) - 2 + 1  # not greed and its probability, but the type
    ranged = [key for key, item in QUANTITIES.items() if type(item) is Quantity]
    parameters = len(ranged) - len(
        ("n_states", "motives.greed", "motives.p_greedy", "arming.levels", "war.force_levels")
    )
    assert len(drawn) == parameters + 3 * of_states + 6 * len(layout.INITIAL_PAIR) > 70


def test_no_two_draws_of_a_reset_are_related(drawn: dict[str, np.ndarray]) -> None:
    """By place, a parameter once had the draw of state 0's holdings: a correlation of 1."""
    assert related(drawn) == []
    assert bound_on_correlation(len(drawn)) < 0.1
    shared = {**drawn, "shared": drawn["holdings of 0"] + 0.05 * drawn["conquest"]}
    assert any(text.startswith("holdings of 0 and shared") for text in related(shared)), "the test sees nothing"


def test_draws_of_a_reset_are_uniform(drawn: dict[str, np.ndarray]) -> None:
    whole = {key.rpartition(".")[2] for key, item in QUANTITIES.items() if item.whole}
    for name, values in drawn.items():
        if name in whole:
            _, counts = np.unique(values, return_counts=True)
            assert len(counts) in (9, 10), name  # 1 to 9, or 0 to 9
            chances = stats.chisquare(counts)
        elif name.startswith("type"):
            continue  # greedy with a probability that is itself uniform: half of them
        else:
            chances = stats.kstest(values, "uniform")
        assert chances.pvalue > RARE / len(drawn), name
    types = [values.mean() for name, values in drawn.items() if name.startswith("type")]
    assert types == pytest.approx([0.5] * 3, abs=float(stats.norm.isf(RARE)) * 0.5 / math.sqrt(WORLDS))


def test_draws_of_turns_are_unrelated_to_each_other_and_to_those_of_the_reset() -> None:
    slots = {
        f"{name} of {i} and {j}, turn {turn}": chance.slot_of(getattr(chance, name), turn, i, j)
        for name in TURN_DRAWS
        for turn in (0, 1, 2)
        for i, j in ((0, 0), (0, 1), (1, 0))
    }
    slots |= {name: slot for name, (slot, last) in of_setup() if slot == last}
    keys = [np.uint64(chance.stream_key(np.uint64(5), world, 0)) for world in range(WORLDS)]
    columns = {
        name: np.array([chance.uniform(key, place) for key in keys])
        for name, place in zip(slots, map(np.uint64, slots.values()), strict=True)
    }
    assert related(columns) == []
    assert min(stats.kstest(values, "uniform").pvalue for values in columns.values()) > RARE / len(columns)


def of_setup() -> Iterator[tuple[str, tuple[int, int]]]:
    """First and last slot of each name that is drawn at a reset; those of a type are drawn on turns, too."""
    pairs = int(chance.slot_of(np.uint64(0), 0, layout.MAX_STATES - 1, layout.MAX_STATES - 1))
    of_turns = int(chance.slot_of(np.uint64(0), TURNS, layout.MAX_STATES - 1, layout.MAX_STATES - 1))
    for name, first in zip(layout.PARAMETERS, setup._PARAMETER_DRAWS.tolist(), strict=True):
        yield f"parameter {name}", (first, first)
    for names, slots in ((layout.INITIAL_STATE, setup._STATE_DRAWS), (layout.INITIAL_PAIR, setup._PAIR_DRAWS)):
        for name, first in zip(names, slots.tolist(), strict=True):
            yield name, (first, first + (of_turns if name in ("greed", "p_greedy") else pairs))
    yield "type", (int(setup._TYPE_DRAW), int(setup._TYPE_DRAW) + of_turns)


def test_no_two_names_share_a_slot_in_the_longest_world_of_most_states() -> None:
    longest = int(chance.slot_of(np.uint64(0), TURNS, layout.MAX_STATES - 1, layout.MAX_STATES - 1))
    assert QUANTITIES["horizon"].high == TURNS and layout.MAX_STATES <= 256
    spans = [span for _, span in of_setup()]
    spans += [(int(getattr(chance, name)), int(getattr(chance, name)) + longest) for name in TURN_DRAWS]
    spans.sort()
    assert len(spans) > 60
    assert all(last < first for (_, last), (first, _) in pairwise(spans))
    assert spans[-1][1] - 2**64 < spans[0][0]


def test_every_name_of_a_turn_is_known_here() -> None:
    names = {name for name, value in vars(chance).items() if isinstance(value, np.uint64) and not name.startswith("_")}
    assert names == set(TURN_DRAWS)


def test_a_name_is_its_hash_and_nothing_else() -> None:
    """The same in every process and on every machine: goldens would change, but not say why."""
    assert chance.named("parameter:conquest") == CONQUEST
    assert chance.named("parameter:conquest") == setup._PARAMETER_DRAWS[layout.PARAMETERS.index("conquest")]


CONQUEST = 0xC7B7A6D11FFF5E36


# --- blank records ----------------------------------------------------------------------------------------------


def test_a_reset_leaves_nothing_of_the_episode_before() -> None:
    """Every byte of every record is that of a world that was never played."""
    scenario = Scenario.load(GUNS_AND_BUTTER, {"n_states": 4})
    played, fresh = Worlds(scenario, 6, seed=2, track_beliefs=True), Worlds(scenario, 6, seed=2, track_beliefs=True)
    rng = np.random.default_rng(2)
    before = {name: played.snapshot()[name].copy() for name in ("worlds", "states", "pairs")}
    for _ in range(8):
        played.step(random_actions(rng, played))
    moved = {f"{table} {name}" for table, kept in before.items() for name in kept.dtype.names
             if (kept[name] != played.snapshot()[table][name]).any()}  # fmt: skip
    assert len(moved) > 60, "too little has happened to be left behind"
    played.reset(2)
    for name in ("params", "worlds", "states", "pairs", "observations", "masks"):
        assert played.snapshot()[name].tobytes() == fresh.snapshot()[name].tobytes(), name


def test_blanks_say_what_is_so_before_anything_happens() -> None:
    state, pair, world = layout.BLANK_STATE[0], layout.BLANK_PAIR[0], layout.BLANK_WORLD[0]
    assert pair["stance"] == pair["previous"] == layout.Stance.NEUTRAL
    assert state["build_offense"] == state["build_defense"] == layout.Build.NONE
    assert state["signal"] == layout.Signal.SILENCE
    others = {"keep": 1, "standing": 1, "stance": 1, "previous": 1, "belief": 1, "evidence": 1, "posture": 1}
    for record in (state, pair, world):
        assert {name: record[name] for name in record.dtype.names if record[name]} == {
            name: value for name, value in others.items() if name in record.dtype.names and record[name]
        }
    with pytest.raises(ValueError, match="read-only"):
        layout.BLANK_STATE["keep"] = 0.0
