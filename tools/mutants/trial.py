"""Trials: tests run in children of one warm process, each with its own change, under limits of processor time.

The parent has collected the tests and so loaded every module, but run nothing: what a test leaves behind (caches,
fixtures) ends with its child.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

from tools.mutants.swap import SwapError, Unloadable

PASSED, FAILED, TIMED_OUT, BROKEN = "passed", "failed", "timed out", "broken"
#: A test may take this many times the processor time that it took unchanged, and at least this many seconds.
PATIENCE, LEAST = 10.0, 2.0
#: Seconds on the clock for each second of processor time, for a test that waits and does not compute.
WAITING: Final = 10.0


@dataclass(frozen=True)
class Trial:
    """What to try: ``prepare`` changes the child, then the tests run until one fails.

    Attributes:
        name: of the trial.
        tests: each with the processor seconds that it may take.
        prepare: called in the child first; what it returns is called after the tests for what to report besides.
            :class:`~tools.mutants.swap.Unloadable` counts as a failure of every test.
    """

    name: str
    tests: Sequence[tuple[pytest.Item, float]]
    prepare: Callable[[], Callable[[], Any]]


@dataclass
class Outcome:
    """How a trial ended: ``test`` is the one that failed or ran out of time."""

    outcome: str = BROKEN
    test: str = ""
    seconds: float = 0.0
    report: Any = None
    why: str = ""


@dataclass
class Failures:
    """A plugin that notes what failed."""

    found: list[str] = field(default_factory=list)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A failure in any phase counts; what is skipped or expected to fail does not."""
        if report.failed:
            self.found.append(report.nodeid)


def run(trials: Iterable[Trial], jobs: int) -> Iterator[tuple[Trial, Outcome]]:
    """The outcome of every trial, as they end; ``jobs`` children at a time."""
    running: dict[int, tuple[Trial, Path]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for number, trial in enumerate(trials):
            if len(running) >= jobs:
                yield _next(running)
            path = Path(folder, str(number))
            pid = os.fork()
            if pid == 0:
                os.setpgid(0, 0)
                with contextlib.suppress(BaseException):
                    _child(trial, path)
                os._exit(1)
            running[pid] = trial, path
        while running:
            yield _next(running)


def _next(running: dict[int, tuple[Trial, Path]]) -> tuple[Trial, Outcome]:
    pid, status = os.wait()
    trial, path = running.pop(pid)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)  # what a test started and left behind
    found = Outcome()
    with contextlib.suppress(FileNotFoundError, EOFError, pickle.UnpicklingError):
        found = pickle.loads(path.read_bytes())
    path.unlink(missing_ok=True)
    if found.outcome == BROKEN:
        raise SwapError(f"{trial.name}: the child ended with status {status} and no word of why")
    if os.WIFSIGNALED(status):
        signalled = signal.Signals(os.WTERMSIG(status))
        found.outcome = TIMED_OUT if signalled in (signal.SIGPROF, signal.SIGALRM) else FAILED
        found.why = signalled.name
    return trial, found


def _child(trial: Trial, path: Path) -> None:
    """Run the tests, and leave what came of it under ``path``: before each test too, in case it is the last."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    try:
        finish = trial.prepare()
    except Unloadable as error:
        path.write_bytes(pickle.dumps(Outcome(FAILED, why=str(error))))
        return
    failures = Failures()
    began = time.process_time()
    for item, limit in trial.tests:
        path.write_bytes(pickle.dumps(Outcome(PASSED, item.nodeid)))
        signal.setitimer(signal.ITIMER_PROF, limit)
        signal.setitimer(signal.ITIMER_REAL, limit * WAITING)
        item.config.pluginmanager.register(failures)
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        item.config.pluginmanager.unregister(failures)
        if failures.found:
            break
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.setitimer(signal.ITIMER_REAL, 0)
    outcome = FAILED if failures.found else PASSED
    test = failures.found[0] if failures.found else ""
    path.write_bytes(pickle.dumps(Outcome(outcome, test, time.process_time() - began, finish())))
