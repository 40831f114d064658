"""What is told of a scenario and is no rule of its game: texts, names, and the places where its states lie."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from pydantic_core import core_schema

from sd_env.reading import is_whole
from sd_env.scenario_values import DEFAULT, FrozenMap, Refusal, to_plain

_PLACE: Final = "[longitude, latitude], from -180 to 180 and from -90 to 90 degrees"

STATE_NAME = re.compile(r"[^\W\d_][\w-]{0,39}")


@dataclass(frozen=True)
class Texts:
    """A list of non-empty texts; ``optional``: or null; ``names``: each different and fit to name a state."""

    optional: bool = False
    names: bool = False

    @property
    def allowed(self) -> str:
        """What may be given, in words."""
        if self.names:
            return (
                "null or a list of different names, each a letter and then letters, digits, '_' or '-', "
                f"at most 40 in all, and none of them '{DEFAULT}'"
            )
        return "a list of non-empty texts"

    def parse(self, value: Any) -> tuple[str, ...] | None:
        """The texts as a tuple; raises Refusal."""
        if value is None and self.optional:
            return None
        if not isinstance(value, (list, tuple)) or not all(isinstance(text, str) and text.strip() for text in value):
            odd = isinstance(value, (list, tuple)) and any(isinstance(item, (bool, int, float)) for item in value)
            raise Refusal(value, f"{self.allowed}{', in quotes where YAML reads something else' if odd else ''}")
        if not all(is_whole(text) for text in value):
            raise Refusal(value, f"{self.allowed}, without halves of letters (lone surrogates)")
        if self.names and not all(STATE_NAME.fullmatch(name) and name != DEFAULT for name in value):
            raise Refusal(value, self.allowed)
        if self.names and len(set(value)) < len(value):
            raise Refusal(value, self.allowed)
        return tuple(value)

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.parse, serialization=core_schema.plain_serializer_function_ser_schema(to_plain)
        )

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        texts: dict[str, Any] = {"type": "array", "items": {"type": "string", "minLength": 1}}
        return {"anyOf": [{**texts, "uniqueItems": True}, {"type": "null"}]} if self.names else texts


@dataclass(frozen=True)
class Places:
    """Longitude and latitude of each state, degrees east and north; or null."""

    @property
    def allowed(self) -> str:
        """What may be given, in words."""
        return f"null or a mapping of state names to {_PLACE}"

    def parse(self, value: Any) -> FrozenMap[tuple[float, float]] | None:
        """The places by name; raises Refusal."""
        if value is None:
            return None
        if not isinstance(value, Mapping) or not value or not all(isinstance(name, str) for name in value):
            raise Refusal(value, self.allowed)
        found = {}
        for name, pair in value.items():
            if not isinstance(pair, (list, tuple)) or len(pair) != 2:
                raise Refusal(pair, f"a {_PLACE}", f".{name}")
            for each, most in zip(pair, (180, 90), strict=True):
                number = not isinstance(each, bool) and isinstance(each, (int, float, np.integer, np.floating))
                if not number or not -most <= each <= most:
                    raise Refusal(pair, f"a {_PLACE}", f".{name}")
            found[name] = (float(pair[0]), float(pair[1]))
        return FrozenMap(found)

    @staticmethod
    def check(places: Mapping[str, Any] | None, names: Sequence[str]) -> None:
        """Refuse places that are not of each of these states and of nobody else."""
        for name in () if places is None else (*places, *names):
            if places is not None and (name not in names or name not in places):
                allowed = f"given for each state of this scenario ({', '.join(names)}), and for nobody else"
                where = f"places.{name}" if name in places else "places"
                raise Refusal(places.get(name, places), allowed, where)

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.parse, serialization=core_schema.plain_serializer_function_ser_schema(to_plain)
        )

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        pair = {
            "type": "array",
            "prefixItems": [{"type": "number", "minimum": -most, "maximum": most} for most in (180, 90)],
            "minItems": 2,
            "maxItems": 2,
        }
        return {"anyOf": [{"type": "object", "additionalProperties": pair, "minProperties": 1}, {"type": "null"}]}
