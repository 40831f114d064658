"""An experiment from its run folder's birth to its report: jobs in worker processes, watched from here."""

from __future__ import annotations

import logging
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch as th
from stable_baselines3.common.utils import get_device

from agents.files import write_json, write_text
from agents.machine import cores
from agents.policies.manifest import MOST_WEIGHTS
from agents.table.interventions import Interventions
from agents.training.config import MACHINE_KEYS, ConfigError, TrainingConfig
from agents.training.job import jobs_of, run_job
from agents.training.live import Watch
from agents.training.players import cast_of, one_policy, opponents_of, smallest_rollout
from agents.work import (
    PLAN,
    Board,
    Done,
    Failed,
    Identity,
    Progressed,
    Unit,
    WorkError,
    changes,
    identity_of,
    in_processes,
    locked,
    place,
    plan_of,
    policy_inputs,
    progress,
    took_up,
)
from agents.work.identity import PACKAGES, version_of
from sd_env.errors import RefusedError, said
from sd_env.layout import observation_size
from sd_env.scenario import Scenario
from sd_env.scenario_values import show
from sd_env.worlds import bytes_of, memory


def check(config: TrainingConfig) -> None:
    """Find what would fail later, before anything is created.

    Raises:
        ConfigError: one sentence for a scenario that does not load, a population that does not fit it, a device that
            is not there, or batches larger than a rollout.
    """
    for job in jobs_of(config, config.runs):
        try:
            scenario = job.scenario()
        except ValueError as error:
            raise ConfigError(f"scenarios: {job.choice.name}: {error}") from error
        try:
            rollout = smallest_rollout(job.config, scenario)
            opponents_of(config.population, scenario)
            others = cast_of(config.population, scenario)
            Interventions(config.population.interventions or {}, scenario.agents, scenario.heads)
        except ValueError as error:
            raise ConfigError(f"population: {job.choice.name}: {error}") from error
        if job.config.rounds is not None and others and (learning := scenario.n_states - len(others)) > 1:
            raise ConfigError(
                f"rounds: {job.choice.name}: population.cast leaves {learning} states that learn, and rounds are for "
                "one that does among others that do not, or for all states of two; take rounds null."
            )
        _check_memory(job.config, scenario)
        batch = job.config.learner.batch_size
        if batch is not None and batch > rollout:
            raise ConfigError(
                f"learner.batch_size = {batch} is larger than a rollout of {job.choice.name}: "
                f"worlds x states of a learner x learner.n_steps = {rollout} at most."
            )
    if config.device.startswith("cuda"):
        index = int(config.device.partition(":")[2] or 0)
        found = th.cuda.device_count()
        if index >= found:
            raise ConfigError(f"device = {config.device} is not there: {found} CUDA devices found.")


def _check_memory(config: TrainingConfig, scenario: Scenario) -> None:
    """Refuse what no memory or bundle holds, before it is tried."""
    columns, learner = observation_size(scenario.n_states, *scenario.shown), config.learner
    widths = [columns, *learner.net_arch, sum(scenario.heads.sizes)]
    weights = 2 * sum(a * b for a, b in pairwise(widths)) * (2 if learner.networks == "by_type" else 1)
    if learner.lstm_hidden_size is not None:
        weights += 8 * (learner.n_lstm_layers or 1) * learner.lstm_hidden_size * (learner.lstm_hidden_size + columns)
    if 4 * weights > MOST_WEIGHTS:
        raise ConfigError(
            f"learner.net_arch = {show(learner.net_arch)} makes a network of {weights:,} weights; a bundle holds "
            f"{MOST_WEIGHTS // 4:,} at most."
        )
    most = memory()
    asked = {"worlds": config.worlds, "evaluation.worlds": config.evaluation.worlds}
    asked |= {"certificate.worlds": config.certificate.worlds} if config.certificate else {}
    asked |= {"rounds.worlds": config.rounds.worlds} if config.rounds else {}
    for name, worlds in asked.items():
        if (needed := bytes_of(scenario, worlds)) > most:
            raise ConfigError(f"{name} = {worlds} need {needed / 1e9:,.1f} GB; this machine has {most / 1e9:,.1f}.")
    needed = 4 * columns * config.worlds * scenario.n_states * learner.n_steps
    if needed > most:
        raise ConfigError(
            f"worlds = {config.worlds} and learner.n_steps = {learner.n_steps} make rollouts of {needed / 1e9:,.1f} "
            f"GB; this machine has {most / 1e9:,.1f}."
        )


def new_run(config: TrainingConfig) -> Path:
    """Make the run folder ``<runs>/<name>__<seeds>__<time>`` with the config as run and the versions of packages."""
    seeds = config.seeds
    seed = str(seeds[0]) if len(seeds) == 1 else f"{min(seeds)}-{max(seeds)}"
    stem = f"{config.name}__{seed}__{time.strftime('%Y%m%d-%H%M%S')}"
    config.runs.mkdir(parents=True, exist_ok=True)
    for again in range(100):
        run = config.runs / (stem if not again else f"{stem}-{again}")
        try:
            run.mkdir()
            break
        except FileExistsError:
            continue
    write_text(run / "config.yaml", config.to_yaml())
    write_json(run / "versions.json", versions())
    write_json(run / PLAN, identity(config))
    return run


def begun(config: TrainingConfig) -> Path | None:
    """The newest run folder that was begun as this experiment would be now, finished or not; None if there is none.

    Whatever decides the numbers is the same there: settings, scenarios, sources and versions.
    """
    now = identity(config)
    for run in sorted(
        config.runs.glob(f"{config.name}__*"), key=lambda path: path.name.rpartition("__")[2], reverse=True
    ):
        try:
            found = plan_of(run)
        except (WorkError, OSError):
            continue
        if found is not None and (run / "config.yaml").is_file() and not changes(found, now):
            return run
    return None


def versions() -> dict[str, str]:
    """Versions of what a run's numbers depend on, for people."""
    exact = {"python": platform.python_version(), "machine": f"{platform.system()} {platform.machine()}"}
    return exact | {package: version_of(package) for package in ("sd-env", *PACKAGES)}


def identity(config: TrainingConfig) -> Identity:
    """What decides the numbers of a run: its settings, its scenarios and opponents, and what trains.

    Raises:
        PolicyError: for an opponent that does not exist.
    """
    asked = {**_dotted(config.model_dump(mode="json", exclude=set(MACHINE_KEYS))), "device": _device(config)}
    one_each = jobs_of(config, config.runs)[: len(config.scenarios)]  # of the first seed
    inputs = {f"the scenario {job.choice.name}": job.scenario().fingerprint() for job in one_each}
    return identity_of(run_job, asked, inputs | policy_inputs(config.population.opponents or {}))


def _dotted(data: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Settings by their dotted keys, as the command line names them."""
    found: dict[str, Any] = {}
    for key, value in data.items():
        found |= _dotted(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return found


def _device(config: TrainingConfig) -> str:
    """The device as it is on this machine: what auto finds."""
    return str(get_device(config.device))


def check_resumed(config: TrainingConfig, run: Path) -> None:
    """Refuse to go on with a run that something else would end than began it.

    Raises:
        ConfigError: one sentence that names the setting, source or version that has changed.
    """
    try:
        found = plan_of(run)
    except WorkError as error:
        raise ConfigError(f"--resume {run}: {error}") from None
    except OSError as error:
        raise ConfigError(f"--resume {run}: its {PLAN} cannot be read: {error.strerror or error}.") from None
    if different := changes(found, identity(config)):
        raise ConfigError(f"--resume {run}: {', '.join(different)}; a run ends as it began: start a new one.")


@contextmanager
def held(run: Path) -> Iterator[None]:
    """Hold a run folder against a second process that would continue it too.

    Raises:
        ConfigError: if another process trains in it, or it cannot be written.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(run))
        except (WorkError, OSError) as error:
            raise ConfigError(f"--resume {run}: {error}") from error
        yield


def train(
    config: TrainingConfig, run: Path, outcome: Callable[[float, float], str] = lambda attacks, arms: ""
) -> dict[str, bool]:
    """Run the unfinished jobs of ``run``, and those whose files are damaged, in worker processes or on a cluster.

    Args:
        config: what to train.
        run: its folder.
        outcome: what attacks and arms amount to in a word, for those who watch.

    Returns:
        Names of the jobs that failed, or whose folders are gone -> whether that was foreseen, as a full disk is, and is
        told in a sentence; of a fault of the program's the traceback is told.

    Raises:
        ConfigError: if a folder is in the place of a job's file.
    """
    jobs = jobs_of(config, run)
    try:
        states = {job.name: job.finished() for job in jobs}
    except WorkError as error:
        raise ConfigError(str(error)) from None
    waiting = [Unit(job.name, {"job": job}, writes=(str(run),)) for job in jobs if states[job.name][0] is None]
    do, limit = in_processes, config.workers or cores() // config.torch_threads or 1
    if (elsewhere := place()) is not None:
        do, limit = elsewhere, config.workers
    certified = config.certificate is not None and one_policy(config.population, jobs[0].scenario().agents)
    watch = Watch({job.name: job.folder for job in jobs}, outcome, certified=certified)
    for name, (result, _) in states.items():
        if result is not None:
            took_up(run)
            watch.finished(name)
    size = config.total_steps
    board = Board("train", len(jobs), len(jobs) - len(waiting), size=size, measure="agent-steps", standing=watch)
    failed: dict[str, bool] = {}
    with board, closing(do(_train, waiting, limit)) as events:
        for name, (_, what) in states.items():
            if what:
                board.say(f"job {name}: {what}; it is made again.", logging.WARNING)
        for event in events:
            match event:
                case Progressed(name, steps):
                    watch.learned(name)
                    board.progress(name, steps)
                case Done(name, _):
                    watch.finished(name)
                    board.finished(name)
                case Failed(name, why, text):
                    failed[name] = isinstance(why, (RefusedError, OSError, MemoryError))
                    board.say(f"job {name} failed: {said(why) if failed[name] else text}", logging.ERROR)
    gone = [job.name for job in jobs if job.name not in failed and not job.result.exists()]
    return failed | dict.fromkeys(gone, True)


def _train(unit: Unit) -> None:
    """What is done with a job, in a process of its own."""
    run_job(unit.arguments["job"], progress)


def results(config: TrainingConfig, run: Path) -> dict[str, dict[str, Any]]:
    """What the finished jobs of ``run`` measured, by job, in the order of the experiment's scenarios and seeds."""
    jobs = sorted(jobs_of(config, run), key=lambda job: config.scenarios.index(job.choice))
    measured = {job.name: job.finished()[0] for job in jobs}
    return {name: result for name, result in measured.items() if result is not None}
