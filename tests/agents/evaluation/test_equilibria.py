"""Equilibria of the game among policies: nashpy's to 1e-9, no gain in random games, alpha-rank's known ends."""

from __future__ import annotations

from typing import Any

import nashpy
import numpy as np
import pytest

from agents.evaluation.equilibria import alpha_rank, complementary, fixations, nash, stationary, values

APART = np.array([[0.0, 0.5], [0.5, 0.0]])  # a seeker always meets a greedy state
EVEN = np.full((2, 2), 0.25)
ALONE = np.array([[1.0, 0.0], [0.0, 0.0]])  # nobody is greedy
STONE = np.array([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]])


def both(matrix: Any) -> np.ndarray:
    """The same game whatever the types."""
    return np.broadcast_to(np.asarray(matrix, float)[None, :, None, :], (2, len(matrix), 2, len(matrix))).copy()


def gains(payoffs: np.ndarray, meetings: np.ndarray, mixture: np.ndarray) -> np.ndarray:
    """What the best policy earns each type more, by the definition."""
    found = np.zeros(2)
    for own in (0, 1):
        if meetings[own].sum():
            chance = meetings[own] / meetings[own].sum()
            each = sum(chance[other] * payoffs[own, :, other] @ mixture[other] for other in (0, 1))
            found[own] = each.max() - mixture[own] @ each
    return found


# --- Nash -----------------------------------------------------------------------------------------------------------


def test_stone_paper_scissors_and_a_biased_one_are_solved_to_1e_9() -> None:
    assert nash(both(STONE), ALONE)[0] == pytest.approx([1 / 3] * 3, abs=1e-9)
    # where half are greedy, who plays what is anybody's, but for the mean
    assert nash(both(STONE), EVEN).mean(axis=0) == pytest.approx([1 / 3] * 3, abs=1e-9)
    # Omidshafiei et al. 2019, biased: only (1/16, 10/16, 5/16) leaves nobody with more
    biased = np.array([[0.0, -0.5, 1.0], [0.5, 0.0, -0.1], [-1.0, 0.1, 0.0]])
    [(theirs, _)] = list(nashpy.Game(biased, biased.T).support_enumeration())
    assert theirs == pytest.approx([1 / 16, 10 / 16, 5 / 16], abs=1e-9)
    assert nash(both(biased + 3.0), ALONE)[0] == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("seed", range(20))
def test_types_that_only_meet_each_other_play_an_equilibrium_that_nashpy_finds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = int(rng.integers(2, 6))
    mine, theirs = rng.normal(size=(2, size, size))
    payoffs = rng.normal(size=(2, size, 2, size))
    payoffs[0, :, 1], payoffs[1, :, 0] = mine, theirs
    found = nash(payoffs, APART)
    known = list(nashpy.Game(mine, theirs.T).vertex_enumeration())
    assert min(max(np.abs(found[0] - a).max(), np.abs(found[1] - b).max()) for a, b in known) < 1e-9


@pytest.mark.parametrize("meetings", [EVEN, np.array([[0.81, 0.09], [0.09, 0.01]]), APART, ALONE])
def test_in_an_equilibrium_no_type_gains(meetings: np.ndarray) -> None:
    rng = np.random.default_rng(5)
    for _ in range(40):
        size = int(rng.integers(1, 13))
        payoffs = rng.normal(size=(2, size, 2, size)) * 30.0
        found = nash(payoffs, meetings)
        assert (found >= 0).all() and found.sum(axis=1) == pytest.approx([1.0, 1.0])
        assert gains(payoffs, meetings, found).max() < 1e-9 * np.ptp(payoffs) + 1e-10
        mine = values(payoffs, meetings, found)
        assert np.maximum(mine.max(axis=1) - (mine * found).sum(axis=1), 0) == pytest.approx(
            gains(payoffs, meetings, found), abs=1e-9
        )


@pytest.mark.parametrize("kind", ["rounded", "twins", "nearly twins", "nearly the same"])
def test_policies_that_are_worth_the_same_or_nearly_are_no_harm(kind: str) -> None:
    """Likeliest choices play as the draws do, once a policy has settled: rows and columns come twice, or almost."""
    rng = np.random.default_rng(7)
    for _ in range(8):
        size = int(rng.integers(10, 31))
        payoffs = 25.0 + 3.0 * rng.normal(size=(2, size, 2, size))
        if kind == "rounded":
            payoffs = np.round(payoffs)
        elif kind == "nearly the same":
            payoffs = 25.0 + rng.normal(size=(2, 1, 2, size)) + 0.02 * rng.normal(size=payoffs.shape)
        else:
            twins = rng.integers(0, size, size)
            payoffs = payoffs[:, twins][:, :, :, twins] + (1e-10 * rng.normal(size=payoffs.shape)) * (kind != "twins")
        assert gains(payoffs, EVEN, nash(payoffs, EVEN)).max() < 1e-7


def test_games_with_ties_everywhere_are_solved() -> None:
    for payoffs in (np.zeros((2, 5, 2, 5)), both([[1.0, 1.0], [1.0, 1.0]]), both(np.eye(4)), both(1.0 - np.eye(3))):
        assert gains(payoffs, EVEN, nash(payoffs, EVEN)).max() < 1e-12


def test_the_problem_behind_it_is_solved_and_a_ray_is_told() -> None:
    # Cottle, Pang and Stone 1992: positive definite, one solution
    matrix, offset = np.array([[2.0, 1.0], [1.0, 2.0]]), np.array([-5.0, -6.0])
    assert complementary(matrix, offset) == pytest.approx([4 / 3, 7 / 3])
    assert not complementary(matrix, -offset).any()
    with pytest.raises(ArithmeticError, match="ray"):
        complementary(np.array([[-1.0]]), np.array([-1.0]))


# --- alpha-rank -----------------------------------------------------------------------------------------------------


def test_the_published_ends_of_alpha_rank() -> None:
    """Omidshafiei et al. 2019: stone, paper, scissors, biased too, stay a third of the time each; dilemmas defect."""
    biased = np.array([[0.0, -0.5, 1.0], [0.5, 0.0, -0.1], [-1.0, 0.1, 0.0]])
    for matrix in (STONE, biased):
        assert alpha_rank(both(matrix), ALONE)[0] == pytest.approx([1 / 3] * 3, abs=0.005)
    assert alpha_rank(both([[3.0, 0.0], [5.0, 1.0]]), ALONE)[0] == pytest.approx([0.0, 1.0], abs=1e-9)


@pytest.mark.parametrize("intensity", [0.0, 0.1, 2.0])
def test_two_strategies_stay_by_the_ratio_of_their_chances(intensity: float) -> None:
    """Fudenberg & Imhof 2006: the ratio of two chances of fixation is exp of all leads on the way, summed."""
    game, count = np.array([[2.0, 0.3], [1.1, 0.9]]), 20
    chances = fixations(game, count, intensity)
    lead = 0.0
    for k in range(1, count):
        first = ((k - 1) * game[0, 0] + (count - k) * game[0, 1]) / (count - 1)
        second = (k * game[1, 0] + (count - k - 1) * game[1, 1]) / (count - 1)
        lead += intensity * (first - second)
    assert np.log(chances[1, 0] / chances[0, 1]) == pytest.approx(lead)
    stays = stationary(chances)
    assert stays[0] / stays[1] == pytest.approx(np.exp(lead))
    if intensity == 0.0:
        assert chances[0, 1] == pytest.approx(1 / count)


def test_where_a_chain_is_in_the_long_run_is_its_eigenvector_and_survives_vast_ratios() -> None:
    rates = np.random.default_rng(3).uniform(0.1, 1.0, (7, 7))
    np.fill_diagonal(rates, 0.0)
    chain = rates / 10.0
    np.fill_diagonal(chain, 1.0 - chain.sum(axis=1))
    assert stationary(rates) @ chain == pytest.approx(stationary(rates), abs=1e-14)
    rare = np.array([[0.0, 1e-120, 1.0], [1.0, 0.0, 1e-120], [1e-120, 1e-100, 0.0]])
    # out of the third at 1e-100, to the second and on to the first, which goes back
    assert stationary(rare) == pytest.approx([1e-100, 1e-100, 1.0], rel=1e-9)


def test_each_type_is_ranked_by_whom_it_meets() -> None:
    # a greedy state gains by the second policy, and a seeker loses by it
    payoffs = np.zeros((2, 2, 2, 2))
    payoffs[0, 0], payoffs[0, 1], payoffs[1, 0], payoffs[1, 1] = 5.0, 4.0, 5.0, 9.0
    assert alpha_rank(payoffs, EVEN) == pytest.approx(np.array([[1.0, 0.0], [0.0, 1.0]]), abs=1e-6)
    assert nash(payoffs, EVEN) == pytest.approx(np.array([[1.0, 0.0], [0.0, 1.0]]), abs=1e-9)
    assert alpha_rank(payoffs, ALONE)[1].tolist() == [1.0, 0.0]  # none is there to be ranked


def test_where_all_plans_are_worth_the_same_all_stay_as_long() -> None:
    assert alpha_rank(np.ones((2, 3, 2, 3)), EVEN) == pytest.approx(np.full((2, 3), 1 / 3))
