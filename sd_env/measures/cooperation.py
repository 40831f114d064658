"""Cooperation: how much of what could have been hostile was not."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sd_env.layout import Stance
from sd_env.measures.episode import allows_stance, standing_pairs
from sd_env.measures.stocks import arming

if TYPE_CHECKING:
    from sd_env.record import EpisodeLog


@dataclass(frozen=True)
class Hostility:
    """Hostile acts of an episode and the occasions for them; add up several episodes to pool them.

    Attributes:
        attacks: stances carried out as an attack.
        mobilizations: stances carried out as mobilizing.
        builds: state-turns on which arms were built beyond replacement.
        stance_opportunities: ordered pairs of states that stood when a turn began, if the scenario allows to mobilize
            or to attack at all.
        build_opportunities: state-turns on which the standing state could have built beyond replacement.
    """

    attacks: int
    mobilizations: int
    builds: int
    stance_opportunities: int
    build_opportunities: int

    @property
    def acts(self) -> int:
        """All hostile acts."""
        return self.attacks + self.mobilizations + self.builds

    @property
    def opportunities(self) -> int:
        """All occasions for a hostile act."""
        return self.stance_opportunities + self.build_opportunities


def hostility(log: EpisodeLog) -> Hostility:
    """Count hostile acts, as carried out, and the opportunities for them.

    One opportunity for each ordered pair that stands when the turn begins (hostile: to mobilize or to attack), and one
    for each standing state that, with the levels that the scenario allows and its income, could build more arms than
    age takes from it (hostile: to do so). ``sd_env.rules.arming`` says what a level builds.
    """
    stance = log.pairs["stance"][1:]
    could = standing_pairs(log)[:-1]
    if not allows_stance(log, Stance.MOBILIZE, Stance.ATTACK):
        could = could & False
    armed, stood = arming(log), log.states["standing"][:-1]
    return Hostility(
        attacks=int((could & (stance == Stance.ATTACK)).sum()),
        mobilizations=int((could & (stance == Stance.MOBILIZE)).sum()),
        builds=int((stood & (armed.beyond_replacement > 0.0)).sum()),
        stance_opportunities=int(could.sum()),
        build_opportunities=int((stood & (armed.room > 0.0)).sum()),
    )


def cooperation_index(log: EpisodeLog) -> float:
    """1 - hostile acts / opportunities (:func:`hostility`): attacks, mobilizations, and building beyond replacement.

    Unit: share, 0 (hostile whenever possible) to 1 (never). NaN if there was no opportunity.
    """
    found = hostility(log)
    return 1.0 - found.acts / found.opportunities if found.opportunities else math.nan
