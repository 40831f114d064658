"""What predictions that were derived again rest on: the numbers in their files, and policies that show the effect."""

from __future__ import annotations

from typing import Any

import pytest

from agents import make
from agents.evaluation.thresholds import thresholds
from agents.experiments import load_experiment
from agents.table.metrics import rates
from agents.table.play import play
from sd_env import layout, measures
from sd_env.record import record
from sd_env.scenario import Scenario


def settings(name: str, **labels: str) -> tuple[str, dict[str, Any]]:
    """Scenario and overrides of the cell of an experiment with these labels."""
    [cell] = [cell for cell in load_experiment(name).cells() if cell.matches(labels)]
    return cell.setup.scenario, cell.setup.overrides


@pytest.mark.parametrize(("enforcement", "m"), [("0", 0.79), ("1", 0.57), ("2", 0.36)])
def test_trust_lies_between_the_thresholds_with_and_without_enforcement(enforcement: str, m: float) -> None:
    """Of the one that learns, which does not know the other; the other knows it for a security seeker."""
    found, known = thresholds(*settings("anarchy", **{"anarchy.enforcement": enforcement}), lag=False)
    assert found.m[1] == pytest.approx(m, abs=0.005)
    assert found.trust == pytest.approx(0.65) and known.trust == 1.0
    assert (found.m[1] > found.trust) == (enforcement == "0")


def test_a_penalty_of_the_first_strike_alone_leaves_long_wars_above_peace() -> None:
    """Why it was derived again: at 1, wars of twelve turns have a threshold above 0 still; with it lasting none has."""
    first, lasting = (
        thresholds("theories/herz-anarchy", {"anarchy.enforcement": 1.0, "anarchy.enforcement_lasts": lasts}, lag=False)
        for lasts in (0.0, 1.0)
    )
    assert first[0].m[12] > 0.15 > 0.0 > lasting[0].m[6] > lasting[0].m[12]


@pytest.mark.parametrize(("growth", "worth"), [("none", -2.05), ("rising", 2.66)])
def test_the_preventive_motive_alone_pays_under_a_fast_shift_only(growth: str, worth: float) -> None:
    scenario, overrides = settings("preventive-war", growth=growth)
    game = Scenario.load(scenario, {**overrides, "motives.p_greedy": 0.0})
    log = record(game, [make("dove"), make("dove")], seed=0)
    why = measures.motive(log, 0, 1, 2, measures.filter_beliefs(log))
    assert (why.fear, why.greed) == (0.0, 0.0) and why.utility == pytest.approx(worth, abs=0.01)
    assert why.preventive == (worth > 0)


def test_over_32_turns_the_preventive_motive_never_pays() -> None:
    log = record(Scenario.load("theories/fearon-power-shift"), [make("dove"), make("dove")], seed=0)
    beliefs = measures.filter_beliefs(log)
    assert max(measures.motive(log, 0, 1, turn, beliefs).utility for turn in range(1, 33)) < 0.0


@pytest.mark.parametrize(
    ("name", "labels", "m", "trust", "feared", "decides"),
    [
        (
            "sudden-fear", {"world": "fear decides", "perception.mistrust": "0"},
            (0.57, 0.40, 0.40), 0.7, (0.54, 0.19, 0.0), 0.5,
        ),
        (
            "sudden-worst-case", {"technology.offense_advantage": "1.2", "perception.mistrust": "0"},
            (0.77, 0.25, 0.15), 0.9, (0.82, 0.47, 0.0), 0.9,
        ),
    ],
)  # fmt: skip
def test_mistrust_takes_trust_across_the_thresholds(
    name: str, labels: dict[str, str], m: tuple[float, ...], trust: float, feared: tuple[float, ...], decides: float
) -> None:
    """Of the state that learns, or of all, from trust enough to trust too little, where there is a dilemma."""
    found = thresholds(*settings(name, **labels), lag=False)[0]
    assert [found.m[turns] for turns in (1, 3, 6)] == pytest.approx(m, abs=0.005)
    assert found.trust == pytest.approx(trust) and found.trust > found.m[1]
    left = {mu: trust * (1 - mu) / (trust * (1 - mu) + 1 - trust) for mu in (0.5, 0.9, 1.0)}
    assert list(left.values()) == pytest.approx(feared, abs=0.005) and left[decides] < found.m[1]
    calm = {"world": "no dilemma"} if "world" in labels else {"technology.offense_advantage": "0.3"}
    without = thresholds(*settings(name, **{**labels, **calm}), lag=False)[0]
    assert max(without.m.values()) < 0.0


@pytest.mark.parametrize(
    ("offense", "cost", "decides"), [(1.2, 0.5, True), (0.3, 1.0, False)], ids=["a dilemma", "no dilemma"]
)
def test_who_acts_on_its_beliefs_is_driven_to_war_by_mistrust_where_there_is_a_dilemma(
    offense: float, cost: float, decides: bool
) -> None:
    """bayesian-realist attacks below m: the effect that sudden-fear looks for in learners is one of the rules."""

    def attacks(mistrust: float) -> float:
        game = Scenario.load("theories/butterfield-fear", {
            "technology.offense_advantage": offense, "war.attacker_cost": cost, "motives.p_greedy": 0.1,
            "perception.beliefs": True, "perception.threat_inflation": 0.0, "perception.mistrust": mistrust,
        })  # fmt: skip
        frame = play(game, [make("bayesian-realist") for _ in range(2)], worlds=64, seed=1)
        return rates(frame[list(layout.TALLY)].to_numpy(float).sum(axis=0), len(frame))["outcome/ss_attacks"]

    calm, afraid = attacks(0.0), attacks(0.9)
    assert afraid > calm + 0.1 if decides else afraid == calm == 0.0


def test_who_looks_at_no_belief_is_moved_by_no_mistrust() -> None:
    """The null: the same play, whatever is shown."""
    found = []
    for mistrust in (0.0, 1.0):
        game = Scenario.load("theories/butterfield-fear", {"perception.beliefs": True, "perception.mistrust": mistrust})
        found.append(play(game, [make("hawk"), make("never-attack")], worlds=8, seed=1).drop(columns="scenario"))
    assert found[0].equals(found[1])


def test_where_nobody_can_be_surprised_mobilizing_protects_from_nothing() -> None:
    """p_f is that of an attack on a state that is ready; with the surprise of before it is higher."""
    from agents.evaluation.threshold import success_probabilities

    scenario, overrides = settings("routine", **{"motives.routine": "0"})
    game, before = Scenario.load(scenario, overrides), Scenario.load(scenario)
    assert success_probabilities(before, 0.0, 1.75)[0] > success_probabilities(game, 0.0, 1.75)[0] + 0.1
    assert game.war.peacetime_readiness == 1.0


def test_in_one_decisive_war_the_third_survives_best_beside_the_weaker_where_contests_decide() -> None:
    """Of three states of 3, 2 and 1: its side has to win, and then it has to hold out against the winner beside it."""

    def chance(side: float, against: float, r: float) -> float:
        def wins(x: float, y: float) -> float:
            return float(x**r / (x**r + y**r))

        return wins(side + 1, against) * wins(1, side)

    weaker, stronger = ([chance(*sides, r) for r in (0.5, 1.0, 2.0)] for sides in ((2.0, 3.0), (3.0, 2.0)))
    assert weaker == pytest.approx([0.207, 0.167, 0.1], abs=0.001)
    assert stronger == pytest.approx([0.214, 0.167, 0.08], abs=0.001)
    assert Scenario.load(*settings("balancing", **{"war.decisiveness": "2"})).war.conquest == 1.0
