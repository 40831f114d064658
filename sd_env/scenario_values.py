"""What a scenario's values may be: numbers, ranges, one value a state, one a pair; and how a refusal reads.

The kinds of value here are put on the fields of ``scenario_groups`` with ``typing.Annotated``. Each knows its
unit, its allowed range and its source, checks a value that comes in, and writes its part of the JSON schema.
"""

from __future__ import annotations

import difflib
import numbers
import reprlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self, TypeAlias, TypeVar, get_args

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import core_schema

from sd_env.errors import RefusedError
from sd_env.layout_actions import Head

Number: TypeAlias = float | tuple[float, float]
WholeNumber: TypeAlias = int | tuple[int, int]
StateNumber: TypeAlias = Number | Mapping[str, Number]
PairNumber: TypeAlias = Number | tuple[tuple[Number, ...], ...]

T_co = TypeVar("T_co", covariant=True)

#: Key of a per-state mapping that stands for every state the mapping does not name.
DEFAULT = "default"


class ScenarioError(RefusedError):
    """A scenario that cannot be: one sentence with the key, the value and what is allowed."""


class Refusal(ValueError):
    """Why a value is refused, before its dotted key is known: where inside the field, the value, what is allowed."""

    def __init__(self, value: object, allowed: str, where: str = "") -> None:
        super().__init__(f"must be {allowed}")
        self.value, self.allowed, self.where = value, allowed, where


class FrozenMap(Mapping[str, T_co]):
    """An immutable, hashable, picklable mapping with text keys; equal to any mapping with the same items."""

    __slots__ = ("_items",)
    _items: dict[str, T_co]

    def __init__(self, items: Mapping[str, T_co]) -> None:
        object.__setattr__(self, "_items", dict(items))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a FrozenMap cannot be changed")

    def __getitem__(self, key: str) -> T_co:
        value: T_co = self._items[key]
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return hash(frozenset(self._items.items()))

    def __repr__(self) -> str:
        return repr(self._items)

    def __reduce__(self) -> tuple[type[FrozenMap[T_co]], tuple[dict[str, T_co]]]:
        return FrozenMap, (dict(self._items),)


def to_plain(value: Any) -> Any:
    """The value in lists, dicts and scalars only, as YAML and JSON write it."""
    if isinstance(value, Mapping):
        return {key: to_plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [to_plain(item) for item in value]
    return value


_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 80
_SHORT.maxlist = _SHORT.maxtuple = _SHORT.maxdict = 8
_SHORT.maxlevel = 3  # a list of lists of lists is shown; deeper ones, as aliases of YAML make them, grow without end


def show(value: object) -> str:
    """The value as an error sentence shows it: short, on one line, in YAML's words for none and the booleans."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    try:
        if isinstance(value, numbers.Integral):
            return repr(int(value))
        if isinstance(value, numbers.Real):
            return repr(float(value))
        return " ".join(_SHORT.repr(to_plain(value) if isinstance(value, (tuple, FrozenMap)) else value).split())
    except (ValueError, RecursionError):  # Python refuses to write whole numbers of thousands of digits
        return f"a value of type {type(value).__name__}"


def nearest(word: str, known: list[str]) -> str:
    """The known key or name most like ``word``, its last part counting as much as the whole."""

    def likeness(candidate: str) -> float:
        pairs = ((word, candidate), (word.rpartition(".")[2], candidate.rpartition(".")[2]))
        return max(difflib.SequenceMatcher(None, *pair).ratio() + 0.01 * (pair[0] == word) for pair in pairs)

    return max(known, key=likeness)


def unknown_key(key: str, value: object, known: list[str]) -> str:
    """The sentence for a key that no scenario has."""
    return (
        f"{key} (given {show(value)}) is not a key of a scenario; the nearest that is allowed is {nearest(key, known)}."
    )


@dataclass(frozen=True)
class Quantity:
    """A finite number between ``low`` and ``high``, or a ``[low, high]`` range of them drawn at each reset.

    ``above``: ``low`` itself is excluded. ``whole``: whole numbers only. ``ranged``: a range may be given.
    ``optional``: null may be given. ``unit`` and ``source`` document the number.
    """

    low: float
    high: float
    unit: str
    source: str
    above: bool = False
    whole: bool = False
    ranged: bool = True
    optional: bool = False

    @property
    def allowed(self) -> str:
        """What may be given, in words."""
        noun = "whole number" if self.whole else "finite number"
        span = f"above {self.low:g} and at most {self.high:g}" if self.above else f"from {self.low:g} to {self.high:g}"
        ways = [f"a {noun} {span}"]
        if self.ranged:
            ways.append("a [low, high] range of two such numbers with low <= high")
        return " or ".join([*ways, *self._more_ways(), *(["null"] if self.optional else [])])

    def _more_ways(self) -> list[str]:
        return []

    def parse(self, value: Any) -> Any:
        """The value as the scenario holds it; raises Refusal."""
        if value is None and self.optional:
            return None
        return self._number(value, "")

    def _number(self, value: Any, where: str) -> Number | WholeNumber:
        if self.ranged and isinstance(value, (list, tuple)) and len(value) == 2:
            low, high = (self._scalar(part, value, where) for part in value)
            if low > high:
                raise Refusal(value, self.allowed, where)
            return (low, high)
        return self._scalar(value, value, where)

    def _scalar(self, value: Any, given: Any, where: str) -> float | int:
        # a boolean is a whole number to Python, but in a scenario it is a mistake
        good = isinstance(value, numbers.Real) and not isinstance(value, bool)
        # NaN fails both comparisons, an infinity one of them
        good = good and (self.low < value if self.above else self.low <= value) and value <= self.high
        if not good or (self.whole and value != int(value)):
            raise Refusal(given, self.allowed, where)
        return int(value) if self.whole else float(value) + 0.0  # + 0.0: no negative zero

    def json_schema(self) -> dict[str, Any]:
        """This value's JSON schema, without its documentation."""
        least = "exclusiveMinimum" if self.above else "minimum"
        one: dict[str, Any] = {"type": "integer" if self.whole else "number", least: self.low, "maximum": self.high}
        ways = [one]
        if self.ranged:
            ways.append({"type": "array", "items": one, "minItems": 2, "maxItems": 2, "title": "[low, high]"})
        ways += self._more_schemas(ways)
        if self.optional:
            ways.append({"type": "null"})
        return {"anyOf": ways} if len(ways) > 1 else one

    def _more_schemas(self, number: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return []

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.parse, serialization=core_schema.plain_serializer_function_ser_schema(to_plain)
        )

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return {**self.json_schema(), "unit": self.unit, "source": self.source}


class StateQuantity(Quantity):
    """A number for all states, or a mapping from state names (and ``default``) to numbers."""

    def _more_ways(self) -> list[str]:
        return ["a mapping of state names (or 'default') to such numbers"]

    def parse(self, value: Any) -> Any:
        """The number, the range or a FrozenMap of them by name; raises Refusal."""
        if not isinstance(value, Mapping):
            return super().parse(value)
        if not value or not all(isinstance(name, str) for name in value):
            raise Refusal(value, self.allowed)
        allowed_one = Quantity(self.low, self.high, self.unit, self.source, above=self.above, whole=self.whole)
        return FrozenMap({name: allowed_one._number(item, f".{name}") for name, item in value.items()})

    def _more_schemas(self, number: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{"type": "object", "additionalProperties": {"anyOf": list(number)}, "minProperties": 1}]


class PairQuantity(Quantity):
    """A number for all ordered pairs, or a square matrix (row: who acts, column: toward whom; diagonal ignored)."""

    def _more_ways(self) -> list[str]:
        return ["a square matrix of such numbers with one row for each state"]

    def parse(self, value: Any) -> Any:
        """The number, the range or the matrix as a tuple of rows; raises Refusal."""
        if isinstance(value, np.ndarray):
            value = value.tolist()
        if not (isinstance(value, (list, tuple)) and value and isinstance(value[0], (list, tuple))):
            return super().parse(value)
        rows = list(value)
        if not all(isinstance(row, (list, tuple)) and len(row) == len(rows) for row in rows):
            raise Refusal(value, self.allowed)
        allowed_one = Quantity(self.low, self.high, self.unit, self.source, above=self.above, whole=self.whole)
        return tuple(
            tuple(allowed_one._number(item, f"[{i}][{j}]") for j, item in enumerate(row)) for i, row in enumerate(rows)
        )

    def _more_schemas(self, number: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{"type": "array", "items": {"type": "array", "items": {"anyOf": list(number)}}, "minItems": 2}]


@dataclass(frozen=True)
class Choices:
    """The choices of one action head that the mask allows at all; kept in the head's own order."""

    head: Head

    @property
    def required(self) -> str:
        """The choice that must be among them: the head's no-op."""
        return self.head.labels[self.head.noop]

    @property
    def allowed(self) -> str:
        """What may be given, in words."""
        names = ", ".join(self.head.labels)
        return f"a list of different choices among {names}, with {self.required} (the no-op) among them"

    def parse(self, value: Any) -> tuple[str, ...]:
        """The choices in the head's order; raises Refusal."""
        names = self.head.labels
        if not isinstance(value, (list, tuple)) or not all(isinstance(name, str) for name in value):
            raise Refusal(value, self.allowed)
        chosen = set(value)
        if len(chosen) < len(value) or not chosen <= set(names) or self.required not in chosen:
            raise Refusal(value, self.allowed)
        return tuple(name for name in names if name in chosen)

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.parse, serialization=core_schema.plain_serializer_function_ser_schema(to_plain)
        )

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        items = {"type": "string", "enum": self.head.labels}
        needed = {"const": self.required}
        return {"type": "array", "items": items, "uniqueItems": True, "contains": needed}


class Group(BaseModel):
    """A frozen group of a scenario's values: unknown keys refused, errors in one sentence."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def __init__(self, **data: Any) -> None:
        try:
            super().__init__(**data)
        except ValidationError as error:
            raise ScenarioError(self._sentence(error)) from None

    # pydantic then validates a group inside a scenario as a whole, so that errors keep their dotted key
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with ``update`` validated (pydantic's own would take anything)."""
        return type(self)(**{name: getattr(self, name) for name in type(self).model_fields} | dict(update or {}))

    @classmethod
    def _prefix(cls) -> str:
        return f"{cls.__name__.lower()}."

    @classmethod
    def dotted_keys(cls) -> list[str]:
        """Every key of the group, in order, with the names of the groups before it."""
        return list(cls._fields())

    @classmethod
    def quantities(cls) -> dict[str, Quantity]:
        """The numbers among the keys, with their bounds, units and sources."""
        found = {key: item for key, field in cls._fields().items() for item in field.metadata}
        return {key: item for key, item in found.items() if isinstance(item, Quantity)}

    @classmethod
    def _fields(cls) -> dict[str, FieldInfo]:
        fields: dict[str, FieldInfo] = {}
        for name, field in cls.model_fields.items():
            inner = field.annotation
            if isinstance(inner, type) and issubclass(inner, Group):
                fields |= inner._fields()
            else:
                fields[cls._prefix() + name] = field
        return fields

    @classmethod
    def _sentence(cls, error: ValidationError) -> str:
        """The first of pydantic's errors as one sentence."""
        first = error.errors(include_url=False)[0]
        key = (cls._prefix() + ".".join(str(part) for part in first["loc"])).strip(".")
        value, allowed = first["input"], _ALLOWED.get(first["type"], first["msg"])
        cause = first.get("ctx", {}).get("error")
        if first["type"] == "invalid_key":
            return f"{key} is not a key of a scenario: keys must be texts."
        if first["type"] == "extra_forbidden":
            return unknown_key(key, value, cls.dotted_keys())
        if first["type"] == "literal_error":
            allowed = "one of " + ", ".join(get_args(cls._fields()[key].annotation))
        if isinstance(cause, Refusal):
            key, value, allowed = (key + cause.where).strip("."), cause.value, cause.allowed
        return f"{key} is {show(value)}, but must be {allowed}."


#: What is allowed where pydantic itself finds the mistake, by its error type.
_ALLOWED = {
    "string_type": "a text",
    "string_unicode": "a text in Unicode",
    "bool_type": "true or false",
    "model_type": "a mapping of this group's keys to values",
    "model_attributes_type": "a mapping of this group's keys to values",
    "dict_type": "a mapping of this group's keys to values",
}
