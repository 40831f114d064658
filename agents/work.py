"""Long work in units: on all cores, with a progress bar, interrupted and resumed without losing a finished unit."""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import json
import multiprocessing as mp
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final, TypeAlias

import pandas as pd
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from agents.files import write_json, write_text, write_whole
from agents.machine import cores

Rows: TypeAlias = "list[dict[str, Any]] | pd.DataFrame"
Work: TypeAlias = Callable[..., Rows]
Results: TypeAlias = Generator[tuple[str, str], None, None]

#: Seconds between lines of progress where output is not a terminal.
QUIET_EVERY: Final = 10.0
PLAN: Final = "plan.json"
UNITS: Final = "units"
EPISODES: Final = "episodes"


class WorkError(ValueError):
    """Work that cannot be done as asked: one sentence."""


class Interrupted(KeyboardInterrupt):
    """Work was interrupted; the text says what is kept and how to go on."""


@dataclass(frozen=True)
class Unit:
    """A piece of work: a key of its own, and what the work is called with (JSON and pickle take it)."""

    key: str
    arguments: dict[str, Any]


def run_units(
    work: Work,
    units: Sequence[Unit],
    out: Path | None,
    *,
    workers: int = 0,
    title: str = "",
    parquet: bool = False,
    inputs: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Do all units and return their rows, in the order of the units, whatever finished first.

    With ``out``, each unit is kept there as soon as it is done, in a file of its own that is written whole; the same
    call goes on where an earlier one ended, however it ended. At the end ``episodes.csv`` has all rows.

    Args:
        work: a function at the top level of a module, called as ``work(**unit.arguments)``, in worker processes that
            are spawned, not forked. It gives rows of numbers, texts and truth values.
        units: what to do; keys differ.
        out: folder of the results, made if need be; None keeps nothing.
        workers: processes; 0 is one a core. One worker or one unit is done in this process.
        title: what the progress bar calls the work.
        parquet: write ``episodes.parquet`` too.
        inputs: digests of files that the work reads; with other digests it is other work.

    Raises:
        WorkError: for a folder of other work or in use, for missing pyarrow, and for a worker that was killed.
        Interrupted: after Ctrl-C.
    """
    if workers < 0:
        raise WorkError(f"workers is {workers}; 0 (one a core) or more is needed.")
    check_parquet(parquet)
    if len({unit.key for unit in units}) < len(units):
        raise WorkError("two units of the work have the same key; they need keys of their own.")
    with _folder(out, work, units, dict(inputs or {})) if out else nullcontext():
        done = {unit.key: rows for unit in units if out and (rows := _read(out, unit)) is not None}
        waiting = [unit for unit in units if unit.key not in done]
        limit = min(workers or cores(), len(waiting))
        try:
            results = (_spread if limit > 1 else _in_turn)(work, waiting, out, limit)
            with Board(title, len(units), len(done)) as board, closing(results):
                for key, rows in results:
                    done[key] = rows
                    board.advance()
        except KeyboardInterrupt:
            raise Interrupted(_advice(out, len(done), len(units))) from None
        frame = _frame([done[unit.key] for unit in units])
        if out:
            write_table(frame, out / EPISODES, parquet)
    return frame


def check_parquet(wanted: bool) -> None:
    """Raise a WorkError if Parquet is wanted and pyarrow is not there."""
    if wanted and importlib.util.find_spec("pyarrow") is None:
        raise WorkError("Parquet needs pyarrow, which is not installed: pip install 'sd-env[parquet]'.")


def write_table(frame: pd.DataFrame, stem: Path, parquet: bool = False) -> None:
    """Write ``stem.csv``, and ``stem.parquet`` on request; each is written whole. CSV keeps every digit."""
    write_whole(stem.with_suffix(".csv"), lambda path: frame.to_csv(path, index=False))
    if parquet:
        write_whole(stem.with_suffix(".parquet"), lambda path: frame.to_parquet(path, index=False))


def _advice(out: Path | None, done: int, total: int) -> str:
    if out is None:
        return f"interrupted after {done} of {total} units; nothing is kept without an output folder."
    return f"interrupted; {done} of {total} units are kept in {out}: the same command goes on from there."


# --- the folder -----------------------------------------------------------------------------------------------


@contextmanager
def _folder(out: Path, work: Work, units: Sequence[Unit], inputs: dict[str, str]) -> Iterator[None]:
    """Make the folder or take it up again, and hold it against a second process.

    Raises:
        WorkError: if the folder is of other work, in use, or cannot be written.
    """
    try:
        asked = json.dumps([inputs, *([unit.key, unit.arguments] for unit in units)], sort_keys=True)
    except TypeError:
        raise WorkError("work can be kept in a folder only if its policies are given by name or path.") from None
    plan = {
        "work": f"{work.__module__}.{work.__qualname__}",
        "units": len(units),
        "fingerprint": hashlib.sha256(asked.encode()).hexdigest(),
    }
    try:
        if out.exists() and not out.is_dir():
            raise WorkError(f"{out} is a file; a folder is needed.")
        found = _plan_of(out)
        if found is None and out.exists() and any(out.iterdir()):
            raise WorkError(f"{out} holds files but no {PLAN} of earlier work; name a new or empty folder.")
        if found is not None and found != plan:
            raise WorkError(f"{out} holds other work (another command, policy, scenario or number); name a new folder.")
        (out / UNITS).mkdir(parents=True, exist_ok=True)
        if found is None:
            write_json(out / PLAN, plan)
        lock = (out / UNITS / ".lock").open("a")
    except OSError as error:
        raise WorkError(f"{out} cannot be used: {error.strerror or error}.") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise WorkError(f"{out} is in use by another process.") from None
        yield


def _plan_of(out: Path) -> Any:
    try:
        return json.loads((out / PLAN).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        raise WorkError(f"{out / PLAN} is not JSON, as this program writes it; name a new folder.") from None


def file_name(text: str) -> str:
    """``text`` made fit for a file's name; a digest keeps those apart that become alike or are cut."""
    fit = re.sub(r"[^\w.=+-]+", "_", text)[:80]
    return fit if fit == text else f"{fit}.{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _file(out: Path, unit: Unit) -> Path:
    return out / UNITS / f"{file_name(unit.key)}.json"


def _read(out: Path, unit: Unit) -> str | None:
    """The rows of a finished unit; None if there are none, or none that can be read."""
    try:
        text = _file(out, unit).read_text(encoding="utf-8")
        held = json.loads(text)
    except (OSError, ValueError):
        return None
    return text if isinstance(held, dict) and held.get("key") == unit.key and "rows" in held else None


def _frame(texts: Sequence[str]) -> pd.DataFrame:
    frames = [pd.DataFrame(**json.loads(text)["rows"]) for text in texts]
    return pd.concat([frame for frame in frames if len(frame)] or frames[:1], ignore_index=True)


# --- the work -------------------------------------------------------------------------------------------------


def _do(work: Work, unit: Unit, out: Path | None) -> tuple[str, str]:
    """Do a unit and keep it: its key, and its rows as text, in which numbers keep every digit."""
    rows = work(**unit.arguments)
    frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(rows)
    held = {"columns": list(frame.columns), "data": [list(row) for row in frame.itertuples(index=False, name=None)]}
    text = json.dumps({"key": unit.key, "rows": held}, default=lambda number: number.item()) + "\n"
    if out:
        write_text(_file(out, unit), text)
    return unit.key, text


def _in_turn(work: Work, units: Sequence[Unit], out: Path | None, limit: int) -> Results:
    """Unit after unit, in this process."""
    for unit in units:
        yield _do(work, unit, out)


def _spread(work: Work, units: Sequence[Unit], out: Path | None, limit: int) -> Results:
    """Units as they are finished by ``limit`` worker processes."""
    finished: SimpleQueue[Future[tuple[str, str]] | None] = SimpleQueue()
    with _interrupts_told_to(finished):
        yield from _pooled(work, units, out, limit, finished)
    if not finished.empty():  # of an interrupt after the last unit
        raise KeyboardInterrupt


@contextmanager
def _interrupts_told_to(finished: SimpleQueue[Any]) -> Iterator[None]:
    """Within, Ctrl-C puts None into the queue instead of raising.

    Raised in the midst of ``concurrent.futures``, a KeyboardInterrupt can leave a future's lock held, for which the
    pool's own thread would wait for ever.
    """
    before = signal.getsignal(signal.SIGINT)
    if before in (None, signal.SIG_IGN) or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, lambda *_: finished.put(None))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _pooled(
    work: Work,
    units: Sequence[Unit],
    out: Path | None,
    limit: int,
    finished: SimpleQueue[Future[tuple[str, str]] | None],
) -> Results:
    """The units by a pool of processes, each as its future comes out of the queue; None there is an interrupt."""
    pool = ProcessPoolExecutor(limit, mp.get_context("spawn"), _prepare, (os.getpid(),))
    try:
        for unit in units:
            pool.submit(_do, work, unit, out).add_done_callback(finished.put)
        for _ in units:
            if (future := finished.get()) is None:
                raise KeyboardInterrupt
            yield future.result()
    except BaseException as error:
        for process in list((pool._processes or {}).values()):  # or the end would wait for what they are at
            process.terminate()
        results: Any = pool._result_queue
        if results is not None:
            # One that ended in the midst of handing in a result leaves half of it in the pipe, and the pool would wait
            # for the rest for ever: without a writer it sees the end.
            results._writer.close()
        if isinstance(error, BrokenProcessPool):
            raise WorkError("a worker process was killed; what was finished is kept, fewer workers may help.") from None
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _prepare(parent: int) -> None:
    """A worker process begins: Ctrl-C is the parent's to answer, one thread a process, and it ends with its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


class Board:
    """Progress on standard error: a bar on a terminal, else a line every ``QUIET_EVERY`` seconds.

    Args:
        title: what the work is called.
        total: how many units there are.
        done: how many of them were finished before.
    """

    def __init__(self, title: str, total: int, done: int) -> None:
        self._console = Console(stderr=True)
        self._title, self._total, self._done, self._last = title, total, done, time.monotonic()
        columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        self._bar = Progress(TextColumn("{task.description}"), *columns, console=self._console)
        self._shown = self._console.is_terminal and bool(title)
        self._task = self._bar.add_task(title, total=total, completed=done)

    def __enter__(self) -> Board:
        if self._shown:
            self._bar.start()
        if self._title and self._done:
            self._say(f"{self._title}: {self._done} of {self._total} units were finished before.")
        return self

    def __exit__(self, *error: object) -> None:
        if self._shown:
            self._bar.stop()

    def advance(self) -> None:
        """One more unit is done."""
        self._done += 1
        self._bar.update(self._task, completed=self._done)
        if self._title and not self._shown and time.monotonic() - self._last >= QUIET_EVERY:
            self._last = time.monotonic()
            self._say(f"{self._title}: {self._done} of {self._total} units")

    def _say(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)
