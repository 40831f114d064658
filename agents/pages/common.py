"""Sections that all pages of results have: predictions, episodes to look at, how to make it again."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterable, Sequence
from typing import Final

from agents.evaluation.predictions import CONTRADICTED, SUPPORTED, Prediction, counted, details
from agents.evaluation.statistics import Interval
from agents.pages.elements import BAD, GOOD, OPEN, Html, Link, Verdict, code, section, small, table, words
from agents.pages.episodes import FOLDER, INDEX
from agents.pages.folders import RUN, Finished, records_of

TONES: Final = {SUPPORTED: GOOD, CONTRADICTED: BAD}


def short(value: Interval, decimals: int) -> str:
    """A number with half its interval, in one line; a dash where there is none."""
    if math.isnan(value.value):
        return "–"
    middle = f"{value.value:.{decimals}f}"
    return f"{middle} ± {(value.high - value.low) / 2:.{decimals}f}" if value.known else middle


def heading(text: str) -> str:
    """A heading of the terminal's tables in one line."""
    return text.replace("-\n", "").replace("\n", ", ")


def predicted(found: Sequence[Prediction], title: str) -> Html:
    """What theory predicts, and what was found."""
    if not found:
        return Html("")
    rows = [(each.claim, each.word, details(each)) for each in found]
    return section(
        title, words(f"{counted(found)}."), table("Predictions", ("prediction", "verdict", "found"), rows, prose=True)
    )


def cards(found: Iterable[Prediction]) -> list[Verdict]:
    """A card for each prediction."""
    return [Verdict(each.claim, each.word, TONES.get(each.word, OPEN), [details(each)]) for each in found]


def episodes(of: Finished) -> Html:
    """The most telling episodes, each with a link to its replay; "" where none are kept."""
    rows: list[tuple[object, ...]] = []
    for each in records_of(of.folder / FOLDER / INDEX):
        name = f"{FOLDER}/{each['name']}"
        came = str(each["closing"][1]) if len(each["closing"]) > 1 else ""
        where = f"seed {each['seed']}, world {each['world']}, episode {each['episode']}, {each['turns']} turns"
        notes = "\n".join(map(str, each["notes"]))
        rows.append(
            (Link(f"{name}.html", str(each["kind"])), each["of"], came, notes, where, Link(f"{name}.jsonl", "log"))
        )
    if not rows:
        return Html("")
    heads: tuple[str, ...] = ("episode", "of", "what it came to", "on what it hung", "which", "")
    if not any(row[3] for row in rows):
        heads, rows = heads[:3] + heads[4:], [row[:3] + row[4:] for row in rows]
    return section(
        "Episodes to look at",
        words("Each opens as a page on which the episode can be played, turn by turn."),
        table("The most telling episodes", heads, rows, prose=True),
        small("They are among those that were counted, chosen by their numbers, and played again from their seeds."),
    )  # fmt: skip


def again(of: Finished) -> Html:
    """How to make it again: the command, what it is of, versions."""
    how = [code(of.command)]
    if of.kind == RUN:
        how += [
            words("From the settings that are kept in this folder:"),
            code(f"sd-env train --config {shlex.quote('config.yaml')}"),
        ]
    rows = [
        ("seeds", seeds_of(of)),
        *(("scenario", given if name in ("", given) else f"{name}: {given}") for name, given in of.scenarios.items()),
    ]
    rows += [(name, version) for name, version in of.versions.items()]
    return section("How to make it again", *how, table("What it was made of", ("", "what"), rows, prose=True))


def seeds_of(of: Finished) -> str:
    """The seeds, in words."""
    seeds = of.settings.get("seeds", of.settings.get("seed", []))
    return ", ".join(map(str, seeds)) if isinstance(seeds, Sequence) else str(seeds)
