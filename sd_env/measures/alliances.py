"""Chain gangs: states that an ally's war pulls in (Christensen and Snyder 1990)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sd_env.measures.episode import check_within, parameter
from sd_env.measures.war import war_of

if TYPE_CHECKING:
    from sd_env.measures.episode import BoolArray, FloatArray
    from sd_env.record import EpisodeLog


@dataclass(frozen=True)
class AllyAtWar:
    """A state outside a war that an ally of it has entered.

    Attributes:
        turn: on which the ally entered the war.
        state: index of the state outside.
        ally: index of the ally; of several that entered on that turn, the lowest.
        war: place of the war in ``wars(log)``.
        joined: turn on which the state attacked an enemy of one who fights in the war, itself not attacked; None if it
            did not in time.
    """

    turn: int
    state: int
    ally: int
    war: int
    joined: int | None


def allies_at_war(log: EpisodeLog, *, within: int = 3) -> list[AllyAtWar]:
    """Every state that could have been pulled into a war by an ally, once for each war.

    The state stands, is allied with the ally on the turn on which the ally enters the war or on the turn before, fights
    nobody on that turn, and has not fought in this war. It joins if on one of the next ``within`` turns it attacks
    somebody who has fought the ally since, and not the ally itself. If it is attacked before or on that turn it had no
    choice: such a case is left out.

    Args:
        log: an episode.
        within: H, turns.

    Raises:
        MeasureError: for ``within`` below 1.
    """
    found = []
    for turn, i, ally, war in _outside(log, within):
        attacked, joined = _reaction(log, i, ally, turn, within)
        if not attacked:
            found.append(AllyAtWar(turn, i, ally, war, joined))
    return found


def _outside(log: EpisodeLog, within: int) -> Iterator[tuple[int, int, int, int]]:
    """Turn, state, ally and war of every state outside a war that an ally has entered, once for each war."""
    check_within(within)
    place, allied, standing = war_of(log), log.pairs["allied"], log.states["standing"]
    entered: set[tuple[int, int]] = set()
    seen: set[tuple[int, int]] = set()
    for turn in range(1, log.turns + 1):
        new = [(int(place[turn, j]), int(j)) for j in np.flatnonzero(place[turn] >= 0)]
        new = [entry for entry in new if entry not in entered]
        for war, ally in new:
            for i in map(int, np.flatnonzero(allied[turn, ally] | allied[turn - 1, ally])):
                if not standing[turn - 1, i] or place[turn, i] >= 0 or (war, i) in entered | seen:
                    continue
                seen.add((war, i))
                yield turn, i, ally, war
        entered.update(new)


def entrapment_costs(log: EpisodeLog) -> FloatArray:
    """What each state pays for wars in which its allies are attacked (Snyder 1984), float64 (T+1, N), homeland turns.

    κ ``defender_cost`` for each ally that is attacked on turn t, unless it attacks one of the ally's attackers itself:
    then it has joined, and pays as who attacks. Nobody pays without an ally, nor for a κ of 0.
    """
    attacks, allied = log.pairs["attacks"], log.pairs["allied"]
    attacked: BoolArray = np.asarray(attacks.any(axis=1))
    joins = attacks @ attacks  # boolean, [k, j]: k attacks somebody who attacks j
    helped = allied & attacked[:, None, :] & ~joins
    price = parameter(log, "alliance_commitment") * parameter(log, "defender_cost")
    found: FloatArray = price * helped.sum(axis=2)
    return found


@dataclass(frozen=True)
class Drawn:
    """A state at peace whose ally has entered a war, and whether the ally's enemies attack it for it.

    Attributes:
        turn: on which the ally entered the war.
        state: index of the state.
        drawn: whether somebody who fights the ally attacks the state within H turns, before it attacks anybody.
    """

    turn: int
    state: int
    drawn: bool


def drawn_in(log: EpisodeLog, *, within: int = 3) -> list[Drawn]:
    """Every state outside a war that an ally has entered: whether the alliance draws an attack (Snyder 1984).

    The cases are those of :func:`allies_at_war` and, beside them, those in which the state was attacked first.

    Args:
        log: an episode.
        within: H, turns.

    Raises:
        MeasureError: for ``within`` below 1.
    """
    attacks = log.pairs["attacks"]
    found = []
    for turn, state, ally, _ in _outside(log, within):
        enemies = attacks[turn, ally] | attacks[turn, :, ally]
        drawn = False
        for later in range(turn + 1, min(turn + within, log.turns) + 1):
            enemies = enemies | attacks[later, ally] | attacks[later, :, ally]
            drawn = bool((attacks[later, :, state] & enemies).any())
            if drawn or attacks[later, state].any():
                break
        found.append(Drawn(turn, state, drawn))
    return found


def _reaction(log: EpisodeLog, state: int, ally: int, entry: int, within: int) -> tuple[bool, int | None]:
    """Whether the state was attacked before it attacked anybody, and the turn on which it joined its ally."""
    attacks = log.pairs["attacks"]
    enemies = attacks[entry, ally] | attacks[entry, :, ally]
    for turn in range(entry + 1, min(entry + within, log.turns) + 1):
        enemies = enemies | attacks[turn, ally] | attacks[turn, :, ally]
        if attacks[turn, :, state].any():
            return True, None
        if attacks[turn, state].any():
            joins = (attacks[turn, state] & enemies).any() and not attacks[turn, state, ally]
            return False, turn if joins else None
    return False, None


def chain_gangs(log: EpisodeLog, *, within: int = 3) -> list[AllyAtWar]:
    """States that joined an ally's war within H turns, themselves not attacked: of :func:`allies_at_war` those."""
    return [case for case in allies_at_war(log, within=within) if case.joined is not None]


def chain_gang_rate(cases: Sequence[AllyAtWar]) -> float:
    """Share of the states with an ally at war (:func:`allies_at_war`) that joined, 0 to 1; NaN if there is none."""
    return sum(case.joined is not None for case in cases) / len(cases) if cases else math.nan
