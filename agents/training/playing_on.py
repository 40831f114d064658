"""How a learner that has finished plays on while others learn, and takes up its learning again."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from stable_baselines3.common.base_class import BaseAlgorithm

from agents.policies.protocol import Policy
from sd_env import layout
from sd_env.policies import is_policy


def is_factory(player: object) -> bool:
    """Whether a player makes a learner for its seat: a class or function, as against a policy."""
    return isinstance(player, type) or (callable(player) and not hasattr(player, "act"))


def player_of(learner: Any) -> Policy | None:
    """How a learner that has finished plays on: its policy as it is; None if it has none that could.

    An algorithm of SB3 does so by its policy, another by ``act(observation, mask)`` of its own or of its ``policy``.
    """
    if isinstance(learner, BaseAlgorithm):
        return _SB3Player(learner)
    for candidate in (learner, getattr(learner, "policy", None)):
        if is_policy(candidate):
            return cast(Policy, candidate)
    return None


class _SB3Player:
    """An SB3 algorithm's policy as it is, with the memory of its slots and what VecNormalize does to observations.

    It draws from the process's generators: the table gives it the stream in which it learned.
    """

    def __init__(self, learner: Any) -> None:
        self._policy, self._normal = learner.policy, learner.get_vec_normalize_env()
        self._masked = isinstance(learner.policy, MaskableActorCriticPolicy)
        memory = getattr(learner, "_last_lstm_states", None)
        self._states = None if memory is None else tuple(part.cpu().numpy() for part in memory.pi)

    def reset(self, seed: int | None = None) -> None:
        """Nothing: it goes on where its learner stopped."""

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Draw actions, int64 ``(K, H)``."""
        begins = observation[:, layout.Own.TURN] == 0
        seen = observation if self._normal is None else self._normal.normalize_obs(observation)
        masks = {"action_masks": mask.astype(bool)} if self._masked else {}
        actions, self._states = self._policy.predict(seen, self._states, begins, False, **masks)
        return np.asarray(actions)


def look_again(learner: Any) -> None:
    """Have an SB3 algorithm ask its seat how the worlds stand before it goes on: others played on without it."""
    if isinstance(learner, BaseAlgorithm):
        learner.set_env(learner.get_env())  # type: ignore[arg-type]
