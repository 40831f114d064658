"""Militarized disputes: hostility by the scale of the Militarized Interstate Dispute data (Palmer et al. 2022)."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from sd_env.layout import Signal
from sd_env.measures.war import followed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sd_env.measures.episode import BoolArray
    from sd_env.record import EpisodeLog


class HostilityLevel(IntEnum):
    """How far a state goes against another on a turn: the five levels of MID's ``hostlev``."""

    NONE = 1
    THREAT = 2
    DISPLAY = 3
    USE = 4
    WAR = 5


def hostility_levels(log: EpisodeLog) -> NDArray[np.int64]:
    """:class:`HostilityLevel` of i toward j on each turn, int64 (T+1, N, N), 1 on the diagonal; row 0: at the start.

    2: i threatens after a turn on which j was mobilized against, or attacked, i or an ally of i (a threat is public and
    names nobody, and this is whom it is meant for). 3: i is mobilized against j. 4: i attacks j. 5: likewise, and j
    strikes back on the same turn or loses land on it.
    """
    attacks, mobilized = log.pairs["attacks"], log.pairs["mobilized"]
    levels = np.full(attacks.shape, HostilityLevel.NONE, np.int64)
    levels[_threatened(log)] = HostilityLevel.THREAT
    levels[mobilized] = HostilityLevel.DISPLAY
    levels[attacks] = HostilityLevel.USE
    loses = log.states["lost_homeland"] + log.states["lost_holdings"] > 0.0
    levels[attacks & (attacks.swapaxes(1, 2) | loses[:, None, :])] = HostilityLevel.WAR
    return levels


def _threatened(log: EpisodeLog) -> BoolArray:
    """bool (T+1, N, N): whether a threat that i makes on turn t is meant for j."""
    hostile = log.pairs["attacks"] | log.pairs["mobilized"]
    kept = log.pairs["allied"] | np.eye(hostile.shape[1], dtype=np.bool_)  # itself, and its allies
    menaces = (kept.astype(np.int64) @ hostile.swapaxes(1, 2).astype(np.int64)) > 0  # [i, j]: j does one that i keeps
    meant = np.zeros(hostile.shape, np.bool_)
    meant[1:] = menaces[:-1] & (log.states["signal"][1:] == Signal.THREATEN)[:, :, None]
    return meant & ~np.eye(hostile.shape[1], dtype=np.bool_)


def dispute_of(log: EpisodeLog) -> NDArray[np.int64]:
    """int64 (T+1, N): the dispute in which each state is on turn t, numbered in the order of beginnings; -1 = none.

    A state is in one if it, or another toward it, goes to level 2 or above. Who belongs together, and when one begins
    and ends, is as of :func:`~sd_env.measures.wars`.
    """
    return followed(hostility_levels(log) > HostilityLevel.NONE)
