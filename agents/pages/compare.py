"""Folders of finished work side by side: what was found in each, and in what they differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.text import Text

from agents.evaluation.statistics import Interval
from agents.evaluation.tables import frame_of
from agents.pages.common import short
from agents.pages.elements import code, listed, page, section, small, table, together, words
from agents.pages.folders import KINDS, Finished, PageError, read
from agents.pages.numbers import NAMES, PLACES, found_of
from sd_env.scenario_values import show

#: Differences of each kind that are told; the rest are counted.
_TOLD: Final = 12


@dataclass(frozen=True)
class Compared:
    """Finished work side by side.

    Attributes:
        works: what is compared.
        names: what each is called.
        verdicts: what of -> the verdict in each, "" where it has none.
        numbers: what of, which measure -> the number in each; None where it has none.
        differences: sentences on scenarios, settings and versions that are not the same.
    """

    works: Sequence[Finished]
    names: Sequence[str]
    verdicts: Mapping[str, Sequence[str]]
    numbers: Mapping[tuple[str, str], Sequence[Interval | None]]
    differences: Sequence[str]


def compare(folders: Sequence[Path]) -> Compared:
    """Put finished work of one kind side by side.

    Args:
        folders: two at least.

    Raises:
        PageError: one sentence for fewer, the same twice, a folder that holds no finished work, or another kind.
    """
    if len(folders) < 2:
        raise PageError(f"{len(folders)} folder is given; two at least are compared.")
    works = [read(each) for each in folders]
    if len({each.resolve() for each in folders}) < len(folders):
        raise PageError("the same folder is given twice; it differs from itself in nothing.")
    first = works[0]
    for other in works[1:]:
        if other.kind != first.kind:
            kinds = [f"{each.folder} holds {KINDS[each.kind]} {each.kind}" for each in (first, other)]
            raise PageError(f"{' and '.join(kinds)}: no number is of both.")
    found = [found_of(work) for work in works]
    verdicts = {
        of: [each[0].get(of, "") for each in found] for of in dict.fromkeys(of for each in found for of in each[0])
    }
    keys = dict.fromkeys(key for each in found for key in each[1])
    numbers = {key: [each[1].get(key) for each in found] for key in keys}
    return Compared(works, _names(folders), verdicts, numbers, list(_differences(works, _names(folders))))


def _names(folders: Sequence[Path]) -> list[str]:
    """The last parts of the paths, as many as tell them apart."""
    parts = [each.resolve().parts for each in folders]
    for count in range(1, max(map(len, parts)) + 1):
        names = ["/".join(each[-count:]) for each in parts]
        if len(set(names)) == len(names):
            return names
    return [str(each) for each in folders]


def _differences(works: Sequence[Finished], names: Sequence[str]) -> Iterator[str]:
    for what, each in (("scenario", "scenarios"), ("setting", "settings"), ("version", "versions")):
        held = [getattr(work, each) for work in works]
        keys = [
            key
            for key in dict.fromkeys(key for one in held for key in one)
            if len({repr(one.get(key)) for one in held}) > 1
        ]
        for key in keys[:_TOLD]:
            said = ", ".join(f"{_value(one, key)} in {name}" for one, name in zip(held, names, strict=True))
            yield f"{what.capitalize()}{f' {key}' if key else ''}: {said}"
        if len(keys) > _TOLD:
            yield f"{len(keys) - _TOLD} more {what}s differ."


def _value(held: Mapping[str, Any], key: str) -> str:
    if key not in held:
        return "none"
    value = held[key]
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return " ".join(value) or "none"
    return value if isinstance(value, str) else show(value)


def rows(found: Compared) -> list[tuple[str, str, list[str]]]:
    """What of, which measure, and the number in each."""
    return [
        (
            of,
            NAMES.get(metric, metric),
            ["–" if each is None else short(each, PLACES.get(metric, 4)) for each in numbers],
        )
        for (of, metric), numbers in found.numbers.items()
    ]


def shown(found: Compared) -> RenderableType:
    """All of it for a terminal."""
    beside = [("", name, 0) for name in found.names]
    verdicts = frame_of("Verdicts", "", beside)
    for of, each in found.verdicts.items():
        verdicts.add_row(Text(of, style="bold"), *(word or "–" for word in each))
    numbers = frame_of("Numbers, with half their 95% intervals", "", [("", "measure", 0), *beside])
    numbers.columns[1].justify = "left"
    before = ""
    for of, metric, each in rows(found):
        numbers.add_row(Text(of if of != before else "", style="bold"), metric, *each)
        before = of
    said = found.differences or ["They were made of the same scenarios, settings and versions."]
    return Group(
        *([verdicts] if found.verdicts else []), numbers, Text("What differs:", style="bold"), *map(Text, said)
    )


def compared_page(found: Compared) -> str:
    """All of it as a page, HTML."""
    kind = found.works[0].kind
    said = found.differences or ["They were made of the same scenarios, settings and versions."]
    verdicts = [(of, *(word or "–" for word in each)) for of, each in found.verdicts.items()]
    numbers = [(of, metric, *each) for of, metric, each in rows(found)]
    return page(
        f"{len(found.works)} {kind}s side by side",
        ", ".join(found.names),
        [
            section("Verdicts", *([table("Verdicts", ("", *found.names), verdicts, prose=True)] if verdicts else [])),
            section("What differs", listed(said)),
            section("Numbers", table("Means with half their 95% intervals", ("", "measure", *found.names), numbers),
                    small("Intervals are those of each by itself; of a difference they say nothing.")),
            section("How to make them again", together(part for name, work in zip(found.names, found.works, strict=True)
                                                       for part in (words(f"{name}:"), code(work.command)))),
        ],
    )  # fmt: skip
