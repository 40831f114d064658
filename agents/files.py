"""Texts, JSON and copies as whole files, by the one writer, :func:`sd_env.files.write_whole`; tables that are read."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sd_env.errors import RefusedError, said
from sd_env.files import read_bounded, write_whole

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["copy_whole", "read_table", "without_nan", "write_json", "write_text", "write_whole"]


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8, whole."""
    write_whole(path, text.encode("utf-8"))


def copy_whole(source: Path, target: Path) -> None:
    """Copy the file ``source`` to ``target``, whole."""
    write_whole(target, source.read_bytes())


def write_json(path: Path, data: Any) -> None:
    """Write ``data`` as JSON, whole. Not-a-number becomes null, which every JSON reader knows."""
    write_text(path, json.dumps(without_nan(data), indent=1, allow_nan=False) + "\n")


def read_table(path: Path, **how: Any) -> pd.DataFrame:
    """A table of CSV.

    Args:
        path: of the file.
        how: as ``pandas.read_csv`` takes it.

    Raises:
        RefusedError: if it is no table, or no regular file; one sentence.
        OSError: if it cannot be read.
    """
    import pandas as pd

    try:
        return pd.read_csv(io.BytesIO(read_bounded(path)), **how)
    except (ValueError, LookupError, OverflowError) as error:
        raise RefusedError(f"{path} is no table of CSV as this program writes it: {said(error).rstrip('.')}.") from None


def without_nan(data: Any) -> Any:
    """``data`` with None for every float that is not finite."""
    if isinstance(data, dict):
        return {key: without_nan(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [without_nan(value) for value in data]
    if isinstance(data, float) and data - data != 0.0:
        return None
    return data
