"""AgileRL: IPPO, a shared policy for all states.

python -m examples.agilerl_ippo [--smoke]
"""

from __future__ import annotations

from importlib.metadata import requires, version
from typing import Any

import torch
from agilerl.algorithms.ippo import IPPO
from agilerl.training.train_multi_agent_on_policy import train_multi_agent_on_policy
from agilerl.vector.dummy_vec_env import PzDummyVecEnv
from packaging.requirements import Requirement

import sd_env
from examples import say


def ippo(world: Any, learn_step: int) -> IPPO:
    """The learner: state_0 and state_1 share a policy by their name."""
    agents = world.possible_agents
    return IPPO(
        observation_spaces=[world.observation_space(agent) for agent in agents],
        action_spaces=[world.action_space(agent) for agent in agents],
        agent_ids=agents,
        batch_size=256,
        lr=1e-3,
        learn_step=learn_step,
        device="cpu",
    )


def learn(world: Any, learn_step: int, turns: int) -> IPPO:
    """Learn for so many turns of one world."""
    learner = ippo(world, learn_step)
    assert list(learner.actors) == ["state"], "one policy for all states"
    env = PzDummyVecEnv(world)
    [trained], _ = train_multi_agent_on_policy(
        env, "sd_env", "IPPO", pop=[learner], sum_scores=True, max_steps=turns, evo_steps=turns, eval_loop=1,
        verbose=False,
    )  # fmt: skip
    return trained


def pins() -> None:
    """See whether the packages are of the versions that AgileRL asks for.

    Raises:
        ValueError: for pettingzoo, if it is not.
    """
    [asked] = [Requirement(each) for each in requires("agilerl") or () if Requirement(each).name == "pettingzoo"]
    if not asked.specifier.contains(version("pettingzoo")):
        raise ValueError(f"agilerl {version('agilerl')} asks for {asked}; sd-env for 1.27, where environments have ids")


def main() -> None:
    """Learn, and measure."""
    smoke = say.smoke(__doc__)
    torch.manual_seed(1)
    world = sd_env.parallel_env(say.SCENARIO, mask_in_info=False)  # illegal choices become their nearest legal ones
    learn_step, turns, clock = (64, 64, say.Clock()) if smoke else (1024, 16_384, say.Clock())
    trained = learn(world, learn_step, turns)
    clock.rate(2 * turns)
    loops = 4 if smoke else 64
    returned = trained.test(PzDummyVecEnv(world), loop=loops, sum_scores=True) / len(world.possible_agents)
    say.works("IPPO, one policy for all states by their common name")
    say.refuses("its own pins beside sd-env's", "AgileRL's: it works beside the newer one all the same", pins)
    masked = sd_env.parallel_env(say.SCENARIO)
    say.refuses("masks from infos, for states that share a policy", "AgileRL's", lambda: learn(masked, 64, 64))
    say.learned(float(returned), full_size=not smoke)


if __name__ == "__main__":
    main()
