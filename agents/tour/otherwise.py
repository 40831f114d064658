"""One deed of an episode otherwise: what a reader of the half hour may change, and what became of it then.

All of it is played when the page is made, by the same rules, from the same seed and world, with the same policies: what
differs is what the one deed does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from agents.evaluation.counterfactual import Counterfactual, comparison
from agents.table.replays import parse_do
from agents.tour.games import Game
from sd_env.events import IllegalAction
from sd_env.layout_actions import Signal, Stance
from sd_env.record import EpisodeLog
from sd_env.show.story import Story

#: Sentences on one deed.
_MOST: Final = 4
#: Turns on which a deed may be another, where nobody ever attacks.
_CALM: Final = (1, 8)


@dataclass(frozen=True)
class Otherwise:
    """An episode but for one deed.

    Attributes:
        turn: of the deed.
        who: which state does otherwise, as it is written.
        deed: what it does, as a verb and what belongs to it.
        told: what becomes of it, a sentence each.
        log: the episode with it.
    """

    turn: int
    who: str
    deed: str
    told: tuple[str, ...]
    log: EpisodeLog


def others(game: Game, log: EpisodeLog) -> list[Otherwise]:
    """Each deed that may be changed in an episode of a game, played; those that the rules forbid there are left out."""
    names, found = Story(log).names, []
    for turn in _turns(log):
        for state, agent in enumerate(log.agents):
            for deed, changes in _deeds(log, turn, state):
                dos = tuple(parse_do(f"{agent}.{each}@{turn}", log.agents, log.scenario.heads) for each in changes)
                [done] = game.logs([log.world], *(do.intervention for do in dos))
                if any(isinstance(each, IllegalAction) and each.agent == agent for each in done.events[turn - 1]):
                    continue
                said = f"{names[agent]} {deed} on turn {turn}"
                told = [*comparison(Counterfactual(dos, log, done, ()), names, said)]
                if len(told) > _MOST:  # wars that come a little earlier or later, one by one: the replay shows them
                    told = [told[0], told[-1]]
                found.append(Otherwise(turn, names[agent], deed, tuple(told), done))
    return found


def _turns(log: EpisodeLog) -> list[int]:
    """The first of an episode of two and that on which one first attacks; of more, that one and two turns later."""
    attacked = np.flatnonzero((log.pairs["attacks"][1:] != 0).any(axis=(1, 2))) + 1
    if not len(attacked):
        return [turn for turn in _CALM if turn <= log.turns]
    first = int(attacked[0])
    wanted = {1, first} if len(log.agents) == 2 else {first, first + 2}
    return sorted(turn for turn in wanted if turn <= log.turns)


def _deeds(log: EpisodeLog, turn: int, state: int) -> Iterator[tuple[str, list[str]]]:
    """What a state may do otherwise on a turn: in words, and as :func:`agents.table.replays.parse_do` takes it."""
    names = Story(log).names
    stances, did = log.pairs["stance"][turn, state], log.states[turn, state]
    for stance, deed in ((Stance.ATTACK, "attacks nobody"), (Stance.MOBILIZE, "mobilizes against nobody")):
        toward = [agent for j, agent in enumerate(log.agents) if j != state and stances[j] == stance]
        if toward:
            yield deed, [f"stance.{agent}=neutral" for agent in toward]
            break
    else:
        target = log.agents[_target(log, turn, state)]
        yield f"mobilizes against {names[target]}", [f"mobilize={target}"]
    if len(log.agents) > 2:
        return
    if did["signal"] == Signal.REASSURE:
        yield "says nothing", ["signal=silence"]
    else:
        yield "promises not to attack", ["signal=reassure"]
    if did["build_offense"] + did["build_defense"] > 0:
        yield "builds no arms", ["build_offense=none", "build_defense=none"]
    else:
        yield "builds as many swords as it can", ["build_offense=full"]


def _target(log: EpisodeLog, turn: int, state: int) -> int:
    """Against whom a state might turn: who attacks on that turn, or, where that is an ally, whom it attacks."""
    attacks = np.argwhere(log.pairs["attacks"][turn] != 0)
    for attacker, attacked in attacks:
        for one in (attacker, attacked):
            if one != state and not log.pairs["allied"][turn - 1, state, one]:
                return int(one)
    return int(state == 0)
