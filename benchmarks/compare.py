"""Before and after: ``python -m benchmarks.compare REV [name ...] [--rounds 5] [--smoke]``.

The benchmarks of the commit REV and of this tree are run in turn, round after round, so that what the machine does
meanwhile falls on both. Each figure's ratio is of its medians over all rounds; REV's own benchmarks measure REV.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from benchmarks.harness import number
from benchmarks.run import BENCHMARKS

ROOT: Final = Path(__file__).parent.parent
#: What "as fast as before" means: this share slower at most.
TOLERANCE: Final = 0.03

Samples = dict[str, list[float]]


class CompareError(RuntimeError):
    """A benchmark that could not be run: one sentence."""


def figures(tree: Path, name: str, smoke: bool) -> tuple[Samples, dict[str, str]]:
    """Samples and units of one run of a benchmark by a tree's own code; ratios are left out.

    Raises:
        CompareError: if it fails, with its own last line.
    """
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "benchmarks.run", name, "--repeats", "1" if smoke else "3", "--out", out]
        environment = {**os.environ, "PYTHONPATH": str(tree)}
        ran = subprocess.run(
            [*command, *["--smoke"] * smoke], cwd=tree, env=environment, capture_output=True, text=True, check=False
        )
        if ran.returncode:
            raise CompareError(f"{name} of {tree.name} failed: {(ran.stderr.strip() or 'silently').splitlines()[-1]}")
        found: list[dict[str, Any]] = json.loads((Path(out) / f"{name}.json").read_text(encoding="utf-8"))["figures"]
    kept = [figure for figure in found if figure["samples"]]
    return {f["name"]: list(f["samples"]) for f in kept}, {f["name"]: f["unit"] for f in kept}


def compare(before: Path, after: Path, names: Sequence[str], rounds: int, smoke: bool = False) -> list[dict[str, Any]]:
    """Speed of ``after`` against ``before``, a row for each figure that both have.

    Returns:
        ``benchmark, figure, unit, before, after, ratio``: medians, and how many times as fast it is now (above 1:
        faster), whether the figure counts work a second or seconds.
    """
    rows: list[dict[str, Any]] = []
    for name in names:
        pooled: dict[Path, Samples] = {before: {}, after: {}}
        units: dict[str, str] = {}
        for k in range(rounds):
            for tree in (before, after) if k % 2 == 0 else (after, before):
                samples, units = figures(tree, name, smoke)
                for figure, values in samples.items():
                    pooled[tree].setdefault(figure, []).extend(values)
        for figure in pooled[before].keys() & pooled[after].keys():
            old, new = (statistics.median(pooled[tree][figure]) for tree in (before, after))
            ratio = new / old if units.get(figure, "").endswith("/s") else old / new
            row = {"benchmark": name, "figure": figure, "unit": units.get(figure, ""), "before": old, "after": new}
            rows.append(row | {"ratio": ratio})
    return sorted(rows, key=lambda row: (names.index(row["benchmark"]), row["figure"]))


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; 0 if no figure is slower by more than :data:`TOLERANCE`, 1 if one is, 2 for what cannot be run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__.splitlines()[0])
    parser.add_argument("rev", metavar="REV", help="the commit to compare with")
    parser.add_argument("names", nargs="*", metavar="name", help=f"which: {', '.join(BENCHMARKS)} (default: all)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="runs of each side (default 5)")
    parser.add_argument("--smoke", action="store_true", help="tiny sizes: shows that it runs, no more")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the rows there as JSON")
    chosen = parser.parse_args(arguments)
    if unknown := [name for name in chosen.names if name not in BENCHMARKS]:
        parser.error(f"no benchmark named {unknown[0]!r}; there are {', '.join(BENCHMARKS)}")
    if chosen.rounds < 1:
        parser.error(f"--rounds must be at least 1, got {chosen.rounds}")
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "before"
        added = ["git", "worktree", "add", "--detach", str(tree), chosen.rev]
        made = subprocess.run(added, cwd=ROOT, capture_output=True, text=True, check=False)
        if made.returncode:
            parser.error(f"REV is {chosen.rev!r}, which git cannot check out: {made.stderr.strip().splitlines()[-1]}")
        try:
            rows = compare(tree, ROOT, chosen.names or BENCHMARKS, chosen.rounds, chosen.smoke)
        except CompareError as error:
            print(f"python -m benchmarks.compare: {error}", file=sys.stderr)
            return 2
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", str(tree)], cwd=ROOT, check=False)
    show(rows, chosen.rev)
    if chosen.out:
        chosen.out.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return int(any(row["ratio"] < 1 - TOLERANCE for row in rows))


def show(rows: Sequence[dict[str, Any]], rev: str) -> None:
    """Print the rows as a table."""
    table = Table(title=f"This tree against {rev}", title_justify="left", title_style="bold")
    for heading in ("benchmark", "figure", "unit", "before", "now", "times as fast"):
        table.add_column(heading, justify="left" if heading in ("benchmark", "figure", "unit") else "right")
    for row in rows:
        slow = row["ratio"] < 1 - TOLERANCE
        ratio = f"[red]{row['ratio']:.3f}[/red]" if slow else f"{row['ratio']:.3f}"
        table.add_row(row["benchmark"], row["figure"], row["unit"], number(row["before"]), number(row["after"]), ratio)
    Console(width=None if sys.stdout.isatty() else 140).print(table)


if __name__ == "__main__":
    raise SystemExit(main())
