"""Files written whole: a reader sees the old content or the new, never half of either."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any


def write_whole(path: Path, write: Callable[[Path], None]) -> None:
    """Let ``write`` fill a temporary file beside ``path``, bring it to the disk and put it in place.

    The temporary name keeps the suffix, for writers that look at it.
    """
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        write(temporary)
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8, whole."""

    def write(temporary: Path) -> None:
        temporary.write_text(text, encoding="utf-8")

    write_whole(path, write)


def copy_whole(source: Path, target: Path) -> None:
    """Copy the file ``source`` to ``target``, whole."""

    def write(temporary: Path) -> None:
        shutil.copyfile(source, temporary)

    write_whole(target, write)


def write_json(path: Path, data: Any) -> None:
    """Write ``data`` as JSON, whole. Not-a-number becomes null, which every JSON reader knows."""
    write_text(path, json.dumps(without_nan(data), indent=1, allow_nan=False) + "\n")


def without_nan(data: Any) -> Any:
    """``data`` with None for every float that is not finite."""
    if isinstance(data, dict):
        return {key: without_nan(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [without_nan(value) for value in data]
    if isinstance(data, float) and data - data != 0.0:
        return None
    return data
