"""Scripted deviators: plans that any learned policy should withstand before anything is said of it.

Each is the least that theory knows to try against a policy at rest: arm and strike (Jervis 1978), strike first
(Schelling 1960), never threaten, hide behind shields, do nothing, answer in kind (Axelrod 1984). A learner may miss
these where early play punishes all attacks, so that its failure to gain is no proof; a script does not explore.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from agents.policies.protocol import Policy
from agents.policies.specs import policy_from
from agents.strategies.plan import Plan
from sd_env import layout
from sd_env.layout import Build, Head, Heads, Stance
from sd_env.policies import AnyHeads, answer

#: Turns of building before a strike, and turns that a strike lasts (the whole game last).
BUILD_TURNS: Final = (0, 1, 2, 4, 8, 16)
STRIKE_TURNS: Final = (1, 2, 4, 8, 10_000)


@dataclass(frozen=True)
class BuildThenStrike:
    """Builds all that it can for ``build`` turns, then attacks everyone for ``strike`` turns, and then rests.

    Where an attack needs mobilization first, the strike begins with it, and lasts a turn longer.

    Attributes:
        build: turns of building.
        strike: turns of attack; 0 never attacks.
        offense: effort into swords.
        defense: effort into shields.
        on: whether it goes on building while it strikes and rests.
    """

    build: int
    strike: int
    offense: Build = Build.FULL
    defense: Build = Build.NONE
    on: bool = False

    def reset(self, seed: int | None = None) -> None:
        """There is nothing to forget: the turn is observed."""

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Legal actions, int64 ``(K, H)``."""
        turn = observation[:, layout.Own.TURN]
        plan = Plan(len(mask), layout.num_states_of(mask.shape[1]) - 1)
        builds = (turn < self.build) | self.on
        plan.build_offense[builds] = self.offense
        plan.build_defense[builds] = self.defense
        last = self.build + self.strike + (self.strike > 0)
        plan.stance[(turn >= self.build) & (turn < last)] = Stance.ATTACK
        return plan.legal(mask)


class NeverMobilizes(AnyHeads):
    """Plays as the policy does, but that it neither mobilizes nor attacks."""

    def __init__(self, policy: Policy) -> None:
        self._policy = copy.deepcopy(policy)

    def reset(self, seed: int) -> None:
        """What the policy forgets."""
        self._policy.reset(seed)

    def act_with(self, observation: np.ndarray, mask: np.ndarray, heads: Heads) -> np.ndarray:
        """The policy's actions, int64 ``(K, H)``, every stance above neutral made neutral."""
        actions = np.array(answer(self._policy, observation, mask, heads))
        stances = actions[:, heads.entries(Head.STANCE)]
        stances[stances > Stance.NEUTRAL] = Stance.NEUTRAL
        return actions


class StrikesLast(AnyHeads):
    """Plays as the policy does, but attacks everyone on the last turns, when nobody can answer any more.

    Args:
        policy: whose play it follows.
        turns: how many last turns are attacks; where an attack needs mobilization first, it begins a turn earlier.
    """

    def __init__(self, policy: Policy, turns: int) -> None:
        self._policy, self._turns = copy.deepcopy(policy), turns

    def reset(self, seed: int) -> None:
        """What the policy forgets."""
        self._policy.reset(seed)

    def act_with(self, observation: np.ndarray, mask: np.ndarray, heads: Heads) -> np.ndarray:
        """Legal actions, int64 ``(K, H)``."""
        actions = np.array(answer(self._policy, observation, mask, heads))
        left = observation[:, layout.Own.HORIZON] - observation[:, layout.Own.TURN]
        strikes = answer(BuildThenStrike(0, 10_000), observation, mask, heads)
        # an illegal attack is a mobilization, by which a strike of the turns asked for begins
        mobilizes = (strikes[:, heads.entries(Head.STANCE)] != Stance.ATTACK).any(axis=1)
        late = (left <= self._turns) | (mobilizes & (left <= self._turns + 1))
        for head in heads.toward_others:
            actions[late, heads.entries(head)] = strikes[late, heads.entries(head)]
        return actions


def battery(policy: Policy) -> Iterator[tuple[str, Policy]]:
    """Name and policy of each deviator that is tried against ``policy``."""
    yield "does nothing", BuildThenStrike(0, 0)
    yield "shields only", BuildThenStrike(10_000, 0, Build.NONE, Build.FULL)
    yield "some shields only", BuildThenStrike(4, 0, Build.NONE, Build.FULL)
    yield "never mobilizes", NeverMobilizes(policy)
    if hasattr(policy, "deterministic"):
        likeliest: Any = copy.deepcopy(policy)
        likeliest.deterministic = True
        yield "the policy's likeliest choices", likeliest
    yield "mirror", policy_from("tit-for-tat")
    for turns in (1, 2, 4, 8):
        yield f"as the policy, attacks on the last {turns} turns", StrikesLast(policy, turns)
    for build, strike in itertools.product(BUILD_TURNS, STRIKE_TURNS):
        how_long = f"attacks {strike} turns" if strike < STRIKE_TURNS[-1] else "attacks to the end"
        yield f"builds {build} turns, {how_long}", BuildThenStrike(build, strike)
    for build, strike in itertools.product(BUILD_TURNS[2:], (4, STRIKE_TURNS[-1])):
        how_long = f"attacks {strike} turns" if strike < STRIKE_TURNS[-1] else "attacks to the end"
        yield f"builds on, {how_long} after {build}", BuildThenStrike(build, strike, on=True)
