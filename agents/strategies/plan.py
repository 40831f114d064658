"""What a strategy wants to do: one choice for each head, made legal the way the rules do it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sd_env import layout
from sd_env.policies import PolicyError


class Plan:
    """Choices of K seats in worlds of N states, to be changed in place; begins as the no-op.

    Attributes are the standard heads (:class:`sd_env.layout.Head`), in lower case: own heads (``build_offense``,
    ``build_defense``, ``signal``) int64 ``(K,)``, those toward others (``stance``) int64 ``(K, N - 1)``.
    """

    __slots__ = tuple(head.label for head in layout.standard_heads(2).all)

    if TYPE_CHECKING:

        def __getattr__(self, head: str) -> np.ndarray: ...

        def __setattr__(self, head: str, choices: np.ndarray) -> None: ...

    def __init__(self, rows: int, others: int) -> None:
        for head in layout.standard_heads(2).all:
            shape = (rows, others) if head.toward_others else (rows,)
            setattr(self, head.label, np.full(shape, head.noop, dtype=np.int64))

    def legal(self, mask: np.ndarray) -> np.ndarray:
        """The plan as actions that ``mask`` allows, int64 ``(K, H)``.

        An illegal entry becomes what the rules would make of it: attack becomes mobilize, and what is illegal still
        becomes the head's no-op.

        Args:
            mask: int8 ``(K, M)``.

        Raises:
            PolicyError: if a head has another shape than at the start, or a number that is no choice of it.
        """
        rows, num_states = len(mask), layout.num_states_of(mask.shape[-1])
        standard = layout.standard_heads(num_states)
        heads, sizes = standard.kinds, np.array(standard.sizes)
        actions = np.empty((rows, len(heads)), dtype=np.int64)
        for head in standard.all:
            wanted = self._head(head.label, (rows, num_states - 1) if head.toward_others else (rows,))
            actions[:, standard.entries(head)] = wanted.reshape(rows, -1)
        unknown = (actions < 0) | (actions >= sizes)
        if unknown.any():
            column = int(unknown.any(axis=0).argmax())
            name, wrong = heads[column].label, actions[unknown[:, column], column][0]
            raise PolicyError(f"plan.{name} holds {wrong}; whole numbers from 0 to {sizes[column] - 1} are allowed.")
        row, start = np.arange(rows)[:, None], np.cumsum(sizes) - sizes
        for _ in range(sizes.max()):  # no ladder is longer
            legal = mask[row, start + actions] != 0
            if legal.all():
                break
            instead = np.concatenate([head.replacements for head in heads])
            actions = np.where(legal, actions, instead[start + actions])
        return actions

    def _head(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        wanted = np.asarray(getattr(self, name))
        if wanted.shape != shape or wanted.dtype.kind not in "iu":
            what = f"{wanted.dtype} of shape {wanted.shape}"
            raise PolicyError(f"plan.{name} is {what}; whole numbers of shape {shape} are needed.")
        return wanted
