"""Ways to learn the same worlds side by side: the paths of one training, seed by seed, as a published result.

``python -m agents.publish.science --only NAME`` trains what configs/NAME.yaml asks for and leaves ``NAME.json`` and
``NAME.txt`` in docs/results/.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.table import Table

from agents.evaluation.predictions import Prediction
from agents.evaluation.report import Report
from agents.evaluation.statistics import Interval, estimate, paired_difference
from agents.evaluation.tables import frame_of
from agents.evaluation.trained import train_and_report
from agents.publish import results
from agents.publish.science import config_of
from agents.training.config import TrainingConfig
from agents.training.job import jobs_of
from agents.training.measure import LEARNED
from agents.training.run import begun, held, new_run, versions
from agents.training.run import results as measured_in

#: path -> world -> measure -> one number a seed.
Scores = Mapping[str, Mapping[str, Mapping[str, Sequence[float]]]]
#: A number of the metrics of a job's final policy, NaN where there is none.
Measure = Callable[[Mapping[str, Any]], float]


@dataclass(frozen=True)
class Comparison:
    """What is compared.

    Attributes:
        name: of the config and of the result.
        title: in the results.
        measures: what is measured of a finished job -> how, by its metrics.
        judge: what was predicted of the scores, judged.
        shown: the scores as the text has them, below its heading.
    """

    name: str
    title: str
    measures: Mapping[str, Measure]
    judge: Callable[[Report], list[Prediction]]
    shown: Callable[[Report], RenderableType]


def metric(key: str) -> Measure:
    """One of a policy's metrics as it is."""
    return lambda metrics: float("nan") if metrics[key] is None else float(metrics[key])


def scores_of(of: Comparison, config: TrainingConfig, folder: Path) -> dict[str, dict[str, dict[str, list[float]]]]:
    """What was measured of the finished jobs of a run."""
    measured = measured_in(config, folder)
    scores: dict[str, dict[str, dict[str, list[float]]]] = {}
    for job in jobs_of(config, folder):
        found = scores.setdefault(job.path, {}).setdefault(job.choice.name, {name: [] for name in of.measures})
        for name, number in of.measures.items():
            found[name].append(number(measured[job.name]["evaluation"][LEARNED]))
    return scores


def pairs(scores: Scores, mine: str, theirs: str) -> Iterator[tuple[str, str, list[float], list[float]]]:
    """World, measure, and the numbers of two paths, one a seed; what is null in a report is NaN."""
    for world, measures in scores[mine].items():
        for measure, numbers in measures.items():
            yield world, measure, _numbers(numbers), _numbers(scores[theirs][world][measure])


def table(scores: Scores, mine: tuple[str, str], theirs: tuple[str, str], title: str = "") -> Table:
    """Two paths' numbers side by side, with the difference of the same seeds.

    Args:
        scores: of a report.
        mine: a path, and what its column is called.
        theirs: the path that it is held against.
        title: above it.
    """
    heads = [("", "measure", 0), ("", mine[1], 2), ("", theirs[1], 2), ("", "difference", 2)]
    found = frame_of(title, "world", heads)
    for column in found.columns:  # rather on two lines than cut: the ends of intervals are numbers
        column.no_wrap, column.overflow = False, "fold"
    for world, measure, own, other in pairs(scores, mine[0], theirs[0]):
        numbers = (estimate(own), estimate(other), paired_difference(own, other))
        if not any(math.isnan(each.value) for each in numbers):  # where nobody seeks security, nobody attacks as such
            found.add_row(world, measure, *map(_bounds, numbers))
    return found


def _numbers(given: Sequence[float | None]) -> list[float]:
    return [float("nan") if each is None else float(each) for each in given]


def _bounds(found: Interval) -> str:
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]" if found.known else f"{found.value:.3f}"


def run(of: Comparison, out: Path, smoke: bool, runs: Path | None, fresh: bool = False) -> int:
    """Train both ways and publish the comparison in ``out``; returns the exit code.

    A run that was begun as this one would be is gone on with, unless ``fresh``: what it finished is not done again.
    """
    config = config_of(of.name, smoke, runs)
    started = time.monotonic()
    report = _run(of, config, fresh)
    if report is None:
        return 1
    about: dict[str, Any] = results.made(
        of.title, f"python -m agents.publish.science --only {of.name}", seeds=config.seeds, steps=config.total_steps,
        seconds=time.monotonic() - started, versions=versions(),
    )  # fmt: skip
    publish(of, {**report, **about}, out)
    return 0


def _run(of: Comparison, config: TrainingConfig, fresh: bool) -> Report | None:
    """Train all ways, from the seeds that are left if such a run was begun; None if a job failed."""
    folder = (None if fresh else begun(config)) or new_run(config)
    with held(folder):
        if train_and_report(config, folder, ["--config", f"configs/{of.name}.yaml"]):
            return None
    return {"scores": scores_of(of, config, folder)}


def publish(of: Comparison, report: Report, out: Path) -> None:
    """Judge the numbers of a comparison and write its report and its text into ``out``."""
    report = results.judged(report, of.judge(report), out, of.name)
    results.write(out, of.name, report, of.shown(report))
