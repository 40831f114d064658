"""sb3-contrib: MaskablePPO in multi-agent vector form, masks of every state on every turn.

python -m examples.sb3_contrib_maskable [--smoke]
"""

from __future__ import annotations

import numpy as np
from sb3_contrib import TRPO, MaskablePPO, RecurrentPPO
from sb3_contrib.common.maskable.evaluation import evaluate_policy
from sb3_contrib.common.maskable.utils import get_action_masks
from stable_baselines3.common.callbacks import BaseCallback

from agents.training.seats import WorldsVecEnv
from examples import say


class CountIllegal(BaseCallback):
    """Counts the illegal choices of a training; with masks there must be none."""

    count = 0

    def _on_step(self) -> bool:
        self.count += int(self.training_env.get_attr("worlds")[0].states["illegal"].sum())
        return True


def main() -> None:
    """Learn under masks, see that nothing illegal was chosen, and measure."""
    smoke = say.smoke(__doc__)
    env = WorldsVecEnv(say.SCENARIO, num_worlds=8 if smoke else 32, seed=1)
    env.reset()
    masks = get_action_masks(env)
    assert masks.shape == (env.num_envs, int(np.sum(env.action_space.nvec)))
    learner = MaskablePPO("MlpPolicy", env, n_steps=32, batch_size=512, n_epochs=4, ent_coef=0.01, seed=1)
    illegal, steps, clock = CountIllegal(), 2 * 32 * env.num_envs if smoke else 100_000, say.Clock()
    learner.learn(steps, callback=illegal)
    clock.rate(learner.num_timesteps)
    assert illegal.count == 0, f"{illegal.count} illegal choices under masks"
    say.works(
        "MaskablePPO in multi-agent vector form: every state of every world under its own mask, no illegal choice"
    )
    returned, _ = evaluate_policy(learner, env, n_eval_episodes=16 if smoke else 128, deterministic=False, warn=False)
    say.learned(float(returned), full_size=not smoke)

    small = WorldsVecEnv(say.SCENARIO, num_worlds=2, seed=1)
    RecurrentPPO("MlpLstmPolicy", small, n_steps=8, batch_size=32, n_epochs=1, seed=1).learn(32)
    TRPO("MlpPolicy", small, n_steps=8, batch_size=32, seed=1).learn(32)
    say.works("RecurrentPPO and TRPO, without masks: an illegal choice becomes its nearest legal one")


if __name__ == "__main__":
    main()
