"""Certificates: calibrated where the best response is known, and no planted hole is missed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import agents
from agents.cli import main
from agents.evaluation import certify as certifying
from agents.evaluation.certify import (
    ALLOWED,
    BATTERY,
    BEATEN,
    CERTIFIED,
    FAILED,
    GREEDY,
    OPEN,
    SCRATCH,
    SEEKERS,
    WARM,
    certificates,
    certify,
    search,
    units_against,
)
from agents.evaluation.exact import exact_gap
from agents.policies.registry import make
from agents.strategies.deviators import BuildThenStrike, NeverMobilizes, StrikesLast, battery
from agents.training import response, searcher
from agents.training.learner_config import Searcher
from agents.work import WorkError
from sd_env import layout
from sd_env.layout import Head, Stance, standard_heads
from sd_env.scenario import Scenario

DILEMMA = Scenario.load("games/repeated-pd", {"horizon": 4})
NOT_INTENSE = Scenario.load("jervis/not-intense")
#: A learner for games of two choices.
SMALL = {"n_steps": 8, "batch_size": 128, "net_arch": [16], "n_epochs": 10}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searcher, "SEARCHER", searcher.SEARCHER.model_copy(update=SMALL))
    monkeypatch.setattr(searcher, "SEARCH_WORLDS", 32)


# --- calibration: what is found where the truth is known ------------------------------------------------------


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("policy", ["tit-for-tat", "hawk"])
@pytest.mark.parametrize("scenario", [Scenario.load("games/one-shot"), DILEMMA], ids=lambda scenario: scenario.name)
@pytest.mark.parametrize("by", ["PPO", "FastPPO"])
def test_it_finds_95_percent_of_the_exact_gain(policy: str, scenario: Scenario, by: Searcher) -> None:
    table = certify(policy, scenario, steps=10_000, worlds=2048, searches=[(SCRATCH, 1)], searcher=by)
    exact = exact_gap(make(policy), scenario, seat=0)
    share = 1.0 - scenario.motives.p_greedy if len(table) > 1 else 1.0
    weights = {SEEKERS: share, GREEDY: 1.0 - share} if len(table) > 1 else {table["type"][0]: 1.0}
    found = sum(weights[row.type] * row.gain * abs(row.own) for row in table.itertuples())
    noise = sum(weights[row.type] * (row.high - row.low) / 2 * abs(row.own) for row in table.itertuples())
    assert 0.95 * exact.gap - noise <= found <= exact.gap + noise + 1e-9


def test_the_battery_alone_finds_the_hole_of_doing_nothing_where_swords_are_open() -> None:
    """emergence.md, section 1: greedy states earn half as much again by swords against those who do nothing."""
    table = certify(BuildThenStrike(0, 0), NOT_INTENSE, worlds=2048, searches=[]).set_index("type")
    assert table.loc[GREEDY, "verdict"] == BEATEN
    assert table.loc[GREEDY, "low"] > 0.3
    assert table.loc[GREEDY, "own"] == pytest.approx(32.0)


def test_of_a_policy_beside_a_cast_its_own_seats_are_tried_and_who_is_bound_gains_nothing() -> None:
    rest = BuildThenStrike(0, 0)
    table = certify(rest, NOT_INTENSE, worlds=2048, searches=[], cast={"state_1": "dove"})
    assert table["state"].tolist() == ["state_0", "state_0"]
    against_itself = certify(rest, NOT_INTENSE, worlds=2048, searches=[]).set_index("type")
    beaten = table.set_index("type").loc[GREEDY]
    assert beaten["verdict"] == BEATEN
    assert beaten["high"] < against_itself.loc[GREEDY, "low"], "a dove has some shields, and who rests has none"
    hawks = certify(rest, NOT_INTENSE, worlds=2048, searches=[], cast={"state_0": "hawk"}).set_index("type")
    assert set(hawks["state"]) == {"state_1"} and hawks.loc[SEEKERS, "own"] < 16, "half of the peace, and less"
    peace = {"state_0": {"stance": "neutral", "build_offense": "none", "build_defense": "none", "signal": "silence"}}
    bound = certify(rest, NOT_INTENSE, worlds=64, searches=[], cast={"state_1": "dove"}, interventions=peace)
    assert bound["gain"].tolist() == [0.0, 0.0]


# --- searches ---------------------------------------------------------------------------------------------


def rows_against(game: Scenario, **asked: Any) -> list[dict[str, Any]]:
    units = units_against(["never-attack"] * 2, game, group="", name="", **asked)
    return [row for unit in units for row in search(**unit.arguments)]


def test_each_type_is_measured_in_as_many_worlds_however_rare_it_is_and_where_beliefs_are_shown() -> None:
    """One greedy state in fifty was 20 worlds of 1,024, and its gap anything between none and a third."""
    rare = NOT_INTENSE.with_overrides({"motives.p_greedy": 0.02, "perception.beliefs": True})
    seeker, greedy = rows_against(rare, searches=[], worlds=1024)
    assert [(each["type"], each["worlds"]) for each in (seeker, greedy)] == [(SEEKERS, 512), (GREEDY, 512)]
    lasting = rows_against(
        rare.with_overrides({"motives.turnover": 0.1}), searches=[], worlds=1024
    )  # none can be given
    assert sum(each["worlds"] for each in lasting) == 1024 and lasting[-1]["worlds"] < 60


def test_of_searches_that_begin_with_a_policy_each_begins_with_another_of_its_members(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ranks = []

    def learned(*arguments: Any, **asked: Any) -> Any:
        ranks.append(asked["rank"])
        return zoo

    zoo = agents.make("zoo/not-intense-v1/seed80")
    monkeypatch.setattr(response, "learn_response", learned)
    monkeypatch.setattr(certifying, "battery", lambda policy: {"itself": policy}.items())
    asked = {"searches": [(WARM, 3)], "worlds": 16}
    for unit in units_against([zoo] * 2, NOT_INTENSE, group="", name="", **asked):
        search(**unit.arguments)
    assert ranks == [0, 1, 2]


# --- verdicts -----------------------------------------------------------------------------------------------


def row(**changed: Any) -> dict[str, Any]:
    usual = {
        "member": 0, "seat": 0, "type": SEEKERS, "start": SCRATCH, "seed": 1, "response": "learned", "chosen": 0.1,
        "chosen_error": 0.01, "own": 20.0, "gain": 0.1, "error": 0.01, "worlds": 100,
    }  # fmt: skip
    return usual | changed


@pytest.mark.parametrize(
    ("rows", "verdict", "gain"),
    [
        ([row()], CERTIFIED, 0.005),
        ([row(gain=0.38)], CERTIFIED, 0.019),  # .019 + 1.96 * .0005 is still at most .02
        ([row(gain=0.39)], OPEN, 0.0195),
        ([row(gain=0.5)], BEATEN, 0.025),
        ([row(chosen=-0.005)], CERTIFIED, 0.0),  # as good as the policy: nothing gained, but no failure
        ([row(chosen=-1.0)], FAILED, 0.0),
        ([row(chosen=-1.0), row(start=BATTERY)], FAILED, 0.005),
        ([row(chosen=-1.0), row(chosen=0.0)], CERTIFIED, 0.0),
        ([row(start=BATTERY)], OPEN, 0.005),  # nothing was learned
        ([row(start=BATTERY, gain=4.0)], BEATEN, 0.2),
        ([row(chosen=0.1, gain=4.0), row(chosen=0.2, gain=0.0)], CERTIFIED, 0.0),  # chosen by other worlds
        ([row(own=-20.0)], CERTIFIED, 0.005),  # of a loss too, the share is of its size
        ([row(member=0), row(member=1, chosen=-1.0)], FAILED, 0.0025),  # each policy needs a search of its own
    ],
)
def test_verdicts(rows: list[dict[str, Any]], verdict: str, gain: float) -> None:
    [found] = certificates(pd.DataFrame(rows), NOT_INTENSE).to_dict("records")
    assert found["gain"] == pytest.approx(gain)
    if len({each["member"] for each in rows}) == 1:
        assert found["verdict"] == verdict


def test_several_policies_have_an_interval_over_policies() -> None:
    rows = [row(member=k, gain=gain) for k, gain in enumerate((0.0, 0.1, 0.2))]
    [found] = certificates(pd.DataFrame(rows), NOT_INTENSE).to_dict("records")
    half = 4.303 * 0.005 / np.sqrt(3)  # Student's t with two degrees of freedom
    assert (found["low"], found["high"]) == pytest.approx((0.005 - half, 0.005 + half), abs=1e-5)
    assert found["verdict"] == CERTIFIED
    assert ALLOWED == 0.02


# --- deviators ----------------------------------------------------------------------------------------------


def seen(turn: int, horizon: int = 32) -> np.ndarray:
    names = layout.observation_names(2, context=False)
    observation = np.zeros((1, len(names)), np.float32)
    observation[0, layout.Own.TURN], observation[0, layout.Own.HORIZON] = turn, horizon
    return observation


FREE = np.ones((1, layout.mask_size(2)), np.int8)
BOUND = FREE.copy()  # not mobilized: an attack is not legal
BOUND[0, standard_heads(2).mask_entries(Head.STANCE, Stance.ATTACK)] = 0


def stances(policy: Any, turns: int, mask: np.ndarray = FREE, horizon: int = 32) -> list[int]:
    policy.reset(0)
    return [
        int(policy.act(seen(turn, horizon), mask)[0, standard_heads(2).entries(Head.STANCE)][0])
        for turn in range(turns)
    ]


def test_a_strike_begins_after_building_and_ends() -> None:
    attack, rest = int(Stance.ATTACK), int(Stance.NEUTRAL)
    assert stances(BuildThenStrike(2, 1), 5) == [rest, rest, attack, attack, rest]
    assert stances(BuildThenStrike(0, 0), 3) == [rest] * 3
    assert stances(BuildThenStrike(1, 1), 2, BOUND) == [rest, int(Stance.MOBILIZE)]
    builder = BuildThenStrike(2, 1)
    efforts = [int(builder.act(seen(turn), FREE)[0, Head.BUILD_OFFENSE]) for turn in range(4)]
    assert efforts == [2, 2, 0, 0]
    on = BuildThenStrike(2, 1, on=True)
    assert [int(on.act(seen(turn), FREE)[0, Head.BUILD_OFFENSE]) for turn in (0, 9)] == [2, 2]


def test_the_last_turns_are_attacks_and_all_before_is_the_policys() -> None:
    attack, rest = int(Stance.ATTACK), int(Stance.NEUTRAL)
    dove = BuildThenStrike(0, 0)
    assert stances(StrikesLast(dove, 2), 4, horizon=4) == [rest, rest, attack, attack]
    assert stances(StrikesLast(dove, 2), 4, BOUND, horizon=4) == [rest, *[int(Stance.MOBILIZE)] * 3]


def test_one_never_mobilizes() -> None:
    assert stances(NeverMobilizes(BuildThenStrike(0, 99)), 3) == [int(Stance.NEUTRAL)] * 3


def test_the_battery_has_each_plan_once_and_leaves_the_policy_alone() -> None:
    policy = make("tit-for-tat")
    names = [name for name, _ in battery(policy)]
    assert len(set(names)) == len(names) >= 40
    assert all(other is not policy for _, other in battery(policy))


# --- doors --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"steps": 0}, "steps is 0"),
        ({"worlds": 0}, "worlds is 0"),
        ({"searches": [("nowhere", 1)]}, r"searches has \('nowhere', 1\)"),
        ({"policy": ["dove", "hawk"]}, "two policies"),
    ],
)
def test_what_cannot_be_certified_is_refused(changed: dict[str, Any], sentence: str) -> None:
    arguments: dict[str, Any] = {"policy": "dove", "searches": []} | changed
    with pytest.raises(WorkError, match=sentence):
        certify(arguments.pop("policy"), NOT_INTENSE, **arguments)


@pytest.mark.usefixtures("small")
def test_the_command_prints_types_and_keeps_its_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "certify",
        "dove",
        "--scenario",
        "jervis/not-intense",
        "--steps",
        "512",
        "--scratch",
        "1",
        "--worlds",
        "64",
    ]
    assert main([*words, "--out", str(tmp_path), "--workers", "1"]) == 0
    printed = capsys.readouterr().out
    assert SEEKERS in printed and GREEDY in printed and "what beats it" in printed
    report = json.loads((tmp_path / "report.json").read_text())
    assert [each["type"] for each in report["certificates"]] == [SEEKERS, GREEDY]
    assert {each["searches"] for each in report["certificates"]} == {2}  # a script has no weights to begin with
    assert main([*words[:-4], "--scratch", "2", "--worlds", "64", "--out", str(tmp_path)]) == 2
    assert "scratch" not in capsys.readouterr().out


def test_only_bundles_of_flat_networks_can_be_started_from() -> None:
    assert searcher.warm(make("dove")) is None
    assert WARM != SCRATCH


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"searches": "from scratch"}, "searches is 'from scratch'; a list"),
        ({"searches": [1]}, "searches has 1; they start 'from scratch' or 'from the policy', with how many"),
        ({"searches": [(SCRATCH, -1)]}, "how many is a whole number of at least 0"),
        ({"searches": [(SCRATCH, 0.5)]}, "how many is a whole number of at least 0"),
        ({"searches": [(SCRATCH, 10**12)]}, "searches is 1000000000000; 100000 at most are allowed"),
        ({"searcher": "SAC"}, "searcher is 'SAC'; PPO or FastPPO is needed"),
        ({"worlds": 1}, "worlds are too few for a certificate"),
        ({"cast": {"germany": "dove"}}, "cast has 'germany'; states are state_0, state_1"),
        ({"cast": {"state_0": "dove", "state_1": "dove"}}, "cast has all of state_0, state_1; the policy needs one"),
    ],
)
def test_searches_that_cannot_be_are_refused_at_once(given: dict[str, Any], said: str) -> None:
    with pytest.raises(WorkError, match=said):
        certify("dove", "games/one-shot", **{"searches": [], "steps": 1, "worlds": 8, **given})
