"""Units of work that give rows: done on all cores, kept as they are finished, taken up again whatever ended them."""

from __future__ import annotations

import importlib.util
import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias

import pandas as pd

from agents.escape import csv_of
from agents.files import write_text, write_whole
from agents.machine import cores
from agents.work import folder, identity
from agents.work.board import Board
from agents.work.local import Done, Failed, Progressed, Unit, WorkError, in_processes, in_turn
from agents.work.places import place
from sd_env.errors import RefusedError, said

Rows: TypeAlias = "list[dict[str, Any]] | pd.DataFrame"
Work: TypeAlias = Callable[..., Rows]

EPISODES: Final = "episodes"


class Interrupted(KeyboardInterrupt):
    """Work was interrupted; the text says what is kept and how to go on."""


def run_units(
    work: Work,
    units: Sequence[Unit],
    out: Path | None,
    *,
    workers: int = 0,
    title: str = "",
    parquet: bool = False,
    inputs: Mapping[str, str] | None = None,
    fresh: bool = False,
) -> pd.DataFrame:
    """Do all units and return their rows, in the order of the units, whatever finished first.

    They are done on this machine, or where :func:`agents.work.places.done_at` says. With ``out``, this process keeps
    each unit there as soon as it is done, in a file of its own that is written whole; the same call goes on where an
    earlier one ended, however it ended. A folder whose units were made by something else than would make them now
    (:mod:`agents.work.identity`) is refused, a unit whose file was changed is done anew. At the end ``episodes.csv``
    has all rows.

    Args:
        work: a function at the top level of a module, called as ``work(**unit.arguments)``, in worker processes that
            are spawned, not forked, or on other machines. It gives rows of numbers, texts and truth values.
        units: what to do; keys differ.
        out: folder of the results, made if need be; None keeps nothing.
        workers: processes; 0 is one a core, or all that a cluster has room for. On this machine one worker or one unit
            is done in this process.
        title: what the progress bar calls the work.
        parquet: write ``episodes.parquet`` too.
        inputs: digests of what the work reads beside its arguments, by what it is called.
        fresh: set aside what is in ``out`` from earlier work, as ``OUT.before-1``, and begin anew.

    Raises:
        WorkError: for a folder of other work or in use, for missing pyarrow, and for a worker that was killed.
        Interrupted: after Ctrl-C.
    """
    out = None if out is None else Path(out)  # of a caller without types
    if type(workers) is not int or workers < 0:
        raise WorkError(f"workers is {workers}; 0 (one a core) or more is needed.")
    check_parquet(parquet)
    if len({unit.key for unit in units}) < len(units):
        raise WorkError("two units of the work have the same key; they need keys of their own.")
    with folder.held(out, _identity(work, units, inputs), fresh=fresh) if out else nullcontext():
        plan = folder.digest_of_plan(out) if out else ""
        done, damaged = _kept(out, units, plan) if out else ({}, {})
        if done and out:
            took_up(out)
        waiting = [unit for unit in units if unit.key not in done]
        here = min(workers or cores(), len(waiting))
        do, limit = (elsewhere, workers) if (elsewhere := place()) else (in_processes if here > 1 else in_turn, here)
        try:
            results = do(partial(_do, work), waiting, limit)
            with Board(title, len(units), len(done)) as board, closing(results):
                for key, what in damaged.items():
                    board.say(f"{key}: {what}; it is done anew.", logging.WARNING)
                for event in results:
                    match event:
                        case Done(key, rows):
                            if out:
                                folder.keep(out, key, rows, plan)
                            done[key] = rows
                            board.finished(key)
                        case Progressed(key, part):
                            board.progress(key, part)
                        case Failed(_, error):
                            raise error
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
    write_text(stem.with_suffix(".csv"), csv_of(frame))
    if parquet:
        write_whole(stem.with_suffix(".parquet"), lambda file: frame.to_parquet(file, index=False))


def _identity(work: Work, units: Sequence[Unit], inputs: Mapping[str, str] | None) -> identity.Identity:
    try:
        asked = json.dumps([[unit.key, unit.arguments] for unit in units], sort_keys=True)
    except TypeError:
        raise WorkError("work can be kept in a folder only if its policies are given by name or path.") from None
    return identity.identity_of(work, {identity.UNITS: folder.digest(asked)}, inputs)


def _advice(out: Path | None, done: int, total: int) -> str:
    if out is None:
        return f"interrupted after {done} of {total} units; nothing is kept without an output folder."
    return f"interrupted; {done} of {total} units are kept in {out}: the same command goes on from there."


#: Folders of which results were taken up.
_taken_up: ContextVar[list[Path]] = ContextVar("taken_up", default=[])  # noqa: B039  # of no meaning outside a block


def took_up(folder: Path) -> None:
    """Called where results that a folder keeps are taken for what they say."""
    _taken_up.get().append(folder)


@contextmanager
def as_kept() -> Iterator[None]:
    """Within, what cannot be made of results that were taken up is refused: they are whole, so somebody made them up.

    Raises:
        WorkError: one sentence.
    """
    token = _taken_up.set([])
    try:
        yield
    except RefusedError:
        raise
    except (ValueError, LookupError, TypeError, ArithmeticError, AttributeError) as error:
        if folders := _taken_up.get():
            raise WorkError(
                f"{folders[-1]} holds results that are not as this program writes them ({said(error)}); begin anew, "
                "or in another folder."
            ) from error
        raise
    finally:
        _taken_up.reset(token)


def _kept(out: Path, units: Sequence[Unit], plan: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The rows of finished units, and what is wrong with the files of others."""
    folder.prepare(out)
    done, damaged = dict[str, Any](), dict[str, str]()
    for unit in units:
        rows, what = folder.read_kept(out, unit.key, plan)
        if rows is not None and _is_table(rows):
            done[unit.key] = rows
        elif rows is not None or what:
            damaged[unit.key] = what or "its rows are no table"
    return done, damaged


def _is_table(rows: Any) -> bool:
    """Whether rows are such as :func:`_do` gives."""
    if not isinstance(rows, dict) or set(rows) != {"columns", "data"}:
        return False
    columns, data = rows["columns"], rows["data"]
    if not isinstance(columns, list) or not isinstance(data, list) or not all(isinstance(row, list) for row in data):
        return False
    cells = (cell for row in (columns, *data) for cell in row)
    return (
        not any(isinstance(cell, (list, dict)) for cell in cells)
        and len(set(columns)) == len(columns)
        and all(len(row) == len(columns) for row in data)
    )


def _do(work: Work, unit: Unit) -> Any:
    """Do a unit: its rows as JSON has them, in which numbers keep every digit."""
    given = work(**unit.arguments)
    frame = given if isinstance(given, pd.DataFrame) else pd.DataFrame(given)
    held = {"columns": list(frame.columns), "data": [list(row) for row in frame.itertuples(index=False, name=None)]}
    return json.loads(json.dumps(held, default=lambda number: number.item()))


def _frame(kept: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    frames = [pd.DataFrame(**rows) for rows in kept]
    return pd.concat([frame for frame in frames if len(frame)] or frames[:1], ignore_index=True)
