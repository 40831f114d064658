"""``sd-env ablate``: the same policies in the same worlds under other values of one parameter."""

from __future__ import annotations

import argparse

from agents.commands.options import add_policies, add_scenario, add_sizes, add_work, command_line, settings, value

HELP = "the same policies and seeds under other values of one parameter: paired differences with intervals"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    add_policies(parser)
    add_scenario(parser)
    parser.add_argument(
        "--parameter",
        required=True,
        metavar="KEY",
        help="dotted key of the scenario, as technology.perceived_offense_advantage",
    )
    parser.add_argument("--values", required=True, nargs="+", type=value, metavar="V", help="what it is set to in turn")
    add_sizes(parser)
    add_work(parser)


def run(args: argparse.Namespace) -> int:
    """Play, print the differences, and leave everything in ``--out``."""
    from agents.commands.output import publish
    from agents.evaluation.ablate import ablate, differences
    from agents.evaluation.tables import ablation_table, records
    from agents.work import write_table
    from sd_env.scenario import Scenario

    scenario = Scenario.load(args.scenario, dict(args.overrides))
    frame = ablate(
        args.policies,
        scenario,
        args.parameter,
        args.values,
        **settings(args),
    )
    table = differences(frame)
    title = f"{scenario.title or scenario.name}: {args.parameter}"
    if args.out:
        write_table(table, args.out / "differences")
    report = {**command_line("ablate", args), "differences": records(table)}
    publish(ablation_table(title, table), report, args.out, args.json)
    return 0
