"""The commands on episode logs: verify says whether, replay tells what, both on one plain text file."""

from __future__ import annotations

import argparse
import dataclasses
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.commands import replay, verify
from sd_env import events as ev
from sd_env.layout import Head, Stance
from sd_env.policies import RandomPolicy
from sd_env.record import EpisodeLog, LogError, Recorder, read_log, record, write_log
from sd_env.show.page import page
from sd_env.show.story import Story
from sd_env.worlds import Worlds
from tests.docs import ROOT
from tests.table import quiet

RUSSIA, SERBIA, AUSTRIA = "russia", "serbia", "austria-hungary"


def july(policies: tuple[str, ...] = ("tit-for-tat", "dove", "hawk"), *, waits: bool = True) -> EpisodeLog:
    """Austria-Hungary attacks Serbia; Russia, its ally, answers on the next turn, or (``waits=False``) on the same."""
    names = [RUSSIA, SERBIA, AUSTRIA]
    scenario = quiet(3, horizon=4, title="July", states__names=names, states__offense=1.0, alliances__call_turns=2)
    align, neutral, attack = Stance.ALIGN, Stance.NEUTRAL, Stance.ATTACK
    # toward the others in index order: Russia (Serbia, Austria), Serbia (Russia, Austria), Austria (Russia, Serbia)
    plan = [
        ((align, neutral), (align, neutral), (neutral, neutral)),
        ((align, neutral if waits else attack), (align, neutral), (neutral, attack)),
        ((align, attack), (align, attack), (neutral, neutral)),
        ((neutral, neutral), (neutral, neutral), (neutral, neutral)),
    ]
    worlds = Worlds(scenario, 1, seed=0)
    recorder = Recorder(worlds, policies=policies)
    logs: list[EpisodeLog] = []
    for stances in plan:
        actions = np.zeros((1, 3, 5), np.int64)
        actions[0, :, Head.STANCE :] = stances
        worlds.step(actions)
        logs += recorder.turn(actions)
    return logs[0]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_log(tmp_path_factory.mktemp("log") / "july.jsonl", july())


def call(command: Any, *words: Any) -> int:
    """Run a command module on a command line."""
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return int(command.run(parser.parse_args([str(word) for word in words])))


# --- the story ------------------------------------------------------------------------------------------------


def test_a_call_honoured_by_an_attack_is_one_sentence_after_its_cause() -> None:
    """One sword each, q = 0, so it defends too: force 1 against 1 + 1 takes half of a homeland with probability 1/3."""
    log = july()
    story = Story(log)
    assert story.sentences(1) == ["Russia and Serbia form an alliance"]
    assert story.sentences(2) == [
        "Austria-Hungary attacks Serbia with force 1.00",
        "Austria-Hungary conquers land of Serbia: 0.17 of its homeland and 0.00 of its holdings",
        "Serbia calls Russia against Austria-Hungary",
    ]
    assert log.events[2][-1] == ev.CallHonoured(3, RUSSIA, SERBIA, (AUSTRIA,))
    assert story.sentences(3)[:2] == [
        "Serbia attacks Austria-Hungary with force 1.00",
        "Russia honours its call and attacks Austria-Hungary with force 1.00 (called by Serbia)",
    ]
    assert len(story.sentences(3)) == 3  # the land taken, and neither the attack nor the honouring again
    assert story.sentences(4) == ["Russia and Serbia are no longer allied"]


def test_a_call_that_is_opened_and_honoured_at_once_is_told_in_that_order() -> None:
    told = Story(july(waits=False)).sentences(2)
    assert told[:3] == [
        "Austria-Hungary attacks Serbia with force 1.00",
        "Serbia calls Russia against Austria-Hungary",
        "Russia honours its call and attacks Austria-Hungary with force 1.00 (called by Serbia)",
    ]
    assert [sentence.partition(" ")[0] for sentence in told[3:]] == ["Austria-Hungary", "Russia"]  # the conquests


def with_events(log: EpisodeLog, *events: ev.Event) -> Story:
    return Story(dataclasses.replace(log, events=(events, *log.events[1:])))


def test_calls_of_two_allies_against_two_and_an_attack_beside() -> None:
    log = july()
    story = with_events(
        log,
        ev.Attacks(1, RUSSIA, SERBIA, 1.0),
        ev.Attacks(1, RUSSIA, AUSTRIA, 2.0),
        ev.PledgeBroken(1, RUSSIA),
        ev.CallHonoured(1, RUSSIA, SERBIA, (AUSTRIA,)),
        ev.CallHonoured(1, RUSSIA, AUSTRIA, (SERBIA, AUSTRIA)),
    )
    assert story.sentences(1) == [
        "Russia honours its calls and attacks Serbia with force 1.00 and Austria-Hungary with force 2.00 "
        "(called by Serbia and Austria-Hungary)",
        "Russia breaks its pledge not to attack",
    ]
    story = with_events(
        log,
        ev.Attacks(1, RUSSIA, SERBIA, 1.0),
        ev.Attacks(1, RUSSIA, AUSTRIA, 2.0),
        ev.Falls(1, SERBIA),
        ev.CallHonoured(1, RUSSIA, SERBIA, (AUSTRIA,)),
    )
    assert story.sentences(1) == [
        "Russia attacks Serbia with force 1.00",
        "Russia honours its call and attacks Austria-Hungary with force 2.00 (called by Serbia)",
        "Serbia falls",
    ]


def test_every_kind_of_event_has_a_sentence_with_the_names_of_people() -> None:
    told = [
        ev.IllegalAction(1, SERBIA, f"stance toward {AUSTRIA}", "attack", "mobilize"), ev.Builds(1, SERBIA, 2, 1),
        ev.IllegalAction(1, SERBIA, "signal", "threaten", "silence"),
        ev.Reassures(1, SERBIA), ev.Threatens(1, SERBIA), ev.AllianceFormed(1, RUSSIA, SERBIA),
        ev.AllianceEnded(1, RUSSIA, SERBIA), ev.Mobilizes(1, SERBIA, AUSTRIA), ev.Attacks(1, SERBIA, AUSTRIA, 1),
        ev.PledgeBroken(1, SERBIA), ev.Conquest(1, SERBIA, (RUSSIA, AUSTRIA), 0.1, 0.2, 0.5),
        ev.Repelled(1, SERBIA, (RUSSIA,), 0.5), ev.Falls(1, SERBIA), ev.CallOpened(1, SERBIA, RUSSIA, (AUSTRIA,)),
        ev.CallHonoured(1, SERBIA, RUSSIA), ev.CallAbandoned(1, SERBIA, RUSSIA), ev.CommitmentFailed(1, SERBIA),
        ev.Chooses(1, SERBIA, "effort", "half"), ev.ChoosesToward(1, SERBIA, "embassy", "open", AUSTRIA),
        ev.BuildsShare(1, SERBIA, 0.25, 0.75), ev.GoesSoFar(1, SERBIA, AUSTRIA, 0.5),
        ev.LeaderFalls(1, SERBIA, 0.0), ev.LeaderFalls(1, SERBIA, 1.5),
        ev.FoundInViolation(1, SERBIA), ev.Mediated(1, SERBIA, AUSTRIA, True), ev.Mediated(1, SERBIA, AUSTRIA, False),
    ]  # fmt: skip
    assert {type(event) for event in told} == set(ev.KINDS.values())
    story = with_events(july(), *told)
    assert story.sentences(1) == [
        "Serbia may not choose attack as stance toward Austria-Hungary: mobilize instead",
        "Serbia builds offence at full capacity and defence at half capacity",
        "Serbia may not choose threaten as signal: silence instead",
        "Serbia pledges not to attack",
        "Serbia threatens whoever attacks it or its allies",
        "Russia and Serbia form an alliance",
        "Russia and Serbia are no longer allied",
        "Serbia mobilizes against Austria-Hungary",
        "Serbia attacks Austria-Hungary with force 1.00",
        "Serbia breaks its pledge not to attack",
        "Russia and Austria-Hungary conquer land of Serbia: 0.10 of its homeland and 0.20 of its holdings",
        "Serbia repels the assault of Russia",
        "Serbia falls",
        "Russia calls Serbia against Austria-Hungary",
        "Serbia honours the call of Russia",
        "Serbia abandons Russia",
        "Serbia does not carry out its threat",
        "Serbia chooses half as effort",
        "Serbia chooses open as embassy toward Austria-Hungary",
        "Serbia builds offence at 25% of its capacity and defence at 75% of its capacity",
        "Serbia goes no further than 50% against Austria-Hungary",
        "the leader of Serbia falls, and the next seeks security",
        "the leader of Serbia falls, and the next is greedy (1.5)",
        "Serbia is found in violation of the arms treaty",
        "a mediator tells Serbia that Austria-Hungary seeks security",
        "a mediator tells Serbia that Austria-Hungary is greedy",
    ]
    assert len(story.sentences(1, SERBIA)) == len(told)
    assert len(story.sentences(1, RUSSIA)) == 7 and len(story.sentences(1, AUSTRIA)) == 8


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (["austria-hungary", "soviet_union"], ["Austria-Hungary", "Soviet_Union"]),
        (["USA", "deSitter"], ["USA", "DeSitter"]),
        (["germany", "Germany"], ["germany", "Germany"]),  # else both would be Germany
    ],
)
def test_names_begin_with_capitals(names: list[str], shown: list[str]) -> None:
    story = Story(record(quiet(2, horizon=1, states__names=names), RandomPolicy(), 0))
    assert list(story.names.values()) == shown
    assert [story.find(name) for name in names] == names


def test_the_end_is_told() -> None:
    def end(**settings: Any) -> str:
        log = record(quiet(2, **settings), RandomPolicy(), 0)
        return next(Story(log).closing())

    assert end(horizon=3) == "after 3 turns the horizon is reached"
    assert re.fullmatch(r"after \d+ turns? chance ends the world", end(continuation=0.1, horizon=1000))
    strong = {"states__offense": {"state_0": 1000.0, "default": 0.0}, "war__conquest": 1.0, "war__collapse": 0.5}
    attacks = {"actions__stance": ["neutral", "attack"], "actions__signal": ["silence"], "arming__build_rate": 0.0}
    assert re.fullmatch(r"after \d+ turns? State_0 alone stands", end(**strong, **attacks))
    log = july()
    open_end = Story(dataclasses.replace(log, truncated=False))
    assert next(open_end.closing()) == "after 4 turns the log ends, though the episode does not"
    assert (
        list(Story(log).closing())[1]
        == "1 war (1 among security seekers), 3 attacks, land taken 2 times, 0 states fallen"
    )


# --- replay ---------------------------------------------------------------------------------------------------


def test_replay_tells_the_whole_episode(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(replay, path) == 0
    out = capsys.readouterr().out
    lines = out.splitlines()
    assert lines[:5] == [
        "quiet: July", "seed 0, world 0, episode 0, 4 turns", "Russia is played by tit-for-tat",
        "Serbia is played by dove", "Austria-Hungary is played by hawk",
    ]  # fmt: skip
    assert [line for line in lines if line.startswith("turn ")] == [
        f"turn {turn} of 4, offence advantage 1.00" for turn in range(5)
    ]
    assert "- Russia honours its call and attacks Austria-Hungary with force 1.00 (called by Serbia)" in lines
    assert sum(line.startswith("payoffs: Russia 1.00, Serbia ") for line in lines) == 4
    assert lines[-5] == "after 4 turns the horizon is reached"
    assert re.fullmatch(
        r"Russia          return     4\.00, homeland 1\.00, holdings 0\.\d\d \(security seeker\)", lines[-3]
    )
    assert out.isascii() and out.replace("\n", "").isprintable()  # no control codes


def test_replay_picks_a_turn_a_state_or_the_events_alone(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def told(*words: Any) -> list[str]:
        assert call(replay, path, *words) == 0
        return capsys.readouterr().out.splitlines()

    assert told("--turn", 1, "--quiet")[-2:] == ["turn 1 of 4", "- Russia and Serbia form an alliance"]
    assert told("--turn", 0)[6:][0] == "turn 0 of 4, offence advantage 1.00"
    assert not any("holdings offence" in line for line in told("--quiet"))
    assert [line for line in told("--quiet") if line.startswith("turn")] == [f"turn {t} of 4" for t in (1, 2, 3, 4)]
    only = [line for line in told("--state", "Austria-Hungary", "--quiet") if line.startswith("- ")]
    assert only and all("Austria-Hungary" in line for line in only)
    assert only == [line for line in told("--state", AUSTRIA) if line.startswith("- ")]
    assert not any("alliance" in line or "allied" in line for line in only)


def test_replay_refuses_in_one_sentence(path: Path, tmp_path: Path) -> None:
    for words, sentence in (
        ((path, "--turn", 5), f"--turn is 5; {path} has turns 0 to 4."),
        (
            (path, "--state", "prussia"),
            f"--state: 'prussia' names no state of this log; its states are {RUSSIA}, {SERBIA}, {AUSTRIA}.",
        ),
        ((tmp_path / "none",), f"{tmp_path / 'none'} cannot be read: No such file or directory."),
        ((path, "-o", "page.txt"), "--output is 'page.txt'; a page's name ends in .html."),
        (
            (path, "-o", "page.html", "--turn", 2),
            "--turn is given with --output: a page shows the whole episode as it was played.",
        ),
        (
            (path, "-o", path / "page.html"),
            f"--output '{path / 'page.html'}' cannot be written: File exists.",
        ),
    ):
        with pytest.raises(LogError, match=f"^{re.escape(sentence)}$"):
            call(replay, *words)


def test_an_episode_becomes_a_page(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "new" / "episode.html"
    assert call(replay, path, "-o", target) == 0
    assert capsys.readouterr().out == f"{target}: open it in a browser\n"
    assert target.read_text(encoding="utf-8") == page(read_log(path))
    assert call(replay, path, "-o", target) == 0  # written whole, in the place of the old one
    assert [each.name for each in target.parent.iterdir()] == ["episode.html"]


def test_foreign_words_cannot_drive_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call(replay, write_log(tmp_path / "log.jsonl", july(("\x1b[2Jred", "", ""))), "--quiet")
    out = capsys.readouterr().out
    assert "Russia is played by ?[2Jred\n" in out
    assert "Serbia and Austria-Hungary are played by somebody whom the log does not name\n" in out


def test_a_narrow_terminal_gets_the_events_without_the_tables(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    for columns, there in (("40", False), ("200", True)):
        monkeypatch.setenv("COLUMNS", columns)
        call(replay, path)
        out = capsys.readouterr().out
        assert ("homeland        holdings" in out) == there == ("tables need" not in out)
        assert "- Russia honours its call" in out


# --- verify ---------------------------------------------------------------------------------------------------


def test_verify_has_three_answers(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(verify, path) == 0
    same = f"{path}: 4 turns of quiet, seed 0, world 0, episode 0: the same when played again, bit for bit\n"
    assert capsys.readouterr().out == same
    log = july()
    states = log.states.copy()
    states["homeland"][3, 2] += 0.5
    other = write_log(tmp_path / "other.jsonl.gz", dataclasses.replace(log, states=states))
    assert call(verify, path, other) == 1
    captured = capsys.readouterr()
    assert captured.out.startswith(same) and captured.err == ""
    assert re.fullmatch(
        rf"{re.escape(str(other))}: .*: differs first at turn 3, states homeland of austria-hungary: "
        r"logged 1\.\d+, played again 0\.\d+\n",
        captured.out.removeprefix(same),
    )
    (tmp_path / "cut.jsonl").write_bytes(path.read_bytes()[:-100])
    assert call(verify, tmp_path / "cut.jsonl", other, path) == 2  # the others are looked at all the same
    captured = capsys.readouterr()
    assert captured.out.count("\n") == 2 and captured.err.startswith(
        f"sd-env: {tmp_path / 'cut.jsonl'}, line 6: the log"
    )


def test_the_commands_run_without_torch_or_pandas(path: Path) -> None:
    """Through the console command, in a process of its own, into a pipe."""
    script = (
        "import sys; from agents.cli import main; code = main(sys.argv[1:])\n"
        "heavy = {'torch', 'pandas', 'stable_baselines3'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else code)"
    )
    for command, code in (
        (["verify", path], 0),
        (["replay", path, "--quiet"], 0),
        (["replay", path, "--turn", "9"], 2),
    ):
        words = [sys.executable, "-c", script, *map(str, command)]
        ran = subprocess.run(words, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=False)
        assert ran.returncode == code, ran.stderr
        assert ran.stderr == ("" if code == 0 else f"sd-env: --turn is 9; {path} has turns 0 to 4.\n")
        assert ran.stdout.replace("\n", "").isprintable()
