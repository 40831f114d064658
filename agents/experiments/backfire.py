"""Whether threats and shows of force provoke or deter: each is taken away in a replay from the same seed.

Jervis (1976), Huth (1999). What provokes in the spiral model is force that might be turned on one, not words.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from agents.experiments.quantities import WITHIN
from agents.table.interventions import Interventions, InterventionsLike
from agents.table.play import play
from sd_env import measures
from sd_env.layout import Build, Head, Heads, Signal, Stance
from sd_env.policies import CastLike
from sd_env.record import Collector, EpisodeLog
from sd_env.scenario import Scenario


class Without(Interventions):
    """Interventions beside which a state of some worlds lacks something that it would do, for some turns.

    Args:
        scenario: the game.
        interventions: as of :class:`agents.table.interventions.Interventions`.
        begins: world -> state and first turn (from 1) on which it lacks it.
        turns: how many turns that lasts.
        strip: takes it out of the action of a state, int64 ``(H,)``, in place.
    """

    def __init__(
        self,
        scenario: Scenario,
        interventions: InterventionsLike,
        begins: Mapping[int, tuple[int, int]],
        turns: int,
        strip: Callable[[np.ndarray, Heads], None],
    ) -> None:
        super().__init__(interventions, scenario.agents, scenario.heads)
        self._begins, self._turns, self._strip, self._heads = begins, turns, strip, scenario.heads

    def bind(self, actions: np.ndarray, turn: int) -> None:
        """Put them in place of what was chosen for the turn, in ``actions`` int ``(B, N, H)`` itself."""
        super().bind(actions, turn)
        for world, (state, first) in self._begins.items():
            if first <= turn < first + self._turns:
                self._strip(actions[world, state], self._heads)


def silenced(action: np.ndarray, heads: Heads) -> None:
    """An action without a signal."""
    action[Head.SIGNAL] = Signal.SILENCE


def unarmed(action: np.ndarray, heads: Heads) -> None:
    """An action without mobilization and without arms."""
    action[[Head.BUILD_OFFENSE, Head.BUILD_DEFENSE]] = Build.NONE
    stances = action[heads.entries(Head.STANCE)]
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
        bound = Without(scenario, interventions, silent, 1, silenced)
        replays = _replays(scenario, cast, bound, first, seed=seed, worlds=worlds)
    for log in logs:
        for threat in first.get(log.world, ()):
            kind, replay = _KINDS[int(log.states["greed"][0, threat.challenger] > 0)], replays[log.world]
            cases[f"backfire/{kind}"].append(measures.backfires(log, replay, threat, within=WITHIN))
            cases[f"deterred/{kind}"].append(_attacks(replay, threat) and not _attacks(log, threat))
    return _shares(cases)


_KINDS = ("security", "greedy")


def _shares(cases: Mapping[str, Sequence[bool]]) -> dict[str, float]:
    """In what share of the cases each is so; NaN without a case."""
    return {name: float(np.mean(each)) if each else math.nan for name, each in cases.items()}


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
    for log, show, with_it, without in _shown(scenario, cast, interventions, logs, seed=seed, worlds=worlds):
        kind = _KINDS[int(log.states["greed"][0, show.challenger] > 0)]
        cases[f"provoked/{kind}"].append(with_it and not without)
        cases[f"checked/{kind}"].append(without and not with_it)
    return _shares(cases)


def backfired(
    scenario: Scenario,
    cast: CastLike,
    interventions: InterventionsLike,
    logs: Sequence[EpisodeLog],
    *,
    seed: int,
    worlds: int,
    episode: int = 0,
) -> list[tuple[EpisodeLog, measures.Show]]:
    """The episodes whose first show of force provoked, each with it; arguments as of :func:`answers`."""
    found = _shown(scenario, cast, interventions, logs, seed=seed, worlds=worlds, episode=episode)
    return [(log, show) for log, show, with_it, without in found if with_it and not without]


def _shown(
    scenario: Scenario,
    cast: CastLike,
    interventions: InterventionsLike,
    logs: Sequence[EpisodeLog],
    *,
    seed: int,
    worlds: int,
    episode: int = 0,
) -> Iterator[tuple[EpisodeLog, measures.Show, bool, bool]]:
    """The first show of force of each episode, by challenger: whether that attacks with it, and without it."""
    shows = {log.world: found for log in logs if (found := measures.first_shows(log))}
    if not shows:
        return
    begins = {world: (found[0].defender, found[0].turn) for world, found in shows.items()}
    bound = Without(scenario, interventions, begins, WITHIN + 1, unarmed)
    replays = _replays(scenario, cast, bound, shows, seed=seed, worlds=worlds, episode=episode)
    for log in logs:
        for show in shows.get(log.world, ()):
            with_it, without = (measures.strikes_after(each, show, within=WITHIN) for each in (log, replays[log.world]))
            yield log, show, with_it, without


#: First part of a measure's name -> what replays it.
REPLAYS: Final = {"backfire": responses, "deterred": responses, "provoked": answers, "checked": answers}


def _replays(
    scenario: Scenario,
    cast: CastLike,
    bound: Interventions,
    kept: Iterable[int],
    *,
    seed: int,
    worlds: int,
    episode: int = 0,
) -> dict[int, EpisodeLog]:
    """The same worlds again with other interventions: logs of those that are kept, by world."""
    collector = Collector(list(kept))
    play(scenario, cast, worlds=worlds, seed=seed, episode=episode, recorder=collector, interventions=bound)
    return {log.world: log for log in collector.logs}


def _attacks(log: EpisodeLog, threat: measures.Threat) -> bool:
    after = slice(threat.turn + 1, threat.turn + 1 + WITHIN)
    return bool(log.pairs["attacks"][after, threat.challenger, threat.target].any())
