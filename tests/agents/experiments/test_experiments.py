"""The experiments of the project, their language, and how predictions are judged: on numbers made up here."""

from __future__ import annotations

import json
import math
import re
from importlib import resources
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from agents.evaluation import predictions
from agents.evaluation.statistics import Estimate
from agents.evaluation.threshold import effective_turns, success_probabilities
from agents.experiments import Expectation, Experiment, ExperimentError, experiments, load_experiment
from agents.experiments.judge import checks, judge, levels, needs, slope_over
from agents.experiments.run import design_of, read_cells
from agents.experiments.work import check, units_of
from agents.publish.experiments import CONCEPTS, page, write_index
from sd_env.scenario import Scenario

ROOT = Path(__file__).parents[3]


def made(**changes: Any) -> dict[str, Any]:
    data: dict[str, Any] = {
        "name": "made-up",
        "title": "Made up",
        "rows": ["Anarchy"],
        "description": "For tests.",
        "sources": ["Nobody (2026)."],
        "scenario": "jervis/doubly-dangerous",
        "grid": {"motives.p_greedy": [0.0, 0.2, 0.6], "war.first_strike": [0.0, 0.5]},
        "seeds": [1, 2, 3],
        "predictions": [
            {"claim": "It rises.", "measure": "outcome/ss_attacks", "along": "motives.p_greedy", "expect": "rises"}
        ],
        "picture": {"x": "motives.p_greedy", "measures": ["outcome/ss_attacks"]},
    }
    return data | changes


def experiment(**changes: Any) -> Experiment:
    return Experiment.model_validate(made(**changes))


def rows(asked: Experiment, value: Any, policies: str = "own") -> pd.DataFrame:
    """A tidy table in which every measure of a cell and seed is ``value(labels, seed)``."""
    return pd.DataFrame(
        [
            {**cell.labels, "policies": policies, "seed": seed, "given": "", "measure": prediction.measure,
             "value": value(cell.labels, seed), "episodes": 8}
            for cell in asked.cells() for seed in asked.seeds for prediction in asked.predictions[:1]
        ]
    )  # fmt: skip


# --- the project's own ------------------------------------------------------------------------------------------


def test_every_concept_of_theory_has_an_experiment_and_nothing_else_is_tested() -> None:
    tested = {row for name in experiments() for row in load_experiment(name).rows}
    assert tested == set(CONCEPTS)
    assert len(experiments()) >= 25


@pytest.mark.parametrize("name", experiments())
def test_every_experiment_can_be_run_as_it_stands(name: str) -> None:
    asked = load_experiment(name)
    assert asked.name == name and len(asked.seeds) >= 4
    assert all(re.search(r"\((18|19|20)\d\d\)", source) for source in asked.sources)
    check(asked)
    used = {axis for p in asked.predictions for s in p.selectors for axis in s} | {p.along for p in asked.predictions}
    assert used & set(asked.grid), "predictions that look at no axis compare nothing"


@pytest.mark.parametrize("name", experiments())
def test_no_setting_of_an_experiment_repeats_what_is_so_anyhow(name: str) -> None:
    from agents.experiments.language import training_defaults

    defaults = training_defaults()
    for key, value in load_experiment(name).training.items():
        found: Any = defaults
        for part in key.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        assert found != value, f"{key} is {value} by training.yaml"


def test_the_training_defaults_are_those_of_the_reported_science() -> None:
    defaults = yaml.safe_load((resources.files("agents.experiments") / "training.yaml").read_text())
    science = yaml.safe_load((ROOT / "configs" / "science.yaml").read_text())
    assert defaults["learner"] == science["learner"] | {"algorithm": "FastPPO", "masks": False}


def test_the_challenger_that_can_be_deterred_attacks_who_waits_and_not_who_strikes_back() -> None:
    """The numbers in the description of deterrable-challenger, and that greed 2 cannot be deterred."""
    game = Scenario.load("theories/jervis-deterrence")
    waits, fights = success_probabilities(game, 0.0, 1.75)
    stake = game.war.conquest * game.war.spoils * effective_turns(game.horizon)
    assert (stake * waits, stake * fights) == pytest.approx((3.98, 1.12), abs=0.005)
    worth = {greed: (greed * stake * waits - 1.0, greed * stake * fights - 1.0) for greed in (0.7, 2.0)}
    assert worth[0.7] == pytest.approx((1.78, -0.22), abs=0.005)
    assert min(worth[2.0]) > 0
    description = load_experiment("deterrable-challenger").description
    assert all(words in description for words in ("3.98 greed - 1 over 32", "1.12 greed - 1", "+1.78", "-.22"))


def test_the_challenger_in_a_crisis_has_hardly_anything_to_gain_at_the_scenarios_greed() -> None:
    """The numbers in the description of immediate-deterrence; theories/huth-immediate derives its own p."""
    game = Scenario.load("theories/huth-immediate")
    stake = game.war.conquest * game.war.spoils * effective_turns(game.horizon)
    assert stake == pytest.approx(1.6)
    force, helped = 1.2 * 1.5 * 1.75, 0.35 + 1.4 + 0.3  # surprise; its own arms, the defender's, the terrain
    surprised, ready = (f**2 / (f**2 + helped**2) for f in (force, force / 1.5))
    assert (surprised, ready) == pytest.approx((0.70, 0.51), abs=0.005)
    gains = [greed * stake * p - 1.0 for greed in (1.0, 2.0) for p in (surprised, ready)]
    assert gains == pytest.approx([0.12, -0.18, 1.25, 0.64], abs=0.005)


# --- the language -----------------------------------------------------------------------------------------------


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
        ({"cast": {"all": "dove"}, "training": {"total_steps": 5}}, "must be left out"),
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


# --- judging ----------------------------------------------------------------------------------------------------


def between(low: float, high: float) -> Estimate:
    return Estimate((low + high) / 2, low, high, (low, high))


@pytest.mark.parametrize(
    ("interval", "expect", "margin", "verdict"),
    [
        ((0.1, 0.3), "rises", 0.0, "supported"),
        ((-0.1, 0.3), "above", 0.0, "undecided"),
        ((-0.3, -0.1), "above", 0.0, "contradicted"),
        ((0.1, 0.3), "falls", 0.0, "contradicted"),
        ((-0.3, -0.1), "below", 0.0, "supported"),
        ((0.0, 0.0), "above", 0.0, "undecided"),  # exactly nothing, seed by seed, is no sign
        ((0.001, 0.002), "above", 0.01, "contradicted"),  # sure, but smaller than what was predicted
        ((0.005, 0.02), "above", 0.01, "undecided"),
        ((0.02, 0.03), "above", 0.01, "supported"),
        ((-0.02, -0.03), "below", 0.01, "supported"),
        ((-0.005, 0.005), "same", 0.01, "supported"),
        ((-0.005, 0.02), "flat", 0.01, "undecided"),
        ((0.02, 0.03), "flat", 0.01, "contradicted"),
        ((-0.03, -0.02), "same", 0.01, "contradicted"),
        ((math.nan, math.nan), "above", 0.0, "undecided"),
    ],
)
def test_the_verdict_is_by_the_interval_alone(
    interval: tuple[float, float], expect: str, margin: float, verdict: str
) -> None:
    along = {"along": "motives.p_greedy"} if expect in ("rises", "falls", "flat") else {"of": {}}
    wanted = Expectation.model_validate({"claim": "c", "measure": "m", "expect": expect, "margin": margin, **along})
    assert predictions.judge("c", "m", between(*sorted(interval)), wanted.bounds, count=3).verdict == verdict


def test_along_an_axis_the_effect_is_the_change_of_the_fitted_line() -> None:
    # x = 0, .2, .6 and y = 1, 2, 3: mean x .2667, slope = .6 x ... by hand: Sxy / Sxx
    x, y = [0.0, 0.2, 0.6], [1.0, 2.0, 3.0]
    mx, my = sum(x) / 3, sum(y) / 3
    slope = sum((a - mx) * (b - my) for a, b in zip(x, y, strict=True)) / sum((a - mx) ** 2 for a in x)
    assert slope_over(x, y) == pytest.approx(slope * 0.6)
    asked = experiment()
    frame = rows(asked, lambda labels, seed: 2 * float(labels["motives.p_greedy"]) + seed * 0.001)
    [found] = judge(asked, frame)
    assert found.values == pytest.approx((1.2, 1.2, 1.2)) and found.verdict == "supported"


def test_cells_that_are_not_named_are_averaged_over() -> None:
    asked = experiment(
        predictions=[
            {
                "claim": "c", "measure": "outcome/ss_attacks", "expect": "above",
                "of": {"war.first_strike": 0.5}, "against": {"war.first_strike": 0.0},
            }
        ]
    )  # fmt: skip
    worth = {("0", "0"): 1.0, ("0.2", "0"): 2.0, ("0.6", "0"): 6.0, ("0", "0.5"): 4.0, ("0.2", "0.5"): 4.0}
    frame = rows(asked, lambda labels, seed: worth.get(tuple(labels.values()), 10.0) + seed)
    [found] = judge(asked, frame)  # (4 + 4 + 10) / 3 - (1 + 2 + 6) / 3 = 3 in every seed
    assert found.values == pytest.approx((3.0, 3.0, 3.0))


def test_an_interaction_is_a_difference_of_differences() -> None:
    at = {"motives.p_greedy": 0.6}
    asked = experiment(
        predictions=[
            {
                "claim": "c", "measure": "outcome/ss_attacks", "expect": "above",
                "of": {**at, "war.first_strike": 0.5}, "against": {**at, "war.first_strike": 0.0},
                "less": {
                    "of": {"motives.p_greedy": 0.0, "war.first_strike": 0.5},
                    "against": {"motives.p_greedy": 0.0, "war.first_strike": 0.0},
                },
            }
        ]
    )  # fmt: skip
    frame = rows(asked, lambda labels, seed: float(labels["motives.p_greedy"]) * float(labels["war.first_strike"]))
    assert judge(asked, frame)[0].values == pytest.approx((0.3, 0.3, 0.3))


def test_a_seed_without_a_case_is_left_out_and_none_at_all_is_undecided() -> None:
    asked = experiment()
    frame = rows(asked, lambda labels, seed: math.nan if seed == 2 else float(labels["motives.p_greedy"]))
    assert len(judge(asked, frame)[0].values) == 2
    assert slope_over([0.0, 1.0, 3.0], [math.nan, 1.0, 2.0]) == pytest.approx(1.0)  # from 1 to 3
    assert math.isnan(slope_over([0.0, 1.0], [math.nan, 1.0]))
    nothing = rows(asked, lambda labels, seed: math.nan)
    assert judge(asked, nothing)[0].verdict == "undecided"


def test_what_the_table_lacks_is_not_run_and_says_what_a_run_takes(tmp_path: Path) -> None:
    asked = experiment()
    frame = rows(asked, lambda labels, seed: 1.0)
    for lacking in (frame[frame["motives.p_greedy"] != "0.6"], read_cells(asked, tmp_path / "none.csv")):
        [found] = judge(asked, lacking)
        assert (found.word, found.value, found.verdict) == ("not run", None, "undecided")
        assert found.status == "not run: takes 18 trainings, 27 million agent-steps in all"
    assert needs(experiment(cast={"all": "dove"})) == "nobody learns, so that a run takes minutes"


def test_the_design_is_another_if_what_is_played_is_and_not_if_more_is_predicted() -> None:
    plain = design_of(experiment())
    assert design_of(experiment(also=["outcome/wars"])) == plain
    assert design_of(experiment(overrides={"horizon": 128})) != plain
    assert design_of(experiment(cast={"all": "dove"})) != plain


def test_the_generalist_is_judged_and_compared_with_policies_of_the_cells() -> None:
    asked = experiment(
        generalist={
            "ranges": {"motives.p_greedy": [0, 0.6], "war.first_strike": [0, 0.5]},
            "check": [{"motives.p_greedy": 0.2, "war.first_strike": 0.5}],
        }
    )
    general = rows(asked, lambda labels, seed: float(labels["motives.p_greedy"]) + seed, "generalist")
    own = rows(asked, lambda labels, seed: 5.0 + seed, "own")
    own = own[(own["motives.p_greedy"] == "0.2") & (own["war.first_strike"] == "0.5")]
    frame = pd.concat([general, own], ignore_index=True)
    assert judge(asked, frame)[0].values == pytest.approx((0.6, 0.6, 0.6))
    [row] = checks(asked, frame)
    assert row["generalist"].value == pytest.approx(2.2) and row["own"].value == pytest.approx(7.0)
    assert row["difference"].value == pytest.approx(-4.8)
    assert len(levels(asked, frame)) == 7


# --- publishing -------------------------------------------------------------------------------------------------


def report(verdict: str, status: str = "", **about: Any) -> dict[str, Any]:
    predicted = {"supported": (0.0, None), "contradicted": (None, 0.0)}[verdict]
    effect = Estimate(0.5, 0.25, 0.75, (0.5,))
    judged = predictions.judge("War falls.", "outcome/wars", effect, predicted, count=4)
    records = predictions.records([judged.model_copy(update={"status": status})])
    found = {"name": f"war-{verdict}", "title": "War", "rows": ["Anarchy"], "scenarios": ["x/y"]}
    return {**found, "predictions": records, **about}


def test_contradictions_stand_in_plain_sight() -> None:
    text = page([report("supported"), report("contradicted")])
    assert "2 experiments, 2 predictions: 1 supported, 1 contradicted, 0 undecided." in text
    above, _, below = text.partition("## All experiments")
    assert "- War falls. ([war-contradicted]" in above.partition("## Contradicted")[2]
    assert "- **supported**: War falls. (`outcome/wars`: +0.5000 [+0.2500, +0.7500]; interval above 0)" in below
    assert "| Anarchy | [war-supported](#war-supported), [war-contradicted](#war-contradicted) | 1 | 1 | 0 |" in text


def test_what_is_withdrawn_is_counted_as_such_and_says_why() -> None:
    text = page([report("supported"), report("contradicted", "withdrawn: the null rises as well")])
    assert "2 predictions: 1 supported, 0 contradicted, 0 undecided, 1 withdrawn." in text
    assert "## Contradicted\n\nNone." in text
    assert "| concept | experiments | supported | contradicted | undecided | withdrawn |" in text
    assert "- **withdrawn**: War falls. (" in text
    assert "interval above 0: contradicted, but withdrawn: the null rises as well)" in text


def test_the_index_is_made_of_the_reports_that_are_there(tmp_path: Path) -> None:
    (tmp_path / "war-supported.json").write_text(json.dumps(report("supported")))
    write_index(tmp_path)
    write_index(tmp_path)  # the index itself is no report
    [entry] = json.loads((tmp_path / "index.json").read_text())
    assert entry["name"] == "war-supported" and entry["predictions"] == report("supported")["predictions"]
    assert "War falls." in (tmp_path / "README.md").read_text()


def test_an_experiment_that_is_not_run_has_no_picture(tmp_path: Path) -> None:
    (tmp_path / "war-supported.json").write_text(json.dumps(report("supported", versions=None)))
    write_index(tmp_path)
    assert json.loads((tmp_path / "index.json").read_text())[0]["picture"] is None
    assert ".png" not in (tmp_path / "README.md").read_text()


PUBLISHED = ROOT / "docs" / "results" / "experiments"


@pytest.mark.parametrize("name", experiments())
def test_what_is_published_is_of_the_experiment_as_it_stands(name: str) -> None:
    asked, found = load_experiment(name), json.loads((PUBLISHED / f"{name}.json").read_text())
    assert found["expectations"] == [wanted.model_dump(mode="json") for wanted in asked.predictions]
    assert found["seeds"] == asked.seeds and found["rows"] == list(asked.rows)
    again = judge(asked, read_cells(asked, PUBLISHED / f"{name}.csv"))
    published = [each for each in predictions.predictions_of(found, name) if each.word != predictions.REDERIVED]
    bare = {"status": ""}
    assert [each.model_copy(update=bare) for each in published] == [each.model_copy(update=bare) for each in again]
    assert found.get("design", design_of(asked)) == design_of(asked)
    assert (found["versions"] is None) == (not (PUBLISHED / f"{name}.csv").exists())


def test_the_page_of_predictions_and_the_counts_in_the_results_are_those_of_the_reports() -> None:
    reports = [json.loads((PUBLISHED / f"{name}.json").read_text()) for name in experiments()]
    assert (PUBLISHED / "README.md").read_text() == page(reports)
    found = [each for report in reports for each in predictions.predictions_of(report, report["name"])]
    counts = predictions.counts(found)
    words = (ROOT / "docs" / "results" / "README.md").read_text()
    assert f"{len(reports)} experiments, {len(CONCEPTS)} concepts" in words
    assert (
        f"of {len(found)} predictions {counts['supported']} are supported, {counts['contradicted']} contradicted, "
        f"{counts['undecided']} undecided" in words
    )
