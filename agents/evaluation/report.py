"""The end of a run: numbers over seeds, verdicts, what theory says, as JSON, table and picture."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from agents.evaluation.statistics import Estimate, estimate
from agents.evaluation.verdict import (
    ARMS,
    ARMS_RACE,
    ATTACKS,
    OUTCOME_STYLES,
    PREDICTED,
    SPIRAL,
    VERDICTS,
    Sign,
    signs,
    verdict,
)
from agents.files import write_json, write_text
from agents.table.metrics import RATES

#: Characters that the table takes at most; a narrower terminal would fold its numbers.
WIDTH = 132
#: Who plays -> its label; ``population`` is one learner among its opponents, where there are any.
POLICIES = {
    "learned": "learned",
    "population": "among opponents",
    "random": "random",
    "never_attack": "never attacks",
}
#: Columns of the table: metric, heading, decimals.
COLUMNS = (
    (ATTACKS, "S-S attacks\na pair-turn", 4),
    ("outcome/tragic_wars", "tragic wars\nan episode", 3),
    ("arms/s_offense", "offence", 2),
    ("arms/s_defense", "defence", 2),
    ("alliances/allied", "allied", 3),
    ("signals/s_reassurances", "reassur-\nances", 3),
    ("outcome/s_welfare", "welfare", 2),
)

World = dict[str, dict[str, Estimate]]  # policy -> metric -> estimate


def gather(results: list[dict[str, Any]]) -> dict[str, World]:
    """World -> policy -> metric -> mean and interval over seeds, from the jobs' results."""
    worlds: dict[str, World] = {}
    for name in dict.fromkeys(str(result["world"]) for result in results):
        runs = [result["evaluation"] for result in results if result["world"] == name]
        worlds[name] = {
            policy: {metric: estimate([_number(run[policy][metric]) for run in runs]) for metric in RATES}
            for policy in POLICIES
            if all(policy in run for run in runs)
        }
    return worlds


def returns(results: list[dict[str, Any]]) -> dict[str, World]:
    """World -> who plays -> party -> its return in a state, over seeds; empty where one policy played all."""
    found: dict[str, World] = {}
    for name in dict.fromkeys(str(result["world"]) for result in results):
        runs = [result.get("returns", {}) for result in results if result["world"] == name]
        for who, parties in runs[0].items():
            found.setdefault(name, {})[who] = {
                party: estimate([_number(run[who][party]) for run in runs]) for party in parties
            }
    return found


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def theory_of(results: list[dict[str, Any]], predictions: Mapping[str, str]) -> dict[str, str]:
    """What theory predicts of each world: Jervis's four by name, others by their scenario's own words."""
    return {
        str(r["world"]): PREDICTED.get(four_worlds_name(str(r["scenario"])), predictions.get(str(r["world"]), ""))
        for r in results
    }


def four_worlds_name(scenario: str) -> str:
    """The part of a scenario's name by which ``PREDICTED`` knows it."""
    return Path(scenario).stem


def write_report(
    run: Path, title: str, results: list[dict[str, Any]], predictions: Mapping[str, str], command: str
) -> RenderableType:
    """Write ``report.json`` and ``table.txt`` into ``run`` and return the table for the screen.

    Args:
        run: the run folder.
        title: of the experiment.
        results: the finished jobs' ``result.json``, at least one.
        predictions: world -> its scenario's prediction.
        command: the command line that made the run.
    """
    worlds = gather(results)
    theory = theory_of(results, predictions)
    judged = judge(results, worlds)
    gained = returns(results)
    write_json(
        run / "report.json",
        {
            "title": title,
            "command": command,
            "interval": "95% Student t over seeds; null with fewer than two seeds",
            "thresholds": {"spiral": SPIRAL, "arms_race": ARMS_RACE},
            "worlds": {
                name: {
                    "scenario": next(r["scenario"] for r in results if r["world"] == name),
                    "seeds": [r["seed"] for r in results if r["world"] == name],
                    "verdict": _verdict(world["learned"]),
                    "theory": theory[name],
                    **{p: {m: asdict(e) for m, e in metrics.items()} for p, metrics in world.items()},
                    "returns": {w: {p: asdict(e) for p, e in g.items()} for w, g in gained.get(name, {}).items()},
                }
                for name, world in worlds.items()
            },
            "signs": [asdict(sign) for sign in judged],
        },
    )
    shown = Group(table(title, worlds, theory), *notes(worlds, theory, judged), *gains(gained))
    write_text(run / "table.txt", as_text(shown))
    return shown


def as_text(shown: RenderableType) -> str:
    """What is printed, as plain text of at most ``WIDTH`` columns."""
    text = io.StringIO()
    Console(file=text, width=WIDTH, color_system=None).print(shown)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"


def judge(results: list[dict[str, Any]], worlds: Mapping[str, World]) -> list[Sign]:
    """Theory's signs; worlds with different overrides are different experiments and compared apart."""
    groups: dict[str, dict[str, str]] = {}
    for result in results:
        overrides = ", ".join(f"{key} = {value}" for key, value in sorted(result.get("overrides", {}).items()))
        groups.setdefault(overrides, {})[four_worlds_name(str(result["scenario"]))] = str(result["world"])
    judged = []
    for overrides, names in groups.items():
        for sign in signs({scenario: worlds[world]["learned"] for scenario, world in names.items()}):
            judged.append(replace(sign, claim=f"{sign.claim} with {overrides}") if overrides else sign)
    return judged


def _verdict(metrics: Mapping[str, Estimate]) -> str:
    return verdict(metrics[ATTACKS].mean, metrics[ARMS].mean)


def table(title: str, worlds: Mapping[str, World], theory: Mapping[str, str]) -> Table:
    """One row for each world and policy: the mean over seeds and below it half the interval."""
    shown = Table(title=title, box=box.SIMPLE_HEAD, show_lines=False, pad_edge=False)
    shown.add_column("world", no_wrap=True)
    for _, heading, _ in COLUMNS:
        shown.add_column(heading, justify="right", no_wrap=True)
    shown.add_column("verdict", max_width=15)
    shown.add_column("theory\npredicts", max_width=15)
    for name, world in worlds.items():
        for policy, metrics in world.items():
            learned = policy == "learned"
            shown.add_row(
                Text(name, style="bold") if learned else f"  {POLICIES[policy]}",
                *(cell(metrics[metric], decimals) for metric, _, decimals in COLUMNS),
                _verdict(metrics) if learned else "",
                (theory[name] if theory[name] in VERDICTS else "see below") if learned else "",
                end_section=policy == list(world)[-1],
                style="" if learned else "dim",
            )
    return shown


def cell(value: Estimate, decimals: int) -> str:
    """A mean and below it half its interval; a dash where there is no mean."""
    if math.isnan(value.mean):
        return "-"
    mean = f"{value.mean:.{decimals}f}"
    return f"{mean}\n±{(value.high - value.low) / 2:.{decimals}f}" if value.known else mean


def notes(worlds: Mapping[str, World], theory: Mapping[str, str], judged: list[Sign]) -> list[RenderableType]:
    """What stands below the table: what the numbers are, and theory's signs."""
    seeds = max(len(world["learned"]["outcome/return"].values) for world in worlds.values())
    interval = f"± 95% t interval over {seeds} seeds" if seeds > 1 else "one seed: no interval"
    lines: list[RenderableType] = [
        Text(
            f"{interval}. S-S: attacks of security seekers on one another, by ordered pair. Offence, defence: mean "
            "stock of a security seeker.\nAllied: share of pairs and turns. Reassurances: by security seeker and turn. "
            f"Welfare: a security seeker's return.\nVerdict: spiral from {SPIRAL} S-S attacks per pair-turn, "
            f"else arms race without war from {ARMS_RACE} arms, else cooperation."
        )
    ]
    lines += [Text(f"\n{name}: theory predicts: {words}") for name, words in theory.items() if words not in VERDICTS]
    if judged:
        lines.append(Text("\nTheory's signs (Jervis 1978), learned policies:"))
        for sign in judged:
            lines.append(
                Text.assemble("  ", (f"{sign.outcome:<13}", OUTCOME_STYLES[sign.outcome]), f"{sign.claim} ({sign.why})")
            )
    return lines


def gains(gained: Mapping[str, World]) -> list[RenderableType]:
    """What each party gained, below the table."""
    lines: list[RenderableType] = []
    for world, plays in gained.items():
        for who, parties in plays.items():
            shown = ", ".join(f"{party} {cell(value, 2)}".replace("\n", " ") for party, value in parties.items())
            lines.append(Text(f"\n{world}, {POLICIES[who]}: mean return of a state: {shown}"))
    return lines
