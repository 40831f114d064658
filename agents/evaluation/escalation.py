"""Escalation, causally: what one state's arms, words and deeds do to another, by replays with an intervention.

Worlds are played twice with one seed, the second time with something done to one state (Pearl's do): arms that are
given to it, a mobilization, a signal, an offer of alliance. Chance of world and policies is the same both times, so
that what differs is the effect. A third play holds what all the others did: what the deed does by itself. Looked at is
one ordered pair (i, j) of security seekers in each world that has one, at peace when turn t begins.

    table = escalation("tit-for-tat", "jervis/intense")
    print(table[["do", "measure", "h", "value", "low", "high", "swapped", "never_attack"]])
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd

from agents.evaluation.course import NEVER, Course, Watch, pairs_of
from agents.evaluation.evaluate import check_sizes
from agents.evaluation.paired import UNKNOWN, Curve, difference_of_shares, gain, multiplier, share_attributed
from agents.evaluation.players import Spec, digests, load, players_of
from agents.evaluation.statistics import Interval
from agents.table.interventions import Intervention
from agents.table.play import play
from agents.table.replays import NOBODY, Arms, Believing, Deed, Held
from agents.work import Unit, WorkError, run_units
from sd_env.layout import Head, Heads, Signal, Stance, slot_of_other
from sd_env.policies import Policy
from sd_env.scenario import Scenario, ScenarioLike
from sd_env.worlds import CHANGEABLE

NULL_POLICY: Final = "never-attack"
BELIEF: Final = "belief"
#: Pairs that must be at peace through the window, of more than these, for sums over it.
LEAST: Final = 10
#: What can be done to i besides its arms: part of the action and choice; stances are toward j.
DEEDS: Final[dict[str, tuple[Head, int]]] = {
    "mobilize": (Head.STANCE, int(Stance.MOBILIZE)),
    "reassure": (Head.SIGNAL, int(Signal.REASSURE)),
    "threaten": (Head.SIGNAL, int(Signal.THREATEN)),
    "align": (Head.STANCE, int(Stance.ALIGN)),
}


def escalation(
    policies: Spec | Sequence[Spec],
    scenario: ScenarioLike,
    *,
    overrides: Mapping[str, Any] | None = None,
    seeds: Sequence[int] = (1, 2, 3),
    worlds: int = 128,
    turn: int = 1,
    window: int = 24,
    delta: float = 0.3,
    out: Path | None = None,
    workers: int = 1,
    parquet: bool = False,
    fresh: bool = False,
    trust: bool = False,
) -> pd.DataFrame:
    """What one state's arms and deeds do to another security seeker, where one policy plays all states.

    Args:
        policies: who plays, one after the other: registry names, paths of bundles, or policies (only with one worker
            and without ``out``).
        scenario: catalogue name, path, Scenario or mapping.
        overrides: dotted keys of the scenario and their values.
        seeds: of worlds and policies; intervals are over the worlds of all seeds.
        worlds: how many a seed.
        turn: t, the turn on which the intervention is made, from 1.
        window: H, for how many turns it is followed; shortened to the scenario's horizon.
        delta: δ, arms that are given.
        out: folder in which finished work is kept; the same call resumes it.
        workers: processes, 0 for one a core.
        parquet: write ``episodes.parquet`` too.
        fresh: set aside what is in ``out``, and begin anew.
        trust: whether what can run code may be loaded: zip files of stable-baselines3, Python files.

    Returns:
        One row a policy, intervention and measure (docs/measures.md): ``policy, do, measure, h, value, low, high,
        pairs, why, swapped, swapped_low, swapped_high, never_attack, never_attack_low, never_attack_high``. ``h``:
        turns after t, or the window's length for what is summed over it. ``pairs``: how many pairs of states the number
        rests on, ``why``: why there is none. The rest are its nulls.

    Raises:
        ScenarioError, PolicyError, WorkError: one sentence, before anything is written; but for a world in which there
            is no pair to compare, which is found when it is played.
    """
    game = Scenario.load(scenario, overrides)
    horizon = int(np.max(game.horizon))
    if not 1 <= turn <= horizon:
        raise WorkError(f"turn is {turn}; 1 to {horizon}, the scenario's horizon, is allowed.")
    check_sizes(seeds=seeds, worlds=worlds)
    if window < 1:
        raise WorkError(f"window is {window}; at least 1 is needed.")
    if not (math.isfinite(delta) and delta > 0.0):
        raise WorkError(f"delta is {delta}; a number above 0 is needed.")
    given = [policies] if isinstance(policies, (str, Path)) or not isinstance(policies, Sequence) else list(policies)
    players = players_of(given, game, trust=trust)
    sizes = {"seeds": list(seeds), "worlds": worlds, "turn": turn, "window": min(window, horizon - turn + 1)}
    units = []
    for player in players:
        for k, member in enumerate(player.members):
            label = player.label if len(player.members) == 1 else f"{player.label} seed {player.seeds[k]:.0f}"
            who = {"policy": member, "label": label, "scenario": game.to_dict(), "trust": trust}
            units.append(Unit(label, {**who, **sizes, "delta": delta}))
    return run_units(
        measured,
        units,
        out,
        workers=workers,
        title="escalation",
        parquet=parquet,
        inputs=digests(players),
        fresh=fresh,
    )


def measured(
    *,
    policy: Spec,
    label: str,
    scenario: dict[str, Any],
    seeds: Sequence[int],
    worlds: int,
    turn: int,
    window: int,
    delta: float,
    trust: bool,
) -> pd.DataFrame:
    """The unit of work: the rows of one policy, with its nulls beside."""
    game, design = Scenario.load(scenario), Design(tuple(seeds), worlds, turn, window, delta)
    own = _Experiment(game, load(policy, trust), label, design).rows(swap=True)
    beside = _Experiment(game, load(NULL_POLICY), NULL_POLICY, design).rows(swap=False)
    keys = ["do", "measure", "h"]
    numbers = {"value": "never_attack", "low": "never_attack_low", "high": "never_attack_high"}
    table = own.merge(beside.rename(columns=numbers)[[*keys, *numbers.values()]], on=keys, how="left")
    table.insert(0, "policy", label)
    return table


@dataclass(frozen=True)
class Design:
    """Sizes of an experiment, as :func:`escalation` has them."""

    seeds: tuple[int, ...]
    worlds: int
    turn: int
    window: int
    delta: float


#: An ordered pair (i, j) for each world of each seed, ``NOBODY`` where there is none.
Pairs: TypeAlias = "list[tuple[np.ndarray, np.ndarray]]"
#: From who is treated, int ``(B,)``, and toward whom, to what is done.
Make: TypeAlias = Callable[[np.ndarray, np.ndarray], Intervention]
#: Courses of one seed, first that without intervention, and worlds ``(W,)`` with their pair (i, j), to numbers of them.
Read: TypeAlias = Callable[[list[Course], np.ndarray, np.ndarray, np.ndarray], np.ndarray]


class _Experiment:
    """The plays of one policy, and what is read from them."""

    def __init__(self, scenario: Scenario, policy: Policy, label: str, design: Design) -> None:
        self._scenario, self._policy, self._seeds, self._worlds = scenario, policy, design.seeds, design.worlds
        turn, self._window, self._delta = design.turn, design.window, design.delta
        self._turn = turn
        self._bare = [self._play(seed) for seed in self._seeds]
        self._pairs = [pairs_of(course, turn) for course in self._bare]
        if not any((i != NOBODY).any() for i, _ in self._pairs):
            raise WorkError(
                f"{label} in {scenario.name}: no world has two security seekers at peace as turn {turn} "
                "begins, so that there is nothing to compare."
            )

    def rows(self, *, swap: bool) -> pd.DataFrame:
        """All measures; with ``swap`` beside their null of swapped rivals."""
        found: list[dict[str, Any]] = []
        for kind in CHANGEABLE:
            found += self._of_arms(kind, swap)
        for deed, (head, choice) in DEEDS.items():
            if head.labels[choice] in getattr(self._scenario.actions, head.label):
                make = _deed(self._scenario.heads, head, choice, self._turn)
                halved = self._plays(make, half=True) if swap else None
                found += self._of_war(deed, self._plays(make), halved, 1.0)
            else:
                why = f"actions.{head.label} leaves {head.labels[choice]} out"
                found.append(_row(deed, "war elasticity", self._window, UNKNOWN, why=why))
        return pd.DataFrame([*found, self._of_fear(swap)])

    def _of_arms(self, kind: str, swap: bool) -> list[dict[str, Any]]:
        """What arms that are given to i do to j's, to its own and to war."""

        def make(i: np.ndarray, j: np.ndarray) -> Intervention:
            return Arms(kind, i, self._turn, add=self._delta)

        plays = self._plays(make), self._plays(make, hold=True)
        halved = self._plays(make, half=True) if swap else None
        rival, own, frozen = (self._curve(*each, *plays) for each in ((False, 1), (True, 1), (True, 2)))
        null = self._curve(False, 1, halved, untreated=True) if halved else None
        excess, turns = own - frozen, range(self._window + 1)
        return [
            *(_row(kind, "response", h, rival.at(h), null.at(h) if null else None, rival.counts[h]) for h in turns),
            *(_row(kind, "own excess", h, excess.at(h), pairs=excess.counts[h]) for h in turns),
            *self._sums(kind, rival, own, frozen, null),
            *self._of_war(kind, plays[0], halved, self._delta),
        ]

    def _sums(self, kind: str, rival: Curve, own: Curve, frozen: Curve, null: Curve | None) -> list[dict[str, Any]]:
        """What is summed over the window; nothing where few pairs are left of those that there were."""
        left, times = int(own.counts[-1]), multiplier(own, frozen)
        sums = {
            "total response": rival.total(),
            "total own response": own.total(),
            "total own response, others frozen": frozen.total(),
            "spectral radius": own.growth(),
            "multiplier": times,
            "gain": gain(times),
        }
        why = dict.fromkeys(sums, "")
        if math.isinf(times.value):
            endless = "the response still grows as the window ends, so that its sum has no end"
            why |= {"multiplier": endless, "gain": endless}
        if left < min(LEAST, int(own.counts[0])):
            few = f"of {own.counts[0]} pairs {left} are at peace as the window ends, and {LEAST} are needed"
            sums, why, null = dict.fromkeys(sums, UNKNOWN), dict.fromkeys(sums, few), None
        nulls = {"total response": null.total()} if null else {}
        return [_row(kind, name, self._window, sums[name], nulls.get(name), left, why[name]) for name in sums]

    def _of_war(self, do: str, done: list[Course], halved: list[Course] | None, dose: float) -> list[dict[str, Any]]:
        """War elasticity, turn by turn."""

        def shift(found: tuple[np.ndarray, np.ndarray], h: int) -> Interval:
            by = [war < self._turn + h for war in found]  # on one of the turns t to t + h - 1
            by_h = difference_of_shares(by[1], by[0])
            return Interval(*(each / dose for each in (by_h.value, by_h.low, by_h.high)))

        found, null = self._wars(done), self._wars(halved, untreated=True) if halved else None
        return [
            _row(do, "war elasticity", h, shift(found, h), shift(null, h) if null else None, len(found[0]))
            for h in range(1, self._window + 1)
        ]

    def _of_fear(self, swap: bool) -> dict[str, Any]:
        """The fear fraction, over the whole episode from its first turn."""
        if not self._scenario.perception.beliefs:
            why = "perception.beliefs is false, so that the policy sees no belief that could be set"
            return _row(BELIEF, "fear fraction", self._window, UNKNOWN, why=why)
        firsts = [pairs_of(course, 1) for course in self._bare]

        def make(i: np.ndarray, j: np.ndarray) -> Intervention:
            trust, there = np.full((self._worlds, *2 * (self._scenario.n_states,)), np.nan), i != NOBODY
            trust[there, i[there], j[there]] = trust[there, j[there], i[there]] = 1.0
            return Believing(trust, force=self._scenario.heads.limits_force)

        [bare, done] = (war != NEVER for war in self._wars(self._plays(make, pairs=firsts), pairs=firsts))
        null = None
        if swap:
            halved = self._plays(make, pairs=firsts, half=True)
            before, after = (war != NEVER for war in self._wars(halved, pairs=firsts, untreated=True))
            null = share_attributed(after, before)
        why = "" if bare.any() else "no pair fights, so that there is no war to attribute"
        return _row(BELIEF, "fear fraction", self._window, share_attributed(done, bare), null, len(bare), why)

    def _play(self, seed: int, *interventions: Intervention) -> Course:
        watch = Watch(self._turn + self._window)
        play(self._scenario, self._policy, worlds=self._worlds, seed=seed, recorder=watch, interventions=interventions)
        return watch.course()

    def _plays(self, make: Make, *, hold: bool = False, half: bool = False, pairs: Pairs | None = None) -> list[Course]:
        """One play a seed in which i is treated; ``hold``: all others act as without; ``half``: in every other pair."""
        found = []
        for seed, bare, (i, j) in zip(self._seeds, self._bare, pairs or self._pairs, strict=True):
            treated = np.where(_every_other(i), i, NOBODY) if half else i
            others = np.arange(bare.seekers.shape[1]) != i[:, None]
            held = [Held(bare.actions, others, heads=self._scenario.heads)] if hold else []
            found.append(self._play(seed, make(treated, j), *held))
        return found

    def _over(
        self, read: Read, *plays: list[Course], untreated: bool = False, pairs: Pairs | None = None
    ) -> np.ndarray:
        """What ``read`` finds in the pairs of all seeds, or in those that ``half`` leaves ``untreated``."""
        found = []
        for k, (i, j) in enumerate(pairs or self._pairs):
            b = np.flatnonzero((i != NOBODY) & ~(_every_other(i) & untreated))
            found.append(read([self._bare[k], *(each[k] for each in plays)], b, i[b], j[b]))
        return np.concatenate(found)

    def _curve(self, own: bool, which: int, *plays: list[Course], untreated: bool = False) -> Curve:
        """Arms of i (``own``) or j in the ``which``-th of the plays, less without; while all plays are at peace."""
        rows = self._turn - 1 + np.arange(self._window + 1)

        def read(courses: list[Course], b: np.ndarray, i: np.ndarray, j: np.ndarray) -> np.ndarray:
            peace = np.min([course.war[b, i, j] for course in courses], axis=0)[:, None] > rows
            done, bare = (courses[k].arms[rows[:, None], b, i if own else j].T for k in (which, 0))
            return np.where(peace, (done - bare) / self._delta, np.nan)

        return Curve.of(self._over(read, *plays, untreated=untreated))

    def _wars(
        self, done: list[Course], *, untreated: bool = False, pairs: Pairs | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """The first turn of war of each pair, without and with, int64 ``(W,)`` each."""

        def read(courses: list[Course], b: np.ndarray, i: np.ndarray, j: np.ndarray) -> np.ndarray:
            return np.stack([course.war[b, i, j] for course in courses], axis=1)

        bare, treated = self._over(read, done, untreated=untreated, pairs=pairs).T
        return bare, treated


def _every_other(i: np.ndarray) -> np.ndarray:
    """Every second of the worlds with a pair: where rivals are swapped it is treated, and j is one of the others'."""
    there = i != NOBODY
    treated: np.ndarray = there & (np.cumsum(there) % 2 == 1)
    return treated


def _deed(heads: Heads, head: Head, choice: int, turn: int) -> Make:
    def make(i: np.ndarray, j: np.ndarray) -> Intervention:
        slots = slot_of_other(i, j).tolist()
        entries = [heads.toward(head, slot) if head.toward_others else int(head) for slot in slots]
        return Deed(entries, choice, i, turn)

    return make


def _row(
    do: str, measure: str, h: int, value: Interval, swapped: Interval | None = None, pairs: int = 0, why: str = ""
) -> dict[str, Any]:
    null = swapped or UNKNOWN
    return {
        "do": do, "measure": measure, "h": h, "value": value.value, "low": value.low, "high": value.high,
        "pairs": int(pairs), "why": why, "swapped": null.value, "swapped_low": null.low, "swapped_high": null.high,
    }  # fmt: skip
