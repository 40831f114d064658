"""AlignedPPO: stable-baselines3's PPO whose states shape one another, by advantage alignment (Duque et al. 2025).

PPO makes a choice likelier by what it was worth to the one who chose. A learner that shapes others counts as well what
it was worth to them, by what has passed between them: after turns that went better for it than expected, choices that
do the others good become likelier, after turns that went worse those that do them harm. That is what reciprocates, and
what those who learn from it learn to be met with. Nothing else of PPO is changed: only the advantages of a rollout are,
before it is learned from.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from stable_baselines3 import PPO
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecEnv

from agents.training.seats import SlotsVecEnv
from sd_env.errors import RefusedError

#: The least deviation that advantages are divided by.
_LEAST: Final = 1e-8


def aligned(advantages: np.ndarray, starts: np.ndarray, states: int, weight: float, decay: float) -> np.ndarray:
    """Advantages of proximal advantage alignment (Duque et al. 2025, section 4.2), one for each slot and turn.

    ``A*(t) = A(t) + weight * sum(decay ** (t - k) * A(k), k < t) * B(t) / s``, where B is the sum of the other states'
    advantages and s the root mean square of all advantages of the rollout: the product then has their unit, and a
    weight means the same in whatever unit payoffs are.

    Args:
        advantages: ``(turns, worlds * states)``, slot ``world * states + state``.
        starts: where a slot begins an episode, same shape; what was before it does not count.
        states: of a world.
        weight: 0 leaves the advantages as they are.
        decay: what a turn that is a turn further back counts, 0 to 1.

    Returns:
        The same shape and type. What was before the first row is not known, and counts for nothing.
    """
    by_world = advantages.reshape(len(advantages), -1, states)
    others = (by_world.sum(axis=2, keepdims=True) - by_world).reshape(advantages.shape)
    passed, before = np.zeros_like(advantages), np.zeros_like(advantages[0])
    for turn, begins in enumerate(starts):
        passed[turn] = before = np.where(begins > 0, 0.0, before)
        before = decay * (before + advantages[turn])
    size = max(float(np.sqrt(np.mean(np.square(advantages, dtype=np.float64)))), _LEAST)
    found: np.ndarray = (advantages + weight * passed * others / size).astype(advantages.dtype)
    return found


class AlignedPPO(PPO):
    """PPO of one policy that plays all states of its worlds, each of which counts the others' advantages too.

    What each state gains by a choice is known to all of them while they learn, and to none when they play. The worlds
    are the seat of all states (:class:`agents.training.seats.WorldsVecEnv`, or seat ``all`` of a table).

    Args:
        align_weight: how much alignment counts beside PPO's own advantage: the product of beta and gamma in the paper;
            0 is PPO, bit for bit.
        align_decay: what a turn that is a turn further back counts, 0 to 1: gamma in the paper.
        arguments: of PPO.
        keywords: of PPO.

    Raises:
        RefusedError: for other worlds, a world of one state, or numbers that are not allowed: one sentence.
    """

    def __init__(self, *arguments: Any, align_weight: float = 1.0, align_decay: float = 0.9, **keywords: Any) -> None:
        if not (0.0 <= align_weight < float("inf") and 0.0 <= align_decay <= 1.0):
            raise RefusedError(
                f"align_weight = {align_weight} and align_decay = {align_decay} are not allowed: a weight is a number "
                "from 0, a decay one from 0 to 1."
            )
        self.align_weight, self.align_decay = align_weight, align_decay
        super().__init__(*arguments, **keywords)
        if self.env is not None:
            _states_of(self.env)

    def collect_rollouts(
        self, env: VecEnv, callback: BaseCallback, rollout_buffer: RolloutBuffer, n_rollout_steps: int
    ) -> bool:
        """Play a rollout as PPO does, then align its advantages; returns are left to the value as they are."""
        states = _states_of(env)
        if not super().collect_rollouts(env, callback, rollout_buffer, n_rollout_steps):
            return False
        rollout_buffer.advantages = aligned(
            rollout_buffer.advantages, rollout_buffer.episode_starts, states, self.align_weight, self.align_decay
        )
        return True


def _states_of(env: VecEnv) -> int:
    """How many states each world has, all of which must be the learner's."""
    if not isinstance(env, SlotsVecEnv) or env.num_envs != env.num_worlds * env.num_states or env.num_states < 2:
        raise RefusedError(
            "AlignedPPO counts what all states of a world gain, so that it must play all of them, two or more: seat it "
            "at all states (population.mode: shared), or take PPO."
        )
    return env.num_states
