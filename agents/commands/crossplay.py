"""``sd-env crossplay``: policies of different training seeds with one another and with themselves."""

from __future__ import annotations

import argparse

from agents.commands.options import add_policies, add_scenario, add_sizes, add_work, command_line, settings

HELP = "seeds x seeds: how policies of one training do with one another against how each does with itself"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    add_policies(parser, "two at least, commonly bundles of one training with different seeds")
    add_scenario(parser)
    add_sizes(parser)
    add_work(parser)


def run(args: argparse.Namespace) -> int:
    """Play, print the gap, and leave everything in ``--out``."""
    from agents.commands.output import publish
    from agents.evaluation.crossplay import crossplay, gaps
    from agents.evaluation.tables import crossplay_table, records
    from agents.evaluation.tournament import payoff_matrix
    from agents.work import write_table
    from sd_env.scenario import Scenario

    scenario = Scenario.load(args.scenario, dict(args.overrides))
    frame = crossplay(
        args.policies,
        scenario,
        **settings(args),
    )
    table, matrix = gaps(frame), payoff_matrix(frame)
    title = scenario.title or scenario.name
    if args.out:
        write_table(table, args.out / "gaps")
        write_table(matrix.reset_index(), args.out / "payoffs")
    report = {
        **command_line("crossplay", args),
        "gaps": records(table),
        "payoffs": {str(policy): {str(k): float(v) for k, v in row.items()} for policy, row in matrix.iterrows()},
    }
    publish(crossplay_table(title, table), report, args.out, args.json)
    return 0
