"""What runs in the workers of a Ray cluster: units, as :mod:`agents.work.local` does them; and an ear for progress."""

from __future__ import annotations

import os
import pickle
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Final

from agents.messages import Said, ToParent
from agents.work.identity import Identity, changes, identity_of
from agents.work.local import Done, Failed, Task, Unit, WorkError, done, listen

#: Seconds between what a worker tells of a unit: there may be thousands who do.
TELLS: Final = 1.0
#: Seconds that a worker waits to see a shared folder: file systems of networks show new files late.
SEES: Final = 60.0


@dataclass(frozen=True)
class Asked:
    """What all units of a work have in common; sent once.

    Attributes:
        task: pickled, so that nothing of it is imported before the environment is set.
        made: the sources and versions of the driver, pickled.
        folder: in which the driver was started; names of files are relative to it.
        token: name of a file in each folder that units write.
        threads: ``OMP_NUM_THREADS``, on which the last digits of a sum may depend.
        ear: the :class:`Ear`, an actor of the cluster.
    """

    task: bytes
    made: bytes
    folder: str
    token: str
    threads: str
    ear: Any


class Ear:
    """Hears how far units are, and tells it once."""

    def __init__(self) -> None:
        self._parts: dict[str, int] = {}

    def hear(self, key: str, part: int) -> None:
        """So much of a unit is done."""
        self._parts[key] = part

    def told(self) -> dict[str, int]:
        """What was heard since it was last asked."""
        told, self._parts = self._parts, {}
        return told


def perform(asked: Asked, unit: Unit) -> tuple[list[Said], Done | Failed]:
    """Do a unit: what was said meanwhile, and how it ended."""
    os.environ["OMP_NUM_THREADS"] = asked.threads
    with suppress(OSError):  # it is not shared: then no file of the driver's is needed, or is missed by name
        os.chdir(asked.folder)
        if asked.folder not in sys.path:  # as in processes of the driver's machine: modules beside its work
            sys.path.append(asked.folder)
    _hear()
    _said.clear()
    listen(_teller(asked.ear, unit.key))
    event = done(partial(_checked, asked), unit)
    return list(_said), event


def work_of(task: Task) -> Callable[..., Any]:
    """The function that decides the numbers of a task."""
    return task.args[0] if isinstance(task, partial) and task.args else task


_said: list[Said] = []


@lru_cache(maxsize=1)
def _hear() -> None:
    """From now on, keep what is said in this process."""
    ToParent(_said.append)


def _teller(ear: Any, key: str) -> Callable[[int], None]:
    last = -TELLS

    def tell(part: int) -> None:
        nonlocal last
        if time.monotonic() - last >= TELLS:
            last = time.monotonic()
            ear.hear.remote(key, part)

    return tell


def _checked(asked: Asked, unit: Unit) -> Any:
    """Do a unit if this node sees what it needs, and would give the numbers that the driver would."""
    node = socket.gethostname()
    until = time.monotonic() + SEES
    for folder in unit.writes:
        while not Path(asked.folder, folder, asked.token).exists():
            if time.monotonic() > until:
                raise WorkError(
                    f"node {node} does not see {folder}, where units of this work leave files; a folder that all nodes "
                    "share is needed."
                )
            time.sleep(TELLS)
    if different := _differs(asked.task, asked.made):
        raise WorkError(f"node {node} would give other numbers: {different}; all nodes need the same sd-env.")
    return _task(asked.task)(unit)


@lru_cache(maxsize=8)
def _task(pickled: bytes) -> Task:
    task: Task = pickle.loads(pickled)
    return task


@lru_cache(maxsize=8)
def _differs(task: bytes, made: bytes) -> str:
    """In words, what decides numbers otherwise in the driver than in this process; "" if nothing."""
    driver: Identity = pickle.loads(made)
    return ", ".join(changes(driver, identity_of(work_of(_task(task)), {})))
