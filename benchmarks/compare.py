"""Before and after: ``python -m benchmarks.compare REV [name ...] [--rounds 5] [--clock cpu] [--smoke]``.

The benchmarks of the commit REV and of this tree are run in turn, round after round, so that what the machine does
meanwhile falls on both. Each figure's ratio is of its medians over all rounds; REV's own benchmarks measure REV. On a
machine that others use too, ``--clock cpu`` counts the processor seconds of the measuring process in the place of those
on the wall.
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

from agents.files import write_text
from benchmarks.harness import commit, machine, number
from benchmarks.run import BENCHMARKS

ROOT: Final = Path(__file__).parent.parent
#: What "as fast as before" means: this share slower at most.
TOLERANCE: Final = 0.03
#: Where ``--publish`` writes.
PUBLISHED: Final = ROOT / "docs" / "results" / "speed.txt"
#: Read by Python before it begins, in the measuring process and in those that it starts: benchmarks know one clock.
_CPU_CLOCK: Final = "import time\ntime.perf_counter = time.process_time\n"

Samples = dict[str, list[float]]


class CompareError(RuntimeError):
    """A benchmark that could not be run: one sentence."""


def figures(tree: Path, name: str, smoke: bool, clock: str = "wall") -> tuple[Samples, dict[str, str]]:
    """Samples and units of one run of a benchmark by a tree's own code; ratios are left out.

    Args:
        tree: a checkout.
        name: of the benchmark.
        smoke: whether tiny sizes are enough.
        clock: ``wall``, or ``cpu`` for processor seconds.

    Raises:
        CompareError: if it fails, with its own last line.
    """
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "benchmarks.run", name, "--repeats", "1" if smoke else "3", "--out", out]
        path = [str(tree)]
        if clock == "cpu":
            (Path(out) / "sitecustomize.py").write_text(_CPU_CLOCK, encoding="ascii")
            path.insert(0, out)
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
        ran = subprocess.run(
            [*command, *["--smoke"] * smoke], cwd=tree, env=environment, capture_output=True, text=True, check=False
        )
        if ran.returncode:
            raise CompareError(f"{name} of {tree.name} failed: {(ran.stderr.strip() or 'silently').splitlines()[-1]}")
        found: list[dict[str, Any]] = json.loads((Path(out) / f"{name}.json").read_text(encoding="utf-8"))["figures"]
    kept = [figure for figure in found if figure["samples"]]
    return {f["name"]: list(f["samples"]) for f in kept}, {f["name"]: f["unit"] for f in kept}


def compare(
    before: Path, after: Path, names: Sequence[str], rounds: int, smoke: bool = False, clock: str = "wall"
) -> list[dict[str, Any]]:
    """Speed of ``after`` against ``before``, a row for each figure that both have.

    Returns:
        ``benchmark, figure, unit, before, after, ratio, best``: medians, how many times as fast it is now (above 1:
        faster), whether the figure counts work a second or seconds, and the same of the best of all samples, which
        what else the machine does disturbs least.
    """
    rows: list[dict[str, Any]] = []
    for name in names:
        pooled: dict[Path, Samples] = {before: {}, after: {}}
        units: dict[str, str] = {}
        for k in range(rounds):
            for tree in (before, after) if k % 2 == 0 else (after, before):
                samples, units = figures(tree, name, smoke, clock)
                for figure, values in samples.items():
                    pooled[tree].setdefault(figure, []).extend(values)
        for figure in pooled[before].keys() & pooled[after].keys():
            rate = units.get(figure, "").endswith("/s")
            old, new = (statistics.median(pooled[tree][figure]) for tree in (before, after))
            of_all = [pooled[tree][figure] for tree in (before, after)]
            first, second = (max(samples) if rate else min(samples) for samples in of_all)
            ratio, best = (new / old, second / first) if rate else (old / new, first / second)
            row = {"benchmark": name, "figure": figure, "unit": units.get(figure, ""), "before": old, "after": new}
            rows.append(row | {"ratio": ratio, "best": best})
    return sorted(rows, key=lambda row: (names.index(row["benchmark"]), row["figure"]))


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; 0 if no figure is slower by more than :data:`TOLERANCE`, 1 if one is, 2 for what cannot be run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__.splitlines()[0])
    parser.add_argument("rev", metavar="REV", help="the commit to compare with")
    parser.add_argument("names", nargs="*", metavar="name", help=f"which: {', '.join(BENCHMARKS)} (default: all)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="runs of each side (default 5)")
    parser.add_argument("--smoke", action="store_true", help="tiny sizes: shows that it runs, no more")
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall", help="seconds of what (default wall)")
    parser.add_argument("--publish", action="store_true", help=f"write the table to {PUBLISHED.relative_to(ROOT)}")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the rows there as JSON")
    chosen = parser.parse_args(arguments)
    if unknown := [name for name in chosen.names if name not in BENCHMARKS]:
        parser.error(f"no benchmark named {unknown[0]!r}; there are {', '.join(BENCHMARKS)}")
    if chosen.rounds < 1:
        parser.error(f"--rounds must be at least 1, got {chosen.rounds}")
    if chosen.smoke and chosen.publish:
        parser.error("--publish goes with no --smoke, whose numbers are no results")
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "before"
        added = ["git", "worktree", "add", "--detach", str(tree), chosen.rev]
        made = subprocess.run(added, cwd=ROOT, capture_output=True, text=True, check=False)
        if made.returncode:
            parser.error(f"REV is {chosen.rev!r}, which git cannot check out: {made.stderr.strip().splitlines()[-1]}")
        try:
            rows = compare(tree, ROOT, chosen.names or BENCHMARKS, chosen.rounds, chosen.smoke, chosen.clock)
        except CompareError as error:
            print(f"python -m benchmarks.compare: {error}", file=sys.stderr)
            return 2
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", str(tree)], cwd=ROOT, check=False)
    text = table(rows, chosen.rev)
    print(text, end="")
    if chosen.publish:
        words = " ".join(["python -m benchmarks.compare", *(arguments if arguments is not None else sys.argv[1:])])
        write_text(PUBLISHED, f"{text}\nCommand: {words}\n{_circumstances(chosen.clock)}")
    if chosen.out:
        chosen.out.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return int(any(row["ratio"] < 1 - TOLERANCE for row in rows))


def table(rows: Sequence[dict[str, Any]], rev: str) -> str:
    """The rows as lines of text; those that are slower than :data:`TOLERANCE` allows are marked."""
    lines = [("benchmark", "figure", "unit", "before", "now", "times as fast", "of the best", "")]
    for row in rows:
        slow = "slower" if row["ratio"] < 1 - TOLERANCE else ""
        ratios = (f"{row['ratio']:.3f}", f"{row['best']:.3f}")
        names = (row["benchmark"], row["figure"], row["unit"])
        lines.append((*names, number(row["before"]), number(row["after"]), *ratios, slow))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    told = [
        "  ".join(
            text.ljust(w) if k < 3 else text.rjust(w) for k, (text, w) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    ]
    return f"This tree against {rev}: medians of all rounds\n" + "".join(f"{line.rstrip()}\n" for line in told)


def _circumstances(clock: str) -> str:
    """The machine, how busy it was, what was measured, and by which clock."""
    found = machine()
    seconds = "processor seconds of the measuring process" if clock == "cpu" else "seconds on the wall"
    return (
        f"Commit: {commit()}    clock: {seconds}\nMachine: {found['processor']}, {found['cores']} cores, "
        f"{found['system']}, Python {found['python']}; load {found['busy']}\n"
    )


if __name__ == "__main__":
    raise SystemExit(main())
