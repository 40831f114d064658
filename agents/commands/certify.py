"""``sd-env certify``: whether anything that is tried beats a policy, by type of state."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from agents.commands.options import (
    Mapped,
    add_scenario,
    add_searcher,
    add_trust,
    add_work,
    command_line,
    positive,
    whole,
)

if TYPE_CHECKING:
    from rich.console import RenderableType

HELP = "search for what beats a policy, by learned responses and scripted deviators, and say so by type of state"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument(
        "policies",
        nargs="+",
        metavar="POLICY",
        help="a strategy's name or the path of a bundle; several must differ in their training seeds alone",
    )
    add_trust(parser)
    add_scenario(parser)
    parser.add_argument(
        "--steps", type=positive, default=1_000_000, metavar="N", help="of each learned search; default 1000000"
    )
    parser.add_argument("--scratch", type=whole, default=2, metavar="N", help="searches from scratch; default 2")
    parser.add_argument(
        "--warm",
        type=whole,
        default=1,
        metavar="N",
        help="searches from the policy, if it is learned; default 1",
    )
    parser.add_argument("--seed", type=whole, default=1, metavar="N", help="of searches and worlds; default 1")
    parser.add_argument("--worlds", type=positive, default=4096, metavar="N", help="to measure in; default 4096")
    add_searcher(parser)
    parser.add_argument(
        "--cast",
        nargs="+",
        default={},
        action=Mapped,
        metavar="STATE=STRATEGY",
        help="who plays some of the states, a strategy or a bundle; the policy plays the others; default all",
    )
    add_work(parser)


def run(args: argparse.Namespace) -> int:
    """Search, measure, print, and leave everything in ``--out``."""
    from agents.commands.output import publish
    from agents.evaluation.certify import SCRATCH, WARM, certify
    from agents.evaluation.tables import records
    from sd_env.scenario import Scenario

    scenario = Scenario.load(args.scenario, dict(args.overrides))
    table = certify(
        args.policies,
        scenario,
        searches=[(SCRATCH, args.scratch), (WARM, args.warm)],
        steps=args.steps,
        worlds=args.worlds,
        seed=args.seed,
        searcher=args.searcher,
        cast={state: str(spec) for state, spec in args.cast.items()},
        out=args.out,
        workers=args.workers,
        parquet=args.parquet,
        fresh=args.fresh,
        trust=args.trust,
    )
    report = {**command_line("certify", args), "certificates": records(table)}
    publish(_shown(scenario.title or scenario.name, report["certificates"], args.steps), report, args.out, args.json)
    return 0


def _shown(title: str, report: list[dict[str, Any]], steps: int) -> RenderableType:
    """One row a seat and type: what was gained at most, by what, and the verdict."""
    from rich.console import Group
    from rich.text import Text

    from agents.evaluation.certify import ALLOWED
    from agents.evaluation.verdict_tables import certificate_table

    words = (
        f"Gain: what the best deviator found earns more than the policy in the same seat, as a share of its return; "
        f"certified if the interval ends at or below {ALLOWED:.0%}. A lower bound of the true gap: learned searches "
        f"took {steps:,} steps each, and those that failed ended below the policy's own return and prove nothing."
    )
    return Group(certificate_table("what beats it", {title: report}), Text(words))
