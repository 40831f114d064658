from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import agents
from agents.policies.protocol import Policy
from sd_env.policies import ask
from sd_env.scenario import TEXTS, Scenario, load_scenario, scenarios
from sd_env.worlds import Worlds
from tests import catalogue_table
from tests.catalogue_text import text_of

WORLDS = ("jervis/doubly-dangerous", "jervis/intense", "jervis/not-intense", "jervis/doubly-safe")


def physics(scenario: Scenario) -> str:
    return repr({key: value for key, value in scenario.to_dict().items() if key not in TEXTS})


def declared(data: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in data.items():
        if isinstance(value, dict) and not prefix and key not in TEXTS:
            yield from declared(value, f"{key}.")
        else:
            yield prefix + key


def test_the_catalogue_has_what_the_project_promises() -> None:
    names = scenarios()
    assert names == sorted(names)
    assert {*WORLDS, "jervis/multipolar", "games/one-shot", "games/repeated-pd", "games/stag-hunt"} <= set(names)


@pytest.mark.parametrize("name", scenarios())
def test_entry_is_whole(name: str, tmp_path: Path) -> None:
    scenario = load_scenario(name)
    assert scenario.name == name
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*/[a-z0-9]+(-[a-z0-9]+)*", name)
    assert scenario.title
    assert len(scenario.description) > 100
    assert len(scenario.prediction) > 30
    assert scenario.sources
    assert all(re.search(r"\((18|19|20)\d\d\)", source) for source in scenario.sources), "a source has its year"
    assert scenario.tags[0] == name.partition("/")[0]
    assert len(set(scenario.tags)) == len(scenario.tags)
    assert set(declared(yaml.safe_load(text_of(name)))) <= set(Scenario.dotted_keys())
    path = tmp_path / "copy.yaml"
    scenario.save(path)
    assert Scenario.load(path) == scenario
    assert Scenario.load(path).fingerprint() == scenario.fingerprint()


@pytest.mark.parametrize("name", scenarios())
def test_each_value_that_differs_from_the_default_says_why(name: str) -> None:
    scenario, default = load_scenario(name).to_dict(), Scenario().to_dict()
    text = text_of(name)
    for key in declared(yaml.safe_load(text)):
        group, _, field = key.rpartition(".")
        if key in TEXTS or (scenario[group][field] if group else scenario[key]) == (
            default[group][field] if group else default[key]
        ):
            continue
        line = next(line for line in text.splitlines() if re.match(rf"\s*{field}:", line))
        assert re.search(r" # \S.{5,}", line), f"{name}: {key} differs from the default without a reason"


def test_no_two_entries_are_the_same_world() -> None:
    seen: dict[str, str] = {}
    for name in scenarios():
        assert seen.setdefault(physics(load_scenario(name)), name) == name, "two entries have equal physics"


#: Defaults that a file may write out without a reason: they make plain to see what files share.
SHARED = {
    *("n_states", "horizon", "states.offense", "technology.distinguishability", "arming.arms_cost"),
    *(f"war.{key}" for key in ("first_strike", "decisiveness", "conquest", "spoils", "attacker_cost", "defender_cost")),
    *(f"alliances.{key}" for key in ("alliance_commitment", "call_turns", "abandonment_cost", "rupture_turns")),
}


def test_no_value_repeats_a_default_without_a_reason() -> None:
    default = dict(values(Scenario()))
    for name in (name for name in scenarios() if name.startswith(("jervis/", "theories/", "history/"))):
        scenario, text = dict(values(load_scenario(name))), text_of(name)
        for key in set(declared(yaml.safe_load(text))) - SHARED - set(TEXTS):
            line = next(line for line in text.splitlines() if re.match(rf"\s*{key.rpartition('.')[2]}:", line))
            assert scenario[key] != default[key] or " # " in line, f"{name}: {key} is the default"


def values(scenario: Scenario) -> Iterator[tuple[str, Any]]:
    """Every dotted key with its value."""
    for key, value in scenario.to_dict().items():
        if isinstance(value, dict) and key not in TEXTS:
            yield from ((f"{key}.{field}", item) for field, item in value.items())
        else:
            yield key, value


@pytest.mark.parametrize("name", scenarios())
def test_no_value_is_without_effect(name: str) -> None:
    scenario = load_scenario(name)
    given = set(declared(yaml.safe_load(text_of(name))))
    fixed = scenario.states.greed
    sure = fixed is not None
    if isinstance(fixed, Mapping):
        sure = "default" in fixed or set(scenario.agents) <= set(fixed)
    idle = {
        "motives.greed": sure,
        "motives.p_greedy": sure,
        "motives.amity_rate": scenario.motives.identification == 0 and "align" not in scenario.actions.stance,
        "perception.worst_case": scenario.perception.noise == 0,
        "technology.dual_use": scenario.technology.dual_use is None,
        "war.mobilization_cost": "mobilize" not in scenario.actions.stance,
        "signals.audience_cost": scenario.actions.signal == ("silence",),
        "signals.signal_cost": scenario.actions.signal == ("silence",),
        "signals.pledge_turns": "reassure" not in scenario.actions.signal,
        "signals.commitment_turns": "threaten" not in scenario.actions.signal,
        # two states can be allied, but there is nobody against whom
        **{key: scenario.n_states == 2 for key in Scenario.dotted_keys() if key.startswith("alliances.")},
    }
    idle["alliances.amity"] = False
    assert {key for key, without in idle.items() if without} & given == set()


@pytest.fixture(scope="module")
def strategies() -> list[Policy]:
    return [agents.make(name) for name in ("random", "bayesian-realist", "deterrer", "chain-ganger", "hawk")]


@pytest.mark.parametrize("name", scenarios())
def test_it_can_be_played_at_random_and_by_strategy(name: str, strategies: list[Policy]) -> None:
    for policy in strategies:
        worlds = Worlds(load_scenario(name), num_worlds=2, seed=0)
        policy.reset(0)
        states = worlds.num_states
        for _ in range(6):
            seen, legal = worlds.observations.reshape(2 * states, -1), worlds.masks.reshape(2 * states, -1)
            actions = ask(policy, seen, legal, worlds.heads)
            assert worlds.masks.dtype == np.int8
            worlds.step(actions.reshape(2, states, -1))
            assert np.isfinite(worlds.rewards).all() and np.isfinite(worlds.observations).all()
            assert worlds.worlds["illegal"].sum() == 0


def test_the_page_of_the_catalogue_has_the_table_of_the_files() -> None:
    page = catalogue_table.PAGE.read_text(encoding="utf-8")
    assert catalogue_table.page(page) == page, f"write it anew with: {catalogue_table.COMMAND}"
    named = re.findall(r"^\| `([^`]+)` \|", page.partition("## Thresholds")[0], re.M)
    assert named == scenarios()
    changed = page.replace("Herz's anarchy", "Something else")
    assert catalogue_table.page(changed) == page != changed
    with pytest.raises(ValueError, match="has no line"):
        catalogue_table.page("# A page without a table")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("Jervis, R. (1978). Cooperation under the Security Dilemma.", "Jervis 1978"),
        ("Christensen, T. J. and Snyder, J. (1990). Chain gangs.", "Christensen and Snyder 1990"),
        ("Carlsson, H. and van Damme, E. (1993). Global games.", "Carlsson and van Damme 1993"),
        ("Van Evera, S. (1999). Causes of War (Roots of Conflict).", "Van Evera 1999"),
        ("Buchanan, J. M., Tollison, R. D. and Tullock, G. (1980). Toward a Theory.", "Buchanan and others 1980"),
    ],
)
def test_a_source_in_short(source: str, expected: str) -> None:
    assert catalogue_table.short(source) == expected


def test_the_four_worlds_differ_in_jerviss_two_variables_alone() -> None:
    corners = {}
    rest = set()
    for name in WORLDS:
        scenario = load_scenario(name)
        omega, q = scenario.technology.offense_advantage, scenario.technology.distinguishability
        assert isinstance(omega, float)
        corners[name] = (omega > 1, q)
        same = {"technology.offense_advantage": 1.0, "technology.distinguishability": 0.0}
        rest.add(physics(scenario.with_overrides(same)))
    assert list(corners.values()) == [(True, 0.0), (False, 0.0), (True, 1.0), (False, 1.0)]
    assert len(rest) == 1
    four = load_scenario("jervis/multipolar")
    assert four.n_states == 4


# --- the games are the games that their descriptions say (model.md, section 5) ------------------------------------


def number(value: Any) -> float:
    assert isinstance(value, (int, float))
    return float(value)


def contest(scenario: Scenario) -> tuple[float, float]:
    """Success probability of a strike on one who waits, and of one on a state that strikes too."""
    q = number(scenario.technology.distinguishability)
    offense, defense = number(scenario.states.offense), number(scenario.states.defense)
    attack, defend = offense + (1 - q) * defense, defense + (1 - q) * offense
    omega, phi = number(scenario.technology.offense_advantage), number(scenario.war.first_strike)
    first, second = omega * (1 + phi) * attack, omega * attack
    strength, r = number(scenario.war.base_defense) + defend, number(scenario.war.decisiveness)
    p_f = first**r / (first**r + strength**r)
    p_s = second**r / (second**r + (strength + second) ** r)
    return p_f, p_s


def payoffs(scenario: Scenario, greed: float) -> dict[str, float]:
    """T, R, P, S of one turn."""
    p_f, p_s = contest(scenario)
    tau, spoils = number(scenario.war.conquest), number(scenario.war.spoils)
    attacker, defender = number(scenario.war.attacker_cost), number(scenario.war.defender_cost)
    return {
        "T": 1 - attacker + greed * tau * spoils * p_f,
        "R": 1.0,
        "P": 1 - tau * p_s - attacker - defender + greed * tau * spoils * p_s,
        "S": 1 - tau * p_f - defender,
    }


@pytest.mark.parametrize(
    ("name", "scale", "textbook"),
    [
        ("games/repeated-pd", (0.4, 0.2), {"T": 4, "R": 3, "P": 2, "S": 1}),
        ("games/stag-hunt", (0.6, 0.1), {"R": 4, "T": 3, "P": 2, "S": 0}),
    ],
)
def test_repeated_games_are_affine_to_the_textbook(
    name: str, scale: tuple[float, float], textbook: dict[str, float]
) -> None:
    scenario = load_scenario(name)
    result = payoffs(scenario, number(scenario.states.greed))
    for key, value in textbook.items():
        assert result[key] == pytest.approx(scale[0] + scale[1] * value, abs=1e-12)
    assert scenario.n_states == 2
    assert scenario.horizon == 50
    assert scenario.war.restoration == 1
    assert scenario.war.first_strike == 0, "surprise depends on the last turn, so the game would not repeat"
    description = " ".join(scenario.description.split())
    assert f"{scale[0]} + {scale[1]} v" in description
    for key in "TRPS":
        assert re.search(rf"\b{key} = {result[key]:.1f}\b", description), key
        assert re.search(rf"\b{key} {textbook[key]}\b", description), key


def test_stag_hunt_threshold() -> None:
    scenario = load_scenario("games/stag-hunt")
    result = payoffs(scenario, 0.0)
    threshold = (result["P"] - result["S"]) / (result["R"] - result["T"] + result["P"] - result["S"])
    assert threshold == pytest.approx(2 / 3, abs=1e-12)
    assert "= 2/3." in scenario.description


def test_one_shot_has_a_dilemma_and_says_so() -> None:
    scenario = load_scenario("games/one-shot")
    p_f, p_s = contest(scenario)
    m = 1 - number(scenario.war.attacker_cost) / (number(scenario.war.conquest) * (p_f - p_s))
    assert 0 < m < 1
    assert 1 - number(scenario.motives.p_greedy) > m
    description = " ".join(scenario.description.split())
    for value in (p_f, p_s, m):
        assert f"= {value:.6f}" in description
    greedy, seeker = payoffs(scenario, number(scenario.motives.greed)), payoffs(scenario, 0.0)
    assert greedy["T"] > greedy["R"]
    assert greedy["P"] > greedy["S"], "to attack is dominant for the greedy"
    assert seeker["R"] > seeker["T"]
    assert seeker["P"] > seeker["S"], "security seekers play a stag hunt"
    indifferent = m * seeker["R"] + (1 - m) * seeker["S"] - m * seeker["T"] - (1 - m) * seeker["P"]
    assert indifferent == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("omega", [0.8, 1.0, 1.4, 2.0, 3.0])
def test_one_shot_keeps_its_dilemma_over_the_range_of_technology(omega: float) -> None:
    scenario = load_scenario("games/one-shot", {"technology.offense_advantage": omega})
    p_f, p_s = contest(scenario)
    m = 1 - number(scenario.war.attacker_cost) / (number(scenario.war.conquest) * (p_f - p_s))
    assert 0.15 < m < 0.85, "trust of m - .15 and of m + .15 must both be possible"
