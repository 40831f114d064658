"""What happens around SB3's loop, named for the phase in which it happens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch as th
from stable_baselines3.common.callbacks import BaseCallback

from agents.metrics import rates
from agents.seats import WorldsVecEnv
from agents.training import checkpoint
from agents.training.config import CheckpointConfig
from agents.training.logs import Curves


class OnStep(BaseCallback):
    """Bootstraps all truncated slots of a step in one pass of the value network.

    SB3 adds ``gamma * V(terminal_observation)`` to the reward of each truncated slot, one slot at a time. Where all
    worlds reach the horizon together that is most of a rollout's time, so it is done here at once, and the terminal
    observations are then taken away, by which SB3 knows that nothing is left to add. Learners with memory need their
    own LSTM state for each slot: they are left to SB3.
    """

    def _on_step(self) -> bool:
        infos, dones = self.locals["infos"], self.locals["dones"]
        if "lstm_states" in self.locals or not dones.any():
            return True
        slots = [i for i in np.flatnonzero(dones).tolist() if infos[i].get("TimeLimit.truncated", False)]
        if not slots:
            return True
        last = np.stack([infos[i]["terminal_observation"] for i in slots])
        with th.no_grad():
            values = self.model.policy.predict_values(th.as_tensor(last, device=self.model.device))  # type: ignore[operator]
        self.locals["rewards"][slots] += self.model.gamma * values.cpu().numpy().reshape(-1)  # type: ignore[attr-defined]
        for i in slots:
            del infos[i]["terminal_observation"]
        return True


class OnRollout(BaseCallback):
    """Records the worlds' metrics after each rollout and writes a checkpoint before every ``every_rollouts``-th next.

    Args:
        env: the worlds.
        curves: the job's rows.
        folder: where checkpoints go.
        config: how many, how often.
        report: called with the agent-steps done, after each rollout.
    """

    def __init__(
        self, env: WorldsVecEnv, curves: Curves, folder: Path, config: CheckpointConfig, report: Callable[[int], None]
    ) -> None:
        super().__init__()
        self._env, self._curves, self._folder, self._config, self._report = env, curves, folder, config, report
        self._rollouts = 0

    def _on_rollout_start(self) -> None:
        # Here, between an update and the next rollout, no buffer holds anything that would have to be saved.
        if self._rollouts and self._rollouts % self._config.every_rollouts == 0:
            checkpoint.save(self._folder, self.model, self._env, self._curves, keep=self._config.keep)  # type: ignore[arg-type]
        self._rollouts += 1

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        totals, episodes = self._env.take_totals()
        if episodes:
            for name, value in rates(totals, episodes).items():
                self.logger.record(name, value)
        self.logger.record("outcome/episodes", episodes)
        self._report(self.num_timesteps)
