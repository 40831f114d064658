"""A folder of kept work: whose it is, that one process alone writes it, and what of it is whole."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from agents.files import write_json, write_text
from agents.work.identity import Identity, changes
from agents.work.local import WorkError
from sd_env.files import PART, read_bounded

PLAN: Final = "plan.json"
UNITS: Final = "units"
LOCK: Final = ".lock"


@contextmanager
def held(out: Path, identity: Identity, *, fresh: bool = False) -> Iterator[None]:
    """Make the folder or take it up again, and hold it against a second process.

    Args:
        out: the folder.
        identity: of the work that it is to hold; kept there as ``plan.json``.
        fresh: set aside what earlier work left there, whatever it was.

    Raises:
        WorkError: if the folder is of other work, in use, or cannot be written; it is then as it was.
    """
    with ExitStack() as stack:
        try:
            if out.exists() and not out.is_dir():
                raise WorkError(f"{out} is a file; a folder is needed.")
            if fresh and os.path.lexists(out / PLAN):
                with locked(out):
                    set_aside(out)
            check_same(out, identity)
            out.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(out))
            check_same(out, identity)
            if not (out / PLAN).exists():
                write_json(out / PLAN, identity)
        except OSError as error:
            raise WorkError(f"{out} cannot be used: {error.strerror or error}.") from None
        yield


def check_same(out: Path, identity: Identity) -> None:
    """Refuse a folder that holds other work, or something else.

    Raises:
        WorkError: one sentence that names what differs.
    """
    found = plan_of(out)
    if found is None:
        if out.exists() and any(entry.name != LOCK for entry in out.iterdir()):
            raise WorkError(f"{out} holds files but no {PLAN} of earlier work; name a new or empty folder.")
    elif different := changes(found, identity):
        raise WorkError(f"{out} holds other work: {', '.join(different)}; --fresh or another folder goes on.")


def plan_of(out: Path) -> Any:
    """The identity of the work in a folder, as it was kept; None if there is none.

    Raises:
        WorkError: if what is there is no JSON.
    """
    try:
        return json.loads(read_bounded(out / PLAN))
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError):
        raise WorkError(f"{out / PLAN} is not JSON, as this program writes it; name a new folder.") from None


def set_aside(path: Path) -> Path:
    """Rename what is at ``path`` to the first free ``NAME.before-1``, ``-2``, …, and return where it is.

    Raises:
        WorkError: for the folder that is worked in, or one above it: it would take this process with it.
    """
    if path.resolve() in (here := Path.cwd(), *here.parents):
        raise WorkError(f"{path} is the folder that you work in, or above it, and cannot be renamed; name another.")
    k = 1
    while os.path.lexists(aside := path.with_name(f"{path.name}.before-{k}")):
        k += 1
    os.rename(path, aside)
    return aside


@contextmanager
def locked(folder: Path, patience: float = 0.0) -> Iterator[None]:
    """Hold an exclusive lock on a folder (released by the system whatever happens to this process).

    Raises:
        WorkError: if another process holds it for longer than ``patience`` seconds.
    """
    until = time.monotonic() + patience
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise WorkError(f"{folder} is in use by another process.") from None
                time.sleep(0.2)
        yield
    finally:
        os.close(handle)


# --- units ----------------------------------------------------------------------------------------------------


def file_name(text: str) -> str:
    """``text`` made fit for a file's name; a digest keeps those apart that become alike or are cut."""
    fit = re.sub(r"[^\w.=+-]+", "_", text)[:80]
    return fit if fit == text else f"{fit}.{digest(text)[:8]}"


def digest(text: str) -> str:
    """SHA-256 of a text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def keep(out: Path, key: str, rows: Any, plan: str) -> None:
    """Keep the rows of a unit, with a digest of them, the key and the plan; WorkError if they cannot be written.

    Args:
        out: the folder.
        key: of the unit.
        rows: as JSON has them.
        plan: of :func:`digest_of_plan`: a unit that comes from a folder of other work is none of this.
    """
    text = json.dumps({"key": key, "sha256": _seal(key, rows, plan), "rows": rows}) + "\n"
    try:
        write_text(_file(out, key), text)
    except OSError as error:
        raise WorkError(f"{_file(out, key)} cannot be written: {error.strerror or error}.") from None


def digest_of_plan(out: Path) -> str:
    """What tells the work of a folder from all other; its ``plan.json`` is there."""
    return digest(json.dumps(plan_of(out), sort_keys=True))


def _seal(key: str, rows: Any, plan: str) -> str:
    return digest(json.dumps([plan, key, rows]))


def read_kept(out: Path, key: str, plan: str) -> tuple[Any, str]:
    """The rows of a unit, None if there are none to be trusted; and what is wrong with its file, "" if nothing."""
    try:
        held = json.loads(read_bounded(_file(out, key)))
    except FileNotFoundError:
        return None, ""
    except (OSError, ValueError, RecursionError):
        return None, "its file is damaged"
    if not isinstance(held, dict) or held.get("key") != key or "rows" not in held:
        return None, "its file is damaged"
    if _seal(key, held["rows"], plan) != held.get("sha256"):
        return None, "its file was changed after it was written, or is of other work"
    return held["rows"], ""


def prepare(out: Path) -> None:
    """Make the folder of units, and take away what writes that were cut off left there; WorkError if it cannot be."""
    try:
        (out / UNITS).mkdir(exist_ok=True)
        for part in (out / UNITS).glob(f".*{PART}"):
            part.unlink(missing_ok=True)
    except OSError as error:
        raise WorkError(f"{out / UNITS} cannot be used: {error.strerror or error}.") from None


def _file(out: Path, key: str) -> Path:
    return out / UNITS / f"{file_name(key)}.json"
