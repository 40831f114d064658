"""The paper's paragraph on results, from the published reports, so that none of its numbers goes stale.

``python -m agents.publish.paper`` puts it into paper.md, between its two marks.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from agents.evaluation.certify import CERTIFIED
from agents.evaluation.predictions import counts, predictions_of
from agents.files import write_text
from agents.publish import results
from agents.publish.door import page_command
from agents.publish.experiments import INDEX
from agents.publish.marked import marked

PAPER: Final = Path("paper.md")
PUBLISHED: Final = Path("docs/results")
COMMAND: Final = "python -m agents.publish.paper"
BEGIN: Final = f"<!-- results: {COMMAND} -->"
END: Final = "<!-- end of the results -->"
#: The run whose policies are certified, or not.
RUN: Final = "held_back"


def paragraph(published: Path = PUBLISHED) -> str:
    """What the reports in a folder say of the four worlds and of theory's predictions.

    Raises:
        ResultError: if a report cannot be read.
    """
    report = results.read(published, RUN)
    worlds = report["worlds"]
    seeds = len(report["seeds"])
    settled = [name for name, world in worlds.items() if all_certified(world)]
    words = [
        f"Of Jervis's four worlds, each trained at {seeds} seeds by which no setting was chosen, "
        f"{_numbers(len(settled))} certified{': ' if settled else '.'}"
        + "; ".join(f"the {name.replace('-', ' ')} world ends in {worlds[name]['verdict']}" for name in settled)
        + ("." if settled else "")
    ]
    for name, world in worlds.items():
        gains = "; ".join(_gain(each) for each in certificates(world))
        words.append(f"In the {name.replace('-', ' ')} world the best deviator found gains {gains}.")
        if world["theory"] and name in settled and world["outcome"] != world["theory"]:
            words.append(f"By the typology one would expect there: {world['theory']}.")
    tried = [
        each
        for entry in json.loads((published / results.EXPERIMENTS / INDEX).read_text(encoding="utf-8"))
        for each in predictions_of(entry, str(entry["name"]))
    ]
    told = ", ".join(f"{number} {word}" for word, number in counts(tried).items())
    words.append(f"Of {len(tried)} predictions from the literature in the catalogue of experiments, {told}.")
    return "\n".join(words)


def certificates(world: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The certificates of all starts of a world."""
    for start in world["starts"].values():
        yield from start["certificates"]


def all_certified(world: Mapping[str, Any]) -> bool:
    """Whether nothing that was tried beats any of its policies."""
    return {each["verdict"] for each in certificates(world)} == {CERTIFIED}


def _gain(certificate: Mapping[str, Any]) -> str:
    what = f"{100 * certificate['gain']:.1f}% of the return of {certificate['type']}"
    verdict = str(certificate["verdict"])
    return what if verdict == CERTIFIED else f"{what} ({verdict})"


def _numbers(count: int) -> str:
    return {0: "none is", 1: "one is"}.get(count, f"{count} are")


def written(text: str, published: Path = PUBLISHED) -> str:
    """The paper's text with the paragraph of these reports.

    Raises:
        MarkError: if it has not both marks.
    """
    return marked(text, BEGIN, END, paragraph(published), PAPER)


def main(argv: list[str] | None = None) -> int:
    """Command line; returns 0 well, 2 where the system refuses."""
    return page_command(COMMAND, __doc__, _write, argv)


def _write() -> None:
    write_text(PAPER, written(PAPER.read_text(encoding="utf-8")))


if __name__ == "__main__":
    sys.exit(main())
