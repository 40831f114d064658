"""What one state sees, in plain English: its observation and its mask, and nothing else.

It is the view of people at the game (:mod:`agents.play.view`) written out, with every number of the observation that is
not 0 below it, so that nothing which a network would see is kept from a reader.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from agents.play.view import Eyes
from sd_env import layout
from sd_env.errors import printable
from sd_env.layout import Heads

#: The share of the episode that is over: turn and horizon say it.
_TOLD: frozenset[str] = frozenset({"own.step"})


def observation_text(
    observation: np.ndarray,
    mask: np.ndarray,
    heads: Heads,
    *,
    names: Sequence[str],
    seat: int = 0,
    before: np.ndarray | None = None,
) -> str:
    """What a state sees, as lines of English.

    Args:
        observation: float32 ``(D,)``, of the state.
        mask: int8 ``(M,)``, its legal choices.
        heads: of the game.
        names: of all states, as people write them, in index order.
        seat: index of the state.
        before: its observation of the turn before, for what has changed; None at the start.

    Raises:
        ValueError: for an observation of another game than ``heads``.
    """
    eyes = eyes_of(observation, heads, names, seat)
    return "\n".join(lines_of(eyes.view(observation, mask, before), eyes.blocks(observation)))


def eyes_of(observation: np.ndarray, heads: Heads, names: Sequence[str], seat: int) -> Eyes:
    """Who reads observations ``(..., D)`` of a state; arguments as for :func:`observation_text`."""
    parts = layout.observation_parts(observation.shape[-1], heads.num_states, heads.limits_force)
    return Eyes(heads, parts, seat, [printable(name) for name in names])


def lines_of(view: Mapping[str, Any], blocks: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    """The lines of a view and of the numbers that it is made from."""
    you, others = view["you"], view["others"]
    yield f"Turn {view['turn'] + 1} of {view['horizon']}. You are {view['name']}."
    yield view["wants"]
    if not view["standing"]:
        yield "You have fallen and choose no more."
    yield from ["", "Rules of this world, known to all:", *(f"- {fact}" for fact in view["facts"])] * bool(
        view["facts"]
    )
    yield ""
    yield (
        f"You: homeland {you['homeland']:.2f}, foreign land {you['holdings']:.2f}, swords (offensive arms) "
        f"{you['offense']:.2f}, shields (defensive arms) {you['defense']:.2f}."
    )
    yield from view["promises"]
    for j in others:
        if not j["standing"]:
            yield f"{j['name']} has fallen."
            continue
        belief = f"; you take it for a security seeker with {j['belief']:.0%}" if "belief" in j else ""
        yield (
            f"{j['name']}: homeland {j['homeland']:.2f}, foreign land {j['holdings']:.2f}, swords about "
            f"{j['offense_estimate']:.2f}, shields about {j['defense_estimate']:.2f}. If it attacked you now it would "
            f"win with {j['their_success']:.0%}, you against it with {j['our_success']:.0%}{belief}."
        )
        yield from [f"  {'; '.join(j['ties'])}."] * bool(j["ties"])
    if view["news"]:
        yield from ["", "On the last turn:", *(f"- {news}" for news in view["news"])]
    yield from ["", "All that you see, in numbers (what is not listed is 0):"]
    for block, columns in blocks.items():
        name = {"own": view["name"], "context": "the world"}.get(block) or others[int(block.removeprefix("other"))][
            "name"
        ]
        shown = [f"{key} {value:g}" for key, value in columns.items() if value and f"{block}.{key}" not in _TOLD]
        yield f"- {name}: {', '.join(shown) or 'nothing'}"


def choices_lines(view: Mapping[str, Any]) -> Iterator[str]:
    """What may be chosen on this turn, what each choice does, and why others may not be."""
    for head in view["heads"]:
        if len(legal := [choice for choice in head["choices"] if choice["legal"]]) < 2:
            continue
        where = f"{head['head']} toward {head['toward']}" if head["toward"] else head["head"]
        yield f"{where}: {head['asks']} {head['about']}"
        yield from (f'  "{choice["word"]}": {choice["means"]}' for choice in legal)
        yield from (f"  (not {c['word']}: {c['why']})" for c in head["choices"] if not c["legal"])
