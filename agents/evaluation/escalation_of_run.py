"""The escalation of a run's final policies: a row each, nulls beside, small enough for a report of minutes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

import pandas as pd
from rich.console import Group, RenderableType
from rich.text import Text

from agents.evaluation.escalation import escalation
from agents.evaluation.tables import frame_of, interval
from agents.training.config import TrainingConfig
from agents.training.job import Job
from agents.work import WorkError, write_table

#: Intervention, measure and heading of each column.
_COLUMNS: Final = (
    ("defense", "multiplier", "M, shields"),
    ("offense", "multiplier", "M, swords"),
    ("offense", "war elasticity", "η, swords"),
    ("mobilize", "war elasticity", "η, mobilizing"),
    ("belief", "fear fraction", "Φ"),
)


def escalation_of_run(config: TrainingConfig, run: Path, done: list[Job]) -> RenderableType | None:
    """Measure and show what arms and deeds do among the final policies of finished jobs.

    All numbers are left in ``run/escalation.csv``. None where several parties learn: these measures are of one policy
    in all seats.

    Args:
        config: of the run.
        run: its folder.
        done: its finished jobs.
    """
    if config.population.mode != "shared":
        return None
    tables, lacking = [], []
    for name in dict.fromkeys(job.choice.name for job in done):
        jobs = [job for job in done if job.choice.name == name]
        try:
            found = escalation(
                [str(path) for job in jobs for path in job.bundles().values()],
                jobs[0].scenario(),
                seeds=[config.evaluation.seed],
                worlds=config.evaluation.worlds,
                workers=config.workers,
            )
        except WorkError as error:  # nobody to compare
            lacking.append(str(error))
        else:
            tables.append(found.assign(world=name))
    if tables:
        write_table(pd.concat(tables, ignore_index=True), run / "escalation")
    return shown(tables, lacking)


def shown(tables: list[pd.DataFrame], lacking: list[str]) -> RenderableType:
    """One row a policy: each measure at the window's end, and below it its two nulls.

    Args:
        tables: of worlds, as of :func:`agents.evaluation.escalation.escalation`, with the column ``world``.
        lacking: sentences on worlds without one.
    """
    table = frame_of("Escalation, by experiment", "policy", [("", heading, 0) for *_, heading in _COLUMNS])
    for found in tables:
        rows = found[found["h"] == found["h"].max()].set_index(["policy", "do", "measure"])
        for policy in dict.fromkeys(found["policy"]):
            cells = []
            for do, measure, _ in _COLUMNS:
                row = rows.loc[(policy, do, measure)]
                value = interval(*(float(row[key]) for key in ("value", "low", "high")), decimals=2)
                nulls = (
                    interval(float(row[key]), math.nan, math.nan, decimals=2) for key in ("swapped", "never_attack")
                )
                cells.append(f"{value}\n{', '.join(nulls)}")
            world = str(found["world"].iloc[0])
            table.add_row(str(policy) if world in str(policy) else f"{world}, {policy}", *cells)
    words = (
        "On turn 1 a security seeker is given arms, or mobilizes. M: what that comes to in its own arms, by what it "
        "comes to with the other's arming frozen. η: by how much war becomes likelier, by arms or deed. Φ: share of "
        "wars that trust would have spared. 95% intervals over worlds; below them the same with rivals swapped, and of "
        "never-attack, where M is 1 and the rest 0. A dash: not defined here (sd-env escalation says why)."
    )
    return Group(table, *map(Text, lacking), Text(words))
