"""Why states attack: U against the game's own payoffs, and each class by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sd_env import measures
from sd_env.layout import Signal
from sd_env.measures import MeasureError
from tests.logs import Draft, believing, simulated
from tests.sd_env.test_reductions import draw, one_shot, payoffs
from tests.table import quiet


@pytest.mark.parametrize("seed", range(40))
def test_in_one_shot_u_is_the_difference_of_expected_payoffs(seed: int) -> None:
    """U(h, 0, g) of model.md section 5 from the log equals what the game pays, at a random point of its parameters."""
    x = draw(np.random.default_rng(seed))
    for p_greedy in (0.0, 1.0):
        scenario = one_shot(x, p_greedy)
        (log,) = simulated(scenario, 1, seed=seed)
        wait_wait, wait_attack, attack_wait, attack_attack = payoffs(scenario)[0][:, 0]
        for belief in (0.0, 0.3, 1.0):
            strike = belief * attack_wait + (1 - belief) * attack_attack
            wait = belief * wait_wait + (1 - belief) * wait_attack
            why = measures.motive(log, 0, 1, 1, believing(log, belief), seen=False)  # 0 < q < 1 blurs what is seen
            assert why.utility == pytest.approx(strike - wait, abs=1e-9)
            assert (why.fear, why.shift, why.greed) == (1 - belief, 0.0, x["g"] * p_greedy)


def test_a_seeker_has_cause_to_preempt_iff_trust_is_below_m() -> None:
    """games/one-shot: m = .453192 (its description)."""
    (log,) = simulated(one_shot({}, 0.0), 1, seed=0)
    for trust, kind in ((0.45, "preemptive"), (0.456, "other")):
        why = measures.motive(log, 0, 1, 1, believing(log, trust))
        assert why.kind == kind
        assert (why.opportunistic, why.preventive) == (False, False)


def war(**overrides: Any) -> Draft:
    """The last turn of a world in which 0 attacks 1: τ ½, spoils 1, base 1, r 1, ω 1, no other cost than c_A = .1."""
    return Draft(1, horizon=1, war__attacker_cost=0.1, **overrides).arms(1.0, 1.0).attack(1, 0, 1)


def classify(draft: Draft, belief: float, **options: Any) -> measures.Motive:
    log = draft.log()
    (found,) = measures.wars(log)
    return measures.war_class(log, found, believing(log, belief), **options)


def test_greed_alone() -> None:
    """p = 1/3: g τ land p = 1 · ½ · 1/3 = .1667 > .1, so opportunistic; with g = .5 it is .0833 and does not pay."""
    draft = war()
    draft.states["greed"][:, 0] = 1.0
    why = classify(draft, 1.0)
    assert (why.attacker, why.target, why.turn, why.kind) == (0, 1, 1, "opportunistic")
    assert why.utility == pytest.approx(1 / 6 - 0.1)
    draft.states["greed"][:, 0] = 0.5
    assert classify(draft, 1.0).kind == "other"


def test_fear_alone() -> None:
    """q_f = 1/3, q_s = 1/(1+1+1+1) = ¼. With φ = 2: q_f = 3/5, so h τ (3/5 - ¼) = .175 h > .1 iff h > .5714."""
    assert classify(war(war__first_strike=2.0), 0.42).kind == "preemptive"
    assert classify(war(war__first_strike=2.0), 0.43).kind == "other"
    assert classify(war(war__first_strike=2.0), 0.42).utility == pytest.approx(0.58 * 0.175 - 0.1)


def test_there_is_no_fear_of_who_cannot_attack_yet() -> None:
    """Under the ladder only a rival that is mobilized or at war can strike on this turn."""
    ladder = war(war__first_strike=2.0, war__mobilization_required=True)
    assert classify(ladder, 0.0).fear == 0.0
    ladder.mobilize(0, 1, 0)
    assert classify(ladder, 0.0).fear == 1.0


def growing(cost: float, growth: float = 3.0) -> Draft:
    """Three turns left, 0 without arms against a single weapon of 1, whose economy quadruples each turn."""
    draft = Draft(1, horizon=3, war__attacker_cost=cost).arms(0.0, 1.0).attack(1, 0, 1)
    draft.states["growth"][:, 1] = growth
    return draft


def test_a_shift_of_power_alone() -> None:
    """q = 1/2, 4/5, 10/11 (capacity is capped at 10) and L = 3, 2, 1: q L = 1.5, 1.6, .909; s = .1/3.

    U(0, s, 0) = L τ s - c = 3 · ½ · .1/3 - c = .05 - c.
    """
    why = classify(growing(0.04), 1.0)
    assert (why.kind, why.shift) == ("preventive", pytest.approx(0.1 / 3))
    assert why.utility == pytest.approx(0.01)
    assert classify(growing(0.06), 1.0).kind == "other"


def test_no_shift_without_a_difference_of_growth_or_when_it_comes_too_late() -> None:
    both = growing(0.04)
    both.states["growth"][:, 0] = 3.0
    assert classify(both, 1.0).shift == 0.0
    assert classify(growing(0.04, growth=1.0), 1.0).shift == 0.0  # q L = 1.5, 4/3, .8
    decline = growing(0.04, growth=0.0)
    decline.states["growth"][:, 0] = -0.75  # its own decline, to ¼ and 1/16: q L = 1.5, 1.6, 16/17
    assert classify(decline, 1.0).shift == pytest.approx(0.1 / 3)


def test_discount_continuation_and_restoration_shorten_what_land_is_worth() -> None:
    """q = ½, 4/5, 10/11. δ ½: L = 1 + ½ + ¼, ½ + ¼, ¼: s = 0. Restored at once: L = 1 on every turn: s = 10/11 - ½."""
    assert classify(growing(0.04), 1.0, discount=0.5).shift == 0.0
    log = growing(0.04).log()
    assert measures.power_shift(log, 0, 1, 1) == pytest.approx(0.1 / 3)
    ends = Draft(1, horizon=3, continuation=0.5).arms(0.0, 1.0)
    ends.states["growth"][:, 1] = 3.0
    assert measures.power_shift(ends.log(), 0, 1, 1) == 0.0
    limited = Draft(1, horizon=3, war__restoration=1.0).arms(0.0, 1.0)
    limited.states["growth"][:, 1] = 3.0
    assert measures.power_shift(limited.log(), 0, 1, 1) == pytest.approx(10 / 11 - 1 / 2)


def test_a_state_without_income_is_not_growing() -> None:
    broke = growing(0.04)
    broke.states["economy"][:, 1] = 0.0
    assert classify(broke, 1.0).shift == 0.0


def test_motives_that_suffice_only_together() -> None:
    """φ 2: p_f = q_f = 3/5, p_s = q_s = ¼. g .6, h ½, c .2: greed alone .6 · ½ · .6 = .18.

    Fear alone: ½ · ½ · .35 = .0875. Together: greed meets each half the time, ½ · .6 · (.6 + .25)/2 = .1275, and
    .1275 + .0875 > .2.
    """
    draft = war(war__first_strike=2.0)
    draft.params["attacker_cost"] = 0.2
    draft.states["greed"][:, 0] = 0.6
    why = classify(draft, 0.5)
    assert (why.opportunistic, why.preemptive, why.preventive) == (False, False, False)  # .18, .0875, 0
    assert why.utility == pytest.approx(0.1275 + 0.0875 - 0.2)
    assert why.kind == "mixed"


def test_greed_that_fear_outweighs_is_other_and_keeps_its_flag() -> None:
    """g 2, c .5, φ 2: against one who waits g τ p_f = .6 pays; one who attacks leaves g τ p_s = .25, and .175 saved."""
    draft = war(war__first_strike=2.0)
    draft.params["attacker_cost"] = 0.5
    draft.states["greed"][:, 0] = 2.0
    assert classify(draft, 1.0).kind == "opportunistic"
    why = classify(draft, 0.0)
    assert why.utility == pytest.approx(0.25 + 0.175 - 0.5)
    assert (why.kind, why.opportunistic, why.pays) == ("other", True, False)


def test_costs_of_an_attack_count_enforcement_and_a_pledge() -> None:
    """Nothing to gain: U is minus the cost. c .1; enforcement .2 unless provoked; audience .3 under a pledge."""
    extra = {"anarchy__enforcement": 0.2, "signals__audience_cost": 0.3}
    assert classify(war(**extra), 1.0).utility == pytest.approx(-0.3)
    assert classify(war(**extra).attack(0, 1, 0), 1.0).utility == pytest.approx(-0.1)
    assert classify(war(**extra).bid(0, 0, 1), 1.0).utility == pytest.approx(-0.1)
    pledged = war(**extra)
    pledged.states["pledge"][0, 0] = 2
    assert classify(pledged, 1.0).utility == pytest.approx(-0.6)
    pledged.states["pledge"][0, 0] = 1  # binds no longer
    assert classify(pledged, 1.0).utility == pytest.approx(-0.3)
    pledged.states["signal"][1, 0] = Signal.REASSURE  # made on the very turn
    assert classify(pledged, 1.0).utility == pytest.approx(-0.6)


def test_what_can_be_gained_and_lost_is_all_that_is_held() -> None:
    """1 holds .5 of its homeland and 1 abroad: 1.5 · g τ p. 0 risks e h + g k = 2 · .8 + 1 · .3."""
    draft = war(war__first_strike=2.0)
    draft.states["greed"][:, 0] = 1.0
    draft.states["homeland"][0], draft.states["holdings"][0] = [0.8, 0.5], [0.3, 1.0]
    draft.states["economy"][0, 0] = 2.0
    assert classify(draft, 1.0).utility == pytest.approx(1.5 * 0.5 * 0.6 - 0.1)
    assert classify(draft, 0.0).utility == pytest.approx(1.5 * 0.5 * 0.25 + 1.9 * 0.5 * (0.6 - 0.25) - 0.1)


def test_motives_follow_what_the_attacker_saw_unless_told_otherwise() -> None:
    """The cult of the offensive: ω is 1, taken for 4. Seen p = 4/(4+2) = 2/3, true 1/3; g τ p = .3 or .15, c = .2."""
    draft = war(technology__perceived_offense_advantage=4.0)
    draft.params["attacker_cost"] = 0.2
    draft.states["greed"][:, 0] = 0.9
    assert classify(draft, 1.0).kind == "opportunistic"
    assert classify(draft, 1.0, seen=False).kind == "other"


def test_of_several_opening_attacks_the_one_with_most_cause_stands_for_the_war() -> None:
    draft = war()
    draft.attack(1, 1, 0)
    draft.states["greed"][:, 1] = 2.0
    why = classify(draft, 1.0)
    assert (why.attacker, why.target, why.kind) == (1, 0, "opportunistic")


def test_bad_arguments_are_named() -> None:
    log = Draft(3, 3).fall(2, 2).log()
    beliefs = believing(log, 0.5)
    with pytest.raises(MeasureError, match="turn is 4; 1 to 3 is allowed in this log"):
        measures.motive(log, 0, 1, 4, beliefs)
    with pytest.raises(MeasureError, match="state is 3; 0 to 2 is allowed in this log"):
        measures.motive(log, 0, 3, 1, beliefs)
    with pytest.raises(MeasureError, match="states are 1, 1; different states are needed"):
        measures.motive(log, 1, 1, 1, beliefs)
    with pytest.raises(MeasureError, match="state_2 has fallen before turn 3; both states must stand"):
        measures.motive(log, 0, 2, 3, beliefs)
    with pytest.raises(MeasureError, match="discount is 1.5; 0 to 1 is allowed"):
        measures.motive(log, 0, 1, 1, beliefs, discount=1.5)


def test_preventive_war_comes_with_growth_in_play() -> None:
    """A rival that grows by a fifth a turn for the rest of a long game shifts power; one that does not, does not."""
    for growth, shifts in ((0.2, True), (0.0, False)):
        scenario = quiet(2, horizon=30, states__growth={"state_1": growth, "default": 0.0}, states__defense=0.3)
        (log,) = simulated(scenario, 1, seed=1, attack=0.0)
        assert (measures.power_shift(log, 0, 1, 1) > 0.0) == shifts
        assert measures.power_shift(log, 1, 0, 1) == 0.0
