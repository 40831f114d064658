"""Ablation: the same policies in the same worlds but for one parameter, and what that changes."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from agents.evaluation.evaluate import METRICS, RESAMPLES, check_sizes, measured, percentiles, resampled
from agents.evaluation.players import Spec, load, play_units, players_of
from agents.evaluation.statistics import EPISODES, SEEDS, TRAINING_SEEDS, Estimate, estimate, paired_difference
from agents.work import Unit, WorkError
from sd_env.scenario import Scenario

#: Value of the rows in which the parameter is as the scenario has it.
BASE: Final = "base"


def ablate(
    policies: Sequence[Spec],
    scenario: Scenario | str | Path | Mapping[str, Any],
    parameter: str,
    values: Sequence[Any],
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
    """Let each policy play all seats, with the parameter as the scenario has it and with each of ``values``.

    Arguments are those of ``agents.evaluation.evaluate.evaluate_policies``, and beside them ``parameter``, a dotted key
    of the scenario such as ``technology.perceived_offense_advantage``, and ``values``, what it is set to in turn.

    Returns:
        One row an episode: ``policy, training_seed, seat`` (-1: all), ``parameter, value`` (as text, :data:`BASE` where
        nothing was changed), and the columns of ``agents.table.play.play``. Give it to :func:`differences`.

    Raises:
        ScenarioError, PolicyError, WorkError: one sentence, before anything is written.
    """
    from agents.policies.specs import check_fits

    base = Scenario.load(scenario, overrides)
    check_sizes(seeds=seeds, worlds=worlds, episodes=episodes)
    names = [text_of(value) for value in values]
    if not names or len(set(names)) < len(names):
        raise WorkError(f"values of {parameter} are {', '.join(names) or 'none'}; at least one is needed, each once.")
    games = {BASE: base, **{name: base.with_overrides({parameter: v}) for name, v in zip(names, values, strict=True)}}
    players = players_of(policies, base, trust=trust)
    units = []
    for player, (value, game) in itertools.product(players, games.items()):
        for k, spec in enumerate(player.members):
            check_fits(load(spec, trust), game, f"{player.label} with {parameter} {value}")
            columns = {"policy": player.label, "training_seed": player.seeds[k], "seat": -1}
            columns |= {"parameter": parameter, "value": value}
            cast = [(player.label, spec)] * game.n_states
            for seed, episode in itertools.product(seeds, range(episodes)):
                arguments = {
                    "scenario": game.to_dict(),
                    "casts": [{"cast": cast, "columns": columns}],
                    "worlds": worlds,
                    "seed": int(seed),
                    "episode": episode,
                    "trust": trust,
                }
                units.append(Unit(f"{player.label} {k} {value} seed {seed} episode {episode}", arguments))
    return play_units(units, out, workers=workers, title="ablate", parquet=parquet, players=players, fresh=fresh)


def text_of(value: Any) -> str:
    """A value as it is written in tables: truth values and null as in YAML."""
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def differences(frame: pd.DataFrame, *, resamples: int = RESAMPLES) -> pd.DataFrame:
    """What each value changes against the base: differences in the same worlds, with 95% intervals.

    Differences are taken unit by unit (training seed where there are several, else seed) and the interval is Student's
    t over them. With one seed alone the worlds, each with and without the change, are resampled (percentile bootstrap,
    from a fixed seed).

    Returns:
        One row a policy, value and metric: ``policy, parameter, value, metric, mean, difference, low, high, count,
        unit``. Rows of the base have a difference of 0 and no interval.
    """
    rows = []
    for policy, group in frame.groupby("policy", sort=False):
        base = group[group["value"] == BASE]
        for value, rows_of_value in group.groupby("value", sort=False):
            means, found, count, unit = _paired(rows_of_value, base, resamples)
            for metric in METRICS:
                change = found[metric]
                interval = (np.nan, np.nan) if value == BASE else (change.low, change.high)
                row = (policy, group["parameter"].iloc[0], value, metric, means[metric], change.value, *interval)
                rows.append((*row, count, unit))
    names = ["policy", "parameter", "value", "metric", "mean", "difference", "low", "high", "count", "unit"]
    return pd.DataFrame(rows, columns=names)


def _paired(
    changed: pd.DataFrame, base: pd.DataFrame, resamples: int
) -> tuple[dict[str, float], dict[str, Estimate], int, str]:
    """Means with the change, differences to the base, how many units, and what they are."""
    by, unit = ("training_seed", TRAINING_SEEDS) if base["training_seed"].nunique() > 1 else ("seed", SEEDS)
    mine, theirs = ({key: measured(rows) for key, rows in each.groupby(by, sort=False)} for each in (changed, base))
    means = {metric: estimate([values[metric] for values in mine.values()]).value for metric in METRICS}
    if len(mine) > 1:
        found = {
            metric: paired_difference([each[metric] for each in mine.values()], [theirs[key][metric] for key in mine])
            for metric in METRICS
        }
        return means, found, len(mine), unit
    key, size = ["training_seed", "seed", "world", "episode"], len(changed)
    one, other = (each.sort_values(key, kind="stable") for each in (changed, base))  # the same worlds, row by row
    draws = np.random.default_rng(0).multinomial(size, np.full(size, 1 / size), size=resamples)
    sampled = [resampled(each, draws) for each in (one, other)]
    found = {}
    for metric in METRICS:
        low, high = percentiles(sampled[0][metric] - sampled[1][metric])
        change = means[metric] - next(iter(theirs.values()))[metric]
        found[metric] = Estimate(change, low, high, (change,))
    return means, found, size, EPISODES
