"""The table of a run: counts by module, survivors, and mutants that change nothing, with the reason."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import yaml

from tools.mutants.operators import Mutant

OUTCOMES: Final = ("killed", "timed out", "survived", "equivalent")
KILLED, TIMED_OUT, SURVIVED, EQUIVALENT = OUTCOMES
#: Mutants that no test can tell from the original: a list of reasons, each with the keys that it holds for.
EQUIVALENTS: Final = Path(__file__).with_name("equivalent.yaml")


def equivalents(known: Sequence[Mutant], path: Path = EQUIVALENTS) -> dict[str, str]:
    """The reasons, by key.

    Args:
        known: every mutant of the modules under trial.
        path: of the file.

    Raises:
        ValueError: for an entry about one of these modules that names no mutant of it: its line has changed.
    """
    listed = yaml.safe_load(path.read_text(encoding="utf-8")) or []
    reasons: dict[str, str] = {key: each["why"] for each in listed for key in each["mutants"]}
    files, keys = {mutant.file for mutant in known}, {mutant.key for mutant in known}
    stale = [key for key in reasons if key.split(" ", 1)[0] in files and key not in keys]
    if stale:
        raise ValueError(
            f"{path.name} has entries that name no mutant, since their lines have changed; look at each again:\n"
            + "\n".join(stale)
        )
    return reasons


def table(mutants: Sequence[Mutant], outcomes: Mapping[str, str], reasons: Mapping[str, str], tests: int) -> str:
    """The whole text.

    Args:
        mutants: those that were tried, and those listed as equivalent.
        outcomes: of each, by key.
        reasons: of the equivalent, by key.
        tests: number of tests that were run against them.
    """
    counts: dict[str, Counter[str]] = {}
    for mutant in mutants:
        counts.setdefault(mutant.file, Counter())[outcomes[mutant.key]] += 1
    total = sum(counts.values(), Counter[str]())
    width = max(map(len, [*counts, "total"]))
    rows = [_row("module", ["mutants", *OUTCOMES], width)]
    for name, count in [*counts.items(), ("total", total)]:
        numbers = [count[outcome] for outcome in OUTCOMES]
        rows.append(_row(name, [str(sum(numbers)), *map(str, numbers)], width))
    lines = [
        "Mutants: what the tests notice when one operator, number or statement is changed",
        f"{len(counts)} modules, {sum(total[outcome] for outcome in OUTCOMES)} mutants, {tests} tests; make mutants",
        "",
        *rows,
        "",
        *_listed("Survivors: no test notices", mutants, outcomes, SURVIVED, {}),
        *_listed("Equivalent: no test can notice", mutants, outcomes, EQUIVALENT, reasons),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _row(name: str, cells: Sequence[str], width: int) -> str:
    return name.ljust(width) + "".join(cell.rjust(max(12, len(cell) + 2)) for cell in cells)


def _listed(
    title: str, mutants: Sequence[Mutant], outcomes: Mapping[str, str], outcome: str, reasons: Mapping[str, str]
) -> Iterator[str]:
    chosen = [mutant for mutant in mutants if outcomes[mutant.key] == outcome]
    yield f"{title} ({len(chosen)})"
    for mutant in chosen:
        place = f"{mutant.file}:{mutant.line} {mutant.function}".rstrip()
        yield f"{place}: {mutant.was} -> {mutant.becomes}"
        if mutant.text != mutant.was:
            yield f"    in: {mutant.text}"
        if mutant.key in reasons:
            yield from textwrap.wrap(reasons[mutant.key], 116, initial_indent="    ", subsequent_indent="    ")
    yield ""
