"""Pictures of tournaments, cross-play and ablations."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any, Final

import matplotlib
import numpy as np
import pandas as pd

from agents.escape import save_picture
from agents.evaluation.evaluate import PAYOFF
from agents.evaluation.outcome import ARMS, ATTACKS
from agents.evaluation.picture import COLOURS, STYLES

matplotlib.use("Agg")  # before pyplot: no display is needed

from matplotlib import pyplot as plt

#: Cells of a heat map a side up to which each carries its number.
_NUMBERED: Final = 30
#: Policies that a picture of shares names; the others are grey.
_NAMED: Final = 12
_PANELS: Final = (
    (PAYOFF, "pay-off of a state"),
    (ATTACKS, "attacks of security seekers\non one another, a pair-turn"),
    (ARMS, "arms of a security seeker"),
)


def heat_map(matrix: pd.DataFrame, picture: Path, title: str, unit: str) -> None:
    """Draw a square table: the row's value against the column.

    Args:
        matrix: numbers with the same labels in rows and columns; NaN stays blank.
        picture: PNG to write.
        title: above it.
        unit: what the numbers are.
    """
    count = len(matrix)
    names = [_short(name) for name in matrix.index]
    longest = max(map(len, names)) * 0.085
    side = max(0.47 * count, 2.6)
    figure, axis = plt.subplots(figsize=(side + longest + 1.6, side + longest + 0.9), layout="constrained")
    values = matrix.to_numpy(np.float64)
    image = axis.imshow(values, cmap="viridis")
    axis.set_xticks(range(count), names, rotation=90 if count > 6 else 45, ha="center" if count > 6 else "right")
    if count <= 6:
        plt.setp(axis.get_xticklabels(), rotation_mode="anchor")
    axis.set_yticks(range(count), names)
    axis.tick_params(labelsize=9, length=0)
    if count <= _NUMBERED:
        low, high = np.nanmin(values), np.nanmax(values)
        for i, j in itertools.product(range(count), repeat=2):
            if np.isfinite(values[i, j]):
                light = values[i, j] > low + 0.6 * (high - low)
                axis.text(
                    j, i, _number(values[i, j]), ha="center", va="center", fontsize=7, color="0" if light else "1"
                )
    axis.set(xlabel="against", ylabel="policy")
    axis.set_title(title, fontsize=11)
    figure.colorbar(image, ax=axis, label=unit, shrink=min(1.0, 4.0 / side + 0.3))
    _save(figure, picture)


def shares(course: pd.DataFrame, picture: Path, title: str) -> None:
    """Draw how the shares of policies change over generations; those that ever were largest are named.

    Args:
        course: ``generation`` and a column a policy, as ``agents.evaluation.tournament.ecology`` gives it.
        picture: PNG to write.
        title: above it.
    """
    policies = course.drop(columns="generation")
    largest = list(policies.max().sort_values(ascending=False, kind="stable").index[:_NAMED])
    by_end = sorted(largest, key=lambda name: -float(policies[name].iloc[-1]))
    figure, axis = plt.subplots(figsize=(9.5, 4.8), layout="constrained")
    for name in policies:
        if name not in largest:
            axis.plot(course["generation"], policies[name], color="0.8", linewidth=1)
    for k, name in enumerate(by_end):
        style: Any = {"color": COLOURS[k % len(COLOURS)], "linestyle": STYLES[k // len(COLOURS) % len(STYLES)]}
        axis.plot(course["generation"], policies[name], linewidth=2, label=_short(name), **style)
    axis.set(xlabel="generation", ylabel="share of the population", ylim=(0, None), xlim=(0, len(course) - 1))
    axis.set_title(title, fontsize=11)
    axis.grid(alpha=0.3)
    others = " (others grey)" if len(largest) < policies.shape[1] else ""
    axis.legend(
        title=f"by final share{others}", loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=9
    )
    _save(figure, picture)


def ablation(table: pd.DataFrame, picture: Path, title: str) -> None:
    """Draw pay-off, attacks and arms under each value of a parameter, with the interval of the difference to the base.

    Args:
        table: as ``agents.evaluation.ablate.differences`` gives it.
        picture: PNG to write.
        title: above the panels.
    """
    values = list(dict.fromkeys(table["value"]))
    policies = list(dict.fromkeys(table["policy"]))
    figure, axes = plt.subplots(1, len(_PANELS), figsize=(12, 4.4), layout="constrained")
    for axis, (metric, label) in zip(axes, _PANELS, strict=True):
        for k, policy in enumerate(policies):
            rows = table[(table["metric"] == metric) & (table["policy"] == policy)].set_index("value").loc[values]
            x = np.arange(len(values)) + 0.08 * (k - (len(policies) - 1) / 2)
            mean, change = rows["mean"].to_numpy(np.float64), rows["difference"].to_numpy(np.float64)
            bars = np.nan_to_num(np.stack([change - rows["low"], rows["high"] - change]))
            style: dict[str, Any] = {"color": COLOURS[k % len(COLOURS)], "marker": "o", "markersize": 5, "capsize": 3}
            axis.errorbar(x, mean, yerr=bars, linestyle=STYLES[k % len(STYLES)], label=_short(policy), **style)
        axis.set_xticks(range(len(values)), values, rotation=30 if len(values) > 5 else 0)
        axis.set(xlabel=table["parameter"].iloc[0], ylabel=label)
        axis.margins(x=0.08)
        axis.grid(alpha=0.3)
    axes[0].legend(frameon=False, fontsize=9)
    figure.suptitle(f"{title}\nbars: 95% interval of the difference to the base", fontsize=11)
    _save(figure, picture)


def _short(name: Any, most: int = 34) -> str:
    text = str(name)
    return text if len(text) <= most else text[: most - 1] + "…"


def _number(value: float) -> str:
    """Three digits at most, as a cell has room for."""
    size = abs(value)
    return f"{value:.0f}" if size >= 99.5 else f"{value:.1f}" if size >= 9.95 else f"{value:.2f}"


def _save(figure: Any, picture: Path) -> None:
    save_picture(figure, picture, dpi=140)
    plt.close(figure)
