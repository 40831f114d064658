"""What happened on a turn, read from the records at its start and its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from sd_env.events import (
    AllianceEnded,
    AllianceFormed,
    Attacks,
    Builds,
    BuildsShare,
    CallAbandoned,
    CallHonoured,
    CallOpened,
    Chooses,
    ChoosesToward,
    CommitmentFailed,
    Conquest,
    Event,
    Falls,
    FoundInViolation,
    GoesSoFar,
    IllegalAction,
    LeaderFalls,
    Mediated,
    Mobilizes,
    PledgeBroken,
    Reassures,
    Repelled,
    Threatens,
)  # fmt: skip
from sd_env.layout import Build, Extent, Head, Heads, Signal, Stance, standard_heads


def turn_events(
    agents: Sequence[str],
    turn: int,
    before: tuple[np.ndarray, np.ndarray],
    after: tuple[np.ndarray, np.ndarray],
    actions: np.ndarray | None = None,
    heads: Heads | None = None,
) -> tuple[Event, ...]:
    """Events of one turn of one world.

    ``before`` and ``after``: the records ``(states (N,), pairs (N, N))`` of :mod:`sd_env.layout` at its start and end.
    ``actions``: int ``(N, H)`` as the agents sent them; without it no :class:`IllegalAction` can be told.
    ``heads``: of the scenario; default the standard ones.
    """
    states, pairs = after
    heads = heads or standard_heads(len(agents))
    events: list[Event] = []
    if actions is not None:
        events += _illegal(agents, turn, states, pairs, actions, heads)
    events += _deeds(agents, turn, states, heads)
    events += _choices(agents, turn, states, pairs)
    events += _institutions(agents, turn, states, pairs)
    events += _ties(agents, turn, before[1], pairs)
    events += _war(agents, turn, before, states, pairs)
    events += _calls(agents, turn, before[1], states, pairs)
    events += _leaders(agents, turn, before[0], states)
    return tuple(events)


def _illegal(
    agents: Sequence[str], turn: int, states: np.ndarray, pairs: np.ndarray, actions: np.ndarray, heads: Heads
) -> Iterator[Event]:
    done = heads.carried_out(states, pairs)
    for i in np.flatnonzero(states["illegal"]).tolist():
        names = heads.names(i, agents)
        for name, head, asked, became in zip(names, heads.kinds, actions[i].tolist(), done[i].tolist(), strict=True):
            if asked != became:
                choices = heads.labels(head)
                yield IllegalAction(turn, agents[i], name, choices[asked], choices[became])


def _deeds(agents: Sequence[str], turn: int, states: np.ndarray, heads: Heads) -> Iterator[Event]:
    for i, agent in enumerate(agents):
        offense, defense = int(states["build_offense"][i]), int(states["build_defense"][i])
        if (offense or defense) and heads.levels == standard_heads(len(agents)).levels:
            yield Builds(turn, agent, offense, defense)
        elif offense or defense:
            yield BuildsShare(turn, agent, offense / heads.levels, defense / heads.levels)
    for i, agent in enumerate(agents):
        if states["signal"][i] == Signal.REASSURE:
            yield Reassures(turn, agent)
        elif states["signal"][i] == Signal.THREATEN:
            yield Threatens(turn, agent)


#: Choices that have an event of their own, or are told by what comes of them.
_TOLD: dict[Head, Sequence[int]] = {
    Head.BUILD_OFFENSE: tuple(Build),
    Head.BUILD_DEFENSE: tuple(Build),
    Head.SIGNAL: (Signal.REASSURE, Signal.THREATEN),
    Head.STANCE: (Stance.ALIGN, Stance.MOBILIZE, Stance.ATTACK),
    Head.EXTENT: tuple(Extent),
}
_UNTOLD = [
    (head, choice)
    for head in Head
    for choice in range(len(head.choices))
    if choice != head.noop and choice not in _TOLD.get(head, ())
]


def _choices(agents: Sequence[str], turn: int, states: np.ndarray, pairs: np.ndarray) -> Iterator[Event]:
    for head, choice in _UNTOLD:
        word = head.labels[choice]
        if head.toward_others:
            for i, j in np.argwhere(pairs[head.label] == choice).tolist():
                yield ChoosesToward(turn, agents[i], head.label, word, agents[j])
        else:
            for i in np.flatnonzero(states[head.label] == choice).tolist():
                yield Chooses(turn, agents[i], head.label, word)


def _institutions(agents: Sequence[str], turn: int, states: np.ndarray, pairs: np.ndarray) -> Iterator[Event]:
    for i in np.flatnonzero(states["found"]).tolist():
        yield FoundInViolation(turn, agents[i])
    for i, j in np.argwhere(pairs["report"]).tolist():
        yield Mediated(turn, agents[i], agents[j], bool(pairs["report"][i, j] > 0))


def _ties(agents: Sequence[str], turn: int, before: np.ndarray, pairs: np.ndarray) -> Iterator[Event]:
    allied, were = pairs["allied"], before["allied"]
    for i, j in np.argwhere(np.triu(allied != were, 1)).tolist():
        kind = AllianceFormed if allied[i, j] else AllianceEnded
        yield kind(turn, agents[i], agents[j])


def _war(
    agents: Sequence[str], turn: int, before: tuple[np.ndarray, np.ndarray], states: np.ndarray, pairs: np.ndarray
) -> Iterator[Event]:
    for i, j in np.argwhere(pairs["mobilized"] & ~before[1]["mobilized"]).tolist():
        yield Mobilizes(turn, agents[i], agents[j])
    for i, j in np.argwhere(pairs["attacks"]).tolist():
        yield Attacks(turn, agents[i], agents[j], float(pairs["force"][i, j]))
    for i, j in np.argwhere((pairs["degree"] > 0) & (pairs["degree"] < 1)).tolist():
        yield GoesSoFar(turn, agents[i], agents[j], float(pairs["degree"][i, j]))
    for i in np.flatnonzero(states["pledge_broken"]).tolist():
        yield PledgeBroken(turn, agents[i])
    for j in np.flatnonzero(states["attackers"]).tolist():
        attackers = _named(agents, int(states["attackers"][j]))
        homeland, holdings = float(states["lost_homeland"][j]), float(states["lost_holdings"][j])
        probability = float(states["success"][j])
        if homeland > 0 or holdings > 0:
            yield Conquest(turn, agents[j], attackers, homeland, holdings, probability)
        else:
            yield Repelled(turn, agents[j], attackers, probability)
    for i in np.flatnonzero(before[0]["standing"] & ~states["standing"]).tolist():
        yield Falls(turn, agents[i])


def _calls(
    agents: Sequence[str], turn: int, before: np.ndarray, states: np.ndarray, pairs: np.ndarray
) -> Iterator[Event]:
    honoured, abandoned = pairs["call_honoured"], pairs["call_abandoned"]
    # A call may be opened and closed within one turn, and closing it clears whom it named: the attackers tell.
    opened = (before["call"] == 0) & ((pairs["call"] > 0) | honoured | abandoned)
    for i, j in np.argwhere(opened).tolist():
        yield CallOpened(turn, agents[i], agents[j], _named(agents, int(states["attackers"][j])))
    for i, j in np.argwhere(honoured).tolist():
        named = int(before["call_against"][i, j])
        if pairs["allied"][i, j]:
            named |= int(states["attackers"][j])
        yield CallHonoured(turn, agents[i], agents[j], _named(agents, named & int(states["attacked"][i])))
    for i, j in np.argwhere(abandoned).tolist():
        yield CallAbandoned(turn, agents[i], agents[j])
    for i in np.flatnonzero(states["commitment_failed"]).tolist():
        yield CommitmentFailed(turn, agents[i])


def _leaders(agents: Sequence[str], turn: int, before: np.ndarray, states: np.ndarray) -> Iterator[Event]:
    for i in np.flatnonzero(states["greed"] != before["greed"]).tolist():
        yield LeaderFalls(turn, agents[i], float(states["greed"][i]))


def _named(agents: Sequence[str], bits: int) -> tuple[str, ...]:
    return tuple(agent for i, agent in enumerate(agents) if (bits >> i) & 1)
