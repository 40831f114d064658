"""The episode log: all that happened in one episode of one world, as arrays."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from sd_env.events import Event
    from sd_env.scenario import Scenario


@dataclass(frozen=True, eq=False)
class EpisodeLog:
    """One episode of one world of T turns and N states. Equal to another if all is, arrays bit for bit; not hashable.

    The records are those of :mod:`sd_env.layout` with every field, hidden ones too; index them by name:
    ``log.states["offense"]`` is ``(T + 1, N)``, ``log.pairs["attacks"][t]`` is ``(N, N)``. The arrays are read-only.

    Attributes:
        scenario: what was played.
        agents: names of the states, in index order.
        seed, world, episode: the key of the random stream.
        policies: label of who played each state, ``""`` where that is not known.
        versions: of what played it, by name.
        params: 0-d record ``layout.PARAMS``, the parameters drawn for this episode.
        worlds: ``layout.WORLDS (T + 1,)``: row 0 after the reset, row t after turn t.
        states: ``layout.STATES (T + 1, N)``.
        pairs: ``layout.PAIRS (T + 1, N, N)``; ``pairs[t, i, j]`` is what i does to, or holds toward, j.
        actions: int64 ``(T, N, H)``, as sent; what the rules made of them is in the records.
        rewards: float64 ``(T, N)``, in homeland-incomes.
        observations: float32 ``(T + 1, N, D)``, or None if they were not kept.
        terminated, truncated: how it ended.
        events: of each turn, a tuple (T) of tuples.
    """

    scenario: Scenario
    agents: tuple[str, ...]
    seed: int
    world: int
    episode: int
    policies: tuple[str, ...]
    versions: dict[str, str]
    params: np.ndarray
    worlds: np.ndarray
    states: np.ndarray
    pairs: np.ndarray
    actions: np.ndarray
    rewards: np.ndarray
    observations: np.ndarray | None
    terminated: bool
    truncated: bool
    events: tuple[tuple[Event, ...], ...]

    def __post_init__(self) -> None:
        for value in (getattr(self, field.name) for field in dataclasses.fields(self)):
            if isinstance(value, np.ndarray):
                value.flags.writeable = False

    @property
    def turns(self) -> int:
        """T, the number of turns that were played."""
        return len(self.actions)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, EpisodeLog):
            return NotImplemented
        return all(same(getattr(self, each.name), getattr(other, each.name)) for each in dataclasses.fields(self))


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal; arrays by type, shape and every bit, so that NaN equals NaN and 0 is not -0."""
    if not isinstance(one, np.ndarray) or not isinstance(other, np.ndarray):
        return type(one) is type(other) and bool(one == other)
    return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
