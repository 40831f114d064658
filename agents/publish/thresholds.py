"""The thresholds of every scenario of the catalogue, before any training, as data and as a table of docs/catalogue.md.

``python -m agents.publish.thresholds`` computes them (minutes) and writes both; the pages of the book show the data.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from agents.evaluation.duel import Duel
from agents.evaluation.thresholds import ROWS, most_feared, thresholds
from agents.files import write_json, write_text
from agents.publish.door import page_command
from sd_env.scenario import load_scenario, scenarios

PAGE: Final = Path("docs/catalogue.md")
DATA: Final = Path("docs/thresholds.json")
#: What is told of each scenario; a war of three turns stands for the longer ones.
TOLD: Final = [row for row in ROWS if row.name in ("t", "m", "m~(3)", "x*", "x_c", "a/d", "q*", "L*")]
HEADING: Final = "| thresholds of | " + " | ".join(row.name for row in TOLD) + " |"


def entry(name: str) -> dict[str, str]:
    """A scenario's thresholds in words, by symbol; ``who``: of unlike states, the pair with most to fear."""
    scenario = load_scenario(name)
    found = thresholds(scenario, lag=False)
    most = most_feared(found)
    if len(found) == 1:  # only here L*, whose search takes seconds a pair
        who, most = "", replace(most, warning_lag=Duel(scenario).warning_lag())
    else:
        who = f"fear that {most.who.replace(' of ', ' has of ')}"
    return {"who": who} | {row.name: row.told(most) for row in TOLD}


def line(name: str, told: dict[str, str]) -> str:
    """The scenario's line of the table."""
    who = f"`{name}`" + (f", {told['who']}" if told["who"] else "")
    return f"| {who} | " + " | ".join(told[row.name] for row in TOLD) + " |"


def page(text: str, data: dict[str, dict[str, str]]) -> str:
    """The page's text with the table of ``data``.

    Raises:
        ValueError: if it has no heading line of such a table.
    """
    before, heading, after = text.partition(HEADING)
    if not heading:
        raise ValueError(f"the page has no line {HEADING}, but must have it where the thresholds begin.")
    lines = (heading + after).splitlines(keepends=True)
    rest = next((i for i, each in enumerate(lines) if not each.startswith("|")), len(lines))
    table = [HEADING, "|---" * (len(TOLD) + 1) + "|", *(line(name, told) for name, told in data.items())]
    return before + "\n".join(table) + "\n" + "".join(lines[rest:])


def published() -> dict[str, dict[str, str]]:
    """Scenario -> its thresholds, as they are published."""
    found: dict[str, Any] = json.loads(DATA.read_text(encoding="utf-8"))
    return found


def main(argv: list[str] | None = None) -> int:
    """Command line; returns 0 well, 2 where the system refuses."""
    return page_command("python -m agents.publish.thresholds", __doc__, _write, argv)


def _write() -> None:
    data = {name: entry(name) for name in scenarios()}
    write_json(DATA, data)
    write_text(PAGE, page(PAGE.read_text(encoding="utf-8"), data))


if __name__ == "__main__":
    sys.exit(main())
