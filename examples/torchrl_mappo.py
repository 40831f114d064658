"""TorchRL: MAPPO, a shared policy under masks and a critic that sees the global state.

python -m examples.torchrl_mappo [--smoke]
"""

from __future__ import annotations

import warnings

import torch
from tensordict.nn import TensorDictModule
from torch.distributions import Categorical, Independent
from torchrl.collectors import Collector
from torchrl.envs import PettingZooWrapper, RewardSum, TransformedEnv
from torchrl.envs.utils import check_env_specs
from torchrl.modules import ProbabilisticActor
from torchrl.objectives import ClipPPOLoss

import sd_env
from examples import say

warnings.filterwarnings("ignore", module="torchrl")  # it warns of every PettingZoo but 1.24.3


def world(group: str | None = "agents") -> PettingZooWrapper:
    """The world with its states in one group, which must not be called `state`: so is the global state's key."""
    env = sd_env.parallel_env(say.SCENARIO)
    groups = {group: list(env.possible_agents)} if group else None
    return PettingZooWrapper(env, return_state=True, group_map=groups, seed=1)


class Policy(torch.nn.Module):
    """Logits of all heads, `(..., heads, most choices)`, with -inf where there is no choice or it is illegal."""

    def __init__(self, columns: int, sizes: list[int]) -> None:
        super().__init__()
        self.shape = (len(sizes), max(sizes))
        self.there = torch.arange(max(sizes)) < torch.tensor(sizes)[:, None]
        hidden = torch.nn.Sequential(
            torch.nn.Linear(columns, 64), torch.nn.Tanh(), torch.nn.Linear(64, 64), torch.nn.Tanh()
        )
        self.net = torch.nn.Sequential(*hidden, torch.nn.Linear(64, len(sizes) * max(sizes)))

    def forward(self, observation: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Logits of `(..., D)` under masks `(..., M)`."""
        logits: torch.Tensor = self.net(torch.log1p(observation.clamp(0))).unflatten(-1, self.shape)
        legal = torch.zeros_like(logits, dtype=torch.bool)
        legal[..., self.there] = mask
        return logits.masked_fill(~legal, -1e9)


class Critic(torch.nn.Module):
    """Values of all states, `(..., N, 1)`, from the global state, true types included."""

    def __init__(self, columns: int, agents: int) -> None:
        super().__init__()
        self.net = torch.nn.Sequential(torch.nn.Linear(columns, 64), torch.nn.Tanh(), torch.nn.Linear(64, agents))

    def forward(self, state: torch.Tensor) -> torch.Tensor:
        """Values of global states `(..., S)`."""
        value: torch.Tensor = self.net(torch.log1p(state.clamp(0)).float()).unsqueeze(-1)
        return value


def main() -> None:
    """Check the specs, learn by MAPPO, and measure."""
    smoke = say.smoke(__doc__)
    torch.manual_seed(1)
    check_env_specs(world())
    say.works("check_env_specs, with state() and masks")
    say.refuses(
        "the group that it makes by default",
        "TorchRL's: state_0, state_1 become the group `state`, the key of the global state; give a group_map",
        lambda: check_env_specs(world(None)),
    )

    env = TransformedEnv(world(), RewardSum(in_keys=[("agents", "reward")], out_keys=[("agents", "episode_reward")]))
    spaces = sd_env.parallel_env(say.SCENARIO)
    sizes = spaces.action_space("state_0").nvec.tolist()
    net = Policy(spaces.observation_space("state_0").shape[0], sizes)
    actor = ProbabilisticActor(
        TensorDictModule(
            net, in_keys=[("agents", "observation"), ("agents", "action_mask")], out_keys=[("agents", "logits")]
        ),
        in_keys={"logits": ("agents", "logits")},
        out_keys=[("agents", "action")],
        distribution_class=lambda logits: Independent(Categorical(logits=logits), 1),
        return_log_prob=True,
        log_prob_key=("agents", "action_log_prob"),
    )
    critic = TensorDictModule(
        Critic(spaces.state_space.shape[0], 2), in_keys=["state"], out_keys=[("agents", "state_value")]
    )
    frames, turns = (64, 128) if smoke else (1024, 40_960)
    loss = ClipPPOLoss(actor, critic, clip_epsilon=0.2, entropy_coeff=0.01, normalize_advantage=True)
    loss.set_keys(
        reward=("agents", "reward"),
        action=("agents", "action"),
        value=("agents", "state_value"),
        done=("agents", "done"),
        terminated=("agents", "terminated"),
        sample_log_prob=("agents", "action_log_prob"),
    )
    loss.make_value_estimator(gamma=0.99, lmbda=0.95)
    optimizer = torch.optim.Adam(loss.parameters(), lr=1e-3)
    returns: list[float] = []
    clock = say.Clock()
    for batch in Collector(env, actor, frames_per_batch=frames, total_frames=turns):
        with torch.no_grad():
            loss.value_estimator(
                batch, params=loss.critic_network_params, target_params=loss.target_critic_network_params
            )
        for _ in range(4):
            for rows in torch.randperm(len(batch)).split(256):
                found = loss(batch[rows])
                optimizer.zero_grad()
                (found["loss_objective"] + found["loss_critic"] + found["loss_entropy"]).backward()
                torch.nn.utils.clip_grad_norm_(loss.parameters(), 0.5)
                optimizer.step()
        over = batch["next", "agents", "done"]
        returns += batch["next", "agents", "episode_reward"][over].tolist()
    clock.rate(turns * 2)
    say.learned(sum(returns[-128:]) / len(returns[-128:]), full_size=not smoke)
    say.works("MAPPO: shared policy under masks, critic of state()")


if __name__ == "__main__":
    main()
