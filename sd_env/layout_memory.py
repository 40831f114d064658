"""What lies in memory: the parameters of a world and the records of worlds, states and pairs, by name.

Memory is four flat arrays of records (numpy structured arrays), so that the records' types do not depend on how
many worlds or states there are and the rules compile once:

* ``params``  ``(B,)``       the parameters of each world, drawn at its reset (all float64)
* ``worlds``  ``(B,)``       turn, random stream, drifting technology, and the episode's tallies
* ``states``  ``(B, N)``     one record a state
* ``pairs``   ``(B, N, N)``  one record an ordered pair: ``pairs[b, i, j]`` is what i does to, or holds toward, j

A name is added anywhere among its like: no random draw and no fingerprint depends on its place (docs/model.md, section
5, *Adding a parameter*).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import DTypeLike, NDArray

from sd_env.layout_actions import OTHER_HEADS, OWN_HEADS, Head

# --- parameters of a world -----------------------------------------------------------------------------------

#: Parameters in the order of the ``params`` record. Each is a number of the scenario, by its own name; the
#: scenario's groups only sort them for people. NaN in ``dual_use`` stands for 1 - distinguishability, NaN in
#: ``perceived_offense_advantage`` for the true one, NaN in ``treaty_limit`` for no treaty.
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
    "convexity",
    "levels",
    "build_rate",
    "depreciation",
    "capacity_cap",
    "investment_return",
    # signals
    "signal_cost",
    "pledge_turns",
    "commitment_turns",
    "audience_cost",
    # alliances
    "alignment_cost",
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
    "peacetime_readiness",
    "decisiveness",
    "difference",
    "conquest",
    "spoils",
    "gamble",
    "attrition_loser",
    "attrition_winner",
    "attacker_cost",
    "defender_cost",
    "restoration",
    "force_levels",
    # anarchy
    "enforcement",
    "enforcement_lasts",
    # institutions
    "treaty_limit",
    "treaty_penalty",
    "treaty_error",
    "hotline",
    "mediation",
    "transparency",
    "crisis_turns",
    "institutions_shown",
    # motives
    "turnover",
    "power_motive",
    "routine",
    "identification",
    "amity_rate",
    # perception
    "noise",
    "threat_inflation",
    "worst_case",
    "mistrust",
    "signal_noise",
    "context_observed",
    "beliefs",
    "buildup_evidence",
    # what the mask allows at all: bit k set = choice k is allowed
    *(f"allowed_{head.label}" for head in Head),
)

#: Parameters that are whole numbers, and drawn as such when given as a range.
WHOLE_PARAMETERS: Final = frozenset(
    {"horizon", "pledge_turns", "commitment_turns", "call_turns", "rupture_turns", "levels", "force_levels"}
    | {"crisis_turns"}
)

#: Parameters that an observation's context block shows, in order (``perceived_offense_advantage`` is what the
#: states believe of the technology; the true one is never shown). A parameter that is not listed here leaves every
#: observation as it is. One that is to be seen goes at the end, where no other column moves, but observations grow by a
#: column, and policies trained before no longer fit; to keep them, show it only where a switch asks for it, as
#: ``perception.beliefs`` does (``Parts`` of :mod:`sd_env.layout`).
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
#: ``greed`` and ``p_greedy``: the state is greedy with probability ``p_greedy`` and then has greed ``greed``;
#: ``trust``: how probable others think it that it is not, before any deed.
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
    "trust",
)
#: Numbers of an ordered pair that the scenario sets.
INITIAL_PAIR: Final = ("reach", "amity")


# --- records -------------------------------------------------------------------------------------------------


def _blank(*fields: tuple[str, DTypeLike] | tuple[str, DTypeLike, float]) -> NDArray[Any]:
    """A record as it is before anything is drawn, in an array of one: the fields' names, types and values, if not 0.

    Records are packed: padding would hold whatever memory held, and copies would differ in bytes that mean nothing.
    """
    record = np.zeros(1, np.dtype([(name, kind) for name, kind, *_ in fields]))
    for name, _, *value in fields:
        record[name] = value[0] if value else 0
    record.flags.writeable = False
    return record


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

BLANK_WORLD: Final = _blank(
    ("turn", np.int64),
    ("index", np.int64),  # which world of the run it is: part of the key of its random stream
    ("episode", np.int64),
    ("key", np.uint64),
    ("standing", np.int64),  # bit mask of the states that stand
    ("offense_advantage", np.float64),  # the true one, which may drift
    ("perceived_offense_advantage", np.float64),
    *[(name, np.float64) for name in TALLY],
)

BLANK_STATE: Final = _blank(
    ("identity", np.int64),  # which of the world's random draws are this state's
    *[(name, np.float64) for name in INITIAL_STATE if name not in ("p_greedy", "trust")],
    ("pledge", np.int64),
    ("commitment", np.int64),
    ("owed", np.int64),  # bit mask: aggressors that a commitment bids it to attack by next turn
    ("held", np.int64),  # bit mask: states against which its mobilization is too young to attack out of
    ("standing", np.bool_, True),
    # of the turn that just ended
    ("income", np.float64),  # when it began, of which arms are built
    ("arms_before", np.float64),  # offensive and defensive, when it began
    *[(head.label, np.int64, head.noop) for head in OWN_HEADS],  # as carried out, an illegal choice replaced
    # bit masks over the other states; the pairs hold the same by name
    ("attacked", np.int64),  # states it attacks
    ("attackers", np.int64),  # states that attack it
    ("stakes", np.float64),  # how far the war on it goes, as a share of a whole one: as its attacker that goes furthest
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
    ("keep", np.float64, 1.0),  # share of its arms that the worst battle leaves
    ("rise", np.float64),  # of its arms, building and losses together
    ("cost", np.float64),
    ("material", np.float64),
    ("posture_changed", np.bool_),
    ("pledge_broken", np.bool_),
    ("commitment_failed", np.bool_),
    ("illegal", np.int64),  # illegal entries of its action, replaced
    ("found", np.bool_),  # in violation of the arms treaty, rightly or not
    # what beliefs about it rest on (rules/beliefs.py)
    ("trust", np.float64),  # probability that it is a security seeker, before any deed
    ("effort_offense", np.float64),  # levels of building, fading as arms do; 0 where no beliefs are tracked
    ("effort_defense", np.float64),
    ("posture", np.float64, 1.0),  # what the evidence holds of it already, where leaders fall
)

BLANK_PAIR: Final = _blank(
    *[(name, np.float64) for name in INITIAL_PAIR],
    ("force", np.float64),
    ("estimate", np.float64),  # of j's arms in all, by i
    *[(head.label, np.int64, head.noop) for head in OTHER_HEADS],  # as carried out, an illegal choice replaced
    ("previous", np.int64, Head.STANCE.noop),  # stance of the turn before
    ("attacks", np.bool_),
    ("began", np.bool_),  # it goes on with a war that it began without cause; kept where enforcement lasts
    ("mobilized", np.bool_),
    # how far i goes against j, 0 to 1, this turn and the turn before; 0 where the scenario does not limit force
    ("degree", np.float64),
    ("degree_before", np.float64),
    # of one byte each, since there is a pair for every two states and most worlds have no institutions
    ("alert", np.int8),  # turns in a row that i has been mobilized against j; kept where institutions show
    ("report", np.int8),  # what the mediator tells i of j: 1 a security seeker, -1 greedy, 0 nothing
    ("allied", np.bool_),
    ("rupture", np.int64),  # turns until an alliance can form again
    ("call", np.int64),  # turns left for i to honour j's call; 0 = none open
    ("call_against", np.int64),  # bit mask: the aggressors that j's call names
    ("call_honoured", np.bool_),
    ("call_abandoned", np.bool_),
    ("belief", np.float64, 1.0),  # i's probability that j is a security seeker; 1 on the diagonal
    ("evidence", np.float64, 1.0),  # likelihood ratio, seeker to greedy, of all that j did and i heard it say
)

WORLDS: Final = BLANK_WORLD.dtype
STATES: Final = BLANK_STATE.dtype
PAIRS: Final = BLANK_PAIR.dtype
