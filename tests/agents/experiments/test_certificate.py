"""Certificates of experiments: whoever is beaten is found, under what binds, and what rests on it is marked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agents.evaluation.certify import BATTERY, BEATEN, CERTIFIED, GREEDY, SEEKERS, search, units_against
from agents.evaluation.predictions import SUPPORTED, judge
from agents.evaluation.statistics import estimate
from agents.experiments import Experiment
from agents.experiments.certificate import held, marked, told
from agents.experiments.run import run
from agents.experiments.work import smoke_sized
from agents.strategies.deviators import BuildThenStrike
from agents.table.deviation import seated
from agents.table.play import play
from agents.training.response import learn_response
from agents.training.searcher import scratch
from agents.training.types_drawn import apart
from sd_env.scenario import Scenario
from tests.experiment_made_up import made

NOT_INTENSE = Scenario.load("jervis/not-intense")
REST = BuildThenStrike(0, 0)


def row(**changes: Any) -> dict[str, Any]:
    usual = {
        "policies": "abc", "cells": [{"axis": "0"}], "state": "state_0", "type": SEEKERS, "own": 10.0, "gain": 0.0,
        "low": 0.0, "high": 0.01, "response": "", "searches": 1, "failed": 0, "verdict": CERTIFIED,
    }  # fmt: skip
    return usual | changes


def against(cast: list[Any], seat: int, **binding: Any) -> dict[str, dict[str, Any]]:
    """What the battery finds from a seat, by type."""
    units = units_against(cast, NOT_INTENSE, group="", name="", searches=[], worlds=2048, **binding)
    [unit] = [unit for unit in units if unit.arguments["seat"] == seat]
    assert unit.arguments["start"] == BATTERY
    return {each["type"]: each for each in search(**unit.arguments)}


def test_each_seat_is_held_against_those_who_sit_in_the_others() -> None:
    # who faces one that never fights gains by open swords (emergence.md, section 1); who faces the hawk gains nothing
    # like it, though both are greedy
    hawk = BuildThenStrike(4, 10_000)
    found = {seat: against([hawk, REST], seat)[GREEDY] for seat in (0, 1)}
    alone = against([REST, REST], 0)[GREEDY]
    assert alone["gain"] / alone["own"] > 0.3
    for seat, each in found.items():  # measured in games in which its state is greedy, half of the worlds
        greedy = apart(NOT_INTENSE, NOT_INTENSE.agents[seat])[1]
        own = play(greedy, [hawk, REST], worlds=1024, seed=6_000_001)
        assert each["own"] == pytest.approx(own[f"return_{seat}"].mean())
    assert found[1]["own"] < alone["own"]


def test_who_is_bound_gains_nothing_by_what_it_may_not_do() -> None:
    bound = {agent: {"stance": "neutral", "build_offense": "none"} for agent in NOT_INTENSE.agents}
    found = against([REST, REST], 0, interventions=bound)
    assert all(each["gain"] <= 1e-9 for each in found.values())
    units = list(units_against([REST, REST], NOT_INTENSE, group="", name="", searches=[], interventions=bound))
    assert [unit.arguments["seat"] for unit in units] == [0, 1]  # what binds may tell them apart


def test_a_response_is_learned_against_the_others_as_they_are_and_bound() -> None:
    cast = [REST, BuildThenStrike(2, 10_000)]
    asked: dict[str, Any] = {"seed": 3, "steps": 2048, "worlds": 16, "config": scratch("FastPPO")}

    def learned(players: Any, **binding: Any) -> float:
        network = learn_response(NOT_INTENSE, players, 0, **asked, **binding).network
        return float(sum(weights.detach().sum() for weights in network.parameters()))

    same = [learned(players) for players in (cast[1], cast)]
    bound = learned(cast, interventions={"state_1": {"stance": "neutral"}})
    assert same[0] == same[1] and len({same[0], learned([REST, REST]), bound}) == 3
    assert seated(NOT_INTENSE, REST) == [REST, REST]


def experiment(**changes: Any) -> Experiment:
    """One with a prediction of its two cells, of greed 0 and .6."""
    wanted = {"claim": "claim", "measure": "outcome/attacks", "expect": "rises", "along": "motives.p_greedy"}
    data = {"grid": {"motives.p_greedy": [0.0, 0.6]}, "predictions": [wanted], "picture": PICTURE}
    return Experiment.model_validate(made(**data | changes))


PICTURE = {"x": "motives.p_greedy", "measures": ["outcome/attacks"]}
NONE, SOME = {"motives.p_greedy": "0"}, {"motives.p_greedy": "0.6"}
BEAT = {"type": GREEDY, "verdict": BEATEN, "gain": 0.3, "response": "strikes first"}


def test_what_rests_on_policies_that_are_beaten_is_marked() -> None:
    [claim] = [judge("claim", "measure", estimate([1.0, 1.1, 0.9]), (0.0, None))]
    stands = [row(cells=[NONE, SOME]), row(cells=[NONE, SOME], type=GREEDY)]
    beaten = [row(cells=[SOME]), row(cells=[SOME], **BEAT), row(policies="other", cells=[NONE])]
    both = experiment()
    assert marked(both, [claim], stands) == [claim] and told(stands) == "1 of 1 policies certified"
    [found] = marked(both, [claim], beaten)
    assert found.word == "uncertified" and found.verdict == SUPPORTED
    assert found.status.endswith("1 of 2 policies certified; state_0, greedy states, gains +30.0% (strikes first)")
    [untried] = marked(both, [claim], None)
    assert untried.status == "uncertified: nothing was tried against these policies"
    withdrawn = claim.model_copy(update={"status": "withdrawn: wrong"})
    assert marked(both, [withdrawn], beaten) == [withdrawn]


@pytest.mark.parametrize(
    ("wanted", "stands"),
    [
        ({"of": NONE}, True),
        ({"of": SOME}, False),
        ({"of": NONE, "against": SOME}, False),
        ({"of": {}, "where": NONE}, True),
        ({"of": {}, "where": SOME}, False),
        ({"of": {}}, False),
        ({"of": NONE, "less": {"of": NONE}}, True),
        ({"of": NONE, "less": {"of": NONE, "against": SOME}}, False),
    ],
)
def test_a_prediction_rests_on_those_who_play_where_it_speaks_of(wanted: dict[str, Any], stands: bool) -> None:
    claim = judge("claim", "measure", estimate([1.0, 1.1, 0.9]), (0.0, None))
    asked = {"claim": "claim", "measure": "outcome/attacks", "expect": "above", **wanted}
    found = marked(experiment(predictions=[asked]), [claim], [row(cells=[NONE]), row(cells=[SOME], **BEAT)])
    assert (found == [claim]) is stands


def test_of_policies_beside_which_a_generalist_is_put_no_prediction_speaks() -> None:
    claim = judge("claim", "measure", estimate([1.0, 1.1, 0.9]), (0.0, None))
    own = row(policies="own", cells=[NONE], whose="own", **BEAT)
    everywhere = row(cells=[NONE, SOME], whose="generalist")
    for wanted, cell, stands in (({"of": NONE}, NONE, False), ({"of": SOME}, NONE, True)):
        [asked] = [{"claim": "claim", "measure": "outcome/attacks", "expect": "above", **wanted}]
        tried = experiment(predictions=[asked])
        assert marked(tried, [claim], [everywhere, own]) == [claim]
        in_a_cell = [everywhere, row(cells=[cell], whose="generalist", **BEAT), own]
        assert (marked(tried, [claim], in_a_cell) == [claim]) is stands
    assert told([everywhere, own]) == "1 of 1 policies certified"


def test_an_experiment_tries_to_beat_the_policies_of_all_its_seeds(tmp_path: Path) -> None:
    data = made(grid={"motives.p_greedy": [0.0, 0.6]}, seeds=[2, 1], worlds=8, logs=4)
    small = smoke_sized(Experiment.model_validate(data))
    tried = {"scratch": 0, "warm": 1, "steps": 1, "worlds": 64, "searcher": "FastPPO"}
    asked = small.model_copy(update={"training": small.training | {"certificate": tried}})
    result = run(asked, tmp_path, workers=1)
    rows = result.report["certificates"]
    assert [each["cells"] for each in rows] == [[{"motives.p_greedy": p}] for p in ("0", "0.6", "0.6")]
    assert [each["type"] for each in rows] == [SEEKERS, SEEKERS, GREEDY]
    assert all(each["searches"] == 2 and each["seeds"] == [2, 1] for each in rows), "one a seed"
    assert {each.word for each in result.predictions} <= {"uncertified", "supported", "contradicted", "undecided"}
    assert "Seeds 2, 1: " in (tmp_path / "table.txt").read_text()
    assert held([row()], 4) == held(None, 4) == "Seed 4"  # of a report that was made when one seed alone was tried
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "certificates").rglob("*.json")}
    again = run(asked, tmp_path, workers=1)
    assert again.report["certificates"] == rows and before
    assert {path: path.stat().st_mtime_ns for path in before} == before
    learned = {path: path.stat().st_mtime_ns for path in (tmp_path / "policies").rglob("result.json")}
    more = small.model_copy(update={"training": small.training | {"certificate": tried | {"warm": 2}}})
    assert all(each["searches"] == 4 for each in run(more, tmp_path, workers=1).report["certificates"])
    assert learned and {path: path.stat().st_mtime_ns for path in learned} == learned, "searched more, not learned anew"


def test_those_who_learn_beside_a_cast_are_held_against_others_where_they_sit(tmp_path: Path) -> None:
    data = made(
        grid={"motives.p_greedy": [0.0, 0.6], "rival": {"a dove": {}, "a hawk": {"cast.state_1": "hawk"}}},
        cast={"all": "dove"}, learners=["state_0"], seeds=[2, 1], worlds=8, logs=4,
        predictions=[{
            "claim": "The hawk attacks.", "measure": "attacks/state_1", "of": {"rival": "a hawk"},
            "against": {"rival": "a dove"}, "expect": "above",
        }],
        picture={"x": "motives.p_greedy", "lines": "rival", "measures": ["attacks/state_1"]},
    )  # fmt: skip
    small = smoke_sized(Experiment.model_validate(data))
    tried = {"scratch": 0, "warm": 1, "steps": 1, "worlds": 64, "searcher": "FastPPO"}
    result = run(small.model_copy(update={"training": small.training | {"certificate": tried}}), tmp_path, workers=1)
    assert {each["state"] for each in result.report["certificates"]} == {"state_0"}
    assert len({each["policies"] for each in result.report["certificates"]}) == 4, "each cell has policies of its own"
    [hawks] = {row["value"] for _, row in result.frame[result.frame["rival"] == "a dove"].iterrows()
               if row["measure"] == "attacks/state_1"}  # fmt: skip
    assert hawks == 0.0, "a dove attacks nobody, whatever is learned beside it"
    text = " ".join((tmp_path / "table.txt").read_text().split())
    assert "Each cell has a policy of its own for state_0, beside all: dove, state_1:" in text
    assert result.report["policies"] == "one a cell and seed"


def test_a_generalist_is_tried_over_its_range_and_in_each_cell_that_has_policies_of_its_own(tmp_path: Path) -> None:
    data = made(
        grid={"motives.p_greedy": [0.0, 0.6]},
        generalist={"ranges": {"motives.p_greedy": [0.0, 0.6]}, "check": [SOME]},
        seeds=[2, 1], worlds=8, logs=4,
    )  # fmt: skip
    small = smoke_sized(Experiment.model_validate(data))
    tried = {"scratch": 0, "warm": 1, "steps": 1, "worlds": 64, "searcher": "FastPPO"}
    result = run(small.model_copy(update={"training": small.training | {"certificate": tried}}), tmp_path, workers=1)
    found = {(each["whose"], str(each["cells"])) for each in result.report["certificates"]}
    assert found == {("generalist", str([NONE, SOME])), ("generalist", str([SOME])), ("own", str([SOME]))}
