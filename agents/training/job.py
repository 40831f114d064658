"""One job: train one policy in one scenario from one seed, and measure it at the end."""

from __future__ import annotations

import fcntl
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch as th
from stable_baselines3.common.logger import Logger

from agents.evaluation.evaluate import evaluate
from agents.files import write_json, write_text, write_whole
from agents.policy import NeverAttackPolicy, Policy, RandomPolicy
from agents.seats import WorldsVecEnv
from agents.training import checkpoint
from agents.training.callbacks import OnRollout, OnStep
from agents.training.config import Experiment, ScenarioChoice
from agents.training.learners import LearnedPolicy, make_learner
from agents.training.logs import Curves
from sd_env.scenario import Scenario

#: Seconds that a resumed job waits for the killed run's worker to notice that it is an orphan.
PATIENCE = 30.0


@dataclass(frozen=True)
class Job:
    """One scenario and one seed of an experiment, and the folder of its files."""

    experiment: Experiment
    choice: ScenarioChoice
    seed: int
    folder: Path

    @property
    def name(self) -> str:
        """World and seed, as in the folder's name."""
        return self.folder.name

    def scenario(self) -> Scenario:
        """The scenario with the experiment's overrides and its own, the latter winning."""
        return Scenario.load(self.choice.scenario, {**self.experiment.overrides, **self.choice.overrides})

    @property
    def result(self) -> Path:
        """The file whose presence says that the job is finished."""
        return self.folder / "result.json"


def jobs_of(experiment: Experiment, run: Path) -> list[Job]:
    """All jobs of an experiment whose run folder is ``run``, seed by seed so that all worlds advance together."""
    return [
        Job(experiment, choice, seed, run / "jobs" / f"{choice.name}__seed{seed}")
        for seed in experiment.seeds
        for choice in experiment.scenarios
    ]


def run_job(job: Job, report: Callable[[int], None] = lambda steps: None) -> None:
    """Train and measure, from the last checkpoint if there is one; does nothing if the job is finished.

    Leaves in the job's folder: ``scenario.yaml``, ``progress.csv``, ``tensorboard/``, ``checkpoints/``, ``policy.pt``
    (state dict) and, last, ``result.json``.

    Args:
        job: what to do.
        report: called with the agent-steps done so far, after each rollout.

    Raises:
        CheckpointError: if there are checkpoints and none can be used.
    """
    job.folder.mkdir(parents=True, exist_ok=True)
    with locked(job.folder / ".lock", PATIENCE):
        if not job.result.exists():
            _train(job, report)


def _train(job: Job, report: Callable[[int], None]) -> None:
    experiment = job.experiment
    th.set_num_threads(experiment.torch_threads)
    scenario = job.scenario()
    write_text(job.folder / "scenario.yaml", scenario.to_yaml())
    env = WorldsVecEnv(
        scenario,
        experiment.worlds,
        seed=job.seed,
        threads=experiment.world_threads,
        reward_scale=experiment.learner.reward_scale,
    )
    learner = make_learner(experiment.learner, env, seed=job.seed, device=experiment.device)
    saved = checkpoint.load(job.folder / "checkpoints")
    curves = Curves(job.folder, saved["rows"] if saved else None)
    learner.set_logger(Logger(str(job.folder), [curves]))
    if saved:
        checkpoint.restore(saved, learner, env)
        report(learner.num_timesteps)
    started, before = time.monotonic(), learner.num_timesteps
    callbacks = [OnStep(), OnRollout(env, curves, job.folder / "checkpoints", experiment.checkpoint, report)]
    # SB3 adds the steps already done to what it is asked for
    learner.learn(experiment.total_steps - before, callback=callbacks, log_interval=1, reset_num_timesteps=not saved)
    seconds = time.monotonic() - started
    curves.close()
    env.close()
    write_whole(job.folder / "policy.pt", lambda path: th.save(learner.policy.state_dict(), path))
    policies: dict[str, Policy] = {
        "learned": LearnedPolicy(learner),
        "random": RandomPolicy(),
        "never_attack": NeverAttackPolicy(),
    }
    settings = experiment.evaluation
    result: dict[str, Any] = {
        "world": job.choice.name,
        "scenario": job.choice.scenario,
        "overrides": job.choice.overrides,
        "seed": job.seed,
        "agent_steps": learner.num_timesteps,
        "agent_steps_per_second": (learner.num_timesteps - before) / max(seconds, 1e-9),
        # each seed's policies meet worlds of their own, so that the interval over seeds holds the worlds' luck too
        "evaluation": {
            name: evaluate(
                scenario, policy, worlds=settings.worlds, episodes=settings.episodes, seed=settings.seed + job.seed
            )
            for name, policy in policies.items()
        },
    }
    write_json(job.result, result)


def trained_policy(job: Job) -> LearnedPolicy:
    """The final policy of a finished job, from its ``policy.pt``.

    Raises:
        FileNotFoundError: if the job has not been trained to its end.
    """
    env = WorldsVecEnv(job.scenario(), 1, seed=0)
    with warnings.catch_warnings():  # SB3 compares the batch with a rollout, which is not to be collected here
        warnings.simplefilter("ignore", UserWarning)
        learner = make_learner(job.experiment.learner, env, seed=0, device=job.experiment.device)
    state = th.load(job.folder / "policy.pt", map_location=learner.device, weights_only=True)
    learner.policy.load_state_dict(state)
    env.close()
    return LearnedPolicy(learner)


@contextmanager
def locked(path: Path, patience: float) -> Iterator[None]:
    """Hold an exclusive lock on ``path`` (released by the system whatever happens to this process).

    Raises:
        RuntimeError: if another process holds it for longer than ``patience`` seconds.
    """
    until = time.monotonic() + patience
    with path.open("a") as handle:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise RuntimeError(f"{path.parent} is in use by another process.") from None
                time.sleep(0.2)
        yield
