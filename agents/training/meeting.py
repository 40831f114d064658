"""Threads that meet: each runs a loop of its own, and all wait for one another before every common step.

One condition variable. By default the threads hold a baton: exactly one runs at a time, in a fixed order, each with
its own random stream, so that one seed gives one result. With ``overlap`` they run freely between meetings.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from enum import Enum

from agents.training.streams import Streams


class Wish(Enum):
    """What a thread waits for."""

    TURN = "a turn"
    RESET = "new episodes"
    GATHER = "a moment at which all stand still"


class Stopped(BaseException):
    """The meeting is over because another thread failed. No ``except Exception`` of a learner may hold it up."""


class Meeting:
    """Runs loops side by side and settles what they wish for when all of them are there.

    Args:
        settle: called by the last to arrive with everyone's wishes, in order; returns whose wish is granted. At least
            one must be. All wait meanwhile.
        left: called with the name of one whose loop has ended, while nobody settles.
        streams: one for each name.
        overlap: run the loops freely between meetings, with the global random generators as they are.
    """

    def __init__(
        self,
        settle: Callable[[dict[str, Wish]], Collection[str]],
        left: Callable[[str], None],
        streams: Streams,
        *,
        overlap: bool = False,
    ) -> None:
        self._settle, self._left, self._streams, self.overlap = settle, left, streams, overlap
        self._room = threading.Condition()
        self._wishes: dict[str, Wish | None] = {}  # of those whose loop has not ended; None: it runs or may run
        self._baton: str | None = None
        self._error: BaseException | None = None
        self._alive = 0

    @property
    def present(self) -> tuple[str, ...]:
        """Those whose loops have begun and not ended."""
        return tuple(self._wishes)

    def run(self, loops: Mapping[str, Callable[[], object]]) -> None:
        """Run the loops to their ends, in the order of the mapping; a single one runs in the calling thread.

        Raises:
            BaseException: what the first loop to fail raised, with its own traceback, after all others have stopped
                at their next meeting; KeyboardInterrupt likewise.
        """
        if self._wishes:
            raise RuntimeError("The table is in use: learn() has been called and has not returned.")
        self._wishes = dict.fromkeys(loops)
        self._baton, self._error = next(iter(loops)), None
        try:
            with self._streams.inside(self._baton):
                if len(loops) == 1:
                    for name, loop in loops.items():
                        loop()
                        self._leave(name)
                else:
                    self._run_threads(loops)
        finally:
            self._wishes = {}

    def arrive(self, name: str, wish: Wish) -> None:
        """Wait until ``wish`` is granted, and in baton order until it is this one's turn to run.

        Raises:
            RuntimeError: if ``name`` is not among the running loops.
            Stopped: if another loop has failed.
        """
        with self._room:
            if name not in self._wishes:
                raise RuntimeError(f"Seat {name} plays only inside the table's learn().")
            self._wishes[name] = wish
            self._go_on(name)
            self._await(name)

    def _go_on(self, name: str) -> None:
        """Settle if all are here, and say who runs next."""
        wishes = {name: wish for name, wish in self._wishes.items() if wish is not None}
        if wishes and len(wishes) == len(self._wishes):
            for granted in self._settle(wishes):
                self._wishes[granted] = None
        self._baton = next((name for name, wish in self._wishes.items() if wish is None), None)
        if self.overlap or self._baton != name:
            self._room.notify_all()

    def _await(self, name: str) -> None:
        while self._error is None and (self._wishes[name] is not None or not (self.overlap or self._baton == name)):
            self._room.wait()
        if self._error is not None:
            raise Stopped
        if not self.overlap:
            self._streams.switch(name)

    def _leave(self, name: str) -> None:
        with self._room:
            del self._wishes[name]
            self._left(name)
            self._go_on(name)

    def _run_threads(self, loops: Mapping[str, Callable[[], object]]) -> None:
        threads = [
            threading.Thread(target=self._run_one, args=(name, loop), name=f"seat {name}", daemon=True)
            for name, loop in loops.items()
        ]
        self._alive = len(threads)
        try:
            for thread in threads:
                thread.start()
            with self._room:
                while self._alive:
                    self._room.wait()
        except BaseException as error:  # Ctrl-C
            self._stop(error)
            raise
        finally:
            for thread in threads:
                if thread.ident is not None:
                    thread.join()
        failed, self._error = self._error, None
        if failed is not None:
            raise failed

    def _run_one(self, name: str, loop: Callable[[], object]) -> None:
        try:
            with self._room:
                self._await(name)
            loop()
            self._leave(name)
        except Stopped:
            pass
        except BaseException as error:
            self._stop(error)
        finally:
            with self._room:
                self._alive -= 1
                self._room.notify_all()

    def _stop(self, error: BaseException) -> None:
        with self._room:
            if self._error is None:
                self._error = error
            self._room.notify_all()
