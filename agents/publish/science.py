"""The experiments behind docs/results/: run them all, judge what the docs predicted, write it down.

``python -m agents.publish.science`` (``make science``) runs each of :data:`EXPERIMENTS` from its file in configs/ and
leaves in docs/results/ its table, its numbers with every seed's value, its picture, and with what and how long it was
made; then the reference tournament and the challenge suite (:mod:`agents.publish.reference`) with the policies that
were trained, the experiments of theory's predictions (:mod:`agents.experiments`), and Tang's components of the dilemma
in every scenario (:mod:`agents.publish.components`).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from agents.experiments import StudyError
from agents.files import copy_whole, write_text
from agents.machine import described
from agents.messages import shown
from agents.training.config import ConfigError, Experiment, read_yaml
from agents.work import WorkError

CONFIGS: Final = Path("configs")
RESULTS: Final = Path("docs/results")

Report = dict[str, Any]


def judge_alliances(report: Report) -> list[str]:
    """Pooled defence should make security seekers safer, whether they learned or play at random: intervals apart."""
    return [
        _safer(report["worlds"]["alone"][policy], report["worlds"]["pooled"][policy], policy)
        for policy in ("learned", "random")
    ]


def _safer(without: Report, pooling: Report, policy: str) -> str:
    alone, pooled = (metrics["outcome/s_security"] for metrics in (without, pooling))
    if pooled["low"] is None or alone["low"] is None:
        outcome = "undecided"
    elif pooled["low"] > alone["high"]:
        outcome = "supported"
    else:
        outcome = "contradicted" if pooled["high"] < alone["low"] else "undecided"

    def shown(estimate: dict[str, Any]) -> str:
        low, high = estimate["low"], estimate["high"]
        return f"{estimate['mean']:.4f}" + (f" [{low:.4f}, {high:.4f}]" if low is not None else "")

    return f"{outcome:<13}{policy} policies, security with pooled defence > without: {shown(pooled)}, {shown(alone)}"


#: Name of the config -> title in the results, and what is judged beyond the table's own signs.
EXPERIMENTS: Final[dict[str, tuple[str, Callable[[Report], list[str]] | None]]] = {
    "science": ("The four worlds", None),
    "one_shot": ("The one-shot reduction: PPO against m", None),
    "four_states": ("The four worlds with four states of equal reach", None),
    "four_rivals": ("The four worlds as two pairs of neighbours", None),
    "alliances": ("Do alliances matter?", judge_alliances),
    "set_network": ("Others as a set against others as a list: what each network has learned from as many steps", None),
}

#: What is played with the trained policies, after the experiments.
PLAYED: Final = ("tournament", "challenges")
#: The experiments of agents/experiments/, all of them.
STUDIES: Final = "experiments"
#: The table of the dilemma's components, which trains in the whole catalogue.
COMPONENTS: Final = "components"

#: What makes an experiment smoke-sized: seconds, and numbers that mean nothing.
SMOKE: Final[dict[str, Any]] = {"seeds": [1, 2], "total_steps": 1, "worlds": 8, "workers": 1}
SMOKE_LEARNER: Final[dict[str, Any]] = {"n_steps": 8, "batch_size": 64, "n_epochs": 1}


def smoke_sized(experiment: Experiment) -> Experiment:
    """The same experiment with as little training as there can be."""
    data = experiment.model_dump(mode="json") | SMOKE
    data["learner"] |= SMOKE_LEARNER
    data["evaluation"] |= {"worlds": 4}
    return Experiment.model_validate(data)


def run(name: str, out: Path, smoke: bool, runs: Path | None, fresh: bool = False) -> int:
    """Run one experiment, which is always a new run, and publish it in ``out``; returns its exit code."""
    from agents.commands.train import run_experiment
    from agents.training.run import check, held, new_run, versions

    experiment = read_yaml(CONFIGS / f"{name}.yaml")
    if smoke:
        experiment = smoke_sized(experiment)
    if runs is not None:
        experiment = experiment.model_copy(update={"runs": runs})
    check(experiment)
    if name == "one_shot":  # one learner among rivals of fixed play, not self-play
        from agents.publish import one_shot

        return one_shot.run(experiment, out, heading(name, experiment, versions()))
    if name == "set_network":  # two networks side by side
        from agents.publish import set_network

        flat = read_yaml(CONFIGS / "science.yaml").learner  # the network of all other results
        return set_network.run(experiment, flat.net_arch, out, partial(heading, name, experiment, versions()))
    folder = new_run(experiment)
    started = time.monotonic()
    with held(folder):
        code = run_experiment(experiment, folder, ["--config", f"configs/{name}.yaml"])
    if code == 0:
        publish(name, experiment, folder, out, time.monotonic() - started)
    return code


def play(name: str, out: Path, smoke: bool, runs: Path | None, fresh: bool = False) -> int:
    """Play the tournament or the challenges with the policies of ``science`` in ``runs``; returns the exit code."""
    from agents.publish import reference

    folder = runs or read_yaml(CONFIGS / "science.yaml").runs
    work = {"tournament": reference.tournaments, "challenges": reference.suite}[name]
    return work(reference.bundles(folder), out, folder / "reference", smoke, fresh)


def study(name: str, out: Path, smoke: bool, runs: Path | None, fresh: bool = False) -> int:
    """Run the experiments of agents/experiments/ and publish them in ``out/experiments``; returns the exit code."""
    from agents.publish.experiments import publish_all

    publish_all(out / name, runs or Path("runs") / name, smoke, fresh=fresh)
    return 0


def fill(name: str, out: Path, smoke: bool, runs: Path | None, fresh: bool = False) -> int:
    """Fill the table of the dilemma's components for the catalogue; returns the exit code."""
    from agents.publish import components

    science = read_yaml(CONFIGS / "science.yaml")
    experiment = components.experiment_from(science, ("jervis/doubly-dangerous", "games/one-shot") if smoke else ())
    if smoke:
        experiment = smoke_sized(experiment)
    if runs is not None:
        experiment = experiment.model_copy(update={"runs": runs})
    return components.run(experiment, out, episodes=2 if smoke else components.RECORDED, fresh=fresh)


def _work(name: str) -> Callable[[str, Path, bool, Path | None, bool], int]:
    if name == COMPONENTS:
        return fill
    return study if name == STUDIES else play if name in PLAYED else run


def heading(name: str, experiment: Experiment, versions: dict[str, str], seconds: float | None = None) -> str:
    """What made a result: title, command, seeds, machine, time and versions."""
    took = f"; {seconds / 60:.1f} minutes" if seconds is not None else ""
    return (
        f"{EXPERIMENTS[name][0]}\n\nCommand: python -m agents.publish.science --only {name}    "
        f"seeds: {experiment.seeds}    agent-steps a job: {experiment.total_steps:,}\n"
        f"Machine: {described()}{took}; "
        f"Python {versions['python']}, torch {versions['torch']}, stable-baselines3 {versions['stable-baselines3']}\n\n"
    )


def publish(name: str, experiment: Experiment, folder: Path, out: Path, seconds: float) -> None:
    """Copy table, numbers and picture of a finished run into ``out``, with what made them."""
    judge = EXPERIMENTS[name][1]
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    made = heading(name, experiment, json.loads((folder / "versions.json").read_text(encoding="utf-8")), seconds)
    judged = "".join(f"\n{line}" for line in judge(report)) + "\n" if judge else ""
    out.mkdir(parents=True, exist_ok=True)
    write_text(out / f"{name}.txt", made + (folder / "table.txt").read_text(encoding="utf-8") + judged)
    write_text(out / f"{name}.json", (folder / "report.json").read_text(encoding="utf-8"))
    copy_whole(folder / "four_worlds.png", out / f"{name}.png")


def main(argv: list[str] | None = None) -> int:
    """Command line; returns 0 well, 1 a job failed, 2 bad arguments."""
    parser = argparse.ArgumentParser(prog="python -m agents.publish.science", description=__doc__.splitlines()[0])
    everything = (*EXPERIMENTS, *PLAYED, STUDIES, COMPONENTS)
    parser.add_argument("--only", nargs="+", choices=everything, default=everything, help="which experiments")
    parser.add_argument("--smoke", action="store_true", help="seconds instead of hours; the numbers mean nothing")
    parser.add_argument(
        "--out", type=Path, default=None, help=f"where results go (default {RESULTS}; needed by --smoke)"
    )
    parser.add_argument(
        "--fresh", action="store_true", help="begin anew; what is kept of earlier runs is renamed to NAME.before-1"
    )
    parser.add_argument("--runs", type=Path, default=None, help="where run folders go, instead of the config's folder")
    arguments = parser.parse_args(argv)
    if arguments.smoke and arguments.out is None:
        parser.error("--smoke needs --out: its numbers must not replace the real ones")
    try:
        with shown():
            codes = [
                _work(name)(name, arguments.out or RESULTS, arguments.smoke, arguments.runs, arguments.fresh)
                for name in arguments.only
            ]
    except (ConfigError, StudyError, WorkError) as error:
        print(f"python -m agents.publish.science: {error}", file=sys.stderr)
        return 2
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
