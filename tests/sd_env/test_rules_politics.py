"""Alliances, signaling and payoff at their borders: numbers by hand; found wanting by ``make mutants``."""

from __future__ import annotations

from typing import Any

import pytest

from tests.table import attack, play, worlds

#: State 0 fells another in one blow.
GIANT: dict[str, Any] = {
    "war__base_defense": 0.0, "war__conquest": 1.0, "war__collapse": 0.5, "technology__distinguishability": 1.0,
    "states__offense": {"state_0": 1.0, "default": 0.0}, "states__defense": 0.0,
}  # fmt: skip


def aligned(*others: int) -> dict[str, Any]:
    return {"stance": dict.fromkeys(others, "align")}


# --- alliances ------------------------------------------------------------------------------------------------


def test_every_pair_that_aligns_is_allied_and_no_other() -> None:
    w = worlds(4)
    play(w, s0=aligned(1, 3), s1=aligned(0, 2), s2=aligned(3), s3=aligned(0, 1))
    expected = [[0, 1, 0, 1], [1, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0]]
    assert w.pairs["allied"][0].astype(int).tolist() == expected
    assert w.states["allies"][0].tolist() == [0b1010, 0b0001, 0, 0b0001]
    play(w)
    assert not w.pairs["allied"][0].any() and not w.states["allies"][0].any()


def test_answers_of_one_turn_are_judged_together() -> None:
    """State 3, called by two allies, honours one call and abandons the other on one turn: two steps toward 1/2."""
    w = worlds(5, alliances__call_turns=1, alliances__reliability_rate=0.5, alliances__abandonment_cost=0.3,
               war__conquest=0.0)  # fmt: skip
    play(w, s3=aligned(1, 2), s1=aligned(3), s2=aligned(3), s0=attack(1), s4=attack(2))
    assert w.states["named"][0, 3] == 0b10001
    rewards = play(w, s3=attack(0))
    assert w.pairs["call_honoured"][0, 3].tolist() == [False, True, False, False, False]
    assert w.pairs["call_abandoned"][0, 3].tolist() == [False, False, True, False, False]
    assert w.states["reliability"][0, 3] == pytest.approx((1.0 * 0.5 + 0.5 * 0.5) * 0.5 + 0.5 * 0.5)
    assert rewards[3] == pytest.approx(0.7)
    tally = w.worlds[0]
    assert (tally["calls"], tally["calls_honoured"], tally["calls_abandoned"]) == (2, 1, 1)
    assert w.pairs["rupture"][0].sum() == 2 * 3 and w.pairs["rupture"][0, 2, 3] == w.pairs["rupture"][0, 3, 2] == 3
    play(w)
    assert not (w.pairs["call_honoured"][0].any() or w.pairs["call_abandoned"][0].any())
    assert w.pairs["rupture"][0, 2, 3] == w.pairs["rupture"][0, 3, 2] == 2


@pytest.mark.parametrize(("answer", "reliability"), [(attack(0), 0.875), ({}, 0.125)])
def test_two_calls_answered_alike_are_two_steps(answer: dict[str, Any], reliability: float) -> None:
    w = worlds(4, alliances__call_turns=1, alliances__reliability_rate=0.5, states__reliability=0.5, war__conquest=0.0)
    play(w, s3=aligned(1, 2), s1=aligned(3), s2=aligned(3), s0=attack(1, 2))
    play(w, s3=answer)
    assert w.states["reliability"][0].tolist() == pytest.approx([0.5, 0.5, 0.5, reliability])
    honoured = 2 if answer else 0
    assert (w.worlds["calls_honoured"][0], w.worlds["calls_abandoned"][0]) == (honoured, 2 - honoured)


def test_an_answered_call_forgets_its_aggressor() -> None:
    """A later call names the new aggressor alone: to attack the old one does not honour it."""
    w = worlds(4, war__conquest=0.0, alliances__call_turns=1)
    play(w, s0=attack(1), s1=aligned(2), s2=aligned(1))
    play(w, s2=attack(0))
    assert w.pairs["call_against"][0, 2, 1] == 0
    play(w, s3=attack(1), s1=aligned(2), s2=aligned(1))
    assert w.pairs["call_against"][0, 2, 1] == w.states["named"][0, 2] == 0b1000
    play(w, s2=attack(0))
    assert w.pairs["call_abandoned"][0, 2, 1] and w.worlds["calls"][0] == 2


def test_a_call_names_every_aggressor_whoever_is_called() -> None:
    """The lower the index of the called, the higher that of the aggressor: bits of neither get lost."""
    for called, victim, aggressors in ((0, 2, (1, 3)), (1, 0, (2, 3)), (3, 2, (0, 1))):
        w = worlds(4, war__conquest=0.0)
        orders = {f"s{i}": attack(victim) for i in aggressors}
        play(w, **orders, **{f"s{called}": aligned(victim), f"s{victim}": aligned(called)})
        assert w.states["named"][0, called] == sum(1 << i for i in aggressors)
        assert w.pairs["call"][0, called, victim] == 2
        assert w.pairs["call"][0].sum() == 2


def test_a_second_attack_adds_its_aggressor_and_no_time() -> None:
    w = worlds(4, war__conquest=0.0)
    play(w, s0=attack(1), s1=aligned(2), s2=aligned(1))
    play(w, s3=attack(1), s1=aligned(2), s2=aligned(1))
    assert (w.pairs["call"][0, 2, 1], w.states["named"][0, 2], w.worlds["calls"][0]) == (1, 0b1001, 1)


def test_a_call_on_one_that_falls_lapses_and_costs_it_nothing() -> None:
    w = worlds(4, alliances__abandonment_cost=0.3, alliances__call_turns=1, **GIANT)
    play(w, s3=attack(1), s1=aligned(2), s2=aligned(1))  # state 3 has no arms: state 1 stays as it is
    assert w.pairs["call"][0, 2, 1] == 1
    rewards = play(w, s0=attack(2))
    assert not w.states["standing"][0, 2]
    assert (w.pairs["call"][0, 2, 1], rewards[2], w.worlds["calls_abandoned"][0]) == (0, 0.0, 0)
    assert not w.pairs["rupture"][0].any()


def test_support_comes_from_each_ally_that_does_not_join() -> None:
    """Of three allies of the attacked one fights the attacker itself; the other two lend what reaches."""
    w = worlds(5, alliances__alliance_commitment=0.5, war__defender_cost=0.2, war__conquest=0.0,
               states__offense={"state_4": 4.0, "default": 2.0}, states__defense=1.0,
               technology__distinguishability=1.0)  # fmt: skip
    joins = {"stance": {1: "align", 0: "attack"}}
    rewards = play(w, s0=attack(1), s1=aligned(2, 3, 4), s2=aligned(1), s3=joins, s4=aligned(1))
    assert w.states["defence_for"][0, 1] == pytest.approx(1.0 + 1.0 + 0.5 * (2.0 + 1.0) + 0.5 * (4.0 + 1.0))
    assert rewards.tolist() == pytest.approx([0.8, 0.8, 1.0 - 0.5 * 0.2, 1.0, 1.0 - 0.5 * 0.2])


# --- signaling ------------------------------------------------------------------------------------------------


def test_signals_bind_for_their_turns_and_then_no_more() -> None:
    w = worlds(signals__pledge_turns=2, signals__commitment_turns=3)
    play(w, s0={"signal": "reassure"}, s1={"signal": "threaten"})
    seen = []
    for _ in range(4):
        seen.append((int(w.states["pledge"][0, 0]), int(w.states["commitment"][0, 1])))
        play(w)
    assert seen == [(2, 3), (1, 2), (0, 1), (0, 0)]
    assert not w.states["pledge"][0, 1] and not w.states["commitment"][0, 0]


def test_what_is_owed_is_owed_once() -> None:
    """A threat not carried out is paid for on the next turn, ends the commitment, and is not paid for again."""
    w = worlds(3, signals__audience_cost=0.4, war__conquest=0.0, signals__commitment_turns=5)
    play(w, s1={"signal": "threaten"}, s0=attack(1))
    assert w.states["owed"][0].tolist() == [0, 0b001, 0]
    assert play(w)[1] == pytest.approx(0.6)
    assert w.states["commitment_failed"][0].tolist() == [False, True, False]
    assert w.states["owed"][0, 1] == w.states["commitment"][0, 1] == 0
    assert play(w, s0=attack(1))[1] == pytest.approx(1.0)
    assert not w.states["commitment_failed"][0].any()
    assert w.worlds["commitments_failed"][0] == 1


def test_to_attack_the_aggressor_at_once_leaves_nothing_owed() -> None:
    w = worlds(3, signals__audience_cost=0.4, war__conquest=0.0)
    play(w, s1={"signal": "threaten", **attack(0)}, s0=attack(1))
    assert w.states["owed"][0, 1] == 0
    assert play(w)[1] == pytest.approx(1.0)
    # one who is not the aggressor does not count
    w = worlds(3, signals__audience_cost=0.4, war__conquest=0.0)
    play(w, s1={"signal": "threaten", **attack(2)}, s0=attack(1))
    assert w.states["owed"][0, 1] == 0b001


def test_nothing_is_owed_toward_the_fallen() -> None:
    """The aggressor falls on the very turn on which it attacks: whoever threatened cannot carry it out any more."""
    w = worlds(3, signals__audience_cost=0.4, **GIANT)
    play(w, s2={"signal": "threaten"}, s1=attack(2), s0=attack(1))
    assert not w.states["standing"][0, 1]
    assert play(w)[2] == pytest.approx(1.0)
    assert not w.states["commitment_failed"][0].any()


# --- payoff ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("motive", [1.0, 2.0])
def test_small_arms_share_power_alike(motive: float) -> None:
    w = worlds(motives__power_motive=motive, states__offense={"state_0": 0.3, "state_1": 0.1})
    assert play(w).tolist() == pytest.approx([1 + motive * 0.75, 1 + motive * 0.25])


def test_defensive_arms_are_power_too() -> None:
    w = worlds(motives__power_motive=1.0, states__offense={"state_0": 1.0, "state_1": 0.0},
               states__defense={"state_0": 2.0, "state_1": 1.0})  # fmt: skip
    assert play(w).tolist() == pytest.approx([1 + 3 / 4, 1 + 1 / 4])


def test_whole_identification_shares_whole_payoffs() -> None:
    w = worlds(motives__identification=1.0, alliances__amity=[[0, 0.5], [0, 0]], states__economy=2.0)
    assert play(w).tolist() == pytest.approx([2.0 + 0.5 * 2.0, 2.0])


def test_the_fallen_earn_nothing_whatever_their_motives() -> None:
    w = worlds(3, motives__power_motive=1.0, motives__identification=1.0, motives__routine=0.1, war__restoration=1.0,
               alliances__amity=[[0, 0, 0], [1, 0, 1], [0, 0, 0]], **GIANT)  # fmt: skip
    assert play(w, s0=attack(1), s1={"stance": {2: "align"}})[1] == 0.0
    assert w.states["homeland"][0, 1] == 0.0  # limited war hands nothing back to the fallen
    assert play(w)[1] == 0.0
    assert not w.states["posture_changed"][0, 1]


def test_posture_is_what_one_does_to_those_who_stand() -> None:
    w = worlds(3, motives__routine=0.1, **GIANT)
    play(w, s0=attack(1), s2={"stance": {1: "mobilize"}})
    rewards = play(w)  # toward the fallen there is nothing but neutral
    assert w.states["posture_changed"][0].tolist() == [False, False, False]
    assert rewards.tolist() == pytest.approx([1.0, 0.0, 1.0])
    play(w, s0={"stance": {2: "mobilize"}})
    assert w.states["posture_changed"][0].tolist() == [True, False, False]


def test_posture_toward_the_last_state_counts_as_that_toward_the_first() -> None:
    w = worlds(3, motives__routine=0.1)
    play(w)
    play(w, s0={"stance": {2: "mobilize"}}, s2={"stance": {0: "align"}})
    assert w.states["posture_changed"][0].tolist() == [True, False, True]


def test_limited_war_hands_back_land_and_holdings_as_far_as_it_is_limited() -> None:
    w = worlds(war__restoration=0.25, war__base_defense=0.0, technology__distinguishability=1.0, war__spoils=0.5,
               states__offense={"state_0": 1.0, "state_1": 0.0}, states__holdings=0.4)  # fmt: skip
    play(w, s0=attack(1))
    assert w.states["gained"][0, 0] == pytest.approx(0.5 * (0.5 + 0.2))
    assert w.states["homeland"][0].tolist() == pytest.approx([1.0, 0.5 + 0.25 * 0.5])
    assert w.states["holdings"][0].tolist() == pytest.approx([0.4 + 0.75 * 0.35, 0.2 + 0.25 * 0.2])
    assert w.states["struck"][0].tolist() == [0b10, 0]
    assert w.states["enemies"][0].tolist() == [0b10, 0b01]
