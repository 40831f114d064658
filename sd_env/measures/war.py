"""Wars: when they began, who fought them, and which were tragic (Butterfield 1951; Jervis 1978)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sd_env.measures.episode import security_seekers, standing_pairs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sd_env.record import EpisodeLog


@dataclass(frozen=True)
class War:
    """A war. States are indices, in index order.

    Attributes:
        start: turn of the first fighting, from 1.
        end: last turn of fighting.
        first: first belligerents, attackers and attacked.
        opening: attacks of the first turn, (attacker, target).
        belligerents: all who ever fought in it.
        tragic: whether every first belligerent is a security seeker on that turn.
    """

    start: int
    end: int
    first: tuple[int, ...]
    opening: tuple[tuple[int, int], ...]
    belligerents: tuple[int, ...]
    tragic: bool


def wars(log: EpisodeLog) -> list[War]:
    """The episode's wars in the order in which they began, grouped as ``sd_env.rules.accounts`` counts them.

    On a turn, states that fight one another, directly or through others, are a group. A group begins a war if none of
    its states fought on the turn before; otherwise it goes on with the war that they fought in, and who is new joins.
    Where wars meet, the older takes the fighting over and the younger ends; a war that falls apart into several groups
    stays one. A turn without fighting ends it. Of wars that begin on one turn, that with the lowest index comes first.
    """
    place, attacks, seekers = war_of(log), log.pairs["attacks"], security_seekers(log)
    found = []
    for index in range(int(place.max()) + 1):
        turns = np.flatnonzero((place == index).any(axis=1))
        start = int(turns[0])
        first = np.flatnonzero(place[start] == index)
        opening = [(int(first[a]), int(first[b])) for a, b in np.argwhere(attacks[start][np.ix_(first, first)])]
        ever = np.flatnonzero((place == index).any(axis=0))
        tragic = bool(seekers[start - 1, first].all())
        found.append(War(start, int(turns[-1]), (*map(int, first),), (*opening,), (*map(int, ever),), tragic))
    return found


def war_of(log: EpisodeLog) -> NDArray[np.int64]:
    """int64 (T+1, N): the war in which each state fights on turn t, as its place in :func:`wars`; -1 = none."""
    return followed(log.pairs["attacks"])


def followed(acts: NDArray[np.bool_]) -> NDArray[np.int64]:
    """int64 (T+1, N): in which conflict each state is, as :func:`wars` groups them; -1 = none, and on row 0.

    Args:
        acts: bool (T+1, N, N), who acts against whom on each turn; one side's act is enough for both to be in it.
    """
    place, begun = np.full(acts.shape[:2], -1, np.int64), 0
    for turn in range(1, len(acts)):
        for group in groups(acts[turn]):
            before = place[turn - 1, group]
            if (before < 0).all():
                place[turn, group] = begun
                begun += 1
            else:
                place[turn, group] = before[before >= 0].min()
    return place


def groups(attacks: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """States connected by the attacks (N, N) of a turn, as sorted indices, by lowest index; only those who fight."""
    fights = attacks | attacks.T
    linked = fights | np.eye(len(fights), dtype=np.bool_)
    for _ in range(len(linked).bit_length()):
        linked = linked @ linked  # boolean: paths of twice the length
    fighting = fights.any(axis=1)
    first = linked.argmax(axis=1)  # the lowest index that each is connected with
    return [np.flatnonzero(fighting & (first == i)) for i in np.unique(first[fighting])]


def first_strikes(log: EpisodeLog) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which states strike which others first, and where they could have: both bool (T+1, N, N), row t is turn t.

    i could strike j first on a turn on which both stand and before which neither had attacked the other the turn
    before: fighting back, and going on with a war, are no first strikes. Where both attack, both have struck.
    """
    attacks = log.pairs["attacks"]
    peace = np.zeros(attacks.shape, np.bool_)
    peace[1:] = ~(attacks[:-1] | attacks[:-1].swapaxes(1, 2)) & standing_pairs(log)[:-1]
    return attacks & peace, peace


def tragic_war_rate(logs: Iterable[EpisodeLog], *, all_seekers: bool = False) -> float:
    """Tragic wars per episode: those whose every first belligerent is a security seeker.

    A tragedy in Butterfield's (1951) and Herz's (1950) sense: a war among states none of which wanted anything of
    another.

    Args:
        logs: episodes.
        all_seekers: only those in which every state is a security seeker, so that any war at all is tragic.

    Returns:
        Wars per episode, 0 or more; NaN if there is no (such) episode.
    """
    counts = [
        sum(war.tragic for war in wars(log)) for log in logs if not all_seekers or bool(security_seekers(log).all())
    ]
    return sum(counts) / len(counts) if counts else math.nan
