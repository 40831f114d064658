"""What every policy speaks, and the two policies that results are compared with."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from sd_env import layout


class Policy(Protocol):
    """Decides for a batch of states at once; each row is one state's view, whoever it is."""

    def reset(self, seed: int | None = None) -> None:
        """Forget the past and draw from the stream of ``seed``: called before the first turn of an episode."""

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Choose actions, int64 ``(batch, heads)``.

        Args:
            observation: float32 ``(batch, D)``, columns by ``layout.observation_names``.
            mask: ``(batch, M)``, nonzero where a choice is legal, heads laid end to end.
        """


class RandomPolicy:
    """Every legal choice of every head with equal probability."""

    def __init__(self) -> None:
        self._random = np.random.default_rng()

    def reset(self, seed: int | None = None) -> None:
        """Draw from the stream of ``seed``."""
        self._random = np.random.default_rng(seed)

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Random legal actions, int64 ``(batch, heads)``."""
        allowed = mask.astype(bool)
        num_states = num_states_of(mask.shape[1])
        # the largest of independent uniform numbers is equally often each of the legal choices
        scores = np.where(allowed, self._random.random(mask.shape), -1.0)
        actions = []
        first = 0
        for size in layout.action_sizes(num_states):
            actions.append(scores[:, first : first + size].argmax(axis=1))
            first += size
        return np.stack(actions, axis=1)


class NeverAttackPolicy(RandomPolicy):
    """As random, but never the stance ``attack``: what arms and alliances are when nobody fights."""

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Random legal actions without attack, int64 ``(batch, heads)``."""
        peaceful = mask.copy()
        peaceful[:, sum(layout.HEAD_SIZES) + layout.Stance.ATTACK :: layout.NUM_STANCES] = 0
        return super().act(observation, peaceful)


def num_states_of(mask_size: int) -> int:
    """How many states a world has whose flat masks have ``mask_size`` entries.

    Raises:
        ValueError: if no number of states has such masks.
    """
    others, rest = divmod(mask_size - sum(layout.HEAD_SIZES), layout.NUM_STANCES)
    if rest or others < 1:
        raise ValueError(f"A mask of {mask_size} entries fits no number of states: mask_size(N) = 9 + 4 (N - 1).")
    return others + 1
