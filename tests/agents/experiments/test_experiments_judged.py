"""How predictions are judged: verdicts by the interval, effects and designs, on numbers made up here."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest

from agents.evaluation import predictions
from agents.evaluation.statistics import Estimate
from agents.experiments import Expectation
from agents.experiments.judge import checks, judge, levels, needs, slope_over
from agents.experiments.run import design_of, read_cells
from tests.experiment_made_up import experiment, rows


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
