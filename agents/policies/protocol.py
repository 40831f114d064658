"""What every policy speaks, and the two policies that results are compared with.

The protocol and the random policy are those of ``sd_env.policies``, which needs them without knowing of agents.
"""

from __future__ import annotations

import numpy as np

from sd_env import layout
from sd_env.policies import Policy, RandomPolicy

__all__ = ["NeverAttackPolicy", "Policy", "RandomPolicy"]


class NeverAttackPolicy(RandomPolicy):
    """As random, but never the stance ``attack``: what arms and alliances are when nobody fights."""

    def act_with(self, observation: np.ndarray, mask: np.ndarray, heads: layout.Heads) -> np.ndarray:
        """Random legal actions without attack, int64 ``(batch, heads)``."""
        peaceful = mask.copy()
        peaceful[:, heads.mask_entries(layout.Head.STANCE, layout.Stance.ATTACK)] = 0
        return super().act_with(observation, peaceful, heads)
