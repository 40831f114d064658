"""``--on``: where the units of a command are done, and what each of them needs there."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

#: What ``--on`` takes.
_PLACE: Final = re.compile(r"ray(://[^\s/@:]+:\d{1,5}|://\[[0-9A-Fa-f:.]+\]:\d{1,5})?", re.ASCII)
#: A size: plain digits, below a million.
_SIZE: Final = re.compile(r"\d{1,6}(\.\d{1,6})?", re.ASCII)


def add_place(parser: argparse.ArgumentParser) -> None:
    """``--on``, ``--unit-cpus``, ``--unit-gpus``, ``--unit-memory``."""
    parser.add_argument(
        "--on",
        type=_place,
        metavar="PLACE",
        help="ray: the Ray cluster of this machine; ray://HOST:PORT: another; default this machine's own processes",
    )
    parser.add_argument("--unit-cpus", type=_share, metavar="N", help="cores of the cluster for each unit; default 1")
    parser.add_argument("--unit-gpus", type=_share, metavar="N", help="GPUs for each unit, as 1 or 0.5; default none")
    parser.add_argument("--unit-memory", type=_size, metavar="GB", help="memory for each unit; default what there is")


def _place(text: str) -> str:
    """The address of a cluster; "" for that of this machine."""
    if not _PLACE.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r:.80} is not allowed; ray or ray://HOST:PORT is")
    return "" if text == "ray" else text


def _size(text: str) -> float:
    """A positive number."""
    given = float(text) if _SIZE.fullmatch(text) else 0.0
    if not given:
        raise argparse.ArgumentTypeError(f"{text!r:.80} is not allowed; a number above 0 is, as 2 or 0.5")
    return given


def _share(text: str) -> float:
    """A whole number of cores or GPUs, or a part of one."""
    if (given := _size(text)) > 1 and not given.is_integer():
        raise argparse.ArgumentTypeError(f"{text!r:.80} is not allowed; a whole number is, or a part of 1")
    return given


@contextmanager
def kept(args: argparse.Namespace) -> Iterator[None]:
    """Within, results of ``--out`` or ``--resume`` that somebody made up are refused in a sentence.

    Raises:
        WorkError: naming the folder.
    """
    if (
        getattr(args, "out", None) is None and getattr(args, "resume", None) is None
    ):  # what keeps nothing needs no more imports
        yield
        return
    from agents.work import as_kept

    with as_kept():
        yield


@contextmanager
def placed(args: argparse.Namespace) -> Iterator[None]:
    """Within, the work of a command is done where it was asked to be.

    Raises:
        WorkError: for a cluster that is not there, or needs of units without a cluster.
    """
    given = {key: getattr(args, f"unit_{key}", None) for key in ("cpus", "gpus", "memory")}
    needs = {key: size for key, size in given.items() if size is not None}
    if getattr(args, "on", None) is None:
        if needs:
            from agents.work import WorkError

            raise WorkError(f"--unit-{next(iter(needs))} is for units on a cluster: it needs --on ray.")
        yield
        return
    from agents.work.cluster import Needs, connected
    from agents.work.places import done_at

    with connected(args.on, Needs(**needs)) as cluster, done_at(cluster, str(cluster)):
        yield
