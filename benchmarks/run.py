"""Run the benchmarks: ``python -m benchmarks.run [name ...] [--smoke] [--repeats 5] [--out benchmarks/results]``.

Each benchmark runs in a fresh process, prints a table and writes ``<out>/<name>.json``. Ratios compare figures of the
same run, so run it on an otherwise idle machine.
"""

from __future__ import annotations

import argparse
import importlib
import multiprocessing
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final

from rich.console import Console

from benchmarks.harness import Report, save, show

BENCHMARKS: Final = (
    *("engine", "bare", "growth", "faces", "others", "training", "learner", "acting", "table", "startup", "units"),
)
RESULTS: Final = Path(__file__).parent / "results"


def measure(name: str, smoke: bool, repeats: int) -> Report:
    """Run one benchmark in this process."""
    report = importlib.import_module(f"benchmarks.{name}").run(smoke, repeats)
    assert isinstance(report, Report)
    return report


def measure_apart(name: str, smoke: bool, repeats: int) -> Report:
    """Run one benchmark in a process of its own, so that no other's threads, caches or memory are in its way."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(measure, name, smoke, repeats).result()


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; unknown names and values are refused with the ones that are allowed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description="Measure how fast sd-env is.")
    parser.add_argument("names", nargs="*", metavar="name", help=f"which: {', '.join(BENCHMARKS)} (default: all)")
    parser.add_argument("--smoke", action="store_true", help="tiny sizes, seconds in all: shows that it runs, no more")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="repeats of each measurement (default 5)")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where results go (default benchmarks/results)")
    chosen = parser.parse_args(arguments)
    unknown = [name for name in chosen.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark named {unknown[0]!r}; there are {', '.join(BENCHMARKS)}")
    if chosen.repeats < 1:
        parser.error(f"--repeats must be at least 1, got {chosen.repeats}")
    if chosen.smoke and chosen.out is None:
        parser.error("--smoke needs --out FOLDER, so that its numbers never pass for results")
    return chosen


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the chosen benchmarks; 0 when all could be measured, whether or not their claims are met."""
    chosen = parse(arguments)
    console = Console(width=None if sys.stdout.isatty() else 140)
    out = chosen.out or RESULTS
    for name in chosen.names or BENCHMARKS:
        command = f"python -m benchmarks.run {name} --repeats {chosen.repeats}" + (" --smoke" if chosen.smoke else "")
        console.print(f"[dim]{name} ...[/dim]")
        report = measure_apart(name, chosen.smoke, chosen.repeats)
        show(report, console, judged=not chosen.smoke)
        save(report, out, command)
    console.print(f"Results: {out}/<name>.json")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
