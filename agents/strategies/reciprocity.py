"""Strategies that answer deeds with deeds, from repeated games and from the study of reassurance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from pydantic import Field

from agents.policies.traits import WHOLE_EPISODE, Traits
from agents.strategies.base import Cell, Strategy
from agents.strategies.conduct import Share, Turns, in_kind, keep_pace
from agents.strategies.plan import Plan
from agents.strategies.view import View
from sd_env.layout import Build, Signal, Stance


class TitForTat(Strategy):
    """Begins neutral, then does to each state what that state did to it last turn: align, mobilize or attack.

    It keeps pace with the best-armed rival's arms of each kind.

    [Axelrod 1984, The Evolution of Cooperation]
    """

    name: ClassVar[str] = "tit-for-tat"
    traits: ClassVar[Traits] = Traits(retaliates=True, allies=True, builds_offense=True)

    def decide(self, view: View, plan: Plan) -> None:
        """See the class."""
        plan.stance = in_kind(view)
        keep_pace(view, plan)


class GenerousTitForTat(Strategy):
    """As tit for tat, but lets each mobilization or attack pass, by lot, with probability ``generosity``.

    So it retaliates most of the time, not always, and a misunderstanding does not echo for ever.

    [Nowak and Sigmund 1992, Tit for Tat in Heterogeneous Populations]
    """

    name: ClassVar[str] = "generous-tit-for-tat"
    traits: ClassVar[Traits] = Traits(allies=True, builds_offense=True, stochastic=True)
    generosity: Share = Field(default=1 / 3, description="probability that a hostile deed is let pass")

    def decide(self, view: View, plan: Plan) -> None:
        """See the class."""
        plan.stance = in_kind(view)
        lenient = self.random.random(plan.stance.shape) < self.generosity
        plan.stance[lenient & (plan.stance >= Stance.MOBILIZE)] = Stance.NEUTRAL
        keep_pace(view, plan)


class GrimTrigger(Strategy):
    """Is neutral toward each state until it is attacked by it once, and attacks it from then on.

    It keeps pace with the best-armed rival's arms of each kind.

    [Friedman 1971, A Non-cooperative Equilibrium for Supergames]
    """

    name: ClassVar[str] = "grim-trigger"
    traits: ClassVar[Traits] = Traits(retaliates=True, forgives=False, builds_offense=True, memory=WHOLE_EPISODE)
    cells: ClassVar[Mapping[str, Cell]] = {"grudge": Cell("other", False)}

    def decide(self, view: View, plan: Plan) -> None:
        """See the class."""
        grudge = self.recall["grudge"]
        grudge |= view.attacked
        plan.stance[grudge] = Stance.ATTACK
        keep_pace(view, plan)


class Grit(Strategy):
    """Graduated reciprocation in tension reduction: announced concessions, each a step, answers in kind between.

    Every ``interval`` turns it reassures. If no state menaced or attacked it since the last announcement, it goes a
    step further: first it stops building offensive arms, then all arms, then it offers alignment. If one did, it
    takes a step back. Until a step forbids it, it keeps pace. Attack is met with attack and mobilization with
    mobilization on the next turn, and then the schedule goes on.

    [Osgood 1962, An Alternative to War or Surrender]
    """

    name: ClassVar[str] = "grit"
    traits: ClassVar[Traits] = Traits(
        retaliates=True, reassures=True, allies=True, builds_offense=True, memory=WHOLE_EPISODE
    )
    cells: ClassVar[Mapping[str, Cell]] = {"step": Cell("seat", 0), "tense": Cell("seat", False)}
    interval: int = Field(default=3, ge=1, le=10_000, description="turns from one announcement to the next")

    def decide(self, view: View, plan: Plan) -> None:
        """See the class."""
        step, tense = self.recall["step"], self.recall["tense"]
        tense |= (view.menaced | view.attacked).any(axis=1)
        announces = view.own.turn % self.interval == 0
        moved = np.clip(step + np.where(tense, -1, 1), 0, 3)
        step[:] = np.where(announces, moved, step)
        tense &= ~announces
        plan.signal[announces] = Signal.REASSURE
        keep_pace(view, plan)
        plan.build_offense[step >= 1] = Build.NONE
        plan.build_defense[step >= 2] = Build.NONE
        plan.stance[step >= 3] = Stance.ALIGN
        answer = in_kind(view)
        plan.stance = np.where(answer >= Stance.MOBILIZE, answer, plan.stance)


class KyddReassurer(Strategy):
    """Buys trust by a costly pledge under which a greedy state would strike, then rewards those who did not.

    For ``probation`` turns it reassures and builds only defensive arms: exposed, which is what makes the signal
    credible. After that it aligns with each state that neither mobilized against it nor attacked it so far. One that
    did is never trusted again: it is met with attack for attack, and while there is such a state it builds offensive
    arms too, and pledges no more.

    [Kydd 2000, Trust, Reassurance, and Cooperation]
    """

    name: ClassVar[str] = "kydd-reassurer"
    traits: ClassVar[Traits] = Traits(
        retaliates=True, reassures=True, allies=True, builds_offense=True, memory=WHOLE_EPISODE
    )
    cells: ClassVar[Mapping[str, Cell]] = {"failed": Cell("other", False)}
    probation: Turns = Field(default=3, description="turns for which others are tested")

    def decide(self, view: View, plan: Plan) -> None:
        """See the class."""
        failed = self.recall["failed"]
        failed |= view.attacked | view.menaced
        exploited = (failed & view.standing).any(axis=1)
        keep_pace(view, plan)
        plan.build_offense[~exploited] = Build.NONE
        plan.signal[view.unpledged & ~exploited] = Signal.REASSURE
        plan.stance[~failed & (view.own.turn >= self.probation)[:, None]] = Stance.ALIGN
        plan.stance[view.attacked] = Stance.ATTACK


class Appeaser(Strategy):
    """Gives way to whoever presses it, to win time for arming, and resists only who attacks it again and again.

    Toward a state that threatens, mobilizes or attacks it offers alignment and reassures, while it builds defensive
    arms at full rate. From the attack on that exceeds its ``patience`` it attacks that state whenever it was
    attacked by it last turn.

    [Ripsman and Levy 2008, Wishful Thinking or Buying Time? The Logic of British Appeasement in the 1930s]
    """

    name: ClassVar[str] = "appeaser"
    traits: ClassVar[Traits] = Traits(reassures=True, allies=True, memory=WHOLE_EPISODE)
    cells: ClassVar[Mapping[str, Cell]] = {"attacks": Cell("other", 0)}
    patience: Turns = Field(default=3, description="attacks by one state that it bears before it resists")

    def decide(self, view: View, plan: Plan) -> None:
        """See the class."""
        attacks = self.recall["attacks"]
        attacks += view.attacked
        pressing = view.standing & ((view.other.heard_threaten > 0) | view.menaced | view.attacked)
        pressed = pressing.any(axis=1)
        plan.build_defense[pressed] = Build.FULL
        plan.signal[pressed & view.unpledged] = Signal.REASSURE
        plan.stance[pressing] = Stance.ALIGN
        plan.stance[view.attacked & (attacks > self.patience)] = Stance.ATTACK
