"""``sd-env replay``: tell a logged episode turn by turn."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Iterator

from agents.commands.options import add_trust, whole
from agents.commands.page import add_page, values_of_a_game, write_page

HELP = "tell a logged episode turn by turn, as a page for a browser, or what would have become of it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("log", metavar="LOG", help="an episode log (.jsonl, .jsonl.gz)")
    parser.add_argument("--turn", type=whole, metavar="K", help="only turn K; 0 is the start")
    parser.add_argument("--state", metavar="NAME", help="only what this state does and what befalls it")
    parser.add_argument(
        "--quiet", action="store_true", help="no tables, and no turns of which there is nothing to tell"
    )
    parser.add_argument(
        "--do",
        action="append",
        default=[],
        metavar="STATE.WHAT=VALUE@TURN",
        help="play it again with this and without, and tell where they part: state_1.defense+=0.5@5, "
        "state_1.mobilize=state_0@4, state_0.signal=reassure@3; may be repeated",
    )
    parser.add_argument(
        "--policies",
        nargs="+",
        default=[],
        metavar="POLICY",
        help="with --do, who plays instead of those whom the log names: one, or one a state",
    )
    add_page(parser)
    add_trust(parser)


def run(args: argparse.Namespace) -> int:
    """Print the story; tables are left out where the terminal is too narrow for them. Returns 0."""
    from sd_env.errors import printable
    from sd_env.record import LogError, read_log
    from sd_env.show.story import Story

    story = Story(read_log(args.log))
    turns = story.log.turns
    if args.turn is not None and not 0 <= args.turn <= turns:
        raise LogError(f"--turn is {args.turn}; {args.log} has turns 0 to {turns}.")
    try:
        state = None if args.state is None else story.find(args.state)
    except ValueError as error:
        raise LogError(f"--state: {error}.") from None
    if args.policies and not args.do:
        raise LogError("--policies is given without --do: a log is told as it was played.")
    if args.output is not None:
        if given := [f"--{name}" for name in ("turn", "state", "quiet", "do") if getattr(args, name)]:
            raise LogError(f"{given[0]} is given with --output: a page shows the whole episode as it was played.")
        write_page(story.log, args.output, args.log)
        return 0
    if hasattr(sys.stdout, "reconfigure"):  # a title may have letters that the terminal lacks
        sys.stdout.reconfigure(errors="replace")
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() and not args.quiet else None

    if args.do:
        from agents.evaluation.counterfactual import counterfactual, tell

        if args.turn == 0:
            raise LogError("--turn is 0; with --do turns from 1 on are told.")
        with values_of_a_game(args.log):
            found = counterfactual(story.log, args.do, policies=args.policies, trust=args.trust)
            for line in tell(found, state=state, only=args.turn, quiet=args.quiet):
                print(printable(line))
        sys.stdout.flush()
        return 0

    def lines() -> Iterator[str]:
        yield from story.opening()
        wide = 0 if columns is None else story.width()
        fits = columns is None or wide <= columns
        if not fits:
            yield f"(tables need {wide} columns, and this terminal has {columns}: pipe it into less -S to see them)"
        for turn in range(turns + 1) if args.turn is None else [args.turn]:
            told = story.turn(turn, state, table=fits and not args.quiet)
            if not args.quiet or len(told) > 1:
                yield ""
                yield from told
        if args.turn is None:
            yield ""
            yield from story.closing()

    with values_of_a_game(args.log):
        for line in lines():
            print(printable(line))
    sys.stdout.flush()  # a pipe that nobody reads any more is noticed here, not at the exit
    return 0
