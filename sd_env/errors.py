"""What is said when something is refused: one sentence that is fit to be shown, whoever's words are in it."""

from __future__ import annotations

from typing import Any, Final

#: No sentence is longer, so that whoever reads it still finds what it says.
LONGEST: Final = 900


class RefusedError(ValueError):
    """Something is refused: one printable line of at most ``LONGEST`` characters. All errors of sd-env derive from it.

    Titles, keys and names in it may be a stranger's, so the text is made fit here, once, for terminals and logs alike.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*(sentence(each) if isinstance(each, str) else each for each in args))


def printable(text: str) -> str:
    """A line of anybody's words, such as a scenario's title, with ``?`` for letters that would drive a terminal."""
    return text if text.isprintable() else "".join(letter if letter.isprintable() else "?" for letter in text)


def sentence(text: str) -> str:
    """``text`` as one printable line: what is too long loses its middle."""
    if len(text) > LONGEST:
        text = f"{text[: LONGEST * 2 // 3]} ... {text[-LONGEST // 4 :]}"
    return printable(" ".join(text.splitlines()))


def said(error: BaseException) -> str:
    """What an error says, in one line, that of the system first where the system refused."""
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if isinstance(error.filename, str) else ""
        return sentence(f"{where}{error.strerror}")
    return sentence(str(error) or type(error).__name__)


def whole_number(name: str, value: Any, least: int = 0, most: int = 2**63 - 1) -> int:
    """``value`` as an int from ``least`` to ``most``.

    Raises:
        RefusedError: naming it, for what is no whole number (a text, a float, a boolean), or out of range.
    """
    # by what it does, not by its type: numpy's integers are whole numbers, too
    number = None if isinstance(value, bool) or not hasattr(value, "__index__") else _index(value)
    if number is None or not least <= number <= most:
        raise RefusedError(f"{name} is {value!r:.100}; a whole number from {least} to {most} is needed")
    return number


def _index(value: Any) -> int | None:
    try:
        return int(value.__index__())
    except TypeError:  # an array of several
        return None
