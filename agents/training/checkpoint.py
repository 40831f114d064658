"""Checkpoints of a job: everything that is needed to continue it to the same end, bit for bit.

A checkpoint is three files of one name: ``N.pt`` (torch state dicts, read with ``weights_only``), ``N.npz`` (arrays of
the worlds and of numpy's generator, read without pickle) and ``N.json`` (counters, curves, and the digests of the
other two). Each is written whole and the JSON last, so a checkpoint without it never existed, and one whose digests do
not match is damaged: the one before is taken.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
import torch as th
from sb3_contrib import RecurrentPPO
from sb3_contrib.common.recurrent.type_aliases import RNNStates
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from agents.files import write_json, write_whole
from agents.seats import WorldsVecEnv
from agents.training.logs import Curves

FORMAT = 1
#: Not "*.json", which would also find the temporary file of a write that was cut off.
_COMPLETE = "[0-9]*.json"


class CheckpointError(ValueError):
    """A job has checkpoints and none of them can be used; the message is one sentence."""


def save(folder: Path, learner: OnPolicyAlgorithm, env: WorldsVecEnv, curves: Curves, *, keep: int) -> None:
    """Write a checkpoint of a job that stands between two rollouts, and remove all but the last ``keep``."""
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob(".*"):  # writes that a kill cut off
        stale.unlink()
    stem = f"{learner.num_timesteps:012d}"
    tensors = {
        "policy": learner.policy.state_dict(),
        "optimizer": learner.policy.optimizer.state_dict(),
        "torch_rng": th.get_rng_state(),
        "cuda_rng": th.cuda.get_rng_state_all() if learner.device.type == "cuda" else [],
        "lstm": _lstm(learner),
    }
    kind, keys, position, has_gauss, gauss = np.random.get_state()
    assert learner._last_obs is not None and learner._last_episode_starts is not None
    arrays = {
        "numpy_rng": np.asarray(keys),
        "last_obs": np.asarray(learner._last_obs),
        "last_episode_starts": np.asarray(learner._last_episode_starts),
    } | {f"env.{key}": value for key, value in env.snapshot().items()}
    files = {"pt": folder / f"{stem}.pt", "npz": folder / f"{stem}.npz"}
    write_whole(files["pt"], lambda path: th.save(tensors, path))
    write_whole(files["npz"], lambda path: np.savez(path, **arrays))  # type: ignore[arg-type]
    version, state, next_gauss = random.getstate()
    write_json(
        folder / f"{stem}.json",
        {
            "format": FORMAT,
            "algorithm": type(learner).__name__,
            "sha256": {suffix: _digest(path) for suffix, path in files.items()},
            "num_timesteps": learner.num_timesteps,
            "n_updates": learner._n_updates,
            "numpy_rng": [str(kind), int(position), int(has_gauss), float(gauss)],
            "python_rng": [version, list(state), next_gauss],
            "pending": {key: float(value) for key, value in learner.logger.name_to_value.items()},
            "excluded": {key: list(value or ()) for key, value in learner.logger.name_to_excluded.items()},
            "episodes": [dict(episode) for episode in learner.ep_info_buffer or ()],
            "rows": curves.rows,
        },
    )
    for old in sorted(folder.glob(_COMPLETE))[:-keep]:
        for path in (old, old.with_suffix(".npz"), old.with_suffix(".pt")):  # the JSON first: it says "whole"
            path.unlink(missing_ok=True)


def load(folder: Path) -> dict[str, Any] | None:
    """The newest undamaged checkpoint in ``folder``: its JSON with ``tensors`` and ``arrays`` added.

    Returns:
        None if the job never wrote one.

    Raises:
        CheckpointError: if there are checkpoints and all are damaged.
    """
    found = sorted(folder.glob(_COMPLETE), reverse=True)
    complaint = ""
    for path in found:
        try:
            meta: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            if meta["format"] != FORMAT:
                raise ValueError(f"it has format {meta['format']}, this version reads {FORMAT}")
            for suffix, digest in meta["sha256"].items():
                if _digest(path.with_suffix(f".{suffix}")) != digest:
                    raise ValueError(f"{path.stem}.{suffix} is damaged")
            tensors = th.load(path.with_suffix(".pt"), map_location="cpu", weights_only=True)
            with np.load(path.with_suffix(".npz"), allow_pickle=False) as npz:
                arrays = {key: npz[key] for key in npz.files}
            rows = [{k: np.nan if v is None else v for k, v in row.items()} for row in meta["rows"]]
            return meta | {"tensors": tensors, "arrays": arrays, "rows": rows}
        except (OSError, ValueError, KeyError, TypeError, EOFError, RuntimeError) as error:
            complaint = complaint or " ".join(str(error).split())
    if found:
        raise CheckpointError(f"No checkpoint in {folder} can be used: of the newest, {complaint or 'it is damaged'}.")
    return None


def restore(checkpoint: dict[str, Any], learner: OnPolicyAlgorithm, env: WorldsVecEnv) -> None:
    """Put a fresh learner and its worlds where :func:`load`'s checkpoint left them, and all random streams with them.

    The curves are not touched: give ``checkpoint["rows"]`` to :class:`Curves`.

    Raises:
        CheckpointError: if the checkpoint is of another learner.
    """
    if checkpoint["algorithm"] != type(learner).__name__:
        raise CheckpointError(
            f"The checkpoint is of {checkpoint['algorithm']}, the experiment's learner is {type(learner).__name__}."
        )
    tensors, arrays = checkpoint["tensors"], checkpoint["arrays"]
    learner.policy.load_state_dict(tensors["policy"])
    learner.policy.optimizer.load_state_dict(tensors["optimizer"])
    learner.num_timesteps = int(checkpoint["num_timesteps"])
    learner._n_updates = int(checkpoint["n_updates"])
    learner._last_obs = arrays["last_obs"]
    learner._last_episode_starts = arrays["last_episode_starts"]
    if isinstance(learner, RecurrentPPO):
        pi_h, pi_c, vf_h, vf_c = (state.to(learner.device) for state in tensors["lstm"])
        memory: Any = learner  # sb3-contrib declares the attribute as None
        memory._last_lstm_states = RNNStates((pi_h, pi_c), (vf_h, vf_c))
    env.restore({key.removeprefix("env."): value for key, value in arrays.items() if key.startswith("env.")})
    learner.ep_info_buffer = deque(checkpoint["episodes"], maxlen=learner._stats_window_size)
    learner.ep_success_buffer = deque(maxlen=learner._stats_window_size)
    for key, value in checkpoint["pending"].items():  # what the last update recorded and no row holds yet
        learner.logger.record(key, np.nan if value is None else value, tuple(checkpoint["excluded"][key]) or None)
    kind, position, has_gauss, gauss = checkpoint["numpy_rng"]
    np.random.set_state((kind, arrays["numpy_rng"], position, has_gauss, gauss))
    version, state, next_gauss = checkpoint["python_rng"]
    random.setstate((version, tuple(state), next_gauss))
    th.set_rng_state(tensors["torch_rng"])
    if learner.device.type == "cuda" and tensors["cuda_rng"]:
        th.cuda.set_rng_state_all(tensors["cuda_rng"])


def _lstm(learner: Any) -> list[th.Tensor]:
    if not isinstance(learner, RecurrentPPO):
        return []
    states: Any = learner._last_lstm_states
    return [tensor.clone() for tensor in (*states.pi, *states.vf)]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
