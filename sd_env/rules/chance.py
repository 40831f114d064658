"""Chance: counter-based random draws.

A draw is a pure function of the world's key and of what it is for (turn, purpose, states concerned), not of how many
draws came before it. So the same seed gives the same episode whatever the batch, the thread or the face, and switching
one source of noise off leaves the others as they were. The mixer is SplitMix64's (Steele, Lea & Flood 2014, OOPSLA),
used in counter mode as in Salmon et al. 2011 (SC11).
"""

from __future__ import annotations

import math

import numpy as np

from sd_env.layout import MAX_STATES
from sd_env.rules.compiled import rule

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_SHIFT_30, _SHIFT_27, _SHIFT_31, _SHIFT_11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_TO_UNIT = 1.0 / 9007199254740992.0  # 2**-53

# What a draw of a turn is for; each purpose has one slot for every ordered pair of identities.
NOISE = 0
HEARING = 1
OUTCOME = 2
WORLD = 3
_PURPOSES = 4
_PAIRS = MAX_STATES * MAX_STATES
CONTINUATION = 0
DRIFT = 1


@rule
def mix(x):
    """SplitMix64's finalizer: uint64 -> uint64, a bijection whose every output bit depends on every input bit."""
    x = (x ^ (x >> _SHIFT_30)) * _MIX_1
    x = (x ^ (x >> _SHIFT_27)) * _MIX_2
    return x ^ (x >> _SHIFT_31)


@rule
def stream_key(seed, world, episode):
    """Key of one episode's stream: (seed, world index, episode) -> uint64."""
    return mix(mix(mix(seed + _GAMMA) + np.uint64(world) * _GAMMA) + np.uint64(episode) * _MIX_2)


@rule
def setup_key(key):
    """Key of the draws made once, at a reset."""
    return mix(key ^ _MIX_1)


@rule
def uniform(key, slot):
    """Uniform on [0, 1), 53 bits."""
    return float(mix(key + (np.uint64(slot) + np.uint64(1)) * _GAMMA) >> _SHIFT_11) * _TO_UNIT


@rule
def slot_of(turn, purpose, first, second):
    """Slot of a turn's draw that concerns the states of identity ``first`` and ``second``."""
    return (turn * _PURPOSES + purpose) * _PAIRS + first * MAX_STATES + second


@rule
def normal(key, slot):
    """Standard normal by inversion: Wichura's AS 241, routine PPND7 (1988, Applied Statistics 37), error < 1e-6."""
    u = uniform(key, slot) + 0.5 * _TO_UNIT  # never 0
    q = u - 0.5
    if abs(q) <= 0.425:
        t = 0.180625 - q * q
        return (
            q
            * (((59.109374720 * t + 159.29113202) * t + 50.434271938) * t + 3.3871327179)
            / (((67.187563600 * t + 78.757757664) * t + 17.895169469) * t + 1.0)
        )
    t = math.sqrt(-math.log(u if q < 0.0 else 1.0 - u))
    if t <= 5.0:
        t -= 1.6
        z = (((0.17023821103 * t + 1.3067284816) * t + 2.7568153900) * t + 1.4234372777) / (
            (0.12021132975 * t + 0.73700164250) * t + 1.0
        )
    else:
        t -= 5.0
        z = (((0.017337203997 * t + 0.42868294337) * t + 3.0812263860) * t + 6.6579051150) / (
            (0.012258202635 * t + 0.24197894225) * t + 1.0
        )
    return -z if q < 0.0 else z
