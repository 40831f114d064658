"""Games of the guided half hour: who plays what, what is counted, and episodes to be looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy import stats

from agents.evaluation.statistics import LEVEL, Interval, estimate
from agents.policies.specs import policy_from
from agents.table.interventions import Intervention, Interventions, InterventionsLike
from agents.table.play import play
from sd_env.policies import Policy
from sd_env.record import Collector, EpisodeLog
from sd_env.scenario import Scenario

#: Of all games: one seed, whose worlds are the episodes.
SEED: Final = 1
#: Worlds that are played for each episode that is wanted of seekers, and some more where few are wanted.
_SPARE, _MORE = 5, 20


@dataclass(frozen=True)
class Game:
    """Who plays what.

    Attributes:
        scenario: its name in the catalogue.
        policies: specifications, one for every seat, or one a state.
        overrides: of the scenario.
        interventions: what states are bound to.
    """

    scenario: str
    policies: tuple[str, ...]
    overrides: Mapping[str, Any] = field(default_factory=dict)
    interventions: InterventionsLike = field(default_factory=dict)

    def loaded(self) -> Scenario:
        """The scenario with its overrides."""
        return Scenario.load(self.scenario, self.overrides)

    def names(self) -> tuple[str, ...]:
        """The specification of each seat."""
        seats = self.loaded().n_states
        return self.policies * seats if len(self.policies) == 1 else self.policies

    def episodes(self, wanted: int, *, seekers: bool = True) -> pd.DataFrame:
        """Episodes as :func:`agents.table.play.play` tells of them, one row each, in the order of the worlds.

        Args:
            wanted: how many; of seekers fewer if among five times as many worlds there are fewer.
            seekers: only those in which every state is a security seeker.
        """
        worlds = _SPARE * wanted + _MORE if seekers else wanted
        frame = self._play(worlds)
        if seekers:
            greed = [name for name in frame if str(name).startswith("greed_")]
            frame = frame[(frame[greed] == 0.0).all(axis=1)]
        return frame.head(wanted)

    def logs(self, worlds: Sequence[int], *more: Intervention) -> list[EpisodeLog]:
        """The episodes of some worlds, in their order; ``more`` is done besides."""
        first, last = min(worlds), max(worlds)
        collector = Collector(sorted(each - first for each in worlds), policies=self.names())
        self._play(last - first + 1, first, collector, more)
        return sorted(collector.logs, key=lambda log: log.world)

    def told(self) -> str:
        """Scenario, strategies and seed, so that whoever wants to can play it again."""
        changes = ", ".join(f"{key}={_short(value)}" for key, value in self.overrides.items())
        who = f"{self.policies[0]} in every seat" if len(set(self.policies)) == 1 else ", ".join(self.policies)
        bound = "; ".join(
            f"{state} bound to {part}={choice}" for state, deeds in self.interventions.items()
            for part, choice in deeds.items()
        )  # fmt: skip
        where = f"{self.scenario} with {changes}" if changes else self.scenario
        return "; ".join(part for part in (where, who, bound, f"seed {SEED}") if part)

    def _play(
        self, worlds: int, first: int = 0, recorder: Collector | None = None, more: Sequence[Intervention] = ()
    ) -> pd.DataFrame:
        scenario = self.loaded()
        cast: list[Policy] = [policy_from(each) for each in self.names()]
        return play(
            scenario, cast, worlds=worlds, first_world=first, seed=SEED, recorder=recorder,
            interventions=[Interventions(self.interventions, scenario.agents, scenario.heads), *more],
        )  # fmt: skip


def _short(value: Any) -> str:
    return f"[{', '.join(map(str, value))}]" if isinstance(value, (list, tuple)) else str(value)


def share(hits: pd.Series | np.ndarray) -> Interval:
    """In what share of episodes something is so, with Wilson's 95% interval: fixed strategies' are independent."""
    count, of = int(np.sum(hits)), len(hits)
    found = stats.binomtest(count, of).proportion_ci(LEVEL, method="wilson")
    return Interval(count / of, float(found.low), float(found.high))


def war(frame: pd.DataFrame) -> Interval:
    """In what share of episodes there is war."""
    return share(frame["wars"] > 0)


def fighting(frame: pd.DataFrame) -> Interval:
    """How many states attack somebody in an episode: mean and t interval over episodes."""
    states = [name for name in frame if str(name).startswith("attacks_")]
    return estimate((frame[states] > 0).sum(axis=1).astype(float).tolist())
