"""What the commands print and leave: tables with the look of the training report, JSON, and their page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents.escape import Printable, console
from agents.evaluation.report import WIDTH, as_text
from agents.files import without_nan, write_json, write_text

if TYPE_CHECKING:
    from rich.console import RenderableType


def publish(shown: RenderableType, report: Mapping[str, Any], out: Path | None, as_json: bool) -> None:
    """Print a table, or its report as JSON, and leave both in ``out``, and with them its page.

    They are ``table.txt``, ``report.json``, pictures, and ``report.html`` with the episodes that it leads to.
    """
    if out:
        write_text(out / "table.txt", as_text(shown))
        write_json(out / "report.json", dict(report))
    if as_json:
        print(json.dumps(without_nan(dict(report)), indent=1, allow_nan=False))
    else:
        console(width=WIDTH).print(Printable(shown))
    if out:
        from agents.pages.write import write_page  # only now: it knows trainings, and so loads torch

        write_page(out)
