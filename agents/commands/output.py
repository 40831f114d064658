"""What the commands print and leave: tables with the look of the training report, and JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment

from agents.evaluation.report import WIDTH, as_text
from agents.files import without_nan, write_json, write_text
from sd_env.errors import printable


def publish(shown: RenderableType, report: Mapping[str, Any], out: Path | None, as_json: bool) -> None:
    """Print a table, or its report as JSON, and leave both in ``out``: ``table.txt`` and ``report.json``."""
    safe = _Printable(shown)
    if out:
        write_text(out / "table.txt", as_text(safe))
        write_json(out / "report.json", dict(report))
    if as_json:
        print(json.dumps(without_nan(dict(report)), indent=1, allow_nan=False))
    else:
        # wider than a narrow terminal rather than with numbers cut off
        Console(width=max(WIDTH, Console().width)).print(safe)


@dataclass(frozen=True)
class _Printable:
    """The same without letters that would drive a terminal: titles of scenarios are anybody's words."""

    shown: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for text, style, control in console.render(self.shown, options):
            yield Segment("\n".join(map(printable, text.split("\n"))), style, control)
