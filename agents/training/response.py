"""A best response that is learned: one seat of a table learns, a frozen policy holds the others."""

from __future__ import annotations

from typing import Any

import numpy as np
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.vec_env import VecEnvWrapper
from stable_baselines3.common.vec_env.base_vec_env import VecEnvStepReturn

from agents.policies.bundles import LearnedBundle, bundle_of
from agents.policies.protocol import Policy
from agents.training.config import LearnerConfig
from agents.training.learners import make_learner
from agents.training.table import Seat, Table
from sd_env.policies import one_thread
from sd_env.scenario import Scenario


class EndsAtHorizon(VecEnvWrapper):
    """A seat whose episodes end at the horizon instead of being cut there, so that nothing is bootstrapped beyond it.

    A best response in a game of T turns is to know that it ends; its observation says when.
    """

    def reset(self) -> Any:
        """First observations, float32 ``(slots, D)``."""
        return self.venv.reset()

    def step_wait(self) -> VecEnvStepReturn:
        """What the seat sees and gets."""
        observations, rewards, dones, infos = self.venv.step_wait()
        for slot in np.flatnonzero(dones):
            infos[slot]["TimeLimit.truncated"] = False
        return observations, rewards, dones, infos


def learn_response(
    scenario: Scenario, policy: Policy, seat: int, *, seed: int, steps: int, worlds: int, config: LearnerConfig
) -> LearnedBundle:
    """What a learner answers to ``policy`` from ``seat`` after ``steps`` turns, rounded up to whole rollouts."""

    def learner_of(place: Seat) -> OnPolicyAlgorithm:
        return make_learner(config, EndsAtHorizon(place), seed=seed)  # type: ignore[arg-type]

    name = scenario.agents[seat]
    with one_thread():
        table = Table(
            scenario,
            {name: learner_of, "others": policy},
            num_worlds=worlds,
            seed=seed,
            reward_scale=config.reward_scale,
        )
        table.learn(steps)
    learner = table.learners[name]
    return bundle_of(learner, scenario, name="best-response", training={"seed": seed, "steps": learner.num_timesteps})
