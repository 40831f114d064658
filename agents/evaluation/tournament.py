"""Tournaments: every policy meets every other and itself, in every seat, in the same worlds."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from agents.evaluation.dynamics import GENERATIONS, replicator
from agents.evaluation.evaluate import RESAMPLES, check_most, check_sizes, percentiles
from agents.evaluation.players import Player, Spec, play_units, players_of
from agents.evaluation.statistics import EPISODES, SEEDS, estimate, interquartile_mean
from agents.work import Unit, WorkError
from sd_env.scenario import Scenario

#: Kinds of noise beside a trembling hand, and the scenario's keys for them.
NOISE: Final = {"noise": "perception.noise", "signal_noise": "perception.signal_noise"}
TREMBLE: Final = "tremble"


def seatings(num_states: int) -> list[tuple[bool, ...]]:
    """Which seats the first of two policies holds, in each game of a pairing.

    It holds half of the seats, side by side, once from every seat on. With an odd number of states it holds the smaller
    half and then, once from every seat on, the larger. So each policy sits in each seat equally often, and two states
    give the two games of a round robin.
    """
    half = num_states // 2
    sizes = (half,) if num_states % 2 == 0 else (half, half + 1)
    return [
        tuple((seat - start) % num_states < size for seat in range(num_states))
        for size in sizes
        for start in range(num_states)
    ]


def tournament(
    policies: Sequence[Spec],
    scenario: Scenario | str | Path | Mapping[str, Any],
    *,
    overrides: Mapping[str, Any] | None = None,
    seeds: Sequence[int] = (1, 2, 3),
    worlds: int = 128,
    episodes: int = 1,
    noise: Mapping[str, float] | None = None,
    mixed: int = 0,
    out: Path | None = None,
    workers: int = 1,
    parquet: bool = False,
    fresh: bool = False,
    trust: bool = False,
) -> pd.DataFrame:
    """Let all policies play one another: a round robin with self-play, or casts drawn from all of them.

    Arguments are those of ``agents.evaluation.evaluate.evaluate_policies`` (two policies at least; one of several
    training seeds sends one of them to each seed, in turn), and beside them:

    * ``noise``: ``tremble``, the probability that an entry of an action is replaced by a random legal one, and
      ``noise`` and ``signal_noise``, values of ``perception.noise`` and ``perception.signal_noise``;
    * ``mixed``: 0 for pairs, whose games are :func:`seatings`; else how many casts a seed are drawn, of N policies
      each, from a shuffled deck, so that all are drawn equally often.

    Returns:
        One row an episode: ``first, second`` (the pairing; "" in drawn casts), and the columns of
        ``agents.table.play.play``. Give it to :func:`ranking`, :func:`payoff_matrix` and :func:`ecology`.

    Raises:
        ScenarioError, PolicyError, WorkError: one sentence, before anything is written.
    """
    slips, changed = noise_of(noise or {})
    game = Scenario.load(scenario, {**(overrides or {}), **changed})
    check_sizes(seeds=seeds, worlds=worlds, episodes=episodes)
    if mixed < 0:
        raise WorkError(f"mixed is {mixed}; 0 (pairs) or more is needed.")
    check_most(mixed=mixed)
    players = players_of(policies, game, trust=trust)
    check_field(players, seeds)
    units: list[Unit] = []
    for k, seed in enumerate(seeds):
        games = drawn(players, k, seed, mixed, game.n_states) if mixed else pairs(players, k, game.n_states)
        units += units_of(games, game, seed=seed, worlds=worlds, episodes=episodes, tremble=slips, trust=trust)
    return play_units(
        units,
        out,
        workers=workers,
        title="tournament",
        parquet=parquet,
        players=players,
        fresh=fresh,
    )


#: Key of some games that are played together, and each game's cast and further columns.
Games = Iterator[tuple[str, list[dict[str, Any]]]]


def units_of(games: Games, game: Scenario, *, seed: int, episodes: int, **common: Any) -> Iterator[Unit]:
    """Units of work: the games of each key, once an episode."""
    for key, casts in games:
        for episode in range(episodes):
            arguments = {"scenario": game.to_dict(), "casts": casts, "seed": int(seed), "episode": episode, **common}
            yield Unit(f"{key} seed {seed} episode {episode}", arguments)


def noise_of(noise: Mapping[str, float]) -> tuple[float, dict[str, float]]:
    """The probability of a slip, and what is to be overridden in the scenario.

    Raises:
        WorkError: for a kind of noise that does not exist, or a probability that is none.
    """
    for key in noise:
        if key != TREMBLE and key not in NOISE:
            raise WorkError(f"noise has no {key!r}; {', '.join((TREMBLE, *NOISE))} are its kinds.")
    slips = noise.get(TREMBLE, 0.0)
    if not 0 <= slips <= 1:
        raise WorkError(f"tremble is {slips!r}; a probability from 0 to 1 is needed.")
    return float(slips), {NOISE[key]: value for key, value in noise.items() if key != TREMBLE}


def check_field(players: Sequence[Player], seeds: Sequence[int]) -> None:
    """Raise a WorkError for less than two players, or training seeds that would not play."""
    if len(players) < 2:
        raise WorkError(f"only {players[0].label} is there; at least two policies are needed.")
    most = max(players, key=lambda player: len(player.members))
    if len(most.members) > len(seeds):
        count = len(most.members)
        raise WorkError(
            f"{most.label} has {count} training seeds and there are {len(seeds)} seeds; {count} are needed."
        )


def pairs(players: Sequence[Player], k: int, num_states: int) -> Games:
    """The games of every pairing, self-play included, for the k-th seed."""
    for first, second in itertools.combinations_with_replacement(players, 2):
        a, b = ((player.label, player.member(k)) for player in (first, second))
        games = seatings(num_states)
        games = games[:1] if first is second else games  # in self-play they are all the same game
        columns = {"first": first.label, "second": second.label}
        casts = [{"cast": [a if held else b for held in seating], "columns": columns} for seating in games]
        yield f"{first.label} and {second.label}", casts


def drawn(players: Sequence[Player], k: int, seed: int, mixed: int, num_states: int) -> Games:
    """The game of each drawn cast for the k-th seed: decks of all players, shuffled and dealt one after another."""
    random = np.random.default_rng([seed, mixed])
    decks = -(-mixed * num_states // len(players))
    deal = np.concatenate([random.permutation(len(players)) for _ in range(decks)])
    for draw in range(mixed):
        chosen = [players[p] for p in deal[draw * num_states : (draw + 1) * num_states]]
        cast = [(player.label, player.member(k)) for player in chosen]
        yield f"cast {draw}", [{"cast": cast, "columns": {"first": "", "second": ""}}]


# --- what came of it ------------------------------------------------------------------------------------------


def meetings(frame: pd.DataFrame) -> pd.DataFrame:
    """Who met whom and what came of it: one row an episode, seat and opponent.

    In a pairing a policy's opponent is the other policy, in self-play itself; in a drawn cast it meets the policy of
    each other seat.

    Returns:
        ``policy, opponent, seed, world, episode, payoff, attacks, mobilizations, pair_turns``.
    """
    states = sum(str(name).startswith("policy_") for name in frame)
    paired = frame["first"] != ""
    parts = []
    for i, j in itertools.permutations(range(states), 2):
        once = paired & (j == (i + 1) % states)  # a pairing has one opponent, however many seats it holds
        rows = frame[once | ~paired]
        mine, other = rows[f"policy_{i}"], rows[f"policy_{j}"]
        facing = rows["second"].where(mine == rows["first"], rows["first"])
        part = rows[["seed", "world", "episode"]].assign(
            policy=mine,
            opponent=facing.where(rows["first"] != "", other),
            payoff=rows[f"return_{i}"],
            attacks=rows[f"attacks_{i}"],
            mobilizations=rows[f"mobilizations_{i}"],
            pair_turns=rows[f"pair_turns_{i}"],
        )
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def payoff_matrix(frame: pd.DataFrame) -> pd.DataFrame:
    """Mean return of the row's policy against the column's; NaN where they never met. In order of appearance."""
    met = meetings(frame)
    matrix = met.pivot_table(index="policy", columns="opponent", values="payoff", aggfunc="mean", sort=False)
    order = _order(frame)
    return matrix.reindex(index=order, columns=order)


def _order(frame: pd.DataFrame) -> list[str]:
    """Labels in the order in which the policies were given, so far as the rows tell: pairings begin with it."""
    seats = [name for name in frame if str(name).startswith("policy_")]
    paired = frame["first"].iloc[0] != ""
    names = frame["second"] if paired else frame[seats].stack()
    return list(dict.fromkeys(map(str, names)))


def ranking(frame: pd.DataFrame, *, resamples: int = RESAMPLES) -> pd.DataFrame:
    """Policies by pay-off, with 95% intervals.

    A policy's pay-off is the mean of its row in the matrix, so that every opponent counts alike; in drawn casts the
    mean over its seats. The interval is Student's t over seeds: games of a seed share their worlds, so that what a
    policy earns against one opponent and against another are not independent, and the seed is the unit. With one seed
    alone the worlds, each with all of its games, are resampled (percentile bootstrap, from a fixed seed).

    Beside it stands the interquartile mean over opponents and seeds, less swayed by a few opponents, with the
    bootstrap that resamples seeds for each opponent apart (``agents.evaluation.statistics.interquartile_mean``): it
    takes opponents for unrelated, and is too narrow with few seeds.

    Returns:
        One row a policy, best first: ``rank, policy, payoff, low, high, iqm, iqm_low, iqm_high, attacks, cooperation,
        count, unit``. Attacks are per pair-turn; cooperation is the share of pair-turns without attack and
        mobilization.
    """
    met = meetings(frame)
    drawn = bool((frame["first"] == "").all())
    unit = SEEDS if met["seed"].nunique() > 1 else EPISODES
    by = ["seed"] if unit == SEEDS else ["world", "episode"]
    cells = met.groupby(["policy", *([] if drawn else ["opponent"]), *by])["payoff"].mean()
    table = cells.groupby(["policy", *by]).mean().unstack("policy")  # one row a seed, or a world's episode
    rows = []
    for policy in _order(frame):
        values = table[policy].dropna().to_numpy(np.float64)
        if unit == SEEDS:
            found = estimate(list(values))
            mean, low, high = found.value, found.low, found.high
        else:
            draws = np.random.default_rng(0).integers(len(values), size=(resamples, len(values)))
            mean, (low, high) = float(values.mean()), percentiles(values[draws].mean(axis=1))
        strata = {} if drawn else {str(o): list(v) for o, v in cells[policy].groupby("opponent", sort=False)}
        middle = interquartile_mean(strata if unit == SEEDS else {}, seed=0, resamples=resamples)
        deeds = met.loc[met["policy"] == policy, ["attacks", "mobilizations", "pair_turns"]].sum()
        hostile, turns = deeds["attacks"] + deeds["mobilizations"], deeds["pair_turns"]
        shown = (mean, low, high, middle.value, middle.low, middle.high)
        rows.append((policy, *shown, deeds["attacks"] / turns, 1 - hostile / turns, len(values), unit))
    names = ["policy", "payoff", "low", "high", "iqm", "iqm_low", "iqm_high", "attacks", "cooperation", "count", "unit"]
    ranked = pd.DataFrame(rows, columns=names).sort_values("payoff", ascending=False, kind="stable", ignore_index=True)
    ranked.insert(0, "rank", np.arange(1, len(ranked) + 1))
    return ranked


def ecology(matrix: pd.DataFrame, generations: int = GENERATIONS) -> pd.DataFrame:
    """Shares of the policies over generations by :func:`agents.evaluation.dynamics.replicator`, from equal shares.

    Returns:
        ``generation``, then a column a policy.

    Raises:
        WorkError: if some never met.
    """
    if matrix.isna().to_numpy().any():
        raise WorkError("some policies never met, so that there are no dynamics; draw more casts, or play pairs.")
    course = pd.DataFrame(replicator(matrix.to_numpy(), generations), columns=matrix.columns)
    course.insert(0, "generation", np.arange(generations + 1))
    return course
