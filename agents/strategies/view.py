"""What a strategy sees: the columns of its observations by name, batched over its seats."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from sd_env import layout
from sd_env.policies import PolicyError


class Columns:
    """One block of observations by the names of ``layout``, in lower case: ``columns.offense``.

    Own columns are float64 ``(K,)``, columns about others float64 ``(K, N - 1)``.
    """

    def __init__(self, block: np.ndarray, names: type[IntEnum]) -> None:
        self._block = block
        self._names = names

    def __getattr__(self, name: str) -> np.ndarray:
        try:
            column: np.ndarray = self._block[..., self._names[name.upper()]]
        except KeyError:
            known = ", ".join(column.name.lower() for column in self._names)
            raise AttributeError(f"An observation has no column {name!r} in this block; it has {known}.") from None
        return column


class View:
    """One turn as K seats see it, in worlds of N states; everything is by seat and, for the others, by slot.

    Attributes:
        own: the observer's own columns (``layout.Own``), each float64 ``(K,)``.
        other: columns about the other states (``layout.Other``), each float64 ``(K, N - 1)``.
        mask: int8 ``(K, M)``, 1 where a choice is legal.
        rows: K, how many seats.
        others: N - 1, how many other states.
        first: bool ``(K,)``, seats whose episode begins.
        standing: bool ``(K, N - 1)``, others that stand.
        attacked: bool ``(K, N - 1)``, others that attacked this state last turn.
        menaced: bool ``(K, N - 1)``, others that mobilized against this state last turn.
        aligned: bool ``(K, N - 1)``, others that chose to align with it last turn.
        called: bool ``(K, N - 1)``, others that an open call of an ally names as the aggressor.
        belief: float64 ``(K, N - 1)``, probability that each other is a security seeker, where the observation has
            that column (``perception.beliefs``), else None.
    """

    def __init__(self, observation: np.ndarray, mask: np.ndarray) -> None:
        """Lay the names over observations ``(K, D)`` and masks ``(K, M)``.

        Raises:
            PolicyError: if the two do not belong to the same game.
        """
        try:
            num_states = layout.num_states_of(mask.shape[-1])
            self.rows, self.others = len(mask), num_states - 1
            parts = layout.observation_parts(observation.shape[-1], num_states)
        except ValueError as error:
            raise PolicyError(str(error)) from None
        values = observation.astype(np.float64)
        self._context = parts.context
        end = layout.OWN_SIZE + self.others * parts.block
        blocks = values[:, layout.OWN_SIZE : end].reshape(self.rows, self.others, parts.block)
        self._world = values[:, end:]
        self.mask = mask
        self.own = Columns(values[:, : layout.OWN_SIZE], layout.Own)
        self.other = Columns(blocks, layout.Other)
        self.belief: np.ndarray | None = blocks[..., layout.BELIEF] if parts.beliefs else None
        self.first: np.ndarray = self.own.turn == 0
        self.standing: np.ndarray = self.other.standing > 0
        self.attacked: np.ndarray = self.other.they_attacked > 0
        self.menaced: np.ndarray = self.other.they_mobilized > 0
        self.aligned: np.ndarray = self.other.aligned > 0
        self.called: np.ndarray = self.other.called_against > 0

    def context(self, name: str) -> np.ndarray | None:
        """A parameter of the world, float64 ``(K,)``, or None where the observation hides the context block.

        Raises:
            PolicyError: if the context block has no such parameter.
        """
        if name not in layout.CONTEXT:
            raise PolicyError(f"The context block has no {name!r}; it has {', '.join(layout.CONTEXT)}.")
        return self._world[:, layout.CONTEXT.index(name)] if self._context else None

    @property
    def arms(self) -> np.ndarray:
        """Estimated arms of each other state, of both kinds: float64 ``(K, N - 1)``."""
        total: np.ndarray = self.other.offense_estimate + self.other.defense_estimate
        return total

    @property
    def power(self) -> np.ndarray:
        """Power of each other state: its estimated arms and a turn's income, float64 ``(K, N - 1)``; 0 once fallen."""
        income = self.other.economy * (self.other.homeland + self.other.holdings)
        return np.where(self.standing, self.arms + income, 0.0)

    @property
    def own_power(self) -> np.ndarray:
        """The observer's power by the same measure, float64 ``(K, 1)``, to be compared with ``power``."""
        income = self.own.economy * (self.own.homeland + self.own.holdings)
        power: np.ndarray = self.own.offense + self.own.defense + income
        return power[:, None]

    @property
    def unpledged(self) -> np.ndarray:
        """Seats whose reassurance, if any, ends unless it is renewed now: bool ``(K,)``."""
        ends: np.ndarray = self.own.pledge <= 1
        return ends

    @property
    def uncommitted(self) -> np.ndarray:
        """Seats whose threat, if any, ends unless it is renewed now: bool ``(K,)``."""
        ends: np.ndarray = self.own.commitment <= 1
        return ends
