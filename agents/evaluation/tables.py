"""What the evaluation commands print and leave: tables with the look of the training report, and JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd
from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from agents.evaluation.evaluate import EPISODES, PAYOFF
from agents.evaluation.report import COLUMNS, WIDTH, as_text, cell, four_worlds_name
from agents.evaluation.statistics import Estimate
from agents.evaluation.verdict import ARMS, ARMS_RACE, ATTACKS, PREDICTED, SPIRAL, VERDICTS, verdict
from agents.files import write_json, write_text
from sd_env.scenario import Scenario

PAYOFF_COLUMN: Final = (PAYOFF, "pay-off", 2)


def estimates_of(summary: pd.DataFrame, by: str = "policy") -> dict[str, dict[str, Estimate]]:
    """``by`` -> metric -> estimate, from a long table with ``metric, mean, low, high`` (its values are left out)."""
    found: dict[str, dict[str, Estimate]] = {}
    for name, metric, mean, low, high in summary[[by, "metric", "mean", "low", "high"]].itertuples(index=False):
        found.setdefault(str(name), {})[str(metric)] = Estimate(float(mean), float(low), float(high), ())
    return found


def theory_of(scenario: Scenario) -> str:
    """What theory predicts of a scenario: one of ``VERDICTS`` for Jervis's four worlds, else the scenario's words."""
    return PREDICTED.get(four_worlds_name(scenario.name), scenario.prediction)


def compared(metrics: Mapping[str, Estimate], predicted: str) -> str:
    """Whether a policy's verdict is what theory predicts: supported, contradicted or undecided; "" without a verdict.

    It is undecided where the intervals of attacks and arms allow both.
    """
    if predicted not in VERDICTS or math.isnan(metrics[ATTACKS].mean):
        return ""
    attacks, arms = metrics[ATTACKS], metrics[ARMS]
    if not (attacks.known and arms.known):
        return "undecided"
    possible = {verdict(a, b) for a in (attacks.low, attacks.high) for b in (arms.low, arms.high)}
    if possible == {predicted}:
        return "supported"
    return "undecided" if predicted in possible else "contradicted"


def evaluation_table(title: str, summary: pd.DataFrame, scenario: Scenario, against: str = "") -> RenderableType:
    """One row a policy: metrics with half their intervals, the verdict, and theory's prediction beside it."""
    predicted = theory_of(scenario)
    columns = (PAYOFF_COLUMN, *COLUMNS) if against else COLUMNS
    shown = frame_of(title, "policy", columns)
    shown.add_column("verdict", max_width=15)
    shown.add_column("theory\npredicts", max_width=15)
    shown.add_column("", max_width=12)
    styles = {"supported": "green", "contradicted": "red", "undecided": "yellow"}
    for name, metrics in estimates_of(summary).items():
        outcome = compared(metrics, predicted)
        found = verdict(metrics[ATTACKS].mean, metrics[ARMS].mean) if not math.isnan(metrics[ATTACKS].mean) else "-"
        shown.add_row(
            Text(name, style="bold"),
            *(cell(metrics[metric], decimals) for metric, _, decimals in columns),
            found,
            predicted if predicted in VERDICTS else "see below",
            Text(outcome, style=styles.get(outcome, "")),
        )
    words = [Text(interval_words(summary) + " " + METRIC_WORDS)]
    if against:
        words.append(Text(f"Each seat in turn, {against} at the others. Pay-off: return of the policy's own seat."))
    words.append(
        Text(
            f"Verdict: spiral from {SPIRAL} S-S attacks per pair-turn, else arms race without war from {ARMS_RACE} "
            "arms, else cooperation; undecided where the intervals allow another verdict."
        )
    )
    if predicted not in VERDICTS and predicted:
        words.append(Text(f"Theory predicts: {predicted}"))
    return Group(shown, *words)


METRIC_WORDS: Final = (
    "S-S: attacks of security seekers on one another, by ordered pair. Offence, defence: mean stock of a security "
    "seeker. Allied: share of pairs and turns. Reassurances: by security seeker and turn. Welfare: a security seeker's "
    "return."
)


def interval_words(summary: pd.DataFrame) -> str:
    """What the intervals of a summary are, in a sentence for each kind that it has."""
    sentences = []
    for unit, group in summary.groupby("unit", sort=False):
        counts = sorted(set(group["count"][group["count"] > 0]))
        number = " or ".join(map(str, counts[-1:])) or "no"
        if unit == EPISODES:
            sentences.append(
                f"± 95% bootstrap over {number} episodes of one seed: the luck of worlds, not of training."
            )
        else:
            sentences.append(f"± 95% t interval over {number} {unit}.")
    return " ".join(sentences)


def frame_of(title: str, first: str, columns: Sequence[tuple[str, str, int]]) -> Table:
    """An empty table in the house's look: a first column of names, then numbers."""
    shown = Table(title=title, box=box.SIMPLE_HEAD, show_lines=False, pad_edge=False)
    shown.add_column(first, no_wrap=True)
    for _, heading, _ in columns:
        shown.add_column(heading, justify="right", no_wrap=True)
    return shown


def publish(shown: RenderableType, report: Mapping[str, Any], out: Path | None, as_json: bool) -> None:
    """Print a table, or its report as JSON, and leave both in ``out``: ``table.txt`` and ``report.json``."""
    if out:
        write_text(out / "table.txt", as_text(shown))
        write_json(out / "report.json", dict(report))
    console = Console()
    if as_json:
        import json

        from agents.files import without_nan

        print(json.dumps(without_nan(dict(report)), indent=1, allow_nan=False))
    else:
        # wider than a narrow terminal rather than with numbers cut off
        Console(width=max(WIDTH, console.width)).print(shown)


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table for JSON."""
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]
