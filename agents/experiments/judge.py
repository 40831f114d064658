"""What an experiment says of each prediction: its effect with an interval over seeds, and what is said of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from agents.evaluation import predictions
from agents.evaluation.predictions import Prediction
from agents.evaluation.statistics import difference_of_means, estimate
from agents.experiments.language import Cell, Expectation, Experiment, Selector, given_name
from agents.experiments.work import GENERALIST, OWN, units_of


def judge(experiment: Experiment, frame: pd.DataFrame) -> list[Prediction]:
    """Judge every prediction of an experiment from its tidy table; a generalist's cells are judged by the generalist.

    The effect of a prediction has one value a seed: the change along the axis from its first to its last value by the
    line of least squares; or the mean over some cells less that over others. What the table
    lacks in any cell is not run.
    """
    kinds = [GENERALIST] if experiment.generalist else sorted(set(frame["policies"]))
    main = frame[frame["policies"].isin(kinds)]
    cells = experiment.cells()
    everywhere = {tuple(cell.labels.values()) for cell in cells}
    found = []
    for wanted in experiment.predictions:
        given = given_name(wanted.given)
        kept = main[(main["measure"] == wanted.measure) & (main["given"] == given)]
        measure = wanted.measure + (f" given {given}" if given else "")
        if not everywhere <= set(_keys(experiment, kept)):
            found.append(predictions.not_run(wanted.claim, measure, wanted.bounds, needs(experiment)))
            continue
        effects = [_effect(experiment, cells, wanted, group) for _, group in kept.groupby("seed", sort=True)]
        found.append(predictions.judge(wanted.claim, measure, estimate(effects), wanted.bounds))
    return found


def needs(experiment: Experiment) -> str:
    """What a run of the experiment takes, in words."""
    trainings = [unit.arguments["training"] for unit in units_of(experiment, Path("policies"))]
    steps = [training["total_steps"] for training in trainings if training is not None]
    if not steps:
        return "nobody learns, so that a run takes minutes"
    return f"takes {len(steps)} trainings, {sum(steps) / 1e6:g} million agent-steps in all"


def _effect(experiment: Experiment, cells: Sequence[Cell], wanted: Expectation, rows: pd.DataFrame) -> float:
    """The effect in one seed; NaN where a cell that it needs has no value, but for places along an axis."""
    values = dict(zip(_keys(experiment, rows), rows["value"], strict=True))

    def mean(selector: Selector) -> float:
        chosen = {**wanted.where, **selector}
        return float(np.mean([values[tuple(cell.labels.values())] for cell in cells if cell.matches(chosen)]))

    if wanted.along is not None:
        axis = wanted.along
        heights = [mean({axis: label}) for label in experiment.labels(axis)]
        return slope_over(positions(experiment, axis), heights)
    assert wanted.of is not None

    def difference(of: Selector, against: Selector | None) -> float:
        return mean(of) - (mean(against) if against is not None else 0.0)

    effect = difference(wanted.of, wanted.against)
    return effect - difference(wanted.less.of, wanted.less.against) if wanted.less else effect


def _keys(experiment: Experiment, rows: pd.DataFrame) -> list[tuple[str, ...]]:
    return [tuple(map(str, row)) for row in rows[list(experiment.grid)].itertuples(index=False, name=None)]


def positions(experiment: Experiment, axis: str) -> list[float]:
    """Where the values of an axis lie: themselves if they are numbers, else 0, 1, 2, ..."""
    values = experiment.grid[axis]
    return (
        [float(value) for value in values] if is_numeric(experiment, axis) else [float(k) for k in range(len(values))]
    )


def is_numeric(experiment: Experiment, axis: str) -> bool:
    """Whether the values of an axis are numbers."""
    values = experiment.grid[axis]
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
    middle, height = math.fsum(places) / len(places), math.fsum(values) / len(values)
    # by hand and not by a solver, whose last digit is another on every processor
    rise = math.fsum((place - middle) * (value - height) for place, value in kept)
    return float(rise / math.fsum((place - middle) ** 2 for place in places) * (places[-1] - places[0]))


def levels(experiment: Experiment, frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Every measure in every cell: labels, ``policies, given, measure``, ``estimate``; cells in order."""
    found = []
    by = [*experiment.grid, "policies", "given", "measure"]
    for key, rows in frame.groupby(by, sort=False, dropna=False):
        labels = dict(zip(by, map(str, key), strict=True))
        found.append({**labels, "estimate": estimate([float(value) for value in rows["value"]])})
    return found


def checks(experiment: Experiment, frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The generalist against policies of the cells' own: labels, ``given, measure, generalist, own, difference``.

    The difference is Welch's: the two were trained apart.
    """
    found = []
    by = [*experiment.grid, "given", "measure"]
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
