"""``--on``: the work of a command done where it was asked to be."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager


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
