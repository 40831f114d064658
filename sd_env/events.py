"""Events: what happened in a turn, as typed facts with a sentence each, for logs and people.

Pure: read from the records of one world before and after a turn; nothing here is ever part of an observation or an
info (some events tell what a state could not see). In the order of the rules: orders, arming, signaling, alliances,
war, calls and commitments, leaders.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from sd_env.layout import Build, Extent, Head, Heads, Signal, Stance, standard_heads


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a state did or that befell it.

    ``turn``: number of the turn in which it happened, from 1. ``agent``: the state that the event is about.
    """

    turn: int
    agent: str

    @property
    def sentence(self) -> str:
        """The event in words, without the turn."""
        raise NotImplementedError

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True, slots=True)
class IllegalAction(Event):
    """An entry of an action that the rules forbade this turn and replaced."""

    head: str
    chosen: str
    carried_out: str

    @property
    def sentence(self) -> str:
        return f"{self.agent} may not choose {self.chosen} as {self.head}: {self.carried_out} instead"


@dataclass(frozen=True, slots=True)
class Builds(Event):
    """Arms bought: levels 0 (none), 1 (half) or 2 (full) of the turn's capacity."""

    offense: int
    defense: int

    @property
    def sentence(self) -> str:
        parts = [
            f"{name} at {Build(level).name.lower()} capacity"
            for name, level in (("offence", self.offense), ("defence", self.defense))
            if level
        ]
        return f"{self.agent} builds {' and '.join(parts)}"


@dataclass(frozen=True, slots=True)
class BuildsShare(Event):
    """Arms bought where ``arming.levels`` is not 2: shares of the turn's capacity, 0 to 1."""

    offense: float
    defense: float

    @property
    def sentence(self) -> str:
        parts = [
            f"{name} at {share:.0%} of its capacity"
            for name, share in (("offence", self.offense), ("defence", self.defense))
            if share
        ]
        return f"{self.agent} builds {' and '.join(parts)}"


@dataclass(frozen=True, slots=True)
class Reassures(Event):
    """A public pledge not to attack anyone."""

    @property
    def sentence(self) -> str:
        return f"{self.agent} pledges not to attack"


@dataclass(frozen=True, slots=True)
class Threatens(Event):
    """A public commitment to strike back for itself and its allies."""

    @property
    def sentence(self) -> str:
        return f"{self.agent} threatens whoever attacks it or its allies"


@dataclass(frozen=True, slots=True)
class Chooses(Event):
    """A choice of an own head, other than the no-op, that no event of its own tells."""

    head: str
    choice: str

    @property
    def sentence(self) -> str:
        return f"{self.agent} chooses {self.choice} as {self.head}"


@dataclass(frozen=True, slots=True)
class ChoosesToward(Event):
    """The same of a head toward others."""

    head: str
    choice: str
    target: str

    @property
    def sentence(self) -> str:
        return f"{self.agent} chooses {self.choice} as {self.head} toward {self.target}"


@dataclass(frozen=True, slots=True)
class GoesSoFar(Event):
    """A mobilization or an attack that is limited. ``extent``: how far it goes, a share of the whole."""

    against: str
    extent: float

    @property
    def sentence(self) -> str:
        return f"{self.agent} goes no further than {self.extent:.0%} against {self.against}"


@dataclass(frozen=True, slots=True)
class AllianceFormed(Event):
    """Two states that were not allied last turn are; ``partner`` has the higher index."""

    partner: str

    @property
    def sentence(self) -> str:
        return f"{self.agent} and {self.partner} form an alliance"


@dataclass(frozen=True, slots=True)
class AllianceEnded(Event):
    """Two states that were allied last turn no longer are; ``partner`` has the higher index."""

    partner: str

    @property
    def sentence(self) -> str:
        return f"{self.agent} and {self.partner} are no longer allied"


@dataclass(frozen=True, slots=True)
class Mobilizes(Event):
    """Mobilization against a state against which it was not mobilized last turn."""

    against: str

    @property
    def sentence(self) -> str:
        return f"{self.agent} mobilizes against {self.against}"


@dataclass(frozen=True, slots=True)
class Attacks(Event):
    """An attack. ``force``: what arrives at the target, in arms times offence advantage."""

    target: str
    force: float

    @property
    def sentence(self) -> str:
        return f"{self.agent} attacks {self.target} with force {self.force:.2f}"


@dataclass(frozen=True, slots=True)
class PledgeBroken(Event):
    """An attack under a pledge."""

    @property
    def sentence(self) -> str:
        return f"{self.agent} breaks its pledge not to attack"


@dataclass(frozen=True, slots=True)
class Conquest(Event):
    """Land lost to an assault. ``homeland`` and ``holdings``: lost, in homelands; ``probability``: of the success."""

    attackers: tuple[str, ...]
    homeland: float
    holdings: float
    probability: float

    @property
    def sentence(self) -> str:
        return (
            f"{' and '.join(self.attackers)} conquer{'s' if len(self.attackers) == 1 else ''} land of {self.agent}: "
            f"{self.homeland:.2f} of its homeland and {self.holdings:.2f} of its holdings"
        )


@dataclass(frozen=True, slots=True)
class Repelled(Event):
    """An assault that took no land. ``probability``: of the success that it did not have."""

    attackers: tuple[str, ...]
    probability: float

    @property
    def sentence(self) -> str:
        return f"{self.agent} repels the assault of {' and '.join(self.attackers)}"


@dataclass(frozen=True, slots=True)
class Falls(Event):
    """A state left with less of its homeland than ``collapse``."""

    @property
    def sentence(self) -> str:
        return f"{self.agent} falls"


@dataclass(frozen=True, slots=True)
class CallOpened(Event):
    """An ally was attacked: the state is called to attack one of the aggressors."""

    ally: str
    against: tuple[str, ...]

    @property
    def sentence(self) -> str:
        return f"{self.ally} calls {self.agent} against {' and '.join(self.against)}"


@dataclass(frozen=True, slots=True)
class CallHonoured(Event):
    """The called state attacked an aggressor in time. ``against``: the aggressors that it attacked."""

    ally: str
    against: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        return f"{self.agent} honours the call of {self.ally}"


@dataclass(frozen=True, slots=True)
class CallAbandoned(Event):
    """The called state let the time pass: the alliance is ruptured."""

    ally: str

    @property
    def sentence(self) -> str:
        return f"{self.agent} abandons {self.ally}"


@dataclass(frozen=True, slots=True)
class CommitmentFailed(Event):
    """A threat that was not carried out when it fell due."""

    @property
    def sentence(self) -> str:
        return f"{self.agent} does not carry out its threat"


@dataclass(frozen=True, slots=True)
class LeaderFalls(Event):
    """A new leader who wants something else: ``greed`` from now on. One who wants the same is no event."""

    greed: float

    @property
    def sentence(self) -> str:
        wants = f"is greedy ({self.greed:.1f})" if self.greed > 0 else "seeks security"
        return f"the leader of {self.agent} falls, and the next {wants}"


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
                # the engine takes any number: one that is no choice at all is told as it is
                chosen = choices[asked] if 0 <= asked < len(choices) else str(asked)
                yield IllegalAction(turn, agents[i], name, chosen, choices[became])


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


#: Fields of events that name a state, or several.
NAMING = frozenset({"agent", "partner", "against", "target", "attackers", "ally"})
#: Every kind of event by its name.
KINDS: dict[str, type[Event]] = {
    kind.__name__: kind
    for kind in list(vars().values())
    if isinstance(kind, type) and issubclass(kind, Event) and kind is not Event
}
