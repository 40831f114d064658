"""Statistics over seeds: values by hand and by scipy, coverage by simulation."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from agents.evaluation.statistics import (
    Estimate,
    Interval,
    difference_of_means,
    estimate,
    interquartile_mean,
    paired_difference,
    probability_of_improvement,
)

SETS = 400
#: Centre and spread of four worlds, symmetric about 0.
CENTRES = [(-1.0, 1.0), (-0.2, 0.5), (0.2, 0.5), (1.0, 1.0)]
#: Three and a third standard deviations of a share of .95 in 400 data sets: a good interval fails once in a thousand.
TOLERANCE = stats.norm.ppf(0.9995) * math.sqrt(0.95 * 0.05 / SETS)


def coverage(true: float, interval: Callable[[np.random.Generator], Interval | Estimate]) -> float:
    """Share of the data sets whose interval holds the true value."""
    rng = np.random.default_rng(20)
    found = [interval(rng) for _ in range(SETS)]
    return float(np.mean([each.low <= true <= each.high for each in found]))


# --- the interquartile mean -----------------------------------------------------------------------------------


def test_the_interquartile_mean_is_the_mean_of_the_middle_half() -> None:
    """Of 8 numbers, strata together, two are cut at either end: (2 + 3 + 4 + 5) / 4. Of 5, one: (2 + 3 + 4) / 3."""
    assert interquartile_mean({"a": [1, 2, 3, 100], "b": [4, 5, 6, -50]}, seed=0).value == 3.5
    assert interquartile_mean([1, 2, 3, 4, 100], seed=0).value == 3.0


def test_the_bootstrap_is_stratified() -> None:
    """Two worlds without any spread of their own: drawing seeds within each gives the same numbers always.

    Drawn from all together, the share of either world would vary, and the interval with it.
    """
    apart = interquartile_mean({"low": [0.0] * 6, "high": [1.0] * 6}, seed=0)
    assert apart == Interval(0.5, 0.5, 0.5)
    together = interquartile_mean([0.0] * 6 + [1.0] * 6, seed=0)
    assert together.low < 0.2 and together.high > 0.8


def test_the_bootstrap_is_that_of_all_resamples() -> None:
    """Three seeds, 27 resamples: of three, none are cut (¾ rounds down), so the statistic is their mean.

    Its distribution over the 27 from (0, 1, 5): the 2.5% quantile lies at 0 (1/27 = 3.7%), the 97.5% at 5.
    """
    found = interquartile_mean([0.0, 1.0, 5.0], seed=0, resamples=20_000)
    assert (found.value, found.low, found.high) == (2.0, 0.0, 5.0)


def test_the_same_seed_gives_the_same_interval() -> None:
    scores = {"a": list(np.random.default_rng(0).normal(size=7)), "b": list(np.random.default_rng(1).normal(size=5))}
    assert interquartile_mean(scores, seed=3) == interquartile_mean(scores, seed=3)
    assert interquartile_mean(scores, seed=3) != interquartile_mean(scores, seed=4)


def test_the_interval_of_the_interquartile_mean_covers() -> None:
    """20 seeds in each of four worlds, symmetric about 0, so that 0 is the true value."""

    def interval(rng: np.random.Generator) -> Interval:
        worlds = {str(centre): list(centre + spread * rng.normal(size=20)) for centre, spread in CENTRES}
        return interquartile_mean(worlds, seed=int(rng.integers(2**32)), resamples=1000)

    assert coverage(0.0, interval) == pytest.approx(0.95, abs=TOLERANCE)


def test_the_interquartile_mean_of_too_few() -> None:
    single = interquartile_mean({"a": [1.0, 2.0], "b": [3.0]}, seed=0)
    assert single.value == 2.0 and not single.known
    assert math.isnan(interquartile_mean([math.nan], seed=0).value)
    assert math.isnan(interquartile_mean({}, seed=0).value)
    assert interquartile_mean([math.nan, 1.0, 3.0], seed=0).value == 2.0
    assert interquartile_mean([1.0, 3.0], seed=0).known


# --- the probability of improvement ---------------------------------------------------------------------------


def test_the_probability_of_improvement_counts_pairs_and_halves_ties() -> None:
    """(3, 1) against (1, 2): 3 > 1, 3 > 2, 1 = 1, 1 < 2: 2.5 of 4. Over strata, the mean of .625 and 1."""
    assert probability_of_improvement([3, 1], [1, 2]).value == 0.625
    assert probability_of_improvement({"a": [3, 1], "b": [9]}, {"a": [1, 2], "b": [8], "c": [99]}).value == 0.8125


@pytest.mark.parametrize("seed", range(5))
def test_the_probability_of_improvement_is_mann_whitneys(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, 5, 7).astype(float), rng.integers(0, 5, 9).astype(float)
    found = probability_of_improvement(list(x), list(y))
    assert found.value == pytest.approx(float(stats.mannwhitneyu(x, y).statistic) / 63)
    back = probability_of_improvement(list(y), list(x))
    assert (back.value, back.low, back.high) == pytest.approx((1 - found.value, 1 - found.high, 1 - found.low))


def test_the_bounds_solve_their_equation() -> None:
    """Three against three, all above: (1 - θ)² = z² θ (1-θ) [1 + 2 ((1-θ)/(2-θ) + θ/(1+θ))] / 9 at the lower bound."""
    found = probability_of_improvement([4, 5, 6], [1, 2, 3])
    assert (found.value, found.high) == (1.0, 1.0)
    t = found.low
    variance = t * (1 - t) * (1 + 2 * ((1 - t) / (2 - t) + t / (1 + t))) / 9
    assert (1 - t) ** 2 == pytest.approx(1.959964**2 * variance, rel=1e-5)
    assert 0.5 < t < 0.6
    none = probability_of_improvement([1, 2, 3], [4, 5, 6])
    assert (none.value, none.low, none.high) == (0.0, 0.0, pytest.approx(1 - t))


@pytest.mark.parametrize(("m", "n", "shift"), [(5, 5, 0.0), (5, 5, 1.5), (10, 10, 0.7), (5, 20, 0.7)])
def test_the_interval_of_the_probability_of_improvement_covers(m: int, n: int, shift: float) -> None:
    true = float(stats.norm.cdf(shift / math.sqrt(2)))  # two unit normals, a shift apart
    share = coverage(
        true, lambda rng: probability_of_improvement(list(rng.normal(shift, 1, m)), list(rng.normal(size=n)))
    )
    assert share >= 0.95 - TOLERANCE


def test_the_interval_over_strata_covers() -> None:
    shifts = (0.0, 0.5, 1.5)
    true = float(np.mean([stats.norm.cdf(shift / math.sqrt(2)) for shift in shifts]))

    def interval(rng: np.random.Generator) -> Interval:
        x = {str(k): list(rng.normal(shift, 1, 5)) for k, shift in enumerate(shifts)}
        return probability_of_improvement(x, {str(k): list(rng.normal(size=5)) for k in range(3)})

    assert coverage(true, interval) >= 0.95 - TOLERANCE
    one = probability_of_improvement([1, 2, 4], [0, 3, 5])
    three = probability_of_improvement({k: [1, 2, 4] for k in "abc"}, {k: [0, 3, 5] for k in "abc"})
    assert three.value == one.value and three.high - three.low < one.high - one.low


def test_the_probability_of_improvement_of_too_few() -> None:
    one = probability_of_improvement([2.0], [1.0])
    assert one.value == 1.0 and not one.known
    assert probability_of_improvement([2.0, 3.0], [1.0]).known
    assert math.isnan(probability_of_improvement({"a": [1.0]}, {"b": [1.0]}).value)
    assert math.isnan(probability_of_improvement([], [1.0]).value)


# --- differences ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_the_difference_of_means_is_welchs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(1, 1, 6), rng.normal(0, 4, 4)
    found = difference_of_means(list(x), [*y, math.nan])
    theirs = stats.ttest_ind(x, y, equal_var=False).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((float(theirs.low), float(theirs.high)))
    assert found.value == pytest.approx(x.mean() - y.mean())


@pytest.mark.parametrize(("m", "n", "spread"), [(3, 3, 1.0), (10, 6, 3.0)])
def test_the_interval_of_the_difference_covers(m: int, n: int, spread: float) -> None:
    share = coverage(1.0, lambda rng: difference_of_means(list(rng.normal(1, 1, m)), list(rng.normal(0, spread, n))))
    assert share == pytest.approx(0.95, abs=TOLERANCE)


def test_the_difference_of_too_few_or_without_spread() -> None:
    assert difference_of_means([2.0, 2.0], [1.0, 1.0]) == Interval(1.0, 1.0, 1.0)
    assert difference_of_means([2.0], [1.0, 1.5]).value == 0.75 and not difference_of_means([2.0], [1.0, 1.5]).known
    assert math.isnan(difference_of_means([], [1.0]).value)


def test_paired_differences_are_students_of_the_differences() -> None:
    """5 - 1, 7 - 2, 9 - 3: mean 5, deviation 1, half-width 4.3027 / √3. A seed with a gap is left out."""
    found = paired_difference([5, 7, 9, math.nan], [1, 2, 3, 4])
    assert found.values == (4.0, 5.0, 6.0)
    assert (found.value, found.high - found.value) == (5.0, pytest.approx(4.302653 / math.sqrt(3)))
    with pytest.raises(ValueError, match="x has 2 numbers and y 1; a pair for each seed is needed"):
        paired_difference([1, 2], [1])


def test_pairing_removes_what_seeds_share() -> None:
    rng = np.random.default_rng(0)
    common = rng.normal(0, 10, 12)
    x, y = common + rng.normal(1, 1, 12), common + rng.normal(0, 1, 12)
    paired, apart = paired_difference(list(x), list(y)), difference_of_means(list(x), list(y))
    assert paired.value == pytest.approx(apart.value)
    assert paired.high - paired.low < 0.3 * (apart.high - apart.low)


def test_students_interval_covers() -> None:
    assert coverage(0.0, lambda rng: estimate(list(rng.normal(size=5)))) == pytest.approx(0.95, abs=TOLERANCE)
