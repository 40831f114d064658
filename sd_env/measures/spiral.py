"""The spiral: whether each side's arms feed the other's (Richardson 1960; Jervis 1976)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from sd_env.measures.episode import arms

if TYPE_CHECKING:
    from sd_env.measures.episode import FloatArray
    from sd_env.record import EpisodeLog

#: Turns below which three coefficients leave no residual, so that a slope would be no estimate.
_LEAST_TURNS = 4
#: Deviations smaller than this share of the stocks are rounding.
_ROUNDING = 1e-9


def reaction_slopes(log: EpisodeLog) -> FloatArray:
    """β_ij: how much i adds to its arms for each arm that j had the turn before, float64 (N, N).

    The ordinary least squares slope of ΔA_i,t on A_j,t-1 given A_i,t-1 (with an intercept), A = offence + defence, over
    the turns after which both stand: Richardson's (1960) reaction coefficient k, the coefficient of A_i,t-1 being minus
    his fatigue a. Losses in battle are part of ΔA. Unit: share per turn.

    It is no evidence of a reaction, since it is biased upward where stocks drift and turns are few: ``never-attack``,
    which cannot react, has .11 over the 32 turns of Jervis's worlds and .46 over the 8 of the naval race
    (docs/measures.md, Arms).

    NaN on the diagonal, where fewer than 4 turns are there, and where A_j does not vary once A_i is held fixed (it is
    constant, or moves in lockstep with A_i), since no slope can be told then.
    """
    stocks, standing = arms(log), log.states["standing"]
    count = stocks.shape[1]
    slopes = np.full((count, count), np.nan)
    for i in range(count):
        for j in range(count):
            if i == j:
                continue
            both = standing[1:, i] & standing[1:, j]
            mine, theirs = stocks[:-1, i][both], stocks[:-1, j][both]
            slopes[i, j] = _slope(stocks[1:, i][both] - mine, theirs, mine)
    return slopes


def _slope(change: FloatArray, theirs: FloatArray, mine: FloatArray) -> float:
    """Partial slope by Frisch and Waugh (1933): regress on what of ``theirs`` is left once ``mine`` is taken out."""
    if len(change) < _LEAST_TURNS:
        return math.nan
    least = len(change) * (_ROUNDING * max(float(mine.max()), float(theirs.max()))) ** 2
    x, z = theirs - theirs.mean(), mine - mine.mean()
    if z @ z > least:
        x = x - z * (z @ x) / (z @ z)
    return float(x @ change / (x @ x)) if x @ x > least else math.nan


def spiral_index(log: EpisodeLog) -> float:
    """Mean over pairs of √(β_ij β_ji) where both slopes are positive, else 0 for that pair.

    β is :func:`reaction_slopes`, with its bias: the index of ``never-attack``, which cannot react, is above 0 in four
    of five episodes, so that being above 0 shows nothing. In Richardson's (1960) symmetric model of two states the
    index is k, and the race runs away if it exceeds the fatigue, ``arming.depreciation``.
    Unit: share per turn; range 0 to ∞. Pairs of which a slope is NaN are left out; NaN if none is left.
    """
    slopes = reaction_slopes(log)
    first, second = np.triu_indices(len(slopes), 1)
    there, back = slopes[first, second], slopes[second, first]
    known = ~(np.isnan(there) | np.isnan(back))
    if not known.any():
        return math.nan
    there, back = there[known], back[known]
    return float(np.sqrt(np.maximum(there, 0.0) * np.maximum(back, 0.0)).mean())


def arms_growth(log: EpisodeLog) -> float:
    """Log growth of all states' arms per turn, (ln ΣA_T - ln ΣA_0) / T.

    Unit: 1 per turn, any sign: .05 doubles the arms in 14 turns. NaN if there are no arms at the start or at the end.
    """
    total = arms(log).sum(axis=1)
    if total[0] <= 0.0 or total[-1] <= 0.0:
        return math.nan
    return float(math.log(total[-1] / total[0]) / log.turns)
