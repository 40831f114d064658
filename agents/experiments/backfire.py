"""Whether threats and shows of force provoke or deter: each is taken away in a replay from the same seed.

Jervis (1976), Huth (1999). What provokes in the spiral model is force that might be turned on one, not words.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from agents.experiments.quantities import WITHIN
from agents.table.interventions import Interventions, InterventionsLike
from agents.table.play import play
from sd_env import measures
from sd_env.layout import Build, Head, Signal, Stance
from sd_env.policies import CastLike
from sd_env.record import Collector, EpisodeLog
from sd_env.scenario import Scenario


class Silenced(Interventions):
    """Interventions beside which a state of some worlds makes no signal on one turn.

    Args:
        interventions: as of :class:`agents.table.interventions.Interventions`.
        agents: names of the states, in index order.
        silent: world -> state and turn (from 1) on which that state is silent.
    """

    def __init__(
        self, interventions: InterventionsLike, agents: tuple[str, ...], silent: Mapping[int, tuple[int, int]]
    ) -> None:
        super().__init__(interventions, agents)
        self._silent, self._turn = silent, 0

    def apply(self, actions: np.ndarray) -> None:
        """Put them in place of what was chosen for the coming turn, in ``actions`` int ``(B, N, H)`` itself."""
        super().apply(actions)
        self._turn += 1
        for world, (state, turn) in self._silent.items():
            if turn == self._turn:
                actions[world, state, Head.SIGNAL] = Signal.SILENCE


class Unarmed(Interventions):
    """Interventions beside which a state of some worlds neither mobilizes nor builds for some turns.

    Args:
        interventions: as of :class:`agents.table.interventions.Interventions`.
        agents: names of the states, in index order.
        unarmed: world -> state and first turn (from 1); it lasts for that turn and the H after.
    """

    def __init__(
        self, interventions: InterventionsLike, agents: tuple[str, ...], unarmed: Mapping[int, tuple[int, int]]
    ) -> None:
        super().__init__(interventions, agents)
        self._unarmed, self._turn = unarmed, 0

    def apply(self, actions: np.ndarray) -> None:
        """Put them in place of what was chosen for the coming turn, in ``actions`` int ``(B, N, H)`` itself."""
        super().apply(actions)
        self._turn += 1
        for world, (state, turn) in self._unarmed.items():
            if turn <= self._turn <= turn + WITHIN:
                chosen = actions[world, state]
                chosen[[Head.BUILD_OFFENSE, Head.BUILD_DEFENSE]] = Build.NONE
                stances = chosen[Head.STANCE :]
                stances[stances == Stance.MOBILIZE] = Stance.NEUTRAL


def responses(
    scenario: Scenario,
    cast: CastLike,
    interventions: InterventionsLike,
    logs: Sequence[EpisodeLog],
    *,
    seed: int,
    worlds: int,
) -> Mapping[str, float]:
    """What becomes of challengers with an episode's first threat and without it, all else the same.

    Both plays draw the same random numbers, so that they differ only by what the threat changed.

    Args:
        scenario: the game.
        cast: who plays.
        interventions: what states are bound to.
        logs: some of the episodes that these play in worlds 0 to ``worlds`` - 1 of ``seed``.
        seed: of the worlds and of the policies' draws.
        worlds: how many worlds were played.

    Returns:
        ``backfire/KIND``: share of the threats after which a challenger that is a ``security`` seeker or ``greedy``
        attacks the one protected, within H turns, and does not without the threat. ``deterred/KIND``: the reverse.
        NaN without a threat.
    """
    cases: dict[str, list[bool]] = {f"{what}/{kind}": [] for what in ("backfire", "deterred") for kind in _KINDS}
    first: dict[int, list[measures.Threat]] = {}  # those of the first turn with one, of the first state that makes one
    for log in logs:
        found = measures.threats(log, measures.filter_beliefs(log), within=WITHIN)
        if found:
            turn, defender = min((threat.turn, threat.defender) for threat in found)
            first[log.world] = [threat for threat in found if (threat.turn, threat.defender) == (turn, defender)]
    if first:
        silent = {world: (threats[0].defender, threats[0].turn) for world, threats in first.items()}
        collector = Collector(list(first))
        bound = Silenced(interventions, scenario.agents, silent)
        play(scenario, cast, worlds=worlds, seed=seed, recorder=collector, interventions=bound)
        replays = {log.world: log for log in collector.logs}
    for log in logs:
        for threat in first.get(log.world, ()):
            kind, replay = _KINDS[int(log.states["greed"][0, threat.challenger] > 0)], replays[log.world]
            cases[f"backfire/{kind}"].append(measures.backfires(log, replay, threat, within=WITHIN))
            cases[f"deterred/{kind}"].append(_attacks(replay, threat) and not _attacks(log, threat))
    return {name: float(np.mean(each)) if each else math.nan for name, each in cases.items()}


_KINDS = ("security", "greedy")


def answers(
    scenario: Scenario,
    cast: CastLike,
    interventions: InterventionsLike,
    logs: Sequence[EpisodeLog],
    *,
    seed: int,
    worlds: int,
) -> Mapping[str, float]:
    """What becomes of challengers with an episode's first show of force and without it, all else the same.

    Arguments as of :func:`responses`. A show of force is a mobilization or a build-up in peace; without it the state
    neither mobilizes nor builds on that turn and the H after.

    Returns:
        ``provoked/KIND``: share of the challengers that are a ``security`` seeker or ``greedy`` and attack the one that
        showed its force, within H turns, and do not without it. ``checked/KIND``: the reverse. NaN without a show.
    """
    cases: dict[str, list[bool]] = {f"{what}/{kind}": [] for what in ("provoked", "checked") for kind in _KINDS}
    shows = {log.world: found for log in logs if (found := measures.first_shows(log))}
    if shows:
        unarmed = {world: (found[0].defender, found[0].turn) for world, found in shows.items()}
        collector = Collector(list(shows))
        bound = Unarmed(interventions, scenario.agents, unarmed)
        play(scenario, cast, worlds=worlds, seed=seed, recorder=collector, interventions=bound)
        replays = {log.world: log for log in collector.logs}
    for log in logs:
        for show in shows.get(log.world, ()):
            kind = _KINDS[int(log.states["greed"][0, show.challenger] > 0)]
            with_it, without = (measures.strikes_after(each, show, within=WITHIN) for each in (log, replays[log.world]))
            cases[f"provoked/{kind}"].append(with_it and not without)
            cases[f"checked/{kind}"].append(without and not with_it)
    return {name: float(np.mean(each)) if each else math.nan for name, each in cases.items()}


def _attacks(log: EpisodeLog, threat: measures.Threat) -> bool:
    after = slice(threat.turn + 1, threat.turn + 1 + WITHIN)
    return bool(log.pairs["attacks"][after, threat.challenger, threat.target].any())
