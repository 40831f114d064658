"""A strategy by the clock: what scripted experiments set against one another."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, TypeAlias

import numpy as np
from pydantic import Field

from agents.policies.traits import Traits
from agents.strategies.base import Strategy
from agents.strategies.conduct import Level, Share, Turns
from agents.strategies.plan import Plan
from agents.strategies.view import View
from sd_env.layout import Build, Stance

#: Later than any turn of any game.
NEVER: Final = 10_000
#: A signal, as a parameter: 0 nothing, 1 reassures, 2 threatens.
Word: TypeAlias = Annotated[int, Field(ge=0, le=2)]


class Timetable(Strategy):
    """Goes by the clock, whatever others do: builds on some turns, attacks everyone on some, and else rests.

    Turns count from 0, and a span ends before its last number. Where an attack needs mobilization first, the first
    turn of attack is a mobilization; ``mobilizes_from`` begins a crisis before it. With ``odds`` it attacks only those
    on which its success seems as likely as that, with ``greedy_only`` only while its leader wants land.

    [Taylor 1969, War by Time Table]
    """

    name: ClassVar[str] = "timetable"
    traits: ClassVar[Traits] = Traits(first_strikes=True, preempts=True, forgives=False, builds_offense=True)
    offense: Level = Field(default=2, description="effort into offensive arms: 0 none, 1 half, 2 full")
    defense: Level = Field(default=0, description="effort into defensive arms")
    seeker_offense: Level | None = Field(default=None, description="offense if its leader wants no land; null: alike")
    seeker_defense: Level | None = Field(default=None, description="defense if its leader wants no land; null: alike")
    builds_from: Turns = Field(default=0, description="first turn of building")
    builds_until: Turns = Field(default=4, description="turn before which building ends")
    attacks_from: Turns = Field(default=4, description="first turn of attack")
    attacks_until: Turns = Field(default=NEVER, description="turn before which attacks end")
    odds: Share = Field(default=0.0, description="chance of success from which it attacks")
    greedy_only: bool = Field(default=False, description="whether it attacks only while its leader wants land")
    mobilizes_from: Turns = Field(default=NEVER, description="first turn of mobilization against everyone, of any type")
    says: Word = Field(default=0, description="what it says on every turn: 0 nothing, 1 reassures, 2 threatens")
    seeker_says: Word | None = Field(default=None, description="says if its leader wants no land; null: alike")

    def decide(self, view: View, plan: Plan) -> None:
        """See the class."""
        turn, seeks = view.own.turn, view.own.greed == 0
        builds = (turn >= self.builds_from) & (turn < self.builds_until)
        plan.build_offense = np.where(builds, _by_type(seeks, self.offense, self.seeker_offense), int(Build.NONE))
        plan.build_defense = np.where(builds, _by_type(seeks, self.defense, self.seeker_defense), int(Build.NONE))
        plan.signal[:] = _by_type(seeks, self.says, self.seeker_says)
        plan.stance[(turn >= self.mobilizes_from)[:, None] & view.standing] = Stance.MOBILIZE
        attacks = (turn >= self.attacks_from) & (turn < self.attacks_until) & ~(seeks & self.greedy_only)
        plan.stance[attacks[:, None] & view.standing & (view.other.our_success >= self.odds)] = Stance.ATTACK


def _by_type(seeks: np.ndarray, value: int, of_seekers: int | None) -> np.ndarray:
    """A choice for each state, int64 ``(K,)``: that of security seekers may be another."""
    return np.where(seeks, value if of_seekers is None else of_seekers, value)
