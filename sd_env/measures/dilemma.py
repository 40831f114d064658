"""The components of a security dilemma, one flag each (Tang 2009)."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

import numpy as np

from sd_env.measures.beliefs import checked_beliefs, mutual_fear
from sd_env.measures.episode import arms, parameter, security_seekers, standing_pairs
from sd_env.measures.safety import self_defeat
from sd_env.measures.spiral import spiral_index
from sd_env.measures.war import tragic_war_rate

if TYPE_CHECKING:
    from sd_env.measures.episode import FloatArray
    from sd_env.record import EpisodeLog

# The flags' thresholds are conventions of this project; docs/measures.md says what each stands for.
#: Intentions are uncertain to one whose belief is at least this far from both 0 and 1.
DOUBT: Final = 0.05
#: Mutual fear from here on: as of two states that trust each other with .75 and would each succeed once in five times.
FEAR: Final = 0.05
#: Security lost from here on: one percentage point of a turn's security.
LOSS: Final = 0.01


@dataclass(frozen=True)
class Components:
    """Which components of the dilemma an episode had.

    Attributes:
        anarchy: nobody punishes attacks (``anarchy.enforcement`` is 0).
        uncertain_intentions: some belief of a standing state about another was from .05 to .95 when a turn began.
        mutual_fear: mean mutual fear of at least .05.
        no_malign_state: every state is a security seeker.
        arms_up: all arms together were above those of the start at some time.
        spiral: spiral index above 0, which is no evidence of one (docs/measures.md, Arms).
        self_defeat: states whose arms rose lost at least .01 of security, mean over the states.
        tragic_result: at least one tragic war.
    """

    anarchy: bool
    uncertain_intentions: bool
    mutual_fear: bool
    no_malign_state: bool
    arms_up: bool
    spiral: bool
    self_defeat: bool
    tragic_result: bool

    @property
    def dilemma(self) -> bool:
        """Whether a dilemma ran to its end: all flags, so that any malign state voids it, and peace does too.

        Tang (2009) asks for less: anarchy, no malign intentions and some accumulation of power make a security dilemma;
        uncertainty and fear follow from anarchy; spiral, self-defeat and tragic results are what it may lead to.
        """
        return all(getattr(self, field.name) for field in fields(self))


def components(log: EpisodeLog, beliefs: FloatArray) -> Components:
    """The eight flags of an episode.

    Args:
        log: an episode.
        beliefs: (T+1, N, N), see :mod:`sd_env.measures.beliefs`; say which when you report the flags.

    Raises:
        MeasureError: for beliefs that do not fit.
    """
    held = checked_beliefs(log, beliefs)[:-1][standing_pairs(log)[:-1]]
    total = arms(log).sum(axis=1)
    return Components(
        anarchy=parameter(log, "enforcement") == 0.0,
        uncertain_intentions=bool(((held >= DOUBT) & (held <= 1.0 - DOUBT)).any()),
        mutual_fear=mutual_fear(log, beliefs) >= FEAR,
        no_malign_state=bool(security_seekers(log).all()),
        arms_up=bool(total.max() > total[0]),
        spiral=bool(np.nan_to_num(spiral_index(log)) > 0.0),
        self_defeat=self_defeat(log) >= LOSS,
        tragic_result=tragic_war_rate([log]) > 0.0,
    )
