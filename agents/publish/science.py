"""The experiments behind docs/results/: run them all, judge what the docs predicted, write it down.

``python -m agents.publish.science`` (``make science``) runs each of :data:`TRAININGS` from its file in configs/ and
leaves in docs/results/ its table, its numbers with every seed's value, its picture, and with what and how long it was
made; then two ways to learn side by side (:data:`COMPARED`), the reference tournament and the challenge suite
(:mod:`agents.publish.reference`) with the policies that were trained, the experiments of theory's predictions
(:mod:`agents.experiments`), and Tang's components of the dilemma in every scenario (:mod:`agents.publish.components`).
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from agents.evaluation import predictions
from agents.evaluation import report as training_report
from agents.evaluation.predictions import Prediction
from agents.evaluation.report import Report
from agents.evaluation.statistics import difference_of_means
from agents.files import copy_whole
from agents.messages import shown
from agents.place import add_place, placed
from agents.publish import results
from agents.publish.door import through
from agents.publish.results import ResultError
from agents.training.config import TrainingConfig, load_training

CONFIGS: Final = Path("configs")
RESULTS: Final = Path("docs/results")

SECURITY: Final = "outcome/s_security"


def judge_alliances(report: Report) -> list[Prediction]:
    """Pooled defence should make security seekers safer, whether they learned or play at random."""
    found = []
    for policy in ("learned", "random"):
        pooled, alone = (report["worlds"][world][policy][SECURITY]["values"] for world in ("pooled", "alone"))
        effect, count = difference_of_means(pooled, alone), min(len(pooled), len(alone))
        claim = f"Security of {policy} policies: with pooled defence > without"
        found.append(predictions.judge(claim, f"{SECURITY}, difference", effect, (0.0, None), count=count))
    return found


#: Name of the config -> title in the results.
TRAININGS: Final = {
    "science": "The four worlds",
    "held_back": "The four worlds at seeds by which nothing was chosen",
    "isolation": "Which game PPO learns: with and without a value beyond the horizon",
    "one_shot": "The one-shot reduction: PPO against m",
    "four_states": "The four worlds with four states of equal reach",
    "four_rivals": "The four worlds as two pairs of neighbours",
    "alliances": "Do alliances matter?",
    "set_network": "Others as a set against others as a list: what each network has learned from as many steps",
}


def judge(name: str, report: Report) -> list[Prediction]:
    """Judge one of :data:`TRAININGS` from its numbers."""
    if name in _SPECIAL:
        return list(_special(name).judge(report))
    return training_report.judge(report) + (judge_alliances(report) if name == "alliances" else [])


#: Those of :data:`TRAININGS` that have a module of their own in ``agents.publish``.
_SPECIAL: Final = ("isolation", "one_shot", "set_network")


def _special(name: str) -> Any:
    return importlib.import_module(f"agents.publish.{name}")


#: Two ways to learn side by side: a module of ``agents.publish`` each, with a ``COMPARISON``.
COMPARED: Final = ("fast_path", "shaping")
#: What is played with the trained policies, after the experiments.
PLAYED: Final = ("tournament", "challenges")
#: The experiments of agents/experiments/, all of them.
EXPERIMENTS: Final = results.EXPERIMENTS
#: The table of the dilemma's components, which trains in the whole catalogue.
COMPONENTS: Final = "components"

#: What makes an experiment smoke-sized: seconds, and numbers that mean nothing.
SMOKE: Final[dict[str, Any]] = {"seeds": [1, 2], "total_steps": 1, "worlds": 8, "workers": 1}
SMOKE_LEARNER: Final[dict[str, Any]] = {"n_steps": 8, "batch_size": 64, "n_epochs": 1}


def smoke_sized(config: TrainingConfig) -> TrainingConfig:
    """The same experiment with as little training as there can be."""
    data = config.model_dump(mode="json") | SMOKE
    data["learner"] |= SMOKE_LEARNER
    data["evaluation"] |= {"worlds": 4}
    sizes = ("total_steps", "worlds")
    data["paths"] = {
        path: {key: value for key, value in settings.items() if key not in sizes}
        for path, settings in data["paths"].items()
    }
    if data["rounds"]:
        data["rounds"] |= {"most": 1, "response_steps": 1, "worlds": 64}
    if data["certificate"]:
        data["certificate"] |= {"scratch": 1, "warm": 1, "steps": 1, "worlds": 64}
    return TrainingConfig.model_validate(data)


def config_of(name: str, smoke: bool, runs: Path | None) -> TrainingConfig:
    """The training of a file in configs/, smoke-sized or as it stands, with its run folders in ``runs`` if given.

    Raises:
        ConfigError: for a training that cannot be.
    """
    from agents.training.run import check

    config = load_training(CONFIGS / f"{name}.yaml")
    config = smoke_sized(config) if smoke else config
    if runs is not None:
        config = config.model_copy(update={"runs": runs})
    check(config)
    return config


def run(name: str, out: Path, smoke: bool, runs: Path | None, fresh: bool = False) -> int:
    """Run one experiment and publish it in ``out``; returns its exit code.

    A run that was begun as this one would be is gone on with, unless ``fresh``: what it finished is not done again.
    """
    from agents.evaluation.trained import train_and_report
    from agents.pages.drawn import CURVES
    from agents.pages.write import write_run
    from agents.training.run import begun, held, new_run, versions

    config = config_of(name, smoke, runs)
    started = time.monotonic()
    report: Report | None
    if name in ("isolation", "one_shot"):  # which train without a run folder
        report = _special(name).run(config)
    elif name == "set_network":  # two networks side by side; the flat one is that of all other results
        report = _special(name).run(config, load_training(CONFIGS / "science.yaml").learner.net_arch, out)
    else:
        folder = (None if fresh else begun(config)) or new_run(config)
        with held(folder):
            failed = train_and_report(config, folder, ["--config", f"configs/{name}.yaml"])
        report = None if failed else json.loads((folder / "report.json").read_text(encoding="utf-8"))
        if report:
            write_run(config, folder)
            out.mkdir(parents=True, exist_ok=True)
            copy_whole(folder / f"{CURVES}.png", out / f"{name}.png")
    if report is None:
        return 1
    about = results.made(
        TRAININGS[name],
        f"python -m agents.publish.science --only {name}",
        seeds=config.seeds,
        steps=config.total_steps,
        seconds=time.monotonic() - started,
        versions=versions(),
    )
    publish(name, {**report, **about}, out)
    return 0


def publish(name: str, report: Report, out: Path) -> None:
    """Judge the numbers of one of :data:`TRAININGS` and write its report and its text into ``out``."""
    report = results.judged(report, judge(name, report), out, name)
    shown = _special(name).shown(report) if name in _SPECIAL else training_report.shown(report)
    results.write(out, name, report, shown)


def judge_again(name: str, out: Path) -> int:
    """Judge published numbers again, without a run; returns the exit code. What judges nothing is left as it is."""
    if name in TRAININGS:
        publish(name, training_report.with_verdicts(results.read(out, name)), out)
    elif name in COMPARED:
        from agents.publish import paired

        paired.publish(_special(name).COMPARISON, results.read(out, name), out)
    elif name == EXPERIMENTS:
        from agents.publish.experiments import judge_again as again

        again(out / name)
    return 0


def draw_again(names: Sequence[str], out: Path) -> int:
    """Draw pictures again from the tables beside them, without a run; returns the exit code.

    Raises:
        ResultError: where none of the names has a table of what its picture shows.
    """
    from agents.publish import components, experiments

    again: dict[str, tuple[Callable[[Path], None], Path]] = {
        EXPERIMENTS: (experiments.draw_again, out / EXPERIMENTS),
        COMPONENTS: (components.draw_again, out),
    }
    if not (here := [name for name in names if name in again]):
        raise ResultError(
            f"--redraw has nothing to draw {', '.join(names)} from: curves are those of a run; allowed are "
            f"{', '.join(again)}."
        )
    for name in here:
        draw, folder = again[name]
        draw(folder)
    return 0


def play(name: str, out: Path, smoke: bool, runs: Path | None, fresh: bool = False) -> int:
    """Play the tournament or the challenges with the policies of ``science`` in ``runs``; returns the exit code."""
    from agents.publish import reference

    folder = runs or load_training(CONFIGS / "science.yaml").runs
    work = {"tournament": reference.tournaments, "challenges": reference.suite}[name]
    work(reference.bundles(folder), out, folder / "reference", smoke, fresh)
    return 0


def compare(name: str, out: Path, smoke: bool, runs: Path | None, fresh: bool = False) -> int:
    """Train both ways of one of :data:`COMPARED` and publish the comparison; returns the exit code."""
    from agents.publish import paired

    return paired.run(_special(name).COMPARISON, out, smoke, runs, fresh)


def experiment(name: str, out: Path, smoke: bool, runs: Path | None, fresh: bool = False) -> int:
    """Run the experiments of agents/experiments/ and publish them in ``out/experiments``; returns the exit code."""
    from agents.publish.experiments import publish_all

    publish_all(out / name, runs or Path("runs") / name, smoke, fresh=fresh)
    return 0


def fill(name: str, out: Path, smoke: bool, runs: Path | None, fresh: bool = False) -> int:
    """Fill the table of the dilemma's components for the catalogue; returns the exit code."""
    from agents.publish import components

    science = load_training(CONFIGS / "science.yaml")
    config = components.config_from(science, ("jervis/doubly-dangerous", "games/one-shot") if smoke else ())
    if smoke:
        config = smoke_sized(config)
    if runs is not None:
        config = config.model_copy(update={"runs": runs})
    return components.run(config, out, episodes=2 if smoke else components.RECORDED, fresh=fresh)


def _work(name: str) -> Callable[[str, Path, bool, Path | None, bool], int]:
    special = {COMPONENTS: fill, EXPERIMENTS: experiment}
    return special.get(name) or (play if name in PLAYED else compare if name in COMPARED else run)


def main(argv: list[str] | None = None) -> int:
    """Command line; returns 0 well, 1 a job failed, 2 bad arguments."""
    parser = argparse.ArgumentParser(prog="python -m agents.publish.science", description=__doc__.splitlines()[0])
    everything = (*TRAININGS, *COMPARED, *PLAYED, EXPERIMENTS, COMPONENTS)
    parser.add_argument("--only", nargs="+", choices=everything, default=everything, help="which experiments")
    parser.add_argument("--smoke", action="store_true", help="seconds instead of hours; the numbers mean nothing")
    parser.add_argument(
        "--out", type=Path, default=None, help=f"where results go (default {RESULTS}; needed by --smoke)"
    )
    parser.add_argument(
        "--fresh", action="store_true", help="begin anew; what is kept of earlier runs is renamed to NAME.before-1"
    )
    add_place(parser)
    parser.add_argument("--runs", type=Path, default=None, help="where run folders go, instead of the config's folder")
    parser.add_argument(
        "--rejudge",
        action="store_true",
        help="run nothing: judge the numbers that are published again, and write their reports and texts anew",
    )
    parser.add_argument(
        "--redraw",
        action="store_true",
        help=f"run nothing: draw the pictures of {EXPERIMENTS} and {COMPONENTS} anew from the tables beside them",
    )
    arguments = parser.parse_args(argv)
    if arguments.smoke and arguments.out is None:
        parser.error("--smoke needs --out: its numbers must not replace the real ones")
    return through(parser.prog, lambda: _asked(arguments, arguments.out or RESULTS))


def _asked(arguments: argparse.Namespace, out: Path) -> int:
    """Do what the command line asks for; returns the exit code."""
    if arguments.redraw:
        return draw_again(arguments.only, out)
    if arguments.rejudge:
        return max(judge_again(name, out) for name in arguments.only)
    with shown(), placed(arguments):
        return max(_work(name)(name, out, arguments.smoke, arguments.runs, arguments.fresh) for name in arguments.only)


if __name__ == "__main__":
    sys.exit(main())
