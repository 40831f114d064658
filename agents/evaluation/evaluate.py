"""Playing policies in fresh worlds and measuring what happens."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from agents.evaluation.players import Spec, play_units, players_of
from agents.evaluation.statistics import EPISODES, SEEDS, TRAINING_SEEDS, Estimate, estimate
from agents.table.interventions import Interventions, InterventionsLike
from agents.table.metrics import RATES, rates, rates_of
from agents.table.play import play, returns_of
from agents.work import Unit, WorkError, file_name
from sd_env import layout
from sd_env.policies import CastLike
from sd_env.scenario import Scenario

#: The metric that is not of the world but of the policy that is evaluated: its mean return over its seats.
PAYOFF: Final = "payoff"
RESAMPLES: Final = 2000
#: Episodes of a world, casts of a seed or searches of a seat: each is a unit of work.
MOST: Final = 100_000


def evaluate(
    scenario: Scenario,
    policy: CastLike,
    *,
    worlds: int,
    episodes: int,
    seed: int,
    interventions: InterventionsLike | Interventions | None = None,
) -> dict[str, float]:
    """Let ``policy`` play all states of ``worlds`` worlds for ``episodes`` whole episodes each.

    Every policy meets the same worlds for the same ``seed``: same types, starts and noise.

    Args:
        scenario: the game.
        policy: plays all states, each by itself; or a policy for each state.
        worlds: how many worlds.
        episodes: episodes of each.
        seed: of the worlds and of the policy's own draws.
        interventions: what states are bound to, whatever the policy chooses.

    Returns:
        The metrics of :data:`agents.table.metrics.RATES`.

    Raises:
        PolicyError: for what is no policy, or one whose answer holds no actions.
    """
    return rates_of(play(scenario, policy, worlds=worlds, episodes=episodes, seed=seed, interventions=interventions))


def evaluate_policies(
    policies: Sequence[Spec],
    scenario: Scenario | str | Path | Mapping[str, Any],
    *,
    overrides: Mapping[str, Any] | None = None,
    against: Spec | None = None,
    seeds: Sequence[int] = (1, 2, 3),
    worlds: int = 128,
    episodes: int = 1,
    out: Path | None = None,
    workers: int = 1,
    parquet: bool = False,
    fresh: bool = False,
    log: int = 0,
    trust: bool = False,
) -> pd.DataFrame:
    """Let each policy play all seats, or each seat in turn against another policy, in the same worlds.

    Args:
        policies: registry names, paths of bundles, or policies (those only with one worker and without ``out``).
            Bundles that differ in their training seeds alone count as one policy, and each plays all seeds.
        scenario: catalogue name, path, Scenario or mapping.
        overrides: dotted keys of the scenario and their values.
        against: who holds the other seats; default the policy itself (self-play).
        seeds: of the worlds; every policy meets the same ones.
        worlds: worlds a seed.
        episodes: episodes a world.
        out: folder in which finished work is kept, ``episodes.csv`` at the end; the same call resumes it.
        workers: processes, 0 for one a core.
        parquet: write ``episodes.parquet`` too.
        fresh: set aside what is in ``out``, and begin anew.
        log: of how many worlds a policy's first episode is kept as a log, in ``out/logs``.
        trust: whether what can run code may be loaded: zip files of stable-baselines3, Python files.

    Returns:
        One row an episode: ``policy, training_seed, against, seat`` (-1: all), and the columns of
        ``agents.table.play.play``. Give it to :func:`summarise`.

    Raises:
        ScenarioError, PolicyError, WorkError: one sentence, before anything is written.
    """
    game = Scenario.load(scenario, overrides)
    out = None if out is None else Path(out)
    check_sizes(seeds=seeds, worlds=worlds, episodes=episodes)
    if log and out is None:
        raise WorkError("logs need an output folder.")
    if not 0 <= log <= worlds:
        raise WorkError(f"log is {log}; 0 to {worlds}, the number of worlds, is needed.")
    players = players_of(policies, game, trust=trust)
    rivals = players_of([against], game, trust=trust) if against is not None else []
    units = []
    for player, seed, episode in itertools.product(players, seeds, range(episodes)):
        rival = (rivals[0].label, rivals[0].members[0]) if rivals else None
        for k, seat in itertools.product(range(len(player.members)), range(game.n_states) if rival else (-1,)):
            mine = (player.label, player.members[k])
            arguments: dict[str, Any] = {
                "scenario": game.to_dict(),
                "casts": [
                    {
                        "cast": [rival if rival and i != seat else mine for i in range(game.n_states)],
                        "columns": {
                            "policy": player.label,
                            "training_seed": player.seeds[k],
                            "against": rival[0] if rival else "",
                            "seat": seat,
                        },
                    }
                ],
                "worlds": worlds,
                "seed": int(seed),
                "episode": episode,
                "trust": trust,
            }
            key = f"{player.label} {k} seed {seed} episode {episode}" + f" seat {seat}" * (seat >= 0)
            if log and out and seed == seeds[0] and episode == 0 and seat <= 0 and k == 0:
                arguments["logs"] = (str(out / "logs" / file_name(player.label)), log)
            units.append(Unit(key, arguments))
    return play_units(
        units,
        out,
        workers=workers,
        title="evaluate",
        parquet=parquet,
        players=[*players, *rivals],
        fresh=fresh,
    )


def check_sizes(*, seeds: Sequence[int], worlds: int, episodes: int = 1) -> None:
    """Refuse numbers that no evaluation can have.

    Raises:
        WorkError: naming the number and what is allowed.
    """
    given: object = seeds  # of a caller without types
    if isinstance(given, str) or not isinstance(given, Collection):
        raise WorkError(f"seeds is {seeds!r:.80}; a list of whole numbers is needed.")
    for seed in seeds:
        if not _whole(seed) or not 0 <= seed < 2**63:
            raise WorkError(f"seeds has {seed!r:.80}; whole numbers from 0 to 2**63 - 1 are allowed.")
    if not seeds or len(set(seeds)) < len(seeds):
        raise WorkError(f"seeds are {list(seeds)}; at least one is needed, each once.")
    for name, number in (("worlds", worlds), ("episodes", episodes)):
        if not _whole(number) or number < 1:
            raise WorkError(f"{name} is {number!r}; a whole number of at least 1 is needed.")
    check_most(episodes=episodes)


def check_most(**numbers: int) -> None:
    """Refuse numbers of units, by their names, that no memory holds.

    Raises:
        WorkError: naming the number and what is allowed.
    """
    for name, number in numbers.items():
        if number > MOST:
            raise WorkError(f"{name} is {number}; {MOST} at most are allowed.")


def _whole(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool)


def payoffs_of(frame: pd.DataFrame) -> np.ndarray:
    """Return of the evaluated policy in each episode, float64 ``(rows,)``: the mean over the seats that it holds."""
    returns, seats = returns_of(frame), frame["seat"].to_numpy()
    own = returns[np.arange(len(frame)), np.maximum(seats, 0)]
    payoffs: np.ndarray = np.where(seats < 0, np.nanmean(returns, axis=1), own)  # of the states that the row has
    return payoffs


def measured(frame: pd.DataFrame) -> dict[str, float]:
    """All metrics of ``RATES``, and the pay-off, of some rows taken together."""
    return {PAYOFF: float(payoffs_of(frame).mean()), **rates_of(frame)}


def estimates(frame: pd.DataFrame, *, resamples: int = RESAMPLES) -> tuple[dict[str, Estimate], str]:
    """Every metric of one policy's rows with its 95% interval, and the unit that the interval is over.

    The unit is the training seed where there are several, else the seed of the worlds where there are several: then
    Student's t. With one seed alone episodes are resampled (percentile bootstrap, from a fixed seed): that interval
    holds the luck of the worlds and not that of training.
    """
    by, unit = ("training_seed", TRAINING_SEEDS) if frame["training_seed"].nunique() > 1 else ("seed", SEEDS)
    groups = [measured(group) for _, group in frame.groupby(by, sort=False)]
    if len(groups) > 1:
        return {metric: estimate([group[metric] for group in groups]) for metric in groups[0]}, unit
    size = len(frame)
    draws = np.random.default_rng(0).multinomial(size, np.full(size, 1 / size), size=resamples)
    sampled = resampled(frame, draws)
    found = {}
    for metric, value in groups[0].items():
        low, high = percentiles(sampled[metric]) if size > 1 else (math.nan, math.nan)
        found[metric] = Estimate(value, low, high, (value,))
    return found, EPISODES


def resampled(frame: pd.DataFrame, draws: np.ndarray) -> dict[str, np.ndarray]:
    """Each metric in each resample of the rows, ``(resamples,)``.

    Args:
        frame: the rows.
        draws: int ``(resamples, rows)``, how often each row is in each resample.
    """
    totals = draws @ frame[list(layout.TALLY)].to_numpy(np.float64)
    values = [rates(each, len(frame)) for each in totals]
    found = {metric: np.array([value[metric] for value in values]) for metric in RATES}
    return {PAYOFF: draws @ payoffs_of(frame) / len(frame), **found}


def percentiles(values: np.ndarray) -> tuple[float, float]:
    """The 2.5th and the 97.5th of those that are finite; NaN without any."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return math.nan, math.nan
    low, high = np.percentile(finite, (2.5, 97.5))
    return float(low), float(high)


def summarise(frame: pd.DataFrame) -> pd.DataFrame:
    """Metrics with intervals from the rows of :func:`evaluate_policies`.

    Returns:
        One row a policy and metric: ``policy, metric, value, low, high, count, unit``; ``count`` values of ``unit``
        (training seeds, seeds or episodes) are behind the interval.
    """
    rows = []
    for policy, group in frame.groupby("policy", sort=False):
        found, unit = estimates(group)
        for metric, value in found.items():
            count = len(group) if unit == EPISODES else len(value.values)
            rows.append((policy, metric, value.value, value.low, value.high, count, unit))
    return pd.DataFrame(rows, columns=["policy", "metric", "value", "low", "high", "count", "unit"])


#: The metrics that :func:`summarise` gives, in order.
METRICS: Final = (PAYOFF, *RATES)
