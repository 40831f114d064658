"""Draws against what is published: SplitMix64's own numbers, and the normal distribution into its far tails."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import stats

from sd_env.layout import MAX_STATES
from sd_env.rules.chance import DRAWS, mix, named, normal, slot_of, stream_key, uniform

BITS = 64
GAMMA, FIRST, SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
#: The first numbers of the generator from seed 0 (Vigna's splitmix64.c, by the paper of Steele, Lea and Flood).
PUBLISHED = (0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F)


def mixed(x: int) -> int:
    """SplitMix64's finalizer, of any whole number."""
    return int(mix(np.uint64(x % 2**BITS)))


def unshifted(x: int, bits: int) -> int:
    """What ``x ^ (x >> bits)`` was made of."""
    found = x
    while x := x >> bits:
        found ^= x
    return found


def unmixed(x: int) -> int:
    """What the mixer makes ``x`` of: it is a bijection."""
    x = unshifted(x, 31) * pow(SECOND, -1, 2**BITS) % 2**BITS
    x = unshifted(x, 27) * pow(FIRST, -1, 2**BITS) % 2**BITS
    return unshifted(x, 30)


def key_of(part: int) -> np.uint64:
    """A key whose draw in slot 0 is ``part`` / 2**53."""
    return np.uint64((unmixed(part << 11) - GAMMA) % 2**BITS)


def test_the_mixer_is_splitmix64s() -> None:
    for n, expected in enumerate(PUBLISHED, 1):
        assert mixed(n * GAMMA) == expected
        assert unmixed(expected) == n * GAMMA % 2**BITS


def test_a_draw_is_the_first_53_bits_of_a_number() -> None:
    for slot, number in enumerate(PUBLISHED):
        assert uniform(np.uint64(0), np.uint64(slot)) == (number >> 11) / 2**53
    assert uniform(key_of(0), np.uint64(0)) == 0.0
    assert uniform(key_of(2**53 - 1), np.uint64(0)) == 1 - 2**-53


@pytest.mark.parametrize(
    "probability",
    [
        *(0.0, 1e-15, 1e-12, 1.3e-11, 1.5e-11, 1e-9, 1e-4, 0.02, 0.0749, 0.0751, 0.2, 0.4, 0.499, 0.5, 0.7),
        *(0.9249, 0.9251, 0.99, 1 - 1e-6, 1 - 1e-10, 1 - 1.3e-11, 1 - 1e-13, 1.0),
    ],
)
def test_normals_are_the_quantiles_of_the_distribution(probability: float) -> None:
    """Within the error that Wichura (1988) gives for PPND7, about one part in ten million."""
    part = min(int(probability * 2**53), 2**53 - 1)
    expected = stats.norm.ppf((part + 0.5) / 2**53) if part < 2**52 else stats.norm.isf((2**53 - part - 0.5) / 2**53)
    assert normal(key_of(part), np.uint64(0)) == pytest.approx(expected, rel=5e-7, abs=1e-9)


def test_every_draw_of_a_name_has_a_slot_of_its_own() -> None:
    name = named("turn:noise")
    assert int(name) == 0xCC8AEEEF73C54860 != int(named("turn:hearing"))
    states = (0, 1, MAX_STATES - 1)
    slots = {int(slot_of(name, *at)) for at in product((0, 1, 2, 999), states, states)}
    assert len(slots) == 4 * 9
    assert int(slot_of(name, 3, 2, 1)) == (int(name) + 3 * 2**16 + 2 * 2**8 + 1) % 2**BITS


def test_every_episode_of_every_world_has_a_key_of_its_own() -> None:
    keys = {int(stream_key(np.uint64(seed), *at)) for seed in (0, 1, 7) for at in product(range(12), range(12))}
    assert len(keys) == 3 * 144
    for seed, world, episode in ((0, 0, 0), (1, 2, 3), (2**64 - 1, 70_000, 12)):
        inner = mixed(mixed(seed + GAMMA) + world * GAMMA)
        assert int(stream_key(np.uint64(seed), world, episode)) == mixed(inner + episode * SECOND)


def test_these_are_the_draws_of_this_version() -> None:
    """Where they change, the same seed gives another chance, and the version of the draws must rise."""
    key = np.uint64(stream_key(np.uint64(1), 2, 3))
    outcome = uniform(key, np.uint64(slot_of(named("turn:outcome"), 5, 1, 0)))
    noise = normal(key, np.uint64(slot_of(named("turn:noise"), 5, 0, 1)))
    assert (DRAWS, outcome, noise) == (2, 0.5545874490469352, pytest.approx(-0.6516340012669151, rel=1e-12))
