"""Leaving ``report.html`` in a folder of finished work, and the replays that it links to."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from agents.evaluation import phase
from agents.evaluation.report import open_question
from agents.evaluation.threshold import plain
from agents.experiments.language import Experiment
from agents.files import write_text
from agents.pages import episodes, games
from agents.pages.episodes import Chosen
from agents.pages.folders import EVALUATION, EXPERIMENT, REPORT, RUN, TOURNAMENT, Finished, as_written, read
from agents.pages.of_evaluations import evaluation_page, tournament_page
from agents.pages.of_experiments import experiment_page
from agents.pages.of_runs import run_page
from agents.training.config import TrainingConfig
from agents.training.job import jobs_of
from sd_env.scenario import Scenario

PAGE: Final = "report.html"
_PAGES: Final = {RUN: run_page, EVALUATION: evaluation_page, TOURNAMENT: tournament_page, EXPERIMENT: experiment_page}


def report_page(folder: Path) -> str:
    """The page of a folder of finished work, as HTML, from the records that are there.

    Raises:
        PageError: one sentence for a folder that holds no finished work, or damaged records.
    """
    found = read(folder)
    with as_written(folder / REPORT):
        return _PAGES[found.kind](found)


def write_run(config: TrainingConfig, run: Path) -> None:
    """Leave page, map and replays in a run's folder, which has its ``report.json``."""
    found = read(run)
    scenarios = {job.choice.name: job.scenario() for job in jobs_of(config, run) if job.choice.name in found.scenarios}
    _map(found, scenarios)
    _leave(run, games.of_run(config, run))


def write_evaluation(out: Path) -> None:
    """Leave page and replays in the folder of an evaluation or a tournament."""
    _leave(out, games.of_evaluation(read(out).report, out))


def write_experiment(experiment: Experiment, out: Path) -> None:
    """Leave page and replays in the folder of an experiment."""
    _leave(out, games.of_experiment(experiment, out))


def _leave(folder: Path, found: Iterable[Chosen]) -> None:
    episodes.write(folder, list(found))
    write_text(folder / PAGE, report_page(folder))


def _map(found: Finished, scenarios: dict[str, Scenario]) -> None:
    """The phase diagram of the largest group of worlds that differ in Jervis's two variables alone."""
    groups = phase.maps(scenarios)
    if not groups:
        return
    points = []
    for name in groups[0]:
        world, technology = found.report["worlds"][name], scenarios[name].technology
        outcomes = [each for start in world["starts"].values() for each in start["outcomes"]]
        where = plain(technology.offense_advantage), plain(technology.distinguishability)
        points.append(phase.Point(name, *where, outcomes, not open_question(world)))
    picture = found.folder / f"{phase.PHASE}.png"
    phase.draw(scenarios[groups[0][0]], points, picture, f"{found.title}: the worlds on the map of the model")
