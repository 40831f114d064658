"""Each rule of model.md sections 2 and 3 against a number worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from sd_env import layout
from sd_env.layout import Build, Stance
from tests.table import attack, column, play, worlds

ALIGN = "align"


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


def test_the_fallen_stay_as_onlookers() -> None:
    w = worlds(
        3, war__conquest=1.0, war__collapse=0.5, war__base_defense=0.0, states__offense=1.0, states__holdings=0.5,
        technology__distinguishability=1.0,
    )  # fmt: skip
    rewards = play(w, s0=attack(1), s1={"offense": "full"})
    assert w.states["standing"][0].tolist() == [True, False, True]
    assert w.states["homeland"][0, 1] == w.states["offense"][0, 1] == rewards[1] == 0.0
    mask = w.masks[0, 1]
    assert mask.tolist() == [1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0]
    assert w.masks[0, 0, 9:13].tolist() == [0, 1, 0, 0]  # toward the fallen: neutral
    rewards = play(w, s1={"offense": "full", "signal": "threaten", **attack(0)}, s0=attack(1))
    assert (w.states["illegal"][0].tolist(), rewards[1]) == ([1, 3, 0], 0.0)
    assert w.states["build_offense"][0, 1] == Build.NONE
    assert not w.terminations[0]
    play(w, s0=attack(2))
    assert w.terminations[0] and not w.truncations[0]


def test_the_horizon_truncates() -> None:
    w = worlds(horizon=2)
    play(w)
    assert not (w.truncations[0] or w.terminations[0])
    play(w)
    assert w.truncations[0] and not w.terminations[0]


def test_continuation_terminates_at_its_rate() -> None:
    w = worlds(num_worlds=4000, continuation=0.8)
    play(w)
    assert np.mean(w.terminations) == pytest.approx(0.2, abs=0.03)  # 5 standard errors
    assert not w.truncations.any()


def test_power_motive_pays_for_the_share_of_arms() -> None:
    w = worlds(motives__power_motive=2.0, states__offense={"state_0": 3.0, "state_1": 1.0})
    assert play(w).tolist() == pytest.approx([1 + 2 * 0.75, 1 + 2 * 0.25])
    assert play(worlds(motives__power_motive=2.0)).tolist() == pytest.approx([2.0, 2.0])


def test_routine_makes_a_change_of_posture_cost() -> None:
    w = worlds(motives__routine=0.1)
    assert play(w, s0={"stance": {1: ALIGN}}).tolist() == pytest.approx([1.0, 1.0])  # the first turn has no routine
    assert play(w, s0={"stance": {1: ALIGN}}).tolist() == pytest.approx([1.0, 1.0])
    assert play(w).tolist() == pytest.approx([0.9, 1.0])


def test_amity_follows_deeds_and_identification_shares_payoffs() -> None:
    w = worlds(
        3, motives__amity_rate=0.5, motives__identification=0.6, war__attacker_cost=0.4, war__conquest=0.0,
        alliances__amity=[[0, 0.5, -1], [0, 0, 0], [0, 0, 0]],
    )  # fmt: skip
    rewards = play(w, s1={"stance": {0: ALIGN, 2: "attack"}}, s2={"stance": {0: "mobilize"}})
    assert rewards.tolist() == pytest.approx([1.0 + 0.6 * (0.5 * 0.6) / 2, 0.6, 1.0])
    assert w.pairs["amity"][0, 0].tolist() == pytest.approx([0.0, 0.5 * 0.5 + 0.5, -0.5 - 0.25])
    assert w.pairs["amity"][0, 2, 1] == pytest.approx(-0.5)


def test_restoration_hands_land_back_after_payoffs() -> None:
    w = worlds(war__restoration=1.0, states__offense=1.0, states__greed={"state_0": 1.0, "state_1": 0.0})
    first, second = play(w, s0=attack(1)), play(w, s0=attack(1))
    assert first[0] > 1.0 > first[1]
    assert first.tolist() == pytest.approx(second.tolist())
    assert w.states["homeland"][0].tolist() == pytest.approx([1.0, 1.0])


def test_economies_grow_after_the_turn() -> None:
    w = worlds(states__growth={"state_0": 0.1, "state_1": -0.2})
    assert play(w).tolist() == pytest.approx([1.0, 1.0])
    assert play(w).tolist() == pytest.approx([1.1, 0.8])


def test_technology_drifts_and_the_belief_follows_unless_it_is_fixed() -> None:
    w = worlds(num_worlds=2000, technology__drift=0.3)
    play(w)
    logs = np.log(w.worlds["offense_advantage"])
    assert logs.mean() == pytest.approx(0.0, abs=0.035)
    assert logs.std() == pytest.approx(0.3, abs=0.025)
    assert (w.worlds["perceived_offense_advantage"] == w.worlds["offense_advantage"]).all()
    fixed = worlds(num_worlds=20, technology__drift=0.3, technology__perceived_offense_advantage=2.0)
    play(fixed)
    assert (fixed.worlds["perceived_offense_advantage"] == 2.0).all()


def test_greedy_states_and_ranges_are_drawn_at_each_reset() -> None:
    w = worlds(
        num_worlds=4000, motives__greed=[1.0, 2.0], motives__p_greedy=0.25, war__conquest=[0.1, 0.3], horizon=[2, 4]
    )
    greedy = w.states["greed"] > 0
    assert greedy.mean() == pytest.approx(0.25, abs=0.025)
    assert w.states["greed"][greedy].min() >= 1.0 and w.states["greed"][greedy].max() <= 2.0
    assert w.params["conquest"].mean() == pytest.approx(0.2, abs=0.005)
    assert sorted(set(w.params["horizon"])) == [2.0, 3.0, 4.0]
    before = w.params["conquest"].copy()
    w.reset()
    assert (w.params["conquest"] != before).mean() > 0.99


def test_wars_are_counted_by_their_first_belligerents() -> None:
    w = worlds(4, war__conquest=0.0, states__greed={"state_3": 1.0, "default": 0.0})
    play(w, s0=attack(1))  # a tragic war
    play(w, s0=attack(1), s2=attack(0))  # joins it: no new war
    play(w)
    play(w, s0=attack(1), s3=attack(2))  # two wars at once, one of them begun by the greedy
    play(w)
    play(w, s0=attack(1), s1=attack(3))  # one connected war with the greedy in it
    tally = w.worlds[0]
    assert (tally["wars"], tally["tragic_wars"]) == (4, 2)
    assert tally["ss_attacks"] == 5


def test_tallies_add_up() -> None:
    w = worlds(3, states__greed={"state_2": 1.0, "default": 0.0}, arming__arms_cost=0.1, horizon=3, states__offense=1.0)
    total = sum(
        play(w, s0={"offense": "half", "signal": "reassure", "stance": {1: ALIGN}}, s1={"stance": {0: ALIGN}})
        for _ in range(3)
    )
    tally = w.worlds[0]
    assert tally["turns"] == 3
    assert (tally["pair_turns"], tally["s_pair_turns"], tally["ss_pair_turns"]) == (18, 12, 6)
    assert (tally["s_state_turns"], tally["s_states"], tally["g_states"]) == (6, 2, 1)
    assert tally["s_welfare"] + tally["g_welfare"] == pytest.approx(total.sum())
    assert tally["s_offense"] == pytest.approx(2 + 3 + 4 + 3)
    assert tally["alliances"] == 3
    assert tally["s_reassurances"] == 3
    assert tally["arms_spending"] == pytest.approx(0.3)
    assert tally["income"] == pytest.approx(9.0)
    assert tally["s_homeland"] == pytest.approx(2.0)
    assert len(layout.TALLY) == len(set(layout.TALLY))
