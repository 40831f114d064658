"""The thresholds of trust that the files of theories/ and history/ name are what their formulas give."""

from __future__ import annotations

import math
from typing import Any

import pytest

from agents.evaluation.duel import Duel
from agents.evaluation.threshold import effective_turns, success_probabilities, trust_threshold
from sd_env.rules.war import contest
from sd_env.scenario import Scenario, load_scenario
from tests.catalogue_text import START, TURNS, plain, says, two

OMEGA = "technology.offense_advantage"
BELIEVED = "technology.perceived_offense_advantage"
HISTORY = effective_turns(24)


@pytest.mark.parametrize(
    ("name", "overrides", "arms", "turns", "expected"),
    [
        ("theories/butterfield-fear", {}, 1.75, TURNS, 0.58),
        ("theories/herz-anarchy", {}, 1.75, TURNS, 0.75),
        ("theories/schelling-limited-force", {}, 1.75, TURNS, 0.75),
        ("theories/herz-leviathan", {"war.attacker_cost": 2.0}, 1.75, TURNS, 0.50),  # war and the penalty
        ("theories/jervis-regulators", {OMEGA: 0.5, "technology.distinguishability": 0}, 1.75, TURNS, 0.40),
        ("theories/jervis-regulators", {OMEGA: 2.0, "technology.distinguishability": 0}, 1.75, TURNS, 0.79),
        ("theories/jervis-spiral", {}, 1.75, TURNS, 0.72),
        ("theories/waltz-balancing", {}, 1.75, TURNS, 0.87),
        ("theories/glaser-net-assessment", {}, 1.75, TURNS, 0.75),
        ("theories/kydd-reassurance", {}, 1.75, TURNS, 0.75),
        ("theories/wendt-culture", {}, 1.75, TURNS, 0.75),
        ("theories/wendt-identification", {}, 1.75, TURNS, 0.75),
        ("theories/wendt-worst-case", {}, 1.75, TURNS, 0.53),
        ("theories/mitzen-routine", {}, 1.75, TURNS, 0.75),
        ("theories/snyder-alliances", {}, 1.75, TURNS, 0.86),
        ("theories/fearon-power-shift", {}, 1.75, TURNS, 0.75),
        ("theories/christensen-snyder-chain-gang", {}, 1.75, TURNS, 0.85),
        ("theories/christensen-snyder-chain-gang", {OMEGA: BELIEVED}, 1.75, TURNS, 0.91),
        ("theories/christensen-snyder-buck-passing", {}, 1.75, TURNS, 0.91),
        ("theories/christensen-snyder-buck-passing", {OMEGA: BELIEVED}, 1.75, TURNS, 0.81),
        ("history/1914-chain-gang", {}, 1.718, effective_turns(20), 0.81),
        ("history/1914-chain-gang", {OMEGA: BELIEVED}, 1.718, effective_turns(20), 0.90),
        ("history/naval-race-1906-1913", {OMEGA: 0.4}, 1.6, effective_turns(8), 0.30),  # over the sea
        ("history/buck-passing-1930s", {}, 0.5, HISTORY * 0.452, 0.74),
        ("history/buck-passing-1930s", {OMEGA: BELIEVED}, 0.5, HISTORY * 0.452, 0.29),
        *(
            (f"history/{twin}-1939", overrides, 1.66, HISTORY * 1.316, expected)
            for twin in ("malign-state", "security-seeking-twin")
            for overrides, expected in (({}, 0.92), ({OMEGA: BELIEVED}, 0.84))
        ),
    ],
)
def test_the_threshold_of_trust_is_what_the_file_says(
    name: str, overrides: dict[str, Any], arms: float, turns: float, expected: float
) -> None:
    scenario = load_scenario(name)
    believed = scenario.technology.perceived_offense_advantage
    scenario = scenario.with_overrides({key: believed if item == BELIEVED else item for key, item in overrides.items()})
    assert trust_threshold(scenario, 0.0, arms, turns) == pytest.approx(expected, abs=0.005)
    says(name, two(expected))


def test_thresholds_lie_on_the_sides_of_trust_that_the_files_say() -> None:
    """Trust is 1 - p_greedy; learners from uniform policies tend to war where m exceeds one half."""

    def trust(name: str) -> float:
        return 1.0 - plain(load_scenario(name).motives.p_greedy)

    anarchy = trust_threshold(load_scenario("theories/herz-anarchy"), *START, TURNS)
    assert trust("theories/herz-anarchy") == trust("theories/herz-leviathan") < anarchy
    assert trust("theories/herz-leviathan") > trust_threshold(
        load_scenario("theories/herz-leviathan", {"war.attacker_cost": 2.0}), *START, TURNS
    )
    fear = load_scenario("theories/butterfield-fear")
    assert trust(fear.name) < trust_threshold(fear, *START, TURNS) < seen_threshold(fear, 1.5)
    twin = load_scenario("history/security-seeking-twin-1939")
    for omega in (twin.technology.offense_advantage, twin.technology.perceived_offense_advantage):
        assert trust(twin.name) < trust_threshold(twin.with_overrides({OMEGA: omega}), 0.0, 1.66, HISTORY * 1.316)
    # three rivals, of whom one attacks with half a chance: 1/6 > 1 - m (docs/calibration.md, Four states)
    for name, arms, turns, between in (
        ("theories/christensen-snyder-chain-gang", 1.75, TURNS, False),  # above it in truth as well
        ("history/1914-chain-gang", 1.718, effective_turns(20), True),
        ("theories/christensen-snyder-buck-passing", 1.75, TURNS, True),
    ):
        gang = load_scenario(name)
        believed = gang.with_overrides({OMEGA: gang.technology.perceived_offense_advantage})
        low, high = sorted(trust_threshold(each, 0.0, arms, turns) for each in (gang, believed))
        assert (low < 5 / 6) is between and high > 5 / 6


def seen_threshold(scenario: Scenario, inflation: float) -> float:
    """m of a state with true arms of START whose rival's seem ``inflation`` times as large, half of them offensive."""
    technology, war = scenario.technology, scenario.war
    omega, q = plain(technology.offense_advantage), plain(technology.distinguishability)
    dual, total = 1.0 - q, START[1] * inflation
    offense = total * (1.0 - q) / 2.0  # the visible share of arms that are all defensive
    theirs, mine = offense + dual * (total - offense), dual * START[1]
    holds, r = plain(war.base_defense) + START[1], plain(war.decisiveness)
    first: float = contest(omega * (1.0 + plain(war.first_strike)) * theirs, holds, r)
    both: float = contest(omega * theirs, holds + omega * mine, r)
    return 1.0 - plain(war.attacker_cost) / (plain(war.conquest) * (first - both) * TURNS)


def test_fear_and_the_worst_case_raise_the_threshold_that_is_seen() -> None:
    fear = load_scenario("theories/butterfield-fear")
    assert seen_threshold(fear, 1.0) == pytest.approx(trust_threshold(fear, *START, TURNS), abs=1e-12)
    assert seen_threshold(fear, 1.0 + plain(fear.perception.threat_inflation)) == pytest.approx(0.68, abs=0.005)
    dangerous = load_scenario("jervis/doubly-dangerous")
    assert seen_threshold(dangerous, 1.5) == pytest.approx(0.74, abs=0.005)
    says(fear.name, ".58", ".68", "from .75 to .74 only")
    worst = load_scenario("theories/wendt-worst-case")
    band = math.exp(plain(worst.perception.noise) * 2.0 * plain(worst.perception.worst_case))
    assert band == pytest.approx(1.82, abs=0.005)
    assert seen_threshold(worst, band) == pytest.approx(0.67, abs=0.005)
    says(worst.name, "1.82", ".53", ".67")
    for omega, calm, afraid in ((0.5, 0.40, 0.65), (2.0, 0.79, 0.64)):
        drawn = {OMEGA: omega, "technology.distinguishability": 0.0}
        regulators = load_scenario("theories/jervis-regulators", drawn)
        assert [seen_threshold(regulators, x) for x in (1.0, 2.0)] == pytest.approx([calm, afraid], abs=0.005)
        says(regulators.name, two(calm), two(afraid))


@pytest.mark.parametrize(
    ("name", "amity", "expected"),
    [
        ("theories/wendt-culture", 0.8, 0.38),
        ("theories/wendt-identification", 0.8, 0.18),
        ("theories/wendt-culture", -0.8, 0.75),
    ],
)
def test_friendship_lowers_the_threshold(name: str, amity: float, expected: float) -> None:
    """m = (P - S) / (R - T + P - S), with the friend's losses weighed as one's own."""
    scenario = load_scenario(name)
    weight = plain(scenario.motives.identification) * max(amity, 0.0)
    first, both = success_probabilities(scenario, *START)
    land, war = plain(scenario.war.conquest) * TURNS, scenario.war
    attacker, defender = plain(war.attacker_cost), plain(war.defender_cost)
    temptation = attacker + weight * (land * first + defender)  # R - T
    fear = land * (first - both) - attacker - weight * (land * both + defender)  # P - S
    assert fear / (temptation + fear) == pytest.approx(expected, abs=0.005)
    says(name, two(expected))


def test_a_friendship_that_follows_deeds_lowers_the_threshold_less() -> None:
    friends = load_scenario("theories/wendt-culture")
    assert Duel(friends).m() == pytest.approx(0.64, abs=0.005)
    assert Duel(friends.with_overrides({"alliances.amity": -0.8})).m() == pytest.approx(0.75, abs=0.005)
    assert Duel(friends.with_overrides({"motives.amity_rate": 0.0})).m() == pytest.approx(0.38, abs=0.005)
    says(friends.name, "m = .64 instead of m = .75", "were it to stay at .8, m = .38")
