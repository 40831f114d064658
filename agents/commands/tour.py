"""``sd-env tour``: the guided half hour as a page for a browser."""

from __future__ import annotations

import argparse
from pathlib import Path

from sd_env.errors import RefusedError

HELP = "write a guided half hour on the security dilemma, as one page for a browser that needs no network"
NAME = "tour.html"


class TourError(RefusedError):
    """A place where no page can be written: one sentence."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument(
        "-o",
        "--output",
        default=NAME,
        metavar="FILE.html",
        help=f"the page, or a folder that there is, for {NAME} in it; default {NAME}",
    )


def run(args: argparse.Namespace) -> int:
    """Play, write the page, and say where it is. Returns 0."""
    from agents.files import write_text
    from sd_env.errors import printable

    path = _place(args.output)
    from agents.tour.write import page

    write_text(path, page())
    print(printable(f"{path}: open it in a browser"))
    return 0


def _place(given: str) -> Path:
    """Where the page goes; seen to be writable before all is played."""
    try:
        path = Path(given) / NAME if given and Path(given).is_dir() else Path(given)
        named = path.suffix in (".html", ".htm")
        if named:
            path.parent.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        words = getattr(error, "strerror", None) or error
        raise TourError(f"--output {given!r:.200} cannot be written: {words}.") from None
    if not named:
        raise TourError(f"--output is {given!r:.200}; a page's name ends in .html, or it is a folder that there is.")
    return path
