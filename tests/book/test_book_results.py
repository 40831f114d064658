"""The book's results: every published text is a page, and what speaks against a prediction stands in plain sight."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import sd_env
from agents.publish.experiments import CONCEPTS
from book.markdown import escape
from book.predictions import experiments, predictions_page, theory
from book.results import claims_of, results, verdict_box
from tests.book_made_up import MADE_UP, publish

ROOT = Path(__file__).parents[2]
NAMES = sd_env.scenarios()


def test_verdicts_are_read_from_a_text_and_those_against_the_theory_stand_first() -> None:
    text = "Runs\n  supported    a > b (apart)\nundecided    a >= c\ncontradicted: d < e\nwe supported x\n"
    claims = list(claims_of(text, {}))
    assert claims == [("supported", "a > b (apart)"), ("undecided", "a >= c"), ("contradicted", "d < e")]
    (box,) = verdict_box(claims)
    report = {"predictions": [{"verdict": "undecided", "claim": "x", "measure": "y"}]}
    assert list(claims_of(text, report)) == [("undecided", "x")]
    lines = box.splitlines()
    assert lines[0].startswith("!!! failure")
    assert "contradicted" in lines[2]
    assert "d &lt; e" in lines[2]
    assert "a &gt;= c" in lines[3]
    assert len(lines) == 4
    assert verdict_box([]) == []
    assert verdict_box([("supported", "x")])[0].startswith("!!! success")


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
    assert ("undecided", "S-S attacks: doubly-dangerous > intense (intervals overlap)") in found[
        "docs/results/four_states.txt"
    ].claims


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
    assert sum(f"**{escape(row.concept)}**" in page for row in theory()) == 25


def test_predictions_show_every_verdict_beside_its_row(tmp_path: Path) -> None:
    publish(tmp_path, MADE_UP)
    page = predictions_page(tmp_path)
    (row,) = [line for line in page.splitlines() if line.startswith("| **Fear (psychological regulator)**")]
    assert "[Fear and m](experiments/fear.md)" in row
    assert (
        "**supported**{ .sd-supported } fear raises war at m = .5 (`outcome/ss_attacks`: 0.12 \\[0.1, 0.14\\])" in row
    )
    assert "**contradicted**{ .sd-contradicted } fear changes nothing at m &lt; 0 (0.2 \\[0.1, 0.3\\])" in row
    assert "**undecided**{ .sd-undecided } fear makes no tragic wars (no case)" in row
    box = page.partition('!!! failure "Contradicted"')[2].partition("| concept")[0]
    assert box.count("\n    - ") == 1
    assert "fear changes nothing at m &lt; 0" in box
    assert "2 experiments with 3 claims have been published: 1 **supported**" in page
    assert "| An extra |" in page.partition("## Other experiments")[2]


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ([{"name": "x"}], "title"),
        ([{**MADE_UP[0], "claims": [{"claim": "x"}]}], r"claims\.0\.verdict"),
        ([{**MADE_UP[0], "text": "nowhere.txt"}], "fear names nowhere.txt, but there is no such file"),
        (7, "must be a JSON list"),
    ],
)
def test_an_index_that_is_not_one_is_refused_in_a_sentence(index: Any, message: str, tmp_path: Path) -> None:
    publish(tmp_path, index)
    with pytest.raises(ValueError, match=message):
        experiments(tmp_path)
