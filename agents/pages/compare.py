"""Folders of finished work side by side: what was found in each, and in what they differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.text import Text

from agents.evaluation.evaluate import PAYOFF
from agents.evaluation.report import COLUMNS
from agents.evaluation.statistics import Interval, interval_from
from agents.evaluation.tables import frame_of
from agents.pages.common import heading, short
from agents.pages.elements import code, listed, page, section, small, table, together, words
from agents.pages.folders import EVALUATION, EXPERIMENT, KINDS, REPORT, RUN, Finished, PageError, as_written, read
from sd_env.scenario_values import show

#: Differences of each kind that are told; the rest are counted.
_TOLD: Final = 12
#: Decimals of what is compared.
_PLACES: Final = {metric: places for metric, _, places in COLUMNS} | {PAYOFF: 2}
_NAMES: Final = {metric: heading(name) for metric, name, _ in COLUMNS} | {PAYOFF: "pay-off"}


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
    found = [_found(work) for work in works]
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


Found = tuple[dict[str, str], dict[tuple[str, str], Interval]]


def _found(work: Finished) -> Found:
    """Verdicts by what they are of, and numbers by that and the measure."""
    report = work.report
    with as_written(work.folder / REPORT):
        if work.kind == RUN:
            return _of_run(report)
        if work.kind == EVALUATION:
            rows = [row for row in report["metrics"] if row["metric"] in _PLACES]
            numbers = {(str(row["policy"]), str(row["metric"])): interval_from(row) for row in rows}
            return {str(name): str(each) for name, each in report["outcomes"].items()}, numbers
        if work.kind == EXPERIMENT:
            return _of_experiment(report)
        ranks = {str(row["policy"]): f"rank {row['rank']}" for row in report["ranking"]}
        return ranks, {
            (str(row["policy"]), PAYOFF): interval_from(row | {"value": row["payoff"]}) for row in report["ranking"]
        }


def _of_run(report: Mapping[str, Any]) -> Found:
    worlds = report["worlds"]
    verdicts = {str(name): str(world["verdict"]) for name, world in worlds.items()}
    numbers = {
        (str(name), metric): interval_from(world["learned"][metric])
        for name, world in worlds.items()
        for metric, _, _ in COLUMNS
    }
    return verdicts, numbers


def _of_experiment(report: Mapping[str, Any]) -> Found:
    verdicts = {
        str(each["claim"]): str(each["status"]).partition(":")[0] or str(each["verdict"])
        for each in report["predictions"]
    }
    numbers = {}
    for row in report["cells"]:
        axes = [f"{k} = {v}" for k, v in row.items() if k not in ("policies", "given", "measure", "estimate")]
        of = ", ".join([*axes, str(row["policies"]), *([str(row["given"])] if row["given"] else [])])
        numbers[of, str(row["measure"])] = interval_from(row["estimate"])
    return verdicts, numbers


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
    return held[key] if isinstance(held[key], str) else show(held[key])


def rows(found: Compared) -> list[tuple[str, str, list[str]]]:
    """What of, which measure, and the number in each."""
    return [
        (
            of,
            _NAMES.get(metric, metric),
            ["–" if each is None else short(each, _PLACES.get(metric, 4)) for each in numbers],
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
    return Group(verdicts, numbers, Text("What differs:", style="bold"), *map(Text, said))


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
            section("Verdicts", table("Verdicts", ("", *found.names), verdicts, prose=True)),
            section("What differs", listed(said)),
            section("Numbers", table("Means with half their 95% intervals", ("", "measure", *found.names), numbers),
                    small("Intervals are those of each by itself; of a difference they say nothing.")),
            section("How to make them again", together(part for name, work in zip(found.names, found.works, strict=True)
                                                       for part in (words(f"{name}:"), code(work.command)))),
        ],
    )  # fmt: skip
