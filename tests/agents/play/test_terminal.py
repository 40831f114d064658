"""A game in the terminal, played by a pipe of lines."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from agents.cli import main
from sd_env.record import read_log, verify

SCENARIO = "jervis/doubly-dangerous"
WORDS = ["play", SCENARIO, "--as", "state_0", "--against", "dove", "--seed", "4", "--overrides", "horizon=3"]


def play(lines: str, monkeypatch: pytest.MonkeyPatch, *more: str) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(lines))
    return main([*WORDS, *more])


def test_a_whole_game_by_numbers_words_and_the_short_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "game.jsonl"
    first, second, third = "none\n2\nrea\nmob\n", "\n\nthreaten\nattack\n", "=\n"
    assert play(first + second + third, monkeypatch, "-o", str(log)) == 0
    kept = read_log(log)
    assert kept.actions[:, 0].tolist() == [[0, 2, 1, 2], [0, 2, 2, 3], [0, 2, 0, 3]]
    assert verify(kept) and kept.turns == 3 and kept.policies == ("", "dove") and kept.seed == 4
    told = capsys.readouterr().out
    assert "--- turn 3 of 3" in told and "what was hidden" in told and "--seed 4" in told
    assert "You are State_0. The other is State_1" in told
    kind = "a security seeker" if kept.states["greed"][0, 1] == 0 else "greedy"
    assert f"State_1  was {kind}" in told and str(log) in told
    assert told.isascii()


def test_other_commands_take_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "game.jsonl"
    assert play("none\nnone\nsilence\nmobilize\n0\n0\n0\nattack\n=\n", monkeypatch, "-o", str(log)) == 0
    capsys.readouterr()
    assert main(["verify", str(log)]) == 0 and "bit for bit" in capsys.readouterr().out
    assert main(["replay", str(log)]) == 0 and "State_0 attacks State_1" in capsys.readouterr().out
    assert main(["explain", str(log)]) == 0 and "State_0" in capsys.readouterr().out
    assert main(["replay", str(log), "-o", str(tmp_path / "game.html")]) == 0


def test_help_and_what_is_no_choice(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert play("?\nrules\nxyz\n7\n-1\nn\n\n\nattack\nneutral\nn\n=\n=\n", monkeypatch) == 0
    told = capsys.readouterr().out
    assert "Swords: they attack" in told and "wins is" not in told
    assert told.count("An attacker's arms count") == 2
    for odd in ("'xyz'", "'7'", "'-1'"):
        assert f"{odd} is none of the choices: 0 or none, 1 or half, 2 or full" in told
    assert "attack is not yet: be mobilized against it for long enough first" in told


def test_a_beginning_that_two_words_share_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert play("0\n0\n0\na\nalign\n=\n=\n", monkeypatch) == 0
    assert "'a' is none of the choices" in capsys.readouterr().out


def test_forecasts_are_asked_and_scored(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    lines = "state_1 20\nnobody 5\nstate_1 101\nstate_0 state_1 5\nstate_1\n\n=\nSTATE_1 0%\n\n=\n\n=\n"
    assert play(lines, monkeypatch, "--forecast") == 0
    told = capsys.readouterr().out
    assert told.count("names no others who stand") == 3 and "'101' is no whole number" in told
    assert "Brier score 0.020 over 2" in told


@pytest.mark.parametrize(("lines", "why"), [("=\n0\n", "the input ended"), ("=\nquit\n", "you ended the game")])
def test_a_game_that_is_left_keeps_what_was_played(
    lines: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "game.jsonl"
    assert play(lines, monkeypatch, "-o", str(log)) == 130
    assert f"{why} before turn 2 was played, and the log of 1 turn is {log}." in capsys.readouterr().err
    kept = read_log(log)
    assert kept.turns == 1 and verify(kept)
    assert main(["replay", str(log)]) == 0


def test_ctrl_c_keeps_it_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Pressed(io.StringIO):
        def readline(self, *size: Any) -> str:
            line = super().readline(*size)
            if not line:
                raise KeyboardInterrupt
            return line

    monkeypatch.setattr("sys.stdin", Pressed("=\n=\n"))
    assert main([*WORDS, "-o", str(tmp_path / "game.jsonl")]) == 130
    assert "you interrupted the game before turn 3 was played" in capsys.readouterr().err
    assert read_log(tmp_path / "game.jsonl").turns == 2


def test_a_game_without_a_turn_leaves_no_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert play("", monkeypatch, "-o", str(tmp_path / "game.jsonl")) == 130
    assert capsys.readouterr().err == "sd-env: the input ended before turn 1 was played.\n"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (["--as", "state_3"], "'state_3' is no state of jervis/doubly-dangerous; did you mean state_"),
        (["--against", "dov"], "did you mean"),
        (["--against", "dove", "hawk"], "against has 2 policies; one for all, or one for each of 1 is needed"),
        (["--output", "/proc/nope/x.jsonl"], "--output is '/proc/nope/x.jsonl'; a file in a folder that exists"),
        (["--seed", "99999999999999999999"], "seed is 99999999999999999999"),
    ],
)
def test_what_cannot_be_played_is_refused_in_a_sentence(
    more: list[str], why: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    option = more[0]
    words = [*WORDS]
    if option in words:
        at = words.index(option)
        del words[at : at + 2]
    assert main([*words, *more]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert why in line


def test_what_strangers_wrote_drives_no_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from sd_env.scenario import Scenario

    odd = Scenario.load(SCENARIO, {"title": "\x1b[2Jowned", "description": "a\x07b", "horizon": 2})
    path = odd.save(tmp_path / "odd.yaml") or tmp_path / "odd.yaml"
    monkeypatch.setattr("sys.stdin", io.StringIO("=\n=\n"))
    assert main(["play", str(path), "--seed", "1"]) == 0
    assert "\x1b" not in (told := capsys.readouterr().out) and "\x07" not in told and "owned" in told
