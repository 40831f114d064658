"""Thresholds before any training: the played duel against formulas, hand-made recursions and planted cases."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from agents.cli import main
from agents.evaluation.duel import Duel, settled
from agents.evaluation.threshold import effective_turns, success_probabilities, trust_threshold
from agents.evaluation.thresholds import ROWS, thresholds
from agents.publish import thresholds as publishing
from sd_env.scenario import Scenario, ScenarioError, scenarios

JERVIS = ("doubly-dangerous", "intense", "not-intense", "doubly-safe")
#: emergence.md's regime in which a spiral unfolds; its H_eff is 50, the sum without an end.
REGIME = {
    "continuation": 0.98, "horizon": 1000, "states.defense": 0.25, "war.base_defense": 2.0, "war.first_strike": 1.0,
    "war.attacker_cost": 1.0, "war.defender_cost": 0.5, "war.mobilization_required": False, "motives.greed": 0.2,
    "motives.p_greedy": 0.5, "technology.offense_advantage": 1.2,
}  # fmt: skip


@pytest.mark.parametrize("world", JERVIS)
def test_a_war_of_one_turn_has_the_threshold_of_the_formula(world: str) -> None:
    """Land lost once is lost for H_eff turns, so that the played game and model.md's m agree to rounding."""
    game = Scenario.load(f"jervis/{world}")
    for arms in (0.5, 1.75, 4.0):
        formula = trust_threshold(game, arms / 2, arms / 2, effective_turns(32))
        assert Duel(game).at(arms).m() == pytest.approx(formula, abs=1e-9)


def test_the_formula_holds_for_drawn_parameters() -> None:
    draw = np.random.default_rng(3)
    for _ in range(10):
        keys = {
            "technology.offense_advantage": draw.uniform(0.5, 2.0), "war.first_strike": draw.uniform(0.2, 1.5),
            "technology.distinguishability": draw.uniform(0.0, 0.9), "war.base_defense": draw.uniform(0.05, 2.0),
            "war.conquest": draw.uniform(0.1, 0.5), "war.attacker_cost": draw.uniform(0.1, 1.5),
            "continuation": draw.uniform(0.9, 1.0), "states.offense": draw.uniform(0.1, 2.0),
        }  # fmt: skip
        game = Scenario.load("jervis/doubly-dangerous", {k: float(v) for k, v in keys.items()} | {"states.defense": 1})
        turns = effective_turns(32, float(keys["continuation"]))
        formula = trust_threshold(game, float(keys["states.offense"]), 1.0, turns)
        assert Duel(game).m() == pytest.approx(formula, abs=1e-9)


def test_the_regime_of_the_spiral_has_its_published_thresholds() -> None:
    """emergence.md section 5: m is -.5, .47, .75, .81, .83 at x = 1/4, 1/2, 1, 3/2, 2."""
    duel = Duel(Scenario.load("jervis/doubly-dangerous", REGIME))
    found = [duel.at(x).m() for x in (0.25, 0.5, 1.0, 1.5, 2.0)]
    assert found[0] == pytest.approx(-0.5, abs=0.05)  # given with one digit
    assert found[1:] == pytest.approx([0.47, 0.75, 0.81, 0.83], abs=0.01)
    assert duel.trust == 0.5
    held = {"states.trust": {"state_0": 0.9, "state_1": 0.2}, "states.greed": {"state_1": 0.0}}
    assert Duel(Scenario.load("jervis/doubly-dangerous", REGIME | held)).trust == 0.2  # whatever it is
    x = duel.arms_of_war()  # between .47 at 1/2 and .75 at 1
    assert 0.5 < x < 0.6
    assert duel.at(x * 0.99).m() < 0.5 < duel.at(x * 1.01).m()


def by_hand(game: Scenario, arms: float, lasts: int) -> float:
    """m~ of a war without attrition, land turn by turn: struck first with p_f, and with p_s on every turn after."""
    first, both = success_probabilities(game, 0.0, arms)
    cost, defends, tau = 1.0, 0.5, 0.25

    def worth(successes: list[float]) -> float:
        homeland, sum_ = 1.0, 0.0
        for turn in range(32):
            homeland *= 1.0 - tau * successes[turn] if turn < len(successes) else 1.0
            sum_ += homeland
        return sum_

    peace = 32.0
    alone = worth([0.0] + [both] * (lasts - 1)) - cost * lasts - defends * (lasts - 1)
    strikes = worth([both] * lasts) - (cost + defends) * lasts
    struck = worth([first] + [both] * (lasts - 1)) - defends * lasts - cost * (lasts - 1)
    return (strikes - struck) / (strikes - struck + peace - alone)


@pytest.mark.parametrize("lasts", [1, 3, 6, 12])
def test_longer_wars_need_more_fear(lasts: int) -> None:
    lossless = {"war.attrition_winner": 0.0, "war.attrition_loser": 0.0, "war.collapse": 0.0}
    game = Scenario.load("jervis/doubly-dangerous", lossless)
    assert Duel(game).m(lasts) == pytest.approx(by_hand(game, 1.75, lasts), abs=1e-9)


def test_fear_is_of_the_other_where_states_differ() -> None:
    """The seeker's threshold counts the rival's force against the seeker's defence, not its own force."""
    arms = {"states.defense": {"state_0": 1.0, "state_1": 3.0}}
    found = {each.who: each for each in thresholds("jervis/doubly-dangerous", arms, lag=False)}
    assert set(found) == {"state_0 of state_1", "state_1 of state_0"}
    # omega 1.2, phi .5, base .3, on state_0: p_f = 5.4^2 / (5.4^2 + 1.3^2), p_s = 3.6^2 / (3.6^2 + (1.3 + 1.2)^2)
    first, both = 5.4**2 / (5.4**2 + 1.3**2), 3.6**2 / (3.6**2 + 2.5**2)
    assert found["state_0 of state_1"].m[1] == pytest.approx(1 - 1 / (0.25 * (first - both) * 32))
    assert found["state_0 of state_1"].arms_of_war != found["state_0 of state_1"].arms_of_war  # NaN: no like states


def test_bounds_by_formula() -> None:
    """omega 1.2, phi .5, base .3, shields 1.75: .3 / .8; (1 + .3 / 1.75) / 1.8; no bound where omega (1 + phi) < 1."""
    (dangerous,) = thresholds("jervis/doubly-dangerous", lag=False)
    assert dangerous.complements_below == pytest.approx(0.375)
    assert dangerous.balance == pytest.approx((1 + 0.3 / 1.75) / 1.8)
    (safe,) = thresholds("jervis/intense", lag=False)
    assert safe.complements_below == math.inf


def test_the_race_turns_where_the_assault_comes_to_be_the_stronger() -> None:
    """Below x_c a shield more of mine is worth the more, the more arms the other has; above it the less."""

    def worth(own: float, other: float) -> float:
        return -((1.8 * other) ** 2) / ((1.8 * other) ** 2 + (0.3 + own) ** 2)

    def answers(x: float, step: float = 1e-3) -> float:
        def marginal(other: float) -> float:
            return worth(x + step, other) - worth(x - step, other)

        return marginal(x + step) - marginal(x - step)

    bound = thresholds("jervis/doubly-dangerous", lag=False)[0].complements_below
    assert answers(bound * 0.9) > 0 > answers(bound * 1.1)


def test_reassurance_is_needed_only_above_trust() -> None:
    (world,) = thresholds("jervis/doubly-dangerous", {"motives.p_greedy": 0.5}, lag=False)
    odds_m, odds_t = world.m[1] / (1 - world.m[1]), 1.0
    assert world.distinguishable_from == pytest.approx((odds_m - odds_t) / (odds_m + odds_t))
    assert thresholds("jervis/doubly-dangerous", lag=False)[0].distinguishable_from == 0.0


def test_warning_is_worth_what_the_technology_makes_of_it() -> None:
    """Where defence leads and shows, a late answer is in time; where offence leads, none is; who is safe needs none."""
    assert Duel(Scenario.load("jervis/doubly-safe")).warning_lag() >= 2
    assert Duel(Scenario.load("jervis/doubly-dangerous")).warning_lag() == -1
    assert Duel(Scenario.load("jervis/doubly-safe", {"war.base_defense": 900.0})).warning_lag() == math.inf
    assert math.isnan(Duel(Scenario.load("jervis/doubly-safe", {"motives.greed": 0.0})).warning_lag())


def test_games_without_attacks_have_no_thresholds() -> None:
    (found,) = thresholds("jervis/intense", {"actions.stance": ["neutral", "mobilize"]})
    assert [row.name for row in ROWS if not math.isnan(row.number(found))] == ["t", "H_eff"]


def test_ranges_are_taken_at_their_middles() -> None:
    data = settled(Scenario.load("jervis/intense"))
    assert data["states"]["defense"] == 1.75


def test_the_command_prints_and_refuses(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["thresholds", "jervis/intense", "--no-lag"]) == 0
    assert "0.58" in capsys.readouterr().out
    assert main(["thresholds", "jervis/intense", "--no-lag", "--json", "--overrides", "motives.p_greedy=0.5"]) == 0
    assert json.loads(capsys.readouterr().out)["thresholds"][0]["trust"] == 0.5
    assert main(["thresholds", "history/1914-chain-gang", "--no-lag"]) == 0
    assert "germany of russia" in capsys.readouterr().out
    assert main(["thresholds", "jervis/nowhere"]) == 2
    assert main(["thresholds", "jervis/intense", "--overrides", "war.conquest=7"]) == 2
    assert capsys.readouterr().err.count("\n") == 2


def test_bad_scenarios_are_one_sentence() -> None:
    with pytest.raises(ScenarioError, match=r"war\.conquest"):
        thresholds("jervis/intense", {"war.conquest": 7})


@pytest.mark.parametrize("name", ["jervis/doubly-safe", "games/one-shot", "history/naval-race-1906-1913"])
def test_the_catalogue_page_has_the_thresholds_of_its_scenarios(name: str) -> None:
    """Three stand for all: to compute every row takes minutes (the page says how)."""
    data = publishing.published()
    assert list(data) == list(scenarios())
    assert publishing.entry(name) == data[name]


def test_the_table_is_that_of_the_data() -> None:
    text = publishing.PAGE.read_text(encoding="utf-8")
    assert publishing.page(text, publishing.published()) == text
    with pytest.raises(ValueError, match="has no line"):
        publishing.page("# A page without a table", {})
