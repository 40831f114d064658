"""Interventions of one turn and of replays: arms, a deed, actions that are held, beliefs that are set.

An episode that is played twice with one seed draws the same chance of world and policies both times, so that what
differs with an intervention is its effect (Pearl's do): nothing else has changed. Here each world of a batch may have
its own state to change, or none, whose index is ``NOBODY``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from agents.table.interventions import Intervention, InterventionError, choice_of, entries_of
from sd_env import layout
from sd_env.layout import Head, Heads, standard_heads
from sd_env.worlds import CHANGEABLE, Worlds

#: In the place of a state's index: none in this world.
NOBODY: Final = -1


class Arms(Intervention):
    """Arms of a state, changed as a turn begins, before any state has seen what the turn before left.

    Args:
        kind: ``offense`` or ``defense``.
        states: int ``(B,)``, whose arms in each world.
        turn: on which turn.
        add: how much is added; no stock falls below 0.
        to: what the stock is set to instead; None adds.
    """

    def __init__(self, kind: str, states: ArrayLike, turn: int, *, add: float = 0.0, to: float | None = None):
        self._kind, self._turn, self._add, self._to = kind, turn, add, to
        self._states = np.asarray(states)

    def change(self, worlds: Worlds, turn: int) -> bool:
        """See the class."""
        rows = np.flatnonzero(self._states != NOBODY)
        if turn != self._turn or not len(rows):
            return False
        stocks, whose = worlds.states[self._kind], self._states[rows]
        new = stocks[rows, whose] + self._add if self._to is None else np.full(len(rows), self._to)
        stocks[rows, whose] = np.maximum(new, 0.0)
        return True


class Deed(Intervention):
    """One part of the action of a state, on one turn.

    Args:
        entries: int ``(B,)``, which entry of the action in each world (:meth:`sd_env.layout.Head.toward`).
        choice: what it is set to.
        states: int ``(B,)``, whose.
        turn: on which turn.
    """

    def __init__(self, entries: ArrayLike, choice: int, states: ArrayLike, turn: int) -> None:
        self._entries, self._states = np.asarray(entries), np.asarray(states)
        self._choice, self._turn = choice, turn

    def bind(self, actions: np.ndarray, turn: int) -> None:
        """See the class."""
        if turn == self._turn:
            rows = np.flatnonzero(self._states != NOBODY)
            actions[rows, self._states[rows], self._entries[rows]] = self._choice


class Held(Intervention):
    """Actions that are those of another play, whatever the policies now choose; after its last turn, the no-op.

    Args:
        actions: int64 ``(T, B, N, H)`` of all turns from the first.
        held: bool ``(B, N)``, whose actions are held.
        until: the last turn on which they are; None holds them throughout.
        heads: of the scenario; default the standard ones.
    """

    def __init__(
        self, actions: np.ndarray, held: np.ndarray, until: int | None = None, heads: Heads | None = None
    ) -> None:
        self._actions, self._held, self._until = actions, held, until
        self._noop = (heads or standard_heads(actions.shape[2])).noop

    def bind(self, actions: np.ndarray, turn: int) -> None:
        """See the class."""
        if self._until is None or turn <= self._until:
            known = turn <= len(self._actions)
            actions[self._held] = self._actions[turn - 1][self._held] if known else self._noop


class Forked(Intervention):
    """All worlds are the first of them until a turn; from then on each has chance of its own.

    What is asked of policies is asked of all worlds alike, so that they are in one mind about what was before.

    Args:
        since: the first turn whose chance is the worlds' own.
    """

    def __init__(self, since: int) -> None:
        self._since = since

    def change(self, worlds: Worlds, turn: int) -> bool:
        """See the class; no arms are changed, but all that the worlds are."""
        if turn == 1:
            for records in (worlds.params, worlds.worlds, worlds.states, worlds.pairs):
                records[:] = records[:1].copy()
        if turn == self._since:
            own = [int(worlds.worlds["key"][0]), turn]
            worlds.worlds["key"] = np.random.SeedSequence(own).generate_state(worlds.num_worlds, np.uint64)
        return turn in (1, self._since)


class Believing(Intervention):
    """Beliefs that are shown as they are set here, whatever the evidence, which gathers all the same.

    Args:
        beliefs: float ``(B, N, N)``: what is shown to i as its probability that j is a security seeker; NaN leaves what
            there is. The diagonal does not count.
        since: the first turn on which they are shown so.
        force: whether the scenario limits force.

    Raises:
        ValueError: when the scenario shows no beliefs.
    """

    def __init__(self, beliefs: np.ndarray, *, since: int = 1, force: bool = False) -> None:
        self._since, self._force = since, force
        n = beliefs.shape[1]
        others = [[layout.other_of(i, slot) for slot in range(n - 1)] for i in range(n)]
        self._beliefs = np.stack([beliefs[:, i, others[i]] for i in range(n)], axis=1)

    def show(self, observations: np.ndarray, turn: int) -> None:
        """See the class."""
        if turn >= self._since:
            shown = layout.observed_beliefs(observations, observations.shape[1], self._force)
            np.copyto(shown, self._beliefs, where=~np.isnan(self._beliefs), casting="same_kind")


@dataclass(frozen=True)
class Do:
    """An intervention in one world, as people write it: ``state_1.defense+=0.5@5``.

    Attributes:
        text: as written.
        turn: on which turn.
        intervention: what is done, in a batch of one world.
    """

    text: str
    turn: int
    intervention: Intervention


_DO: Final = re.compile(r"(?P<what>[^=@]+?)(?P<sign>\+=|-=|=)(?P<value>[^=@]+)@(?P<turn>[0-9]+)")
_EXAMPLES: Final = "state_1.defense+=0.5@5 or state_1.mobilize=state_0@4"
_STANCES: Final = Head.STANCE.labels


def parse_do(text: str, agents: Sequence[str], heads: Heads | None = None) -> Do:
    """The intervention that ``text`` says, ``STATE.WHAT=VALUE@TURN``.

    WHAT is ``offense`` or ``defense`` with ``+=``, ``-=`` or ``=`` and a number; a part of the action as in
    :class:`agents.table.interventions.Interventions` (``signal``, ``stance``, ``stance.NAME``) with ``=`` and its
    choice; or a stance (``align``, ``neutral``, ``mobilize``, ``attack``) with ``=`` and the state that it is toward.

    Args:
        text: what is to be done.
        agents: names of the states, in index order.
        heads: of the scenario; default the standard ones.

    Raises:
        InterventionError: one sentence for what cannot be read, and for a state, part or value that there is not.
    """
    heads = heads or standard_heads(len(agents))
    found = _DO.fullmatch(str(text).strip())  # of a caller without types
    if found is None:
        raise InterventionError(f"{text!r} is no intervention; STATE.WHAT=VALUE@TURN is, as in {_EXAMPLES}.")
    what, sign, value, turn = found["what"], found["sign"], found["value"].strip(), int(found["turn"])
    whose = max((name for name in agents if what.startswith(f"{name}.")), key=len, default=None)
    if whose is None:
        raise InterventionError(f"{text!r} names no state of this world; its states are {', '.join(agents)}.")
    if turn < 1:
        raise InterventionError(f"{text!r} is on turn {turn}; turns count from 1.")
    state, part = list(agents).index(whose), what[len(whose) + 1 :]
    if part in CHANGEABLE:
        return Do(text, turn, _arms(text, part, sign, value, state, turn))
    if sign != "=":
        allowed = " and ".join(CHANGEABLE)
        raise InterventionError(f"{text!r} has {sign} for {part}; only {allowed} are numbers, all else takes =.")
    if part in _STANCES:
        if value not in agents or value == whose:
            others = ", ".join(name for name in agents if name != whose)
            raise InterventionError(f"{text!r} is toward {value!r}; allowed are {others}.")
        part, value = f"stance.{value}", part
    try:
        entries = entries_of(whose, part, state, tuple(agents), heads)
        choice = choice_of(whose, part, value, heads)
    except InterventionError as error:
        more = f" {', '.join(CHANGEABLE)} and {', '.join(_STANCES)} are, too." if "has" in str(error) else ""
        raise InterventionError(f"{text!r}: {error}{more}") from None
    return Do(text, turn, _All([Deed([entry], choice, [state], turn) for entry in entries]))


def _arms(text: str, kind: str, sign: str, value: str, state: int, turn: int) -> Arms:
    try:
        number = float(value)
    except ValueError:
        number = np.nan
    if not 0.0 <= number <= layout.CEILING:
        raise InterventionError(f"{text!r} gives {value} arms; a number from 0 to {layout.CEILING:g} is allowed.")
    if sign == "=":
        return Arms(kind, [state], turn, to=number)
    return Arms(kind, [state], turn, add=number if sign == "+=" else -number)


class _All(Intervention):
    """Several deeds as one."""

    def __init__(self, deeds: Sequence[Deed]) -> None:
        self._deeds = deeds

    def bind(self, actions: np.ndarray, turn: int) -> None:
        for deed in self._deeds:
            deed.bind(actions, turn)
