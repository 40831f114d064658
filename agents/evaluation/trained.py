"""A training run from its folder to its report: train what is unfinished, then judge and draw what was found."""

from __future__ import annotations

import shlex
from pathlib import Path

from rich.console import Console

from agents.evaluation.picture import draw
from agents.evaluation.report import WIDTH, write_report
from agents.training.config import TrainingConfig
from agents.training.job import jobs_of
from agents.training.run import results, train


def train_and_report(config: TrainingConfig, run: Path, argv: list[str]) -> int:
    """Train what is unfinished in ``run``, then write and print the report; returns the exit code.

    Args:
        config: what to train.
        run: its folder.
        argv: the command line, for the report.
    """
    console = Console()
    console.print(f"Run folder: {run}", highlight=False, soft_wrap=True)
    failed = train(config, run)
    finished = results(config, run)
    if finished:
        done = [job for job in jobs_of(config, run) if job.name in finished]
        theory = {job.choice.name: job.scenario().prediction for job in done}
        command = shlex.join(["python", "train.py", *argv])
        table = write_report(run, config.name, [*finished.values()], theory, command)
        worlds = {name: [j.folder / "progress.csv" for j in done if j.choice.name == name] for name in theory}
        draw(worlds, run / "four_worlds.png", config.name)
        # wider than a narrow terminal rather than with numbers cut off
        Console(width=max(WIDTH, console.width)).print(table)
        console.print(f"\nReport, curves, policies: {run}", highlight=False, soft_wrap=True)
    if failed:
        again = f"python train.py --resume {run}"
        console.print(f"{len(failed)} jobs failed: {', '.join(failed)}. Try again: {again}", soft_wrap=True)
    return 1 if failed else 0
