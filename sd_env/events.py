"""Events: what happened in a turn, as typed facts with a sentence each, for logs and people.

Pure: read from the records of one world before and after a turn; nothing here is ever part of an observation or an
info (some events tell what a state could not see). In the order of the rules: orders, arming, signaling, institutions,
alliances, war, calls and commitments, leaders.
"""

from __future__ import annotations

from dataclasses import dataclass

from sd_env.layout import Build


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
class FoundInViolation(Event):
    """An inspection that finds more offensive arms than the treaty allows, rightly or not."""

    @property
    def sentence(self) -> str:
        return f"{self.agent} is found in violation of the arms treaty"


@dataclass(frozen=True, slots=True)
class Mediated(Event):
    """What a mediator tells the state of another that is mobilized against it. ``seeker``: that it seeks security."""

    about: str
    seeker: bool

    @property
    def sentence(self) -> str:
        wants = "seeks security" if self.seeker else "is greedy"
        return f"a mediator tells {self.agent} that {self.about} {wants}"


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


#: Fields of events that name a state, or several.
NAMING = frozenset({"agent", "partner", "against", "target", "attackers", "ally", "about"})
#: Every kind of event by its name.
KINDS: dict[str, type[Event]] = {
    kind.__name__: kind
    for kind in list(vars().values())
    if isinstance(kind, type) and issubclass(kind, Event) and kind is not Event
}
