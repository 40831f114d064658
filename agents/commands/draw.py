"""``sd-env draw``: a picture of an episode, of a folder of ``sd-env escalation``, or of a scenario."""

from __future__ import annotations

import argparse
from pathlib import Path

from agents.commands.options import add_overrides, add_seeds, add_trust, positive
from agents.commands.page import values_of_a_game

HELP = "draw alliances, beliefs or arms of logged episodes, responses to arms, or what choices earn in a scenario"
KINDS = ("alliances", "beliefs", "arms", "responses", "schelling")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("kind", metavar="KIND", help=", ".join(KINDS))
    parser.add_argument(
        "source",
        nargs="+",
        metavar="SOURCE",
        help="an episode log; for arms one or more; for responses a folder of sd-env escalation, or a run's; for "
        "schelling a scenario, and two policies",
    )
    parser.add_argument("-o", "--output", required=True, metavar="FILE.png", help="picture; an SVG is left beside it")
    add_overrides(parser)
    add_seeds(parser, (1, 2, 3), "of schelling's worlds; default 1 2 3")
    parser.add_argument("--worlds", type=positive, default=64, metavar="N", help="of schelling, a seed; default 64")
    add_trust(parser)


def run(args: argparse.Namespace) -> int:
    """Draw, and say where it is. Returns 0."""
    from agents.pictures.episodes import PictureError
    from sd_env.errors import printable

    path = Path(args.output)
    if path.suffix != ".png":
        raise PictureError(f"--output is {args.output!r:.200}; a picture's name ends in .png.")
    if args.kind not in KINDS:
        raise PictureError(f"KIND is {args.kind!r:.80}; allowed are {', '.join(KINDS)}.")
    wanted = {"schelling": (3, 3), "arms": (1, None)}.get(args.kind, (1, 1))
    if len(args.source) < wanted[0] or (wanted[1] is not None and len(args.source) > wanted[1]):
        what = {"schelling": "a scenario and two policies", "responses": "one folder"}.get(args.kind, "one log")
        raise PictureError(f"{args.kind} is drawn of {what}; {len(args.source)} words are given.")
    path.parent.mkdir(parents=True, exist_ok=True)
    _draw(args, path)
    print(printable(f"{path} and {path.with_suffix('.svg')}"))
    return 0


def _draw(args: argparse.Namespace, path: Path) -> None:
    from agents.pictures import episodes, responses, schelling
    from sd_env.record import read_log
    from sd_env.scenario import Scenario

    if args.kind == "schelling":
        scenario = Scenario.load(args.source[0], dict(args.overrides))
        first, second = args.source[1:]
        settings = {"seeds": args.seeds, "worlds": args.worlds, "trust": args.trust}
        schelling.draw(schelling.schelling(first, second, scenario, **settings), scenario, path)
    elif args.kind == "responses":
        responses.impulse_responses(responses.table_of(Path(args.source[0])), path)
    else:
        logs = [read_log(each) for each in args.source]
        with values_of_a_game(" or ".join(args.source)):
            if args.kind == "arms":
                episodes.phase_plane(logs, path)
            else:
                {"alliances": episodes.alliances, "beliefs": episodes.beliefs}[args.kind](logs[0], path)
