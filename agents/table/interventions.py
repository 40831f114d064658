"""Interventions (Pearl's do): actions that states are bound to, whatever their policies choose.

They say what would happen if a state always threatened, never signalled, or built nothing: they hold in training,
where the others learn to live with it, and in evaluation alike. The game itself has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Final, TypeAlias

import numpy as np

from sd_env.layout import Build, Head, Signal, Stance

#: State, or ``all`` -> part of the action -> choice, as ``{"defender": {"signal": "threaten"}}``.
InterventionsLike: TypeAlias = "Mapping[str, Mapping[str, str]]"

ALL: Final = "all"
_CHOICES: Final[dict[str, type[IntEnum]]] = {
    "build_offense": Build,
    "build_defense": Build,
    "signal": Signal,
    "stance": Stance,
}


class InterventionError(ValueError):
    """Interventions for a state, a part of the action or a choice that there is not: one sentence."""


class Interventions:
    """Entries of all states' joint action that are not theirs to choose.

    Args:
        interventions: state (or ``all``) -> part (``build_offense``, ``build_defense``, ``signal``, ``stance`` toward
            everybody, or ``stance.NAME`` toward one state) -> choice, by the names of :mod:`sd_env.layout` in lower
            case. A state's own interventions win over those of ``all``, and ``stance.NAME`` over ``stance``.
        agents: names of the states, in index order.

    Raises:
        InterventionError: for a state, part or choice that there is not.
    """

    def __init__(self, interventions: InterventionsLike, agents: tuple[str, ...]) -> None:
        self._entries: dict[tuple[int, int], int] = {}
        for whose in sorted(interventions, key=lambda name: name != ALL):  # all first: a state's own overwrite
            if whose not in (ALL, *agents):
                raise InterventionError(
                    f"interventions has {whose!r}, which is no state; allowed are {ALL}, {', '.join(agents)}."
                )
            for state in range(len(agents)) if whose == ALL else [agents.index(whose)]:
                for part in sorted(interventions[whose]):  # stance before stance.NAME
                    for head in _heads(whose, part, state, agents):
                        self._entries[state, head] = _choice(whose, part, interventions[whose][part])

    def apply(self, actions: np.ndarray) -> None:
        """Put the interventions in place of what was chosen, in ``actions`` int ``(B, N, H)`` itself."""
        for (state, head), choice in self._entries.items():
            actions[:, state, head] = choice


def _heads(whose: str, part: str, state: int, agents: tuple[str, ...]) -> list[int]:
    """Heads of a state's action that ``part`` names."""
    head, _, toward = part.partition(".")
    if head not in _CHOICES or (toward and (head != "stance" or toward not in agents or toward == whose)):
        parts = ", ".join(_CHOICES)
        raise InterventionError(
            f"interventions.{whose} has {part!r}; allowed are {parts} and stance.NAME of another state."
        )
    if head != "stance":
        return [int(Head[head.upper()])]
    others = [j for j in range(len(agents)) if j != state and (not toward or agents[j] == toward)]
    return [Head.STANCE + j - (j > state) for j in others]


def _choice(whose: str, part: str, choice: str) -> int:
    choices = _CHOICES[part.partition(".")[0]]
    if str(choice).upper() not in choices.__members__:
        names = ", ".join(each.name.lower() for each in choices)
        raise InterventionError(f"interventions.{whose}.{part} is {choice!r}; allowed are {names}.")
    return int(choices[choice.upper()])
