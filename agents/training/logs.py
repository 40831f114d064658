"""A job's curves: ``progress.csv`` and TensorBoard events, written so that a resumed job has no row twice."""

from __future__ import annotations

import csv
import io
import math
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from stable_baselines3.common.logger import KVWriter
from torch.utils.tensorboard import SummaryWriter

from agents.files import write_text

#: The first column.
_STEPS = "time/total_timesteps"
#: SB3 counts these from the start of this process: after a resume they would go back.
_COUNTED_ANEW = frozenset({"time/iterations", "time/time_elapsed"})
#: TensorBoard's tab of custom scalars: group -> chart -> what is drawn in one (docs/metrics.md says what they are).
LAYOUT: Final = {
    "The dilemma": {
        "attacks, a pair-turn": ["Multiline", ["outcome/ss_attacks", "outcome/s_attacks", "outcome/attacks"]],
        "arms of a security seeker": ["Multiline", ["arms/s_offense", "arms/s_defense", "arms/s_total"]],
        "wars, an episode": ["Multiline", ["outcome/tragic_wars", "outcome/wars", "outcome/conquests"]],
        "welfare": ["Multiline", ["outcome/s_welfare", "outcome/return"]],
    },
    "Words and friends": {
        "signals": ["Multiline", ["signals/s_reassurances", "signals/s_threats", "signals/pledges_broken"]],
        "alliances": ["Multiline", ["alliances/allied"]],
        "calls": ["Multiline", ["alliances/calls", "alliances/honoured", "alliances/abandoned"]],
    },
    "Learning": {
        "returns, as the learner sees them": ["Multiline", ["rollout/ep_rew_mean"]],
        "losses": ["Multiline", ["train/value_loss", "train/policy_gradient_loss", "train/entropy_loss"]],
        "steps": ["Multiline", ["train/approx_kl", "train/clip_fraction"]],
        "how much of returns is foreseen": ["Multiline", ["train/explained_variance"]],
    },
}


@contextmanager
def told_once() -> Iterator[None]:
    """Within, what the system refuses TensorBoard's own thread is not told by that: the next row raises it anyway."""
    before = threading.excepthook
    threading.excepthook = lambda told: None if issubclass(told.exc_type, OSError) else before(told)
    try:
        yield
    finally:
        threading.excepthook = before


def is_whole(path: Path) -> bool:
    """Whether there is a ``progress.csv`` of numbers at ``path``, each row as long as its header."""
    try:
        if not path.is_file():
            return False
        with path.open(encoding="utf-8", newline="") as handle:
            header, *rows = csv.reader(handle)
        return header[0] == _STEPS and all(
            len(row) == len(header) and all(not cell or math.isfinite(float(cell)) for cell in row) for row in rows
        )
    except (OSError, ValueError, IndexError, csv.Error):
        return False


def _no_link(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o666)


class Curves(KVWriter):
    """Rows of metrics, kept in memory for checkpoints and written to ``folder`` as they come.

    Args:
        folder: the job's folder.
        rows: rows of the run so far, when resuming: files are cut back to them.
    """

    def __init__(self, folder: Path, rows: list[dict[str, float]] | None = None) -> None:
        self.rows: list[dict[str, float]] = [dict(row) for row in rows or []]
        self._path = folder / "progress.csv"
        self._columns: list[str] = []
        last = int(self.rows[-1][_STEPS]) if self.rows else -1
        # events after the checkpoint belong to the killed run: TensorBoard drops them from purge_step on
        self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=last + 1 if self.rows else None)
        self._board.add_custom_scalars(LAYOUT)
        if self.rows:
            self._rewrite()
        else:
            self._path.unlink(missing_ok=True)

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0) -> None:
        """Add a row; SB3's logger calls this once a rollout."""
        row = {key: float(value) for key, value in sorted(key_values.items()) if key not in _COUNTED_ANEW}
        row = {_STEPS: float(step)} | row
        self.rows.append(row)
        for key, value in row.items():
            if not math.isnan(value) and key != _STEPS:
                self._board.add_scalar(key, value, step)
        if set(row) <= set(self._columns):
            with open(self._path, "a", encoding="utf-8", newline="", opener=_no_link) as handle:
                handle.write(self._lines([row]))
        else:
            self._rewrite()

    def _rewrite(self) -> None:
        columns = {key for row in self.rows for key in row} - {_STEPS}
        self._columns = [_STEPS, *sorted(columns)]
        header = io.StringIO(newline="")
        csv.writer(header, lineterminator="\n").writerow(self._columns)
        write_text(self._path, header.getvalue() + self._lines(self.rows))

    def _lines(self, rows: list[dict[str, float]]) -> str:
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, self._columns, restval="", lineterminator="\n")
        for row in rows:
            writer.writerow({key: "" if math.isnan(value) else value for key, value in row.items()})
        return text.getvalue()

    def close(self) -> None:
        """Bring the events to the disk."""
        self._board.close()
