"""PPO in one file, in the manner of CleanRL: everything in sight, nothing but torch and the vector face.

python -m examples.cleanrl_ppo [--smoke]
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.distributions import Categorical

import sd_env
from examples import say


class Agent(nn.Module):
    """Two networks: one logit for each choice of each head, heads end to end as in the mask, and the value."""

    def __init__(self, columns: int, sizes: list[int]) -> None:
        super().__init__()
        self.sizes = sizes
        self.actor = nn.Sequential(
            nn.Linear(columns, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, sum(sizes))
        )
        self.critic = nn.Sequential(nn.Linear(columns, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1))

    def forward(
        self, seen: torch.Tensor, mask: torch.Tensor, action: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Actions `(K, heads)`, their log-probabilities, entropies and values `(K,)`."""
        seen = seen.sign() * seen.abs().log1p()  # stocks grow large
        logits = self.actor(seen).masked_fill(mask == 0, -1e9)
        heads = [Categorical(logits=part) for part in logits.split(self.sizes, dim=1)]
        if action is None:
            action = torch.stack([head.sample() for head in heads], dim=1)
        chosen = torch.stack([head.log_prob(action[:, k]) for k, head in enumerate(heads)]).sum(0)
        return action, chosen, torch.stack([head.entropy() for head in heads]).sum(0), self.critic(seen).squeeze(1)


def main() -> None:
    """Learn and measure."""
    smoke = say.smoke(__doc__)
    worlds, turns, updates, epochs, gamma, trace, scale = 8 if smoke else 32, 32, 2 if smoke else 100, 4, 1.0, 0.95, 0.1
    torch.manual_seed(1)
    envs = sd_env.vector_env(say.SCENARIO, worlds)
    slots, columns = envs.num_envs, envs.single_observation_space.shape[0]
    agent = Agent(columns, envs.single_action_space.nvec.tolist())
    optimizer = torch.optim.Adam(agent.parameters(), lr=2.5e-3, eps=1e-5)
    observations, infos = envs.reset(seed=1)
    clock = say.Clock()
    for update in range(updates):
        optimizer.param_groups[0]["lr"] = 2.5e-3 * (1 - update / updates)
        seen = torch.zeros(turns, slots, columns)
        masks = torch.zeros(turns, slots, sum(agent.sizes))
        actions = torch.zeros(turns, slots, len(agent.sizes), dtype=torch.int64)
        chosen, values, rewards, ended = (torch.zeros(turns, slots) for _ in range(4))
        for t in range(turns):
            seen[t], masks[t] = torch.from_numpy(observations), torch.from_numpy(infos["action_mask"])
            with torch.no_grad():
                actions[t], chosen[t], _, values[t] = agent(seen[t], masks[t])
            observations, reward, terminations, truncations, infos = envs.step(actions[t].numpy())
            rewards[t] = torch.from_numpy(scale * reward)
            ended[t] = torch.from_numpy((terminations | truncations).astype(np.float32))  # the horizon ends the game

        with torch.no_grad():
            *_, following = agent(torch.from_numpy(observations), torch.from_numpy(infos["action_mask"]))
            advantages, after = torch.zeros_like(rewards), torch.zeros(slots)
            for t in reversed(range(turns)):
                delta = rewards[t] + gamma * following * (1 - ended[t]) - values[t]
                after = delta + gamma * trace * (1 - ended[t]) * after
                advantages[t], following = after, values[t]
            targets = (advantages + values).flatten()

        flat = seen.flatten(0, 1), masks.flatten(0, 1), actions.flatten(0, 1)
        old, gains = chosen.flatten(), advantages.flatten()
        for _ in range(epochs):
            for rows in torch.randperm(turns * slots).split(512):
                _, now, entropy, value = agent(flat[0][rows], flat[1][rows], flat[2][rows])
                ratio = (now - old[rows]).exp()
                gain = (gains[rows] - gains[rows].mean()) / (gains[rows].std() + 1e-8)
                surrogate = torch.min(gain * ratio, gain * ratio.clamp(0.8, 1.2)).mean()
                loss = 0.5 * (value - targets[rows]).square().mean() - surrogate - 0.01 * entropy.mean()
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
                optimizer.step()
    clock.rate(updates * turns * slots)

    def preferences(seen: np.ndarray, masks: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            numbers = torch.from_numpy(seen)
            logits = agent.actor(numbers.sign() * numbers.abs().log1p())
            return (logits - torch.empty_like(logits).exponential_().log()).numpy()  # the greatest is a draw

    say.learned(say.played(preferences), full_size=not smoke)
    say.works("PPO in one file on vector_env: one policy for all states, masks, the horizon ends the game")


if __name__ == "__main__":
    main()
