"""Spaces of the game and the one check of actions that all faces share.

A face turns what a learner sends into the integer array that ``Worlds.step`` takes. Whatever cannot be an action
(missing, of another shape, not whole, out of range) is refused here in one sentence before anything moves;
an action that is only *illegal* this turn (masked) is let through: the rules replace and count it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium import spaces

from sd_env import layout


class ActionSpace(spaces.MultiDiscrete):
    """``MultiDiscrete([3, 3, 3] + [4] * (N - 1))``, or of other heads, that samples by flat masks, too.

    gymnasium's own ``MultiDiscrete.sample`` wants a mask as a tuple of one array a head, while masks travel flat
    (``sum(nvec)`` entries), as learners want them. PettingZoo's tests sample with what the infos hold.
    """

    def __init__(self, heads: layout.Heads, seed: int | None = None) -> None:
        super().__init__(heads.sizes, dtype=np.int64, seed=seed)
        self.heads = heads

    def sample(self, mask: Any = None, probability: Any = None) -> np.ndarray:
        """Draw an action uniformly; under a mask, uniformly among each head's legal choices.

        ``mask``: flat int8 ``(sum(nvec),)``, or a tuple of one array a head. ``probability``: a tuple, as in gymnasium.
        """
        if isinstance(mask, np.ndarray):
            if mask.shape != (int(self.nvec.sum()),):
                raise ValueError(f"a flat action mask has shape ({int(self.nvec.sum())},), got {mask.shape}")
            mask = tuple(np.split(mask.astype(np.int8, copy=False), np.cumsum(self.nvec)[:-1]))
        return super().sample(mask=mask, probability=probability)


def observation_box(heads: layout.Heads, size: int) -> spaces.Box:
    """float32 box of one state's observation of ``size`` columns (with or without context block and beliefs)."""
    parts = layout.observation_parts(size, heads.num_states, heads.limits_force)
    low = layout.observation_low(heads.num_states, *parts)
    return spaces.Box(low, np.full(size, layout.CEILING, dtype=np.float32), dtype=np.float32)


def observation_space(heads: layout.Heads, size: int, dict_observation: bool) -> spaces.Box | spaces.Dict:
    """The box alone, or ``{"observation": box, "action_mask": int8 (sum(nvec),)}``."""
    box = observation_box(heads, size)
    if not dict_observation:
        return box
    mask = spaces.Box(0, 1, (heads.mask_size,), dtype=np.int8)
    return spaces.Dict({"observation": box, "action_mask": mask})


def state_space(heads: layout.Heads) -> spaces.Box:
    """float64 box of the global state: all columns from -1 up (only growth and amity are ever negative)."""
    size = layout.state_size(heads.num_states, heads.limits_force)
    return spaces.Box(np.full(size, -1.0), np.full(size, np.finfo(np.float64).max), dtype=np.float64)


def check_action(
    who: str, agent: int, names: Sequence[str], action: Any, heads: layout.Heads | None = None
) -> np.ndarray:
    """One action as int64 ``(H,)``, or a ValueError naming the agent, the head, the value and what is allowed.

    ``who`` opens the sentence ("state_0", or "slot 5 (world 2, state_1)"); ``agent`` is its index in ``names``.
    ``heads``: of the scenario; default the standard ones.
    """
    heads = heads or layout.standard_heads(len(names))
    entries, kinds, sizes = heads.names(agent, names), heads.kinds, heads.sizes
    try:
        array = np.asarray(action)
        shape: Any = array.shape
    except ValueError:  # ragged
        array, shape = np.empty(0), "of rows of different lengths"
    if shape != (len(entries),):
        raise ValueError(
            f"action of {who}: {_shown(action)} has shape {shape}, but allowed is ({len(entries)},): "
            + ", ".join(entries)
        )
    result = np.empty(len(entries), dtype=np.int64)
    # A list with one bad entry is read entry by entry: as an array, the others would have become floats too.
    values = [_plain(entry) for entry in action] if isinstance(action, (list, tuple)) else array.tolist()
    for head, value in enumerate(values):
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < sizes[head]:
            allowed = ", ".join(f"{number} ({choice})" for number, choice in enumerate(heads.labels(kinds[head])))
            raise ValueError(
                f"action of {who}, head {entries[head]}: {value!r} is not among the whole numbers {allowed}"
            )
        result[head] = value
    return result


def check_seed(seed: int | None) -> int | None:
    """The seed as an int, or None; a ValueError for anything but a whole number of 64 bits (0 is a seed)."""
    if seed is None:
        return None
    value: Any = seed
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not 0 <= value < 2**64:
        raise ValueError(f"seed: {seed!r} is not allowed; allowed are None and whole numbers from 0 to 2**64 - 1")
    return int(value)


def _plain(entry: Any) -> Any:
    return entry.item() if isinstance(entry, np.generic) else entry


def _shown(action: Any) -> str:
    text = repr(action)
    return text if len(text) <= 60 else text[:57] + "..."


class _NoSuchMode(ValueError, TypeError):
    """Also a TypeError: at one, stable-baselines3's ``make_vec_env``, which asks for pictures, tries without."""


def check_render_mode(mode: str | None, modes: Sequence[str]) -> str | None:
    """The render mode, or a ValueError naming the allowed ones."""
    if mode is not None and mode not in modes:
        raise _NoSuchMode(f"render_mode: {mode!r} is not allowed; allowed are None, {', '.join(map(repr, modes))}")
    return mode
