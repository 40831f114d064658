"""What every policy speaks, and the two policies that results are compared with.

The protocol and the random policy are those of ``sd_env.solo``, which needs them without knowing of agents.
"""

from __future__ import annotations

import numpy as np

from sd_env import layout
from sd_env.solo import Policy, RandomPolicy

__all__ = ["NeverAttackPolicy", "Policy", "RandomPolicy"]


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
