"""docs/concepts.md: every concept of the field has a row, what a row names is there, and verdicts are looked up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agents.experiments import experiments, load_experiment
from agents.publish import concepts
from agents.publish.experiments import CONCEPTS
from sd_env.scenario import Scenario, scenarios

ROOT = Path(__file__).parents[3]
ROWS = concepts.rows(ROOT / concepts.ROWS)
#: Concepts that had neither an experiment nor a scenario that was run, each with the row that has it now.
MISSING = {
    "world 1's arms race": "Arms race of the doubly dangerous world",
    "world 3's aggression at some future time": "Aggression at some future time",
    "world 4's useful development": "Useful development",
    "Tang's regulators": "Regulators of the dilemma",
    "the columns of Butterfield, Herz and Jervis": "Fear, anarchy and technology",
    "a Cold War without a wish for power": "Nuclear race",
    "the defensive approach of the First World War": "Defensive approach",
    "defence that lets states signal safely": "Signals that are safe under defence",
    "hegemony": "Hegemony",
    "a weak state that allies with the stronger": "Allying with the stronger against an enemy",
    "bandwagoning": "Bandwagoning",
    "leaders whose perceptions differ": "Leaders whose perceptions differ",
    "Huth's rule": "Value of force and value of peace",
    "first-strike perceptions after a backfire": "First-strike perceptions after a backfire",
    "Snyder's second reason": "Snyder's second reason",
    "Mearsheimer without a taste for power": "Power for survival",
    "the value of warning": "Value of warning",
}


def test_the_page_is_the_one_that_the_command_makes() -> None:
    made = concepts.page(ROWS, ROOT / concepts.PUBLISHED)
    assert (ROOT / concepts.PAGE).read_text(encoding="utf-8") == made, f"write it anew: {concepts.COMMAND}"


def test_every_concept_has_a_row_and_each_row_one_concept() -> None:
    names = [row["concept"] for row in ROWS]
    assert names == list(CONCEPTS) and len(set(names)) == len(names)
    assert set(MISSING.values()) <= set(names)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row["concept"]))
def test_what_a_row_names_is_there(row: dict[str, Any]) -> None:
    assert set(row["scenarios"]) <= set(scenarios()) and row["scenarios"]
    assert set(row["keys"]) <= set(Scenario.dotted_keys()) and row["keys"]
    for test in row.get("oracles", ()):
        assert (ROOT / test).is_file()
    for run in row.get("runs", ()):
        assert (ROOT / concepts.PUBLISHED / f"{run}.json").is_file()
    tried = [name for name in experiments() if row["concept"] in load_experiment(name).rows]
    assert tried or row.get("gap"), "a concept that nothing tries says why"
    assert all((ROOT / concepts.PUBLISHED / "experiments" / f"{name}.json").is_file() for name in tried)


def test_verdicts_are_those_of_the_reports(tmp_path: Path) -> None:
    folder = tmp_path / "experiments"
    folder.mkdir()
    entry = {"name": "war", "rows": ["Anarchy"]}
    (folder / "index.json").write_text(json.dumps([entry]))
    published = json.loads((ROOT / concepts.PUBLISHED / "experiments" / "hegemony.json").read_text())
    row = {"concept": "Anarchy", "source": "Herz 1950", "term": "enforcement", "prediction": "war | falls"}
    row |= {"scenarios": ["theories/herz-anarchy"], "keys": ["anarchy.enforcement"], "gap": "no actor"}
    for verdict in ("supported", "contradicted"):
        predictions = [{**published["predictions"][0], "verdict": verdict}]
        (folder / "war.json").write_text(json.dumps({**published, "name": "war", "predictions": predictions}))
        [line] = [line for line in concepts.page([row], tmp_path).splitlines() if line.startswith("| Anarchy |")]
        assert line == (
            "| Anarchy | Herz 1950 | enforcement, `anarchy.enforcement` | `theories/herz-anarchy` | war \\| falls "
            f"| [war](results/experiments/README.md#war), by scripts: 1 {verdict} | no actor |"
        )
    unknown = {**row, "concept": "Anarchies"}
    assert "| none: nothing tries it |" in concepts.page([unknown], tmp_path)
