"""Where the units of all work in a block are done: on this machine, or at another place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from agents import machine
from agents.work.local import Backend

_place: ContextVar[tuple[Backend, str] | None] = ContextVar("place", default=None)


@contextmanager
def done_at(place: Backend, words: str) -> Iterator[None]:
    """Within, units are done at ``place``, which reports describe by ``words``."""
    token = _place.set((place, words))
    try:
        yield
    finally:
        _place.reset(token)


def place() -> Backend | None:
    """Where units are done now; None is this machine."""
    return found[0] if (found := _place.get()) else None


def described() -> str:
    """What does the units, in the words of a published result."""
    return found[1] if (found := _place.get()) else machine.described()
