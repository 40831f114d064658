"""stable-baselines3: PPO, one policy for all states, on a native VecEnv.

python -m examples.sb3_ppo [--smoke]
"""

from __future__ import annotations

from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.common.env_checker import check_env
from stable_baselines3.common.evaluation import evaluate_policy

import sd_env
from agents.training.seats import WorldsVecEnv
from examples import say


def main() -> None:
    """Learn, measure, and try what else there is."""
    smoke = say.smoke(__doc__)
    env = WorldsVecEnv(say.SCENARIO, num_worlds=8 if smoke else 32, seed=1)
    learner = PPO("MlpPolicy", env, n_steps=32, batch_size=512, n_epochs=4, ent_coef=0.01, seed=1)
    steps, clock = 2 * 32 * env.num_envs if smoke else 100_000, say.Clock()
    learner.learn(steps)
    clock.rate(learner.num_timesteps)
    returned, _ = evaluate_policy(learner, env, n_eval_episodes=16 if smoke else 128, deterministic=False, warn=False)
    say.learned(float(returned), full_size=not smoke)
    say.works("PPO, one policy for all states, through WorldsVecEnv; evaluate_policy")

    A2C("MlpPolicy", env, n_steps=8, seed=1).learn(8 * env.num_envs)
    say.works("A2C through WorldsVecEnv")
    check_env(sd_env.solo_env(say.SCENARIO), warn=False)
    PPO("MlpPolicy", "sd_env/Solo-v0", n_steps=64, batch_size=64, seed=1).learn(64)
    say.works("check_env, and PPO by the id sd_env/Solo-v0")
    say.refuses(
        "DQN",
        "neither's: DQN wants one Discrete action, states choose several things at once",
        lambda: DQN("MlpPolicy", env),
    )


if __name__ == "__main__":
    main()
