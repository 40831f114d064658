"""The page and the index of experiments are those of their reports: contradictions in sight, withdrawals counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from agents.evaluation import predictions
from agents.evaluation.statistics import Estimate
from agents.publish.experiments import page, write_index


def report(verdict: str, status: str = "", **about: Any) -> dict[str, Any]:
    predicted = {"supported": (0.0, None), "contradicted": (None, 0.0)}[verdict]
    effect = Estimate(0.5, 0.25, 0.75, (0.5,))
    judged = predictions.judge("War falls.", "outcome/wars", effect, predicted, count=4)
    records = predictions.records([judged.model_copy(update={"status": status})])
    found = {"name": f"war-{verdict}", "title": "War", "rows": ["Anarchy"], "scenarios": ["x/y"]}
    return {**found, "predictions": records, **about}


def test_contradictions_stand_in_plain_sight() -> None:
    text = page([report("supported"), report("contradicted")])
    assert "2 experiments, 2 predictions: 1 supported, 1 contradicted, 0 undecided." in text
    above, _, below = text.partition("## All experiments")
    assert "- War falls. ([war-contradicted]" in above.partition("## Contradicted")[2]
    assert "- **supported**: War falls. (`outcome/wars`: +0.5000 [+0.2500, +0.7500]; interval above 0)" in below
    assert "| Anarchy | [war-supported](#war-supported), [war-contradicted](#war-contradicted) | 1 | 1 | 0 |" in text


def test_what_is_withdrawn_is_counted_as_such_and_says_why() -> None:
    text = page([report("supported"), report("contradicted", "withdrawn: the null rises as well")])
    assert "2 predictions: 1 supported, 0 contradicted, 0 undecided, 1 withdrawn." in text
    assert "## Contradicted\n\nNone." in text
    assert "| concept | experiments | supported | contradicted | undecided | withdrawn |" in text
    assert "- **withdrawn**: War falls. (" in text
    assert "interval above 0: contradicted, but withdrawn: the null rises as well)" in text


def test_the_index_is_made_of_the_reports_that_are_there(tmp_path: Path) -> None:
    (tmp_path / "war-supported.json").write_text(json.dumps(report("supported")))
    write_index(tmp_path)
    write_index(tmp_path)  # the index itself is no report
    [entry] = json.loads((tmp_path / "index.json").read_text())
    assert entry["name"] == "war-supported" and entry["predictions"] == report("supported")["predictions"]
    assert "War falls." in (tmp_path / "README.md").read_text()


def test_an_experiment_that_is_not_run_has_no_picture(tmp_path: Path) -> None:
    (tmp_path / "war-supported.json").write_text(json.dumps(report("supported", versions=None)))
    write_index(tmp_path)
    assert json.loads((tmp_path / "index.json").read_text())[0]["picture"] is None
    assert ".png" not in (tmp_path / "README.md").read_text()
