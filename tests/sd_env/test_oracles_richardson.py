"""Oracle of theory.md, section 2 (d): Richardson's arms race, with scripted reactions to the environment's stocks."""

from __future__ import annotations

import numpy as np
import pytest

from sd_env.layout import Build, Head, Stance
from sd_env.scenario import Scenario
from sd_env.worlds import Worlds

#: Richardson's units of time in a turn.
DT = 0.1


def race(scenario: Scenario, reaction: np.ndarray, grievance: np.ndarray, turns: int) -> np.ndarray:
    """Stocks (turns + 1, N) if x' = reaction x + grievance; reaction (N, N) with fatigue on its diagonal.

    What the environment's depreciation does not do of a state's own fatigue, its building leaves undone. Building is in
    levels: each state carries over what rounding leaves.
    """
    n = scenario.n_states
    worlds = Worlds(scenario, 1, seed=0)
    rate, depreciation = float(worlds.params["build_rate"][0]), float(worlds.params["depreciation"][0])
    stocks = [worlds.states["offense"][0].copy()]
    carried = np.zeros(n)
    for _ in range(turns):
        wanted = DT * (reaction @ stocks[-1] + grievance) + depreciation * stocks[-1] + carried
        levels = np.clip(np.rint(wanted / rate), Build.NONE, Build.FULL).astype(int)
        carried = wanted - rate * levels
        actions = np.zeros((1, n, Head.STANCE + n - 1), int)
        actions[:, :, Head.STANCE :] = Stance.NEUTRAL
        actions[0, :, Head.BUILD_OFFENSE] = levels
        worlds.step(actions)
        stocks.append(worlds.states["offense"][0].copy())
    return np.array(stocks)


@pytest.mark.parametrize("start", [(0.0, 0.0), (12.0, 2.0), (9.0, 9.0)])
def test_the_race_comes_to_rest_at_richardsons_fixed_point(start: tuple[float, float]) -> None:
    """After 100 units of time exp(-10) of the start is left; rounding to levels of .125 moves a mean by less than .07.

    What is carried is at most half a level, .0625, so over 200 turns building is off by at most .125 in all, which the
    slow mode (eigenvalue -.01 a turn) multiplies by 100 / 200.
    """
    scenario = Scenario.load("games/richardson", {"states.offense": {"state_0": start[0], "state_1": start[1]}})
    stocks = race(scenario, np.array([[-0.3, 0.2], [0.15, -0.25]]), np.array([1.0, 0.5]), 1000)
    assert stocks[-200:].mean(axis=0) == pytest.approx((7.778, 6.667), abs=0.07)
    assert np.ptp(stocks[-200:], axis=0).max() < 4 * 0.125


def test_the_race_slows_down_as_its_eigenvalues_say() -> None:
    """With eigenvalues -.1 and -.45 stocks from (0, 0) follow the linear system, within what rounding can do."""
    reaction, grievance = np.array([[-0.3, 0.2], [0.15, -0.25]]), np.array([1.0, 0.5])
    assert np.sort(np.linalg.eigvals(reaction)) == pytest.approx([-0.45, -0.1], abs=1e-12)
    stocks = race(Scenario.load("games/richardson"), reaction, grievance, 400)
    expected = np.zeros_like(stocks)
    for t in range(400):
        expected[t + 1] = expected[t] + DT * (reaction @ expected[t] + grievance)
    # a step of at most half a level that is carried over, then undone: twice that, and the modes are not orthogonal
    assert np.abs(stocks - expected).max() < 3 * 0.0625
    assert expected[100].sum() < 0.75 * expected[400].sum(), "there is a way to go"


@pytest.mark.parametrize(("n", "rate"), [(2, -0.05), (3, 0.1)])
def test_like_states_run_away_iff_there_are_enough_of_them(n: int, rate: float) -> None:
    """k = .15, a = .2: from 0 stocks are (g / rate) (exp(rate t) - 1), rate = (N - 1) k - a."""
    scenario = Scenario.load("games/richardson", {"n_states": n, "arming.depreciation": 0.02})
    reaction = np.full((n, n), 0.15) - (0.15 + 0.2) * np.eye(n)
    stocks = race(scenario, reaction, np.full(n, 0.1), 200)
    expected = 0.1 / rate * ((1 + DT * rate) ** 200 - 1)
    assert stocks[-1] == pytest.approx(np.full(n, expected), abs=2 * 0.0625 * max(1.0, (1 + DT * rate) ** 200))
    turning = np.diff(stocks[::50], axis=0).mean(axis=1)  # by quarters, so that rounding counts for little
    assert (np.diff(turning) > 0).all() == (rate > 0)
    assert (turning[-1] > 1.5 * turning[0]) == (rate > 0)
