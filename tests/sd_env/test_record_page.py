"""docs/logs.md describes the file as it is: its tables are the code's."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

from sd_env import events as ev
from sd_env import layout
from sd_env.policies import RandomPolicy
from sd_env.record import PACK_ABOVE, record, write_log
from sd_env.record.columns import schema
from tests.docs import ROOT, bare, tables
from tests.table import quiet

PAGE = ROOT / "docs" / "logs.md"


def test_the_schema_tables_of_the_page_are_the_layout_s() -> None:
    """Each record has a table with its columns and their types in order; tallies and parameters are model.md's."""
    listed = [[(bare(row[0]), bare(row[1])) for row in table] for table in tables(PAGE, "column", "type", "meaning")]
    worlds, states, pairs = ([*schema()[table].items()] for table in ("worlds", "states", "pairs"))
    assert listed == [worlds[: -len(layout.TALLY)], states, pairs]
    assert [name for name, _ in worlds[-len(layout.TALLY) :]] == list(layout.TALLY)
    assert set(schema()["params"].values()) == {"float64"}


def test_the_key_and_event_tables_of_the_page_are_the_code_s(tmp_path: Path) -> None:
    log = record(quiet(2, horizon=2), RandomPolicy(), 5, observations=True)
    text = write_log(tmp_path / "log.jsonl", log).read_bytes()
    header, start, turn, *_, end = [json.loads(line) for line in text.splitlines()]
    listed = [[bare(row[0]) for row in table] for table in tables(PAGE, "key", "meaning")]
    assert listed == [[*header], [*turn], [*end]]
    assert set(start) <= set(turn)
    (kinds,) = tables(PAGE, "event", "fields", "meaning")
    fields = {name: [each.name for each in dataclasses.fields(kind)] for name, kind in ev.KINDS.items()}
    assert {bare(row[0]): re.findall(r"`(\w+)`", row[1]) for row in kinds} == {
        name: [field for field in names if field != "turn"] for name, names in fields.items()
    }
    assert f"{PACK_ABOVE:,}".replace(",", " ") in PAGE.read_text(encoding="utf-8")
