"""Nashpy: games of one turn as bimatrices, their equilibria by support enumeration, beside the formula of the theory.

python -m examples.nashpy_one_shot [--smoke]
"""

from __future__ import annotations

import nashpy
import numpy as np

import sd_env
from agents.evaluation.exact import turn_game
from examples import say


def equilibria(name: str, **overrides: object) -> list[tuple[np.ndarray, np.ndarray]]:
    """All equilibria of the first turn of a scenario, each as the two states' mixtures over pure strategies."""
    game = nashpy.Game(*turn_game(sd_env.load_scenario(name, overrides)).normal_form())
    return list(game.support_enumeration())


def main() -> None:
    """Solve, and compare."""
    say.smoke(__doc__)
    # States that only want to be safe: peace, war, and in between the trust m at which waiting and attacking are equal.
    hunt = equilibria("games/one-shot", **{"motives.p_greedy": 0.0})
    assert len(hunt) == 3, f"{len(hunt)} equilibria instead of three"
    mixed = next(mine for mine, _ in hunt if 0 < mine[0] < 1)
    win_first, win_second = 2.52**2 / (2.52**2 + 1.3**2), 1.68**2 / (1.68**2 + 2.98**2)
    m = 1 - 0.15 / (0.5 * (win_first - win_second))  # docs/model.md, section 5
    assert abs(mixed[0] - m) < 1e-9, f"trust at indifference {mixed[0]}, by the formula {m}"
    say.works(f"stag hunt of one turn: three equilibria, the mixed one waits with m = {m:.6f}, as the formula to 1e-9")

    # Types are private: a pure strategy is an action for each type. Greedy states attack in every equilibrium.
    bayesian = sd_env.load_scenario("games/one-shot")
    game = turn_game(bayesian)
    solved = list(nashpy.Game(*game.normal_form()).support_enumeration())
    for mine, theirs in solved:
        for seat, mixture in enumerate((mine, theirs)):
            behaviour = np.zeros((2, len(game.types[seat]), len(game.actions[seat])))
            for side, weights in enumerate((mine, theirs)):
                for plan, weight in zip(game.strategies(side), weights, strict=True):
                    behaviour[side, range(len(plan)), plan] += weight
            assert game.gap(list(behaviour), seat).gap < 1e-9, mixture
    say.works(
        f"Bayesian game of one turn: {len(solved)} equilibria, no state gains in any of them by our best response"
    )


if __name__ == "__main__":
    main()
