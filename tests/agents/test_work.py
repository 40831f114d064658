"""Units of work: their order, what is kept, what a resumed run does again, and what ends it."""

from __future__ import annotations

import contextlib
import csv
import importlib.util
import json
import logging
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from agents import machine, messages
from agents.work import (
    Board,
    Done,
    Failed,
    Interrupted,
    Progressed,
    Unit,
    WorkError,
    described,
    done_at,
    file_name,
    in_processes,
    in_turn,
    place,
    progress,
    run_units,
)

ROOT = Path(__file__).parents[2]
SLOW = """
import sys, time
from pathlib import Path
from agents.work import Unit, run_units

def slowly(number):
    time.sleep({pause})
    return [{{"number": number, "root": number ** 0.5}}]

if __name__ == "__main__":
    units = [Unit(f"unit {{k}}", {{"number": k}}) for k in range({count})]
    run_units(slowly, units, Path(sys.argv[1]), workers=int(sys.argv[2]), title="slow")
"""


def rows(number: int, note: str = "", folder: str = "") -> list[dict[str, Any]]:
    """Two rows of every type; each call leaves a mark in the folder."""
    if folder:
        (Path(folder) / f"{number}.{len(list(Path(folder).iterdir()))}").touch()
    return [
        {"number": number, "third": number / 3, "none": math.nan, "even": number % 2 == 0, "note": note, "k": k}
        for k in (0, 1)
    ]


def fails(number: int, **_: Any) -> list[dict[str, Any]]:
    if number == 2:
        raise RuntimeError("two is too much")
    return rows(number)


def interrupts(number: int) -> list[dict[str, Any]]:
    if number == 2:
        raise KeyboardInterrupt
    return rows(number)


def killed(number: int) -> list[dict[str, Any]]:
    if number == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return rows(number)


def units(count: int = 4, **arguments: Any) -> list[Unit]:
    return [Unit(f"unit {k}", {"number": k, **arguments}) for k in range(count)]


def test_rows_stand_in_the_order_of_units_whoever_did_them(tmp_path: Path) -> None:
    plain = run_units(rows, units(), None, workers=1)
    assert plain["number"].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    kept = run_units(rows, units(), tmp_path / "kept", workers=1)
    spread = run_units(rows, units(), tmp_path / "spread", workers=3)
    for other in (kept, spread):
        pd.testing.assert_frame_equal(plain, other)
    written = [(tmp_path / name / "episodes.csv").read_bytes() for name in ("kept", "spread")]
    assert written[0] == written[1] == plain.to_csv(index=False).encode()
    with (tmp_path / "kept" / "episodes.csv").open(newline="") as handle:
        assert [float(row["third"]) for row in csv.DictReader(handle)] == [k / 3 for k in (0, 0, 1, 1, 2, 2, 3, 3)]


def test_types_survive_the_disk(tmp_path: Path) -> None:
    words = ["", "NA", "null", "1", "true", "a,b", 'a"b\n', "Ω"]
    asked = [Unit(f"unit {k}", {"number": k, "note": word}) for k, word in enumerate(words)]
    first, again = (run_units(rows, asked, tmp_path / "out", workers=1) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)
    assert again["note"].tolist()[::2] == words
    assert [again[name].dtype.kind for name in ("number", "third", "none", "even")] == ["i", "f", "f", "b"]
    assert again["none"].isna().all()


def test_a_second_run_does_what_is_missing_and_no_more(tmp_path: Path) -> None:
    marks, out = tmp_path / "marks", tmp_path / "out"
    marks.mkdir()
    asked = units(folder=str(marks))
    whole = run_units(rows, asked, out, workers=1)
    assert len(list(marks.iterdir())) == 4
    (out / "units" / f"{file_name('unit 1')}.json").unlink()
    (out / "units" / f"{file_name('unit 3')}.json").write_text('{"key": "unit 3", "rows": {"colu')
    (out / "episodes.csv").unlink()
    pd.testing.assert_frame_equal(whole, run_units(rows, asked, out, workers=1))
    assert sorted(path.name.split(".")[0] for path in marks.iterdir()) == ["0", "1", "1", "2", "3", "3"]
    assert (out / "episodes.csv").read_text() == whole.to_csv(index=False)


def test_other_work_is_refused_in_one_sentence_and_nothing_is_lost(tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_units(rows, units(), out, workers=1, inputs={"a.sd": "1"})
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    units_differ = "another command, policy, scenario or number"
    others: list[tuple[Any, list[Unit], dict[str, str], str]] = [
        (rows, units(5), {"a.sd": "1"}, units_differ),
        (rows, units(note="x"), {"a.sd": "1"}, units_differ),
        (rows, units()[::-1], {"a.sd": "1"}, units_differ),
        (fails, units(), {"a.sd": "1"}, "another command"),
        (rows, units(), {"a.sd": "2"}, r"another version of a\.sd"),
    ]
    for function, asked, inputs, what in others:
        with pytest.raises(WorkError, match=rf"out holds other work: {what}; --fresh or another folder goes on\.$"):
            run_units(function, asked, out, workers=1, inputs=inputs)
    assert before == {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_folders_that_are_not_ours_are_refused(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").touch()
    with pytest.raises(WorkError, match=r"holds files but no plan\.json of earlier work"):
        run_units(rows, units(), tmp_path / "photos", workers=1)
    assert [path.name for path in (tmp_path / "photos").iterdir()] == ["cat.jpg"]
    with pytest.raises(WorkError, match=r"cat\.jpg is a file; a folder is needed\."):
        run_units(rows, units(), tmp_path / "photos" / "cat.jpg", workers=1)
    with pytest.raises(WorkError, match=r"cannot be used: "):
        run_units(rows, units(), tmp_path / "photos" / "cat.jpg" / "below", workers=1)
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "plan.json").write_text("{")
    with pytest.raises(WorkError, match=r"plan\.json is not JSON"):
        run_units(rows, units(), tmp_path / "odd", workers=1)
    (tmp_path / "empty").mkdir()
    assert len(run_units(rows, units(), tmp_path / "empty", workers=1)) == 8


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    def nested(number: int) -> list[dict[str, Any]]:
        with pytest.raises(WorkError, match="out is in use by another process"):
            run_units(nested, [Unit("a", {"number": 1})], tmp_path / "out", workers=1)
        return rows(number)

    assert len(run_units(nested, [Unit("a", {"number": 1})], tmp_path / "out", workers=1)) == 2


def test_what_cannot_be_asked_is_refused_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    with pytest.raises(WorkError, match=r"^workers is -1; 0 \(one a core\) or more is needed\.$"):
        run_units(rows, units(), out, workers=-1)
    with pytest.raises(WorkError, match="two units of the work have the same key"):
        run_units(rows, [*units(), *units()], out, workers=1)
    with pytest.raises(WorkError, match="only if its policies are given by name or path"):
        run_units(rows, units(note=object()), out, workers=1)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(WorkError, match=r"^Parquet needs pyarrow, .* pip install 'sd-env\[parquet\]'\.$"):
        run_units(rows, units(), out, workers=1, parquet=True)
    assert not out.exists()


def test_parquet_holds_the_same_rows(tmp_path: Path) -> None:
    frame = run_units(rows, units(), tmp_path / "out", workers=1, parquet=True)
    pd.testing.assert_frame_equal(frame, pd.read_parquet(tmp_path / "out" / "episodes.parquet"))


@pytest.mark.parametrize("workers", [1, 2])
def test_a_failure_is_raised_and_finished_units_are_kept(tmp_path: Path, workers: int) -> None:
    with pytest.raises(RuntimeError, match="two is too much"):
        run_units(fails, units(), tmp_path / "out", workers=workers)
    assert not (tmp_path / "out" / "episodes.csv").exists()
    if workers == 1:
        kept = [json.loads(path.read_text())["key"] for path in (tmp_path / "out" / "units").glob("*.json")]
        assert sorted(kept) == ["unit 0", "unit 1"]


def test_a_killed_worker_is_told_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(WorkError, match="a worker process was killed; what was finished is kept"):
        run_units(killed, units(), tmp_path / "out", workers=2)


def test_interruption_says_what_is_kept_and_how_to_go_on(tmp_path: Path) -> None:
    with pytest.raises(Interrupted, match=r"interrupted; 2 of 4 units are kept in .*out: the same command goes on"):
        run_units(interrupts, units(), tmp_path / "out", workers=1)
    with pytest.raises(Interrupted, match="nothing is kept without an output folder"):
        run_units(interrupts, units(), None, workers=1)


# --- backends -------------------------------------------------------------------------------------------------


class Odd(Exception):
    """Does not survive the way between processes: it is made of two things and remembers one."""

    def __init__(self, one: int, other: int) -> None:
        super().__init__(one + other)


def told(unit: Unit) -> int:
    """Tells of its progress, and fails, or has its process killed, as it is asked."""
    match unit.arguments["number"]:
        case 1:
            os.kill(os.getpid(), signal.SIGKILL)
        case 2:
            raise RuntimeError("two is too much")
        case 3:
            raise Odd(1, 2)
    progress(10)
    progress(20)
    return int(unit.arguments["number"])


@pytest.mark.parametrize("workers", [1, 2, 9])
def test_whatever_becomes_of_a_unit_the_others_go_on(workers: int) -> None:
    events = list(in_processes(told, units(6), workers))
    done = {event.key: event.result for event in events if isinstance(event, Done)}
    assert done == {"unit 0": 0, "unit 4": 4, "unit 5": 5}
    failed = {event.key: event for event in events if isinstance(event, Failed)}
    assert failed.keys() == {"unit 1", "unit 2", "unit 3"}
    assert isinstance(failed["unit 1"].error, WorkError) and "exit code -9" in failed["unit 1"].text
    assert isinstance(failed["unit 2"].error, RuntimeError) and failed["unit 2"].text.startswith("Traceback")
    assert "in told" in failed["unit 2"].text and "Odd" in str(failed["unit 3"].error)
    parts = [(event.key, event.part) for event in events if isinstance(event, Progressed)]
    assert sorted(parts) == [(f"unit {k}", part) for k in (0, 4, 5) for part in (10, 20)]


def test_in_turn_ends_each_unit_too_and_nobody_listens_to_progress() -> None:
    asked = [unit for unit in units(6) if unit.arguments["number"] != 1]
    kinds = [(event.key[-1], type(event)) for event in in_turn(told, asked)]
    assert kinds == [("0", Done), ("2", Failed), ("3", Failed), ("4", Done), ("5", Done)]


def test_work_in_a_block_is_done_at_the_place_it_names(tmp_path: Path) -> None:
    asked_for = []

    def backwards(task: Any, asked: Any, workers: int) -> Any:
        asked_for.append(workers)
        yield from in_turn(task, asked[::-1])

    with done_at(backwards, "a machine that works backwards"):
        frame = run_units(rows, units(), tmp_path / "out")
        run_units(rows, units(), None, workers=7)
        assert described() == "a machine that works backwards" and place() is backwards
    assert asked_for == [0, 7] and place() is None and described() == machine.described()
    pd.testing.assert_frame_equal(frame, run_units(rows, units(), None, workers=1))


def test_lines_of_progress_tell_of_parts(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.work.board.QUIET_EVERY", 0.0)
    with messages.shown(), Board("train", 4, 1, size=100, measure="agent-steps") as board:
        board.progress("a", 50)
        board.progress("b", 120)
        board.finished("b")
    assert [line.partition(", about")[0] for line in capsys.readouterr().err.splitlines()] == [
        "train: 1 of 4 units were finished before.",
        "train: 38%, 150 agent-steps, 1 of 4 units",
        "train: 62%, 250 agent-steps, 1 of 4 units",
        "train: 62%, 250 agent-steps, 2 of 4 units",
    ]


def talking(unit: Unit) -> None:
    logging.getLogger("agents.somewhere").warning("%s speaks", unit.key)
    logging.getLogger("agents.somewhere").info("and whispers")


def test_what_a_worker_process_says_is_said_here(caplog: pytest.LogCaptureFixture) -> None:
    assert len(list(in_processes(talking, units(3), 2))) == 3
    assert sorted((record.name, record.levelname, record.getMessage()) for record in caplog.records) == [
        ("agents.somewhere", "WARNING", f"unit {k} speaks") for k in range(3)
    ]
    with caplog.at_level(logging.INFO, "agents"):
        list(in_processes(talking, units(1), 1))
    assert caplog.messages[3:] == ["unit 0 speaks", "and whispers"]


def test_a_work_of_the_library_shows_nothing_by_itself(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.work.board.QUIET_EVERY", 0.0)
    monkeypatch.setenv("FORCE_COLOR", "1")  # for rich it is a terminal
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    run_units(rows, units(), None, workers=1, title="work")
    assert capsys.readouterr() == ("", "")
    with messages.shown():
        run_units(rows, units(), None, workers=1, title="work")
    assert "work" in capsys.readouterr().err


def start(tmp_path: Path, out: Path, workers: int, count: int = 12, pause: float = 0.05) -> subprocess.Popen[str]:
    """A process at work, once it has finished something."""
    (tmp_path / "slow.py").write_text(SLOW.format(count=count, pause=pause))
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "slow.py"), str(out), str(workers)],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while len(list(out.glob("units/*.json"))) < 2:
        assert process.poll() is None and time.monotonic() < deadline, "it ended before it could be stopped"
        time.sleep(0.005)
    return process


def running(group: int) -> list[str]:
    """Processes of a group that have not ended, ended ones that nobody has asked for left out."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, of = path.read_text().rpartition(")")[2].split()[:3]
            found += [str(path)] * (int(of) == group and state != "Z")
    return found


def test_kill_9_loses_nothing_that_was_finished(tmp_path: Path) -> None:
    """The group of processes is killed in the middle; a rerun keeps what was done and ends as an unbroken run."""
    process = start(tmp_path, tmp_path / "out", 2)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "units").glob("*.json")}
    assert 2 <= len(kept) < 12 and not (tmp_path / "out" / "episodes.csv").exists()
    for out in ("out", "whole"):
        command = [sys.executable, str(tmp_path / "slow.py"), str(tmp_path / out), "1"]
        subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True, capture_output=True)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    one, other = ((tmp_path / out / "episodes.csv").read_bytes() for out in ("out", "whole"))
    assert one == other and one.count(b"\n") == 13


def test_ctrl_c_ends_all_processes_and_says_how_to_go_on(tmp_path: Path) -> None:
    process = start(tmp_path, tmp_path / "out", 2, count=400)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers too
    _, errors = process.communicate(timeout=30)
    assert process.returncode not in (0, None)
    assert "units are kept in" in errors.splitlines()[-1]
    deadline = time.monotonic() + 10
    while running(process.pid):
        assert time.monotonic() < deadline, "a worker outlives its parent"
        time.sleep(0.02)


def test_file_names_are_fit_and_apart() -> None:
    assert file_name("a-1.b") == "a-1.b"
    made = [file_name(text) for text in ("a b", "a/b", "a_b", "x" * 200, "x" * 199, "../up")]
    assert len(set(made)) == len(made) and all(len(name) < 100 and "/" not in name for name in made)
