"""Verdicts at their borders: what intervals that touch, and numbers at a threshold, say of a prediction."""

from __future__ import annotations

import math

import pytest

from agents.evaluation.statistics import Estimate
from agents.evaluation.verdict import (
    ARMS,
    ARMS_RACE,
    ATTACKS,
    COOPERATES,
    RACES,
    SPIRAL,
    SPIRALS,
    Sign,
    signs,
    verdict,
)

DANGEROUS, INTENSE, NOT_INTENSE, SAFE = "doubly-dangerous", "intense", "not-intense", "doubly-safe"
NONE = math.nan


def between(low: float, high: float, mean: float | None = None) -> Estimate:
    return Estimate((low + high) / 2 if mean is None else mean, low, high, ())


def sign(metric: str, **worlds: Estimate) -> Sign:
    """The sign about two worlds, or the one about a single world and zero, by its claim's words."""
    named = {name.replace("_", "-"): {metric: estimate} for name, estimate in worlds.items()}
    other = {ARMS: ATTACKS, ATTACKS: ARMS}[metric]
    judged = signs({name: {**found, other: between(NONE, NONE)} for name, found in named.items()})
    about = {ARMS: "arms", ATTACKS: "S-S attacks"}[metric]
    (found,) = [each for each in judged if each.claim.startswith(about) and all(name in each.claim for name in named)]
    return found


@pytest.mark.parametrize(
    ("attacks", "arms", "expected"),
    [
        (SPIRAL, 0.0, SPIRALS),
        (0.0099, ARMS_RACE, RACES),
        (0.0, 1.4999, COOPERATES),
        (0.5, 9.0, SPIRALS),
    ],
)
def test_a_threshold_belongs_to_what_lies_above_it(attacks: float, arms: float, expected: str) -> None:
    assert verdict(attacks, arms) == expected


@pytest.mark.parametrize(
    ("first", "second", "outcome", "why"),
    [
        (between(0.3, 0.5), between(0.1, 0.2), "supported", "intervals apart"),
        (between(0.2, 0.5), between(0.1, 0.2), "undecided", "intervals overlap"),  # they touch
        (between(0.1, 0.2), between(0.2, 0.5), "undecided", "intervals overlap"),
        (between(0.1, 0.2), between(0.3, 0.5), "contradicted", "intervals apart, the other way"),
        (between(NONE, NONE, 0.9), between(0.1, 0.2), "undecided", "no interval: fewer than two seeds"),
        (between(0.3, 0.5), between(NONE, NONE, 0.1), "undecided", "no interval: fewer than two seeds"),
    ],
)
def test_above_needs_intervals_apart(first: Estimate, second: Estimate, outcome: str, why: str) -> None:
    for metric in (ATTACKS, ARMS):
        worlds = {"doubly_dangerous": first, "intense": second}
        if metric == ARMS:
            worlds = {"intense": first, "doubly_safe": second}
        found = sign(metric, **worlds)
        assert (found.outcome, found.why) == (outcome, why)


@pytest.mark.parametrize(
    ("first", "second", "outcome", "why"),
    [
        # the mean is not below, but the interval reaches lower: more seeds could show either
        (between(0.0, 0.10), between(0.02, 0.06), "undecided", "intervals overlap"),
        (between(0.02, 0.10), between(0.02, 0.06), "supported", "mean not below"),
        # not lower at its low end, but the mean is below
        (between(0.02, 0.06, 0.03), between(0.02, 0.06, 0.04), "undecided", "intervals overlap"),
        (between(0.02, 0.06, 0.04), between(0.02, 0.06, 0.04), "supported", "mean not below"),
        # a little less than next to nothing is no contradiction
        (between(0.0, 0.001), between(0.002, 0.009), "supported", "both below 0.01"),
        (between(0.0, 0.001), between(0.002, SPIRAL), "contradicted", "intervals apart, the other way"),
        (between(0.0, 0.002), between(0.002, 0.02), "undecided", "intervals overlap"),  # they touch
        (between(NONE, NONE, 0.9), between(0.1, 0.2), "undecided", "no interval: fewer than two seeds"),
        (between(0.3, 0.5), between(NONE, NONE, 0.1), "undecided", "no interval: fewer than two seeds"),
    ],
)
def test_not_below_needs_both_the_mean_and_the_low_end(
    first: Estimate, second: Estimate, outcome: str, why: str
) -> None:
    found = sign(ATTACKS, not_intense=first, doubly_safe=second)
    assert (found.claim, found.outcome, found.why) == ("S-S attacks: not-intense >= doubly-safe", outcome, why)


@pytest.mark.parametrize(
    ("found", "outcome", "why"),
    [
        (between(0.0, 0.0099), "supported", "interval below 0.01"),
        (between(0.0, SPIRAL), "undecided", "interval holds 0.01"),
        (between(0.0099, 0.5), "undecided", "interval holds 0.01"),
        (between(SPIRAL, 0.5), "contradicted", "interval at or above 0.01"),
        (between(NONE, NONE, 0.0), "undecided", "no interval: fewer than two seeds"),
    ],
)
def test_near_zero_is_below_a_spiral(found: Estimate, outcome: str, why: str) -> None:
    judged = signs({INTENSE: {ATTACKS: found, ARMS: between(NONE, NONE)}})
    assert judged == [Sign("S-S attacks: intense near 0", outcome, why)]


def test_each_sign_is_about_its_own_two_worlds() -> None:
    """Attacks and arms of each world apart from all others, in the order that theory gives."""
    level = {DANGEROUS: (0.4, 2.0), INTENSE: (0.001, 3.0), NOT_INTENSE: (0.2, 1.0), SAFE: (0.002, 0.5)}
    worlds = {
        name: {ATTACKS: between(attacks, attacks), ARMS: between(arms, arms)} for name, (attacks, arms) in level.items()
    }
    assert [(each.claim, each.outcome) for each in signs(worlds)] == [
        ("S-S attacks: doubly-dangerous > not-intense", "supported"),
        ("S-S attacks: doubly-dangerous > intense", "supported"),
        ("S-S attacks: not-intense >= doubly-safe", "supported"),
        ("S-S attacks: intense near 0", "supported"),
        ("S-S attacks: doubly-safe near 0", "supported"),
        ("arms: intense > doubly-safe", "supported"),
        ("arms: intense > not-intense", "supported"),
    ]
    assert signs({DANGEROUS: worlds[DANGEROUS]}) == []
