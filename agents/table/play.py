"""Letting policies play whole episodes of a scenario: the engine below every command that evaluates."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias

import numpy as np
import pandas as pd

from agents.policies.errors import PolicyError
from agents.policies.protocol import Policy
from agents.table.interventions import Interventions, InterventionsLike
from agents.table.metrics import tally_rows
from sd_env import layout
from sd_env.scenario import Scenario
from sd_env.worlds import Worlds

#: Who plays: one policy for all states, one a state in index order, or one a state by name.
Cast: TypeAlias = "Policy | Sequence[Policy] | Mapping[str, Policy]"
#: A policy with the seats that it holds, index order.
Seat: TypeAlias = "tuple[Policy, list[int]]"

#: Columns that each state has of its own: each name is followed by ``_`` and the state's index. Pair-turns are turns on
#: which the state and another stood, counted over the others; attacks and mobilizations are what it did on them.
OF_STATES: Final = ("policy", "return", "greed", "pair_turns", "attacks", "mobilizations")


class Recorder(Protocol):
    """Whoever keeps what happens turn by turn, as ``sd_env.record.Collector`` does to make episode logs."""

    def start(self, worlds: Worlds) -> None:
        """An episode has begun in all worlds: their arrays show it as it is after the reset."""

    def step(self, worlds: Worlds, actions: np.ndarray) -> None:
        """A turn was played with ``actions``, int64 ``(B, N, H)``; worlds that had ended before do not count."""


def play(
    scenario: Scenario,
    cast: Cast,
    *,
    worlds: int,
    seed: int,
    first_world: int = 0,
    episode: int = 0,
    recorder: Recorder | None = None,
    interventions: InterventionsLike | None = None,
) -> pd.DataFrame:
    """Play one whole episode in each of the worlds ``first_world`` to ``first_world + worlds - 1``.

    A policy object acts once a turn for all seats that it holds in all worlds. Before the first turn it is reset with a
    seed that follows from (seed, episode, first_world, its first seat). World b plays what it would play alone, but for
    policies that draw: what they draw depends on which worlds they are asked about together. A policy is given copies
    of what its seats see and of their masks, nothing else.

    Args:
        scenario: the game.
        cast: who plays which states.
        worlds: how many worlds, at least 1.
        seed: of the worlds' random streams and of the policies' draws.
        first_world: index of the first world.
        episode: which episode of each world's stream.
        recorder: told of the start and of every turn.
        interventions: what states are bound to, whatever their policies choose (:mod:`agents.table.interventions`).

    Returns:
        One row a world: ``scenario, seed, world, episode, turns, terminated``, the columns of :data:`OF_STATES` for
        each state (``policy_0, policy_1, ..., return_0, ...``), and the rest of ``layout.TALLY``.

    Raises:
        PolicyError: for a cast that does not fit the states, or a policy that answers with actions of another shape.
    """
    seats = seats_of(cast, scenario.agents)
    table = Worlds(scenario, worlds, seed=seed, first_world=first_world)
    if episode:
        table.worlds["episode"] = episode - 1
        table.reset()
    labels = [""] * table.num_states
    for policy, held in seats:
        policy.reset(int(np.random.SeedSequence([seed, episode, first_world, held[0]]).generate_state(1)[0]))
        for seat in held:
            labels[seat] = name_of(policy)
    greed = table.states["greed"].copy()
    with one_thread():
        outcome = play_out(table, seats, recorder, Interventions(interventions or {}, scenario.agents))
    table.close()
    columns: dict[str, Any] = {
        "scenario": scenario.name,
        "seed": seed,
        "world": np.arange(first_world, first_world + worlds),
        "episode": episode,
        "turns": outcome.tallies[:, layout.TALLY.index("turns")].astype(np.int64),
        "terminated": outcome.terminated,
    }
    columns |= {f"policy_{i}": label for i, label in enumerate(labels)}
    deeds = (outcome.returns, greed, outcome.pair_turns, outcome.attacks, outcome.mobilizations)
    for name, values in zip(OF_STATES[1:], deeds, strict=True):
        columns |= {f"{name}_{i}": values[:, i] for i in range(table.num_states)}
    columns |= {name: outcome.tallies[:, k] for k, name in enumerate(layout.TALLY) if name != "turns"}
    return pd.DataFrame(columns)


@dataclass(frozen=True)
class Outcome:
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


def play_out(
    table: Worlds, seats: Sequence[Seat], recorder: Recorder | None = None, interventions: Interventions | None = None
) -> Outcome:
    """Play every world of ``table``, which has just been reset, to its end. Policies are reset by the caller.

    A world that has ended shows its policies its last turn, and takes no more actions, until all worlds have ended.
    """
    b, n = table.num_worlds, table.num_states
    outcome = Outcome(
        tallies=np.zeros((b, len(layout.TALLY))),
        terminated=np.zeros(b, np.bool_),
        returns=np.zeros((b, n)),
        pair_turns=np.zeros((b, n), np.int64),
        attacks=np.zeros((b, n), np.int64),
        mobilizations=np.zeros((b, n), np.int64),
    )
    seen, masks = table.observations.copy(), table.masks.copy()
    actions = np.zeros((b, n, len(layout.action_sizes(n))), np.int64)
    on = np.ones(b, np.bool_)
    if recorder is not None:
        recorder.start(table)
    while on.any():
        for policy, held in seats:
            actions[:, held] = _act(policy, seen[:, held], masks[:, held])
        if interventions is not None:
            interventions.apply(actions)
        stood = table.states["standing"].copy()
        table.step(actions)
        if recorder is not None:
            recorder.step(table, actions)
        outcome.returns[on] += table.rewards[on]
        others = stood.sum(axis=1, keepdims=True) - 1
        outcome.pair_turns[on] += (stood * others)[on]
        outcome.attacks[on] += np.bitwise_count(table.states["attacked"])[on]
        outcome.mobilizations[on] += np.bitwise_count(table.states["mobilized"])[on]
        ended = on & (table.terminations | table.truncations)
        outcome.tallies[ended] = tally_rows(table.worlds)[ended]
        outcome.terminated[ended] = table.terminations[ended]
        on &= ~ended
        seen[on], masks[on] = table.observations[on], table.masks[on]
    return outcome


def _act(policy: Policy, seen: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Actions ``(B, seats, H)`` of a policy for what its seats see ``(B, seats, D)``, copied so that it may write."""
    b, seats, size = masks.shape
    chosen = np.asarray(policy.act(seen.reshape(b * seats, -1).copy(), masks.reshape(b * seats, -1).copy()))
    wanted = (b * seats, len(layout.action_sizes(layout.num_states_of(size))))
    if chosen.shape != wanted or chosen.dtype.kind not in "iu":
        raise PolicyError(
            f"policy {name_of(policy)}: act gave {chosen.dtype} {chosen.shape}; integers {wanted} are needed."
        )
    return chosen.reshape(b, seats, -1)


def seats_of(cast: Cast, agents: Sequence[str]) -> list[Seat]:
    """The distinct policies of a cast with the seats that each holds, by first seat.

    Raises:
        PolicyError: if a seat has no policy, or there are policies without a seat.
    """
    if isinstance(cast, Mapping):
        if set(cast) != set(agents):
            given, needed = (", ".join(map(str, names)) for names in (cast, agents))
            raise PolicyError(f"the cast names {given or 'nobody'}; a policy is needed for each of {needed}.")
        players = [cast[agent] for agent in agents]
    elif isinstance(cast, Sequence):
        players = list(cast)
        if len(players) != len(agents):
            raise PolicyError(f"the cast has {len(players)} policies; {len(agents)} are needed, one a state.")
    else:
        players = [cast] * len(agents)
    seats: dict[int, Seat] = {}
    for seat, player in enumerate(players):
        if not (callable(getattr(player, "reset", None)) and callable(getattr(player, "act", None))):
            raise PolicyError(
                f"the cast has {player!r} for {agents[seat]}; a policy has reset(seed) and act(observation, mask)."
            )
        seats.setdefault(id(player), (player, []))[1].append(seat)
    return list(seats.values())


def name_of(policy: Policy) -> str:
    """What a policy calls itself, else the name of its class."""
    return str(getattr(policy, "name", "") or type(policy).__name__)


@contextmanager
def one_thread() -> Iterator[None]:
    """Networks compute on one thread within: the same numbers whatever the machine and however many workers."""
    torch: Any = sys.modules.get("torch")
    if torch is None:  # nobody has imported it
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
