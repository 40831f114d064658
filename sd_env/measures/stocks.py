"""Arming: arms around the building of each turn, by the rule itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sd_env.layout import Build
from sd_env.measures.episode import arms, for_rules, parameter
from sd_env.rules.arming import arm
from sd_env.rules.compiled import entry_point, records

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sd_env.measures.episode import FloatArray
    from sd_env.record import EpisodeLog


@dataclass(frozen=True)
class Arming:
    """Arms in all of each state around the arming of each turn, before any battle; float64 (T, N), row t-1 = turn t.

    ``before``: as the turn began. ``after``: as it built. ``most``: had it built all that the scenario allows.
    """

    before: FloatArray
    after: FloatArray
    most: FloatArray

    @property
    def beyond_replacement(self) -> FloatArray:
        """Arms built beyond what age took, (T, N); 0 where not all was replaced."""
        return _rise(self.before, self.after)

    @property
    def room(self) -> FloatArray:
        """Arms that it could have built beyond replacement, (T, N)."""
        return _rise(self.before, self.most)


def arming(log: EpisodeLog) -> Arming:
    """Arms before and after each turn's arming, by ``sd_env.rules.arming`` from the levels that were carried out."""
    most, levels = {}, int(parameter(log, "levels"))
    for head in ("build_offense", "build_defense"):
        allowed = int(parameter(log, f"allowed_{head}"))
        most[head] = max(level for level in range(levels + 1) if level == Build.NONE or allowed >> level & 1)
    built = {head: log.states[head][1:] for head in most}
    return Arming(before=arms(log)[:-1], after=_armed(log, built), most=_armed(log, most))


def _armed(log: EpisodeLog, levels: dict[str, Any]) -> FloatArray:
    rows = np.array(log.states[:-1])
    for head, level in levels.items():
        rows[head] = level
    _arm_rows(for_rules(log.params.reshape(1)), records(rows))
    return np.asarray(rows["offense"] + rows["defense"])


def _rise(before: FloatArray, after: FloatArray) -> FloatArray:
    """Rises, without those that are the rounding of stocks that are sums of products."""
    rise = after - before
    return np.where(rise > 1e-12 * np.maximum(before, 1.0), rise, 0.0)


@entry_point
def _arm_rows(params: Any, states: NDArray[Any]) -> None:
    for t in range(len(states)):
        arm(params[0], states[t])
