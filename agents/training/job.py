"""One job: train one population in one scenario from one seed, and measure it at the end."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stable_baselines3.common.logger import Logger
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from agents.files import without_nan, write_json, write_text
from agents.policies.bundle_files import MANIFEST, read_bundle
from agents.policies.bundles import BundleError, LearnedBundle, bundle_of, load_bundle, save_bundle
from agents.policies.mixture import MixedBundle
from agents.policies.protocol import Policy
from agents.table.seating import ALL, ROTATING
from agents.training import checkpoint
from agents.training.callbacks import WORLDS, Anneal, OnRollout, Rollouts, check_finite
from agents.training.config import ScenarioChoice, TrainingConfig, job_folder
from agents.training.learners import use_threads
from agents.training.live import ROUNDS
from agents.training.logs import Curves, is_whole, told_once
from agents.training.measure import LEARNED, measure, moved
from agents.training.meta_game import STATES
from agents.training.oracle import Answer, Arena
from agents.training.players import Players, cast_of, seat_players, seats_of
from agents.training.rounds import improve, write_rounds
from agents.work import WorkError, locked, set_aside
from sd_env.errors import RefusedError
from sd_env.files import read_bounded
from sd_env.scenario import Scenario

#: Seconds that a resumed job waits for the killed run's worker to notice that it is an orphan, or on a cluster for the
#: shared file system to let go of the lock of a node that died.
PATIENCE = 120.0
#: Settings of an experiment that say where and how it runs, or what its other jobs are: bundles leave them out.
_NOT_THE_POLICYS = {
    "scenarios",
    "seeds",
    "paths",
    "checkpoint",
    "device",
    "workers",
    "torch_threads",
    "world_threads",
    "runs",
}
_DIGEST = "sha256"


@dataclass(frozen=True)
class Job:
    """One scenario and one seed of an experiment, and the folder of its files.

    Attributes:
        config: the experiment, with the settings of the path.
        choice: which scenario.
        seed: which seed.
        folder: where its files are.
        path: which of the experiment's ways to learn; "" if there is one.
    """

    config: TrainingConfig
    choice: ScenarioChoice
    seed: int
    folder: Path
    path: str = ""

    @property
    def name(self) -> str:
        """World and seed, as in the folder's name."""
        return self.folder.name

    def scenario(self) -> Scenario:
        """The scenario with the experiment's overrides and its own, the latter winning."""
        return Scenario.load(self.choice.scenario, {**self.config.overrides, **self.choice.overrides})

    def about(self) -> dict[str, Any]:
        """Which job it is, as its result says it; plain data, as JSON has it."""
        about: dict[str, Any] = {
            "world": self.choice.name,
            "scenario": self.choice.scenario,
            "overrides": self.choice.overrides,
            "path": self.path,
            "population": self.config.population.mode,
            "seed": self.seed,
        }
        return without_nan(json.loads(json.dumps(about)))  # type: ignore[no-any-return]

    def training(self) -> dict[str, Any]:
        """What its bundles say of how they were trained, as JSON has it."""
        config = self.config.model_dump(mode="json", exclude=_NOT_THE_POLICYS)
        return {"seed": self.seed, "config": without_nan(json.loads(json.dumps(config)))}

    def learner_folder(self, name: str) -> Path:
        """Where the curves and the policy of one learner are: the job's own folder if one policy plays all states."""
        return self.folder if self.config.population.mode == "shared" else self.folder / "learners" / name

    @property
    def result(self) -> Path:
        """The file that is written last."""
        return self.folder / "result.json"

    def bundles(self) -> dict[str, Path]:
        """Name of each learner -> where its final policy is kept."""
        names = seats_of(self.config.population, self.scenario().agents)
        return {name: self.learner_folder(name) / "policy.sd" for name in names}

    def finished(self) -> tuple[dict[str, Any] | None, str]:
        """What the job measured, None if it is not finished; and what is wrong with its files, "" if nothing.

        A job is finished if its result is as it was written, and its policies and curves are there and whole.

        Raises:
            WorkError: if a folder is in the place of its result.
        """
        if self.result.is_dir():
            raise WorkError(f"{self.result} is a folder where a file is needed; remove it.")
        if not os.path.lexists(self.result):
            return None, ""
        try:
            found = json.loads(read_bounded(self.result))
            if found.pop(_DIGEST) != _digest(found):
                return None, "its result.json was changed after it was written"
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None, "its result.json is damaged"
        if any(found.get(key) != value for key, value in self.about().items()):
            return None, "its result.json is of another job"
        for path in self.bundles().values():
            try:
                training = read_bundle(path)[0].training
            except BundleError as error:
                return None, " ".join(str(error).split()).rstrip(".")
            if any(training.get(key) != value for key, value in self.training().items()):
                return None, f"Bundle {path} is of another training"
            for curves in {path.parent / "progress.csv", self.folder / "progress.csv"}:
                if not is_whole(curves):
                    return None, f"{curves} is missing or damaged"
        return found, ""


def jobs_of(config: TrainingConfig, run: Path) -> list[Job]:
    """All jobs of an experiment whose run folder is ``run``, seed by seed so that all worlds advance together."""
    along = {path: config.along(path) for path in config.paths} or {"": config}
    return [
        Job(settings, choice, seed, job_folder(run, choice.name, path, seed), path)
        for seed in config.seeds
        for path, settings in along.items()
        for choice in config.scenarios
    ]


def run_job(job: Job, report: Callable[[int], None] = lambda steps: None) -> None:
    """Train and measure, from the last checkpoint if there is one; does nothing if the job is finished and whole.

    Leaves in the job's folder: ``scenario.yaml``, ``progress.csv``, ``tensorboard/``, ``checkpoints/``, ``rounds.csv``
    where there are rounds, ``policy.sd/`` (a bundle) and, last, ``result.json``. Unless one policy plays all states,
    each learner has a folder of its own in ``learners/`` with its ``progress.csv``, ``tensorboard/`` and
    ``policy.sd/``, and those of the job are the worlds'.

    Args:
        job: what to do.
        report: called with the agent-steps done so far, after each rollout.

    Raises:
        CheckpointError: if there are checkpoints and none can be used.
        DivergedError: if a learner's weights are no numbers any more; its checkpoints are of before.
        WorkError: if another process holds the job, or something is in the place of its files.
    """
    job.folder.mkdir(parents=True, exist_ok=True)
    with locked(job.folder, PATIENCE), told_once():
        if job.finished()[0] is None:
            _train(job, report)


def _train(job: Job, report: Callable[[int], None]) -> None:
    config = job.config
    use_threads(config.torch_threads)
    scenario = job.scenario()
    write_text(job.folder / "scenario.yaml", scenario.to_yaml())
    (job.folder / ROUNDS).unlink(missing_ok=True)  # of a job that was killed within them: they begin anew
    players = seat_players(config, scenario, job.seed)
    saved = checkpoint.take_up(job.folder / "checkpoints", players)
    curves = _curves(job, players, saved["rows"] if saved else {})
    for name, learner in players.learners.items():
        learner.set_logger(Logger(str(job.learner_folder(name)), [curves[name]]))
    if saved:
        checkpoint.restore_pending(saved, players)
        report(players.steps)
    started, before = time.monotonic(), players.steps
    rollouts = Rollouts(players, curves, job.folder / "checkpoints", config.checkpoint, report)
    _learn(players, rollouts, config)
    seconds, learned = time.monotonic() - started, players.steps - before
    worlds = curves.get(WORLDS) or next(iter(curves.values()))
    rounds = None
    if config.rounds is not None and (players.cast or scenario.n_states == STATES):
        # no checkpoints within them: a killed job does them again from the end of its training, to the same end
        [learner] = players.learners.values()

        def told(answers: Sequence[Answer]) -> None:
            write_rounds(job.folder, answers)
            report(players.steps)

        arena = Arena(scenario, cast_of(config.population, scenario), config.population.interventions)
        rounds = improve(config, bundle_of(learner, scenario, name=job.name), arena, job.seed, told)
    for each in curves.values():
        each.close()
    result: dict[str, Any] = {
        **job.about(),
        "agent_steps": players.steps,
        "agent_steps_per_second": learned / max(seconds, 1e-9),
        **measure(config, players, scenario, job.seed, final=rounds.policy if rounds else None),
        "moved": (rounds.moved if rounds else None) or moved(worlds.rows),
        "rounds": rounds.plain() if rounds else [],
        "members": rounds.game if rounds else None,
    }
    players.table.close()
    for name, learner in players.learners.items():
        _write_policy(job, name, learner, result["evaluation"][LEARNED], rounds.policy if rounds else None)
    result = without_nan(result)
    write_json(job.result, {**result, _DIGEST: _digest(result)})


def _digest(result: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(result, sort_keys=True).encode()).hexdigest()


def _curves(job: Job, players: Players, rows: dict[str, list[dict[str, float]]]) -> dict[str, Curves]:
    """The rows of every learner, and where there are several parties those of the worlds."""
    folders = {name: job.learner_folder(name) for name in players.learners}
    if job.folder not in folders.values():
        folders[WORLDS] = job.folder
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    return {name: Curves(folder, rows.get(name)) for name, folder in folders.items()}


def _learn(players: Players, rollouts: Rollouts, config: TrainingConfig) -> None:
    """Let all learners do their shares of the experiment's steps."""
    done = {name: learner.num_timesteps for name, learner in players.learners.items()}
    # SB3 adds the steps already done to what it is asked for
    left = {players.seats[name]: players.steps_of(name, config.total_steps) - steps for name, steps in done.items()}
    each = {
        seat: {"callback": [Anneal(config.learner), OnRollout(name, rollouts)]} for name, seat in players.seats.items()
    }
    with _finite(players):
        players.table.learn(left, each=each, log_interval=1, reset_num_timesteps=not any(done.values()))


@contextmanager
def _finite(players: Players) -> Iterator[None]:
    """Within, learning that breaks on weights that are no numbers, or ends with them, is told as what it is.

    Raises:
        DivergedError: naming the learner.
    """
    try:
        yield
    except RefusedError:
        raise
    except (ValueError, RuntimeError):  # torch's, of logits that are not finite
        for name, learner in players.learners.items():
            check_finite(name, learner)
        raise
    for name, learner in players.learners.items():
        check_finite(name, learner)


def _write_policy(
    job: Job, name: str, learner: OnPolicyAlgorithm, metrics: dict[str, Any], final: MixedBundle | None
) -> None:
    """Leave a learner's bundle, or the mixture that came of its rounds.

    Its name ends in the seed: those of other seeds are the same player.
    """
    folder = job.learner_folder(name)
    machine = {"device": str(learner.device), "torch_threads": job.config.torch_threads}  # which change weights
    training = {**job.training(), "steps": learner.num_timesteps, "metrics": metrics, **machine}
    if os.path.lexists(folder / "policy.sd") and not (folder / "policy.sd" / MANIFEST).is_file():
        set_aside(folder / "policy.sd")  # what is left of a damaged one
    label = job.name if folder == job.folder else f"{name}.{job.name}"
    if final is None:
        save_bundle(folder / "policy.sd", learner, job.scenario(), training=training, name=label)
    else:
        final.titled(label, type(learner).__name__, training).save(folder / "policy.sd")


def trained_policies(job: Job) -> dict[str, LearnedBundle]:
    """The final policies of a finished job, by the learners' names.

    Raises:
        BundleError: if the job has not been trained to its end, or a bundle is damaged.
    """
    device = job.config.device
    return {name: load_bundle(path, device=device) for name, path in job.bundles().items()}


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


def final_cast(job: Job, game: Scenario) -> list[Policy]:
    """The policy of each state among a finished job's final ones: its learner's; the one of a league holds all seats.

    Args:
        job: a finished job.
        game: what they are to play, with the states of the job's own scenario.

    Raises:
        BundleError: as :func:`trained_policies`.
    """
    learned, others = trained_policies(job), cast_of(job.config.population, game)
    names = learners_of_states(job, game)
    return [others[k] if k in others else learned[names[k]] for k in range(game.n_states)]


def learners_of_states(job: Job, game: Scenario) -> dict[int, str]:
    """Index of each state of ``game`` that a learner of the job holds -> its name; as of :func:`final_cast`."""
    found: dict[str, str] = {}
    for name, seat in seats_of(job.config.population, game.agents).items():
        states = game.agents if seat in (ALL, ROTATING) else (seat,) if isinstance(seat, str) else seat
        found |= dict.fromkeys(states, name)
    return {k: found[agent] for k, agent in enumerate(game.agents) if agent in found}
