"""The one reader of YAML and JSON that others wrote: strict, and bounded in all that could grow.

YAML 1.1, which PyYAML follows, takes ``no`` for false, ``010`` for 8 and ``1:30`` for 90, and lets the last of two
equal keys win. Here a value is what everybody takes it for, or it is refused: a number as YAML 1.2 and JSON have it,
``true``, ``false``, ``null``, or a text.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import yaml

from sd_env.errors import RefusedError

#: Bytes of a file, lists within lists, values in all (an alias counts what it stands for), letters of a number.
MOST_BYTES: Final = 256_000
MOST_DEPTH: Final = 32
MOST_VALUES: Final = 20_000
MOST_LETTERS: Final = 60
_TOO_DEEP: Final = f"it is nested more than {MOST_DEPTH} deep"

_TRUTH: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NOTHING: Final = frozenset({"", "~", "null", "Null", "NULL"})
_WHOLE: Final = re.compile(r"[-+]?(0|[1-9][0-9]*)")
#: A number as JSON and YAML 1.2 have it.
NUMBER: Final = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
_NOT_FINITE: Final = re.compile(r"([-+]?)\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
#: What readers of YAML disagree about: other words for true and false, and numbers of another base or with other signs.
_WORDS: Final = re.compile(r"yes|no|on|off", re.IGNORECASE)
BASES: Final = re.compile(r"[-+]?(0[0-9]+|0[xXoObB][0-9a-fA-F_]+|[0-9][0-9_]*_[0-9_]*(\.[0-9_]*)?)")
_HALVES: Final = re.compile("[\ud800-\udfff]")


class ReadError(RefusedError):
    """A text that is not read: one sentence without its stop."""


def read_yaml(data: bytes | str, what: str = "the file") -> Any:
    """What a YAML text holds, in dicts, lists and scalars.

    Args:
        data: the text.
        what: how it is called when it is refused.

    Raises:
        ReadError: if it is no YAML, has a key twice, a tag, a value that may be read in two ways, or grows too large.
    """
    try:
        return copy.deepcopy(_read(_decoded(data, what, "YAML", MOST_BYTES)))
    except yaml.MarkedYAMLError as error:
        line = f" on line {error.problem_mark.line + 1}" if error.problem_mark else ""
        why = f"{error.problem or error.context}{line}"
    except (yaml.YAMLError, _Odd) as error:
        why = " ".join(str(error).split())[:200]
    raise ReadError(f"{what} is not YAML, as it must be: {why}")


def read_json(data: bytes | str, what: str = "the file", *, most: int = MOST_BYTES) -> Any:
    """What a JSON text holds. NaN and Infinity, which JSON has not, are refused.

    Args:
        data: the text.
        what: how it is called when it is refused.
        most: bytes or letters that it may have.

    Raises:
        ReadError: if it is no JSON, has a key twice, is nested too deep, or is longer.
    """
    text = _decoded(data, what, "JSON", most)
    try:
        found = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant, parse_int=_whole)
        _check(found)
        return found
    except json.JSONDecodeError as error:
        why = f"{error.msg} on line {error.lineno}"
    except RecursionError:
        why = _TOO_DEEP
    except _Odd as error:
        why = str(error)
    raise ReadError(f"{what} is not JSON, as it must be: {why}")


class _Odd(Exception):
    """What is odd about a text."""


def _decoded(data: bytes | str, what: str, kind: str, most: int) -> str:
    if len(data) > most:
        raise ReadError(f"{what} has {len(data)} bytes, but at most {most} are read")
    if isinstance(data, str):
        return data
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        why = f"it is no UTF-8 text ({error.reason} at byte {error.start})"
        raise ReadError(f"{what} is not {kind}, as it must be: {why}") from None


def _whole(text: str) -> int:
    if len(text) > MOST_LETTERS:
        raise _Odd(f"a number has {len(text)} digits, more than the {MOST_LETTERS} that are read")
    return int(text)


# --- YAML -----------------------------------------------------------------------------------------------------


class _Yaml(yaml.reader.Reader, yaml.scanner.Scanner, yaml.parser.Parser, yaml.composer.Composer):
    """PyYAML down to nodes and no further, so that no tag and no rule of YAML 1.1 makes anything of them."""

    def __init__(self, text: str) -> None:
        yaml.reader.Reader.__init__(self, text)
        yaml.scanner.Scanner.__init__(self)
        yaml.parser.Parser.__init__(self)
        yaml.composer.Composer.__init__(self)
        self._depth = self._nodes = self._values = 0

    def read(self) -> Any:
        """The one value of the text."""
        node = self.get_single_node()
        return None if node is None else self._value(node, 0)

    def compose_node(self, parent: Any, index: Any) -> yaml.Node | None:
        """A node; what is tagged, or more or deeper than may be, is refused before it is read."""
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "tag", None) is not None:
            shown = event.tag.replace("tag:yaml.org,2002:", "!!")
            raise _Odd(f"line {_line(event)} has the tag {shown:.60}, but values are written without tags")
        self._nodes += 1
        self._depth += 1
        self._bound(self._nodes, self._depth, event)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def _bound(self, values: int, depth: int, where: Any) -> None:
        if depth > MOST_DEPTH:
            raise _Odd(f"{_TOO_DEEP} on line {_line(where)}")
        if values > MOST_VALUES:
            raise _Odd(f"it holds more than {MOST_VALUES} values, with those that aliases repeat")

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> str:
        """A tag that tells plain scalars from quoted ones."""
        return _PLAIN if kind is yaml.ScalarNode and implicit[0] else _OTHER

    def descend_resolver(self, parent: Any, index: Any) -> None:
        """Nothing: where a scalar is does not change what it means."""

    def ascend_resolver(self) -> None:
        """Nothing."""

    def _value(self, node: yaml.Node, depth: int) -> Any:
        self._values += 1
        self._bound(self._values, depth, node)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(each, depth + 1) for each in node.value]
        if isinstance(node, yaml.MappingNode):
            found: dict[Any, Any] = {}
            for key_node, value_node in node.value:
                key = self._value(key_node, depth + 1)
                if isinstance(key, (list, dict)):
                    raise _Odd(f"found unhashable key on line {_line(key_node)}")
                if key in found:
                    told = f"{key!r:.80} on line {_line(key_node)}"
                    raise ReadError(f"{told} is a key given twice, but a key must be given only once")
                found[key] = self._value(value_node, depth + 1)
            return found
        return _scalar(node.value, _line(node)) if node.tag == _PLAIN else _text(node.value)


@lru_cache(64)
def _read(text: str) -> Any:
    """What the text holds, which nobody may change: work loads the same few files again and again."""
    return _Yaml(text).read()


_PLAIN: Final = "plain"
_OTHER: Final = "other"


def _scalar(text: str, line: int) -> Any:
    """What a plain scalar means."""
    if text in _NOTHING:
        return None
    if text in _TRUTH:
        return _TRUTH[text]
    if _WORDS.fullmatch(text):
        meant = "true" if text.lower() in ("yes", "on") else "false"
        told = f"write {meant}, or quote it ('{text}') if the text is meant"
        raise ReadError(f"{text} on line {line} is {meant} to some readers of YAML and a text to others: {told}")
    if BASES.fullmatch(text):
        told = "write it in plain decimal digits, or quote it if the text is meant"
        raise ReadError(f"{text[:MOST_LETTERS]} on line {line} is not the same number to all readers of YAML: {told}")
    if _WHOLE.fullmatch(text):
        return _whole(text)
    if NUMBER.fullmatch(text):
        return float(text)
    if odd := _NOT_FINITE.fullmatch(text):
        return float("nan" if odd[3] else f"{odd[1]}inf")
    return _text(text)


def is_whole(text: str) -> bool:
    """Whether a text has no half of a letter (a lone surrogate), which no file can hold."""
    return _HALVES.search(text) is None


def _text(text: str) -> str:
    if not is_whole(text):
        raise _Odd("a text holds half of a letter (a lone surrogate)")
    return text


def _line(marked: Any) -> int:
    return int(marked.start_mark.line) + 1


# --- JSON -----------------------------------------------------------------------------------------------------


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ReadError(f"{key!r:.80} is a key given twice, but a key must be given only once")
        found[key] = value
    return found


def _no_constant(text: str) -> float:
    raise _Odd(f"{text} is no number")


def _check(found: Any) -> None:
    """Refuse what is nested too deep, and halves of letters."""
    level = [found]
    for _ in range(MOST_DEPTH + 1):
        inner: list[Any] = []
        for each in level:
            if isinstance(each, dict):
                inner += [*each.keys(), *each.values()]
            elif isinstance(each, list):
                inner += each
            elif isinstance(each, str):
                _text(each)
        if not inner:
            return
        level = inner
    raise _Odd(_TOO_DEEP)
