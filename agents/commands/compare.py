"""``sd-env compare``: finished runs, evaluations, tournaments or experiments side by side."""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "put finished runs, evaluations, tournaments or experiments side by side, and say in what they differ"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("runs", nargs="+", metavar="RUN", help="folders of finished work of one kind, two at least")
    parser.add_argument(
        "-o", "--output", metavar="FILE.html", help="write it as one page for a browser, too, which needs no network"
    )


def run(args: argparse.Namespace) -> int:
    """Print what was found in each, and in what they differ. Returns 0."""
    from agents.escape import Printable, console
    from agents.evaluation.report import WIDTH
    from agents.files import write_text
    from agents.pages.compare import compare, compared_page, shown
    from agents.pages.folders import PageError
    from sd_env.errors import printable

    if args.output is not None and Path(args.output).suffix not in (".html", ".htm"):
        raise PageError(f"--output is {args.output!r:.200}; a page's name ends in .html.")
    found = compare([Path(each) for each in args.runs])
    console(width=WIDTH).print(Printable(shown(found)))
    if args.output is not None:
        path = Path(args.output)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_text(path, compared_page(found))
        except OSError as error:
            raise PageError(f"--output {args.output!r:.200} cannot be written: {error.strerror or error}.") from None
        print(printable(f"{path}: open it in a browser"))
    return 0
