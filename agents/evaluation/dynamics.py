"""Ecological dynamics: which strategies spread when those that earn more become more frequent."""

from __future__ import annotations

import numpy as np

from agents.work import WorkError

GENERATIONS = 200


def fitness(payoffs: np.ndarray) -> np.ndarray:
    """Pay-offs moved and scaled onto 1 to 2, so that they are positive whatever the game's units.

    Args:
        payoffs: float ``(P, P)``, entry (a, b) what a earns against b.

    Returns:
        float64 ``(P, P)``; all 1 where all pay-offs are equal.
    """
    payoffs = np.asarray(payoffs, np.float64)
    low, high = payoffs.min(), payoffs.max()
    scaled: np.ndarray = np.ones_like(payoffs) if high == low else 1.0 + (payoffs - low) / (high - low)
    return scaled


def replicator(payoffs: np.ndarray, generations: int = GENERATIONS, shares: np.ndarray | None = None) -> np.ndarray:
    """Shares of strategies in a large, well-mixed population over generations.

    The discrete replicator dynamics of Axelrod's ecological tournament (Axelrod 1984, *The Evolution of Cooperation*,
    chapter 2; Taylor & Jonker 1978, *Evolutionary stable strategies and game dynamics*, Mathematical Biosciences 40):
    in each generation everybody meets everybody, itself included, and a strategy's share is multiplied by what it
    earns over what the population earns on average. Earnings are those of :func:`fitness`: on a larger scale
    change would be faster, and its rest points the same.

    Args:
        payoffs: float ``(P, P)``, entry (a, b) what a earns against b; all finite.
        generations: how many steps.
        shares: float ``(P,)``, where the population starts; default equal shares.

    Returns:
        float64 ``(generations + 1, P)``; each row sums to 1, row 0 is the start.

    Raises:
        WorkError: for pay-offs that are not a finite square, or shares that are none.
    """
    payoffs = np.asarray(payoffs, np.float64)
    if payoffs.ndim != 2 or payoffs.shape[0] != payoffs.shape[1] or not payoffs.size or not np.isfinite(payoffs).all():
        raise WorkError(f"pay-offs of shape {payoffs.shape} are given; a square of finite numbers is needed.")
    count = len(payoffs)
    now = np.full(count, 1.0 / count) if shares is None else np.asarray(shares, np.float64)
    if now.shape != (count,) or not np.isfinite(now).all() or (now < 0).any() or not np.isclose(now.sum(), 1.0):
        raise WorkError(f"shares are {now}; {count} numbers of at least 0 that sum to 1 are needed.")
    if generations < 0:
        raise WorkError(f"generations is {generations}; 0 or more is needed.")
    earned = fitness(payoffs)
    course = np.empty((generations + 1, count))
    course[0] = now / now.sum()
    for generation in range(generations):
        gains = course[generation] * (earned @ course[generation])
        course[generation + 1] = gains / gains.sum()
    return course
