"""Episode logs as files: JSON lines that end in a hash of all before it (docs/logs.md).

Line 1 is the header, then one line for the start (turn 0) and one for each turn, then the end with the SHA-256 of every
byte before the digest. Reading checks the hash first and then every value; nothing in a log is ever run.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from sd_env.choices import Choices
from sd_env.events import Event
from sd_env.files import read_bounded, write_whole
from sd_env.layout import PARAMETERS
from sd_env.reading import ReadError, read_json
from sd_env.record.columns import (
    FORMAT,
    LAST_INDEX,
    TABLES,
    VERSION,
    LogError,
    check_keys,
    decode,
    decode_event,
    decode_record,
    encode,
    encode_event,
    encode_record,
    schema,
)
from sd_env.record.episode import EpisodeLog
from sd_env.scenario import Scenario, ScenarioError
from sd_env.scenario_values import show
from sd_env.version import __version__

#: Logs of more bytes than this are compressed whatever their name says.
PACK_ABOVE: Final = 1_000_000
#: No episode is anywhere near so large; what unpacks to more is no log.
_MOST: Final = 2**30
_GZIP: Final = b"\x1f\x8b"
_HEADER: Final = (
    *("format", "version", "scenario", "fingerprint", "agents", "seed", "world", "episode", "policies", "versions"),
    *("observations", "columns", "params"),
)
_END: Final = re.compile(
    rb'\{"turns":(\d{1,9}),"terminated":(true|false),"truncated":(true|false),"sha256":"([0-9a-f]{64})"\}\n'
)
_DIGEST: Final = len('0"}\n') + 63  # the digest and what follows it


def write_log(path: str | os.PathLike[str], log: EpisodeLog) -> Path:
    """Write a log whole and return its path: with ``.gz`` added where it is compressed and the name lacks it.

    It is compressed if the name ends in ``.gz`` or the text is larger than ``PACK_ABOVE`` bytes. The same log gives
    the same bytes. Raises LogError if it cannot be written; what was there before is then as it was.
    """
    target = Path(path)
    data = log_bytes(log)
    if target.suffix == ".gz" or len(data) > PACK_ABOVE:
        data = gzip.compress(data, mtime=0)
        target = target if target.suffix == ".gz" else target.with_name(target.name + ".gz")
    try:
        write_whole(target, data)
    except OSError as error:
        raise LogError(f"{target} cannot be written: {error.strerror or error}.") from None
    return target


def log_bytes(log: EpisodeLog) -> bytes:
    """The text of a log, as ``write_log`` writes it uncompressed; LogError for records of another layout."""
    for table, dtype in TABLES.items():
        if getattr(log, table).dtype != dtype:
            raise LogError(f"the log's {table} are not the records of this version's layout, so it cannot be written.")
    observed = log.observations
    header = {
        "format": FORMAT,
        "version": VERSION,
        "scenario": log.scenario.to_dict(),
        "fingerprint": log.scenario.fingerprint(),
        "agents": list(log.agents),
        "seed": log.seed,
        "world": log.world,
        "episode": log.episode,
        "policies": list(log.policies),
        "versions": log.versions,
        "observations": None if observed is None else observed.shape[-1],
        "columns": schema(),
        "params": encode_record(log.params),
    }
    lines = [_line(header)]
    for turn in range(log.turns + 1):
        line: dict[str, Any] = {"turn": turn}
        if turn:
            line["actions"] = encode(log.actions[turn - 1])
            line["rewards"] = encode(log.rewards[turn - 1])
        for table in ("worlds", "states", "pairs"):
            line[table] = encode_record(getattr(log, table)[turn])
        if observed is not None:
            line["observations"] = encode(observed[turn])
        if turn:
            line["events"] = [encode_event(event) for event in log.events[turn - 1]]
        lines.append(_line(line))
    end = {"turns": log.turns, "terminated": log.terminated, "truncated": log.truncated, "sha256": "0" * 64}
    data = b"".join([*lines, _line(end)])
    return sealed(data)


def sealed(data: bytes) -> bytes:
    """The text of a log with the digest in its last line made to fit all before it."""
    body = data[:-_DIGEST]
    return body + hashlib.sha256(body).hexdigest().encode() + b'"}\n'


def _line(data: Mapping[str, Any]) -> bytes:
    return json.dumps(data, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def read_log(path: str | os.PathLike[str]) -> EpisodeLog:
    """Read a log that ``write_log`` wrote, compressed or not, whatever its name.

    Raises:
        LogError: if it cannot be read, or is empty, truncated, altered, damaged, of another format, of another version,
            or of one whose records have other columns: one sentence with the file, the line and what is wrong.
    """
    where = os.fspath(path)
    try:
        data = read_bounded(Path(where), _MOST)
    except (OSError, ValueError) as error:
        raise LogError(f"{where} cannot be read: {getattr(error, 'strerror', None) or error}.") from None
    if data.startswith(_GZIP):
        data = _unpacked(where, data)
    if not data:
        raise LogError(f"{where} is empty, so it is no {FORMAT}.")
    return _Reader(where, data).log()


def _unpacked(where: str, data: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        text = unpacker.decompress(data, _MOST)
    except zlib.error as error:
        raise LogError(f"{where} is damaged: its gzip data cannot be unpacked ({error}).") from None
    if unpacker.unconsumed_tail:
        raise LogError(f"{where} unpacks to more than {_MOST} bytes, more than any {FORMAT}.")
    if not unpacker.eof:
        raise LogError(f"{where} is truncated: its gzip data ends after {len(data)} bytes, before its own end.")
    if unpacker.unused_data:
        raise LogError(f"{where} is altered: {len(unpacker.unused_data)} bytes follow the end of its gzip data.")
    return text


class _Reader:
    """The text of one log, line by line, and the sentences that refuse it."""

    def __init__(self, where: str, data: bytes) -> None:
        self._where, self._data = where, data
        self._lines = data.split(b"\n")[:-1]  # what follows the last line end is no line

    def refuse(self, number: int, what: str) -> LogError:
        return LogError(f"{self._where}, line {number}: {what}.")

    def parsed(self, number: int) -> Any:
        """The JSON object on a line; lines count from 1."""
        try:
            data = read_json(self._lines[number - 1], "it", most=_MOST)
        except ReadError as error:
            raise self.refuse(number, str(error).replace(" on line 1", "")) from None
        if not isinstance(data, dict):
            raise self.refuse(number, f"it holds {show(data)}, but an object is needed")
        return data

    def log(self) -> EpisodeLog:
        header = self._recognized()
        end = self._whole()
        turns = int(end[1])
        if len(self._lines) != turns + 3 or turns < 1:
            said = f"it says that {turns} turns were played, but {len(self._lines) - 3} are logged"
            raise self.refuse(len(self._lines), said)
        try:
            start = self._header(header)
        except (ValueError, OverflowError) as error:
            raise self.refuse(1, str(error).removesuffix(".")) from None
        scenario: Scenario = start["scenario"]
        rows: list[dict[str, Any]] = []
        for turn in range(turns + 1):
            try:
                rows.append(self._turn(turn, self.parsed(turn + 2), scenario, header["observations"]))
            except LogError:
                raise
            except ValueError as error:
                raise self.refuse(turn + 2, str(error)) from None
        seen = header["observations"] is not None
        return EpisodeLog(
            **start,
            worlds=np.stack([row["worlds"] for row in rows]),
            states=np.stack([row["states"] for row in rows]),
            pairs=np.stack([row["pairs"] for row in rows]),
            actions=np.stack([row["actions"] for row in rows[1:]]),
            rewards=np.stack([row["rewards"] for row in rows[1:]]),
            observations=np.stack([row["observations"] for row in rows]) if seen else None,
            terminated=end[2] == b"true",
            truncated=end[3] == b"true",
            events=tuple(row["events"] for row in rows[1:]),
        )

    def _recognized(self) -> dict[str, Any]:
        """The first line, if it begins a log of a version that this can read."""
        opening = _line({"format": FORMAT})[:-2]
        if not self._data.startswith(opening):
            if opening.startswith(self._data):
                raise self.refuse(1, "the log is truncated: it ends within its first line")
            raise self.refuse(1, f"this is no {FORMAT}: such a file begins with {opening.decode()}")
        if not self._lines:
            raise self.refuse(1, "the log is truncated: it ends within its first line")
        header: dict[str, Any] = self.parsed(1)
        version = header.get("version")
        if type(version) is not int or version < 1:
            raise self.refuse(1, f"version is {show(version)}, but {VERSION} is needed")
        if version != VERSION:
            by = header.get("versions")
            writer = f" by sd_env {by['sd_env']}" if isinstance(by, dict) and isinstance(by.get("sd_env"), str) else ""
            reads = f"reads up to {VERSION}" if version > VERSION else f"reads {VERSION}, with other random draws"
            raise self.refuse(1, f"the log was written{writer} in version {version}; this sd_env {reads}")
        return header

    def _whole(self) -> re.Match[bytes]:
        """The last line, if all before it is as it was written."""
        count = len(self._lines)
        last = self._data.rstrip(b"\n").rfind(b"\n") + 1
        end = _END.fullmatch(self._data, last)
        if end is None:
            if self._data.rfind(b'"sha256":') > last or count < 2:
                raise self.refuse(count, "the log is truncated or altered: its last line is not as it was written")
            cut = "" if self._data.endswith(b"\n") else f" within line {count + 1}"
            raise self.refuse(count, f"the log is truncated: it ends after this line{cut}, without its last line")
        if hashlib.sha256(self._data[:-_DIGEST]).hexdigest().encode() != end[4]:
            for number in range(2, count):
                self.parsed(number)
            raise self.refuse(count, "the log is altered: the SHA-256 here is not that of the lines before")
        return end

    def _header(self, header: dict[str, Any]) -> dict[str, Any]:
        """The fields of an EpisodeLog that the first line holds. Raises ValueError."""
        check_keys("the header", header, _HEADER)
        _check_columns(header)
        given = header["scenario"]
        if not isinstance(given, dict):
            raise ValueError(f"scenario is {show(given)}, but an object is needed")
        try:
            scenario = Scenario.load(given)
        except ScenarioError as error:
            raise ValueError(f"scenario: {error}") from None
        if scenario.fingerprint() != header["fingerprint"]:
            raise ValueError(f"fingerprint is not that of the scenario for sd_env {__version__}")
        names = list(scenario.agents)
        if header["agents"] != names:
            raise ValueError(f"agents is {show(header['agents'])}, but the scenario's states are {', '.join(names)}")
        whole = {
            key: decode(key, header[key], np.dtype(kind), ()).item()
            for key, kind in (("seed", "uint64"), ("world", "int64"), ("episode", "int64"))
        }
        for key in ("world", "episode"):
            if not 0 <= whole[key] <= LAST_INDEX:
                raise ValueError(f"{key} is {whole[key]}, but 0 to {LAST_INDEX} is needed")
        policies, versions = header["policies"], header["versions"]
        if not (isinstance(policies, list) and len(policies) == len(names) and _texts(policies)):
            raise ValueError(f"policies is {show(policies)}, but a label for each of {len(names)} states is needed")
        if not (isinstance(versions, dict) and _texts(versions.values())):
            raise ValueError(f"versions is {show(versions)}, but texts by name are needed")
        size = header["observations"]
        if size is not None and (type(size) is not int or not 0 < size < 2**16):
            raise ValueError(f"observations is {show(size)}, but null or the number of columns is needed")
        return {
            "scenario": scenario,
            "agents": scenario.agents,
            **whole,
            "policies": tuple(policies),
            "versions": versions,
            "params": _params(header["params"], scenario),
        }

    def _turn(self, turn: int, line: dict[str, Any], scenario: Scenario, size: int | None) -> dict[str, Any]:
        """The arrays and events of a line. Raises ValueError."""
        keys = ["turn", "worlds", "states", "pairs", *(["observations"] if size else [])]
        check_keys("the line", line, [*keys, "actions", "rewards", "events"] if turn else keys)
        if type(line["turn"]) is not int or line["turn"] != turn:
            raise ValueError(f"turn is {show(line['turn'])}, but {turn} is next")
        agents, n = scenario.agents, scenario.n_states
        row: dict[str, Any] = {
            "worlds": decode_record("worlds", line["worlds"], ()),
            "states": decode_record("states", line["states"], (n,)),
            "pairs": decode_record("pairs", line["pairs"], (n, n)),
        }
        if size:
            row["observations"] = decode("observations", line["observations"], np.dtype(np.float32), (n, size))
        if turn:
            row["actions"] = decode("actions", line["actions"], np.dtype(np.int64), (n, len(scenario.heads.kinds)))
            Choices(1, scenario.heads, agents).of(row["actions"][None])
            row["rewards"] = decode("rewards", line["rewards"], np.dtype(np.float64), (n,))
            row["events"] = _events(turn, line["events"], agents)
        return row


def _params(given: Any, scenario: Scenario) -> np.ndarray:
    """The parameters of the world, which are among those that its scenario may have. Raises ValueError."""
    params = decode_record("params", given, ())
    low, high = scenario.bounds().parameters
    for k, name in enumerate(PARAMETERS):
        value, least, most = float(params[name]), low[k], high[k]
        if np.isnan(least):  # null: told by another parameter, or none
            least, most = (0.0, 1.0) if name == "dual_use" else (np.nan, np.nan)
        if not (least <= value <= most or (np.isnan(value) and np.isnan(least))):
            needed = f"{least:g}" if least == most or np.isnan(least) else f"{least:g} to {most:g}"
            raise ValueError(f"{name} of params is {value:g}, but the scenario has {needed}")
    return params


def _check_columns(header: dict[str, Any]) -> None:
    """Refuse a log whose records have other columns than the layout's, naming the first. Raises ValueError."""
    given, here = header["columns"], schema()
    check_keys("columns", given, here)
    by = header["versions"].get("sd_env") if isinstance(header["versions"], dict) else None
    for table, columns in here.items():
        theirs = given[table] if isinstance(given[table], dict) else {}
        for name in [*columns, *theirs]:
            logged, needed = show(theirs.get(name, "missing")), show(columns.get(name, "missing"))
            if logged != needed:
                raise ValueError(
                    f"column {show(name)} of {table} is {logged} in the log, written by sd_env {show(by)}, "
                    f"but {needed} here: read the log with the version that wrote it"
                )


def _events(turn: int, data: Any, agents: Sequence[str]) -> tuple[Event, ...]:
    if not isinstance(data, list):
        raise ValueError(f"events is {show(data)}, but a list is needed")
    return tuple(decode_event(turn, event, agents) for event in data)


def _texts(values: Any) -> bool:
    return all(isinstance(value, str) for value in values)
