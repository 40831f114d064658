"""Measures at the edges of their definitions: first and last turns, exact limits, more than one of a kind."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from sd_env import measures
from sd_env.layout import Signal
from sd_env.measures import AllyAtWar, Balancing, Hostility, MeasureError, Threat
from tests.logs import Draft, believing

# --- chain gangs ----------------------------------------------------------------------------------------------


def test_two_of_three_that_joined_are_a_rate_of_two_thirds() -> None:
    joined = [AllyAtWar(2, 2, 1, 0, 4), AllyAtWar(2, 3, 1, 0, 3), AllyAtWar(2, 4, 1, 0, None)]
    assert measures.chain_gang_rate(joined) == 2 / 3


def test_a_war_that_begins_on_the_first_turn_pulls_in_allies_of_the_start() -> None:
    draft = Draft(3, 3).ally(0, 1, 2).attack(1, 0, 1).attack(2, 2, 0)
    assert measures.allies_at_war(draft.log()) == [AllyAtWar(turn=1, state=2, ally=1, war=0, joined=2)]


def test_a_war_that_begins_on_the_last_turn_leaves_no_time_to_join() -> None:
    draft = Draft(3, 3).ally(2, 1, 2).attack(3, 0, 1)
    assert measures.allies_at_war(draft.log()) == [AllyAtWar(turn=3, state=2, ally=1, war=0, joined=None)]


def test_an_alliance_made_after_the_ally_entered_the_war_opens_no_case() -> None:
    """0 fights 1 from turn 1 on; 2 allies with 1 only on turn 4, when the war is old."""
    draft = Draft(5, 3).ally(4, 1, 2)
    for turn in (1, 2, 3, 4, 5):
        draft.attack(turn, 0, 1)
    assert measures.allies_at_war(draft.log()) == []


def test_a_state_that_fell_as_an_ally_is_not_pulled_in_after_its_fall() -> None:
    """2 is allied with 1 on turn 1 and falls on it; 0 attacks 1 on turn 2."""
    draft = Draft(4, 4).ally(1, 1, 2).attack(1, 3, 2).fall(1, 2).attack(2, 0, 1)
    assert measures.allies_at_war(draft.log()) == []


def test_a_fight_that_was_over_before_the_ally_entered_is_no_answer() -> None:
    """3 attacks 2 on turn 1 only; 0 attacks 1, the ally of 2, on turn 2, and 2 joins on turn 3."""
    draft = Draft(4, 4).ally(1, 1, 2).attack(1, 3, 2).attack(2, 0, 1).attack(3, 2, 0)
    assert measures.chain_gangs(draft.log()) == [AllyAtWar(turn=2, state=2, ally=1, war=1, joined=3)]


# --- balancing ------------------------------------------------------------------------------------------------


def test_who_owes_nothing_and_does_nothing_has_not_passed_the_buck() -> None:
    """Less than the share is needed, and 0 is not less than 0."""
    assert not Balancing(turn=1, state=0, aggressor=1, effort=0.0, share=0.0, collective=False).passed


def test_two_of_three_that_passed_are_a_rate_of_two_thirds() -> None:
    cases = [Balancing(2, i, 0, effort, 1.0, False) for i, effort in ((1, 0.0), (2, 0.5), (3, 1.0))]
    assert measures.buck_passing_rate(cases) == 2 / 3


def test_an_aggressor_stays_one_while_it_attacks_even_once_provoked() -> None:
    """Both attack unprovoked on turn 2; from then on each is provoked by the other."""
    draft = Draft(4)
    for turn in (2, 3, 4):
        draft.attack(turn, 0, 1).attack(turn, 1, 0)
    both = [True, True]
    assert measures.aggressors(draft.log()).tolist() == [[False, False], [False, False], both, both, both]


def test_an_attack_on_the_last_turn_makes_an_aggressor() -> None:
    assert measures.aggressors(Draft(2).attack(2, 0, 1).log()).tolist() == [[False] * 2, [False] * 2, [True, False]]


def test_an_ally_lends_its_commitment_on_the_turn_of_a_fight_and_on_the_next() -> None:
    """κ ¼: 2, allied with 1 throughout, lends ½ of its 2 arms on turn 2, when 0 attacks 1, and on turn 3; no more."""
    draft = Draft(4, 3, alliances__alliance_commitment=0.25).arms(8.0, 1.0, 2.0).attack(2, 0, 1)
    for turn in range(5):
        draft.ally(turn, 1, 2)
    effort, _ = measures.efforts(draft.log())
    assert effort[:, 2, 0].tolist() == [0.0, 0.5, 0.5, 0.0]


def test_effort_is_of_the_arms_as_the_turn_begins() -> None:
    draft = Draft(2).arms([1.0, 3.0, 5.0], 1.0).mobilize(1, 0, 1).mobilize(2, 0, 1)
    effort, _ = measures.efforts(draft.log())
    assert effort[:, 0, 1].tolist() == [1.0, 3.0]


def prey(arms: float = 8.0) -> Draft:
    """0 attacks 1 on turns 1 and 2 and is mobilized against 2 and 3 on turn 1; nobody can build."""
    none = {"actions__build_offense": ["none"], "actions__build_defense": ["none"]}
    draft = Draft(2, 4, **none).arms(arms, 1.0, 2.0, 2.0)
    return draft.attack(1, 0, 1).mobilize(1, 0, 2, 3).attack(2, 0, 1)


def test_success_equal_to_the_threshold_is_no_danger_yet() -> None:
    """p_02 = p_03 = 3/(3 + 1 + 2) = ½."""
    assert measures.balancing(prey(3.0).log(), 0.5) == []
    assert [case.state for case in measures.balancing(prey(3.0).log(), 0.499)] == [2, 3]


def test_a_threshold_of_1_is_allowed_and_leaves_no_case() -> None:
    assert measures.balancing(prey().log(), 1.0) == []


def test_whom_the_aggressor_attacked_has_no_buck_to_pass_even_if_called() -> None:
    """2 is attacked and called on turn 1, 3 is threatened: only 3 has a choice."""
    assert [case.state for case in measures.balancing(prey().attack(1, 0, 2).bid(1, 2, 0).log())] == [3]


def test_who_attacked_the_aggressor_itself_still_has_it_to_balance() -> None:
    """2 attacked 0 on turn 1, unanswered: it goes on, or passes the buck."""
    assert [case.state for case in measures.balancing(prey().attack(1, 2, 0).log())] == [2, 3]


# --- cooperation ----------------------------------------------------------------------------------------------


def test_every_attack_and_every_mobilization_counts() -> None:
    """Attacks: 0 on 1 and 2, then 1 on 0: 3. Mobilizations: 2 on 0, then 2 on 0 and 1: 3. 2 turns of 6 pairs."""
    draft = Draft(2, 3).attack(1, 0, 1, 2).attack(2, 1, 0).mobilize(1, 2, 0).mobilize(2, 2, 0, 1)
    assert measures.hostility(draft.log()) == Hostility(3, 3, 0, 12, 6)


# --- deterrence -----------------------------------------------------------------------------------------------


def crisis(turns: int, **overrides: Any) -> Draft:
    """Greedy 0 could attack 1, which threatens on turn 2; the horizon is 6 turns."""
    draft = Draft(turns, 2, horizon=6, war__attacker_cost=0.5, **overrides).arms(1.0, 1.0)
    draft.states["greed"][:, 0] = 2.0
    return draft


def test_a_threat_has_held_when_the_last_of_its_turns_is_the_last_of_the_episode() -> None:
    log = crisis(5).threaten(2, 1).log()
    assert [threat.success for threat in measures.threats(log, believing(log, 1.0), within=3)] == [True]
    log = crisis(4).threaten(2, 1).log()
    assert [threat.success for threat in measures.threats(log, believing(log, 1.0), within=3)] == [None]


def test_a_replay_may_end_on_the_turn_of_the_threat_but_not_before() -> None:
    log = crisis(6).threaten(2, 1).attack(4, 0, 1).log()
    (threat,) = measures.threats(log, believing(log, 1.0))
    assert measures.backfires(log, crisis(2).log(), threat)
    with pytest.raises(MeasureError, match="the replay does not remove the threat of state_1 on turn 2"):
        measures.backfires(log, crisis(1).log(), threat)


def test_threats_are_looked_at_over_one_turn_at_least() -> None:
    log = crisis(6).threaten(2, 1).log()
    with pytest.raises(MeasureError, match="within is 0; at least 1 turn is needed"):
        measures.threats(log, believing(log, 1.0), within=0)


def test_a_threat_renewed_while_two_turns_are_left_is_no_new_one() -> None:
    """The commitment of turn 2 shows 3, 2, 1 on turns 2, 3, 4; on turn 4 it still binds."""
    draft = crisis(6).threaten(2, 1)
    draft.states["signal"][4, 1] = Signal.THREATEN
    log = draft.log()
    assert [threat.turn for threat in measures.threats(log, believing(log, 1.0))] == [2]


def test_a_threat_has_held_though_one_of_the_two_falls_on_the_last_of_its_turns() -> None:
    """Both stood when turn 5 began, the third after the threat."""
    log = crisis(6).threaten(2, 1).fall(5, 0).log()
    assert [threat.success for threat in measures.threats(log, believing(log, 1.0))] == [True]


def test_an_attack_that_pays_nothing_and_costs_nothing_is_no_trial() -> None:
    """A security seeker that trusts the other, and attacks are free: U = 0."""
    log = Draft(6, 2, horizon=6).arms(1.0, 1.0).threaten(2, 1).log()
    assert [threat.utility for threat in measures.threats(log, believing(log, 1.0))] == [0.0]
    assert measures.trials(log, believing(log, 1.0)) == []


def test_an_attack_that_hardly_pays_is_a_trial() -> None:
    """L 5, g 2, τ ½, p 1/3, c 1.5: U = 5/3 - 3/2."""
    draft = crisis(6).threaten(2, 1)
    draft.params["attacker_cost"] = 1.5
    log = draft.log()
    assert [threat.utility for threat in measures.trials(log, believing(log, 1.0))] == [pytest.approx(1 / 6)]


def test_a_replay_is_the_same_on_the_turn_of_the_threat_whatever_was_done_on_it() -> None:
    """0 mobilizes on turn 2 with and without the threat, as on no turn before."""
    log = crisis(6).threaten(2, 1).mobilize(2, 0, 1).attack(4, 0, 1).log()
    (threat,) = measures.threats(log, believing(log, 1.0))
    assert measures.backfires(log, crisis(6).mobilize(2, 0, 1).log(), threat)


def test_two_of_three_trials_that_succeeded_are_a_rate_of_two_thirds() -> None:
    cases = [Threat(2, 1, 1, 0, False, 1.0, success) for success in (True, True, False)]
    assert measures.success_rate(cases) == measures.success_rate(cases, immediate=False) == 2 / 3
    assert math.isnan(measures.success_rate(cases, immediate=True))


@pytest.mark.parametrize(("turn", "provoked"), [(3, True), (5, True), (6, False)])
def test_a_threat_backfires_from_the_turn_after_it_to_the_last_of_its_turns(turn: int, provoked: bool) -> None:
    log = crisis(6).threaten(2, 1).attack(turn, 0, 1).log()
    (threat,) = measures.threats(log, believing(log, 1.0))
    assert measures.backfires(log, crisis(6).log(), threat, within=3) == provoked


# --- motives --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("turns", "cost"), [(0, 0.1), (1, 0.4), (2, 0.4)])
def test_a_pledge_made_on_the_turn_of_the_attack_is_broken_if_pledges_bind_at_all(turns: int, cost: float) -> None:
    """Nothing to gain: U is minus the cost. c .1, audience .3 where a pledge binds for a turn or more."""
    draft = Draft(
        1, horizon=1, war__attacker_cost=0.1, signals__audience_cost=0.3, signals__pledge_turns=turns
    ).arms(1.0, 1.0)  # fmt: skip
    draft.states["signal"][1, 0] = Signal.REASSURE
    log = draft.log()
    assert measures.motive(log, 0, 1, 1, believing(log, 1.0)).utility == pytest.approx(-cost)


def test_land_taken_later_in_the_game_is_held_for_fewer_turns() -> None:
    """Greed 1, τ ½, p 1/3: 1/6 of a homeland-turn for each turn left: 3, 2, 1 of a horizon of 3."""
    draft = Draft(3, horizon=3).arms(1.0, 1.0)
    draft.states["greed"][:, 0] = 1.0
    log = draft.log()
    found = [measures.motive(log, 0, 1, turn, believing(log, 1.0)).utility for turn in (1, 2, 3)]
    assert found == pytest.approx([3 / 6, 2 / 6, 1 / 6])


def test_with_a_discount_of_0_only_the_present_counts() -> None:
    """As before, with L = 1; and no later strike can cost more than one now. Below 0 there is no discount."""
    draft = Draft(1, horizon=3).arms(1.0, 1.0)
    draft.states["greed"][:, 0], draft.states["growth"][:, 1] = 1.0, 3.0
    log = draft.log()
    why = measures.motive(log, 0, 1, 1, believing(log, 1.0), discount=0.0)
    assert (why.utility, why.shift) == (pytest.approx(1 / 6), 0.0)
    with pytest.raises(MeasureError, match="discount is -0.5; 0 to 1 is allowed"):
        measures.motive(log, 0, 1, 1, believing(log, 1.0), discount=-0.5)


# --- the spiral -----------------------------------------------------------------------------------------------


def test_four_turns_are_enough_for_a_slope() -> None:
    """x' = x + ½ y, y' = y + 1 from (0, 1): the change of x is ½ y on each of four turns."""
    draft = Draft(4).arms([0.0, 0.5, 1.5, 3.0, 5.0], [1.0, 2.0, 3.0, 4.0, 5.0])
    assert measures.reaction_slopes(draft.log())[0, 1] == pytest.approx(0.5)


# --- contests -------------------------------------------------------------------------------------------------


def test_projected_success_is_the_truth_unless_it_is_asked_as_seen() -> None:
    """ω 1, taken for 2; 0 takes the single weapon of 1 for 4. True 1/(1+1+3); as seen 2·4/(8+1+3)."""
    draft = Draft(1, technology__perceived_offense_advantage=2.0).arms(3.0, 1.0)
    draft.pairs["estimate"][:, 0, 1] = 4.0
    log, once = draft.log(), np.ones(1)
    assert measures.projected_success(log, 0, 1, 0, once) == pytest.approx([1 / 5])
    assert measures.projected_success(log, 0, 1, 0, once, seen=True) == pytest.approx([2 / 3])
