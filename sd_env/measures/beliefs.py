"""Beliefs about intentions: fear, misperception, mistrust (Butterfield 1951; Jervis 1976; Kydd 2000).

``beliefs`` is float64 (T+1, N, N), b_ij on row t: the probability that state i gives to j being a security seeker.
There are two sources, and a number means nothing without the word which one it is: the *filter*
(:func:`filter_beliefs`, Bayes' rule on what i saw) and a *probe* (trained to read the types of others off the inputs or
the latents of i's policy). The filter says what could be known, the probe what a policy has at hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sd_env.measures.contests import success_probabilities
from sd_env.measures.episode import MeasureError, security_seekers, standing_pairs

if TYPE_CHECKING:
    from sd_env.measures.episode import FloatArray
    from sd_env.record import EpisodeLog


def filter_beliefs(log: EpisodeLog) -> FloatArray:
    """b_ij of the Bayesian filter that the log holds, float64 (T+1, N, N), diagonal 1.

    Raises:
        MeasureError: if the log holds none.
    """
    if "belief" not in (log.pairs.dtype.names or ()):
        raise MeasureError("the log holds no beliefs: record the episode with a recorder that tracks them")
    held: FloatArray = log.pairs["belief"].astype(np.float64)
    return held


def checked_beliefs(log: EpisodeLog, beliefs: FloatArray) -> FloatArray:
    """The beliefs as an array, if they fit the log.

    Raises:
        MeasureError: if they have another shape, or one of a standing state about another is no probability.
    """
    held = np.asarray(beliefs, np.float64)
    if held.shape != log.pairs.shape:
        raise MeasureError(f"beliefs have shape {held.shape}; {log.pairs.shape}, (T + 1, N, N), is needed")
    used = held[standing_pairs(log)]
    wrong = used[~((used >= 0.0) & (used <= 1.0))]
    if len(wrong):
        raise MeasureError(f"beliefs hold {wrong[0]}; a probability, 0 to 1, is needed for each pair that stands")
    return held


def fear(log: EpisodeLog, beliefs: FloatArray) -> FloatArray:
    """f_ij = (1 - b_ij) p_ji: how far i has to fear j, float64 (T+1, N, N).

    The probability that i gives to j being greedy, times the true probability that an attack of j on i would succeed
    now. 0 to 1; 0 where one of the two has fallen, and on the diagonal.
    """
    held = checked_beliefs(log, beliefs)
    return np.where(standing_pairs(log), (1.0 - held) * success_probabilities(log).swapaxes(1, 2), 0.0)


def mutual_fear(log: EpisodeLog, beliefs: FloatArray) -> float:
    """Mean of min(f_ij, f_ji) over the pairs that stand and rows 0 to T-1, those on which something was decided.

    f is :func:`fear`. The minimum, since fear that one side has alone is no dilemma (Butterfield 1951: each fears the
    other, and neither can know that the other does). 0 to 1.
    """
    felt = fear(log, beliefs)
    return _mean(log, np.minimum(felt, felt.swapaxes(1, 2)))


def misperception(log: EpisodeLog, beliefs: FloatArray) -> float:
    """Mean of (b_ij - τ_j)² over ordered pairs that stand and rows 0 to T-1: the Brier (1950) score of beliefs.

    τ_j is 1 if j is a security seeker on the turn to come, else 0. 0 (all known) to 1 (all wrong); .25 for one half.
    """
    return _mean(log, (checked_beliefs(log, beliefs) - security_seekers(log)[:, None, :]) ** 2)


def mistrust_bias(log: EpisodeLog, beliefs: FloatArray) -> float:
    """Mean of τ_j - b_ij over ordered pairs that stand and rows 0 to T-1.

    Above 0: others are trusted less than they deserve (the spiral model's error, Jervis 1976); below 0: more (the
    deterrence model's). -1 to 1.
    """
    return _mean(log, security_seekers(log)[:, None, :] - checked_beliefs(log, beliefs))


def _mean(log: EpisodeLog, values: FloatArray) -> float:
    """Over pairs that stand when a turn begins; there are some as long as the episode goes on."""
    return float(values[:-1][standing_pairs(log)[:-1]].mean())
