"""How a game unfolds among those who only want to be safe: whether they come to blows, when, and after what arming.

A spiral has a beginning: arms rise together, and war comes at the top of the race. So of each pair of security seekers
it is asked on which turn the first attack between them falls, and of each turn how many arms they hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from agents.evaluation.course import NEVER, Course, Watch
from agents.table.play import play
from sd_env.policies import CastLike
from sd_env.scenario import Scenario

#: First turns of the ages at which arms are told; each age ends before the next begins.
AGES: Final = (0, 1, 2, 4, 8, 16, 32, 64)
#: A war that begins after this turn has had time to be the end of a race.
LATE: Final = 5
#: Shares of the pairs that fight by whose first attacks the onset is told.
_QUANTILES: Final = (0.1, 0.5, 0.9)


@dataclass(frozen=True)
class Unfolding:
    """What became of the pairs of security seekers of some episodes.

    Attributes:
        pairs: how many there were.
        fight: share of them that came to blows.
        onset: turns of the first attack by which a tenth, half and nine tenths of those that fight had begun.
        late: share of those that fight that began after turn :data:`LATE`.
        arms: mean arms (both kinds) of a security seeker that stands, by age of the world: see :data:`AGES`.
        peak: the age at which those are most.
    """

    pairs: int
    fight: float
    onset: tuple[float, float, float]
    late: float
    arms: tuple[float, ...]
    peak: int

    def row(self) -> dict[str, Any]:
        """As columns of a table."""
        onset = dict(zip(("onset_10", "onset_50", "onset_90"), self.onset, strict=True))
        arms = {f"arms_{age}": value for age, value in zip(AGES, self.arms, strict=True)}
        return {"ss_pairs": self.pairs, "ss_fight": self.fight, **onset, "late": self.late, **arms, "peak": self.peak}


def unfold(scenario: Scenario, cast: CastLike, *, worlds: int, seed: int) -> Unfolding:
    """Play ``worlds`` episodes and tell how they unfold; NaN where there is nothing to tell of.

    Args:
        scenario: the game.
        cast: who plays.
        worlds: how many.
        seed: of the worlds and of the policies' draws.

    Raises:
        PolicyError: for a cast that does not fit.
    """
    watch = Watch(int(np.max(scenario.horizon)))
    play(scenario, cast, worlds=worlds, seed=seed, recorder=watch)
    return _told(watch.course())


def _told(course: Course) -> Unfolding:
    n = course.seekers.shape[1]
    both = course.seekers[:, :, None] & course.seekers[:, None, :] & np.triu(np.ones((n, n), np.bool_), 1)
    war = course.war[both]
    fought = war[war != NEVER] - 1  # ages count from 0
    some = len(fought) > 0
    ages = [_mean_arms(course, slice(start, end)) for start, end in zip(AGES, (*AGES[1:], None), strict=True)]
    onset = np.quantile(fought, _QUANTILES) if some else np.full(3, np.nan)
    return Unfolding(
        pairs=len(war),
        fight=len(fought) / len(war) if len(war) else np.nan,
        onset=(float(onset[0]), float(onset[1]), float(onset[2])),
        late=float((fought > LATE).mean()) if some else np.nan,
        arms=tuple(ages),
        peak=AGES[int(np.nanargmax(ages))] if not np.isnan(ages).all() else 0,
    )


def _mean_arms(course: Course, ages: slice) -> float:
    """Mean over the turns of an age of what a standing seeker holds in a world that goes on; NaN if there is none."""
    found = []
    for turn, arms in zip(range(len(course.arms))[ages], course.arms[ages], strict=True):
        counted = course.seekers & np.isfinite(arms) & (course.turns > turn)[:, None]
        if counted.any():
            found.append(arms[counted].mean())
    return float(np.mean(found)) if found else np.nan
