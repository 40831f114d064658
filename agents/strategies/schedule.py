"""A strategy by the clock: what scripted experiments set against one another."""

from __future__ import annotations

from typing import ClassVar, Final

from pydantic import Field

from agents.policies.traits import Traits
from agents.strategies.base import Strategy
from agents.strategies.conduct import Level, Share, Turns
from agents.strategies.plan import Plan
from agents.strategies.view import View
from sd_env.layout import Signal, Stance

#: Later than any turn of any game.
NEVER: Final = 10_000


class Timetable(Strategy):
    """Goes by the clock, whatever others do: builds on some turns, attacks everyone on some, and else rests.

    Turns count from 0, and a span ends before its last number. Where an attack needs mobilization first, the first
    turn of attack is a mobilization; ``mobilizes_from`` begins a crisis before it. With ``odds`` it attacks only those on
    which its success seems as likely as that, with ``greedy_only`` only while its leader wants land; the two types build
    alike, unless told otherwise.

    [Taylor 1969, War by Time Table]
    """

    name: ClassVar[str] = "timetable"
    traits: ClassVar[Traits] = Traits(first_strikes=True, preempts=True, forgives=False, builds_offense=True)
    offense: Level = Field(default=2, description="effort into offensive arms: 0 none, 1 half, 2 full")
    defense: Level = Field(default=0, description="effort into defensive arms")
    seeker_offense: Level | None = Field(
        default=None, description="effort into offensive arms while its leader wants no land; null: the same"
    )
    seeker_defense: Level | None = Field(default=None, description="effort into defensive arms then; null: the same")
    builds_from: Turns = Field(default=0, description="first turn of building")
    builds_until: Turns = Field(default=4, description="turn before which building ends")
    attacks_from: Turns = Field(default=4, description="first turn of attack")
    attacks_until: Turns = Field(default=NEVER, description="turn before which attacks end")
    odds: Share = Field(default=0.0, description="chance of success from which it attacks")
    greedy_only: bool = Field(default=False, description="whether it attacks only while its leader wants land")
    mobilizes_from: Turns = Field(default=NEVER, description="first turn of mobilization against everyone, of any type")
    says: int = Field(
        default=0, ge=0, le=2, description="what it says on every turn: 0 nothing, 1 reassures, 2 threatens"
    )

    def decide(self, view: View, plan: Plan) -> None:
        """See the class."""
        turn = view.own.turn
        builds = (turn >= self.builds_from) & (turn < self.builds_until)
        seeks = view.own.greed == 0
        for build, effort, other in (
            (plan.build_offense, self.offense, self.seeker_offense),
            (plan.build_defense, self.defense, self.seeker_defense),
        ):
            build[builds] = effort
            if other is not None:
                build[builds & seeks] = other
        plan.signal[:] = Signal(self.says)
        plan.stance[(turn >= self.mobilizes_from)[:, None] & view.standing] = Stance.MOBILIZE
        attacks = (turn >= self.attacks_from) & (turn < self.attacks_until)
        if self.greedy_only:
            attacks &= view.own.greed > 0
        plan.stance[attacks[:, None] & view.standing & (view.other.our_success >= self.odds)] = Stance.ATTACK
