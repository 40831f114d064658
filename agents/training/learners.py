"""Learners by name: the experiment's settings handed to stable-baselines3's, or to ours: FastPPO, AlignedPPO."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch as th
from sb3_contrib import MaskablePPO, RecurrentPPO
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from sb3_contrib.common.recurrent.policies import RecurrentActorCriticPolicy
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.torch_layers import FlattenExtractor
from stable_baselines3.common.utils import LinearSchedule

from agents.policies.sb3 import (
    HeadsPolicy,
    MaskablePolicy,
    MaskableTypesPolicy,
    RecurrentHeadsPolicy,
    SymlogExtractor,
    TypesPolicy,
    set_culture,
)
from agents.policies.sb3_set import MaskableSetPolicy, SetPolicy
from agents.training.aligned_ppo import AlignedPPO
from agents.training.fast_ppo import FastPPO
from agents.training.learner_config import SETTINGS, LearnerConfig
from agents.training.seats import SlotsVecEnv
from sd_env import layout
from sd_env.scenario import Scenario

_CLASSES: dict[str, tuple[Any, type]] = {
    "PPO": (PPO, HeadsPolicy),
    "A2C": (A2C, HeadsPolicy),
    "MaskablePPO": (MaskablePPO, MaskablePolicy),
    "RecurrentPPO": (RecurrentPPO, RecurrentHeadsPolicy),
    "FastPPO": (FastPPO, HeadsPolicy),
    "AlignedPPO": (AlignedPPO, HeadsPolicy),
}
#: Policy classes over sets; RecurrentPPO has none.
_SETS: dict[str, type] = {
    "PPO": SetPolicy,
    "A2C": SetPolicy,
    "MaskablePPO": MaskableSetPolicy,
    "FastPPO": SetPolicy,
    "AlignedPPO": SetPolicy,
}
#: What FastPPO takes under masks.
_MASKED: dict[type, type] = {
    HeadsPolicy: MaskablePolicy,
    TypesPolicy: MaskableTypesPolicy,
    SetPolicy: MaskableSetPolicy,
}


def use_threads(count: int) -> None:
    """Let networks compute on ``count`` threads in this process; learned weights depend on it."""
    th.set_num_threads(count)


def make_learner(config: LearnerConfig, env: SlotsVecEnv, *, seed: int, device: str = "cpu") -> OnPolicyAlgorithm:
    """An untrained learner for ``env``.

    Args:
        config: its settings.
        env: its seat, or all the worlds, which are then seeded with ``seed`` too.
        seed: of its weights, its actions and its minibatches.
        device: torch device.
    """
    # torch checks every argument of every distribution otherwise, at a tenth of the rollout's time
    th.distributions.Distribution.set_default_validate_args(False)
    algorithm, policy = _CLASSES[config.algorithm]
    if config.network == "set":
        policy = _SETS[config.algorithm]
    if config.networks == "by_type":
        policy = TypesPolicy
    own: dict[str, Any] = {name: getattr(config, name) for name in SETTINGS[config.algorithm]}
    if own.pop("masks", False):
        policy = _MASKED[policy]
    policy_kwargs: dict[str, Any] = {
        "net_arch": {"pi": list(config.net_arch), "vf": list(config.net_arch)},
        "activation_fn": {"tanh": th.nn.Tanh, "relu": th.nn.ReLU}[config.activation],
        "features_extractor_class": {"symlog": SymlogExtractor, "raw": FlattenExtractor}[config.observations],
    }
    for name in ("lstm_hidden_size", "n_lstm_layers"):
        if (value := own.pop(name, None)) is not None:
            policy_kwargs[name] = value
    if "lstm_hidden_size" in policy_kwargs:
        policy = RecurrentHeadsPolicy
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
    set_culture(learner.policy, config.culture, config.culture_strength)
    return learner


class LearnedPolicy:
    """A live learner's policy as a :class:`agents.policies.protocol.Policy`: what it learns, this plays.

    Actions are drawn, from a random stream of its own: torch's generators are put back after each turn. A row whose
    ``own.turn`` is 0 begins an episode: a recurrent policy forgets what it remembers of that row.

    Attributes:
        memory: 0 without memory. With an LSTM the longest horizon, since nothing limits how far it looks back.
        observation_space: of the learner.
    """

    def __init__(self, learner: OnPolicyAlgorithm) -> None:
        self._policy: Any = learner.policy
        self._masked = isinstance(learner.policy, MaskableActorCriticPolicy)
        self.observation_space = learner.observation_space
        remembers = isinstance(learner.policy, RecurrentActorCriticPolicy)
        self.memory = int(Scenario.quantities()["horizon"].high) if remembers else 0
        self._cuda = [learner.device] if learner.device.type == "cuda" else []
        self._devices = [th.device("cpu"), *self._cuda]
        self._states: Any = None
        self._fresh = True
        self.reset(0)

    def __deepcopy__(self, memo: dict[int, Any]) -> LearnedPolicy:
        """A copy for another seat, with a memory and draws of its own, of the same learner."""
        return copy.copy(self)  # its own state is replaced on every turn, never written over

    def reset(self, seed: int | None = None) -> None:
        """Forget the past, and begin the random stream of ``seed``; None goes on with the old one."""
        self._states, self._fresh = None, True
        if seed is not None:
            self._streams = [th.Generator(d).manual_seed(int(seed)).get_state() for d in self._devices]

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Draw actions, int64 ``(batch, heads)``."""
        begins = self._fresh | (observation[:, layout.Own.TURN] == 0)
        states = None if begins.all() else self._states  # there may be other rows from here on
        masked = {"action_masks": mask.astype(bool)} if self._masked else {}
        with th.random.fork_rng(self._cuda):
            th.set_rng_state(self._streams[0])
            for device, stream in zip(self._cuda, self._streams[1:], strict=True):
                th.cuda.set_rng_state(stream, device)
            actions, self._states = self._policy.predict(observation, states, begins, False, **masked)
            self._streams = [th.get_rng_state(), *(th.cuda.get_rng_state(device) for device in self._cuda)]
        self._fresh = False
        return np.asarray(actions)
