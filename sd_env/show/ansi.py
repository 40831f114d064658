"""A world as plain text: who holds what, who says what, who stands how to whom, and what just happened."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from sd_env.errors import printable
from sd_env.layout import Signal, Stance

if TYPE_CHECKING:
    from sd_env.events import Event
    from sd_env.worlds import Worlds

_BAR = 10


def ansi(worlds: Worlds, names: Sequence[str], title: str = "", events: Iterable[Event] = (), b: int = 0) -> str:
    """World ``b`` for a spectator, true types and arms included: some lines of text without control codes.

    ``names``: of the N states. ``title``: opens the first line. ``events``: of the last turn, one line each.
    """
    world, states, pairs = worlds.worlds[b], worlds.states[b], worlds.pairs[b]
    horizon, advantage = int(worlds.params["horizon"][b]), float(world["offense_advantage"])
    width = max(len(name) for name in names) + 1
    opening = f"{printable(title)}: " if title else ""
    lines = [f"{opening}turn {world['turn']} of {horizon}, offence advantage {advantage:.2f}"]
    lines.append(f"{'':{width}} {'homeland':{_BAR + 5}} holdings offence defence record signal")
    for i, name in enumerate(names):
        state = states[i]
        if not state["standing"]:
            lines.append(f"{name:{width}} fallen")
            continue
        bar = ("#" * round(_BAR * min(float(state["homeland"]), 1.0))).ljust(_BAR, ".")
        kind = "security seeker" if state["greed"] == 0 else f"greedy {state['greed']:.1f}"
        signal = Signal(int(state["signal"])).name.lower()
        lines.append(
            f"{name:{width}} {bar} {state['homeland']:4.2f} {state['holdings']:8.2f} {state['offense']:7.2f} "
            f"{state['defense']:7.2f} {state['reliability']:6.2f} {signal} ({kind})"
        )
    column = max(width, 9 if worlds.params["force_levels"][b] == 1 else 12)
    lines.append(f"{'toward':{width}} " + " ".join(f"{name:>{column}}" for name in names))
    for i, name in enumerate(names):
        cells = [_relation(pairs[i, j]) if i != j else "" for j in range(len(names))]
        lines.append(f"{name:{width}} " + " ".join(f"{cell:>{column}}" for cell in cells))
    lines += [f"- {event.sentence}" for event in events]
    return "\n".join(lines)


def _relation(pair: object) -> str:
    stance = Stance(int(pair["stance"]))  # type: ignore[index]
    if stance is Stance.ALIGN and pair["allied"]:  # type: ignore[index]
        return "allied"
    degree = float(pair["degree"])  # type: ignore[index]
    return stance.name.lower() + (f" {degree:.0%}" if 0 < degree < 1 else "")
