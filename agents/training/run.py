"""An experiment from its run folder's birth to its report: jobs in worker processes, watched from here."""

from __future__ import annotations

import json
import multiprocessing as mp
import os
import platform
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

import torch as th
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from agents.files import write_json, write_text
from agents.machine import cores
from agents.table.interventions import Interventions
from agents.training.config import ConfigError, Experiment
from agents.training.job import Job, jobs_of, locked, run_job
from agents.training.players import opponents_of, smallest_rollout

#: Seconds between lines of progress where output is not a terminal.
QUIET_EVERY = 10.0
_PACKAGES = (
    "sd-env", "numpy", "numba", "torch", "stable-baselines3", "sb3-contrib", "gymnasium", "pettingzoo", "pydantic",
)  # fmt: skip


def check(experiment: Experiment) -> None:
    """Find what would fail later, before anything is created.

    Raises:
        ConfigError: one sentence for a scenario that does not load, a population that does not fit it, a device that
            is not there, or batches larger than a rollout.
    """
    for job in jobs_of(experiment, experiment.runs):
        try:
            scenario = job.scenario()
        except ValueError as error:
            raise ConfigError(f"scenarios: {job.choice.name}: {error}") from error
        try:
            rollout = smallest_rollout(experiment, scenario)
            opponents_of(experiment.population, scenario)
            Interventions(experiment.population.interventions or {}, scenario.agents)
        except ValueError as error:
            raise ConfigError(f"population: {job.choice.name}: {error}") from error
        batch = experiment.learner.batch_size
        if batch is not None and batch > rollout:
            raise ConfigError(
                f"learner.batch_size = {batch} is larger than a rollout of {job.choice.name}: "
                f"worlds x states of a learner x learner.n_steps = {rollout} at most."
            )
    if experiment.device.startswith("cuda"):
        index = int(experiment.device.partition(":")[2] or 0)
        found = th.cuda.device_count()
        if index >= found:
            raise ConfigError(f"device = {experiment.device} is not there: {found} CUDA devices found.")


def new_run(experiment: Experiment) -> Path:
    """Make the run folder ``<runs>/<name>__<seeds>__<time>`` with the config as run and the versions of packages."""
    seeds = experiment.seeds
    seed = str(seeds[0]) if len(seeds) == 1 else f"{min(seeds)}-{max(seeds)}"
    stem = f"{experiment.name}__{seed}__{time.strftime('%Y%m%d-%H%M%S')}"
    experiment.runs.mkdir(parents=True, exist_ok=True)
    for again in range(100):
        run = experiment.runs / (stem if not again else f"{stem}-{again}")
        try:
            run.mkdir()
            break
        except FileExistsError:
            continue
    write_text(run / "config.yaml", experiment.to_yaml())
    write_json(run / "versions.json", versions())
    return run


def versions() -> dict[str, str]:
    """Versions of what a run's numbers depend on."""
    found = {"python": platform.python_version(), "machine": f"{platform.system()} {platform.machine()}"}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed as a package"
    return found


@contextmanager
def held(run: Path) -> Iterator[None]:
    """Hold a run folder against a second process that would continue it too.

    Raises:
        ConfigError: if another process trains in it, or it cannot be written.
    """
    try:
        with locked(run / ".lock", 0.0):
            yield
    except (RuntimeError, PermissionError) as error:
        raise ConfigError(f"--resume {run}: {error}") from error


def train(experiment: Experiment, run: Path, console: Console) -> list[str]:
    """Run the unfinished jobs of ``run`` in worker processes.

    Returns:
        Names of the jobs that failed, with the traceback of each printed.
    """
    jobs = jobs_of(experiment, run)
    waiting = [job for job in jobs if not job.result.exists()]
    if len(waiting) < len(jobs):
        console.print(f"{len(jobs) - len(waiting)} of {len(jobs)} jobs were finished before.")
    limit = experiment.workers or cores() // experiment.torch_threads or 1
    failed: list[str] = []
    running: dict[Connection, tuple[Job, BaseProcess]] = {}
    errors: dict[str, str] = {}
    with _Board(jobs, experiment.total_steps, console) as board:
        try:
            while waiting or running:
                while waiting and len(running) < limit:
                    job = waiting.pop(0)
                    connection, process = _start(job)
                    running[connection] = (job, process)
                for ready in wait(list(running), timeout=1.0):
                    assert isinstance(ready, Connection)
                    job, process = running[ready]
                    try:
                        kind, value = ready.recv()
                    except (EOFError, OSError):  # the worker has ended, in one way or another
                        process.join()
                        del running[ready]
                        ready.close()
                        if job.result.exists():
                            board.advance(job, experiment.total_steps)
                            continue
                        failed.append(job.name)
                        reason = errors.get(job.name, f"its process ended with exit code {process.exitcode}.")
                        board.print(f"Job {job.name} failed: {reason}")
                        continue
                    if kind == "steps":
                        board.advance(job, value)
                    else:
                        errors[job.name] = value
                board.tick()
        finally:
            for _, process in running.values():
                process.terminate()
                process.join()
    return failed


def results(experiment: Experiment, run: Path) -> list[dict[str, object]]:
    """What the finished jobs of ``run`` measured, in the order of the experiment's scenarios and seeds."""
    jobs = sorted(jobs_of(experiment, run), key=lambda job: experiment.scenarios.index(job.choice))
    return [json.loads(job.result.read_text(encoding="utf-8")) for job in jobs if job.result.exists()]


def _start(job: Job) -> tuple[Connection, BaseProcess]:
    context = mp.get_context("spawn")  # a forked copy of torch's threads may hang
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(sender, job, os.getpid()), name=job.name)
    process.start()
    sender.close()
    return receiver, process


def _work(sender: Connection, job: Job, parent: int) -> None:
    """A worker process: runs one job, tells the parent of it, and ends with the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    try:
        run_job(job, lambda steps: sender.send(("steps", steps)))
    except BaseException:
        sender.send(("error", traceback.format_exc()))
        sys.exit(1)
    finally:
        sender.close()


def _end_with(parent: int) -> None:
    """End this process when the parent was killed, so that a resumed run finds no orphan at its files."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


class _Board:
    """Progress: a bar for each job on a terminal, else a line every ``QUIET_EVERY`` seconds."""

    def __init__(self, jobs: list[Job], total: int, console: Console) -> None:
        self._console = console
        self._total = total
        self._steps = {job.name: total if job.result.exists() else 0 for job in jobs}
        self._last = time.monotonic()
        self._bars: Progress | None = None
        if console.is_terminal:
            self._bars = Progress(
                TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,} / {task.total:,} steps"),
                TimeElapsedColumn(), TimeRemainingColumn(), console=console,
            )  # fmt: skip
            self._tasks = {
                name: self._bars.add_task(name, total=total, completed=steps) for name, steps in self._steps.items()
            }

    def __enter__(self) -> _Board:
        if self._bars:
            self._bars.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._bars:
            self._bars.stop()

    def advance(self, job: Job, steps: int) -> None:
        """``job`` has done ``steps`` agent-steps."""
        self._steps[job.name] = min(steps, self._total)
        if self._bars:
            self._bars.update(self._tasks[job.name], completed=min(steps, self._total))

    def tick(self) -> None:
        """Time has passed."""
        if self._bars is None and time.monotonic() - self._last >= QUIET_EVERY:
            self._last = time.monotonic()
            done, steps = sum(s >= self._total for s in self._steps.values()), sum(self._steps.values())
            share = steps / (self._total * len(self._steps))
            self.print(f"{share:4.0%}  {steps:,} agent-steps, {done} of {len(self._steps)} jobs trained")

    def print(self, text: str) -> None:
        """Print above the bars."""
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)
