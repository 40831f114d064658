"""The front door behind ``train.py``: read, check, train, report."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from rich.console import Console

from agents.training.config import ConfigError, Experiment, parse


def main(argv: list[str]) -> int:
    """Run a command line; returns the exit code (0 well, 1 a job failed, 2 a bad key, value or file)."""
    try:
        experiment, resume = parse(argv)
        # only now: importing torch takes longer than telling of a typo
        from agents.messages import shown
        from agents.training.run import check, check_resumed, held, new_run

        check(experiment)
        if resume:
            check_resumed(experiment, resume)
        run = resume or new_run(experiment)
        with held(run), shown():
            return run_experiment(experiment, run, argv)
    except ConfigError as error:
        from sd_env.show import printable

        print(f"train.py: {printable(str(error))}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("train.py: interrupted; continue with --resume and the run's folder.", file=sys.stderr)
        return 130


def run_experiment(experiment: Experiment, run: Path, argv: list[str]) -> int:
    """Train what is unfinished in ``run``, then write and print the report; returns the exit code.

    Args:
        experiment: what to train.
        run: its folder.
        argv: the command line, for the report.
    """
    from agents.evaluation.picture import draw
    from agents.evaluation.report import WIDTH, write_report
    from agents.training.job import jobs_of
    from agents.training.run import results, train

    console = Console()
    console.print(f"Run folder: {run}", highlight=False, soft_wrap=True)
    failed = train(experiment, run)
    finished = results(experiment, run)
    if finished:
        done = [job for job in jobs_of(experiment, run) if job.name in finished]
        predictions = {job.choice.name: getattr(job.scenario(), "prediction", "") for job in done}
        command = shlex.join(["python", "train.py", *argv])
        table = write_report(run, experiment.name, [*finished.values()], predictions, command)
        worlds = {name: [j.folder / "progress.csv" for j in done if j.choice.name == name] for name in predictions}
        draw(worlds, run / "four_worlds.png", experiment.name)
        # wider than a narrow terminal rather than with numbers cut off
        Console(width=max(WIDTH, console.width)).print(table)
        console.print(f"\nReport, curves, policies: {run}", highlight=False, soft_wrap=True)
    if failed:
        again = f"python train.py --resume {run}"
        console.print(f"{len(failed)} jobs failed: {', '.join(failed)}. Try again: {again}", soft_wrap=True)
    return 1 if failed else 0
