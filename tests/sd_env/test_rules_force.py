"""Finer arming, graded mobilization, limited force (model.md section 3): each number worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agents.evaluation.threshold import trust_threshold
from sd_env import layout
from sd_env.layout import Force, Head, Other, Signal, Stance
from sd_env.scenario import Scenario
from sd_env.worlds import Worlds
from tests.table import worlds

WHOLE, HALF = 0, 1  # choices of extent with two levels
#: Swords that only attack, shields that only protect, and a world in which everything costs.
COSTS: dict[str, Any] = {
    "technology__distinguishability": 1.0, "war__attacker_cost": 0.4, "war__defender_cost": 0.6,
    "war__attrition_loser": 0.5, "war__attrition_winner": 0.1, "anarchy__enforcement": 0.2,
}  # fmt: skip


def turn(table: Worlds, *orders: dict[int, tuple[Stance, int]], signals: tuple[int, ...] = ()) -> np.ndarray:
    """One turn: for each state its stances and extents toward others by index; rewards of the first world."""
    heads = table.heads
    actions = np.array([heads.noop] * table.num_states)
    for i, order in enumerate(orders):
        actions[i, Head.SIGNAL] = signals[i] if signals else Signal.SILENCE
        for j, (stance, extent) in order.items():
            actions[i, heads.toward(Head.STANCE, j - (j > i))] = stance
            if heads.limits_force:
                actions[i, heads.toward(Head.EXTENT, j - (j > i))] = extent
    table.step(np.broadcast_to(actions, (table.num_worlds, *actions.shape)))
    return table.rewards[0].copy()


def strike(j: int, extent: int = WHOLE) -> dict[int, tuple[Stance, int]]:
    return {j: (Stance.ATTACK, extent)}


def call_up(j: int, extent: int = WHOLE) -> dict[int, tuple[Stance, int]]:
    return {j: (Stance.MOBILIZE, extent)}


def seen(table: Worlds, i: int, j: int, column: Force) -> float:
    """What i of the first world sees of j among the columns of force."""
    width = layout.other_size(table.beliefs_observed, force=True)
    start = layout.OWN_SIZE + (j - (j > i)) * width + layout.OTHER_SIZE + int(table.beliefs_observed)
    return float(table.observations[0, i, start + column])


# --- arming -----------------------------------------------------------------------------------------------------------


def test_levels_divide_the_capacity() -> None:
    """Of four levels three are u = 1.5: 1.5 arms at a build rate of 1. u = 1.5 + .5 = 2 costs .1 * 2 = .2."""
    table = worlds(arming__levels=4, arming__arms_cost=0.1)
    table.step([[[3, 1, 0, 1], [4, 0, 0, 1]]])
    assert table.states["offense"][0].tolist() == [1.5, 2.0] and table.states["defense"][0].tolist() == [0.5, 0.0]
    assert table.rewards[0] == pytest.approx([0.8, 0.8], abs=1e-15)


def test_convexity_is_of_the_levels_together() -> None:
    """u = .5 + 1 of five levels, c = 1: .1 * 1.5 ** 2 / 2 = .1125. Five levels: two fifths are .8."""
    table = worlds(arming__levels=4, arming__arms_cost=0.1, arming__convexity=1.0)
    table.step([[[1, 2, 0, 1], [0, 0, 0, 1]]])
    assert table.rewards[0] == pytest.approx([1 - 0.1125, 1.0], abs=1e-15)
    fifths = worlds(arming__levels=5)
    fifths.step([[[2, 0, 0, 1], [0, 5, 0, 1]]])
    assert fifths.states["offense"][0] == pytest.approx([0.8, 0.0]) and fifths.states["defense"][0, 1] == 2.0


# --- limited force ----------------------------------------------------------------------------------------------------


def test_a_war_at_half_takes_and_costs_half() -> None:
    """Force 3 against 1: p = 3/4 as in a whole war. Land: .5 * .5 * .75. Costs: half of .4 + .2, and of .6.

    The attacker keeps 1 - .5 * (.75 * .1 + .25 * .5) = .9 of its swords.
    """
    setup = {**COSTS, "states__offense": {"state_0": 3.0, "default": 0.0}}
    table = worlds(war__force_levels=2, **setup)
    paid = turn(table, strike(1, HALF))
    assert table.states["success"][0, 1] == 0.75 and table.states["stakes"][0].tolist() == [0.0, 0.5]
    assert table.states["homeland"][0, 1] == pytest.approx(1 - 0.1875, abs=1e-15)
    assert table.states["holdings"][0, 0] == pytest.approx(0.1875, abs=1e-15)
    assert table.states["offense"][0, 0] == pytest.approx(2.7, abs=1e-15)
    assert paid == pytest.approx([1 - 0.3, 1 - 0.1875 - 0.3], abs=1e-15)
    whole = worlds(**setup)
    paid = turn(whole, strike(1))
    assert whole.states["homeland"][0, 1] == pytest.approx(1 - 0.375, abs=1e-15)
    assert paid == pytest.approx([1 - 0.6, 1 - 0.375 - 0.6], abs=1e-15)


def test_who_joins_a_war_by_half_counts_and_takes_by_half() -> None:
    """Two forces of 2, one by half: 3 against 1, p = 3/4, land .5 * .75 = .375, of which the half takes a third.

    Both by half, it is a war at half of 4 against 1: p = .8, land .5 * .5 * .8 = .2.
    """
    setup = {**COSTS, "states__offense": {"state_2": 0.0, "default": 2.0}}
    table = worlds(3, war__force_levels=2, **setup)
    paid = turn(table, strike(2), strike(2, HALF))
    assert table.states["success"][0, 2] == 0.75 and table.states["stakes"][0, 2] == 1.0
    assert table.states["holdings"][0] == pytest.approx([0.25, 0.125, 0.0], abs=1e-15)
    assert paid == pytest.approx([1 - 0.6, 1 - 0.3, 1 - 0.375 - 0.6], abs=1e-15)
    both = worlds(3, war__force_levels=2, **setup)
    paid = turn(both, strike(2, HALF), strike(2, HALF))
    assert both.states["holdings"][0] == pytest.approx([0.1, 0.1, 0.0], abs=1e-15)
    assert paid[2] == pytest.approx(1 - 0.2 - 0.3, abs=1e-15)


def test_a_limited_answer_blunts_and_surprises_by_half() -> None:
    """Swords of 2, phi = 1. In the whole war on state_1 its half answer halves the surprise, 2 * 1.5 = 3, and blunts by
    half: 1 + 2/2 = 2, p = 3/5. The half war on state_0 finds it all called up: 2 against 1 + 3, p = 1/3, of a quarter.
    """
    table = worlds(war__force_levels=2, war__first_strike=1.0, states__offense=2.0, technology__distinguishability=1.0)
    turn(table, strike(1), strike(0, HALF))
    assert table.states["success"][0] == pytest.approx([1 / 3, 3 / 5], abs=1e-15)
    assert table.states["homeland"][0] == pytest.approx([1 - 0.25 / 3, 1 - 0.3], abs=1e-15)


def test_who_struck_by_half_is_called_up_by_half_next_turn() -> None:
    """State_1 attacked by half and waits: against a whole attack 2 * 1.5 = 3 to 1, p = 3/4; against a half one 2/3."""
    for extent, success in ((WHOLE, 3 / 4), (HALF, 2 / 3)):
        table = worlds(
            war__force_levels=2, war__first_strike=1.0, states__offense=2.0, technology__distinguishability=1
        )
        turn(table, {}, strike(0, HALF))
        turn(table, strike(1, extent))
        assert table.states["success"][0, 1] == pytest.approx(success, abs=1e-15)


def test_an_ally_pays_for_the_war_as_far_as_it_goes() -> None:
    """Of a war at half on state_1 the ally pays .5 * .5 * .6 = .15, and lends .5 * 2 arms: 3 against 1 + 1."""
    stocks = {"states__offense": {"state_0": 3.0, "default": 0.0}, "states__defense": {"state_2": 2.0, "default": 0.0}}
    table = worlds(3, war__force_levels=2, alliances__alliance_commitment=0.5, **COSTS, **stocks)
    align = (Stance.ALIGN, WHOLE)
    paid = turn(table, strike(1, HALF), {2: align}, {1: align})
    assert table.states["success"][0, 1] == pytest.approx(3 / 5)
    assert paid[2] == pytest.approx(1 - 0.15, abs=1e-15)


def test_a_pledge_is_broken_and_a_threat_kept_by_any_attack() -> None:
    table = worlds(war__force_levels=2, signals__audience_cost=0.3)
    paid = turn(table, strike(1, HALF), {}, signals=(Signal.REASSURE, Signal.THREATEN))
    assert table.states["pledge_broken"][0, 0] and paid[0] == pytest.approx(0.7)
    turn(table, {}, strike(0, HALF))
    assert not table.states["commitment_failed"][0, 1]


def test_amity_follows_deeds_as_far_as_they_go() -> None:
    table = worlds(3, war__force_levels=2, motives__amity_rate=0.2)
    turn(table, {1: (Stance.ATTACK, HALF), 2: (Stance.MOBILIZE, HALF)}, {2: (Stance.ALIGN, HALF)})
    amity = table.pairs["amity"][0]
    assert [amity[1, 0], amity[2, 0], amity[2, 1]] == pytest.approx([-0.1, -0.05, 0.2])


def test_beliefs_do_not_weigh_how_far_a_deed_goes() -> None:
    found = []
    for extent in (WHOLE, HALF):
        table = worlds(war__force_levels=2, perception__beliefs=True, motives__p_greedy=0.5)
        turn(table, strike(1, extent))
        found.append(table.pairs["belief"][0, 1, 0])
    assert found[0] == found[1] < 0.5


@pytest.mark.parametrize("extent", range(4))
def test_the_threshold_of_trust_is_the_same_however_far_both_go(extent: int) -> None:
    """Striking and waiting pay the same at t = m: of four payoffs, as the game plays them at each extent."""
    scenario = Scenario.load(
        "games/one-shot",
        {
            "states.offense": 1.0, "states.defense": 0.5, "war.peacetime_readiness": 0.7, "war.attacker_cost": 0.2,
            "war.force_levels": 4, "war.contest": "difference", "states.greed": 0.0,
        },
    )  # fmt: skip
    m = trust_threshold(scenario, 1.0, 0.5)
    assert 0.2 < m < 0.95
    paid = {}
    for mine in (Stance.NEUTRAL, Stance.ATTACK):
        for theirs in (Stance.NEUTRAL, Stance.ATTACK):
            paid[mine, theirs] = turn(Worlds(scenario, seed=0), {1: (mine, extent)}, {0: (theirs, extent)})[0]
    waits, strikes = (
        m * paid[mine, Stance.NEUTRAL] + (1 - m) * paid[mine, Stance.ATTACK] for mine in (Stance.NEUTRAL, Stance.ATTACK)
    )
    assert waits == pytest.approx(strikes, abs=1e-12)
    share = 1 - extent / 4
    assert paid[Stance.ATTACK, Stance.NEUTRAL] == pytest.approx(1 - 0.2 * share)


# --- graded mobilization ----------------------------------------------------------------------------------------------


def test_mobilization_by_half_costs_shows_and_protects_by_half() -> None:
    """Half of .2. Against a whole attack of 2 swords, phi = 1: 2 * 1.5 = 3; of 4 shields .5 + .5 * .5 stand: 1 + 3."""
    setup: dict[str, Any] = {
        "war__force_levels": 2, "war__mobilization_cost": 0.2, "war__first_strike": 1.0, "states__defense": 4.0,
        "war__peacetime_readiness": 0.5, "states__offense": {"state_0": 2.0, "default": 0.0},
        "technology__distinguishability": 1.0,
    }  # fmt: skip
    table = worlds(**setup)
    paid = turn(table, strike(1), call_up(0, HALF))
    assert paid[1] == pytest.approx(1 - 0.5 * 3 / 7 - 0.1, abs=1e-15)
    assert table.states["success"][0, 1] == pytest.approx(3 / 7, abs=1e-15)
    # that is all a war at half asks for: 2 against 1 + 4
    table = worlds(**setup)
    turn(table, strike(1, HALF), call_up(0, HALF))
    assert table.states["success"][0, 1] == pytest.approx(2 / 7, abs=1e-15)


def test_all_see_how_far_a_state_goes_and_the_net_assessment_follows() -> None:
    table = worlds(
        3, war__force_levels=2, war__first_strike=1.0, states__offense=2.0, technology__distinguishability=1.0
    )
    turn(table, call_up(1, HALF), {0: (Stance.NEUTRAL, HALF)}, strike(0))
    assert seen(table, 1, 0, Force.THEIR_EXTENT) == 0.5 == seen(table, 0, 1, Force.EXTENT)
    assert seen(table, 0, 2, Force.THEIR_EXTENT) == 1.0 and seen(table, 1, 0, Force.EXTENT) == 0.0
    assert seen(table, 2, 0, Force.EXTENTS) == 0.5 and seen(table, 0, 1, Force.EXTENTS) == 0.0
    assert seen(table, 1, 2, Force.EXTENTS) == 1.0
    # of state_1 against state_0, half called up: 2 * 1.5 = 3 to 1; of state_0 against state_1, 2 * 2 = 4 to 1
    start = layout.OWN_SIZE
    assert table.observations[0, 0, start + Other.THEIR_SUCCESS] == pytest.approx(3 / 4)
    assert table.observations[0, 0, start + Other.OUR_SUCCESS] == pytest.approx(4 / 5)


def test_who_attacks_out_of_its_mobilization_goes_no_further_than_that() -> None:
    """A war that is on may go any way; where no mobilization is required, a first strike may too."""
    table = worlds(war__force_levels=2, war__mobilization_required=True, states__offense=1.0)
    degrees = []
    for order in (call_up(1, HALF), strike(1), strike(1), strike(1, HALF), {}):
        turn(table, order)
        degrees.append(float(table.pairs["degree"][0, 0, 1]))
    assert degrees == [0.5, 0.5, 1.0, 0.5, 0.0] and not table.states["illegal"].any()
    free = worlds(war__force_levels=2, states__offense=1.0)
    turn(free, strike(1))
    assert free.pairs["degree"][0, 0, 1] == 1.0
