"""Strategies of words: threats that are meant, threats that are not, and promises made to be broken."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from agents.policies.traits import Traits
from agents.strategies.base import Strategy
from agents.strategies.conduct import Share, Turns, best, keep_pace
from agents.strategies.plan import Plan
from agents.strategies.view import View
from sd_env.layout import Build, Signal, Stance


class Deterrer(Strategy):
    """Threatens when it or an ally is in danger, and does what it threatened.

    Danger is a state that is mobilized against it, attacked it or an ally of its, or whose attack on it would succeed
    with a chance above ``alarm``; while there is any it keeps a threat open. It answers mobilization with
    mobilization, attacks whoever attacked it and, when called, whoever attacked an ally, aligns with who aligns with
    it, and keeps pace in arms.

    [Schelling 1966, Arms and Influence; Huth 1988, Extended Deterrence and the Prevention of War]
    """

    name: ClassVar[str] = "deterrer"
    traits: ClassVar[Traits] = Traits(
        retaliates=True, honours_calls=True, threatens=True, allies=True, builds_offense=True
    )
    alarm: Share = Field(default=0.3, description="chance of an attack on it that it bears in silence")

    def decide(self, view: View, plan: Plan) -> None:
        """See the class."""
        keep_pace(view, plan)
        danger = view.menaced | view.attacked | view.called | (view.other.their_success > self.alarm)
        plan.signal[danger.any(axis=1) & view.uncommitted] = Signal.THREATEN
        plan.stance[view.aligned] = Stance.ALIGN
        plan.stance[view.menaced] = Stance.MOBILIZE
        plan.stance[view.attacked | view.called] = Stance.ATTACK


class Bluffer(Strategy):
    """Threatens all the time and mobilizes against whoever presses it, but never attacks, though attacked itself.

    It keeps a threat open from the first turn on, and builds half of the defensive arms that it could.

    [Sartori 2005, Deterrence by Diplomacy]
    """

    name: ClassVar[str] = "bluffer"
    traits: ClassVar[Traits] = Traits(threatens=True)

    def decide(self, view: View, plan: Plan) -> None:
        """See the class."""
        plan.build_defense[:] = Build.HALF
        plan.signal[view.uncommitted] = Signal.THREATEN
        plan.stance[view.menaced | view.attacked] = Stance.MOBILIZE


class Deceiver(Strategy):
    """Keeps a pledge of peace open while it arms, and then attacks the easiest prey, pledge or no pledge.

    For ``patience`` turns it builds all the offensive arms it can, reassures, and is neutral toward all. From then on
    it is silent and attacks the state on which the net assessment gives its attack the best chance.

    [Jervis 1970, The Logic of Images in International Relations]
    """

    name: ClassVar[str] = "deceiver"
    traits: ClassVar[Traits] = Traits(
        first_strikes=True, preempts=True, forgives=False, reassures=True, builds_offense=True
    )
    patience: Turns = Field(default=5, description="turns for which it keeps up appearances")

    def decide(self, view: View, plan: Plan) -> None:
        """See the class."""
        plan.build_offense[:] = Build.FULL
        turns_to_act = view.own.turn >= self.patience
        plan.signal[~turns_to_act & view.unpledged] = Signal.REASSURE
        plan.stance[best(view.other.our_success, view.standing & turns_to_act[:, None])] = Stance.ATTACK
