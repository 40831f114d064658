"""``sd-env strategies``: the strategies that there are, what they do and what they declare."""

from __future__ import annotations

import argparse
import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agents.policies.registry import Description

HELP = "list the strategies with their traits, or tell all about one"
_WIDTH = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="tell all about this one")
    parser.add_argument(
        "--search",
        action="append",
        default=[],
        metavar="TRAIT=VALUE",
        help="only those with this trait: first_strikes=false, memory=0, memory=episode; may be given again",
    )


def run(args: argparse.Namespace) -> int:
    """Print them."""
    from agents.policies import registry
    from sd_env.policies import PolicyError

    if args.name is not None:
        if args.search:
            raise PolicyError("Give either the name of a strategy or --search, not both.")
        print(_whole(registry.describe(args.name)))
        return 0
    wanted = dict(_condition(text) for text in args.search)
    names = registry.search(**wanted) if wanted else registry.names()
    print("\n\n".join(_entry(name) for name in names) if names else "No strategy has these traits.")
    return 0


def _condition(text: str) -> tuple[str, bool | int]:
    """The trait and the value of ``trait=value``."""
    from agents.policies.traits import WHOLE_EPISODE
    from sd_env.policies import PolicyError

    trait, _, value = text.partition("=")
    words: dict[str, bool | int] = {"true": True, "false": False, "episode": WHOLE_EPISODE}
    if value in words:
        return trait, words[value]
    if not (value.isascii() and value.isdecimal() and len(value) < 20):
        raise PolicyError(
            f"--search {text!r:.80} is not allowed; TRAIT=VALUE is, with true, false, a number or episode."
        )
    return trait, int(value)


def _entry(name: str) -> str:
    """Two lines about a strategy: its name, what it does, and what it declares; or why it cannot be loaded."""
    from agents.policies import registry
    from sd_env.policies import PolicyError

    try:
        described = registry.describe(name)
    except PolicyError as error:
        return _fill(name, str(error))
    lines = _fill(name, described.summary.replace("``", ""))
    return f"{lines}\n{_fill('', _traits(described))}"


def _fill(head: str, text: str) -> str:
    return textwrap.fill(text, _WIDTH, initial_indent=f"{head:<22}", subsequent_indent=" " * 22)


def _traits(described: Description) -> str:
    traits = described.traits
    return f"[{traits.words() or 'none of the traits'}]" if traits is not None else "[declares no traits]"


def _whole(described: Description) -> str:
    """All that is known of a strategy."""
    paragraphs = [
        textwrap.fill(" ".join(part.replace("``", "").split()), _WIDTH) for part in described.behaviour.split("\n\n")
    ]
    lines = [described.name, "", "\n\n".join(paragraphs), "", f"traits      {_traits(described)}"]
    if described.citation:
        lines.append(
            textwrap.fill(described.citation, _WIDTH, initial_indent="source      ", subsequent_indent=" " * 12)
        )
    lines.append(f"package     {described.source}")
    for position, parameter in enumerate(described.parameters):
        default = f"={parameter.default}" if parameter.default else ""
        head = "parameters  " if position == 0 else " " * 12
        lines.append(f"{head}{parameter.name}{default}{': ' if parameter.meaning else ''}{parameter.meaning}")
    return "\n".join(lines)
