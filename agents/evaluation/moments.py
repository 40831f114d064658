"""Moments on which a war of a logged episode hung, found by counterfactual replay.

What else could have come of a turn is found by playing many futures of it: the episode as logged up to there, then
other chance, and policies that choose. War by the turn on which it came has a probability in them. A deed of a state
mattered by as much as war on that state falls without it (Pearl's do), with the same chance in both.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from agents.evaluation.paired import difference_of_shares
from agents.evaluation.replayer import Replayer
from agents.table.play import Recorder
from agents.table.replays import NOBODY, Deed
from sd_env.layout import Build, Head, Signal, Stance, slot_of_other
from sd_env.measures import War, wars
from sd_env.measures.episode import security_seekers
from sd_env.record import EpisodeLog
from sd_env.show.story import Story
from sd_env.worlds import Worlds

#: From this probability on war is likely.
LIKELY: Final = 0.5
#: By how much war must fall without a deed for the deed to be a moment.
LEAST: Final = 0.1
#: Turns before a war that are looked at.
WINDOW: Final = 8
KINDS: Final = ("likely", "misread build-up", "backfired deterrent")


@dataclass(frozen=True)
class Moment:
    """A turn on which a war hung.

    Attributes:
        kind: one of ``KINDS``: the first turn from which on war stayed likely; arms that a security seeker built, and
            a mobilization or threat of any state, without which that state, which was attacked, would have been less.
        turn: which turn.
        state: index of whose deed it was; ``NOBODY`` of the turn on which war became likely.
        deed: what it did: ``builds``, ``mobilizes`` or ``threatens``; "" likewise.
        by: the turn on which the war came.
        chance: probability of war by then in futures of ``turn``, or of war by then on the state after its deed.
        otherwise: the same of futures of the turn before (NaN of the first), or without the deed.
        low, high: 95% interval of ``chance`` - ``otherwise`` over futures; NaN of the turn on which war became likely.
    """

    kind: str
    turn: int
    state: int
    deed: str
    by: int
    chance: float
    otherwise: float
    low: float
    high: float


def moments(
    log: EpisodeLog, *, futures: int = 64, policies: Sequence[str] = (), trust: bool = False
) -> list[tuple[War, list[Moment]]]:
    """The moments of each war of an episode, in the order in which the wars began; at most one of each kind.

    There are none of a war one of whose first attackers the log does not name: it could only do again what it did.

    Args:
        log: the episode.
        futures: how many are played of each turn.
        policies: as in :func:`agents.evaluation.explain.explain`.
        trust: likewise.

    Raises:
        ValueError: without at least two futures.
        LogError: for a log of another game than that which is played here.
        PolicyError: for policies that cannot be found or do not fit.
    """
    if futures < 2:
        raise ValueError(f"futures is {futures}; at least 2 are needed.")
    replayer = Replayer(log, policies=policies, trust=trust)
    return [(war, list(_moments(replayer, war, futures))) for war in wars(log)]


def sentence(log: EpisodeLog, moment: Moment) -> str:
    """A moment for people: "Had France not mobilized on turn 4, war on it by turn 8 would have fallen from ..."."""
    if moment.kind == KINDS[0]:
        before = "" if math.isnan(moment.otherwise) else f", and in {moment.otherwise:.0%} of those of the turn before"
        return (
            f"From turn {moment.turn} on war by turn {moment.by} was likely: it comes in {moment.chance:.0%} of that "
            f"turn's futures{before}."
        )
    name = list(Story(log).names.values())[moment.state]
    done = {"builds": "built no arms", "mobilizes": "not mobilized", "threatens": "not threatened"}[moment.deed]
    return (
        f"Had {name} {done} on turn {moment.turn}, war on it by turn {moment.by} would have fallen from "
        f"{moment.chance:.0%} to {moment.otherwise:.0%}."
    )


def _moments(replayer: Replayer, war: War, futures: int) -> Iterator[Moment]:
    """As it was (by the first turn of which chance is new), then the deed of each kind that mattered most."""
    if any(replayer.held[attacker] for attacker, _ in war.opening):
        return
    log, first = replayer.log, np.array(war.first)
    fighting = np.flatnonzero(log.pairs["attacks"][: war.start, first][:, :, first].any(axis=(1, 2)))
    quiet = int(fighting[-1]) + 1 if len(fighting) else 1  # since which they have not fought before this war
    turns = range(max(war.start - WINDOW, quiet), war.start + 1)
    as_it_was = {turn: _attacked(replayer, war, turn, futures) for turn in turns}
    shares = {turn: float(found.any(axis=1).mean()) for turn, found in as_it_was.items()}
    unlikely = [turn for turn in turns if shares[turn] < LIKELY]
    since = max(unlikely) + 1 if unlikely else turns[0]
    if since in shares:
        before = shares.get(since - 1, math.nan)
        yield Moment(KINDS[0], since, NOBODY, "", war.start, shares[since], before, math.nan, math.nan)
    found: dict[str, list[Moment]] = {}
    for turn in turns[:-1]:
        for kind, state, deed, without in _deeds(log, war, turn, futures):
            place = war.first.index(state)
            bare = as_it_was[turn + 1][:, place]
            done = _attacked(replayer, war, turn + 1, futures, *without)[:, place]
            fall = difference_of_shares(bare, done)
            if fall.value >= LEAST and fall.low > 0.0:
                numbers = float(bare.mean()), float(done.mean()), fall.low, fall.high
                found.setdefault(kind, []).append(Moment(kind, turn, state, deed, war.start, *numbers))
    for kind in KINDS[1:]:
        if kind in found:
            yield max(found[kind], key=lambda each: (each.chance - each.otherwise, -each.turn))


def _deeds(log: EpisodeLog, war: War, turn: int, futures: int) -> Iterator[tuple[str, int, str, list[Deed]]]:
    """What those whom the war began against did on a turn, and what takes it away."""

    def instead(state: int, entries: Sequence[int], choice: int) -> list[Deed]:
        whose = np.full(futures, state)
        return [Deed(np.full(futures, entry), choice, whose, turn) for entry in entries]

    heads, seekers = log.scenario.heads, security_seekers(log)[turn - 1]
    for state in sorted({target for _, target in war.opening}):
        did = log.states[turn, state]
        if seekers[state] and did["build_offense"] + did["build_defense"] > 0:
            builds = [int(Head.BUILD_OFFENSE), int(Head.BUILD_DEFENSE)]
            yield KINDS[1], state, "builds", instead(state, builds, int(Build.NONE))
        if did["signal"] == Signal.THREATEN:
            yield KINDS[2], state, "threatens", instead(state, [int(Head.SIGNAL)], int(Signal.SILENCE))
        against = [j for j in war.first if log.pairs["stance"][turn, state, j] == Stance.MOBILIZE]
        if against:
            entries = [heads.toward(Head.STANCE, slot_of_other(state, j)) for j in against]
            yield KINDS[2], state, "mobilizes", instead(state, entries, int(Stance.NEUTRAL))


def _attacked(replayer: Replayer, war: War, since: int, futures: int, *without: Deed) -> np.ndarray:
    """bool (B, F): which of the F states that began the war another of them attacks in futures, by the turn it came."""
    watch = _Watch(war, since)
    replayer.futures(since, futures, watch, *without)
    return watch.attacked


class _Watch(Recorder):
    """Looks which of those who began a war are attacked by others of them, from a turn on and by that of the war."""

    def __init__(self, war: War, since: int) -> None:
        self._first, self._since, self._by = np.array(war.first), since, war.start
        self.attacked = np.zeros((0, len(war.first)), np.bool_)

    def start(self, worlds: Worlds) -> None:
        self.attacked = np.zeros((worlds.num_worlds, len(self._first)), np.bool_)

    def step(self, worlds: Worlds, actions: np.ndarray) -> None:
        turn = worlds.worlds["turn"][:, None]
        attacked = worlds.pairs["attacks"][:, self._first][:, :, self._first].any(axis=1)
        self.attacked |= attacked & (self._since <= turn) & (turn <= self._by)

    def changed(self, worlds: Worlds) -> None:
        pass
