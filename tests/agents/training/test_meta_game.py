"""The game of choosing among policies: payoffs are what play gives, and settled shares leave none with more."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agents.strategies.deviators import BuildThenStrike
from agents.table.play import play
from agents.training.meta_game import MetaGame
from sd_env.scenario import Scenario


def of(payoffs: Any, meetings: Any = ((0.25, 0.25), (0.25, 0.25))) -> MetaGame:
    """A game whose payoffs ``(type, K, type, K)`` are given."""
    table = np.asarray(payoffs, dtype=float)
    game = MetaGame(Scenario.load("jervis/intense"), 2, 1)
    game.policies = [BuildThenStrike(0, 0)] * table.shape[1]
    game._payoffs = {(a, b): table[:, a, :, b] for a in range(table.shape[1]) for b in range(table.shape[1])}
    game.meetings = np.array(meetings)
    return game


def both(matrix: Any) -> np.ndarray:
    """The same game whatever the types."""
    return np.broadcast_to(np.asarray(matrix, float)[None, :, None, :], (2, len(matrix), 2, len(matrix)))


def test_a_game_that_only_a_mixture_settles_is_settled_by_it() -> None:
    # hawk and dove (Maynard Smith & Price 1973): value 2, cost 4, plus 10; half are hawks
    game = of(both([[9.0, 12.0], [10.0, 11.0]]))
    shares = game.settle(np.array([[1.0, 0.0], [0.0, 1.0]]))
    assert shares.mean(axis=0) == pytest.approx([0.5, 0.5], abs=0.02)
    assert game.regrets(shares).max() < 0.002


def test_a_circle_is_settled_in_its_middle() -> None:
    # scissors, paper, stone, lifted by 10: fictitious play comes to rest in the middle (Robinson 1951)
    game = of(both([[10.0, 11.0, 9.0], [9.0, 10.0, 11.0], [11.0, 9.0, 10.0]]))
    shares = game.settle(np.array([[1.0, 0.0, 0.0]] * 2))
    assert game.regrets(shares).max() < 0.002
    assert shares.mean(axis=0) == pytest.approx([1 / 3] * 3, abs=0.02)


@pytest.mark.parametrize("start", [0, 1])
def test_of_two_equilibria_that_is_taken_from_which_play_comes(start: int) -> None:
    # a stag hunt: either is settled
    game = of(both([[4.0, 1.0], [3.0, 3.0]]))
    begin = np.eye(2)[[start, start]]
    assert np.array_equal(game.settle(begin), begin)


def test_each_type_has_shares_of_its_own_by_whom_it_meets() -> None:
    # a greedy state gains by the second policy from seekers alone; a seeker never does; types meet their own
    payoffs = np.zeros((2, 2, 2, 2))
    payoffs[0, 0], payoffs[0, 1] = 5.0, 4.0
    payoffs[1, 0], payoffs[1, 1, 0], payoffs[1, 1, 1] = 5.0, 9.0, 1.0
    begin = np.full((2, 2), 0.5)
    apart = of(payoffs, ((0.5, 0.0), (0.0, 0.5))).settle(begin)
    assert apart == pytest.approx(np.array([[1.0, 0.0], [1.0, 0.0]]), abs=0.02)
    mixed = of(payoffs, ((0.0, 0.5), (0.5, 0.0))).settle(begin)
    assert mixed == pytest.approx(np.array([[1.0, 0.0], [0.0, 1.0]]), abs=0.02)


def test_payoffs_are_the_mean_returns_of_play() -> None:
    scenario = Scenario.load("jervis/doubly-dangerous")
    game = MetaGame(scenario, 400, 7)
    rest, strike = BuildThenStrike(0, 0), BuildThenStrike(2, 4)
    for policy in (rest, strike):
        game.add(policy)
    even = scenario.with_overrides({"motives.p_greedy": 0.5})
    frames = [play(even, cast, worlds=200, seed=7 + k) for k, cast in enumerate(([strike, rest], [rest, strike]))]
    table = game.payoffs()
    for own in (0, 1):
        for other in (0, 1):
            returns = []
            for seat, frame in enumerate(frames):  # strike sits in seat 0, then in seat 1
                kinds = [(frame[f"greed_{s}"] > 0).astype(int) for s in (seat, 1 - seat)]
                returns.append(frame.loc[(kinds[0] == own) & (kinds[1] == other), f"return_{seat}"])
            mean = np.concatenate(returns).mean()
            assert table[own, 1, other, 0] == pytest.approx(mean)
    values = game.values(np.array([[1.0, 0.0], [1.0, 0.0]]))
    own = play(scenario, [rest, rest], worlds=200, seed=7)
    assert values[0, 0] == pytest.approx(own["return_0"][own["greed_0"] == 0].mean(), rel=0.01)  # nobody fights


def test_a_type_that_does_not_occur_has_no_regret() -> None:
    scenario = Scenario.load("jervis/doubly-dangerous", {"motives.p_greedy": 0.0})
    game = MetaGame(scenario, 64, 7)
    for policy in (BuildThenStrike(0, 0), BuildThenStrike(0, 10_000)):
        game.add(policy)
    shares = game.settle(np.full((2, 2), 0.5))
    assert game.regrets(shares)[1] == 0.0 and np.isfinite(shares).all()
    assert shares[0] == pytest.approx([1.0, 0.0], abs=0.02)


def test_worth_is_weighed_by_how_often_types_meet_in_the_game_itself() -> None:
    scenario = Scenario.load("jervis/doubly-dangerous", {"motives.p_greedy": 0.1})
    game = MetaGame(scenario, 20_000, 7)
    for policy in (BuildThenStrike(0, 0), BuildThenStrike(2, 4)):
        game.add(policy)
    pure = np.array([[0.0, 1.0]] * 2)
    frame = play(scenario, [BuildThenStrike(2, 4)] * 2, worlds=20_000, seed=1234)
    for kind in (0, 1):
        returns = np.concatenate([frame.loc[(frame[f"greed_{s}"] > 0) == kind, f"return_{s}"] for s in (0, 1)])
        error = returns.std() / np.sqrt(len(returns))
        assert game.values(pure)[kind, 1] == pytest.approx(returns.mean(), abs=6 * error)
