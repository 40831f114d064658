"""``sd-env serve``: a page on which people play, alone, at one table or as a class."""

from __future__ import annotations

import argparse
from pathlib import Path

from agents.commands.options import whole

HELP = "serve a page on which people play: alone, several at one table by links, or a class with its teacher"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument(
        "--host", default="127.0.0.1", metavar="ADDRESS", help="to listen at; default this machine alone"
    )
    parser.add_argument("--port", type=whole, default=8765, metavar="N", help="default 8765; 0 takes a free one")
    parser.add_argument(
        "--names",
        nargs="+",
        default=[],
        metavar="NAME",
        help="names or addresses by which others reach this machine; needed where --host is not this machine alone",
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=Path("sd-env-games.sqlite"),
        metavar="FILE",
        help="where games are kept, so that they go on after a restart; default sd-env-games.sqlite",
    )
    parser.add_argument(
        "--policies", nargs="+", default=[], metavar="POLICY", help="who may be played against besides all strategies"
    )
    parser.add_argument(
        "--scenarios", nargs="+", default=[], type=Path, metavar="FILE", help="scenarios besides those of the catalogue"
    )


def run(args: argparse.Namespace) -> int:
    """Serve until it is interrupted."""
    import starlette  # noqa: F401  # said at once if it is missing
    import websockets  # noqa: F401

    from agents.play.lessons import Lessons
    from agents.play.server import application, listening, serve
    from agents.play.store import Store
    from agents.policies import registry
    from agents.policies.specs import policy_from

    names = _names(args)
    for spec in args.policies:
        policy_from(spec)
    store = Store(args.data)
    try:
        lessons = Lessons(store, [*registry.names(), *args.policies], args.scenarios)
        with listening(args.host, args.port) as at:
            port = at.getsockname()[1]
            hosts = [f"{name}:{port}" for name in names] + names  # behind a proxy the port is another
            print(f"http://{names[0]}:{port}/#host={store.host}", flush=True)
            print(
                f"Open this link; whoever has it can make games. They are kept in {args.data}. Ctrl-C stops.",
                flush=True,
            )
            serve(application(lessons, hosts), at)
    finally:
        store.close()
    return 0


def _names(args: argparse.Namespace) -> list[str]:
    """By which hosts the server may be called, the one for links first.

    Raises:
        PlayError: for what cannot be a host's name, or if one is needed.
    """
    import re

    from agents.play.game import PlayError

    for name in args.names:
        if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\]", name):
            raise PlayError(f"--names has {name!r:.80}; a host's name or address without a port is needed")
    alone = ["127.0.0.1", "localhost", "[::1]"]
    if args.host in ("127.0.0.1", "localhost", "::1"):
        own = "[::1]" if args.host == "::1" else args.host
        return list(dict.fromkeys([*args.names, own, *alone]))
    if not args.names:
        raise PlayError(
            f"--host is {args.host!r:.80}, so that others reach it: --names must say by which name or address"
        )
    return list(dict.fromkeys([*args.names, *alone]))
