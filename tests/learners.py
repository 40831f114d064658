"""One small learner of each policy class that a bundle can hold, trained for two rollouts, for tests of bundles."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import torch as th
from sb3_contrib import MaskablePPO, RecurrentPPO
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from agents.policies.bundles import bundle_of
from agents.policies.sb3 import HeadsPolicy, RecurrentHeadsPolicy, SymlogExtractor, TypesPolicy
from agents.policies.sb3_set import MaskableSetPolicy, SetPolicy
from agents.training.seats import WorldsVecEnv
from sd_env.scenario import Scenario

#: Worlds end at different times, so that rows of a batch begin episodes at different times.
SCENARIO = Scenario.load("jervis/doubly-dangerous", {"horizon": 6, "continuation": 0.9})
SYMLOG = {"features_extractor_class": SymlogExtractor}

KINDS: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "heads": (PPO, HeadsPolicy, {"net_arch": {"pi": [8, 4], "vf": [8]}, **SYMLOG}),
    "types": (PPO, TypesPolicy, {"net_arch": {"pi": [8, 4], "vf": [8]}, **SYMLOG}),
    "set": (PPO, SetPolicy, {"net_arch": {"pi": [8, 4], "vf": [8]}, **SYMLOG}),
    "masked-set": (MaskablePPO, MaskableSetPolicy, {"net_arch": [8, 8, 4], "activation_fn": th.nn.ReLU}),
    "masked": (MaskablePPO, "MlpPolicy", {"net_arch": [8], **SYMLOG}),
    "recurrent": (RecurrentPPO, RecurrentHeadsPolicy, {"net_arch": [8], "lstm_hidden_size": 8, **SYMLOG}),
    "sb3": (A2C, "MlpPolicy", {"net_arch": {"pi": []}, "activation_fn": th.nn.ReLU}),
    "sb3-lstm": (RecurrentPPO, "MlpLstmPolicy", {"net_arch": [8], "lstm_hidden_size": 8, "n_lstm_layers": 2}),
    "shared": (
        RecurrentPPO,
        RecurrentHeadsPolicy,
        {"net_arch": [8], "lstm_hidden_size": 8, "shared_lstm": True, "enable_critic_lstm": False},
    ),
    "linear": (
        RecurrentPPO,
        RecurrentHeadsPolicy,
        {"net_arch": [8], "lstm_hidden_size": 8, "enable_critic_lstm": False, **SYMLOG},
    ),
}


def fresh(kind: str, scenario: Scenario = SCENARIO, **policy_kwargs: Any) -> OnPolicyAlgorithm:
    """An untrained learner, which draws from its seed alone."""
    algorithm, policy, settings = KINDS[kind]
    env = WorldsVecEnv(scenario, 3, seed=1)
    rollout = {"n_steps": 8} if algorithm is A2C else {"n_steps": 8, "batch_size": 24, "n_epochs": 2}
    learner: OnPolicyAlgorithm = algorithm(
        policy, env, policy_kwargs=settings | policy_kwargs, seed=1, device="cpu", learning_rate=1e-2, **rollout
    )
    return learner


@cache
def trained(kind: str) -> OnPolicyAlgorithm:
    """A trained learner, shared by the tests: they leave it as it is. Its logits are about as large as 2."""
    learner = fresh(kind).learn(96)
    net: Any = learner.policy.action_net
    with th.no_grad():
        latents = th.as_tensor(bundle_of(learner, SCENARIO).latents(rows()[0]))
        factor = 2 / net(latents).std()
        for layer in (part for part in net.modules() if isinstance(part, th.nn.Linear)):
            layer.weight.mul_(factor)
    return learner


def rows(seed: int = 0, count: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Observations and masks of the first turn of some worlds, ``(count, D)`` and int8 ``(count, M)``."""
    env = WorldsVecEnv(SCENARIO, -(-count // 2), seed=seed)
    return env.reset()[:count], env.action_masks()[:count].astype(np.int8)
