"""One seat that plays otherwise, all others as they do: what it gains, in the same worlds with the same draws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from agents.table.play import play
from sd_env.scenario import Scenario

if TYPE_CHECKING:
    from agents.policies.protocol import Policy
    from agents.table.interventions import InterventionsLike

#: Half the width of a 95% interval in standard errors, over many worlds.
WIDTH: Final = 1.96


def seated(game: Scenario, frozen: Policy | Sequence[Policy]) -> list[Policy]:
    """Who plays each state: one policy for all, or one for each already."""
    return list(frozen) if isinstance(frozen, Sequence) else [frozen] * game.n_states


def cast_of(game: Scenario, seat: int, deviator: Policy, frozen: Policy | Sequence[Policy]) -> list[Policy]:
    """A deviator in one seat, the frozen policies in all others."""
    cast = seated(game, frozen)
    cast[seat] = deviator
    return cast


def deviate(
    game: Scenario,
    frozen: Policy | Sequence[Policy],
    deviator: Policy,
    seat: int,
    own: pd.DataFrame,
    interventions: InterventionsLike | None = None,
) -> dict[bool, tuple[np.ndarray, np.ndarray]]:
    """What a deviator gains over a policy from a seat, by the type that the seat has.

    Args:
        game: the scenario.
        frozen: who plays all other seats: a policy, or one for each state.
        deviator: who plays the seat.
        seat: index of the state.
        own: rows of :func:`agents.table.play.play` with ``frozen`` in all seats, whose worlds are played again.
        interventions: what states are bound to in both.

    Returns:
        Whether greedy -> returns under the policy, float64 ``(worlds of the type,)``, and how much more the deviator
        has in each of them.
    """
    cast, seed = cast_of(game, seat, deviator, frozen), int(own["seed"].iloc[0])
    other = play(game, cast, worlds=len(own), seed=seed, interventions=interventions)
    greedy = own[f"greed_{seat}"].to_numpy() > 0
    before, after = (frame[f"return_{seat}"].to_numpy() for frame in (own, other))
    return {kind: (before[greedy == kind], (after - before)[greedy == kind]) for kind in (False, True)}
