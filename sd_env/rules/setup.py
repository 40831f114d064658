"""Setup: a world at the start of an episode, drawn from the scenario's bounds (model.md sections 1 and 4)."""

from __future__ import annotations

import math

import numpy as np

from sd_env.layout import INITIAL_PAIR, INITIAL_STATE, MAX_STATES, PARAMETERS, WHOLE_PARAMETERS, Build, Signal, Stance
from sd_env.rules.beliefs import prior
from sd_env.rules.chance import setup_key, stream_key, uniform
from sd_env.rules.compiled import rule

_HOMELAND, _HOLDINGS, _ECONOMY, _GROWTH, _OFFENSE, _DEFENSE, _RELIABILITY, _GREED, _P_GREEDY = range(len(INITIAL_STATE))
_REACH, _AMITY = range(len(INITIAL_PAIR))
_TYPE = len(INITIAL_STATE)  # one more draw: whether the state is greedy
_STATE_DRAWS = _TYPE + 1
_STATE_SLOTS = PARAMETERS.index("beliefs")  # from here on there are switches, never drawn: a new one moves no draw
_PAIR_SLOTS = _STATE_SLOTS + MAX_STATES * _STATE_DRAWS
_NUM_PARAMETERS = len(PARAMETERS)
_WHOLE = np.array([name in WHOLE_PARAMETERS for name in PARAMETERS])


@rule
def between(low, high, key, slot):
    """A number of the scenario: itself, or a uniform draw when it is a range."""
    return low if not low < high else low + (high - low) * uniform(key, slot)


@rule
def begin(seed, bounds, state_bounds, pair_bounds, identity, flat, p, w, s, r):
    """Draw the world's parameters and put its states at their start. Bounds are ``Scenario.bounds``' (low, high)."""
    n = len(s)
    w.key = stream_key(seed, w.index, w.episode)
    key = setup_key(w.key)
    for k in range(_NUM_PARAMETERS):
        low, high = bounds[0, k], bounds[1, k]
        if _WHOLE[k] and low < high:  # both ends belong to a range of whole numbers
            flat[k] = math.floor(low + (high - low + 1.0) * uniform(key, k))
        else:
            flat[k] = between(low, high, key, k)
    if math.isnan(p.dual_use):
        p.dual_use = 1.0 - p.distinguishability
    w.turn = 0
    w.standing = (1 << n) - 1
    w.offense_advantage = p.offense_advantage
    w.perceived_offense_advantage = (
        p.offense_advantage if math.isnan(p.perceived_offense_advantage) else p.perceived_offense_advantage
    )
    clear_tallies(w)
    for i in range(n):
        s[i].identity = identity[i]
        place(state_bounds, i, key, _STATE_SLOTS + identity[i] * _STATE_DRAWS, s)
    for i in range(n):
        for j in range(n):
            slot = _PAIR_SLOTS + (identity[i] * MAX_STATES + identity[j]) * len(INITIAL_PAIR)
            r[i, j].reach = between(pair_bounds[0, i, j, _REACH], pair_bounds[1, i, j, _REACH], key, slot + _REACH)
            r[i, j].amity = between(pair_bounds[0, i, j, _AMITY], pair_bounds[1, i, j, _AMITY], key, slot + _AMITY)
            r[i, j].force = 0.0
            r[i, j].estimate = 0.0
            r[i, j].stance = Stance.NEUTRAL
            r[i, j].previous = Stance.NEUTRAL
            r[i, j].attacks = False
            r[i, j].mobilized = False
            r[i, j].allied = False
            r[i, j].rupture = 0
            r[i, j].call = 0
            r[i, j].call_against = 0
            r[i, j].call_honoured = False
            r[i, j].call_abandoned = False
            r[i, j].belief = s[j].trust if i != j else 1.0
            r[i, j].evidence = 1.0


@rule
def place(state_bounds, i, key, slot, s):
    """Put state i at its start; ``slot`` is the first of its draws."""
    low, high = state_bounds[0, i], state_bounds[1, i]
    s[i].homeland = between(low[_HOMELAND], high[_HOMELAND], key, slot + _HOMELAND)
    s[i].holdings = between(low[_HOLDINGS], high[_HOLDINGS], key, slot + _HOLDINGS)
    s[i].economy = between(low[_ECONOMY], high[_ECONOMY], key, slot + _ECONOMY)
    s[i].growth = between(low[_GROWTH], high[_GROWTH], key, slot + _GROWTH)
    s[i].offense = between(low[_OFFENSE], high[_OFFENSE], key, slot + _OFFENSE)
    s[i].defense = between(low[_DEFENSE], high[_DEFENSE], key, slot + _DEFENSE)
    s[i].reliability = between(low[_RELIABILITY], high[_RELIABILITY], key, slot + _RELIABILITY)
    chance = between(low[_P_GREEDY], high[_P_GREEDY], key, slot + _P_GREEDY)
    greedy = uniform(key, slot + _TYPE) < chance
    s[i].greed = between(low[_GREED], high[_GREED], key, slot + _GREED) if greedy else 0.0
    s[i].pledge = 0
    s[i].commitment = 0
    s[i].owed = 0
    s[i].standing = True
    s[i].build_offense = Build.NONE
    s[i].build_defense = Build.NONE
    s[i].signal = Signal.SILENCE
    s[i].attacked = 0
    s[i].struck = 0
    s[i].enemies = 0
    s[i].mobilized = 0
    s[i].allies = 0
    s[i].named = 0
    s[i].attackers = 0
    s[i].force_against = 0.0
    s[i].defence_for = 0.0
    s[i].success = 0.0
    s[i].conquered = False
    s[i].lost_homeland = 0.0
    s[i].lost_holdings = 0.0
    s[i].gained = 0.0
    s[i].keep = 1.0
    s[i].cost = 0.0
    s[i].material = 0.0
    s[i].posture_changed = False
    s[i].pledge_broken = False
    s[i].commitment_failed = False
    s[i].illegal = 0
    s[i].trust = prior(low, high)
    s[i].effort_offense = 0.0
    s[i].effort_defense = 0.0


@rule
def clear_tallies(w):
    """Start the episode's accounts (``layout.TALLY``) at nothing."""
    w.turns = 0.0
    w.pair_turns = 0.0
    w.attacks = 0.0
    w.s_pair_turns = 0.0
    w.s_attacks = 0.0
    w.ss_pair_turns = 0.0
    w.ss_attacks = 0.0
    w.wars = 0.0
    w.tragic_wars = 0.0
    w.conquests = 0.0
    w.mobilizations = 0.0
    w.ss_mobilizations = 0.0
    w.s_state_turns = 0.0
    w.s_offense = 0.0
    w.s_defense = 0.0
    w.s_reassurances = 0.0
    w.s_threats = 0.0
    w.s_welfare = 0.0
    w.s_states = 0.0
    w.s_homeland = 0.0
    w.s_security = 0.0
    w.g_pair_turns = 0.0
    w.g_attacks = 0.0
    w.g_welfare = 0.0
    w.g_states = 0.0
    w.alliances = 0.0
    w.pledges_broken = 0.0
    w.commitments_failed = 0.0
    w.calls = 0.0
    w.calls_honoured = 0.0
    w.calls_abandoned = 0.0
    w.arms_spending = 0.0
    w.income = 0.0
    w.illegal = 0.0
    w.fallen = 0.0
    w.land_lost = 0.0
