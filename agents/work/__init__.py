"""Long work in units: on all cores, with a progress bar, interrupted and resumed without losing a finished unit.

Evaluations and experiments are units that give rows (:func:`run_units`), training runs are jobs with folders and
checkpoints of their own (:func:`agents.training.run.train`). Both are done by a :class:`Backend`, the processes of this
machine or a cluster (:func:`done_at`, :mod:`agents.work.cluster`), shown on a :class:`Board`, and kept in a folder that
knows what made them (:func:`held`, :mod:`agents.work.identity`).
"""

from __future__ import annotations

from agents.work.board import Board
from agents.work.folder import PLAN, UNITS, check_same, file_name, held, locked, plan_of, set_aside
from agents.work.identity import Identity, changes, identity_of, policy_inputs
from agents.work.local import (
    Backend,
    Done,
    Failed,
    Progressed,
    Unit,
    WorkError,
    in_processes,
    in_turn,
    progress,
)
from agents.work.places import described, done_at, place
from agents.work.units import EPISODES, Interrupted, as_kept, check_parquet, run_units, took_up, write_table

__all__ = [
    "EPISODES",
    "PLAN",
    "UNITS",
    "Backend",
    "Board",
    "Done",
    "Failed",
    "Identity",
    "Interrupted",
    "Progressed",
    "Unit",
    "WorkError",
    "as_kept",
    "changes",
    "check_parquet",
    "check_same",
    "described",
    "done_at",
    "file_name",
    "held",
    "identity_of",
    "in_processes",
    "in_turn",
    "locked",
    "place",
    "plan_of",
    "policy_inputs",
    "progress",
    "run_units",
    "set_aside",
    "took_up",
    "write_table",
]
