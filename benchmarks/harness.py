"""What every benchmark shares: timing, one core, figures with their targets, the table and the result file."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from agents.machine import cores

#: Distributions whose versions a result file states.
VERSIONED: Final = (
    *("sd-env", "numpy", "numba", "torch", "gymnasium", "pettingzoo", "stable-baselines3", "sb3-contrib", "supersuit"),
)


@dataclass(frozen=True)
class Figure:
    """One number of a benchmark.

    Attributes:
        name: what was measured.
        value: median over the repeats, in ``unit``.
        unit: its unit; ``x`` for a ratio of two medians of the same run.
        samples: the repeats themselves; empty for a ratio.
        at_least: the value that is claimed as a lower bound, if any.
        at_most: the value that is claimed as an upper bound, if any.
        note: what a reader must know to judge the number.
    """

    name: str
    value: float
    unit: str
    samples: tuple[float, ...] = ()
    at_least: float | None = None
    at_most: float | None = None
    note: str = ""

    @property
    def target(self) -> str:
        """The claim in words, or an empty string."""
        if self.at_least is not None:
            return f"at least {number(self.at_least)}"
        return f"at most {number(self.at_most)}" if self.at_most is not None else ""

    @property
    def met(self) -> bool | None:
        """Whether the claim holds; None where nothing is claimed."""
        if self.at_least is not None:
            return self.value >= self.at_least
        return self.value <= self.at_most if self.at_most is not None else None


@dataclass
class Report:
    """What one benchmark found: its figures, its settings, and what it could not measure and why."""

    name: str
    title: str
    settings: dict[str, Any] = field(default_factory=dict)
    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def rate(self, name: str, amount: float, seconds: Sequence[float], unit: str, **claim: Any) -> float:
        """Add the median of ``amount`` per second over the repeats, and return it."""
        rates = [amount / s for s in seconds]
        self.figures.append(Figure(name, statistics.median(rates), unit, tuple(rates), **claim))
        return self.figures[-1].value

    def duration(self, name: str, seconds: Sequence[float], **claim: Any) -> float:
        """Add the median of the repeats in seconds, and return it."""
        self.figures.append(Figure(name, statistics.median(seconds), "s", tuple(seconds), **claim))
        return self.figures[-1].value

    def ratio(self, name: str, value: float, **claim: Any) -> float:
        """Add a ratio of two medians of this run, and return it."""
        self.figures.append(Figure(name, value, "x", **claim))
        return value


def number(value: float) -> str:
    """A number as people read it: thousands separated, three significant digits below a hundred."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def timed(
    work: Callable[[], object],
    before: Callable[[], object] | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Seconds that ``work`` takes by a clock; ``before`` runs first and is not timed."""
    if before is not None:
        before()
    start = clock()
    work()
    return clock() - start


def alternate(repeats: int, *works: Callable[[], float]) -> list[list[float]]:
    """Repeat several measurements in turn, so that a slow spell of the machine falls on all of them.

    Returns:
        For each of ``works`` the seconds that it returned, one for each repeat.
    """
    rounds = [[work() for work in works] for _ in range(repeats)]
    return [list(samples) for samples in zip(*rounds, strict=True)]


@contextmanager
def one_core(wanted: bool = True) -> Iterator[None]:
    """Hold this process to one core, where the system can (Linux), and give the others back afterwards."""
    if not wanted or not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def machine() -> dict[str, Any]:
    """The machine in words: processor, cores, system, Python."""
    processor = platform.processor()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        processor = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), processor)
    except OSError:
        pass  # not Linux: what platform knows is enough
    return {
        "processor": processor,
        "cores": cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "busy": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }


def versions() -> dict[str, str | None]:
    """Versions of what a figure may depend on; None for what is not installed."""
    found: dict[str, str | None] = {}
    for name in VERSIONED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found


def commit() -> str | None:
    """The commit that was measured, with ``+`` when the tree differs from it; None outside a git checkout."""
    command = ["git", "describe", "--always", "--abbrev=12", "--dirty=+", "--exclude=*"]
    ran = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    return ran.stdout.strip() or None


def save(report: Report, folder: Path, command: str) -> Path:
    """Write a report as ``<folder>/<name>.json``, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    figures = [asdict(figure) | {"target": figure.target, "met": figure.met} for figure in report.figures]
    content = {
        "benchmark": report.name,
        "title": report.title,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
        "commit": commit(),
        "machine": machine(),
        "versions": versions(),
        "settings": report.settings,
        "figures": figures,
        "notes": report.notes,
    }
    path = folder / f"{report.name}.json"
    partial = path.with_suffix(".json.tmp")
    partial.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(partial, path)
    return path


def show(report: Report, console: Console, judged: bool = True) -> None:
    """Print a report as a table with its notes; ``judged`` says whether the sizes were such that claims apply."""
    table = Table(title=report.title, title_justify="left", title_style="bold")
    table.add_column("measured")
    for heading in ("median", "lowest", "highest"):
        table.add_column(heading, justify="right")
    for heading in ("unit", "claim", ""):
        table.add_column(heading)
    for figure in report.figures:
        low, high = (number(min(figure.samples)), number(max(figure.samples))) if figure.samples else ("", "")
        judged_as = {None: "", True: "met", False: "[red]not met[/red]"}[figure.met if judged else None]
        name = f"{figure.name}\n  [dim]{figure.note}[/dim]" if figure.note else figure.name
        table.add_row(name, number(figure.value), low, high, figure.unit, figure.target, judged_as)
    console.print(table)
    for note in report.notes:
        console.print(f"  {note}")
    console.print()
