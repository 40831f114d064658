"""Worlds that keep track of beliefs, and states that behave as model.md's tables of beliefs say of their types."""

from __future__ import annotations

from typing import Any

import numpy as np

from sd_env.layout import Head, Signal, Stance
from sd_env.rules import beliefs as filter_
from sd_env.worlds import Worlds
from tests.table import quiet

#: Trust .75, and signals that bind: the scenario of the sequences by hand. Seekers hold their land, so nobody falls.
BASE: dict[str, Any] = {
    "motives__p_greedy": 0.25, "signals__audience_cost": 0.3, "war__mobilization_required": True, "war__conquest": 0.0,
    "signals__pledge_turns": 3,
}  # fmt: skip
#: Nothing to be seen but arms.
ARMS_ONLY: dict[str, Any] = {"actions__stance": ["neutral"], "actions__signal": ["silence"]}


def tracked(n_states: int = 2, *, num_worlds: int = 1, seed: int = 0, **overrides: Any) -> Worlds:
    return Worlds(quiet(n_states, **{**BASE, **overrides}), num_worlds, seed=seed, track_beliefs=True)


def posterior(odds: float, trust: float = 0.75) -> float:
    """What a likelihood ratio makes of trust."""
    odds *= trust / (1 - trust)
    return odds / (1 + odds)


def belief(w: Worlds, i: int, j: int) -> float:
    return float(w.pairs["belief"][0, i, j])


def as_the_tables_say(w: Worlds, rng: np.random.Generator, swords: np.ndarray) -> np.ndarray:
    """Actions of states that behave as model.md says of their types; ``swords``: bool (B, N), who arms for attack."""
    b, n = swords.shape
    greedy = (w.states["greed"] > 0).astype(int)
    actions = np.zeros((b, n, Head.STANCE + n - 1), int)
    actions[..., Head.BUILD_OFFENSE] = np.where(swords, 1, 0)
    actions[..., Head.BUILD_DEFENSE] = np.where(swords, 0, 1)
    said = drawn(filter_.SIGNALS[greedy], rng)
    actions[..., Head.SIGNAL] = said
    pledged = (said == Signal.REASSURE) | (w.states["pledge"] > 1)
    for j in range(n):
        for k in range(n):
            if k == j:
                continue
            called = (w.states["named"][:, j] >> k) & 1 == 1
            provoked = (w.pairs["stance"][:, k, j] >= Stance.MOBILIZE) | called
            wanted = drawn(filter_.STANCES[greedy[:, j], provoked.astype(int)], rng)
            restrained = pledged[:, j] & (rng.random(b) < filter_.RESTRAINT[greedy[:, j]])
            wanted[(wanted == Stance.ATTACK) & restrained] = Stance.NEUTRAL
            actions[:, j, Head.STANCE + k - (k > j)] = wanted
    return actions


def drawn(chances: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One draw from each row of probabilities (..., K)."""
    return (rng.random(chances.shape[:-1])[..., None] > chances.cumsum(axis=-1)).sum(axis=-1)
