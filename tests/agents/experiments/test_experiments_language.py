"""The language of experiments: cells, settings, who learns, and a sentence for whatever cannot be run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from agents.experiments import Experiment, ExperimentError, load_experiment
from agents.experiments.work import check, units_of
from tests.experiment_made_up import experiment, made


def test_cells_are_all_combinations_and_settings_go_where_they_belong() -> None:
    asked = experiment(
        grid={
            "words": {
                "none": {"interventions.all.signal": "silence"},
                "cheap": {"signals.audience_cost": 0.0, "scenario": "theories/kydd-reassurance"},
            },
            "training.learner.culture": ["peaceful", "hostile"],
        },
        overrides={"motives.p_greedy": 0.1},
        predictions=[{"claim": "c", "measure": "outcome/wars", "of": {"words": "none"}, "expect": "above"}],
        picture={"x": "words", "measures": ["outcome/wars"]},
    )
    cells = asked.cells()
    assert [cell.labels for cell in cells] == [
        {"words": w, "training.learner.culture": c} for w in ("none", "cheap") for c in ("peaceful", "hostile")
    ]
    none, cheap = cells[1].setup, cells[2].setup
    assert none.interventions == {"all": {"signal": "silence"}} and none.training == {"learner.culture": "hostile"}
    assert none.scenario == "jervis/doubly-dangerous" and none.overrides == {"motives.p_greedy": 0.1}
    assert cheap.scenario == "theories/kydd-reassurance" and cheap.interventions == {}
    assert cheap.overrides == {"motives.p_greedy": 0.1, "signals.audience_cost": 0.0}


def trainings(asked: Experiment) -> list[tuple[int, int]]:
    """(seed, cells that the policies serve) of each training."""
    return [(unit.arguments["seed"], len(unit.arguments["cells"])) for unit in units_of(asked, Path("x"))]


def test_cells_say_who_plays_where_nobody_learns() -> None:
    asked = experiment(
        cast={"all": "dove"},
        grid={"who": {"doves": {}, "a hawk": {"cast.state_1": "hawk"}}},
        predictions=[{"claim": "c", "measure": "outcome/wars", "of": {"who": "a hawk"}, "expect": "above"}],
        picture={"x": "who", "measures": ["outcome/wars"]},
    )
    check(asked)
    assert [cell.setup.cast for cell in asked.cells()] == [{"all": "dove"}, {"all": "dove", "state_1": "hawk"}]
    assert [unit.arguments["training"] for unit in units_of(asked, Path("x"))] == [None] * 6
    with pytest.raises(ValueError, match="eagle"):
        check(experiment(**(made() | {"cast": {"all": "dove", "state_1": "eagle"}})))
    assert "cast" not in experiment().cells()[0].setup.model_dump(), "digests of those who learn stay as they were"


def test_each_cell_and_seed_is_a_training_unless_the_file_says_otherwise() -> None:
    assert trainings(experiment(seeds=[1, 2])) == [(1, 1)] * 6 + [(2, 1)] * 6
    fixed = experiment(seeds=[1], evaluation_only=["war.first_strike"])
    assert trainings(fixed) == [(1, 2)] * 3
    general = experiment(
        seeds=[1],
        generalist={
            "ranges": {"motives.p_greedy": [0, 0.6], "war.first_strike": [0, 0.5]},
            "check": [{"motives.p_greedy": 0.2, "war.first_strike": 0.5}],
        },
    )
    assert sorted(trainings(general)) == [(1, 1), (1, 6)]
    played = experiment(seeds=[1], cast={"all": "dove"})
    assert [unit.arguments["training"] for unit in units_of(played, Path("x"))] == [None] * 6


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"colour": "red"}, "colour is not a key of an experiment; allowed are name, title"),
        ({"grid": {"motives.p_greedy": [0.2, 0.2]}}, "grid.motives.p_greedy needs at least one value, each once"),
        ({"predictions": [{"claim": "c", "measure": "m", "expect": "rises"}]}, "needs either along or of"),
        (
            {"predictions": [{"claim": "c", "measure": "m", "along": "war.first_strike", "expect": "above"}]},
            "expect is 'above', but must be one of rises, falls, flat",
        ),
        (
            {"predictions": [{"claim": "c", "measure": "m", "along": "war.first_strike", "expect": "flat"}]},
            "needs a margin above 0",
        ),
        (
            {"predictions": [{"claim": "c", "measure": "m", "of": {"war.first_strike": 0.7}, "expect": "above"}]},
            "war.first_strike = 0.7, but allowed are 0, 0.5",
        ),
        (
            {"predictions": [{"claim": "c", "measure": "m", "along": "weather", "expect": "rises"}]},
            "'weather', but axes are motives.p_greedy, war.first_strike",
        ),
        ({"picture": {"x": "motives.p_greedy", "measures": ["outcome/wars"]}}, "'outcome/wars', but must be of"),
        ({"cast": {"all": "dove"}, "training": {"total_steps": 5}}, "generalist and training must go"),
        ({"learners": ["state_0"]}, "all learn where there is no cast"),
        (
            {"cast": {"all": "dove"}, "learners": ["state_0"], "training": {"population.mode": "shared"}},
            "training.population.mode is given",
        ),
        (
            {"grid": {"who": {"hawk": {"cast.state_1": "hawk"}}, "war.first_strike": [0.0], "motives.p_greedy": [0.2]}},
            "it needs a cast",
        ),
        ({"seeds": []}, "seeds is"),
    ],
)
def test_a_bad_file_gets_a_sentence(changes: dict[str, Any], words: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(yaml.safe_dump(made(**changes)))
    with pytest.raises(ExperimentError, match=re.escape(words)) as caught:
        load_experiment(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"overrides": {"war.tanks": 3}}, "war.tanks"),
        ({"interventions": {"france": {"signal": "threaten"}}}, "'france'"),
        ({"training": {"learner.speed": 3}}, "learner.speed"),
        ({"training": {"speed.limit": 3}}, "'speed.limit'"),
        ({"training": {"population.mode": "versus", "population.opponents": {"dove": 1}}}, "'versus'"),
        ({"cast": {"state_0": "dove"}}, "leaves out state_1"),
        ({"cast": {"all": "eagle"}}, "eagle"),
        ({"cast": {"all": "eagle"}, "learners": ["state_0"]}, "eagle"),
        ({"cast": {"state_0": "dove"}, "learners": ["state_0"]}, "state_0, which is among the learners"),
        ({"cast": {"all": "dove"}, "learners": ["germany"]}, "learners names 'germany'; allowed are state_0, state_1"),
        ({"cast": {"all": "dove"}, "learners": ["state_0", "state_1"]}, "learners are all of state_0, state_1"),
        ({"also": ["outcome/weather"]}, "'outcome/weather' is no measure"),
        ({"also": ["return/france"]}, "'return/france' is no measure"),
        ({"also": ["attacks/state_0>state_0"]}, "is no measure"),
        ({"also": ["return/all - outcome/weather"]}, "is no measure"),
    ],
)
def test_what_would_fail_later_is_said_before_anything_is_trained(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        check(experiment(**changes))


def test_a_name_that_there_is_not_gets_the_nearest() -> None:
    with pytest.raises(ExperimentError, match="nearest of which is first-strike"):
        load_experiment("first-stroke")
