"""The one boundary for errors of ``python -m agents.publish.NAME``: whatever is refused is one sentence."""

from __future__ import annotations

import sys
from collections.abc import Callable

from sd_env.errors import RefusedError, said, sentence


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
