"""The numbers of a scenario between which a reset draws, as the rules read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from sd_env.scenario_values import DEFAULT, Number


@dataclass(frozen=True)
class Bounds:
    """Low and high of every number of a scenario as float64 arrays; a reset draws uniformly between them.

    ``parameters`` (2, P) in the order of ``layout.PARAMETERS``: booleans as 0 or 1, outcome gamble as ``gamble`` 1,
    contest difference as ``difference`` 1, null as NaN, ``allowed_*`` as bit masks (bit k = choice k). ``states``
    (2, N, S) in the order of ``layout.INITIAL_STATE``. ``pairs`` (2, N, N, 2) in the order of ``layout.INITIAL_PAIR``,
    diagonal 0.
    """

    parameters: NDArray[np.float64]
    states: NDArray[np.float64]
    pairs: NDArray[np.float64]


def is_matrix(value: Any) -> TypeGuard[tuple[tuple[Number, ...], ...]]:
    """Whether a value is one for each ordered pair of states."""
    return isinstance(value, tuple) and isinstance(value[0], tuple)


def span(value: Any) -> tuple[float, float]:
    """Low and high of a number, a range, a boolean or null."""
    if value is None:
        return (np.nan, np.nan)
    low, high = value if isinstance(value, tuple) else (value, value)
    return (float(low), float(high))


def of_state(value: Any, state: str) -> Any:
    """A per-state value for one state; None where a mapping names neither it nor a default."""
    return value.get(state, value.get(DEFAULT)) if isinstance(value, Mapping) else value
