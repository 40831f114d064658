"""Names and columns: the one place that knows an index.

Everything that has a position somewhere has its name here: the columns of an observation, the entries of an
action and of its mask, and the fields of the records that hold the worlds in memory. The rules, the faces and
the learners use the names; the numbers stay in this file.

Memory is four flat arrays of records (numpy structured arrays), so that the records' types do not depend on how
many worlds or states there are and the rules compile once:

* ``params``  ``(B,)``       the parameters of each world, drawn at its reset (all float64)
* ``worlds``  ``(B,)``       turn, random stream, drifting technology, and the episode's tallies
* ``states``  ``(B, N)``     one record a state
* ``pairs``   ``(B, N, N)``  one record an ordered pair: ``pairs[b, i, j]`` is what i does to, or holds toward, j
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np

MAX_STATES: Final = 16
MIN_STATES: Final = 2


# --- actions -------------------------------------------------------------------------------------------------


class Build(IntEnum):
    """Head ``build_offense`` and head ``build_defense``: how much of the turn's capacity goes into arms."""

    NONE = 0
    HALF = 1
    FULL = 2


class Signal(IntEnum):
    """Head ``signal``: what a state says in public."""

    SILENCE = 0
    REASSURE = 1
    THREATEN = 2


class Stance(IntEnum):
    """One head for each other state, in index order: the ladder from friend to foe."""

    ALIGN = 0
    NEUTRAL = 1
    MOBILIZE = 2
    ATTACK = 3


class Head(IntEnum):
    """Heads of the action vector; stance heads follow from ``STANCE`` on, one for each other state."""

    BUILD_OFFENSE = 0
    BUILD_DEFENSE = 1
    SIGNAL = 2
    STANCE = 3


HEAD_SIZES: Final = (len(Build), len(Build), len(Signal))
NUM_STANCES: Final = len(Stance)


def action_sizes(num_states: int) -> list[int]:
    """``nvec`` of the MultiDiscrete action space: ``[3, 3, 3] + [4] * (N - 1)``."""
    return [*HEAD_SIZES, *([NUM_STANCES] * (num_states - 1))]


def mask_size(num_states: int) -> int:
    """Length of the flat action mask: ``sum(nvec)``."""
    return sum(action_sizes(num_states))


def num_states_of(flat_mask_size: int) -> int:
    """How many states a world has whose flat masks have ``flat_mask_size`` entries.

    Raises:
        ValueError: if no number of states has such masks.
    """
    others, rest = divmod(flat_mask_size - sum(HEAD_SIZES), NUM_STANCES)
    if rest or others < 1:
        raise ValueError(f"A mask of {flat_mask_size} entries fits no number of states: mask_size(N) = 9 + 4 (N - 1).")
    return others + 1


def noop(num_states: int) -> list[int]:
    """The action that does nothing: build none, stay silent, neutral toward all."""
    return [Build.NONE, Build.NONE, Signal.SILENCE, *([int(Stance.NEUTRAL)] * (num_states - 1))]


def other_of(agent: int, slot: int) -> int:
    """The state in slot ``slot`` of ``agent``'s list of others (index order, itself left out)."""
    return slot if slot < agent else slot + 1


# --- parameters of a world -----------------------------------------------------------------------------------

#: Parameters in the order of the ``params`` record. Each is a number of the scenario, by its own name; the
#: scenario's groups only sort them for people. NaN in ``dual_use`` stands for 1 - distinguishability, NaN in
#: ``perceived_offense_advantage`` for the true one.
PARAMETERS: Final = (
    "horizon",
    "continuation",
    "collapse",
    # technology
    "offense_advantage",
    "perceived_offense_advantage",
    "distinguishability",
    "dual_use",
    "drift",
    # arming
    "arms_cost",
    "build_rate",
    "depreciation",
    "capacity_cap",
    # signals
    "signal_cost",
    "pledge_turns",
    "commitment_turns",
    "audience_cost",
    # alliances
    "alliance_commitment",
    "call_turns",
    "abandonment_cost",
    "rupture_turns",
    "reliability_rate",
    # war
    "mobilization_required",
    "mobilization_cost",
    "first_strike",
    "base_defense",
    "decisiveness",
    "conquest",
    "spoils",
    "gamble",
    "attrition_loser",
    "attrition_winner",
    "attacker_cost",
    "defender_cost",
    "restoration",
    # anarchy
    "enforcement",
    # motives
    "power_motive",
    "routine",
    "identification",
    "amity_rate",
    # perception
    "noise",
    "threat_inflation",
    "worst_case",
    "signal_noise",
    "context_observed",
    # what the mask allows at all: bit k set = choice k is allowed
    "allowed_build_offense",
    "allowed_build_defense",
    "allowed_signal",
    "allowed_stance",
    # switches that came later: at the end, since a parameter's place says which random draw is its own
    "beliefs",
)

#: Parameters drawn as whole numbers when given as a range.
WHOLE_PARAMETERS: Final = frozenset({"horizon", "pledge_turns", "commitment_turns", "call_turns", "rupture_turns"})

#: Parameters that an observation's context block shows, in order (``perceived_offense_advantage`` is what the
#: states believe of the technology; the true one is never shown).
CONTEXT: Final = (
    "perceived_offense_advantage",
    "distinguishability",
    "dual_use",
    "drift",
    "continuation",
    "arms_cost",
    "build_rate",
    "depreciation",
    "capacity_cap",
    "signal_cost",
    "pledge_turns",
    "commitment_turns",
    "audience_cost",
    "alliance_commitment",
    "call_turns",
    "abandonment_cost",
    "rupture_turns",
    "mobilization_required",
    "mobilization_cost",
    "first_strike",
    "base_defense",
    "decisiveness",
    "conquest",
    "spoils",
    "gamble",
    "attrition_loser",
    "attrition_winner",
    "attacker_cost",
    "defender_cost",
    "restoration",
    "enforcement",
    "power_motive",
    "routine",
    "identification",
    "amity_rate",
    "noise",
    "threat_inflation",
    "worst_case",
    "signal_noise",
)

PARAMS: Final = np.dtype([(name, np.float64) for name in PARAMETERS])
CONTEXT_COLUMNS: Final = np.array([PARAMETERS.index(name) for name in CONTEXT], dtype=np.int64)

#: Numbers of a state that the scenario sets, in the order of the bounds that ``Scenario.bounds`` returns.
#: ``greed`` and ``p_greedy``: the state is greedy with probability ``p_greedy`` and then has greed ``greed``.
INITIAL_STATE: Final = (
    "homeland",
    "holdings",
    "economy",
    "growth",
    "offense",
    "defense",
    "reliability",
    "greed",
    "p_greedy",
)
#: Numbers of an ordered pair that the scenario sets.
INITIAL_PAIR: Final = ("reach", "amity")


# Records are packed: padding would hold whatever memory held, and copies would differ in bytes that mean nothing.
# --- records -------------------------------------------------------------------------------------------------

#: What an episode has counted so far. Pair-turns count ordered pairs of standing states; ``s`` is short for
#: security seeker, ``ss`` for a pair of them. Read by training metrics; measures of a single episode come from logs.
TALLY: Final = (
    "turns",
    "pair_turns",
    "attacks",
    "s_pair_turns",  # ordered pairs whose first state is a security seeker
    "s_attacks",
    "ss_pair_turns",
    "ss_attacks",
    "wars",
    "tragic_wars",
    "conquests",
    "mobilizations",
    "ss_mobilizations",
    "s_state_turns",  # standing security seekers, summed over turns
    "s_offense",
    "s_defense",
    "s_reassurances",
    "s_threats",
    "s_welfare",  # sum of rewards of security seekers
    "s_states",  # security seekers in the world
    "s_homeland",  # their homeland at the end of the episode
    "s_security",  # sum over s state-turns of the probability that nobody conquers land this turn
    "g_pair_turns",  # ordered pairs whose first state is greedy
    "g_attacks",
    "g_welfare",
    "g_states",
    "alliances",  # allied unordered pairs, summed over turns
    "pledges_broken",
    "commitments_failed",
    "calls",
    "calls_honoured",
    "calls_abandoned",
    "arms_spending",
    "income",
    "illegal",
    "fallen",
    "land_lost",
)

WORLDS: Final = np.dtype(
    [
        ("turn", np.int64),
        ("index", np.int64),  # which world of the run it is: part of the key of its random stream
        ("episode", np.int64),
        ("key", np.uint64),
        ("standing", np.int64),  # bit mask of the states that stand
        ("offense_advantage", np.float64),  # the true one, which may drift
        ("perceived_offense_advantage", np.float64),
        *[(name, np.float64) for name in TALLY],
    ]
)

STATES: Final = np.dtype(
    [
        ("identity", np.int64),  # which of the world's random draws are this state's
        ("greed", np.float64),
        ("homeland", np.float64),
        ("holdings", np.float64),
        ("economy", np.float64),
        ("growth", np.float64),
        ("offense", np.float64),
        ("defense", np.float64),
        ("reliability", np.float64),
        ("pledge", np.int64),
        ("commitment", np.int64),
        ("owed", np.int64),  # bit mask: aggressors that a commitment bids it to attack by next turn
        ("standing", np.bool_),
        # of the turn that just ended
        ("build_offense", np.int64),
        ("build_defense", np.int64),
        ("signal", np.int64),
        # bit masks over the other states; the pairs hold the same by name
        ("attacked", np.int64),  # states it attacks
        ("attackers", np.int64),  # states that attack it
        ("struck", np.int64),  # states it attacked on the last closed turn
        ("enemies", np.int64),  # those it fought on the last closed turn, as attacker or as target
        ("mobilized", np.int64),  # states it is mobilized against
        ("allies", np.int64),
        ("named", np.int64),  # states that an open call bids it to attack
        ("force_against", np.float64),
        ("defence_for", np.float64),
        ("success", np.float64),  # probability that the assault on it succeeds
        ("conquered", np.bool_),
        ("lost_homeland", np.float64),
        ("lost_holdings", np.float64),
        ("gained", np.float64),
        ("keep", np.float64),  # share of its arms that the worst battle leaves
        ("cost", np.float64),
        ("material", np.float64),
        ("posture_changed", np.bool_),
        ("pledge_broken", np.bool_),
        ("commitment_failed", np.bool_),
        ("illegal", np.int64),  # illegal entries of its action, replaced
        # what beliefs about it rest on (rules/beliefs.py)
        ("trust", np.float64),  # probability that it is a security seeker, before any deed
        ("effort_offense", np.float64),  # levels of building, fading as arms do; 0 where no beliefs are tracked
        ("effort_defense", np.float64),
    ]
)

PAIRS: Final = np.dtype(
    [
        ("reach", np.float64),
        ("amity", np.float64),
        ("force", np.float64),
        ("estimate", np.float64),  # of j's arms in all, by i
        ("stance", np.int64),  # as carried out: an illegal choice is replaced
        ("previous", np.int64),  # stance of the turn before
        ("attacks", np.bool_),
        ("mobilized", np.bool_),
        ("allied", np.bool_),
        ("rupture", np.int64),  # turns until an alliance can form again
        ("call", np.int64),  # turns left for i to honour j's call; 0 = none open
        ("call_against", np.int64),  # bit mask: the aggressors that j's call names
        ("call_honoured", np.bool_),
        ("call_abandoned", np.bool_),
        ("belief", np.float64),  # i's probability that j is a security seeker; 1 on the diagonal
        ("evidence", np.float64),  # likelihood ratio, seeker to greedy, of all that j did and i heard it say
    ]
)


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


OWN_SIZE: Final = len(Own)
#: Columns of ``Other``. With ``perception.beliefs`` one more, ``BELIEF``, follows them: see ``other_size``.
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
    beliefs: bool  # the column ``BELIEF`` at the end of each other state's block


def other_size(beliefs: bool) -> int:
    """Columns of the block about one other state."""
    return OTHER_SIZE + int(beliefs)


def observation_size(num_states: int, context: bool, beliefs: bool = False) -> int:
    """Length of one state's observation: own block, a block for each other state, the context block."""
    return OWN_SIZE + other_size(beliefs) * (num_states - 1) + (CONTEXT_SIZE if context else 0)


def observation_parts(size: int, num_states: int) -> Parts:
    """What an observation of ``size`` columns holds: no two kinds have one size, since N - 1 < ``CONTEXT_SIZE``.

    Raises:
        ValueError: if no observation of ``num_states`` states has that size.
    """
    sizes = {}
    for context in (True, False):
        for beliefs in (True, False):
            sizes[observation_size(num_states, context, beliefs)] = Parts(context, beliefs)
    if size not in sizes:
        allowed = ", ".join(map(str, sorted(sizes)))
        raise ValueError(f"An observation of {size} columns is none of {num_states} states: they have {allowed}.")
    return sizes[size]


def observation_names(num_states: int, context: bool, beliefs: bool = False) -> list[str]:
    """Column names of an observation: ``own.greed``, ``other0.homeland``, ..., ``context.noise``."""
    names = [f"own.{c.name.lower()}" for c in Own]
    for slot in range(num_states - 1):
        names += [f"other{slot}.{c.name.lower()}" for c in Other]
        names += [f"other{slot}.belief"] * beliefs
    return names + ([f"context.{name}" for name in CONTEXT] if context else [])


def observation_blocks(observations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Views of observations (B, N, D) by name: ``OWN_BLOCK`` (B, N) and ``OTHER_BLOCK`` (B, N, N - 1)."""
    b, n, d = observations.shape
    row, item = d * 4, 4
    own = np.ndarray((b, n), OWN_BLOCK, observations.data, 0, (n * row, row))
    strides = (n * row, row, other_size(observation_parts(d, n).beliefs) * item)
    return own, np.ndarray((b, n, n - 1), OTHER_BLOCK, observations.data, OWN_SIZE * item, strides)


def observed_beliefs(observations: np.ndarray, num_states: int) -> np.ndarray:
    """View of the beliefs in observations (..., D): (..., N - 1), one for each other state in index order.

    Raises:
        ValueError: if the observations have no beliefs.
    """
    size = observations.shape[-1]
    if not observation_parts(size, num_states).beliefs:
        raise ValueError(f"Observations of {size} columns hold no beliefs: the scenario has perception.beliefs false.")
    end = OWN_SIZE + other_size(True) * (num_states - 1)
    return observations[..., OWN_SIZE + BELIEF : end : other_size(True)]


_SIGNED_OTHER: Final = (Other.GROWTH, Other.AMITY, Other.THEIR_AMITY)


def observation_low(num_states: int, context: bool, beliefs: bool = False) -> np.ndarray:
    """Lower bounds of an observation (the upper bound is ``CEILING`` everywhere), float32."""
    low = np.zeros(observation_size(num_states, context, beliefs), dtype=np.float32)
    low[Own.GROWTH] = -1.0
    width = other_size(beliefs)
    for slot in range(num_states - 1):
        for column in _SIGNED_OTHER:
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
WORLD_COLUMNS: Final = ("turn", "offense_advantage", "perceived_offense_advantage")


def state_size(num_states: int) -> int:
    """Length of the global state vector."""
    return num_states * len(STATE_COLUMNS) + num_states**2 * len(PAIR_COLUMNS) + len(WORLD_COLUMNS)
