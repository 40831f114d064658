"""What experiments leave in docs/results/experiments/: for each a text, numbers, a tidy table, a picture; an index."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from agents.evaluation.predictions import CONTRADICTED, counted, counts, details, predictions_of, quoted, sentence
from agents.experiments import picture
from agents.experiments.judge import levels
from agents.experiments.language import experiments, load_experiment
from agents.experiments.run import CELLS, FOUND, PICTURE, Result, design_of, judged, planned, read_cells, run, table
from agents.experiments.work import smoke_sized
from agents.files import copy_whole, write_json, write_text
from agents.publish import results

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
    "Arms race of the doubly dangerous world",
    "Aggression at some future time",
    "Value of warning",
    "Useful development",
    "Regulators of the dilemma",
    "Fear, anarchy and technology",
    "Nuclear race",
    "Defensive approach",
    "Signals that are safe under defence",
    "Hegemony",
    "Allying with the stronger against an enemy",
    "Bandwagoning",
    "Leaders whose perceptions differ",
    "Value of force and value of peace",
    "First-strike perceptions after a backfire",
    "Snyder's second reason",
    "Power for survival",
    "Security regimes",
)
INDEX: Final = "index.json"
PAGE: Final = "README.md"
#: The folder of tables of designs that experiments no longer have.
SUPERSEDED: Final = "superseded"
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
    for name in names or experiments():
        experiment = load_experiment(name)
        sized = smoke_sized(experiment) if smoke else experiment
        results.check_marks(
            out, name, {each.claim for each in experiment.predictions}
        )  # before the hours that a run takes
        result = run(sized, runs / name, fresh=fresh, command=f"sd-env experiment {name}")
        publish(result, out)
        copy_whole(runs / name / f"{CELLS}.csv", out / f"{name}.csv")
        copy_whole(runs / name / PICTURE, out / f"{name}.png")
    write_index(out)


def publish(result: Result, out: Path) -> None:
    """Write what a run found into ``out``: ``NAME.txt`` and ``.json``, with the marks that they have there."""
    name = result.experiment.name
    report = results.judged(result.report, result.predictions, out, name)
    shown = table(result, predictions_of(report, name))
    results.write(out, name, report, shown)


def judge_again(out: Path) -> None:
    """Judge what is published in ``out`` again, from its tidy tables, by the experiments as they stand now.

    What is predicted beyond the tables is not run yet.

    Raises:
        ResultError: for a table of another design than the experiment has now.
    """
    for name in experiments():
        experiment = load_experiment(name)
        frame = read_cells(experiment, out / f"{name}.csv")
        report = results.read(out, name) if len(frame) else planned(experiment)
        about = {key: value for key, value in report.items() if key not in (*FOUND, "status")}
        if about.get("design", design_of(experiment)) != design_of(experiment):
            raise results.ResultError(f"{out / name}.csv is of another design; move it to {SUPERSEDED}, or run anew.")
        publish(judged(experiment, frame, about | {"rows": list(experiment.rows), "title": experiment.title}), out)
    write_index(out)


def draw_again(out: Path) -> None:
    """Draw the pictures of what is published in ``out`` again, from its tidy tables."""
    for name in experiments():
        experiment = load_experiment(name)
        frame = read_cells(experiment, out / f"{name}.csv")
        if len(frame):
            with TemporaryDirectory() as folder:  # the SVG beside it is not published
                picture.draw(experiment, levels(experiment, frame), Path(folder) / PICTURE)
                copy_whole(Path(folder) / PICTURE, out / f"{name}.png")


def write_index(out: Path) -> None:
    """Write ``index.json`` and ``README.md`` from the reports that are in ``out``."""
    names = sorted(path.stem for path in out.glob("*.json") if path.name != INDEX)
    reports = [results.read(out, name) for name in names]
    write_json(
        out / INDEX,
        [
            {
                "name": report["name"],
                "title": report["title"],
                "rows": report["rows"],
                "scenarios": report["scenarios"],
                "picture": f"{report['name']}.png" if _is_run(report) else None,
                "text": f"{report['name']}.txt",
                "predictions": report["predictions"],
            }
            for report in reports
        ],
    )
    write_text(out / PAGE, page(reports))


def _is_run(report: Mapping[str, Any]) -> bool:
    return report.get("versions", {}) is not None


def page(reports: Sequence[Mapping[str, Any]]) -> str:
    """The page of all predictions: by concept, then what was found of each, contradictions first of all."""
    found = {str(report["name"]): predictions_of(report, str(report["name"])) for report in reports}
    every = list(itertools.chain.from_iterable(found.values()))
    words = list(counts(every))
    lines = [
        "# Predictions and verdicts",
        "",
        f"Made by `{_COMMAND}` from the reports in this folder; how to read a verdict is in "
        "[experiments](../../experiments.md).",
        "",
        f"{len(reports)} experiments, {len(every)} predictions: {counted(every)}.",
        "",
        "**Rederived** are predictions of before that did not follow from the theory or were not measured by what was "
        "measured; what is predicted now stands beside them. Their numbers stay in the reports and, where the design "
        f"is another now, in `{SUPERSEDED}/`. **Not run** is what was predicted since and awaits its run. "
        "**Uncertified** is what was found of policies that something which was tried beats by more than 2% of a "
        "type's return, or may, or against which nothing was tried: it says what these learners did, and not yet what "
        "the game does; whether it came out as predicted stands beside it.",
        "",
        "## By concept",
        "",
        f"| concept | experiments | {' | '.join(words)} |",
        "|---" * (2 + len(words)) + "|",
    ]
    for concept in CONCEPTS:
        names = [str(report["name"]) for report in reports if concept in report["rows"]]
        links = ", ".join(f"[{name}](#{name})" for name in names)
        own = counts(each for name in names for each in found[name])
        numbers = " | ".join(str(own.get(word, 0)) for word in words)
        lines.append(f"| {concept} | {links or '-'} | {numbers} |")
    lines += ["", "## Contradicted", ""]
    against = [
        f"- {each.claim} ([{name}](#{name}), {details(each, code=quoted)})"
        for name, own_predictions in found.items()
        for each in own_predictions
        if each.word == CONTRADICTED
    ]
    lines += [*(against or ["None."]), "", "## All experiments", ""]
    order = [CONTRADICTED, *(word for word in words if word != CONTRADICTED)]
    for report in reports:
        name, title = str(report["name"]), report["title"]
        lines += [f"### {name}", "", f"{title} ([table]({name}.txt))", ""]
        lines += [
            f"- **{each.word}**: {sentence(each, code=quoted)}"
            for each in sorted(found[name], key=lambda each: order.index(each.word))
        ]
        lines += ["", f"![{title}]({name}.png)", ""] if _is_run(report) else [""]
    return "\n".join(lines)
