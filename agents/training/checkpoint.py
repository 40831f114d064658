"""Checkpoints of a job: everything that is needed to continue it to the same end, bit for bit.

A checkpoint is three files of one name: ``N.pt`` (torch state dicts, read with ``weights_only``), ``N.npz`` (arrays of
the table: worlds, random streams, what policies remember; read without pickle) and ``N.json`` (counters, curves, and
the digests of the other two). Each is written whole and the JSON last, so a checkpoint without it never existed, and
one whose digests do not match is damaged: the one before is taken.
"""

from __future__ import annotations

import hashlib
import io
import logging
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, BinaryIO

import numpy as np
import torch as th
from sb3_contrib.common.recurrent.type_aliases import RNNStates
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from agents.files import write_json, write_whole
from agents.training.logs import Curves
from agents.training.players import Players
from sd_env.errors import RefusedError, said
from sd_env.files import read_bounded
from sd_env.reading import read_json

logger = logging.getLogger(__name__)

FORMAT = 2
#: Of the JSON: rows of a long training.
MOST_BYTES = 1 << 28
#: Bytes of its tensors, or arrays.
_MOST_WEIGHTS = 1 << 34
#: Not "*.json", which would also find the temporary file of a write that was cut off.
_COMPLETE = "[0-9]*.json"


class CheckpointError(RefusedError):
    """A job has checkpoints and none of them can be used; the message is one sentence."""


def save(folder: Path, players: Players, curves: Mapping[str, Curves], *, keep: int) -> None:
    """Write a checkpoint of a job whose learners all stand between two rollouts, and remove all but the last ``keep``.

    Args:
        folder: where checkpoints go.
        players: the job's learners and their table.
        curves: rows so far, by name.
        keep: how many checkpoints stay.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob(".*"):  # writes that a kill cut off
        stale.unlink()
    stem = f"{players.steps:012d}"
    tensors = {
        "learners": {name: _tensors(learner) for name, learner in players.learners.items()},
        "league": players.league.snapshot() if players.league else {},
    }
    arrays = {f"table/{key}": value for key, value in players.table.snapshot().items()}
    for name, learner in players.learners.items():
        assert learner._last_obs is not None and learner._last_episode_starts is not None
        arrays[f"learner/{name}/last_obs"] = np.asarray(learner._last_obs)
        arrays[f"learner/{name}/last_episode_starts"] = np.asarray(learner._last_episode_starts)
    files = {"pt": folder / f"{stem}.pt", "npz": folder / f"{stem}.npz"}
    # in memory first: told of a full disk, torch says something else, and a zip is finished when it is thrown away
    write_whole(files["pt"], _in_memory(lambda file: th.save(tensors, file)))
    write_whole(files["npz"], _in_memory(lambda file: np.savez(file, **arrays)))  # type: ignore[arg-type]
    write_json(
        folder / f"{stem}.json",
        {
            "format": FORMAT,
            "sha256": {suffix: _digest(path) for suffix, path in files.items()},
            "num_timesteps": players.steps,
            "learners": {name: _counters(learner) for name, learner in players.learners.items()},
            "rows": {name: each.rows for name, each in curves.items()},
        },
    )
    for old in sorted(folder.glob(_COMPLETE))[:-keep]:
        for path in (old, old.with_suffix(".npz"), old.with_suffix(".pt")):  # the JSON first: it says "whole"
            path.unlink(missing_ok=True)


def _in_memory(write: Callable[[BinaryIO], object]) -> bytes:
    buffer = io.BytesIO()
    write(buffer)
    return buffer.getvalue()


def _tensors(learner: OnPolicyAlgorithm) -> dict[str, Any]:
    return {
        "policy": learner.policy.state_dict(),
        "optimizer": learner.policy.optimizer.state_dict(),
        "lstm": _lstm(learner),
    }


def _counters(learner: OnPolicyAlgorithm) -> dict[str, Any]:
    return {
        "algorithm": type(learner).__name__,
        "num_timesteps": learner.num_timesteps,
        "n_updates": learner._n_updates,
        "pending": {key: float(value) for key, value in learner.logger.name_to_value.items()},
        "excluded": {key: list(value or ()) for key, value in learner.logger.name_to_excluded.items()},
        "episodes": [dict(episode) for episode in learner.ep_info_buffer or ()],
    }


def take_up(folder: Path, players: Players) -> dict[str, Any] | None:
    """Put fresh learners and their table where the newest checkpoint left them that can be used, and all chance.

    What cannot be used is told and passed over for the one before, be it damaged, made up or of something else. The
    curves are not touched: give ``rows[name]`` to each :class:`Curves`, and call :func:`restore_pending` then.

    Returns:
        The checkpoint's JSON; None if the job never wrote one.

    Raises:
        CheckpointError: if there are checkpoints and none can be used.
    """
    complaint = ""
    for path in (found := sorted(folder.glob(_COMPLETE), reverse=True)):
        try:
            saved = load(path)
            restore(saved, players)
            return saved
        except Exception as error:  # unpickling and unzipping what anybody wrote may raise whatever there is
            why = said(error).rstrip(".")
            logger.warning("Checkpoint %s cannot be used: %s. The one before is tried.", path, why)
            complaint = complaint or why
    if found:
        raise CheckpointError(f"No checkpoint in {folder} can be used: of the newest, {complaint or 'it is damaged'}.")
    return None


def load(path: Path) -> dict[str, Any]:
    """The checkpoint whose JSON is at ``path``, with ``tensors`` and ``arrays`` added.

    Raises:
        CheckpointError: if it is of another format, or a digest is wrong, or there is something else than tensors.
        Exception: whatever reading what is no checkpoint raises.
    """
    meta: dict[str, Any] = read_json(read_bounded(path, MOST_BYTES), most=MOST_BYTES)
    if meta["format"] != FORMAT:
        raise CheckpointError(f"it has format {meta['format']}, this version reads {FORMAT}")
    for suffix in ("pt", "npz"):
        if _digest(path.with_suffix(f".{suffix}")) != meta["sha256"][suffix]:
            raise CheckpointError(f"{path.stem}.{suffix} is damaged")
    try:
        tensors = th.load(path.with_suffix(".pt"), map_location="cpu", weights_only=True)
    except UnpicklingError:  # whose text advises to load it all the same
        raise CheckpointError(f"{path.stem}.pt holds something else than tensors") from None
    with path.with_suffix(".npz").open("rb") as file, np.load(file, allow_pickle=False) as npz:
        arrays = {key: npz[key] for key in npz.files}
    rows = {
        name: [{k: np.nan if v is None else v for k, v in row.items()} for row in own]
        for name, own in meta["rows"].items()
    }
    return meta | {"tensors": tensors, "arrays": arrays, "rows": rows}


def restore(checkpoint: Mapping[str, Any], players: Players) -> None:
    """Put fresh learners and their table where :func:`load`'s checkpoint left them, and all random streams with them.

    Raises:
        CheckpointError: if the checkpoint is of other learners.
        Exception: whatever they say of tensors or arrays that are not theirs; they can then be restored from another.
    """
    kinds = {name: counters["algorithm"] for name, counters in checkpoint["learners"].items()}
    mine = {name: type(learner).__name__ for name, learner in players.learners.items()}
    if kinds != mine:
        raise CheckpointError(f"The checkpoint is of {_named(kinds)}, the experiment has {_named(mine)}.")
    tensors, arrays = checkpoint["tensors"], checkpoint["arrays"]
    for name, learner in players.learners.items():
        _restore_learner(learner, checkpoint["learners"][name], tensors["learners"][name])
        learner._last_obs = arrays[f"learner/{name}/last_obs"]
        learner._last_episode_starts = arrays[f"learner/{name}/last_episode_starts"]
    if players.league:
        players.league.restore(tensors["league"], next(iter(players.learners.values())))
    prefix = "table/"
    players.table.restore({key.removeprefix(prefix): v for key, v in arrays.items() if key.startswith(prefix)})


def _restore_learner(learner: OnPolicyAlgorithm, counters: Mapping[str, Any], tensors: Mapping[str, Any]) -> None:
    learner.policy.load_state_dict(tensors["policy"])
    learner.policy.optimizer.load_state_dict(tensors["optimizer"])
    learner.num_timesteps = int(counters["num_timesteps"])
    learner._n_updates = int(counters["n_updates"])
    if _memory(learner) is not None:
        pi_h, pi_c, vf_h, vf_c = (state.to(learner.device) for state in tensors["lstm"])
        memory: Any = learner  # sb3-contrib declares the attribute as None
        memory._last_lstm_states = RNNStates((pi_h, pi_c), (vf_h, vf_c))
    learner.ep_info_buffer = deque(counters["episodes"], maxlen=learner._stats_window_size)
    learner.ep_success_buffer = deque(maxlen=learner._stats_window_size)


def restore_pending(checkpoint: Mapping[str, Any], players: Players) -> None:
    """Record again, in the learners' own loggers, what the last update did and no row holds yet."""
    for name, learner in players.learners.items():
        counters = checkpoint["learners"][name]
        for key, value in counters["pending"].items():
            learner.logger.record(key, np.nan if value is None else value, tuple(counters["excluded"][key]) or None)


def _named(kinds: Mapping[str, str]) -> str:
    return ", ".join(f"{name} ({kind})" for name, kind in kinds.items())


def _lstm(learner: Any) -> list[th.Tensor]:
    states = _memory(learner)
    return [] if states is None else [tensor.clone() for tensor in (*states.pi, *states.vf)]


def _memory(learner: Any) -> RNNStates | None:
    """What policy and value of a learner with memory remember."""
    states: RNNStates | None = getattr(learner, "_last_lstm_states", None)
    return states


def _digest(path: Path) -> str:
    return hashlib.sha256(read_bounded(path, _MOST_WEIGHTS)).hexdigest()
