"""``sd-env measure``: every measure of logged episodes, each episode and their mean."""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "measure logged episodes: spiral, cooperation, tragic wars, fear, deterrence, the dilemma's components"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("logs", nargs="+", metavar="LOG", help="an episode log (.jsonl, .jsonl.gz)")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write one row an episode")
    parser.add_argument("--json", action="store_true", help="print the means as JSON instead of a table")


def run(args: argparse.Namespace) -> int:
    """Print the mean of each measure over the logs for which it is defined, and over how many that is."""
    import pandas as pd

    from agents.commands.output import publish
    from agents.commands.page import values_of_a_game
    from agents.evaluation.tables import frame_of
    from agents.work import WorkError, write_table
    from sd_env.measures import summary
    from sd_env.record import read_log

    if args.csv is not None and args.csv.suffix != ".csv":
        raise WorkError(f"--csv {args.csv} is not allowed; the name of a file that ends in .csv is needed.")
    rows = []
    for path in args.logs:
        log = read_log(path)
        with values_of_a_game(str(path)):
            measured = summary(log)
        of = {"log": str(path), "scenario": log.scenario.name, "seed": log.seed, "world": log.world}
        rows.append(of | measured)
    frame = pd.DataFrame(rows)
    measures = [name for name in frame if str(name).startswith("measure/")]
    if args.csv is not None:
        try:
            write_table(frame, args.csv.with_suffix(""))
        except OSError as error:
            raise WorkError(f"--csv {args.csv} cannot be written: {error.strerror or error}.") from None
    means, counts = frame[measures].mean(), frame[measures].notna().sum()
    shown = frame_of(f"{len(frame)} episodes", "measure", [("", "mean", 3), ("", "episodes", 0)])
    for name in measures:
        mean = "-" if counts[name] == 0 else f"{means[name]:.3f}"
        shown.add_row(str(name).removeprefix("measure/").replace("_", " "), mean, str(counts[name]))
    report = {str(name): {"mean": float(means[name]), "episodes": int(counts[name])} for name in measures}
    publish(shown, report, None, args.json)
    return 0
