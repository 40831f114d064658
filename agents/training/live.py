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
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from sd_env.files import read_bounded

#: The metrics of a job's curves that are shown.
ATTACKS, ARMS = "outcome/ss_attacks", "arms/s_total"
#: Columns that a job's name has at least: a world of the catalogue in one piece.
_LEAST: Final = 16
#: Bytes at the end of a file of curves, in which its last row is.
_TAIL: Final = 65_536
_WAITING, _LEARNING, _IN_ROUNDS, _DONE = "waiting", "learning", "in rounds of responses", "done"
#: The table of what the rounds of a job have found so far, in its folder.
ROUNDS: Final = "rounds.csv"


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
        certified: whether policies are certified when all have learned.
    """

    def __init__(
        self, folders: Mapping[str, Path], outcome: Callable[[float, float], str], *, certified: bool = False
    ) -> None:
        self._jobs = {name: _Job(folder) for name, folder in folders.items()}
        self._outcome, self._certified = outcome, certified

    def learned(self, name: str) -> None:
        """A job has ended a rollout, so that its curves have a new row, or a round of responses."""
        job = self._jobs[name]
        job.gap = gap_so_far(job.folder / ROUNDS)
        job.stage = _LEARNING if math.isnan(job.gap) else _IN_ROUNDS
        last = last_values(job.folder / "progress.csv")
        job.steps, job.attacks, job.arms = (last.get(key, math.nan) for key in ("time/total_timesteps", ATTACKS, ARMS))

    def finished(self, name: str) -> None:
        """A job is done: its result says what responses have gained in its last round, if it had any."""
        self.learned(name)
        job = self._jobs[name]
        job.stage, job.gap = _DONE, gap_of(job.folder / "result.json")

    def table(self) -> RenderableType:
        """A row a job that has begun, within the 80 columns of a terminal; how many are where stands below."""
        shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
        shown.add_column("job", overflow="fold", min_width=_LEAST)
        for heading in ("agent-\nsteps", "S-S\nattacks", "arms", "gap"):
            shown.add_column(heading, justify="right", no_wrap=True)
        shown.add_column("so far", min_width=11)
        for name, job in self._jobs.items():
            if job.stage != _WAITING:
                steps = "-" if math.isnan(job.steps) else f"{job.steps:,.0f}"
                gap = "-" if math.isnan(job.gap) else f"{job.gap:.1%}"
                words = Text(name.replace("__", " "))  # so that a narrow column breaks it where its parts meet
                shown.add_row(words, steps, _plain(job.attacks, 4), _plain(job.arms, 2), gap, self._verdict(job))
        count = Counter(job.stage for job in self._jobs.values())
        order = (_LEARNING, _IN_ROUNDS, _DONE, _WAITING)
        stages = ", ".join(f"{count[stage]} {stage}" for stage in order if count[stage])
        shown.caption = f"{stages}; certificates come after" if self._certified else stages
        return shown if shown.row_count else Text(shown.caption)

    def words(self) -> str:
        """The same in a few words, "" before anything is known."""
        begun = [job for job in self._jobs.values() if not math.isnan(job.attacks)]
        if not begun:
            return ""
        found = Counter(filter(None, (self._outcome(job.attacks, job.arms) for job in begun)))
        said = ["so far " + ", ".join(f"{name} in {count}" for name, count in found.most_common())] if found else []
        in_rounds = [job.gap for job in begun if job.stage == _IN_ROUNDS]
        if in_rounds:
            most = max(in_rounds)
            said.append(f"{len(in_rounds)} {_IN_ROUNDS}, whose last gained {most:.1%} at most")
        return "; ".join(said)

    def _verdict(self, job: _Job) -> str:
        return "-" if math.isnan(job.attacks) else self._outcome(job.attacks, job.arms) or "-"


def last_values(path: Path) -> dict[str, float]:
    """The last value of each column of a ``progress.csv``, of whole rows alone; empty if there is none yet.

    Not every row has all of them: what is told of episodes stands in rows within which one has ended.
    """
    if not path.is_file():  # nor a pipe, which may never end
        return {}
    try:
        with path.open("rb") as file:
            header = file.readline().decode()
            file.seek(max(len(header), os.fstat(file.fileno()).st_size - _TAIL))
            rows = file.read().decode(errors="replace").splitlines(keepends=True)
        whole = [row for row in rows if row.endswith("\n")]
        [names, *values] = csv.reader(io.StringIO("".join([header, *whole])))
        known = [row for row in values if len(row) == len(names)]  # the first may be the end of one
        return {name: float(value) for row in known for name, value in zip(names, row, strict=True) if value}
    except (OSError, ValueError, csv.Error):
        return {}


def gap_of(path: Path) -> float:
    """By what share of a type's return the best response of a job's last round beat its policy; NaN without rounds."""
    try:
        rounds: list[dict[str, Any]] = json.loads(read_bounded(path))["rounds"]
        last = max(each["round"] for each in rounds)
        return max(float(each["gain"]) / abs(float(each["own"])) for each in rounds if each["round"] == last)
    except (OSError, ValueError, KeyError, TypeError, ArithmeticError, RecursionError):
        return math.nan


def gap_so_far(path: Path) -> float:
    """The same of the last round of a table of :data:`ROUNDS`; NaN where there is none yet."""
    try:
        rows = list(csv.DictReader(io.StringIO(read_bounded(path).decode())))
        return max(float(row["share"]) for row in rows if row["round"] == rows[-1]["round"])
    except (OSError, ValueError, KeyError, TypeError, IndexError, csv.Error):
        return math.nan


def _plain(value: float, places: int) -> str:
    return "-" if math.isnan(value) else f"{value:.{places}f}"
