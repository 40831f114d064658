"""What the columns of dyad-years are made of (:mod:`sd_env.measures.codebook`): acts, disputes and states by pair."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from sd_env.measures.beliefs import fear, filter_beliefs
from sd_env.measures.contests import success_probabilities
from sd_env.measures.disputes import HostilityLevel, dispute_of, hostility_levels
from sd_env.measures.episode import arms
from sd_env.measures.motives import motive
from sd_env.measures.war import first_strikes, war_of, wars

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sd_env.measures.episode import BoolArray, FloatArray
    from sd_env.record import EpisodeLog

#: What ``outcome`` may be: nobody attacks, 1 takes land of 2, 2 of 1, both, and fighting in which neither does.
OUTCOMES = ("none", "victory 1", "victory 2", "both", "stalemate")


@dataclass(frozen=True)
class DyadYears:
    """What the columns are made of: arrays (T, N, N), entry (t - 1, i, j) of turn t, state i toward state j.

    Attributes:
        log: the episode.
        number: which of several logs it is.
    """

    log: EpisodeLog
    number: int = 1

    def before(self, name: str) -> NDArray[Any]:
        """A column of the pairs as the turn begins."""
        return np.asarray(self.log.pairs[name][:-1])

    def of_state(self, column: NDArray[Any]) -> NDArray[Any]:
        """A column (T, N) of state 1 as one of pairs."""
        return np.broadcast_to(column[:, :, None], self.levels.shape)

    def of_world(self, column: Any) -> NDArray[Any]:
        """A number, or a column (T,), as one of pairs."""
        return np.broadcast_to(np.reshape(column, (-1, 1, 1)), self.levels.shape)

    @cached_property
    def all_levels(self) -> NDArray[np.int64]:
        """Levels of hostility, with row 0, (T+1, N, N)."""
        return hostility_levels(self.log)

    @cached_property
    def levels(self) -> NDArray[np.int64]:
        """Levels of hostility on the turn."""
        return self.all_levels[1:]

    @cached_property
    def disputes(self) -> BoolArray:
        """Whether either is hostile toward the other, with row 0, (T+1, N, N)."""
        hostile = self.all_levels > HostilityLevel.NONE
        return hostile | hostile.swapaxes(1, 2)

    @cached_property
    def onset(self) -> BoolArray:
        """The first turn of a dispute between the two."""
        return self.disputes[1:] & ~self.disputes[:-1]

    @cached_property
    def dispute(self) -> NDArray[np.int64]:
        """Number of the dispute between the two, from 1; 0: none."""
        return np.where(self.disputes[1:], self.of_state(dispute_of(self.log)[1:]) + 1, 0)

    @cached_property
    def originator(self) -> BoolArray:
        """Whether state 1 was in the dispute, with anybody, on its first turn."""
        place = dispute_of(self.log)
        begins = {int(number): int((place == number).any(axis=1).argmax()) for number in np.unique(place[place >= 0])}
        first = np.zeros((max(begins, default=-1) + 1, place.shape[1]), np.bool_)
        for number, turn in begins.items():
            first[number] = place[turn] == number
        states = np.arange(place.shape[1])[None, :, None]
        within = self.dispute > 0
        return within & first[np.maximum(self.dispute - 1, 0), states] if len(first) else within

    @cached_property
    def peace(self) -> NDArray[np.int64]:
        """Turns since the last dispute between the two, or since the start, as the turn begins."""
        years = np.zeros(self.levels.shape, np.int64)
        for t in range(1, len(years)):
            years[t] = np.where(self.disputes[t], 0, years[t - 1] + 1)
        return years

    @cached_property
    def attacks(self) -> BoolArray:
        """Whether 1 attacks 2."""
        return np.asarray(self.log.pairs["attacks"][1:])

    @cached_property
    def lost(self) -> FloatArray:
        """Land that 1 loses to 2, homelands: of all that it loses, the share that 2 has in the force against it."""
        force = np.where(self.attacks, self.log.pairs["force"][1:], 0.0).swapaxes(1, 2)  # [i, j]: of j on i
        total = force.sum(axis=2, keepdims=True)
        share = np.divide(force, total, out=np.zeros_like(force), where=total > 0.0)
        states = self.log.states[1:]
        return np.asarray(share * (states["lost_homeland"] + states["lost_holdings"])[:, :, None])

    @cached_property
    def outcome(self) -> NDArray[Any]:
        """One of :data:`OUTCOMES`."""
        mine, theirs = self.lost > 0.0, self.lost.swapaxes(1, 2) > 0.0
        fights = self.attacks | self.attacks.swapaxes(1, 2)
        return np.select(
            [~fights, mine & theirs, theirs, mine], [OUTCOMES[k] for k in (0, 3, 1, 2)], default=OUTCOMES[4]
        )

    @cached_property
    def land(self) -> FloatArray:
        """Homeland and holdings as the turn begins, (T, N)."""
        return np.asarray(self.log.states["homeland"][:-1] + self.log.states["holdings"][:-1])

    @cached_property
    def income(self) -> FloatArray:
        """Income as the turn begins, (T, N)."""
        return np.asarray(self.log.states["economy"][:-1] * self.land)

    @cached_property
    def capability(self) -> FloatArray:
        """Mean of a state's shares in the land, income and arms of all that stand, as the turn begins, (T, N)."""
        standing = self.log.states["standing"][:-1]
        have = np.stack([np.where(standing, each, 0.0) for each in (self.land, self.income, arms(self.log)[:-1])])
        total = have.sum(axis=2, keepdims=True)
        share = np.divide(have, total, out=np.zeros_like(have), where=total > 0.0)
        counted = (total > 0.0).sum(axis=0)
        return np.asarray(share.sum(axis=0) / np.maximum(counted, 1))

    @cached_property
    def success(self) -> FloatArray:
        """True probability that an attack of 1 on 2 would succeed."""
        return success_probabilities(self.log)[:-1]

    @cached_property
    def belief(self) -> FloatArray:
        """Belief of 1, by Bayes' rule, that 2 is a security seeker."""
        return filter_beliefs(self.log)[:-1]

    @cached_property
    def fear(self) -> FloatArray:
        """How far 1 has to fear 2."""
        return fear(self.log, filter_beliefs(self.log))[:-1]

    @cached_property
    def first_strike(self) -> BoolArray:
        """Whether 1 attacks 2 after a turn on which neither attacked the other."""
        return first_strikes(self.log)[0][1:]

    @cached_property
    def motive(self) -> NDArray[Any]:
        """Kind of the motive of a first strike; "" where 1 makes none."""
        kinds = np.full(self.levels.shape, "", "<U13")
        beliefs = filter_beliefs(self.log)
        for t, i, j in np.argwhere(self.first_strike):
            kinds[t, i, j] = motive(self.log, int(i), int(j), int(t) + 1, beliefs).kind
        return kinds

    @cached_property
    def war(self) -> NDArray[np.int64]:
        """Number of the war in which the two fight one another, from 1; 0: they do not."""
        fights = self.attacks | self.attacks.swapaxes(1, 2)
        return np.where(fights, self.of_state(war_of(self.log)[1:]) + 1, 0)

    @cached_property
    def tragic(self) -> BoolArray:
        """Whether the two fight in a war whose first belligerents were all security seekers."""
        found = np.array([False, *(war.tragic for war in wars(self.log))])
        return found[self.war]
