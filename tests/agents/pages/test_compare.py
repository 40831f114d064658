"""Finished work side by side: numbers of each, what differs by name, and what cannot be compared."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from agents import cli
from agents.files import write_text
from agents.pages.compare import compare, compared_page
from agents.pages.folders import PageError
from tests.agents.evaluation.test_report import as_theory_says
from tests.agents.pages.test_pages import EVIL, made_run, plain

ARENA = ["--scenario", "games/one-shot", "--seeds", "1", "2", "--worlds", "4", "--workers", "1"]


def test_two_runs_side_by_side(tmp_path: Path) -> None:
    results = as_theory_says()
    one, two = made_run(tmp_path / "one", results), made_run(tmp_path / "two", results[:3])
    write_text(two / "config.yaml", "name: made-up\nseeds: [1, 2, 3]\nlearner: {gamma: 0.5}\n")
    write_text(two / "versions.json", '{"numpy": "1.0"}')
    found = compare([one, two])
    assert found.names == ["one", "two"]
    assert found.verdicts["intense"][1] == "" and found.verdicts["doubly-dangerous"][0] == "not certified"
    first, second = found.numbers["doubly-dangerous", "outcome/ss_attacks"]
    assert first is not None and first == second and first.value == pytest.approx(0.0408)
    assert found.numbers["intense", "outcome/ss_attacks"][1] is None
    assert "Setting learner.gamma: 1.0 in one, 0.5 in two" in found.differences
    assert "Version numpy: 9.9 in one, 1.0 in two" in found.differences
    assert "Scenario intense: jervis/intense in one, none in two" in found.differences
    page = plain(compared_page(found))
    assert "2 training runs side by side" in page and "Version numpy: 9.9 in one, 1.0 in two" in page


def test_equal_work_differs_in_nothing(tmp_path: Path) -> None:
    one = made_run(tmp_path / "one", as_theory_says())
    shutil.copytree(one, tmp_path / "two")
    assert compare([one, tmp_path / "two"]).differences == []


def test_the_command_prints_writes_and_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["evaluate", "dove", *ARENA, "--out", "a"]) == 0
    assert cli.main(["evaluate", "dove", "hawk", *ARENA, "--overrides", "war.conquest=0.2", "--out", "b"]) == 0
    assert cli.main(["tournament", "dove", "hawk", *ARENA, "--out", "c"]) == 0
    capsys.readouterr()
    assert cli.main(["compare", "a", "b", "-o", "sub/side.html"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Scenario: games/one-shot in a, games/one-shot war.conquest=0.2 in b" in said
    assert "Setting policies: dove in a, dove hawk in b" in said
    assert "dove pay-off" in said and "sub/side.html: open it in a browser" in said
    assert Path("sub/side.html").is_file()
    refused = {
        ("a", "c"): "a holds an evaluation and c holds a tournament: no number is of both.",
        ("a", "nowhere"): "nowhere is no folder; what a command has left with --out, a run or an experiment is one.",
        ("a",): "1 folder is given; two at least are compared.",
        ("a", "./a"): "the same folder is given twice; it differs from itself in nothing.",
        ("a", "b", "-o", "x.pdf"): "--output is 'x.pdf'; a page's name ends in .html.",
        ("a", "b", "-o", "/dev/null/x.html"): "--output '/dev/null/x.html' cannot be written: File exists.",
    }
    for words, sentence in refused.items():
        assert cli.main(["compare", *words]) == 2
        assert capsys.readouterr().err == f"sd-env: {sentence}\n"


def test_damaged_records_are_refused(tmp_path: Path) -> None:
    one = made_run(tmp_path / "one", as_theory_says())
    shutil.copytree(one, tmp_path / "two")
    text = (one / "report.json").read_text().replace('"learned"', '"taught"')
    write_text(tmp_path / "two" / "report.json", text)
    with pytest.raises(PageError, match=r"two/report.json is not as this program writes it"):
        compare([one, tmp_path / "two"])


def test_names_of_strangers_stay_text(tmp_path: Path) -> None:
    one = made_run(tmp_path / "one", as_theory_says(), EVIL)
    two = made_run(tmp_path / EVIL.replace("/", "-"), as_theory_says())
    page = compared_page(compare([one, two]))
    assert "<script" not in page
