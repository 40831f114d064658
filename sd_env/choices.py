"""Actions as the worlds take them: whole numbers that are choices, or refused before anything moves.

A choice that is only *illegal* on a turn is one: the rules replace and count it. What is no choice at all (another
shape, no whole number, out of range) would be a no-op, and its player a perfect dove.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sd_env.errors import RefusedError
from sd_env.layout import Heads
from sd_env.rules.compiled import entry_point


def whole_choices(actions: Any, shape: tuple[int, ...]) -> NDArray[Any]:
    """``actions`` as an array of integers of this shape, of whatever type they are.

    Raises:
        RefusedError: if they have another shape, or are no whole numbers.
    """
    try:
        array = np.asarray(actions)
    except ValueError:  # rows of different lengths
        raise RefusedError(f"actions have rows of different lengths; {shape} is needed") from None
    if array.shape != shape:
        raise RefusedError(f"actions have shape {array.shape}; {shape} is needed")
    if array.dtype.kind not in "iu":
        raise RefusedError(f"actions are {array.dtype.name}; integers are needed, a choice for each head")
    return array


class Choices:
    """The actions of B worlds, looked at before they are played: that costs less than a copy of them, which it saves.

    Args:
        num_worlds: B.
        heads: of the scenario.
        agents: names of its states, for sentences.
    """

    def __init__(self, num_worlds: int, heads: Heads, agents: Sequence[str]) -> None:
        self._heads, self._agents = heads, agents
        self._sizes = np.array(heads.sizes)
        self._shape = (num_worlds, len(agents), len(heads.sizes))
        self._last = np.broadcast_to(self._sizes - 1, self._shape).flatten()

    def of(self, actions: Any) -> NDArray[np.int64]:
        """``actions``, int ``(B, N, H)``, as the rules read them; maybe themselves.

        Raises:
            RefusedError: for what is no choice, naming the world, the state, the head and what is allowed.
        """
        if not (
            type(actions) is np.ndarray
            and actions.dtype == np.int64
            and actions.shape == self._shape
            and actions.flags.carray
        ):
            actions = whole_choices(actions, self._shape)
            if actions.dtype == np.uint64:
                actions = np.minimum(actions, 2**63 - 1)  # what is larger would become negative
            actions = np.array(actions, np.int64, order="C")
        chosen: NDArray[np.int64] = actions
        if not _all_within(chosen.reshape(-1), self._last):
            raise RefusedError(self._odd(chosen))
        return chosen

    def _odd(self, chosen: NDArray[np.int64]) -> str:
        world, state, entry = np.argwhere((chosen < 0) | (chosen >= self._sizes))[0].tolist()
        labels = self._heads.labels(self._heads.kinds[entry])
        allowed = ", ".join(f"{number} ({label})" for number, label in enumerate(labels))
        return (
            f"action of {self._agents[state]} in world {world}, head {self._heads.names(state, self._agents)[entry]}: "
            f"{chosen[world, state, entry]} is not among the whole numbers {allowed}"
        )


@entry_point
def _all_within(actions, last):  # type: ignore[no-untyped-def]
    """Whether each entry is from 0 to its last choice: else itself, or what is left from it to the last, is below 0."""
    signs = 0
    for k in range(len(actions)):
        signs |= actions[k] | (last[k] - actions[k])  # one pass without a branch, several entries at a time
    return signs >= 0
