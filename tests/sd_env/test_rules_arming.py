"""Convex arming, and guns against butter (model.md, sections 3.1 and 3.5): by hand, in the limit, at their defaults.

In the quiet world a state has an income of 1, arms do not age, and each level builds one arm.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agents.evaluation.threshold import trust_threshold
from sd_env import layout
from sd_env.scenario import Scenario, ScenarioError
from sd_env.worlds import Worlds
from tests.sd_env.test_reductions import payoffs
from tests.table import attack, column, play, random_actions, worlds
from tests.transcripts import EVERYTHING

#: Choices that come to 0 to 4 levels.
LEVELS: list[dict[str, Any]] = [
    {}, {"defense": "half"}, {"offense": "full"}, {"offense": "half", "defense": "full"},
    {"offense": "full", "defense": "full"},
]  # fmt: skip


def bill(convexity: float) -> list[float]:
    """What 0 to 4 levels cost a state, in costs of a level."""
    found = []
    for choice in LEVELS:
        w = worlds(arming__arms_cost=0.1, arming__convexity=convexity)
        found.append(float(1 - play(w, s0=choice)[0]) / 0.1)
        assert float(w.worlds["arms_spending"][0]) == pytest.approx(0.1 * found[-1], abs=1e-12)
        assert (w.states["offense"] + w.states["defense"])[0].tolist() == [len(found) - 1, 0]  # the arms are the same
    return found


# --- convexity ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("convexity", "costs"),
    [
        (0.0, [0, 1, 2, 3, 4]),  # u
        (0.5, [0, 0.75, 2, 3.75, 6]),  # u / 2 + u^2 / 4
        (1.0, [0, 0.5, 2, 4.5, 8]),  # u^2 / 2
    ],
)
def test_levels_of_both_kinds_together_cost_more_the_more_there_are(convexity: float, costs: list[float]) -> None:
    assert bill(convexity) == pytest.approx(costs, abs=1e-9)


def test_building_is_all_or_nothing_where_cost_is_linear_and_not_where_it_is_convex() -> None:
    """A level worth v: v u - u is best at 0 or 4; v u - u^2 / 2 at u = v (the nearest level)."""
    levels = np.arange(5)
    best = {c: [int(np.argmax(v * levels - bill(c))) for v in (0.9, 1.2, 2.2, 3.1)] for c in (0.0, 1.0)}
    assert best == {0.0: [0, 4, 4, 4], 1.0: [1, 1, 2, 3]}


def test_the_threshold_of_trust_is_that_of_frozen_arms_whatever_building_costs() -> None:
    """m from the payoffs of the 2 x 2 game, (P - S) / (R - T + P - S), and by the formula, with the rules and without.

    Who builds nothing pays nothing for it, invests after the payoffs of the only turn, and gives no evidence.
    """
    frozen = {
        "states.offense": 1.0, "states.defense": 0.5, "technology.offense_advantage": 1.5, "war.attacker_cost": 0.05,
        "motives.p_greedy": 0.0, "arming.arms_cost": 0.4,
    }  # fmt: skip
    new = {"arming.convexity": 1.0, "arming.investment_return": 0.2, "perception.buildup_evidence": 3.0}
    found = []
    for settings in ({}, new):
        scenario = Scenario.load("games/one-shot", {**frozen, **settings})
        r, s, t, p = payoffs(scenario)[0][:, 0]
        found += [(p - s) / (r - t + p - s), trust_threshold(scenario, 1.0, 0.5)]
    assert 0 < found[0] < 1
    assert found[0] == found[2] and found[1] == found[3] == pytest.approx(found[0], abs=1e-12)


# --- guns against butter --------------------------------------------------------------------------------------


def test_income_that_arms_leave_makes_the_economy_grow() -> None:
    """Two levels at .1 are .2 of an income of 1, so that .8 of the return of .1 is added to a growth of .05."""
    w = worlds(arming__arms_cost=0.1, arming__investment_return=0.1, states__growth=0.05)
    assert play(w, s1={"offense": "full"}).tolist() == pytest.approx([1.0, 0.8])  # what is earned now grows next turn
    economies = [1.0 + 0.05 + 0.1, 1.0 + 0.05 + 0.1 * 0.8]
    assert w.states["economy"][0].tolist() == pytest.approx(economies, abs=1e-12)
    # economies are public, and so are budgets: state_0 sees what state_1 has spent
    seen = column(w, 0, "economy", 1)
    assert 1 - (seen - 1.0 - 0.05) / 0.1 == pytest.approx(0.2, abs=1e-5)  # observations have 32 bits
    assert play(w, s1={"offense": "full"})[1] == pytest.approx(economies[1] - 0.2)
    economies = [economies[0] * 1.15, economies[1] * (1.05 + 0.1 * (1 - 0.2 / economies[1]))]
    assert w.states["economy"][0].tolist() == pytest.approx(economies, abs=1e-12)


def test_the_income_is_that_of_which_arms_are_built_before_the_war() -> None:
    """Holdings of .5 make incomes of 1.5. State_1 pays .1 and then loses half its land: 1 - .1 / 1.5 all the same."""
    w = worlds(
        arming__arms_cost=0.1, arming__investment_return=0.15, states__holdings=0.5, war__base_defense=0.0,
        states__offense={"state_0": 1.0, "state_1": 0.0}, technology__distinguishability=1.0,
    )  # fmt: skip
    play(w, s0=attack(1), s1={"offense": "half"})
    assert w.states["homeland"][0].tolist() == [1.0, 0.5]  # nothing defends: the assault succeeds for sure
    assert w.states["income"][0].tolist() == [1.5, 1.5]
    assert w.states["economy"][0].tolist() == pytest.approx([1.15, 1 + 0.15 - 0.01], abs=1e-12)


def test_only_arms_are_no_butter() -> None:
    """Signals, mobilization and war cost, too, but are no spending on arms."""
    w = worlds(
        arming__investment_return=0.1, signals__signal_cost=0.2, war__mobilization_cost=0.3, war__attacker_cost=0.4,
        war__conquest=0.0,
    )  # fmt: skip
    rewards = play(w, s0={"signal": "threaten", **attack(1)}, s1={"stance": {0: "mobilize"}})
    assert rewards.tolist() == pytest.approx([0.4, 0.7])
    assert w.states["economy"][0].tolist() == [1.1, 1.1]


def test_who_spends_more_than_its_income_grows_no_less_than_without_investment() -> None:
    w = worlds(arming__arms_cost=2.0, arming__investment_return=0.1, states__growth=0.05)
    play(w, s0={"offense": "full"})  # 4 of an income of 1
    assert w.states["economy"][0].tolist() == pytest.approx([1.05, 1.15])


def test_without_income_nothing_is_invested() -> None:
    """A state without land that has not fallen (war.collapse is 0)."""
    w = worlds(arming__investment_return=0.1, states__homeland={"state_0": 0.0, "state_1": 1.0}, war__collapse=0.0)
    play(w)
    assert w.states["standing"][0].all()
    assert w.states["income"][0].tolist() == [0.0, 1.0]
    assert w.states["economy"][0].tolist() == [1.0, 1.1]


def test_the_fallen_do_not_invest_from_the_turn_of_their_fall_on() -> None:
    w = worlds(
        3, arming__investment_return=0.1, states__growth=0.05, war__conquest=1.0, war__base_defense=0.0,
        states__offense={"state_0": 1.0, "default": 0.0}, technology__distinguishability=1.0,
    )  # fmt: skip
    play(w, s0=attack(1))
    assert w.states["standing"][0].tolist() == [True, False, True]
    assert w.states["economy"][0].tolist() == pytest.approx([1.15, 1.05, 1.15])
    play(w)
    assert w.states["economy"][0].tolist() == pytest.approx([1.15**2, 1.05**2, 1.15**2])


def test_between_all_guns_and_all_butter_growth_is_compound() -> None:
    """In T turns (1 + growth + return)^T without arms, (1 + growth)^T where arms take all: here 4 levels at .25."""
    w = worlds(arming__arms_cost=0.25, arming__investment_return=0.02, arming__capacity_cap=0.0)
    for turn in range(1, 9):
        play(w, s1={"offense": "full", "defense": "full"})
        assert w.states["economy"][0].tolist() == pytest.approx([1.02**turn, 1.0], abs=1e-12)


def test_the_fastest_growth_of_the_longest_game_stays_a_number() -> None:
    """1000 · 1.4^1000 is about 10^149; what others see of it ends at the ceiling."""
    w = worlds(states__economy=1000.0, states__growth=0.2, arming__investment_return=0.2, horizon=1000)
    for _ in range(1000):
        play(w, s1={"offense": "full"})
    assert np.log10(w.states["economy"][0]) == pytest.approx(3 + 1000 * np.log10(1.4), rel=1e-9)
    assert np.isfinite(w.rewards).all() and np.isfinite(w.worlds["s_welfare"]).all() and np.isfinite(w.state()).all()
    assert column(w, 0, "economy", 1) == column(w, 1, "economy") == layout.CEILING


# --- defaults -------------------------------------------------------------------------------------------------


def test_at_the_defaults_costs_and_growth_are_what_they_were_to_the_last_bit() -> None:
    w = Worlds(Scenario.load(EVERYTHING), 64, seed=3)
    rng = np.random.default_rng(3)
    for _ in range(3):
        economy, spent = w.states["economy"].copy(), w.worlds["arms_spending"].copy()
        standing = w.states["standing"].copy()
        w.step(random_actions(rng, w))
        assert (w.states["economy"] == economy * (1.0 + w.states["growth"])).all()
        levels = w.states["build_offense"] + w.states["build_defense"]
        for i in range(w.num_states):
            spent = np.where(standing[:, i], spent + w.params["arms_cost"] * levels[:, i], spent)
        assert (w.worlds["arms_spending"] == spent).all()
    assert (w.params["convexity"] == 0).all() and (w.params["investment_return"] == 0).all()


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("arming.convexity", 1.5, "0 to 1"),
        ("arming.investment_return", 0.3, "0 to 0.2"),
        ("perception.buildup_evidence", -1, "0 to 100"),
    ],
)
def test_numbers_out_of_range_are_refused_in_a_sentence(key: str, value: float, allowed: str) -> None:
    low, high = allowed.split(" to ")
    with pytest.raises(ScenarioError) as refused:
        Scenario.load({}, {key: value})
    text = str(refused.value)
    assert key in text and str(value) in text and low in text and high in text
