"""Who sits where: policies drawn by weight for each world and episode, and what a config's population means.

The draw of an episode's player is a function of (seed, world, episode, state) alone: it depends neither on the batch
nor on what was drawn before, so the same population meets the same worlds whatever else is played.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from agents.policies.protocol import Policy
from agents.policies.specs import policy_from
from sd_env import layout
from sd_env.policies import ask, derived_seed

#: SplitMix64 (Steele, Lea & Flood 2014), as in ``sd_env.rules.chance``, over arrays.
_GAMMA, _MIX_1, _MIX_2 = (np.uint64(x) for x in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))


def keyed_uniforms(seed: int, worlds: np.ndarray, episodes: np.ndarray, states: np.ndarray) -> np.ndarray:
    """Uniform numbers on [0, 1), one for each (seed, world, episode, state).

    Args:
        seed: 0 to 2**64 - 1.
        worlds: index of each row's world, int ``(K,)``.
        episodes: its episode, int ``(K,)``.
        states: its state, int ``(K,)``.
    """
    key = np.full(len(worlds), derived_seed(seed, _SEATING), dtype=np.uint64)
    for part in (worlds, episodes, states):
        key = _mix(key + (np.asarray(part).astype(np.uint64) + np.uint64(1)) * _GAMMA)
    return (key >> np.uint64(11)).astype(np.float64) * 2.0**-53


_SEATING: Final = 0x5EA7  # keeps these draws apart from others that follow from the same seed


def _mix(x: np.ndarray) -> np.ndarray:
    x = (x ^ (x >> np.uint64(30))) * _MIX_1
    x = (x ^ (x >> np.uint64(27))) * _MIX_2
    mixed: np.ndarray = x ^ (x >> np.uint64(31))
    return mixed


def remembers(policy: object) -> bool:
    """Whether a policy must see every turn of its rows; one that does not say so is taken to remember."""
    return getattr(policy, "memory", 1) != 0


class Pool:
    """Policies with weights, one of which plays each seat of each world for a whole episode.

    A policy without memory is asked about the rows that it plays; one with memory about all rows on every turn, since
    its row k must be the same seat throughout.

    Args:
        members: name -> policy or specification.
        weights: name -> weight, at least 0, the sum above 0; a member's share of the seats in the long run.

    Raises:
        ValueError: for weights that are none, or that name others than the members.
    """

    def __init__(self, members: Mapping[str, Policy | str], weights: Mapping[str, float]) -> None:
        self._policies: dict[str, Policy] = {}
        self._names: list[str] = []  # position = number of a member for good
        self._held = np.full(0, -1)
        self._seed = 0
        self.weights: dict[str, float] = {}
        if members or weights:  # a pool may be filled later, before it is asked
            self.update({name: policy_from(spec) for name, spec in members.items()}, weights)

    @property
    def members(self) -> dict[str, Policy]:
        """Name -> policy: those with a weight, and those that play an episode begun before they lost it."""
        return dict(self._policies)

    def update(self, members: Mapping[str, Policy], weights: Mapping[str, float]) -> None:
        """From here on draw from ``members`` by ``weights``; episodes that are on are played to their ends as begun."""
        check_weights("weights", weights)
        if missing := [name for name in weights if name not in members]:
            raise ValueError(f"weights: {missing[0]!r} is no member; members are {', '.join(members)}.")
        playing = {self._names[k] for k in np.unique(self._held) if k >= 0}
        old = {name: policy for name, policy in self._policies.items() if name in playing and name not in members}
        self._policies = old | dict(members)
        self._names += [name for name in members if name not in self._names]
        self.weights = dict(weights)

    def reset(self, seed: int) -> None:
        """Forget who plays where, and reset all members with seeds that follow from ``seed`` and their names."""
        self._seed = seed
        self._held = np.full(0, -1)
        for name, policy in self._policies.items():
            policy.reset(derived_seed(seed, zlib.crc32(name.encode())))

    def act(self, observation: np.ndarray, mask: np.ndarray, worlds: np.ndarray, episodes: np.ndarray,
            states: np.ndarray, heads: layout.Heads | None = None) -> np.ndarray:  # fmt: skip
        """Actions int64 ``(K, H)`` of whoever plays each row.

        Args:
            observation: float32 ``(K, D)``; where ``own.turn`` is 0 a player is drawn.
            mask: int8 ``(K, M)``.
            worlds: index of each row's world, int ``(K,)``.
            episodes: its episode, int ``(K,)``.
            states: its state, int ``(K,)``.
            heads: of the scenario; default the standard ones.
        """
        heads = heads or layout.standard_heads(layout.num_states_of(mask.shape[1]))
        rows = len(observation)
        if len(self._held) != rows:
            self._held = np.full(rows, -1)
        begins = (observation[:, layout.Own.TURN] == 0) | (self._held < 0)
        if begins.any():
            drawn = keyed_uniforms(self._seed, worlds[begins], episodes[begins], states[begins])
            self._held[begins] = self._choose(drawn)
        actions = np.zeros((rows, len(heads.kinds)), dtype=np.int64)
        for name, policy in self._policies.items():
            mine = np.flatnonzero(self._held == self._names.index(name))
            if remembers(policy):
                actions[mine] = ask(policy, observation, mask, heads)[mine]
            elif len(mine):
                actions[mine] = ask(policy, observation[mine], mask[mine], heads)
        return actions

    def _choose(self, uniforms: np.ndarray) -> np.ndarray:
        """Numbers of the members that the uniforms fall on."""
        names = [name for name, weight in self.weights.items() if weight > 0]
        if not names:
            raise ValueError("The pool is empty: nobody can play its seats.")
        edges = np.cumsum([self.weights[name] for name in names])
        # the last edge is left out: rounding must not push a draw beyond it
        chosen = np.searchsorted(edges[:-1] / edges[-1], uniforms, side="right")
        return np.array([self._names.index(name) for name in names])[chosen]

    def playing(self) -> list[str]:
        """Name of each row's player, "" before its first episode."""
        return [self._names[k] if k >= 0 else "" for k in self._held.tolist()]

    def seat_again(self, playing: list[str]) -> None:
        """Seat the players as :meth:`playing` told."""
        self._held = np.array([self._names.index(name) if name else -1 for name in playing], dtype=np.int64)


def check_weights(what: str, weights: Mapping[str, Any]) -> None:
    """Refuse weights by which nothing can be drawn.

    Raises:
        ValueError: one sentence, naming the weight.
    """
    for name, weight in weights.items():
        if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not 0 <= weight < math.inf:
            raise ValueError(f"{what}: {weight!r} of {name} is not allowed; weights are numbers of at least 0.")
    if not sum(weights.values()) > 0:
        raise ValueError(f"{what}: at least one must be above 0.")
