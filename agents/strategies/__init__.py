"""Scripted strategies: a few lines each, with their source and the traits that they declare and tests try to refute.

A module for each family, from ``baselines`` to ``alignment``. ``base``, ``view`` and ``plan`` are what they are made
of, ``checks`` is what tries their traits. Make one by ``agents.make(name)``.
"""

from __future__ import annotations

from typing import Final

from agents.policies.traits import WHOLE_EPISODE, Traits
from agents.strategies.alignment import Balancer, Bandwagoner, BuckPasser, ChainGanger
from agents.strategies.arms_race import Richardson
from agents.strategies.base import Cell, Strategy
from agents.strategies.baselines import Dove, Hawk, Isolationist, NeverAttack, Random
from agents.strategies.plan import Plan
from agents.strategies.realism import BayesianRealist, PowerMaximiser, Preemptor, PreventiveAttacker, WorstCase
from agents.strategies.reciprocity import Appeaser, GenerousTitForTat, GrimTrigger, Grit, KyddReassurer, TitForTat
from agents.strategies.schedule import Timetable
from agents.strategies.signals import Bluffer, Deceiver, Deterrer
from agents.strategies.view import View

__all__ = ["BUILT_INS", "WHOLE_EPISODE", "Cell", "Plan", "Strategy", "Traits", "View"]

#: The strategies of this package, in the order of the documentation.
BUILT_INS: Final[tuple[type[Strategy], ...]] = (
    Dove, Hawk, Isolationist, Random, NeverAttack,
    TitForTat, GenerousTitForTat, GrimTrigger, Grit, KyddReassurer, Appeaser,
    Richardson, Timetable,
    BayesianRealist, WorstCase, PowerMaximiser, Preemptor, PreventiveAttacker,
    Deterrer, Bluffer, Deceiver,
    Balancer, Bandwagoner, BuckPasser, ChainGanger,
)  # fmt: skip
