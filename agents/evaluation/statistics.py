"""Numbers with 95% intervals over seeds: the seed, not the episode, is the unit.

Average the episodes of a seed first; what comes in here is one number a seed. The interquartile mean and the
probability of improvement are those of Agarwal et al. (2021), Deep Reinforcement Learning at the Edge of the
Statistical Precipice.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy import optimize, stats

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

LEVEL: Final = 0.95
#: Numbers that a bootstrap draws at a time, so that memory stays small.
_BATCH: Final = 2_000_000
_BESIDE: Final = 1e-9
#: What the values behind an interval are.
TRAINING_SEEDS, SEEDS, EPISODES = "training seeds", "seeds", "episodes"


@dataclass(frozen=True)
class Interval:
    """A statistic and its 95% interval (NaN bounds where there are too few seeds for one)."""

    value: float
    low: float
    high: float

    @property
    def known(self) -> bool:
        """Whether there is an interval."""
        return math.isfinite(self.low) and math.isfinite(self.high)


@dataclass(frozen=True)
class Estimate(Interval):
    """A mean over seeds with its 95% interval, and the number of each seed."""

    values: tuple[float, ...]


def interval_from(data: Mapping[str, Any]) -> Interval:
    """An interval from its JSON, in which null stands for a number that there is not; an estimate if it has values."""
    value, low, high = (math.nan if data[key] is None else float(data[key]) for key in ("value", "low", "high"))
    return Estimate(value, low, high, tuple(data["values"])) if "values" in data else Interval(value, low, high)


def estimate(values: list[float]) -> Estimate:
    """Mean and Student's t interval of ``values``, one number a seed; values that are not numbers are left out.

    The t interval rather than a bootstrap: with the three seeds of the default experiment a bootstrap has ten
    different samples and covers far less than 95%.
    """
    finite = [float(v) for v in values if math.isfinite(v)]
    if not finite:
        return Estimate(math.nan, math.nan, math.nan, ())
    mean = float(np.mean(finite))
    if len(finite) == 1:
        return Estimate(mean, math.nan, math.nan, tuple(finite))
    half = float(stats.t.ppf(0.975, len(finite) - 1) * np.std(finite, ddof=1) / math.sqrt(len(finite)))
    return Estimate(mean, mean - half, mean + half, tuple(finite))


#: One number a seed; or, by world (or scenario, ...), such numbers: the strata.
Scores = Sequence[float] | Mapping[str, Sequence[float]]


def _strata(scores: Scores) -> dict[str, FloatArray]:
    """The numbers of each stratum, without those that are not numbers; strata without any are left out."""
    named = scores if isinstance(scores, Mapping) else {"": scores}
    arrays = {name: np.asarray(values, np.float64).ravel() for name, values in named.items()}
    return {name: kept for name, values in arrays.items() if len(kept := values[np.isfinite(values)])}


def _pooled_iqm(*samples: FloatArray, axis: int = -1) -> FloatArray:
    return np.asarray(stats.trim_mean(np.concatenate(samples, axis=axis), 0.25, axis=axis))


def interquartile_mean(scores: Scores, *, seed: int, resamples: int = 2000) -> Interval:
    """Mean of the middle half of all scores, with a stratified bootstrap 95% interval (Agarwal et al. 2021).

    The interquartile mean cuts a quarter of the numbers, rounded down, from each end: less swayed by outliers than the
    mean, less noisy than the median. The interval is a percentile bootstrap (``scipy.stats.bootstrap``) that draws
    seeds anew within each stratum, so that every world keeps its weight. With few seeds it is too narrow
    (docs/measures.md says how much): prefer :func:`estimate` for fewer than ten.

    Args:
        scores: one number a seed, or by stratum (world, scenario) one number a seed; those that are not numbers are
            left out.
        seed: of the resampling: the same scores and seed give the same interval.
        resamples: how many.

    Returns:
        The interquartile mean; NaN bounds if a stratum has a single seed, NaN throughout without a score.
    """
    samples = list(_strata(scores).values())
    if not samples:
        return Interval(math.nan, math.nan, math.nan)
    value = float(_pooled_iqm(*samples))
    if min(map(len, samples)) < 2:
        return Interval(value, math.nan, math.nan)
    found = stats.bootstrap(
        samples, _pooled_iqm, n_resamples=resamples, confidence_level=LEVEL, method="percentile", vectorized=True,
        batch=max(1, _BATCH // sum(map(len, samples))), rng=np.random.default_rng(seed),
    )  # fmt: skip
    return Interval(value, float(found.confidence_interval.low), float(found.confidence_interval.high))


def probability_of_improvement(x: Scores, y: Scores) -> Interval:
    """P(X > Y) + P(X = Y) / 2: how probably a run of one condition beats one of the other (Agarwal et al. 2021).

    The Mann–Whitney statistic U / (m n), its mean over the strata that both have. The interval is of Newcombe's (2006)
    kind: all θ with (θ̂ - θ)² ≤ z² V(θ), V the variance of Hanley and McNeil (1982) with both sizes at their mean, as
    if all strata had one θ. Unlike a bootstrap's it has a width where every x is above every y, as is common with few
    seeds.

    Args:
        x: scores of the one condition, as for :func:`interquartile_mean`.
        y: scores of the other, with the same strata.

    Returns:
        Probability and interval, within 0 to 1; ½ is no difference. NaN bounds if there is one seed a side, NaN
        throughout without a stratum that both have.
    """
    mine, theirs = _strata(x), _strata(y)
    pairs = [(mine[name], theirs[name]) for name in mine if name in theirs]
    if not pairs:
        return Interval(math.nan, math.nan, math.nan)
    value = float(np.mean([_superiority(a, b) for a, b in pairs]))
    if any(len(a) + len(b) < 3 for a, b in pairs):
        return Interval(value, math.nan, math.nan)
    sizes = [(len(a), len(b)) for a, b in pairs]
    z = float(stats.norm.ppf(0.5 + LEVEL / 2))

    def outside(theta: float) -> float:
        return (value - theta) ** 2 - z * z * sum(_variance(theta, m, n) for m, n in sizes) / len(sizes) ** 2

    # At 0 and at 1 the variance is 0, so that a bound lies between each and the value; just beside them it is above the
    # squared distance, so that a value of 0 or 1 has its own bound on the one side and another on the other.
    low = optimize.brentq(outside, 0.0, min(value, 1.0 - _BESIDE)) if value > 0.0 else 0.0
    high = optimize.brentq(outside, max(value, _BESIDE), 1.0) if value < 1.0 else 1.0
    return Interval(value, float(low), float(high))


def _superiority(x: FloatArray, y: FloatArray) -> float:
    above = (x[:, None] > y).sum() + 0.5 * (x[:, None] == y).sum()
    return float(above) / (len(x) * len(y))


def _variance(theta: float, m: int, n: int) -> float:
    """Of U / (m n) if P(X > Y) = theta, with both sizes taken at their mean but for the product (Newcombe 2006)."""
    more = (m + n) / 2.0 - 1.0
    spread = 1.0 + more * ((1.0 - theta) / (2.0 - theta) + theta / (1.0 + theta))
    return theta * (1.0 - theta) * spread / (m * n)


def difference_of_means(x: Sequence[float], y: Sequence[float]) -> Interval:
    """Mean of x less mean of y with Welch's (1947) t interval: different seeds, variances of their own.

    Args:
        x: one number a seed of the one condition; those that are not numbers are left out.
        y: of the other; the seeds are unrelated (else :func:`paired_difference` is narrower).

    Returns:
        The difference; NaN bounds with fewer than two seeds on a side, NaN throughout without a seed on one.
    """
    samples = [values[np.isfinite(values)] for values in (np.asarray(x, np.float64), np.asarray(y, np.float64))]
    if not all(map(len, samples)):
        return Interval(math.nan, math.nan, math.nan)
    value = float(samples[0].mean() - samples[1].mean())
    if min(map(len, samples)) < 2:
        return Interval(value, math.nan, math.nan)
    parts = [float(each.var(ddof=1)) / len(each) for each in samples]
    total = sum(parts)
    if total == 0.0:
        return Interval(value, value, value)
    freedom = total**2 / sum(part**2 / (len(each) - 1) for part, each in zip(parts, samples, strict=True))
    half = float(stats.t.ppf(0.5 + LEVEL / 2, freedom)) * math.sqrt(total)
    return Interval(value, value - half, value + half)


def paired_difference(x: Sequence[float], y: Sequence[float]) -> Estimate:
    """Mean of x - y with Student's t interval of the differences: the same seeds under two conditions, in one order.

    Args:
        x: one number a seed of the one condition.
        y: the same seeds' of the other; a seed of which either is not a number is left out.

    Raises:
        ValueError: if they are not equally many.
    """
    if len(x) != len(y):
        raise ValueError(f"x has {len(x)} numbers and y {len(y)}; a pair for each seed is needed")
    return estimate([float(a) - float(b) for a, b in zip(x, y, strict=True)])
