"""Oracles of theory.md, section 2 (a), (b), (f), (g), (j): small games, solved on the environment's own payoffs."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq

from agents.evaluation.exact import with_types
from sd_env.layout import Build, Head, Stance
from sd_env.scenario import Scenario
from sd_env.worlds import Worlds

WAIT, ATTACK = int(Stance.NEUTRAL), int(Stance.ATTACK)
#: An affine image of a small integer in float64, over a few additions.
EXACT = 1e-12


def play(scenario: Scenario, stances: np.ndarray, builds: tuple[int, ...] | None = None) -> np.ndarray:
    """Rewards (turns, worlds, 2) of two states whose stances (turns, worlds, 2) are all written down beforehand."""
    worlds = Worlds(scenario, stances.shape[1], seed=0)
    actions = np.zeros((stances.shape[1], 2, Head.STANCE + 1), int)
    if builds is not None:
        actions[:, :, Head.BUILD_OFFENSE] = builds
    rewards = []
    for stance in stances:
        actions[:, :, Head.STANCE] = stance
        worlds.step(actions)
        rewards.append(worlds.rewards.copy())
    return np.array(rewards)


def stage(scenario: Scenario) -> dict[str, float]:
    """R, S, T and P of the first turn, state 0's."""
    pairs = np.array([(WAIT, WAIT), (WAIT, ATTACK), (ATTACK, WAIT), (ATTACK, ATTACK)])
    return dict(zip("RSTP", play(scenario, pairs[None])[0, :, 0], strict=True))


def threshold(game: dict[str, float]) -> float:
    """The trust below which attacking is the better answer: both are worth the same there."""

    def gain(trust: float) -> float:
        return trust * (game["R"] - game["T"]) + (1 - trust) * (game["S"] - game["P"])

    return float(brentq(gain, 0.0, 1.0, xtol=1e-14))


# --- (a) stag hunts and the repeated prisoner's dilemma -----------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "overrides", "textbook", "m"),
    [
        ("games/stag-hunt", {}, {"R": 4, "S": 0, "T": 3, "P": 2}, 2 / 3),
        ("games/assured-stag-hunt", {}, {"R": 5, "S": 1, "T": 3, "P": 2}, 1 / 3),
        # the tie: R - T = .15, P - S = .3 - .15, R - S = .34 + .11
        (
            "games/stag-hunt",
            {"war.attacker_cost": 0.15, "war.defender_cost": 0.11},
            {"R": 4, "S": 1, "T": 3, "P": 2},
            1 / 2,
        ),
    ],
)
def test_stag_hunts_have_the_textbooks_payoffs_and_threshold(
    name: str, overrides: dict[str, Any], textbook: dict[str, float], m: float
) -> None:
    game = stage(Scenario.load(name, overrides))
    unit = (game["R"] - game["S"]) / (textbook["R"] - textbook["S"])
    for key, value in textbook.items():
        assert game[key] == pytest.approx(game["R"] + unit * (value - textbook["R"]), abs=EXACT)
    assert threshold(game) == pytest.approx(m, abs=1e-9)


@pytest.mark.parametrize(("name", "dominant"), [("games/stag-hunt", "P"), ("games/assured-stag-hunt", "R")])
def test_risk_dominance_is_the_larger_product_of_losses_from_deviating(name: str, dominant: str) -> None:
    game = stage(Scenario.load(name))
    assert game["R"] > game["T"] and game["P"] > game["S"], "both are equilibria"
    assert ((game["P"] - game["S"]) ** 2 > (game["R"] - game["T"]) ** 2) == (dominant == "P")


@pytest.mark.parametrize(("delta", "holds"), [(0.3, False), (0.499, False), (0.501, True), (0.7, True)])
def test_grim_trigger_holds_from_a_discount_of_one_half_on(delta: float, holds: bool) -> None:
    """Every plan of ten turns, and defection after it, against grim trigger in the repeated prisoner's dilemma."""
    turns = 10
    plans = np.array(list(itertools.product((WAIT, ATTACK), repeat=turns)))
    tails = np.array([[WAIT], [ATTACK]])[np.where((plans == ATTACK).any(axis=1), 1, 0)]
    mine = np.concatenate([plans, tails], axis=1)  # who never defected goes on cooperating, as grim trigger would
    theirs = np.full_like(mine, WAIT)
    theirs[:, 1:] = np.where(np.logical_or.accumulate(mine[:, :-1] == ATTACK, axis=1), ATTACK, WAIT)
    rewards = play(Scenario.load("games/repeated-pd"), np.stack([mine, theirs], axis=2).transpose(1, 0, 2))[..., 0]
    weights = delta ** np.arange(turns + 1)
    weights[-1] /= 1 - delta  # the last turn is the same for ever
    values = weights @ rewards
    grim = values[0]
    assert (plans[0] == WAIT).all()
    assert (values.max() <= grim + EXACT) == holds


def test_at_one_half_grim_trigger_is_worth_just_what_defection_is() -> None:
    game = stage(Scenario.load("games/repeated-pd"))

    def gain(delta: float) -> float:
        return game["R"] / (1 - delta) - game["T"] - delta * game["P"] / (1 - delta)

    assert brentq(gain, 0.01, 0.99, xtol=1e-13) == pytest.approx(0.5, abs=1e-9)


# --- (b) reassurance -----------------------------------------------------------------------------------------------

#: A plan in the trust game of two rounds: the first move, then the answer to a first step and to none.
PLANS = list(itertools.product((WAIT, ATTACK), repeat=3))
STEPS_FIRST, NEVER = PLANS.index((WAIT, WAIT, ATTACK)), PLANS.index((ATTACK, ATTACK, ATTACK))


def two_rounds(first: int) -> np.ndarray:
    """Returns (2 types of state 0, 8 plans, 8 plans of state 1) of state 0 if the first round has ``first`` turns."""
    scenario = Scenario.load("games/reassurance")
    turns = int(scenario.horizon)  # type: ignore[arg-type]
    pairs = list(itertools.product(PLANS, repeat=2))
    stances = np.array([[(a[0], b[0]), (a[1 + (b[0] == ATTACK)], b[1 + (a[0] == ATTACK)])] for a, b in pairs])
    rounds = stances.transpose(1, 0, 2)[[0] * first + [1] * (turns - first)]
    greed = float(scenario.motives.greed)  # type: ignore[arg-type]
    returns = [play(with_types(scenario, (g, 0.0)), rounds)[..., 0].sum(axis=0) for g in (0.0, greed)]
    return np.array(returns).reshape(2, len(PLANS), len(PLANS))


def test_reassurance_is_an_equilibrium_for_stakes_between_4_9_and_4_5_and_no_others() -> None:
    """Seekers step first and trust who stepped, the greedy never do: no plan of either type does better."""
    scenario = Scenario.load("games/reassurance")
    trust, turns = 1 - float(scenario.motives.p_greedy), int(scenario.horizon)  # type: ignore[arg-type]
    assert trust == pytest.approx(0.4)
    holds = []
    for first in range(1, turns):
        returns = two_rounds(first)
        values = trust * returns[:, :, STEPS_FIRST] + (1 - trust) * returns[:, :, NEVER]
        seeker, greedy = values.max(axis=1) - values[[0, 1], [STEPS_FIRST, NEVER]]
        if max(seeker, greedy) < 1e-9:  # at the ends of the interval two plans are worth the same
            holds.append(first / turns)
    assert holds == [first / turns for first in range(20, 37)]
    assert (holds[0], holds[-1]) == pytest.approx((0.4444, 0.8), abs=5e-5)
    assert trust < threshold(stage(with_types(scenario, (0.0, 0.0))))  # too little for a single round


# --- (f) preventive war --------------------------------------------------------------------------------------------


def preventive(growth: float, delta: float = 0.9) -> tuple[float, float, float]:
    """(gain of the decliner from war now over war one turn later, p1, p2), all from play."""
    base = Scenario.load("games/preventive-war")
    economy = float(Worlds(base, 1, seed=0).states["economy"][0, 0])
    cap = economy * (1 + growth)  # it rises once, and for good
    scenario = base.with_overrides({"states.growth.state_0": growth, "arming.capacity_cap": cap})
    turns = int(scenario.horizon)  # type: ignore[arg-type]
    worlds = Worlds(scenario, 2, seed=0)
    actions = np.zeros((2, 2, Head.STANCE + 1), int)
    actions[:, :, Head.BUILD_OFFENSE] = Build.HALF, Build.FULL
    values, p = np.zeros(2), []
    for turn in range(turns):
        actions[:, :, Head.STANCE] = WAIT
        if turn < 2:
            actions[turn, :, Head.STANCE] = ATTACK  # world 0 fights now, world 1 a turn later
        worlds.step(actions)
        values += delta**turn * worlds.rewards[:, 1]
        if turn < 2:
            p.append(float(worlds.states["success"][turn, 1]))
    return float(values[0] - values[1]), p[0], p[1]


def test_preventive_war_pays_from_a_shift_to_35556_on() -> None:
    growth = brentq(lambda x: preventive(x)[0], 0.05, 0.2, xtol=1e-13)
    _, p1, p2 = preventive(growth)
    assert p1 == pytest.approx(0.3, abs=EXACT)
    assert p2 == pytest.approx(0.35556, abs=5e-6)
    assert growth == pytest.approx(0.1346, abs=5e-5)  # the scenario's prediction
    assert preventive(0.13)[0] < 0 < preventive(0.14)[0]
    assert preventive(0.15)[0] > 0 and preventive(0.15)[2] == pytest.approx(0.3618, abs=5e-5)


@pytest.mark.parametrize("growth", [0.0, 0.06, 0.12, 0.18])
def test_the_gain_of_preventive_war_is_that_of_the_formula(growth: float) -> None:
    gain, p1, p2 = preventive(growth)
    assert gain * (1 - 0.9) == pytest.approx(0.9 * p2 - p1 - 2 * (1 - 0.9) ** 2, abs=1e-12)


# --- (g) first strike ----------------------------------------------------------------------------------------------


def test_peace_is_an_equilibrium_that_is_not_risk_dominant() -> None:
    scenario = Scenario.load("games/first-strike")
    turns = int(scenario.horizon)  # type: ignore[arg-type]
    stances = np.full((turns, 4, 2), WAIT)
    stances[0] = [(WAIT, WAIT), (WAIT, ATTACK), (ATTACK, WAIT), (ATTACK, ATTACK)]
    values = 0.9 ** np.arange(turns) @ play(scenario, stances)[..., 0]
    assert values == pytest.approx([10, -4, 8, 1], abs=1e-9)  # 0.9^400 * 10 is 5e-18
    game = dict(zip("RSTP", values, strict=True))
    assert game["R"] - game["T"] == pytest.approx(2)
    assert game["P"] - game["S"] == pytest.approx(5)
    assert threshold(game) == pytest.approx(0.714, abs=5e-4)


def divisible(first_strike: float) -> tuple[bool, float]:
    """Whether some division of a prize of 1 is peaceful, and how much striking first adds to one's share of it."""
    cost = 0.2
    peaceful, advantages = False, []
    for mine in np.linspace(0.0, 1.0, 101):
        overrides = {
            **{"horizon": 1, "states.homeland": {"state_0": mine, "state_1": 1 - mine}, "states.greed": 1.0},
            **{"war.attacker_cost": cost, "war.defender_cost": 0.0, "war.first_strike": first_strike},
            "war.base_defense": 1.5,
        }
        scenario = Scenario.load("games/first-strike", overrides)
        peace, struck, strike = play(scenario, np.array([[(WAIT, WAIT), (WAIT, ATTACK), (ATTACK, WAIT)]]))[0]
        peaceful |= bool(peace[0] >= strike[0] - EXACT and peace[1] >= struck[1] - EXACT)
        advantages.append(strike[0] + cost - struck[0])
    assert np.ptp(advantages) < EXACT, "the advantage does not depend on the division"
    return peaceful, advantages[0]


@pytest.mark.parametrize("step", [-1e-6, 1e-6])
def test_no_division_is_peaceful_iff_the_first_strike_is_worth_more_than_both_costs(step: float) -> None:
    """War for sure iff p_f - p_s > c_A + c_B = .2 + .2, shares of the one who strikes first and of the one struck.

    A strike succeeds with x^2 / (x^2 + 1.5^2), x = 1 + phi, which is .4 at x = sqrt(1.5).
    """
    peaceful, advantage = divisible(1.5**0.5 - 1 + step)
    assert advantage == pytest.approx(0.4, abs=1e-6)  # its slope there is .39
    assert peaceful == (step < 0)


# --- (j) volunteer's dilemma ---------------------------------------------------------------------------------------


def volunteering(balancers: int) -> Callable[[float], float]:
    """Gain of balancer 1 from volunteering, as a function of the others' probability to pass, over all profiles."""
    scenario = Scenario.load("games/volunteers-dilemma", {"n_states": balancers + 1})
    profiles = np.array(list(itertools.product((0, 1), repeat=balancers)))  # 1 volunteers
    worlds = Worlds(scenario, len(profiles), seed=0)
    actions = np.zeros((len(profiles), balancers + 1, Head.STANCE + balancers), int)
    returns = np.zeros(len(profiles))
    for turn in range(2):
        actions[:, :, Head.STANCE :] = WAIT
        if turn == 0:
            actions[:, 1:, Head.STANCE] = np.where(profiles == 1, ATTACK, WAIT)  # toward state_0, the aggressor
        else:
            actions[:, 0, Head.STANCE :] = ATTACK
        worlds.step(actions)
        returns += worlds.rewards[:, 1]
    others = profiles[:, 1:].sum(axis=1)

    def gain(passing: float) -> float:
        weights = (1 - passing) ** others * passing ** (balancers - 1 - others)
        signs = np.where(profiles[:, 0] == 1, 1.0, -1.0)
        return float((weights * signs) @ returns)

    return gain


@pytest.mark.parametrize(("balancers", "nobody"), [(2, 0.0625), (4, 0.1575), (8, 0.205)])
def test_nobody_balances_as_often_as_the_volunteers_dilemma_says(balancers: int, nobody: float) -> None:
    passing = brentq(volunteering(balancers), 0.0, 1.0, xtol=1e-14)
    assert passing == pytest.approx(0.25 ** (1 / (balancers - 1)), abs=1e-9)
    assert passing**balancers == pytest.approx(nobody, abs=5e-4 if balancers == 8 else 5e-5)
