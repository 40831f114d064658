from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sd_env.scenario import Scenario, ScenarioError
from sd_env.scenario_files import parse_yaml
from sd_env.scenario_groups import War
from sd_env.scenario_values import Quantity

SHARE = "must be a finite number from 0 to 1 or a [low, high] range of two such numbers with low <= high"


def refused(data: Any) -> str:
    with pytest.raises(ScenarioError) as caught:
        Scenario.load(data)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


TWICE = "is a key given twice, but a key must be given only once."


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "scenario.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def finite(quantity: Quantity) -> st.SearchStrategy[Any]:
    one: st.SearchStrategy[Any]
    if quantity.whole:
        one = st.integers(int(quantity.low), int(quantity.high))
    else:
        one = st.floats(quantity.low, quantity.high, exclude_min=quantity.above)
    if not quantity.ranged:
        return one
    return one | st.tuples(one, one).map(sorted)


QUANTITIES = Scenario.quantities()


@given(st.data(), st.text(st.characters(exclude_categories=["Cs"])))
def test_every_number_within_its_range_is_taken_and_round_trips(tmp_path_factory: Any, data: Any, title: str) -> None:
    keys = data.draw(st.lists(st.sampled_from(sorted(QUANTITIES)), unique=True, max_size=12))
    scenario = Scenario(title=title).with_overrides({key: data.draw(finite(QUANTITIES[key])) for key in keys})
    path = tmp_path_factory.mktemp("trip") / "scenario.yaml"
    scenario.save(path)
    assert Scenario.load(path) == scenario
    bounds = scenario.bounds()
    for low, high in (bounds.parameters, bounds.states, bounds.pairs):
        assert np.all((low <= high) | (np.isnan(low) & np.isnan(high)))


@given(
    st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from(" \n\t\r:#-'\"\x85\u2028\ufeff\\"), max_size=60)
)
@example("0E0")
@example("no")
@example("\x85")
@example("a\n\n b: |\n")
def test_every_text_round_trips(text: str) -> None:
    scenario = Scenario(title=text, description=5 * text)
    assert Scenario.load(parse_yaml(scenario.to_yaml().encode())) == scenario


def test_numbers_in_scientific_notation_are_numbers(tmp_path: Path) -> None:
    path = write(tmp_path, "war: {conquest: 1e-3, attacker_cost: 2E+1}\n")
    assert Scenario.load(path).war == War(conquest=1e-3, attacker_cost=20.0)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("horizon: 3\nn_states: 2\nhorizon: 4\n", f"'horizon' on line 3 {TWICE}"),
        ("war:\n  conquest: .1\n  conquest: .1\n", f"'conquest' on line 3 {TWICE}"),
        ("", "the file holds null, but must hold a mapping of scenario keys to values."),
        ("- 1\n", "the file holds [1], but must hold a mapping of scenario keys to values."),
        ("war: [1\n", "the file is not YAML, as it must be: expected ',' or ']', but got '<stream end>' on line 2."),
        (
            "war: !!python/object/apply:os.getcwd []\n",
            "the file is not YAML, as it must be: line 1 has the tag !!python/object/apply:os.getcwd, "
            "but values are written without tags.",
        ),
        ("war: {conquest: .nan}\n", f"war.conquest is nan, but {SHARE}."),
        ("war: {conquest: -.inf}\n", f"war.conquest is -inf, but {SHARE}."),
        ("war:\n", "war is null, but must be a mapping of this group's keys to values."),
        (
            "war.conquest: .1\n",
            "'war.conquest' (given 0.1) is a key of overrides, but a scenario nests its keys: {war: {conquest: 0.1}}.",
        ),
        (
            "states:\n  names: [no, se]\n",
            "no on line 2 is false to some readers of YAML and a text to others: "
            "write false, or quote it ('no') if the text is meant.",
        ),
        ("? [a, b]\n: 1\n", "the file is not YAML, as it must be: found unhashable key on line 1."),
    ],
)
def test_bad_files_are_refused(tmp_path: Path, text: str, sentence: str) -> None:
    path = write(tmp_path, text)
    assert refused(path) == f"{path}: {sentence}"
    assert refused(str(path)) == f"{path}: {sentence}"


@pytest.mark.parametrize("text", [b"\xff\xfe\x00\x01\x02", b"a: \x00", b"[" * 20000, b"a: !!bool b", b"\x80"])
def test_files_that_are_no_yaml_are_refused_whatever_they_hold(tmp_path: Path, text: bytes) -> None:
    path = write(tmp_path, text)
    assert refused(path).startswith(f"{path}: the file is not YAML, as it must be: ")


def test_places_that_hold_no_scenario(tmp_path: Path) -> None:
    sentence = refused("jervis/doubly-dangerus")
    assert sentence == (
        "scenario 'jervis/doubly-dangerus' is neither a file nor in the catalogue, "
        "where the nearest is jervis/doubly-dangerous."
    )
    assert refused("stag-hunt").endswith("where the nearest is games/stag-hunt.")
    missing = tmp_path / "missing.yaml"
    assert refused(missing).startswith(f"scenario '{missing}' is neither a file nor in the catalogue")
    assert refused(tmp_path) == (
        f"scenario '{tmp_path}' is a directory, but must be a catalogue name or the path of a YAML file."
    )
    below = write(tmp_path, "{}") / "below"
    assert refused(below).startswith(f"scenario '{below}' is neither a file nor in the catalogue")
    assert "cannot be read: " in refused("a\x00b")
    kinds = "must be a catalogue name, a YAML path, a Scenario or a mapping."
    assert refused(None) == f"scenario is null, but {kinds}"
    assert refused(3) == f"scenario is 3, but {kinds}"


def test_a_failed_save_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "horizon: 3\n")

    def fail(self: Scenario) -> str:
        raise RuntimeError("disk full")

    monkeypatch.setattr(Scenario, "to_yaml", fail)
    with pytest.raises(RuntimeError, match="disk full"):
        Scenario().save(path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["scenario.yaml"]
    assert path.read_text() == "horizon: 3\n"
