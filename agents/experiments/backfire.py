"""Whether threats provoke or deter: each is taken away in a replay from the same seed (Jervis 1976; Huth 1999)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from agents.experiments.quantities import WITHIN
from agents.policies.protocol import Policy
from agents.table.interventions import Interventions
from agents.table.play import one_thread
from sd_env import layout, measures
from sd_env.layout import Head, Signal
from sd_env.record import EpisodeLog, record
from sd_env.scenario import Scenario


class Bound:
    """A policy under interventions in a single world, and silenced on one turn if need be.

    Args:
        policy: what chooses.
        states: indices of the states that it plays, in the order of the rows.
        interventions: entries that are not its own to choose.
        silent: state and turn (from 1) on which that state makes no signal; None: never.
    """

    def __init__(
        self, policy: Policy, states: Sequence[int], interventions: Interventions, silent: tuple[int, int] | None = None
    ) -> None:
        self._policy, self._states, self._interventions, self._silent = policy, list(states), interventions, silent
        self._turn = 0

    def reset(self, seed: int) -> None:
        """Begin an episode."""
        self._turn = 0
        self._policy.reset(seed)

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Actions int64 ``(states, H)``."""
        self._turn += 1
        chosen = np.asarray(self._policy.act(observation, mask))
        joint = np.zeros((1, layout.num_states_of(mask.shape[1]), chosen.shape[1]), np.int64)
        joint[0, self._states] = chosen
        self._interventions.apply(joint)
        if self._silent is not None and self._turn == self._silent[1]:
            joint[0, self._silent[0], Head.SIGNAL] = Signal.SILENCE
        return joint[0, self._states]


def responses(
    scenario: Scenario,
    seats: Sequence[tuple[Policy, list[int]]],
    interventions: Interventions,
    *,
    seed: int,
    episodes: int,
) -> Mapping[str, float]:
    """What becomes of challengers with an episode's first threat and without it, all else the same.

    Both plays draw the same random numbers, so that they differ only by what the threat changed.

    Args:
        scenario: the game.
        seats: policies with the states that each plays.
        interventions: what states are bound to.
        seed: of the worlds and of the policies' draws.
        episodes: how many worlds.

    Returns:
        ``backfire/KIND``: share of the threats after which a challenger that is a ``security`` seeker or ``greedy``
        attacks the one protected, within H turns, and does not without the threat. ``deterred/KIND``: the reverse.
        NaN without a threat.
    """
    cases: dict[str, list[bool]] = {f"{what}/{kind}": [] for what in ("backfire", "deterred") for kind in _KINDS}
    with one_thread():
        for world in range(episodes):
            log = _play(scenario, seats, interventions, seed, world)
            found = measures.threats(log, measures.filter_beliefs(log), within=WITHIN)
            if not found:
                continue
            first = min(found, key=lambda threat: (threat.turn, threat.defender))
            replay = _play(scenario, seats, interventions, seed, world, (first.defender, first.turn))
            for threat in found:
                if (threat.turn, threat.defender) != (first.turn, first.defender):
                    continue
                kind = _KINDS[int(log.states["greed"][0, threat.challenger] > 0)]
                cases[f"backfire/{kind}"].append(measures.backfires(log, replay, threat, within=WITHIN))
                cases[f"deterred/{kind}"].append(_attacks(replay, threat) and not _attacks(log, threat))
    return {name: float(np.mean(each)) if each else math.nan for name, each in cases.items()}


_KINDS = ("security", "greedy")


def _attacks(log: EpisodeLog, threat: measures.Threat) -> bool:
    after = slice(threat.turn + 1, threat.turn + 1 + WITHIN)
    return bool(log.pairs["attacks"][after, threat.challenger, threat.target].any())


def _play(
    scenario: Scenario,
    seats: Sequence[tuple[Policy, list[int]]],
    interventions: Interventions,
    seed: int,
    world: int,
    silent: tuple[int, int] | None = None,
) -> EpisodeLog:
    cast: dict[int, Policy] = {}
    for policy, states in seats:
        bound = Bound(policy, states, interventions, silent)
        cast |= dict.fromkeys(states, bound)
    return record(scenario, [cast[state] for state in range(scenario.n_states)], seed, world)
