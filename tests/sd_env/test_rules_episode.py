"""What else makes an episode: ends, the fallen, motives, growth, drift, draws and tallies, each worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from sd_env import layout
from sd_env.layout import Build
from tests.table import ALIGN, attack, play, worlds


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
