"""Progress of work: messages, and where a command shows them on a terminal (:mod:`agents.messages`), one bar."""

from __future__ import annotations

import logging
import time
from typing import Final

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from agents import messages
from agents.escape import console

logger = logging.getLogger(__name__)

#: Seconds between messages of progress where there is no bar.
QUIET_EVERY: Final = 10.0


class Board:
    """One bar for all units of a work on the terminal of a command, else a message every ``QUIET_EVERY`` seconds.

    Args:
        title: what the work is called; a work without a title is done in silence.
        total: how many units there are.
        done: how many of them were finished before.
        size: how much there is to do in each unit.
        measure: of what; the units themselves, if they have no parts.
    """

    def __init__(self, title: str, total: int, done: int, *, size: int = 1, measure: str = "units") -> None:
        screen = console(stderr=True)
        self._title, self._total, self._done, self._size = title, total, done, size
        self._measure, self._parts, self._last = measure, dict[str, int](), time.monotonic()
        counted = TextColumn(f"{{task.completed:,}}/{{task.total:,}} {measure}")
        columns = (BarColumn(), counted, TimeElapsedColumn(), TimeRemainingColumn())
        self._bar = Progress(TextColumn("{task.description}"), *columns, console=screen)
        self._shown = messages.are_shown() and screen.is_terminal and bool(title)
        self._task = self._bar.add_task(title, total=total * size, completed=done * size)

    def __enter__(self) -> Board:
        if self._shown:
            self._bar.start()
        if self._done:
            self.say(f"{self._done} of {self._total} units were finished before.")
        return self

    def __exit__(self, *error: object) -> None:
        if self._shown:
            self._bar.stop()

    def progress(self, key: str, part: int) -> None:
        """So much of a unit's size is done."""
        self._parts[key] = min(part, self._size)
        self._tell()

    def finished(self, key: str) -> None:
        """One more unit is done."""
        self._parts.pop(key, None)
        self._done += 1
        self._tell()

    def say(self, text: str, level: int = logging.INFO) -> None:
        """Give a message; above the bar, where there is one."""
        if self._title:
            logger.log(level, "%s: %s", self._title, text)

    def _tell(self) -> None:
        whole, done = self._total * self._size, self._done * self._size + sum(self._parts.values())
        self._bar.update(self._task, completed=done)
        if not self._shown and time.monotonic() - self._last >= QUIET_EVERY:
            self._last = time.monotonic()
            parts = f"{done / whole:.0%}, {done:,} {self._measure}, " if self._size > 1 else ""
            self.say(f"{parts}{self._done} of {self._total} units")
