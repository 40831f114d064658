"""``sd-env explain``: why the wars of a logged episode broke out."""

from __future__ import annotations

import argparse
import json
import sys

from agents.commands.options import add_trust
from agents.commands.page import add_page, values_of_a_game, write_page

HELP = "say why each war of a logged episode broke out, and what would have averted it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("log", metavar="LOG", help="an episode log (.jsonl, .jsonl.gz)")
    parser.add_argument(
        "--policies",
        nargs="+",
        default=[],
        metavar="POLICY",
        help="who plays when it is played again, instead of those whom the log names: one, or one a state",
    )
    parser.add_argument("--json", action="store_true", help="print the records instead of sentences")
    add_page(parser)
    add_trust(parser)


def run(args: argparse.Namespace) -> int:
    """Print each war's sentences, or all records as JSON, or write the page with them. Returns 0."""
    from contextlib import suppress
    from dataclasses import asdict

    from agents.evaluation.explain import explain
    from agents.evaluation.explained import sentences
    from agents.evaluation.moments import moments, sentence
    from agents.files import without_nan
    from sd_env.errors import printable
    from sd_env.policies import PolicyError
    from sd_env.record import LogError, read_log
    from sd_env.show.page import Note
    from sd_env.show.story import Story

    if args.json and args.output is not None:
        raise LogError("--json is given with --output: a page has sentences.")
    log = read_log(args.log)
    with values_of_a_game(args.log):
        found = explain(log, policies=args.policies, trust=args.trust)
        told = [*Story(log).opening(), *(line for each in found for line in ("", *sentences(log, each)))]
    if args.json:
        wars = [asdict(each) for each in found]
        print(json.dumps(without_nan({"agents": log.agents, "wars": wars}), indent=1, allow_nan=False))
        return 0
    if args.output is not None:
        with values_of_a_game(args.log):
            told_of = [(each.war.start, sentences(log, each)) for each in found]
            notes = [Note(start, what, tuple(why)) for start, (what, *why) in told_of]
            with suppress(
                *(() if args.policies else (PolicyError,))
            ):  # of players who cannot be had, as explain() says
                hung = moments(log, policies=args.policies, trust=args.trust)
                notes += [Note(moment.turn, sentence(log, moment)) for _, each in hung for moment in each]
        write_page(log, args.output, args.log, notes)
        return 0
    if hasattr(sys.stdout, "reconfigure"):  # a title may have letters that the terminal lacks
        sys.stdout.reconfigure(errors="replace")
    for line in told:
        print(printable(line))
    if not found:
        print("\nThere is no war in it.")
    sys.stdout.flush()
    return 0
