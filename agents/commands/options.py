"""Options that several commands share, and how their words become values."""

from __future__ import annotations

import argparse
import math
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from agents.commands.parser import Once
from agents.place import add_place


def add_policies(parser: argparse.ArgumentParser, least: str = "at least one") -> None:
    """``POLICY...``, ``--trust``."""
    parser.add_argument(
        "policies",
        nargs="+",
        metavar="POLICY",
        help="a strategy's name, with parameters as name:key=value,key=value, the path of a bundle, or a language "
        f"model, llm:CONFIG.yaml; {least}",
    )
    add_trust(parser)


def add_trust(parser: argparse.ArgumentParser) -> None:
    """``--trust``."""
    parser.add_argument(
        "--trust",
        action="store_true",
        help="take zip files of stable-baselines3, and FILE.py:NAME: loading them can run any code",
    )


def add_scenario(parser: argparse.ArgumentParser) -> None:
    """``--scenario``, ``--overrides``."""
    parser.add_argument("--scenario", required=True, metavar="S", help="catalogue name or YAML path")
    add_overrides(parser)


def add_overrides(parser: argparse.ArgumentParser) -> None:
    """``--overrides``."""
    parser.add_argument(
        "--overrides",
        nargs="+",
        default={},
        action=Mapped,
        metavar="KEY=VALUE",
        help="values of the scenario to replace, as in technology.offense_advantage=2.0",
    )


def add_sizes(parser: argparse.ArgumentParser, *, worlds: int = 128, seeds: Sequence[int] = (1, 2, 3)) -> None:
    """``--seeds``, ``--worlds``, ``--episodes``."""
    add_seeds(parser, seeds, f"default {' '.join(map(str, seeds))}")
    parser.add_argument("--worlds", type=positive, default=worlds, metavar="N", help=f"a seed; default {worlds}")
    parser.add_argument("--episodes", type=positive, default=1, metavar="N", help="a world; default 1")


def add_seeds(parser: argparse.ArgumentParser, default: Sequence[int] | None, text: str) -> None:
    """``--seeds``."""
    given = None if default is None else list(default)
    parser.add_argument("--seeds", action=Listed, each=whole, default=given, metavar="N", help=text)


def add_work(parser: argparse.ArgumentParser) -> None:
    """``--out``, ``--fresh``, ``--workers``, ``--on``, ``--unit-...``, ``--parquet``, ``--json``."""
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="folder of all results; the same command again goes on where it ended"
    )
    add_fresh(parser)
    add_workers(parser)
    parser.add_argument("--parquet", action="store_true", help="write episodes.parquet too (needs the extra parquet)")
    parser.add_argument("--json", action="store_true", help="print the report as JSON instead of a table")


def add_workers(parser: argparse.ArgumentParser) -> None:
    """``--workers``, ``--on``, ``--unit-...``."""
    parser.add_argument("--workers", type=whole, default=0, metavar="N", help="units at a time; default one a core")
    add_place(parser)


def add_fresh(parser: argparse.ArgumentParser) -> None:
    """``--fresh``."""
    parser.add_argument(
        "--fresh", action="store_true", help="begin anew; what is in DIR from before is renamed to DIR.before-1"
    )


def whole(text: str) -> int:
    """A whole number that is not negative."""
    found = value(text) if text.isascii() and len(text) < 40 else None
    given = int(found) if isinstance(found, float) and found.is_integer() else found  # 1e4 is a whole number
    if not isinstance(given, int) or isinstance(given, bool) or given < 0:
        raise argparse.ArgumentTypeError(f"{text!r:.80} is not allowed; a whole number of at least 0 is")
    return given


def positive(text: str) -> int:
    """A whole number of at least 1."""
    if (given := whole(text)) < 1:
        raise argparse.ArgumentTypeError(f"{text!r:.80} is not allowed; a whole number of at least 1 is")
    return given


def share(text: str) -> float:
    """A number from 0 to 1."""
    found = _finite(text)
    if found is None or not 0.0 <= found <= 1.0:
        raise argparse.ArgumentTypeError(f"{text!r:.80} is not allowed; a number from 0 to 1 is")
    return found


def number(text: str) -> float:
    """A finite number."""
    if (found := _finite(text)) is None:
        raise argparse.ArgumentTypeError(f"{text!r:.80} is not allowed; a number is")
    return found


def _finite(text: str) -> float | None:
    """A number as scenarios write it: Python's own reading takes ``1_0``, digits of other scripts and ``inf``."""
    from sd_env.reading import BASES, NUMBER

    found = float(text) if NUMBER.fullmatch(text) and not BASES.fullmatch(text) else math.inf
    return found if math.isfinite(found) else None


def value(text: str) -> Any:
    """A value as a scenario's YAML has it: ``2.0``, ``true``, ``[1, 2]``, ``gamble``."""
    from sd_env.reading import ReadError, read_yaml

    try:
        return read_yaml(text, "the value")
    except ReadError as error:
        why = str(error).replace(" on line 1", "")
        raise argparse.ArgumentTypeError(f"{text!r:.80} is not a value as YAML has it: {why}") from None


def words(text: str, plain: bool = False) -> list[Any]:
    """One word of a list: the values of ``[1, 2]``, or one value; ``plain``: as it is written."""
    if text[:1] in "[{":
        found = value(text)
        return found if isinstance(found, list) else [found]
    return [text if plain else value(text)]


def mapping(texts: Sequence[str]) -> dict[str, Any]:
    """``KEY=VALUE`` words, or mappings as ``{key: value}``, as one mapping; no key may be in it twice."""
    found: dict[str, Any] = {}
    for text in texts:
        if text.startswith("{"):
            pairs = value(text)
            if not isinstance(pairs, dict):
                raise argparse.ArgumentTypeError(f"{text!r:.80} is not allowed; KEY=VALUE is, as in war.conquest=0.2")
        else:
            key, sign, given = text.partition("=")
            if not (key and sign):
                raise argparse.ArgumentTypeError(f"{text!r:.80} is not allowed; KEY=VALUE is, as in war.conquest=0.2")
            pairs = {key: value(given)}
        if twice := [key for key in pairs if key in found]:
            raise argparse.ArgumentTypeError(f"{twice[0]!r:.80} is given twice")
        found |= pairs
    return found


class Mapped(Once):
    """Keeps the mapping that an option's words make."""

    def made(self, values: Any) -> dict[str, Any]:
        """The words as one mapping."""
        return mapping(values)


class Listed(Once):
    """Keeps the list that an option's words make: ``1 2 3``, or ``[1, 2, 3]``; each checked by ``each``."""

    def __init__(self, *, each: Callable[[str], Any], **keywords: Any) -> None:
        super().__init__(nargs="+", **keywords)
        self._each = each

    def made(self, values: Any) -> list[Any]:
        """The words as one list."""
        found = [each for text in values for each in (words(text) if text[:1] == "[" else [text])]
        return [self._each(str(each)) for each in found]


def settings(args: argparse.Namespace) -> dict[str, Any]:
    """What ``add_trust``, ``add_sizes`` and ``add_work`` added, by the names of the functions' arguments."""
    names = ("trust", "seeds", "worlds", "episodes", "out", "workers", "parquet", "fresh")
    return {name: getattr(args, name) for name in names}


#: Options that say where and how something is made, and not what.
_HOW: Final = {
    "--out": 1, "--workers": 1, "--on": 1, "--unit-cpus": 1, "--unit-gpus": 1, "--unit-memory": 1, "--json": 0,
    "--fresh": 0,
}  # fmt: skip


def command_line(name: str, args: argparse.Namespace) -> dict[str, Any]:
    """What made a report: the command and its options, for the report itself, and as it is typed."""
    beside = {*(option.lstrip("-").replace("-", "_") for option in _HOW), "argv"}
    given = {key: entry for key, entry in vars(args).items() if key not in beside}
    command = f"sd-env {name}"
    words = shlex.join([*command.split(), *_what(getattr(args, "argv", []))])
    return {
        "command": command,
        **{key: str(v) if isinstance(v, Path) else v for key, v in given.items()},
        "words": words,
    }


def _what(argv: Sequence[str]) -> list[str]:
    """The words of a command line without those of :data:`_HOW`."""
    found, skip = [], 0
    for word in argv:
        option, sign, _ = word.partition("=")
        if skip:
            skip -= 1
        elif option in _HOW:
            skip = 0 if sign else _HOW[option]
        else:
            found.append(word)
    return found


def noise(text: str) -> tuple[str, float]:
    """``kind=value``, the value a number."""
    kind, _, given = text.partition("=")
    if (found := _finite(given)) is None:
        raise argparse.ArgumentTypeError(f"{text!r:.80} is not allowed; KIND=NUMBER is, as in tremble=0.05")
    return kind, found


def add_searcher(parser: argparse.ArgumentParser) -> None:
    """``--searcher``: who learns responses."""
    parser.add_argument(
        "--searcher", type=_searcher, default="PPO", metavar="LEARNER", help="PPO, the default, SB3's, or FastPPO"
    )


def _searcher(text: str) -> str:
    """PPO or FastPPO."""
    if text not in (known := ("PPO", "FastPPO")):
        raise argparse.ArgumentTypeError(f"{text!r:.80} is no learner of responses: take {' or '.join(known)}")
    return text
