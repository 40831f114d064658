"""Security, its defeat by one's own arms, and what they cost (Herz 1950; Jervis 1978)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from sd_env.layout import Stance
from sd_env.measures.contests import success_probabilities
from sd_env.measures.episode import MeasureError, allows_stance, arms, standing_pairs

if TYPE_CHECKING:
    from sd_env.measures.episode import FloatArray
    from sd_env.record import EpisodeLog


def attack_rates(log: EpisodeLog, *, prior: float = 0.5) -> FloatArray:
    """P(j attacks i) on a turn, estimated from what j did in this episode: float64 (N, N), entry [j, i], diagonal 0.

    (k + prior) / (m + 2 prior): of the m turns that began with both standing, j attacked i on k. Jeffreys' prior ½
    keeps the rate of a state that never attacked above 0, the more so the shorter it was watched: in 32 turns .015.
    Without it every armed peace would be perfectly secure, and an arms race without a war never self-defeating.

    Args:
        log: an episode.
        prior: 0 gives plain frequencies (0 where m is 0).

    Returns:
        Probability per turn, 0 to 1; 0 where the scenario's mask forbids to attack.

    Raises:
        MeasureError: for a prior below 0.
    """
    if not prior >= 0.0:
        raise MeasureError(f"prior is {prior}; 0 or more is needed")
    watched = standing_pairs(log)[:-1].sum(axis=0)
    if not allows_stance(log, Stance.ATTACK):
        return np.zeros(watched.shape)
    attacked = log.pairs["attacks"][1:].sum(axis=0)
    rates: FloatArray = (attacked + prior) / np.maximum(watched + 2.0 * prior, np.finfo(float).tiny)
    np.fill_diagonal(rates, 0.0)
    return rates


def security(log: EpisodeLog, *, prior: float = 0.5) -> FloatArray:
    """Π_j (1 - P(j attacks i) p_ji): probability that nobody conquers land of i on the coming turn, float64 (T+1, N).

    p is :func:`~sd_env.measures.contests.success_probabilities`, P is :func:`attack_rates`, one number for the whole
    episode, so that security changes only with what the states can do to one another; attacks of different states are
    taken as independent. 0 to 1; 0 for a state that has fallen.
    """
    danger = attack_rates(log, prior=prior) * success_probabilities(log)
    return np.where(log.states["standing"], (1.0 - danger).prod(axis=1), 0.0)


def self_defeats(log: EpisodeLog, *, prior: float = 0.5) -> FloatArray:
    """max(0, security_0 - security_T) for each state whose arms rose, else 0: float64 (N,).

    Herz's (1950) paradox: a state arms for its security and ends with less of it. Arms rose if they were above those of
    the start at any time; what a war then took of them does not undo that. 0 to 1.
    """
    safe, stocks = security(log, prior=prior), arms(log)
    rose = stocks.max(axis=0) > stocks[0]
    return np.where(rose, np.maximum(safe[0] - safe[-1], 0.0), 0.0)


def self_defeat(log: EpisodeLog, *, prior: float = 0.5) -> float:
    """Mean of :func:`self_defeats` over the states, 0 to 1."""
    return float(self_defeats(log, prior=prior).mean())


def waste(log: EpisodeLog) -> float:
    """Cost of arms over income, of all states and turns: the tallies ``arms_spending`` / ``income``.

    What an arms race takes from everybody without, where it is matched, changing anything (Jervis 1978). A ratio, 0 or
    more: above 1 the states spent more than they earned. NaN without income.
    """
    spent, earned = float(log.worlds["arms_spending"][-1]), float(log.worlds["income"][-1])
    return spent / earned if earned > 0.0 else math.nan
