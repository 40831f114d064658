"""Small scripted worlds in which a strategy's declared traits are put to the test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, Literal

import numpy as np

from sd_env import layout
from sd_env.layout import Build, Head, Signal, Stance, standard_heads
from sd_env.policies import Policy, PolicyError
from sd_env.scenario import Scenario
from sd_env.worlds import Worlds

Kind = Literal["peace", "mobilization", "attack", "call"]


@dataclass(frozen=True)
class Deed:
    """What one of the other states does on the turns from ``start`` to ``stop``, both included.

    States are counted from the seat of the strategy on: it is 0, the next one 1, and so on round the table.

    Attributes:
        who: the state that acts.
        toward: the state that its stance is meant for.
        stance: its stance toward that state, if the deed is one.
        signal: what it says, if it speaks.
        build: how much it builds of both kinds, if it builds.
        start: first turn.
        stop: last turn.
    """

    who: int
    toward: int = 0
    stance: Stance | None = None
    signal: Signal | None = None
    build: Build | None = None
    start: int = 0
    stop: int = 10_000


@dataclass(frozen=True)
class Scene:
    """A world, what the others do in it, and what it can show.

    Attributes:
        name: in words, for messages.
        kind: ``peace``: nobody attacks or mobilizes against the strategy or an ally of its. ``mobilization``: state 1
            is mobilized against it from turn 1 on and never attacks. ``attack``: state 1 attacks it on the turns 2 to
            5 and is at peace again from turn 6 on. ``call``: state 1 is made its ally and attacked by state 2 from
            turn 1 on.
        n_states: how many states.
        deeds: of the others.
        overrides: dotted keys of the scenario, over ``PHYSICS``.
        first: numbers of the states' group for the strategy's own state, where they differ from the others'.
        turns: how long it lasts.
        seat: index of the strategy's state.
    """

    name: str
    kind: Kind
    n_states: int = 2
    deeds: tuple[Deed, ...] = ()
    overrides: Mapping[str, Any] = field(default_factory=dict)
    first: Mapping[str, float] = field(default_factory=dict)
    turns: int = 10
    seat: int = 0

    def index(self, state: int) -> int:
        """The state's index in the world."""
        return (self.seat + state) % self.n_states

    def slot(self, state: int) -> int:
        """The slot in which the strategy sees another state."""
        return self.index(state) - (self.index(state) > self.seat)


@dataclass(frozen=True)
class Record:
    """What happened in a scene of T turns.

    Attributes:
        observations: float32 ``(T, D)`` that the strategy saw.
        masks: int8 ``(T, M)``.
        actions: int64 ``(T, H)`` as the strategy sent them.
        honoured: whether it honoured a call of state 1.
    """

    observations: np.ndarray
    masks: np.ndarray
    actions: np.ndarray
    honoured: bool

    def stances(self, slot: int | None = None) -> np.ndarray:
        """Stances sent, ``(T, N - 1)``, or toward the state in one slot, ``(T,)``."""
        stances = self.actions[:, standard_heads(2).entries(Head.STANCE)]
        return stances if slot is None else stances[:, slot]


#: The world of every scene: nothing is noisy, nobody falls, weapons are told apart and war needs no preparation.
PHYSICS: Final[Mapping[str, Any]] = {
    "horizon": 40,
    "states.offense": 0.5,
    "states.defense": 1.0,
    "technology.distinguishability": 1.0,
    "war.mobilization_required": False,
    "war.outcome": "share",
    "war.collapse": 0.0,
    "war.attrition_loser": 0.0,
    "war.attrition_winner": 0.0,
    "perception.noise": 0.0,
}
_LADDER: Final = {"war.mobilization_required": True}
_HIDDEN: Final = {"perception.context_observed": False}
#: Offence leads, war is cheap and all are armed: m is about .96 between two states at the strategies' own discount.
_TINDER: Final = {
    "technology.offense_advantage": 2.0,
    "war.attacker_cost": 0.1,
    "states.offense": 2.0,
    "states.defense": 2.0,
}
_MOBILIZES: Final = (Deed(1, stance=Stance.MOBILIZE, start=1),)
_ATTACKS: Final = (
    Deed(1, stance=Stance.MOBILIZE, start=1, stop=1),
    Deed(1, stance=Stance.ATTACK, start=2, stop=5),
)
_CALLS: Final = (
    Deed(1, stance=Stance.ALIGN, stop=1),
    Deed(2, toward=1, stance=Stance.MOBILIZE, stop=0),
    Deed(2, toward=1, stance=Stance.ATTACK, start=1),
)
_STRONG: Final = {"offense": 5.0, "defense": 5.0}

SCENES: Final[tuple[Scene, ...]] = (
    Scene("a quiet neighbour", "peace"),
    Scene("a quiet neighbour, parameters hidden", "peace", overrides=_HIDDEN),
    Scene("an arming neighbour", "peace", deeds=(Deed(1, build=Build.FULL),)),
    Scene("a weak neighbour", "peace", first=_STRONG, seat=1),
    Scene("a weak neighbour, where attack needs mobilization", "peace", overrides=_LADDER, first=_STRONG),
    Scene("a growing neighbour", "peace", overrides={"states.growth": 0.1}, first={"growth": 0.0, "offense": 1.0}),
    Scene("a neighbour where offence leads", "peace", overrides=_TINDER),
    Scene("a threatening neighbour", "peace", deeds=(Deed(1, signal=Signal.THREATEN),)),
    Scene("a reassuring neighbour", "peace", deeds=(Deed(1, signal=Signal.REASSURE),)),
    Scene("a friend", "peace", deeds=(Deed(1, stance=Stance.ALIGN),), seat=1),
    Scene("three quiet neighbours", "peace", 4, seat=2),
    Scene("three friends", "peace", 4, tuple(Deed(who, stance=Stance.ALIGN) for who in (1, 2, 3)), seat=1),
    Scene("a strong state among others", "peace", 4, overrides={"states.defense": 4.0}, first={"defense": 1.0}),
    Scene("others' war", "peace", 4, (Deed(1, toward=2, stance=Stance.ATTACK, start=1),), first=_STRONG, seat=1),
    Scene(
        "an ally that begins a war", "peace", 3,
        (Deed(1, stance=Stance.ALIGN), Deed(1, toward=2, stance=Stance.ATTACK, start=2)), seat=1,
    ),
    Scene("a mobilized neighbour", "mobilization", deeds=_MOBILIZES),
    Scene("a mobilized neighbour where offence leads", "mobilization", deeds=_MOBILIZES, overrides=_TINDER),
    Scene("a weak neighbour that mobilizes", "mobilization", deeds=_MOBILIZES, first=_STRONG),
    Scene(
        "a growing neighbour that mobilizes", "mobilization", deeds=_MOBILIZES,
        overrides={"states.growth": 0.1}, first={"growth": 0.0, "offense": 1.0},
    ),
    Scene("one of three mobilizes", "mobilization", 4, _MOBILIZES, _TINDER | _LADDER, seat=3),
    Scene("an attacker", "attack", deeds=_ATTACKS, turns=20),
    Scene("an attacker, where attack needs mobilization", "attack", deeds=_ATTACKS, overrides=_LADDER, turns=20),
    Scene("an attacker where offence leads", "attack", deeds=_ATTACKS, overrides=_TINDER, turns=20, seat=1),
    Scene("a weak attacker", "attack", deeds=_ATTACKS, first=_STRONG, turns=20),
    Scene("a strong attacker", "attack", deeds=_ATTACKS, overrides={"states.offense": 5.0}, first={"offense": 0.5}),
    Scene("one of three attacks", "attack", 4, _ATTACKS, _LADDER | _HIDDEN, turns=20, seat=2),
    Scene("an ally that calls", "call", 3, _CALLS, seat=1),
    Scene("an ally that calls, where attack needs mobilization", "call", 4, _CALLS, _LADDER, seat=2),
    Scene("a weak ally that calls", "call", 3, _CALLS, first=_STRONG),
)  # fmt: skip


@cache
def _scenario(position: int) -> Scenario:
    return scenario_of(SCENES[position])


def scenario_of(scene: Scene) -> Scenario:
    """The scenario of a scene's world."""
    overrides = dict(PHYSICS) | dict(scene.overrides)
    for name, value in scene.first.items():
        others = overrides.get(f"states.{name}", getattr(Scenario().states, name))
        overrides[f"states.{name}"] = {f"state_{scene.seat}": value, "default": others}
    return Scenario().with_overrides({"n_states": scene.n_states, **overrides})


def play_scene(policy: Policy, scene: Scene, seed: int = 0) -> Record:
    """Play a scene with the policy, reset with ``seed``, in its seat.

    In a scene of kind ``call`` the stance of its state toward state 1 is align on the turns 0 and 1, whatever the
    policy sends, so that the ally is one whether or not the policy likes alliances.

    Raises:
        PolicyError: if the policy sends what is no action.
    """
    scenario = _scenario(SCENES.index(scene)) if scene in SCENES else scenario_of(scene)
    worlds = Worlds(scenario, seed=0)
    policy.reset(seed)
    observations, masks, actions = [], [], []
    honoured = False
    heads = np.array(layout.action_sizes(scene.n_states))
    for turn in range(scene.turns):
        observations.append(worlds.observations[0, scene.seat].copy())
        masks.append(worlds.masks[0, scene.seat].copy())
        chosen = np.asarray(policy.act(observations[-1][None], masks[-1][None]))[0]
        if (
            chosen.shape != (len(heads),)
            or chosen.dtype.kind not in "iu"
            or not (chosen >= 0).all() & (chosen < heads).all()
        ):
            raise PolicyError(f"In the scene {scene.name!r} it sends {chosen.tolist()}, which is no action.")
        actions.append(chosen)
        orders = _orders(scene, turn)
        orders[scene.seat] = chosen
        if scene.kind == "call" and turn <= 1:
            orders[scene.seat, standard_heads(2).toward(Head.STANCE, scene.slot(1))] = Stance.ALIGN
        worlds.step(orders[None])
        honoured |= bool(worlds.pairs["call_honoured"][0, scene.seat, scene.index(1)])
    return Record(np.array(observations), np.array(masks), np.array(actions), honoured)


def _orders(scene: Scene, turn: int) -> np.ndarray:
    orders = np.array([layout.noop(scene.n_states)] * scene.n_states)
    for deed in scene.deeds:
        if not deed.start <= turn <= deed.stop:
            continue
        who, toward = scene.index(deed.who), scene.index(deed.toward)
        if deed.stance is not None:
            orders[who, standard_heads(2).toward(Head.STANCE, toward - (toward > who))] = deed.stance
        if deed.signal is not None:
            orders[who, Head.SIGNAL] = deed.signal
        if deed.build is not None:
            orders[who, [Head.BUILD_OFFENSE, Head.BUILD_DEFENSE]] = deed.build
    return orders
