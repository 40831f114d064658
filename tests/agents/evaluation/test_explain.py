"""Why wars broke out: cases of which it is known, from the class to what would have averted them."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.cli import main
from agents.evaluation.counterfactual import counterfactual
from agents.evaluation.explain import Explanation, explain
from agents.evaluation.explained import sentences
from agents.evaluation.moments import moments, sentence
from agents.policies.specs import policy_from
from agents.table.play import play
from sd_env import layout
from sd_env.layout import Head, Stance
from sd_env.measures import wars
from sd_env.policies import PolicyError
from sd_env.record import Collector, EpisodeLog, LogError, record, write_log
from sd_env.scenario import Scenario
from sd_env.show.page import Note, page
from tests.table import quiet

#: Two states with a sword each that may attack at once; at trust below .64 a seeker is better off to strike first.
BRINK: dict[str, Any] = {
    "horizon": 6, "states__offense": 1.0, "war__attacker_cost": 0.3, "war__first_strike": 0.5, "war__base_defense": 0.1,
    "war__decisiveness": 2.0, "war__conquest": 0.3,
}  # fmt: skip
RISING = {"states__growth": {"state_0": 0.0, "state_1": 0.2}, "horizon": 12}


def fought(one: str, two: str, seed: int = 0, **overrides: Any) -> EpisodeLog:
    """An episode on the brink, whose log names those who play with their parameters."""
    scenario = quiet(**{**BRINK, **overrides})
    log = record(scenario, [policy_from(one), policy_from(two)], seed)
    return dataclasses.replace(log, policies=(one, two))


def first(log: EpisodeLog) -> Explanation:
    return explain(log)[0]


def tried(found: Explanation) -> dict[tuple[str, tuple[int, ...]], tuple[str, int | None]]:
    return {(each.kind, each.states): (each.outcome, each.turn) for each in found.attempts}


def seekers(one: str, two: str, **overrides: Any) -> EpisodeLog:
    """The first such episode in which both are security seekers, and do not know it."""
    logs = (fought(one, two, seed, **overrides) for seed in range(100))
    return next(log for log in logs if not log.states["greed"][0].any())


CLASSES = {
    "opportunistic": lambda: fought("hawk", "dove", motives__p_greedy=1.0),
    "preemptive": lambda: seekers("bayesian-realist", "dove", motives__p_greedy=0.6, perception__beliefs=True),
    "preventive": lambda: fought("preventive-attacker", "dove", **RISING, war__attacker_cost=0.05),
    "mixed": lambda: seekers(
        "preventive-attacker", "dove", **RISING, war__attacker_cost=0.2, motives__p_greedy=0.1
    ),
    "other": lambda: fought("hawk", "dove"),
}  # fmt: skip


@pytest.mark.parametrize("kind", CLASSES)
def test_each_class_of_war_is_told_with_who_attacked_whom_and_when(kind: str) -> None:
    log = CLASSES[kind]()
    [found, *_] = explain(log)
    [war, *_] = wars(log)
    assert (found.kind, found.war) == (kind, war)
    [of] = found.assessments
    assert (of.motive.attacker, of.motive.target, of.motive.turn) == (0, 1, 1)
    assert of.motive.utility == pytest.approx(of.won + of.spared - of.cost)
    assert of.motive.pays == (kind != "other")
    told = sentences(log, found)
    assert told[0].startswith("War from turn 1 ") and "State_0 attacks State_1" in told[0]
    assert told[1].startswith(f"Class {kind}: ") and ("It is tragic" in told[1]) == (kind != "opportunistic")
    assert any(f"probability {of.success:.2f}" in line for line in told)


def test_a_scripted_aggressor_is_not_averted_by_the_truth_nor_by_anything() -> None:
    log = fought("hawk", "dove")
    found = first(log)
    assert found.untried == "" and found.averted == ()
    assert tried(found)["truth", (0,)] == ("not averted", 1)
    assert {kind for kind, _ in tried(found)} == {"truth", "no swords", "more shields"}  # no turn before the first
    assert sentences(log, found)[-1] == "None of the changes that were tried averts it."


def test_a_war_of_two_seekers_by_misperception_is_averted_when_both_know_the_truth() -> None:
    """Each strikes first for fear of the other: it is not enough that one of them learns what the other is."""
    log = seekers("bayesian-realist", "bayesian-realist", motives__p_greedy=0.6, perception__beliefs=True)
    found = first(log)
    assert found.kind == "preemptive" and found.war.tragic and found.war.opening == ((0, 1), (1, 0))
    for of in found.assessments:
        assert (of.belief, of.target_greed, of.pays) == (pytest.approx(0.4), 0.0, "below")
        assert of.belief < of.threshold < 1.0 and of.motive.pays and not of.truly.pays
    outcomes = tried(found)
    assert outcomes["truth", (0,)] == outcomes["truth", (1,)] == ("not averted", 1)
    assert outcomes["truth", (0, 1)] == ("averted", None)
    told = sentences(log, found)
    assert "It is averted if State_0 and State_1 know what those are whom they attack." in told
    assert sum(line.endswith(": a mistake.") for line in told) == 2


def test_a_belief_of_its_own_is_set_right_where_the_world_shows_none() -> None:
    """What the realist holds of the other is its own affair; shown the truth it takes that instead."""
    log = fought("bayesian-realist:prior=0.2", "bayesian-realist")
    found = first(log)
    assert not log.scenario.perception.beliefs and found.war.opening == ((0, 1),)
    assert tried(found)["truth", (0,)] == ("averted", None)


def test_a_cult_of_the_offensive_is_averted_by_the_true_balance() -> None:
    """`worst-case` attacks where it believes that offence leads; here it does not."""
    log = fought("worst-case", "dove", technology__perceived_offense_advantage=2.0)
    found = first(log)
    assert (found.assessments[0].advantage, found.assessments[0].true_advantage) == (2.0, 1.0)
    assert tried(found)["balance", (0, 1)] == ("averted", None)
    told = sentences(log, found)
    assert "It is averted if all believe in the true advantage of offence, 1.00." in told
    assert any(line.endswith("It took the advantage of offence for 2.00; it was 1.00.") for line in told)
    assert "balance" not in {kind for kind, _ in tried(first(fought("hawk", "dove")))}


def test_the_truth_does_not_avert_a_war_that_the_truth_bids() -> None:
    log = next(
        log
        for log in (
            fought("bayesian-realist", "dove", seed, motives__p_greedy=0.6, perception__beliefs=True)
            for seed in range(100)
        )
        if log.states["greed"][0].tolist() == [0.0, 1.0]
    )
    found = first(log)
    assert tried(found)["truth", (0,)] == ("not averted", 1) and found.assessments[0].truly.pays


def test_what_is_said_or_done_the_turn_before_is_tried() -> None:
    """A preemptor strikes who mobilizes; `worst-case` mobilizes again on the turn after it stood down."""
    log = fought("preemptor", "worst-case", war__attacker_cost=0.0, technology__offense_advantage=0.9)
    found = first(log)
    assert (found.war.start, found.war.opening) == (2, ((0, 1),))
    outcomes = tried(found)
    assert outcomes["standing down", (1,)] == ("put off", 3)
    assert outcomes["reassurance", (1,)] == outcomes["threat", (1,)] == ("not averted", 2)
    assert "mobilization" not in {kind for kind, _ in outcomes}
    told = sentences(log, found)
    assert any(
        "It is put off to turn 3 if State_1 is not mobilized against State_0 the turn before." in s for s in told
    )


def test_what_both_could_have_said_or_done_they_do_together_too() -> None:
    """Kydd's game: two seekers who mobilized out of doubt strike on the same turn, each for fear of the other."""
    log = record("theories/kydd-reassurance", policy_from("bayesian-realist"), 16)
    found = first(log)
    assert found.war.opening == ((0, 1), (1, 0)) and found.war.start == 2
    outcomes = tried(found)
    assert outcomes["standing down", (0,)] == outcomes["standing down", (1,)] == ("not averted", 2)
    assert outcomes["standing down", (0, 1)] == ("put off", 3)
    [both] = [each for each in found.attempts if each.kind == "standing down" and len(each.states) == 2]
    assert both.dos == ("state_0.neutral=state_1@1", "state_1.neutral=state_0@1")
    assert wars(counterfactual(log, both.dos).done)[0].start == 3
    told = sentences(log, found)[-1]
    assert "State_0 and State_1 reassure the turn before" in told and "State_0 reassures" not in told


def test_shields_are_the_fewest_that_avert_it_and_a_replay_agrees() -> None:
    """It attacks from odds of .9 on: of 2 swords by surprise, 3² / (3² + S²), while S = .1 + shields is at most 1."""
    log = fought("power-maximiser:odds=0.9", "dove", states__offense={"state_0": 2.0, "state_1": 0.0}, horizon=1)
    found = first(log)
    [shields] = [each for each in found.averted if each.kind == "more shields"]
    assert shields.dos == ("state_1.defense+=1@1",)
    assert wars(counterfactual(log, shields.dos).done) == []
    assert wars(counterfactual(log, ["state_1.defense+=0.5@1"]).done)
    assert f"It is averted if State_1 has 1 more defensive arms. (--do {shields.dos[0]})" in sentences(log, found)


def test_where_nobody_is_known_to_have_played_nothing_is_tried_and_it_is_said() -> None:
    log = dataclasses.replace(fought("hawk", "dove"), policies=("", "dove"))
    found = first(log)
    assert found.attempts == () and "does not say who played State_0" in found.untried
    assert sentences(log, found)[-1].startswith("What would have averted it is not known. The log does not say")
    [again, *_] = explain(log, policies=["hawk", "dove"])
    assert again.untried == "" and again.attempts
    [half, *_] = explain(dataclasses.replace(log, policies=("hawk", "")))
    assert half.attempts and "does not say who played State_1" in half.notes[0]


def test_policies_that_are_not_found_are_told_and_the_war_is_explained_all_the_same() -> None:
    log = dataclasses.replace(fought("hawk", "dove"), policies=("lost__seed1", "dove"))
    found = first(log)
    assert found.kind == "other" and found.attempts == ()
    assert "'lost__seed1' played state_0, which is not found here: --policies names who is to play" in found.untried
    with pytest.raises(PolicyError, match="nobody"):
        explain(log, policies=["nobody"])


def test_policies_that_play_otherwise_when_asked_again_say_so() -> None:
    """World 2 of four drew what is drawn third: alone it draws otherwise."""
    collector = Collector(policies=("random", "random"))
    play(quiet(**BRINK), policy_from("random"), worlds=8, seed=1, recorder=collector)
    untold = [each for log in collector.logs for each in explain(log) if each.untried]
    assert untold and all("these policies do not begin this war on that turn" in each.untried for each in untold)


class Unread:
    """Attacks always, and is no strategy: nobody knows where it would look for beliefs."""

    def reset(self, seed: int) -> None:
        pass

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        assert observation.shape[1] == layout.observation_size(2, context=True)
        actions = np.tile(layout.noop(2), (len(mask), 1))
        actions[:, Head.STANCE] = Stance.ATTACK
        return actions


def test_who_sees_no_beliefs_cannot_be_told_the_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    from agents.evaluation import replayer

    known = {"unread": Unread(), "dove": policy_from("dove")}
    monkeypatch.setattr(replayer, "policy_from", lambda label, trust: known[label])
    log = record(quiet(**BRINK), list(known.values()), 0)
    found = first(dataclasses.replace(log, policies=tuple(known)))
    assert "truth" not in {kind for kind, _ in tried(found)} and found.attempts
    assert found.notes == (
        "What State_0 would do if it knew the truth cannot be tried: its policy sees no beliefs here "
        "(perception.beliefs is false).",
    )


def test_limited_force_and_several_states_are_explained_too() -> None:
    scenario = Scenario.load(
        "jervis/multipolar", {"war.force_levels": 3, "perception.beliefs": True, "horizon": 6, "motives.p_greedy": 0.5}
    )
    log = record(scenario, [policy_from(name) for name in ("hawk", "dove", "bayesian-realist", "preemptor")], 3)
    found = explain(log)
    assert found and all(each.attempts and not each.untried for each in found)
    several = max(found, key=lambda each: len(each.war.opening))
    assert len(several.assessments) == len(several.war.opening) > 1
    assert sentences(log, several)[0].count(" attacks ") == len(several.war.opening)


def test_no_name_in_a_log_loads_code(tmp_path: Path) -> None:
    """A zip of stable-baselines3 may run code: `trust` is for what the user names, and not for what a log does."""
    (tmp_path / "evil.zip").write_bytes(b"no zip")
    log = dataclasses.replace(fought("hawk", "dove"), policies=(str(tmp_path / "evil.zip"), "dove"))
    [found, *_] = explain(log, trust=True)
    assert "evil.zip" in found.untried and "trust" in found.untried


def test_the_page_quotes_what_is_told() -> None:
    page = (Path(__file__).parents[3] / "docs" / "explain.md").read_text(encoding="utf-8")
    log = record("theories/kydd-reassurance", policy_from("bayesian-realist"), 16)
    told = sentences(log, first(log))
    quotes = re.findall(r"(?:^> .*\n)+", page, re.M)
    assert len(quotes) > 2
    for quote in quotes:
        left = " ".join(line.removeprefix("> ") for line in quote.splitlines())
        for line in told:
            left = left.replace(line, "")
        assert left.strip() == ""


def test_a_log_of_another_game_is_refused() -> None:
    log = fought("hawk", "dove")
    states = log.states.copy()
    states["offense"][3, 0] += 1.0
    with pytest.raises(LogError, match="The log is not of the game that is played here"):
        explain(dataclasses.replace(log, states=states))


def test_the_command_tells_each_war(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = seekers("bayesian-realist", "bayesian-realist", motives__p_greedy=0.6, perception__beliefs=True)
    path = str(write_log(tmp_path / "war.jsonl", log))
    assert main(["explain", path]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "quiet" and "State_0 and State_1 are played by bayesian-realist" in lines
    told = [line for each in explain(log) for line in sentences(log, each)]
    assert [line for line in lines[3:] if line] == told
    assert main(["explain", path, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["agents"] == ["state_0", "state_1"] and len(report["wars"]) == len(explain(log))
    [war, *_] = report["wars"]
    assert war["kind"] == "preemptive" and war["assessments"][0]["belief"] == pytest.approx(0.4)
    assert [each["outcome"] for each in war["attempts"] if each["kind"] == "truth"][-1] == "averted"


def test_the_page_has_the_reasons_at_their_turns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = seekers("bayesian-realist", "bayesian-realist", motives__p_greedy=0.6, perception__beliefs=True)
    path = str(write_log(tmp_path / "war.jsonl", log))
    assert main(["explain", path, "-o", str(tmp_path / "war.html")]) == 0
    told = []
    for each in explain(log):
        what, *why = sentences(log, each)
        told.append(Note(each.war.start, what, tuple(why)))
    told += [Note(moment.turn, sentence(log, moment)) for _, each in moments(log) for moment in each]
    assert told and (tmp_path / "war.html").read_text(encoding="utf-8") == page(log, told)
    assert main(["explain", path, "-o", str(tmp_path / "war.html"), "--json"]) == 2
    assert "--json is given with --output" in capsys.readouterr().err


def test_peace_is_told_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(write_log(tmp_path / "peace.jsonl", fought("dove", "dove")))
    assert main(["explain", path]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "There is no war in it."


def test_nobodys_words_drive_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = fought("hawk", "dove", title="fine\x1b]0;owned\x07[/nope]\nWar from turn 9")
    log = dataclasses.replace(log, policies=("\x1b[2J\nNone of the changes", "dove"))
    path = str(write_log(tmp_path / "log.jsonl", log))
    for words in (["explain", path], ["explain", path, "--json"], ["explain", path, "--policies", "x\x1b[2J\ny"]):
        main(words)
        printed = capsys.readouterr()
        assert not [c for c in printed.out + printed.err if not c.isprintable() and c != "\n"]
        assert not [line for line in printed.out.splitlines() if line.startswith(("None of", "War from turn 9"))]


@pytest.mark.parametrize(
    ("words", "needed"),
    [
        (["--policies", "dove", "dove", "dove"], "policies are 3; 1 for all states or 2, one a state, are needed."),
        (["--policies", "nobody"], "nobody"),
        (["--turn", "1"], "--turn"),
    ],
)
def test_bad_input_is_one_sentence(
    words: list[str], needed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(write_log(tmp_path / "log.jsonl", fought("hawk", "dove")))
    assert main(["explain", path, *words]) == 2
    printed = capsys.readouterr()
    [error] = printed.err.splitlines()
    assert error.startswith("sd-env") and needed in error and printed.out == ""
