"""Outcomes at their thresholds, and which worlds each of Jervis's signs is about."""

from __future__ import annotations

import math

import pytest

from agents.evaluation.outcome import ARMS, ARMS_RACE, ATTACKS, COOPERATES, RACES, SPIRAL, SPIRALS, outcome, signs
from agents.evaluation.statistics import Estimate

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
    assert signs({DANGEROUS: worlds[DANGEROUS]}) == []
