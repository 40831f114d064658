"""Tianshou 2: PPO of one state under masks, among policies that are given; and why not its multi-agent wrapper.

python -m examples.tianshou_ppo [--smoke]
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from tianshou.algorithm import PPO
from tianshou.algorithm.modelfree.reinforce import ProbabilisticActorPolicy
from tianshou.algorithm.optim import AdamOptimizerFactory
from tianshou.data import Collector, VectorReplayBuffer
from tianshou.env import DummyVectorEnv, PettingZooEnv
from tianshou.trainer import OnPolicyTrainerParams
from torch.distributions import Categorical, Distribution, Independent

import sd_env
from examples import say


class Net(torch.nn.Module):
    """Two hidden layers over what is seen."""

    def __init__(self, columns: int, out: int) -> None:
        super().__init__()
        layers = torch.nn.Linear(columns, 64), torch.nn.Tanh(), torch.nn.Linear(64, 64), torch.nn.Tanh()
        self.net = torch.nn.Sequential(*layers, torch.nn.Linear(64, out))

    def forward(self, obs: Any, **_: Any) -> torch.Tensor:
        """Numbers `(K, out)` of a batch of observations."""
        seen = torch.as_tensor(obs.observation)
        out: torch.Tensor = self.net(seen.sign() * seen.abs().log1p())
        return out


class Actor(Net):
    """Logits of all heads `(K, heads, most choices)`, -1e9 where there is no choice or it is illegal."""

    def __init__(self, columns: int, sizes: list[int]) -> None:
        super().__init__(columns, sum(sizes))
        self.there = torch.arange(max(sizes)) < torch.tensor(sizes)[:, None]

    def forward(self, obs: Any, state: Any = None, info: Any = None) -> tuple[torch.Tensor, Any]:  # type: ignore[override]
        """Logits, and the state of a memory that there is not."""
        logits = super().forward(obs).masked_fill(torch.as_tensor(obs.action_mask) == 0, -1e9)
        padded = torch.full((len(logits), *self.there.shape), -1e9)
        padded[:, self.there] = logits
        return padded, state


def heads(logits: torch.Tensor) -> Distribution:
    """One choice for each head, drawn apart."""
    return Independent(Categorical(logits=logits), 1)


def own_rewards() -> None:
    """Play ten turns through Tianshou's wrapper and see what each state is told of its own moves."""
    env = PettingZooEnv(sd_env.env(say.SCENARIO))
    told = dict.fromkeys(env.agents, 0.0)
    seen, _ = env.reset(seed=0)
    for _ in range(20):
        mover = seen["agent_id"]
        seen, rewards, *_ = env.step(env.action_space.sample())
        told[mover] += abs(rewards[env.agent_idx[mover]])
    assert told["state_0"] > 0, "state_0 is credited with 0 for all its moves: rewards come when the last has moved"


def main() -> None:
    """Learn, measure, and try the multi-agent wrapper."""
    smoke = say.smoke(__doc__)
    torch.manual_seed(1)

    def seat(number: int) -> sd_env.SoloEnv:
        return sd_env.solo_env(say.SCENARIO, seat=number % 2, dict_observation=True, mask_in_info=False)

    count, turns = 8, 32 if smoke else 128
    envs = DummyVectorEnv([lambda number=number: seat(number) for number in range(count)])
    envs.seed(1)
    spaces = seat(0)
    columns = spaces.observation_space["observation"].shape[0]
    policy = ProbabilisticActorPolicy(
        actor=Actor(columns, spaces.action_space.nvec.tolist()),
        dist_fn=heads,
        action_space=spaces.action_space,
        action_scaling=False,
        action_bound_method=None,
    )
    algorithm = PPO(policy=policy, critic=Net(columns, 1), optim=AdamOptimizerFactory(lr=1e-3), max_grad_norm=0.5)
    collector: Collector[Any] = Collector(algorithm, envs, VectorReplayBuffer(count * turns, count))
    clock = say.Clock()
    updates = 1 if smoke else 32
    algorithm.run_training(
        OnPolicyTrainerParams(
            training_collector=collector,
            max_epochs=updates,
            epoch_num_steps=count * turns,
            collection_step_num_env_steps=count * turns,
            batch_size=256,
            update_step_num_repetitions=4,
            verbose=False,
        )
    )
    clock.rate(updates * count * turns)
    measured = Collector(algorithm, envs).collect(n_episode=16 if smoke else 64, reset_before_collect=True)
    say.learned(float(np.mean(measured.returns)), full_size=not smoke)
    say.works("PPO of one state under masks (solo_env, Dict observations, MultiDiscrete actions)")
    say.refuses(
        "several learners through its PettingZooEnv",
        "Tianshou's: it reads AEC alone and credits a state at its own move, before the turn is played",
        own_rewards,
    )


if __name__ == "__main__":
    main()
