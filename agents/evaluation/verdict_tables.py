"""Verdicts and certificates as tables for people."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich import box
from rich.table import Table
from rich.text import Text

from agents.evaluation.certify import GREEDY, SEEKERS
from agents.evaluation.verdict import largest_gap

#: Thresholds that stand beside a verdict, by their names in :data:`agents.evaluation.thresholds.ROWS`.
THRESHOLDS: Final = ("t", "m", "m~(3)")
_WELFARE: Final = "outcome/s_welfare"


def verdict_table(title: str, worlds: Mapping[str, Mapping[str, Any]]) -> Table:
    """A row for each world and start, and the world's verdict.

    Args:
        title: of the table.
        worlds: world -> its entry of a run's ``report.json``.
    """
    shown = Table(title=title, box=box.SIMPLE_HEAD, show_lines=False, pad_edge=False)
    shown.add_column("world", no_wrap=True)
    for name in THRESHOLDS:
        shown.add_column(name, justify="right", max_width=8)
    shown.add_column("start")
    shown.add_column("outcome", max_width=14)
    shown.add_column("settled")
    shown.add_column("gap S", justify="right")
    shown.add_column("gap G", justify="right")
    shown.add_column("welfare\nof S", justify="right")
    shown.add_column("verdict", max_width=22)
    for name, world in worlds.items():
        starts = world["starts"]
        for k, (path, start) in enumerate(starts.items()):
            welfare = start["learned"][_WELFARE]["value"]
            first = k == 0
            shown.add_row(
                Text(name, style="bold") if first else "",
                *(str(world["thresholds"].get(each, "-")) if first else "" for each in THRESHOLDS),
                path or "-",
                _shares(start["outcomes"]),
                "no" if start["unsettled"] else "yes",
                *(_gap(start["certificates"], kind) for kind in (SEEKERS, GREEDY)),
                "-" if welfare is None or math.isnan(welfare) else f"{welfare:.2f}",
                Text(str(world["verdict"]), style="bold") if first else "",
                end_section=k == len(starts) - 1,
            )
    return shown


def _shares(outcomes: Sequence[str]) -> str:
    """Outcomes of the seeds: one if all end alike, else how many each."""
    kinds = list(dict.fromkeys(outcomes))
    if len(kinds) == 1:
        return kinds[0] or "-"
    return ", ".join(f"{kind or '-'} {outcomes.count(kind)}/{len(outcomes)}" for kind in kinds)


def _gap(rows: Sequence[Mapping[str, Any]], kind: str) -> str:
    """The largest gain found against a type, with a mark where no certificate rests on it."""
    if not (worst := largest_gap(rows, kind)):
        return "-"
    marks = {row["verdict"] for row in rows if row["type"] == kind}
    return f"{worst['gain']:.1%}" + ("" if marks == {"certified"} else " *" if "beaten" in marks else " ?")


def certificate_table(title: str, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> Table:
    """What was tried against policies, and what it gained, by seat and type.

    Args:
        title: of the table.
        rows: name of the policies -> rows of :func:`agents.evaluation.certify.certificates`.
    """
    shown = Table(title=title, box=box.SIMPLE_HEAD, show_lines=False, pad_edge=False)
    for heading in ("policies", "seat", "type", "own return", "gain", "95% interval", "best deviator found", "verdict"):
        shown.add_column(heading, justify="right" if heading in ("own return", "gain") else "left")
    shown.add_column("failed\nsearches", justify="right")
    for name, found in rows.items():
        for row in found:
            interval = f"{row['low']:+.1%} to {row['high']:+.1%}"
            by = row["response"] or "nothing gained"
            own, gain, failed = f"{row['own']:.2f}", f"{row['gain']:.1%}", f"{row['failed']} of {row['searches']}"
            shown.add_row(name, row["state"], row["type"], own, gain, interval, by, row["verdict"], failed)
    return shown
