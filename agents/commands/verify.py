"""``sd-env verify``: play logged episodes again and say whether they are the same."""

from __future__ import annotations

import argparse
import sys

HELP = "play logged episodes again and say where they first differ"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("logs", nargs="+", metavar="LOG", help="an episode log (.jsonl, .jsonl.gz)")


def run(args: argparse.Namespace) -> int:
    """One line for each log; returns 0 if all are the same, else 1 if all could be read, else 2."""
    from sd_env.record import LogError, verify

    code = 0
    for path in args.logs:
        try:
            found = verify(path)
        except LogError as error:
            print(f"sd-env: {error}", file=sys.stderr)
            code = 2
        else:
            print(f"{path}: {found.message}")
            code = max(code, 0 if found else 1)
    return code
