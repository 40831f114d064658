"""The README's results: what the policies of the four worlds do and what beats them, and where fear makes war.

``python -m agents.publish.front`` puts both tables and their summary, from the published run, and what is published of
fear, into README.md, between its two marks.
"""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from agents.evaluation.certify import CERTIFIED
from agents.files import write_text
from agents.publish import results
from agents.publish.door import page_command
from agents.publish.marked import marked
from agents.publish.paper import PUBLISHED, RUN, all_certified, certificates

PAGE: Final = Path("README.md")
COMMAND: Final = "python -m agents.publish.front"
BEGIN: Final = f"<!-- results: {COMMAND} -->"
END: Final = "<!-- end of the results -->"
#: Titles in the report's text before the tables and after each of them.
_VERDICTS, _AFTER_PLAYED = "verdicts", "what beats the learned policies"
_NULLS: Final = ("random", "never attacks")
#: The experiment that is shown beside the four worlds.
_FEAR: Final = "sudden-fear"


def section(published: Path = PUBLISHED) -> str:
    """The summary, the tables of verdicts and of play, and what is found of fear.

    Raises:
        ResultError: if a report cannot be read, or its text has not both tables.
    """
    report = results.read(published, RUN)
    text = (published / f"{RUN}.txt").read_text(encoding="utf-8").splitlines()
    titles = {line.strip(): number for number, line in enumerate(text) if number}  # the first is the report's
    try:
        bounds = [titles[title] for title in (_VERDICTS, report["title"], _AFTER_PLAYED)]
    except KeyError as missing:
        raise results.ResultError(f"{published / RUN}.txt has no table {missing}.") from None
    verdicts, played = (text[begin + 1 : end] for begin, end in pairwise(bounds))
    return "\n\n".join((
        summary(report), _block(verdicts), "What was played there, beside what Jervis (1978) predicts:",
        _block(_without_nulls(played)), fear(results.read(published / results.EXPERIMENTS, _FEAR)),
    ))  # fmt: skip


def summary(report: Mapping[str, Any]) -> str:
    """The report in sentences."""
    worlds: Mapping[str, Any] = report["worlds"]
    starts = [start for world in worlds.values() for start in world["starts"].values()]
    attacks = [start["learned"]["outcome/ss_attacks"]["value"] for start in starts]
    found: dict[str, list[float]] = {}
    searches = set()
    for world in worlds.values():
        for each in certificates(world):
            found.setdefault(each["type"], []).append(100 * each["gain"])
            searches.add(each["searches"])
    gains = " and ".join(f"{_span(values, '.1f')}% of the return of {name}" for name, values in found.items())
    sure = [f"{name} ({world['outcome']})" for name, world in worlds.items() if all_certified(world)]
    open_ = [name for name, world in worlds.items() if not all_certified(world)]
    words = [
        f"**The best deviators found gain {gains}**, out of {_span(searches, 'd')} learned responses for each and a "
        f"battery of scripts, at seeds {', '.join(map(str, report['seeds']))}, by which nothing was chosen. "
        f"Security seekers attack one another {_span(attacks, '.4f')} times a pair-turn.",
        f"A world is {CERTIFIED} where all of the 95% interval of every gap over the seeds is below 2%: "
        f"{', '.join(sure) or 'none'}." + (f" It is not yet for {', '.join(open_)}." if open_ else ""),
        f"({report['seconds'] / 60:.0f} minutes, {report['machine']}; `{report['command']}`)",
    ]
    return textwrap.fill(" ".join(words), 120, break_on_hyphens=False)


def fear(report: Mapping[str, Any]) -> str:
    """The picture of the experiment on fear that nobody has learned, and its report in sentences."""
    found = {(row["world"], row["perception.mistrust"], row["measure"]): row["estimate"] for row in report["cells"]}

    def row(world: str, measure: str, form: str) -> list[str]:
        return [f"{found[world, mistrust, f'{measure}/state_0']['value']:{form}}" for mistrust in ("0", "0.5", "0.9")]

    strikes, arms, calm = (
        row("fear decides", "strikes", ".3f"),
        row("fear decides", "stock", ".1f"),
        row("no dilemma", "strikes", ".3f"),
    )
    gain = max(100 * each["gain"] for each in report["certificates"])
    sure = all(each["verdict"] == CERTIFIED for each in report["certificates"])
    words = (
        "**Where fear makes war.** A security seeker learned alone, beside a state that attacks if it is greedy, and "
        "reads from what it sees how far to trust it. It strikes first at another seeker on "
        f"{strikes[0]} of its turns at peace. The same policies, shown half or a tenth of the odds that the other is a "
        f"seeker, do so on {strikes[1]} and {strikes[2]}, and keep {arms[1]} and {arms[2]} arms for {arms[0]}. "
        f"Without a dilemma no fear moves them ({', '.join(calm)}). {'Certified' if sure else 'Not certified'}: the "
        f"best deviators found gain up to {gain:.1f}% (seeds {', '.join(map(str, report['seeds']))}; "
        f"`{report['command']}`)."
    )
    picture = PUBLISHED / results.EXPERIMENTS / f"{_FEAR}.png"
    return (
        f"![First strikes and arms by mistrust, with and without a dilemma]({picture})\n\n"
        f"{textwrap.fill(words, 120, break_on_hyphens=False)}"
    )


def _span(values: Iterable[float], form: str) -> str:
    low, high = min(values := list(values)), max(values)
    return f"{low:{form}}" if f"{low:{form}}" == f"{high:{form}}" else f"{low:{form}} to {high:{form}}"


def _block(lines: Iterable[str]) -> str:
    """Lines of a report's text, as a block of it."""
    return "\n".join(["```text", *(line[1:].rstrip() for line in lines if line.strip()), "```"])


def _without_nulls(lines: Iterable[str]) -> list[str]:
    """Without the rows of random play and of play that never attacks: a line each, and one of intervals."""
    kept: list[str] = []
    null = False
    for line in lines:
        if re.match(rf" +({'|'.join(_NULLS)}) ", line):
            null = True
        elif not (null and line.lstrip().startswith("±")):
            null = False
            kept.append(line)
    return kept


def written(text: str, published: Path = PUBLISHED) -> str:
    """The README's text with the section of this report.

    Raises:
        ResultError: see :func:`section`.
        MarkError: if it has not both marks.
    """
    return marked(text, BEGIN, END, section(published), PAGE)


def main(argv: list[str] | None = None) -> int:
    """Command line; returns 0 well, 2 where the system refuses."""
    return page_command(COMMAND, __doc__, _write, argv)


def _write() -> None:
    write_text(PAGE, written(PAGE.read_text(encoding="utf-8")))


if __name__ == "__main__":
    sys.exit(main())
