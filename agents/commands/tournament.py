"""``sd-env tournament``: all policies against one another, ranked, with a heat map and ecological dynamics."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

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


def _noise(given: Sequence[tuple[str, float]]) -> dict[str, float]:
    """Kinds and sizes.

    Raises:
        WorkError: for a kind that is given twice.
    """
    from agents.work import WorkError

    found = dict(given)
    if len(found) < len(given):
        kinds = [kind for kind, _ in given]
        raise WorkError(f"--noise gives {next(kind for kind in kinds if kinds.count(kind) > 1)} twice.")
    return found


def run(args: argparse.Namespace) -> int:
    """Play, print the ranking, and leave everything in ``--out``."""
    from agents.commands.output import publish
    from agents.evaluation.outputs import tournament_outputs
    from agents.policies.registry import working
    from sd_env.scenario import Scenario

    report, shown = tournament_outputs(
        [name for spec in args.policies for name in (working() if spec == ALL else (spec,))],
        Scenario.load(args.scenario, dict(args.overrides)),
        noise=_noise(args.noise),
        mixed=args.mixed,
        generations=args.generations,
        **settings(args),
    )
    publish(shown, {**command_line("tournament", args), **report}, args.out, args.json)
    return 0
