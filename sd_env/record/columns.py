"""The schema of the log's records, taken from the layout, and the values of records and events as JSON.

Every field of every record is a column, so a field that the layout gains is in the logs from then on. A column is
written as numbers, ``true``/``false``, or lists of them. A float is written so that reading it gives the same bits;
JSON knows no others than finite numbers, so NaN is ``null`` and the infinities are ``"inf"`` and ``"-inf"``.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, get_type_hints

import numpy as np

from sd_env import layout
from sd_env.errors import RefusedError
from sd_env.events import KINDS, NAMING, Builds, Event
from sd_env.layout import Build
from sd_env.scenario_values import show

FORMAT: Final = "sd-env episode log"
#: Of the file's lines and keys; the columns are the layout's and are listed in each log.
VERSION: Final = 2
TABLES: Final = {
    "params": layout.PARAMS,
    "worlds": layout.WORLDS,
    "states": layout.STATES,
    "pairs": layout.PAIRS,
}
#: Of worlds and episodes: the one after it must be a signed number of 64 bits, too.
LAST_INDEX: Final = 2**63 - 2
_NAMED_FLOATS: Final = {None: math.nan, "inf": math.inf, "-inf": -math.inf}


class LogError(RefusedError):
    """A log that cannot be read or written: one sentence with the file, the line and what is wrong."""


def schema() -> dict[str, dict[str, str]]:
    """Type of each column by table: ``{"states": {"greed": "float64", ...}, ...}``."""
    return {table: {name: str(dtype[name]) for name in dtype.names or ()} for table, dtype in TABLES.items()}


def encode(array: Any) -> Any:
    """The values of an array, or of one number, as JSON has them: nested lists of the array's shape."""
    array = np.asarray(array)
    values = array.tolist()
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        return _named(values)
    return values


def encode_record(record: Any) -> dict[str, Any]:
    """The columns of an array of records by name."""
    array = np.asarray(record)
    return {name: encode(array[name]) for name in array.dtype.names or ()}


def _named(values: Any) -> Any:
    if isinstance(values, list):
        return [_named(value) for value in values]
    if math.isfinite(values):
        return values
    return None if math.isnan(values) else str(values)


def decode(name: str, values: Any, dtype: np.dtype[Any], shape: tuple[int, ...]) -> np.ndarray:
    """The array that ``encode`` wrote. Raises ValueError for anything else, naming ``name`` and what is allowed."""
    flat = list(_flat(name, values, shape, shape))
    kind = dtype.kind
    if kind == "b":
        allowed, words = {bool}, "true or false"
        good = set(map(type, flat)) <= allowed
    elif kind in "iu":
        limits = np.iinfo(dtype)
        words = f"a whole number from {limits.min} to {limits.max}"
        good = set(map(type, flat)) <= {int} and all(limits.min <= value <= limits.max for value in flat)
    else:
        words = f'a number of type {dtype}, null, "inf" or "-inf"'
        flat, good = _floats(flat, dtype)
    if not good:
        raise ValueError(f"{name} holds {show(values)}, but {words} is needed")
    return np.array(flat, dtype).reshape(shape)


def decode_record(table: str, columns: Any, shape: tuple[int, ...]) -> np.ndarray:
    """The records that ``encode_record`` wrote. Raises ValueError for anything else, naming the column."""
    dtype = TABLES[table]
    check_keys(table, columns, dtype.names or ())
    array = np.zeros(shape, dtype)
    for name in dtype.names or ():
        array[name] = decode(f"{table} {name}", columns[name], dtype[name], shape)
    return array


def encode_event(event: Event) -> dict[str, Any]:
    """The event's kind as ``type`` and its fields by name; the turn is the line's."""
    fields = {each.name: getattr(event, each.name) for each in dataclasses.fields(event) if each.name != "turn"}
    return {
        "type": type(event).__name__,
        **{name: list(value) if isinstance(value, tuple) else encode(value) for name, value in fields.items()},
    }


def decode_event(turn: int, data: Any, agents: Sequence[str]) -> Event:
    """The event that ``encode_event`` wrote, about some of ``agents``. Raises ValueError for anything else."""
    kind = KINDS.get(data["type"]) if isinstance(data, Mapping) and isinstance(data.get("type"), str) else None
    if kind is None:
        raise ValueError(f"an event is {show(data)}, but an object is needed whose type is one of {', '.join(KINDS)}")
    types = _FIELDS[kind]
    check_keys(f"the event {kind.__name__}", data, ("type", *types))
    values: dict[str, Any] = {}
    for name, wanted in types.items():
        value = data[name]
        if wanted is float:
            value = decode(f"{name} of the event {kind.__name__}", value, np.dtype(np.float64), ()).item()
        elif wanted not in (int, str) and isinstance(value, list) and all(isinstance(item, str) for item in value):
            value = tuple(value)
        elif type(value) is not wanted:
            raise ValueError(f"{name} of the event {kind.__name__} is {show(value)}, but {_words(wanted)} is needed")
        for state in (value if isinstance(value, tuple) else (value,)) if name in NAMING else ():
            if state not in agents:
                raise ValueError(f"{name} of the event {kind.__name__} is {show(state)}, which is no state of this log")
        if kind is Builds and wanted is int and value not in list(Build):
            *first, last = (str(int(level)) for level in Build)
            raise ValueError(f"{name} of the event Builds is {show(value)}, but {', '.join(first)} or {last} is needed")
        values[name] = value
    return kind(turn=turn, **values)


#: Type of each field of each kind of event but its turn.
_FIELDS: Final[dict[type[Event], dict[str, Any]]] = {
    kind: {name: hint for name, hint in get_type_hints(kind).items() if name != "turn"} for kind in KINDS.values()
}


def _words(wanted: Any) -> str:
    return {int: "a whole number", str: "a text"}.get(wanted, "a list of texts")


def check_keys(what: str, data: Any, names: Any) -> None:
    """Raise ValueError unless ``data`` is a mapping with exactly these keys."""
    if not isinstance(data, Mapping):
        raise ValueError(f"{what} is {show(data)}, but an object is needed")
    for name in names:
        if name not in data:
            raise ValueError(f"{what} has no {name}")
    for name in data:
        if name not in names:
            raise ValueError(f"{what} has the unknown key {show(name)}")


def _flat(name: str, values: Any, shape: tuple[int, ...], whole: tuple[int, ...]) -> Iterator[Any]:
    """The entries of nested lists of ``shape``."""
    if not shape:
        yield values
        return
    if not isinstance(values, list) or len(values) != shape[0]:
        raise ValueError(f"{name} holds {show(values)}, but lists of shape {whole} are needed")
    if len(shape) == 1:
        yield from values
        return
    for value in values:
        yield from _flat(name, value, shape[1:], whole)


def _floats(flat: list[Any], dtype: np.dtype[Any]) -> tuple[list[float], bool]:
    """The entries as floats, and whether all are floats that ``dtype`` can hold."""
    found: list[float] = []
    for value in flat:
        if type(value) is float or type(value) is int:
            try:
                found.append(float(value))
            except OverflowError:
                return [], False
            if math.isinf(found[-1]):  # of a number too large for a float, such as 1e999
                return [], False
        elif value is None or (isinstance(value, str) and value in _NAMED_FLOATS):
            found.append(_NAMED_FLOATS[value])
        else:
            return [], False
    if dtype == np.float64:
        return found, True
    with np.errstate(over="ignore"):
        held = np.array(found, np.float64)
        return found, bool(np.array_equal(held.astype(dtype), held, equal_nan=True))
