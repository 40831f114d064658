"""The table of concepts: each with source, term, scenario, prediction, what was found of it, and what is missing.

``python -m agents.publish.concepts`` writes docs/concepts.md. Rows are those of book/theory.yaml; what was found is
looked up in the published reports, and in no other place: an experiment names the rows that it tries.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from agents.evaluation.predictions import counts, predictions_of
from agents.files import write_text
from agents.publish import results
from agents.publish.door import page_command
from agents.publish.experiments import INDEX

ROWS: Final = Path("book/theory.yaml")
PUBLISHED: Final = Path("docs/results")
PAGE: Final = Path("docs/concepts.md")
COMMAND: Final = "python -m agents.publish.concepts"
_HEAD: Final = f"""# Every concept, and what was found of it

Each concept of the field with its source, what it is in the game, where it is tried, what is predicted, what was found,
and the gap between the concept and what the game can say of it. Made by `{COMMAND}` from
`book/theory.yaml` and the published reports: **verdicts are looked up, not written**. They are
counted by experiment; what each prediction says, with its interval and its mark, is on the page of
[predictions and verdicts](results/experiments/README.md). *By scripts* is an experiment in which nobody learns: it says
what pays, not what is chosen ([experiments](experiments.md#what-an-experiment-cannot-say)). *Exact* is a closed form
that played numbers are held to ([reductions](reductions.md)). What rests on learned policies that are not certified is
called uncertified, whatever was found.
"""
_COLUMNS: Final = ("concept", "source", "term in the game", "scenario", "prediction", "verdict", "gap")


def rows(path: Path = ROWS) -> list[dict[str, Any]]:
    """The rows of theory: ``concept, source, term, prediction, scenarios, keys``; perhaps ``runs, oracles, gap``."""
    found: list[dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def page(theory: Iterable[Mapping[str, Any]], published: Path = PUBLISHED) -> str:
    """The page: a line of the table for each row.

    Raises:
        ResultError: if a row names a run that was not published.
        OSError: if nothing was published.
    """
    index: list[dict[str, Any]] = json.loads((published / results.EXPERIMENTS / INDEX).read_text(encoding="utf-8"))
    lines = [f"| {' | '.join(_COLUMNS)} |", "|---" * len(_COLUMNS) + "|"]
    lines += [f"| {' | '.join(_cells(row, index, published))} |" for row in theory]
    return _HEAD + "\n" + "\n".join(lines) + "\n"


def _cells(row: Mapping[str, Any], index: Iterable[Mapping[str, Any]], published: Path) -> list[str]:
    term = row["term"] + "".join(f", `{key}`" for key in row.get("keys", ()))
    scenarios = ", ".join(f"`{name}`" for name in row["scenarios"])
    verdict = "; ".join(_verdicts(row, index, published)) or "none: nothing tries it"
    cells = (row["concept"], row["source"], term, scenarios, row["prediction"], verdict, row.get("gap", ""))
    return [" ".join(str(cell).split()).replace("|", "\\|") for cell in cells]


def _verdicts(row: Mapping[str, Any], index: Iterable[Mapping[str, Any]], published: Path) -> Iterable[str]:
    """What each experiment, each other run and each exact test says of a row, in a few words."""
    for entry in index:
        if row["concept"] in entry["rows"]:
            name = str(entry["name"])
            report = results.read(published / results.EXPERIMENTS, name)
            how = ", by scripts" if report.get("policies") == "strategies" else ""
            yield f"[{name}](results/experiments/README.md#{name}){how}: {_counted(report, name)}"
    for run in row.get("runs", ()):
        yield f"[{run}](results/{run}.txt): {_counted(results.read(published, run), run)}"
    for test in row.get("oracles", ()):
        yield f"exact (`{test}`)"


def _counted(report: Mapping[str, Any], name: str) -> str:
    """How many of its predictions have which verdict or mark, without those that none has."""
    return ", ".join(f"{number} {word}" for word, number in counts(predictions_of(report, name)).items() if number)


def main(argv: list[str] | None = None) -> int:
    """Command line; returns 0 well, 2 where the system refuses."""
    return page_command(COMMAND, __doc__, _write, argv)


def _write() -> None:
    write_text(PAGE, page(rows()))


if __name__ == "__main__":
    sys.exit(main())
