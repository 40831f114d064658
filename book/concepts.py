"""What the catalogue's files say, ready to be set on a page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import yaml

from book.comments import comments_of
from sd_env.scenario import Scenario
from sd_env.scenario_files import catalogue
from sd_env.scenario_values import to_plain

#: Families of the catalogue in the order of the book, with what they hold.
FAMILIES = {
    "jervis": ("Jervis's worlds", "The four worlds of Jervis (1978), and the first of them with four states."),
    "theories": (
        "Theories",
        "One concept of the field each, by one parameter or a few, in the physics of one of the four worlds wherever "
        "that serves: comparing it with that world then shows the concept alone.",
    ),
    "institutions": (
        "Institutions",
        "A world in which states cannot tell whom to fear, and the same with one institution more each.",
    ),
    "history": (
        "History",
        "Cases with stylised parameters. Numbers with a source stand beside the data that they are from; all that is "
        "stylised says so.",
    ),
    "games": ("Games", "Textbook games, reached by parameters alone."),
}


@dataclass(frozen=True)
class Change:
    """A parameter that differs from its default: its dotted key, both values, and the reason given in the file."""

    key: str
    value: Any
    default: Any
    reason: str


@dataclass(frozen=True)
class Concept:
    """A scenario of the catalogue with its file's text, what differs from the defaults, and its notes."""

    scenario: Scenario
    text: str
    changes: tuple[Change, ...] = field(repr=False)
    notes: tuple[str, ...] = field(repr=False)

    @property
    def name(self) -> str:
        """Its name in the catalogue, as ``jervis/intense``."""
        return self.scenario.name

    @property
    def family(self) -> str:
        """The folder of the catalogue that it is in."""
        return self.name.partition("/")[0]

    @property
    def page(self) -> str:
        """Where its page is in the book."""
        return page_of(self.name)


@cache
def concepts() -> dict[str, Concept]:
    """Every scenario of the catalogue, by name, in the catalogue's order."""
    return {name: read_concept(entry.read_text(encoding="utf-8")) for name, entry in catalogue().items()}


def read_concept(text: str) -> Concept:
    """A concept from the text of a scenario file; raises ScenarioError."""
    scenario = Scenario.load(yaml.safe_load(text))
    comments = comments_of(text)
    return Concept(scenario, text, tuple(_changes(scenario, comments.reasons)), comments.notes)


def _changes(scenario: Scenario, reasons: dict[str, str]) -> Iterator[Change]:
    plain = Scenario()
    for key, value in scenario.changes().items():
        yield Change(key, value, to_plain(value_at(plain, key)), reasons.get(key, ""))


def value_at(scenario: Scenario, key: str) -> Any:
    """The value of a dotted key."""
    value: Any = scenario
    for part in key.split("."):
        value = getattr(value, part)
    return value


def page_of(name: str) -> str:
    """Where the page of a scenario is in the book."""
    return f"concepts/{name}.md"


@cache
def _plain_world() -> dict[str, Any]:
    """The values of the world in whose physics most concepts are set."""
    return {change.key: change.value for change in concepts()["jervis/doubly-dangerous"].changes}


def variation(concept: Concept) -> dict[str, Any]:
    """One override that shows what the scenario is about: a dotted key and its other value.

    Where the prediction compares with a value ("with signals.audience_cost 0") it is that; else a parameter put back
    at its default, of those in which it differs from ``jervis/doubly-dangerous`` if it can be; and where none is
    changed, the offensive advantage at 1.5.
    """
    text = " ".join(concept.scenario.prediction.split())
    for key, number in re.findall(r"\b([a-z]+\.[a-z_]+)\b(?: reset to| set to the truth,)? (-?\d*\.?\d+)", text):
        if key in Scenario.dotted_keys():
            return {key: float(number)}
    base = _plain_world()
    order = ("anarchy", "motives", "perception", "signals", "alliances", "technology", "geography", "war", "arming")
    groups = {group: place for place, group in enumerate(order)}
    changes = [change for change in concept.changes if change.key.partition(".")[0] in groups]

    def place(change: Change) -> tuple[bool, bool, int]:
        aside = change.key == "perception.noise" or base.get(change.key) == change.value
        return (aside, change.key == "perception.noise", groups[change.key.partition(".")[0]])

    changes.sort(key=place)
    for change in changes:
        return {change.key: change.default}
    return {"technology.offense_advantage": 1.5}
