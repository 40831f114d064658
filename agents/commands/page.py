"""``--output FILE.html``: an episode as one page for a browser."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sd_env.record import EpisodeLog
    from sd_env.show.page import Note


def add_page(parser: argparse.ArgumentParser) -> None:
    """``--output``."""
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE.html",
        help="write the episode as one page for a browser instead, which needs no other file and no network",
    )


def write_page(log: EpisodeLog, target: str, source: str, notes: Sequence[Note] = ()) -> None:
    """Write the page of a log, and say where it is.

    Args:
        log: the episode.
        target: where to; folders that are missing are made.
        source: where the log was read from.
        notes: on turns that are marked beside those that always are.

    Raises:
        LogError: one sentence.
    """
    from sd_env.errors import printable
    from sd_env.files import write_whole
    from sd_env.record import LogError
    from sd_env.show.page import page

    path = Path(target)
    if path.suffix not in (".html", ".htm"):
        raise LogError(f"--output is {target!r:.200}; a page's name ends in .html.")
    with values_of_a_game(source):
        text = page(log, notes)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text.encode())
    except OSError as error:
        raise LogError(f"--output {target!r:.200} cannot be written: {error.strerror or error}.") from None
    print(printable(f"{path}: open it in a browser"))


@contextmanager
def values_of_a_game(source: str) -> Iterator[None]:
    """Within, what cannot be made of a log's values is refused: its digest fits, so somebody made them up.

    Raises:
        LogError: one sentence.
    """
    from sd_env.errors import RefusedError, said
    from sd_env.record import LogError

    try:
        yield
    except RefusedError:
        raise
    except (ValueError, ArithmeticError, LookupError) as error:
        raise LogError(f"{source} holds values that no game has ({said(error)}): sd-env verify says where.") from error
