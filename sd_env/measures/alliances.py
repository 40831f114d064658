"""Chain gangs: states that an ally's war pulls in (Christensen and Snyder 1990)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sd_env.measures.episode import check_within
from sd_env.measures.war import war_of

if TYPE_CHECKING:
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
    check_within(within)
    place, allied, standing = war_of(log), log.pairs["allied"], log.states["standing"]
    entered: set[tuple[int, int]] = set()
    seen: set[tuple[int, int]] = set()
    found = []
    for turn in range(1, log.turns + 1):
        new = [(int(place[turn, j]), int(j)) for j in np.flatnonzero(place[turn] >= 0)]
        new = [entry for entry in new if entry not in entered]
        for war, ally in new:
            for i in map(int, np.flatnonzero(allied[turn, ally] | allied[turn - 1, ally])):
                if not standing[turn - 1, i] or place[turn, i] >= 0 or (war, i) in entered | seen:
                    continue
                seen.add((war, i))
                attacked, joined = _reaction(log, i, ally, turn, within)
                if not attacked:
                    found.append(AllyAtWar(turn, i, ally, war, joined))
        entered.update(new)
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
