"""The way to a Ray cluster, and what is said where there is none: in one sentence, and soon."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final
from urllib.parse import urlsplit

from agents.work.cluster.driver import Cluster, first_line
from agents.work.cluster.needs import Needs
from agents.work.local import WorkError

#: Seconds within which a port must answer, and Ray behind it.
ANSWERS: Final = 5.0
JOINS: Final = 90.0


@contextmanager
def connected(address: str = "", needs: Needs | None = None) -> Iterator[Cluster]:
    """Be the driver of a Ray cluster.

    Args:
        address: ``ray://HOST:PORT`` of a Ray client server, from anywhere; "" is the cluster that ``RAY_ADDRESS``
            names, or that this machine is a node of.
        needs: what a unit needs; default one core.

    Raises:
        WorkError: if Ray is not installed, or no cluster answers within :data:`ANSWERS` and :data:`JOINS` seconds.
    """
    try:
        import ray
    except ModuleNotFoundError:
        raise WorkError("Ray is not installed: pip install 'sd-env[ray]'.") from None
    where = address or _here()
    _reach(where)
    try:
        with _within(JOINS):
            ray.init(where, log_to_driver=False, logging_level=logging.ERROR)
        cluster = Cluster(ray, where, needs or Needs())
    except (Exception, _Late) as error:  # of many kinds
        with suppress(Exception):
            ray.shutdown()
        raise WorkError(f"no connection to the Ray cluster {where}: {first_line(error)}.") from None
    try:
        yield cluster
    finally:
        ray.shutdown()


def _here() -> str:
    """``HOST:PORT`` of the cluster of this machine."""
    if (found := os.environ.get("RAY_ADDRESS", "")) not in ("", "auto"):
        return found
    try:
        from ray._private.services import canonicalize_bootstrap_address_or_die as find

        return str(find("auto"))
    except Exception:  # of many kinds
        raise WorkError(
            "no Ray cluster runs on this machine; ray start --head starts one, --on ray://HOST:PORT names another."
        ) from None


def _reach(address: str) -> None:
    """Refuse an address at which nobody answers: Ray itself tries for many minutes.

    Raises:
        WorkError: one sentence.
    """
    parts = urlsplit(address if "://" in address else f"//{address}")
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or not port:
        raise WorkError(f"the address of the Ray cluster is {address!r:.80}; HOST:PORT is needed.")
    try:
        socket.create_connection((host, port), ANSWERS).close()
    except (OSError, UnicodeError) as error:
        raise WorkError(f"no Ray cluster answers at {address}: {first_line(error)}.") from None


class _Late(BaseException):
    """It took too long. No Exception: those Ray takes for failures of the network, and tries again."""


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    """Raise _Late when it takes longer; only in the main thread, which alone hears the system's clock."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def late(*_: Any) -> None:
        raise _Late(f"no answer in {seconds:g} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
