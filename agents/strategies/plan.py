"""What a strategy wants to do: one choice for each head, made legal the way the rules do it."""

from __future__ import annotations

import numpy as np

from agents.policies.errors import PolicyError
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
        for head in (Head.BUILD_OFFENSE, Head.BUILD_DEFENSE, Head.SIGNAL):
            actions[:, head] = self._head(head.name.lower(), (rows,))
        actions[:, Head.STANCE :] = self._head("stance", (rows, others))
        sizes = np.array(layout.action_sizes(others + 1))
        unknown = (actions < 0) | (actions >= sizes)
        if unknown.any():
            column = int(unknown.any(axis=0).argmax())
            name, wrong = Head(min(column, Head.STANCE)).name.lower(), actions[unknown[:, column], column][0]
            raise PolicyError(f"plan.{name} holds {wrong}; whole numbers from 0 to {sizes[column] - 1} are allowed.")
        row, start = np.arange(rows)[:, None], np.cumsum(sizes) - sizes
        legal = mask[row, start + actions] != 0
        if legal.all():
            return actions
        noop = np.array(layout.noop(others + 1))
        attacks = actions == Stance.ATTACK  # a number that no other head has
        actions = np.where(legal, actions, np.where(attacks, int(Stance.MOBILIZE), noop))
        return np.where(mask[row, start + actions] != 0, actions, noop)

    def _head(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        wanted = np.asarray(getattr(self, name))
        if wanted.shape != shape or wanted.dtype.kind not in "iu":
            what = f"{wanted.dtype} of shape {wanted.shape}"
            raise PolicyError(f"plan.{name} is {what}; whole numbers of shape {shape} are needed.")
        return wanted
