"""Learners by name: the experiment's settings handed to stable-baselines3, nothing added."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch as th
from sb3_contrib import MaskablePPO, RecurrentPPO
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.torch_layers import FlattenExtractor
from stable_baselines3.common.utils import LinearSchedule

from agents.seats import WorldsVecEnv
from agents.training.config import SETTINGS, LearnerConfig
from agents.training.policies import HeadsPolicy, MaskablePolicy, RecurrentHeadsPolicy, SymlogExtractor, set_culture

_CLASSES: dict[str, tuple[Any, type]] = {
    "PPO": (PPO, HeadsPolicy),
    "A2C": (A2C, HeadsPolicy),
    "MaskablePPO": (MaskablePPO, MaskablePolicy),
    "RecurrentPPO": (RecurrentPPO, RecurrentHeadsPolicy),
}


def make_learner(config: LearnerConfig, env: WorldsVecEnv, *, seed: int, device: str = "cpu") -> OnPolicyAlgorithm:
    """An untrained learner for ``env``.

    Args:
        config: its settings.
        env: the worlds it learns in; they are seeded with ``seed`` too.
        seed: of its weights, its actions and its minibatches.
        device: torch device.
    """
    # torch checks every argument of every distribution otherwise, at a tenth of the rollout's time
    th.distributions.Distribution.set_default_validate_args(False)
    algorithm, policy = _CLASSES[config.algorithm]
    own: dict[str, Any] = {name: getattr(config, name) for name in SETTINGS[config.algorithm]}
    policy_kwargs: dict[str, Any] = {
        "net_arch": {"pi": list(config.net_arch), "vf": list(config.net_arch)},
        "activation_fn": {"tanh": th.nn.Tanh, "relu": th.nn.ReLU}[config.activation],
        "features_extractor_class": {"symlog": SymlogExtractor, "raw": FlattenExtractor}[config.observations],
    }
    for name in ("lstm_hidden_size", "n_lstm_layers"):
        if name in own:
            policy_kwargs[name] = own.pop(name)
    learner: OnPolicyAlgorithm = algorithm(
        policy,
        env,
        learning_rate=LinearSchedule(config.learning_rate, config.learning_rate_end, 1.0),
        n_steps=config.n_steps,
        gamma=config.gamma,
        gae_lambda=config.gae_lambda,
        normalize_advantage=config.normalize_advantage,
        ent_coef=config.ent_coef,
        vf_coef=config.vf_coef,
        max_grad_norm=config.max_grad_norm,
        policy_kwargs=policy_kwargs,
        seed=seed,
        device=device,
        verbose=0,
        **own,
    )
    set_culture(learner.policy, config.culture, config.culture_strength, env.num_states)
    return learner


class LearnedPolicy:
    """A learner's policy as a :class:`agents.policy.Policy`: actions are drawn, not the most probable ones."""

    def __init__(self, learner: OnPolicyAlgorithm) -> None:
        self._policy: Any = learner.policy
        self._masked = isinstance(learner, MaskablePPO)
        self._memory: Any = None
        self._start: Any = None

    def reset(self, seed: int | None = None) -> None:
        """Forget the past; draw from torch's generator seeded with ``seed``."""
        self._memory = self._start = None
        if seed is not None:
            th.manual_seed(seed)

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Draw actions, int64 ``(batch, heads)``."""
        if self._start is None:
            self._start = np.ones(len(observation), dtype=bool)
        masked = {"action_masks": mask.astype(bool)} if self._masked else {}
        actions, self._memory = self._policy.predict(observation, self._memory, self._start, False, **masked)
        self._start = np.zeros(len(observation), dtype=bool)
        return np.asarray(actions)
