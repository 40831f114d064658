"""How games unfold, of scripts whose turn of war is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from agents.evaluation.unfolding import AGES, unfold
from agents.strategies.deviators import BuildThenStrike
from sd_env.layout import Build
from sd_env.scenario import Scenario

SEEKERS = {"motives.p_greedy": 0.0, "states.defense": 1.0, "states.offense": 0.0, "war.mobilization_required": False}


def world(**more: object) -> Scenario:
    return Scenario.load("jervis/doubly-dangerous", SEEKERS | more)


@pytest.mark.parametrize(("turn", "late"), [(0, 0.0), (5, 0.0), (6, 1.0), (20, 1.0)])
def test_the_turn_of_the_first_blow(turn: int, late: float) -> None:
    found = unfold(world(), BuildThenStrike(turn, 3), worlds=16, seed=1)
    assert (found.pairs, found.fight, found.late) == (16, 1.0, late)
    assert found.onset == (turn, turn, turn)


def test_peace_has_no_onset() -> None:
    found = unfold(world(), BuildThenStrike(4, 0), worlds=8, seed=1)
    assert found.fight == 0.0 and math.isnan(found.late) and math.isnan(found.onset[1])


def test_only_pairs_of_seekers_count() -> None:
    greedy = world(**{"states.greed": {"state_0": 1.0, "state_1": 0.0}})
    found = unfold(greedy, BuildThenStrike(0, 9), worlds=8, seed=1)
    assert found.pairs == 0 and math.isnan(found.fight)
    three = world(n_states=3)
    assert unfold(three, BuildThenStrike(0, 1), worlds=4, seed=1).pairs == 12


def test_an_attack_from_one_side_is_a_fight() -> None:
    cast = [BuildThenStrike(3, 1), BuildThenStrike(0, 0)]
    assert unfold(world(), cast, worlds=4, seed=1).fight == 1.0


def test_arms_are_those_at_the_beginning_of_each_turn() -> None:
    """Shields built at full: x <- (1 - delta) x + 2 rate income, from 1; war never comes and nothing else moves."""
    game = world(**{"arming.build_rate": 0.1, "arming.depreciation": 0.05, "horizon": 8})
    found = unfold(game, BuildThenStrike(99, 0, Build.NONE, Build.FULL), worlds=4, seed=1)
    stock = [1.0]
    for _ in range(7):
        stock.append(0.95 * stock[-1] + 0.2)
    expected = [stock[0], stock[1], np.mean(stock[2:4]), np.mean(stock[4:8])]
    assert found.arms[:4] == pytest.approx(expected)
    assert all(math.isnan(value) for value in found.arms[4:]) and found.peak == 4
    assert list(found.row())[-len(AGES) - 1 : -1] == [f"arms_{age}" for age in AGES]
