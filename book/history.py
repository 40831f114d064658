"""What the pages of history show besides: the data, and which parameters are stylised."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from book.concepts import Concept
from book.links import source_page
from book.markdown import escape, link, table

DATA = "sd_env/catalogue/history/data"


def data_files(concept: Concept, root: Path) -> list[Path]:
    """The data that a scenario's file names."""
    named = dict.fromkeys(re.findall(r"history/data/([a-z0-9-]+\.csv)", concept.text))
    return [root / DATA / name for name in named]


def data_section(concept: Concept, root: Path) -> list[str]:
    """The sections on data and on what is stylised, for a case of history; else none."""
    if concept.family != "history":
        return []
    sections = ["## Data"]
    for path in data_files(concept, root):
        about, headings, rows = read_table(path)
        where = link(concept.page, source_page(f"{DATA}/{path.name}"), f"`{path.name}`")
        sections += [f"{where}: {escape(about)}.", table(headings, rows)]
    said = [each.key for each in concept.changes if "stylised" in each.reason]
    listed = ", ".join(f"`{key}`" for key in said)
    sections += [
        "## What is stylised",
        f"By the file's own comments: {listed}. The description above says what the data stand for and what else is "
        "invented. A run of this scenario shows what follows from these numbers, not what happened.",
    ]
    return sections


def read_table(path: Path) -> tuple[str, list[str], list[list[str]]]:
    """What a data file says of itself in its first line, its headings, and its rows."""
    first, *lines = path.read_text(encoding="utf-8").splitlines()
    headings, *rows = csv.reader(lines)
    return first.lstrip("# ").rstrip("."), [escape(heading) for heading in headings], rows
