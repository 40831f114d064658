"""``sd-env escalation``: what a state's arms and deeds do to another, by the same worlds played with and without."""

from __future__ import annotations

import argparse

from agents.commands.options import add_policies, add_scenario, add_seeds, add_work, command_line, number, positive

HELP = "give a state arms, words or deeds in a replay of the same worlds, and see what they do to another"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    add_policies(parser)
    add_scenario(parser)
    add_seeds(parser, (1, 2, 3), "default 1 2 3")
    parser.add_argument("--worlds", type=positive, default=128, metavar="N", help="a seed; default 128")
    parser.add_argument("--turn", type=positive, default=1, metavar="T", help="on which it is done; default 1")
    parser.add_argument("--window", type=positive, default=24, metavar="H", help="turns that are compared; default 24")
    parser.add_argument("--delta", type=number, default=0.3, metavar="ARMS", help="arms that are given; default 0.3")
    add_work(parser)


def run(args: argparse.Namespace) -> int:
    """Play, print, and leave everything in ``--out``."""
    from agents.commands.output import publish
    from agents.evaluation.escalation import escalation
    from agents.evaluation.tables import escalation_table, records
    from sd_env.scenario import Scenario

    scenario = Scenario.load(args.scenario, dict(args.overrides))
    names = ("seeds", "worlds", "turn", "window", "delta", "out", "workers", "parquet", "fresh", "trust")
    table = escalation(args.policies, scenario, **{name: getattr(args, name) for name in names})
    report = {**command_line("escalation", args), "escalation": records(table)}
    publish(escalation_table(scenario.title or scenario.name, table), report, args.out, args.json)
    return 0
