"""War at its borders (model.md section 3, *War*): each number worked out by hand; found wanting by ``make mutants``."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sd_env.rules.war import contest, garrison
from tests.table import attack, column, play, worlds

#: Whoever is attacked loses for sure.
DEFENCELESS: dict[str, Any] = {
    "war__base_defense": 0.0, "technology__distinguishability": 1.0, "states__defense": 0.0,
    "states__offense": {"state_0": 1.0, "default": 0.0},
}  # fmt: skip


@pytest.mark.parametrize(
    ("force", "defence", "decisiveness", "probability"),
    [
        (1.0, 3.0, 1.0, 1 / 4),
        (1.0, 3.0, 2.0, 1 / 10),
        (1.0, 2.0, 3.0, 1 / 9),
        (9.0, 1.0, 0.5, 3 / 4),
        (0.5, 0.5, 3.0, 1 / 2),
        (0.5, 0.25, 1.0, 2 / 3),
    ],
)
def test_the_contest_is_a_ratio_of_powers(
    force: float, defence: float, decisiveness: float, probability: float
) -> None:
    assert contest(force, defence, decisiveness) == pytest.approx(probability, rel=1e-12)


@pytest.mark.parametrize("decisiveness", [0.5, 1.0, 2.0, 3.0])
def test_no_force_never_prevails_and_no_defence_never_holds(decisiveness: float) -> None:
    assert contest(0.0, 2.0, decisiveness) == contest(0.0, 0.0, decisiveness) == 0.0
    assert contest(2.0, 0.0, decisiveness) == contest(1e-9, 0.0, decisiveness) == 1.0


def test_a_hopeless_attack_has_no_chance_where_powers_would_overflow() -> None:
    assert contest(1e-100, 1e100, 3.0) == 0.0
    assert contest(1e100, 1e-100, 3.0) == 1.0


@pytest.mark.parametrize(
    ("force", "defence", "decisiveness", "odds"),
    [
        (2.0, 2.0, 3.0, 1.0),  # as strong: one half
        (3.0, 2.0, math.log(3.0), 3.0),  # an arm more, odds of e^k
        (103.0, 102.0, math.log(3.0), 3.0),  # whatever there is besides
        (1.0, 3.0, math.log(3.0), 1 / 9),
        (2.0, 0.0, math.log(2.0), 4.0),  # where nobody defends it is not certain
    ],
)
def test_the_other_contest_is_of_the_difference(force: float, defence: float, decisiveness: float, odds: float) -> None:
    assert contest(force, defence, decisiveness, 1.0) == pytest.approx(odds / (1.0 + odds), rel=1e-12)


def test_no_force_has_no_chance_in_the_contest_of_the_difference_though_the_least_has() -> None:
    assert contest(0.0, 0.0, 2.0, 1.0) == contest(0.0, 5.0, 2.0, 1.0) == 0.0
    assert contest(1e-12, 0.5, math.log(4.0), 1.0) == pytest.approx(1 / 3)  # odds against of 4 ** .5


def test_the_contest_of_the_difference_does_not_overflow() -> None:
    assert contest(1.0, 1e6, 20.0, 1.0) == contest(1e-100, 1e300, 20.0, 1.0) == 0.0
    assert contest(1e6, 1.0, 20.0, 1.0) == contest(1e300, 0.0, 20.0, 1.0) == 1.0


def test_wars_and_net_assessment_follow_the_form_that_the_scenario_says() -> None:
    """Force 3 against 1 + 1.5, k = ln 4: odds 4 ** .5 = 2. A clash of equals: 1 - (2 + 1) = -2, odds 1 / 16."""
    w = worlds(
        war__contest="difference", war__decisiveness=math.log(4.0), technology__distinguishability=1.0,
        states__offense={"state_0": 3.0, "default": 0.0}, states__defense={"state_1": 1.5, "default": 0.0},
    )  # fmt: skip
    assert column(w, 0, "our_success", 1) == column(w, 1, "their_success", 0) == pytest.approx(2 / 3)
    play(w, s0=attack(1))
    assert w.states["success"][0, 1] == pytest.approx(2 / 3)
    assert w.states["homeland"][0, 1] == pytest.approx(1.0 - 0.5 * 2 / 3)
    both = worlds(
        war__contest="difference", war__decisiveness=math.log(4.0), technology__distinguishability=1.0,
        states__offense=1.0, states__defense=1.0,
    )  # fmt: skip
    play(both, s0=attack(1), s1=attack(0))
    assert both.states["success"][0] == pytest.approx([1 / 17, 1 / 17])


def test_an_attack_that_does_not_arrive_takes_nothing_in_either_contest() -> None:
    for form in ("ratio", "difference"):
        w = worlds(war__contest=form, war__base_defense=0.0, states__offense=2.0, geography__reach=0.0)
        play(w, s0=attack(1))
        assert (w.states["success"][0, 1], w.states["homeland"][0, 1]) == (0.0, 1.0)


def test_a_small_assault_divides_its_spoils_as_well() -> None:
    w = worlds(3, states__offense={"state_0": 0.3, "state_1": 0.1, "state_2": 0.0}, technology__distinguishability=1.0)
    play(w, s0=attack(2), s1=attack(2))
    taken = 0.5 * 0.4 / (0.4 + 1.0)
    assert w.states["gained"][0].tolist() == pytest.approx([taken * 3 / 4, taken / 4, 0.0])


def test_no_surprise_counts_against_who_attacks_another_and_mobilizes_against_the_attacker_alone() -> None:
    """Readiness is toward the attacker: to be mobilized against a third, or at war with one, leaves one surprised."""
    settings = {"war__first_strike": 0.5, "states__offense": 2.0, "technology__distinguishability": 1.0}
    for elsewhere in (attack(2), {"stance": {2: "mobilize"}}):
        w = worlds(3, **settings)
        play(w, s0=attack(1), s1=elsewhere)
        assert w.pairs["force"][0, 0, 1] == pytest.approx(3.0)


def test_land_at_the_border_of_collapse_still_stands() -> None:
    w = worlds(war__collapse=0.5, war__conquest=0.5, **DEFENCELESS)
    play(w, s0=attack(1))
    assert (w.states["homeland"][0, 1], w.states["standing"][0, 1]) == (0.5, True)
    below = worlds(war__collapse=0.51, war__conquest=0.5, **DEFENCELESS)
    play(below, s0=attack(1))
    assert not below.states["standing"][0, 1]
    assert (below.worlds["fallen"][0], below.worlds["standing"][0]) == (1, 0b01)


def test_who_falls_keeps_nothing() -> None:
    """Of land and arms something is left after the defeat: .4 of a homeland and of holdings, .7 of the arms."""
    w = worlds(
        3, war__base_defense=0.0, war__conquest=0.6, war__collapse=0.5, war__decisiveness=3.0, war__attrition_loser=0.3,
        technology__distinguishability=1.0, states__offense={"state_0": 1000.0, "default": 1.0}, states__defense=1.0,
        states__holdings=0.5, signals__commitment_turns=4, signals__pledge_turns=4, war__restoration=1.0,
    )  # fmt: skip
    rewards = play(w, s0=attack(1), s1={"signal": "threaten"})
    fallen = w.states[0][1]
    assert fallen["lost_homeland"] == pytest.approx(0.6) and fallen["lost_holdings"] == pytest.approx(0.3)
    for name in ("standing", "homeland", "holdings", "offense", "defense", "commitment", "owed"):
        assert fallen[name] == 0, name
    assert rewards[1] == 0.0
    assert w.worlds["standing"][0] == 0b101
    play(w)  # to have fallen once is counted once
    assert w.worlds["fallen"][0] == 1


def test_every_fall_is_counted() -> None:
    w = worlds(4, war__collapse=0.6, war__conquest=0.5, **DEFENCELESS)
    play(w, s0=attack(1, 3))
    assert (w.worlds["fallen"][0], w.worlds["standing"][0]) == (2, 0b0101)


def test_what_happened_on_a_turn_is_over_on_the_next() -> None:
    w = worlds(
        3, signals__audience_cost=0.1, war__attrition_winner=0.1, war__attrition_loser=0.2, war__outcome="gamble",
        motives__routine=0.1, states__holdings=0.5, war__base_defense=0.0, technology__distinguishability=1.0,
        states__offense={"state_0": 2.0, "default": 0.0},
    )  # fmt: skip
    play(w, s0={"signal": "reassure", **attack(1)})
    one, other = w.states[0][0], w.states[0][1]
    assert one["pledge_broken"] and one["gained"] > 0 and one["keep"] == pytest.approx(0.9)
    assert other["conquered"] and other["keep"] == pytest.approx(0.8)
    for name in ("force_against", "success", "lost_homeland", "lost_holdings"):
        assert other[name] > 0, name
    play(w)
    for i in (0, 1):
        now = w.states[0][i]
        assert now["keep"] == 1.0
        for name in (
            *("pledge_broken", "gained", "conquered", "force_against", "defence_for", "success", "lost_homeland"),
            *("lost_holdings", "attacked", "attackers", "cost"),
        ):
            assert now[name] == 0, name
    assert w.worlds["pledges_broken"][0] == w.worlds["conquests"][0] == 1


def test_attackers_and_targets_are_told_apart_to_the_last_state() -> None:
    """Bit masks over five states: who attacks and mobilizes against whom, and who is attacked by whom."""
    w = worlds(5, war__conquest=0.0)
    play(w, s0={"stance": {4: "attack", 3: "mobilize"}}, s3=attack(4, 1), s4={"stance": {0: "mobilize"}})
    assert w.states["attacked"][0].tolist() == [0b10000, 0, 0, 0b10010, 0]
    assert w.states["mobilized"][0].tolist() == [0b01000, 0, 0, 0, 0b00001]
    assert w.states["attackers"][0].tolist() == [0, 0b01000, 0, 0, 0b01001]


def test_mobilizations_cost_each() -> None:
    w = worlds(4, war__mobilization_cost=0.1)
    rewards = play(w, s0={"stance": {1: "mobilize", 3: "mobilize"}}, s2={"stance": {0: "mobilize"}})
    assert rewards.tolist() == pytest.approx([0.8, 1.0, 0.9, 1.0])


def test_enforcement_punishes_each_unprovoked_attack_and_no_other() -> None:
    w = worlds(4, anarchy__enforcement=0.25, war__conquest=0.0)
    assert play(w, s1=attack(0)).tolist() == pytest.approx([1.0, 0.75, 1.0, 1.0])
    # of three targets one had attacked it
    assert play(w, s0=attack(1, 2, 3)).tolist() == pytest.approx([0.5, 1.0, 1.0, 1.0])


def test_a_lasting_penalty_is_paid_on_each_turn_of_a_war_that_was_begun_unprovoked() -> None:
    """Turn 1: 0 strikes, E. 2: it goes on, unanswered yet, E. 3: 1 has struck back: half of E. 4: 0 rests.

    5: 0 attacks again, whom 1 attacked last turn: the war that it began is over, and this attack has a cause. 1 has a
    cause for all but the last of its attacks, on one who rested.
    """
    for lasts, turns in ((0.0, (0.75, 0.75, 1.0, 1.0, 1.0)), (0.5, (0.75, 0.75, 0.875, 1.0, 1.0))):
        w = worlds(2, anarchy__enforcement=0.25, anarchy__enforcement_lasts=lasts, war__conquest=0.0)
        plays = [{"s0": attack(1)}, {"s0": attack(1), "s1": attack(0)}, {"s0": attack(1), "s1": attack(0)}]
        plays += [{"s1": attack(0)}, {"s0": attack(1), "s1": attack(0)}]
        paid = [play(w, **each).tolist() for each in plays]
        assert [each[0] for each in paid] == pytest.approx(turns)
        assert [each[1] for each in paid] == pytest.approx((1.0, 1.0, 1.0, 1.0, 0.75))


def test_who_answers_a_call_or_an_attack_did_not_begin_the_war() -> None:
    w = worlds(2, anarchy__enforcement=0.25, anarchy__enforcement_lasts=1.0, war__conquest=0.0)
    play(w, s1=attack(0))
    for _ in range(3):  # 0 only ever answers; 1 pays on every turn
        assert play(w, s0=attack(1), s1=attack(0)).tolist() == pytest.approx([1.0, 0.75])


def test_aligning_costs_what_it_costs_returned_or_not() -> None:
    w = worlds(3, alliances__alignment_cost=0.125)
    paid = play(w, s0={"stance": {1: "align", 2: "align"}}, s1={"stance": {0: "align"}})
    assert paid.tolist() == [0.75, 0.875, 1.0] and w.pairs["allied"][0, 0, 1] and not w.pairs["allied"][0, 0, 2]


# --- mobilization that protects ---------------------------------------------------------------------------------

#: Base defence 1, arms of the defender 2, of which half a unit is ready in peace; attackers send 3 in all.
PEACETIME: dict[str, Any] = {
    "war__peacetime_readiness": 0.25, "technology__distinguishability": 1.0, "war__conquest": 0.0,
    "states__offense": {"state_0": 3.0, "state_1": 4.0, "default": 0.0},
    "states__defense": {"state_1": 2.0, "default": 0.0},
}  # fmt: skip


@pytest.mark.parametrize(
    ("before", "now", "defence"),
    [
        ({}, {}, 1.0 + 0.25 * 2.0),
        ({}, {"stance": {0: "mobilize"}}, 1.0 + 2.0),
        ({"stance": {0: "attack"}}, {}, 1.0 + 2.0),  # it is at war with the attacker
        ({}, {"stance": {0: "attack"}}, 1.0 + 2.0 + 4.0),  # and its own force blunts
        ({"stance": {0: "mobilize"}}, {}, 1.0 + 0.25 * 2.0),  # the levies of last turn have gone home
        ({"stance": {2: "attack"}}, {"stance": {2: "mobilize"}}, 1.0 + 0.25 * 2.0),  # against another only
    ],
)
def test_arms_that_nobody_called_up_defend_in_part(before: dict[str, Any], now: dict[str, Any], defence: float) -> None:
    w = worlds(3, **PEACETIME)
    play(w, s1=before)
    play(w, s0=attack(1), s1=now)
    assert w.states["defence_for"][0, 1] == pytest.approx(defence)
    assert w.states["success"][0, 1] == pytest.approx(3.0 / (3.0 + defence))


def test_who_is_ready_for_one_attacker_is_ready_for_all_and_surprised_by_the_other() -> None:
    w = worlds(3, **PEACETIME, war__first_strike=0.5)
    play(w, s0=attack(1), s1={"stance": {2: "mobilize"}}, s2=attack(1))
    assert w.states["defence_for"][0, 1] == pytest.approx(1.0 + 2.0)
    assert w.pairs["force"][0, 0, 1] == pytest.approx(3.0 * 1.5)


def test_base_defence_and_allied_support_count_whatever_is_ready() -> None:
    """An ally with arms of 2 and a commitment of one half lends 1 beside the base of 1; of the own 2 none is ready."""
    settings = {**PEACETIME, "war__peacetime_readiness": 0.0, "alliances__alliance_commitment": 0.5}
    settings["states__defense"] = {"state_1": 2.0, "state_2": 2.0, "default": 0.0}
    w = worlds(3, **settings)
    play(w, s0=attack(1), s1={"stance": {2: "align"}}, s2={"stance": {1: "align"}})
    assert w.states["defence_for"][0, 1] == pytest.approx(1.0 + 0.0 + 0.5 * 2.0)


def test_who_is_called_up_wholly_has_all_its_arms_to_the_bit() -> None:
    """Whatever peacetime leaves ready: the sum of a share and its rest is 1 and no number beside it."""
    plain = getattr(garrison, "py_func", garrison)
    for readiness in [0.0, 5e-324, 0.1, 1.0, *np.random.default_rng(0).random(2000)]:
        p = SimpleNamespace(base_defense=0.3, peacetime_readiness=readiness)
        assert plain(p, 1.7, 1.0) == 0.3 + 1.7
        assert plain(p, 1.7, 0.0) == 0.3 + readiness * 1.7
