"""Strategies that reckon with war: defensive and offensive realism, preemption and prevention."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from pydantic import Field

from agents.policies.traits import WHOLE_EPISODE, Traits
from agents.strategies.assessment import NetAssessor
from agents.strategies.base import Cell, Strategy
from agents.strategies.conduct import Share, arm_until_safe, best, keep_pace
from agents.strategies.plan import Plan
from agents.strategies.view import View
from sd_env.layout import Build, Signal, Stance


class Believer(NetAssessor):
    """A strategy that holds a belief of each other state: the probability that it is a security seeker.

    The belief begins at ``prior`` and follows Bayes' rule. Each turn a hostile deed, or its absence, counts by the
    two ``hostile_`` rates, unless the strategy itself was mobilized against or attacking that state; a posture in
    sight counts when it changes, and is read rightly with probability (1 + q) / 2 (model.md, *Exact reductions*).
    It stays within 0.001 of certainty. Where the observation has a belief column, that is used instead.
    """

    cells: ClassVar[Mapping[str, Cell]] = {"odds": Cell("other", 1.0), "posture": Cell("other", 0)}
    prior: float = Field(default=0.8, gt=0.0, lt=1.0, description="belief before anything is seen")
    hostile_seeker: float = Field(default=0.05, gt=0.0, lt=1.0, description="chance a turn that a seeker is hostile")
    hostile_greedy: float = Field(default=0.25, gt=0.0, lt=1.0, description="chance a turn that the greedy are hostile")
    distinguishability: Share = Field(default=0.0, description="q, where the context is hidden")

    def beliefs(self, view: View) -> np.ndarray:
        """Belief in each other state after this observation, float64 ``(K, N - 1)``; call it once a turn."""
        if view.belief is not None:
            return view.belief
        odds, posture = self.recall["odds"], self.recall["posture"]  # odds: relative to the prior's
        hostile = view.attacked | view.menaced
        peaceful = (1.0 - self.hostile_seeker) / (1.0 - self.hostile_greedy)
        deed = np.where(hostile, self.hostile_seeker / self.hostile_greedy, peaceful)
        provoked = (view.other.at_war > 0) | (view.other.mobilized > 0)
        odds *= np.where(provoked | view.first[:, None] | ~view.standing, 1.0, deed)
        reading = np.sign(view.other.offense_estimate - view.other.defense_estimate).astype(np.int64)
        right = (1.0 + self.parameter(view, "distinguishability")) / 2.0
        defensive = right / np.maximum(1.0 - right, 1e-3)  # likelihood ratio of a defensive posture
        changed = (reading != 0) & (reading != posture)
        odds *= np.where(changed, defensive ** -reading.astype(np.float64), 1.0)
        posture[changed] = reading[changed]
        prior = self.prior / (1.0 - self.prior)
        odds[:] = np.clip(odds, 1.0 / (999.0 * prior), 999.0 / prior)
        return odds * prior / (1.0 + odds * prior)


class BayesianRealist(Believer):
    """A defensive realist: strikes where its trust is below the m at which fear pays, and else arms until it is safe.

    It attacks the one state for which m exceeds its belief most, building offensive arms as long as there is one.
    It builds defensive arms at full rate while an attack on it has a chance above ``safe``. Where there is a dilemma
    (m above 0) but trust enough, it keeps a pledge open. Its belief follows deeds and postures; how much the other
    arms, which is what moves belief in Kydd (1997), tells it nothing.

    [Kydd 2000, Trust, Reassurance, and Cooperation; Glaser 2010, Rational Theory of International Politics]
    """

    name: ClassVar[str] = "bayesian-realist"
    traits: ClassVar[Traits] = Traits(
        first_strikes=True, preempts=True, forgives=False, reassures=True, builds_offense=True, memory=WHOLE_EPISODE
    )
    safe: Share = Field(default=0.25, description="chance of an attack on it that it bears")

    def decide(self, view: View, plan: Plan) -> None:
        """See the class."""
        threshold, belief = self.threshold(view), self.beliefs(view)
        target = best(threshold - belief, view.standing & (belief < threshold))
        strikes = target.any(axis=1)
        plan.stance[target] = Stance.ATTACK
        plan.build_offense[strikes] = Build.FULL
        plan.build_defense = arm_until_safe(view, self.safe)
        dilemma = (view.standing & (threshold > 0.0)).any(axis=1)
        plan.signal[dilemma & ~strikes & view.unpledged] = Signal.REASSURE


class WorstCase(NetAssessor):
    """Takes it for certain that every other state will attack as soon as it can.

    It builds all the arms of both kinds that it can and is mobilized against everyone. Where it perceives offence to
    have the advantage (ω above 1), attack is the best defence: it attacks the state whose attack would be likeliest
    to succeed. Whoever attacked it last turn it attacks in any case.

    [Wendt 1992, Anarchy Is What States Make of It; Mearsheimer 2001, The Tragedy of Great Power Politics]
    """

    name: ClassVar[str] = "worst-case"
    traits: ClassVar[Traits] = Traits(
        first_strikes=True, preempts=True, retaliates=True, forgives=False, builds_offense=True
    )

    def decide(self, view: View, plan: Plan) -> None:
        """See the class."""
        plan.build_offense[:] = Build.FULL
        plan.build_defense[:] = Build.FULL
        plan.stance[view.standing] = Stance.MOBILIZE
        leads = self.parameter(view, "perceived_offense_advantage") > 1.0
        plan.stance[best(view.other.their_success, view.standing & leads)] = Stance.ATTACK
        plan.stance[view.attacked] = Stance.ATTACK


class PowerMaximiser(Strategy):
    """Arms without end and takes what it can: attacks the easiest prey once success is likely enough.

    Prey is the state on which the net assessment gives its attack the best chance, if that is at least ``odds``.
    Whoever attacked it last turn it attacks in any case.

    [Mearsheimer 2001, The Tragedy of Great Power Politics]
    """

    name: ClassVar[str] = "power-maximiser"
    traits: ClassVar[Traits] = Traits(
        first_strikes=True, preempts=True, retaliates=True, forgives=False, builds_offense=True
    )
    odds: Share = Field(default=0.6, description="chance of success from which it attacks")

    def decide(self, view: View, plan: Plan) -> None:
        """See the class."""
        plan.build_offense[:] = Build.FULL
        plan.build_defense[:] = Build.FULL
        plan.stance[best(view.other.our_success, view.standing & (view.other.our_success >= self.odds))] = Stance.ATTACK
        plan.stance[view.attacked] = Stance.ATTACK


class Preemptor(NetAssessor):
    """Waits until a rival mobilizes, and then strikes first if meeting the attack is worth the cost of striking.

    It takes a mobilized rival's attack for certain, so that striking pays where m is above 0: what it saves of its
    land outweighs the cost of the attack. Else it mobilizes in answer, which takes the surprise out of the attack.
    It keeps pace in arms, and attacks whoever attacked it last turn.

    [Schelling 1960, The Strategy of Conflict]
    """

    name: ClassVar[str] = "preemptor"
    traits: ClassVar[Traits] = Traits(preempts=True, retaliates=True, builds_offense=True)

    def decide(self, view: View, plan: Plan) -> None:
        """See the class."""
        keep_pace(view, plan)
        plan.stance[view.menaced] = Stance.MOBILIZE
        plan.stance[view.menaced & (self.threshold(view) > 0.0)] = Stance.ATTACK
        plan.stance[view.attacked] = Stance.ATTACK


class PreventiveAttacker(Strategy):
    """Strikes a rival that grows faster while it still can: better now than later.

    Rivals are the states whose economy grows faster than its own by more than ``margin``. It attacks the fastest of
    those on which its attack has a chance of at least ``odds``, and keeps pace in arms with the best armed. Whoever
    attacked it last turn it attacks in any case.

    [Levy 1987, Declining Power and the Preventive Motivation for War]
    """

    name: ClassVar[str] = "preventive-attacker"
    traits: ClassVar[Traits] = Traits(first_strikes=True, preempts=True, retaliates=True, builds_offense=True)
    margin: Share = Field(default=0.01, description="lead in growth per turn that it bears")
    odds: Share = Field(default=0.3, description="chance of success from which it strikes")

    def decide(self, view: View, plan: Plan) -> None:
        """See the class."""
        keep_pace(view, plan)
        rising = view.standing & (view.other.growth > view.own.growth[:, None] + self.margin)
        plan.stance[best(view.other.growth, rising & (view.other.our_success >= self.odds))] = Stance.ATTACK
        plan.stance[view.attacked] = Stance.ATTACK
