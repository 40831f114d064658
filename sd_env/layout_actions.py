"""The action heads: one table, from which all that concerns actions follows.

An action is one choice for each head. A state has each *own* head once, and each head *toward others* once for each
other state. :class:`Head` has one row a head. From it follow the sizes of actions and masks, the no-op, what a scenario
may allow (``actions.NAME``, with its schema), the parameters ``allowed_NAME``, the fields of the records of states and
pairs that hold what was carried out, the masks and the replacement of illegal choices, names that people read,
and the heads of strategies, interventions and networks.

Some heads are *graded*: a scenario says into how many steps they are divided. :class:`Heads` are the heads of one
scenario, with their sizes; those of a scenario that says nothing are the *standard* ones.

To add a head, add a row, and to the rules the one that reads its field: ``s[i].NAME`` of an own head, ``r[i, j].NAME``
of one toward others. To add a choice, add it to the head's enumeration.

The names are names of :mod:`sd_env.layout` too, which all others import.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Build(IntEnum):
    """Head ``build_offense`` and head ``build_defense``: how much of the turn's capacity goes into arms.

    With ``arming.levels`` other than 2 the choices are 0, 1 / levels, ..., 1 of it, and ``HALF`` is the word for all
    between none and full.
    """

    NONE = 0
    HALF = 1
    FULL = 2

    @staticmethod
    def shares(levels: int) -> list[Fraction]:
        """Share of the capacity that each choice is, by number."""
        return [Fraction(k, levels) for k in range(levels + 1)]

    @staticmethod
    def word(share: Fraction) -> Build:
        """The word for a share."""
        return {0: Build.NONE, 1: Build.FULL}.get(share, Build.HALF)  # type: ignore[call-overload, no-any-return]


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


class Extent(IntEnum):
    """How far a state goes against another where it mobilizes or attacks: wholly, or to a limited extent.

    The head is there with ``war.force_levels`` above 1. Its choices are then 1, ..., 1 / force_levels, from the whole
    down, and ``LIMITED`` is the word for all below the whole.
    """

    FULL = 0
    LIMITED = 1

    @staticmethod
    def shares(levels: int) -> list[Fraction]:
        """Extent that each choice is, by number."""
        return [Fraction(levels - k, levels) for k in range(levels)]

    @staticmethod
    def word(share: Fraction) -> Extent:
        """The word for an extent."""
        return Extent.FULL if share == 1 else Extent.LIMITED


class Head(IntEnum):
    """The table: own heads first, then those toward others. A head's number is its place in an action.

    The heads toward one other state follow each other, state by state in index order, so that a head toward others
    recurs every so many entries: see :meth:`Heads.entries`.

    Attributes:
        choices: the head's choices, numbered from 0; of a graded head words for them.
        noop: the choice that does nothing: always legal, and what an illegal choice becomes in the end.
        meaning: what it decides, for scenarios and people.
        toward_others: whether there is one for each other state.
        below: of heads toward others: choice -> the rung of the escalation ladder below it. A choice with a rung below
            it is legal only for a state that climbed before (:func:`sd_env.rules.actions.may_attack`); if it is illegal
            it becomes that rung.
        usual: choices that a scenario allows unless it says otherwise; all of them, if left out.
        graded: the parameter that says into how many steps the head is divided; "" if its choices are what they are.
    """

    BUILD_OFFENSE = Build, Build.NONE, "Effort that may go into offensive arms.", False, None, (), "levels"
    BUILD_DEFENSE = Build, Build.NONE, "Effort that may go into defensive arms.", False, None, (), "levels"
    SIGNAL = Signal, Signal.SILENCE, "What may be said."
    STANCE = Stance, Stance.NEUTRAL, "How a state may stand toward another.", True, {Stance.ATTACK: Stance.MOBILIZE}
    EXTENT = Extent, Extent.FULL, "How far a state may mobilize or attack.", True, None, (), "force_levels"

    choices: type[IntEnum]
    noop: int
    meaning: str
    toward_others: bool
    below: Mapping[int, int]
    usual: tuple[IntEnum, ...]
    graded: str

    def __new__(
        cls,
        choices: type[IntEnum],
        noop: IntEnum,
        meaning: str,
        toward_others: bool = False,
        below: Mapping[Any, Any] | None = None,
        usual: tuple[IntEnum, ...] = (),
        graded: str = "",
    ) -> Head:
        """A row of the table; its number is its place."""
        if below and not toward_others:
            raise ValueError("an own head has rungs; only heads toward others have a ladder of escalation")
        head = int.__new__(cls, len(cls.__members__))
        head._value_ = int(head)
        head.choices, head.noop, head.meaning, head.toward_others = choices, int(noop), meaning, toward_others
        head.below = {int(choice): int(rung) for choice, rung in (below or {}).items()}
        head.usual, head.graded = usual or tuple(choices), graded
        return head

    @property
    def label(self) -> str:
        """The head's name wherever names are written: in scenarios, records, logs, orders and errors."""
        return self.name.lower()

    @property
    def labels(self) -> list[str]:
        """Names of its choices, in order; of a graded head the words for them."""
        return [choice.name.lower() for choice in self.choices]

    @property
    def replacements(self) -> list[int]:
        """What each choice becomes if it is illegal: the rung below it, else the no-op. That may be illegal in turn."""
        return [self.below.get(choice, self.noop) for choice in range(len(self.choices))]


OWN_HEADS: Final = tuple(head for head in Head if not head.toward_others)
#: All heads toward others, whether a scenario has them or not.
OTHER_HEADS: Final = tuple(head for head in Head if head.toward_others)
if tuple(Head) != OWN_HEADS + OTHER_HEADS:
    raise ValueError("Head has a head toward others before an own head; own heads come first")


@dataclass(frozen=True)
class Heads:
    """The heads of a scenario: :class:`Head` with the sizes that it gives them. A head of one choice is left out.

    Attributes:
        num_states: N.
        levels: into how many steps building is divided, ``arming.levels``.
        force_levels: into how many steps mobilization and war are, ``war.force_levels``.
    """

    num_states: int
    levels: int = 2
    force_levels: int = 1

    @classmethod
    def of(cls, sizes: Sequence[int] | NDArray[Any], columns: int) -> Heads:
        """The heads whose choices are ``sizes``, in a game whose observations have ``columns`` columns.

        Sizes alone leave a doubt: one head toward each of 2 M states, or two of one size toward each of M.

        Raises:
            ValueError: if no scenario has such heads.
        """
        from sd_env.layout import MAX_STATES, MIN_STATES, parts_of_size

        sizes, own = [int(size) for size in sizes], len(OWN_HEADS)
        for num_states in range(MIN_STATES, MAX_STATES + 1):
            toward_first = sizes[own:][: (len(sizes) - own) // (num_states - 1)]
            for force_levels in {1, *toward_first[-1:]}:
                heads = cls(num_states, sizes[0] - 1, force_levels)
                if heads.sizes == sizes and columns in parts_of_size(num_states, heads.limits_force):
                    return heads
        raise ValueError(f"No scenario has actions of sizes {sizes} and observations of {columns} columns.")

    @property
    def standard(self) -> bool:
        """Whether they are those of a scenario that says nothing of levels."""
        return self == standard_heads(self.num_states)

    @property
    def limits_force(self) -> bool:
        """Whether states choose how far to mobilize and to attack."""
        return self.force_levels > 1

    def shares(self, head: Head) -> list[Fraction]:
        """Of a graded head: what share of the whole each choice is, by number."""
        shares: list[Fraction] = head.choices.shares(getattr(self, head.graded))  # type: ignore[attr-defined]
        return shares

    @cached_property
    def _size(self) -> dict[Head, int]:
        return {head: len(self.shares(head)) if head.graded else len(head.choices) for head in Head}

    def size(self, head: Head) -> int:
        """How many choices a head has here."""
        return self._size[head]

    def labels(self, head: Head) -> list[str]:
        """Names of a head's choices, in order: ``none``, ``1/4``, ``half``, ``3/4``, ``full``."""
        names = {Fraction(0): "none", Fraction(1, 2): "half", Fraction(1): "full"}
        return [names.get(share, str(share)) for share in self.shares(head)] if head.graded else head.labels

    def allowed(self, head: Head, words: Sequence[str]) -> int:
        """The bit mask of the choices that a scenario's list of words allows (bit k = choice k)."""
        if not head.graded:
            return sum(1 << head.labels.index(word) for word in words)
        named = [head.choices.word(share).name.lower() for share in self.shares(head)]  # type: ignore[attr-defined]
        return sum(1 << choice for choice, word in enumerate(named) if word in words)

    def standing_for(self, head: Head) -> list[int]:
        """Of each of the head's standard choices the one here that comes nearest, the lower of two as near."""
        if not head.graded:
            return list(range(len(head.choices)))
        standard, here = standard_heads(self.num_states).shares(head), self.shares(head)
        return [min(range(len(here)), key=lambda k: (abs(here[k] - share), here[k])) for share in standard]

    def from_standard(self, actions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Actions of standard heads ``(..., H)`` as actions of these: what states all of it goes on to the whole."""
        standard = standard_heads(self.num_states)
        found = np.empty((*actions.shape[:-1], len(self.kinds)), np.int64)
        for head in self.all:
            given = actions[..., standard.entries(head)] if head in standard.all else head.noop
            found[..., self.entries(head)] = np.array(self.standing_for(head))[given]
        return found

    @cached_property
    def toward_others(self) -> tuple[Head, ...]:
        """The heads toward each other state."""
        return tuple(head for head in OTHER_HEADS if self.size(head) > 1)

    @cached_property
    def all(self) -> tuple[Head, ...]:
        """Every head once: own heads, then those toward others."""
        return OWN_HEADS + self.toward_others

    @property
    def own_sizes(self) -> list[int]:
        """Choices of each own head."""
        return [self.size(head) for head in OWN_HEADS]

    @property
    def other_sizes(self) -> list[int]:
        """Choices of each head toward one other state."""
        return [self.size(head) for head in self.toward_others]

    @property
    def kinds(self) -> list[Head]:
        """The head of each entry of an action: own heads, then those toward each other state in index order."""
        return [*OWN_HEADS, *(self.toward_others * (self.num_states - 1))]

    @property
    def sizes(self) -> list[int]:
        """``nvec`` of the MultiDiscrete action space: ``[3, 3, 3] + [4] * (N - 1)`` where they are standard."""
        return [self.size(head) for head in self.kinds]

    @property
    def mask_size(self) -> int:
        """Length of the flat action mask: ``sum(nvec)``."""
        return sum(self.sizes)

    @property
    def noop(self) -> list[int]:
        """The action that does nothing: build none, stay silent, neutral toward all."""
        return [head.noop for head in self.kinds]

    def entries(self, head: Head) -> slice:
        """A head's entries in an action: one, or one for each other state in index order."""
        if head.toward_others:
            return slice(self.all.index(head), None, len(self.toward_others))
        return slice(int(head), int(head) + 1)

    def toward(self, head: Head, slot: int) -> int:
        """The entry of a head toward others that is toward the state in ``slot`` of the list of others."""
        return self.all.index(head) + slot * len(self.toward_others)

    def mask_entries(self, head: Head, choice: int) -> slice:
        """The entries of a flat mask, or of flat logits, that belong to a choice: one, or one for each other state."""
        first = sum(self.size(each) for each in self.all[: self.all.index(head)]) + choice
        return slice(first, None, sum(self.other_sizes)) if head.toward_others else slice(first, first + 1)

    def names(self, agent: int, names: Sequence[str]) -> list[str]:
        """Names of the entries of state ``agent``'s action: ``build_offense``, ..., ``stance toward state_1``.

        Args:
            agent: index of the state.
            names: of all states.
        """
        toward = [names[other_of(agent, slot)] for slot in range(self.num_states - 1)]
        others = [f"{head.label} toward {j}" for j in toward for head in self.toward_others]
        return [head.label for head in OWN_HEADS] + others

    def carried_out(self, states: NDArray[Any], pairs: NDArray[Any]) -> NDArray[np.int64]:
        """Actions as the rules carried them out, illegal choices replaced: int64 ``(..., N, H)``.

        Args:
            states: records ``(..., N)`` after a turn.
            pairs: records ``(..., N, N)`` after it.
        """
        actions = np.empty((*states.shape, len(self.kinds)), np.int64)
        for head in OWN_HEADS:
            actions[..., int(head)] = states[head.label]
        for head in self.toward_others:
            for i in range(self.num_states):
                actions[..., i, self.entries(head)] = np.delete(pairs[head.label][..., i, :], i, axis=-1)
        return actions


if Heads(2).toward_others != OTHER_HEADS[: len(Heads(2).toward_others)]:
    raise ValueError("Head has a head that not all scenarios have before one that all have; such heads come last")


# --- the standard heads ----------------------------------------------------------------------------------------------


@cache
def standard_heads(num_states: int) -> Heads:
    """The heads of a scenario that says nothing of levels."""
    return Heads(num_states)


def action_sizes(num_states: int) -> list[int]:
    """``nvec`` of the standard heads: ``[3, 3, 3] + [4] * (N - 1)``."""
    return standard_heads(num_states).sizes


def mask_size(num_states: int) -> int:
    """Length of a flat mask of the standard heads: ``sum(nvec)``."""
    return standard_heads(num_states).mask_size


def num_states_of(flat_mask_size: int) -> int:
    """How many states a world has whose flat masks, of standard heads, have ``flat_mask_size`` entries.

    Raises:
        ValueError: if no number of states has such masks.
    """
    own, other = sum(standard_heads(2).own_sizes), sum(standard_heads(2).other_sizes)
    others, rest = divmod(flat_mask_size - own, other)
    if rest or others < 1:
        formula = f"mask_size(N) = {own} + {other} (N - 1)"
        raise ValueError(f"A mask of {flat_mask_size} entries fits no number of states: {formula}.")
    return others + 1


def noop(num_states: int) -> list[int]:
    """The standard action that does nothing: build none, stay silent, neutral toward all."""
    return standard_heads(num_states).noop


# --- slots ------------------------------------------------------------------------------------------------------------


def other_of(agent: int, slot: int) -> int:
    """The state in slot ``slot`` of ``agent``'s list of others (index order, itself left out)."""
    return slot if slot < agent else slot + 1


def slot_of_other(agent: Any, other: Any) -> Any:
    """Where ``other`` stands in ``agent``'s list of others: the inverse of :func:`other_of`; of arrays, too."""
    return other - (other > agent)
