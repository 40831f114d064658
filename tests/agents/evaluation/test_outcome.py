"""Outcomes at their thresholds, and which worlds each of Jervis's signs is about."""

from __future__ import annotations

import math

import pytest

from agents.evaluation.outcome import (
    ARMS,
    ARMS_RACE,
    ATTACKS,
    COOPERATES,
    RACES,
    SPIRAL,
    SPIRALS,
    all_hold,
    conditions,
    outcome,
    predicted_of,
    signs,
)
from agents.evaluation.predictions import judge
from agents.evaluation.statistics import EPISODES, Estimate, Interval

DANGEROUS, INTENSE, NOT_INTENSE, SAFE = "doubly-dangerous", "intense", "not-intense", "doubly-safe"


def around(value: float) -> Estimate:
    """Three seeds close to a value."""
    return Estimate(value, value - 1e-4, value + 1e-4, (value - 1e-4, value, value + 1e-4))


@pytest.mark.parametrize(
    ("attacks", "arms", "expected"),
    [
        (SPIRAL, 0.0, SPIRALS),
        (0.0099, ARMS_RACE, RACES),
        (0.0, 1.4999, COOPERATES),
        (0.5, 9.0, SPIRALS),
        (math.nan, 9.0, ""),
    ],
)
def test_a_threshold_belongs_to_what_lies_above_it(attacks: float, arms: float, expected: str) -> None:
    assert outcome(attacks, arms) == expected


def test_each_sign_is_about_its_own_two_worlds() -> None:
    """Attacks and arms of each world apart from all others, in the order that theory gives."""
    level = {DANGEROUS: (0.4, 2.0), INTENSE: (0.001, 3.0), NOT_INTENSE: (0.2, 1.0), SAFE: (0.002, 0.5)}
    worlds = {name: {ATTACKS: around(attacks), ARMS: around(arms)} for name, (attacks, arms) in level.items()}
    found = signs(worlds)
    assert [(each.claim, each.verdict) for each in found] == [
        ("S-S attacks: doubly-dangerous > not-intense", "supported"),
        ("S-S attacks: doubly-dangerous > intense", "supported"),
        ("S-S attacks: not-intense >= doubly-safe", "supported"),
        ("S-S attacks: intense near 0", "supported"),
        ("S-S attacks: doubly-safe near 0", "supported"),
        ("arms: intense > doubly-safe", "supported"),
        ("arms: intense > not-intense", "supported"),
    ]
    expected = [0.4 - 0.2, 0.4 - 0.001, 0.2 - 0.002, 0.001, 0.002, 3.0 - 0.5, 3.0 - 1.0]
    assert [each.value for each in found] == pytest.approx(expected)
    more, near, at_least = (0.0, None), (None, 0.01), (-0.01, None)
    assert [each.predicted for each in found] == [more, more, at_least, near, near, more, more]
    assert signs({DANGEROUS: worlds[DANGEROUS]}) == []


def test_the_thresholds_are_those_that_the_model_gives() -> None:
    """An attack per pair of states in 50 turns; a stock between that of half and of full speed."""
    assert (SPIRAL, ARMS_RACE) == (0.01, 1.5)


def test_a_sign_needs_the_worlds_that_it_is_about_and_counts_the_fewer_seeds() -> None:
    one, two = Estimate(0.0, -1e-3, 1e-3, (0.0,) * 5), Estimate(0.0, -1e-3, 1e-3, (0.0,) * 3)
    worlds = {name: {ATTACKS: each, ARMS: each} for name, each in ((INTENSE, one), (SAFE, two))}
    found = signs(worlds, " (held out)")
    assert [(each.claim, each.measure, each.predicted, each.count) for each in found] == [
        ("S-S attacks: intense near 0 (held out)", ATTACKS, (None, SPIRAL), 5),
        ("S-S attacks: doubly-safe near 0 (held out)", ATTACKS, (None, SPIRAL), 3),
        ("arms: intense > doubly-safe (held out)", f"{ARMS}, difference", (0.0, None), 3),
    ]
    assert [each.claim for each in signs({INTENSE: worlds[INTENSE]})] == ["S-S attacks: intense near 0"]


def test_an_outcome_is_as_many_predictions_as_metrics_make_it() -> None:
    metrics = {ATTACKS: Interval(0.002, 0.001, 0.003), ARMS: Interval(2.0, 1.8, 2.2)}
    told = {
        outcome: [
            (each.claim, each.measure, each.predicted, each.verdict)
            for each in conditions(metrics, outcome, count=40, unit=EPISODES, where=where)
        ]
        for outcome, where in ((SPIRALS, ""), (RACES, "doves"), (COOPERATES, ""))
    }
    assert told == {
        SPIRALS: [("spiral, S-S attacks above 0.01", ATTACKS, (0.01, None), "contradicted")],
        RACES: [
            ("doves: arms race without war, S-S attacks below 0.01", ATTACKS, (None, 0.01), "supported"),
            ("doves: arms race without war, arms above 1.5", ARMS, (1.5, None), "supported"),
        ],
        COOPERATES: [
            ("cooperation, S-S attacks below 0.01", ATTACKS, (None, 0.01), "supported"),
            ("cooperation, arms below 1.5", ARMS, (None, 1.5), "contradicted"),
        ],
    }
    (few,) = conditions(metrics, SPIRALS, count=29, unit=EPISODES)
    assert (few.count, few.unit, few.verdict) == (29, EPISODES, "undecided")


def test_one_contradiction_sinks_all_and_only_support_of_all_carries_them() -> None:
    yes, no, open_ = (judge("c", "m", Interval(x, x - 1, x + 1), (0.0, None), count=3) for x in (2.0, -2.0, 0.0))
    assert all_hold([yes, yes]) == "supported"
    assert all_hold([yes, open_]) == all_hold([open_]) == all_hold([]) == "undecided"
    assert all_hold([yes, open_, no]) == "contradicted"


def test_theory_speaks_of_jerviss_four_worlds_alone() -> None:
    worlds = ("doubly-dangerous", "intense", "not-intense", "doubly-safe", "multipolar")
    assert [predicted_of(f"jervis/{world}") for world in worlds] == [SPIRALS, RACES, COOPERATES, COOPERATES, None]
