"""The game of choosing among policies: what each of them earns against each, and shares at which hardly any earns more.

Policies that were found one after another are the choices of a small game with the same types of states (an empirical
game: Wellman 2006; Lanctot et al. 2017). Its equilibrium is a mixture of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from agents.table.play import play
from agents.training.types_drawn import with_types_even
from sd_env.policies import another
from sd_env.scenario import Scenario
from sd_env.worlds import Worlds

if TYPE_CHECKING:
    from agents.policies.protocol import Policy
    from agents.table.interventions import InterventionsLike

#: States of the scenarios for which there is such a table: it has an entry for each pair of policies.
STATES: Final = 2
#: Steps toward a logit equilibrium, and the steps that the shares it begins with weigh as much as.
_STEPS: Final = 6000
_INERTIA: Final = 20.0
#: How much a type cares: a policy that earns it this share of its payoff more is taken e times as often.
_TEMPERATURE: Final = 0.004
#: A share below this is none.
_LEAST: Final = 0.01


class MetaGame:
    """Policies, what each earns against each by the types of the two, and how often those types meet.

    Attributes:
        policies: the choices, K of them.
        meetings: how often a state of a type meets one of a type, float64 ``(2, 2)``.

    Args:
        scenario: a game of two states.
        worlds: in which each pair of policies meets, each of the two in either seat in half of them. The types are
            drawn evenly there if nothing else depends on how often they occur (:func:`with_types_even`).
        seed: of the worlds, which are the same for all pairs.
        interventions: what states are bound to.
    """

    def __init__(
        self, scenario: Scenario, worlds: int, seed: int, interventions: InterventionsLike | None = None
    ) -> None:
        self.scenario, self.worlds, self.seed = with_types_even(scenario), worlds, seed
        self._bound = interventions
        self.policies: list[Policy] = []
        self._payoffs: dict[tuple[int, int], np.ndarray] = {}
        self.meetings = _meetings(scenario, worlds, seed)

    def add(self, policy: Policy) -> None:
        """A policy more, which meets all others and itself."""
        new = len(self.policies)
        self.policies.append(policy)
        for other in range(new + 1):
            self._meet(new, other)

    def _meet(self, one: int, other: int) -> None:
        half = max(1, self.worlds // 2)
        sums, counts = np.zeros((2, 2, 2)), np.zeros((2, 2, 2))  # whose, own type, the other's
        for first, second in ((0, 1), (1, 0)):
            cast = [another(self.policies[one]), another(self.policies[other])]
            met = [cast[first], cast[second]]
            frame = play(self.scenario, met, worlds=half, seed=self.seed + first, interventions=self._bound)
            greed = [(frame[f"greed_{seat}"].to_numpy() > 0).astype(np.int64) for seat in range(STATES)]
            returns = [frame[f"return_{seat}"].to_numpy() for seat in range(STATES)]
            for whose, seat in ((0, first), (1, second)):
                np.add.at(sums[whose], (greed[seat], greed[1 - seat]), returns[seat])
                np.add.at(counts[whose], (greed[seat], greed[1 - seat]), 1)
        means = np.divide(sums, counts, out=np.zeros_like(sums), where=counts > 0)
        if one == other:
            means[:] = means.mean(axis=0)
        self._payoffs[one, other], self._payoffs[other, one] = means

    def payoffs(self) -> np.ndarray:
        """What a type earns by a policy against one of a type, float64 ``(2, K, 2, K)``; 0 where they do not meet."""
        size = range(len(self.policies))
        table = np.array([[self._payoffs[one, other] for other in size] for one in size])  # K, K, type, type
        turned: np.ndarray = table.transpose(2, 0, 3, 1)
        return turned

    def values(self, shares: np.ndarray) -> np.ndarray:
        """What each policy earns a state of each type among states that mix by ``shares``, float64 ``(2, K)``."""
        return values_in(self._weighted(), shares)

    def regrets(self, shares: np.ndarray) -> np.ndarray:
        """What the best of the policies earns a type more than ``shares`` do, as a share of that, float64 ``(2,)``."""
        return _regrets(self._weighted(), shares)

    def settle(self, start: np.ndarray) -> np.ndarray:
        """Shares at which policies are the more frequent the more they earn a type: a logit equilibrium.

        At an exact equilibrium of these few policies often one alone is left, which the next search finds a way around;
        all that are as good within half a percent are harder to beat, and cost little. It is what smoothed fictitious
        play comes to (Fudenberg & Levine 1998, ch. 4; McKelvey & Palfrey 1995) from ``start``, so that of several
        equilibria that one is taken from which play comes.

        Args:
            start: float64 ``(2, K)``, each row of which adds up to 1.

        Returns:
            float64 ``(2, K)``, shares of security seekers and of greedy states; those below a hundredth are none.
        """
        game, shares = self._weighted(), start.copy()
        for step in range(_STEPS):
            values = values_in(game, shares)
            own = np.abs((values * shares).sum(axis=1, keepdims=True))
            weights = np.exp((values - values.max(axis=1, keepdims=True)) / np.maximum(_TEMPERATURE * own, 1e-9))
            shares += (weights / weights.sum(axis=1, keepdims=True) - shares) / (_INERTIA + step)
        kept = np.where(shares < _LEAST, 0.0, shares)
        settled: np.ndarray = kept / kept.sum(axis=1, keepdims=True)
        return settled

    def _weighted(self) -> np.ndarray:
        return weighted(self.payoffs(), self.meetings)


def weighted(payoffs: np.ndarray, meetings: np.ndarray) -> np.ndarray:
    """Payoffs float64 ``(2, K, 2, K)``, each times how likely a type meets the other, by meetings ``(2, 2)``."""
    met = meetings.sum(axis=1, keepdims=True)
    likely = np.divide(meetings, met, out=np.zeros_like(meetings, dtype=np.float64), where=met > 0)
    found: np.ndarray = payoffs * likely[:, None, :, None]
    return found


def _meetings(scenario: Scenario, worlds: int, seed: int) -> np.ndarray:
    """How often a state of a type meets one of a type, float64 ``(2, 2)``."""
    greedy = (Worlds(scenario, worlds, seed=seed).states["greed"] > 0.0).astype(np.int64)
    met = np.zeros((2, 2))
    for seat in range(STATES):
        np.add.at(met, (greedy[:, seat], greedy[:, 1 - seat]), 1)
    return met


def values_in(game: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """What each policy of a :func:`weighted` game earns a type among states that mix so, float64 ``(2, K)``."""
    values: np.ndarray = np.einsum("iajb,jb->ia", game, shares)
    return values


def _regrets(game: np.ndarray, shares: np.ndarray) -> np.ndarray:
    values = values_in(game, shares)
    own = (values * shares).sum(axis=1)
    gain = values.max(axis=1) - own
    regrets: np.ndarray = np.divide(gain, np.abs(own), out=np.zeros_like(gain), where=gain > 0)
    return regrets
