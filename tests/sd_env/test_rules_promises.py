"""Words and alliances (model.md sections 3.2 and 3.3): pledges, threats, help and calls, each worked out by hand."""

from __future__ import annotations

import pytest

from tests.table import ALIGN, attack, column, play, worlds


def test_signals_cost_at_once_and_pledges_bind_for_their_turns() -> None:
    settings = {"signals__signal_cost": 0.05, "signals__audience_cost": 0.4, "war__conquest": 0.0}
    w = worlds(**settings)
    assert play(w, s0={"signal": "reassure"})[0] == pytest.approx(0.95)
    assert play(w, s0=attack(1))[0] == pytest.approx(0.6)
    assert w.states["pledge_broken"][0].tolist() == [True, False]
    assert play(w, s0=attack(1))[0] == pytest.approx(1.0)  # the pledge is gone
    w = worlds(**settings)
    play(w, s0={"signal": "reassure"})
    play(w)
    assert play(w, s0=attack(1))[0] == pytest.approx(1.0)  # two turns of pledge are over
    assert play(worlds(**settings), s0={"signal": "reassure", **attack(1)})[0] == pytest.approx(0.55)


def test_a_commitment_ties_hands() -> None:
    settings = {"signals__audience_cost": 0.4, "war__conquest": 0.0}
    idle = worlds(**settings)
    play(idle, s1={"signal": "threaten"})
    assert play(idle, s0=attack(1))[1] == pytest.approx(1.0)
    assert column(idle, 1, "owed") == 1
    assert play(idle)[1] == pytest.approx(0.6)  # it has not attacked by the next turn
    assert idle.states["commitment"][0, 1] == 0
    acts = worlds(**settings)
    play(acts, s1={"signal": "threaten"})
    play(acts, s0=attack(1))
    assert play(acts, s1=attack(0))[1] == pytest.approx(1.0)
    assert play(acts)[1] == pytest.approx(1.0)


def test_a_commitment_covers_allies() -> None:
    w = worlds(3, signals__audience_cost=0.4, war__conquest=0.0)
    together = {"s1": {"stance": {2: ALIGN}}, "s2": {"stance": {1: ALIGN}}}
    play(w, s0=attack(1), s1=together["s1"], s2={"signal": "threaten", **together["s2"]})
    assert play(w)[2] == pytest.approx(0.6)


def test_allies_pool_defence_and_pay_for_it() -> None:
    w = worlds(
        3,
        alliances__alliance_commitment=0.5,
        war__defender_cost=0.2,
        states__offense=2.0,
        states__defense=1.0,
        technology__distinguishability=1.0,
        geography__reach=[[0, 1, 1], [1, 0, 1], [1, 0.4, 0]],
        war__conquest=0.0,
    )
    rewards = play(w, s0=attack(1), s1={"stance": {2: ALIGN}}, s2={"stance": {1: ALIGN}})
    assert w.states["defence_for"][0, 1] == pytest.approx(1.0 + 1.0 + 0.5 * 0.4 * 3.0)
    assert rewards.tolist() == pytest.approx([1.0, 0.8, 1.0 - 0.5 * 0.2])


def test_an_ally_that_joins_the_war_fights_with_all_it_sends() -> None:
    w = worlds(3, alliances__alliance_commitment=0.5, war__defender_cost=0.2, states__offense=2.0, war__conquest=0.0)
    rewards = play(w, s0=attack(1), s1={"stance": {2: ALIGN}}, s2={"stance": {1: ALIGN, 0: "attack"}})
    assert w.states["defence_for"][0, 1] == pytest.approx(1.0 + 2.0)
    assert rewards[2] == pytest.approx(1.0)


def test_alignment_must_be_mutual() -> None:
    w = worlds(3, alliances__alliance_commitment=0.5, states__offense=2.0)
    play(w, s0=attack(1), s2={"stance": {1: ALIGN}})
    assert not w.pairs["allied"].any()
    assert w.states["defence_for"][0, 1] == pytest.approx(1.0 + 2.0)


def called() -> object:
    w = worlds(3, alliances__abandonment_cost=0.3, alliances__reliability_rate=0.5, war__conquest=0.0)
    play(w, s0=attack(1), s1={"stance": {2: ALIGN}}, s2={"stance": {1: ALIGN}})
    return w


def test_a_call_is_honoured_by_attacking_the_aggressor_in_time() -> None:
    w = called()
    assert column(w, 2, "called", 1) == 2
    assert column(w, 2, "called_against", 0) == 1
    assert column(w, 1, "they_called", 2) == 2
    play(w)
    assert play(w, s2=attack(0))[2] == pytest.approx(1.0)
    assert w.pairs["call_honoured"][0, 2, 1]
    assert w.states["reliability"][0, 2] == pytest.approx(1.0)
    assert play(w)[2] == pytest.approx(1.0)


def test_an_abandoned_call_costs_reputation_and_alliance() -> None:
    w = called()
    play(w)
    assert play(w)[2] == pytest.approx(0.7)
    assert w.pairs["call_abandoned"][0, 2, 1]
    assert w.states["reliability"][0].tolist() == pytest.approx([1.0, 1.0, 0.5])
    together = {"s1": {"stance": {2: ALIGN}}, "s2": {"stance": {1: ALIGN}}}
    allied = []
    for _ in range(4):
        play(w, **together)
        allied.append(bool(w.pairs["allied"][0, 1, 2]))
    assert allied == [False, False, False, True]


def test_a_call_lapses_with_the_aggressor() -> None:
    w = worlds(
        3,
        alliances__abandonment_cost=0.3,
        alliances__call_turns=3,
        war__conquest=1.0,
        war__collapse=0.9,
        war__base_defense=0.01,
        geography__reach=[[0, 0, 1], [1, 0, 1], [1, 1, 0]],
        states__offense=5.0,
        technology__distinguishability=1.0,
    )
    play(w, s0=attack(1), s1={"stance": {2: ALIGN}}, s2={"stance": {1: ALIGN}})
    play(w, s1=attack(0))  # the victim fells the aggressor itself
    assert not w.states["standing"][0, 0]
    assert column(w, 2, "called", 1) == 0
    assert [play(w)[2] for _ in range(3)] == pytest.approx([1.0] * 3)


def test_answering_a_call_counts_as_provoked() -> None:
    w = worlds(3, anarchy__enforcement=0.25, war__conquest=0.0)
    play(w, s0=attack(1), s1={"stance": {2: ALIGN}}, s2={"stance": {1: ALIGN}})
    assert play(w, s2=attack(0))[2] == pytest.approx(1.0)
    assert play(w, s2=attack(1))[2] == pytest.approx(0.75)


def test_what_the_fallen_said_binds_nobody() -> None:
    """A state that falls on the turn of its pledge or threat has none any more; one that stands keeps its own."""
    for signal, bond in (("reassure", "pledge"), ("threaten", "commitment")):
        w = worlds(3, war__conquest=1.0, war__base_defense=0.0, states__offense={"state_1": 1.0, "default": 0.0})
        play(w, s0={"signal": signal}, s1=attack(0), s2={"signal": signal})
        assert w.states["standing"][0].tolist() == [False, True, True]
        turns = {"pledge": 2, "commitment": 3}[bond]
        assert w.states[bond][0].tolist() == [0, 0, turns]
        assert [column(w, 1, bond, 0), column(w, 1, bond, 2), column(w, 0, bond)] == [0, turns, 0]
        play(w)
        assert w.states[bond][0].tolist() == [0, 0, turns - 1]
