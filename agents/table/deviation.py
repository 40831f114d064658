"""One seat that plays otherwise, all others as they do: what it gains, in the same worlds with the same draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from agents.table.play import play
from sd_env.scenario import Scenario

if TYPE_CHECKING:
    from agents.policies.protocol import Policy

#: Half the width of a 95% interval in standard errors, over many worlds.
WIDTH: Final = 1.96


def cast_of(game: Scenario, seat: int, deviator: Policy, frozen: Policy) -> list[Policy]:
    """A deviator in one seat, the frozen policy in all others."""
    return [deviator if i == seat else frozen for i in range(game.n_states)]


def deviate(
    game: Scenario, frozen: Policy, deviator: Policy, seat: int, own: pd.DataFrame
) -> dict[bool, tuple[np.ndarray, np.ndarray]]:
    """What a deviator gains over a policy from a seat, by the type that the seat has.

    Args:
        game: the scenario.
        frozen: who plays all other seats.
        deviator: who plays the seat.
        seat: index of the state.
        own: rows of :func:`agents.table.play.play` with ``frozen`` in all seats, whose worlds are played again.

    Returns:
        Whether greedy -> returns under the policy, float64 ``(worlds of the type,)``, and how much more the deviator
        has in each of them.
    """
    other = play(game, cast_of(game, seat, deviator, frozen), worlds=len(own), seed=int(own["seed"].iloc[0]))
    greedy = own[f"greed_{seat}"].to_numpy() > 0
    before, after = (frame[f"return_{seat}"].to_numpy() for frame in (own, other))
    return {kind: (before[greedy == kind], (after - before)[greedy == kind]) for kind in (False, True)}
