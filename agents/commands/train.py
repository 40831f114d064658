"""``sd-env train``: train the policies of a config, and report what became of them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin

from agents.commands.options import mapping, value, words
from agents.commands.parser import Parser

if TYPE_CHECKING:
    from agents.training.config import TrainingConfig

HELP = "train the policies of a config: every key of it is an option"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``--config``, ``--resume``, and every key of a config."""
    from agents.training.config import DEFAULT_CONFIG, keys

    parser.add_argument("--config", metavar="NAME", help=f"a config by name or path; default {DEFAULT_CONFIG}")
    parser.add_argument("--resume", metavar="RUN", help="run folder to continue")
    for key, field in keys().items():
        several = {list, dict} & set(_kinds(field.annotation))
        parser.add_argument(
            f"--{key}",
            nargs="+" if several else None,
            default=argparse.SUPPRESS,
            metavar="KEY=VALUE" if dict in _kinds(field.annotation) else "VALUE",
            help=(field.description or "").replace("%", "%%"),
        )


def run(args: argparse.Namespace) -> int:
    """Read, check, train, report. Returns 0, or 2 if jobs failed for reasons that a sentence says, or else 1."""
    config, resume = config_of(args)
    # only now: importing torch takes longer than telling of a typo
    from agents.evaluation.trained import train_and_report
    from agents.pages.folders import REPORT
    from agents.pages.write import PAGE, write_run
    from agents.training.run import check, check_resumed, held, new_run
    from sd_env.errors import printable

    check(config)
    if resume:
        check_resumed(config, resume)
    folder = resume or new_run(config)
    with held(folder):
        code = train_and_report(config, folder, getattr(args, "argv", []))
        if (folder / REPORT).is_file():
            write_run(config, folder)
            print(printable(f"Open in a browser: {folder / PAGE}"))
        return code


def parse(argv: Sequence[str]) -> tuple[TrainingConfig, Path | None]:
    """The training that a command line asks for, and the run folder to resume, if any; nothing is created.

    Raises:
        UsageError: for an option that there is not, or a value that cannot be read.
        ConfigError: for a key, value or file that is not allowed; one sentence each.
        SystemExit: after ``--help``.
    """
    parser = Parser(prog="sd-env train")
    add_arguments(parser)
    return config_of(parser.parse_args(list(argv)))


def config_of(args: argparse.Namespace) -> tuple[TrainingConfig, Path | None]:
    """The training and the run folder to resume that parsed options ask for; ConfigError if they cannot be."""
    from agents.training.config import (
        DEFAULT_CONFIG,
        MACHINE_KEYS,
        ConfigError,
        TrainingConfig,
        keys,
        merged,
        read_mapping,
        validated,
    )
    from sd_env.scenario_values import show

    fields = keys()
    given = {key: _read(key, fields[key].annotation, text) for key, text in vars(args).items() if key in fields}
    resume = args.resume
    if resume is not None:
        if args.config is not None:
            raise ConfigError(f"--resume {resume} goes with the run's own config: leave --config out.")
        if others := sorted(set(given) - MACHINE_KEYS):
            raise ConfigError(
                f"--{others[0]} cannot change when a run is resumed; allowed beside --resume are "
                f"{' and '.join('--' + key for key in sorted(MACHINE_KEYS))} alone."
            )
        path: Path | str = Path(resume) / "config.yaml"
        try:
            found = Path(path).is_file()
        except OSError:  # a name that no system has
            found = False
        if not found:
            raise ConfigError(f"--resume {show(resume)} is not a run folder: it has no config.yaml.")
    else:
        path = DEFAULT_CONFIG if args.config is None else args.config
    base = read_mapping(path)
    if "paths" in given:  # as a whole: '{}' asks for one way to learn
        base.pop("paths", None)
    over: dict[str, Any] = {}
    for key, each in given.items():
        for part in reversed(key.split(".")):
            each = {part: each}
        over = merged(over, each)
    return validated(TrainingConfig, merged(base, over)), (None if resume is None else Path(resume))


def _kinds(annotation: Any) -> tuple[type, ...]:
    """What a field's value may be; a group of keys is a mapping, and a choice among words a text."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _kinds(parts[0])
    if origin is Literal:
        return (str,)
    if origin in (list, dict):
        return (origin,)
    if parts:
        return tuple(kind for part in parts for kind in _kinds(part))
    return (dict,) if hasattr(annotation, "model_fields") else (annotation,)


def _read(key: str, annotation: Any, given: str | Sequence[str]) -> Any:
    """The value that the words of an option mean for a field of this type."""
    from agents.training.config import ConfigError

    kinds = _kinds(annotation)
    try:
        if isinstance(given, str):
            return given if given != "null" and set(kinds) <= {str, Path, type(None)} else value(given)
        if list in kinds:
            plain = key == "scenarios"  # names and paths, which are no YAML
            return [each for text in given for each in words(text, plain=plain)]
        return None if given == ["null"] else mapping(given)
    except argparse.ArgumentTypeError as error:
        raise ConfigError(f"--{key}: {error}.") from None
