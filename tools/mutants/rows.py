"""Records that plain Python reads four times as fast as numpy's, so that uncompiled rules can be tried by the hundred.

The rules see the same numbers, of the same types, in the same memory: a field is read from its column, not through
``np.record``'s own search for it.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias

import numpy as np

Index: TypeAlias = tuple[int, ...]
Columns: TypeAlias = dict[str, Any]


class Row:
    """One record; subclasses (:func:`_row_type`) have its fields as properties."""

    __slots__ = ("_at", "_columns")

    def __init__(self, columns: Columns, at: Index) -> None:
        self._columns, self._at = columns, at

    def __getitem__(self, name: str) -> Any:
        return self._columns[name][self._at]

    def __setitem__(self, name: str, value: Any) -> None:
        self._columns[name][self._at] = value


@cache
def _row_type(names: tuple[str, ...]) -> type[Row]:
    def field(name: str) -> property:
        def read(row: Row) -> Any:
            return row._columns[name][row._at]

        def write(row: Row, value: Any) -> None:
            row._columns[name][row._at] = value

        return property(read, write)

    fields = {name: field(name) for name in names}
    return type("Row", (Row,), {"__slots__": (), **fields})


class Rows:
    """An array of records as the rules use one: ``rows[i]`` is a smaller array, or in the end a record."""

    def __init__(self, columns: Columns, shape: tuple[int, ...], at: Index = ()) -> None:
        self._columns, self._shape, self._at = columns, shape, at
        self._row = _row_type(tuple(columns))
        self._known: dict[Any, Row | Rows] = {}

    def __len__(self) -> int:
        return self._shape[len(self._at)]

    def __getitem__(self, index: Any) -> Row | Rows:
        if index not in self._known:
            at = (*self._at, *(index if isinstance(index, tuple) else (index,)))
            whole = len(at) == len(self._shape)
            self._known[index] = self._row(self._columns, at) if whole else Rows(self._columns, self._shape, at)
        return self._known[index]

    def __setitem__(self, index: Any, record: Any) -> None:
        at = (*self._at, *(index if isinstance(index, tuple) else (index,)))
        for name, column in self._columns.items():
            column[at] = record[name]


def with_rows(rule: Callable[..., Any]) -> Callable[..., Any]:
    """The uncompiled entry point, given :class:`Rows` for each array of records; those of an array are made once."""
    known: dict[int, tuple[weakref.ref[Any], Rows]] = {}

    def rows(array: Any) -> Any:
        if not isinstance(array, np.recarray):
            return array
        kept, made = known.get(id(array), (None, None))
        if kept is None or kept() is not array:
            made = Rows({name: array[name].view(np.ndarray) for name in array.dtype.names}, array.shape)
            known[id(array)] = weakref.ref(array), made
        return made

    return lambda *args: rule(*map(rows, args))
