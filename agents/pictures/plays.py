"""Pictures of plays: who earns what against whom, who spreads, what a parameter changes, numbers with intervals."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from agents.evaluation.evaluate import PAYOFF
from agents.evaluation.outcome import ARMS, ATTACKS
from agents.evaluation.statistics import Interval
from agents.pictures.style import GREY, Caption, finish, look, panels, short

#: Cells of a heat map a side up to which each carries its number.
_NUMBERED: Final = 30
#: Policies that a picture of shares names; the others are grey.
_NAMED: Final = 12
_PANELS: Final = (
    (PAYOFF, "pay-off of a state"),
    (ATTACKS, "attacks of security seekers\non one another, a pair-turn"),
    (ARMS, "arms of a security seeker"),
)


def heat_map(matrix: pd.DataFrame, picture: Path, title: str, unit: str, caption: Caption) -> None:
    """Draw a square table: the row's value against the column.

    Args:
        matrix: numbers with the same labels in rows and columns; NaN stays blank.
        picture: PNG to write; an SVG is written beside it.
        title: above it.
        unit: what the numbers are.
        caption: what each rests on.
    """
    count = len(matrix)
    names = [short(name) for name in matrix.index]
    longest = max(map(len, names)) * 0.085
    side = max(0.47 * count, 2.6)
    figure, [axis] = panels(1, size=(side + longest + 1.6, side + longest + 1.2))
    values = matrix.to_numpy(np.float64)
    image = axis.imshow(values, cmap="viridis")
    axis.set_xticks(range(count), names, rotation=90 if count > 6 else 45, ha="center" if count > 6 else "right")
    if count <= 6:
        for label in axis.get_xticklabels():
            label.set_rotation_mode("anchor")
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
    figure.colorbar(image, ax=axis, label=unit, shrink=min(1.0, 4.0 / side + 0.3))
    finish(figure, title, caption, picture)


def shares(course: pd.DataFrame, picture: Path, title: str) -> None:
    """Draw how the shares of policies change over generations; those that ever were largest are named.

    Args:
        course: ``generation`` and a column a policy, as ``agents.evaluation.tournament.ecology`` gives it.
        picture: PNG to write; an SVG is written beside it.
        title: above it.
    """
    policies = course.drop(columns="generation")
    largest = list(policies.max().sort_values(ascending=False, kind="stable").index[:_NAMED])
    by_end = sorted(largest, key=lambda name: -float(policies[name].iloc[-1]))
    figure, [axis] = panels(1, size=(9.5, 4.8))
    for name in policies:
        if name not in largest:
            axis.plot(course["generation"], policies[name], color="0.8", linewidth=1)
    for k, name in enumerate(by_end):
        axis.plot(course["generation"], policies[name], linewidth=2, label=short(name), **look(k))
    axis.set(xlabel="generation", ylabel="share of the population", ylim=(0, None), xlim=(0, len(course) - 1))
    axis.grid(alpha=0.3)
    others = " (others grey)" if len(largest) < policies.shape[1] else ""
    axis.legend(
        title=f"by final share{others}", loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=9
    )
    caption = Caption(policies.shape[1], "policies", "", "replicator dynamics of the mean pay-offs, from equal shares")
    finish(figure, title, caption, picture)


def ablation(table: pd.DataFrame, picture: Path, title: str) -> None:
    """Draw pay-off, attacks and arms under each value of a parameter, with the interval of the difference to the base.

    Args:
        table: as ``agents.evaluation.ablate.differences`` gives it.
        picture: PNG to write; an SVG is written beside it.
        title: above the panels.
    """
    values = list(dict.fromkeys(table["value"]))
    policies = list(dict.fromkeys(table["policy"]))
    figure, axes = panels(len(_PANELS), size=(4.0, 4.4))
    for axis, (metric, label) in zip(axes, _PANELS, strict=True):
        for k, policy in enumerate(policies):
            rows = table[(table["metric"] == metric) & (table["policy"] == policy)].set_index("value").loc[values]
            x = np.arange(len(values)) + 0.08 * (k - (len(policies) - 1) / 2)
            mean, change = rows["mean"].to_numpy(np.float64), rows["difference"].to_numpy(np.float64)
            bars = np.nan_to_num(np.stack([change - rows["low"], rows["high"] - change]).astype(np.float64))
            axis.errorbar(x, mean, yerr=bars, marker="o", markersize=5, capsize=3, label=short(policy), **look(k))
        axis.set_xticks(range(len(values)), values, rotation=30 if len(values) > 5 else 0)
        axis.set(xlabel=table["parameter"].iloc[0], ylabel=label)
        axis.margins(x=0.08)
        axis.grid(alpha=0.3)
    axes[0].legend(frameon=False, fontsize=9)
    finish(figure, title, over(table, "bars: 95% {} interval of the difference to the base"), picture)


def over(table: pd.DataFrame, words: str) -> Caption:
    """The caption of a table of numbers with ``low, high, count, unit``.

    Args:
        table: its rows.
        words: what is drawn as an interval, with ``{}`` for its kind.
    """
    known = table[table["low"].notna()]
    rows = known if len(known) else table
    counts, units = sorted({int(each) for each in rows["count"]}), sorted({str(each) for each in rows["unit"]})
    n = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    kind = "bootstrap" if units == ["episodes"] else "t"
    return Caption(n, " or ".join(units), words.format(kind) if len(known) else "")


def intervals(
    found: Mapping[tuple[str, str], Interval],
    picture: Path,
    title: str,
    label: str,
    caption: Caption,
    lines: Mapping[str, float],
) -> None:
    """Draw numbers with their intervals, a line each, one below another.

    Args:
        found: (what of, whose) -> the number; those of one "whose" have one colour.
        picture: PNG to write; an SVG is written beside it.
        title: above it.
        label: what the numbers are.
        caption: what they rest on.
        lines: what it says -> where an upright line is drawn.
    """
    rows, whose = (list(dict.fromkeys(key[k] for key in found)) for k in (0, 1))
    figure, [axis] = panels(1, size=(8.0, 1.8 + 0.36 * len(rows) * max(1.0, len(whose) / 2)))
    for k, name in enumerate(whose):
        here = [(rows.index(key[0]), each) for key, each in found.items() if key[1] == name]
        y = [row + 0.6 * ((k + 0.5) / len(whose) - 0.5) for row, _ in here]
        x = [each.value for _, each in here]
        bars = np.nan_to_num(np.array([[e.value - e.low, e.high - e.value] for _, e in here])).T
        mark = {"color": look(k)["color"], "marker": "osD^vP*"[k % 7], "linestyle": "none", "capsize": 3}
        axis.errorbar(x, y, xerr=bars, label=short(name) or None, **mark)
    for k, (words, place) in enumerate(lines.items()):
        axis.axvline(place, color=GREY, linewidth=1.0, linestyle=("-", ":")[k % 2], label=words)
    axis.set_yticks(range(len(rows)), [short(row, 48) for row in rows], fontsize=9)
    axis.set(xlabel=label, ylim=(len(rows) - 0.4, -0.6))
    axis.grid(axis="x", alpha=0.3)
    axis.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=9)
    finish(figure, title, caption, picture)


def _number(value: float) -> str:
    """Three digits at most, as a cell has room for."""
    size = abs(value)
    return f"{value:.0f}" if size >= 99.5 else f"{value:.1f}" if size >= 9.95 else f"{value:.2f}"
