"""The book's results: every published text is a page, and what speaks against a prediction stands in plain sight."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

import sd_env
from agents.evaluation.predictions import VERDICTS, Prediction, PredictionError, judge, records
from agents.evaluation.statistics import Interval
from agents.publish.experiments import CONCEPTS
from book.markdown import escape
from book.predictions import experiments, predictions_page, theory
from book.results import Result, result_page, results, verdict_box
from tests.book_made_up import MADE_UP, publish

ROOT = Path(__file__).parents[2]
NAMES = sd_env.scenarios()


def made(claim: str, low: float, high: float, status: str = "") -> Prediction:
    found = judge(claim, "outcome/wars", Interval((low + high) / 2, low, high), (0.0, None), count=3)
    return found.model_copy(update={"status": status})


def test_what_is_against_the_theory_stands_first() -> None:
    judged = [made("a > b", 0.1, 0.2), made("a >= c", -0.1, 0.1), made("d < e", -0.2, -0.1)]
    (box,) = verdict_box(judged)
    lines = box.splitlines()
    assert lines[0].startswith("!!! failure")
    assert "contradicted" in lines[2]
    assert "d &lt; e" in lines[2]
    assert "a &gt;= c" in lines[3]
    assert len(lines) == 4
    assert verdict_box([]) == []
    assert verdict_box(judged[:1])[0].startswith("!!! success")


def test_what_is_withdrawn_is_no_verdict_and_says_why() -> None:
    mark = "withdrawn: the policies are not at rest"
    (box,) = verdict_box([made("a > b", 0.1, 0.2), made("d < e", -0.2, -0.1, mark)])
    lines = box.splitlines()
    assert lines[0] == '!!! warning "Predictions: 1 **supported**{ .sd-supported }, 1 **withdrawn**{ .sd-withdrawn }"'
    assert "**withdrawn**" in lines[2] and lines[2].endswith(f"contradicted, but {mark})")
    result = Result("docs/results/x.txt", "X", "X\n", (), mark, (), ())
    assert '!!! failure "Withdrawn"\n\n    the policies are not at rest' in result_page(result)


def test_what_a_text_says_is_not_read_for_verdicts(tmp_path: Path) -> None:
    folder = tmp_path / "docs" / "results"
    folder.mkdir(parents=True)
    (folder / "x.txt").write_text("X\n\n  supported    a > b\n")
    (folder / "y.txt").write_text("Y\n")
    record = made("d < e", -0.2, -0.1)
    (folder / "y.json").write_text(json.dumps({"title": "The Y", "predictions": records([record])}))
    x, y = results(tmp_path)
    assert x.predictions == () and x.title == "X"
    assert y.predictions == (record,) and y.title == "The Y"
    (folder / "y.json").write_text(json.dumps({"predictions": [{"claim": "d < e", "verdict": "supported"}]}))
    with pytest.raises(PredictionError, match=r"docs/results/y\.json: measure"):
        results(tmp_path)


def test_the_book_reads_verdicts_from_no_prose() -> None:
    """A regular expression with a verdict in it, or in a module that shows verdicts, would read a text for them."""
    for path in sorted((ROOT / "book").glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        patterns = [
            node.value
            for call in ast.walk(tree)
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)
            and isinstance(call.func.value, ast.Name) and call.func.value.id == "re"
            for node in ast.walk(call)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]  # fmt: skip
        assert not [each for each in patterns if any(word in each for word in (*VERDICTS, "verdict"))], path.name
        if path.stem in ("results", "predictions"):
            assert not patterns, path.name


def test_every_published_text_is_a_page_with_its_pictures() -> None:
    found = {result.path: result for result in results(ROOT)}
    texts = {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs" / "results").rglob("*.txt")}
    assert set(found) <= texts
    assert {path for path in texts - set(found) if not (ROOT / path).with_suffix(".md").exists()} == set()
    pictures = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs" / "results").rglob("*.png")}
    shown = [picture for result in found.values() for picture in result.pictures]
    assert len(shown) == len(set(shown))
    linked = {picture for picture in pictures if picture.startswith("results/experiments/")}
    assert pictures - linked <= set(shown)
    assert len({result.title for result in found.values()}) == len(found)
    judged = {each.claim: each.verdict for each in found["docs/results/four_states.txt"].predictions}
    assert judged["S-S attacks: doubly-dangerous > intense"] == "undecided"


def test_the_rows_of_the_theory_cover_the_catalogue() -> None:
    rows = theory()
    assert [row.concept for row in rows] == list(CONCEPTS)
    named = {name for row in rows for name in row.scenarios}
    assert named <= set(NAMES)
    assert {name for name in NAMES if not name.startswith("games/")} <= named
    texts = {path.stem for path in (ROOT / "docs" / "results").glob("*.txt")}
    assert {run for row in rows for run in row.runs} <= texts


def test_predictions_without_an_experiment_say_so(tmp_path: Path) -> None:
    page = predictions_page(tmp_path)
    assert "No experiment has been published yet" in page
    assert sum(f"**{escape(row.concept)}**" in page for row in theory()) == len(CONCEPTS)


def test_predictions_show_every_verdict_beside_its_row(tmp_path: Path) -> None:
    publish(tmp_path, MADE_UP)
    page = predictions_page(tmp_path)
    (row,) = [line for line in page.splitlines() if line.startswith("| **Fear (psychological regulator)**")]
    assert "[Fear and m](experiments/fear.md)" in row
    assert (
        "**supported**{ .sd-supported } fear raises war at m = .5 "
        "(`outcome/ss_attacks`: +0.1200 \\[+0.1000, +0.1400\\]; interval above 0)" in row
    )
    assert (
        "**contradicted**{ .sd-contradicted } fear changes nothing at m &lt; 0 "
        "(`outcome/ss_attacks`: +0.2000 \\[+0.1000, +0.3000\\]; interval above 0.01)" in row
    )
    assert "**undecided**{ .sd-undecided } fear makes no tragic wars (`outcome/ss_attacks`: no case)" in row
    box = page.partition('!!! failure "Contradicted"')[2].partition("| concept")[0]
    assert box.count("\n    - ") == 1
    assert "fear changes nothing at m &lt; 0" in box
    assert "2 experiments with 3 predictions have been published: 1 **supported**" in page
    assert "| An extra |" in page.partition("## Other experiments")[2]


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ([{"name": "x"}], "title"),
        ([{**MADE_UP[0], "predictions": [{"claim": "x"}]}], r"predictions\.0\.measure"),
        ([{**MADE_UP[0], "text": "nowhere.txt"}], "fear names nowhere.txt, but there is no such file"),
        (7, "must be a JSON list"),
    ],
)
def test_an_index_that_is_not_one_is_refused_in_a_sentence(index: Any, message: str, tmp_path: Path) -> None:
    publish(tmp_path, index)
    with pytest.raises(ValueError, match=message):
        experiments(tmp_path)
