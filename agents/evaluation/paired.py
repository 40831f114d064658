"""Effects from paired plays: means over worlds with their 95% intervals, sums, multipliers and shares.

Worlds are the unit: each gives one number with an intervention less without. Intervals are percentile bootstraps that
draw worlds anew, from a fixed seed; those of differences of shares are Agresti and Min's (2005, *Statistics in
Medicine* 24), which have a width where no world differs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from agents.evaluation.evaluate import percentiles
from agents.evaluation.statistics import Interval

RESAMPLES: Final = 1000
_Z: Final = 1.959964  # of a standard normal's middle 95%
UNKNOWN: Final = Interval(math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class Curve:
    """Means over worlds, one a turn after the intervention.

    Attributes:
        values: float64 ``(H + 1,)``; NaN where no world is left to compare.
        samples: float64 ``(resamples, H + 1)``.
        counts: int64 ``(H + 1,)``, worlds that are left.
    """

    values: np.ndarray
    samples: np.ndarray
    counts: np.ndarray

    @classmethod
    def of(cls, effects: np.ndarray) -> Curve:
        """From effects of each world and turn, ``(W, H + 1)``, NaN where they are not compared."""
        there = np.isfinite(effects)
        filled = np.where(there, effects, 0.0)
        draws = _draws(len(effects))
        with np.errstate(invalid="ignore", divide="ignore"):
            return cls(filled.sum(axis=0) / there.sum(axis=0), (draws @ filled) / (draws @ there), there.sum(axis=0))

    def __sub__(self, other: Curve) -> Curve:
        """The difference of two curves of the same worlds."""
        return Curve(self.values - other.values, self.samples - other.samples, np.minimum(self.counts, other.counts))

    def at(self, h: int) -> Interval:
        """The mean h turns after the intervention."""
        return _interval(self.values[h], self.samples[:, h])

    def total(self) -> Interval:
        """The sum over all turns; NaN if on one of them no world is left."""
        return _interval(self.values.sum(), self.samples.sum(axis=1))

    def growth(self) -> Interval:
        """By what a turn multiplies the response at last, from the later half: the spectral radius of what reacts.

        NaN where the response is not above 0 there, or the window is shorter than four turns.
        """
        middle = len(self.values) // 2
        if middle < 2:
            return UNKNOWN
        with np.errstate(invalid="ignore", divide="ignore"):
            early, late = self.samples[:, middle:-1].sum(axis=1), self.samples[:, middle + 1 :].sum(axis=1)
            first, last = self.values[middle:-1].sum(), self.values[middle + 1 :].sum()
            ratios = np.where(early > 0.0, late / early, np.nan)
        return _interval(last / first, ratios) if first > 0.0 else UNKNOWN


def multiplier(own: Curve, frozen: Curve) -> Interval:
    """M, what a state's arms come to with others that react over what they come to with others that do not.

    Infinite where the response grows for ever, its :meth:`Curve.growth` surely not below 1: then no sum over a window
    is that of all turns. NaN where there is no response to multiply.
    """
    growth, bare = own.growth(), frozen.total()
    if growth.known and growth.low >= 1.0:
        return Interval(math.inf, math.inf, math.inf)
    if not (bare.known and bare.low > 0.0):
        return UNKNOWN
    return _interval(own.values.sum() / frozen.values.sum(), own.samples.sum(axis=1) / frozen.samples.sum(axis=1))


def gain(found: Interval) -> Interval:
    """G = 1 - 1 / M, the gain of the loop of reactions, for M above 0."""
    return Interval(*(1.0 - 1.0 / m if m > 0.0 else math.nan for m in (found.value, found.low, found.high)))


def difference_of_shares(done: np.ndarray, bare: np.ndarray) -> Interval:
    """Share of worlds in which it happens with an intervention less that without, bool ``(W,)`` each; NaN if W = 0."""
    if not len(bare):
        return UNKNOWN
    more, less, n = int((done & ~bare).sum()), int((~done & bare).sum()), len(done)
    # half a world is added to each of the four cells of the table: two in all, one to those that differ
    middle = (more - less) / (n + 2)
    half = _Z * math.sqrt(more + less + 1 - (more - less) ** 2 / (n + 2)) / (n + 2)
    return Interval((more - less) / n, max(middle - half, -1.0), min(middle + half, 1.0))


def share_attributed(done: np.ndarray, bare: np.ndarray) -> Interval:
    """1 - P(it happens | intervention) / P(it happens): bool ``(W,)`` each; NaN if it never happens without."""
    if not bare.any():
        return UNKNOWN
    draws = _draws(len(bare))
    with np.errstate(invalid="ignore", divide="ignore"):
        samples = 1.0 - (draws @ done) / (draws @ bare)
    return _interval(1.0 - done.sum() / bare.sum(), samples)


@lru_cache(maxsize=8)
def _draws(size: int) -> np.ndarray:
    """How often each world is in each resample, float64 ``(resamples, size)``."""
    if not size:
        return np.zeros((RESAMPLES, 0))
    return np.random.default_rng(0).multinomial(size, np.full(size, 1.0 / size), size=RESAMPLES).astype(np.float64)


def _interval(value: float, samples: np.ndarray) -> Interval:
    return Interval(float(value), *percentiles(samples)) if math.isfinite(value) else UNKNOWN
