"""What an experiment says of each prediction: its effect with an interval over seeds, and the verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from agents.evaluation.statistics import Estimate, difference_of_means, estimate
from agents.evaluation.verdict import CONTRADICTED, SUPPORTED, UNDECIDED
from agents.experiments.language import SIGNS, Cell, Prediction, Selector, Study, given_name
from agents.experiments.work import GENERALIST, OWN


@dataclass(frozen=True)
class Judgement:
    """A prediction and what the runs say of it.

    Attributes:
        prediction: as it was written.
        effect: of the measure, one value a seed: the change along the axis from its first to its last value by the
            line of least squares; or the mean over some cells less that over others.
        verdict: see :func:`verdict_of`.
    """

    prediction: Prediction
    effect: Estimate
    verdict: str


def verdict_of(effect: Estimate, expect: str, margin: float) -> str:
    """Supported, contradicted or undecided, by the 95% interval of the effect alone.

    A predicted rise is supported if the whole interval lies above the margin, and contradicted if all of it lies below
    (with a margin of 0: beyond 0 on the other side); a fall is its mirror image. That nothing changes is supported if
    the whole interval lies within the margin of 0, and contradicted if all of it lies beyond. Everything else, and an
    effect without an interval, is undecided.

    Args:
        effect: over seeds.
        expect: a key of ``SIGNS``.
        margin: the smallest effect that counts.
    """
    if not effect.known:
        return UNDECIDED
    sign = SIGNS[expect]
    if sign == 0:
        if -margin < effect.low and effect.high < margin:
            return SUPPORTED
        return CONTRADICTED if effect.low > margin or effect.high < -margin else UNDECIDED
    low, high = (effect.low, effect.high) if sign > 0 else (-effect.high, -effect.low)
    if low > margin:
        return SUPPORTED
    return CONTRADICTED if high < margin else UNDECIDED


def judge(study: Study, frame: pd.DataFrame) -> list[Judgement]:
    """Judge every prediction of a study from its tidy table; a generalist's cells are judged by the generalist."""
    kinds = [GENERALIST] if study.generalist else sorted(set(frame["policies"]))
    main = frame[frame["policies"].isin(kinds)]
    cells = study.cells()
    found = []
    for prediction in study.predictions:
        kept = main[(main["measure"] == prediction.measure) & (main["given"] == given_name(prediction.given))]
        effects = [_effect(study, cells, prediction, group) for _, group in kept.groupby("seed", sort=True)]
        effect = estimate(effects)
        found.append(Judgement(prediction, effect, verdict_of(effect, prediction.expect, prediction.margin)))
    return found


def _effect(study: Study, cells: Sequence[Cell], prediction: Prediction, rows: pd.DataFrame) -> float:
    """The effect in one seed; NaN where a cell that it needs has no value, but for places along an axis."""
    values = dict(zip(_keys(study, rows), rows["value"], strict=True))

    def mean(selector: Selector) -> float:
        chosen = {**prediction.where, **selector}
        return float(np.mean([values[tuple(cell.labels.values())] for cell in cells if cell.matches(chosen)]))

    if prediction.along is not None:
        axis = prediction.along
        heights = [mean({axis: label}) for label in study.labels(axis)]
        return slope_over(positions(study, axis), heights)
    assert prediction.of is not None

    def difference(of: Selector, against: Selector | None) -> float:
        return mean(of) - (mean(against) if against is not None else 0.0)

    effect = difference(prediction.of, prediction.against)
    return effect - difference(prediction.less.of, prediction.less.against) if prediction.less else effect


def _keys(study: Study, rows: pd.DataFrame) -> list[tuple[str, ...]]:
    return [tuple(map(str, row)) for row in rows[list(study.grid)].itertuples(index=False, name=None)]


def positions(study: Study, axis: str) -> list[float]:
    """Where the values of an axis lie: themselves if they are numbers, else 0, 1, 2, ..."""
    values = study.grid[axis]
    return [float(value) for value in values] if is_numeric(study, axis) else [float(k) for k in range(len(values))]


def is_numeric(study: Study, axis: str) -> bool:
    """Whether the values of an axis are numbers."""
    values = study.grid[axis]
    return isinstance(values, list) and all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values)


def slope_over(x: Sequence[float], y: Sequence[float]) -> float:
    """Change of the line of least squares through ``y`` from the first to the last ``x`` that has a value.

    Places without a value (a measure without a case, such as buck-passing between two states) are left out; NaN if
    fewer than two are left.
    """
    kept = [(place, value) for place, value in zip(x, y, strict=True) if not math.isnan(value)]
    if len(kept) < 2:
        return math.nan
    places, values = zip(*kept, strict=True)
    return float(np.polyfit(places, values, 1)[0] * (places[-1] - places[0]))


def levels(study: Study, frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Every measure in every cell: labels, ``policies, given, measure``, ``estimate``; cells in order."""
    found = []
    by = [*study.grid, "policies", "given", "measure"]
    for key, rows in frame.groupby(by, sort=False, dropna=False):
        labels = dict(zip(by, map(str, key), strict=True))
        found.append({**labels, "estimate": estimate([float(value) for value in rows["value"]])})
    return found


def checks(study: Study, frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The generalist against policies of the cells' own: labels, ``given, measure, generalist, own, difference``.

    The difference is Welch's: the two were trained apart.
    """
    found = []
    by = [*study.grid, "given", "measure"]
    for key, rows in frame.groupby(by, sort=False, dropna=False):
        sides = {kind: [float(v) for v in rows[rows["policies"] == kind]["value"]] for kind in (GENERALIST, OWN)}
        if not all(sides.values()):
            continue
        labels = dict(zip(by, map(str, key), strict=True))
        found.append(
            {
                **labels,
                "generalist": estimate(sides[GENERALIST]),
                "own": estimate(sides[OWN]),
                "difference": difference_of_means(sides[GENERALIST], sides[OWN]),
            }
        )
    return found
