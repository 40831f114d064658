"""RLlib on its current stack: one policy for all states, one for each, and masks through an RLModule.

python -m examples.rllib_ppo [--smoke]
"""

from __future__ import annotations

import logging
from typing import Any

import ray
import torch
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.columns import Columns
from ray.rllib.core.distribution.torch.torch_distribution import TorchMultiCategorical
from ray.rllib.core.rl_module.apis.value_function_api import ValueFunctionAPI
from ray.rllib.core.rl_module.multi_rl_module import MultiRLModuleSpec
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.core.rl_module.torch.torch_rl_module import TorchRLModule
from ray.rllib.env.wrappers.pettingzoo_env import ParallelPettingZooEnv
from ray.tune.registry import register_env

import sd_env
from examples import say


class Masked(TorchRLModule, ValueFunctionAPI):
    """Two networks; a mask of heads end to end, as the observation has it, is the layout of RLlib's logits too."""

    def setup(self) -> None:
        """Make the networks, and say that an action is a choice of each head."""
        columns, sizes = self.observation_space["observation"].shape[0], self.action_space.nvec.tolist()
        self.actor, self.critic = (
            torch.nn.Sequential(torch.nn.Linear(columns, 64), torch.nn.Tanh(), torch.nn.Linear(64, out))
            for out in (sum(sizes), 1)
        )
        self.action_dist_cls = TorchMultiCategorical.get_partial_dist_cls(input_lens=sizes)

    def _forward(self, batch: dict[str, Any], **_: Any) -> dict[str, Any]:
        seen = batch[Columns.OBS]["observation"]
        logits = self.actor(seen.sign() * seen.abs().log1p())
        return {Columns.ACTION_DIST_INPUTS: logits.masked_fill(batch[Columns.OBS]["action_mask"] == 0, -1e9)}

    def compute_values(self, batch: dict[str, Any], embeddings: Any = None) -> torch.Tensor:
        """Values `(K,)`."""
        seen = batch[Columns.OBS]["observation"]
        values: torch.Tensor = self.critic(seen.sign() * seen.abs().log1p()).squeeze(-1)
        return values


def learner(masks: bool, policies: dict[str, str], turns: int) -> Any:
    """PPO in this process; `policies`: state -> name of its policy."""
    name = f"sd_env-{masks}"
    register_env(
        name,
        lambda _: ParallelPettingZooEnv(sd_env.parallel_env(say.SCENARIO, dict_observation=masks, mask_in_info=False)),
    )
    config = (
        PPOConfig()
        .environment(name)
        .env_runners(num_env_runners=0)
        .learners(num_learners=0)
        .training(
            train_batch_size_per_learner=turns,
            minibatch_size=min(turns, 256),
            num_epochs=4,
            lr=1e-3,
            entropy_coeff=0.01,
        )
        .multi_agent(policies=set(policies.values()), policy_mapping_fn=lambda agent, *_, **__: policies[agent])
        .debugging(seed=1, log_level="ERROR")
    )
    if masks:
        modules = {policy: RLModuleSpec(module_class=Masked) for policy in policies.values()}
        config = config.rl_module(rl_module_spec=MultiRLModuleSpec(rl_module_specs=modules))
    return config.build_algo()


def main() -> None:
    """Learn in three ways, and measure the one with masks."""
    smoke = say.smoke(__doc__)
    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    turns, rounds = (64, 1) if smoke else (1024, 16)
    one, each = dict.fromkeys(("state_0", "state_1"), "all"), {"state_0": "first", "state_1": "second"}

    algorithm, clock = learner(True, one, turns), say.Clock()
    results = [algorithm.train() for _ in range(rounds)]
    clock.rate(rounds * turns * 2)
    say.learned(results[-1]["env_runners"]["episode_return_mean"] / 2, full_size=not smoke)
    say.works("PPO, one policy for all states, masks through an RLModule (heads end to end: the layout of its logits)")
    for policies, words in ((one, "one policy for all states"), (each, "a policy for each state")):
        learner(False, policies, 64).train()
        say.works(f"PPO without masks, {words}, its default RLModule")
    ray.shutdown()


if __name__ == "__main__":
    main()
