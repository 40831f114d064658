"""The worlds over training in one picture: arms and attacks against steps."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
import numpy as np

from agents.escape import save_picture
from agents.evaluation.outcome import ARMS, ATTACKS, SPIRAL

matplotlib.use("Agg")  # before pyplot: no display is needed

from matplotlib import pyplot as plt

#: Okabe and Ito's palette, which the common kinds of colour blindness keep apart; line styles repeat the difference.
COLOURS = ("#D55E00", "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#000000")
STYLES = ("-", "--", "-.", ":")
_PANELS = (
    (ARMS, "Arms of security seekers", "offence + defence (stock per state)"),
    (ATTACKS, "Attacks between security seekers", "attacks per pair-turn"),
)


def read_curve(path: Path, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """Agent-steps and values of one metric in a ``progress.csv``; rows without it are left out."""
    steps, values = [], []
    with path.open(encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(handle):
            if row.get(metric):
                steps.append(float(row["time/total_timesteps"]))
                values.append(float(row[metric]))
    return np.array(steps), np.array(values)


def draw(curves: Mapping[str, Sequence[Path]], picture: Path, title: str) -> None:
    """Draw all worlds: the mean over seeds and the band from the lowest seed to the highest.

    Args:
        curves: world -> its ``progress.csv`` files, one a seed.
        picture: PNG to write.
        title: above the panels.
    """
    figure, axes = plt.subplots(1, len(_PANELS), figsize=(12, 4.8), layout="constrained")
    for axis, (metric, name, unit) in zip(axes, _PANELS, strict=True):
        for k, (world, paths) in enumerate(curves.items()):
            runs = [curve for curve in (read_curve(path, metric) for path in paths) if len(curve[0])]
            if not runs:
                continue
            steps = min((run[0] for run in runs), key=len)
            values = np.stack([np.interp(steps, *run) for run in runs])
            style = {"color": COLOURS[k % len(COLOURS)], "linestyle": STYLES[k % len(STYLES)], "linewidth": 2.0}
            axis.plot(steps / 1e6, values.mean(axis=0), label=world, **style)
            if len(runs) > 1:
                axis.fill_between(
                    steps / 1e6, values.min(axis=0), values.max(axis=0), color=style["color"], alpha=0.2, linewidth=0
                )
        axis.set(title=name, xlabel="million agent-steps", ylabel=unit, ylim=(0, None))
        axis.grid(alpha=0.3)
    top = axes[1].get_ylim()[1]
    if math.isfinite(top) and top > SPIRAL:
        axes[1].axhline(SPIRAL, color="#666666", linewidth=1, linestyle=(0, (1, 3)), label=f"spiral from {SPIRAL}")
    axes[1].legend(framealpha=0.85, edgecolor="none", fontsize=10)
    seeds = max((len(paths) for paths in curves.values()), default=0)
    figure.suptitle(f"{title}: mean of {seeds} seed{'s' * (seeds != 1)}" + ", band = range of seeds" * (seeds > 1))
    save_picture(figure, picture, dpi=140)
    plt.close(figure)
