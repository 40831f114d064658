"""Running an experiment: from its file to the tidy table, the judged predictions and the picture."""

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

from agents.evaluation import predictions
from agents.evaluation.predictions import Prediction
from agents.evaluation.report import as_text, cell
from agents.evaluation.statistics import Estimate, Interval
from agents.evaluation.tables import frame_of
from agents.experiments import certificate, picture
from agents.experiments.judge import checks, judge, levels
from agents.experiments.language import Experiment, training_defaults
from agents.experiments.quantities import parts_of
from agents.experiments.work import GENERALIST, check, digest, inputs_of, train_and_measure, tried, units_of
from agents.files import read_table, write_json, write_text
from agents.work import described, held, identity_of, run_units, write_table
from sd_env.files import read_bounded

#: Files of a finished experiment in its folder.
CELLS, REPORT, TABLE, PICTURE = "cells", "report.json", "table.txt", "picture.png"
#: What a report has beside what made it.
FOUND: Final = ("expectations", "predictions", "cells", "generalist_against_own")
#: Measures that a table has side by side.
_SIDE_BY_SIDE: Final = 4


@dataclass(frozen=True)
class Result:
    """What an experiment found.

    Attributes:
        experiment: the experiment.
        frame: tidy: one row a cell, seed, condition and measure.
        predictions: its predictions, judged.
        levels: every measure in every cell, as :func:`agents.experiments.judge.levels` gives it.
        checks: the generalist against policies of the cells' own, as :func:`agents.experiments.judge.checks` gives it.
        report: all of it as plain data.
    """

    experiment: Experiment
    frame: pd.DataFrame
    predictions: list[Prediction]
    levels: list[dict[str, Any]]
    checks: list[dict[str, Any]]
    report: dict[str, Any]

    @property
    def shown(self) -> RenderableType:
        """All of it as a table for the screen."""
        title = Text(self.experiment.title, style="bold")
        return Group(title, table(self, self.predictions))


def run(experiment: Experiment, out: Path, *, workers: int = 0, fresh: bool = False, command: str = "") -> Result:
    """Run what of the experiment is not yet done, and leave everything in ``out``.

    ``out`` gets ``cells.csv`` (tidy), ``report.json``, ``table.txt``, ``picture.png``, ``policies/`` with the trained
    bundles and ``plays/`` with what was measured. The same call goes on where an earlier one was interrupted; one with
    other measures or predictions plays the policies that are there again.

    Args:
        experiment: the experiment.
        out: folder of its own.
        workers: processes; 0 is one a core.
        fresh: set aside what is in ``out``, and begin anew.
        command: what made it, for the report.

    Raises:
        ExperimentError: for an experiment that cannot be; nothing is created then.
        ConfigError: for a training run that cannot be; likewise.
        WorkError: for a folder of another experiment, or one that other rules, sources or versions made.
    """
    check(experiment)
    with held(out, identity_of(train_and_measure, {"experiment": experiment.name}, inputs_of(experiment)), fresh=fresh):
        return _run(experiment, out, workers, command)


def _run(experiment: Experiment, out: Path, workers: int, command: str) -> Result:
    started = time.monotonic()
    units = units_of(experiment, out)
    folder = out / "plays" / digest([unit.arguments for unit in units])
    frame = run_units(train_and_measure, units, folder, workers=workers, title=experiment.name)
    write_table(frame, out / CELLS)
    searched = certificate.certified(units, tried(experiment), out, workers)
    seconds = time.monotonic() - started + _before(out / REPORT)
    found = judged(experiment, frame, made(experiment, command, seconds) | {"certificates": searched})
    write_json(out / REPORT, found.report)
    write_text(out / TABLE, as_text(found.shown))
    picture.draw(experiment, found.levels, out / PICTURE)
    return found


def judged(experiment: Experiment, frame: pd.DataFrame, made: Mapping[str, Any]) -> Result:
    """The result of an experiment from its tidy table.

    Args:
        experiment: the experiment.
        frame: as :func:`run` leaves it, or :func:`read_cells` reads it.
        made: what made it, as :func:`made` gives it, and ``certificates`` of its policies, if something was tried.
    """
    found, cells, compared = judge(experiment, frame), levels(experiment, frame), checks(experiment, frame)
    if not experiment.scripted:
        found = certificate.marked(experiment, found, made.get("certificates"))
    report = {
        **made,
        "expectations": [wanted.model_dump(mode="json") for wanted in experiment.predictions],
        "predictions": predictions.records(found),
        "cells": [{**row, "estimate": asdict(row["estimate"])} for row in cells],
        "generalist_against_own": [
            {**row, **{side: asdict(row[side]) for side in ("generalist", "own", "difference")}} for row in compared
        ],
    }
    return Result(experiment, frame, found, cells, compared, report)


def read_cells(experiment: Experiment, path: Path) -> pd.DataFrame:
    """The tidy table that a run has left in a file, digit by digit; without a row if there is no such file."""
    if not path.exists():
        return pd.DataFrame(columns=[*experiment.grid, "policies", "seed", "given", "measure", "value", "episodes"])
    frame = read_table(path, dtype=dict.fromkeys(experiment.grid, str), keep_default_na=False)
    frame["value"] = pd.to_numeric(frame["value"].replace("", "nan"), errors="coerce")
    return frame


def _before(report: Path) -> float:
    """Seconds that earlier calls took, by the report that they left."""
    try:
        return float(json.loads(read_bounded(report))["seconds"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return 0.0


def made(experiment: Experiment, command: str, seconds: float) -> dict[str, Any]:
    """What made a result."""
    from agents.training.run import versions

    return {
        "name": experiment.name,
        "title": experiment.title,
        "rows": list(experiment.rows),
        "scenarios": sorted({cell.setup.scenario for cell in experiment.cells()}),
        "command": command,
        "seeds": list(experiment.seeds),
        "policies": "strategies"
        if experiment.scripted
        else "one generalist a seed"
        if experiment.generalist
        else "one a cell and seed",
        "machine": described(),
        "seconds": round(seconds, 1),
        "agent_steps": None
        if experiment.scripted
        else experiment.training.get("total_steps", training_defaults()["total_steps"]),
        "versions": versions(),
        "interval": "95% Student t over seeds",
        "design": design_of(experiment),
    }


def planned(experiment: Experiment) -> dict[str, Any]:
    """The same of an experiment that is not run yet."""
    never = {"machine": None, "seconds": None, "versions": None}
    return {**made(experiment, f"sd-env experiment {experiment.name}", 0.0), **never}


def design_of(experiment: Experiment) -> str:
    """A digest of what is played and who learns how, by the experiment's file: other numbers are no answer to it."""
    cells = [(cell.labels, cell.setup.model_dump(), cell.trained.model_dump()) for cell in experiment.cells()]
    played = [cells, experiment.cast, experiment.seeds, experiment.worlds, experiment.logs]
    return digest(played + [experiment.learners] * bool(experiment.learners))


def table(result: Result, judged: Sequence[Prediction]) -> RenderableType:
    """What varies, the predictions, and the measures in every cell."""
    experiment = result.experiment
    shown: list[RenderableType] = [Text(experiment.description.strip()), Text(""), *predictions.lines(judged)]
    shown += [Text(""), *_tables(experiment, result.levels)]
    shown.append(
        Text(
            f"± 95% t interval over {len(experiment.seeds)} seeds of {experiment.worlds} worlds each. "
            f"{who(experiment)}. A verdict is by the interval of the effect alone: one in twenty of such intervals "
            "misses its number by chance."
        )
    )
    if not experiment.scripted:
        tried = result.report.get("certificates")
        shown.append(Text(f"{certificate.held(tried, experiment.seeds[0])}: {certificate.told(tried)}."))
    for row in result.checks:
        where = ", ".join(f"{axis} = {row[axis]}" for axis in experiment.grid)
        shown.append(
            Text(
                f"Generalist against policies of the cell's own at {where}, {row['measure']}: "
                f"{row['generalist'].value:.4f} and {row['own'].value:.4f}, difference {_size(row['difference'])}"
            )
        )
    return Group(*shown)


def who(experiment: Experiment) -> str:
    """Who plays the cells: who learned where, and the cast beside them."""
    learners, only = " and ".join(experiment.learners), " and ".join(experiment.evaluation_only)
    shared = f", shared by those that differ in {only} alone" if only else ""
    plays = f"Each cell has {'a policy' if learners else 'policies'} of its own{shared}"
    if experiment.generalist:
        plays = "One generalist a seed plays all cells"
    if not experiment.cast:
        return plays
    specs: dict[str, list[str]] = {}
    for each in experiment.cells():
        for state, spec in each.setup.cast.items():
            specs.setdefault(state, []).append(spec)
    said = {state: found[0] if len(set(found)) == 1 else "as the cell says" for state, found in specs.items()}
    beside = f"{plays} for {learners}, beside " if learners else "Nobody learns: "
    return beside + ", ".join(f"{state}: {spec}" for state, spec in said.items())


def _tables(experiment: Experiment, cells: Sequence[Mapping[str, Any]]) -> list[RenderableType]:
    """Every measure in every cell, as many measures side by side as fit on a page."""
    axes, measures = list(experiment.grid), list(dict.fromkeys((row["given"], row["measure"]) for row in cells))
    values = {
        (*(row[a] for a in axes), row["policies"], row["given"], row["measure"]): row["estimate"] for row in cells
    }
    keys = dict.fromkeys((*(row[a] for a in axes), row["policies"]) for row in cells)
    found: list[RenderableType] = []
    for first in range(0, len(measures), _SIDE_BY_SIDE):
        some = measures[first : first + _SIDE_BY_SIDE]
        shown = frame_of("", " x ".join(axes), [("", _heading(given, measure), 4) for given, measure in some])
        for key in keys:
            own = experiment.generalist is not None and key[-1] != GENERALIST
            name = ", ".join(key[:-1]) + f" ({key[-1]})" * own
            shown.add_row(Text(name), *(_cell(values.get((*key, *measure))) for measure in some))
        found.append(shown)
    return found


def _heading(given: str, measure: str) -> str:
    parts = " -\n".join(parts_of(measure)) if len(measure) > 24 else measure
    return parts + (f"\n({given})" if given else "")


def _size(effect: Interval) -> str:
    return predictions.size(effect.value, (effect.low, effect.high) if effect.known else None)


def _cell(value: Estimate | None) -> str:
    return "-" if value is None else cell(value, 4)
