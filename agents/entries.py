"""YAML files of a package as entries of a catalogue: found by name, or by the path of one's own."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterator
from functools import cache, cached_property
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Generic, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from sd_env.errors import said
from sd_env.files import read_bounded
from sd_env.reading import MOST_BYTES
from sd_env.scenario_files import parse_yaml
from sd_env.scenario_values import ScenarioError, nearest, show

Entry = TypeVar("Entry", bound=BaseModel)


class Entries(Generic[Entry]):
    """The entries of one kind.

    Args:
        package: where their files are.
        model: what the file of one must hold.
        kind: what one is called, with its article: ``a challenge``.
        error: what is raised, with one sentence.
        unknown: what is said of a name that there is not, given the nearest one.
        leave_out: names of files that are no entries.
    """

    def __init__(
        self,
        package: str,
        model: type[Entry],
        kind: str,
        error: type[ValueError],
        unknown: Callable[[str], str],
        leave_out: tuple[str, ...] = (),
    ) -> None:
        self._package, self._model, self._kind, self._error = package, model, kind, error
        self._unknown, self._leave_out = unknown, leave_out
        self._named = cache(self._read)

    @cached_property
    def _files(self) -> dict[str, Traversable]:
        folder = resources.files(self._package)
        found = {entry.name.removesuffix(".yaml"): entry for entry in folder.iterdir() if entry.name.endswith(".yaml")}
        return {name: found[name] for name in sorted(found) if name not in self._leave_out}

    def names(self) -> tuple[str, ...]:
        """All names, sorted."""
        return tuple(self._files)

    def load(self, name_or_path: str | os.PathLike[str]) -> Entry:
        """An entry by name, or one of the caller's own by the path of its file.

        Raises:
            ValueError: of the kind given, if there is none, or it has a bad key or value; one sentence.
        """
        where = os.fspath(name_or_path)
        if where in self._files:
            return self._named(where)
        path = Path(where)
        try:
            if not path.is_file():
                raise self._error(f"{self._called(where)} {self._unknown(nearest(where, list(self.names())))}")
            return self._parsed(read_bounded(path, MOST_BYTES), where)
        except (OSError, ValueError) as error:
            if isinstance(error, self._error):
                raise
            raise self._error(f"{self._called(where)} cannot be read: {said(error)}.") from None

    def _called(self, where: str) -> str:
        return f"{self._kind.partition(' ')[2]} {where!r}"

    def _read(self, name: str) -> Entry:
        return self._parsed(self._files[name].read_bytes(), name)

    def _parsed(self, text: bytes, where: str) -> Entry:
        try:
            return self._model.model_validate(dict(parse_yaml(text)))
        except ScenarioError as error:
            raise self._error(f"{self._called(where)}: {error}") from None
        except ValidationError as error:
            raise self._error(f"{self._called(where)}: {self._sentence(error)}") from None

    def _sentence(self, error: ValidationError) -> str:
        """A complaint of a validation: key, value, what is allowed. A key that is none goes before all."""
        details = error.errors(include_url=False)
        first = next((each for each in details if each["type"] == "extra_forbidden"), details[0])
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            known = list(_fields_at(self._model, first["loc"][:-1]))
            near = difflib.get_close_matches(str(first["loc"][-1]), known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"allowed are {', '.join(known)}."
            return f"{key:.80} is not a key of {self._kind}; {hint}"
        if first["type"] == "missing":
            return f"{key} is missing."
        if first["type"] == "value_error":
            return f"{first['ctx']['error']}."
        return f"{key} is {show(first['input'])}, but {first['msg'][:1].lower()}{first['msg'][1:]}."


def _fields_at(model: type[BaseModel], where: tuple[int | str, ...]) -> Iterator[str]:
    """Keys that may stand in an entry at a place, as pydantic gives places."""
    models = [model]
    for part in where:
        fields = [each.model_fields[str(part)] for each in models if part in each.model_fields]
        models = [inner for field in fields for inner in _models_in(field.annotation)] or models
    for each in models:
        yield from each.model_fields


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)
