"""Published results: reports hold records, texts are written from them, and marks say what no longer stands."""

from __future__ import annotations

import importlib
import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
from rich.console import Group

from agents.evaluation import predictions
from agents.evaluation.predictions import predictions_of
from agents.evaluation.report import as_text
from agents.evaluation.statistics import Interval
from agents.publish import experiments, results, science
from agents.publish.door import through
from agents.publish.results import ResultError

ROOT = Path(__file__).parents[3]
PUBLISHED = ROOT / "docs" / "results"
#: Reports that predict nothing: speeds, scores, the list of the experiments, whose entries have records of their own.
OTHERS = {"challenges", "index", "compatibility"}
REPORTS = sorted(
    path for path in PUBLISHED.rglob("*.json") if path.stem not in OTHERS and path.parent.name != "performance"
)


@pytest.mark.parametrize("path", REPORTS, ids=lambda path: path.stem)
def test_every_published_report_holds_records_and_its_text_is_written_from_them(path: Path) -> None:
    report = json.loads(path.read_text(encoding="utf-8"))
    judged = predictions_of(report, path.name)
    assert judged
    text = path.with_suffix(".txt").read_text(encoding="utf-8")
    assert text.startswith(results.heading(report))
    lines = as_text(Group(*predictions.lines(judged)))
    assert lines in text
    words = {f"  {word} " for word in (*predictions.VERDICTS, "withdrawn", "rederived", "not run", "uncertified")}
    assert sum(any(line.startswith(word) for word in words) for line in text.splitlines()) == len(judged)


def test_the_index_has_the_records_of_the_reports() -> None:
    folder = PUBLISHED / "experiments"
    for entry in json.loads((folder / "index.json").read_text(encoding="utf-8")):
        assert entry["predictions"] == results.read(folder, entry["name"])["predictions"]


@pytest.mark.parametrize("name", science.TRAININGS)
def test_published_numbers_are_judged_again_and_give_what_is_published(name: str, tmp_path: Path) -> None:
    shutil.copy(PUBLISHED / f"{name}.json", tmp_path)
    if (PUBLISHED / results.STATUS).exists():
        shutil.copy(PUBLISHED / results.STATUS, tmp_path)
    assert science.main(["--rejudge", "--only", name, "--out", str(tmp_path)]) == 0
    for suffix in (".json", ".txt"):
        assert (tmp_path / f"{name}{suffix}").read_text() == (PUBLISHED / f"{name}{suffix}").read_text()


def test_pictures_are_drawn_again_from_the_tables_beside_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(experiments, "experiments", lambda: ["arms-race", "routine"])
    kept = ["components.csv", "experiments/arms-race.csv"]  # and of the other there is none
    (tmp_path / "experiments").mkdir()
    for name in kept:
        shutil.copy(PUBLISHED / name, tmp_path / name)
    assert science.main(["--redraw", "--out", str(tmp_path)]) == 0
    found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")}
    drawn = {name.replace(".csv", ".png") for name in kept}
    assert found == drawn | set(kept)
    assert all((tmp_path / name).read_bytes().startswith(b"\x89PNG") for name in drawn)
    assert science.main(["--redraw", "--only", "science", "--out", str(tmp_path)]) == 2
    (tmp_path / "components.csv").unlink()
    assert science.main(["--redraw", "--only", "components", "--out", str(tmp_path)]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert "--redraw has nothing to draw science from: curves are those of a run; allowed are" in first
    assert "components.csv is not there" in second


def test_the_verdicts_of_the_published_runs_are_those_that_were_told() -> None:
    """As docs/results told them when verdicts were still judged in four places, each by a rule of its own."""
    told = {
        "science": "sssssss", "one_shot": "ssssss", "four_states": "??s?sss", "four_rivals": "sssssss",
        "alliances": "?sss", "set_network": "sss???ss",
    }  # fmt: skip
    letters = {"supported": "s", "contradicted": "c", "undecided": "?"}
    found = {
        name: "".join(letters[each.verdict] for each in predictions_of(results.read(PUBLISHED, name), name))
        for name in told
    }
    assert found == told


def test_only_what_was_published_can_be_judged_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert science.main(["--rejudge", "--only", "science", "--out", str(tmp_path)]) == 2
    assert "science.json is not there; only what was published can be judged again." in capsys.readouterr().err


# --- marks ------------------------------------------------------------------------------------------------------


def judged(*claims: str) -> list[predictions.Prediction]:
    return [predictions.judge(claim, "m", Interval(0.2, 0.1, 0.3), (0.0, None), count=3) for claim in claims]


def test_a_mark_is_of_a_whole_report_or_of_single_predictions(tmp_path: Path) -> None:
    (tmp_path / "status.yaml").write_text(
        'all: "withdrawn: not at rest"\nsome:\n  "b, too": "withdrawn: the null rises as well"\n'
    )
    whole = results.judged({"title": "x"}, judged("a", "b, too"), tmp_path, "all")
    assert whole["status"] == "withdrawn: not at rest"
    assert [each["status"] for each in whole["predictions"]] == ["withdrawn: not at rest"] * 2
    some = results.judged({"title": "x"}, judged("a", "b, too"), tmp_path, "some")
    assert some["status"] == ""
    assert [each["status"] for each in some["predictions"]] == ["", "withdrawn: the null rises as well"]
    none = results.judged({**whole}, judged("a", "b, too"), tmp_path, "none")  # a mark that was taken out is gone
    assert none["status"] == "" and [each["status"] for each in none["predictions"]] == ["", ""]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x: {c: 'withdrawn: y'}", "x has no prediction 'c'."),
        ("x: withdrawn", "x has the mark 'withdrawn'; a word, a colon and the reason are needed."),
        ("x: {a: 3}", "x has the mark 3; a word"),
        ("x: 3", "x is 3; a mark, or marks by claim, are needed."),
        ("- x", "must be a mapping of results to marks: the file holds"),
    ],
)
def test_a_mark_that_is_none_is_refused_in_a_sentence(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "status.yaml").write_text(text)
    with pytest.raises(ResultError) as caught:
        results.judged({}, judged("a"), tmp_path, "x")
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_a_mark_of_what_is_not_predicted_is_refused_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "status.yaml").write_text("anarchy: {c: 'withdrawn: y'}")
    with pytest.raises(ResultError, match="anarchy has no prediction 'c'"):
        experiments.publish_all(tmp_path, tmp_path / "runs", smoke=True, names=["anarchy"])
    assert not (tmp_path / "runs").exists()


def test_what_was_derived_anew_stays_as_it_was_published_with_the_reason(tmp_path: Path) -> None:
    old = predictions.records(judged("old", "kept"))
    (tmp_path / "x.json").write_text(json.dumps({"predictions": old}))
    (tmp_path / "status.yaml").write_text('x:\n  old: "rederived: counted restarts"\n')
    for _ in range(2):  # as well from its own report
        report = results.judged({"title": "x"}, judged("kept", "new"), tmp_path, "x")
        (tmp_path / "x.json").write_text(json.dumps(report))
        assert [(each.claim, each.word) for each in predictions_of(report, "x")] == [
            ("kept", "supported"), ("new", "supported"), ("old", "rederived"),
        ]  # fmt: skip
        assert predictions_of(report, "x")[2].values == predictions_of({"predictions": old}, "x")[0].values
    with pytest.raises(ResultError, match="x predicts 'old' still"):
        results.judged({}, judged("old"), tmp_path, "x")
    (tmp_path / "x.json").unlink()
    with pytest.raises(ResultError, match="x has no prediction 'old'"):
        results.judged({}, judged("new"), tmp_path, "x")


def test_what_is_not_run_says_so_and_what_a_run_takes() -> None:
    record = predictions.not_run("War falls.", "outcome/wars", (None, 0.0), "takes 4 trainings")
    assert record.word == "not run" and record.value is None
    assert predictions.sentence(record) == "War falls. (outcome/wars: takes 4 trainings)"
    assert predictions.counts([record]) == {"supported": 0, "contradicted": 0, "undecided": 0, "not run": 1}
    never: dict[str, Any] = {"machine": None, "seconds": None, "versions": None}
    report = {"title": "T", "command": "c", "seeds": [1], "agent_steps": 1000, **never}
    assert results.heading(report).endswith("seeds: [1]    agent-steps a training: 1,000\nNot run yet.\n\n")


def test_a_mark_stands_in_the_text_and_outlives_a_new_judgement(tmp_path: Path) -> None:
    shutil.copy(PUBLISHED / "science.json", tmp_path)
    (tmp_path / "status.yaml").write_text('science: "withdrawn: the policies are not at rest"\n')
    for _ in range(2):
        assert science.main(["--rejudge", "--only", "science", "--out", str(tmp_path)]) == 0
    text = (tmp_path / "science.txt").read_text()
    assert text.startswith("The four worlds\n\nwithdrawn: the policies are not at rest\n\nCommand: ")
    assert text.count("  withdrawn    ") == 7 and "  supported    " not in text
    (tmp_path / "status.yaml").unlink()
    assert science.main(["--rejudge", "--only", "science", "--out", str(tmp_path)]) == 0
    # without the mark they are what they are: of policies against which nothing was tried
    assert (tmp_path / "science.txt").read_text().count("  uncertified  ") == 7


def test_what_made_a_result_is_said_as_far_as_it_is_known() -> None:
    versions = {"python": "3.11", "torch": "2", "stable-baselines3": "2"}
    made: dict[str, Any] = results.made("T", "make it", seeds=(1, 2), steps=None, seconds=None, versions=versions)
    assert "Command: make it    seeds: [1, 2]\n" in results.heading(made) and "minutes" not in results.heading(made)
    made = results.made("T", "make it", seeds=(1, 2), steps=1000, seconds=90.0, versions=versions)
    assert "seeds: [1, 2]    agent-steps a training: 1,000\n" in results.heading(made)
    assert "; 1.5 minutes; Python 3.11" in results.heading(made) and not math.isnan(made["seconds"])


@pytest.mark.parametrize("name", ["search", "science", "fast_path", "shaping"])
def test_a_publisher_that_cannot_go_on_says_so_in_one_line(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What it is given is no report and no table, or nothing can be read or written."""
    module = "search" if name == "search" else "science"
    main = importlib.import_module(f"agents.publish.{module}").main
    words = ["--retell"] if name == "search" else ["--rejudge", "--only", name]
    kept = tmp_path / f"{name}.{'csv' if name == 'search' else 'json'}"
    for text in ("", "[]", "{", "setting\n1\n", "\x00", '{"a": NaN}'):
        kept.write_text(text)
        assert main([*words, "--out", str(tmp_path)]) == 2
        [line] = capsys.readouterr().err.splitlines()
        assert line.startswith(f"python -m agents.publish.{module}: ") and str(kept) in line
    kept.unlink()
    kept.mkdir()
    assert main([*words, "--out", str(tmp_path)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_what_the_system_refuses_a_publisher_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    raised: list[BaseException] = []

    def run() -> int:
        raise raised[-1]

    for error, code, said in (
        (PermissionError(13, "Permission denied", "/x\x1b"), 2, "p: /x?: Permission denied."),
        (MemoryError("1 TiB"), 2, "p: not enough memory for it (1 TiB)."),
        (ResultError("it is none."), 2, "p: it is none."),
        (KeyboardInterrupt(), 130, "p: interrupted."),
    ):
        raised.append(error)
        assert through("p", run) == code
        assert capsys.readouterr().err == f"{said}\n"
    raised.append(KeyError("ours"))
    with pytest.raises(KeyError):
        through("p", run)
