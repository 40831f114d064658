"""Progress of work: messages, and where a command shows them on a terminal (:mod:`agents.messages`), one bar."""

from __future__ import annotations

import logging
import math
import time
from collections import deque
from collections.abc import Iterable
from typing import Final, Protocol

from rich.console import RenderableType
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from agents import messages
from agents.escape import Printable, console

logger = logging.getLogger(__name__)

#: Seconds between messages of progress where there is no bar.
QUIET_EVERY: Final = 10.0

#: Seconds below which time is told in a unit, its seconds, and what it is called.
_TIMES: Final = ((100.0, 1.0, "s"), (6000.0, 60.0, "min"), (math.inf, 3600.0, "h"))


class Standing(Protocol):
    """Who knows how units stand while they are worked on."""

    def table(self) -> RenderableType:
        """For a terminal, above the bar."""

    def words(self) -> str:
        """For a message; "" if there is nothing to say."""


class _Bar(Progress):
    """The bar, with how the units stand above it."""

    standing: Standing | None = None

    def get_renderables(self) -> Iterable[RenderableType]:
        if self.standing is not None:
            yield Printable(self.standing.table())
        yield self.make_tasks_table(self.tasks)


class Board:
    """One bar for all units of a work on the terminal of a command, else a message every ``QUIET_EVERY`` seconds.

    The time that is left is told by the pace of the later half of what was done since the work was begun or taken up,
    so that what is done once, as compiling, is soon forgotten; and of what the bar counts alone.

    Args:
        title: what the work is called; a work without a title is done in silence.
        total: how many units there are.
        done: how many of them were finished before.
        size: how much there is to do in each unit.
        measure: of what; the units themselves, if they have no parts.
        standing: how they stand, if somebody knows.
    """

    def __init__(
        self,
        title: str,
        total: int,
        done: int,
        *,
        size: int = 1,
        measure: str = "units",
        standing: Standing | None = None,
    ) -> None:
        screen = console(stderr=True)
        self._title, self._total, self._done, self._size = title, total, done, size
        self._measure, self._parts, self._last = measure, dict[str, int](), time.monotonic()
        counted = TextColumn(f"{{task.completed:,}}/{{task.total:,}} {measure}")
        self._before, self._standing = done * size, standing
        self._paces = deque([(time.monotonic(), done * size)])
        columns = (BarColumn(), counted, TimeElapsedColumn(), TextColumn("{task.fields[left]}"))
        self._bar = _Bar(TextColumn("{task.description}"), *columns, console=screen)
        self._bar.standing = standing
        self._shown = messages.are_shown() and screen.is_terminal and bool(title)
        self._task = self._bar.add_task(title, total=total * size, completed=done * size, left="")

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
        left = self._left(whole, done)
        self._bar.update(self._task, completed=done, left=left)
        if not self._shown and time.monotonic() - self._last >= QUIET_EVERY:
            self._last = time.monotonic()
            parts = f"{done / whole:.0%}, {done:,} {self._measure}, " if self._size > 1 else ""
            stand = self._standing.words() if self._standing else ""
            self.say(", ".join(filter(None, (f"{parts}{self._done} of {self._total} units", left, stand))))

    def _left(self, whole: int, done: int) -> str:
        """The time that is left, in words; "" before the pace is known, and where nothing is left."""
        now, half = time.monotonic(), (self._before + done) / 2
        while len(self._paces) > 1 and self._paces[1][1] <= half:
            self._paces.popleft()
        then, had = self._paces[0]
        if done > self._paces[-1][1]:
            self._paces.append((now, done))
        if done <= had or done >= whole:
            return ""
        seconds = (now - then) * (whole - done) / (done - had)
        size, unit = next((size, unit) for most, size, unit in _TIMES if seconds < most)
        return f"about {seconds / size:.0f} {unit} left of it"
