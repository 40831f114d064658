"""How a run's jobs stand while they train: read from what they write, as one compact table or a few words."""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich import box
from rich.table import Table
from rich.text import Text

#: The metrics of a job's curves that are shown.
ATTACKS, ARMS = "outcome/ss_attacks", "arms/s_total"
#: Bytes at the end of a file of curves, in which its last row is.
_TAIL: Final = 65_536
_WAITING, _LEARNING, _DONE = "waiting", "learning", "done"


@dataclass
class _Job:
    """What is known of a job: nan where nothing is."""

    folder: Path
    stage: str = _WAITING
    steps: float = math.nan
    attacks: float = math.nan
    arms: float = math.nan
    gap: float = math.nan


class Watch:
    """How the jobs of a run stand.

    Args:
        folders: job -> its folder, in the order of the table.
        outcome: what attacks and arms amount to, in a word (:func:`agents.evaluation.outcome.outcome`).
    """

    def __init__(self, folders: Mapping[str, Path], outcome: Callable[[float, float], str]) -> None:
        self._jobs = {name: _Job(folder) for name, folder in folders.items()}
        self._outcome = outcome

    def learned(self, name: str) -> None:
        """A job has ended a rollout: its curves have a new row."""
        job = self._jobs[name]
        job.stage = _LEARNING
        row = last_row(job.folder / "progress.csv")
        job.steps, job.attacks, job.arms = (row.get(key, math.nan) for key in ("time/total_timesteps", ATTACKS, ARMS))

    def finished(self, name: str) -> None:
        """A job is done: its result says what responses have gained in its last round, if it had any."""
        self.learned(name)
        job = self._jobs[name]
        job.stage, job.gap = _DONE, gap_of(job.folder / "result.json")

    def table(self) -> Table:
        """A row a job that has begun; those that wait are counted."""
        shown = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for heading in ("job", "agent-steps", "S-S attacks", "arms", "gap", "verdict so far"):
            shown.add_column(heading, justify="left" if heading in ("job", "verdict so far") else "right", no_wrap=True)
        for name, job in self._jobs.items():
            if job.stage != _WAITING:
                steps = "-" if math.isnan(job.steps) else f"{job.steps:,.0f}"
                gap = "-" if math.isnan(job.gap) else f"{job.gap:.1%}"
                shown.add_row(Text(name), steps, _plain(job.attacks, 4), _plain(job.arms, 2), gap, self._verdict(job))
        waiting = sum(job.stage == _WAITING for job in self._jobs.values())
        shown.caption = f"{waiting} more wait; certificates come after" if waiting else "certificates come after"
        return shown

    def words(self) -> str:
        """The same in a few words, "" before anything is known."""
        begun = [job for job in self._jobs.values() if not math.isnan(job.attacks)]
        if not begun:
            return ""
        found = Counter(filter(None, (self._outcome(job.attacks, job.arms) for job in begun)))
        return "so far " + ", ".join(f"{name} in {count}" for name, count in found.most_common()) if found else ""

    def _verdict(self, job: _Job) -> str:
        if math.isnan(job.attacks):
            return "-"
        word = self._outcome(job.attacks, job.arms)
        return f"{word}, not certified" if job.stage == _DONE else f"{word} at present"


def last_row(path: Path) -> dict[str, float]:
    """The last whole row of a ``progress.csv``, empty if there is none yet."""
    try:
        with path.open("rb") as file:
            header = file.readline().decode()
            file.seek(max(len(header), os.fstat(file.fileno()).st_size - _TAIL))
            rows = file.read().decode(errors="replace").splitlines(keepends=True)
        whole = [row for row in rows if row.endswith("\n")]
        names, values = (next(csv.reader(io.StringIO(text))) for text in (header, whole[-1]))
        return {name: float(value) for name, value in zip(names, values, strict=True) if value}
    except (OSError, ValueError, IndexError, StopIteration, csv.Error):
        return {}


def gap_of(path: Path) -> float:
    """By what share of a type's return the best response of a job's last round beat its policy; NaN without rounds."""
    try:
        rounds: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["rounds"]
        last = max(each["round"] for each in rounds)
        return max(float(each["gain"]) / abs(float(each["own"])) for each in rounds if each["round"] == last)
    except (OSError, ValueError, KeyError, TypeError, ArithmeticError, RecursionError):
        return math.nan


def _plain(value: float, places: int) -> str:
    return "-" if math.isnan(value) else f"{value:.{places}f}"
