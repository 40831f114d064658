"""A network of your own: attention over the other states, in PPO of stable-baselines3, in a world of five.

python -m examples.custom_network [--smoke]
"""

from __future__ import annotations

import torch
from gymnasium import spaces
from stable_baselines3 import PPO
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor

import sd_env
from agents.training.seats import WorldsVecEnv
from examples import say
from sd_env import layout


class Attention(BaseFeaturesExtractor):
    """Each other state is a token; the state itself asks them. The columns of an observation tell which is which."""

    def __init__(self, observation_space: spaces.Box, n_states: int, width: int = 32) -> None:
        super().__init__(observation_space, 2 * width)
        names = layout.observation_names(n_states, context=True)
        assert len(names) == observation_space.shape[0]
        of_others = [[k for k, name in enumerate(names) if name.startswith(f"other{j}.")] for j in range(n_states - 1)]
        self.own = torch.tensor([k for k, name in enumerate(names) if not name.startswith("other")])
        self.others = torch.tensor(of_others)
        self.ask, self.key = torch.nn.Linear(len(self.own), width), torch.nn.Linear(self.others.shape[1], width)
        self.value, self.itself = torch.nn.Linear(self.others.shape[1], width), torch.nn.Linear(len(self.own), width)

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """float32 `(K, D)` -> `(K, 2 width)`."""
        seen = observations.sign() * observations.abs().log1p()
        own, others = seen[:, self.own], seen[:, self.others]
        weights = torch.einsum("kw,kow->ko", self.ask(own), self.key(others)) / self.key.out_features**0.5
        told = torch.einsum("ko,kow->kw", weights.softmax(1), self.value(others))
        return torch.cat([self.itself(own), told], dim=1).tanh()


def main() -> None:
    """Learn with it, and measure."""
    smoke = say.smoke(__doc__)
    scenario = sd_env.load_scenario(say.SCENARIO, {"n_states": 5})
    env = WorldsVecEnv(scenario, num_worlds=4 if smoke else 16, seed=1)
    own = {"features_extractor_class": Attention, "features_extractor_kwargs": {"n_states": 5}, "net_arch": [64]}
    learner = PPO("MlpPolicy", env, policy_kwargs=own, n_steps=32, batch_size=512, n_epochs=4, seed=1)
    steps, clock = 32 * env.num_envs if smoke else 50_000, say.Clock()
    learner.learn(steps)
    clock.rate(learner.num_timesteps)
    returned, _ = evaluate_policy(learner, env, n_eval_episodes=16 if smoke else 80, deterministic=False, warn=False)
    say.learned(float(returned), full_size=not smoke, scenario=scenario)
    say.works("a features extractor that attends to the other states by the names of the columns, five states")


if __name__ == "__main__":
    main()
