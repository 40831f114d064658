"""Quantities over training: a panel each, a line each, with the band of their seeds."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from agents.evaluation.outcome import ARMS, ATTACKS, SPIRAL
from agents.evaluation.statistics import estimate
from agents.pictures.style import GREY, Caption, finish, look, panels
from sd_env.files import read_bounded

#: Steps and values of a run.
Curve = tuple[np.ndarray, np.ndarray]
_PANELS: Final = (
    (ARMS, "Arms of security seekers", "offence + defence (stock per state)"),
    (ATTACKS, "Attacks between security seekers", "attacks per pair-turn"),
)


def read_curve(path: Path, metric: str) -> Curve:
    """Agent-steps and values of one metric in a ``progress.csv``; rows without it are left out."""
    steps, values = [], []
    for row in csv.DictReader(io.StringIO(read_bounded(path).decode(), newline="")):
        if row.get(metric):
            steps.append(float(row["time/total_timesteps"]))
            values.append(float(row[metric]))
    return np.array(steps), np.array(values)


def banded(runs: Sequence[Curve]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Steps of the shortest of some runs, and at each the mean of all with its 95% t interval, NaN of one run.

    Args:
        runs: one at least, each with points.
    """
    steps = min((run[0] for run in runs), key=len)
    values = np.stack([np.interp(steps, *run) for run in runs])
    found = [estimate(column.tolist()) for column in values.T]
    mean, low, high = (np.array([getattr(each, name) for each in found]) for name in ("value", "low", "high"))
    return steps, mean, low, high


def lines(axis: Any, curves: Mapping[str, Sequence[Curve]], unit: float) -> None:
    """Draw a line for each name, and the band of its interval, as far as the lines themselves reach.

    Args:
        axis: on which.
        curves: name -> a run a seed; names without a point are left out.
        unit: steps of one on the axis.
    """
    top = 0.0
    for k, (name, given) in enumerate(curves.items()):
        if runs := [run for run in given if len(run[0])]:
            steps, mean, low, high = banded(runs)
            axis.plot(steps / unit, mean, label=name, linewidth=2.0, **look(k))
            axis.fill_between(steps / unit, low, high, color=look(k)["color"], alpha=0.2, linewidth=0)
            top = max(top, float(mean.max()))
    if top > 0.0 and axis.get_ylim()[1] > 2.0 * top:  # a wide band would press the lines flat
        axis.set_ylim(top=2.0 * top)
    axis.grid(alpha=0.3)


def over_seeds(counts: Sequence[int]) -> Caption:
    """The caption of curves, by how many seeds each line has."""
    seeds = sorted(set(counts) or {0})
    n = str(seeds[0]) if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
    band = "bands: 95% t interval over seeds, as far as a panel goes"
    return Caption(n, "seed" if n == "1" else "seeds", band if seeds[-1] > 1 else "", "lines: means")


def draw(curves: Mapping[str, Sequence[Path]], picture: Path, title: str) -> None:
    """Draw the worlds of a run: arms and attacks against steps.

    Args:
        curves: world -> its ``progress.csv`` files, one a seed.
        picture: PNG to write; an SVG is written beside it.
        title: above the panels.
    """
    figure, axes = panels(len(_PANELS), size=(6.0, 4.8))
    for axis, (metric, name, unit) in zip(axes, _PANELS, strict=True):
        lines(axis, {world: [read_curve(path, metric) for path in paths] for world, paths in curves.items()}, 1e6)
        axis.set(title=name, xlabel="million agent-steps", ylabel=unit)
        axis.set_ylim(bottom=0.0)
    top = axes[1].get_ylim()[1]
    if math.isfinite(top) and top > SPIRAL:
        axes[1].axhline(SPIRAL, color=GREY, linewidth=1, linestyle=(0, (1, 3)), label=f"spiral from {SPIRAL}")
    axes[1].legend(framealpha=0.85, edgecolor="none", fontsize=10)
    finish(figure, title, over_seeds([len(paths) for paths in curves.values()]), picture)
