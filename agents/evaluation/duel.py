"""Thresholds of a scenario, before anything is learned: when does a state that wants only safety strike first?

What two states of it face is played out by the rules themselves, without chance (``war.outcome: share``) and with arms
that are neither built nor wear out: each either strikes first or waits, and whoever was struck fights back. Numbers of
more than two states are those of a pair whose neighbours do nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from agents.evaluation.threshold import expected_turns, middle
from agents.strategies.deviators import BuildThenStrike
from agents.strategies.plan import Plan
from agents.table.play import play
from sd_env import layout
from sd_env.layout import Build, Stance
from sd_env.scenario import Scenario

if TYPE_CHECKING:
    from sd_env.policies import Policy
    from sd_env.worlds import Worlds

#: Arms between which x* is looked for.
LEAST, MOST = 0.01, 8.0
#: Lags of the warned seeker that are tried, in turns; the last is beyond any horizon: it never answers.
LAGS: Final = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24)
_NEVER: Final = 10**6
#: The aggressor's plans: turns of building, and turns of attack.
_BUILDS, _STRIKES = (2, 4, 8, 12), (1, 2, 4, 8)
#: Worlds in which each plan of an aggressor is tried.
WORLDS: Final = 128
_FINEST: Final = 0.005
#: What makes a scenario's game one of two states at rest: nothing is drawn and no arms change by themselves.
_STILL: Final = {
    "war.outcome": "share",
    "war.mobilization_required": False,
    "institutions.crisis_turns": 0,
    "arming.depreciation": 0.0,
    "technology.drift": 0.0,
    "perception.noise": 0.0,
    "continuation": 1.0,
}


@dataclass(frozen=True)
class Duel:
    """What ``seeker`` faces from ``rival``, two states of a scenario.

    Attributes:
        scenario: its ranges are taken at their middles.
        seeker: index of the state whose threshold it is: it wants only its own land, whatever it wants in the scenario.
        rival: index of the other.
    """

    scenario: Scenario
    seeker: int = 0
    rival: int = 1

    @property
    def trust(self) -> float:
        """t: how likely the rival is a security seeker, before anything is seen."""
        return self.scenario.trust(self.scenario.agents[self.rival])

    @cached_property
    def turns(self) -> float:
        """H_eff: for how many turns land is expected to be held."""
        return expected_turns(self.scenario)

    def m(self, war_turns: int = 1) -> float:
        """The trust below which a seeker strikes first, if a war lasts ``war_turns``: see :func:`fear`."""
        return float(fear(self.scenario, [(self.seeker, self.rival)], [war_turns])[0, 0])

    def at(self, arms: float) -> Duel:
        """The same duel, every state with ``arms``, half of them swords."""
        armed = {"states.offense": arms / 2, "states.defense": arms / 2}
        return replace(self, scenario=Scenario.load(self.scenario, armed))

    def arms_of_war(self) -> float:
        """x*: arms of each of two like states from which on m exceeds trust; 0 if it does from the start, inf if never.

        Where m falls again with arms, it is the first crossing upwards.
        """
        points = np.geomspace(LEAST, MOST, 12)
        ready = [self.at(float(x)).m() > self.trust for x in points]
        if not any(ready):
            return math.inf
        first = ready.index(True)
        if first == 0:
            return 0.0
        low, high = float(points[first - 1]), float(points[first])
        while high - low > _FINEST * high:
            mid = (low + high) / 2
            low, high = (low, mid) if self.at(mid).m() > self.trust else (mid, high)
        return high

    def warning_lag(self) -> float:
        """L*: the longest that the seeker may wait, after a build-up begins, before its answer comes too late.

        The rival, greedy, arms with swords and then strikes, by whichever of some thirty plans earns it most; the
        seeker holds shields only, and builds them at full effort from turn L on. inf: even a seeker that never answers
        is left alone; -1: one that answers at once is not; NaN: nobody in the scenario is greedy.
        """
        greed = of_state(self.scenario.states.greed, self.scenario.agents[self.rival])
        wants = middle(self.scenario.motives.greed if greed is None else greed)
        if wants == 0.0 or "attack" not in self.scenario.actions.stance:
            return math.nan
        names = self.scenario.agents
        greeds = {name: wants if i == self.rival else 0.0 for i, name in enumerate(names)}
        game = Scenario.load(self.scenario, {"states.greed": greeds})
        if self._aggressors_gain(game, LAGS[0]) > 0.0:
            return -1.0
        if self._aggressors_gain(game, _NEVER) <= 0.0:
            return math.inf
        safe, late = 0, len(LAGS)  # the later the answer, the more the aggressor gains
        while late - safe > 1:
            mid = (safe + late) // 2
            safe, late = (safe, mid) if self._aggressors_gain(game, LAGS[mid]) > 0.0 else (mid, late)
        return float(LAGS[safe])

    def _aggressors_gain(self, game: Scenario, lag: int) -> float:
        """What the best plan of attack earns the rival, beyond doing nothing."""

        def earned(plan: Policy) -> float:
            cast: list[Policy] = [BuildThenStrike(0, 0) for _ in game.agents]
            cast[self.seeker], cast[self.rival] = ShieldsFrom(lag), plan
            return float(play(game, cast, worlds=WORLDS, seed=1)[f"return_{self.rival}"].mean())

        plans = (BuildThenStrike(b, s, on=on) for b in _BUILDS for s in _STRIKES for on in (False, True))
        return max(map(earned, plans)) - earned(BuildThenStrike(0, 0))


@dataclass(frozen=True)
class ShieldsFrom:
    """Does nothing until turn ``lag``, then builds shields at full effort: a seeker that is warned late, or in time."""

    lag: int

    def reset(self, seed: int | None = None) -> None:
        """There is nothing to forget: the turn is observed."""

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Legal actions, int64 ``(K, H)``."""
        plan = Plan(len(mask), layout.num_states_of(mask.shape[1]) - 1)
        plan.build_defense[observation[:, layout.Own.TURN] >= self.lag] = Build.FULL
        return plan.legal(mask)


def fear(scenario: Scenario, pairs: Sequence[tuple[int, int]], lengths: Sequence[int]) -> np.ndarray:
    """The trust below which a security seeker strikes first: m, and m~ where a war lasts longer than a turn.

    Who is struck by surprise fights back from the next turn to the war's last; who both strike fight throughout.

    Args:
        scenario: its ranges are taken at their middles.
        pairs: seekers and their rivals, by index.
        lengths: of war, in turns.

    Returns:
        float64 ``(pairs, lengths)``. At most 0: waiting is dominant; 1: striking is. NaN: no attack is possible, or it
        pays against those who wait alone.
    """
    if "attack" not in scenario.actions.stance:
        return np.full((len(pairs), len(lengths)), math.nan)
    wars = [(pair, lasts) for pair in pairs for lasts in lengths]
    # each war four times: both strike, the seeker is surprised, it strikes alone, both wait
    plans = [
        (pair, own, other)
        for pair, lasts in wars
        for own, other in (
            ((0, lasts), (0, lasts)), ((1, lasts), (0, lasts)), ((0, lasts), (1, lasts)), ((0, 0), (0, 0)),
        )
    ]  # fmt: skip
    earned = _played(scenario, plans).reshape(len(wars), 4)
    found = [_threshold(both - surprised, peace - alone) for both, surprised, alone, peace in earned.tolist()]
    return np.array(found).reshape(len(pairs), len(lengths))


def _threshold(safer: float, dearer: float) -> float:
    """From what striking saves if the other strikes, and what it costs if the other waits."""
    if dearer <= 0.0:  # with less to fear from one that strikes than from one that waits, there is no threshold
        return 1.0 if safer >= 0.0 else math.nan
    return safer / (safer + dearer) if safer + dearer > 0.0 else -math.inf


def _played(
    scenario: Scenario, plans: Sequence[tuple[tuple[int, int], tuple[int, int], tuple[int, int]]]
) -> np.ndarray:
    """What the seeker of each plan earns over H_eff turns, each of the two attacking on its turns: a world a plan."""
    numbers = {"horizon": int(middle(scenario.horizon)), "states.greed": 0.0, "motives.power_motive": 0.0}
    still = Scenario.load(settled(scenario), {**_STILL, **numbers})
    targets = np.full((still.n_states, len(plans)), -1)
    turns = np.zeros((still.n_states, len(plans), 2), np.int64)
    for world, ((seeker, rival), own, other) in enumerate(plans):
        targets[seeker, world] = layout.slot_of_other(seeker, rival)
        targets[rival, world] = layout.slot_of_other(rival, seeker)
        turns[seeker, world], turns[rival, world] = own, other
    purse = _Purse(middle(scenario.continuation))
    cast: list[Policy] = [_Wars(targets[i], turns[i]) for i in range(still.n_states)]
    play(still, cast, worlds=len(plans), seed=0, recorder=purse)
    found: np.ndarray = purse.earned[np.arange(len(plans)), [pair[0] for pair, _, _ in plans]]
    return found


@dataclass(frozen=True)
class _Wars:
    """In each world, attacks one other state from one turn to before another, and does nothing else.

    Attributes:
        targets: int ``(B,)``, where the other stands in the list of others; -1 for none.
        turns: int ``(B, 2)``.
    """

    targets: np.ndarray
    turns: np.ndarray

    def reset(self, seed: int | None = None) -> None:
        """There is nothing to forget."""

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        plan, turn = Plan(len(mask), layout.num_states_of(mask.shape[1]) - 1), observation[:, layout.Own.TURN]
        attacks = (self.targets >= 0) & (turn >= self.turns[:, 0]) & (turn < self.turns[:, 1])
        plan.stance[attacks, self.targets[attacks]] = Stance.ATTACK
        return plan.legal(mask)


class _Purse:
    """Adds up what each state of each world earns, each turn weighed by how likely the game comes so far."""

    def __init__(self, goes_on: float) -> None:
        self._goes_on, self._weight = goes_on, 1.0
        self.earned = np.zeros((0, 0))

    def start(self, table: Worlds) -> None:
        self.earned, self._on = np.zeros((table.num_worlds, table.num_states)), np.ones(table.num_worlds, np.bool_)

    def step(self, table: Worlds, actions: np.ndarray) -> None:
        self.earned[self._on] += self._weight * table.rewards[self._on]
        self._on &= ~(table.terminations | table.truncations)
        self._weight *= self._goes_on

    def changed(self, table: Worlds) -> None:
        """Nobody intervenes here."""


def settled(scenario: Scenario) -> dict[str, Any]:
    """A scenario's rules as a mapping, every range of numbers replaced by its middle."""

    def settle(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: settle(entry) for key, entry in value.items()}
        ranged = isinstance(value, list) and len(value) == 2 and all(type(each) in (int, float) for each in value)
        if not ranged:
            return value
        mean = sum(value) / 2
        return int(mean) if all(type(each) is int for each in value) else mean

    found: dict[str, Any] = settle(scenario.rules())
    return found


def of_state(value: Any, name: str) -> Any:
    """One state's entry of a quantity of states; None where it is drawn."""
    return value.get(name) if isinstance(value, Mapping) else value
