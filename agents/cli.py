"""The console command ``sd-env``: finds the command, and says what went wrong in one sentence."""

from __future__ import annotations

import argparse
import difflib
import importlib
import io
import os
import sys
from contextlib import suppress
from typing import Any, Final

from agents.commands.parser import Parser, UsageError
from sd_env.errors import RefusedError, said, sentence

#: The commands, each a module of ``agents.commands``, in the order in which they are listed.
COMMANDS: Final = (
    "train", "evaluate", "tournament", "crossplay", "challenge", "exploit", "certify", "escalation", "ablate",
    "thresholds", "verify", "replay", "explain", "measure", "dyads", "strategies", "zoo", "check-policy", "export",
    "experiment", "play", "serve", "compare", "draw", "tour",
)  # fmt: skip
#: What the extra ``train`` brings, by the names that are imported; sd-env alone is the game.
TRAINING: Final = frozenset({
    "matplotlib", "pandas", "rich", "safetensors", "sb3_contrib", "scipy", "sklearn",
    "stable_baselines3", "tensorboard", "torch",
})  # fmt: skip
#: What the extra ``serve`` brings, likewise.
SERVING: Final = frozenset({"starlette", "uvicorn", "websockets"})


def main(argv: list[str] | None = None) -> int:
    """Run a command line.

    Args:
        argv: the words after ``sd-env``; default those of this process.

    Returns:
        The exit code: 0 well, 1 the command's own no, 2 bad input or a system that refuses, 130 interrupted.
    """
    words = sys.argv[1:] if argv is None else argv
    _open_streams()
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a title may have letters that the terminal lacks, an answer others
            stream.reconfigure(errors="replace")
    try:
        try:
            code = _run(words)
        except SystemExit as leaving:  # argparse has helped
            code = leaving.code if isinstance(leaving.code, int) else 0 if leaving.code is None else 1
        sys.stdout.flush()  # a full disk or a closed pipe is noticed here, not at the exit
        return code
    except BrokenPipeError:  # the reader of a pipe has seen enough
        _drop_output()
        return 1
    except KeyboardInterrupt as interrupt:
        return _refuse(f"sd-env: {str(interrupt) or 'interrupted.'}", 130)
    except ModuleNotFoundError as missing:
        name = (missing.name or "").partition(".")[0]
        if name in SERVING:
            return _refuse(f"sd-env: {words[0]} needs the packages of the server: pip install 'sd-env[serve]'")
        if name not in TRAINING:
            raise
        return _refuse(f"sd-env: {words[0]} needs the training packages: pip install 'sd-env[train]'")
    except RefusedError as error:
        return _refuse(str(error) if isinstance(error, UsageError) else f"sd-env: {error}")
    except MemoryError as error:
        return _refuse(f"sd-env: not enough memory for it ({said(error)}).")
    except OSError as error:
        if error.filename is not None:
            return _refuse(f"sd-env: {said(error)}.")
        _drop_output()
        return _refuse(f"sd-env: the output cannot be written: {said(error)}.")


def _open_streams() -> None:
    """Where the shell has closed a stream (``>&-``), Python has none, and the next file that is opened takes its place.

    Then nothing is read there, and what is written goes nowhere.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115  # until the exit


def _refuse(text: str, code: int = 2) -> int:
    with suppress(OSError):
        print(sentence(text), file=sys.stderr)
    return code


def _drop_output() -> None:
    """Nothing more is written to standard output: at the exit Python would try once more, and complain."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(words: list[str]) -> int:
    name = words[0] if words else ""
    if name not in COMMANDS:
        if name and not name.startswith("-"):
            near = difflib.get_close_matches(name, COMMANDS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(COMMANDS)}."
            raise UsageError(f"sd-env: there is no command {name!r:.80}; {hint}")
        _front().parse_args(words)
        _front().print_help()
        return 2
    arguments = parser_of(name).parse_args(words[1:])
    arguments.argv = words[1:]
    from agents.messages import shown  # only now: it imports the game, which help does without
    from agents.place import kept, placed

    with shown(), placed(arguments), kept(arguments):
        return int(_module(name).run(arguments))


def parser_of(name: str) -> Parser:
    """The parser of one of :data:`COMMANDS`."""
    module = _module(name)
    parser = Parser(prog=f"sd-env {name}", description=module.HELP)
    module.add_arguments(parser)
    return parser


def _front() -> Parser:
    """The parser of ``sd-env`` without a command: its help lists them."""
    from importlib.metadata import version

    parser = Parser(
        prog="sd-env",
        description="Play, train and judge policies in worlds of the security dilemma.",
        epilog="commands:\n" + "\n".join(f"  {name:<14}{_module(name).HELP}" for name in COMMANDS)
        + "\n\nsd-env COMMAND --help tells of its options.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--version", action="version", version=f"sd-env {version('sd-env')}")
    parser.add_argument("command", nargs="?", metavar="COMMAND", help="one of those below")
    return parser


def _module(name: str) -> Any:
    return importlib.import_module(f"agents.commands.{name.replace('-', '_')}")


if __name__ == "__main__":
    sys.exit(main())
