from __future__ import annotations

import copy
import json
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sd_env import layout
from sd_env.scenario import Scenario, ScenarioError, load_scenario
from sd_env.scenario_groups import Actions, Technology, War
from sd_env.scenario_values import FrozenMap

NAN, INF = float("nan"), float("inf")
RANGE = " or a [low, high] range of two such numbers with low <= high"
OMEGA = f"must be a finite number above 0 and at most 100{RANGE}."
SHARE = f"must be a finite number from 0 to 1{RANGE}"
TURNS = f"must be a whole number from 0 to 1000{RANGE}."
STATE = " or a mapping of state names (or 'default') to such numbers"
MATRIX = " or a square matrix of such numbers with one row for each state"


def refused(data: Any, overrides: Any = None) -> str:
    with pytest.raises(ScenarioError) as caught:
        Scenario.load(data, overrides)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    assert caught.value.__suppress_context__ or caught.value.__context__ is None, (
        "pydantic's own report must not be printed beside the sentence"
    )
    return sentence


# --- refusals: each names the key, the value and what is allowed ------------------------------------------------

REFUSALS: list[tuple[dict[Any, Any], str]] = [
    ({"technology.offense_advantage": 0}, f"technology.offense_advantage is 0, but {OMEGA}"),
    ({"technology.offense_advantage": -1.5}, f"technology.offense_advantage is -1.5, but {OMEGA}"),
    ({"technology.offense_advantage": NAN}, f"technology.offense_advantage is nan, but {OMEGA}"),
    ({"technology.offense_advantage": INF}, f"technology.offense_advantage is inf, but {OMEGA}"),
    ({"technology.offense_advantage": "2.0"}, f"technology.offense_advantage is '2.0', but {OMEGA}"),
    ({"technology.offense_advantage": True}, f"technology.offense_advantage is true, but {OMEGA}"),
    ({"technology.offense_advantage": np.True_}, f"technology.offense_advantage is np.True_, but {OMEGA}"),
    ({"technology.offense_advantage": None}, f"technology.offense_advantage is null, but {OMEGA}"),
    ({"technology.offense_advantage": 1 + 2j}, f"technology.offense_advantage is (1+2j), but {OMEGA}"),
    ({"technology.offense_advantage": [2.0, 1.0]}, f"technology.offense_advantage is [2.0, 1.0], but {OMEGA}"),
    ({"technology.offense_advantage": [1.0, NAN]}, f"technology.offense_advantage is [1.0, nan], but {OMEGA}"),
    ({"technology.offense_advantage": [1.0, INF]}, f"technology.offense_advantage is [1.0, inf], but {OMEGA}"),
    ({"technology.offense_advantage": [1, 2, 3]}, f"technology.offense_advantage is [1, 2, 3], but {OMEGA}"),
    ({"technology.offense_advantage": []}, f"technology.offense_advantage is [], but {OMEGA}"),
    ({"technology.offense_advantage": [False, True]}, f"technology.offense_advantage is [False, True], but {OMEGA}"),
    ({"technology.dual_use": 1.5}, f"technology.dual_use is 1.5, but {SHARE} or null."),
    ({"war.conquest": 1.1}, f"war.conquest is 1.1, but {SHARE}."),
    ({"war.decisiveness": 0}, f"war.decisiveness is 0, but must be a finite number above 0 and at most 20{RANGE}."),
    ({"war.contest": "product"}, "war.contest is 'product', but must be one of ratio, difference."),
    ({"war.outcome": "lottery"}, "war.outcome is 'lottery', but must be one of gamble, share."),
    ({"war.mobilization_required": 1}, "war.mobilization_required is 1, but must be true or false."),
    ({"signals.pledge_turns": 2.5}, f"signals.pledge_turns is 2.5, but {TURNS}"),
    ({"signals.pledge_turns": [1, 2.5]}, f"signals.pledge_turns is [1, 2.5], but {TURNS}"),
    ({"signals.pledge_turns": True}, f"signals.pledge_turns is true, but {TURNS}"),
    ({"alliances.call_turns": -1}, f"alliances.call_turns is -1, but {TURNS}"),
    ({"horizon": 0}, f"horizon is 0, but must be a whole number from 1 to 1000{RANGE}."),
    ({"n_states": 1}, "n_states is 1, but must be a whole number from 2 to 16."),
    ({"n_states": 17}, "n_states is 17, but must be a whole number from 2 to 16."),
    ({"n_states": [2, 4]}, "n_states is [2, 4], but must be a whole number from 2 to 16."),
    ({"continuation": 0}, f"continuation is 0, but must be a finite number above 0 and at most 1{RANGE}."),
    ({"states.growth": 0.3}, f"states.growth is 0.3, but must be a finite number from -0.5 to 0.2{RANGE}{STATE}."),
    ({"states.homeland": {}}, f"states.homeland is {{}}, but {SHARE}{STATE}."),
    ({"states.homeland": {1: 0.5}}, f"states.homeland is {{1: 0.5}}, but {SHARE}{STATE}."),
    ({"states.homeland": {"state_0": NAN, "default": 1}}, f"states.homeland.state_0 is nan, but {SHARE}."),
    (
        {"states.economy": {"france": 2.0, "default": 1}},
        "states.economy.france is 2.0, but must be given for a state of this scenario (state_0, state_1) "
        "or for 'default'.",
    ),
    (
        {"states.economy": {"state_0": 2.0}},
        "states.economy is {'state_0': 2.0}, but must be given for every state or with a 'default' "
        "(it leaves out state_1).",
    ),
    (
        {"states.names": ["a", "b", "c"]},
        "states.names is ['a', 'b', 'c'], but must be 2 names, since n_states is 2.",
    ),
    *[
        (
            {"states.names": names},
            f"states.names is {names!r}, but must be null or a list of different names, each a letter and then "
            "letters, digits, '_' or '-', at most 40 in all, and none of them 'default'"
            + (", in quotes where YAML reads something else." if names == ["a", 3] else "."),
        )
        for names in (["a", "a"], ["a", "default"], ["a", "b c"], ["a", ""], ["a", "9b"], ["a", 3], "ab", ["a", "b\n"])
    ],
    ({"geography.reach": [[0, 1.5], [1, 0]]}, f"geography.reach[0][1] is 1.5, but {SHARE}."),
    ({"geography.reach": [[0, NAN], [1, 0]]}, f"geography.reach[0][1] is nan, but {SHARE}."),
    ({"geography.reach": [[0, 1], [[1, 0], 0]]}, f"geography.reach[1][0] is [1, 0], but {SHARE}."),
    ({"geography.reach": [[0, 1], [1]]}, f"geography.reach is [[0, 1], [1]], but {SHARE}{MATRIX}."),
    (
        {"geography.reach": [[0, 1, 1], [1, 0, 1], [1, 1, 0]]},
        "geography.reach is a 3 x 3 matrix, but must be a 2 x 2 matrix, since n_states is 2.",
    ),
    (
        {"n_states": 3, "alliances.amity": [[0, -1], [1, 0]]},
        "alliances.amity is a 2 x 2 matrix, but must be a 3 x 3 matrix, since n_states is 3.",
    ),
    (
        {"actions.stance": ["attack", "mobilize"]},
        "actions.stance is ['attack', 'mobilize'], but must be a list of different choices among align, neutral, "
        "mobilize, attack, with neutral (the no-op) among them.",
    ),
    *[
        (
            {"actions.signal": value},
            f"actions.signal is {shown}, but must be a list of different choices among silence, reassure, threaten, "
            "with silence (the no-op) among them.",
        )
        for value, shown in (
            ([], "[]"),
            ("silence", "'silence'"),
            (["silence", "shout"], "['silence', 'shout']"),
            (["silence", "silence"], "['silence', 'silence']"),
            ([0], "[0]"),
            (None, "null"),
        )
    ],
    (
        {"actions.stance": ["attack", "neutral"]},
        "actions.stance is ['neutral', 'attack'], but must be a list with mobilize where it has attack, "
        "since war.mobilization_required is true.",
    ),
    ({"name": 3}, "name is 3, but must be a text."),
    ({"name": "a\nb"}, r"name is 'a\nb', but must be a text of 1 to 100 printable characters, not all of them blank."),
    ({"sources": "Jervis"}, "sources is 'Jervis', but must be a list of non-empty texts."),
    ({"tags": ["a", " "]}, "tags is ['a', ' '], but must be a list of non-empty texts."),
    ({"war": 3}, "war is 3, but must be a mapping of this group's keys to values."),
    (
        {"technology.offence_advantage": 2.0},
        "technology.offence_advantage (given 2.0) is not a key of a scenario; "
        "the nearest that is allowed is technology.offense_advantage.",
    ),
    (
        {"offense_advantage": 2.0},
        "offense_advantage (given 2.0) is not a key of a scenario; "
        "the nearest that is allowed is technology.offense_advantage.",
    ),
    (
        {"war.conquest.state_0": 0.1},
        "war.conquest.state_0 (given 0.1) is not a key of a scenario; the nearest that is allowed is war.conquest.",
    ),
    (
        {"states.names.state_0": "x"},
        "states.names.state_0 (given 'x') is not a key of a scenario; the nearest that is allowed is states.names.",
    ),
    ({3: 1}, "override 3 (given 1) is not a key of a scenario: keys must be texts."),
]


@pytest.mark.parametrize(("overrides", "sentence"), REFUSALS, ids=lambda value: str(value)[:60])
def test_override_is_refused_in_one_sentence(overrides: dict[str, Any], sentence: str) -> None:
    assert refused(Scenario(), overrides) == sentence


def nested(overrides: dict[str, Any]) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for key, value in overrides.items():
        group, _, field = key.partition(".")
        if field:
            data.setdefault(group, {})[field] = value
        else:
            data[key] = value
    return data


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [case for case in REFUSALS if all(isinstance(key, str) and key.count(".") < 2 for key in case[0])],
    ids=lambda value: str(value)[:60],
)
def test_the_same_mistake_in_a_mapping_reads_the_same(overrides: dict[str, Any], sentence: str) -> None:
    assert refused(nested(overrides)) == sentence


def test_keys_that_are_not_texts_are_refused() -> None:
    assert refused({3: 1}) == "3 (given 1) is not a key of a scenario: keys must be texts."
    assert refused({"war": {3: 1}}) == "war.3 is not a key of a scenario: keys must be texts."


def test_constructors_raise_the_same_sentences() -> None:
    with pytest.raises(ScenarioError, match=r"^n_states is 1, but must be a whole number from 2 to 16\.$"):
        Scenario(n_states=1)
    with pytest.raises(ScenarioError, match=r"^technology\.offense_advantage is 0, but "):
        Technology(offense_advantage=0)
    with pytest.raises(ScenarioError, match=r"^war\.conquest_share .* the nearest that is allowed is war\.conquest\.$"):
        War(conquest_share=0.5)  # type: ignore[call-arg]
    with pytest.raises(ScenarioError, match=r"^n_states is 40, but "):
        Scenario().model_copy(update={"n_states": 40})


def test_huge_and_recursive_values_still_make_one_short_sentence() -> None:
    assert len(refused({"horizon": 10**6000})) < 300
    assert len(refused({"title": list(range(10**5))})) < 300
    loop: list[Any] = []
    loop.append(loop)
    assert len(refused({"geography": {"reach": loop}})) < 400
    assert len(refused({"war": {"conquest": "x" * 10**5}})) < 300


@given(st.sampled_from(Scenario.dotted_keys()), st.sampled_from([NAN, INF, -INF, -1e9, 1e9, object(), b"1", {1: 2}]))
def test_no_key_takes_nonsense_and_each_names_itself(key: str, value: object) -> None:
    sentence = refused(Scenario(), {key: value})
    assert sentence.startswith(f"{key} is ")
    assert ", but must be " in sentence


# --- overrides --------------------------------------------------------------------------------------------------


def test_overrides_make_a_new_scenario_and_change_nothing_given() -> None:
    scenario = Scenario()
    overrides = {"technology.offense_advantage": [1, 2], "war": {"conquest": 0.5}, "states.economy.state_1": 3}
    before = copy.deepcopy(overrides)
    changed = scenario.with_overrides(overrides)
    assert overrides == before
    assert scenario == Scenario()
    assert changed.technology.offense_advantage == (1.0, 2.0)
    assert changed.war == War(conquest=0.5)
    assert changed.states.economy == {"default": 1.0, "state_1": 3.0}
    assert Scenario.load(scenario, overrides) == changed
    data = {"war": {"conquest": 0.1}, "technology": Technology(drift=0.1)}
    loaded = Scenario.load(data, {"war.spoils": 0.2, "technology.distinguishability": 1})
    assert data == {"war": {"conquest": 0.1}, "technology": Technology(drift=0.1)}
    assert (loaded.war.conquest, loaded.war.spoils) == (0.1, 0.2)
    assert loaded.technology == Technology(drift=0.1, distinguishability=1)


def test_an_override_of_n_states_validates_everything_again() -> None:
    scenario = Scenario(geography={"reach": [[0, 1], [0.5, 0]]})  # type: ignore[arg-type]
    assert "3 x 3 matrix" in refused(scenario, {"n_states": 3})
    assert scenario.with_overrides({"n_states": 3, "geography.reach": 1}).n_states == 3
    named = Scenario(states={"names": ["a", "b"]})  # type: ignore[arg-type]
    assert refused(named, {"n_states": 3}).startswith("states.names is ['a', 'b'], but must be 3 names")


def test_greed_of_one_state_leaves_the_others_to_the_motives() -> None:
    scenario = Scenario().with_overrides({"states.greed.state_1": 0})
    assert scenario.states.greed == {"state_1": 0.0}
    states = scenario.bounds().states
    greed, p_greedy = (layout.INITIAL_STATE.index(name) for name in ("greed", "p_greedy"))
    assert states[:, 0, greed].tolist() == [1.5, 1.5]
    assert states[:, 0, p_greedy].tolist() == [0.25, 0.25]
    assert states[:, 1, greed].tolist() == [0, 0]
    assert states[:, 1, p_greedy].tolist() == [0, 0]


def test_overrides_that_are_no_mapping_are_refused() -> None:
    sentence = "overrides is [('horizon', 3)], but must be a mapping of dotted keys to values."
    assert refused(Scenario(), [("horizon", 3)]) == sentence


# --- immutability, identity, copies -----------------------------------------------------------------------------

RICH = {
    "name": "test/rich",
    "title": "Ähnlich: 'quoted' — \u0085 and \x07",
    "sources": ["A: b", "no"],
    "n_states": 3,
    "horizon": [4, 9],
    "states": {
        "names": ["germany", "österreich", "serbia-1"],
        "economy": {"germany": [1, 2], "default": 0.5},
        "greed": {"germany": [0, 2], "serbia-1": 0},
    },
    "geography": {"reach": [[0, 1, [0.2, 0.4]], [1, 0, 1], [0.3, 1, 0]]},
    "alliances": {"amity": [[0, -1, 0.5], [0, 0, 0], [0, 0, 0]]},
    "technology": {"offense_advantage": 1e-7, "perceived_offense_advantage": 2.0},
    "actions": {"stance": ["attack", "mobilize", "neutral"]},
}


def test_frozen_and_deeply_so() -> None:
    scenario = Scenario.load(RICH)
    with pytest.raises(ValueError, match="frozen"):
        scenario.horizon = 3
    with pytest.raises(ValueError, match="frozen"):
        scenario.war.conquest = 0.5
    economy: Any = scenario.states.economy
    with pytest.raises(TypeError):
        economy["germany"] = 1
    with pytest.raises(AttributeError):
        economy._items = {}

    def immutable(value: Any) -> None:
        assert isinstance(value, (str, int, float, bool, tuple, FrozenMap, type(None)))
        for item in value.values() if isinstance(value, FrozenMap) else value if isinstance(value, tuple) else ():
            immutable(item)

    for key in Scenario.dotted_keys():
        value: Any = scenario
        for part in key.split("."):
            value = getattr(value, part)
        immutable(value)
    given_names = ["a", "b"]
    kept = Scenario.load({"states": {"names": given_names}})
    given_names.append("c")
    assert kept.agents == ("a", "b")


def test_copies_hash_and_fingerprint() -> None:
    scenario = Scenario.load(RICH)
    for twin in (
        copy.deepcopy(scenario),
        copy.copy(scenario),
        pickle.loads(pickle.dumps(scenario)),
        Scenario.load(RICH),
    ):
        assert twin == scenario
        assert hash(twin) == hash(scenario)
        assert twin.fingerprint() == scenario.fingerprint()
    assert re.fullmatch("[0-9a-f]{64}", scenario.fingerprint())
    other = scenario.with_overrides({"war.conquest": 0.26})
    assert other.fingerprint() != scenario.fingerprint()
    reordered = Scenario.load(dict(reversed(RICH.items())))
    assert reordered.fingerprint() == scenario.fingerprint()
    # whole, negative zero and order of choices are written one way
    assert (
        Scenario.load({}, {"war.conquest": 1}).fingerprint() == Scenario.load({}, {"war.conquest": 1.0}).fingerprint()
    )
    assert (
        Scenario.load({}, {"horizon": 3.0}).fingerprint() == Scenario.load({}, {"horizon": np.int64(3)}).fingerprint()
    )
    assert Scenario.load({}, {"motives.routine": -0.0}).fingerprint() == Scenario().fingerprint()
    assert Actions(stance=("attack", "neutral", "align", "mobilize")) == Actions()


def test_agents() -> None:
    assert Scenario(n_states=3).agents == ("state_0", "state_1", "state_2")
    assert Scenario.load(RICH).agents == ("germany", "österreich", "serbia-1")


@pytest.mark.parametrize("data", [{}, RICH])
def test_round_trip_through_a_file(tmp_path: Path, data: dict[str, Any]) -> None:
    scenario = Scenario.load(data)
    for path in (tmp_path / "a.yaml", str(tmp_path / "b.yaml")):
        scenario.save(path)
        assert Scenario.load(path) == scenario
        assert load_scenario(path).fingerprint() == scenario.fingerprint()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.yaml", "b.yaml"], "no temporary file is left"
    assert yaml.safe_load(scenario.to_yaml()) == scenario.to_dict(), "any YAML reader reads it"
    assert json.loads(json.dumps(scenario.to_dict())) == scenario.to_dict()
