"""A strategy in a package of its own: installed beside sd-env, it is found by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from agents.strategies import Cell, Plan, Strategy, Traits, View
from sd_env.layout import Build, Stance


class TitForTwoTats(Strategy):
    """Attacks only who attacked it on both of the last two turns, and builds a modest defence.

    [Axelrod 1984, The Evolution of Cooperation]
    """

    name: ClassVar[str] = "tit-for-two-tats"
    traits: ClassVar[Traits] = Traits(memory=1)
    cells: ClassVar[Mapping[str, Cell]] = {"before": Cell("other", False)}
    armour: int = Field(default=1, ge=0, le=2, description="defensive building on every turn")

    def decide(self, view: View, plan: Plan) -> None:
        """See the class."""
        plan.build_defense[:] = Build(self.armour)
        plan.stance[view.attacked & self.recall["before"]] = Stance.ATTACK
        self.recall["before"][:] = view.attacked
