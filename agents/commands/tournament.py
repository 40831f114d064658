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
    add_policies(parser, f"two at least; {ALL} stands for every strategy of the registry")
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
    from agents.evaluation.pictures import heat_map, shares
    from agents.evaluation.tables import records, tournament_table
    from agents.evaluation.tournament import ecology, payoff_matrix, ranking, tournament
    from agents.policies.registry import names
    from agents.work import write_table
    from sd_env.scenario import Scenario

    scenario = Scenario.load(args.scenario, dict(args.overrides))
    policies = [name for spec in args.policies for name in (names() if spec == ALL else (spec,))]
    frame = tournament(
        policies,
        scenario,
        noise=dict(args.noise),
        mixed=args.mixed,
        **settings(args),
    )
    ranked, matrix = ranking(frame), payoff_matrix(frame)
    course = None if matrix.isna().to_numpy().any() else ecology(matrix, args.generations)
    if course is not None:
        ranked["final_share"] = [float(course[policy].iloc[-1]) for policy in ranked["policy"]]
    title = scenario.title or scenario.name
    if args.out:
        write_table(ranked, args.out / "ranking")
        write_table(matrix.reset_index(), args.out / "payoffs")
        best = list(ranked["policy"])
        heat_map(matrix.loc[best, best], args.out / "payoffs.png", f"{title}: pay-offs", "return of the row's policy")
        if course is not None:
            write_table(course, args.out / "ecology")
            shares(course, args.out / "ecology.png", f"{title}: who spreads when pay-off is offspring")
    report = {
        **command_line("tournament", args),
        "ranking": records(ranked),
        "payoffs": {str(policy): {str(k): float(v) for k, v in row.items()} for policy, row in matrix.iterrows()},
    }
    shown = tournament_table(title, ranked, scenario, dict(args.noise), drawn=args.mixed > 0)
    publish(shown, report, args.out, args.json)
    return 0
