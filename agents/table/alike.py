"""Which states of a game could change places: it loads nothing, so that commands may ask it before they play."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from sd_env.scenario import Scenario


def seat_groups(scenario: Scenario) -> dict[int, int]:
    """One seat of each group whose members could change places without changing the game, and the group's size.

    Seats are told apart by what the scenario gives them: starting values, greed, reach and amity.
    """
    bounds = scenario.bounds()
    groups: dict[int, int] = {}
    for seat in range(scenario.n_states):
        for first in groups:
            order = np.arange(scenario.n_states)
            order[[first, seat]] = seat, first
            same = np.array_equal(bounds.states[:, order], bounds.states)
            if same and np.array_equal(bounds.pairs[:, order][:, :, order], bounds.pairs):
                groups[first] += 1
                break
        else:
            groups[seat] = 1
    return groups


def seats_beside(scenario: Scenario, others: Collection[int] = ()) -> list[int]:
    """The seats that one policy holds beside ``others``; where it holds all, one of each group that differs."""
    return [seat for seat in range(scenario.n_states) if seat not in others] if others else list(seat_groups(scenario))
