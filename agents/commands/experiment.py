"""``sd-env experiment``: a prediction of theory tried in every cell of a grid, and judged."""

from __future__ import annotations

import argparse
from pathlib import Path

from agents.commands.options import add_fresh, add_seeds, add_workers

HELP = "run an experiment of the science, or one of your own, and judge what theory predicts"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="an experiment's name, or the path of its YAML file")
    parser.add_argument("--list", action="store_true", help="list the experiments and run nothing")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="folder of its results; default runs/experiments/NAME; resumed if there"
    )
    add_fresh(parser)
    add_seeds(parser, None, "instead of the experiment's own")
    add_workers(parser)
    parser.add_argument("--smoke", action="store_true", help="seconds instead of minutes; the numbers mean nothing")
    parser.add_argument("--json", action="store_true", help="print the report as JSON instead of a table")


def run(args: argparse.Namespace) -> int:
    """List, or run, print, and leave everything in ``--out``."""
    from agents.experiments import ExperimentError, experiments, load_experiment

    if args.list:
        for name in experiments():
            each = load_experiment(name)
            print(f"{name:<28}{'; '.join(each.rows)}: {each.title}")
        return 0
    if not args.name:
        raise ExperimentError(f"no experiment is named; there are {', '.join(experiments())}.")
    experiment = load_experiment(args.name)
    if args.seeds:
        if len(set(args.seeds)) < len(args.seeds):
            raise ExperimentError(f"--seeds are {args.seeds}; each may be named once.")
        experiment = experiment.model_copy(update={"seeds": args.seeds})
    from agents.commands.output import publish
    from agents.experiments import run as running
    from agents.experiments.work import smoke_sized
    from agents.pages.write import write_experiment

    if args.smoke:
        experiment = smoke_sized(experiment)
    out = args.out or Path("runs") / "experiments" / (experiment.name + "-smoke" * args.smoke)
    words = f"sd-env experiment {args.name}" + " --smoke" * args.smoke
    result = running.run(experiment, out, workers=args.workers, fresh=args.fresh, command=words)
    write_experiment(experiment, out)
    publish(result.shown, result.report, None, args.json)
    if not args.json:
        print(f"Everything is in {out}: cells.csv, report.json, table.txt, picture.png, report.html, policies/")
    return 0
