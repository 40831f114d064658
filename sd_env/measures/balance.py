"""Balancing against an aggressor, and passing the buck (Waltz 1979; Christensen and Snyder 1990)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sd_env.layout import Stance
from sd_env.measures.contests import success_probabilities
from sd_env.measures.episode import MeasureError, arms, named, parameter, standing_pairs
from sd_env.measures.stocks import arming

if TYPE_CHECKING:
    from sd_env.measures.episode import BoolArray, FloatArray
    from sd_env.record import EpisodeLog

#: Efforts that differ by less than this share are equal: they are sums in different orders.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Balancing:
    """A turn on which a state had an aggressor to balance.

    Attributes:
        turn: from 1.
        state: index of the one that should balance.
        aggressor: index of the one to be balanced.
        effort: arms that the state put up against it on that turn.
        share: its part, by its means, of what all states put up.
        collective: nobody put up anything.
    """

    turn: int
    state: int
    aggressor: int
    effort: float
    share: float
    collective: bool

    @property
    def passed(self) -> bool:
        """Whether the buck was passed: less effort than its share, or nobody's effort at all."""
        return self.collective or self.effort < self.share * (1.0 - _ROUNDING)


def aggressors(log: EpisodeLog) -> BoolArray:
    """bool (T+1, N): whether each state is an aggressor on turn t.

    It is from an unprovoked attack on until a turn on which it attacks nobody. An attack is provoked, as in
    ``sd_env.rules.war``, if the target attacked it the turn before or an open call named the target.
    """
    attacks, bidden = log.pairs["attacks"], named(log)
    found = np.zeros(log.states.shape, np.bool_)
    for turn in range(1, log.turns + 1):
        unprovoked = attacks[turn] & ~attacks[turn - 1].T & ~bidden[turn - 1]
        found[turn] = attacks[turn].any(axis=1) & (unprovoked.any(axis=1) | found[turn - 1])
    return found


def efforts(log: EpisodeLog) -> tuple[FloatArray, FloatArray]:
    """Effort of i against k on each turn and its means, both float64 (T, N, N) in arms that reach k; row t-1 is turn t.

    With A_i the arms of i as the turn begins and w_ik its reach,

        effort_ik = w_ik (c_ik A_i / n_i + arms built beyond replacement)
        means_ik  = w_ik (A_i + arms that could have been built beyond replacement)

    c_ik is 1 if i attacks or mobilizes against k; else ``alliance_commitment`` if i is allied with a state that fights
    k, as attacker or as target, on that turn or on the turn before; else 0. n_i: the states that i attacks or mobilizes
    against, at least 1. Building counts against every aggressor alike: arms have no address.
    """
    built, reach = arming(log), log.pairs["reach"][1:]
    ready = np.isin(log.pairs["stance"][1:], (Stance.MOBILIZE, Stance.ATTACK))
    fights = log.pairs["attacks"] | log.pairs["attacks"].swapaxes(1, 2)
    fights = fights[1:] | fights[:-1]
    lends = log.pairs["allied"][1:] @ fights  # boolean: some ally that fights k
    committed = np.where(ready, 1.0, parameter(log, "alliance_commitment") * lends)
    split = np.maximum(ready.sum(axis=2), 1)
    stocks = arms(log)[:-1]
    effort = reach * (committed * (stocks / split)[:, :, None] + built.beyond_replacement[:, :, None])
    return effort, reach * (stocks + built.room)[:, :, None]


def balancing(log: EpisodeLog, threshold: float = 0.5) -> list[Balancing]:
    """Every turn on which a state had an aggressor to balance, in the order of turns, states, aggressors.

    On turn t state i has aggressor k to balance if all of this holds: k was an aggressor (:func:`aggressors`) on turn
    t-1 and did not attack i then (who is attacked fights for itself); its attack on i would succeed with p_ki >
    ``threshold``; an open call bids i to attack k, or k was mobilized against i; i has means to reach k, and so has a
    third state that could balance in its stead. i's share of the efforts of all states but k is means_i / Σ means
    (:func:`efforts`).

    Args:
        log: an episode.
        threshold: θ, 0 to 1.

    Raises:
        MeasureError: for a threshold out of range.
    """
    if not 0.0 <= threshold <= 1.0:
        raise MeasureError(f"threshold is {threshold}; 0 to 1 is allowed")
    stands, attacks = standing_pairs(log), log.pairs["attacks"]
    concerned = (named(log) | log.pairs["mobilized"].swapaxes(1, 2)) & ~attacks.swapaxes(1, 2) & stands
    concerned &= aggressors(log)[:, None, :] & (success_probabilities(log).swapaxes(1, 2) > threshold)
    effort, means = (np.where(stands[:-1], each, 0.0) for each in efforts(log))
    found = []
    for row, i, k in zip(*map(np.ndarray.tolist, np.nonzero(concerned[:-1])), strict=True):
        mine, everybodys = means[row, i, k], means[row, :, k].sum()
        if mine <= 0.0 or everybodys <= mine:
            continue
        total = float(effort[row, :, k].sum())
        found.append(Balancing(row + 1, i, k, float(effort[row, i, k]), float(total * mine / everybodys), total == 0.0))
    return found


def balancing_shares(log: EpisodeLog) -> list[FloatArray]:
    """How much of what they could the others put up against each aggressor, from its first aggression on.

    One array for each state that becomes an aggressor (:func:`aggressors`), with a number for each turn after that of
    its first unprovoked attack to the end: effort over means (:func:`efforts`) of all that stand beside it, together, 0
    to 1. Turns on which nobody has means that reach it are left out.
    """
    stands, aggressive = standing_pairs(log), aggressors(log)
    effort, means = (np.where(stands[:-1], each, 0.0) for each in efforts(log))
    found = []
    for k in np.flatnonzero(aggressive.any(axis=0)).tolist():
        first = int(aggressive[:, k].argmax())
        put_up, could = (each[first:, :, k].sum(axis=1) for each in (effort, means))
        found.append(put_up[could > 0.0] / could[could > 0.0])
    return found


def time_to_balance(shares: FloatArray, threshold: float = 0.5) -> int:
    """Turns from an aggressor's first aggression until the others put up ``threshold`` of what they could against it.

    Args:
        shares: one array of :func:`balancing_shares`.
        threshold: 0 to 1.

    Returns:
        1 for the turn after it; one more than there are turns if they never do, so that who never balances counts, and
        counts as slow.
    """
    enough = np.flatnonzero(shares >= threshold)
    return int(enough[0]) + 1 if len(enough) else len(shares) + 1


def buck_passing(log: EpisodeLog, threshold: float = 0.5) -> list[Balancing]:
    """Turns on which a state passed the buck: those of :func:`balancing` on which it balanced below its share.

    ``collective``: on that turn nobody balanced at all. Arguments and errors as there.
    """
    return [case for case in balancing(log, threshold) if case.passed]


def buck_passing_rate(cases: Sequence[Balancing]) -> float:
    """Share of the cases (:func:`balancing`) in which the buck was passed, 0 to 1; NaN if there is none."""
    return sum(case.passed for case in cases) / len(cases) if cases else math.nan
