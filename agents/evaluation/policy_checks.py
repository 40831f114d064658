"""What can be wrong with a policy, tried: whether it plays by the rules that every number here stands on.

It plays some episodes, and what it saw there is shown again to new ones of its kind, one thing changed at a time. What
is found is told in a sentence a check; nothing that a policy raises goes further.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from agents.policies.protocol import RandomPolicy
from sd_env import layout
from sd_env.errors import whole_number
from sd_env.policies import Cast, Policy, PolicyError, another, ask, check_policy, one_thread
from sd_env.scenario import Scenario
from sd_env.worlds import Worlds

#: Turns of an episode that are looked at, at most.
TURNS: Final = 32
#: Seeds of a policy that are tried: the second is the largest that ``reset`` is given.
SEED: Final = 1
OTHER_SEED: Final = 2**32 - 1
#: Rows a second below which a policy is called slow: an evaluation of the default size then takes half a minute.
SLOW: Final = 1_000.0
#: Worlds that are also played alone.
_ALONE: Final = 4


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes:
        check: its name: ``answers``, ``legality``, ``chance``, ``reset``, ``seats``, ``rows``, ``batch``, ``speed``.
        fault: whether something is wrong.
        sentence: what was found, for people.
    """

    check: str
    fault: bool
    sentence: str


@dataclass(frozen=True)
class _Shown:
    """What states saw: observations float32 ``(T, B, N, D)`` and masks int8 ``(T, B, N, M)``."""

    seen: np.ndarray
    masks: np.ndarray
    scenario: Scenario

    def seat(self, seat: int) -> tuple[np.ndarray, np.ndarray]:
        return self.seen[:, :, seat], self.masks[:, :, seat]

    def disguised(self) -> np.ndarray:
        """The same observations of other worlds, their states' types turned about."""
        seen = np.roll(self.seen, 1, axis=1)
        seen[..., layout.Own.GREED] = np.where(seen[..., layout.Own.GREED] > 0.0, 0.0, 1.0)
        return seen


class _Answers:
    """What policies of one kind do when they are shown things: int64 ``(T, K, H)``."""

    def __init__(self, make: Callable[[], Policy], scenario: Scenario) -> None:
        self.make, self.scenario = make, scenario

    def __call__(
        self, seen: np.ndarray, masks: np.ndarray, *, seed: int = SEED, policy: Policy | None = None
    ) -> np.ndarray:
        """Those of a new policy, or of this one, reset with ``seed``; as many turns as are shown."""
        player = self.make() if policy is None else policy
        player.reset(seed)
        return np.array([self.once(player, *turn) for turn in zip(seen, masks, strict=True)])

    def once(self, policy: Policy, seen: np.ndarray, masks: np.ndarray) -> np.ndarray:
        return ask(policy, seen, masks, self.scenario.heads)


def examine(make: Callable[[], Policy], scenario: Scenario, *, worlds: int = 16) -> list[Finding]:
    """Try a policy.

    Args:
        make: gives a new policy at each call.
        scenario: in which it is to play.
        worlds: how many it plays, at least 2.

    Returns:
        A finding for each check, in the order of :class:`Finding`; the first alone if it cannot play at all.

    Raises:
        ValueError: for fewer worlds.
    """
    if whole_number("worlds", worlds) < 2:
        raise ValueError(f"worlds is {worlds}; at least 2 are needed, or no world could be told from another.")
    with one_thread():
        try:
            check_policy(make(), "it is no policy")
            shown, legality = _played(make, scenario, worlds)
        except Exception as error:  # whatever a policy raises is what was to be found
            return [Finding("answers", True, _told(error))]
        sizes = ", ".join(map(str, scenario.heads.sizes))
        lawful = f"every answer was integers of shape (worlds, heads), each a choice of its head ({sizes} choices)."
        found = [Finding("answers", False, lawful), legality]
        answers = _Answers(make, scenario)
        for check in (_chance, _reset, _seats, _rows, _batch, _speed):
            name = check.__name__.strip("_")
            try:
                found.append(Finding(name, *check(answers, shown)))
            except Exception as error:
                found.append(Finding(name, True, _told(error)))
    return found


def _told(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if isinstance(error, PolicyError) else f"it raised {type(error).__name__}: {text or 'nothing more'}."


def _played(make: Callable[[], Policy], scenario: Scenario, worlds: int) -> tuple[_Shown, Finding]:
    """Two episodes a world, among its like and among policies that draw: what was seen, and what it did of it."""
    n, heads = scenario.n_states, scenario.heads
    starts = np.cumsum([0, *heads.sizes[:-1]])
    every_seen, every_mask, chosen, first = [], [], 0, ""
    illegal = 0
    sample = make()
    for others in (make, RandomPolicy):
        table = Worlds(scenario, worlds, seed=SEED)
        cast = Cast([make(), *(others() for _ in range(n - 1))], scenario.agents, heads=heads)
        cast.reset(SEED)
        own = n if others is make else 1  # seats of its own
        actions = np.zeros((worlds, n, len(heads.sizes)), np.int64)
        on, seen, masks = np.ones(worlds, np.bool_), table.observations.copy(), table.masks.copy()
        for turn in range(TURNS):
            every_seen.append(seen.copy())
            every_mask.append(masks.copy())
            cast.act(seen, masks, actions)
            legal = np.take_along_axis(masks, actions + starts, axis=2)[on, :own] != 0
            chosen += legal.size
            illegal += int((~legal).sum())
            if not (first or legal.all()):
                head = heads.kinds[int(np.argwhere(~legal)[0, 2])].label
                first = f"first: {head} on turn {turn + 1}"
            table.step(actions)
            on &= ~(table.terminations | table.truncations)
            seen[on], masks[on] = table.observations[on], table.masks[on]
        table.close()
    size = (2, TURNS)
    stacked = [
        np.concatenate(np.array(each).reshape(*size, *each[0].shape), axis=1) for each in (every_seen, every_mask)
    ]
    return _Shown(stacked[0], stacked[1], scenario), _legality(chosen, illegal, first, sample)


def _legality(chosen: int, illegal: int, first: str, policy: Any) -> Finding:
    if not illegal:
        return Finding("legality", False, f"all of its {chosen:,} choices were legal when they were made.")
    words = f"{illegal / chosen:.2%} of its choices were illegal when they were made ({first})"
    if getattr(policy, "ignores_masks", False):
        return Finding("legality", False, f"{words}: it was trained without masks, and the rules replace them.")
    return Finding("legality", True, f"{words}: the rules replace each by the nearest that is legal.")


# --- one thing changed at a time: each gives whether that is a fault, and a sentence --------------------------------


def _differ(first: np.ndarray, second: np.ndarray) -> str:
    """On which turn answers ``(T, ...)`` first differ, "" if they do not."""
    turns = np.flatnonzero((first != second).reshape(len(first), -1).any(axis=1))
    return f"turn {turns[0] + 1}" if len(turns) else ""


def _chance(answers: _Answers, shown: _Shown) -> tuple[bool, str]:
    seat = shown.seat(0)
    first = answers(*seat)
    if turn := _differ(first, answers(*seat)):
        return True, f"with one seed it acts in two ways, first on {turn}: not all its chance follows from reset(seed)."
    if _differ(first, answers(*seat, seed=OTHER_SEED)):
        return False, "with one seed it acts in one way, with another in another: it draws lots."
    return False, "it acts in one way, whatever the seed."


def _reset(answers: _Answers, shown: _Shown) -> tuple[bool, str]:
    seat = shown.seat(0)
    new, old = answers(*seat), answers.make()
    half = [part[: TURNS // 2] for part in shown.seat(1)]
    answers(*half, seed=OTHER_SEED, policy=old)
    if turn := _differ(new, answers(*seat, policy=old)):
        return True, f"after reset it acts otherwise than a new one, first on {turn}: something of the past is left."
    if _draws(answers, shown):
        return False, "after reset nothing of the past is left."
    at_once = np.array([answers(*(part[turn : turn + 1] for part in seat))[0] for turn in range(TURNS)])
    remembers = "acts on what it remembers" if _differ(new, at_once) else "acts on the present alone"
    return False, f"after reset nothing of the past is left; within an episode it {remembers}."


def _seats(answers: _Answers, shown: _Shown) -> tuple[bool, str]:
    alone = answers(*shown.seat(0))
    theirs, masks = shown.seat(1)
    for view in (theirs, shown.disguised()[:, :, 1]):
        mine = answers.make()
        twin = another(mine)
        mine.reset(SEED)
        twin.reset(OTHER_SEED)
        beside = []
        for turn, row in enumerate(zip(*shown.seat(0), strict=True)):
            answers.once(twin, view[turn], masks[turn])
            beside.append(answers.once(mine, *row))
        if turn_of := _differ(alone, np.array(beside)):
            return True, (
                f"what its copy in another seat sees changes what it does, first on {turn_of}: "
                "the two share something, by which each can read what the other hides."
            )
    return False, "what its copy in another seat sees, the type of that state included, changes nothing that it does."


def _rows(answers: _Answers, shown: _Shown) -> tuple[bool, str]:
    seen, masks = shown.seat(0)
    changed = seen.copy()
    changed[:, 1::2] = shown.disguised()[:, 1::2, 0]
    kept = [answers(rows, masks)[:, ::2] for rows in (seen, changed)]
    if turn := _differ(*kept):
        return True, f"what it sees in one world changes what it does in another, first on {turn}."
    return False, "what it sees in one world changes nothing in another."


def _batch(answers: _Answers, shown: _Shown) -> tuple[bool, str]:
    if _draws(answers, shown):
        return False, "it draws over all worlds of a batch, so that one alone has other lots: not tried."
    seat = shown.seat(0)
    together = answers(*seat)
    for world in range(min(_ALONE, together.shape[1])):
        alone = answers(*(part[:, world : world + 1] for part in seat))
        if turn := _differ(together[:, world : world + 1], alone):
            return True, f"it plays a world in a batch otherwise than alone, first on {turn}."
    return False, "it plays a world in a batch as it plays it alone."


def _speed(answers: _Answers, shown: _Shown) -> tuple[bool, str]:
    """By the median of its turns, which others at work on the machine change little."""
    policy, seconds = answers.make(), []
    policy.reset(SEED)
    for turn in zip(*shown.seat(0), strict=True):
        before = time.perf_counter()
        answers.once(policy, *turn)
        seconds.append(time.perf_counter() - before)
    rows = shown.seen.shape[1]
    rate = rows / max(float(np.median(seconds)), 1e-9)
    words = f"it answers {rate:,.0f} rows a second, in batches of {rows}"
    return (True, f"{words}: fewer than {SLOW:,.0f} is slow.") if rate < SLOW else (False, f"{words}.")


def _draws(answers: _Answers, shown: _Shown) -> bool:
    seat = shown.seat(0)
    return bool(_differ(answers(*seat), answers(*seat, seed=OTHER_SEED)))
