"""Deeds by type: they are the game's own tallies where it has them, and words follow from them alone."""

from __future__ import annotations

import math

import numpy as np
import pytest

from agents.evaluation.certify import GREEDY, SEEKERS
from agents.evaluation.deeds import Deeds, returns_of_types
from agents.policies.protocol import RandomPolicy
from agents.policies.registry import make
from agents.publish.zoo_words import sentences
from agents.table.play import play
from sd_env.scenario import Scenario

STILL = {"offense": 0.0, "defense": 0.0, "reassurances": 0.0, "threats": 0.0, "mobilizations": 0.0, "attacks": 0.0}
PEACE = STILL | {"allied": 0.0, "attacks_on_seekers": 0.0, "attacks_on_greedy": 0.0}


@pytest.mark.parametrize("name", ["jervis/doubly-dangerous", "jervis/multipolar", "history/1914-chain-gang"])
def test_deeds_are_the_tallies(name: str) -> None:
    deeds = Deeds()
    scenario = Scenario.load(name, {"continuation": 0.95})
    frame = play(scenario, RandomPolicy(), worlds=48, seed=3, episodes=2, recorder=deeds)
    total = frame.select_dtypes("number").sum()
    found = deeds.rates()
    seekers = found[SEEKERS]
    for rate, above, below in (
        ("offense", "s_offense", "s_state_turns"), ("defense", "s_defense", "s_state_turns"),
        ("reassurances", "s_reassurances", "s_state_turns"), ("threats", "s_threats", "s_state_turns"),
        ("attacks", "s_attacks", "s_pair_turns"), ("attacks_on_seekers", "ss_attacks", "ss_pair_turns"),
    ):  # fmt: skip
        assert seekers[rate] == pytest.approx(total[above] / total[below], rel=1e-12), rate
    if GREEDY in found:
        assert found[GREEDY]["attacks"] == pytest.approx(total["g_attacks"] / total["g_pair_turns"], rel=1e-12)
        pairs = total["s_pair_turns"], total["g_pair_turns"]
        for rate, tally, factor in (("mobilizations", "mobilizations", 1), ("allied", "alliances", 2)):
            both = seekers[rate] * pairs[0] + found[GREEDY][rate] * pairs[1]
            assert both == pytest.approx(factor * total[tally], rel=1e-12), rate
    returns = returns_of_types(frame)
    assert returns[SEEKERS]["mean"] == pytest.approx(total["s_welfare"] / total["s_states"], rel=1e-12)
    assert returns[SEEKERS]["states"] == total["s_states"]


def test_a_type_that_meets_nobody_of_a_type_attacks_none_of_it() -> None:
    deeds = Deeds()
    frame = play(Scenario.load("games/repeated-pd"), make("hawk"), worlds=4, seed=1, recorder=deeds)
    [(kind, rates)] = deeds.rates().items()
    other = "attacks_on_greedy" if kind == SEEKERS else "attacks_on_seekers"
    assert math.isnan(rates[other]) and rates["attacks"] > 0
    assert set(returns_of_types(frame)) == {kind}


def test_the_error_of_a_return_is_that_of_worlds() -> None:
    """Against groups of worlds, of which the means spread as the error says."""
    scenario = Scenario.load("jervis/doubly-dangerous")
    frame = play(scenario, RandomPolicy(), worlds=4096, seed=3)
    whole = returns_of_types(frame)
    groups = [returns_of_types(frame.iloc[k::64]) for k in range(64)]
    for kind in (SEEKERS, GREEDY):
        spread = np.std([group[kind]["mean"] for group in groups], ddof=1) / 8
        assert whole[kind]["error"] == pytest.approx(spread, rel=0.35)  # four standard errors of a spread of 64
    assert math.isnan(returns_of_types(frame.iloc[:1])[SEEKERS]["error"])


# --- words ----------------------------------------------------------------------------------------------------


def told(**rates: float | None) -> str:
    return " ".join(sentences({SEEKERS: PEACE | rates}))


def test_words_are_of_the_rates() -> None:
    assert told() == (
        "Security seekers hold hardly any arms (0.00 of defence and 0.00 of offence a turn). They never mobilize, and "
        "never attack. They never reassure, and never threaten. They never stand in an alliance."
    )
    assert "few arms, most of them shields (0.30 of defence and 0.10 of offence a turn)" in told(
        defense=0.3, offense=0.1
    )
    assert "very many arms, nearly all of them swords (0.10 of defence and 9.00 of offence" in told(
        defense=0.1, offense=9.0
    )
    for rate, words in (
        (0.0001, "hardly ever threaten (less than 0.1% of turns)"), (0.05, "seldom threaten (5.0% of turns)"),
        (0.2, "at times threaten (20.0% of turns)"), (0.5, "often threaten (50.0% of turns)"),
        (0.9, "mostly threaten (90.0% of turns)"), (1.0, "nearly always threaten (more than 99.9% of turns)"),
    ):  # fmt: skip
        assert words in told(threats=rate)


def test_whom_they_attack_is_told_where_there_is_a_choice() -> None:
    both = told(attacks=0.1, attacks_on_seekers=0.0, attacks_on_greedy=0.2)
    assert "and never attack security seekers and at times attack greedy states (20.0% of turns)." in both
    alike = told(attacks=0.15, attacks_on_seekers=0.12, attacks_on_greedy=0.2)
    assert "and at times attack (15.0% of turns), whoever it is." in alike
    alone = told(attacks=0.2, attacks_on_seekers=0.2, attacks_on_greedy=None)
    assert "and at times attack (20.0% of turns)." in alone


def test_each_type_that_occurs_has_its_sentences() -> None:
    found = sentences({GREEDY: PEACE, SEEKERS: PEACE})
    assert [line.split(" hold ")[0] for line in found if " hold " in line] == ["Security seekers", "Greedy states"]
    assert sentences({GREEDY: PEACE}) == [line.replace("Security seekers", "Greedy states") for line in found[:4]]
