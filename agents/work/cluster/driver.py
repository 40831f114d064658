"""The driver of a Ray cluster: gives it units, hears how they go on, has those done again whose workers are lost."""

from __future__ import annotations

import logging
import os
import pickle
import secrets
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from agents.work.cluster.needs import Needs
from agents.work.cluster.worker import Asked, Ear, perform, work_of
from agents.work.identity import identity_of
from agents.work.local import Done, Events, Failed, Progressed, Task, Unit, WorkError, interrupts

logger = logging.getLogger(__name__)

#: How often a unit whose worker was lost is done again before it counts as failed.
RETRIES: Final = 5
#: Seconds between looks at messages, Ctrl-C and the size of the cluster.
LOOKS: Final = 1.0
#: Units that wait in the cluster, beside those that it has room for: what an autoscaler sees.
AHEAD: Final = 16


class Cluster:
    """A Ray cluster to which this process is connected, as a backend of :mod:`agents.work`.

    Args:
        ray: the module.
        address: of the cluster, for people.
        needs: what a unit needs.
    """

    def __init__(self, ray: Any, address: str, needs: Needs) -> None:
        self._ray, self._address, self._needs, self._warned = ray, address, needs, False
        self._ear = ray.remote(num_cpus=0, max_restarts=-1)(Ear)
        self._perform = ray.remote(max_retries=0, **needs.options())(perform)

    def __str__(self) -> str:
        nodes = self._nodes()
        return f"a Ray cluster of {sum(node.get('CPU', 0.0) for node in nodes):g} CPUs on {len(nodes)} nodes"

    def __call__(self, task: Task, units: Sequence[Unit], workers: int) -> Events:
        """Do ``units``, at most ``workers`` at a time, 0: as many as there is room for.

        A unit whose worker or node is lost is done again, :data:`RETRIES` times at most.

        Raises:
            WorkError: if the cluster itself is lost, the work is a function of a script, which no worker could import,
                or a folder that units write cannot be written.
        """
        if (work := work_of(task)).__module__ == "__main__":
            raise WorkError(f"{work.__name__} is a function of a script; workers of a cluster need it in a module.")
        made, threads = pickle.dumps(identity_of(work, {})), os.environ.get("OMP_NUM_THREADS", "1")
        try:
            ear = self._ear.remote()
            try:
                with _seen(units) as token, interrupts() as interrupted:
                    asked = Asked(pickle.dumps(task), made, os.getcwd(), token, threads, ear)
                    yield from self._events(self._ray.put(asked), ear, units, workers, interrupted.poll)
            finally:
                with suppress(Exception):  # it ends with the connection at the latest
                    self._ray.kill(ear)
        except (ConnectionError, self._ray.exceptions.RayError) as error:
            sentence = f"the Ray cluster {self._address} was lost ({first_line(error)})"
            raise WorkError(f"{sentence}; what was finished is kept.") from None

    def _events(
        self, asked: Any, ear: Any, units: Sequence[Unit], workers: int, interrupted: Callable[[], bool]
    ) -> Events:
        waiting, at_work, lost = deque(units), dict[Any, Unit](), Counter[str]()
        hearing, looked, room = ear.told.remote(), time.monotonic(), self._room(workers)
        try:
            while waiting or at_work:
                while waiting and len(at_work) < room:
                    at_work[self._perform.remote(asked, waiting[0])] = waiting[0]
                    waiting.popleft()
                for ready in self._ready(list(at_work)):
                    unit = at_work.pop(ready)
                    if (event := self._ended(ready, unit, lost)) is None:
                        waiting.appendleft(unit)
                    else:
                        yield event
                if interrupted():
                    raise KeyboardInterrupt
                if time.monotonic() - looked > LOOKS:
                    looked, room = time.monotonic(), self._room(workers)
                    if self._ray.wait([hearing], timeout=0)[0]:
                        yield from self._heard(hearing, {unit.key for unit in at_work.values()})
                        hearing = ear.told.remote()
        finally:
            for ready in at_work:
                with suppress(Exception):  # likewise
                    self._ray.cancel(ready, force=True)

    def _ready(self, at_work: list[Any]) -> list[Any]:
        """Those that have ended; waits for one, but not for long."""
        found, others = self._ray.wait(at_work, num_returns=1, timeout=LOOKS)
        if found and others:
            found = found + self._ray.wait(others, num_returns=len(others), timeout=0)[0]
        return list(found)

    def _ended(self, ready: Any, unit: Unit, lost: Counter[str]) -> Done | Failed | None:
        """How a unit has ended; None if it is to be done again."""
        errors = self._ray.exceptions
        try:
            said, event = self._ray.get(ready)
        except errors.RayTaskError as error:  # of what the work itself raises nothing comes this way
            sentence = f"a worker of the Ray cluster cannot do {unit.key} ({first_line(error.cause or error)})"
            return Failed(unit.key, WorkError(f"{sentence}; all nodes need the same sd-env."), str(error))
        except errors.RaySystemError:
            raise
        except errors.RayError as error:  # its worker or node, or what it gave, is gone
            lost[unit.key] += 1
            if lost[unit.key] > RETRIES:
                sentence = f"{unit.key} lost its worker {lost[unit.key]} times ({first_line(error)})"
                return Failed(unit.key, WorkError(f"{sentence}; what was finished is kept."), str(error))
            logger.warning("%s lost its worker (%s); it is done again.", unit.key, type(error).__name__)
            return None
        for each in said:
            each.again()
        ended: Done | Failed = event
        return ended

    def _heard(self, hearing: Any, at_work: set[str]) -> Iterator[Progressed]:
        with suppress(self._ray.exceptions.RayActorError):  # its node is lost; it begins anew on another
            told: dict[str, int] = self._ray.get(hearing)
            yield from (Progressed(key, part) for key, part in told.items() if key in at_work)

    def _room(self, workers: int) -> int:
        """How many units the cluster is given at a time."""
        if workers:
            return workers
        fit = sum(map(self._needs.fit, self._nodes()))
        if not fit and not self._warned:
            self._warned = True
            logger.warning("no node of the Ray cluster has room for a unit (%s): it waits for one.", self._needs)
        return fit + AHEAD

    def _nodes(self) -> list[dict[str, float]]:
        return [node["Resources"] for node in self._ray.nodes() if node["Alive"]]


def first_line(error: BaseException) -> str:
    """The first line of what an error says, without a stop, or its name."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")[:200]


@contextmanager
def _seen(units: Sequence[Unit]) -> Iterator[str]:
    """Within, a file of this name is in each folder that the units write: by it workers know that they share it."""
    token = f".seen-{secrets.token_hex(8)}"
    folders = [Path(folder) for folder in dict.fromkeys(folder for unit in units for folder in unit.writes)]
    try:
        for folder in folders:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                (folder / token).touch()
            except OSError as error:
                raise WorkError(f"{folder} cannot be written: {error.strerror or error}.") from None
        yield token
    finally:
        for folder in folders:
            with suppress(OSError):
                (folder / token).unlink()
