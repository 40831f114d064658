"""Numbers as people write them."""

from __future__ import annotations

import re
from typing import Final

_WHOLE: Final = re.compile(r"[+-]?[0-9][0-9_]{0,30}")
_POWER: Final = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{0,15})?[eE]\+?[0-9]{1,2}")


def whole_number(text: str) -> int | None:
    """The whole number that ``text`` is: ``10000``, ``10_000``, ``1e4`` or ``2.5e3``; None if it is none."""
    text = text.strip()
    if _WHOLE.fullmatch(text):
        try:
            return int(text)
        except ValueError:  # an underscore where none belongs
            return None
    if _POWER.fullmatch(text) and (number := float(text)).is_integer():
        return int(number)
    return None
