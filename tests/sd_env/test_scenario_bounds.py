from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from sd_env import layout
from sd_env.scenario import Scenario
from sd_env.scenario_groups import States
from sd_env.scenario_values import PairQuantity, StateQuantity

QUANTITIES = Scenario.quantities()
PAIRS_AND_STATES = {
    "n_states": 3,
    "states": {
        "names": ["germany", "france", "serbia"],
        "economy": {"germany": [1, 2], "default": 0.5},
        "greed": {"germany": [0, 2], "serbia": 0},
    },
    "geography": {"reach": [[0, 1, [0.2, 0.4]], [1, 0, 1], [0.3, 1, 0]]},
    "alliances": {"amity": [[0, -1, 0.5], [0, 0, 0], [0, 0, 0]]},
    "actions": {"stance": ["attack", "mobilize", "neutral"]},
}


# --- documentation and schema -----------------------------------------------------------------------------------


def leaves() -> dict[str, Any]:
    schema = Scenario.json_schema()
    found: dict[str, Any] = {}
    for name, entry in schema["properties"].items():
        group = entry.get("$ref", "").rpartition("/")[2]
        if group:
            inner = schema["$defs"][group]["properties"]
            found |= {f"{name}.{field}": leaf for field, leaf in inner.items()}
        else:
            found[name] = entry
    return found


LEAVES = leaves()


def test_the_schema_has_every_key_and_refuses_others() -> None:
    assert list(LEAVES) == Scenario.dotted_keys()
    schema = Scenario.json_schema()
    assert schema["additionalProperties"] is False
    assert all(group["additionalProperties"] is False for group in schema["$defs"].values())
    assert json.loads(json.dumps(schema)) == schema


@pytest.mark.parametrize("key", LEAVES)
def test_every_key_is_documented(key: str) -> None:
    leaf = LEAVES[key]
    assert len(leaf["description"]) > 10
    assert "default" in leaf


@pytest.mark.parametrize(
    "key",
    [
        *(*QUANTITIES, "war.mobilization_required", "war.outcome", "war.contest"),
        *("perception.context_observed", "perception.beliefs"),
    ],
)
def test_every_number_has_unit_range_and_source(key: str) -> None:
    leaf = LEAVES[key]
    assert leaf["unit"]
    assert leaf["source"]
    if key in QUANTITIES:
        one = leaf.get("anyOf", [leaf])[0]
        assert one["type"] == ("integer" if QUANTITIES[key].whole else "number")
        assert one.get("minimum", one.get("exclusiveMinimum")) == QUANTITIES[key].low
        assert one["maximum"] == QUANTITIES[key].high
        assert np.isfinite([QUANTITIES[key].low, QUANTITIES[key].high]).all()


def test_every_parameter_of_a_world_is_a_quantity_or_a_choice() -> None:
    switches = {"mobilization_required", "context_observed", "beliefs", "gamble", "difference"}
    switches |= {"hotline", "institutions_shown"}
    fields = {key.rpartition(".")[2] for key in QUANTITIES} | switches
    assert {name for name in layout.PARAMETERS if not name.startswith("allowed_")} <= fields
    whole = {key.rpartition(".")[2] for key, item in QUANTITIES.items() if item.whole} - {"n_states"}
    assert whole == layout.WHOLE_PARAMETERS


# --- bounds -----------------------------------------------------------------------------------------------------


def test_bounds_of_the_default() -> None:
    bounds = Scenario().bounds()
    for array in (bounds.parameters, bounds.states, bounds.pairs):
        assert array.dtype == np.float64
        assert array.flags.c_contiguous
    assert bounds.parameters.shape == (2, len(layout.PARAMETERS))
    assert bounds.states.shape == (2, 2, len(layout.INITIAL_STATE))
    assert bounds.pairs.shape == (2, 2, 2, len(layout.INITIAL_PAIR))
    low = dict(zip(layout.PARAMETERS, bounds.parameters[0], strict=True))
    np.testing.assert_array_equal(bounds.parameters[0], bounds.parameters[1])
    assert np.isnan(low.pop("perceived_offense_advantage"))
    assert np.isnan(low.pop("dual_use")) and np.isnan(low.pop("treaty_limit"))
    assert low["horizon"] == 32
    assert low["gamble"] == 1
    assert low["difference"] == 0
    assert low["mobilization_required"] == 1
    assert low["context_observed"] == 1
    assert low["beliefs"] == 0
    assert low["allowed_build_offense"] == low["allowed_build_defense"] == low["allowed_signal"] == 0b111
    assert low["allowed_stance"] == 0b1111
    defense = layout.INITIAL_STATE.index("defense")
    assert bounds.states[:, :, defense].tolist() == [[0.1, 0.1], [0.3, 0.3]]


@pytest.mark.parametrize("name", [name for name in layout.PARAMETERS if not name.startswith("allowed_")])
def test_each_parameter_lands_in_its_own_column(name: str) -> None:
    special: dict[str, tuple[str, Any, tuple[float, float]]] = {
        "gamble": ("war.outcome", "share", (0, 0)),
        "difference": ("war.contest", "difference", (1, 1)),
        "mobilization_required": ("war.mobilization_required", False, (0, 0)),
        "context_observed": ("perception.context_observed", False, (0, 0)),
        "beliefs": ("perception.beliefs", True, (1, 1)),
        "hotline": ("institutions.hotline", True, (1, 1)),
        "institutions_shown": ("institutions.mediation", [0, 0.5], (1, 1)),
    }
    if name in special:
        key, value, expected = special[name]
    else:
        key = next(key for key in QUANTITIES if key.rpartition(".")[2] == name and not key.startswith("states."))
        quantity = QUANTITIES[key]
        value = (1, 3) if quantity.whole else (quantity.high / 4, quantity.high / 2)
        value, expected = (value, value) if quantity.ranged else (3, (3, 3))
    plain, changed = Scenario().bounds(), Scenario().with_overrides({key: value}).bounds()
    column = layout.PARAMETERS.index(name)
    assert tuple(changed.parameters[:, column]) == expected
    graded = [f"allowed_{head.label}" for head in layout.Head if head.graded == name]  # they have other choices then
    shows = {"treaty_limit", "mediation", "crisis_turns", "institutions_shown"}
    together = {*shows} - {"treaty_limit", "crisis_turns"} if name == "institutions_shown" else {"institutions_shown"}
    others = ~np.isin(layout.PARAMETERS, [name, *graded, *(together if name in shows else ())])
    np.testing.assert_array_equal(plain.parameters[:, others], changed.parameters[:, others])
    np.testing.assert_array_equal(plain.states, changed.states)
    np.testing.assert_array_equal(plain.pairs, changed.pairs)


def test_bounds_of_states_and_pairs() -> None:
    bounds = Scenario.load(PAIRS_AND_STATES).bounds()
    state, pair = layout.INITIAL_STATE.index, layout.INITIAL_PAIR.index
    assert bounds.states[:, :, state("economy")].tolist() == [[1, 0.5, 0.5], [2, 0.5, 0.5]]
    assert bounds.states[:, :, state("greed")].tolist() == [[0, 1.5, 0], [2, 1.5, 0]]
    assert bounds.states[:, :, state("p_greedy")].tolist() == [[1, 0.25, 0], [1, 0.25, 0]]
    assert bounds.pairs[0, :, :, pair("reach")].tolist() == [[0, 1, 0.2], [1, 0, 1], [0.3, 1, 0]]
    assert bounds.pairs[1, :, :, pair("reach")].tolist() == [[0, 1, 0.4], [1, 0, 1], [0.3, 1, 0]]
    assert bounds.pairs[0, :, :, pair("amity")].tolist() == [[0, -1, 0.5], [0, 0, 0], [0, 0, 0]]
    column = layout.PARAMETERS.index("allowed_stance")
    assert bounds.parameters[0, column] == 0b1110
    greedy = Scenario(states=States(greed=2.0)).bounds().states
    assert greedy[0, :, state("p_greedy")].tolist() == [1, 1]
    ranged = Scenario.load({}, {"geography.reach": [0.2, 0.8]}).bounds().pairs
    assert ranged[:, 0, 1, 0].tolist() == [0.2, 0.8]
    assert ranged[:, 0, 0, 0].tolist() == [0, 0], "the diagonal is ignored"


def test_bounds_are_fresh_arrays() -> None:
    scenario = Scenario()
    scenario.bounds().parameters[:] = -1
    assert scenario.bounds().parameters[0, 0] == 32


def test_arrays_may_be_given_for_matrices() -> None:
    reach = np.array([[0.0, 0.5], [0.25, 0.0]])
    assert Scenario.load({}, {"geography.reach": reach}).geography.reach == ((0.0, 0.5), (0.25, 0.0))


def test_kinds_of_quantity() -> None:
    per_state = {key for key, item in QUANTITIES.items() if isinstance(item, StateQuantity)}
    assert per_state == {key for key in QUANTITIES if key.startswith("states.")}
    per_pair = {key for key, item in QUANTITIES.items() if isinstance(item, PairQuantity)}
    assert per_pair == {"geography.reach", "alliances.amity"}
