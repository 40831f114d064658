"""Rules at values where one that is nearly right goes wrong: weights of exactly 1, tables of four, grades half set."""

from __future__ import annotations

from math import exp

import numpy as np
import pytest

from sd_env.layout import Force, Stance
from sd_env.rules.perception import mistrusted
from sd_env.scenario import load_scenario
from sd_env.worlds import Worlds
from tests.sd_env.test_beliefs_buildup import armed, evidence
from tests.sd_env.test_rules_force import HALF, call_up, seen, strike, turn
from tests.table import play, worlds


@pytest.mark.parametrize("levels", [3, 4])
def test_finer_arms_alone_make_room_for_their_choices_and_for_no_extent(levels: int) -> None:
    """Arms of so many levels, force of one: nothing is illegal, and every choice has its place in the mask."""
    table = worlds(arming__levels=levels)
    assert table.heads.sizes == [levels + 1, levels + 1, 3, 4]
    assert table.masks[0, 0].tolist() == [*[1] * (levels + 1), *[1] * (levels + 1), 1, 1, 1, 1, 1, 1, 1]
    table.step([[[levels, 0, 0, Stance.NEUTRAL], [0, levels, 0, Stance.ATTACK]]])
    assert table.states["offense"][0].tolist() == [2.0, 0.0] and table.states["defense"][0].tolist() == [0.0, 2.0]
    assert not table.states["illegal"].any() and table.states["attacked"][0].tolist() == [0, 1]


def test_a_build_up_is_weighed_at_a_weight_of_one() -> None:
    table = armed(weight=1.0)
    play(table, s0={"offense": "full"})
    assert evidence(table, 1, 0) == pytest.approx(exp(-2.0), rel=1e-12)


def test_how_far_a_state_goes_toward_others_is_their_mean() -> None:
    """Of four states: state_1 goes against state_2 wholly and state_3 by half, which state_0 sees as .75 of two."""
    table = worlds(4, war__force_levels=2)
    turn(table, {}, call_up(2) | call_up(3, HALF), call_up(0))
    assert seen(table, 0, 1, Force.EXTENTS) == 0.75
    assert seen(table, 2, 1, Force.EXTENTS) == 0.25 and seen(table, 3, 1, Force.EXTENTS) == 0.5
    assert seen(table, 3, 2, Force.EXTENTS) == 0.5 and seen(table, 0, 2, Force.EXTENTS) == 0.0


def test_whoever_mistrusts_nobody_sees_the_belief_itself() -> None:
    """Bit for bit: over 1 - b + b it would be another number."""
    table = Worlds(load_scenario("jervis/doubly-dangerous"), seed=0)
    p = table.params[0]
    held = np.linspace(0.0, 1.0, 1001)
    assert [mistrusted(p, belief) for belief in held] == held.tolist()
    assert any(belief / (belief + 1.0 - belief) != belief for belief in held)


def test_who_began_a_war_by_half_pays_half_of_what_lasts_beside_its_costs() -> None:
    """A war at half on its second turn: .5 * .4, and .5 * (.5 * .2) for having begun it."""
    paid = {}
    for lasts in (0.0, 0.5):
        table = worlds(
            war__force_levels=2, war__attacker_cost=0.4, anarchy__enforcement=0.2, anarchy__enforcement_lasts=lasts
        )
        turn(table, strike(1, HALF), strike(0, HALF))
        assert table.states["cost"][0].tolist() == pytest.approx([0.3, 0.3], abs=1e-15)
        turn(table, strike(1, HALF))
        paid[lasts] = float(table.states["cost"][0, 0])
    assert paid == pytest.approx({0.0: 0.2, 0.5: 0.25}, abs=1e-15)


def test_who_lowers_its_mobilization_is_as_far_called_up_as_it_is_now() -> None:
    """Wholly on one turn, by half on the next, when the attack comes: half of a surprise, 2 * 1.5 to 1."""
    table = worlds(war__force_levels=2, war__first_strike=1.0, states__offense=2.0, technology__distinguishability=1.0)
    turn(table, {}, call_up(0))
    turn(table, strike(1), call_up(0, HALF))
    assert table.states["success"][0, 1] == pytest.approx(3 / 4, abs=1e-15)
