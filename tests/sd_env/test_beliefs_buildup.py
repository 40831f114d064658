"""Evidence of a build-up (model.md, section 4.2): by hand, at its default, and where arms are frozen.

Nothing can be seen here but arms (``ARMS_ONLY``). A state has an income of 1, and each level builds one arm.
"""

from __future__ import annotations

from math import exp
from typing import Any

import numpy as np
import pytest

from sd_env.worlds import Worlds
from tests.beliefs import ARMS_ONLY, belief, posterior, tracked
from tests.table import attack, play


def armed(n_states: int = 2, weight: float = 0.5, **overrides: Any) -> Worlds:
    return tracked(n_states, perception__buildup_evidence=weight, **{**ARMS_ONLY, **overrides})


def evidence(w: Worlds, i: int, j: int) -> float:
    return float(w.pairs["evidence"][0, i, j])


def test_arms_beyond_replacement_and_an_answer_speak_for_greed() -> None:
    """λ = .5; a quarter of the 2 arms that each begins with wears out in a turn.

    Turn 1: state_0 builds 2, state_1 builds 1. Each replaces .5 and has no rise to answer: .5 · 1.5 and .5 · .5.
    Stocks are then 2 · .75 + 2 = 3.5 (a rise of 1.5), 2 · .75 + 1 = 2.5 (a rise of .5), and 1.5 (no rise).
    Turn 2: state_1 builds 2. It replaces 2.5 / 4 = .625. To state_0, which rose by 1.5, .75 more is an answer, and
    2 - 1.375 = .625 are left. To state_2, which fell, nothing is: 2 - .625 = 1.375. State_0 builds nothing.
    """
    w = armed(3, arming__depreciation=0.25, states__defense=2.0)
    play(w, s0={"offense": "full"}, s1={"defense": "half"})
    assert w.states["rise"][0].tolist() == pytest.approx([1.5, 0.5, -0.5])
    first = exp(-0.5 * 1.5)
    assert [evidence(w, i, 0) for i in (1, 2)] == pytest.approx([first, first], rel=1e-12)
    assert [evidence(w, i, 1) for i in (0, 2)] == pytest.approx([exp(-0.5 * 0.5)] * 2, rel=1e-12)
    assert [evidence(w, i, 2) for i in (0, 1)] == [1.0, 1.0]
    play(w, s1={"offense": "half", "defense": "half"})  # of both kinds alike
    assert evidence(w, 1, 0) == pytest.approx(first, rel=1e-12)
    assert evidence(w, 0, 1) == pytest.approx(exp(-0.5 * (0.5 + 0.625)), rel=1e-12)
    assert evidence(w, 2, 1) == pytest.approx(exp(-0.5 * (0.5 + 1.375)), rel=1e-12)
    assert belief(w, 2, 1) == pytest.approx(posterior(exp(-0.5 * 1.875)), rel=1e-12)


def test_an_answer_is_to_the_last_turn_s_rise_alone() -> None:
    """The judge arms by 2 on turn 1 and rests. Of 2 arms that answer at once 1 is beyond need; a turn later all 2."""
    at_once, late = armed(), armed()
    for w in (at_once, late):
        play(w, s0={"defense": "full"})
    play(at_once, s1={"offense": "full"})
    assert evidence(at_once, 0, 1) == pytest.approx(exp(-0.5 * 1), rel=1e-12)
    play(late)
    play(late, s1={"offense": "full"})
    assert evidence(late, 0, 1) == pytest.approx(exp(-0.5 * 2), rel=1e-12)


def test_what_the_judge_lost_in_battle_is_no_rise() -> None:
    """State_0, of 4 arms, builds 2, attacks state_2 and loses a quarter of 6: a rise of .5, so .25 is an answer."""
    free = {"actions__stance": ["neutral", "mobilize", "attack"], "war__mobilization_required": False}
    settings = {"states__offense": 4.0, "war__attrition_winner": 0.25, "war__attrition_loser": 0.25, **free}
    told, silent = armed(3, **settings), armed(3, weight=0.0, **settings)
    for w in (told, silent):
        play(w, s0={"offense": "full", **attack(2)})
        assert w.states["rise"][0].tolist() == pytest.approx([6 * 0.75 - 4, 0, -1])
        play(w, s1={"defense": "half"})
    ratios = [evidence(told, i, 1) / evidence(silent, i, 1) for i in (0, 2)]
    assert ratios == pytest.approx([exp(-0.5 * (1 - 0.25)), exp(-0.5 * 1)], rel=1e-12)


@pytest.mark.parametrize("trust", [0.3, 0.75])
def test_a_race_that_nobody_began_is_the_posterior_of_two_types(trust: float) -> None:
    """t β / (t β + 1 - t) with β = e^(-λ x T) after T turns of x arms beyond need: here 1 a turn."""
    w = armed(weight=0.7, motives__p_greedy=1 - trust)
    for turn in range(1, 5):
        play(w, s1={"offense": "half"})
        ratio = exp(-0.7 * turn)
        assert belief(w, 0, 1) == pytest.approx(trust * ratio / (trust * ratio + 1 - trust), rel=1e-12)
    assert belief(w, 1, 0) == pytest.approx(trust, abs=1e-12)


def test_replacement_and_answers_by_half_say_nothing() -> None:
    """Half of 2 arms wears out, 1 is built: no rise. Then state_0 adds 1 to its replacement, state_1 half of that."""
    w = armed(weight=100.0, arming__depreciation=0.5, states__defense=2.0)
    for _ in range(3):
        play(w, s0={"offense": "half"}, s1={"defense": "half"})
        assert w.states["rise"][0].tolist() == [0.0, 0.0]
    assert evidence(w, 0, 1) == evidence(w, 1, 0) == 1.0
    w = armed(weight=100.0, states__economy={"state_0": 1.0, "state_1": 0.5})
    play(w, s0={"offense": "half"})
    play(w, s1={"defense": "half"})
    assert evidence(w, 0, 1) == 1.0


@pytest.mark.parametrize("q", [0.0, 0.6])
def test_with_frozen_arms_a_posture_is_read_as_before(q: float) -> None:
    """No arms are built, whatever is paid for: section 7's posterior, on which q* rests, and no other evidence."""
    w = armed(
        weight=100.0, arming__build_rate=0.0, arming__depreciation=0.2, states__defense=1.0,
        technology__distinguishability=q,
    )  # fmt: skip
    for _ in range(3):
        play(w, s0={"offense": "full"}, s1={"defense": "full"})
    assert evidence(w, 0, 1) == evidence(w, 1, 0) == 1.0
    assert belief(w, 0, 1) == pytest.approx(0.75 * (1 + q) / (1 + q * 0.5), abs=1e-12)
    assert belief(w, 1, 0) == pytest.approx(0.75 * (1 - q) / (1 - q * 0.5), abs=1e-12)


def test_by_default_no_quantity_of_arms_is_evidence() -> None:
    w = tracked(**ARMS_ONLY)
    for _ in range(5):
        play(w, s1={"offense": "full", "defense": "full"})
    assert w.params["buildup_evidence"][0] == 0.0
    assert evidence(w, 0, 1) == 1.0 and belief(w, 0, 1) == 0.75


def test_the_greatest_build_up_says_no_more_than_can_be_said() -> None:
    """Forty thousand arms at λ = 100; a deed of good will moves the belief all the same."""
    w = armed(
        weight=100.0, arming__build_rate=100.0, arming__capacity_cap=1000.0, states__economy=100.0,
        actions__stance=["align", "neutral"],
    )  # fmt: skip
    play(w, s1={"offense": "full", "defense": "full", "stance": {0: "align"}})
    assert w.states["offense"][0, 1] + w.states["defense"][0, 1] == 40_000
    assert evidence(w, 0, 1) == 1e-4
    play(w, s1={"stance": {0: "align"}})
    assert evidence(w, 0, 1) == pytest.approx(1e-4 * 0.30 / 0.20, rel=1e-12)


def test_the_fallen_neither_build_nor_are_judged_anew() -> None:
    w = armed(
        3, actions__stance=["neutral", "mobilize", "attack"], war__mobilization_required=False, war__conquest=1.0,
        states__offense={"state_0": 50.0, "default": 0.0}, war__base_defense=0.0,
    )  # fmt: skip
    play(w, s0=attack(1), s1={"offense": "half"})
    assert not w.states["standing"][0, 1]
    about = evidence(w, 0, 1)
    play(w)
    assert evidence(w, 0, 1) == about
    assert w.states["rise"][0].tolist() == [0.0, 0.0, 0.0]
    assert np.isfinite(w.pairs["belief"]).all()
