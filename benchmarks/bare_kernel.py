"""The turn of one scenario and nothing else: `jervis/doubly-dangerous`, two states, its numbers compiled in.

What the rules do there is written out for two states. What they can do and this scenario does not ask for is left out,
and so are the tallies, the records of what happened, new episodes, and every look at a parameter. What is left is the
arithmetic that the game needs: what is seen, may be chosen and is earned is that of `Worlds`, bit for bit, which
tests/test_performance.py holds it to. It is compiled as the rules are.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from benchmarks.engine import SCENARIO
from sd_env import layout, load_scenario
from sd_env.layout import Signal, Stance
from sd_env.rules.chance import NOISE, OUTCOME, normal, slot_of, uniform

_P = dict(zip(layout.PARAMETERS, map(float, load_scenario(SCENARIO).bounds().parameters[0]), strict=True))
_HORIZON, _COLLAPSE, _ADVANTAGE = _P["horizon"], _P["collapse"], _P["offense_advantage"]
_ARMS_COST, _BUILD_RATE, _KEPT, _CAP = _P["arms_cost"], _P["build_rate"], 1.0 - _P["depreciation"], _P["capacity_cap"]
_SIGNAL_COST, _AUDIENCE = _P["signal_cost"], _P["audience_cost"]
_PLEDGE, _COMMITMENT = int(_P["pledge_turns"]), int(_P["commitment_turns"])
_MOBILIZATION, _FIRST_STRIKE, _BASE = _P["mobilization_cost"], _P["first_strike"], _P["base_defense"]
_CONQUEST, _SPOILS, _ATTACKER, _DEFENDER = _P["conquest"], _P["spoils"], _P["attacker_cost"], _P["defender_cost"]
_LOSER, _WINNER, _AMITY, _NOISE = _P["attrition_loser"], _P["attrition_winner"], _P["amity_rate"], _P["noise"]
_CEILING = layout.CEILING
_ALIGN, _NEUTRAL = int(Stance.ALIGN), int(Stance.NEUTRAL)
_MOBILIZE, _ATTACK = int(Stance.MOBILIZE), int(Stance.ATTACK)
_REASSURE, _THREATEN = int(Signal.REASSURE), int(Signal.THREATEN)

#: A state between two turns.
STATE = np.dtype(
    [(name, np.float64) for name in ("homeland", "holdings", "offense", "defense", "greed", "amity", "keep")]
    + [(name, np.float64) for name in ("cost", "force", "lost_homeland", "lost_holdings", "gained")]
    + [(name, np.int64) for name in ("standing", "pledge", "commitment", "owed", "struck", "mobilized")]
    + [(name, np.int64) for name in ("stance", "signal", "attacks")]
)


@numba.njit(error_model="numpy", inline="always")
def _success(attack, defence):
    if attack <= 0.0:
        return 0.0
    if defence <= 0.0:
        return 1.0
    return attack * attack / (attack * attack + defence * defence)


@numba.njit(error_model="numpy", nogil=True)
def step(turn, keys, states, actions, observations, masks, rewards):
    """Play turn number ``turn`` of every world, and write what is seen, may be chosen and is earned.

    Shapes are those of `Worlds`: states (B, 2) of ``STATE``, actions (B, 2, 4), observations (B, 2, D), masks
    (B, 2, M), rewards (B, 2); keys (B,) are of the worlds' random streams.
    """
    for b in range(len(states)):
        s, key = states[b], keys[b]
        _play(turn, key, s, actions[b], rewards[b])
        _observe(turn + 1, key, s, observations[b])
        _allow(s, masks[b])


@numba.njit(error_model="numpy", inline="always")
def _play(turn, key, s, actions, rewards):
    both = s[0].standing & s[1].standing
    for i in range(2):
        me = s[i]
        stance, said, levels = _NEUTRAL, 0, 0
        if me.standing:
            income = me.homeland + me.holdings
            built = _BUILD_RATE * min(income, _CAP)
            me.offense = _KEPT * me.offense + built * actions[i, 0]
            me.defense = _KEPT * me.defense + built * actions[i, 1]
            levels, said = actions[i, 0] + actions[i, 1], actions[i, 2]
        if both:
            stance = actions[i, 3]
            if stance == _ATTACK and not me.mobilized | me.struck:
                stance = _MOBILIZE
        me.cost = _ARMS_COST * levels
        me.pledge, me.commitment = max(me.pledge - 1, 0), max(me.commitment - 1, 0)
        if said != 0:
            me.cost += _SIGNAL_COST
            if said == _REASSURE:
                me.pledge = _PLEDGE
            else:
                me.commitment = _COMMITMENT
        me.stance, me.signal = stance, said
        me.attacks, me.mobilized = int(stance == _ATTACK), int(stance == _MOBILIZE)
        me.cost += _MOBILIZATION * me.mobilized
        me.lost_homeland, me.lost_holdings, me.gained, me.keep = 0.0, 0.0, 0.0, 1.0
    if s[0].attacks | s[1].attacks:
        _war(turn, key, s)
    for i in range(2):
        me = s[i]
        me.struck = me.attacks
        me.homeland -= me.lost_homeland
        me.holdings += me.gained - me.lost_holdings
        me.offense *= me.keep
        me.defense *= me.keep
        if me.standing and me.homeland < _COLLAPSE:
            me.standing, me.pledge = 0, 0
            me.homeland, me.holdings, me.offense, me.defense = 0.0, 0.0, 0.0, 0.0
    for i in range(2):
        me, other = s[i], s[1 - i]
        due = me.owed & other.standing
        me.owed = 0
        if me.standing & due & (1 - me.attacks):
            me.cost += _AUDIENCE
            me.commitment = 0
        if not me.standing:
            me.commitment = 0
        if me.commitment != 0 and not me.attacks:
            me.owed = other.attacks
        rewards[i] = me.homeland + me.greed * me.holdings - me.cost
        deed = 1.0 * (other.stance == _ALIGN) - (0.5 * other.mobilized + 1.0 * other.attacks)
        me.amity += _AMITY * (deed - me.amity)


@numba.njit(error_model="numpy", inline="always")
def _war(turn, key, s):
    for i in range(2):
        me, other = s[i], s[1 - i]
        me.cost += _DEFENDER * other.attacks
        if me.attacks:
            me.cost += _ATTACKER
            if me.pledge > 0:
                me.cost += _AUDIENCE
                me.pledge = 0
            called = float(other.attacks | other.mobilized | other.struck)
            me.force = _ADVANTAGE * (me.offense + me.defense) * (1.0 + _FIRST_STRIKE * (1.0 - called))
    for j in range(2):
        me, other = s[j], s[1 - j]
        if other.attacks:
            defence = _BASE + (me.defense + me.offense)
            if me.attacks:
                defence += me.force
            lost = uniform(key, slot_of(OUTCOME, turn, j, j)) < _success(other.force, defence)
            won = 1.0 if lost else 0.0
            me.lost_homeland, me.lost_holdings = _CONQUEST * won * me.homeland, _CONQUEST * won * me.holdings
            me.keep = min(me.keep, 1.0 - (1.0 - won) * _WINNER - won * _LOSER)
            other.keep = min(other.keep, 1.0 - won * _WINNER - (1.0 - won) * _LOSER)
            if other.force > 0.0:
                other.gained = _SPOILS * (me.lost_homeland + me.lost_holdings) * other.force / other.force


@numba.njit(error_model="numpy", inline="always")
def _observe(turn, key, s, observations):
    both = s[0].standing & s[1].standing
    for i in range(2):
        me, other, o = s[i], s[1 - i], observations[i]
        o[0], o[1], o[2], o[3] = me.standing, me.homeland, me.holdings, 1.0
        o[5], o[6], o[7], o[8] = 1.0, me.pledge, me.commitment, me.greed
        o[9], o[10], o[11] = min(me.offense, _CEILING), min(me.defense, _CEILING), me.owed
        o[12], o[13], o[14] = turn / _HORIZON, turn, _HORIZON
        shock = normal(key, slot_of(NOISE, turn, i, 1 - i))
        half = (other.offense + other.defense) * math.exp(_NOISE * shock) * 0.5
        arms = me.offense + me.defense
        o[15], o[16], o[17], o[18] = other.standing, other.homeland, other.holdings, 1.0
        o[20], o[21], o[22] = 1.0, other.pledge, other.commitment
        o[23], o[24] = other.signal == _REASSURE, other.signal == _THREATEN
        o[25], o[26] = min(half, _CEILING), min(half, _CEILING)
        mine, theirs = float(me.mobilized | me.struck), float(other.mobilized | other.struck)
        force = _ADVANTAGE * (half + half) * (1.0 + _FIRST_STRIKE * (1.0 - mine))
        o[27] = _success(force, _BASE + (me.defense + me.offense)) * both
        force = _ADVANTAGE * arms * (1.0 + _FIRST_STRIKE * (1.0 - theirs))
        o[28] = _success(force, _BASE + (half + half)) * both
        o[31], o[32] = me.amity, other.amity
        o[33], o[34] = (me.stance == _ALIGN) & (other.stance == _ALIGN), other.stance == _ALIGN
        o[35], o[36], o[37], o[38] = me.mobilized, other.mobilized, me.attacks, other.attacks


@numba.njit(error_model="numpy", inline="always")
def _allow(s, masks):
    both = s[0].standing & s[1].standing
    for i in range(2):
        me, m = s[i], masks[i]
        for head in range(3):
            m[3 * head], m[3 * head + 1], m[3 * head + 2] = 1, me.standing, me.standing
        m[9], m[10], m[11], m[12] = both, 1, both, both & (me.mobilized | me.struck)
