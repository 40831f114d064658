"""What would have become of a logged episode: it is played again, and the story tells where the two part."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from agents.cli import main
from agents.evaluation.counterfactual import counterfactual
from agents.policies.registry import make
from agents.table.play import play
from sd_env.layout import Head, Stance
from sd_env.record import Collector, EpisodeLog, LogError, record, write_log
from sd_env.scenario import Scenario
from tests.table import quiet


def duel(one: str, two: str, horizon: int = 8) -> EpisodeLog:
    """Two states that may attack at once, at no cost."""
    return record(quiet(horizon=horizon, states__offense=1.0), [make(one), make(two)], 5)


def told(log: EpisodeLog, folder: Path, capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    path = write_log(folder / "log.jsonl", log)
    assert main(["replay", str(path), *words]) == 0
    return capsys.readouterr().out.splitlines()


def test_an_attack_that_was_not_makes_a_war_that_was_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Grim trigger and tit for tat are at peace. State_0 attacks once, on turn 4: tit for tat answers on turn 5, and
    for that grim trigger attacks from turn 6 on; tit for tat is attacked on turns 4, 6, 7 and answers on 5, 7, 8.

    So there are 1 + 1 attacks on turns 4 and 5, one on turn 6, two on 7 and two on 8: seven, and one war.
    """
    lines = told(duel("grim-trigger", "tit-for-tat"), tmp_path, capsys, "--do", "state_0.attack=state_1@4", "--quiet")
    assert lines[2:5] == [
        "State_0 is played by grim-trigger", "State_1 is played by tit-for-tat", "with: state_0.attack=state_1@4"
    ]  # fmt: skip
    assert lines[6] == "turn 4 of 8" and any(line.startswith("- with: State_0 attacks State_1") for line in lines)
    assert not any(line.startswith("- without: State_0 attacks") for line in lines)
    parted, war, closing = lines[-3:]
    assert parted == "They part on turn 5, on which State_1 for the first time chooses otherwise."
    assert war == "New is the war of State_0 and State_1 that begins on turn 4."
    assert closing.startswith(
        "With state_0.attack=state_1@4: wars 1 instead of 0, attacks 7 instead of 0, arms at the end "
    )


def test_a_war_can_vanish_or_begin_later(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    short = told(duel("hawk", "dove", horizon=1), tmp_path, capsys, "--do", "state_0.stance=neutral@1")
    assert short[-2] == "Gone is the war of State_0 and State_1 that begins on turn 1 without."
    assert "wars 0 instead of 1, attacks 0 instead of 1" in short[-1] and short[-3] == "Nobody ever chooses otherwise."
    later = told(duel("hawk", "dove", horizon=3), tmp_path, capsys, "--do", "state_0.stance.state_1=neutral@1")
    assert later[-2] == "The war of State_0 and State_1 begins on turn 2 instead of 1."


@pytest.mark.parametrize("policy", ["tit-for-tat", "random"])
def test_without_the_intervention_the_episode_is_the_logged_one(policy: str) -> None:
    log = record("jervis/intense", [make(policy)] * 2, 9, world=3, episode=2)
    found = counterfactual(log, ["state_1.defense+=0.5@5"])
    assert found.bare == log and found.notes == ()
    given = found.done.states["defense"][4] - log.states["defense"][4]
    assert given == pytest.approx([0.0, 0.5]) and (found.done.states["defense"][:4] == log.states["defense"][:4]).all()


def test_states_of_whom_the_log_says_nothing_do_again_what_they_did() -> None:
    whole = duel("grim-trigger", "tit-for-tat")
    log = dataclasses.replace(whole, policies=("grim-trigger", ""))
    found = counterfactual(log, ["state_1.attack=state_0@3"])
    # grim trigger answers from turn 4 on, and the other goes on as if nothing were
    assert (found.done.actions[3:, 0, Head.STANCE] == Stance.ATTACK).all()
    others = np.flatnonzero((found.done.actions[:, 1] != log.actions[:, 1]).any(axis=1))
    assert others.tolist() == [2]
    assert found.notes == (
        "The log does not say who played State_1: what was done there is done again, whatever the others do.",
    )


def test_draws_of_a_batch_are_not_those_of_a_replay_and_that_is_said() -> None:
    """World 2 of four drew what is drawn third: alone it draws otherwise. Until the intervention it acts as logged."""
    collector = Collector([2], policies=("random", "random"))
    play(Scenario.load("jervis/intense"), make("random"), worlds=4, seed=1, recorder=collector)
    [log] = collector.logs
    found = counterfactual(log, ["state_0.offense+=1@6"])
    for again in (found.bare, found.done):
        assert (again.actions[:5] == log.actions[:5]).all()
    [note] = found.notes
    assert "choose otherwise than in the log from turn 6 on" in note
    assert (found.bare.actions == found.done.actions).all()  # random does not look at arms


def test_other_policies_can_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = dataclasses.replace(duel("dove", "dove"), policies=("lost__seed1", "lost__seed1"))
    path = str(write_log(tmp_path / "log.jsonl", log))
    assert main(["replay", path, "--do", "state_0.attack=state_1@2"]) == 2
    error = capsys.readouterr().err
    assert "The log says that 'lost__seed1' played state_0, which is not found here: --policies names" in error
    assert main(["replay", path, "--do", "state_0.attack=state_1@2", "--policies", "dove", "tit-for-tat"]) == 0
    assert "State_1 is played by tit-for-tat" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "needed"),
    [
        (["--do", "state_0.defense+=0.5@9"], "is on turn 9; the log has turns 1 to 8."),
        (["--do", "state_5.defense+=0.5@2"], "names no state of this world; its states are state_0, state_1."),
        (["--do", "state_0.homeland=1@2"], "'homeland'"),
        (["--do", "nonsense"], "'nonsense' is no intervention"),
        (["--do", "state_0.signal=shout@2"], "allowed are silence, reassure, threaten."),
        (["--do", "state_0.offense=1@2", "--turn", "0"], "--turn is 0; with --do turns from 1 on are told."),
        (["--do", "state_0.offense=1@2", "--policies", "a", "b", "c"], "policies are 3; 1 for all states or 2"),
        (["--do", "state_0.offense=1@2", "--policies", "nobody"], "nobody"),
        (["--policies", "dove"], "--policies is given without --do"),
    ],
)
def test_what_cannot_be_replayed_gets_one_sentence(
    words: list[str], needed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(write_log(tmp_path / "log.jsonl", duel("dove", "dove")))
    assert main(["replay", path, *words]) == 2
    printed = capsys.readouterr()
    [error] = printed.err.splitlines()
    assert error.startswith("sd-env: ") and needed in error and printed.out == ""


def test_a_log_of_another_game_is_refused() -> None:
    log = duel("dove", "dove")
    states = log.states.copy()
    states["offense"][3, 0] += 1.0
    with pytest.raises(LogError, match="The log is not of the game that is played here: .*differs first at turn 3"):
        counterfactual(dataclasses.replace(log, states=states), ["state_0.offense=1@2"])
