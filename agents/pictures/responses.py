"""Impulse responses: what arms that are given to a state come to, turn by turn, with the nulls beside."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pandas as pd

from agents.files import read_table
from agents.pictures.episodes import PictureError
from agents.pictures.style import GREY, Caption, finish, look, panels
from sd_env.files import read_bounded
from sd_env.reading import read_json

#: Measures that are drawn, and what they are.
MEASURES: Final = {
    "response": "arms of the rival, a unit given",
    "own excess": "own arms beyond those given, a unit given",
}
_KINDS: Final = ("defense", "offense")
_NULLS: Final = {"swapped": "rivals swapped", "never_attack": "never-attack"}
#: Bytes of a report that are read.
_MOST: Final = 200_000_000
_NUMBERS: Final = ("value", "low", "high", *_NULLS)


def table_of(folder: Path) -> pd.DataFrame:
    """The table that ``sd-env escalation --out`` has left in its report, or a run in its ``escalation.csv``.

    Raises:
        PictureError: one sentence for a folder without one.
    """
    try:
        if (folder / "escalation.csv").is_file():
            table = read_table(folder / "escalation.csv")
        else:
            found = read_json(read_bounded(folder / "report.json", _MOST), "report.json", most=_MOST)
            table = pd.DataFrame(found["escalation"])
        numbers = {name: table[name].astype(float) for name in _NUMBERS}
        texts = {name: table[name].astype(str) for name in ("policy", "measure", "do")}
        return table.assign(**numbers, **texts, h=table["h"].astype(int), pairs=table["pairs"].astype(int))
    except (OSError, LookupError, TypeError, ValueError):
        raise PictureError(
            f"{folder} has no responses; sd-env escalation --out, or a training run, leaves some."
        ) from None


def impulse_responses(table: pd.DataFrame, path: Path) -> None:
    """Draw the responses to arms of each kind, a panel each, a line a policy, with 95% intervals and the nulls.

    Args:
        table: of :func:`agents.evaluation.escalation.escalation`.
        path: PNG to write; an SVG is written beside it.

    Raises:
        PictureError: if the table has no response.
    """
    found = table[table["measure"].isin(list(MEASURES)) & table["do"].isin(_KINDS)]
    if not len(found):
        raise PictureError("the table has no responses to arms; sd-env escalation leaves some.")
    figure, axes = panels(len(_KINDS), len(MEASURES), size=(5.4, 3.6))
    policies = list(dict.fromkeys(found["policy"]))
    for axis, (measure, do) in zip(axes, ((m, d) for m in MEASURES for d in _KINDS), strict=True):
        for k, policy in enumerate(policies):
            rows = found[(found["measure"] == measure) & (found["do"] == do) & (found["policy"] == policy)].sort_values(
                "h"
            )
            axis.plot(rows["h"], rows["value"], label=str(policy), linewidth=2, **look(k))
            axis.fill_between(rows["h"], rows["low"], rows["high"], color=look(k)["color"], alpha=0.2, linewidth=0)
            for style, (column, words) in zip((":", "--"), _NULLS.items(), strict=True):
                if column == "swapped" or k == 0:  # never-attack is one and the same
                    label = f"null: {words}" if k == 0 else None
                    axis.plot(rows["h"], rows[column], color=GREY, linestyle=style, linewidth=1.2, label=label)
        axis.axhline(0.0, color="#999999", linewidth=0.8)
        axis.set(title=f"{do} given", xlabel="turns after", ylabel=MEASURES[measure])
        axis.grid(alpha=0.3)
    axes[0].legend(fontsize=8, framealpha=0.85, edgecolor="none")
    pairs = sorted({int(each) for each in found["pairs"]})
    count = f"{pairs[0]}" if len(pairs) == 1 else f"{pairs[0]} to {pairs[-1]}"
    caption = Caption(count, "pairs of security seekers at peace", "bands: 95% bootstrap interval over worlds")
    finish(figure, "What arms that are given come to", caption, path)
