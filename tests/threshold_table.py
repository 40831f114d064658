"""The thresholds of docs/catalogue.md, one row a scenario, computed from the catalogue's files.

`python -m tests.threshold_table --write` writes them anew into the page, below their heading line (minutes).
"""

from __future__ import annotations

import argparse

from agents.evaluation.thresholds import ROWS, Thresholds, thresholds
from sd_env.files import write_whole
from sd_env.scenario import load_scenario, scenarios
from tests.catalogue_table import PAGE

COMMAND = "python -m tests.threshold_table --write"
#: What is told of each scenario; a war of three turns stands for the longer ones.
TOLD = [row for row in ROWS if row.name in ("t", "m", "m~(3)", "x*", "x_c", "a/d", "q*", "L*")]
HEADING = "| thresholds of | " + " | ".join(row.name for row in TOLD) + " |"


def row(name: str) -> str:
    """The scenario's line: of unlike states, the pair in which a seeker has most to fear, beyond its trust."""
    scenario = load_scenario(name)
    found = thresholds(scenario, lag=False)
    alike = len(found) == 1
    if alike:
        found = thresholds(scenario)
    most = max(found, key=Thresholds.beyond_trust)
    who = f"`{name}`" if alike else f"`{name}`, fear that {most.who.replace(' of ', ' has of ')}"
    return f"| {who} | " + " | ".join(each.told(most) for each in TOLD) + " |"


def page(text: str) -> str:
    """The page's text with its thresholds made anew."""
    before, heading, after = text.partition(HEADING)
    if not heading:
        raise ValueError(f"the page has no line {HEADING}, but must have it where the thresholds begin.")
    lines = (heading + after).splitlines(keepends=True)
    rest = next((i for i, line in enumerate(lines) if not line.startswith("|")), len(lines))
    table = [HEADING, "|---" * (len(TOLD) + 1) + "|", *map(row, scenarios())]
    return before + "\n".join(table) + "\n" + "".join(lines[rest:])


def main() -> None:
    """Command line: write the thresholds anew, or say that they differ."""
    parser = argparse.ArgumentParser(prog="python -m tests.threshold_table", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write them anew instead of checking them")
    kept = PAGE.read_text(encoding="utf-8")
    made = page(kept)
    if parser.parse_args().write:
        write_whole(PAGE, made.encode())
    elif made != kept:
        raise SystemExit(f"the thresholds of {PAGE.name} are not those of the files; write them anew with: {COMMAND}")


if __name__ == "__main__":
    main()
