"""Sample efficiency: a network over sets against a flat one, trained for as many agent-steps from the same seeds.

Two numbers a seed: the mean return over training (the area under the return curve, divided by its length in steps) and
the return of the final policy in fresh worlds. In a population of mode ``versus`` both are the learner's own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib
import numpy as np

from agents.commands.train import run_experiment
from agents.evaluation.picture import COLOURS, STYLES, read_curve
from agents.evaluation.statistics import Estimate, Interval, estimate, paired_difference, probability_of_improvement
from agents.files import write_json, write_text, write_whole
from agents.training.config import Experiment
from agents.training.job import Job, jobs_of
from agents.training.measure import LEARNED, POPULATION
from agents.training.players import LEARNER
from agents.training.run import held, new_run, results

matplotlib.use("Agg")  # before pyplot: no display is needed

from matplotlib import pyplot as plt

#: The networks, the one that is expected to gain first.
NETWORKS: Final = ("set", "flat")
#: What is measured -> what the table calls it.
MEASURES: Final = {"area": "return over training", "final": "final return"}
RETURN: Final = "rollout/ep_rew_mean"

#: network -> world -> measure -> one number a seed.
Scores = dict[str, dict[str, dict[str, list[float]]]]
Curve = tuple[np.ndarray, np.ndarray]


def run(experiment: Experiment, flat: list[int], out: Path, heading: Callable[[float], str]) -> int:
    """Train both networks and write ``set_network.txt``, ``.json`` and ``.png`` into ``out``; returns the exit code.

    Args:
        experiment: of the network over sets.
        flat: layers of the flat network; all else is the same.
        out: folder of the results.
        heading: what made them, given the seconds that it took.
    """
    started = time.monotonic()
    flat_learner = experiment.learner.model_copy(update={"network": "flat", "net_arch": flat})
    arms = {
        "set": experiment,
        "flat": experiment.model_copy(update={"name": f"{experiment.name}-flat", "learner": flat_learner}),
    }
    scores: Scores = {}
    curves: dict[str, dict[str, list[Curve]]] = {}
    for network, arm in arms.items():
        folder = new_run(arm)
        with held(folder):
            if code := run_experiment(arm, folder, ["--config", "configs/set_network.yaml"]):
                return code
        scores[network], curves[network] = _read(arm, folder)
    rows = compare(scores)
    numbers = {
        "seeds": list(experiment.seeds),
        "net_arch": {network: list(arm.learner.net_arch) for network, arm in arms.items()},
        "scores": scores,
        "comparisons": rows,
    }
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / "set_network.json", numbers)
    lines = _lines(rows)
    write_text(out / "set_network.txt", heading(time.monotonic() - started) + "\n".join(lines) + "\n")
    draw(curves, out / "set_network.png")
    print("\n".join(lines))
    return 0


def _read(experiment: Experiment, folder: Path) -> tuple[dict[str, dict[str, list[float]]], dict[str, list[Curve]]]:
    """Scores and curves of a finished run, by world."""
    found: dict[str, dict[str, list[float]]] = {}
    curves: dict[str, list[Curve]] = {}
    measured = results(experiment, folder)
    for job in jobs_of(experiment, folder):
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


def compare(scores: Scores) -> list[dict[str, Any]]:
    """For each world and measure: both means, the paired difference of the seeds, P(set > flat) and an outcome.

    ``supported`` if the interval of the difference lies above 0, ``contradicted`` if below, else ``undecided``.
    """
    rows = []
    for world in scores[NETWORKS[0]]:
        for measure in MEASURES:
            mine, theirs = (scores[network][world][measure] for network in NETWORKS)
            gain = paired_difference(mine, theirs)
            outcome = "supported" if gain.low > 0 else "contradicted" if gain.high < 0 else "undecided"
            rows.append(
                {
                    "world": world,
                    "measure": measure,
                    "outcome": outcome,
                    "set": _bounds(estimate(mine)),
                    "flat": _bounds(estimate(theirs)),
                    "difference": _bounds(gain),
                    "P(set > flat)": _bounds(probability_of_improvement(mine, theirs)),
                }
            )
    return rows


def _bounds(found: Estimate | Interval) -> list[float]:
    """Value, low, high."""
    return [found.mean if isinstance(found, Estimate) else found.value, found.low, found.high]


def _lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The comparisons as a table."""
    columns = ("set", "flat", "difference", "P(set > flat)")
    head = f"{'':<13}{'world':<18}{'measure':<22}" + "".join(f"{name:<29}" for name in columns)
    lines = [head.rstrip()]
    for row in rows:
        cells = "".join(f"{'{:.2f} [{:.2f}, {:.2f}]'.format(*row[name]):<29}" for name in columns)
        lines.append(f"{row['outcome']:<13}{row['world']:<18}{MEASURES[row['measure']]:<22}{cells}".rstrip())
    return [*lines, "", "Means over seeds with 95% intervals; the difference is that of the same seeds."]


def draw(curves: Mapping[str, Mapping[str, Sequence[Curve]]], picture: Path) -> None:
    """Return against agent-steps, a panel for each world: the mean over seeds and their range.

    Args:
        curves: network -> world -> steps and returns of each seed.
        picture: PNG to write.
    """
    worlds = list(curves[NETWORKS[0]])
    figure, axes = plt.subplots(1, len(worlds), figsize=(4.0 * len(worlds), 4.0), layout="constrained", squeeze=False)
    for axis, world in zip(axes[0], worlds, strict=True):
        for k, network in enumerate(NETWORKS):
            runs = [curve for curve in curves[network][world] if len(curve[0])]
            if not runs:
                continue
            steps = min((run[0] for run in runs), key=len)
            values = np.stack([np.interp(steps, *run) for run in runs])
            axis.plot(steps / 1e3, values.mean(axis=0), color=COLOURS[k], linestyle=STYLES[k], label=network)
            low, high = values.min(axis=0), values.max(axis=0)
            axis.fill_between(steps / 1e3, low, high, color=COLOURS[k], alpha=0.2, linewidth=0)
        axis.set(title=world, xlabel="thousand agent-steps", ylabel="return of an episode")
        axis.grid(alpha=0.3)
    if axes[0][0].get_legend_handles_labels()[1]:
        axes[0][0].legend()
    figure.suptitle("Others as a set or as a list: mean over seeds, band = range of seeds")
    write_whole(picture, lambda file: figure.savefig(file, dpi=140, format="png"))
    plt.close(figure)
