"""Progress of work on standard error: one bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from sd_env.show import printable

#: Seconds between lines of progress where output is not a terminal.
QUIET_EVERY: Final = 10.0


class Board:
    """One bar for all units of a work on a terminal, else a line every ``QUIET_EVERY`` seconds.

    Args:
        title: what the work is called; a work without a title is done in silence.
        total: how many units there are.
        done: how many of them were finished before.
        size: how much there is to do in each unit.
        measure: of what; the units themselves, if they have no parts.
    """

    def __init__(self, title: str, total: int, done: int, *, size: int = 1, measure: str = "units") -> None:
        self._console = Console(stderr=True)
        self._title, self._total, self._done, self._size = title, total, done, size
        self._measure, self._parts, self._last = measure, dict[str, int](), time.monotonic()
        counted = TextColumn(f"{{task.completed:,}}/{{task.total:,}} {measure}")
        columns = (BarColumn(), counted, TimeElapsedColumn(), TimeRemainingColumn())
        self._bar = Progress(TextColumn("{task.description}"), *columns, console=self._console)
        self._shown = self._console.is_terminal and bool(title)
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

    def say(self, text: str) -> None:
        """Print a line, above the bar where there is one."""
        if self._title:
            lines = "\n".join(map(printable, text.splitlines()))
            self._console.print(f"{self._title}: {lines}", highlight=False, markup=False, soft_wrap=True)

    def _tell(self) -> None:
        whole, done = self._total * self._size, self._done * self._size + sum(self._parts.values())
        self._bar.update(self._task, completed=done)
        if not self._shown and time.monotonic() - self._last >= QUIET_EVERY:
            self._last = time.monotonic()
            parts = f"{done / whole:.0%}, {done:,} {self._measure}, " if self._size > 1 else ""
            self.say(f"{parts}{self._done} of {self._total} units")
