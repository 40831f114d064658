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

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Random legal actions without attack, int64 ``(batch, heads)``."""
        peaceful = mask.copy()
        peaceful[:, layout.Head.STANCE.mask_entries(layout.Stance.ATTACK)] = 0
        return super().act(observation, peaceful)
