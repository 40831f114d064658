"""The threshold of trust m against the engine's own one-shot game, with each rule that enters it (model.md, 7)."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from agents.evaluation.threshold import success_probabilities, trust_threshold
from sd_env.layout import Head, Stance
from sd_env.scenario import Scenario
from sd_env.worlds import Worlds

#: Who attacks, state_0 and state_1, in each of four worlds.
PAIRS = list(itertools.product((False, True), repeat=2))


def one_shot(rng: np.random.Generator, **more: Any) -> Scenario:
    """The one-shot game between security seekers at a random point of what m depends on."""
    spans = {
        "technology.offense_advantage": (0.3, 3.0), "technology.distinguishability": (0.0, 1.0),
        "states.offense": (0.1, 2.0), "states.defense": (0.1, 2.0), "war.base_defense": (0.05, 1.0),
        "war.first_strike": (0.0, 2.0), "war.decisiveness": (0.3, 5.0), "war.conquest": (0.1, 1.0),
        "war.attacker_cost": (0.0, 0.1), "war.peacetime_readiness": (0.0, 1.0),
    }  # fmt: skip
    drawn = {key: float(rng.uniform(*span)) for key, span in spans.items()}
    return Scenario.load("games/one-shot", {**drawn, "motives.p_greedy": 0.0, **more})


def played(scenario: Scenario) -> tuple[np.ndarray, np.ndarray]:
    """Rewards of state_0 (4,) in the order of ``PAIRS``, and the success of the assault on state_1 (4,)."""
    worlds = Worlds(scenario, len(PAIRS), seed=0)
    actions = np.zeros((len(PAIRS), 2, 4), int)
    actions[:, :, Head.STANCE] = np.where(np.array(PAIRS), Stance.ATTACK, Stance.NEUTRAL)
    worlds.step(actions)
    return worlds.rewards[:, 0].copy(), worlds.states["success"][:, 1].copy()


@pytest.mark.parametrize("contest", ["ratio", "difference"])
def test_the_success_probabilities_are_those_of_the_game(contest: str) -> None:
    for seed in range(100):
        scenario = one_shot(np.random.default_rng(seed), **{"war.contest": contest})
        offense, defense = float(scenario.states.offense), float(scenario.states.defense)  # type: ignore[arg-type]
        _, success = played(scenario)
        assert success_probabilities(scenario, offense, defense) == pytest.approx((success[2], success[3]), abs=1e-12)


@pytest.mark.parametrize("contest", ["ratio", "difference"])
def test_a_security_seeker_does_better_to_attack_iff_it_trusts_less_than_m(contest: str) -> None:
    inside = 0
    for seed in range(100):
        scenario = one_shot(np.random.default_rng(seed), **{"war.contest": contest})
        m = trust_threshold(scenario, float(scenario.states.offense), float(scenario.states.defense))  # type: ignore[arg-type]
        (waits, struck, strikes, clash), _ = played(scenario)
        for trust in (m - 1e-6, m + 1e-6):
            if 0.0 <= trust <= 1.0:
                gain = trust * (strikes - waits) + (1.0 - trust) * (clash - struck)
                assert (gain > 0.0) == (trust < m), f"seed {seed}: m = {m}, trust = {trust}"
        inside += 0.05 < m < 0.95
    assert inside >= 20  # the dilemma proper was among the points


def test_unready_arms_raise_the_threshold() -> None:
    """By hand: F = 2 * 1.5 * 1 = 3, S = 1 + 1, of which in peace 1 + .5: p_f from 9/13 to 9/11.25 = .8, p_s 4/20 = .2.

    With conquest 1/2 and a cost of .1: m = 1 - .1 / (.5 * (9/13 - .2)) = .594, then 1 - .1 / (.5 * .6) = 2/3.
    """
    settings = {
        "technology.offense_advantage": 2.0, "technology.distinguishability": 1.0, "war.first_strike": 0.5,
        "war.base_defense": 1.0, "war.decisiveness": 2.0, "war.conquest": 0.5, "war.attacker_cost": 0.1,
    }  # fmt: skip
    whole = Scenario.load("games/one-shot", settings)
    part = whole.with_overrides({"war.peacetime_readiness": 0.5})
    assert success_probabilities(whole, 1.0, 1.0) == pytest.approx((9 / 13, 1 / 5))
    assert success_probabilities(part, 1.0, 1.0) == pytest.approx((0.8, 1 / 5))
    assert trust_threshold(whole, 1.0, 1.0) == pytest.approx(1.0 - 0.1 / (0.5 * (9 / 13 - 0.2)))
    assert trust_threshold(part, 1.0, 1.0) == pytest.approx(2 / 3)


def test_the_edge_of_the_first_strike_grows_with_arms_where_their_difference_decides() -> None:
    """By hand, x shields each that serve as swords in full, ω 1.2, φ .5, base .3, k 1: F - S = 1.8 x - (.3 + x).

    p_f is the logistic function of .8 x - .3 (x = 1: .622; x = 8: .998), p_s of -(.3 + x) (.214; .000). With a stake of
    .25 times 23.8 turns and a cost of 1, m = 1 - 1 / (5.95 (p_f - p_s)): .588 and .832. By ratio it hardly moves.
    """
    settings = {
        "technology.offense_advantage": 1.2, "technology.distinguishability": 0.0, "war.first_strike": 0.5,
        "war.base_defense": 0.3, "war.conquest": 0.25, "war.attacker_cost": 1.0,
    }  # fmt: skip
    ratio = Scenario.load({}, settings)
    difference = ratio.with_overrides({"war.contest": "difference", "war.decisiveness": 1.0})
    assert [trust_threshold(difference, 0.0, x, 23.8) for x in (1.0, 8.0)] == pytest.approx([0.588, 0.832], abs=5e-4)
    assert [trust_threshold(ratio, 0.0, x, 23.8) for x in (1.75, 8.0)] == pytest.approx([0.663, 0.681], abs=5e-4)
