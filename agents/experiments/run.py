"""Running an experiment: from its file to the tidy table, the verdicts and the picture."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd
from rich.console import Group, RenderableType
from rich.text import Text

from agents.evaluation.report import as_text, cell
from agents.evaluation.statistics import Estimate, Interval
from agents.evaluation.tables import frame_of
from agents.evaluation.verdict import OUTCOME_STYLES
from agents.experiments import picture
from agents.experiments.judge import Judgement, checks, judge, levels
from agents.experiments.language import Study, given_name, training_defaults
from agents.experiments.quantities import parts_of
from agents.experiments.work import GENERALIST, check, digest, inputs_of, train_and_measure, units_of
from agents.files import write_json, write_text
from agents.machine import described
from agents.work import held, identity_of, run_units, write_table

#: Files of a finished experiment in its folder.
CELLS, REPORT, TABLE, PICTURE = "cells", "report.json", "table.txt", "picture.png"
#: Measures that a table has side by side.
_SIDE_BY_SIDE: Final = 4


@dataclass(frozen=True)
class Result:
    """What an experiment found.

    Attributes:
        study: the experiment.
        frame: tidy: one row a cell, seed, condition and measure.
        judged: its predictions with verdicts.
        report: all of it as plain data.
        shown: all of it as a table for the screen.
    """

    study: Study
    frame: pd.DataFrame
    judged: list[Judgement]
    report: dict[str, Any]
    shown: RenderableType


def run(study: Study, out: Path, *, workers: int = 0, fresh: bool = False, command: str = "") -> Result:
    """Run what of the experiment is not yet done, and leave everything in ``out``.

    ``out`` gets ``cells.csv`` (tidy), ``report.json``, ``table.txt``, ``picture.png``, ``policies/`` with the trained
    bundles and ``plays/`` with what was measured. The same call goes on where an earlier one was interrupted; one with
    other measures or predictions plays the policies that are there again.

    Args:
        study: the experiment.
        out: folder of its own.
        workers: processes; 0 is one a core.
        fresh: set aside what is in ``out``, and begin anew.
        command: what made it, for the report.

    Raises:
        StudyError: for an experiment that cannot be; nothing is created then.
        ConfigError: for a training run that cannot be; likewise.
        WorkError: for a folder of another experiment, or one that other rules, sources or versions made.
    """
    check(study)
    with held(out, identity_of(train_and_measure, {"experiment": study.name}, inputs_of(study)), fresh=fresh):
        return _run(study, out, workers, command)


def _run(study: Study, out: Path, workers: int, command: str) -> Result:
    started = time.monotonic()
    units = units_of(study, out)
    folder = out / "plays" / digest([unit.arguments for unit in units])
    frame = run_units(train_and_measure, units, folder, workers=workers, title=study.name)
    write_table(frame, out / CELLS)
    seconds = time.monotonic() - started + _before(out / REPORT)
    judged, cells = judge(study, frame), levels(study, frame)
    compared = checks(study, frame)
    report = {
        **made(study, command, seconds),
        "predictions": [
            {**each.prediction.model_dump(mode="json"), "effect": asdict(each.effect), "verdict": each.verdict}
            for each in judged
        ],
        "cells": [{**row, "estimate": asdict(row["estimate"])} for row in cells],
        "generalist_against_own": [
            {**row, **{side: asdict(row[side]) for side in ("generalist", "own", "difference")}} for row in compared
        ],
    }
    shown = table(study, judged, cells, compared)
    write_json(out / REPORT, report)
    write_text(out / TABLE, as_text(shown))
    picture.draw(study, cells, out / PICTURE)
    return Result(study, frame, judged, report, shown)


def _before(report: Path) -> float:
    """Seconds that earlier calls took, by the report that they left."""
    try:
        return float(json.loads(report.read_text(encoding="utf-8"))["seconds"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0.0


def made(study: Study, command: str, seconds: float) -> dict[str, Any]:
    """What made a result."""
    from agents.training.run import versions

    return {
        "name": study.name,
        "title": study.title,
        "rows": list(study.rows),
        "scenarios": sorted({cell.setup.scenario for cell in study.cells()}),
        "command": command,
        "seeds": list(study.seeds),
        "policies": "strategies"
        if study.cast
        else "one generalist a seed"
        if study.generalist
        else "one a cell and seed",
        "machine": described(),
        "seconds": round(seconds, 1),
        "agent_steps": study.training.get("total_steps", training_defaults()["total_steps"]),
        "versions": versions(),
        "interval": "95% Student t over seeds",
    }


def table(
    study: Study, judged: Sequence[Judgement], cells: Sequence[Mapping[str, Any]], compared: Sequence[Mapping[str, Any]]
) -> RenderableType:
    """The verdicts, then the measures in every cell."""
    lines: list[RenderableType] = [Text(study.title, style="bold"), Text(study.description.strip()), Text("")]
    for each in judged:
        wanted = each.prediction
        beyond = f", beyond {wanted.margin:g}" if wanted.margin else ""
        effect = f"{wanted.measure}{_condition(each)} {wanted.expect}{beyond}; effect {_interval(each.effect)}"
        lines.append(
            Text.assemble(
                "  ", (f"{each.verdict:<13}", OUTCOME_STYLES[each.verdict]), f"{wanted.claim}\n{'':15}({effect})"
            )
        )
    lines += [Text(""), *_tables(study, cells)]
    how = "One generalist a seed plays all cells" if study.generalist else "Each cell has policies of its own"
    if study.cast:
        how = "Nobody learns: " + ", ".join(f"{state}: {spec}" for state, spec in study.cast.items())
    lines.append(
        Text(
            f"± 95% t interval over {len(study.seeds)} seeds of {study.worlds} worlds each. {how}. A verdict is by the "
            "interval of the effect alone: one in twenty of such intervals misses its number by chance."
        )
    )
    for row in compared:
        where = ", ".join(f"{axis} = {row[axis]}" for axis in study.grid)
        lines.append(
            Text(
                f"Generalist against policies of the cell's own at {where}, {row['measure']}: "
                f"{row['generalist'].mean:.4f} and {row['own'].mean:.4f}, difference {_interval(row['difference'])}"
            )
        )
    return Group(*lines)


def _tables(study: Study, cells: Sequence[Mapping[str, Any]]) -> list[RenderableType]:
    """Every measure in every cell, as many measures side by side as fit on a page."""
    axes, measures = list(study.grid), list(dict.fromkeys((row["given"], row["measure"]) for row in cells))
    values = {
        (*(row[a] for a in axes), row["policies"], row["given"], row["measure"]): row["estimate"] for row in cells
    }
    keys = dict.fromkeys((*(row[a] for a in axes), row["policies"]) for row in cells)
    found: list[RenderableType] = []
    for first in range(0, len(measures), _SIDE_BY_SIDE):
        some = measures[first : first + _SIDE_BY_SIDE]
        shown = frame_of("", " x ".join(axes), [("", _heading(given, measure), 4) for given, measure in some])
        for key in keys:
            own = study.generalist is not None and key[-1] != GENERALIST
            name = ", ".join(key[:-1]) + f" ({key[-1]})" * own
            shown.add_row(Text(name), *(_cell(values.get((*key, *measure))) for measure in some))
        found.append(shown)
    return found


def _condition(each: Judgement) -> str:
    given = given_name(each.prediction.given)
    return f" given {given}" if given else ""


def _heading(given: str, measure: str) -> str:
    parts = " -\n".join(parts_of(measure)) if len(measure) > 24 else measure
    return parts + (f"\n({given})" if given else "")


def _interval(value: Estimate | Interval) -> str:
    middle = value.mean if isinstance(value, Estimate) else value.value
    return f"{middle:+.4f}" + (f" [{value.low:+.4f}, {value.high:+.4f}]" if value.known else "")


def _cell(value: Estimate | None) -> str:
    return "-" if value is None else cell(value, 4)
