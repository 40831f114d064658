"""Experiments run: smoke-sized, interrupted, resumed, with intervention and replay."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from agents.cli import main
from agents.experiments import Experiment, experiments, load_experiment
from agents.experiments.backfire import responses
from agents.experiments.picture import threshold_gap
from agents.experiments.quantities import LOGGED, hazard, is_given, of_frame, of_logs
from agents.experiments.run import run, who
from agents.experiments.work import smoke_sized, units_of
from agents.policies.registry import make
from agents.publish.experiments import publish_all
from agents.table.play import play
from book.predictions import Experiment as BookExperiment
from sd_env import layout
from sd_env.layout import Build, Head, Signal, Stance
from sd_env.record import Collector, record
from sd_env.scenario import Scenario
from tests.experiment_made_up import made
from tests.logs import Draft


def small(**changes: Any) -> Experiment:
    data = made(grid={"motives.p_greedy": [0.0, 0.6]}, seeds=[1, 2], worlds=8, logs=4)
    return smoke_sized(Experiment.model_validate(data | changes))


def trainings(asked: Experiment) -> list[dict[str, Any]]:
    """The settings of all training runs."""
    found = [unit.arguments["training"] for unit in units_of(asked, Path("x"))]
    return [training for training in found if training is not None]


@pytest.mark.parametrize("name", experiments())
def test_every_experiment_runs_smoke_sized(name: str, tmp_path: Path) -> None:
    asked = smoke_sized(load_experiment(name)).model_copy(update={"seeds": [1], "worlds": 4, "logs": 2})
    assert all(training["total_steps"] == 1 for training in trainings(asked))
    result = run(asked, tmp_path, workers=1)
    assert len(result.predictions) == len(asked.predictions)
    assert {path.name for path in tmp_path.iterdir()} >= {"cells.csv", "report.json", "table.txt", "picture.png"}
    kinds = {"scripted"} if asked.scripted else {"generalist", "own"} if asked.generalist else {"own"}
    frame = pd.read_csv(tmp_path / "cells.csv")
    assert set(frame["policies"]) == kinds
    checked = sum(map(asked.checked, asked.cells()))
    assert len(frame) == (len(asked.cells()) + checked) * len(asked.wanted)


def test_what_is_done_is_not_done_again_and_gives_the_same(tmp_path: Path) -> None:
    first = run(small(), tmp_path / "a", workers=1)
    policies = {p: p.stat().st_mtime_ns for p in (tmp_path / "a").rglob("policy.safetensors")}
    assert len(policies) == 4
    again = run(small(), tmp_path / "a", workers=1)
    more = run(small(also=["outcome/wars"]), tmp_path / "a", workers=1)  # another measure: the same policies
    assert {p: p.stat().st_mtime_ns for p in policies} == policies
    assert again.frame.equals(first.frame)
    assert set(more.frame["measure"]) == {"outcome/ss_attacks", "outcome/wars"}
    elsewhere = run(small(), tmp_path / "b", workers=2)  # two processes
    assert elsewhere.frame.equals(first.frame)


def test_a_training_that_was_cut_goes_on(tmp_path: Path) -> None:
    whole = run(small(), tmp_path / "a", workers=1)
    run(small(seeds=[1]), tmp_path / "b", workers=1)
    assert run(small(), tmp_path / "b", workers=1).frame.equals(whole.frame)


def test_nobody_needs_to_learn(tmp_path: Path) -> None:
    asked = small(
        cast={"state_0": "hawk", "state_1": "dove"},
        predictions=[
            {
                "claim": "The hawk attacks.", "measure": "attacks/state_0", "of": {"motives.p_greedy": 0.6},
                "expect": "above",
            },
            {
                "claim": "The dove does not.", "measure": "attacks/state_1", "of": {"motives.p_greedy": 0.6},
                "expect": "same", "margin": 0.01,
            },
        ],
        picture={"x": "motives.p_greedy", "measures": ["attacks/state_0"]},
    )  # fmt: skip
    result = run(asked.model_copy(update={"seeds": [1, 2, 3]}), tmp_path, workers=1)
    assert [each.verdict for each in result.predictions] == ["supported", "supported"]
    assert not (tmp_path / "policies").exists()
    assert "Nobody learns: state_0: hawk, state_1: dove" in (tmp_path / "table.txt").read_text()


def test_published_results_have_what_the_book_reads(tmp_path: Path) -> None:
    publish_all(tmp_path / "out", tmp_path / "runs", smoke=True, names=["anarchy"])
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "anarchy.txt", "anarchy.json", "anarchy.csv", "anarchy.png", "index.json", "README.md",
    }  # fmt: skip
    [entry] = json.loads((tmp_path / "out" / "index.json").read_text())
    read = BookExperiment(**entry)  # by the book, which passes over keys that it does not know
    assert read.scenarios == ["theories/herz-anarchy"] and read.rows == ["Anarchy"] and len(read.predictions) == 3
    text = (tmp_path / "out" / "anarchy.txt").read_text()
    assert "Command: sd-env experiment anarchy    seeds: [1, 2]" in text and "Machine: " in text


# --- the command --------------------------------------------------------------------------------------------------


def test_the_command_lists_and_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["experiment", "--list"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert len(listed) == len(experiments()) and any("Preemptive war: Striking first" in line for line in listed)
    where = tmp_path / "out"
    assert main(["experiment", "identification", "--smoke", "--workers", "1", "--out", str(where), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["name"] == "identification" and printed["command"] == "sd-env experiment identification --smoke"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "no experiment is named"),
        (["weather"], "'weather' is neither a file"),
        (["anarchy", "--seeds", "1", "1"], "each may be named once"),
        (["anarchy", "--seeds", "one"], "'one' is not allowed"),
    ],
)
def test_bad_commands_get_a_sentence_and_leave_nothing(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["experiment", *words]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
    assert not list(tmp_path.iterdir())


# --- measures -----------------------------------------------------------------------------------------------------


class Script:
    """A two-state policy: by turn, the stance and the signal of the state; the last goes on."""

    memory = 1

    def __init__(self, stances: list[Stance], signals: list[Signal] | None = None) -> None:
        self.stances, self.signals = stances, signals or [Signal.SILENCE]

    def reset(self, seed: int | None) -> None:
        pass

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        turn = int(observation[0, layout.Own.TURN])
        actions = np.zeros((len(observation), 4), np.int64)
        actions[:, Head.STANCE] = self.stances[min(turn, len(self.stances) - 1)]
        actions[:, Head.SIGNAL] = self.signals[min(turn, len(self.signals) - 1)]
        return actions


class Provoked(Script):
    """Mobilized always; attacks on the turn after it heard a threat (or, contrary, after it heard none)."""

    def __init__(self, contrary: bool = False) -> None:
        super().__init__([Stance.MOBILIZE])
        self.contrary = contrary

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        actions = super().act(observation, mask)
        heard = observation[:, layout.OWN_SIZE + layout.Other.HEARD_THREATEN] > 0
        turn = int(observation[0, layout.Own.TURN])
        if turn == 2:  # the answer to what was said on the second turn
            actions[:, Head.STANCE] = np.where(heard != self.contrary, Stance.ATTACK, Stance.MOBILIZE)
        return actions


@pytest.mark.parametrize(("contrary", "provoked", "deterred"), [(False, 1.0, 0.0), (True, 0.0, 1.0)])
def test_a_threat_that_is_taken_away_shows_what_it_did(contrary: bool, provoked: float, deterred: float) -> None:
    scenario = Scenario.load(
        "jervis/doubly-dangerous", {"motives.p_greedy": 0.0, "perception.signal_noise": 0.0, "horizon": 8}
    )
    speaker = Script([Stance.NEUTRAL], [Signal.SILENCE, Signal.THREATEN, Signal.SILENCE])
    cast, collector = [speaker, Provoked(contrary)], Collector()
    play(scenario, cast, worlds=3, seed=1, recorder=collector)
    found = responses(scenario, cast, {}, collector.logs, worlds=3, seed=1)
    assert found["backfire/security"] == provoked and found["deterred/security"] == deterred
    assert np.isnan(found["backfire/greedy"])


def test_the_hazard_counts_turns_at_peace_on_which_an_attack_was_possible() -> None:
    scenario = Scenario.load("jervis/doubly-dangerous", {"motives.p_greedy": 0.0, "horizon": 6})
    # state 0: mobilized on turns 1 to 3, attacks on turn 4; state 1: mobilized on turns 1 and 2 alone
    attacker = Script([Stance.MOBILIZE, Stance.MOBILIZE, Stance.MOBILIZE, Stance.ATTACK, Stance.NEUTRAL])
    other = Script([Stance.MOBILIZE, Stance.MOBILIZE, Stance.NEUTRAL])
    log = record(scenario, [attacker, other], seed=1)
    # rival mobilized before: turns 2 and 3, for either state, since both were ready after turns 1 and 2: no attack
    assert hazard([log], True) == 0.0
    # rival not mobilized before, and ready: state 0 on turn 4 (after turn 3 alone), and there it attacks
    assert hazard([log], False) == 1.0


def test_the_hazard_counts_no_turn_of_a_state_that_has_fallen() -> None:
    draft = Draft(4, war__mobilization_required=False).attack(2, 0, 1).fall(2, 1)
    # at peace before turns 1 and 2, both ways; turn 3 follows the attack, and before turn 4 state 1 stands no more
    assert hazard([draft.log()], False) == 1 / 4


class Builder(Script):
    """Builds offence at these levels, turn by turn, and sends the highest level of defence."""

    def __init__(self, levels: list[int]) -> None:
        super().__init__([Stance.NEUTRAL])
        self.levels = levels

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        actions = super().act(observation, mask)
        actions[:, Head.BUILD_OFFENSE] = self.levels[int(observation[0, layout.Own.TURN])]
        actions[:, Head.BUILD_DEFENSE] = Build.FULL
        return actions


def test_late_effort_is_what_security_seekers_carried_out_in_the_third_quarter() -> None:
    game = {"horizon": 8, "states.greed": {"state_0": 0.0, "state_1": 1.5}, "actions.build_defense": ["none"]}
    scenario = Scenario.load("jervis/doubly-dangerous", game)
    seeker, greedy = Builder([2, 2, 2, 2, 1, 0, 2, 2]), Builder([2] * 8)
    log = record(scenario, [seeker, greedy], seed=1)
    assert (log.actions[..., Head.BUILD_DEFENSE] == Build.FULL).all()  # sent, but never legal
    # turns 5 and 6: offence half and none of full, defence none
    assert LOGGED["arms/s_late_effort"]([log]) == (0.5 + 0.0 + 0.0 + 0.0) / 4


def test_conditions_pick_episodes_by_types() -> None:
    greed = np.array([[0.0, 0.0], [0.0, 2.0], [2.0, 2.0]])
    agents = ("a", "b")
    assert is_given(None, greed, agents).tolist() == [True, True, True]
    assert is_given("security", greed, agents).tolist() == [True, False, False]
    assert is_given({"b": "greedy"}, greed, agents).tolist() == [False, True, True]
    assert is_given({"a": "security", "b": "greedy"}, greed, agents).tolist() == [False, True, False]


def test_measures_of_single_states_are_pooled_over_pair_turns() -> None:
    frame = pd.DataFrame(
        {
            "attacks_0": [2, 0], "attacks_1": [1, 1], "pair_turns_0": [4, 6], "pair_turns_1": [10, 10],
            "return_0": [1.0, 3.0], "return_1": [5.0, 5.0],
        }
    )  # fmt: skip
    agents = ("a", "b")
    assert of_frame("attacks/a", frame, agents) == pytest.approx(0.2)
    assert of_frame("attacks/all", frame, agents) == pytest.approx(4 / 30)
    assert of_frame("return/a", frame, agents) == 2.0 and of_frame("return/all", frame, agents) == 3.5
    assert np.isnan(of_frame("return/a", frame[:0], agents))


def test_measures_of_pairs_and_effort_are_shares_of_turns() -> None:
    scenario = Scenario.load("jervis/doubly-dangerous", {"motives.p_greedy": 0.0, "horizon": 8})
    attacker = Script([Stance.MOBILIZE, Stance.ATTACK, Stance.NEUTRAL])
    log = record(scenario, [attacker, make("dove")], seed=1)
    found = of_logs(["attacks/state_0>state_1", "attacks/state_1>state_0", "measure/wars"], [log])
    assert found == {"attacks/state_0>state_1": 1 / 8, "attacks/state_1>state_0": 0.0, "measure/wars": 1.0}
    idle = record(scenario, Script([Stance.NEUTRAL]), seed=1)
    assert LOGGED["arms/s_late_effort"]([idle]) == 0.0


# --- the map's thresholds -----------------------------------------------------------------------------------------


def test_the_curves_of_the_phase_diagram_are_those_of_the_model() -> None:
    asked = load_experiment("phase-diagram")
    w, q = "technology.offense_advantage", "technology.distinguishability"
    # docs/calibration.md: m = .75 at omega 1.2 and q = 0; trust is .6
    assert threshold_gap(asked, "m=t", {w: 1.2, q: 0.0}) == pytest.approx(0.75 - 0.6, abs=0.005)
    assert threshold_gap(asked, "m=1/2", {w: 1.2, q: 0.0}) == pytest.approx(0.25, abs=0.005)
    m = 0.6 + threshold_gap(asked, "m=t", {w: 1.2, q: 0.0})
    odds_m, odds_t = m / (1 - m), 0.6 / 0.4
    q_star = (odds_m - odds_t) / (odds_m + odds_t)  # model.md section 5
    assert threshold_gap(asked, "q*", {w: 1.2, q: q_star}) == pytest.approx(0.0, abs=1e-9)
    assert threshold_gap(asked, "q*", {w: 1.2, q: q_star + 0.1}) < 0 < threshold_gap(asked, "q*", {w: 1.2, q: 0.0})


RANGED = {"ranges": {"motives.p_greedy": [0.0, 0.6]}, "check": [{"motives.p_greedy": 0.6}], "check_training": {}}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "Each cell has policies of its own"),
        (
            {"evaluation_only": ["motives.p_greedy"]},
            "Each cell has policies of its own, shared by those that differ in motives.p_greedy alone",
        ),
        ({"generalist": RANGED}, "One generalist a seed plays all cells"),
        (
            {
                "generalist": RANGED,
                "learners": ["state_0"],
                "cast": {"all": "dove"},
            },
            "One generalist a seed plays all cells for state_0, beside all: dove",
        ),
    ],
)
def test_a_report_says_who_plays_which_cells(changes: dict[str, Any], words: str) -> None:
    assert who(small(**changes)) == words
