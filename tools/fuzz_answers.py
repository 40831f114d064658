"""How a door that is fuzzed answers: what a refusal is, and what its sentence has to be."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
CORPUS: Final = ROOT / "tests" / "corpus"


class Refusal(Exception):
    """A door has refused an input with its documented error."""


@contextlib.contextmanager
def refusing(*errors: type[Exception]) -> Iterator[None]:
    """Within, these errors are the documented ones of a door."""
    try:
        yield
    except errors as error:
        raise Refusal(str(error)) from error


def written(data: bytes, path: Path) -> Path:
    """The path, with these bytes in it."""
    path.write_bytes(data)
    return path


def line(data: bytes) -> str:
    """Bytes as the system hands over a word of a command line."""
    return data.decode("utf-8", "surrogateescape").replace("\x00", "")


LONGEST: Final = 1000


def is_fit(text: str) -> bool:
    """Whether it is a sentence to show anybody: one line, of letters that drive no terminal, and not too long."""
    return 0 < len(text) <= LONGEST and text.isprintable()
