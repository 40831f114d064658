"""What a policy declares of itself, so that others can search for it and tests can try to refute it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: ``Traits.memory`` of a strategy that may remember anything of its episode.
WHOLE_EPISODE: Final = 1_000_000


@dataclass(frozen=True)
class Traits:
    """What a strategy declares of itself, with its default parameters; ``agents.strategies.checks`` tries each.

    "Peace" below means that nobody attacks or mobilizes against it or an ally of its.

    Attributes:
        first_strikes: it may attack in peace. False: it never does.
        preempts: it may attack a state that is mobilized against it but has attacked nobody. False: it never does.
        retaliates: it attacks whoever goes on attacking it, no later than on the second turn after the first attack.
        forgives: long after the attacks have ended, it neither attacks nor is mobilized against the attacker.
        honours_calls: called by an ally that was attacked, it attacks the aggressor in time.
        reassures: it may send reassurances.
        threatens: it may send threats.
        allies: it may choose to align.
        builds_offense: it may build offensive arms.
        stochastic: it draws lots.
        memory: how many turns before the present observation its choice may depend on: 0 for a strategy that acts on
            the present observation alone (which shows last turn's deeds), ``WHOLE_EPISODE`` for any number.
    """

    first_strikes: bool = False
    preempts: bool = False
    retaliates: bool = False
    forgives: bool = True
    honours_calls: bool = False
    reassures: bool = False
    threatens: bool = False
    allies: bool = False
    builds_offense: bool = False
    stochastic: bool = False
    memory: int = 0

    def words(self) -> str:
        """The traits that it has, in words: ``first strikes, retaliates, memory 1``."""
        has = [name.replace("_", " ") for name, value in vars(self).items() if value is True]
        remembers = {0: [], WHOLE_EPISODE: ["memory"]}.get(self.memory, [f"memory {self.memory}"])
        return ", ".join(has + remembers)
