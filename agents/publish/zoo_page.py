"""The page of the zoo, docs/zoo.md: every policy with its figures and what it does, from the cards."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from agents import zoo
from agents.evaluation.certify import ALLOWED, GREEDY, SEEKERS
from agents.files import write_text
from agents.zoo.cards import Card

PAGE: Final = Path("docs/zoo.md")
_HEAD: Final = """# The zoo

Trained policies that come with the package, by name: what learned to play a world of the catalogue, and against which
nothing that was tried gains more than {allowed:.0%} of a type's return ([certificates](evaluation.md#certify)). Each is
a [bundle](bundles.md), with a card that says how it was trained, what it earns, what was tried and what it does. The
words are made of measured rates, and the tests play the figures again. `sd-env zoo` and `agents.zoo.names()` list them;
`agents.names()` are the [strategies](strategies.md) alone.

This page is written by `python -m agents.publish.zoo`, which takes the folder of a finished run (`RUN`) and puts in
whose own certificate holds; of all other jobs it says why not.
"""
_USE: Final = """## Use one

```python
import agents
import sd_env

policy = agents.make("{name}")
env = sd_env.solo_env("{scenario}", others=policy)  # be the other state
print(agents.zoo.names())
print(agents.describe("{name}").behaviour)
```

Its name does wherever a policy is named, with the parameters of a bundle; policies of one world that differ in their
seeds alone count as one.

```bash
sd-env zoo {name}
sd-env evaluate {name} tit-for-tat --scenario {scenario}
sd-env play {scenario} --against {name}:deterministic=true
```
"""
_EMPTY: Final = "No policy is in it yet.\n"
_NOTES: Final = """\
S: security seekers, G: greedy states. Return: of a state of the type over an episode, mean ± standard error over
worlds, all seats played by the policy. Gap: what the best deviator found gains, as a share of the type's return,
largest over seats, and in brackets the upper end of its 95% interval, which is of the luck of the worlds: of one policy
and not of a training. Members: networks of the [mixture](training.md), of which a state draws one for each episode.

The draws of a policy follow from its seed on one kind of processor and version of torch. On another, now and then one
falls otherwise, and a figure differs by less than its error.
"""


def page(cards: Sequence[Card]) -> str:
    """The page of these policies."""
    head = _HEAD.format(allowed=ALLOWED)
    if not cards:
        return f"{head}\n{_EMPTY}"
    use = _USE.format(name=cards[0].name, scenario=cards[0].scenario)
    table = "\n".join(_table(cards))
    return "\n".join([head, use, "## All of them\n", table, "", _NOTES, *_told(cards)]).rstrip("\n") + "\n"


def _table(cards: Sequence[Card]) -> Iterator[str]:
    yield "| policy | world | return of S | return of G | gap S | gap G | members | kB |"
    yield "|---|---|---|---|---|---|---|---|"
    for card in cards:
        cells = [
            f"`{card.name}`",
            f"`{card.scenario}`",
            *(card.returned(kind) for kind in (SEEKERS, GREEDY)),
            *(card.gap(kind) for kind in (SEEKERS, GREEDY)),
            str(len(card.training.members) or 1),
            f"{card.bundle.bytes / 1000:,.0f}",
        ]
        yield f"| {' | '.join(cells)} |"


def _told(cards: Sequence[Card]) -> Iterator[str]:
    yield "## What each does\n"
    for card in cards:
        yield f"### {card.name.removeprefix(zoo.PREFIX)}\n"
        for text in (card.made(), " ".join(card.words)):
            yield f"{textwrap.fill(text, 120, break_on_hyphens=False)}\n"


def write(path: Path = PAGE) -> None:
    """Write the page of what is in the zoo; PolicyError for a card that cannot be read."""
    write_text(path, page([zoo.card(name) for name in zoo.names()]))
