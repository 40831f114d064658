"""What FastPPO learns beside stable-baselines3's PPO: the four worlds, the same settings and seeds, paired by seed.

``python -m agents.publish.fast_path`` trains from configs/fast_path.yaml, one path for each learner, and leaves
``fast_path.json`` and ``fast_path.txt`` in docs/results/. Both are one algorithm, so that only chance should part
them: their random draws are others. What would be wrong is a return below SB3's.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.text import Text

from agents.evaluation import predictions
from agents.evaluation.predictions import Prediction
from agents.evaluation.report import Report
from agents.evaluation.statistics import Interval, estimate, paired_difference
from agents.evaluation.tables import frame_of
from agents.evaluation.trained import train_and_report
from agents.messages import shown as messages_shown
from agents.publish import results
from agents.publish.door import through
from agents.publish.science import CONFIGS, RESULTS, smoke_sized
from agents.training.config import TrainingConfig, load_training
from agents.training.job import jobs_of
from agents.training.measure import LEARNED
from agents.training.run import begun, check, held, new_run, versions
from agents.training.run import results as measured_in

NAME: Final = "fast_path"
TITLE: Final = "The four worlds by FastPPO and by stable-baselines3's PPO"
#: Paths of the training.
FAST, SB3 = "fast", "sb3"
#: What is measured of a finished job -> its key in the evaluation.
MEASURES: Final = {"return of a state": "outcome/return", "attacks between security seekers": "outcome/ss_attacks"}
RETURN: Final = "return of a state"
#: By what share of SB3's a return may fall short: less than what its seeds differ by.
MARGIN: Final = 0.03

#: path -> world -> measure -> one number a seed.
Scores = Mapping[str, Mapping[str, Mapping[str, Sequence[float]]]]


def run(config: TrainingConfig, *, fresh: bool = False) -> Report | None:
    """Train both ways, from the seeds that are left if such a run was begun; None if a job failed."""
    folder = (None if fresh else begun(config)) or new_run(config)
    with held(folder):
        if train_and_report(config, folder, ["--config", f"configs/{NAME}.yaml"]):
            return None
    measured = measured_in(config, folder)
    scores: dict[str, dict[str, dict[str, list[float]]]] = {}
    for job in jobs_of(config, folder):
        found = scores.setdefault(job.path, {}).setdefault(job.choice.name, {name: [] for name in MEASURES})
        for name, key in MEASURES.items():
            found[name].append(float(measured[job.name]["evaluation"][LEARNED][key]))
    return {"scores": scores}


def judge(report: Report) -> list[Prediction]:
    """For each world: FastPPO's return is not below SB3's, by the paired difference of the seeds and a margin."""
    found = []
    for world, measure, fast, sb3 in _pairs(report["scores"]):
        if measure == RETURN:
            margin = MARGIN * abs(sum(sb3) / len(sb3))
            claim = f"{world}: FastPPO's return is not {MARGIN:.0%} below that of SB3's PPO."
            found.append(
                predictions.judge(claim, f"{RETURN}, difference", paired_difference(fast, sb3), (-margin, None))
            )
    return found


def shown(report: Report) -> RenderableType:
    """Both learners' numbers as a table, then the predictions."""
    table = frame_of(
        "", "world", [("", "measure", 0), ("", "FastPPO", 2), ("", "PPO of SB3", 2), ("", "difference", 2)]
    )
    for world, measure, fast, sb3 in _pairs(report["scores"]):
        numbers = (estimate(fast), estimate(sb3), paired_difference(fast, sb3))
        table.add_row(world, measure, *map(_bounds, numbers))
    words = "Means over seeds with 95% intervals; a difference is that of the same seeds."
    return Group(table, Text(f"{words}\n"), *predictions.lines(predictions.predictions_of(report, NAME)))


def _pairs(scores: Scores) -> Iterator[tuple[str, str, list[float], list[float]]]:
    """World, measure, and the numbers of both learners, one a seed."""
    for world, measures in scores[FAST].items():
        for measure, fast in measures.items():
            yield world, measure, list(fast), list(scores[SB3][world][measure])


def _bounds(found: Interval) -> str:
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"


def main(argv: list[str] | None = None) -> int:
    """Command line; returns 0 well, 1 a job failed, 2 bad arguments."""
    parser = argparse.ArgumentParser(prog="python -m agents.publish.fast_path", description=TITLE)
    parser.add_argument("--smoke", action="store_true", help="seconds instead of hours; the numbers mean nothing")
    parser.add_argument("--out", type=Path, help=f"where results go (default {RESULTS}; needed by --smoke)")
    parser.add_argument("--runs", type=Path, help="where run folders go, instead of the config's folder")
    parser.add_argument("--fresh", action="store_true", help="begin anew, whatever an earlier run has finished")
    parser.add_argument("--rejudge", action="store_true", help="run nothing: judge the published numbers again")
    arguments = parser.parse_args(argv)
    if arguments.smoke and arguments.out is None:
        parser.error("--smoke needs --out: its numbers must not replace the real ones")
    return through(parser.prog, lambda: _run(arguments, parser.prog))


def _run(arguments: argparse.Namespace, prog: str) -> int:
    out = arguments.out or RESULTS
    if arguments.rejudge:
        return _publish(results.read(out, NAME), out)
    config = load_training(CONFIGS / f"{NAME}.yaml")
    config = smoke_sized(config) if arguments.smoke else config
    if arguments.runs is not None:
        config = config.model_copy(update={"runs": arguments.runs})
    check(config)
    started = time.monotonic()
    with messages_shown():
        report = run(config, fresh=arguments.fresh)
    if report is None:
        return 1
    about: dict[str, Any] = results.made(
        TITLE, prog, seeds=config.seeds, steps=config.total_steps, seconds=time.monotonic() - started,
        versions=versions(),
    )  # fmt: skip
    return _publish({**report, **about}, out)


def _publish(report: Report, out: Path) -> int:
    report = results.judged(report, judge(report), out, NAME)
    results.write(out, NAME, report, shown(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
