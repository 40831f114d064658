"""Beliefs about types, deed by deed: docs/model.md section 4.2 by hand, of trust, deeds and the posture of arms."""

from __future__ import annotations

import numpy as np
import pytest

from sd_env import layout
from sd_env.layout import Stance
from sd_env.worlds import Worlds
from tests.beliefs import ARMS_ONLY, belief, posterior, tracked
from tests.table import attack, play, quiet

# --- trust ------------------------------------------------------------------------------------------------------


def test_beliefs_begin_at_the_scenarios_trust() -> None:
    w = Worlds(quiet(3, motives__p_greedy=0.3))
    assert w.pairs["belief"][0] == pytest.approx(np.where(np.eye(3), 1.0, 0.7))


@pytest.mark.parametrize(("mistrust", "seen"), [(0.0, 0.75), (0.5, 0.6), (0.75, 3 / 7), (1.0, 0.0)])
def test_mistrust_takes_its_share_of_the_odds_that_are_seen_and_leaves_the_belief(mistrust: float, seen: float) -> None:
    """Odds of 3 become 1.5, .75 and 0; what Bayes' rule makes of deeds is kept as it is."""
    w = tracked(perception__beliefs=True, perception__mistrust=mistrust)
    assert layout.observed_beliefs(w.observations, 2)[0, 0, 0] == pytest.approx(seen)
    assert belief(w, 0, 1) == 0.75
    sure = tracked(perception__beliefs=True, perception__mistrust=mistrust, states__greed=0.0)
    shown = layout.observed_beliefs(sure.observations, 2)[0, 0, 0]
    assert shown == (
        1.0 if mistrust < 1.0 else 0.0
    )  # what is known for sure moves by no odds but those of the worst case


def test_trust_is_the_middle_of_a_range_whatever_was_drawn() -> None:
    w = Worlds(quiet(2, motives__p_greedy=[0.2, 0.6]), 200, seed=3)
    assert len(np.unique(w.states["greed"] > 0)) == 2
    assert w.pairs["belief"][:, 0, 1] == pytest.approx(0.6)


@pytest.mark.parametrize("deed", ["align", "attack"])
def test_a_greed_that_is_fixed_is_known_and_deeds_do_not_move_it(deed: str) -> None:
    w = tracked(3, states__greed={"state_0": 0.0, "state_1": 2.0}, war__mobilization_required=False)
    for _ in range(3):
        play(w, **{f"s{i}": {"stance": {j: deed for j in range(3) if j != i}} for i in range(3)})
    assert [belief(w, 1, 0), belief(w, 2, 0), belief(w, 0, 1), belief(w, 2, 1)] == [1.0, 1.0, 0.0, 0.0]
    assert belief(w, 0, 2) not in (0.75, 0.0, 1.0)


def test_what_others_hold_a_state_to_be_is_what_the_scenario_says_whatever_it_is() -> None:
    """Deeds move beliefs from there, and types and all else are drawn as without."""
    fixed = {"states__greed": {"state_1": 2.0}, "states__trust": {"state_1": 0.6}}
    w = tracked(3, states__greed=fixed["states__greed"], states__trust=fixed["states__trust"])
    assert (w.states["greed"][:, 1] == 2.0).all()
    assert [belief(w, 0, 1), belief(w, 2, 1), belief(w, 0, 2), belief(w, 1, 0)] == [0.6, 0.6, 0.75, 0.75]
    play(w, s1={"stance": {0: "mobilize"}})
    evidence = (0.08 + 0.02) / (0.18 + 0.10) * 0.60 / 0.52  # mobilizing at one, neutral to the other; attacks not open
    assert belief(w, 2, 1) == pytest.approx(posterior(evidence, 0.6), rel=1e-12)
    drawn, usual = (Worlds(quiet(2, **more), 64, seed=3) for more in ({"states__trust": [0.2, 0.4]}, {}))
    np.testing.assert_array_equal(drawn.states["greed"], usual.states["greed"])
    held = drawn.pairs["belief"][:, 0, 1]
    assert 0.2 <= held.min() < 0.22 and 0.38 < held.max() <= 0.4


@pytest.mark.parametrize(("p_greedy", "greed", "trust"), [(1.0, 1.5, 0.0), (0.0, 1.5, 1.0), (0.5, 0.0, 1.0)])
def test_certainty_at_the_start_is_for_good(p_greedy: float, greed: float, trust: float) -> None:
    """A greed of 0 makes a security seeker, however likely it is."""
    w = tracked(motives__p_greedy=p_greedy, motives__greed=greed)
    for _ in range(4):
        play(w, s1={"stance": {0: "mobilize"}, "offense": "full", "signal": "threaten"})
    assert belief(w, 0, 1) == trust


# --- deeds by hand ----------------------------------------------------------------------------------------------


def test_a_war_deed_by_deed() -> None:
    """The tables of model.md, in odds; silence says nothing, and q = 0 hides what is built."""
    w = tracked()
    first = second = 1.0
    turns: list[tuple[str, float, str, float]] = [
        # of state_0, of state_1: its stance and what it is worth
        ("neutral", 0.60 / 0.52, "mobilize", (0.08 + 0.02) / (0.18 + 0.10)),  # an attack is not open yet
        ("neutral", 0.35 / 0.27, "attack", 0.02 / 0.10),  # the one provoked, the other not
        ("mobilize", (0.40 + 0.15) / (0.40 + 0.25), "attack", 0.02 / 0.10),
        ("attack", 0.15 / 0.25, "align", 0.10 / 0.08),
        ("align", 0.30 / 0.20, "mobilize", (0.40 + 0.15) / (0.40 + 0.25)),  # who aligned last gave no cause
    ]
    for mine, worth, yours, costs in turns:
        play(w, s0={"stance": {1: mine}, "offense": "half"}, s1={"stance": {0: yours}, "offense": "full"})
        assert (w.pairs["stance"][0, 0, 1], w.pairs["stance"][0, 1, 0]) == (Stance[mine.upper()], Stance[yours.upper()])
        first, second = first * worth, second * costs
        assert belief(w, 1, 0) == pytest.approx(posterior(first), rel=1e-12)
        assert belief(w, 0, 1) == pytest.approx(posterior(second), rel=1e-12)
    assert belief(w, 0, 0) == belief(w, 1, 1) == 1.0


def test_deeds_toward_third_states_count_alike_and_for_all_observers() -> None:
    w = tracked(4)
    play(w, s1={"stance": {0: "align", 2: "mobilize", 3: "neutral"}})
    odds = 0.30 / 0.20 * 0.10 / 0.28 * 0.60 / 0.52
    assert [belief(w, i, 1) for i in (0, 2, 3)] == pytest.approx([posterior(odds)] * 3, rel=1e-12)
    play(w, s2={"stance": {1: "mobilize"}}, s1={"stance": {2: "attack"}})
    assert belief(w, 0, 1) == pytest.approx(posterior(odds * 0.02 / 0.10 * (0.60 / 0.52) ** 2), rel=1e-12)
    third = (0.60 / 0.52) ** 3  # of the first turn; on the second state_2 mobilizes against one that gave it cause
    assert belief(w, 3, 2) == pytest.approx(posterior(third * 0.55 / 0.65 * (0.60 / 0.52) ** 2), rel=1e-12)


def test_a_call_that_is_open_is_a_cause() -> None:
    w = tracked(3, war__mobilization_required=False)
    play(w, s0={"stance": {1: "align"}}, s1={"stance": {0: "align"}}, s2=attack(1))
    before = float(w.pairs["evidence"][0, 1, 0])
    play(w, s0=attack(2))
    assert w.pairs["call_honoured"][0, 0, 1]
    now = float(w.pairs["evidence"][0, 1, 0])
    assert now / before == pytest.approx(0.15 / 0.25 * 0.60 / 0.52, rel=1e-12)


def test_reassurance_reassures_and_broken_it_betrays() -> None:
    w = tracked()
    play(w, s1={"signal": "reassure", "stance": {0: "mobilize"}})
    # the attack that is not open yet is held back, too: of 0.02 a fifth is left, of 0.10 seven tenths
    odds = 0.30 / 0.20 * (0.08 + 0.02 * 0.2) / (0.18 + 0.10 * 0.7)
    assert belief(w, 0, 1) == pytest.approx(posterior(odds), rel=1e-12)
    play(w)
    odds *= (0.60 + 0.02 * 0.8) / (0.52 + 0.10 * 0.3)
    assert belief(w, 0, 1) == pytest.approx(posterior(odds), rel=1e-12)
    play(w, s1={"signal": "reassure", "stance": {0: "mobilize"}})
    odds *= 0.30 / 0.20 * (0.08 + 0.02 * 0.2) / (0.18 + 0.10 * 0.7)
    play(w, s1=attack(0))
    odds *= 0.02 * 0.2 / (0.10 * 0.7)
    assert w.states["pledge_broken"][0, 1]
    assert belief(w, 0, 1) == pytest.approx(posterior(odds), rel=1e-12)
    play(w, s1=attack(0))  # the pledge is gone
    odds *= 0.02 / 0.10
    assert belief(w, 0, 1) == pytest.approx(posterior(odds), rel=1e-12)


def test_a_pledge_restrains_on_each_of_its_turns_and_no_longer() -> None:
    w = tracked()  # pledges of 3 turns
    held, free = (0.60 + 0.02 * 0.8) / (0.52 + 0.10 * 0.3), 0.60 / 0.52
    odds = 0.30 / 0.20
    for signal, stance in (("reassure", held), ("silence", held), ("silence", held), ("silence", free)):
        play(w, s1={"signal": signal})
        odds *= stance
        assert belief(w, 0, 1) == pytest.approx(posterior(odds), rel=1e-12)


def test_talk_that_costs_nothing_to_break_says_nothing() -> None:
    w = tracked(signals__audience_cost=0.0, war__mobilization_required=False)
    play(w, s0={"signal": "threaten"}, s1={"signal": "reassure", **attack(0)})
    assert belief(w, 1, 0) == pytest.approx(posterior(0.60 / 0.52), rel=1e-12)
    assert belief(w, 0, 1) == pytest.approx(posterior(0.02 / 0.10), rel=1e-12)


def test_signals_count_as_they_were_heard() -> None:
    """Noise 1/4: a seeker is heard to reassure with .75 .3 + .25 .1, a greedy state with .75 .2 + .25 .2."""
    w = tracked(num_worlds=400, perception__signal_noise=0.25, perception__beliefs=True)
    play(w, s1={"signal": "reassure"})
    heard = w.observations[:, 0, layout.OWN_SIZE + layout.Other.HEARD_REASSURE] == 1
    assert 0.6 < heard.mean() < 0.9
    stance = (0.60 + 0.02 * 0.8) / (0.52 + 0.10 * 0.3)
    evidence = w.pairs["evidence"][:, 0, 1]
    assert evidence[heard] == pytest.approx(0.25 / 0.20 * stance, rel=1e-12)
    assert evidence[~heard] == pytest.approx(0.15 / 0.20 * stance, rel=1e-12)


def test_what_the_scenario_rules_out_shows_as_what_stands_in_for_it() -> None:
    w = tracked(actions__signal=["silence", "threaten"], actions__stance=["neutral", "mobilize"])
    play(w, s0={"stance": {1: "mobilize"}})
    # reassurance is silence, alignment neutral, and attack always mobilization
    assert float(w.pairs["evidence"][0, 1, 0]) == pytest.approx(0.90 / 0.80 * 0.10 / 0.28, rel=1e-12)
    assert float(w.pairs["evidence"][0, 0, 1]) == pytest.approx(0.90 / 0.80 * 0.90 / 0.72, rel=1e-12)
    w = tracked(actions__signal=["silence"], actions__stance=["neutral", "attack"], war__mobilization_required=False)
    play(w, s0=attack(1))
    assert float(w.pairs["evidence"][0, 1, 0]) == pytest.approx(0.02 / 0.10, rel=1e-12)
    assert float(w.pairs["evidence"][0, 0, 1]) == pytest.approx(0.98 / 0.90, rel=1e-12)


def test_evidence_has_bounds_from_which_deeds_can_move_it() -> None:
    w = tracked(horizon=100, war__mobilization_required=False)
    for _ in range(40):
        play(w, s0=attack(1), s1={"stance": {0: "align"}})
    assert belief(w, 1, 0) == pytest.approx(posterior(1e-4), rel=1e-9)
    play(w, s1={"stance": {0: "align"}})
    assert belief(w, 1, 0) == pytest.approx(posterior(1e-4 * 0.60 / 0.52), rel=1e-9)
    w = tracked(horizon=300)
    for _ in range(200):
        play(w)
    assert belief(w, 1, 0) == pytest.approx(posterior(1e4), rel=1e-9) and belief(w, 1, 0) < 1


def test_beliefs_about_the_fallen_stay() -> None:
    w = tracked(3, war__mobilization_required=False, war__conquest=1.0, states__offense=50.0, war__decisiveness=8.0)
    play(w, s0=attack(1), s2=attack(1))
    assert not w.states["standing"][0, 1]
    about, held = belief(w, 0, 1), belief(w, 1, 0)
    assert about == pytest.approx(posterior((0.60 / 0.52) ** 2), rel=1e-12)  # it stood when the turn began
    play(w, s0={"stance": {2: "mobilize"}})
    assert belief(w, 0, 1) == about
    # the fallen look on; toward them nobody can do anything that tells
    assert belief(w, 1, 0) == pytest.approx(posterior(held / (1 - held) / 3 * (0.08 / 0.18)), rel=1e-9)


# --- posture ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("q", [0.0, 0.3, 0.8, 0.999])
@pytest.mark.parametrize("trust", [0.1, 0.75])
def test_one_reading_of_a_posture_is_section_sevens(q: float, trust: float) -> None:
    w = tracked(technology__distinguishability=q, motives__p_greedy=1 - trust, **ARMS_ONLY)
    assert belief(w, 0, 1) == pytest.approx(trust)
    for level in ("half", "full", "none", "half"):  # a stock that stands is read once, however long it stands
        play(w, s0={"offense": level}, s1={"defense": level})
        assert belief(w, 0, 1) == pytest.approx(trust * (1 + q) / (1 + q * (2 * trust - 1)), abs=1e-12)
        assert belief(w, 1, 0) == pytest.approx(trust * (1 - q) / (1 - q * (2 * trust - 1)), abs=1e-12)


def test_a_posture_read_for_certain_says_as_much_as_can_be_said() -> None:
    """All defence where arms cannot be mistaken, from one that mobilized unprovoked; and all offence."""
    w = tracked(technology__distinguishability=1.0)
    play(w, s0={"offense": "half"}, s1={"defense": "half", "stance": {0: "mobilize"}})
    assert belief(w, 0, 1) == pytest.approx(posterior((0.08 + 0.02) / (0.18 + 0.10) * 1e4), rel=1e-9)
    assert belief(w, 1, 0) == pytest.approx(posterior(1e-4), rel=1e-9)


def test_arms_that_were_given_or_are_of_both_kinds_alike_say_nothing() -> None:
    w = tracked(technology__distinguishability=1.0, states__offense=5.0, **ARMS_ONLY)
    play(w, s1={"offense": "half", "defense": "half"})
    assert belief(w, 1, 0) == belief(w, 0, 1) == pytest.approx(0.75, abs=1e-12)


def test_a_posture_changes_as_the_stock_does() -> None:
    """Two levels of offence, then one of defence, of arms of which half wear out: 1 : 1, then ½ : 2½."""
    w = tracked(technology__distinguishability=0.6, arming__depreciation=0.5, **ARMS_ONLY)
    for order, share in (({"offense": "full"}, 1), ({"defense": "half"}, 1 / 2), ({"defense": "full"}, 1 / 6)):
        play(w, s1=order)
        looks = 0.6 * share + 0.4 / 2
        assert belief(w, 0, 1) == pytest.approx(posterior((1 - looks) / looks), rel=1e-12)
