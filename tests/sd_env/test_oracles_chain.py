"""Oracle of theory.md, section 2 (j): when an ally's war is worth joining, by the environment's own payoffs."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq

from sd_env.layout import Build, Head, Stance
from sd_env.scenario import Scenario
from sd_env.worlds import Worlds

AGGRESSOR, ALLY, THIRD = range(3)
OMEGA, ETA, DECISIVENESS = "technology.offense_advantage", "war.spoils", "war.decisiveness"
#: Choices of a turn: building, stance toward the aggressor, stance toward the ally.
TURN = list(itertools.product((Build.NONE, Build.FULL), *[(Stance.ALIGN, Stance.NEUTRAL, Stance.ATTACK)] * 2))
STAY = (Build.NONE, Stance.NEUTRAL, Stance.ALIGN)
FIGHT = (Build.NONE, Stance.ATTACK, Stance.ALIGN)
#: Worlds of each plan: enough that every outcome of its wars is among them.
COPIES = 256


def values(scenario: Scenario, plans: np.ndarray) -> np.ndarray:
    """Expected returns (P,) of plans (P, 2, 3) of state_2: its choices on both turns.

    Each way in which the wars of a plan can end, by which assaults succeed, is taken once, with what it paid and with
    its probability, the product of those that the environment gave the assaults that it drew.
    """
    count = len(plans)
    worlds = Worlds(scenario, count * COPIES, seed=0)
    mine = np.repeat(plans, COPIES, axis=0)
    returns, chance, path = np.zeros(len(mine)), np.ones(len(mine)), np.zeros(len(mine), int)
    for turn in range(2):
        actions = np.zeros((len(mine), 3, Head.STANCE + 2), int)
        actions[:, :, Head.STANCE :] = Stance.NEUTRAL
        actions[:, THIRD, Head.BUILD_OFFENSE], actions[:, THIRD, Head.STANCE :] = mine[:, turn, 0], mine[:, turn, 1:]
        actions[:, ALLY, Head.STANCE :] = Stance.ATTACK, Stance.ALIGN  # toward the aggressor and toward state_2
        if turn == 0:
            actions[:, AGGRESSOR, Head.STANCE + ALLY - 1] = Stance.ATTACK
        else:
            actions[:, AGGRESSOR, Head.BUILD_OFFENSE] = Build.FULL
            actions[:, AGGRESSOR, Head.STANCE + THIRD - 1] = Stance.ATTACK
        worlds.step(actions)
        returns += worlds.rewards[:, THIRD]
        for state in (AGGRESSOR, ALLY, THIRD) if turn == 0 else (THIRD,):  # in the end its own land is all that counts
            success, won = worlds.states["success"][:, state], worlds.states["conquered"][:, state]
            chance *= np.where(won, success, 1 - success)
            path = 2 * path + won
    expected = np.zeros(count)
    for plan in range(count):
        rows = slice(plan * COPIES, (plan + 1) * COPIES)
        _, first = np.unique(path[rows], return_index=True)
        assert chance[rows][first].sum() == pytest.approx(1.0, abs=1e-12), "an outcome was not among the copies"
        expected[plan] = chance[rows][first] @ returns[rows][first]
    return expected


def game(omega: float, eta: float, decisiveness: float = 2.0, **more: Any) -> Scenario:
    return Scenario.load("games/chain-gang", {OMEGA: omega, ETA: eta, DECISIVENESS: decisiveness, **more})


PLANS = np.array(list(itertools.product(TURN, repeat=2)), int)
JOINS = PLANS[:, 0, 1] == Stance.ATTACK


@pytest.mark.parametrize("eta", [0.5, 0.8, 1.0])
def test_joining_is_best_iff_omega_eta_exceeds_one(eta: float) -> None:
    """All 324 plans: on either side of the threshold the best one joins, or does not; it never builds."""
    for factor in (0.5, 0.99, 1.01, 2.0):
        worth = values(game(factor / eta, eta), PLANS)
        best = np.isclose(worth, worth.max(), atol=1e-12, rtol=0)
        assert set(JOINS[best]) == {factor > 1}
        assert (PLANS[best, :, 0] == Build.NONE).all()


def threshold(eta: float, decisiveness: float) -> float:
    """The offensive advantage at which joining, and staying out to fight when attacked, are worth the same."""
    plans = np.array([(FIGHT, STAY), (STAY, FIGHT)], int)

    def gain(omega: float) -> float:
        join, stay = values(game(omega, eta, decisiveness), plans)
        return float(join - stay)

    return float(brentq(gain, 0.3, 5.0, xtol=1e-13))


@pytest.mark.parametrize("decisiveness", [1.0, 2.0, 4.0])
@pytest.mark.parametrize("eta", [0.4, 0.8, 1.0])
def test_the_threshold_is_one_over_eta_whatever_the_decisiveness(eta: float, decisiveness: float) -> None:
    assert threshold(eta, decisiveness) == pytest.approx(1 / eta, abs=1e-9)


def test_without_attrition_free_fighting_does_no_harm() -> None:
    """Half of the threshold's offence: who joins and loses still has all its arms to meet the next attack with."""
    plans = np.array([(FIGHT, FIGHT), (STAY, FIGHT)], int)
    join, stay = values(game(0.5 / 0.8, 0.8, **{"war.attrition_loser": 0.0}), plans)
    assert join > stay


def test_the_values_are_those_of_the_derivation() -> None:
    """Joining keeps half of what is at stake, 1/2; staying out loses it with (w (1 + h))^r against (1 + w)^r."""
    omega, eta, r = 1.5, 0.8, 2.0
    join, stay = values(game(omega, eta, r), np.array([(FIGHT, STAY), (STAY, FIGHT)], int))
    fed, met = (omega * (1 + eta)) ** r, (1 + omega) ** r
    assert join == pytest.approx(2 - 0.5 * 0.5, abs=1e-12)
    assert stay == pytest.approx(2 - 0.5 * fed / (fed + met), abs=1e-12)


def test_eta_is_what_the_fall_adds_to_the_force_that_comes() -> None:
    """The force of the second turn with and without the fall of the ally, which it makes by attacking nobody."""
    scenario = game(1.5, 0.8)
    worlds = Worlds(scenario, 2, seed=0)
    for turn in range(2):
        actions = np.zeros((2, 3, Head.STANCE + 2), int)
        actions[:, :, Head.STANCE :] = Stance.NEUTRAL
        if turn == 0:
            actions[0, AGGRESSOR, Head.STANCE + ALLY - 1] = Stance.ATTACK
        else:
            actions[:, AGGRESSOR, Head.BUILD_OFFENSE] = Build.FULL
            actions[:, AGGRESSOR, Head.STANCE + THIRD - 1] = Stance.ATTACK
        worlds.step(actions)
    fed, unfed = worlds.states["force_against"][:, THIRD]
    assert (fed / unfed - 1, unfed) == pytest.approx((0.8, 1.5), abs=1e-12)


def test_the_file_joins_and_a_weaker_offence_does_not() -> None:
    """The scenario's prediction: at the 1.5 of the file it joins; at 1.2 it does not."""
    scenario = Scenario.load("games/chain-gang")
    for omega, joins in ((None, True), (1.2, False)):
        worth = values(scenario if omega is None else scenario.with_overrides({OMEGA: omega}), PLANS)
        assert JOINS[worth.argmax()] == joins
