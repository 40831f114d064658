"""Leaving ``report.html`` in a folder of finished work, with its pictures, and the replays that it links to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from agents.experiments.language import Experiment
from agents.files import write_text
from agents.pages import drawn, episodes, games
from agents.pages.episodes import Chosen
from agents.pages.folders import (
    ABLATION,
    CERTIFICATE,
    CHALLENGES,
    CROSSPLAY,
    ESCALATION,
    EVALUATION,
    EXPERIMENT,
    EXPLOITATION,
    REPORT,
    RUN,
    TOURNAMENT,
    Finished,
    as_written,
    read,
)
from agents.pages.of_differences import ablation_page, crossplay_page, escalation_page
from agents.pages.of_evaluations import evaluation_page, tournament_page
from agents.pages.of_experiments import experiment_page
from agents.pages.of_runs import run_page
from agents.pages.of_searches import certificate_page, challenges_page, exploitation_page
from agents.training.config import TrainingConfig
from agents.training.job import jobs_of

PAGE: Final = "report.html"
_PAGES: Final[Mapping[str, Callable[[Finished], str]]] = {
    RUN: run_page, EXPERIMENT: experiment_page, EVALUATION: evaluation_page, TOURNAMENT: tournament_page,
    CROSSPLAY: crossplay_page, ABLATION: ablation_page, ESCALATION: escalation_page, CERTIFICATE: certificate_page,
    EXPLOITATION: exploitation_page, CHALLENGES: challenges_page,
}  # fmt: skip


def report_page(folder: Path) -> str:
    """The page of a folder of finished work, as HTML, from the records that are there.

    Raises:
        PageError: one sentence for a folder that holds no finished work, or damaged records.
    """
    found = read(folder)
    with as_written(folder / REPORT):
        return _PAGES[found.kind](found)


def write_run(config: TrainingConfig, run: Path) -> None:
    """Leave page, pictures and replays in a run's folder, which has its ``report.json``."""
    if done := [job for job in jobs_of(config, run) if job.finished()[0] is not None]:
        drawn.draw_run(read(run), done)
    _leave(run, games.of_run(config, run))


def write_page(out: Path) -> None:
    """Leave page, pictures and replays in the folder of what a command has done, which has its ``report.json``."""
    found = read(out)
    drawn.draw(found)
    _leave(out, games.of_finished(found))


def write_experiment(experiment: Experiment, out: Path) -> None:
    """Leave page and replays in the folder of an experiment."""
    _leave(out, games.of_experiment(experiment, out))


def _leave(folder: Path, found: Iterable[Chosen]) -> None:
    episodes.write(folder, list(found))
    write_text(folder / PAGE, report_page(folder))
