"""PufferLib: the PettingZoo face through its emulation, where it can be installed.

python -m examples.pufferlib_ppo [--smoke]
"""

from __future__ import annotations

import pufferlib.emulation
import pufferlib.vector

import sd_env
from examples import say


def main() -> None:
    """Step a vector of worlds at random."""
    smoke = say.smoke(__doc__)

    def world(**_: object) -> pufferlib.emulation.PettingZooPufferEnv:
        return pufferlib.emulation.PettingZooPufferEnv(sd_env.parallel_env(say.SCENARIO, mask_in_info=False))

    env = pufferlib.vector.make(world, num_envs=4, backend=pufferlib.vector.Serial)
    env.reset(seed=1)
    turns, clock = 32 if smoke else 3200, say.Clock()
    for _ in range(turns):
        env.step(env.action_space.sample())
    clock.rate(turns * env.num_agents)
    say.works("the PettingZoo face through its emulation, stepped at random")


if __name__ == "__main__":
    main()
