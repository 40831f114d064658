"""docs/measures.md names every measure and every statistic, and its table of the summary is the summary's."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from agents.evaluation import statistics
from sd_env import measures
from sd_env.measures import components
from sd_env.measures.motives import KINDS
from tests.logs import Draft, believing

PAGE = (Path(__file__).parents[2] / "docs" / "measures.md").read_text(encoding="utf-8")
#: Names in code font, without arguments.
NAMED = {re.split(r"[(=]", span)[0] for span in re.findall(r"`([^`\n]+)`", PAGE)}


def first_cells(*headings: str) -> list[str]:
    start = PAGE.index("| " + " | ".join(headings) + " |")
    table = PAGE[start:].split("\n\n")[0].splitlines()[2:]
    return [row.strip("|").split("|")[0].strip().strip("`") for row in table]


def test_every_public_measure_is_documented() -> None:
    assert sorted(measures.__all__) == measures.__all__
    assert set(measures.__all__) - NAMED == set()
    for name in measures.__all__:
        assert getattr(measures, name).__doc__, name


def test_every_public_statistic_is_documented() -> None:
    own = [name for name, value in vars(statistics).items() if getattr(value, "__module__", "") == statistics.__name__]
    public = {name for name in own if not name.startswith("_")} | {"Scores"}
    assert len(public) >= 8 and public - NAMED == set()


def test_the_table_of_the_summary_is_the_summarys() -> None:
    log = Draft(2).arms(1.0, 1.0).log()
    assert first_cells("name", "measure") == list(measures.summary(log, believing(log, 0.5)))


def test_the_tables_of_classes_and_flags_are_the_codes() -> None:
    log = Draft(2).arms(1.0, 1.0).log()
    flags = [field.name for field in dataclasses.fields(components(log, believing(log, 0.5)))]
    assert first_cells("flag", "true if") == flags
    assert [*first_cells("kind", "if U(h, s, g) > 0 and"), "other"] == list(KINDS)


def test_citations_are_in_a_list_of_references() -> None:
    """Each year that the page cites is that of a work in its own list or in that of docs/model.md."""
    model = (Path(__file__).parents[2] / "docs" / "model.md").read_text(encoding="utf-8")
    body, _, listed = PAGE.partition("\n## References")
    works = re.findall(
        r"^- (?:Van )?(\w+), .*?\((\d{4})\)\.", listed + model.partition("## 12. References")[2], re.M | re.S
    )
    cited = set(re.findall(r"([A-Z]\w+)(?: et al\.| and \w+)?,? \(?(\d{4})\b", body))
    assert len(cited) > 15
    assert {(name, year) for name, year in cited if (name, year) not in works} == set()
