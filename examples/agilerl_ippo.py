"""AgileRL: IPPO, a shared policy for all states, masks from infos.

python -m examples.agilerl_ippo [--smoke]
"""

from __future__ import annotations

import torch
from agilerl.algorithms.ippo import IPPO
from agilerl.training.train_multi_agent_on_policy import train_multi_agent_on_policy
from agilerl.vector.dummy_vec_env import PzDummyVecEnv

import sd_env
from examples import say


def main() -> None:
    """Learn, and measure."""
    smoke = say.smoke(__doc__)
    torch.manual_seed(1)
    world = sd_env.parallel_env(say.SCENARIO)
    env = PzDummyVecEnv(world)
    agents = world.possible_agents
    learner = IPPO(
        observation_spaces=[world.observation_space(agent) for agent in agents],
        action_spaces=[world.action_space(agent) for agent in agents],
        agent_ids=agents,
        batch_size=256,
        lr=1e-3,
        learn_step=64 if smoke else 1024,
        device="cpu",
    )
    assert list(learner.actors) == ["state"], "state_0 and state_1 share a policy by their name"
    turns, clock = 64 if smoke else 16_384, say.Clock()
    [trained], _ = train_multi_agent_on_policy(
        env,
        "sd_env",
        "IPPO",
        pop=[learner],
        sum_scores=True,
        max_steps=turns,
        evo_steps=turns,
        eval_loop=1,
        verbose=False,
    )
    clock.rate(2 * turns)
    returned = trained.test(PzDummyVecEnv(world), loop=4 if smoke else 64, sum_scores=True) / len(agents)
    say.learned(float(returned), full_size=not smoke)
    say.works("IPPO, one policy for all states by their common name, masks from infos as they are (heads end to end)")


if __name__ == "__main__":
    main()
