"""Letting policies play whole episodes of a scenario: the one way to do it, below every command that evaluates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
import pandas as pd

from agents.table.forecasts import Foreseen
from agents.table.interventions import Intervention, Interventions, InterventionsLike
from agents.table.metrics import tally_rows
from sd_env import layout
from sd_env.errors import whole_number
from sd_env.policies import Cast, CastLike, one_thread
from sd_env.scenario import Scenario
from sd_env.worlds import Worlds

#: Columns that each state has of its own: each name is followed by ``_`` and the state's index. Pair-turns are turns on
#: which the state and another stood, counted over the others; attacks and mobilizations are what it did on them.
#: Greed is that of its first leader: with ``motives.turnover`` it may have others later, and only logs say which.
OF_STATES: Final = ("policy", "return", "greed", "pair_turns", "attacks", "mobilizations")


class Recorder(Protocol):
    """Whoever keeps what happens turn by turn, as ``sd_env.record.Collector`` does to make episode logs."""

    def start(self, worlds: Worlds) -> None:
        """An episode has begun in all worlds: their arrays show it as it is after the reset."""

    def step(self, worlds: Worlds, actions: np.ndarray) -> None:
        """A turn was played with ``actions``, int64 ``(B, N, H)``; worlds that had ended before do not count."""

    def changed(self, worlds: Worlds) -> None:
        """An intervention has changed arms before the coming turn: the arrays show it."""


def play(
    scenario: Scenario,
    cast: CastLike,
    *,
    worlds: int,
    seed: int,
    first_world: int = 0,
    episode: int = 0,
    episodes: int = 1,
    recorder: Recorder | None = None,
    interventions: InterventionsLike | Intervention | Sequence[Intervention] | None = None,
) -> pd.DataFrame:
    """Play whole episodes in each of the worlds ``first_world`` to ``first_world + worlds - 1``.

    Every seat is asked once a turn about all worlds, is reset before every episode and knows what its state sees and no
    more, as :class:`sd_env.policies.Cast` says. World b plays what it would play alone, but for policies that draw:
    what they draw depends on which worlds they are asked about together.

    Args:
        scenario: the game.
        cast: who plays which states.
        worlds: how many worlds, at least 1.
        seed: of the worlds' random streams and of the policies' draws.
        first_world: index of the first world.
        episode: the first episode of each world's stream that is played.
        episodes: how many.
        recorder: told of the start of every episode and of every turn.
        interventions: what is done from outside, whatever the policies choose (:mod:`agents.table.interventions`).
            Policies are asked all the same, so that they draw what they would draw without.

    Returns:
        One row an episode and world: ``scenario, seed, world, episode, turns, terminated``, the columns of
        :data:`OF_STATES` for each state (``policy_0, policy_1, ..., return_0, ...``), and the rest of ``layout.TALLY``;
        where policies speak in words, of their seats also what :class:`agents.table.forecasts.Foreseen` counts.

    Raises:
        PolicyError: for a cast that does not fit the states, or a policy whose answer holds no actions.
        RefusedError: for a seed or a number that is none.
    """
    seed = whole_number("seed", seed, most=2**64 - 1)
    episode, episodes = whole_number("episode", episode), whole_number("episodes", episodes, 1)
    players = Cast(cast, scenario.agents, heads=scenario.heads)
    done = _interventions(interventions, scenario)
    table = Worlds(scenario, worlds, seed=seed, first_world=first_world)
    frames = []
    for each in range(episode, episode + episodes):
        if each:
            table.worlds["episode"] = each - 1
            table.reset()
        players.reset(seed, each, first_world)
        greed, foreseen = table.states["greed"].copy(), Foreseen(players, worlds)
        with one_thread():
            outcome = _play_out(table, players, foreseen, recorder, done)
        columns: dict[str, Any] = {
            "scenario": scenario.name,
            "seed": seed,
            "world": np.arange(first_world, first_world + worlds),
            "episode": each,
            "turns": outcome.tallies[:, layout.TALLY.index("turns")].astype(np.int64),
            "terminated": outcome.terminated,
        }
        columns |= {f"policy_{i}": name for i, name in enumerate(players.names)}
        deeds = (outcome.returns, greed, outcome.pair_turns, outcome.attacks, outcome.mobilizations)
        for name, values in zip(OF_STATES[1:], deeds, strict=True):
            columns |= {f"{name}_{i}": values[:, i] for i in range(table.num_states)}
        columns |= {name: outcome.tallies[:, k] for k, name in enumerate(layout.TALLY) if name != "turns"}
        columns |= foreseen.columns()
        frames.append(pd.DataFrame(columns))
    table.close()
    return pd.concat(frames, ignore_index=True)


def _interventions(
    given: InterventionsLike | Intervention | Sequence[Intervention] | None, scenario: Scenario
) -> list[Intervention]:
    if isinstance(given, Intervention):
        return [given]
    if given is None or isinstance(given, Mapping):
        return [Interventions(given or {}, scenario.agents, scenario.heads)]
    return list(given)


def returns_of(frame: pd.DataFrame) -> np.ndarray:
    """The return of each state in each row of :func:`play`, float64 ``(rows, N)``."""
    returns: np.ndarray = frame[[name for name in frame if str(name).startswith("return_")]].to_numpy(np.float64)
    return returns


@dataclass(frozen=True)
class _Outcome:
    """What became of B worlds: each as it was on the turn on which it ended.

    Attributes:
        tallies: float64 ``(B, len(layout.TALLY))``.
        terminated: bool ``(B,)``, whether the game and not the horizon ended it.
        returns: float64 ``(B, N)``, sums of rewards.
        pair_turns, attacks, mobilizations: int64 ``(B, N)``, as in :data:`OF_STATES`.
    """

    tallies: np.ndarray
    terminated: np.ndarray
    returns: np.ndarray
    pair_turns: np.ndarray
    attacks: np.ndarray
    mobilizations: np.ndarray


def _play_out(
    table: Worlds,
    cast: Cast,
    foreseen: Foreseen,
    recorder: Recorder | None,
    interventions: Sequence[Intervention],
) -> _Outcome:
    """Play every world of ``table``, which has just been reset as the policies have, to its end.

    A world that has ended shows its policies its last turn, and takes no more actions, until all worlds have ended.
    """
    b, n = table.num_worlds, table.num_states
    outcome = _Outcome(
        tallies=np.zeros((b, len(layout.TALLY))),
        terminated=np.zeros(b, np.bool_),
        returns=np.zeros((b, n)),
        pair_turns=np.zeros((b, n), np.int64),
        attacks=np.zeros((b, n), np.int64),
        mobilizations=np.zeros((b, n), np.int64),
    )
    seen, masks = table.observations.copy(), table.masks.copy()
    actions = np.zeros((b, n, len(table.heads.kinds)), np.int64)
    on = np.ones(b, np.bool_)
    if recorder is not None:
        recorder.start(table)
    turn = 0
    going: np.ndarray | slice = slice(None)  # the worlds that are on; as a slice nothing is gathered and scattered
    while on.any():
        turn += 1
        changes = [each.change(table, turn) for each in interventions]
        if any(changes):
            table.show()
            seen[going], masks[going] = table.observations[going], table.masks[going]
            if recorder is not None:
                recorder.changed(table)
        for each in interventions:
            each.show(seen, turn)
        cast.act(seen, masks, actions)
        for each in interventions:
            each.bind(actions, turn)
        stood = table.states["standing"].copy()
        table.step(actions)
        if recorder is not None:
            recorder.step(table, actions)
        foreseen.turn(table.pairs["attacks"], on)
        outcome.returns[going] += table.rewards[going]
        others = stood.sum(axis=1, keepdims=True) - 1
        outcome.pair_turns[going] += (stood * others)[going]
        outcome.attacks[going] += np.bitwise_count(table.states["attacked"])[going]
        outcome.mobilizations[going] += np.bitwise_count(table.states["mobilized"])[going]
        ended = on & (table.terminations | table.truncations)
        if ended.any():
            outcome.tallies[ended] = tally_rows(table.worlds)[ended]
            outcome.terminated[ended] = table.terminations[ended]
            on &= ~ended
            going = np.flatnonzero(on)
            cast.board.over.update(np.flatnonzero(ended).tolist())
        seen[going], masks[going] = table.observations[going], table.masks[going]
    return outcome
