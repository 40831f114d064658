"""What a job's population is worth at the end: it plays in fresh worlds, and so do those it is compared with."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from agents.policies.protocol import NeverAttackPolicy, Policy, RandomPolicy
from agents.table.metrics import RATES, rates_of
from agents.table.play import play, returns_of
from agents.training.callbacks import LAST
from agents.training.config import TrainingConfig
from agents.training.learners import LearnedPolicy
from agents.training.players import LEARNER, Players, Rotated
from sd_env.scenario import Scenario

#: Names of the evaluations: the trained population by itself, and one learner among its opponents.
LEARNED: Final = "learned"
POPULATION: Final = "population"

Measured = dict[str, dict[str, Any]]
#: Groups of worlds whose spread gives the standard error of a metric of all.
_GROUPS: Final = 16


def moved(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """How far each metric still moved in the last fifth of a training: its second half less its first.

    Args:
        rows: the curves' rows, one a rollout.

    Returns:
        Metric -> difference of the means; NaN where the last fifth has fewer than two rollouts.
    """
    last = list(rows)[-round(LAST * len(rows)) :] if round(LAST * len(rows)) > 1 else []
    half = len(last) // 2

    def mean(part: Sequence[Mapping[str, float]], metric: str) -> float:
        found = [row[metric] for row in part if not math.isnan(row.get(metric, math.nan))]
        return sum(found) / len(found) if found else math.nan

    return {metric: mean(last[half:], metric) - mean(last[:half], metric) for metric in RATES}


def errors_of(frame: pd.DataFrame) -> dict[str, float]:
    """Standard error of each metric of some worlds, from the spread over groups of them; NaN for too few worlds."""
    if len(frame) < 2 * _GROUPS:
        return dict.fromkeys(RATES, math.nan)
    groups = [rates_of(frame.iloc[k::_GROUPS]) for k in range(_GROUPS)]
    return {name: float(np.std([each[name] for each in groups], ddof=1) / math.sqrt(_GROUPS)) for name in RATES}


def measure(
    config: TrainingConfig, players: Players, scenario: Scenario, seed: int, final: Policy | None = None
) -> dict[str, Any]:
    """Metrics of the worlds, and mean returns of the learners where there are several parties.

    Args:
        config: its evaluation says how many worlds.
        players: the trained learners.
        scenario: the game.
        seed: of the job; each seed's policies meet worlds of their own, so that the interval over seeds holds the
            worlds' luck too.
        final: who plays in the seats of the only learner; default the learner.

    Returns:
        ``evaluation``: ``learned`` (each learner in its states; the one of a league in all), ``random`` and
        ``never_attack`` (in the learners' states), and in modes league and versus ``population``: the learner in one
        state of each world, its opponents in the others. ``errors``: standard errors of ``learned``'s metrics over the
        worlds. ``returns``: the same names -> learner (or ``opponents``) -> return of a state.
    """
    settings, mode = config.evaluation, config.population.mode
    where: dict[str, Any] = {"worlds": settings.worlds, "episodes": settings.episodes, "seed": settings.seed + seed}
    where["interventions"] = config.population.interventions
    policies: dict[str, Policy] = {name: LearnedPolicy(learner) for name, learner in players.learners.items()}
    if final is not None:
        policies = dict.fromkeys(policies, final)
    cast = players.cast
    holders = cast | {state: policies[name] for name, states in players.states.items() for state in states}
    seats = range(scenario.n_states)  # those without a holder are all the one learner's
    frames = {
        LEARNED: play(scenario, [holders[seat] if holders else policies[LEARNER] for seat in seats], **where),
        "random": play(scenario, [cast.get(seat, RandomPolicy()) for seat in seats], **where),
        "never_attack": play(scenario, [cast.get(seat, NeverAttackPolicy()) for seat in seats], **where),
    }
    returns: Measured = {}
    if mode in ("independent", "roles"):
        gained = returns_of(frames[LEARNED])
        returns[LEARNED] = {name: float(gained[:, players.states[name]].mean()) for name in policies}
    if players.pool is not None:
        mixed = [Rotated(policies[LEARNER], players.pool, seat, scenario.n_states) for seat in seats]
        frames[POPULATION] = play(scenario, mixed, **where)
        gained = returns_of(frames[POPULATION])
        mine = frames[POPULATION]["world"].to_numpy()[:, None] % scenario.n_states == np.arange(scenario.n_states)
        returns[POPULATION] = {LEARNER: float(gained[mine].mean()), "opponents": float(gained[~mine].mean())}
    return {
        "evaluation": {name: rates_of(frame) for name, frame in frames.items()},
        "errors": errors_of(frames[LEARNED]),
        "returns": returns,
    }
