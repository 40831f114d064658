"""Cross-play: do policies of different training seeds get along as well as each does with itself?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from agents.evaluation.evaluate import METRICS, check_sizes, measured
from agents.evaluation.players import Player, Spec, play_units, players_of
from agents.evaluation.statistics import Estimate, estimate
from agents.evaluation.tournament import check_field, pairs, units_of
from sd_env.scenario import Scenario


def crossplay(
    policies: Sequence[Spec],
    scenario: Scenario | str | Path | Mapping[str, Any],
    *,
    overrides: Mapping[str, Any] | None = None,
    seeds: Sequence[int] = (1, 2, 3),
    worlds: int = 128,
    episodes: int = 1,
    out: Path | None = None,
    workers: int = 1,
    parquet: bool = False,
    fresh: bool = False,
    trust: bool = False,
) -> pd.DataFrame:
    """Let each policy play itself and each other one, in the seatings of a tournament and in the same worlds.

    Arguments are those of ``agents.evaluation.evaluate.evaluate_policies``, but each of ``policies`` is a row of its
    own. There are two at least, commonly those that one training made from different seeds.

    Returns:
        One row an episode: ``first, second``, and the columns of ``agents.table.play.play``. Give it to
        :func:`gaps` and to ``agents.evaluation.tournament.payoff_matrix``.

    Raises:
        ScenarioError, PolicyError, WorkError: one sentence, before anything is written.
    """
    game = Scenario.load(scenario, overrides)
    check_sizes(seeds=seeds, worlds=worlds, episodes=episodes)
    players = apart(players_of(policies, game, trust=trust))
    check_field(players, seeds)
    units = [
        unit
        for k, seed in enumerate(seeds)
        for unit in units_of(
            pairs(players, k, game.n_states), game, seed=seed, worlds=worlds, episodes=episodes, trust=trust
        )
    ]
    return play_units(
        units,
        out,
        workers=workers,
        title="crossplay",
        parquet=parquet,
        players=players,
        fresh=fresh,
    )


def apart(players: Sequence[Player]) -> list[Player]:
    """Each member of each player as a player of its own, named with its training seed."""
    single = []
    for player in players:
        for spec, seed in zip(player.members, player.seeds, strict=True):
            label = player.label if len(player.members) == 1 else f"{player.label} seed {seed:.0f}"
            single.append(replace(player, label=label, members=(spec,), seeds=(seed,)))
    return single


def gaps(frame: pd.DataFrame) -> pd.DataFrame:
    """Self-play against cross-play, metric by metric, with the 95% interval of their difference.

    Self-play is the mean over policies of what each has with itself, cross-play the mean over pairs of different ones.
    Pairs share policies, so they are not independent and the policy (its training seed) is the unit: the interval is
    the jackknife's, Student's t over the pseudo-values that leave one policy out (Tukey 1958; for statistics of pairs
    Arvesen 1969, *Jackknifing U-statistics*, Annals of Mathematical Statistics 40). It needs three policies.

    Returns:
        One row a metric: ``metric, self_play, cross_play, gap, low, high, count``.
    """
    labels = list(dict.fromkeys(frame["second"]))
    index = {label: k for k, label in enumerate(labels)}
    cells: dict[str, np.ndarray] = {metric: np.full((len(labels),) * 2, math.nan) for metric in METRICS}
    for (first, second), group in frame.assign(seat=-1).groupby(["first", "second"], sort=False):
        for metric, value in measured(group).items():
            i, j = index[str(first)], index[str(second)]
            cells[metric][i, j] = cells[metric][j, i] = value
    rows = []
    for metric, matrix in cells.items():
        alone, together = _means(matrix)
        found = gap(matrix)
        rows.append((metric, alone, together, found.value, found.low, found.high, len(labels)))
    return pd.DataFrame(rows, columns=["metric", "self_play", "cross_play", "gap", "low", "high", "count"])


def gap(matrix: np.ndarray) -> Estimate:
    """Mean of the diagonal less mean of the rest, with its jackknife interval (NaN bounds under three policies).

    Args:
        matrix: symmetric float ``(P, P)``; what is not a number is left out.
    """
    count = len(matrix)
    alone, together = _means(matrix)
    whole = alone - together
    if count < 3 or not math.isfinite(whole):
        return Estimate(whole, math.nan, math.nan, ())
    pseudo = []
    for k in range(count):
        keep = np.arange(count) != k
        a, b = _means(matrix[np.ix_(keep, keep)])
        pseudo.append(count * whole - (count - 1) * (a - b))
    found = estimate(pseudo)
    return Estimate(whole, found.low - found.value + whole, found.high - found.value + whole, tuple(pseudo))


def _means(matrix: np.ndarray) -> tuple[float, float]:
    """Mean of the diagonal and of the rest, of what is a number; NaN where nothing is."""
    own = np.eye(len(matrix), dtype=bool)
    parts = [values[np.isfinite(values)] for values in (matrix[own], matrix[~own])]
    alone, together = (float(part.mean()) if len(part) else math.nan for part in parts)
    return alone, together
