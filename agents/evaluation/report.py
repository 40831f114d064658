"""The end of a run: numbers over seeds, outcomes, what theory says, as JSON, table and picture."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from agents.escape import Printable, console
from agents.evaluation.certify import ALLOWED, GREEDY, SEEKERS
from agents.evaluation.outcome import (
    ARMS,
    ARMS_RACE,
    ATTACKS,
    OUTCOMES,
    SPIRAL,
    outcome,
    predicted_of,
    signs,
)
from agents.evaluation.predictions import Prediction, lines, mark_uncertified, predictions_of, records
from agents.evaluation.statistics import Estimate, Interval, estimate, interval_from
from agents.evaluation.verdict import Start, number, uncertified, unsettled, verdict
from agents.evaluation.verdict_tables import certificate_table, verdict_table
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
Report = dict[str, Any]  # as its JSON has it


def gather(results: list[dict[str, Any]]) -> dict[str, World]:
    """World -> policy -> metric -> mean and interval over seeds, from the jobs' results."""
    worlds: dict[str, World] = {}
    for name in dict.fromkeys(str(result["world"]) for result in results):
        runs = [result["evaluation"] for result in results if result["world"] == name]
        worlds[name] = {
            policy: {metric: estimate([number(run[policy][metric]) for run in runs]) for metric in RATES}
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
                party: estimate([number(run[who][party]) for run in runs]) for party in parties
            }
    return found


def by_path(results: list[dict[str, Any]]) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """World -> path -> results of its seeds; the first path is the one that is compared with theory."""
    found: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for result in results:
        found.setdefault(str(result["world"]), {}).setdefault(str(result.get("path", "")), []).append(result)
    return found


def write_report(
    run: Path,
    title: str,
    results: list[dict[str, Any]],
    theory: Mapping[str, str],
    command: str,
    certificates: Mapping[str, Mapping[str, list[dict[str, Any]]]] | None = None,
    thresholds: Mapping[str, Mapping[str, str]] | None = None,
) -> RenderableType:
    """Write ``report.json`` and ``table.txt`` into ``run`` and return the table for the screen.

    Args:
        run: the run folder.
        title: of the experiment.
        results: the finished jobs' ``result.json``, at least one.
        theory: world -> its scenario's prediction, for worlds other than Jervis's four.
        command: the command line that made the run.
        certificates: world -> path -> rows of :func:`agents.evaluation.certify.certificates`; worlds without any are
            marked.
        thresholds: world -> name -> what theory says of it before any training, in words.
    """
    report = report_of(title, results, theory, command, certificates or {}, thresholds or {})
    report["predictions"] = records(judge(report))
    write_json(run / "report.json", report)
    table = shown(report)
    write_text(run / "table.txt", as_text(table))
    return table


def report_of(
    title: str,
    results: list[dict[str, Any]],
    theory: Mapping[str, str],
    command: str,
    certificates: Mapping[str, Mapping[str, list[dict[str, Any]]]],
    thresholds: Mapping[str, Mapping[str, str]] | None = None,
) -> Report:
    """What was measured, and the outcome and the verdict of each world; without predictions."""
    paths = by_path(results)
    firsts = [result for world in paths.values() for result in next(iter(world.values()))]
    gained = returns(firsts)
    worlds: dict[str, Any] = {}
    for name, world in gather(firsts).items():
        runs = next(iter(paths[name].values()))
        starts = {path: start_of(each, certificates.get(name, {}).get(path, [])) for path, each in paths[name].items()}
        scenario = str(runs[0]["scenario"])
        worlds[name] = {
            "scenario": scenario,
            "overrides": runs[0].get("overrides", {}),
            "seeds": [run["seed"] for run in runs],
            "outcome": outcome_of(world["learned"]),
            "theory": predicted_of(scenario) or theory.get(name, ""),
            "thresholds": dict((thresholds or {}).get(name, {})),
            "starts": starts,
            "verdict": verdict_on(starts),
            **{policy: {m: asdict(e) for m, e in metrics.items()} for policy, metrics in world.items()},
            "returns": {w: {p: asdict(e) for p, e in g.items()} for w, g in gained.get(name, {}).items()},
        }
    return {
        "title": title,
        "command": command,
        "interval": "95% Student t over seeds; null with fewer than two seeds",
        "thresholds": {"spiral": SPIRAL, "arms_race": ARMS_RACE},
        "worlds": worlds,
    }


def start_of(runs: list[dict[str, Any]], certificates: list[dict[str, Any]]) -> dict[str, Any]:
    """What came of one path of a world, as the report has it."""
    learned = gather(runs)[str(runs[0]["world"])]["learned"]
    ends = [
        outcome(number(run["evaluation"]["learned"][ATTACKS]), number(run["evaluation"]["learned"][ARMS]))
        for run in runs
    ]
    reported = {metric: learned[metric] for metric, _, _ in COLUMNS}
    return {
        "seeds": [run["seed"] for run in runs],
        "outcomes": ends,
        "learned": {metric: asdict(value) for metric, value in learned.items()},
        "unsettled": unsettled(
            reported,
            [run.get("moved", {}) for run in runs],
            [run.get("errors", {}) for run in runs],
            {metric: places for metric, _, places in COLUMNS},
        ),
        "rounds": [[answer for answer in run.get("rounds", []) if answer["taken"]] for run in runs],
        "certificates": certificates,
        "uncertified": uncertified(certificates),
    }


def verdict_on(starts: Mapping[str, Mapping[str, Any]]) -> str:
    """The verdict on a world, by its ``starts`` as the report has them."""
    return verdict(
        {path: Start(each["outcomes"], each["unsettled"], each["uncertified"]) for path, each in starts.items()}
    )


def with_verdicts(report: Report) -> Report:
    """The report with its worlds' verdicts given anew, by what it says of their starts, where it says it."""
    worlds = {
        name: world | {"verdict": verdict_on(world["starts"])} if "starts" in world else world
        for name, world in report.get("worlds", {}).items()
    }
    return {**report, "worlds": worlds} if worlds else report


def judge(report: Report) -> list[Prediction]:
    """Theory's signs; worlds with different overrides are different experiments and compared apart."""
    groups: dict[str, dict[str, Mapping[str, Estimate]]] = {}
    for world in report["worlds"].values():
        overrides = ", ".join(f"{key} = {value}" for key, value in sorted(world["overrides"].items()))
        groups.setdefault(overrides, {})[Path(world["scenario"]).stem] = _estimates(world["learned"])
    found = [
        sign
        for overrides, worlds in groups.items()
        for sign in signs(worlds, f" with {overrides}" if overrides else "")
    ]
    marks = {
        Path(world["scenario"]).stem: mark for world in report["worlds"].values() if (mark := open_question(world))
    }
    return [_marked(sign, marks) for sign in found]


def open_question(world: Mapping[str, Any]) -> str:
    """Why no verdict may rest on a world's policies, "" if they settled and are certified."""
    starts = world.get("starts") or {}
    first = next(iter(starts.values()), None)
    return str((first["uncertified"] or first["unsettled"]) if first else uncertified([]))


def _marked(sign: Prediction, marks: Mapping[str, str]) -> Prediction:
    """A sign of theory with its mark, if a world of which it speaks is not certified."""
    spoken_of = [world for world in marks if re.search(rf"(?<![\w-]){re.escape(world)}(?![\w-])", sign.claim)]
    if not spoken_of:
        return sign
    reasons = "; ".join(f"{world}: {marks[world]}" for world in spoken_of)
    return mark_uncertified(sign, reasons)


def _estimates(data: Mapping[str, Any]) -> dict[str, Estimate]:
    """Estimates from their JSON."""
    return {name: cast("Estimate", interval_from(each)) for name, each in data.items()}


def as_text(shown: RenderableType) -> str:
    """What is printed, as plain text of at most ``WIDTH`` columns."""
    text = io.StringIO()
    console(file=text, width=WIDTH).print(Printable(shown))
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"


def outcome_of(metrics: Mapping[str, Interval]) -> str:
    """What one policy's play amounts to."""
    return outcome(metrics[ATTACKS].value, metrics[ARMS].value)


def shown(report: Report) -> RenderableType:
    """A report as a table with notes, theory's signs and returns below it."""
    worlds = {
        name: {policy: _estimates(world[policy]) for policy in POLICIES if policy in world}
        for name, world in report["worlds"].items()
    }
    theory = {name: str(world["theory"]) for name, world in report["worlds"].items()}
    gained = {
        name: {who: _estimates(parties) for who, parties in world["returns"].items()}
        for name, world in report["worlds"].items()
    }
    judged = predictions_of(report, str(report["title"]))
    marks = {name: open_question(world) for name, world in report["worlds"].items()}
    rows = {
        " from ".join(filter(None, (name, path))): start["certificates"]
        for name, world in report["worlds"].items()
        for path, start in (world.get("starts") or {}).items()
    }
    below = [certificate_table("what beats the learned policies", rows)] if any(rows.values()) else []
    above = (
        [verdict_table("verdicts", report["worlds"])] if all("verdict" in w for w in report["worlds"].values()) else []
    )
    return Group(
        *above,
        table(str(report["title"]), worlds, theory, marks),
        *below,
        *answered(report),
        *notes(worlds, theory, judged),
        *gains(gained),
    )


def table(
    title: str, worlds: Mapping[str, World], theory: Mapping[str, str], marks: Mapping[str, str] | None = None
) -> Table:
    """One row for each world and policy: the mean over seeds and below it half the interval.

    Args:
        title: of the table.
        worlds: what was measured.
        theory: world -> what theory predicts.
        marks: world -> why its policies are not certified, "" if they are.
    """
    shown = Table(title=title, box=box.SIMPLE_HEAD, show_lines=False, pad_edge=False)
    shown.add_column("world", no_wrap=True)
    for _, heading, _ in COLUMNS:
        shown.add_column(heading, justify="right", no_wrap=True)
    shown.add_column("outcome", max_width=15)
    shown.add_column("theory\npredicts", max_width=15)
    for name, world in worlds.items():
        for policy, metrics in world.items():
            learned = policy == "learned"
            shown.add_row(
                Text(name, style="bold") if learned else f"  {POLICIES[policy]}",
                *(cell(metrics[metric], decimals) for metric, _, decimals in COLUMNS),
                outcome_of(metrics) + ("\nnot certified" if marks and marks[name] else "") if learned else "",
                (theory[name] if theory[name] in OUTCOMES else "see below" if theory[name] else "-") if learned else "",
                end_section=policy == list(world)[-1],
                style="" if learned else "dim",
            )
    return shown


def cell(value: Interval, decimals: int) -> str:
    """A value and below it half its interval; a dash where there is no value."""
    if math.isnan(value.value):
        return "-"
    middle = f"{value.value:.{decimals}f}"
    return f"{middle}\n±{(value.high - value.low) / 2:.{decimals}f}" if value.known else middle


def notes(worlds: Mapping[str, World], theory: Mapping[str, str], judged: list[Prediction]) -> list[RenderableType]:
    """What stands below the table: what the numbers are, and the predictions."""
    seeds = max(len(world["learned"]["outcome/return"].values) for world in worlds.values())
    interval = f"± 95% t interval over {seeds} seeds" if seeds > 1 else "one seed: no interval"
    found: list[RenderableType] = [
        Text(
            f"{interval}. S-S: attacks of security seekers on one another, by ordered pair. Offence, defence: mean "
            "stock of a security seeker.\nAllied: share of pairs and turns. Reassurances: by security seeker and turn. "
            f"Welfare: a security seeker's return.\nOutcome: spiral from {SPIRAL} S-S attacks per pair-turn, "
            f"else arms race without war from {ARMS_RACE} arms, else cooperation.\nNot certified: something that was "
            f"tried beats these policies by more than {ALLOWED:.0%} of a type's return, or nothing was tried, or they "
            "had not settled: no verdict on the game rests on them (docs/evaluation.md)."
        )
    ]
    told = {name: words for name, words in theory.items() if words and words not in OUTCOMES}
    found += [Text(f"\n{name}: theory predicts: {words}") for name, words in told.items()]
    if judged:
        found += [Text("\nWhat theory predicts, and what was found:"), *lines(judged)]
    return found


def answered(report: Report) -> list[RenderableType]:
    """Which policies were beaten by responses, which then joined them."""
    found: list[RenderableType] = []
    for name, world in report["worlds"].items():
        for path, start in (world.get("starts") or {}).items():
            for seed, answers in zip(start["seeds"], start.get("rounds", []), strict=False):
                words = ", ".join(
                    f"{GREEDY if each['greedy'] else SEEKERS} by {each['gain'] / abs(each['own']):+.1%} "
                    f"(round {each['round']})"
                    for each in answers
                )
                if words:
                    where = " from ".join(filter(None, (name, path)))
                    found.append(Text(f"{where}, seed {seed}: responses beat the policy and joined it: {words}"))
    return found


def gains(gained: Mapping[str, World]) -> list[RenderableType]:
    """What each party gained, below the table."""
    found: list[RenderableType] = []
    for world, plays in gained.items():
        for who, parties in plays.items():
            words = ", ".join(f"{party} {cell(value, 2)}".replace("\n", " ") for party, value in parties.items())
            found.append(Text(f"\n{world}, {POLICIES[who]}: mean return of a state: {words}"))
    return found
