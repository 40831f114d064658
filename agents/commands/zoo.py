"""``sd-env zoo``: the trained policies that come with the package, and the card of each."""

from __future__ import annotations

import argparse
import json
import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agents.zoo.cards import Card

HELP = "list the certified policies that come with the package, or show the card of one"
_WIDTH = 100
_INDENT = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="show the card of this one")
    parser.add_argument("--json", action="store_true", help="print cards as JSON")


def run(args: argparse.Namespace) -> int:
    """Print them."""
    from agents import zoo
    from sd_env.errors import printable

    cards = [zoo.card(name) for name in ([args.name] if args.name is not None else zoo.names())]
    if args.json:
        plain = [card.model_dump(mode="json") for card in cards]
        print(json.dumps(plain if args.name is None else plain[0], indent=1))
    elif args.name is not None:
        for line in _whole(cards[0]):
            print(printable(line))
    else:
        told = ["\n".join(map(printable, _entry(card))) for card in cards]
        print("\n\n".join(told) if told else "No policy is in the zoo yet.")
    return 0


def _entry(card: Card) -> Iterator[str]:
    """A policy in a few lines: its name, what its types earn, what gains against them, and what it does."""
    yield f"{card.name}   {card.scenario}, {card.bundle.bytes / 1000:,.0f} kB"
    for kind in card.played.returns:
        yield f"{'':{_INDENT}}{kind:<18}return {card.returned(kind)}   gap {card.gap(kind)}"
    yield from _filled("", " ".join(card.words))


def _whole(card: Card) -> Iterator[str]:
    """All of a card but its digests."""
    training, played, certificate = card.training, card.played, card.certificate
    yield card.name
    yield ""
    yield from textwrap.wrap(card.made(), _WIDTH)
    yield from textwrap.wrap(" ".join(card.words), _WIDTH)
    yield ""
    yield f"returns, mean ± standard error over {played.worlds} worlds of seed {played.seed}"
    for kind, found in played.returns.items():
        yield f"{'':{_INDENT}}{kind:<18}{card.returned(kind)} ({found.states} states)"
    yield f"gaps, at most {certificate.allowed:.0%} of the return is allowed, measured in {certificate.worlds} worlds"
    for gap in certificate.gaps:
        by = f" by {gap.response}" if gap.response else ", nothing gained"
        text = (
            f"{gap.state}, {gap.type}: {gap.gain:.2%} [{gap.low:.2%}, {gap.high:.2%}]{by}; {gap.verdict}, "
            f"{gap.failed} of {gap.searches} searches failed"
        )
        yield from _filled("", text)
    tried = (
        f"tried: learned responses, {certificate.scratch} from scratch and {certificate.warm} from the policy, each of "
        f"{certificate.steps:,} turns by {certificate.searcher}; {certificate.scripts} scripts"
    )
    yield from textwrap.wrap(tried, _WIDTH, subsequent_indent=" " * _INDENT)
    if training.members:
        yield "members, with their shares among security seekers and greedy states"
        for member in training.members:
            yield from _filled("", f"{member.seekers:6.1%} {member.greedy:6.1%}  {member.name}")
    start = f", start {training.start}" if training.start else ""
    yield from _filled("trained", f"{training.command or training.config}, seed {training.seed}{start}", 10)
    versions = ", ".join(f"{name} {version}" for name, version in card.versions.items())
    yield from _filled("versions", versions, 10)
    yield from _filled("machine", card.machine, 10)
    yield from _filled("size", f"{card.bundle.bytes:,} bytes", 10)


def _filled(head: str, text: str, indent: int = _INDENT) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=f"{head:<{indent}}", subsequent_indent=" " * indent)
