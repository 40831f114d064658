"""What a strategy wants to do: one choice for each head, made legal the way the rules do it."""

from __future__ import annotations

import numpy as np

from agents.registry import PolicyError
from sd_env import layout
from sd_env.layout import Build, Head, Signal, Stance


class Plan:
    """Choices of K seats in worlds of N states, to be changed in place; begins as the no-op.

    Attributes:
        build_offense: int64 ``(K,)``, ``layout.Build``.
        build_defense: int64 ``(K,)``, ``layout.Build``.
        signal: int64 ``(K,)``, ``layout.Signal``.
        stance: int64 ``(K, N - 1)``, ``layout.Stance`` toward each other state.
    """

    def __init__(self, rows: int, others: int) -> None:
        self.build_offense = np.full(rows, int(Build.NONE), dtype=np.int64)
        self.build_defense = np.full(rows, int(Build.NONE), dtype=np.int64)
        self.signal = np.full(rows, int(Signal.SILENCE), dtype=np.int64)
        self.stance = np.full((rows, others), int(Stance.NEUTRAL), dtype=np.int64)

    def legal(self, mask: np.ndarray) -> np.ndarray:
        """The plan as actions that ``mask`` allows, int64 ``(K, 3 + N - 1)``.

        An illegal entry becomes what the rules would make of it: attack becomes mobilize, and what is illegal still
        becomes the head's no-op.

        Args:
            mask: int8 ``(K, M)``.

        Raises:
            PolicyError: if a head has another shape than at the start, or a number that is no choice of it.
        """
        rows, others = len(mask), layout.num_states_of(mask.shape[-1]) - 1
        actions = np.empty((rows, len(layout.HEAD_SIZES) + others), dtype=np.int64)
        start = 0
        for head, size in zip(list(Head)[: len(layout.HEAD_SIZES)], layout.HEAD_SIZES, strict=True):
            wanted = self._head(head.name.lower(), (rows,), size)
            allowed = mask[:, start : start + size]
            actions[:, head] = _or_else(wanted, allowed, int(Build.NONE))  # the first choice of these is their no-op
            start += size
        stance = self._head("stance", (rows, others), layout.NUM_STANCES)
        allowed = mask[:, start:].reshape(rows, others, layout.NUM_STANCES)
        instead = np.where(stance == Stance.ATTACK, int(Stance.MOBILIZE), int(Stance.NEUTRAL))
        actions[:, Head.STANCE :] = _or_else(_or_else(stance, allowed, instead), allowed, int(Stance.NEUTRAL))
        return actions

    def _head(self, name: str, shape: tuple[int, ...], choices: int) -> np.ndarray:
        wanted = np.asarray(getattr(self, name))
        if wanted.shape != shape:
            raise PolicyError(f"plan.{name} has shape {wanted.shape}; {shape} is needed.")
        if not (wanted.dtype.kind in "iu" and ((wanted >= 0) & (wanted < choices)).all()):
            raise PolicyError(f"plan.{name} must hold whole numbers from 0 to {choices - 1}, got {wanted.tolist()}.")
        return wanted


def _or_else(wanted: np.ndarray, allowed: np.ndarray, instead: np.ndarray | int) -> np.ndarray:
    """``wanted`` where its entry of ``allowed`` (last axis: the choices) is set, else ``instead``."""
    legal = np.take_along_axis(allowed, wanted[..., None], axis=-1)[..., 0] != 0
    return np.where(legal, wanted, instead)
