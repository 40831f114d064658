"""What the measures share: how an episode log is read, and the error for one that cannot be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sd_env.errors import RefusedError
from sd_env.rules.compiled import records

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sd_env.layout import Stance
    from sd_env.record import EpisodeLog

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]


class MeasureError(RefusedError):
    """A log or an argument that a measure cannot use; the message is one sentence."""


def parameter(log: EpisodeLog, name: str) -> float:
    """A parameter of the episode's world, as drawn for it (``layout.PARAMETERS``)."""
    return float(log.params[name])


def allows_stance(log: EpisodeLog, *stances: Stance) -> bool:
    """Whether the scenario's mask has at least one of these stances at all."""
    allowed = int(parameter(log, "allowed_stance"))
    return any(allowed >> stance & 1 for stance in stances)


def security_seekers(log: EpisodeLog) -> BoolArray:
    """bool (T+1, N): which states are security seekers (greed 0); row t: as turn t + 1 begins."""
    seekers: BoolArray = log.states["greed"] == 0.0
    return seekers


def arms(log: EpisodeLog) -> FloatArray:
    """A: offensive and defensive arms together, float64 (T+1, N)."""
    total: FloatArray = log.states["offense"] + log.states["defense"]
    return total


def standing_pairs(log: EpisodeLog) -> BoolArray:
    """bool (T+1, N, N): ordered pairs of two different states that both stand after turn t; row 0: at the start."""
    standing = log.states["standing"]
    both: BoolArray = standing[:, :, None] & standing[:, None, :] & ~np.eye(standing.shape[1], dtype=np.bool_)
    return both


def named(log: EpisodeLog) -> BoolArray:
    """bool (T+1, N, N): whether a call that is open on i after turn t bids it to attack j."""
    found: BoolArray = (log.states["named"][..., None] >> np.arange(log.states.shape[1])) & 1 == 1
    return found


def check_turn(log: EpisodeLog, turn: int) -> None:
    """Raise MeasureError unless the episode has that turn."""
    if not 1 <= turn <= log.turns:
        raise MeasureError(f"turn is {turn}; 1 to {log.turns} is allowed in this log")


def check_states(log: EpisodeLog, *states: int) -> None:
    """Raise MeasureError unless these are indices of different states of the log."""
    count = log.states.shape[1]
    for state in states:
        if not 0 <= state < count:
            raise MeasureError(f"state is {state}; 0 to {count - 1} is allowed in this log")
    if len(set(states)) < len(states):
        raise MeasureError(f"states are {', '.join(map(str, states))}; different states are needed")


def check_within(within: int) -> None:
    """Raise MeasureError unless ``within`` is at least one turn."""
    if within < 1:
        raise MeasureError(f"within is {within}; at least 1 turn is needed")


def for_rules(array: NDArray[Any]) -> NDArray[Any]:
    """Records as compiled rules take them: contiguous and writable, so that they are compiled for one type only."""
    return records(np.require(array, requirements=["C", "W"]))
