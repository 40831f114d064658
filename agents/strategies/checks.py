"""Tries to refute what a strategy declares of itself: what every strategy's tests call, other packages' too.

    from agents.strategies.checks import refutations
    assert refutations(MyStrategy) == ()

A promise (``first_strikes=False``, ``retaliates=True``, ``memory=0``) is refuted by one scene in which it is broken.
An admission (``first_strikes=True``, ``retaliates=False``) is refuted where no scene bears it out: a strategy that
does so only in a situation of its own brings a scene for that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any, Final, TypeAlias

import numpy as np

from agents.policies.traits import WHOLE_EPISODE, Traits
from agents.strategies.scenes import SCENES, Record, Scene, play_scene
from sd_env import layout
from sd_env.layout import Build, Head, Signal, Stance
from sd_env.policies import Policy, PolicyError

Plays: TypeAlias = Sequence[tuple[Scene, Record]]
#: Seeds with which a strategy that draws lots is tried; for others the first two do.
SEEDS: Final = (0, 1, 2)
#: Turns after the first attack by whose end a retaliator has attacked.
RETALIATES_WITHIN: Final = 2
#: Turns at the end of an ``attack`` scene on which who forgives is at peace.
FORGIVEN_FOR: Final = 3
_LONG: Final = 3  # a memory that needs more than so many turns counts as one of the whole episode


def refutations(
    make: Callable[..., Policy], scenes: Sequence[Scene] = SCENES, *, traits: Traits | None = None
) -> tuple[str, ...]:
    """What speaks against a strategy's traits: a sentence each, none if they stand.

    Args:
        make: the Strategy class, or a callable that returns a new policy.
        scenes: where it is tried; ``(*SCENES, own)`` adds a scene of one's own.
        traits: what it declares; default ``make.traits``.

    Raises:
        PolicyError: if nothing is declared, or if it sends what is no action.
    """
    declared = traits if traits is not None else getattr(make, "traits", None)
    if not isinstance(declared, Traits):
        raise PolicyError(
            "There is nothing to refute: the strategy has no traits of type agents.strategies.base.Traits."
        )
    seeds = SEEDS if declared.stochastic else SEEDS[:2]
    plays = {seed: [(scene, play_scene(make(), scene, seed)) for scene in scenes] for seed in seeds}
    everything = [play for of_seed in plays.values() for play in of_seed]
    unlawful = next((scene.name for scene, record in everything if not _lawful(scene, record)), None)
    if unlawful is not None:
        return (f"it sends an illegal choice in the scene {unlawful!r}",)
    found = [_against_deeds(declared, trait.name, everything) for trait in fields(Traits) if trait.name in _DEEDS]
    found += [_against_chance(make, declared, plays), _against_memory(make, declared, plays[SEEDS[0]])]
    return tuple(sentence for sentence in found if sentence)


# --- deeds ----------------------------------------------------------------------------------------------------


def _attacks(scene: Scene, record: Record) -> bool:
    return bool((record.stances() == Stance.ATTACK).any())


def _attacks_first(scene: Scene, record: Record) -> bool:
    return bool((record.stances(scene.slot(1)) == Stance.ATTACK).any())


def _hits_back(scene: Scene, record: Record) -> bool:
    first = int(np.argmax(_seen(scene, record, layout.Other.THEY_ATTACKED)))  # the turn after the first attack
    return bool((record.stances(scene.slot(1))[first : first + RETALIATES_WITHIN] == Stance.ATTACK).any())


def _at_peace_again(scene: Scene, record: Record) -> bool:
    return bool((record.stances(scene.slot(1))[-FORGIVEN_FOR:] < Stance.MOBILIZE).all())


def _honours(scene: Scene, record: Record) -> bool:
    return record.honoured


def _says(signal: Signal) -> Callable[[Scene, Record], bool]:
    return lambda scene, record: bool((record.actions[:, Head.SIGNAL] == signal).any())


def _aligns(scene: Scene, record: Record) -> bool:
    return bool((record.stances() == Stance.ALIGN).any())


def _builds_offense(scene: Scene, record: Record) -> bool:
    return bool((record.actions[:, Head.BUILD_OFFENSE] != Build.NONE).any())


def _seen(scene: Scene, record: Record, column: layout.Other) -> np.ndarray:
    """What the strategy saw of state 1, ``(T,)``."""
    return record.observations[:, layout.OWN_SIZE + scene.slot(1) * layout.OTHER_SIZE + column]


#: Trait -> the kind of scene that shows it (None: any), what shows it there, and whether it must in every scene.
_DEEDS: Final[dict[str, tuple[str | None, Callable[[Scene, Record], bool], bool]]] = {
    "first_strikes": ("peace", _attacks, False),
    "preempts": ("mobilization", _attacks_first, False),
    "retaliates": ("attack", _hits_back, True),
    "forgives": ("attack", _at_peace_again, True),
    "honours_calls": ("call", _honours, True),
    "reassures": (None, _says(Signal.REASSURE), False),
    "threatens": (None, _says(Signal.THREATEN), False),
    "allies": (None, _aligns, False),
    "builds_offense": (None, _builds_offense, False),
}


def _against_deeds(declared: Traits, trait: str, plays: Plays) -> str | None:
    """A sentence if what it does in the scenes is not what it declares."""
    kind, shows, always = _DEEDS[trait]
    tried = [(scene, record) for scene, record in plays if kind in (None, scene.kind)]
    value = getattr(declared, trait)
    for scene, record in tried:
        if shows(scene, record) != always:  # one scene decides
            wrong = f"declares {trait}={value}, but the scene {scene.name!r} shows otherwise"
            return wrong if value == always else None
    borne_out = "in every scene it does so" if always else "it does so in no scene"
    return f"declares {trait}={value}, but {borne_out}" if value != always else None


def _lawful(scene: Scene, record: Record) -> bool:
    """Whether all that it sent was legal."""
    start = np.cumsum([0, *layout.action_sizes(scene.n_states)[:-1]])
    return bool(np.take_along_axis(record.masks, record.actions + start, axis=1).all())


# --- chance and memory ----------------------------------------------------------------------------------------


def _against_chance(make: Callable[..., Policy], declared: Traits, plays: dict[int, Any]) -> str | None:
    """A sentence if its actions do not follow from the seed, or depend on it though it declares that they do not."""
    for scene, record in plays[SEEDS[0]]:
        again = play_scene(make(), scene, SEEDS[0])
        if not np.array_equal(again.actions, record.actions):
            return f"in the scene {scene.name!r} it acts in two ways with one seed"
    differs = next((scene.name for position, (scene, record) in enumerate(plays[SEEDS[0]]) if any(
        not np.array_equal(record.actions, plays[seed][position][1].actions) for seed in list(plays)[1:]
    )), None)  # fmt: skip
    if declared.stochastic and differs is None:
        return "declares stochastic=True, but acts alike with every seed"
    if not declared.stochastic and differs is not None:
        return f"declares stochastic=False, but acts differently with another seed in the scene {differs!r}"
    return None


def _against_memory(make: Callable[..., Policy], declared: Traits, plays: Plays) -> str | None:
    """A sentence if a past beyond the declared memory changes what it does, or a shorter one would explain it."""
    if declared.memory < WHOLE_EPISODE:
        scene = _remembers_beyond(make, declared.memory, plays)
        if scene is not None:
            return f"declares memory={declared.memory}, but acts on an earlier past in the scene {scene.name!r}"
    if declared.memory > 0 and _remembers_beyond(make, min(declared.memory - 1, _LONG), plays) is None:
        return f"declares memory={declared.memory}, but in no scene acts on a past that long"
    return None


def _remembers_beyond(make: Callable[..., Policy], memory: int, plays: Plays) -> Scene | None:
    """The first scene in which what lies more than ``memory`` turns back changes what it does; None if there is none.

    One batch holds a row for each turn k of the scene. All rows are shown T observations, the last ``memory + 1`` of
    which are those up to turn k; before them come the true ones (preceded by the first, which begins an episode), or
    the scene backward, or the earliest of the last ones over and over. The draws of chance are the same.
    """
    for scene, record in plays:
        turns = np.arange(scene.turns)
        step = turns[:, None] - turns[::-1]  # (k, position): the turn shown; the last position shows k itself
        true = np.maximum(step, 0)
        late = turns >= scene.turns - 1 - memory
        oldest = np.maximum(turns - memory, 0)[:, None]
        pasts = (true, np.where(late, true, turns[::-1]), np.where(late, true, oldest))
        first, *others = (_last_actions(make(), record, past) for past in pasts)
        if any(not np.array_equal(first, other) for other in others):
            return scene
    return None


def _last_actions(policy: Policy, record: Record, past: np.ndarray) -> np.ndarray:
    """Actions, by row, at the end of the observations whose turns are ``past`` (rows, positions)."""
    policy.reset(SEEDS[0])
    actions = np.zeros(0, dtype=np.int64)
    for position in range(past.shape[1]):
        shown = past[:, position]
        actions = policy.act(record.observations[shown], record.masks[shown])
    return actions
