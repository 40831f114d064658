"""Oracles of theory.md, section 2 (h), (i): games of private information, solved on the environment's own payoffs."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from sd_env.layout import Head, Stance
from sd_env.scenario import Scenario
from sd_env.worlds import Worlds

DRAWS = 4096


def gains(name: str) -> tuple[np.ndarray, np.ndarray, Worlds]:
    """What attacking gains state 0, (DRAWS,) each, where the other waits and where it attacks; and worlds as drawn.

    The same worlds are played four times, once for each pair of choices.
    """
    rewards = {}
    worlds = Worlds(Scenario.load(name), DRAWS, seed=0)
    for pair in ((0, 0), (0, 1), (1, 0), (1, 1)):
        worlds.reset(0)
        actions = np.zeros((DRAWS, 2, Head.STANCE + 1), int)
        actions[:, :, Head.STANCE] = np.where(pair, Stance.ATTACK, Stance.NEUTRAL)
        worlds.step(actions)
        rewards[pair] = worlds.rewards[:, 0].copy()
    return rewards[1, 0] - rewards[0, 0], rewards[1, 1] - rewards[0, 1], worlds


# --- (h) arms with private costs (Baliga and Sjostrom 2004) -------------------------------------------------------

MU, D = 0.05, 1.2


def spread(distribution: Callable[[np.ndarray], np.ndarray]) -> list[tuple[float, float]]:
    """(highest cost that builds, probability to build) of each round of best responses, from nobody builds on.

    ``distribution``: of costs; None of it comes from the environment, all payoffs do.
    """
    alone, met, _ = gains("games/private-costs")
    # Payoffs in the paper's form, which best responses do not depend on: alone = scale (mu - c), met = scale (d - c).
    scale = (met - alone) / (D - MU)
    assert (scale > 0).all()
    cost = MU - alone / scale
    order = np.argsort(cost)
    rounds, building = [], 0.0
    for _ in range(200):
        gain = (building * met + (1 - building) * alone)[order]
        assert (np.diff(np.sign(gain)) <= 0).all(), "those with lower costs build"
        highest = 1.0 if (gain > 0).all() else float(np.interp(0.0, -(gain / scale[order]), cost[order]))
        building = float(distribution(np.array(highest)))
        rounds.append((highest, building))
    return rounds


def test_types_cover_all_costs() -> None:
    alone, met, worlds = gains("games/private-costs")
    cost = MU - alone * (D - MU) / (met - alone)
    assert (cost.min(), cost.max()) == pytest.approx((0.0, 1.0), abs=5e-3)  # ln(4096) / 4096 is 2e-3
    assert (cost >= 0).all() and (cost <= 1 + 1e-12).all()
    assert (np.diff(cost[np.argsort(worlds.states["greed"][:, 0])]) <= 0).all(), "greed makes building cheap"


def test_uniform_costs_spread_arms_to_all() -> None:
    """Each round P' = 1.15 P + .05: the few who build anyway make the next ones build, until all do."""
    rounds = spread(lambda c: c)
    assert rounds[0] == pytest.approx((MU, MU), abs=1e-6)
    assert all(after >= before for (_, before), (_, after) in pairwise(rounds))
    assert rounds[1][1] == pytest.approx(1.15 * MU + MU, abs=1e-6)
    assert rounds[-1] == (1.0, 1.0)


def test_rare_low_costs_leave_arms_to_the_few() -> None:
    highest, building = spread(lambda c: c**2)[-1]
    assert highest == pytest.approx(0.05326, abs=5e-6)
    assert building == pytest.approx(0.00284, abs=5e-6)


def test_as_the_scenario_draws_its_types_few_build() -> None:
    """Greed is uniform, so low costs are rare: P = 1 - g(1.15 P + .05) / g(0) has its lowest root at 0.0202."""
    alone, met, _ = gains("games/private-costs")
    building = 0.0
    for _ in range(100):
        building = float((building * met + (1 - building) * alone > 0).mean())
    assert building == pytest.approx(0.0202, abs=0.012)  # 5 standard errors of a share of 4096


# --- (i) the global game -------------------------------------------------------------------------------------------


class GlobalGame:
    """Best responses to cut-offs in signals theta + noise, noise uniform on [-sigma, sigma], payoffs from play."""

    def __init__(self, sigma: float) -> None:
        alone, met, worlds = gains("games/global-game")
        cost = np.asarray(worlds.params["attacker_cost"])
        order = np.argsort(cost)
        self.sigma = sigma
        # Waiting rather than attacking gains unit * theta or unit * (theta - 1), by what the other does.
        unit = met - alone
        assert np.ptp(unit) < 1e-12 < unit.min()
        self.theta = (-alone / unit)[order]
        self.waits, self.attacks = -alone[order], -met[order]

    def gain(self, signal: float, cutoff: float) -> float:
        """Of waiting at ``signal``, if the other waits above ``cutoff``: mean over what theta may be."""
        noise = self.sigma * (2 * (np.arange(1000) + 0.5) / 1000 - 1)
        theta = signal + noise  # theta is uniform, so the posterior is uniform around the signal
        peace = np.clip((theta + self.sigma - cutoff) / (2 * self.sigma), 0.0, 1.0)
        waits, attacks = (np.interp(theta, self.theta, values) for values in (self.waits, self.attacks))
        return float((peace * waits + (1 - peace) * attacks).mean())

    def answer(self, cutoff: float) -> float:
        """The best cut-off against ``cutoff``, by bisection: gain rises with the signal."""
        low, high = -0.25, 1.25
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (low, middle) if self.gain(middle, cutoff) > 0 else (middle, high)
        return high


def test_payoffs_are_those_of_the_global_game() -> None:
    game = GlobalGame(0.1)
    assert game.waits - game.attacks == pytest.approx(np.full(DRAWS, 0.225), abs=1e-12)
    assert game.waits == pytest.approx(0.225 * game.theta, abs=1e-12)
    assert game.theta[0] < -0.35 and game.theta[-1] > 1.35, "both choices are dominant somewhere"


@pytest.mark.parametrize("sigma", [0.1, 0.02])
def test_iterated_best_responses_from_both_ends_meet_at_one_half(sigma: float) -> None:
    """From "wait nearly always" and from "attack nearly always": what is left between them is one point."""
    game = GlobalGame(sigma)
    low, high = 0.0, 1.0
    for _ in range(400):  # near 1/2 each round leaves 1 / (1 + 2 sigma) of the distance, .96 for .02: 1e-7 in the end
        low, high = game.answer(low), game.answer(high)
    # interpolation between draws is exact, since payoffs are linear in theta
    assert (low, high) == pytest.approx((0.5, 0.5), abs=1e-4)


@pytest.mark.parametrize("sigma", [0.1, 0.02])
def test_a_cutoff_other_than_one_half_is_no_equilibrium(sigma: float) -> None:
    game = GlobalGame(sigma)
    for cutoff in (0.2, 0.4, 0.6, 0.8):
        assert (game.answer(cutoff) > cutoff) == (cutoff < 0.5)
