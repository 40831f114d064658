"""Units done by a Ray cluster, of which this process is the driver: who plans, retries, and writes what is kept.

A worker gets a unit and gives what its work gives, so that it needs no disk of the driver's; only work that reads or
leaves files of its own, as policies are, needs a folder that all nodes share. Before its first unit a worker shows that
it would give the numbers that the driver would: by the same sources and the same versions.

Ray is imported by :func:`connected` and nowhere before it.
"""

from __future__ import annotations

from agents.work.cluster.connection import connected
from agents.work.cluster.driver import RETRIES, Cluster
from agents.work.cluster.needs import Needs

__all__ = ["RETRIES", "Cluster", "Needs", "connected"]
