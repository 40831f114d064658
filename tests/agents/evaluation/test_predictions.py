"""One record of a prediction, one judge, one writer of sentences."""

from __future__ import annotations

import math
from typing import Any

import pytest

from agents.evaluation import predictions
from agents.evaluation.predictions import (
    LEAST,
    Bounds,
    Prediction,
    PredictionError,
    counted,
    counts,
    details,
    judge,
    predictions_of,
    quoted,
    records,
    sentence,
)
from agents.evaluation.report import as_text
from agents.evaluation.statistics import EPISODES, SEEDS, TRAINING_SEEDS, Estimate, Interval, estimate, interval_from


def found(low: float, high: float, predicted: Bounds, **changes: Any) -> Prediction:
    return judge("It is so.", "outcome/wars", Interval((low + high) / 2, low, high), predicted, count=3, **changes)


@pytest.mark.parametrize(
    ("interval", "predicted", "verdict", "reason"),
    [
        ((0.1, 0.3), (0.0, None), "supported", "interval above 0"),
        ((-0.3, -0.1), (0.0, None), "contradicted", "interval below 0"),
        ((-0.1, 0.3), (0.0, None), "undecided", "interval holds 0"),
        ((0.0, 0.0), (0.0, None), "undecided", "interval holds 0"),  # exactly nothing is neither above nor below
        ((0.0, 0.2), (0.0, None), "undecided", "interval holds 0"),  # bounds are open: its end lies on one
        ((-0.2, 0.0), (0.0, None), "undecided", "interval holds 0"),
        ((-0.2, -0.1), (None, 0.0), "supported", "interval below 0"),
        ((0.1, 0.2), (None, 0.0), "contradicted", "interval above 0"),
        ((-0.2, 0.0), (None, 0.0), "undecided", "interval holds 0"),
        ((0.0, 0.2), (None, 0.0), "undecided", "interval holds 0"),
        # not below, to within .01: both ends of the interval count, and not its middle
        ((-0.0099, 0.5), (-0.01, None), "supported", "interval above -0.01"),
        ((-0.0101, 0.5), (-0.01, None), "undecided", "interval holds -0.01"),
        ((-0.5, -0.0101), (-0.01, None), "contradicted", "interval below -0.01"),
        ((-0.5, -0.0099), (-0.01, None), "undecided", "interval holds -0.01"),
        ((-0.005, 0.005), (-0.01, 0.01), "supported", "interval between -0.01 and 0.01"),
        ((-0.005, 0.02), (-0.01, 0.01), "undecided", "interval holds 0.01"),
        ((-0.02, 0.005), (-0.01, 0.01), "undecided", "interval holds -0.01"),
        ((-0.02, 0.02), (-0.01, 0.01), "undecided", "interval holds -0.01 and 0.01"),
        ((0.02, 0.03), (-0.01, 0.01), "contradicted", "interval above 0.01"),
        ((-0.03, -0.02), (-0.01, 0.01), "contradicted", "interval below -0.01"),
    ],
)
def test_the_verdict_is_where_the_interval_lies(
    interval: tuple[float, float], predicted: Bounds, verdict: str, reason: str
) -> None:
    judged = found(*interval, predicted)
    assert (judged.verdict, judged.reason, judged.predicted, judged.interval) == (verdict, reason, predicted, interval)


@pytest.mark.parametrize("unit", [SEEDS, TRAINING_SEEDS, EPISODES])
def test_fewer_units_than_the_least_decide_nothing(unit: str) -> None:
    least = {SEEDS: 3, TRAINING_SEEDS: 3, EPISODES: 30}[unit]
    assert LEAST[unit] == least
    few, enough = (
        judge("c", "m", Interval(0.2, 0.1, 0.3), (0.0, None), count=n, unit=unit) for n in (least - 1, least)
    )
    assert (few.verdict, few.reason) == ("undecided", f"{least - 1} {unit}, where at least {least} decide")
    assert enough.verdict == "supported"


def test_two_equal_seeds_have_no_width_and_decide_nothing() -> None:
    assert judge("c", "m", estimate([0.0, 0.0]), (None, 0.01)).verdict == "undecided"
    assert judge("c", "m", estimate([0.0, 0.0, 0.0]), (None, 0.01)).verdict == "supported"


def test_without_a_case_or_an_interval_nothing_is_decided() -> None:
    none = judge("c", "m", estimate([math.nan] * 3), (0.0, None))
    assert (none.value, none.interval, none.count, none.verdict, none.reason) == (None, None, 0, "undecided", "no case")
    assert details(none) == "m: no case"
    flat = judge("c", "m", Interval(1.0, math.nan, math.nan), (0.0, None), count=5)
    assert (flat.value, flat.interval, flat.verdict, flat.reason) == (1.0, None, "undecided", "no interval")
    assert details(flat) == "m: +1.0000; no interval"


def test_an_estimate_brings_its_values() -> None:
    judged = judge("c", "m", estimate([1.0, 2.0, 3.0]), (0.0, None))
    assert (judged.values, judged.count, judged.unit, judged.value) == ((1.0, 2.0, 3.0), 3, SEEDS, 2.0)


# --- words ------------------------------------------------------------------------------------------------------


def test_the_sentence_has_claim_measure_size_and_reason() -> None:
    judged = found(0.1, 0.3, (0.0, None))
    assert sentence(judged) == "It is so. (outcome/wars: +0.2000 [+0.1000, +0.3000]; interval above 0)"
    assert sentence(judged, str.upper, quoted) == (
        "IT IS SO. (`outcome/wars`: +0.2000 [+0.1000, +0.3000]; INTERVAL ABOVE 0)"
    )
    assert [as_text(each) for each in predictions.lines([judged])] == [
        "  supported    It is so.\n               (outcome/wars: +0.2000 [+0.1000, +0.3000]; interval above 0)\n"
    ]


def test_a_mark_takes_the_place_of_the_verdict_and_says_why() -> None:
    marked = found(0.1, 0.3, (0.0, None)).model_copy(update={"status": "withdrawn: the null rises as well"})
    assert marked.word == "withdrawn" and marked.verdict == "supported"
    [line] = predictions.lines([marked])
    assert line.plain.startswith("  withdrawn    It is so.\n")
    assert line.plain.endswith("interval above 0: supported, but withdrawn: the null rises as well)")
    plain = found(0.1, 0.3, (0.0, None))
    assert counted([plain, marked]) == "1 supported, 0 contradicted, 0 undecided, 1 withdrawn"
    assert counts([plain]) == {"supported": 1, "contradicted": 0, "undecided": 0}


@pytest.mark.parametrize(
    ("interval", "status", "style"),
    [
        ((0.1, 0.3), "", "green"),
        ((-0.3, -0.1), "", "red"),
        ((-0.1, 0.3), "", "yellow"),
        ((0.1, 0.3), "withdrawn: the null rises as well", "dim"),
    ],
)
def test_each_verdict_has_its_colour_and_a_mark_is_dim(interval: tuple[float, float], status: str, style: str) -> None:
    [line] = predictions.lines([found(*interval, (0.0, None)).model_copy(update={"status": status})])
    assert [span.style for span in line.spans] == [style]


def test_marks_are_counted_after_the_verdicts_in_the_order_of_their_words() -> None:
    judged = [found(0.1, 0.3, (0.0, None))] * 3 + [found(-0.3, -0.1, (0.0, None))] * 2
    marks = ("withdrawn: w", "moot: m", "withdrawn: w")
    marked = [judged[0].model_copy(update={"status": mark}) for mark in marks]
    assert counted([*judged, *marked]) == "3 supported, 2 contradicted, 0 undecided, 1 moot, 2 withdrawn"
    assert counted([]) == "0 supported, 0 contradicted, 0 undecided"


# --- data -------------------------------------------------------------------------------------------------------


def test_records_are_read_as_they_were_written() -> None:
    judged = [found(0.1, 0.3, (0.0, None)), judge("c", "m", estimate([math.nan] * 3), (None, 0.01))]
    assert predictions_of({"predictions": records(judged)}, "x") == judged
    assert set(records(judged)[0]) == {
        "claim", "measure", "predicted", "value", "interval", "values", "unit", "count", "verdict", "reason", "status",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"verdict": "likely"}, r"x\.json: verdict of a prediction is 'likely': Input should be 'supported', "),
        ({"interval": [0.1]}, r"x\.json: interval"),
        ({"status": "withdrawn"}, r"x\.json: status of a prediction is 'withdrawn'"),
        ({"effect": 3}, r"x\.json: effect of a prediction is 3: Extra inputs are not permitted"),
        ({"claim": ""}, r"x\.json: claim of a prediction is ''"),
    ],
)
def test_a_record_that_is_none_is_refused_in_a_sentence(changes: dict[str, Any], words: str) -> None:
    [record] = records([found(0.1, 0.3, (0.0, None))])
    with pytest.raises(PredictionError, match=words) as caught:
        predictions_of({"predictions": [record | changes]}, "x.json")
    assert "\n" not in str(caught.value)


def test_a_report_without_predictions_has_none_and_a_place_in_one_is_named_in_full() -> None:
    assert predictions_of({}, "x.json") == []
    [record] = records([found(0.1, 0.3, (0.0, None))])
    with pytest.raises(PredictionError, match=r"x\.json: interval\.1 of a prediction is 'a'"):
        predictions_of({"predictions": [record | {"interval": [0.1, "a"]}]}, "x.json")


def test_only_numbers_are_kept_of_an_estimates_values() -> None:
    judged = judge("c", "m", Estimate(2.0, 1.0, 3.0, (1.0, math.nan, 3.0)), (0.0, None))
    assert (judged.values, judged.count, judged.verdict) == ((1.0, 3.0), 3, "supported")


def test_intervals_come_back_from_their_json() -> None:
    assert interval_from({"value": 1.0, "low": 0.5, "high": 1.5}) == Interval(1.0, 0.5, 1.5)
    assert interval_from({"value": 1.0, "low": 0.5, "high": 1.5, "values": [1.0]}) == Estimate(1.0, 0.5, 1.5, (1.0,))
    none = interval_from({"value": None, "low": None, "high": None})
    assert math.isnan(none.value) and not none.known
