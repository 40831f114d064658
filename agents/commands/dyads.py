"""``sd-env dyads``: logged episodes as directed dyad-years, with the columns of studies of war and the true causes."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

HELP = "write logged episodes as directed dyad-years, with columns as MID and COW have them and the true causes"
#: How the name of a log ends.
ENDINGS: Final = (".jsonl", ".jsonl.gz")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument(
        "logs",
        nargs="+",
        metavar="LOG",
        help="an episode log (.jsonl, .jsonl.gz), or a folder: all logs in it and below, as evaluate --log leaves them",
    )
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the rows, and the codebook beside them")
    parser.add_argument("--parquet", action="store_true", help="and as Parquet, beside FILE (needs the extra parquet)")
    parser.add_argument("--json", action="store_true", help="print the counts as JSON instead of a table")


def run(args: argparse.Namespace) -> int:
    """Write the dyad-years of all logs, and print how many there are, of what."""
    import pandas as pd

    from agents.commands.output import publish
    from agents.commands.page import values_of_a_game
    from agents.evaluation.tables import frame_of
    from agents.work import WorkError, check_parquet, write_table
    from sd_env.measures.codebook import dyad_years
    from sd_env.record import read_log

    if args.csv is not None and args.csv.suffix != ".csv":
        raise WorkError(f"--csv {args.csv} is not allowed; the name of a file that ends in .csv is needed.")
    if args.parquet and args.csv is None:
        raise WorkError("--parquet goes with --csv FILE, beside which it is written.")
    check_parquet(args.parquet)
    frames = []
    for number, path in enumerate(files(args.logs), 1):
        log = read_log(path)
        with values_of_a_game(str(path)):
            frames.append(pd.DataFrame(dyad_years(log, number)))
    table = pd.concat(frames, ignore_index=True)
    if args.csv is not None:
        stem = args.csv.with_suffix("")
        try:
            stem.parent.mkdir(parents=True, exist_ok=True)
            write_table(table, stem, args.parquet)
            write_table(pd.DataFrame(entries()), stem.with_name(f"{stem.name}-codebook"))
        except OSError as error:
            raise WorkError(f"--csv {args.csv} cannot be written: {error.strerror or error}.") from None
    counts = {
        "logs": len(frames),
        "directed dyad-years": len(table),
        "of them in a dispute": int(table["dispongoing"].sum()),
        "onsets of disputes, by dyad": int(table["disponset"].sum()) // 2,
        "first strikes": int(table["firststrike1"].sum()),
        "of them by states that want no land": int((table["firststrike1"] * (1 - table["revstate1"])).sum()),
    }
    shown = frame_of("Dyad-years", "", [("", "count", 0)])
    for name, count in counts.items():
        shown.add_row(name, str(count))
    publish(shown, counts, None, args.json)
    return 0


def files(paths: list[str]) -> list[Path]:
    """The logs that are named, and those in and below the folders that are, by name.

    Raises:
        WorkError: if a folder holds none.
    """
    from agents.work import WorkError

    found: list[Path] = []
    for given in map(Path, paths):
        if not given.is_dir():
            found.append(given)
            continue
        inside = sorted(path for path in given.rglob("*") if path.name.endswith(ENDINGS))
        if not inside:
            raise WorkError(f"the folder {given} holds no episode log; files that end in {' or '.join(ENDINGS)} are.")
        found += inside
    return found


def entries() -> list[dict[str, object]]:
    """The codebook, a row for each column of the table."""
    from sd_env.measures.codebook import COLUMNS, SOURCES

    return [
        {
            "column": name, "kind": column.kind, "unit": column.unit, "range": column.range, "when": column.when,
            "meaning": column.meaning, "nearest": column.nearest, "source": SOURCES.get(column.source, ""),
        }
        for column in COLUMNS for name in column.names
    ]  # fmt: skip
