"""What an attack was worth to the state that made it: its net assessment, and the belief on which that hung.

U(h, s, g) of :mod:`sd_env.measures.motives` is linear in h = 1 - b, b the belief that the other is a security seeker:
there is at most one belief at which attacking and waiting are worth the same, the threshold.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from sd_env.measures.beliefs import checked_beliefs
from sd_env.measures.episode import security_seekers
from sd_env.measures.motives import Motive, Stakes, weighed

if TYPE_CHECKING:
    from sd_env.measures.episode import FloatArray
    from sd_env.record import EpisodeLog

#: At which beliefs attacking pays: below the threshold or above it, or at every belief or none.
PAYS: Final = ("below", "above", "always", "never")


@dataclass(frozen=True)
class Assessment:
    """An attack of ``motive.attacker`` on ``motive.target`` as the attacker saw it, beside the truth.

    Attributes:
        motive: h, s, g and U as the attacker saw them.
        truly: the same by the truth: the target's type, its arms and ω.
        target_greed: the target's, 0 for a security seeker.
        belief: b, the probability that the attacker gave to the target being a security seeker.
        imminent: whether the target could attack on that turn at all; if not, b does not enter.
        threshold: b at which attacking and waiting are worth the same, in 0 to 1; NaN where there is none.
        pays: one of ``PAYS``: at which b attacking pays.
        advantage: ω, the offensive advantage that the attacker believed in.
        true_advantage: ω as it was.
        success: probability that the attack wins, 0 to 1, at that belief.
        risk: probability that the target's attack would win while the attacker waits.
        risk_met: the same while it attacks.
        won: land that attacking is expected to win, as the attacker values it, homeland turns.
        spared: what it is expected to spare of its own, homeland turns.
        cost: of attacking, homeland turns. U = won + spared - cost.
    """

    motive: Motive
    truly: Motive
    target_greed: float
    belief: float
    imminent: bool
    threshold: float
    pays: str
    advantage: float
    true_advantage: float
    success: float
    risk: float
    risk_met: float
    won: float
    spared: float
    cost: float


def assess(
    log: EpisodeLog, attacker: int, target: int, turn: int, beliefs: FloatArray, *, discount: float = 1.0
) -> Assessment:
    """The net assessment of an attack on ``turn``, made or not. Arguments and errors: as for ``motive``."""
    found, stakes, imminent = weighed(log, attacker, target, turn, beliefs, discount=discount)
    known = np.broadcast_to(security_seekers(log)[:, None, :].astype(np.float64), log.pairs.shape)
    truly, *_ = weighed(log, attacker, target, turn, known, discount=discount, seen=False)
    threshold, pays = _threshold(stakes, found.shift, found.greed, imminent)
    won, spared = (
        stakes.lasting * stakes.conquest * term for term in stakes.terms(found.fear, found.shift, found.greed)
    )
    return Assessment(
        motive=found,
        truly=truly,
        target_greed=float(log.states["greed"][turn - 1, target]),
        belief=float(checked_beliefs(log, beliefs)[turn - 1, attacker, target]),
        imminent=imminent,
        threshold=threshold,
        pays=pays,
        advantage=float(log.worlds["perceived_offense_advantage"][turn - 1]),
        true_advantage=float(log.worlds["offense_advantage"][turn - 1]),
        success=stakes.success(found.fear),
        risk=stakes.q_first,
        risk_met=stakes.q_both,
        won=won,
        spared=spared,
        cost=stakes.cost,
    )


def _threshold(stakes: Stakes, shift: float, greed: float, imminent: bool) -> tuple[float, str]:
    trusting, fearing = stakes.utility(0.0, shift, greed), stakes.utility(float(imminent), shift, greed)
    if (trusting > 0.0) == (fearing > 0.0):
        return math.nan, "always" if trusting > 0.0 else "never"
    return 1.0 - trusting / (trusting - fearing), "below" if fearing > trusting else "above"
