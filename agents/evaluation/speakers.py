"""What became of language models in an evaluation: how often they chose, what it took, and how their forecasts did."""

from __future__ import annotations

from typing import Any

import pandas as pd
from rich.console import Group, RenderableType
from rich.text import Text

from agents.evaluation.tables import frame_of, records

_SUMS = ("chosen", "asked_again", "fell_back", "tokens", "forecasts", "forecasts_true", "brier")
COLUMNS = (
    ("chosen", "turns\nchosen", 0),
    ("asked_again", "asked\nagain", 0),
    ("fell_back", "left to\nfallback", 0),
    ("tokens", "tokens", 0),
    ("forecasts", "forecasts", 0),
    ("brier", "Brier", 4),
    ("constant", "constant's", 4),
)
_WORDS = (
    "Language models. Turns chosen: on which the model's answer was used; left to fallback: on which no answer could "
    "be, so that its pay-off is not the model's own. Brier: mean squared error of its forecasts of attacks, 0 is "
    "perfect; constant's: of who always gives the share of them that came true."
)


def speakers(frame: pd.DataFrame) -> pd.DataFrame:
    """Of each language policy in the rows of :func:`agents.table.play.play`, over all of its seats and episodes.

    Returns:
        One row a policy: ``policy``, its sums ``chosen, asked_again, fell_back, tokens, forecasts``, and ``brier`` and
        ``constant``, NaN without forecasts. No rows without language policies.
    """
    parts = []
    for i in range(sum(str(name).startswith("policy_") for name in frame)):
        if f"chosen_{i}" not in frame:
            continue
        held = frame[frame[f"chosen_{i}"].notna()]
        parts.append(
            held[[f"{name}_{i}" for name in _SUMS]].set_axis(list(_SUMS), axis=1).assign(policy=held[f"policy_{i}"])
        )
    names = ["policy", *(name for name, _, _ in COLUMNS)]
    if not parts:
        return pd.DataFrame(columns=names)
    found = pd.concat(parts).groupby("policy", sort=False).sum().reset_index()
    count = found["forecasts"].where(found["forecasts"] > 0)
    share = found["forecasts_true"] / count
    return found.assign(brier=found["brier"] / count, constant=share * (1 - share))[names]


def with_speakers(
    frame: pd.DataFrame, report: dict[str, Any], shown: RenderableType
) -> tuple[dict[str, Any], RenderableType]:
    """A report and its table with what became of the language models; as they are where there are none."""
    found = speakers(frame)
    if found.empty:
        return report, shown
    table = frame_of("Language models", "policy", COLUMNS)
    for row in found.to_dict("records"):
        cells = ("-" if row[name] != row[name] else f"{row[name]:.{places}f}" for name, _, places in COLUMNS)
        table.add_row(Text(str(row["policy"]), style="bold"), *cells)
    return {**report, "language": records(found)}, Group(shown, table, Text(_WORDS))
