"""Log files: the same bytes each time, nothing lost, and whatever is not as it was written is refused in a sentence."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import gzip
import io
import json
import os
import random
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sd_env
from agents.commands import replay
from sd_env.policies import RandomPolicy
from sd_env.record import FORMAT, PACK_ABOVE, VERSION, EpisodeLog, LogError, files, read_log, record, verify, write_log
from sd_env.record.columns import TABLES, schema
from sd_env.scenario import TEXTS
from tests.table import quiet


@pytest.fixture(scope="module")
def log() -> EpisodeLog:
    return record(quiet(2, horizon=3, technology__perceived_offense_advantage=None), RandomPolicy(), 5, 1, True)


@pytest.fixture(scope="module")
def text(log: EpisodeLog, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_log(tmp_path_factory.mktemp("log") / "log.jsonl", log).read_bytes()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that each example of a property overwrites."""
    return tmp_path_factory.mktemp("some") / "some.jsonl"


def refused(path: Path, data: bytes) -> str:
    """The sentence with which a file of ``data`` is refused, without the file's name, which must open it."""
    path.write_bytes(data)
    with pytest.raises(LogError) as caught:
        read_log(path)
    sentence = str(caught.value)
    assert sentence.startswith(str(path)) and sentence.endswith(".") and "\n" not in sentence
    return sentence.removeprefix(str(path)).lstrip(" ,")


def edited(text: bytes, number: int, edit: Any) -> bytes:
    """The log with line ``number`` changed by ``edit(its data)``, and a digest that fits."""
    lines = text.splitlines(keepends=True)
    data = json.loads(lines[number - 1])
    data = edit(data) or data
    lines[number - 1] = json.dumps(data, separators=(",", ":")).encode() + b"\n"
    return files.sealed(b"".join(lines))


# --- writing --------------------------------------------------------------------------------------------------


def test_the_lines_are_json_that_anybody_can_read(log: EpisodeLog, text: bytes) -> None:
    def no_constant(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    header, start, *turns, end = [json.loads(line, parse_constant=no_constant) for line in text.splitlines()]
    assert (header["format"], header["version"]) == (FORMAT, VERSION)
    assert header["scenario"] == log.scenario.to_dict() and header["fingerprint"] == log.scenario.fingerprint()
    assert (header["seed"], header["world"], header["episode"]) == (5, 1, 0)
    assert header["policies"] == ["RandomPolicy"] * 2 and header["versions"] == log.versions
    assert header["observations"] == log.observations.shape[-1]  # type: ignore[union-attr]
    assert header["columns"] == schema()
    assert header["params"]["perceived_offense_advantage"] is None and header["params"]["horizon"] == 3.0
    assert set(start) == {"turn", "worlds", "states", "pairs", "observations"}
    assert [line["turn"] for line in (start, *turns)] == [0, 1, 2, 3]
    for t, line in enumerate(turns, 1):
        assert set(line) == {*start, "actions", "rewards", "events"}
        assert line["actions"] == log.actions[t - 1].tolist() and line["rewards"] == log.rewards[t - 1].tolist()
        for table in ("worlds", "states", "pairs"):
            rows = getattr(log, table)[t]
            assert line[table] == {name: rows[name].tolist() for name in TABLES[table].names or ()}
        assert [event["type"] for event in line["events"]] == [type(event).__name__ for event in log.events[t - 1]]
    assert {key: end[key] for key in ("turns", "terminated", "truncated")} == {
        "turns": 3, "terminated": False, "truncated": True,
    }  # fmt: skip


def test_the_same_log_gives_the_same_bytes(log: EpisodeLog, text: bytes, tmp_path: Path) -> None:
    assert write_log(tmp_path / "a.jsonl", log).read_bytes() == text
    packed = write_log(str(tmp_path / "a.jsonl.gz"), log)
    assert packed == tmp_path / "a.jsonl.gz" and gzip.decompress(packed.read_bytes()) == text
    assert packed.read_bytes() == write_log(tmp_path / "b.gz", log).read_bytes()
    assert write_log(tmp_path / "c.jsonl", read_log(packed)).read_bytes() == text
    packed.rename(tmp_path / "d.jsonl")
    assert read_log(tmp_path / "d.jsonl") == log  # what it holds counts, not its name


def test_a_large_log_is_packed_and_its_name_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    peaceful = quiet(4, horizon=400, actions__stance=["align", "neutral"])
    log = record(peaceful, RandomPolicy(), 0)
    where = write_log(tmp_path / "large.jsonl", log)
    assert where.name == "large.jsonl.gz" and list(tmp_path.iterdir()) == [where]
    whole = gzip.decompress(where.read_bytes())
    assert len(whole) > PACK_ABOVE > 2 * where.stat().st_size
    assert read_log(where) == log
    monkeypatch.setattr(files, "PACK_ABOVE", len(whole))  # up to that size it is not
    assert write_log(tmp_path / "large.jsonl", log).read_bytes() == whole


def test_a_log_is_written_whole_or_not_at_all(
    log: EpisodeLog, text: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = write_log(tmp_path / "log.jsonl", log)
    with pytest.raises(LogError, match=r"nowhere/log.jsonl cannot be written: No such file or directory\."):
        write_log(tmp_path / "nowhere" / "log.jsonl", log)

    def fail(source: str, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(LogError, match="log.jsonl cannot be written: No space left on device"):
        write_log(kept, dataclasses.replace(log, seed=6))
    assert list(tmp_path.iterdir()) == [kept] and kept.read_bytes() == text
    fewer = dataclasses.replace(log, states=log.states[["greed", "homeland"]])
    with pytest.raises(LogError, match="the log's states are not the records of this version's layout"):
        write_log(kept, fewer)


# --- reading: what is refused ---------------------------------------------------------------------------------


def test_files_that_are_no_logs(tmp_path: Path, path: Path) -> None:
    with pytest.raises(LogError, match=r"nothing.jsonl cannot be read: No such file or directory\."):
        read_log(tmp_path / "nothing.jsonl")
    with pytest.raises(LogError, match="cannot be read: Is a directory"):
        read_log(tmp_path)
    with pytest.raises(LogError, match="cannot be read: embedded null byte"):
        read_log("a\0b")
    assert refused(path, b"") == f"is empty, so it is no {FORMAT}."
    foreign = f'line 1: this is no {FORMAT}: such a file begins with {{"format":"{FORMAT}".'
    for data in (
        b"\n",
        b"{}\n",
        b'{"a": 1}\n{"b": 2}\n',
        b"turn,attack\n1,2\n",
        b"\x89PNG\r\n\x1a\n",
        bytes(range(256)),
    ):
        assert refused(path, data) == foreign
        assert refused(path, gzip.compress(data)) == foreign
    assert refused(path, (b"%PDF-1.7 " * 1000)) == foreign
    assert refused(path, gzip.compress(b"")) == f"is empty, so it is no {FORMAT}."


def test_truncated_logs(text: bytes, path: Path) -> None:
    lines = text.splitlines(keepends=True)
    assert refused(path, text[:10]) == "line 1: the log is truncated: it ends within its first line."
    assert refused(path, lines[0][:-1]) == "line 1: the log is truncated: it ends within its first line."
    missing = "without its last line."
    assert refused(path, b"".join(lines[:3])) == f"line 3: the log is truncated: it ends after this line, {missing}"
    within = f"line 3: the log is truncated: it ends after this line within line 4, {missing}"
    assert refused(path, b"".join(lines[:4])[:-5]) == within
    for length in range(0, len(text), 29):
        assert re.search("truncated|empty", refused(path, text[:length])), length
    assert "truncated" in refused(path, text[:-1])
    packed = gzip.compress(text)
    assert refused(path, packed[:-1]) == (
        f"is truncated: its gzip data ends after {len(packed) - 1} bytes, before its own end."
    )
    for length in range(0, len(packed), 13):
        assert re.search("truncated|empty|this is no", refused(path, packed[:length])), length


def test_altered_logs(text: bytes, path: Path) -> None:
    last = text.count(b"\n")
    sentence = f"line {last}: the log is altered: the SHA-256 here is not that of the lines before."
    assert refused(path, text.replace(b'"offense"', b'"offence"', 1)) == sentence
    assert refused(path, text.replace(b'"seed":5', b'"seed":6', 1)) == sentence
    assert refused(path, text.replace(b'"truncated":true', b'"truncated":null')).startswith(f"line {last}: ")
    broken = text.replace(b'"turn":2,', b'"turn":2;', 1)
    assert refused(path, broken) == "line 4: it is not JSON, as it must be: Expecting ',' delimiter."
    lines = text.splitlines(keepends=True)
    assert refused(path, b"".join([*lines[:3], *lines[4:]])) == f"line {last - 1}: {sentence.partition(': ')[2]}"
    foreign = refused(path, b"".join([*lines[:3], b"\xff\xfe\n", *lines[4:]]))
    assert foreign == "line 4: it is not JSON, as it must be: it is no UTF-8 text (invalid start byte at byte 0)."
    assert refused(path, text + b"\n") and refused(path, text + text) and refused(path, text + b"x")
    assert refused(path, gzip.compress(text) + b"tail") == "is altered: 4 bytes follow the end of its gzip data."
    packed = bytearray(gzip.compress(text))
    packed[len(packed) // 2] ^= 16
    assert refused(path, bytes(packed)).startswith("is damaged: its gzip data cannot be unpacked (Error -3")
    assert refused(path, text.replace(b"\n", b"\r\n")).startswith(f"line {last}: ")


def test_a_flip_of_any_byte_is_noticed(text: bytes, path: Path) -> None:
    """Every byte of the last line and each 13th before it, by one of its bits or by all: none is read as a log."""
    dice, last = random.Random(1), text.rindex(b"\n", 0, -1)
    for place in [*range(0, last, 13), *range(last, len(text))]:
        changed = bytearray(text)
        changed[place] ^= dice.choice([1 << dice.randrange(8), 255])
        refused(path, bytes(changed))


def test_a_flip_in_a_packed_log_is_noticed_or_changes_nothing_of_it(log: EpisodeLog, text: bytes, path: Path) -> None:
    """gzip has a date, flags and spare bits of its own: they may change, but never what the log says."""
    packed, dice, noticed = gzip.compress(text, mtime=0), random.Random(2), 0
    places = [*range(12), *range(12, len(packed) - 12, 4), *range(len(packed) - 12, len(packed))]
    for place in places:
        changed = bytearray(packed)
        changed[place] ^= 1 << dice.randrange(8)
        path.write_bytes(changed)
        try:
            assert read_log(path) == log, place
        except LogError:
            noticed += 1
    assert len(places) - 30 < noticed < len(places)


@settings(max_examples=300)
@given(data=st.data())
def test_a_forged_value_is_refused_or_found_by_playing_again(
    data: st.DataObject, log: EpisodeLog, text: bytes, path: Path
) -> None:
    """A value is replaced and the digest made to fit: no error but LogError, and no other game passes for this one."""
    lines = text.splitlines(keepends=True)
    number = data.draw(st.integers(1, len(lines) - 1))
    whole = json.loads(lines[number - 1])
    place, key = whole, data.draw(st.sampled_from(sorted(whole)))
    while isinstance(place[key], (dict, list)) and place[key] and data.draw(st.booleans()):
        place = place[key]
        key = data.draw(st.sampled_from(sorted(place))) if isinstance(place, dict) else data.draw(
            st.integers(0, len(place) - 1)
        )  # fmt: skip
    leaf = st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=3),
        st.sampled_from(["inf", "-inf", 10**400, 2**63, [], {}, [[]], {"a": 1}, [1, 2], "state_0", "Falls"]),
    )  # fmt: skip
    place[key] = data.draw(leaf)
    lines[number - 1] = json.dumps(whole, separators=(",", ":")).encode() + b"\n"
    path.write_bytes(files.sealed(b"".join(lines)))
    try:
        read = read_log(path)
    except LogError as error:
        assert re.match(re.escape(str(path)) + r", line \d+: .+\.$", str(error))
        return
    # whoever the players are said to be, and whatever is told of the scenario, no rule depends on it
    texts = {name: getattr(log.scenario, name) for name in TEXTS}
    told = {"policies": log.policies, "versions": log.versions, "scenario": read.scenario.model_copy(update=texts)}
    unsaid = dataclasses.replace(read, **told)
    assert bool(verify(unsaid)) == (unsaid == log)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(LogError):
        words = {"turn": None, "state": None, "quiet": False, "do": [], "policies": [], "trust": False, "output": None}
        replay.run(argparse.Namespace(log=str(path), **words))


def test_newer_logs_and_logs_with_other_columns(text: bytes, path: Path) -> None:
    def put(**values: Any) -> bytes:
        return edited(text, 1, lambda header: header.update(values))

    mine = sd_env.__version__
    said = f"line 1: the log was written by sd_env {mine} in version 3; this sd_env reads up to 2."
    assert refused(path, put(version=3)) == said
    assert refused(path, put(version=99, versions=None, columns=3)) == (
        "line 1: the log was written in version 99; this sd_env reads up to 2."
    )
    assert refused(path, put(version=1)) == (
        f"line 1: the log was written by sd_env {mine} in version 1; this sd_env reads 2, with other random draws."
    )
    for version in (0, -1, True, "2", None, 2.0):
        assert re.match(r"line 1: version is .*, but 2 is needed\.", refused(path, put(version=version)))

    def columns(change: Any) -> str:
        return refused(path, edited(text, 1, lambda header: change(header["columns"])))

    by, tail = f"in the log, written by sd_env '{mine}'", "read the log with the version that wrote it."
    assert columns(lambda given: given["states"].update(morale="float64")) == (
        f"line 1: column 'morale' of states is 'float64' {by}, but 'missing' here: {tail}"
    )
    assert columns(lambda given: given["pairs"].pop("amity") and None) == (
        f"line 1: column 'amity' of pairs is 'missing' {by}, but 'float64' here: {tail}"
    )
    assert columns(lambda given: given["worlds"].update(turn="float32")).startswith(
        "line 1: column 'turn' of worlds is 'float32' in the log"
    )
    assert "columns has no states" in columns(lambda given: given.pop("states") and None)


@pytest.mark.parametrize(
    ("number", "change", "words"),
    [
        (1, {"agents": ["a", "b"]}, "agents is ['a', 'b'], but the scenario's states are state_0, state_1"),
        (1, {"seed": -1}, "seed holds -1, but a whole number from 0 to 18446744073709551615 is needed"),
        (1, {"world": -1}, "world is -1, but 0 to 9223372036854775806 is needed"),
        (1, {"episode": 1.5}, "episode holds 1.5, but a whole number"),
        (1, {"policies": ["a"]}, "policies is ['a'], but a label for each of 2 states is needed"),
        (1, {"versions": {"sd_env": 1}}, "versions is {'sd_env': 1}, but texts by name are needed"),
        (1, {"observations": True}, "observations is true, but null or the number of columns is needed"),
        (1, {"fingerprint": "0"}, "fingerprint is not that of the scenario"),
        (1, {"scenario": 3}, "scenario is 3, but an object is needed"),
        (1, {"scenario": "jervis/intense"}, "scenario is 'jervis/intense', but an object is needed"),
        (1, {"colour": "red"}, "the header has the unknown key 'colour'"),
        (2, {"turn": 1}, "turn is 1, but 0 is next"),
        (2, {"events": []}, "the line has the unknown key 'events'"),
        (3, {"actions": [[0, 0, 0, 1]]}, "actions holds [[0, 0, 0, 1]], but lists of shape (2, 4) are needed"),
        (3, {"actions": [[0, 0, 0, 1.0], [0, 0, 0, 1]]}, "actions holds [[0, 0, 0, 1.0], [0, 0, 0, 1]], but a whole"),
        (3, {"rewards": [True, 1]}, 'rewards holds [True, 1], but a number of type float64, null, "inf" or "-inf"'),
        (3, {"events": 3}, "events is 3, but a list is needed"),
        (3, {"events": [{"type": "Miracle"}]}, "an event is {'type': 'Miracle'}, but an object is needed whose type"),
        (3, {"events": [{"type": "Falls"}]}, "the event Falls has no agent"),
        (3, {"events": [{"type": "Falls", "agent": 1}]}, "agent of the event Falls is 1, but a text is needed"),
        (
            3,
            {"events": [{"type": "Falls", "agent": "prussia"}]},
            "agent of the event Falls is 'prussia', which is no state of this log",
        ),
        (
            3,
            {"events": [{"type": "Builds", "agent": "state_0", "offense": 1, "defense": 3}]},
            "defense of the event Builds is 3, but 0, 1 or 2 is needed",
        ),
        (
            3,
            {"events": [{"type": "Repelled", "agent": "state_0", "attackers": "b", "probability": 0.5}]},
            "attackers of the event Repelled is 'b', but a list of texts is needed",
        ),
    ],
)
def test_values_of_the_wrong_kind(number: int, change: dict[str, Any], words: str, text: bytes, path: Path) -> None:
    """With a digest that fits: the kind of each value is checked on its own."""
    sentence = refused(path, edited(text, number, lambda line: line.update(change)))
    assert sentence.startswith(f"line {number}: {words}"), sentence


def test_a_column_of_the_wrong_kind_is_named(text: bytes, path: Path) -> None:
    def of(number: int, table: str, **values: Any) -> str:
        return refused(path, edited(text, number, lambda line: line[table].update(values)))

    assert (
        of(3, "states", standing=[1, True]) == "line 3: states standing holds [1, True], but true or false is needed."
    )
    assert of(4, "pairs", amity=[[0, 0]]).startswith(
        "line 4: pairs amity holds [[0, 0]], but lists of shape (2, 2) are"
    )
    assert of(2, "worlds", turn=2**63).startswith("line 2: worlds turn holds 9223372036854775808, but a whole number")
    assert of(2, "worlds", index=None).startswith("line 2: worlds index holds null, but a whole number from -922337")
    assert of(1, "params", noise=10**400) == (
        "line 1: it is not JSON, as it must be: a number has 401 digits, more than the 60 that are read."
    )
    assert of(1, "params", noise="nan").startswith("line 1: params noise holds 'nan', but a number of type float64")
    assert of(3, "states", morale=[1, 1]) == "line 3: states has the unknown key 'morale'."
    single = edited(text, 2, lambda line: line["observations"][0].__setitem__(0, 0.1))
    assert "observations holds" in refused(path, single) and "type float32" in refused(path, single)


def test_a_scenario_that_cannot_be(text: bytes, path: Path) -> None:
    def spoil(header: dict[str, Any]) -> None:
        header["scenario"]["war"]["conquest"] = 7

    assert refused(path, edited(text, 1, spoil)).startswith("line 1: scenario: war.conquest is 7, but must be ")


def test_turns_that_do_not_add_up(text: bytes, path: Path) -> None:
    lines = text.splitlines(keepends=True)
    doubled = files.sealed(b"".join([*lines[:4], *lines[3:]]))
    assert refused(path, doubled) == "line 7: it says that 3 turns were played, but 4 are logged."
    none = files.sealed(b"".join([*lines[:2], lines[-1].replace(b'"turns":3', b'"turns":0')]))
    assert refused(path, none) == "line 3: it says that 0 turns were played, but 0 are logged."
    deep = files.sealed(b"".join([*lines[:2], b"[" * 100_000 + b"\n", *lines[3:]]))
    assert refused(path, deep) == "line 3: it is not JSON, as it must be: it is nested more than 32 deep."
    constant = files.sealed(text.replace(b'"rewards":[', b'"rewards":[NaN,', 1))
    assert refused(path, constant) == "line 3: it is not JSON, as it must be: NaN is no number."
    assert refused(path, files.sealed(b"".join([*lines[:2], b"3\n", *lines[3:]]))) == (
        "line 3: it holds 3, but an object is needed."
    )


def test_what_unpacks_to_too_much(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_MOST", 10_000)
    assert refused(path, gzip.compress(bytes(10_001))) == f"unpacks to more than 10000 bytes, more than any {FORMAT}."
