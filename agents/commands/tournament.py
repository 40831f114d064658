"""``sd-env tournament``: all policies against one another, ranked, with a heat map and ecological dynamics."""

from __future__ import annotations

import argparse

from agents.commands.options import (
    add_policies,
    add_scenario,
    add_sizes,
    add_work,
    command_line,
    noise,
    positive,
    settings,
    whole,
)

HELP = "round robin of policies over all seats: ranking with intervals, pay-off heat map, ecological dynamics"
ALL = "all"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    add_policies(parser, f"two at least; {ALL} stands for every strategy that can be loaded")
    add_scenario(parser)
    add_sizes(parser, worlds=64)
    parser.add_argument(
        "--noise",
        nargs="+",
        default=[],
        type=noise,
        metavar="KIND=VALUE",
        help="tremble=P (an entry of an action becomes a random legal one), noise=S, signal_noise=P (perception)",
    )
    parser.add_argument(
        "--mixed", type=whole, default=0, metavar="N", help="draw N casts a seed from all policies instead of pairs"
    )
    parser.add_argument("--generations", type=positive, default=200, metavar="N", help="of the dynamics; default 200")
    add_work(parser)


def run(args: argparse.Namespace) -> int:
    """Play, print the ranking, and leave everything in ``--out``."""
    from agents.commands.output import publish
    from agents.evaluation.outputs import tournament_outputs
    from agents.policies.registry import working
    from sd_env.scenario import Scenario

    report, shown = tournament_outputs(
        [name for spec in args.policies for name in (working() if spec == ALL else (spec,))],
        Scenario.load(args.scenario, dict(args.overrides)),
        noise=dict(args.noise),
        mixed=args.mixed,
        generations=args.generations,
        **settings(args),
    )
    publish(shown, {**command_line("tournament", args), **report}, args.out, args.json)
    return 0
