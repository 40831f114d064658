"""Richardson's arms race: states that react to one another's arms and never fight."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from agents.policies.traits import Traits
from agents.strategies.base import Strategy
from agents.strategies.conduct import Share
from agents.strategies.plan import Plan
from agents.strategies.view import View
from sd_env.layout import Build


class Richardson(Strategy):
    """Arms in reaction: by a share of all others' arms, less fatigue, plus a standing grievance; never fights.

    The change of its arms that it wants in a turn is x' = k y - a x + g, with y the arms of all others in sight, x
    its own, k the ``reaction``, a the ``fatigue`` and g the ``grievance``. What age takes of x is replaced up to
    that. Each kind gets half of it, rounded to the nearest level of building. With the defaults a race between two
    settles at g / (a - k) = 2 each, and one among three runs away, since 2 k > a.

    [Richardson 1960, Arms and Insecurity]
    """

    name: ClassVar[str] = "richardson"
    traits: ClassVar[Traits] = Traits(builds_offense=True)
    reaction: float = Field(default=0.15, ge=0.0, description="k: arms built for each of the others', per turn")
    fatigue: float = Field(default=0.2, ge=0.0, description="a: share of its own arms given up per turn")
    grievance: float = Field(default=0.1, description="g: arms built per turn whatever others have")
    build_rate: float = Field(default=0.25, gt=0.0, description="arms a level, where the context is hidden")
    depreciation: Share = Field(default=0.1, description="share that age takes, where the context is hidden")
    capacity_cap: float = Field(default=2.0, gt=0.0, description="income that counts, where the context is hidden")

    def decide(self, view: View, plan: Plan) -> None:
        """See the class."""
        names = ("build_rate", "depreciation", "capacity_cap")
        rate, ages, cap = (self.assumed(view, name) for name in names)
        own = view.own
        wanted = self.reaction * view.arms.sum(axis=1) + self.grievance
        wanted += (ages - self.fatigue) * (own.offense + own.defense)
        step = rate * np.minimum(own.economy * (own.homeland + own.holdings), cap)
        levels = np.rint(0.5 * wanted / np.maximum(step, 1e-9))
        plan.build_offense = np.clip(levels, int(Build.NONE), int(Build.FULL)).astype(np.int64)
        plan.build_defense = plan.build_offense.copy()
