"""What the components of the dilemma look like: a table of text and a picture."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from agents.pictures.style import Caption, finish, panels

#: Column of the table -> kind of episodes and flag.
COLUMNS: Final[dict[str, tuple[str, str]]] = {
    "anarchy": ("all", "anarchy"),
    "uncertain": ("all", "uncertain_intentions"),
    "fear": ("all", "mutual_fear"),
    "no malign": ("all", "no_malign_state"),
    "arms up": ("all", "arms_up"),
    "spiral": ("all", "spiral"),
    "self-defeat": ("all", "self_defeat"),
    "tragic": ("all", "tragic_result"),
    "all eight": ("all", "dilemma"),
    "if all S": ("seekers", "dilemma"),
}
KEY: Final = """\
Share of episodes with the flag, mean over seeds ± half of the 95% t interval over seeds.
0, 1: in no episode, in every episode of every seed.
-: does not apply in any episode (docs/measures.md): the scenario allows no arms or no attack, or arms never vary.
all eight: a true dilemma, every flag in one episode. if all S: the same share among the episodes in which every state
is a security seeker (-: there is none). Beliefs are those of the Bayesian filter.
"""
_WIDE: Final = 12


def cell(mean: float, low: float, high: float) -> str:
    """A share as the table has it."""
    if math.isnan(mean):
        return "-"
    if mean in (0.0, 1.0):
        return f"{mean:.0f}"
    half = (high - low) / 2
    return f"{mean:.2f}" + ("" if math.isnan(half) else f"±{half:.2f}")


def span(rows: pd.DataFrame) -> str:
    """How many episodes a seed plays: a number, or the least and the most."""
    counts = rows.groupby(["scenario", "policy", "seed"]).size()
    low, high = int(counts.min()), int(counts.max())
    return str(high) if low == high else f"{low} to {high}"


def _wide(table: pd.DataFrame, policy: str, value: str) -> pd.DataFrame:
    """Scenarios by :data:`COLUMNS`; NaN where the table has no row."""
    rows = table[table["policy"] == policy]
    found = {
        name: rows[(rows["episodes"] == kind) & (rows["flag"] == flag)].set_index("scenario")[value]
        for name, (kind, flag) in COLUMNS.items()
    }
    return pd.DataFrame(found).reindex(list(dict.fromkeys(rows["scenario"])))


def as_table(table: pd.DataFrame) -> str:
    """The shares as text, a block for each policy.

    Args:
        table: as ``agents.publish.components.aggregate`` gives it.
    """
    names = max(map(len, table["scenario"])) + 2
    blocks = []
    for policy in dict.fromkeys(table["policy"]):
        mean, low, high = (_wide(table, policy, value) for value in ("value", "low", "high"))
        lines = [f"{policy:<{names}}" + "".join(f"{name:>{_WIDE}}" for name in COLUMNS)]
        for scenario in mean.index:
            parts = zip(mean.loc[scenario], low.loc[scenario], high.loc[scenario], strict=True)
            lines.append(f"{scenario:<{names}}" + "".join(f"{cell(*part):>{_WIDE}}" for part in parts))
        some = mean["all eight"] > 0
        lines.append(f"A true dilemma in some episode: {int(some.sum())} of {len(mean)} scenarios.")
        blocks.append("\n".join(lines) + "\n")
    return "\n".join([*blocks, KEY])


def draw(table: pd.DataFrame, picture: Path, seeds: int) -> None:
    """Draw the shares as heat maps, scenarios by flags, a panel for each policy.

    Args:
        table: as ``agents.publish.components.aggregate`` gives it.
        picture: PNG to write.
        seeds: how many, for the caption.
    """
    policies = list(dict.fromkeys(table["policy"]))
    scenarios = list(dict.fromkeys(table["scenario"]))
    tall = 0.235 * len(scenarios) + 2.0
    figure, axes = panels(len(policies), size=(3.2 / len(policies) + 4.9, tall), sharey=True)
    image: Any = None
    for axis, policy in zip(axes, policies, strict=True):
        values = _wide(table, policy, "value").reindex(scenarios).to_numpy(np.float64)
        axis.set_facecolor("0.85")
        image = axis.imshow(values, cmap="viridis", vmin=0.0, vmax=1.0, aspect="auto")
        for i, j in itertools.product(range(len(scenarios)), range(len(COLUMNS))):
            share = values[i, j]
            text = "–" if math.isnan(share) else f"{share:.0f}" if share in (0.0, 1.0) else f"{share:.2f}"
            dark = share < 0.6  # False where it is NaN, on grey
            axis.text(j, i, text, ha="center", va="center", fontsize=6.5, color="1" if dark else "0")
        axis.set_xticks(range(len(COLUMNS)), list(COLUMNS), rotation=55, ha="left", rotation_mode="anchor", fontsize=9)
        axis.xaxis.tick_top()
        axis.set_yticks(range(len(scenarios)), scenarios, fontsize=8)
        axis.tick_params(length=0)
        axis.set_title(policy, fontsize=11)
        axis.axvline(len(COLUMNS) - 2.5, color="1", linewidth=3)
        folders = [name.partition("/")[0] for name in scenarios]
        for i in range(1, len(scenarios)):
            if folders[i] != folders[i - 1]:
                axis.axhline(i - 0.5, color="1", linewidth=3)
    figure.colorbar(image, ax=axes, label="share of episodes", shrink=0.5, aspect=30)
    caption = Caption(seeds, "seeds" if seeds != 1 else "seed", "", "shares: means over seeds; grey: does not apply")
    finish(figure, "Components of the security dilemma (Tang 2009)", caption, picture)
