"""The picture of an experiment: measures against an axis, or a map over two with the model's thresholds on it."""

from __future__ import annotations

import itertools
import math
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from agents.evaluation.outcome import ARMS, ARMS_RACE, ATTACKS, SPIRAL
from agents.evaluation.threshold import expected_turns, middle, plain, trust_threshold
from agents.experiments.judge import is_numeric, positions
from agents.experiments.language import Experiment, given_name
from agents.experiments.work import OWN
from agents.pictures.maps import thresholds
from agents.pictures.style import GREY, Caption, finish, halo, hatch, look, panels
from sd_env.scenario import Scenario

Levels = Sequence[Mapping[str, Any]]
#: Letters of tick labels that a panel is wide.
_LETTERS: Final = 56
#: Points a side at which a threshold is reckoned.
_FINE: Final = 25
#: Measure -> from where on it makes another outcome.
_BOUNDS: Final = {ATTACKS: SPIRAL, ARMS: ARMS_RACE}


def draw(experiment: Experiment, levels: Levels, picture: Path) -> None:
    """Draw an experiment's result.

    Args:
        experiment: says what is drawn.
        levels: of :func:`agents.experiments.judge.levels`.
        picture: PNG to write.
    """
    measures, fields = experiment.picture.measures, _fields(experiment)
    figure, axes = panels(len(measures), size=(6.4 if len(measures) == 1 else 5.2, 4.8))
    for axis, measure in zip(axes, measures, strict=True):
        rows = _of(experiment, levels, measure)
        if experiment.picture.y:
            _map(experiment, rows, axis, fields)
        else:
            _lines(experiment, rows, axis)
        axis.set_title(_words(experiment, measure), fontsize=11)
        if not any(math.isfinite(row["estimate"].value) for row in rows):
            why = "is defined nowhere here" if rows else "was not measured in these runs"
            axis.text(0.5, 0.5, f"{measure}\n{why}", ha="center", va="center", color=GREY, transform=axis.transAxes)
            axis.set_yticks([])
    caption = Caption(
        len(experiment.seeds),
        f"seeds of {experiment.worlds} worlds each",
        "" if experiment.picture.y or len(experiment.seeds) < 2 else "bars: 95% t interval over seeds",
        "hatched: seeds end in different outcomes" if experiment.picture.y else "",
    )
    finish(figure, experiment.title, caption, picture)


def _of(experiment: Experiment, levels: Levels, measure: str) -> Levels:
    """The rows of a measure under its first condition."""
    rows = [row for row in levels if row["measure"] == measure]
    return [row for row in rows if row["given"] == rows[0]["given"]] if rows else []


def _apart(experiment: Experiment, rows: Levels) -> tuple[Levels, Levels]:
    """The rows that are judged, and those of the policies by which a generalist is checked."""

    def own(row: Mapping[str, Any]) -> bool:
        return experiment.generalist is not None and row["policies"] == OWN

    return [row for row in rows if not own(row)], [row for row in rows if own(row)]


def _words(experiment: Experiment, measure: str) -> str:
    given = next((given for given, each in experiment.wanted if each == measure), None)
    if given is None:
        return measure
    types = "all seek security" if given == "security" else given_name(given)
    return f"{measure}\n({types})"


def _lines(experiment: Experiment, rows: Levels, axis: Any) -> None:
    """Means with 95% intervals, a line for each value of the axis ``lines``; other axes are averaged over."""
    x, by = experiment.picture.x, experiment.picture.lines
    places, labels = positions(experiment, x), experiment.labels(x)
    rows, checked = _apart(experiment, rows)
    numeric = is_numeric(experiment, x)
    lines = experiment.labels(by) if by else [""]
    for k, line in enumerate(lines):
        means, halves = [], []
        for label in labels:
            found = [row["estimate"] for row in rows if row[x] == label and (not by or row[by] == line)]
            means.append(float(np.mean([each.value for each in found])) if found else math.nan)
            one = found[0] if len(found) == 1 else None
            halves.append((one.high - one.low) / 2 if one is not None and one.known else 0.0)
        shift = 0.0 if numeric else 0.06 * (k - (len(lines) - 1) / 2)
        style = look(k) if numeric else look(k) | {"linestyle": "none"}
        axis.errorbar(
            [place + shift for place in places], means, yerr=halves, marker="o", capsize=3, label=line or None, **style
        )
    for k, row in enumerate(checked):
        value = row["estimate"]
        half = (value.high - value.low) / 2 if value.known else 0.0
        words = "policies trained in the cell" if k == 0 else None
        place = places[labels.index(row[x])] + 0.04 * (places[-1] - places[0])
        axis.errorbar([place], [value.value], yerr=half, marker="x", capsize=3, color=GREY, ls="none", label=words)
    if not numeric:
        most = _LETTERS // len(labels)  # within the width of a panel
        axis.set_xticks(places, [textwrap.fill(label, max(most, 9), break_long_words=False) for label in labels])
        if max(map(len, itertools.chain.from_iterable(label.split() for label in labels))) > most:
            axis.tick_params("x", rotation=35)
            for label in axis.get_xticklabels():
                label.set(ha="right", rotation_mode="anchor")
        axis.margins(x=0.15)
    axis.set_xlabel(x)
    axis.grid(alpha=0.3)
    if by or checked:
        axis.legend(title=by, fontsize=9, title_fontsize=9)


def _fields(experiment: Experiment) -> dict[str, np.ndarray]:
    """How far each point of a map is above each of its thresholds, ``(_FINE, _FINE)``: the same for all panels."""
    x, y = experiment.picture.x, experiment.picture.y
    if y is None:
        return {}
    across, up = _finely(experiment, x), _finely(experiment, y)
    return {
        name: np.array([[threshold_gap(experiment, name, {x: h, y: v}) for h in across] for v in up])
        for name in experiment.picture.curves
    }


def _finely(experiment: Experiment, axis: str) -> np.ndarray:
    places = positions(experiment, axis)
    return np.linspace(places[0], places[-1], _FINE)


def _map(experiment: Experiment, rows: Levels, axis: Any, fields: Mapping[str, np.ndarray]) -> None:
    """A heat map over two numeric axes, each cell with its number, and the thresholds of the model on it."""
    x, y = experiment.picture.x, experiment.picture.y
    assert y is not None
    across, up = positions(experiment, x), positions(experiment, y)
    grid = np.full((len(up), len(across)), np.nan)
    for row in _apart(experiment, rows)[0]:
        grid[experiment.labels(y).index(row[y]), experiment.labels(x).index(row[x])] = row["estimate"].value
    axis.pcolormesh(_edges(across), _edges(up), grid, cmap="YlOrRd", shading="flat")
    top = np.nanmax(grid) if np.isfinite(grid).any() else 1.0
    for (j, v), (i, h) in itertools.product(enumerate(up), enumerate(across)):
        if np.isfinite(grid[j, i]):
            ink, edge = ("white", "black") if grid[j, i] > 0.7 * top else ("black", "white")
            axis.text(h, v, f"{grid[j, i]:.3f}", ha="center", va="center", fontsize=7, color=ink, zorder=5,
                      path_effects=halo(edge))  # fmt: skip
    ends = _edges(across), _edges(up)
    for row in _apart(experiment, rows)[0]:
        if disagree(str(row["measure"]), row["estimate"].values):
            i, j = experiment.labels(x).index(row[x]), experiment.labels(y).index(row[y])
            wide, high = ends[0][i + 1] - ends[0][i], ends[1][j + 1] - ends[1][j]
            hatch(axis, (ends[0][i], ends[1][j]), wide, high)
    thresholds(axis, _finely(experiment, x), _finely(experiment, y), fields)
    if axis.get_legend_handles_labels()[0]:
        axis.legend(fontsize=9, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncol=1, frameon=False)
    axis.set(xlabel=x, ylabel=y)


def disagree(measure: str, values: Sequence[float]) -> bool:
    """Whether the seeds of a cell end on both sides of where an outcome begins: a spiral, or an arms race."""
    bound = _BOUNDS.get(measure)
    return bound is not None and len({value >= bound for value in values if math.isfinite(value)}) > 1


def threshold_gap(experiment: Experiment, name: str, at: Mapping[str, float]) -> float:
    """How far a point of the map is above a threshold of model.md section 5 (0 on the curve).

    ``m=t``: m less the trust before anything is seen, at the arms of the start. ``m=1/2``: m less one half. ``q*``: the
    same as ``m=t`` with the trust after a defensive posture was seen, t' = t(1+q) / (1+q(2t-1)), and with m of weapons
    that all serve both purposes, so that q acts by what it shows alone.

    Args:
        experiment: its scenario, with plain numbers but for the stocks, which are taken at their means.
        name: which.
        at: keys of the scenario and their values at the point.
    """
    scenario = Scenario.load(experiment.scenario, {**experiment.overrides, **at})
    turns = expected_turns(scenario)
    arms = (middle(scenario.states.offense), middle(scenario.states.defense))
    trust = 1.0 - plain(scenario.motives.p_greedy)
    if name == "q*":
        q = plain(scenario.technology.distinguishability)
        trust = trust * (1 + q) / (1 + q * (2 * trust - 1))
        scenario = Scenario.load(scenario, {"technology.distinguishability": 0.0})
    return trust_threshold(scenario, *arms, turns) - (0.5 if name == "m=1/2" else trust)


def _edges(centres: Sequence[float]) -> np.ndarray:
    """Borders between the cells of an axis, half way between their centres."""
    points = np.asarray(centres, np.float64)
    if len(points) == 1:
        return np.array([points[0] - 0.5, points[0] + 0.5])
    middle = (points[1:] + points[:-1]) / 2
    return np.concatenate([[2 * points[0] - middle[0]], middle, [2 * points[-1] - middle[-1]]])
