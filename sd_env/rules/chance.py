"""Chance: counter-based random draws.

A draw is a pure function of the episode's key and of what it is for (its name, the turn, the states concerned), not of
how many draws came before it or of what else is drawn. So the same seed gives the same episode whatever the batch, the
thread or the face, and neither switching one source of noise off nor giving the game a new one moves the others. The
mixer is SplitMix64's (Steele, Lea & Flood 2014, OOPSLA), used in counter mode as in Salmon et al. 2011 (SC11).
"""

from __future__ import annotations

import hashlib
import math
from typing import Final

import numpy as np

from sd_env.rules.compiled import rule

#: Version of the draws: raise it when the same seed gives another chance than before. Logs keep it.
DRAWS: Final = 2

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_SHIFT_30, _SHIFT_27, _SHIFT_31, _SHIFT_11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_TO_UNIT = 1.0 / 9007199254740992.0  # 2**-53


def named(name: str) -> np.uint64:
    """Where the draws of a name begin in every stream: 64 bits of the name's BLAKE2b hash.

    Names begin with the kind of what is drawn (``parameter:``, ``state:``, ``pair:``, ``type:``, ``turn:``), so that
    none of one kind is one of another.
    """
    return np.uint64(int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little"))


# What is drawn on a turn; what is drawn at a reset is in ``setup.py``.
NOISE = named("turn:noise")
HEARING = named("turn:hearing")
OUTCOME = named("turn:outcome")
CONTINUATION = named("turn:continuation")
DRIFT = named("turn:drift")
TURNOVER = named("turn:turnover")
INSPECTION = named("turn:inspection")
MEDIATION = named("turn:mediation")


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
def uniform(key, slot):
    """Uniform on [0, 1), 53 bits."""
    return float(mix(key + (np.uint64(slot) + np.uint64(1)) * _GAMMA) >> _SHIFT_11) * _TO_UNIT


@rule
def slot_of(name, turn, first, second):
    """Slot of a name's draw that concerns a turn and the states of these identities; 0 where it concerns none."""
    return name + np.uint64((turn << 16) | (first << 8) | second)


@rule
def normal(key, slot):
    """Standard normal by inversion: Wichura's AS 241, routine PPND7 (1988, Applied Statistics 37), error < 1e-6."""
    draw = uniform(key, slot)
    u, rest = draw + 0.5 * _TO_UNIT, (1.0 - draw) - 0.5 * _TO_UNIT  # neither is ever 0; 1 - u could be, by rounding
    q = u - 0.5
    if abs(q) <= 0.425:
        t = 0.180625 - q * q
        return (
            q
            * (((59.109374720 * t + 159.29113202) * t + 50.434271938) * t + 3.3871327179)
            / (((67.187563600 * t + 78.757757664) * t + 17.895169469) * t + 1.0)
        )
    t = math.sqrt(-math.log(u if q < 0.0 else rest))
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
