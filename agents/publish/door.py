"""The one boundary for errors of ``python -m agents.publish.NAME``: whatever is refused is one sentence."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from sd_env.errors import RefusedError, said, sentence


def page_command(prog: str, about: str | None, write: Callable[[], None], argv: Sequence[str] | None) -> int:
    """A publisher that takes no words and writes its page.

    Args:
        prog: what it is called.
        about: the module's docstring, the first line of which is its help.
        write: writes the page.
        argv: words of the command line; None is those of the process.

    Returns:
        Exit code, as of :func:`through`.
    """

    def run() -> int:
        write()
        return 0

    argparse.ArgumentParser(prog=prog, description=(about or "").splitlines()[0]).parse_args(argv)
    return through(prog, run)


def through(prog: str, run: Callable[[], int]) -> int:
    """Run a command.

    Args:
        prog: what it is called.
        run: gives its exit code.

    Returns:
        That, or 2 for bad input or a system that refuses, or 130 if it was interrupted.
    """
    try:
        return run()
    except RefusedError as error:
        return _refuse(prog, str(error))
    except MemoryError as error:
        return _refuse(prog, f"not enough memory for it ({said(error)}).")
    except OSError as error:
        return _refuse(prog, f"{said(error)}.")
    except KeyboardInterrupt as interrupt:
        return _refuse(prog, str(interrupt) or "interrupted.", 130)


def _refuse(prog: str, text: str, code: int = 2) -> int:
    print(sentence(f"{prog}: {text}"), file=sys.stderr)
    return code
