"""SuperSuit: the PettingZoo face as a vector for stable-baselines3, the way that most tutorials go.

python -m examples.supersuit_ppo [--smoke]
"""

from __future__ import annotations

import supersuit
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecEnv, VecMonitor

import sd_env
from examples import say


def vector(copies: int) -> VecEnv:
    """Copies of the world as one SB3 vector; infos are kept out, which it would carry from process to process."""
    env = supersuit.pettingzoo_env_to_vec_env_v1(sd_env.parallel_env(say.SCENARIO, mask_in_info=False))
    return supersuit.concat_vec_envs_v1(env, copies, num_cpus=0, base_class="stable_baselines3")


def main() -> None:
    """Learn, measure, and say what to know before doing so."""
    smoke = say.smoke(__doc__)
    env = VecMonitor(vector(2 if smoke else 16))
    learner = PPO("MlpPolicy", env, n_steps=32, batch_size=128 if smoke else 512, n_epochs=4, ent_coef=0.01)
    steps, clock = 2 * 32 * env.num_envs if smoke else 50_000, say.Clock()
    learner.learn(steps)
    clock.rate(learner.num_timesteps)
    returns = [episode["r"] for episode in learner.ep_info_buffer or ()]
    say.learned(sum(returns) / len(returns), full_size=not smoke)
    say.works("PPO through pettingzoo_env_to_vec_env_v1 and concat_vec_envs_v1; flatten_v0, frame_stack_v2")
    wrapped = supersuit.frame_stack_v2(supersuit.flatten_v0(sd_env.parallel_env(say.SCENARIO)), 2)
    wrapped.reset(seed=0)
    wrapped.step({agent: wrapped.action_space(agent).sample() for agent in wrapped.agents})

    say.refuses("PPO(seed=1) on its vector", "SuperSuit's", lambda: PPO("MlpPolicy", vector(1), seed=1))

    def knows_truncation() -> None:
        plain = vector(1)
        plain.reset()
        for _ in range(32):
            *_, infos = plain.step([env.action_space.sample() for _ in range(plain.num_envs)])
        assert "TimeLimit.truncated" in infos[0], "no TimeLimit.truncated in infos: the horizon is not bootstrapped"

    say.refuses("telling SB3 that an episode was cut off", "SuperSuit's; WorldsVecEnv tells it", knows_truncation)


if __name__ == "__main__":
    main()
