"""``sd-env challenge``: scores in held-out societies, between random play (0) and the best known (1)."""

from __future__ import annotations

import argparse
from pathlib import Path

from agents.commands.options import add_seeds, add_trust, add_work, command_line, positive

HELP = "score policies among residents that they did not train with: 0 is random play, 1 the best known"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument(
        "policies",
        nargs="*",
        metavar="POLICY",
        help="a strategy's name, with parameters as name:key=value,key=value, or the path of a bundle",
    )
    add_trust(parser)
    parser.add_argument("--list", action="store_true", help="list the challenges and play nothing")
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", help="challenges, or paths of your own; default all that a policy fits"
    )
    add_seeds(parser, None, "of the worlds; default 9001 to 9008")
    parser.add_argument("--worlds", type=positive, default=64, metavar="N", help="a seed; default 64")
    parser.add_argument(
        "--reference",
        action="store_true",
        help="find anew what random and the best of all strategies (and of the policies given) earn, and keep it",
    )
    parser.add_argument(
        "--references", type=Path, metavar="FILE", help="file of the values for 0 and 1; default the package's own"
    )
    add_work(parser)


def run(args: argparse.Namespace) -> int:
    """List, make references, or play, print, and leave everything in ``--out``."""
    from agents.evaluation.challenges import ChallengeError, challenges, load_challenge

    if args.list:
        for name in args.only or challenges():
            each = load_challenge(name)
            print(f"{each.name:<28}{len(each.focal_seats)} of {each.game.n_states}  {each.title}")
        return 0
    if args.reference:
        return _reference(args)
    if not args.policies:
        raise ChallengeError("no policy is given; name at least one, or ask for --list or --reference.")
    from agents.commands.output import publish
    from agents.evaluation.challenges.suite import SEEDS
    from agents.evaluation.outputs import challenge_outputs

    report, shown = challenge_outputs(
        args.policies,
        names=args.only,
        seeds=args.seeds or SEEDS,
        worlds=args.worlds,
        out=args.out,
        workers=args.workers,
        parquet=args.parquet,
        fresh=args.fresh,
        trust=args.trust,
        reference=args.references,
    )
    publish(shown, {**command_line("challenge", args), **report}, args.out, args.json)
    return 0


def _reference(args: argparse.Namespace) -> int:
    from agents.evaluation.challenges.suite import SEEDS, make_references

    data = make_references(
        args.policies,
        names=args.only,
        seeds=args.seeds or SEEDS,
        worlds=args.worlds,
        out=args.out,
        workers=args.workers,
        fresh=args.fresh,
        path=args.references,
    )
    for name, known in data["challenges"].items():
        zero, one = known["random"], known["best"]
        print(f"{name:<28}random {zero['mean']:8.3f}   best {one['mean']:8.3f}  {one['policy']}")
    return 0
