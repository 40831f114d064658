"""Setup: a world at the start of an episode, drawn from the scenario's bounds (model.md sections 1 and 4)."""

from __future__ import annotations

import math

import numpy as np
from numba import literal_unroll

from sd_env.layout import (
    BLANK_PAIR,
    BLANK_STATE,
    BLANK_WORLD,
    INITIAL_PAIR,
    INITIAL_STATE,
    PARAMETERS,
    WHOLE_PARAMETERS,
)
from sd_env.rules.chance import named, slot_of, stream_key, uniform
from sd_env.rules.compiled import called_rule, rule

_NUM_PARAMETERS = len(PARAMETERS)
_WHOLE = np.array([name in WHOLE_PARAMETERS for name in PARAMETERS])
_GREED, _P_GREEDY = INITIAL_STATE.index("greed"), INITIAL_STATE.index("p_greedy")
#: What every state has; greed is only the greedy's.
_STATE_FIELDS = tuple(name for name in INITIAL_STATE if name not in ("greed", "p_greedy"))
_STATE_COLUMNS = np.array([INITIAL_STATE.index(name) for name in _STATE_FIELDS])
# The names of all that is drawn here: a draw depends on its name, and on no other.
_PARAMETER_DRAWS = np.array([named(f"parameter:{name}") for name in PARAMETERS])
_STATE_DRAWS = np.array([named(f"state:{name}") for name in INITIAL_STATE])
_PAIR_DRAWS = np.array([named(f"pair:{name}") for name in INITIAL_PAIR])
_TYPE_DRAW = named("type:greedy")


@called_rule
def between(low, high, key, slot):
    """A number of the scenario: itself, or a uniform draw when it is a range."""
    return low if not low < high else low + (high - low) * uniform(key, slot)


@called_rule
def begin(b, seed, bounds, state_bounds, pair_bounds, identity, flat, params, worlds, states, pairs):
    """Draw world b's parameters and put its states at their start. Bounds are ``Scenario.bounds``' (low, high)."""
    p, w, s, r = params[b], worlds[b], states[b], pairs[b]
    index, episode = w.index, w.episode
    worlds[b] = BLANK_WORLD[0]
    w.index, w.episode = index, episode
    w.key = stream_key(seed, index, episode)
    draw(bounds, w.key, flat[b])
    if math.isnan(p.dual_use):
        p.dual_use = 1.0 - p.distinguishability
    w.offense_advantage = p.offense_advantage
    w.perceived_offense_advantage = (
        p.offense_advantage if math.isnan(p.perceived_offense_advantage) else p.perceived_offense_advantage
    )
    n = len(s)
    w.standing = (1 << n) - 1
    for i in range(n):
        s[i] = BLANK_STATE[0]
        s[i].identity = identity[i]
        place(state_bounds[0, i], state_bounds[1, i], w.key, s, i)
    for i in range(n):
        for j in range(n):
            r[i, j] = BLANK_PAIR[0]
            relate(pair_bounds[0, i, j], pair_bounds[1, i, j], w.key, s, r, i, j)


@rule
def draw(bounds, key, flat):
    """Draw the parameters, flat: (PARAMETERS,)."""
    for k in range(_NUM_PARAMETERS):
        low, high = bounds[0, k], bounds[1, k]
        if _WHOLE[k] and low < high:  # both ends belong to a range of whole numbers
            flat[k] = math.floor(low + (high - low + 1.0) * uniform(key, _PARAMETER_DRAWS[k]))
        else:
            flat[k] = between(low, high, key, _PARAMETER_DRAWS[k])


@rule
def place(low, high, key, s, i):
    """Draw what state i starts with, and its type; low and high: (INITIAL_STATE,)."""
    me = s[i].identity
    field = 0
    for name in literal_unroll(_STATE_FIELDS):
        k = _STATE_COLUMNS[field]
        s[i][name] = between(low[k], high[k], key, slot_of(_STATE_DRAWS[k], 0, me, 0))
        field += 1  # noqa: SIM113 - numba unrolls no enumeration
    s[i].greed = draw_greed(low, high, key, 0, me)


@rule
def draw_greed(low, high, key, turn, me):
    """The greed of a leader who comes to power before the turn after this; low and high: (INITIAL_STATE,)."""
    chance = between(low[_P_GREEDY], high[_P_GREEDY], key, slot_of(_STATE_DRAWS[_P_GREEDY], turn, me, 0))
    if uniform(key, slot_of(_TYPE_DRAW, turn, me, 0)) < chance:
        return between(low[_GREED], high[_GREED], key, slot_of(_STATE_DRAWS[_GREED], turn, me, 0))
    return 0.0


@rule
def relate(low, high, key, s, r, i, j):
    """Draw what i is to j at the start; low and high: (INITIAL_PAIR,)."""
    k = 0
    for name in literal_unroll(INITIAL_PAIR):
        r[i, j][name] = between(low[k], high[k], key, slot_of(_PAIR_DRAWS[k], 0, s[i].identity, s[j].identity))
        k += 1  # noqa: SIM113 - numba unrolls no enumeration
    if i != j:
        r[i, j].belief = s[j].trust
