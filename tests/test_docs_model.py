"""The tables of docs/model.md are the code's: parameters, observations, actions, tallies, concepts, works."""

from __future__ import annotations

import ast
import re
from typing import Any

import sd_env
from sd_env import layout
from sd_env.scenario import TEXTS, Scenario
from tests.docs import MODEL, ROOT, bare, rows, tables


def shown(value: Any) -> str:
    """A default as the table writes it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(shown(item) for item in value) + "]"
    return f"{value:g}" if isinstance(value, (int, float)) else str(value)


def default_of(key: str) -> Any:
    value: Any = Scenario()
    for part in key.split("."):
        value = getattr(value, part)
    return value


def test_the_parameter_table_has_every_key_with_its_default_unit_and_range() -> None:
    words = {*TEXTS, "states.names"}
    table = rows(MODEL, "key", "default", "unit", "allowed")
    assert [bare(row[0]) for row in table] == [key for key in Scenario.dotted_keys() if key not in words]
    assert [(bare(row[0]), row[1]) for row in table] == [
        (bare(row[0]), shown(default_of(bare(row[0])))) for row in table
    ]
    for cell, _, unit, allowed, _ in table:
        quantity = Scenario.quantities().get(bare(cell))
        if quantity is None:
            continue
        low = f"> {quantity.low:g}, ≤ " if quantity.above else f"{quantity.low:g} to "
        whole, null = ", whole" * quantity.whole, ", null" * quantity.optional
        assert (bare(cell), unit, allowed) == (bare(cell), quantity.unit, f"{low}{quantity.high:g}{whole}{null}")


def test_the_observation_tables_have_the_columns_of_the_layout_in_order() -> None:
    own, other = tables(MODEL, "column", "meaning")
    names = layout.observation_names(2, context=True, beliefs=True, force=True, institutions=True)
    described = [bare(row[0]) for row in own] + [bare(row[0]).replace("other.", "other0.") for row in other]
    assert described == names[: -layout.CONTEXT_SIZE]
    signed = {bare(row[0]).partition(".")[2] for row in [*own, *other] if "±" in row[1]}
    low = layout.observation_low(2, context=True, beliefs=True, force=True, institutions=True)
    below = {name.partition(".")[2] for name, bound in zip(names, low, strict=True) if bound < 0}
    assert signed == below - {"threat_inflation"}  # of the context block, said in the text


def test_the_context_block_is_listed_in_order() -> None:
    text = MODEL.read_text(encoding="utf-8")
    listed = ", ".join(f"`{name}`" for name in layout.CONTEXT)
    assert listed in " ".join(text.split())


def test_the_action_table_has_the_heads_and_choices_of_the_layout() -> None:
    table = rows(MODEL, "head", "choices")
    assert [bare(row[0]) for row in table] == [head.name.lower() for head in layout.Head]
    for head, row in zip(layout.Head, table, strict=True):
        assert row[1] == ", ".join(f"{number} `{name}`" for number, name in enumerate(head.labels))


def test_the_tally_table_has_every_tally_in_order() -> None:
    assert [bare(row[0]) for row in rows(MODEL, "tally", "counts")] == list(layout.TALLY)


def test_the_concept_table_names_parameters_in_every_row() -> None:
    keys = set(Scenario.dotted_keys())
    table = rows(MODEL, "concept", "in the game", "turned by")
    named = [set(re.findall(r"`([^`]+)`", row[2])) for row in table]
    known = keys | set(sd_env.scenarios())
    assert [row[0] for row, names in zip(table, named, strict=True) if not names & known] == []
    # every parameter of the world is some concept's, but for those that only set a scene
    scene = {key for key in keys if key.startswith(("states.", "actions."))} - {"states.growth", "states.greed"}
    scene |= {*TEXTS, "perception.context_observed"}
    assert keys - scene - set().union(*named) == {"war.outcome", "war.collapse"}


def test_the_pages_name_the_modules_of_the_rules() -> None:
    """Every rule of the turn has its place in the manual."""
    text = MODEL.read_text(encoding="utf-8")
    called = {
        node.module.rpartition(".")[2]
        for node in ast.walk(ast.parse((ROOT / "sd_env" / "rules" / "turn.py").read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("sd_env.rules.")
    }
    aside = {"accounts", "actions", "chance", "compiled", "setup"}  # no paragraph of section 3 or 4
    assert {name for name in called - aside if f"(`{name}.py`)" not in text} == set()


def test_references_are_cited_and_citations_referenced() -> None:
    """Each work of the list is cited above it, and each year that is cited has a work in the list."""
    body, _, listed = MODEL.read_text(encoding="utf-8").partition("## 12. References")
    works = re.findall(r"^- (Van \w+|\w+), .*?\((\d{4})\)\.", listed, re.M)
    assert len(works) == listed.count("\n- ")
    assert [work for work in works if not re.search(rf"{work[0]}.{{0,40}}{work[1]}", body, re.S)] == []
    assert set(re.findall(r"\b((?:19|20)\d{2})\b", body)) == {year for _, year in works}
