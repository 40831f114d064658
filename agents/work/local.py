"""Units done on this machine: one after another in this process, or by several processes at once."""

from __future__ import annotations

import multiprocessing as mp
import os
import pickle
import signal
import threading
import time
import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Protocol, TypeAlias

from agents.messages import Said, ToParent
from sd_env.errors import RefusedError


class WorkError(RefusedError):
    """Work that cannot be done as asked: one sentence."""


@dataclass(frozen=True)
class Unit:
    """A piece of work.

    Attributes:
        key: its own.
        arguments: what the work is called with; JSON and pickle take it.
        writes: folders in which it leaves files beside what it gives, as training leaves policies.
    """

    key: str
    arguments: dict[str, Any]
    writes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Progressed:
    """So much of a unit is done, in the measure that its work reports."""

    key: str
    part: int


@dataclass(frozen=True)
class Done:
    """A unit is done, with what its task gave."""

    key: str
    result: Any


@dataclass(frozen=True)
class Failed:
    """A unit has failed; ``text`` is for people: the traceback, or how its process ended."""

    key: str
    error: BaseException
    text: str


Event: TypeAlias = "Progressed | Done | Failed"
Events: TypeAlias = Generator[Event, None, None]
#: What is done with a unit, in whatever process: it can be pickled. A partial's first argument is whose work it does.
Task: TypeAlias = Callable[[Unit], Any]


class Backend(Protocol):
    """Where units are done: :func:`in_turn`, :func:`in_processes` or a :class:`agents.work.cluster.Cluster`.

    Each unit ends in one ``Done`` or ``Failed``, in any order, after any number of ``Progressed``; after a failure the
    others go on. Ctrl-C raises ``KeyboardInterrupt`` between two events. When the generator is closed or ends, however
    it ends, nothing of the work runs on.
    """

    def __call__(self, task: Task, units: Sequence[Unit], workers: int) -> Events:
        """Do ``units``, at most ``workers`` at a time; a cluster takes 0 for as many as it has room for."""
        ...  # pragma: no cover


_listener: Callable[[int], None] | None = None


def progress(part: int) -> None:
    """Called by the work of a unit: so much of it is done. Nothing happens where nobody listens."""
    if _listener is not None:
        _listener(part)


def in_turn(task: Task, units: Sequence[Unit], workers: int = 1) -> Events:
    """Unit after unit, in this process."""
    for unit in units:
        yield done(task, unit)


def done(task: Task, unit: Unit) -> Done | Failed:
    """Do a unit in this process, whatever comes of it."""
    try:
        return Done(unit.key, task(unit))
    except Exception as error:
        return Failed(unit.key, _portable(error), traceback.format_exc())


def _portable(error: Exception) -> Exception:
    """The error, or if it does not survive the way between processes, its name and text."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # whatever another's class raises
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def in_processes(task: Task, units: Sequence[Unit], workers: int) -> Events:
    """The units by ``workers`` processes, spawned and not forked: a forked copy of torch's threads may hang."""
    waiting, at_work, processes = list(units), dict[Connection, tuple[BaseProcess, Unit]](), list[BaseProcess]()
    with interrupts() as interrupted:
        try:
            while waiting or at_work:
                while waiting and len(at_work) < workers:
                    connection, process = _start()
                    processes.append(process)
                    at_work[connection] = (process, waiting[0])
                    _give(connection, task)  # not with the process, which is to have its environment first
                    _give(connection, waiting.pop(0))
                for ready in wait([*at_work, interrupted]):
                    if ready is interrupted:
                        raise KeyboardInterrupt
                    assert isinstance(ready, Connection)
                    process, unit = at_work[ready]
                    try:
                        event: Event | Said = ready.recv()
                    except (EOFError, OSError):
                        process.join()
                        ready.close()
                        del at_work[ready]
                        yield _killed(unit, process.exitcode)
                        continue
                    if isinstance(event, Said):
                        event.again()
                        continue
                    if not isinstance(event, Progressed):
                        if waiting:
                            at_work[ready] = (process, waiting[0])
                            _give(ready, waiting.pop(0))
                        else:
                            del at_work[ready]
                            ready.close()  # at which it ends by itself
                    yield event
            if interrupted.poll():
                raise KeyboardInterrupt
        finally:
            for connection, (process, _) in at_work.items():
                process.terminate()
                connection.close()
            for process in processes:
                process.join()


def _killed(unit: Unit, code: int | None) -> Failed:
    how = "was killed" if code is not None and code < 0 else "ended by itself"
    sentence = f"a worker process {how}; what was finished is kept, fewer workers may help."
    return Failed(unit.key, WorkError(sentence), f"its process ended with exit code {code}.")


@contextmanager
def interrupts() -> Iterator[Connection]:
    """Within, Ctrl-C does not raise, in the midst of whatever runs, but makes this connection ready."""
    receiver, sender = mp.Pipe(duplex=False)
    before = signal.getsignal(signal.SIGINT)
    heard = before not in (None, signal.SIG_IGN) and threading.current_thread() is threading.main_thread()
    if heard:
        signal.signal(signal.SIGINT, lambda *_: sender.send_bytes(b"!"))
    try:
        yield receiver
    finally:
        if heard:
            signal.signal(signal.SIGINT, before)
        receiver.close()
        sender.close()


def _start() -> tuple[Connection, BaseProcess]:
    context = mp.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, os.getpid()))
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # a terminal sends it to a newborn, too
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    theirs.close()  # or its end would not be seen here
    return ours, process


def _give(connection: Connection, what: Task | Unit) -> None:
    with suppress(OSError):  # it has ended already, which is seen when it is listened to
        connection.send(what)


def listen(listener: Callable[[int], None]) -> None:
    """Have what the work of this process reports, from now on, told to ``listener``."""
    global _listener
    _listener = listener


def _work(connection: Connection, parent: int) -> None:
    """A worker process: Ctrl-C is the parent's to answer, one thread a process, and it ends with its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    ToParent(connection.send)
    with suppress(EOFError):  # there is no more to do
        task: Task = connection.recv()
        while True:
            unit: Unit = connection.recv()
            listen(partial(_tell, connection, unit.key))
            connection.send(done(task, unit))


def _tell(connection: Connection, key: str, part: int) -> None:
    connection.send(Progressed(key, part))


def _end_with(parent: int) -> None:
    """End this process when the parent was killed, so that a resumed run finds no orphan at its files."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
