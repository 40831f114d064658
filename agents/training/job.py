"""One job: train one population in one scenario from one seed, and measure it at the end."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch as th
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from agents.files import write_json, write_text
from agents.policies.bundles import LearnedBundle, load_bundle, save_bundle
from agents.training import checkpoint
from agents.training.callbacks import WORLDS, OnRollout, OnStep, Rollouts
from agents.training.config import Experiment, ScenarioChoice
from agents.training.logs import Curves
from agents.training.measure import LEARNED, measure
from agents.training.players import Players, seat_players, seats_of
from sd_env.scenario import Scenario

#: Seconds that a resumed job waits for the killed run's worker to notice that it is an orphan.
PATIENCE = 30.0
#: Settings of an experiment that say where and how it runs, or what its other jobs are: bundles leave them out.
_NOT_THE_POLICYS = {"scenarios", "seeds", "checkpoint", "device", "workers", "torch_threads", "world_threads", "runs"}


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

    def learner_folder(self, name: str) -> Path:
        """Where the curves and the policy of one learner are: the job's own folder if one policy plays all states."""
        return self.folder if self.experiment.population.mode == "shared" else self.folder / "learners" / name

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

    Leaves in the job's folder: ``scenario.yaml``, ``progress.csv``, ``tensorboard/``, ``checkpoints/``, ``policy.sd/``
    (a bundle) and, last, ``result.json``. Unless one policy plays all states, each learner has a folder of its own in
    ``learners/`` with its ``progress.csv``, ``tensorboard/`` and ``policy.sd/``, and those of the job are the worlds'.

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
    players = seat_players(experiment, scenario, job.seed)
    saved = checkpoint.load(job.folder / "checkpoints")
    curves = _curves(job, players, saved["rows"] if saved else {})
    for name, learner in players.learners.items():
        learner.set_logger(Logger(str(job.learner_folder(name)), [curves[name]]))
    if saved:
        checkpoint.restore(saved, players)
        report(players.steps)
    started, before = time.monotonic(), players.steps
    _learn(players, Rollouts(players, curves, job.folder / "checkpoints", experiment.checkpoint, report), experiment)
    seconds = time.monotonic() - started
    for each in curves.values():
        each.close()
    result: dict[str, Any] = {
        "world": job.choice.name,
        "scenario": job.choice.scenario,
        "overrides": job.choice.overrides,
        "population": experiment.population.mode,
        "seed": job.seed,
        "agent_steps": players.steps,
        "agent_steps_per_second": (players.steps - before) / max(seconds, 1e-9),
        **measure(experiment, players, scenario, job.seed),
    }
    players.table.close()
    for name, learner in players.learners.items():
        _write_policy(job, name, learner, result["evaluation"][LEARNED])
    write_json(job.result, result)


def _curves(job: Job, players: Players, rows: dict[str, list[dict[str, float]]]) -> dict[str, Curves]:
    """The rows of every learner, and where there are several parties those of the worlds."""
    folders = {name: job.learner_folder(name) for name in players.learners}
    if job.folder not in folders.values():
        folders[WORLDS] = job.folder
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    return {name: Curves(folder, rows.get(name)) for name, folder in folders.items()}


def _learn(players: Players, rollouts: Rollouts, experiment: Experiment) -> None:
    """Let all learners do their shares of the experiment's steps."""
    done = {name: learner.num_timesteps for name, learner in players.learners.items()}
    # SB3 adds the steps already done to what it is asked for
    left = {players.seats[name]: players.steps_of(name, experiment.total_steps) - steps for name, steps in done.items()}
    each = {seat: {"callback": [OnStep(), OnRollout(name, rollouts)]} for name, seat in players.seats.items()}
    players.table.learn(left, each=each, log_interval=1, reset_num_timesteps=not any(done.values()))


def _write_policy(job: Job, name: str, learner: OnPolicyAlgorithm, metrics: dict[str, Any]) -> None:
    """Leave a learner's bundle. Its name ends in the seed: those of other seeds are the same player."""
    folder, config = job.learner_folder(name), job.experiment.model_dump(mode="json", exclude=_NOT_THE_POLICYS)
    training = {"seed": job.seed, "steps": learner.num_timesteps, "config": config, "metrics": metrics}
    label = job.name if folder == job.folder else f"{name}.{job.name}"
    save_bundle(folder / "policy.sd", learner, job.scenario(), training=training, name=label)


def trained_policies(job: Job) -> dict[str, LearnedBundle]:
    """The final policies of a finished job, by the learners' names.

    Raises:
        BundleError: if the job has not been trained to its end, or a bundle is damaged.
    """
    names = seats_of(job.experiment.population, job.scenario().agents)
    device = job.experiment.device
    return {name: load_bundle(job.learner_folder(name) / "policy.sd", device=device) for name in names}


def trained_policy(job: Job) -> LearnedBundle:
    """The final policy of a finished job that trained one learner.

    Raises:
        BundleError: if the job has not been trained to its end, or the bundle is damaged.
        ValueError: if it trained several.
    """
    policies = trained_policies(job)
    if len(policies) > 1:
        raise ValueError(f"Job {job.name} trained several policies: {', '.join(policies)}.")
    return next(iter(policies.values()))


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
