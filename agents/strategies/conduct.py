"""Pieces of conduct that several strategies share: arming to a mark, answering in kind, choosing one among many."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

import numpy as np
from pydantic import Field

from agents.strategies.plan import Plan
from agents.strategies.view import View
from sd_env.layout import Build, Stance

#: A probability or a share, as a parameter.
Share: TypeAlias = Annotated[float, Field(ge=0.0, le=1.0)]
#: A level of building, as a parameter: 0 none, 1 half, 2 full.
Level: TypeAlias = Annotated[int, Field(ge=0, le=2)]
#: A number of turns, as a parameter.
Turns: TypeAlias = Annotated[int, Field(ge=0, le=10_000)]

#: A stock this near to its mark counts as there: estimates are noisy.
NEAR: Final = 0.9


def level_toward(stock: np.ndarray, mark: np.ndarray) -> np.ndarray:
    """How much to build to bring a stock to its mark: full below half of it, half below 0.9 of it, else none.

    Args:
        stock: arms in hand, ``(K,)``.
        mark: arms wanted, ``(K,)``.

    Returns:
        Levels of ``layout.Build``, int64 ``(K,)``.
    """
    level = np.where(stock < NEAR * mark, int(Build.HALF), int(Build.NONE))
    return np.where(stock < 0.5 * mark, int(Build.FULL), level)


def keep_pace(view: View, plan: Plan, *, offense: bool = True) -> None:
    """Build toward the arms of each kind that the rival best armed in that kind seems to have.

    Args:
        view: what the seats see.
        plan: where the builds are written.
        offense: False: only defensive arms, toward the larger of the two.
    """
    theirs, guard = view.other.offense_estimate.max(axis=1), view.other.defense_estimate.max(axis=1)
    if offense:
        plan.build_offense = level_toward(view.own.offense, theirs)
        plan.build_defense = level_toward(view.own.defense, guard)
    else:
        plan.build_defense = level_toward(view.own.defense, np.maximum(theirs, guard))


def arm_until_safe(view: View, safe: float) -> np.ndarray:
    """Full defensive building while some state's attack would succeed with a probability above ``safe``: ``(K,)``."""
    return np.where((view.other.their_success > safe).any(axis=1), int(Build.FULL), int(Build.NONE))


def in_kind(view: View) -> np.ndarray:
    """Each other state's last stance toward this one, as stances toward it: ``(K, N - 1)``; neutral at first."""
    stance = np.full((view.rows, view.others), int(Stance.NEUTRAL), dtype=np.int64)
    stance[view.aligned] = Stance.ALIGN
    stance[view.menaced] = Stance.MOBILIZE
    stance[view.attacked] = Stance.ATTACK
    return stance


def best(score: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Bool ``(K, N - 1)``: in each row the one of highest score ``among`` the candidates (the first of equals).

    A row without candidates has none.
    """
    ranked = np.where(among, score, -np.inf)
    chosen: np.ndarray = np.arange(among.shape[1]) == ranked.argmax(axis=1)[:, None]
    chosen &= among
    return chosen
