"""Interventions (Pearl's do): what is done to a game from outside, whatever its policies choose.

:class:`Interventions` bind actions of states throughout. They say what would happen if a state always threatened, never
signalled, or built nothing: they hold in training, where the others learn to live with it, and in evaluation alike.
Those of one turn, for replays, are in :mod:`agents.table.replays`. The game itself has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from sd_env.errors import RefusedError
from sd_env.layout import Head, Heads, slot_of_other, standard_heads

if TYPE_CHECKING:
    from sd_env.worlds import Worlds

#: State, or ``all`` -> part of the action -> choice, as ``{"defender": {"signal": "threaten"}}``.
InterventionsLike: TypeAlias = "Mapping[str, Mapping[str, str]]"

ALL: Final = "all"


class InterventionError(RefusedError):
    """Interventions for a state, a part of the action or a choice that there is not: one sentence."""


class Intervention:
    """One kind of intervention in what is played: it does nothing, but where a subclass says otherwise.

    Turns count from 1, the first of an episode.
    """

    def change(self, worlds: Worlds, turn: int) -> bool:
        """Change arms (``offense`` and ``defense`` of ``worlds.states``) before a turn; whether any were changed."""
        return False

    def show(self, observations: np.ndarray, turn: int) -> None:
        """Change what the policies see before a turn, in ``observations`` float32 ``(B, N, D)`` itself."""

    def bind(self, actions: np.ndarray, turn: int) -> None:
        """Put actions of a turn in place of what was chosen, in ``actions`` int64 ``(B, N, H)`` itself."""


class Interventions(Intervention):
    """Entries of all states' joint action that are not theirs to choose.

    Args:
        interventions: state (or ``all``) -> part (a head of :class:`sd_env.layout.Head`: ``signal``, ``stance`` toward
            everybody, or ``stance.NAME`` toward one state) -> choice, by the names of :mod:`sd_env.layout` in lower
            case. A state's own interventions win over those of ``all``, and ``stance.NAME`` over ``stance``.
        agents: names of the states, in index order.
        heads: of the scenario; default the standard ones.

    Raises:
        InterventionError: for a state, part or choice that there is not.
    """

    def __init__(self, interventions: InterventionsLike, agents: tuple[str, ...], heads: Heads | None = None) -> None:
        heads = heads or standard_heads(len(agents))
        self._entries: dict[tuple[int, int], int] = {}
        for whose in sorted(interventions, key=lambda name: name != ALL):  # all first: a state's own overwrite
            if whose not in (ALL, *agents):
                raise InterventionError(
                    f"interventions has {whose!r}, which is no state; allowed are {ALL}, {', '.join(agents)}."
                )
            for state in range(len(agents)) if whose == ALL else [agents.index(whose)]:
                for part in sorted(interventions[whose]):  # stance before stance.NAME
                    for entry in entries_of(whose, part, state, agents, heads):
                        choice = choice_of(whose, part, interventions[whose][part], heads)
                        self._entries[state, entry] = choice

    def bind(self, actions: np.ndarray, turn: int) -> None:
        """As :meth:`apply`, on every turn."""
        self.apply(actions)

    def apply(self, actions: np.ndarray) -> None:
        """Put the interventions in place of what was chosen, in ``actions`` int ``(B, N, H)`` itself."""
        for (state, entry), choice in self._entries.items():
            actions[:, state, entry] = choice


def entries_of(whose: str, part: str, state: int, agents: tuple[str, ...], heads: Heads) -> list[int]:
    """Entries of a state's action that ``part`` names."""
    label, _, toward = part.partition(".")
    here = {each.label: each for each in heads.all}
    head = here.get(label)
    if head is None or (toward and (not head.toward_others or toward not in agents or toward == whose)):
        parts, of_others = ", ".join(here), ", ".join(f"{each.label}.NAME" for each in heads.toward_others)
        raise InterventionError(
            f"interventions.{whose} has {part!r}; allowed are {parts} and {of_others} of another state."
        )
    if not head.toward_others:
        return [int(head)]
    others = [j for j in range(len(agents)) if j != state and (not toward or agents[j] == toward)]
    return [heads.toward(head, slot_of_other(state, j)) for j in others]


def choice_of(whose: str, part: str, choice: str, heads: Heads) -> int:
    """The number of a choice of ``part``."""
    labels = heads.labels(Head[part.partition(".")[0].upper()])
    if str(choice).lower() not in labels:
        raise InterventionError(f"interventions.{whose}.{part} is {choice!r}; allowed are {', '.join(labels)}.")
    return labels.index(choice.lower())
