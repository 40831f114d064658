"""Orders: which choices are legal this turn, and how an action is carried out (model.md section 2)."""

from __future__ import annotations

import numpy as np

from sd_env.layout import NUM_STANCES, Build, Head, Signal, Stance
from sd_env.rules.compiled import rule

_BUILDS = len(Build)
_SIGNALS = len(Signal)
_PAIRS_OF_BITS, _NIBBLES = np.uint64(0x5555555555555555), np.uint64(0x3333333333333333)
_BYTES, _ONE_IN_EACH_BYTE = np.uint64(0x0F0F0F0F0F0F0F0F), np.uint64(0x0101010101010101)
_1, _2, _4, _56 = np.uint64(1), np.uint64(2), np.uint64(4), np.uint64(56)
_CHOICE_BITS = 7  # no head has more than eight choices


@rule
def allows(bits, choice):
    """Whether the scenario's bit mask ``bits`` has ``choice``."""
    return ((bits >> (choice & _CHOICE_BITS)) & 1 == 1) & (choice >= 0) & (choice <= _CHOICE_BITS)


@rule
def has(mask, j):
    """Whether the bit mask over states has j."""
    return (mask >> j) & 1 == 1


@rule
def members(mask):
    """How many states a bit mask has: the form of the sum that compilers turn into one instruction."""
    x = np.uint64(mask)
    x = x - ((x >> _1) & _PAIRS_OF_BITS)
    x = (x & _NIBBLES) + ((x >> _2) & _NIBBLES)
    x = (x + (x >> _4)) & _BYTES
    return int((x * _ONE_IN_EACH_BYTE) >> _56)


@rule
def may_attack(p, s, i, j):
    """The escalation ladder: to attack, be mobilized against the target already, or have attacked it, last turn."""
    return (p.mobilization_required == 0.0) | has(s[i].mobilized | s[i].struck, j)


@rule
def write_masks(p, s, masks):
    """Write the action mask of every state: int8 (N, 9 + 4 (N-1)), 1 = legal."""
    n = len(s)
    # read once: parameters are floats, and behind a store the compiler would have to read them again
    offense, defense, signal = int(p.allowed_build_offense), int(p.allowed_build_defense), int(p.allowed_signal)
    stances = int(p.allowed_stance)
    for i in range(n):
        mask = masks[i]
        free = s[i].standing
        for choice in range(_BUILDS):
            noop = choice == Build.NONE
            mask[choice] = noop | (free & allows(offense, choice))
            mask[_BUILDS + choice] = noop | (free & allows(defense, choice))
        for choice in range(_SIGNALS):
            mask[2 * _BUILDS + choice] = (choice == Signal.SILENCE) | (free & allows(signal, choice))
        column = 2 * _BUILDS + _SIGNALS
        for j in range(n):
            if j == i:
                continue
            open_ = free & s[j].standing
            climbs = may_attack(p, s, i, j)
            for choice in range(NUM_STANCES):
                ladder = (choice != Stance.ATTACK) | climbs
                mask[column + choice] = (choice == Stance.NEUTRAL) | (open_ & ladder & allows(stances, choice))
            column += NUM_STANCES


@rule
def legal_or(choice, legal, instead):
    """The choice if it is legal, else what stands in for it."""
    return choice if legal else instead


@rule
def carry_out(p, s, r, actions):
    """Turn actions (N, 3 + N-1) into orders; an illegal entry becomes its nearest legal one and is counted."""
    n = len(s)
    offenses, defenses, signals = int(p.allowed_build_offense), int(p.allowed_build_defense), int(p.allowed_signal)
    stances = int(p.allowed_stance)
    for i in range(n):
        action = actions[i]
        free = s[i].standing
        offense, defense, signal = action[Head.BUILD_OFFENSE], action[Head.BUILD_DEFENSE], action[Head.SIGNAL]
        s[i].build_offense = legal_or(offense, free & allows(offenses, offense), Build.NONE)
        s[i].build_defense = legal_or(defense, free & allows(defenses, defense), Build.NONE)
        s[i].signal = legal_or(signal, free & allows(signals, signal), Signal.SILENCE)
        illegal = int(s[i].build_offense != offense) + int(s[i].build_defense != defense) + int(s[i].signal != signal)
        for j in range(n):
            if j == i:
                continue
            wanted = action[Head.STANCE + j - (j > i)]
            climbs = may_attack(p, s, i, j) & allows(stances, wanted)
            stance = legal_or(wanted, (wanted != Stance.ATTACK) | climbs, Stance.MOBILIZE)
            legal = free & s[j].standing & allows(stances, stance)
            r[i, j].previous = r[i, j].stance
            r[i, j].stance = legal_or(stance, legal, Stance.NEUTRAL)
            illegal += int(r[i, j].stance != wanted)
        s[i].illegal = illegal
