"""The tables of the evaluation commands, with the look of the training report."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from agents.evaluation.ablate import BASE
from agents.evaluation.evaluate import PAYOFF
from agents.evaluation.outcome import ARMS_RACE, ATTACKS, OUTCOMES, SPIRAL, all_hold, conditions, predicted_of
from agents.evaluation.predictions import VERDICT_STYLES, Prediction, lines
from agents.evaluation.report import COLUMNS, cell, outcome_of
from agents.evaluation.statistics import EPISODES, Interval
from sd_env.scenario import Scenario, scenarios

PAYOFF_COLUMN: Final = (PAYOFF, "pay-off", 2)


def intervals_of(summary: pd.DataFrame) -> dict[str, dict[str, Interval]]:
    """Policy -> metric -> value and interval, from a long table with ``policy, metric, value, low, high``."""
    found: dict[str, dict[str, Interval]] = {}
    for name, metric, value, low, high in summary[["policy", "metric", "value", "low", "high"]].itertuples(index=False):
        found.setdefault(str(name), {})[str(metric)] = Interval(float(value), float(low), float(high))
    return found


def theory_of(scenario: Scenario) -> tuple[str, bool]:
    """What theory predicts of a scenario, and whether it is of this very scenario, with nothing overridden.

    The words are one of ``OUTCOMES`` for Jervis's four worlds, else the scenario's own.
    """
    unchanged = scenario.name in scenarios() and Scenario.load(scenario.name) == scenario
    return predicted_of(scenario.name) or scenario.prediction, unchanged


def outcomes(summary: pd.DataFrame) -> dict[str, str]:
    """Each policy's outcome; "" without a security seeker."""
    return {name: outcome_of(metrics) for name, metrics in intervals_of(summary).items()}


def judged(summary: pd.DataFrame, scenario: Scenario, against: str = "") -> dict[str, list[Prediction]]:
    """Each policy's predictions: that its outcome is the one that theory predicts, metric by metric.

    There are none of a changed scenario, of a policy among others or without a security seeker, and none where theory
    predicts no outcome.
    """
    predicted, unchanged = theory_of(scenario)
    if predicted not in OUTCOMES or not unchanged or against:
        return {}
    units = summary[summary["metric"] == ATTACKS].set_index("policy")
    return {
        name: conditions(
            metrics, predicted, count=int(units.loc[name, "count"]), unit=str(units.loc[name, "unit"]), where=name
        )
        for name, metrics in intervals_of(summary).items()
        if outcome_of(metrics)
    }


def evaluation_table(title: str, summary: pd.DataFrame, scenario: Scenario, against: str = "") -> RenderableType:
    """One row a policy: metrics with half their intervals, the outcome, and whether theory predicts it."""
    predicted, unchanged = theory_of(scenario)
    columns = (PAYOFF_COLUMN, *COLUMNS[:-1]) if against else COLUMNS  # a seat's pay-off in the place of welfare
    found = judged(summary, scenario, against)
    shown = frame_of(title, "policy", columns)
    shown.add_column("outcome", min_width=11, max_width=15)
    if found:
        shown.add_column("by theory", no_wrap=True)
    for name, metrics in intervals_of(summary).items():
        numbers = (cell(metrics[metric], decimals) for metric, _, decimals in columns)
        verdict = all_hold(found[name]) if name in found else None
        whether = Text(verdict, style=VERDICT_STYLES[verdict]) if verdict else Text("")
        shown.add_row(Text(name, style="bold"), *numbers, outcome_of(metrics) or "-", *([whether] if found else []))
    words = [f"{interval_words(summary)} {METRIC_WORDS}"]
    if against:
        words.append(f"Each seat in turn, {against} at the others. Pay-off: return of the policy's own seat.")
    words.append(
        f"Outcome: spiral from {SPIRAL} S-S attacks per pair-turn, else arms race without war from {ARMS_RACE} arms, "
        "else cooperation."
    )
    if predicted:
        words.append(f"Theory predicts{'' if unchanged else ' of the scenario without overrides'}: {predicted}")
    return Group(shown, *map(Text, words), *lines(each for some in found.values() for each in some))


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


#: What :func:`escalation_table` shows: intervention, measure, and how they are called there.
ESCALATION_ROWS: Final = (
    *(
        (kind, measure, f"{kind} given: {words}")
        for kind in ("defense", "offense")
        for measure, words in (
            ("total response", "rival's response"),
            ("total own response", "own response"),
            ("total own response, others frozen", "own response, others frozen"),
            ("spectral radius", "spectral radius"),
            ("multiplier", "multiplier M"),
            ("gain", "gain G"),
            ("war elasticity", "war elasticity η"),
        )
    ),
    *((deed, "war elasticity", f"{deed}: war elasticity η") for deed in ("mobilize", "reassure", "threaten", "align")),
    ("belief", "fear fraction", "full trust: fear fraction Φ"),
)


def escalation_table(title: str, table: pd.DataFrame) -> RenderableType:
    """What :func:`agents.evaluation.escalation.escalation` found at the end of the window, nulls beside it."""
    shown = frame_of(title, "", [("", text, 0) for text in ("effect", "rivals swapped", "never-attack", "pairs")])
    window = int(table["h"].max())
    rows = table[table["h"] == window].set_index(["policy", "do", "measure"])
    whys: dict[tuple[str, str], list[str]] = {}
    for policy in dict.fromkeys(table["policy"]):
        shown.add_row(Text(str(policy), style="bold"))
        for do, measure, words in ESCALATION_ROWS:
            row = rows.loc[(policy, do, measure)]
            bounds = [(name, f"{name}_low", f"{name}_high") for name in ("swapped", "never_attack")]
            cells = [interval(*(float(row[key]) for key in keys)) for keys in (("value", "low", "high"), *bounds)]
            shown.add_row(f"  {words}", *cells, str(row["pairs"]))
            if row["why"]:
                whys.setdefault((policy, str(row["why"])), []).append(words)
    words = (
        f"Effects on the {window} turns after arms are given or a deed is done, with 95% intervals over worlds: of "
        "arms the sum over those turns, by arms given; of war P(war by then), less without. Pairs: of security seekers "
        "at peace, those still compared at the end. Rivals swapped: the rival is one of a world in which nothing was "
        "done, so that it cannot respond; never-attack cannot either. There effects are 0, and a multiplier is 1."
    )
    lacking = [Text(f"{policy}, {', '.join(lines)}: {why}.") for (policy, why), lines in whys.items()]
    return Group(shown, *lacking, Text(words))


def interval(value: float, low: float, high: float, *, decimals: int = 3) -> str:
    """A value and its interval in one line; a dash where there is none."""
    if math.isnan(value):
        return "-"
    if math.isinf(value):
        return "infinite"
    known = math.isfinite(low) and math.isfinite(high)
    shown = [f"{number:.{decimals}f}" for number in (value, low, high)]
    return f"{shown[0]} [{shown[1]}, {shown[2]}]" if known else shown[0]


def frame_of(title: str, first: str, columns: Sequence[tuple[str, str, int]]) -> Table:
    """An empty table in the house's look: a first column of names, then numbers."""
    shown = Table(title=title, box=box.SIMPLE_HEAD, show_lines=False, pad_edge=False)
    shown.add_column(first, no_wrap=True)
    for _, heading, _ in columns:
        shown.add_column(heading, justify="right", no_wrap=True)
    return shown


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table for JSON."""
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]


def tournament_table(
    title: str,
    ranked: pd.DataFrame,
    scenario: Scenario,
    noise: Mapping[str, float] | None = None,
    drawn: bool = False,
) -> RenderableType:
    """The ranking of a tournament, best first; ``drawn``: of drawn casts."""
    columns = (
        (PAYOFF, "pay-off", 2),
        ("interval", "95% interval", 2),
        *([("iqm", "IQM", 2)] if ranked["iqm"].notna().all() else []),
        ("attacks", "attacks\na pair-turn", 4),
        ("cooperation", "cooperation", 3),
        *([("final_share", "final share", 3)] if "final_share" in ranked else []),
    )
    shown_names = {name for name, _, _ in columns}
    shown = frame_of(title, "", (("rank", "policy", 0), *columns))
    shown.columns[1].justify = "left"
    for row in ranked.to_dict("records"):
        interval = "-" if math.isnan(row["low"]) else f"{row['low']:.2f} to {row['high']:.2f}"
        numbers = [interval if name == "interval" else f"{row[name]:.{places}f}" for name, _, places in columns]
        shown.add_row(str(row["rank"]), Text(str(row["policy"]), style="bold"), *numbers)
    unsettled = f" Noise: {', '.join(f'{kind} {value:g}' for kind, value in noise.items())}." if noise else ""
    counted = "over its seats in drawn casts" if drawn else "against each opponent, itself included, all counting alike"
    words = [f"{scenario.n_states} states.{unsettled} Pay-off: mean return {counted}."]
    words.append(interval_words(ranked).replace("± 95%", "Interval: 95%"))
    words.append("Cooperation: share of pair-turns without attack and mobilization.")
    if "iqm" in shown_names:
        words.append("IQM: interquartile mean over opponents and seeds.")
    if "final_share" in shown_names:
        words.append("Final share: by discrete replicator dynamics from equal shares: who earns more spreads.")
    return Group(shown, Text(" ".join(words)))


#: Metrics that the tables of cross-play and ablations show, with decimals.
_SHOWN: Final = (PAYOFF_COLUMN, *COLUMNS)


def crossplay_table(title: str, table: pd.DataFrame) -> RenderableType:
    """Self-play, cross-play and their gap, a metric a row."""
    columns = (("", "self-play", 0), ("", "cross-play", 0), ("", "gap", 0), ("", "95% interval", 0))
    shown = frame_of(title, "", columns)
    rows = table.set_index("metric")
    for metric, heading, places in _SHOWN:
        row = rows.loc[metric]
        values = (f"{row[name]:.{places}f}" for name in ("self_play", "cross_play", "gap"))
        interval = "-" if math.isnan(row["low"]) else f"{row['low']:.{places}f} to {row['high']:.{places}f}"
        shown.add_row(heading.replace("-\n", "").replace("\n", ", "), *values, interval)
    count = int(table["count"].iloc[0])
    words = f"{count} policies. Gap: self-play less cross-play; its interval is the jackknife's over policies"
    return Group(shown, Text(f"{words}{'' if count > 2 else ', which needs three'}. {METRIC_WORDS}"))


def ablation_table(title: str, table: pd.DataFrame) -> RenderableType:
    """Means under the base, and below them the differences that each value makes."""
    shown = frame_of(title, "policy, value", _SHOWN)
    for (policy, value), rows in table.groupby(["policy", "value"], sort=False):
        metrics = rows.set_index("metric")
        base = value == BASE
        cells = []
        for metric, _, places in _SHOWN:
            row = metrics.loc[metric]
            number = row["mean"] if base else row["difference"]
            text = "-" if math.isnan(number) else f"{number:{'' if base else '+'}.{places}f}"
            known = not (base or math.isnan(row["low"]))
            cells.append(f"{text}\n±{(row['high'] - row['low']) / 2:.{places}f}" if known else text)
        shown.add_row(Text(str(policy), style="bold") if base else f"  {value}", *cells)
    words = f"First row: means. Below: what each value changes, in the same worlds. {interval_words(table)}"
    return Group(shown, Text(f"{words}\n{METRIC_WORDS}"))
