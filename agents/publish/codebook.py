"""The codebook's page: every column of the dyad-years, from the table that they are computed from.

``python -m agents.publish.codebook`` writes docs/codebook.md.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from agents.files import write_text
from agents.publish.door import page_command
from sd_env.measures.codebook import BEFORE, COLUMNS, KEY, ON, SOURCES, TRUTH, Column

PAGE: Final = Path("docs/codebook.md")
COMMAND: Final = "python -m agents.publish.codebook"
_HEAD: Final = """# Codebook of the dyad-years

Episodes as studies of war see the world: one row for each turn and each ordered pair of states that both stand as the
turn begins. The names are those of the Militarized Interstate Dispute (MID) and Correlates of War (COW) data where
there are any, so that a script for those data runs on these. What no such data have is in the last table: what each
state truly wanted, and how right it was. A regression on the columns that an observer would have can so be held to
the causes that made the data.

```bash
sd-env evaluate bayesian-realist --against balancer --scenario jervis/multipolar --worlds 64 --log 64 --out runs/wars
sd-env dyads runs/wars/logs --csv runs/dyads.csv
Rscript examples/read_dyads.R runs/dyads.csv
```

A realist acts on its fears there, and no data set has a column for fear: the last command finds what that leaves out.
The second takes logs, and folders of them; it writes `dyads.csv`, this codebook beside it as `dyads-codebook.csv`,
and with `--parquet` the rows as Parquet too. In Python `sd_env.measures.dyad_years(log)` gives the columns of one
log. In R `read.csv` is enough: `examples/read_dyads.R` fits a logit of onset, and `examples/dyad_regression.py` fits
it in Python to data of which the cause is known.

A column whose name has two numbers here, `hostlev1`, `hostlev2`, is there for both sides: that of state 1 is what
state 1 does to, holds toward or is beside state 2. Flags are 0 or 1, nothing is missing, and texts may be empty. Each
pair has two rows a turn, one from each side: cluster by pair and log, or keep the rows with `state1 < state2`.
Episodes are independent; turns of one are not. A dispute can begin where `peaceyrs > 0` or `year == 1`. To drop the
turns on which one goes on and keep the rest, as is often done, keeps the turn after a dispute only if none begins
anew on it: that chooses rows by their outcome, and the example shows that the causes are then underestimated.
"""
_PARTS: Final = {
    KEY: ("Which row it is", ""),
    ON: (
        "On the turn",
        "What is to be explained. All states move at once, so nothing here may explain anything else here.",
    ),
    BEFORE: ("As the turn begins", "What may explain it, and an observer could know."),
    TRUTH: ("The truth, as the turn begins", "What no observer knows; `motive` and `tragic` are of the turn itself."),
}
_FOOT: Final = """## What these data are not

- **No deaths.** Level 5 of hostility is fighting back, or land lost; MID's is a thousand battle deaths.
- **Threats name nobody.** Level 2 is read off what came before (`hostlev`); `threatens` is the threat itself.
- **No contiguity in kinds**: `reach` is one number for distance, sea and mountains.
- **Crises as a data set of their own**, with triggers and managers, are not kept; `dispnum` links what belongs
  together, and `sd-env explain` says why a war broke out.
- **The sample is the scenario's**, not history's: no effect measured here is one of the world's.
"""


def page() -> str:
    """The page."""
    lines = [_HEAD]
    for when, (title, words) in _PARTS.items():
        lines += [f"## {title}", ""] + ([words, ""] if words else [])
        lines += ["| column | type | unit | range | meaning | nearest to |", "|---|---|---|---|---|---|"]
        lines += [_row(column) for column in COLUMNS if column.when == when]
        lines.append("")
    lines += [_FOOT, "## References", "", *_references()]
    return "\n".join(lines) + "\n"


def _row(column: Column) -> str:
    nearest = f"{column.nearest} ({column.source})" if column.source else column.nearest
    names = ", ".join(f"`{name}`" for name in column.names)
    return f"| {names} | {column.kind} | {column.unit} | {column.range} | {column.meaning} | {nearest} |"


def _references() -> Iterator[str]:
    for work in SOURCES.values():
        yield f"- {work}"


def main(argv: list[str] | None = None) -> int:
    """Command line; returns 0 well, 2 where the system refuses."""
    return page_command(COMMAND, __doc__, _write, argv)


def _write() -> None:
    write_text(PAGE, page())


if __name__ == "__main__":
    sys.exit(main())
