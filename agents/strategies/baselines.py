"""Strategies that heed nothing: what all others are compared with."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field, PrivateAttr

from agents.policies.protocol import NeverAttackPolicy, RandomPolicy
from agents.policies.traits import Traits
from agents.strategies.base import Strategy
from agents.strategies.conduct import Level, Share, arm_until_safe
from agents.strategies.plan import Plan
from agents.strategies.view import View
from sd_env.layout import Build, Heads, Signal, Stance


class Dove(Strategy):
    """Keeps a modest defence and an open pledge of peace, and never mobilizes or attacks, whatever others do.

    The pledge is renewed on its last turn.

    [Maynard Smith and Price 1973, The Logic of Animal Conflict]
    """

    name: ClassVar[str] = "dove"
    traits: ClassVar[Traits] = Traits(reassures=True)
    armour: Level = Field(default=1, description="defensive building on every turn: 0 none, 1 half, 2 full")

    def decide(self, view: View, plan: Plan) -> None:
        """See the class."""
        plan.build_defense[:] = self.armour
        plan.signal[view.unpledged] = Signal.REASSURE


class Hawk(Strategy):
    """Builds all the offensive arms it can and attacks everyone, always, mobilizing first where it must.

    [Maynard Smith and Price 1973, The Logic of Animal Conflict]
    """

    name: ClassVar[str] = "hawk"
    traits: ClassVar[Traits] = Traits(
        first_strikes=True, preempts=True, retaliates=True, forgives=False, honours_calls=True, builds_offense=True
    )

    def decide(self, view: View, plan: Plan) -> None:
        """See the class."""
        plan.build_offense[:] = Build.FULL
        plan.stance[view.standing] = Stance.ATTACK


class Isolationist(Strategy):
    """Minds its own soil: no alliances, no talk, no wars abroad, and defence until nobody could well conquer it.

    It builds defensive arms at full rate while the net assessment gives anyone's attack on it a chance above
    ``safe``. It attacks nobody, not even who attacks it.

    [Gholz, Press and Sapolsky 1997, Come Home, America: The Strategy of Restraint in the Face of Temptation]
    """

    name: ClassVar[str] = "isolationist"
    traits: ClassVar[Traits] = Traits()
    safe: Share = Field(default=0.1, description="chance of an attack on it that it bears")

    def decide(self, view: View, plan: Plan) -> None:
        """See the class."""
        plan.build_defense = arm_until_safe(view, self.safe)


class Random(Strategy):
    """Draws each choice uniformly from the legal ones.

    [Axelrod 1980, Effective Choice in the Prisoner's Dilemma]
    """

    name: ClassVar[str] = "random"
    traits: ClassVar[Traits] = Traits(
        first_strikes=True, preempts=True, forgives=False, reassures=True, threatens=True, allies=True,
        builds_offense=True, stochastic=True,
    )  # fmt: skip
    _policy: RandomPolicy = PrivateAttr(default_factory=RandomPolicy)

    def reset(self, seed: int | None = None) -> None:
        """Begin the random stream of ``seed`` (None: a fresh one)."""
        self._policy.reset(int(np.random.SeedSequence().generate_state(1)[0]) if seed is None else seed)

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Uniform over the legal choices of each head, int64 ``(K, H)``."""
        return self._policy.act(observation, mask)

    def act_with(self, observation: np.ndarray, mask: np.ndarray, heads: Heads) -> np.ndarray:
        """The same for any heads."""
        return self._policy.act_with(observation, mask, heads)


class NeverAttack(Random):
    """Draws each choice uniformly from the legal ones, attack left out: peace in the sense that nobody fights.

    [Galtung 1969, Violence, Peace, and Peace Research]
    """

    name: ClassVar[str] = "never-attack"
    traits: ClassVar[Traits] = Traits(
        forgives=False, reassures=True, threatens=True, allies=True, builds_offense=True, stochastic=True
    )
    _policy: RandomPolicy = PrivateAttr(default_factory=NeverAttackPolicy)
