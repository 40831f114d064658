"""What experiments leave in docs/results/experiments/: for each a text, numbers, a tidy table, a picture; an index."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from agents.evaluation.report import as_text
from agents.evaluation.verdict import OUTCOMES
from agents.experiments.language import Study, load_study, studies
from agents.experiments.run import CELLS, PICTURE, REPORT, Result, run
from agents.experiments.work import smoke_sized
from agents.files import copy_whole, write_json, write_text

#: The concepts of the field, a row each of the table of theory that the experiments check.
CONCEPTS: Final = (
    "Offence–defence balance",
    "Technology, geography",
    "Distinguishability",
    "Net assessment",
    "Four worlds",
    "Spiral model",
    "Deterrence model",
    "Preventive war",
    "Preemptive war",
    "Arms race",
    "Alliance reasons 1, 2",
    "Abandonment / entrapment",
    "Chain-ganging",
    "Buck-passing",
    "Direct, extended, immediate deterrence",
    "Deterrence backfires",
    "Defensive realism",
    "Offensive realism",
    "Balancing by the weak",
    "Fear (psychological regulator)",
    "Anarchy",
    "Worst-case assumptions",
    "Social construction",
    "Ontological security",
    "Components of the dilemma",
)
INDEX: Final = "index.json"
PAGE: Final = "README.md"
_COMMAND: Final = "python -m agents.publish.science --only experiments"


def publish_all(out: Path, runs: Path, smoke: bool, names: Sequence[str] | None = None, *, fresh: bool = False) -> None:
    """Run experiments and publish them.

    Args:
        out: folder of the published files.
        runs: folder of the runs, one each, which are taken up where they ended.
        smoke: smoke-sized.
        names: which; default all of the project's.
        fresh: set aside what is in the runs' folders, and begin anew.
    """
    for name in names or studies():
        study = load_study(name)
        sized = smoke_sized(study) if smoke else study
        result = run(sized, runs / name, fresh=fresh, command=f"sd-env experiment {name}")
        publish(result, runs / name, out)
        print(
            f"{name}: {', '.join(f'{n} {verdict}' for verdict, n in verdicts(result.report).items() if n)}", flush=True
        )
    write_index(out)


def publish(result: Result, folder: Path, out: Path) -> None:
    """Copy what a run found into ``out``: ``NAME.txt``, ``.json``, ``.csv`` and ``.png``."""
    out.mkdir(parents=True, exist_ok=True)
    name = result.study.name
    text = as_text(result.shown).removeprefix(f"{result.study.title}\n")  # the heading has it
    write_text(out / f"{name}.txt", heading(result.study, result.report) + text)
    copy_whole(folder / REPORT, out / f"{name}.json")
    copy_whole(folder / f"{CELLS}.csv", out / f"{name}.csv")
    copy_whole(folder / PICTURE, out / f"{name}.png")


def heading(study: Study, report: Mapping[str, Any]) -> str:
    """What made a result."""
    versions = report["versions"]
    steps = "" if study.cast else f"    agent-steps a training: {report['agent_steps']:,}"
    return (
        f"{study.title}\n\nCommand: {report['command']}    seeds: {report['seeds']}{steps}\n"
        f"Machine: {report['machine']}; {report['seconds'] / 60:.1f} minutes; Python {versions['python']}, "
        f"torch {versions['torch']}, stable-baselines3 {versions['stable-baselines3']}\n\n"
    )


def verdicts(report: Mapping[str, Any]) -> dict[str, int]:
    """How many predictions of a report have which verdict."""
    found = [each["verdict"] for each in report["predictions"]]
    return {verdict: found.count(verdict) for verdict in OUTCOMES}


def write_index(out: Path) -> None:
    """Write ``index.json`` and ``README.md`` from the reports that are in ``out``."""
    reports = [
        json.loads(path.read_text(encoding="utf-8")) for path in sorted(out.glob("*.json")) if path.name != INDEX
    ]
    write_json(
        out / INDEX,
        [
            {
                "name": report["name"],
                "title": report["title"],
                "rows": report["rows"],
                "scenarios": report["scenarios"],
                "picture": f"{report['name']}.png",
                "text": f"{report['name']}.txt",
                "claims": [
                    {
                        "claim": each["claim"],
                        "measure": each["measure"],
                        "verdict": each["verdict"],
                        "effect": {key: each["effect"][key] for key in ("mean", "low", "high")},
                    }
                    for each in report["predictions"]
                ],
            }
            for report in reports
        ],
    )
    write_text(out / PAGE, page(reports))


def page(reports: Sequence[Mapping[str, Any]]) -> str:
    """The page of all predictions: by concept, then what was found of each, contradictions first of all."""
    total = {verdict: sum(verdicts(report)[verdict] for report in reports) for verdict in _ORDER}
    lines = [
        "# Predictions and verdicts",
        "",
        f"Made by `{_COMMAND}` from the reports in this folder; how to read a verdict is in "
        "[experiments](../../experiments.md).",
        "",
        f"{len(reports)} experiments, {sum(total.values())} predictions: "
        + ", ".join(f"{total[verdict]} {verdict}" for verdict in OUTCOMES)
        + ".",
        "",
        "## By concept",
        "",
        "| concept | experiments | supported | contradicted | undecided |",
        "|---|---|---|---|---|",
    ]
    for concept in CONCEPTS:
        own = [report for report in reports if concept in report["rows"]]
        links = ", ".join(f"[{report['name']}](#{report['name']})" for report in own)
        counts = " | ".join(str(sum(verdicts(r)[v] for r in own)) for v in OUTCOMES)
        lines.append(f"| {concept} | {links or '-'} | {counts} |")
    lines += ["", "## Contradicted", ""]
    against = [
        f"- {each['claim']} ([{report['name']}](#{report['name']}), {effect_words(each)})"
        for report in reports
        for each in report["predictions"]
        if each["verdict"] == "contradicted"
    ]
    lines += [*(against or ["None."]), "", "## All experiments", ""]
    for report in reports:
        lines += [f"### {report['name']}", "", f"{report['title']} ([table]({report['name']}.txt))", ""]
        lines += [
            f"- **{each['verdict']}**: {each['claim']} ({effect_words(each)})"
            for each in sorted(report["predictions"], key=lambda each: _ORDER.index(each["verdict"]))
        ]
        lines += ["", f"![{report['title']}]({report['name']}.png)", ""]
    return "\n".join(lines)


_ORDER: Final = ("contradicted", "supported", "undecided")


def effect_words(prediction: Mapping[str, Any]) -> str:
    """A prediction's measure and effect with its interval."""
    effect = prediction["effect"]
    if effect["mean"] is None:
        return f"`{prediction['measure']}`: no case"
    known = effect["low"] is not None
    interval = f" [{effect['low']:+.4f}, {effect['high']:+.4f}]" if known else ""
    return f"`{prediction['measure']}`: {effect['mean']:+.4f}{interval}"
