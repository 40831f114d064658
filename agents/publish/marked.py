"""The part of a page that a command writes, between two lines that say so."""

from __future__ import annotations

from sd_env.errors import RefusedError


class MarkError(RefusedError):
    """A page has not the two lines between which a command writes: one sentence."""


def marked(text: str, begin: str, end: str, new: str, page: object) -> str:
    """The text with ``new`` between its lines ``begin`` and ``end``, a blank line around it.

    Args:
        text: as it stands.
        begin: the line before.
        end: the line after.
        new: what is put there.
        page: its name, for the error.

    Raises:
        MarkError: unless ``begin`` and ``end`` are there, each once and in this order.
    """
    before, _, rest = text.partition(begin)
    _, found, after = rest.partition(end)
    if text.count(begin) != 1 or text.count(end) != 1 or not found:
        raise MarkError(f"{page} needs the lines {begin} and {end}, each once and in this order.")
    return f"{before}{begin}\n\n{new}\n\n{end}{after}"
