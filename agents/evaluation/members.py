"""What a training's rounds amount to as a game: who joined, what each earns against each, and what solves it.

Double oracle rounds are PSRO (policy-space response oracles: Lanctot et al. 2017) whose oracle is a learner of the
config, SB3's PPO or another, and whose meta-strategy is a logit equilibrium. Beside what was played stand the game's
Nash equilibrium and alpha-rank (:mod:`agents.evaluation.equilibria`), by type: where they part, the meta-strategy
matters, and where a member has a share of none, it was a step on the way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from agents.evaluation.certify import GREEDY, SEEKERS
from agents.evaluation.equilibria import alpha_rank, nash, values

#: Types as a record has them, in the order of its arrays.
TYPES: Final = (SEEKERS, GREEDY)
#: Solutions that stand beside what was played.
PLAYED, NASH, ALPHA_RANK = "played", "Nash", "alpha-rank"


@dataclass(frozen=True)
class Members:
    """The game among the members of a job's rounds.

    Attributes:
        names: of the members, in the order in which they joined, K of them.
        payoffs: what a type earns by a member against one of a type, float64 ``(2, K, 2, K)``.
        meetings: how often a type meets one, ``(2, 2)``.
        played: shares of the members in the policy that the rounds gave, ``(2, K)``.
    """

    names: Sequence[str]
    payoffs: np.ndarray
    meetings: np.ndarray
    played: np.ndarray

    @property
    def occurring(self) -> list[int]:
        """Which types occur."""
        return [kind for kind in range(len(TYPES)) if self.meetings[kind].sum() > 0]

    def against(self, own: int) -> np.ndarray:
        """What a type earns by the row's member where all others play the column's, ``(K, K)``."""
        chance = self.meetings[own] / self.meetings[own].sum()
        found: np.ndarray = np.einsum("ajb,j->ab", self.payoffs[own], chance)
        return found

    def solutions(self) -> dict[str, np.ndarray]:
        """What was played, a Nash equilibrium, left out if none is found exactly, and alpha-rank, each ``(2, K)``."""
        game = (self.payoffs, self.meetings)
        found = {PLAYED: self.played}
        with suppress(ArithmeticError):
            found[NASH] = nash(*game)
        return found | {ALPHA_RANK: alpha_rank(*game)}

    def gain(self, mixture: np.ndarray) -> np.ndarray:
        """What the best member earns a type more than a mixture, as a share of its return; ``(2,)``."""
        worth = values(self.payoffs, self.meetings, mixture)
        own = (worth * mixture).sum(axis=1)
        found: np.ndarray = (worth.max(axis=1) - own) / np.maximum(np.abs(own), 1e-9)
        return found


def read(record: Mapping[str, Any]) -> Members:
    """The game of a job's ``result.json``, from its key ``members``.

    Raises:
        ValueError: if it does not hold a game.
        LookupError: likewise.
        TypeError: likewise.
    """
    names = [str(name) for name in record["members"]]
    mixture = record["mixtures"][int(record["taken"])]
    arrays = [np.array(each, dtype=np.float64) for each in (record["payoffs"], record["meetings"], mixture["shares"])]
    size = len(names)
    for found, shape in zip(arrays, ((2, size, 2, size), (2, 2), (2, size)), strict=True):
        if found.shape != shape or not np.isfinite(found).all():
            raise ValueError(f"an array of {shape} is needed, of finite numbers; {found.shape} is given")
    if not size or not arrays[1].sum() > 0 or (arrays[1] < 0).any():
        raise ValueError("no members, or types that never meet")
    return Members(names, *arrays)


def gaps(answers: Sequence[Mapping[str, Any]]) -> dict[str, dict[int, float]]:
    """Type -> round -> what was found against its policy, as a share of the type's return: at least so large is a gap.

    Args:
        answers: ``rounds`` of a job's ``result.json``.
    """
    found: dict[str, dict[int, float]] = {}
    for each in answers:
        share = float(each["gain"]) / max(abs(float(each["own"])), 1e-9)
        found.setdefault(TYPES[bool(each["greedy"])], {})[int(each["round"])] = share
    return found
