"""What the library has to say while it works, as the commands show it.

The modules of ``sd_env`` and ``agents`` tell it to their loggers (:mod:`logging`) and print nothing: whoever uses them
decides what becomes of it. A command shows it on standard error, each message as it is.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sd_env.show import printable

#: The loggers above all of ours.
LOGGERS: Final = ("sd_env", "agents")


class _Plain(logging.Handler):
    """Writes to what standard error is at the time: while rich shows a bar, that is above the bar."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            for line in self.format(record).splitlines():
                sys.stderr.write(printable(line) + "\n")
            sys.stderr.flush()
        except Exception:
            self.handleError(record)


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
