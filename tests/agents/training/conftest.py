"""What tests of training share."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import pytest


@pytest.fixture
def no_hang() -> Iterator[None]:
    """A table that hangs fails its test."""

    def give_up(*_: object) -> None:
        raise TimeoutError("the table hangs")

    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(240)  # far beyond the slowest on a busy machine
    yield
    signal.alarm(0)
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("seat ")] == []
