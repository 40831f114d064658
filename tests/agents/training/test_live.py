"""What is shown of a training while it goes on: the last whole rows, an honest time, a layout that has its numbers."""

from __future__ import annotations

import io
import logging
import math
import re
from pathlib import Path

import pytest
from rich.console import Console

from agents.evaluation.outcome import outcome
from agents.evaluation.report import as_text
from agents.files import write_json, write_text
from agents.table.metrics import RATES
from agents.training.live import Watch, gap_of, last_values
from agents.training.logs import LAYOUT, Curves
from agents.training.oracle import Answer
from agents.training.rounds import write_rounds
from agents.work import Board, board

HEAD = "time/total_timesteps,arms/s_total,outcome/ss_attacks\n"


def test_the_last_whole_row_is_read_and_half_a_row_is_not(tmp_path: Path) -> None:
    path = tmp_path / "progress.csv"
    assert last_values(path) == {}
    write_text(path, HEAD)
    assert last_values(path) == {}
    write_text(path, HEAD + "100,1.5,\n200,1.25,0.5\n300,9")
    assert last_values(path) == {"time/total_timesteps": 200.0, "arms/s_total": 1.25, "outcome/ss_attacks": 0.5}
    write_text(path, HEAD + "".join(f"{k},1.5,0.25\n" for k in range(20_000)))
    assert last_values(path)["time/total_timesteps"] == 19_999.0


def test_the_gap_is_the_largest_of_the_last_round(tmp_path: Path) -> None:
    rounds = [
        {"round": 1, "gain": 9.0, "own": 10.0},
        {"round": 2, "gain": 0.2, "own": -10.0},
        {"round": 2, "gain": 0.1, "own": 10.0},
    ]
    write_json(tmp_path / "result.json", {"rounds": rounds})
    assert gap_of(tmp_path / "result.json") == pytest.approx(0.02)
    write_json(tmp_path / "result.json", {"rounds": []})
    assert math.isnan(gap_of(tmp_path / "result.json")) and math.isnan(gap_of(tmp_path / "nothing.json"))


def test_the_rounds_of_a_job_are_shown_as_they_go(tmp_path: Path) -> None:
    """A job stands at its last agent-step for many minutes while what beats its policy is looked for."""
    write_text(tmp_path / "progress.csv", HEAD + "4096,1.7,0.0\n")
    watch = Watch({"a": tmp_path}, outcome)
    found = [
        Answer(number, greedy, own=-10.0, gain=gain, error=0.1, response="x", taken=True)
        for number, greedy, gain in ((1, False, 3.0), (1, True, 0.5), (2, False, 0.1), (2, True, 0.25))
    ]
    for answers, most in ((found[:2], "30.0%"), (found, "2.5%")):
        write_rounds(tmp_path, answers)
        watch.learned("a")
        said = " ".join(as_text(watch.table()).split())
        assert f"a 4,096 0.0000 1.70 {most} arms race" in said and said.endswith("1 in rounds of responses")
        told = f"so far arms race without war in 1; 1 in rounds of responses, whose last gained {most} at most"
        assert watch.words() == told
    write_text(tmp_path / "rounds.csv", "round,share\n1,no number\n")
    watch.learned("a")
    assert "1 learning" in as_text(watch.table())


def test_the_table_says_how_each_job_stands(tmp_path: Path) -> None:
    jobs = {name: tmp_path / name for name in ("a", "b", "c")}
    for folder, row in zip(jobs.values(), ("4096,1.7,0.0\n", "2048,0.5,0.2\n"), strict=False):
        folder.mkdir()
        write_text(folder / "progress.csv", HEAD + row)
    watch = Watch(jobs, outcome)
    assert watch.words() == ""
    write_json(jobs["a"] / "result.json", {"rounds": [{"round": 1, "gain": 0.3, "own": 10.0}]})
    watch.finished("a")
    watch.learned("b")
    said = " ".join(as_text(watch.table()).split())
    assert "a 4,096 0.0000 1.70 3.0% arms race without war" in said
    assert "b 2,048 0.2000 0.50 - spiral" in said and said.endswith("1 learning, 1 done, 1 waiting")
    assert watch.words() == "so far arms race without war in 1, spiral in 1"
    assert " ".join(as_text(Watch(jobs, outcome, certified=True).table()).split()).endswith(
        "3 waiting; certificates come after"
    )


def test_what_is_known_of_a_job_stays_though_its_last_row_says_nothing_of_episodes(tmp_path: Path) -> None:
    write_text(tmp_path / "progress.csv", HEAD + "100,1.5,0.25\n200,,\n")
    watch = Watch({"a": tmp_path}, outcome)
    watch.learned("a")
    assert "a 200 0.2500 1.50 - spiral" in " ".join(as_text(watch.table()).split())


@pytest.mark.parametrize(
    ("columns", "first"),
    [
        (80, ["doubly-dangerous      12,345,678   0.0001  10.25  12.3%  arms race without war", "hostile seed1"]),
        (120, ["doubly-dangerous hostile seed1   12,345,678   0.0001  10.25  12.3%  arms race without war"]),
    ],
)
def test_nothing_of_table_and_bar_is_cut_and_names_break_between_their_parts(
    columns: int, first: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = {f"doubly-dangerous__hostile__seed{k}": tmp_path / str(k) for k in (1, 12)}
    watch, out = Watch(jobs, outcome, certified=True), io.StringIO()
    for name, folder in jobs.items():
        folder.mkdir()
        write_text(folder / "progress.csv", HEAD + "12345678,10.25,0.0001\n")
        write_json(folder / "result.json", {"rounds": [{"round": 1, "gain": 1.23, "own": 10.0}]})
        watch.finished(name)
    screen = Console(width=columns, file=out, force_terminal=True, _environ={"TERM": "xterm"})
    monkeypatch.setattr(board, "console", lambda **_: screen)
    monkeypatch.setattr(board.messages, "are_shown", lambda: True)
    with Board("train", 12, 2, size=10_000_000, measure="agent-steps", standing=watch) as shown:
        shown.progress("x", 4_000_000)
    last = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", out.getvalue()).replace("\r", "").rpartition("job ")[2]
    lines = [line.strip() for line in last.splitlines()]
    assert "…" not in last and max(map(len, lines)) <= columns
    assert lines[2 : 2 + len(first)] == first
    assert "2 done; certificates come after" in lines
    assert any(re.search(r"^train .*24,000,000/120,000,000 agent-steps 0:00:0\d", line) for line in lines)


def test_without_a_terminal_there_are_plain_lines_with_the_time_that_is_left(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = [0.0]
    monkeypatch.setattr(board.time, "monotonic", lambda: now[0])
    with caplog.at_level(logging.INFO, logger="agents"), Board("train", 4, 2, size=100) as shown:
        now[0] = 30.0
        shown.progress("x", 50)  # of the 200 that were left 50 took 30 s: what was done before counts for nothing
        now[0] = 600.0
        shown.progress("x", 100)
        shown.finished("x")
    assert "train: 62%, 250 units, 2 of 4 units, about 90 s left of it" in caplog.messages
    # of the later half, the 50 after that, which took 570 s; the bar stands where it was when the next is asked
    assert "train: 75%, 300 units, 2 of 4 units, about 19 min left of it" in caplog.messages


def test_tensorboards_layout_names_what_is_logged(tmp_path: Path) -> None:
    named = {tag for charts in LAYOUT.values() for _, tags in charts.values() for tag in tags}
    assert {tag for tag in named if not tag.startswith(("train/", "rollout/"))} <= set(RATES)
    curves = Curves(tmp_path)
    curves.write({"outcome/ss_attacks": 0.1}, {}, 10)
    curves.close()
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert "outcome/ss_attacks" in events.Tags()["scalars"]
    assert "custom_scalars__config__" in events.Tags()["tensors"]
