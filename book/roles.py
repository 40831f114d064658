"""Docstrings as this project writes them, for mkdocstrings: Sphinx roles, and the descriptions of pydantic fields."""

from __future__ import annotations

import ast
import contextlib
import re
from typing import Any

import griffe

_ROLE = re.compile(r":(?:func|class|mod|meth|attr|data|exc):`~?([\w.]+)`")


def plain(text: str) -> str:
    """A docstring with its roles (``:func:`name```) as names in code font."""
    return _ROLE.sub(r"`\1`", text)


class Docstrings(griffe.Extension):
    """Makes roles plain, and shows a pydantic ``Field`` as its default, with its description as the docstring."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Called for each object once it is read, its members included."""
        if obj.docstring is not None:
            obj.docstring.value = plain(obj.docstring.value)

    def on_attribute_instance(self, *, attr: griffe.Attribute, **kwargs: Any) -> None:
        """Called for each attribute once it is read."""
        value = attr.value
        if attr.docstring is not None or not isinstance(value, griffe.ExprCall) or str(value.function) != "Field":
            return
        given = {each.name: each.value for each in value.arguments if isinstance(each, griffe.ExprKeyword)}
        attr.value = given.get("default")
        with contextlib.suppress(ValueError):  # a description that is put together when it runs
            attr.docstring = griffe.Docstring(ast.literal_eval(str(given.get("description"))), parent=attr)
