"""Oracles of the literature on security: Kydd 1997, Skaperdas 1998, Baliga and Sjostrom 2012, Powell 1993, and
Chassang and Padro i Miquel 2010.

Each closed form is of the work named or, where that model has what the rules have not, derived in its spirit for the
reduction, which the docstring then says; the other side of every comparison is played.
"""

from __future__ import annotations

from functools import cache
from math import exp, log, sqrt
from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq

from sd_env.layout import Build, Head, Stance
from sd_env.scenario import Scenario
from sd_env.worlds import Worlds
from tests.sd_env.test_oracles_contest import efforts
from tests.table import column

# --- Kydd (1997): a build-up that the two types make with different probabilities --------------------------------

#: Nothing can be seen of a rival but that it builds, one arm a level, of a kind that tells nothing.
KYDD: dict[str, Any] = {
    "actions.stance": ["neutral"],
    "actions.signal": ["silence"],
    "arming.build_rate": 1.0,
    "arming.depreciation": 0.0,
    "perception.beliefs": True,
    "technology.distinguishability": 0.0,
}


def trust_after(builds: list[Build], trust: float, weight: float) -> float:
    """What state_0 observes of state_1, which builds so; state_0 itself rests."""
    game = {**KYDD, "motives.p_greedy": 1.0 - trust, "perception.buildup_evidence": weight}
    worlds = Worlds(Scenario.load("theories/kydd-reassurance", game), seed=0)
    for level in builds:
        actions = np.zeros((1, 2, Head.STANCE + 1), int)
        actions[:, :, Head.STANCE] = Stance.NEUTRAL
        actions[:, 1, Head.BUILD_OFFENSE] = level
        worlds.step(actions)
    return column(worlds, 0, "belief", 1)


@pytest.mark.parametrize("trust", [0.2, 0.5, 0.8])
@pytest.mark.parametrize(("seeker", "greedy"), [(0.1, 0.9), (0.3, 0.6), (0.5, 0.5)])
def test_who_sees_a_build_up_trusts_as_kydd_says(trust: float, seeker: float, greedy: float) -> None:
    """Posterior t β_S / (t β_S + (1 - t) β_G), with λ such that the excess of one arm has the ratio β_S / β_G."""
    posterior = trust * seeker / (trust * seeker + (1.0 - trust) * greedy)
    assert trust_after([Build.HALF], trust, log(greedy / seeker)) == pytest.approx(
        posterior, abs=1e-6
    )  # float32 is seen


def test_two_build_ups_are_two_readings_and_none_is_none() -> None:
    weight, trust = log(3.0), 0.6
    twice = trust / 9.0 / (trust / 9.0 + 1.0 - trust)
    assert trust_after([Build.HALF, Build.HALF], trust, weight) == pytest.approx(twice, abs=1e-6)
    assert trust_after([Build.FULL], trust, weight) == pytest.approx(twice, abs=1e-6)
    assert trust_after([Build.NONE] * 3, trust, weight) == pytest.approx(trust, abs=1e-6)


@pytest.mark.parametrize("above", [False, True])
def test_the_build_up_that_ends_trust_is_log_of_the_odds(above: bool) -> None:
    """Trust falls below m at an excess of ln(O_t / O_m) / λ: the spiral's first step in closed form."""
    trust, m, weight = 0.8, 0.6, 1.0
    excess = log(4.0 / 1.5) / weight
    assert exp(-weight * excess) * 4.0 == pytest.approx(1.5)
    game = {"motives.p_greedy": 1.0 - trust, "perception.buildup_evidence": weight, "arming.build_rate": excess}
    more = game | {"arming.build_rate": excess * (1.01 if above else 0.99)}
    worlds = Worlds(Scenario.load("theories/kydd-reassurance", KYDD | more), seed=0)
    actions = np.zeros((1, 2, Head.STANCE + 1), int)
    actions[:, :, Head.STANCE] = Stance.NEUTRAL
    actions[:, 1, Head.BUILD_DEFENSE] = Build.HALF
    worlds.step(actions)
    assert (column(worlds, 0, "belief", 1) < m) == above


# --- Skaperdas (1998): two of three ally iff the contest has increasing returns ----------------------------------

#: Frozen arms, one shot, nothing but land: an assault is Tullock's contest.
ASSAULT: dict[str, Any] = {
    "horizon": 1,
    "states.economy": 1.0,
    "states.greed": 1.0,
    "technology.offense_advantage": 1.0,
    "technology.distinguishability": 1.0,
    "arming.depreciation": 0.0,
    "war.mobilization_required": False,
    "war.first_strike": 0.0,
    "war.base_defense": 0.0,
    "war.outcome": "share",
    "war.conquest": 1.0,
    "war.spoils": 1.0,
    "war.collapse": 0.0,
    "war.attacker_cost": 0.0,
    "war.defender_cost": 0.0,
    "perception.noise": 0.0,
}


def taken(strengths: list[float], defence: float, r: float) -> np.ndarray:
    """Share of the last state's land that each of the others has after all attacked it, with these offensive arms."""
    n = len(strengths) + 1
    names = [f"state_{i}" for i in range(n)]
    arms = {
        "n_states": n,
        "states.names": names,
        "states.offense": dict(zip(names, [*strengths, 0.0], strict=True)),
        "states.defense": {**dict.fromkeys(names, 0.0), names[-1]: defence},
        "war.decisiveness": r,
    }
    worlds = Worlds(Scenario.load("theories/waltz-balancing", ASSAULT | arms), seed=0)
    actions = np.zeros((1, n, Head.STANCE + n - 1), int)
    actions[:, :, Head.STANCE :] = Stance.NEUTRAL
    actions[:, :-1, Head.STANCE + n - 2] = Stance.ATTACK  # the last state is the last of the others
    worlds.step(actions)
    won: np.ndarray = worlds.rewards[0, :-1] - 1.0  # beside the income of its own land
    return won


def gain_from_alliance(r: float) -> float:
    """What one of two like allies expects of a prize of 1, less its share in a contest of three, all by assaults.

    Allied, two win together against the third, and then one against the other. Alone, each has the two others against
    it, whose weight is that of one force 2^(1/r) as large.
    """
    together = float(taken([1.0, 1.0], 1.0, r).sum())
    between = float(taken([1.0], 1.0, r)[0])
    alone = float(taken([1.0], 2.0 ** (1.0 / r), r)[0])
    assert alone == pytest.approx(1.0 / 3.0, abs=1e-12)
    assert together == pytest.approx(2.0**r / (2.0**r + 1.0), abs=1e-12)
    return together * between - alone


@pytest.mark.parametrize(("r", "sign"), [(0.5, -1), (0.99, -1), (1.01, 1), (2.0, 1), (4.0, 1)])
def test_two_ally_against_a_third_iff_contests_have_increasing_returns(r: float, sign: int) -> None:
    assert np.sign(gain_from_alliance(r)) == sign


def test_at_constant_returns_an_alliance_is_worth_nothing() -> None:
    assert brentq(gain_from_alliance, 0.5, 2.0, xtol=1e-12) == pytest.approx(1.0, abs=1e-9)


# --- Baliga and Sjostrom (2012): provocation ---------------------------------------------------------------------

TYPES = 4001


@cache
def strike_gains(cost: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Greed, and what striking gains such a type where the other waits and where it strikes, each (TYPES,).

    The one shot of model.md, section 7, with weapons of equal sight; types from 0 to 4.
    """
    game = {"motives.greed": 1.0, "motives.p_greedy": 1.0, "war.attacker_cost": cost}
    worlds = Worlds(Scenario.load("games/one-shot", game), TYPES, seed=0)
    greed, rewards = np.linspace(0.0, 4.0, TYPES), {}
    for pair in ((0, 0), (0, 1), (1, 0), (1, 1)):
        worlds.reset(0)
        worlds.states["greed"][:, 0] = greed
        actions = np.zeros((TYPES, 2, Head.STANCE + 1), int)
        actions[:, :, Head.STANCE] = np.where(pair, Stance.ATTACK, Stance.NEUTRAL)
        worlds.step(actions)
        rewards[pair] = worlds.rewards[:, 0].copy()
    return greed, rewards[1, 0] - rewards[0, 0], rewards[1, 1] - rewards[0, 1]


def cutoff(cost: float, hawks: float) -> float:
    """The greed from which on a type strikes if the other does with probability ``hawks``."""
    greed, alone, met = strike_gains(cost)
    gain = (1.0 - hawks) * alone + hawks * met
    assert (np.diff(gain) > 0).all()
    return float(np.interp(0.0, gain, greed))


def one_shot() -> tuple[float, float, float, float]:
    """p_f, p_s, conquest and spoils of games/one-shot (model.md, section 7)."""
    war = Scenario.load("games/one-shot").war
    force, defence = 1.4 * 1.2, 0.1 + 1.2
    p_f, p_s = ((f / s) ** 2 / (1 + (f / s) ** 2) for f, s in ((1.5 * force, defence), (force, defence + force)))
    assert isinstance(war.conquest, float) and isinstance(war.spoils, float)
    return p_f, p_s, war.conquest, war.spoils


def test_strikes_are_complements_for_types_whose_greed_is_below_one_over_spoils() -> None:
    """If the other strikes too the gain moves by τ (p_f - p_s) (1 - g ρ): little greed fears, much is deterred."""
    p_f, p_s, conquest, spoils = one_shot()
    greed, alone, met = strike_gains(0.15)
    np.testing.assert_allclose(met - alone, conquest * (p_f - p_s) * (1.0 - greed * spoils), atol=1e-12)


@pytest.mark.parametrize("cost", [0.05, 0.2, 0.35, 0.45, 0.6])
def test_a_provocation_makes_hawks_under_complements_and_doves_under_substitutes(cost: float) -> None:
    """A public event makes the other's strike likelier, from .1 to .5. The marginal type has greed

        g* = (c - x τ (p_f - p_s)) / (τ ρ ((1 - x) p_f + x p_s)),

    and as at g ρ = 1 the gain is τ p_f - c whatever x, it falls with x, and more types strike, iff c < τ p_f.
    """
    p_f, p_s, conquest, spoils = one_shot()
    calm, provoked = (cutoff(cost, x) for x in (0.1, 0.5))
    for x, found in ((0.1, calm), (0.5, provoked)):
        worth = conquest * spoils * ((1 - x) * p_f + x * p_s)
        assert found == pytest.approx(max((cost - x * conquest * (p_f - p_s)) / worth, 0.0), abs=1e-9)
    complements = cost < conquest * p_f
    assert conquest * p_f == pytest.approx(0.395, abs=0.001)
    assert (provoked < calm) == complements


@pytest.mark.parametrize(("cost", "follows"), [(0.3, True), (0.36, True), (0.45, False), (0.6, False)])
def test_the_rival_of_a_provoked_state_follows_it_under_complements_and_gives_way_under_substitutes(
    cost: float, follows: bool
) -> None:
    """Types uniform on [0, 4]. Provoked, a tenth more of one's types strike; then the other's answer, and so on."""

    def share(of_others: float) -> float:
        return 1.0 - cutoff(cost, of_others) / 4.0

    def rest(provoked: float) -> tuple[float, float]:
        one = other = 0.0
        for _ in range(200):
            one, other = min(share(other) + provoked, 1.0), share(one)
        return one, other

    (calm_one, calm_other), (one, other) = rest(0.0), rest(0.1)
    assert one > calm_one
    assert (other > calm_other) == follows


# --- Powell (1993): guns, butter and the peace constraint ---------------------------------------------------------


@cache
def raids(guns: int, cost: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """By the challenger's levels of arms: its arms' cost, what its raid takes, and the cost of the raid, each (L,).

    Both build in steps of .0125 over the turns of games/biased-contest; the defender has ``guns`` levels.
    """
    scenario = Scenario.load("games/biased-contest", {"war.attacker_cost": cost, "states.greed.state_0": 1.0})
    turns = int(scenario.horizon)  # type: ignore[arg-type]
    own = np.arange(2 * turns + 1)
    worlds = Worlds(scenario, len(own), seed=0)
    total = np.zeros(len(own))
    for turn in range(turns):
        actions = np.zeros((len(own), 2, Head.STANCE + 1), int)
        actions[:, :, Head.STANCE] = Stance.NEUTRAL
        actions[:, 0, Head.BUILD_OFFENSE] = np.clip(own - 2 * turn, Build.NONE, Build.FULL)
        actions[:, 1, Head.BUILD_DEFENSE] = efforts(guns, turn)
        if turn == turns - 1:
            actions[:, 0, Head.STANCE] = Stance.ATTACK
        worlds.step(actions)
        total += worlds.rewards[:, 0]
    land = worlds.states["holdings"][:, 0].copy()
    return 0.0125 * own, land, turns + land - 0.0125 * own - total


@pytest.mark.parametrize(("discount", "cost"), [(0.9, 2.5), (0.9, 4.0), (0.9, 6.0), (0.8, 1.0), (0.8, 2.0), (0.5, 0.5)])
def test_peace_takes_the_guns_of_the_peace_constraint(discount: float, cost: float) -> None:
    """Peace iff no raid is worth it: max over a of V a / (a + d) - a - c_A <= 0, that is d >= (√V - √c_A)².

    In the spirit of Powell: V = g τ ρ / (1 - δ) is what land is worth for ever. His war ends one of the two, whoever
    attacked; here only the land of who is attacked is at stake, so that c_A stands for the attacker's risk.
    """
    worth = 1.0 / (1.0 - discount)
    needed = (sqrt(worth) - sqrt(cost)) ** 2

    def pays(guns: int) -> bool:
        arms, land, war = raids(guns, cost)
        np.testing.assert_allclose(war, cost, atol=1e-9)
        return bool((worth * land - arms - war).max() > 1e-9)

    low, high = 0, 320  # levels; with the most there is peace
    assert pays(low) and not pays(high)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if pays(middle) else (low, middle)
    assert 0.0125 * high == pytest.approx(needed, abs=2 * 0.0125)


def test_the_shadow_of_the_future_takes_butter_and_dear_war_gives_it_back() -> None:
    """Guns of peace rise with the discount and fall with the cost of war, to none where c_A >= V."""
    guns = {(d, c): (sqrt(1 / (1 - d)) - sqrt(c)) ** 2 for d in (0.5, 0.8, 0.9) for c in (0.5, 1.0)}
    assert guns[0.5, 1.0] < guns[0.8, 1.0] < guns[0.9, 1.0] and guns[0.9, 1.0] < guns[0.9, 0.5]
    arms, land, war = raids(0, 10.5)
    assert ((land[1:] / 0.1 - arms[1:] - war[1:]) < 0).all(), "V = 10: nobody raids even the unarmed"


def test_butter_makes_the_economy_grow_by_what_guns_leave() -> None:
    """(1 + R (1 - s))^T for a share s of income spent on arms: two levels of .1 of an income that grows."""
    game = {
        **{"arming.investment_return": 0.02, "arming.arms_cost": 0.1, "states.economy": 1.0, "horizon": 10},
        **{"states.growth": 0.0, "arming.capacity_cap": 1.0},
    }
    worlds = Worlds(Scenario.load("jervis/doubly-safe", game), seed=0)
    expected = 1.0
    for _ in range(9):
        actions = np.zeros((1, 2, Head.STANCE + 1), int)
        actions[:, :, Head.STANCE] = Stance.NEUTRAL
        actions[:, 1, Head.BUILD_DEFENSE] = Build.FULL
        worlds.step(actions)
        expected *= 1.0 + 0.02 * (1.0 - 0.2 / expected)
    butter, guns = worlds.states["economy"][0]
    assert butter == pytest.approx(1.02**9, rel=1e-12)
    assert guns == pytest.approx(expected, rel=1e-12)


# --- Chassang and Padro i Miquel (2010): arms that are equal, and strategic risk ----------------------------------

#: What an arm sent by surprise is worth against one that waits, below 1: ω (1 + φ).
SURPRISE = 0.6


def fear_at(arms: float, base: float) -> float:
    """m of the one shot with these arms on both sides, from its four rewards; the contest is one of differences."""
    game = {
        **{"war.contest": "difference", "war.decisiveness": 1.0, "war.base_defense": base, "war.attacker_cost": 0.02},
        **{"technology.offense_advantage": 0.4, "war.first_strike": 0.5, "war.conquest": 0.5},
        **{"states.offense": arms, "states.defense": 0.0, "motives.p_greedy": 0.0},
    }
    worlds = Worlds(Scenario.load("games/one-shot", game), 4, seed=0)
    actions = np.zeros((4, 2, Head.STANCE + 1), int)
    pairs = [(Stance.NEUTRAL, Stance.NEUTRAL), (Stance.NEUTRAL, Stance.ATTACK)]
    actions[:, :, Head.STANCE] = [*pairs, (Stance.ATTACK, Stance.NEUTRAL), (Stance.ATTACK, Stance.ATTACK)]
    worlds.step(actions)
    reward, sucker, temptation, punishment = worlds.rewards[:, 0]
    return float((punishment - sucker) / (reward - temptation + punishment - sucker))


def logistic(x: float) -> float:
    return 1.0 / (1.0 + exp(-x))


@pytest.mark.parametrize("arms", [0.05, 0.5, 1.5, 3.0, 8.0])
def test_fear_by_equal_arms_is_that_of_the_formula(arms: float) -> None:
    """p_f - p_s = σ(-b - (1 - ω (1 + φ)) x) - σ(-b - x), and m = 1 - c_A / (τ (p_f - p_s))."""
    first, met = logistic(-0.5 - (1.0 - SURPRISE) * arms), logistic(-0.5 - arms)
    assert fear_at(arms, 0.5) == pytest.approx(1.0 - 0.02 / (0.5 * (first - met)), abs=1e-9)


def test_equal_arms_first_destroy_peace_and_then_keep_it() -> None:
    """Where a surprised defender still has the edge, fear rises with equal arms and falls again: m above t between."""
    few, some, many = (fear_at(arms, 0.5) for arms in (0.1, 1.5, 8.0))
    assert few < 0.0 < 0.5 < some and many < 0.0


def test_most_is_feared_at_the_arms_of_the_formula() -> None:
    """Far in the tail, b large, σ(-z) is e^-z and p_f - p_s is greatest at x = -ln(1 - ω (1 + φ)) / (ω (1 + φ))."""
    grid = np.linspace(1.0, 2.0, 41)
    worst = grid[int(np.argmax([fear_at(float(arms), 4.0) for arms in grid]))]
    assert worst == pytest.approx(-log(1.0 - SURPRISE) / SURPRISE, abs=0.05)
