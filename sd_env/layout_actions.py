"""The action heads: one table, from which all that concerns actions follows.

An action is one choice for each head. A state has each *own* head once, and each head *toward others* once for each
other state. :class:`Head` has one row a head. From it follow the sizes of actions and masks, the no-op, what a scenario
may allow (``actions.NAME``, with its schema), the parameters ``allowed_NAME``, the fields of the records of states and
pairs that hold what was carried out, the masks and the replacement of illegal choices, names that people read,
and the heads of strategies, interventions and networks.

To add a head, add a row, and to the rules the one that reads its field: ``s[i].NAME`` of an own head, ``r[i, j].NAME``
of one toward others. To add a choice, add it to the head's enumeration.

The names are names of :mod:`sd_env.layout` too, which all others import.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Build(IntEnum):
    """Head ``build_offense`` and head ``build_defense``: how much of the turn's capacity goes into arms."""

    NONE = 0
    HALF = 1
    FULL = 2


class Signal(IntEnum):
    """Head ``signal``: what a state says in public."""

    SILENCE = 0
    REASSURE = 1
    THREATEN = 2


class Stance(IntEnum):
    """One head for each other state, in index order: the ladder from friend to foe."""

    ALIGN = 0
    NEUTRAL = 1
    MOBILIZE = 2
    ATTACK = 3


class Head(IntEnum):
    """The table: own heads first, then those toward others. A head's number is its place in an action.

    The heads toward one other state follow each other, state by state in index order, so that a head toward others
    recurs every ``len(OTHER_HEADS)`` entries: see ``entries``.

    Attributes:
        choices: the head's choices, numbered from 0.
        noop: the choice that does nothing: always legal, and what an illegal choice becomes in the end.
        meaning: what it decides, for scenarios and people.
        toward_others: whether there is one for each other state.
        below: of heads toward others: choice -> the rung of the escalation ladder below it. A choice with a rung below
            it is legal only for a state that climbed before (:func:`sd_env.rules.actions.may_attack`); if it is illegal
            it becomes that rung.
        usual: choices that a scenario allows unless it says otherwise; all of them, if left out.
    """

    BUILD_OFFENSE = Build, Build.NONE, "Effort that may go into offensive arms."
    BUILD_DEFENSE = Build, Build.NONE, "Effort that may go into defensive arms."
    SIGNAL = Signal, Signal.SILENCE, "What may be said."
    STANCE = Stance, Stance.NEUTRAL, "How a state may stand toward another.", True, {Stance.ATTACK: Stance.MOBILIZE}

    choices: type[IntEnum]
    noop: int
    meaning: str
    toward_others: bool
    below: Mapping[int, int]
    usual: tuple[IntEnum, ...]

    def __new__(
        cls,
        choices: type[IntEnum],
        noop: IntEnum,
        meaning: str,
        toward_others: bool = False,
        below: Mapping[Any, Any] | None = None,
        usual: tuple[IntEnum, ...] = (),
    ) -> Head:
        """A row of the table; its number is its place."""
        if below and not toward_others:
            raise ValueError("an own head has rungs; only heads toward others have a ladder of escalation")
        head = int.__new__(cls, len(cls.__members__))
        head._value_ = int(head)
        head.choices, head.noop, head.meaning, head.toward_others = choices, int(noop), meaning, toward_others
        head.below = {int(choice): int(rung) for choice, rung in (below or {}).items()}
        head.usual = usual or tuple(choices)
        return head

    @property
    def label(self) -> str:
        """The head's name wherever names are written: in scenarios, records, logs, orders and errors."""
        return self.name.lower()

    @property
    def labels(self) -> list[str]:
        """Names of its choices, in order."""
        return [choice.name.lower() for choice in self.choices]

    @property
    def entries(self) -> slice:
        """Its entries in an action: one, or one for each other state in index order."""
        return slice(int(self), None, len(OTHER_HEADS)) if self.toward_others else slice(int(self), int(self) + 1)

    def toward(self, slot: int) -> int:
        """The entry of a head toward others that is toward the state in ``slot`` of the list of others."""
        return int(self) + slot * len(OTHER_HEADS)

    @property
    def replacements(self) -> list[int]:
        """What each choice becomes if it is illegal: the rung below it, else the no-op. That may be illegal in turn."""
        return [self.below.get(choice, self.noop) for choice in range(len(self.choices))]

    def mask_entries(self, choice: int) -> slice:
        """The entries of a flat mask, or of flat logits, that belong to a choice: one, or one for each other state."""
        if self.toward_others:
            before = sum(OTHER_HEAD_SIZES[: self - len(OWN_HEADS)])
            return slice(sum(HEAD_SIZES) + before + choice, None, sum(OTHER_HEAD_SIZES))
        first = sum(HEAD_SIZES[:self]) + choice
        return slice(first, first + 1)


OWN_HEADS: Final = tuple(head for head in Head if not head.toward_others)
OTHER_HEADS: Final = tuple(head for head in Head if head.toward_others)
if tuple(Head) != OWN_HEADS + OTHER_HEADS:
    raise ValueError("Head has a head toward others before an own head; own heads come first")
#: Choices of each own head, and of each head toward one other state.
HEAD_SIZES: Final = tuple(len(head.choices) for head in OWN_HEADS)
OTHER_HEAD_SIZES: Final = tuple(len(head.choices) for head in OTHER_HEADS)
NUM_STANCES: Final = len(Stance)


def action_sizes(num_states: int) -> list[int]:
    """``nvec`` of the MultiDiscrete action space: ``[3, 3, 3] + [4] * (N - 1)``."""
    return [*HEAD_SIZES, *(OTHER_HEAD_SIZES * (num_states - 1))]


def mask_size(num_states: int) -> int:
    """Length of the flat action mask: ``sum(nvec)``."""
    return sum(action_sizes(num_states))


def num_states_of(flat_mask_size: int) -> int:
    """How many states a world has whose flat masks have ``flat_mask_size`` entries.

    Raises:
        ValueError: if no number of states has such masks.
    """
    own, other = sum(HEAD_SIZES), sum(OTHER_HEAD_SIZES)
    others, rest = divmod(flat_mask_size - own, other)
    if rest or others < 1:
        formula = f"mask_size(N) = {own} + {other} (N - 1)"
        raise ValueError(f"A mask of {flat_mask_size} entries fits no number of states: {formula}.")
    return others + 1


def noop(num_states: int) -> list[int]:
    """The action that does nothing: build none, stay silent, neutral toward all."""
    return [head.noop for head in heads_of(num_states)]


def heads_of(num_states: int) -> list[Head]:
    """The head of each entry of an action: own heads, then those toward each other state in index order."""
    return [*OWN_HEADS, *(OTHER_HEADS * (num_states - 1))]


def other_of(agent: int, slot: int) -> int:
    """The state in slot ``slot`` of ``agent``'s list of others (index order, itself left out)."""
    return slot if slot < agent else slot + 1


def slot_of_other(agent: Any, other: Any) -> Any:
    """Where ``other`` stands in ``agent``'s list of others: the inverse of :func:`other_of`; of arrays, too."""
    return other - (other > agent)


def head_names(agent: int, names: Sequence[str]) -> list[str]:
    """Names of the entries of state ``agent``'s action: ``build_offense``, ..., ``stance toward state_1``.

    Args:
        agent: index of the state.
        names: of all states.
    """
    others = [names[other_of(agent, slot)] for slot in range(len(names) - 1)]
    return [head.label for head in OWN_HEADS] + [f"{head.label} toward {j}" for j in others for head in OTHER_HEADS]


def carried_out(states: NDArray[Any], pairs: NDArray[Any]) -> NDArray[np.int64]:
    """Actions as the rules carried them out, illegal choices replaced: int64 ``(..., N, H)``.

    Args:
        states: records ``(..., N)`` after a turn.
        pairs: records ``(..., N, N)`` after it.
    """
    n = states.shape[-1]
    actions = np.empty((*states.shape, len(action_sizes(n))), np.int64)
    for head in OWN_HEADS:
        actions[..., int(head)] = states[head.label]
    for head in OTHER_HEADS:
        for i in range(n):
            actions[..., i, head.entries] = np.delete(pairs[head.label][..., i, :], i, axis=-1)
    return actions
