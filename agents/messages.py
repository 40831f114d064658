"""What the library has to say while it works, as the commands show it.

The modules of ``sd_env`` and ``agents`` tell it to their loggers (:mod:`logging`) and print nothing: whoever uses them
decides what becomes of it. A command shows it on standard error, each message as it is. What is said in a worker
process is said by the loggers of the process that started it.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

from sd_env.errors import printable

#: The loggers above all of ours.
LOGGERS: Final = ("sd_env", "agents")


@dataclass(frozen=True)
class Said:
    """A message on its way from a worker process."""

    logger: str
    level: int
    text: str

    def again(self) -> None:
        """Say it in this process."""
        logging.getLogger(self.logger).log(self.level, "%s", self.text)


class _Plain(logging.Handler):
    """Writes to what standard error is at the time: while rich shows a bar, that is above the bar."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a message, line by line."""
        try:
            for line in self.format(record).splitlines():
                sys.stderr.write(printable(line) + "\n")
            sys.stderr.flush()
        except Exception:
            self.handleError(record)


def are_shown() -> bool:
    """Whether a command shows messages now, so that a bar may stand below them."""
    return any(isinstance(handler, _Plain) for name in LOGGERS for handler in logging.getLogger(name).handlers)


class ToParent(logging.Handler):
    """In a worker process: hands what is said there to ``send``, as a :class:`Said`."""

    def __init__(self, send: Callable[[Said], None]) -> None:
        super().__init__(logging.INFO)
        self._send = send
        for name in LOGGERS:
            logging.getLogger(name).addHandler(self)
            logging.getLogger(name).setLevel(logging.INFO)

    def emit(self, record: logging.LogRecord) -> None:
        """Hand a message over, if there still is somebody to take it."""
        with suppress(OSError):
            self._send(Said(record.name, record.levelno, record.getMessage()))


@contextmanager
def shown(level: int = logging.INFO) -> Iterator[None]:
    """Within, messages of ``level`` and above are lines on standard error."""
    handler = _Plain(level)
    loggers = [logging.getLogger(name) for name in LOGGERS]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(level)
    try:
        yield
    finally:
        for logger, old in zip(loggers, before, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(old)
