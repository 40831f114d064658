"""A training run from its folder to its report: train what is unfinished, then judge and draw what was found."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from agents.escape import Printable, console
from agents.evaluation.certify import SCRATCH, WARM, certify_all
from agents.evaluation.escalation_of_run import escalation_of_run
from agents.evaluation.outcome import outcome
from agents.evaluation.report import WIDTH, as_text, write_report
from agents.evaluation.tables import records
from agents.evaluation.thresholds import ROWS, most_feared, thresholds
from agents.files import write_text
from agents.training.config import TrainingConfig
from agents.training.job import Job, jobs_of
from agents.training.players import one_policy
from agents.training.run import results, train
from sd_env.errors import printable


def train_and_report(config: TrainingConfig, run: Path, argv: list[str]) -> int:
    """Train what is unfinished in ``run``, then write and print the report.

    Returns the exit code: 0 well, 2 if all jobs that failed did so because the system refused something, else 1.

    Args:
        config: what to train.
        run: its folder.
        argv: the command line, for the report.
    """
    _say(f"Run folder: {run}")
    failed = train(config, run, outcome)
    finished = results(config, run)
    if finished:
        done = [job for job in jobs_of(config, run) if job.name in finished]
        theory = {job.choice.name: job.scenario().prediction for job in done}
        command = shlex.join(["sd-env", "train", *argv])
        found = certified(config, run, done)
        table = write_report(run, config.name, [*finished.values()], theory, command, found, expected(done))
        wide = console(width=WIDTH)
        wide.print(Printable(table))
        if (escalates := escalation_of_run(config, run, done)) is not None:
            write_text(run / "escalation.txt", as_text(escalates))
            wide.print(Printable(escalates))
        _say("")
        _say(f"Report, curves, policies: {run}")
    if failed:
        again = shlex.join(["sd-env", "train", "--resume", str(run)])
        _say(f"{len(failed)} jobs failed: {', '.join(failed)}. Try again: {again}")
    return 0 if not failed else 2 if all(failed.values()) else 1


def _say(text: str) -> None:
    print(printable(text), flush=True)


def certified(config: TrainingConfig, run: Path, done: list[Job]) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """World -> path -> its certificates, by seat and type; kept in ``run/certificates`` and not made twice.

    Empty where the config asks for none, or where several parties learn: a certificate is of one policy in all seats,
    or in those that a cast leaves.
    """
    settings, population = config.certificate, config.population
    if settings is None or not one_policy(population, done[0].scenario().agents):
        return {}
    groups = groups_of(done)
    tables = certify_all(
        {
            group: ([str(bundle) for job in jobs for bundle in job.bundles().values()], jobs[0].scenario())
            for group, jobs in groups.items()
        },
        searches=[(SCRATCH, settings.scratch), (WARM, settings.warm)],
        steps=settings.steps,
        worlds=settings.worlds,
        searcher=settings.searcher,
        cast=population.cast,
        interventions=population.interventions,
        seed=config.evaluation.seed,
        out=certificates_of(run, done),
        workers=config.workers,
    )
    found: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for group, jobs in groups.items():
        found.setdefault(jobs[0].choice.name, {})[jobs[0].path] = records(tables[group])
    return found


def groups_of(done: list[Job]) -> dict[str, list[Job]]:
    """The jobs that are certified together, a world's on one path, by the name of the group in the certificates' rows.

    The place of a job in its group is the ``member`` of its rows.
    """
    groups: dict[str, list[Job]] = {}
    for job in done:
        groups.setdefault("__".join(filter(None, (job.choice.name, job.path))), []).append(job)
    return groups


def certificates_of(run: Path, done: list[Job]) -> Path:
    """Where the certificates of a run's finished jobs are kept.

    By how many jobs are done: what a resumed run adds makes it another piece of work.
    """
    return run / "certificates" / f"of-{len(done)}-policies"


def expected(done: list[Job]) -> dict[str, dict[str, str]]:
    """World -> what theory says of it before any training: trust and the thresholds, in words."""
    found = {}
    for job in done:
        if job.choice.name not in found:
            most = most_feared(thresholds(job.scenario(), lag=False))
            found[job.choice.name] = {row.name: row.told(most) for row in ROWS if row.name != "L*"}
    return found
