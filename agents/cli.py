"""The console command ``sd-env``: finds the command, and says what went wrong in one sentence."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from typing import Any, Final, NoReturn

#: The commands with a module of their own in ``agents.commands``, in the order in which they are listed.
COMMANDS: Final = (
    "evaluate", "tournament", "crossplay", "challenge", "exploit", "certify", "escalation", "ablate", "thresholds",
    "verify", "replay", "measure", "strategies", "check-policy", "export", "experiment",
)  # fmt: skip
TRAIN: Final = "train"
_TRAIN_HELP: Final = "train the policies of an experiment; its options are those of train.py"
_OURS: Final = ("sd_env", "agents")
#: What the extra ``train`` brings, by the names that are imported; sd-env alone is the game.
TRAINING: Final = frozenset({
    "matplotlib", "pandas", "pydantic_settings", "rich", "safetensors", "sb3_contrib", "scipy", "sklearn",
    "stable_baselines3", "tensorboard", "torch",
})  # fmt: skip


def main(argv: list[str] | None = None) -> int:
    """Run a command line.

    Args:
        argv: the words after ``sd-env``; default those of this process.

    Returns:
        The exit code: 0 well, 1 the command's own no, 2 bad input, 130 interrupted.
    """
    words = sys.argv[1:] if argv is None else argv
    try:
        return _run(words)
    except SystemExit as leaving:  # argparse has said why
        return leaving.code if isinstance(leaving.code, int) else 0 if leaving.code is None else 1
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in TRAINING:
            raise
        print(f"sd-env: {words[0]} needs the training packages: pip install 'sd-env[train]'", file=sys.stderr)
        return 2
    except ValueError as error:
        if type(error).__module__.partition(".")[0] not in _OURS:
            raise  # a fault of the program's, not of what it was given
        from sd_env.show import printable

        print(f"sd-env: {printable(str(error))}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as interrupt:
        print(f"sd-env: {str(interrupt) or 'interrupted.'}", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of a pipe has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:  # a full disk, a folder that is gone, too few processes
        from agents.messages import refused_by_the_system

        print(f"sd-env: {refused_by_the_system(error)}", file=sys.stderr)
        return 2


def _run(words: list[str]) -> int:
    name = words[0] if words else ""
    if name == TRAIN:
        from agents.commands.train import main as train

        return train(words[1:])
    if name not in COMMANDS:
        _front().parse_args(words)
        _front().print_help()
        return 2
    arguments = parser_of(name).parse_args(words[1:])
    from agents.messages import shown  # only now: it imports the game, which help does without

    with shown():
        return int(_module(name).run(arguments))


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        from sd_env.show import printable

        self.exit(2, f"{self.prog}: {printable(message)}; see {self.prog} --help.\n")


def parser_of(name: str) -> argparse.ArgumentParser:
    """The parser of one of :data:`COMMANDS`."""
    module = _module(name)
    parser = _Parser(prog=f"sd-env {name}", description=module.HELP, allow_abbrev=False)
    module.add_arguments(parser)
    return parser


def _front() -> argparse.ArgumentParser:
    """The parser of ``sd-env`` without a command: its help lists them, and it refuses what is none."""
    from importlib.metadata import version

    listed = [(name, _module(name).HELP) for name in COMMANDS] + [(TRAIN, _TRAIN_HELP)]
    parser = _Parser(
        prog="sd-env",
        description="Play, train and judge policies in worlds of the security dilemma.",
        epilog="commands:\n" + "\n".join(f"  {name:<14}{text}" for name, text in listed)
        + "\n\nsd-env COMMAND --help tells of its options.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )  # fmt: skip
    parser.add_argument("--version", action="version", version=f"sd-env {version('sd-env')}")
    parser.add_argument("command", nargs="?", choices=[*COMMANDS, TRAIN], metavar="COMMAND", help="one of those below")
    return parser


def _module(name: str) -> Any:
    return importlib.import_module(f"agents.commands.{name.replace('-', '_')}")


if __name__ == "__main__":
    sys.exit(main())
