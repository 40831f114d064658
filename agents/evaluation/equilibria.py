"""Solutions of the game among policies: a Nash equilibrium by types, exactly, and alpha-rank.

The game is that of :class:`agents.training.meta_game.MetaGame`: two states, each of a type that it alone knows, choose
a policy each. Payoffs are float64 ``(2, K, 2, K)``, what a type earns by a policy against one of a type; meetings
``(2, 2)``, how often a type meets one. Mixtures are ``(2, K)``, of security seekers and of greedy states.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from agents.training.meta_game import values_in, weighted

#: What a number must differ by from 0 to be a pivot, and pivots at most: each basis comes once, so that they end.
_PIVOT, _PIVOTS = 1e-11, 3_000
#: Paths that are tried, and what the best policy may gain at the end of one, in spreads of a type's payoffs.
_PATHS, _EXACT = 60, 1e-9
#: Alpha-rank's population and ranking intensity, in spreads of the payoffs: those of its authors and of OpenSpiel.
POPULATION: Final = 50
INTENSITY: Final = 100.0
#: The least logarithm of a chance of fixation: what never happens would leave a chain that falls apart.
_LEAST: Final = -300.0


def values(payoffs: np.ndarray, meetings: np.ndarray, mixture: np.ndarray) -> np.ndarray:
    """What each policy earns a type among states that mix so, float64 ``(2, K)``; 0 for a type that does not occur."""
    return values_in(weighted(payoffs, meetings), mixture)


def nash(payoffs: np.ndarray, meetings: np.ndarray) -> np.ndarray:
    """A mixture at which no policy earns any type more: a symmetric Bayes-Nash equilibrium, one of maybe several.

    Which one is Lemke's (1965) path's choice, from nowhere in particular. Two states whose types are private are four
    players in pairs, so that their equilibria are the solutions of a linear complementarity problem (Howson 1972), and
    symmetric ones those of half of it: policies that are played have the least cost of their type. Where numbers are
    lost on a path, as among policies that are worth nearly the same, another is taken, from another side.

    Returns:
        float64 ``(2, K)``; of a type that does not occur, the first policy alone.

    Raises:
        ArithmeticError: if no path ends at a mixture from which nobody gains more than 1e-9 of a type's payoffs.
    """
    game = weighted(payoffs, meetings)
    size = game.shape[1]
    flat = game.reshape(2 * size, 2 * size)
    spread = np.array([max(float(np.ptp(rows)), 1e-12) for rows in game])
    tops = np.array([float(rows.max()) for rows in game])
    costs = 1.0 + (np.repeat(tops, size)[:, None] - flat) / np.repeat(spread, size)[:, None]
    least = np.kron(np.eye(2), np.ones((size, 1)))
    matrix = np.block([[costs, -least], [least.T, np.zeros((2, 2))]])
    offset = np.concatenate([np.zeros(2 * size), -np.ones(2)])
    sides, none = np.random.default_rng(0), meetings.sum(axis=1) == 0
    for path in range(_PATHS):
        cover = sides.uniform(0.5, 1.5, len(offset)) if path else np.ones(len(offset))
        try:
            mixture = complementary(matrix, offset, cover)[: 2 * size].reshape(2, size)
        except ArithmeticError:
            continue
        mixture[none] = np.eye(1, size)
        total = mixture.sum(axis=1, keepdims=True)
        if not (np.isfinite(total).all() and (total > 0).all()):
            continue
        mixture /= total
        worth = values_in(game, mixture)
        if ((worth.max(axis=1) - (worth * mixture).sum(axis=1)) / spread <= _EXACT).all():
            return mixture
    raise ArithmeticError(f"No equilibrium was found to {_EXACT:g}: the policies are worth too nearly the same.")


def complementary(matrix: np.ndarray, offset: np.ndarray, cover: np.ndarray | None = None) -> np.ndarray:
    """A ``z >= 0`` with ``w = matrix @ z + offset >= 0`` and no place at which both are above 0, by Lemke's method.

    Rows that would leave together are told apart lexicographically, so that no basis comes twice.

    Args:
        matrix: float64 ``(n, n)``.
        offset: float64 ``(n,)``.
        cover: numbers above 0, ``(n,)``: from which side the path comes; None stands for ones.

    Raises:
        ArithmeticError: if the path ends in a ray, as it may where the matrix is not copositive.
    """
    count = len(offset)
    if (offset >= 0).all():
        return np.zeros(count)
    extra = 2 * count  # columns: w, z, the extra variable, the right side
    covering = np.ones(count) if cover is None else cover
    table = np.hstack([np.eye(count), -matrix, -covering[:, None], offset[:, None]])
    basis = np.arange(count)
    row, entering = min(range(count), key=lambda k: (offset[k] / covering[k], -k)), extra
    for _ in range(_PIVOTS):
        table[row] /= table[row, entering]
        others = np.arange(count) != row
        table[others] -= np.outer(table[others, entering], table[row])
        leaving, basis[row] = int(basis[row]), entering
        if leaving == extra:
            found = np.zeros(2 * count + 1)
            found[basis] = table[:, -1]
            return np.maximum(found[count:extra], 0.0)
        entering = leaving + count if leaving < count else leaving - count
        rows = np.flatnonzero(table[:, entering] > _PIVOT)
        if not len(rows):
            break
        ratios = np.column_stack([table[rows, -1], table[rows, :count]]) / table[rows, entering, None]
        row = int(rows[np.lexsort(ratios.T[::-1])[0]])
    raise ArithmeticError("Lemke's path ends in a ray: the matrix is not copositive.")


def alpha_rank(
    payoffs: np.ndarray, meetings: np.ndarray, population: int = POPULATION, intensity: float = INTENSITY
) -> np.ndarray:
    """How long evolution stays with each policy of each type (Omidshafiei et al. 2019), float64 ``(2, K)``.

    Those who evolve are plans: a policy for each type, chosen before a state knows its own, each worth what it earns
    on average over types. A mutant plan takes over a population of another or dies out, before the next one comes.

    Args:
        payoffs: as above.
        meetings: as above.
        population: how many plans there are at a time.
        intensity: how much payoff decides over chance, where the payoffs of plans are as far apart as 1.

    Returns:
        Shares of the stationary distribution, of each type by itself; of one that does not occur the first policy.
    """
    size = payoffs.shape[1]
    occurs = [bool(each) for each in meetings.sum(axis=1) > 0]
    choices = [range(size) if each else range(1) for each in occurs]
    plans = np.array([(seeker, greedy) for seeker in choices[0] for greedy in choices[1]])
    joint = meetings / meetings.sum()
    worth = np.zeros((len(plans), len(plans)))
    for own in (0, 1):
        for other in (0, 1):
            worth += joint[own, other] * payoffs[own][:, other][np.ix_(plans[:, own], plans[:, other])]
    stays = stationary(fixations(worth / max(float(np.ptp(worth)), 1e-12), population, intensity))
    ranked = np.zeros((2, size))
    for kind in (0, 1):
        np.add.at(ranked[kind], plans[:, kind], stays)
    return ranked


def fixations(payoffs: np.ndarray, population: int, intensity: float) -> np.ndarray:
    """The chance that one who plays the column takes over a population of the row, float64 ``(n, n)``.

    Who imitates whom is Fermi's rule of their mean payoffs among all others (Traulsen, Nowak & Pacheco 2006); the
    diagonal is 0.

    Args:
        payoffs: of the row's strategy against the column's, ``(n, n)``.
        population: how many there are, two or more.
        intensity: how much payoff decides over chance.
    """
    count, steps = len(payoffs), np.arange(1, population)
    same, found = np.diag(payoffs), np.zeros((count, count))
    for resident in range(count):
        against, met = payoffs[:, resident], payoffs[resident]  # of mutants against the resident, and the other way
        own = same[resident]
        slope = (same - against - met + own) / (population - 1)
        level = (-same + population * against - (population - 1) * own) / (population - 1)
        lead = np.outer(level, steps) + np.outer(slope, steps * (steps + 1) / 2)  # summed over 1, 2, .. mutants
        chances = -np.logaddexp.reduce(np.column_stack([np.zeros(count), -intensity * lead]), axis=1)
        found[resident] = np.exp(np.maximum(chances, _LEAST))
    np.fill_diagonal(found, 0.0)
    return found


def stationary(rates: np.ndarray) -> np.ndarray:
    """Where a chain is in the long run, by rates of going from row to column, all above 0 but the diagonal.

    By the elimination of Grassmann, Taksar and Heyman (1985), which subtracts nothing: rates may be hundreds of powers
    of ten apart.
    """
    left = rates.astype(np.float64)
    for last in range(len(left) - 1, 0, -1):
        left[:last, last] /= left[last, :last].sum()
        left[:last, :last] += np.outer(left[:last, last], left[last, :last])
    shares = np.ones(1)
    for last in range(1, len(left)):
        shares = np.append(shares, shares @ left[:last, last])
        shares /= shares.max()
    found: np.ndarray = shares / shares.sum()
    return found
