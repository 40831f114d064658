"""Measures at the edges of their definitions: first and last turns, exact limits, more than one of a kind."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from sd_env import measures
from sd_env.layout import Signal
from sd_env.measures import AllyAtWar, Balancing, Hostility, MeasureError
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


# --- balancing ------------------------------------------------------------------------------------------------


def test_who_owes_nothing_and_does_nothing_has_not_passed_the_buck() -> None:
    """Less than the share is needed, and 0 is not less than 0."""
    assert not Balancing(turn=1, state=0, aggressor=1, effort=0.0, share=0.0, collective=False).passed


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


# --- contests -------------------------------------------------------------------------------------------------


def test_projected_success_is_the_truth_unless_it_is_asked_as_seen() -> None:
    """ω 1, taken for 2; 0 takes the single weapon of 1 for 4. True 1/(1+1+3); as seen 2·4/(8+1+3)."""
    draft = Draft(1, technology__perceived_offense_advantage=2.0).arms(3.0, 1.0)
    draft.pairs["estimate"][:, 0, 1] = 4.0
    log, once = draft.log(), np.ones(1)
    assert measures.projected_success(log, 0, 1, 0, once) == pytest.approx([1 / 5])
    assert measures.projected_success(log, 0, 1, 0, once, seen=True) == pytest.approx([2 / 3])
