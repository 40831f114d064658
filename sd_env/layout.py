"""Names and columns: the one place that knows an index.

Everything that has a position somewhere has its name here: the columns of an observation, the entries of an
action and of its mask, and the fields of the records that hold the worlds in memory. The rules, the faces and
the learners use the names; the numbers stay here.

The table of action heads is in :mod:`sd_env.layout_actions`; what lies in memory, the parameters and the records of
worlds, states and pairs, in :mod:`sd_env.layout_memory`. Their names are names of this module too, which all others
import.
"""

from __future__ import annotations

from enum import IntEnum
from itertools import product
from typing import Final, NamedTuple

import numpy as np

from sd_env.layout_actions import (
    OTHER_HEADS,
    OWN_HEADS,
    Build,
    Extent,
    Head,
    Heads,
    Signal,
    Stance,
    action_sizes,
    mask_size,
    noop,
    num_states_of,
    other_of,
    slot_of_other,
    standard_heads,
)
from sd_env.layout_memory import (
    BLANK_PAIR,
    BLANK_STATE,
    BLANK_WORLD,
    CONTEXT,
    CONTEXT_COLUMNS,
    INITIAL_PAIR,
    INITIAL_STATE,
    PAIRS,
    PARAMETERS,
    PARAMS,
    STATES,
    TALLY,
    WHOLE_PARAMETERS,
    WORLDS,
)

__all__ = [
    "BELIEF",
    "BLANK_PAIR",
    "BLANK_STATE",
    "BLANK_WORLD",
    "CEILING",
    "CONTEXT",
    "CONTEXT_COLUMNS",
    "CONTEXT_SIZE",
    "FORCE_PAIR_COLUMNS",
    "INITIAL_PAIR",
    "INITIAL_STATE",
    "MAX_STATES",
    "MIN_STATES",
    "OTHER_BLOCK",
    "OTHER_HEADS",
    "OTHER_SIZE",
    "OWN_BLOCK",
    "OWN_HEADS",
    "OWN_SIZE",
    "PAIRS",
    "PAIR_COLUMNS",
    "PARAMETERS",
    "PARAMS",
    "STATES",
    "STATE_COLUMNS",
    "TALLY",
    "WHOLE_PARAMETERS",
    "WORLDS",
    "WORLD_COLUMNS",
    "Build",
    "Extent",
    "Force",
    "Head",
    "Heads",
    "Institution",
    "Other",
    "Own",
    "Parts",
    "Signal",
    "Stance",
    "action_sizes",
    "mask_size",
    "noop",
    "num_states_of",
    "observation_blocks",
    "observation_low",
    "observation_names",
    "observation_parts",
    "observation_size",
    "observed_beliefs",
    "other_of",
    "other_size",
    "parts_of_size",
    "slot_of_other",
    "standard_heads",
    "state_size",
]

MAX_STATES: Final = 16
MIN_STATES: Final = 2


# --- observations --------------------------------------------------------------------------------------------


class Own(IntEnum):
    """Columns of the block about the observer itself. Never noisy."""

    STANDING = 0  # this and the next seven are public: the first columns of others' blocks about it
    HOMELAND = 1
    HOLDINGS = 2
    ECONOMY = 3
    GROWTH = 4
    RELIABILITY = 5
    PLEDGE = 6
    COMMITMENT = 7
    GREED = 8
    OFFENSE = 9
    DEFENSE = 10
    OWED = 11  # 1 if its commitment bids it to attack by next turn
    STEP = 12  # turns played / horizon
    TURN = 13  # turns played
    HORIZON = 14


class Other(IntEnum):
    """Columns of the block about one other state j, one block for each, in index order."""

    STANDING = 0
    HOMELAND = 1
    HOLDINGS = 2
    ECONOMY = 3
    GROWTH = 4
    RELIABILITY = 5
    PLEDGE = 6
    COMMITMENT = 7
    HEARD_REASSURE = 8  # through signal noise
    HEARD_THREATEN = 9
    OFFENSE_ESTIMATE = 10
    DEFENSE_ESTIMATE = 11
    THEIR_SUCCESS = 12  # net assessment: perceived success probability of j's attack on i now
    OUR_SUCCESS = 13  # ... of i's attack on j now
    REACH_OUT = 14  # of i's force to j
    REACH_IN = 15  # of j's force to i
    AMITY = 16  # i's toward j
    THEIR_AMITY = 17  # j's toward i
    ALLIED = 18
    ALIGNED = 19  # j chose align toward i
    MOBILIZED = 20  # i against j
    THEY_MOBILIZED = 21
    AT_WAR = 22  # i attacked j
    THEY_ATTACKED = 23
    RUPTURE = 24
    CALLED = 25  # turns left for i to honour j's call
    CALLED_AGAINST = 26  # 1 if an open call on i names j as the aggressor
    THEY_CALLED = 27  # turns left for j to honour i's call
    ALLIES = 28  # share of the third states that j is allied with
    ATTACKS = 29  # share of the third states that j attacks
    ATTACKED = 30  # share of the third states that attack j
    MOBILIZATIONS = 31  # share of the third states that j is mobilized against


class Force(IntEnum):
    """Columns that end a block about j with ``war.force_levels`` above 1; 0 where nobody mobilizes or attacks."""

    EXTENT = 0  # of i's mobilization or attack toward j
    THEIR_EXTENT = 1  # of j's toward i
    EXTENTS = 2  # of j's toward the third states: their mean


class Institution(IntEnum):
    """Columns of a block about j where a scenario has a treaty, a mediator or crisis turns; 0 where nothing is told."""

    ACCUSED = 0  # 1 if i was found in violation of the arms treaty
    FOUND = 1  # 1 if j was
    REPORT = 2  # what the mediator tells i of j: 1 a security seeker, -1 greedy
    ALERT = 3  # turns in a row that i has been mobilized against j
    THEIR_ALERT = 4  # ... j against i


OWN_SIZE: Final = len(Own)
#: Columns of ``Other``. What only some scenarios have follows them: see ``other_size``.
OTHER_SIZE: Final = len(Other)
#: Column of a block about j that only scenarios with beliefs have: i's probability that j is a security seeker.
BELIEF: Final = OTHER_SIZE
#: The two blocks as records, so that perception writes fields by name over the observation's own memory.
OWN_BLOCK: Final = np.dtype([(column.name.lower(), np.float32) for column in Own])
OTHER_BLOCK: Final = np.dtype([(column.name.lower(), np.float32) for column in Other])
CONTEXT_SIZE: Final = len(CONTEXT)
#: Observations are clipped here so that they stay finite in float32 whatever a scenario's growth.
CEILING: Final = 1e6


class Parts(NamedTuple):
    """What an observation holds beyond the own block and the columns of ``Other``."""

    context: bool  # the block of the world's parameters at the end
    beliefs: bool = False  # the column ``BELIEF`` after those of ``Other`` in each other state's block
    force: bool = False  # the columns of ``Force`` at the end of each
    institutions: bool = False  # the columns of ``Institution`` after the belief

    @property
    def block(self) -> int:
        """Columns of the block about one other state."""
        return other_size(self.beliefs, self.force, self.institutions)


def other_size(beliefs: bool, force: bool = False, institutions: bool = False) -> int:
    """Columns of the block about one other state."""
    return OTHER_SIZE + int(beliefs) + len(Institution) * int(institutions) + len(Force) * int(force)


def observation_size(
    num_states: int, context: bool, beliefs: bool = False, force: bool = False, institutions: bool = False
) -> int:
    """Length of one state's observation: own block, a block for each other state, the context block."""
    block = other_size(beliefs, force, institutions)
    return OWN_SIZE + block * (num_states - 1) + (CONTEXT_SIZE if context else 0)


def parts_of_size(num_states: int, force: bool = False) -> dict[int, Parts]:
    """What an observation may hold, by its size: no two kinds have one size for any N (tested)."""
    kinds = [Parts(context, beliefs, force, told) for context, beliefs, told in product((True, False), repeat=3)]
    return {observation_size(num_states, *parts): parts for parts in kinds}


def observation_parts(size: int, num_states: int, force: bool = False) -> Parts:
    """What an observation of ``size`` columns holds; ``force``: whether the scenario limits force.

    Raises:
        ValueError: if no observation of ``num_states`` states has that size.
    """
    sizes = parts_of_size(num_states, force)
    if size not in sizes:
        allowed = ", ".join(map(str, sorted(sizes)))
        raise ValueError(f"An observation of {size} columns is none of {num_states} states: they have {allowed}.")
    return sizes[size]


def observation_names(
    num_states: int, context: bool, beliefs: bool = False, force: bool = False, institutions: bool = False
) -> list[str]:
    """Column names of an observation: ``own.greed``, ``other0.homeland``, ..., ``context.noise``."""
    names = [f"own.{c.name.lower()}" for c in Own]
    for slot in range(num_states - 1):
        names += [f"other{slot}.{c.name.lower()}" for c in Other]
        names += [f"other{slot}.belief"] * beliefs
        names += [f"other{slot}.{c.name.lower()}" for c in Institution if institutions]
        names += [f"other{slot}.{c.name.lower()}" for c in Force if force]
    return names + ([f"context.{name}" for name in CONTEXT] if context else [])


def observation_blocks(observations: np.ndarray, force: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Views of observations (B, N, D) by name: ``OWN_BLOCK`` (B, N) and ``OTHER_BLOCK`` (B, N, N - 1)."""
    b, n, d = observations.shape
    row, item = d * 4, 4
    own = np.ndarray((b, n), OWN_BLOCK, observations.data, 0, (n * row, row))
    strides = (n * row, row, observation_parts(d, n, force).block * item)
    return own, np.ndarray((b, n, n - 1), OTHER_BLOCK, observations.data, OWN_SIZE * item, strides)


def observed_beliefs(observations: np.ndarray, num_states: int, force: bool = False) -> np.ndarray:
    """View of the beliefs in observations (..., D): (..., N - 1), one for each other state in index order.

    Raises:
        ValueError: if the observations have no beliefs.
    """
    size = observations.shape[-1]
    parts = observation_parts(size, num_states, force)
    if not parts.beliefs:
        raise ValueError(f"Observations of {size} columns hold no beliefs: the scenario has perception.beliefs false.")
    return observations[..., OWN_SIZE + BELIEF : OWN_SIZE + parts.block * (num_states - 1) : parts.block]


_SIGNED_OTHER: Final = (Other.GROWTH, Other.AMITY, Other.THEIR_AMITY)


def observation_low(
    num_states: int, context: bool, beliefs: bool = False, force: bool = False, institutions: bool = False
) -> np.ndarray:
    """Lower bounds of an observation (the upper bound is ``CEILING`` everywhere), float32."""
    low = np.zeros(observation_size(num_states, context, beliefs, force, institutions), dtype=np.float32)
    low[Own.GROWTH] = -1.0
    width = other_size(beliefs, force, institutions)
    signed = [*_SIGNED_OTHER] + [OTHER_SIZE + int(beliefs) + Institution.REPORT] * institutions
    for slot in range(num_states - 1):
        for column in signed:
            low[OWN_SIZE + slot * width + column] = -1.0
    if context:
        low[OWN_SIZE + (num_states - 1) * width + CONTEXT.index("threat_inflation")] = -1.0
    return low


#: Columns of the global state: all that is true of each state, then of each ordered pair, then of the world.
STATE_COLUMNS: Final = (
    "greed",
    "homeland",
    "holdings",
    "economy",
    "growth",
    "offense",
    "defense",
    "reliability",
    "pledge",
    "commitment",
    "standing",
)
PAIR_COLUMNS: Final = ("reach", "amity", "allied", "mobilized", "attacks", "rupture", "call")
#: The same where the scenario limits force.
FORCE_PAIR_COLUMNS: Final = (*PAIR_COLUMNS, "degree")
WORLD_COLUMNS: Final = ("turn", "offense_advantage", "perceived_offense_advantage")


def state_size(num_states: int, force: bool = False) -> int:
    """Length of the global state vector; ``force``: whether the scenario limits force."""
    pairs = FORCE_PAIR_COLUMNS if force else PAIR_COLUMNS
    return num_states * len(STATE_COLUMNS) + num_states**2 * len(pairs) + len(WORLD_COLUMNS)
