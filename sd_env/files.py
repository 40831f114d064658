"""Files written whole: a reader sees the old content or the new, never half of either. And files read in bounds."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

from sd_env.errors import RefusedError

#: Bytes of the largest file that is read where nothing smaller is right.
MOST: Final = 2**30
#: How the temporary files of writes that were cut off end; each begins with a dot.
PART: Final = ".part"
#: Never a file that is there already, nor what a link that somebody has planted points to.
_NEW: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


def write_whole(path: Path, data: bytes | Callable[[BinaryIO], object]) -> None:
    """Put ``data`` at ``path``: into a new file beside it first, brought to the disk, then moved into place.

    A link at ``path`` is replaced and not followed.

    Args:
        path: where to; its folder is there.
        data: the bytes, or what writes them into an open file.

    Raises:
        OSError: if that fails, naming ``path``; what was there is then as it was, and the temporary file is gone.
    """
    temporary = path.with_name(f".{secrets.token_hex(8)}{PART}")
    try:
        handle = os.open(temporary, _NEW, 0o666)  # less what the process's umask takes away
        try:
            with os.fdopen(handle, "w+b") as file:
                if callable(data):
                    data(file)
                else:
                    file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(temporary)
            raise
    except OSError as error:  # of a write it names no file, else the temporary one
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
    sync_folder(path.parent)


def read_bounded(path: Path, most: int = MOST) -> bytes:
    """The bytes of a regular file: no device or pipe, which may never end, and no more than can be right.

    Raises:
        RefusedError: if it is something else, or longer than ``most`` bytes; the end of a sentence.
        OSError: if it cannot be read.
    """
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise RefusedError("it is no regular file")
        data = file.read(most + 1)
    if len(data) > most:
        raise RefusedError(f"it has more than the {most} bytes that are read")
    return data


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the system can: a moved file is there after a power failure."""
    with suppress(OSError):  # not every file system has it, and the file is in place in any case
        handle = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
