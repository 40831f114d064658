"""What happens around SB3's loop, named for the phase in which it happens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import numpy as np
import torch as th
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback

from agents.table.metrics import rates
from agents.training import checkpoint
from agents.training.config import CheckpointConfig
from agents.training.learner_config import LearnerConfig
from agents.training.logs import Curves
from agents.training.players import Players
from sd_env.errors import RefusedError

#: Share of a training, its last, in which noise falls no more and what is reported should move no more.
LAST: Final = 0.2
#: No weight that learns anything is larger; sums of a few hundred of them are still numbers.
MOST_WEIGHT: Final = 1e9
#: Name of the worlds' own rows, where there are several parties.
WORLDS: Final = ""


class DivergedError(RefusedError):
    """A training has diverged: one sentence. The last checkpoint is of before."""


def check_finite(name: str, learner: BaseAlgorithm) -> None:
    """Refuse to go on with a learner whose weights are no numbers any more.

    Raises:
        DivergedError: naming it and what may help.
    """
    if not is_finite(learner):
        raise DivergedError(
            f"the learner {name} has diverged: after {learner.num_timesteps:,} agent-steps its weights are no numbers "
            "to compute with. "
            "The last checkpoint is of before; a new run with a smaller learner.learning_rate, or a smaller "
            "learner.max_grad_norm, may learn."
        )


def is_finite(learner: BaseAlgorithm) -> bool:
    """Whether a learner's weights are numbers that it can compute with: not NaN, and none beyond ``MOST_WEIGHT``."""
    return all(bool((weights.abs() <= MOST_WEIGHT).all()) for weights in learner.policy.parameters())


class OnStep(BaseCallback):
    """For worlds whose horizon only cuts: bootstraps all truncated slots of a step in one pass of the value network.

    SB3 adds ``gamma * V(terminal_observation)`` to the reward of each truncated slot, one slot at a time. Where all
    worlds reach the horizon together that is most of a rollout's time, so it is done here at once, and the terminal
    observations are then taken away, by which SB3 knows that nothing is left to add. Learners with memory need their
    own LSTM state for each slot: they are left to SB3. Trainings have no such slots: their horizon ends the game.
    """

    def _on_step(self) -> bool:
        infos, dones = self.locals["infos"], self.locals["dones"]
        remembers = "lstm_states" in self.locals or getattr(self.model, "_last_lstm_states", None) is not None
        if remembers or not dones.any():
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


class Anneal(BaseCallback):
    """Lets the weight of the entropy bonus fall geometrically, rollout by rollout, from ``ent_coef`` to its end.

    The end is reached after four fifths of the training: in the last fifth play should settle, which is looked at.

    From a start at which play is all but uniform, this follows the path of logit responses as noise dies away, a
    principled choice among equilibria (McKelvey & Palfrey 1998; Sokota et al. 2023).

    Args:
        config: of the learner; without ``ent_coef_end`` the weight stays as it is.
    """

    def __init__(self, config: LearnerConfig) -> None:
        super().__init__()
        self._config = config

    def _on_rollout_start(self) -> None:
        first, last = self._config.ent_coef, self._config.ent_coef_end
        if last is not None:
            # by the steps done alone, so that a resumed run goes on as if it had not stopped
            done = self.model.num_timesteps / max(self.locals["total_timesteps"], 1)
            self.model.ent_coef = first * (last / first) ** min(done / (1.0 - LAST), 1.0)  # type: ignore[attr-defined]

    def _on_step(self) -> bool:
        return True


class Rollouts:
    """What the learners of a job have in common between rollouts: the worlds' metrics, checkpoints, the report.

    All have rollouts of as many turns, so all stand between two at the same turn.

    Args:
        players: the learners and their table.
        curves: rows of each learner by its name, and where the worlds have rows of their own, of ``WORLDS``.
        folder: where checkpoints go.
        config: how many, how often.
        report: called with the agent-steps that all have done, after each rollout.
    """

    def __init__(
        self,
        players: Players,
        curves: Mapping[str, Curves],
        folder: Path,
        config: CheckpointConfig,
        report: Callable[[int], None],
    ) -> None:
        self.players, self.curves, self._folder, self.config, self._report = players, curves, folder, config, report
        self._first = next(iter(players.learners))

    def save(self) -> None:
        """Write a checkpoint; all learners stand still."""
        checkpoint.save(self._folder, self.players, self.curves, keep=self.config.keep)

    def ended(self, name: str, learner: BaseAlgorithm) -> None:
        """A learner has ended a rollout: the first to do so records what became of the worlds."""
        if name != self._first:
            return
        totals, episodes = self.players.table.take_totals()
        metrics: dict[str, float] = dict(rates(totals, episodes)) if episodes else {}
        metrics["outcome/episodes"] = episodes
        # the others, who come after it, have as many turns behind them
        slots = sum(each.n_envs for each in self.players.learners.values())
        steps = learner.num_timesteps // learner.n_envs * slots
        worlds = self.curves.get(WORLDS)
        if worlds is not None:
            worlds.write(metrics, {}, steps)
        else:
            for key, value in metrics.items():
                learner.logger.record(key, value)
        self._report(steps)


class OnRollout(BaseCallback):
    """One learner's part in :class:`Rollouts`: a checkpoint before every ``every_rollouts``-th rollout but the first.

    Args:
        name: of the learner.
        rollouts: of the job.
    """

    def __init__(self, name: str, rollouts: Rollouts) -> None:
        super().__init__()
        self._name, self._job = name, rollouts
        self._begun = 0

    def _on_rollout_start(self) -> None:
        check_finite(self._name, self.model)  # before a checkpoint could keep what is lost
        # Here, between an update and the next rollout, no buffer holds anything that would have to be saved.
        players = self._job.players
        if self._begun and self._begun % self._job.config.every_rollouts == 0:
            players.table.seats[players.seats[self._name]].gather(self._job.save)
        self._begun += 1
        if players.league:
            players.league.begin_rollout(players.learners[self._name])

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        self._job.ended(self._name, self.model)
