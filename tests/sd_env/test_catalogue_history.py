"""The scenarios of history/ have their numbers from their data, and what they say of peace and trust holds."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from importlib import resources
from typing import Any

import numpy as np
import pytest

from agents.evaluation.threshold import effective_turns, trust_threshold
from sd_env import layout
from sd_env.rules.war import contest
from sd_env.scenario import Scenario, load_scenario
from sd_env.worlds import Worlds
from tests.catalogue_text import plain, says


def data(name: str) -> dict[str, dict[str, float]]:
    """The series of a data file by column, then by its first column."""
    lines = (
        (resources.files("sd_env") / "catalogue" / "history" / "data" / f"{name}.csv").read_text("utf-8").splitlines()
    )
    assert lines[0].startswith("# "), "a data file begins with its source"
    key, *columns = next(csv.reader(lines[1:2]))
    rows = list(csv.DictReader(lines[1:]))
    return {column: {row[key]: float(row[column]) for row in rows} for column in columns}


def start(scenario: Scenario, field: str) -> dict[str, float]:
    column = scenario.bounds().states[0, :, layout.INITIAL_STATE.index(field)]
    return dict(zip(scenario.agents, column.tolist(), strict=True))


def near(values: Iterable[float], digits: int = 3) -> Any:
    return pytest.approx(list(values), abs=0.5 * 10.0**-digits + 1e-12)


def test_1914_is_scaled_from_the_capabilities_of_1913() -> None:
    scenario, series = load_scenario("history/1914-chain-gang"), data("capabilities-1913")
    assert list(scenario.agents) == list(series["cinc"])
    germany = series["cinc"]["germany"]
    assert list(start(scenario, "economy").values()) == near(value / germany for value in series["cinc"].values())
    personnel = series["military_personnel"].values()
    assert list(start(scenario, "defense").values()) == near(value / 500 for value in personnel)
    amity = scenario.bounds().pairs[0, :, :, layout.INITIAL_PAIR.index("amity")]
    ger, auh, rus, fra, uk, srb = range(6)
    ties = {(ger, auh): 0.95, (fra, rus): 0.9, (rus, srb): 0.7, (fra, uk): 0.5}
    expected = np.zeros((6, 6))
    for (i, j), value in ties.items():
        expected[i, j] = expected[j, i] = value
    np.testing.assert_array_equal(amity, expected)


def test_the_naval_race_is_scaled_from_the_count_of_ships() -> None:
    scenario, ships = load_scenario("history/naval-race-1906-1913"), data("dreadnoughts-1906-1913")
    totals = {state: sum(series.values()) for state, series in ships.items()}
    assert totals == {"britain": 26, "germany": 16}
    assert list(start(scenario, "economy").values()) == near(totals[state] / totals["britain"] for state in ships)
    fullest = {s: 20 * plain(scenario.arming.build_rate) * e for s, e in start(scenario, "economy").items()}
    assert fullest == pytest.approx({"britain": max(ships["britain"].values()), "germany": 4.3}, abs=0.05)
    assert scenario.horizon == len(ships["britain"])


def test_the_1930s_are_scaled_from_military_spending() -> None:
    scenario, spent = load_scenario("history/buck-passing-1930s"), data("military-spending-1933-1939")
    economy, growth = start(scenario, "economy"), start(scenario, "growth")
    assert list(scenario.agents) == list(spent)
    assert list(economy.values()) == near(series["1933"] / 1000 for series in spent.values())
    assert list(growth.values()) == near(((s["1938"] / s["1933"]) ** (1 / 20) - 1 for s in spent.values()), 4)
    assert start(scenario, "defense") == economy
    for turn, ratio in ((0, 1.90), (20, 0.375)):
        later = {state: economy[state] * (1 + growth[state]) ** turn for state in economy}
        assert (later["france"] + later["britain"]) / later["germany"] == pytest.approx(ratio, abs=0.005)


@pytest.mark.parametrize("name", ["history/malign-state-1939", "history/security-seeking-twin-1939"])
def test_1939_is_scaled_from_the_military_spending_of_that_year(name: str) -> None:
    scenario, spent = load_scenario(name), data("military-spending-1933-1939")
    assert list(start(scenario, "economy").values()) == near(series["1939"] / 6000 for series in spent.values())
    assert start(scenario, "defense") == start(scenario, "economy")


def test_the_cold_war_is_scaled_from_the_count_of_warheads() -> None:
    scenario, heads = load_scenario("history/cold-war-arms-race-v2"), data("warheads-1950-1990")
    assert list(start(scenario, "offense").values()) == near((heads[s]["1950"] / 1e4 for s in heads), 4)
    yearly = {"usa": (heads["usa"]["1960"] - heads["usa"]["1955"]) / 5}
    yearly["ussr"] = (heads["ussr"]["1980"] - heads["ussr"]["1975"]) / 5
    assert start(scenario, "economy")["ussr"] == pytest.approx(yearly["ussr"] / yearly["usa"], abs=0.0005)
    assert 2e4 * plain(scenario.arming.build_rate) == pytest.approx(yearly["usa"], rel=0.02)
    assert scenario.horizon == 1990 - 1950 + 1


def test_in_the_cold_war_a_seeker_never_has_a_reason_to_strike_whatever_the_arms() -> None:
    scenario = load_scenario("history/cold-war-arms-race-v2")
    turns, war = effective_turns(41), scenario.war
    most = plain(war.conquest) * turns  # p_f - p_s is at most 1
    assert most == pytest.approx(20.5)
    assert most < plain(war.attacker_cost) and all(
        trust_threshold(scenario, arms, 0.0, turns) < 0 for arms in (0.01, 0.1, 1.0, 4.0)
    )
    assert plain(scenario.motives.power_motive) == 0.0
    says(scenario.name, "worth 20.5", ".5 x 41 = 20.5")


def test_in_the_cold_war_greed_is_deterred_at_parity_and_invited_by_a_rival_that_rests() -> None:
    """Both at full effort, as rich as the USA; or one of them, and then the other's arms are those of the terrain."""
    scenario = load_scenario("history/cold-war-arms-race-v2")
    war, arming, greed = scenario.war, scenario.arming, plain(scenario.motives.greed)
    prize = greed * plain(war.conquest) * plain(war.spoils)
    force = plain(scenario.technology.offense_advantage) * (1.0 + plain(war.first_strike))
    assert force == 1.0
    arms, parity, superior = 0.03, [], []
    for turn in range(41):
        arms = (1.0 - plain(arming.depreciation)) * arms + 2.0 * plain(arming.build_rate)
        left, base = 41 - turn, plain(war.base_defense)
        for gains, rival in ((parity, arms), (superior, 0.0)):
            won: float = contest(force * arms, base + rival, plain(war.decisiveness))
            gains.append(prize * left * won - plain(war.attacker_cost))
    assert max(parity) < 0.0 < max(superior)
    needed = [plain(war.attacker_cost) / (prize * left) for left in (41, 31)]
    assert needed == pytest.approx([0.45, 0.59], abs=0.005)
    says(scenario.name, ".45 on the first turn, .59 on the eleventh", "49.2 p > 22")


def test_trust_in_germany_is_none_in_the_control_and_low_in_the_twin() -> None:
    for name, trust, greedy in (("malign-state-1939", 0.0, {1.0}), ("security-seeking-twin-1939", 0.4, {0.0, 1.0})):
        worlds = Worlds(load_scenario(f"history/{name}"), num_worlds=64, seed=0)
        assert worlds.pairs["belief"][:, 1:, 0] == pytest.approx(trust)
        assert (worlds.pairs["belief"][:, :, 1:] == 1.0).all()
        assert set((worlds.states["greed"][:, 0] > 0).astype(float).tolist()) == greedy
        assert (worlds.states["greed"][:, 1:] == 0).all()
