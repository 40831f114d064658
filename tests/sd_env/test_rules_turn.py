"""What a turn leaves in the accounts, how it ends, and choices out of range: by hand; found by ``make mutants``."""

from __future__ import annotations

import numpy as np
import pytest

from sd_env import layout
from sd_env.layout import Stance
from sd_env.rules.actions import allows, members
from sd_env.rules.chance import uniform
from sd_env.worlds import Worlds
from tests.table import attack, play, quiet, random_actions, worlds

# --- accounts -------------------------------------------------------------------------------------------------


def test_every_tally_of_a_turn_of_two_seekers_and_two_greedy() -> None:
    w = worlds(
        4, horizon=1, states__greed={"state_2": 1.0, "state_3": 1.0, "default": 0.0}, states__holdings=0.5,
        states__offense={"state_0": 2.0, "state_2": 1.0, "default": 0.0}, technology__distinguishability=1.0,
        arming__arms_cost=0.1, signals__audience_cost=0.1,
    )  # fmt: skip
    rewards = play(
        w,
        s0={"offense": "half", "signal": "reassure", **attack(1, 3)},
        s1={"defense": "full", "signal": "threaten", "stance": {0: "mobilize", 2: "mobilize", 3: "align"}},
        s2={"signal": "reassure", "stance": {0: "attack", 1: "mobilize"}},
        s3={"offense": "half", "signal": "threaten", "stance": {1: "align", 2: "mobilize"}},
    )
    sent = (2.0 + 1.5) / 2  # half a level of an income of 1.5 is built; two targets
    first, second, fourth = 1.0 / (1.0 + 1.0), sent / (sent + 1.0 + 3.0), sent / (sent + 1.0)
    assert rewards.tolist() == pytest.approx(
        [
            1 - 0.5 * first - 0.1 - 0.1,  # a level built, a pledge broken
            1 - 0.5 * second - 0.2,
            1 + 0.5 + 0.75 * first - 0.1,
            (1 + 0.5) * (1 - 0.5 * fourth) - 0.1,
        ]
    )
    expected = {
        **{"turns": 1, "pair_turns": 12, "attacks": 3, "mobilizations": 4, "alliances": 1, "illegal": 0},
        **{"s_pair_turns": 6, "s_attacks": 2, "ss_pair_turns": 2, "ss_attacks": 1, "ss_mobilizations": 1},
        **{"g_pair_turns": 6, "g_attacks": 1, "wars": 1, "tragic_wars": 0, "conquests": 0, "fallen": 0},
        **{"s_state_turns": 2, "s_offense": 3.5, "s_defense": 3.0, "s_reassurances": 1, "s_threats": 1},
        **{"s_security": 2 - first - second, "s_states": 2, "g_states": 2, "s_homeland": 2 - 0.5 * (first + second)},
        **{"s_welfare": rewards[0] + rewards[1], "g_welfare": rewards[2] + rewards[3]},
        **{"pledges_broken": 2, "commitments_failed": 0, "calls": 1, "calls_honoured": 0, "calls_abandoned": 0},
        # the allies 1 and 3 are both attacked by 0: each is called
        **{"arms_spending": 0.4, "income": 6.0, "land_lost": 0.75 * (first + second + fourth)},
    }
    expected["calls"] = 2
    assert set(expected) == set(layout.TALLY)
    tally = w.worlds[0]
    assert {name: float(tally[name]) for name in layout.TALLY} == pytest.approx(expected)


def test_the_fallen_count_on_the_turn_on_which_they_fall_and_no_more() -> None:
    w = worlds(
        3, war__base_defense=0.0, war__conquest=1.0, war__collapse=0.5, technology__distinguishability=1.0,
        states__offense={"state_0": 1.0, "default": 0.0}, horizon=3,
    )  # fmt: skip
    play(w, s0=attack(1))
    assert (w.worlds["pair_turns"][0], w.worlds["s_state_turns"][0], w.worlds["conquests"][0]) == (6, 3, 0)
    play(w, s1={"offense": "full", **attack(0)}, s0=attack(1))
    tally = w.worlds[0]
    assert (tally["pair_turns"], tally["ss_pair_turns"], tally["s_state_turns"]) == (8, 8, 5)
    assert (tally["illegal"], tally["attacks"], tally["fallen"]) == (3, 1, 1)
    assert tally["s_security"] == pytest.approx(2 + 2)
    assert tally["income"] == pytest.approx(2 + 1 + 2 + 1)  # state_0 holds two homelands from the first turn on
    play(w)
    assert (tally["s_states"], tally["s_homeland"]) == (3, 2.0)


def test_a_chain_of_fights_is_one_war_wherever_it_is_entered() -> None:
    chain = worlds(5, war__conquest=0.0)
    play(chain, s4=attack(2), s2=attack(0), s0=attack(3))
    assert (chain.worlds["wars"][0], chain.worlds["tragic_wars"][0]) == (1, 1)
    play(chain, s4=attack(1))  # state_4 fights on: no new war
    assert chain.worlds["wars"][0] == 1
    play(chain, s1=attack(0), s2=attack(3))  # state_1 was in that war; the other one is new
    assert chain.worlds["wars"][0] == 2
    apart = worlds(5, war__conquest=0.0, states__greed={"state_0": 1.0, "default": 0.0})
    play(apart, s4=attack(3), s2=attack(0))
    assert (apart.worlds["wars"][0], apart.worlds["tragic_wars"][0]) == (2, 1)
    crossed = worlds(5, war__conquest=0.0)
    play(crossed, s2=attack(0), s3=attack(1))
    assert (crossed.worlds["wars"][0], crossed.worlds["tragic_wars"][0]) == (2, 2)


# --- the turn -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("start", "bound"), [(999.0, 1e3), (0.001001, 1e-3)])
def test_technology_drifts_within_bounds(start: float, bound: float) -> None:
    w = worlds(num_worlds=12, technology__drift=1.0)
    w.worlds["offense_advantage"] = start
    play(w)
    reached = w.worlds["offense_advantage"]
    assert reached.min() >= 1e-3 and reached.max() <= 1e3
    at = reached == bound
    assert 0 < at.sum() < 12
    assert (reached[~at] != start).all()


def test_a_world_goes_on_by_a_draw_of_its_own_on_each_turn() -> None:
    w = worlds(num_worlds=16, continuation=0.7)
    play(w)
    first = w.terminations.copy()
    assert 0 < first.sum() < 16
    play(w)
    assert (w.terminations != first).any()


def test_the_last_one_standing_ends_the_game() -> None:
    w = worlds(
        war__base_defense=0.0, war__conquest=1.0, war__collapse=0.5, technology__distinguishability=1.0,
        states__offense={"state_0": 0.0, "state_1": 1.0},
    )  # fmt: skip
    play(w)
    assert not w.terminations[0]
    play(w, s1=attack(0))
    assert w.terminations[0]
    assert (w.worlds["s_states"][0], w.worlds["s_homeland"][0]) == (2, 1.0)


def test_a_world_that_begins_anew_leaves_its_end_behind() -> None:
    """With autoreset the end of an episode is kept apart, and the next one begins as a reset would begin it."""
    scenario = quiet(3, horizon=2, states__offense=[0.0, 2.0], perception__beliefs=True, war__conquest=[0.1, 0.4])
    lone = Worlds(scenario, 3, seed=5)
    anew = Worlds(scenario, 3, seed=5, autoreset=True)
    rng = np.random.default_rng(1)
    for turn in (1, 2):
        actions = random_actions(rng, lone)
        lone.step(actions)
        anew.step(actions)
        assert anew.truncations.all() == lone.truncations.all() == (turn == 2)
    assert np.array_equal(anew.final_observations, lone.observations)
    assert np.array_equal(anew.final_masks, lone.masks)
    for name in layout.TALLY:
        assert np.array_equal(anew.final_tallies[name], lone.worlds[name]), name
        assert not anew.worlds[name].any()
    lone.reset()
    assert np.array_equal(anew.observations, lone.observations)
    assert np.array_equal(anew.masks, lone.masks)
    assert anew.worlds["episode"].tolist() == [1, 1, 1]
    for _ in range(2):
        anew.step(actions)
    assert anew.worlds["episode"].tolist() == [2, 2, 2]


def test_beliefs_that_nobody_tracks_stay_as_they_were() -> None:
    w = worlds(motives__p_greedy=0.3, signals__audience_cost=0.3)
    play(w, s0={"signal": "threaten", **attack(1)}, s1={"signal": "reassure"})
    assert w.pairs["belief"][0].tolist() == [[1.0, 0.7], [0.7, 1.0]]
    assert (w.pairs["evidence"][0] == 1.0).all()


def test_without_drift_technology_stays_to_the_last_bit() -> None:
    w = worlds(technology__offense_advantage=1.3)
    for _ in range(3):
        play(w)
    assert w.worlds["offense_advantage"][0] == w.worlds["perceived_offense_advantage"][0] == 1.3


def test_what_is_believed_of_technology_follows_it_where_no_belief_is_fixed() -> None:
    w = worlds(num_worlds=4, technology__drift=0.3)
    start = w.worlds["offense_advantage"].copy()
    play(w)
    assert (w.worlds["offense_advantage"] != start).all()
    assert np.array_equal(w.worlds["offense_advantage"], w.worlds["perceived_offense_advantage"])


# --- choices --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("choice", [-32, -1, 3, 4, 8, 31, 32, 64, 2**40])
def test_below_the_worlds_what_is_no_choice_is_the_noop_and_counted(
    choice: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    w = worlds(3)
    monkeypatch.setattr(w._choices, "of", lambda given: given)  # it refuses all but 3, a choice of the stance
    actions = np.array([layout.noop(3)] * 3)
    for head in range(3):
        w.reset(seed=0)
        tried = actions.copy()
        tried[1, head] = choice
        w.step(tried[None])
        assert w.states["illegal"][0].tolist() == [0, 1, 0]
        state = w.states[0][1]
        assert (state["build_offense"], state["build_defense"], state["signal"]) == (0, 0, 0)
    if choice != Stance.ATTACK:
        tried = actions.copy()
        tried[1, 4] = choice
        w.step(tried[None])
        assert w.states["illegal"][0].tolist() == [0, 1, 0]
        assert w.pairs["stance"][0, 1].tolist() == [Stance.NEUTRAL] * 3


def test_bits_are_counted_and_told() -> None:
    for k in range(16):
        assert members(1 << k) == 1
        assert members((1 << k) - 1) == k
        assert members(0xFFFF & ~(1 << k)) == 15
    assert [members(mask) for mask in (0b1010101010101010, 0b0110011001100110, 0b1111000011110001)] == [8, 8, 9]
    assert [members(mask) for mask in (1 << 62, (1 << 63) - 1, 0x0F0F << 40)] == [1, 63, 8]
    bits = 0b100101
    assert [bool(allows(bits, choice)) for choice in range(-1, 7)] == [
        False,
        True,
        False,
        True,
        False,
        False,
        True,
        False,
    ]
    assert allows(1 << 31, 31) and not allows(1, 32) and not allows(1 << 31, -1)


def test_draws_are_in_the_unit_interval() -> None:
    draws = [uniform(np.uint64(7), np.uint64(slot)) for slot in range(400)]
    assert 0.0 <= min(draws) < 0.02 and 0.98 < max(draws) < 1.0
