"""Arms and war (model.md sections 3.1 and 3.4): each rule against a number worked out by hand."""

from __future__ import annotations

import pytest

from sd_env.layout import Stance
from tests.table import attack, play, worlds


def test_arming_builds_wears_out_and_costs() -> None:
    w = worlds(
        arming__arms_cost=0.1,
        arming__depreciation=0.2,
        arming__build_rate=0.5,
        states__economy=3.0,
        states__offense=1.0,
    )
    rewards = play(w, s0={"offense": "full", "defense": "half"})
    assert w.states["offense"][0, 0] == pytest.approx(0.8 * 1.0 + 0.5 * 2 * 3.0)
    assert w.states["defense"][0, 0] == pytest.approx(0.5 * 1 * 3.0)
    assert rewards[0] == pytest.approx(3.0 - 0.1 * 3)
    assert w.states["offense"][0, 1] == pytest.approx(0.8)


def test_capacity_is_income_with_conquests_up_to_the_cap() -> None:
    w = worlds(arming__capacity_cap=2.5, states__economy=2.0, states__holdings={"state_0": 0.1, "default": 3.0})
    play(w, s0={"defense": "half"}, s1={"defense": "half"})
    assert w.states["defense"][0].tolist() == pytest.approx([2.0 * 1.1, 2.5])


@pytest.mark.parametrize(
    ("distinguishability", "dual_use", "lent"), [(0.0, None, 1.0), (0.7, None, 0.3), (1.0, 0.4, 0.4)]
)
def test_indistinguishable_arms_serve_both_ends(distinguishability: float, dual_use: float | None, lent: float) -> None:
    w = worlds(
        technology__distinguishability=distinguishability,
        technology__dual_use=dual_use,
        states__offense=2.0,
        states__defense=3.0,
    )
    play(w, s0=attack(1))
    assert w.pairs["force"][0, 0, 1] == pytest.approx(2.0 + lent * 3.0)
    assert w.states["defence_for"][0, 1] == pytest.approx(1.0 + 3.0 + lent * 2.0)


def test_success_is_the_contest_of_forces_and_land_changes_hands() -> None:
    w = worlds(
        technology__offense_advantage=1.5,
        technology__distinguishability=1.0,
        states__offense=2.0,
        states__defense=0.5,
        states__holdings=0.4,
        war__decisiveness=3.0,
        war__spoils=0.8,
        geography__reach=[[0, 0.5], [1, 0]],
        motives__greed=2.0,
        states__greed={"state_0": 2.0, "state_1": 0.0},
    )
    rewards = play(w, s0=attack(1))
    force, defence = 1.5 * 0.5 * 2.0, 1.0 + 0.5
    p = force**3 / (force**3 + defence**3)
    assert w.states["success"][0, 1] == pytest.approx(p)
    assert w.states["homeland"][0].tolist() == pytest.approx([1.0, 1.0 - 0.5 * p])
    assert w.states["holdings"][0].tolist() == pytest.approx([0.4 + 0.8 * 0.5 * p * 1.4, 0.4 * (1 - 0.5 * p)])
    assert rewards.tolist() == pytest.approx([1.0 + 2.0 * (0.4 + 0.8 * 0.5 * p * 1.4), 1.0 - 0.5 * p])


def test_force_is_split_over_targets_and_spoils_over_attackers_by_force() -> None:
    w = worlds(3, states__offense={"state_0": 3.0, "default": 1.0}, technology__distinguishability=1.0)
    play(w, s0=attack(1, 2), s1=attack(2))
    assert w.pairs["force"][0, 0, 1] == w.pairs["force"][0, 0, 2] == pytest.approx(1.5)
    assert w.pairs["force"][0, 1, 2] == pytest.approx(1.0)
    success = 2.5 / (2.5 + 1.0)
    assert w.states["success"][0, 2] == pytest.approx(success)
    from_1 = 0.5 * 1.5 / (1.5 + 1.0)
    assert w.states["gained"][0, 0] == pytest.approx(from_1 + 0.5 * success * 1.5 / 2.5)
    assert w.states["gained"][0, 1] == pytest.approx(0.5 * success * 1.0 / 2.5)


def test_attack_blunts_attack() -> None:
    w = worlds(states__offense=2.0, technology__distinguishability=1.0, technology__offense_advantage=1.4)
    play(w, s0=attack(1), s1=attack(0))
    assert w.states["defence_for"][0].tolist() == pytest.approx([1.0 + 2.8, 1.0 + 2.8])


def test_first_strike_needs_an_unready_victim() -> None:
    settings = {"war__first_strike": 0.5, "states__offense": 2.0, "technology__distinguishability": 1.0}
    surprised = worlds(**settings)
    play(surprised, s0=attack(1))
    assert surprised.pairs["force"][0, 0, 1] == pytest.approx(3.0)
    play(surprised, s0=attack(1))  # who neither mobilizes nor fights back is surprised again
    assert surprised.pairs["force"][0, 0, 1] == pytest.approx(3.0)
    fights = worlds(**settings)
    play(fights, s1=attack(0))
    play(fights, s0=attack(1))  # at war last turn: no surprise
    assert fights.pairs["force"][0, 0, 1] == pytest.approx(2.0)
    for ready in ({"stance": {0: "mobilize"}}, attack(0)):
        w = worlds(**settings)
        play(w, s0=attack(1), s1=ready)
        assert w.pairs["force"][0, 0, 1] == pytest.approx(2.0)


def test_attrition_takes_the_worst_battle() -> None:
    settings = {
        "states__offense": 2.0,
        "war__attrition_loser": 0.6,
        "war__attrition_winner": 0.1,
        "war__outcome": "gamble",
        "technology__distinguishability": 1.0,
    }
    won = worlds(war__base_defense=0.0, **settings)
    play(won, s0=attack(1))
    assert won.states["conquered"][0, 1]
    assert won.states["offense"][0].tolist() == pytest.approx([2.0 * 0.9, 2.0 * 0.4])
    # reach 0 from state_0 to state_2: that assault fails for sure
    mixed = worlds(3, **settings, geography__reach=[[0, 1, 0], [1, 0, 1], [1, 1, 0]])
    play(mixed, s0=attack(2))
    assert not mixed.states["conquered"][0, 2]
    assert mixed.states["offense"][0].tolist() == pytest.approx([2.0 * 0.4, 2.0, 2.0 * 0.9])


def test_costs_of_war_add_up() -> None:
    w = worlds(3, war__attacker_cost=0.3, war__defender_cost=0.2, war__conquest=0.0)
    rewards = play(w, s0=attack(1, 2), s1=attack(0))
    assert rewards.tolist() == pytest.approx([1 - 0.6 - 0.2, 1 - 0.3 - 0.2, 1 - 0.2])


def test_enforcement_spares_the_provoked() -> None:
    w = worlds(anarchy__enforcement=0.25, war__conquest=0.0)
    assert play(w, s0=attack(1)).tolist() == pytest.approx([0.75, 1.0])
    assert play(w, s0=attack(1), s1=attack(0)).tolist() == pytest.approx([0.75, 1.0])


def test_the_ladder_mobilize_before_attack() -> None:
    w = worlds(war__mobilization_required=True, war__mobilization_cost=0.1, war__conquest=0.0)
    attack_column = 9 + Stance.ATTACK
    assert w.masks[0, :, attack_column].tolist() == [0, 0]
    rewards = play(w, s0=attack(1))
    assert w.pairs["stance"][0, 0, 1] == Stance.MOBILIZE
    assert (w.states["illegal"][0, 0], rewards[0]) == (1, pytest.approx(0.9))
    assert w.masks[0, :, attack_column].tolist() == [1, 0]
    play(w, s0=attack(1))
    assert w.pairs["attacks"][0, 0, 1]
    assert w.masks[0, :, attack_column].tolist() == [1, 0]  # a war goes on; the attacked must mobilize first
    play(w)
    assert w.masks[0, :, attack_column].tolist() == [0, 0]
