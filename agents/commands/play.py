"""``sd-env play``: be one state in the terminal, among policies."""

from __future__ import annotations

import argparse

from agents.commands.options import add_overrides, add_trust, whole

HELP = "be one state yourself in the terminal, among policies, and see at the end what the others wanted"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("scenario", metavar="SCENARIO", help="catalogue name or YAML path")
    parser.add_argument("--as", dest="state", metavar="STATE", help="which state you are; default the first")
    parser.add_argument(
        "--against",
        nargs="+",
        default=["tit-for-tat"],
        metavar="POLICY",
        help="who plays the others: one for all, or one each in index order; default tit-for-tat",
    )
    parser.add_argument("--seed", type=whole, metavar="N", help="of the world; default a new one, told at the end")
    parser.add_argument(
        "--forecast", action="store_true", help="ask before each turn who will attack whom, and score it"
    )
    parser.add_argument("-o", "--output", metavar="LOG", help="keep the log: sd-env replay, explain and verify take it")
    add_overrides(parser)
    add_trust(parser)


def run(args: argparse.Namespace) -> int:
    """Play to the end, or until the person ends it."""
    import secrets
    import sys

    from agents.play.game import Game, seats_of
    from agents.play.terminal import Terminal, checked_target
    from sd_env.scenario import Scenario

    scenario = Scenario.load(args.scenario, dict(args.overrides))
    [seat] = seats_of(scenario, [scenario.agents[0] if args.state is None else args.state])
    target = checked_target(args.output)
    seed = secrets.randbelow(2**32) if args.seed is None else args.seed
    game = Game(scenario, seed, [seat], args.against, trust=args.trust)

    def say(line: str) -> None:
        print(line, flush=True)

    Terminal(game, seat, sys.stdin, say, target=target, forecasts=args.forecast).play()
    return 0
