"""What each kind of finished work has found, as verdicts and numbers that can stand beside those of another."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from agents.evaluation.evaluate import PAYOFF
from agents.evaluation.report import COLUMNS
from agents.evaluation.statistics import Interval, interval_from
from agents.evaluation.tables import ESCALATION_ROWS
from agents.pages.common import heading
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
)

Report = Mapping[str, Any]
#: Verdicts by what they are of, and numbers by that and the measure.
Found = tuple[dict[str, str], dict[tuple[str, str], Interval]]
#: Metrics that are shown of every play, what each is called, and with how many decimals.
SHOWN: Final = ((PAYOFF, "pay-off", 2), *((metric, heading(name), places) for metric, name, places in COLUMNS))
PLACES: Final = {metric: places for metric, _, places in SHOWN}
NAMES: Final = {metric: name for metric, name, _ in SHOWN}
_GAP: Final = "self-play less cross-play"


def found_of(work: Finished) -> Found:
    """What was found.

    Raises:
        PageError: one sentence for a report that is not as this program writes it.
    """
    with as_written(work.folder / REPORT):
        return _READ[work.kind](work.report)


def named(row: Mapping[str, Any], key: str) -> Interval:
    """The number of a row that is called otherwise than ``value``, with the row's interval."""
    return interval_from({**row, "value": row[key]})


def of_escalation(report: Report) -> dict[tuple[str, str, str], Mapping[str, Any]]:
    """Policy, what was done and measure -> the row of the whole window."""
    rows = report["escalation"]
    last = max((int(row["h"]) for row in rows), default=0)
    return {(str(row["policy"]), str(row["do"]), str(row["measure"])): row for row in rows if int(row["h"]) == last}


def _of_run(report: Report) -> Found:
    worlds = report["worlds"]
    verdicts = {str(name): str(world["verdict"]) for name, world in worlds.items()}
    numbers = {
        (str(name), metric): interval_from(world["learned"][metric])
        for name, world in worlds.items()
        for metric, _, _ in COLUMNS
    }
    return verdicts, numbers


def _of_experiment(report: Report) -> Found:
    verdicts = {
        str(each["claim"]): str(each["status"]).partition(":")[0] or str(each["verdict"])
        for each in report["predictions"]
    }
    numbers = {}
    for row in report["cells"]:
        axes = [f"{k} = {v}" for k, v in row.items() if k not in ("policies", "given", "measure", "estimate")]
        of = ", ".join([*axes, str(row["policies"]), *([str(row["given"])] if row["given"] else [])])
        numbers[of, str(row["measure"])] = interval_from(row["estimate"])
    return verdicts, numbers


def _of_evaluation(report: Report) -> Found:
    rows = [row for row in report["metrics"] if row["metric"] in PLACES]
    numbers = {(str(row["policy"]), str(row["metric"])): interval_from(row) for row in rows}
    return {str(name): str(each) for name, each in report["outcomes"].items()}, numbers


def _of_tournament(report: Report) -> Found:
    ranks = {str(row["policy"]): f"rank {row['rank']}" for row in report["ranking"]}
    return ranks, {(str(row["policy"]), PAYOFF): named(row, "payoff") for row in report["ranking"]}


def _of_crossplay(report: Report) -> Found:
    rows = [row for row in report["gaps"] if row["metric"] in PLACES]
    return {}, {(_GAP, str(row["metric"])): named(row, "gap") for row in rows}


def _of_ablation(report: Report) -> Found:
    rows = [row for row in report["differences"] if row["metric"] in PLACES and row["low"] is not None]
    return {}, {
        (f"{row['policy']}, {row['parameter']} = {row['value']}", str(row["metric"])): named(row, "difference")
        for row in rows
    }


def _of_escalation(report: Report) -> Found:
    rows = of_escalation(report)
    numbers = {
        (policy, words): interval_from(rows[policy, do, measure])
        for policy in dict.fromkeys(policy for policy, _, _ in rows)
        for do, measure, words in ESCALATION_ROWS
    }
    return {}, {key: each for key, each in numbers.items() if not math.isnan(each.value)}


def _of_certificate(report: Report) -> Found:
    rows = {f"{row['state']}, {row['type']}": row for row in report["certificates"]}
    return {of: str(row["verdict"]) for of, row in rows.items()}, {
        (of, "gain, as a share"): named(row, "gain") for of, row in rows.items()
    }


def _of_exploitation(report: Report) -> Found:
    return {}, {(str(row["state"]), "gap, at least"): named(row, "gap") for row in report["seats"]}


def _of_challenges(report: Report) -> Found:
    verdicts = {str(row["policy"]): f"middle half {row['iqm']:.2f}" for row in report["overall"]}
    return verdicts, {(str(row["policy"]), str(row["challenge"])): named(row, "score") for row in report["challenges"]}


_READ: Final[Mapping[str, Callable[[Report], Found]]] = {
    RUN: _of_run, EXPERIMENT: _of_experiment, EVALUATION: _of_evaluation, TOURNAMENT: _of_tournament,
    CROSSPLAY: _of_crossplay, ABLATION: _of_ablation, ESCALATION: _of_escalation, CERTIFICATE: _of_certificate,
    EXPLOITATION: _of_exploitation, CHALLENGES: _of_challenges,
}  # fmt: skip
