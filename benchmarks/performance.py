"""docs/performance.md by one command: how fast sd-env is, beside others, beside itself, and beside what is possible.

    python -m benchmarks.performance [NAME ...] [--repeats 5]   measure, write docs/results/performance and the page
    python -m benchmarks.performance --smoke --out FOLDER       tiny sizes: shows that it runs, writes its data there
    python -m benchmarks.performance --page                     the page anew from the data that there are

Each part is a benchmark of `benchmarks.run`, in a process of its own; what is compared is measured in turn within one
part. Peers have environments of their own in `.venv-peers`, made when they are missing (benchmarks/others.py).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from agents.files import write_text
from benchmarks.harness import save
from benchmarks.performance_page import PARTS, page
from benchmarks.run import measure_apart

ROOT: Final = Path(__file__).parents[1]
DATA: Final = ROOT / "docs" / "results" / "performance"
PAGE: Final = ROOT / "docs" / "performance.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what was asked for and write the page; 0 whether or not claims are met."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.performance", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"parts: {', '.join(PARTS)} (default: all)")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="rounds of each measurement (default 5)")
    parser.add_argument("--smoke", action="store_true", help="tiny sizes: shows that it runs, no more")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="write the data there, and leave the page alone")
    parser.add_argument("--page", action="store_true", help="measure nothing: the page anew from the data")
    given = parser.parse_args(arguments)
    if unknown := [name for name in given.names if name not in PARTS]:
        parser.error(f"NAME is {unknown[0]!r}; there are {', '.join(PARTS)}")
    if given.repeats < 1:
        parser.error(f"--repeats is {given.repeats}; it must be at least 1")
    if given.smoke and given.out is None:
        parser.error("--smoke needs --out FOLDER, so that its figures never pass for results")
    folder = given.out or DATA
    for name in () if given.page else given.names or PARTS:
        print(f"{name} ...", flush=True)
        report = measure_apart(name, given.smoke, given.repeats)
        command = f"python -m benchmarks.performance {name} --repeats {given.repeats}"
        save(report, folder, command + " --smoke" * given.smoke)
        for note in report.notes:
            print(f"  {note}", flush=True)
    if given.out is None:
        write_text(PAGE, page(read(folder)))
    return 0


def read(folder: Path) -> dict[str, dict[str, Any]]:
    """The data of each part that was measured, by its name."""
    paths = {name: folder / f"{name}.json" for name in PARTS}
    return {name: json.loads(path.read_text(encoding="utf-8")) for name, path in paths.items() if path.is_file()}


if __name__ == "__main__":
    sys.exit(main())
