"""The parser of every command: what is wrong is said in one sentence, with the nearest that is right."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Sequence
from typing import Any, NoReturn

from sd_env.errors import RefusedError


class UsageError(RefusedError):
    """A command line that cannot be: one sentence, the command's name before it."""


class Once(argparse.Action):
    """Keeps an option's value, and refuses the option when it is given again. Subclasses make the value of words."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option: str | None = None
    ) -> None:
        """Keep what the words make."""
        given = namespace.__dict__.setdefault("_given", set())
        if option is not None and self.dest in given:
            parser.error(f"{option} is given twice")
        given.add(self.dest)
        try:
            setattr(namespace, self.dest, self.made(values))
        except argparse.ArgumentTypeError as error:
            parser.error(f"argument {option}: {error}")

    def made(self, values: Any) -> Any:
        """What is kept; ArgumentTypeError for what is not allowed."""
        return values


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, without the usage before it."""

    def __init__(self, **keywords: Any) -> None:
        super().__init__(allow_abbrev=False, **keywords)
        self.register("action", None, Once)
        self.register("action", "store", Once)

    def error(self, message: str) -> NoReturn:
        """Refuse the command line."""
        raise UsageError(f"{self.prog}: {message}; see {self.prog} --help.")

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """As argparse does, but an option that there is not is named before all else that is wrong."""
        for word in args or ():
            if word == "--":
                break
            name = word.partition("=")[0]
            if name.startswith("--") and name not in self._option_string_actions:
                self.error(f"there is no option {name}{self.nearest(name)}")
        found, rest = super().parse_known_args(args, namespace)
        found.__dict__.pop("_given", None)
        return found, rest

    def nearest(self, option: str) -> str:
        """What to add about an option that there is not."""
        near = difflib.get_close_matches(option, self._option_string_actions, n=1)
        return f"; did you mean {near[0]}?" if near else ""

    def parse_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        """As argparse does; a word for which there is no place is named, with the option that it may be meant for."""
        found, rest = self.parse_known_args(args, namespace)
        if rest:
            config = "; did you mean --config " + rest[0] + "?" if "--config" in self._option_string_actions else ""
            self.error(f"there is no place for {rest[0]!r} here{config}")
        return found
