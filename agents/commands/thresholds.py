"""``sd-env thresholds``: what theory says of a scenario before any training."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING

from agents.commands.options import add_overrides

if TYPE_CHECKING:
    from rich.console import RenderableType

    from agents.evaluation.thresholds import Thresholds

HELP = "what theory says of a scenario before any training: how much trust peace needs, and what arms do to it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("scenario", metavar="SCENARIO", help="catalogue name or YAML path")
    add_overrides(parser)
    parser.add_argument("--no-lag", action="store_true", help="without L*, whose search plays some thousand episodes")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def run(args: argparse.Namespace) -> int:
    """Compute and print. Returns 0."""
    from dataclasses import asdict

    from agents.commands.output import publish
    from agents.evaluation.thresholds import thresholds
    from sd_env.scenario import Scenario

    scenario = Scenario.load(args.scenario, dict(args.overrides))
    found = thresholds(scenario, lag=not args.no_lag)
    report = {
        "command": "sd-env thresholds",
        "scenario": args.scenario,
        "overrides": dict(args.overrides),
        "thresholds": [asdict(each) for each in found],
    }
    publish(_shown(scenario.title or scenario.name, found), report, None, args.json)
    return 0


def _shown(title: str, found: list[Thresholds]) -> RenderableType:
    """A line a number, with what it means; or a line a pair, and the meanings below."""
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from agents.evaluation.thresholds import ROWS

    rows = [row for row in ROWS if any(not math.isnan(row.number(each)) for each in found)]
    table = Table(title=title, box=box.SIMPLE_HEAD, pad_edge=False)
    below = []
    if len(found) == 1:
        table.add_column("")
        table.add_column(found[0].who, justify="right")
        table.add_column("what it says")
        for row in rows:
            table.add_row(row.name, row.told(found[0]), row.meaning)
        if found[0].by_arms:
            told = "   ".join(f"{x:g}: {m:.2f}" for x, m in found[0].by_arms.items())
            below.append(Text(f"m by the arms of each, half of them swords:   {told}"))
    else:
        table.add_column("fear of whom")
        for row in rows:
            table.add_column(row.name, justify="right")
        for each in found:
            table.add_row(each.who, *(row.told(each) for row in rows))
        below += [Text(f"{row.name}: {row.meaning}.") for row in rows]
    below.append(Text("Ranges are taken at their middles; of more than two states, two whose neighbours do nothing."))
    return Group(table, *below)
