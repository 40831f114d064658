"""The table of docs/catalogue.md, one row a scenario, made from the catalogue's files.

`python -m tests.catalogue_table --write` writes it anew into the page, below its heading line.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from sd_env.files import write_whole
from sd_env.scenario import Scenario, load_scenario, scenarios

PAGE = Path(__file__).parent.parent / "docs" / "catalogue.md"
COMMAND = "python -m tests.catalogue_table --write"
HEADING = "| scenario | concept | prediction | source |"


def short(source: str) -> str:
    """Authors and year of a source: ``Christensen and Snyder 1990``."""
    head, year, _ = re.split(r" \((\d{4})\)", source, maxsplit=1)
    authors = re.findall(r"((?:[Vv]an )?[^\W\d_][\w'-]+), [A-Z]\.", head) or [head]
    if len(authors) > 2:
        return f"{authors[0]} and others {year}"
    return f"{' and '.join(authors)} {year}"


def row(scenario: Scenario) -> str:
    """The scenario's line of the table."""
    cells = (f"`{scenario.name}`", scenario.title, scenario.prediction, "; ".join(map(short, scenario.sources)))
    return "| " + " | ".join(" ".join(cell.split()) for cell in cells) + " |"


def table() -> str:
    """The whole table, as it must stand in the page."""
    return "\n".join([HEADING, "|---|---|---|---|", *(row(load_scenario(name)) for name in scenarios())]) + "\n"


def page(text: str) -> str:
    """The page's text with its table made anew."""
    before, heading, after = text.partition(HEADING)
    if not heading:
        raise ValueError(f"the page has no line {HEADING}, but must have it where the table begins.")
    lines = (heading + after).splitlines(keepends=True)
    rest = next((i for i, line in enumerate(lines) if not line.startswith("|")), len(lines))
    return before + table() + "".join(lines[rest:])


def main() -> None:
    """Command line: write the table anew, or say that it differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.catalogue_table", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the table anew instead of checking it")
    kept = PAGE.read_text(encoding="utf-8")
    if parser.parse_args().write:
        write_whole(PAGE, page(kept).encode())
    elif page(kept) != kept:
        raise SystemExit(f"the table of {PAGE.name} is not that of the files; write it anew with: {COMMAND}")


if __name__ == "__main__":
    main()
