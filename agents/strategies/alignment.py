"""Strategies of many states: whom to join, whom to leave to others."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from agents.policies.traits import Traits
from agents.strategies.base import Strategy
from agents.strategies.conduct import Share, best, keep_pace
from agents.strategies.plan import Plan
from agents.strategies.view import View
from sd_env.layout import Build, Stance


def stronger(view: View, margin: float) -> np.ndarray:
    """The most powerful of the others, if it has more power than the observer by ``margin``: bool ``(K, N - 1)``."""
    return best(view.power, view.standing & (view.power > (1.0 + margin) * view.own_power))


class Balancer(Strategy):
    """Joins the weaker side: aligns with all others against the most powerful state, if that is not itself.

    Power is arms in sight plus a turn's income. While one state has more of it than this one by ``margin`` it offers
    alignment to everyone else and to that state nothing. It keeps pace in arms, attacks whoever attacked it and, when
    called, whoever attacked an ally.

    [Waltz 1979, Theory of International Politics]
    """

    name: ClassVar[str] = "balancer"
    traits: ClassVar[Traits] = Traits(retaliates=True, honours_calls=True, allies=True, builds_offense=True)
    margin: Share = Field(default=0.1, description="lead in power that it bears")

    def decide(self, view: View, plan: Plan) -> None:
        """See the class."""
        keep_pace(view, plan)
        strongest = stronger(view, self.margin)
        plan.stance[~strongest & strongest.any(axis=1, keepdims=True)] = Stance.ALIGN
        plan.stance[view.attacked | view.called] = Stance.ATTACK


class Bandwagoner(Strategy):
    """Joins the stronger side for a share of the spoils: aligns with the most powerful state, preys on its victims.

    Power is arms in sight plus a turn's income; a state counts as more powerful from a lead of ``margin`` on. Prey is
    a weaker state that others attacked last turn, if this state's attack has a chance of at least ``odds``. To the
    most powerful it offers alignment even when attacked by it; others that attacked it it attacks. It builds half of
    the arms of each kind that it could.

    [Schweller 1994, Bandwagoning for Profit: Bringing the Revisionist State Back In]
    """

    name: ClassVar[str] = "bandwagoner"
    traits: ClassVar[Traits] = Traits(first_strikes=True, allies=True, builds_offense=True)
    margin: Share = Field(default=0.1, description="lead in power from which it follows")
    odds: Share = Field(default=0.3, description="chance of success from which it joins an attack")

    def decide(self, view: View, plan: Plan) -> None:
        """See the class."""
        plan.build_offense[:] = Build.HALF
        plan.build_defense[:] = Build.HALF
        prey = (view.other.attacked > 0) & (view.other.our_success >= self.odds)
        plan.stance[prey | view.attacked] = Stance.ATTACK
        plan.stance[stronger(view, self.margin)] = Stance.ALIGN


class BuckPasser(Strategy):
    """Leaves the costs of checking an aggressor to others: accepts allies, but never comes to their aid.

    It aligns with who aligns with it. It builds nothing until a state is mobilized against it or attacks it, then
    defensive arms at full rate, and attacks only who attacked it. Where no third state stands to take the buck, it
    keeps pace in arms.

    [Christensen and Snyder 1990, Chain Gangs and Passed Bucks: Predicting Alliance Patterns in Multipolarity]
    """

    name: ClassVar[str] = "buck-passer"
    traits: ClassVar[Traits] = Traits(retaliates=True, allies=True, builds_offense=True)

    def decide(self, view: View, plan: Plan) -> None:
        """See the class."""
        keep_pace(view, plan)
        passes = view.standing.sum(axis=1) >= 2
        pressed = (view.menaced | view.attacked).any(axis=1)
        plan.build_offense[passes] = Build.NONE
        plan.build_defense[passes] = np.where(pressed, int(Build.FULL), int(Build.NONE))[passes]
        plan.stance[view.aligned] = Stance.ALIGN
        plan.stance[view.attacked] = Stance.ATTACK


class ChainGanger(Strategy):
    """Ties its fate to its allies: whatever war an ally is in, begun by it or not, it joins at once and wholly.

    It offers alignment to everyone on the first turn and then to who aligned with it. While an ally is at war it
    attacks every other state that is at war and no ally, the aggressor of a call, and whoever attacked it. It keeps
    pace in arms.

    [Christensen and Snyder 1990, Chain Gangs and Passed Bucks: Predicting Alliance Patterns in Multipolarity]
    """

    name: ClassVar[str] = "chain-ganger"
    traits: ClassVar[Traits] = Traits(
        first_strikes=True, retaliates=True, honours_calls=True, allies=True, builds_offense=True
    )

    def decide(self, view: View, plan: Plan) -> None:
        """See the class."""
        keep_pace(view, plan)
        ally = view.other.allied > 0
        fights = (view.other.attacks > 0) | (view.other.attacked > 0)
        joins = fights & ~ally & (fights & ally).any(axis=1, keepdims=True)
        plan.stance[view.aligned | view.first[:, None]] = Stance.ALIGN
        plan.stance[joins | view.called | view.attacked] = Stance.ATTACK
