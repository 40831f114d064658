"""Doors that came late, and what strangers bring to them: one sentence, at once, and nothing is lost."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agents import make
from agents.cli import main
from agents.commands.page import values_of_a_game
from agents.pages.compare import compare
from agents.pages.folders import PageError, as_written
from agents.pictures.episodes import PictureError
from agents.pictures.responses import table_of
from agents.play.game import PlayError
from agents.play.lessons import Lessons
from agents.play.store import Store
from agents.training.live import gap_of, last_values
from sd_env.record import LogError, record, write_log
from tools.fuzz_answers import CORPUS

ROOT = Path(__file__).parents[3]
GAME = ("--scenario", "games/one-shot", "--seeds", "1", "--worlds", "1")


@pytest.mark.parametrize(
    ("shell", "code", "said"),
    [("strategies dove >&-", 0, ""), ("play games/one-shot --seed 1 <&-", 130, "the input ended before turn 1")],
)
def test_a_stream_that_the_shell_has_closed_is_no_traceback(shell: str, code: int, said: str, tmp_path: Path) -> None:
    command = f"exec {sys.executable} -m agents.cli {shell}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(["sh", "-c", command], cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True)
    assert ran.returncode == code, ran.stderr
    assert said in ran.stderr and ran.stderr.count("\n") == bool(said)
    assert list(tmp_path.iterdir()) == []


def test_answers_of_any_letters_and_length_are_answered(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed = f"state_1 {'9' * 5000}\n".encode() + b"\xff\xfe\nstate_1 " + "٣".encode() + b"\nstate_1 101\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(typed), encoding="utf-8"))
    assert main(["play", "games/one-shot", "--forecast", "--seed", "1"]) == 130
    told = capsys.readouterr()
    assert told.out.count("is no whole number from 0 to 100") == 3 and "names no others who stand" in told.out
    assert told.err == "sd-env: the input ended before turn 1 was played.\n"


@pytest.mark.parametrize("seed", ["9" * 5000, "9" * 20, "٣", "-1", "1.0", "", 1.5, True, [1]])
def test_a_seed_of_a_lesson_that_is_none_is_a_sentence(seed: object) -> None:
    lessons = Lessons(Store(None), ["dove"])
    wish = {"ask": "a" * 8, "scenario": "games/one-shot", "people": ["state_0"], "against": ["dove"], "games": 1}
    with pytest.raises(ValueError, match="seed is .*a whole number from 0 to"):
        lessons.make(lessons.store.host, {**wish, "seed": seed, "forecasts": False})
    assert lessons.store.count() == 0


def test_a_scenario_of_the_host_takes_no_name_from_another(tmp_path: Path) -> None:
    mine, again = tmp_path / "mine.yaml", tmp_path / "again.yaml"
    mine.write_text("name: jervis/intense\n")
    with pytest.raises(PlayError, match=r"--scenarios has .*mine\.yaml.* 'jervis/intense' another has, too"):
        Lessons(Store(None), ["dove"], [mine])
    mine.write_text("name: mine\n")
    again.write_text("name: mine\nhorizon: 2\n")
    with pytest.raises(PlayError, match=r"again\.yaml"):
        Lessons(Store(None), ["dove"], [mine, again])


def test_games_are_not_kept_through_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "games.sqlite"
    target.touch()
    link.symlink_to(target)
    with pytest.raises(PlayError, match="symbolic links"):
        Store(link)
    assert target.read_bytes() == b""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["tournament", "dove", "hawk", *GAME, "--noise", "tremble=nan"], "KIND=NUMBER is"),
        (["tournament", "dove", "hawk", *GAME, "--noise", "tremble=0_1"], "KIND=NUMBER is"),
        (["tournament", "dove", "hawk", *GAME, "--noise", "tremble=٠"], "KIND=NUMBER is"),
        (["tournament", "dove", "hawk", *GAME, "--noise", "tremble=0.1", "tremble=0.2"], "--noise gives tremble twice"),
        (["escalation", "dove", *GAME, "--delta", "inf"], "a number is"),
        (["escalation", "dove", *GAME, "--delta", "1_0"], "a number is"),
        (["replay", "x.jsonl", "--turn", "1_0"], "1_0"),
        (["replay", "x.jsonl", "--turn", "٣"], "a whole number of at least 0 is"),
        (["train", "--config", "smoke", "--evaluation.worlds", "1000000000000"], "evaluation.worlds = 10000"),
        (["train", "--config", "smoke", "--worlds", "1000000000000"], "worlds = 1000000000000 need"),
        (["serve", "--port", "0", "--scenarios", "nowhere.yaml", "--data", "x"], "nowhere.yaml"),
        (["compare", ".", ".."], "holds no finished work"),
        (["tour", "-o", "x" * 300 + ".html"], "File name too long"),
        (["draw", "responses", ".", "-o", "x.png"], "has no responses"),
    ],
)  # fmt: skip
def test_odd_words_are_refused_at_once(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    told = capsys.readouterr()
    assert said in told.err and told.err.count("\n") == 1 and told.out == ""


@pytest.mark.parametrize(
    "text", ["", "x", "policy\n1\n", "\x00", "policy,measure,do,h,value,low,high\n" + "a,b,c,d,e,f,g\n"]
)
def test_a_table_of_responses_that_somebody_else_wrote_is_a_sentence(text: str, tmp_path: Path) -> None:
    (tmp_path / "escalation.csv").write_text(text)
    with pytest.raises(PictureError, match="has no responses"):
        table_of(tmp_path)


def test_values_that_no_game_has_are_a_sentence_at_every_door(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The digest fits, so the log is read: what cannot be told, measured, explained or drawn of it is said."""
    log = write_log(tmp_path / "a.jsonl", record("jervis/intense", make("hawk"), 1))

    def impossible(*args: object, **more: object) -> object:
        raise OverflowError("cannot convert float infinity to integer")

    monkeypatch.setattr("sd_env.show.story.Story.opening", impossible)
    monkeypatch.setattr("sd_env.measures.summary", impossible)
    monkeypatch.setattr("agents.pictures.episodes.beliefs", impossible)
    monkeypatch.setattr("sd_env.show.page.page", impossible)
    page = str(tmp_path / "a.html")
    for words in (["replay"], ["replay", "-o", page], ["explain"], ["explain", "-o", page], ["measure"],
                  ["draw", "beliefs", "-o", str(tmp_path / "a.png")]):  # fmt: skip
        given = [words[0], words[1], str(log), *words[2:]] if words[0] == "draw" else [words[0], str(log), *words[1:]]
        assert main(given) == 2, words
        assert f"{log} holds values that no game has (cannot convert" in capsys.readouterr().err
    with pytest.raises(LogError, match="no game has"), values_of_a_game("x"):
        raise IndexError(9)


def test_records_that_somebody_else_wrote_are_a_sentence(tmp_path: Path) -> None:
    kept = CORPUS / "report" / "tournament.json"
    for name in ("mine", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "report.json").write_bytes(kept.read_bytes())
    assert compare([tmp_path / "mine", tmp_path / "other"]).differences == []
    (tmp_path / "mine" / "report.json").write_bytes(kept.read_bytes().replace(b'"payoff"', b'"pay"'))
    with pytest.raises(PageError, match=r"mine/report\.json is not as this program writes it"):
        compare([tmp_path / "mine", tmp_path / "other"])
    for error in (KeyError("x"), ZeroDivisionError(), TypeError(), RuntimeError("ours")):
        with pytest.raises(RuntimeError if isinstance(error, RuntimeError) else PageError), as_written(Path("x")):
            raise error


def test_curves_and_results_that_are_none_are_not_known(tmp_path: Path) -> None:
    for data in (b"", b"x" * 200_000 + b"\n1\n", b"\xff\n1\n", b"a\n1,2\n", b"a\nx\n"):
        (tmp_path / "progress.csv").write_bytes(data)
        assert last_values(tmp_path / "progress.csv") == {}
    for text in ("", "{}", "[" * 100_000, '{"rounds": [{"round": 1, "gain": 1, "own": 0}]}', '{"rounds": 1}'):
        (tmp_path / "result.json").write_text(text)
        assert gap_of(tmp_path / "result.json") != gap_of(tmp_path / "result.json")
