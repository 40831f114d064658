"""Sample efficiency: a network over sets against a flat one, trained for as many agent-steps from the same seeds.

Two numbers a seed: the mean return over training (the area under the return curve, divided by its length in steps) and
the return of the final policy in fresh worlds. In a population of mode ``versus`` both are the learner's own.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.console import Group, RenderableType
from rich.text import Text

from agents.evaluation import predictions
from agents.evaluation.predictions import Prediction
from agents.evaluation.report import Report
from agents.evaluation.statistics import Interval, estimate, paired_difference, probability_of_improvement
from agents.evaluation.tables import frame_of
from agents.evaluation.trained import train_and_report
from agents.pictures.curves import lines, over_seeds, read_curve
from agents.pictures.style import finish, panels
from agents.training.config import TrainingConfig
from agents.training.job import Job, jobs_of
from agents.training.measure import LEARNED, POPULATION
from agents.training.players import LEARNER
from agents.training.run import held, new_run, results

#: The networks, the one that is expected to gain first.
NETWORKS: Final = ("set", "flat")
#: What is measured -> what the table calls it.
MEASURES: Final = {"area": "return over training", "final": "final return"}
RETURN: Final = "rollout/ep_rew_mean"
_IMPROVES: Final = "P(set > flat)"

#: network -> world -> measure -> one number a seed.
Scores = dict[str, dict[str, dict[str, list[float]]]]
Curve = tuple[np.ndarray, np.ndarray]


def run(config: TrainingConfig, flat: list[int], out: Path) -> Report | None:
    """Train both networks, draw ``set_network.png`` into ``out`` and return the numbers; None if a job failed.

    Args:
        config: of the network over sets.
        flat: layers of the flat network; all else is the same.
        out: folder of the results.
    """
    flat_learner = config.learner.model_copy(update={"network": "flat", "net_arch": flat})
    arms = {
        "set": config,
        "flat": config.model_copy(update={"name": f"{config.name}-flat", "learner": flat_learner}),
    }
    scores: Scores = {}
    curves: dict[str, dict[str, list[Curve]]] = {}
    for network, arm in arms.items():
        folder = new_run(arm)
        with held(folder):
            if train_and_report(arm, folder, ["--config", "configs/set_network.yaml"]):
                return None
        scores[network], curves[network] = _read(arm, folder)
    out.mkdir(parents=True, exist_ok=True)
    draw(curves, out / "set_network.png")
    return {"net_arch": {network: list(arm.learner.net_arch) for network, arm in arms.items()}, "scores": scores}


def _read(config: TrainingConfig, folder: Path) -> tuple[dict[str, dict[str, list[float]]], dict[str, list[Curve]]]:
    """Scores and curves of a finished run, by world."""
    found: dict[str, dict[str, list[float]]] = {}
    curves: dict[str, list[Curve]] = {}
    measured = results(config, folder)
    for job in jobs_of(config, folder):
        world, result = job.choice.name, measured[job.name]
        curve = read_curve(_progress(job), RETURN)
        curves.setdefault(world, []).append(curve)
        each = found.setdefault(world, {name: [] for name in MEASURES})
        each["area"].append(area(*curve))
        each["final"].append(final(result))
    return found, curves


def _progress(job: Job) -> Path:
    """The rows of the one learner of a job, which are the job's own unless others play too."""
    own = job.learner_folder(LEARNER) / "progress.csv"
    return own if own.exists() else job.folder / "progress.csv"


def area(steps: np.ndarray, returns: np.ndarray) -> float:
    """Mean height of a return curve: its area by trapezoids, divided by the steps from its first row to its last.

    NaN without a row; a single row has its own height.
    """
    if len(steps) < 2:
        return float(returns[0]) if len(returns) else float("nan")
    return float(np.trapezoid(returns, steps) / (steps[-1] - steps[0]))


def final(result: Mapping[str, Any]) -> float:
    """Return of a job's final policy: the learner's among its opponents, or that of all states where all learn."""
    if POPULATION in result["returns"]:
        return float(result["returns"][POPULATION][LEARNER])
    return float(result["evaluation"][LEARNED]["outcome/return"])


def judge(report: Report) -> list[Prediction]:
    """For each world and measure: the network over sets gains more, by the paired difference of the seeds."""
    return [
        predictions.judge(
            f"{world}: the {MEASURES[measure]} of the network over sets is above that of the flat one.",
            f"{MEASURES[measure]}, difference",
            paired_difference(*pair),
            (0.0, None),
        )
        for world, measure, pair in _pairs(report)
    ]


def _pairs(report: Report) -> Iterator[tuple[str, str, tuple[list[float], list[float]]]]:
    """World, measure, and both networks' numbers, one a seed."""
    mine, theirs = (report["scores"][network] for network in NETWORKS)
    for world, measure in itertools.product(mine, MEASURES):
        yield world, measure, (_numbers(mine[world][measure]), _numbers(theirs[world][measure]))


def _numbers(values: Sequence[float | None]) -> list[float]:
    return [math.nan if value is None else float(value) for value in values]


def shown(report: Report) -> RenderableType:
    """Both networks' numbers as a table, then the predictions."""
    table = frame_of("", "world", [("measure", "measure", 0), *(("", name, 2) for name in (*NETWORKS, _IMPROVES))])
    for world, measure, pair in _pairs(report):
        numbers = (*map(estimate, pair), probability_of_improvement(*pair))
        table.add_row(world, MEASURES[measure], *(_bounds(number) for number in numbers))
    words = "Means over seeds with 95% intervals; a difference is that of the same seeds."
    return Group(table, Text(f"{words}\n"), *predictions.lines(predictions.predictions_of(report, "set_network")))


def _bounds(found: Interval) -> str:
    return f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}]"


def draw(curves: Mapping[str, Mapping[str, Sequence[Curve]]], picture: Path) -> None:
    """Return against agent-steps, a panel for each world: the mean over seeds and its interval.

    Args:
        curves: network -> world -> steps and returns of each seed.
        picture: PNG to write.
    """
    worlds = list(curves[NETWORKS[0]])
    figure, axes = panels(len(worlds), size=(4.0, 4.2))
    for axis, world in zip(axes, worlds, strict=True):
        lines(axis, {network: curves[network][world] for network in NETWORKS}, 1e3)
        axis.set(title=world, xlabel="thousand agent-steps", ylabel="return of an episode")
    if axes[0].get_legend_handles_labels()[1]:
        axes[0].legend()
    counts = [len(runs) for each in curves.values() for runs in each.values()]
    finish(figure, "Others as a set or as a list", over_seeds(counts), picture)
