"""Deterrence: whether threats keep challengers from attacking, or provoke them (Huth 1999; Jervis 1976)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sd_env.layout import Head, Signal
from sd_env.measures.episode import MeasureError, check_within, standing_pairs
from sd_env.measures.motives import motive
from sd_env.measures.stocks import arming

if TYPE_CHECKING:
    from sd_env.measures.episode import FloatArray
    from sd_env.record import EpisodeLog


@dataclass(frozen=True)
class Threat:
    """A threat, seen from one state that might attack and one that the threat protects.

    Attributes:
        turn: on which the threat was made.
        defender: index of the state that made it.
        target: index of the state protected: the defender itself or an ally of it.
        challenger: index of the state that might attack the target.
        immediate: made in an open crisis: the challenger was mobilized against the target when the turn began.
        utility: U of the challenger's attack on the target before the threat (:mod:`sd_env.measures.motives`).
        success: no attack of the challenger on the target in the H turns after the threat; None if that is not known:
            the episode ended, or one of the two fell, before that without an attack.
    """

    turn: int
    defender: int
    target: int
    challenger: int
    immediate: bool
    utility: float
    success: bool | None

    @property
    def direct(self) -> bool:
        """Whether the defender protects itself (direct deterrence) rather than an ally (extended)."""
        return self.target == self.defender


def threats(
    log: EpisodeLog, beliefs: FloatArray, *, within: int = 3, discount: float = 1.0, seen: bool = True
) -> list[Threat]:
    """Every threat, once for each state that it protects and each that might attack that state.

    Threats that open a commitment count, not those that renew one that still binds. Protected are the defender and
    those allied with it when the turn began or on that turn. A challenger is any other state that stands and attacks
    the target neither on the turn before (that war is on already) nor on the turn of the threat (it could not know).

    Args:
        log: an episode.
        beliefs: (T+1, N, N), see :mod:`sd_env.measures.beliefs`.
        within: H, turns after the threat.
        discount: as in :func:`~sd_env.measures.motives.motive`.
        seen: as there.

    Raises:
        MeasureError: for an argument out of range or beliefs that do not fit.
    """
    check_within(within)
    states, pairs = log.states, log.pairs
    made = (states["signal"][1:] == Signal.THREATEN) & (states["commitment"][:-1] <= 1)
    found = []
    for row, defender in zip(*map(np.ndarray.tolist, np.nonzero(made)), strict=True):
        turn = row + 1
        protected = pairs["allied"][row, defender] | pairs["allied"][turn, defender]
        protected[defender] = True
        standing = states["standing"][row]
        for target in np.flatnonzero(protected & standing).tolist():
            at_it = pairs["attacks"][row, :, target] | pairs["attacks"][turn, :, target]
            for challenger in np.flatnonzero(standing & ~at_it).tolist():
                if challenger in (defender, target):
                    continue
                why = motive(log, challenger, target, turn, beliefs, discount=discount, seen=seen)
                crisis = bool(pairs["mobilized"][row, challenger, target])
                success = _held(log, challenger, target, turn, within)
                found.append(Threat(turn, defender, target, challenger, crisis, why.utility, success))
    return found


def _held(log: EpisodeLog, challenger: int, target: int, turn: int, within: int) -> bool | None:
    """Whether there was no attack in the ``within`` turns after ``turn``; None if that cannot be known."""
    after = slice(turn + 1, turn + 1 + within)
    if log.pairs["attacks"][after, challenger, target].any():
        return False
    # both stood when the last of these turns began
    could = turn + within <= log.turns and log.states["standing"][turn + within - 1, [challenger, target]].all()
    return True if could else None


def trials(
    log: EpisodeLog, beliefs: FloatArray, *, within: int = 3, discount: float = 1.0, seen: bool = True
) -> list[Threat]:
    """Trials of deterrence: :func:`threats` against a challenger to which attacking paid before (U > 0), outcome known.

    A state that had no reason to attack was not deterred from it (Huth 1999). Arguments and errors as there.
    """
    found = threats(log, beliefs, within=within, discount=discount, seen=seen)
    return [threat for threat in found if threat.utility > 0.0 and threat.success is not None]


def success_rate(cases: Sequence[Threat], *, direct: bool | None = None, immediate: bool | None = None) -> float:
    """Share of the trials that succeeded, 0 to 1; NaN if there is none.

    Args:
        cases: of :func:`trials`, of any number of episodes.
        direct: True: only direct deterrence; False: only extended.
        immediate: True: only in an open crisis; False: only outside one (general deterrence).
    """
    kept = [
        case
        for case in cases
        if (direct is None or case.direct == direct) and (immediate is None or case.immediate == immediate)
    ]
    return sum(bool(case.success) for case in kept) / len(kept) if kept else math.nan


def backfires(log: EpisodeLog, replay: EpisodeLog, threat: Threat, *, within: int = 3) -> bool:
    """Whether the threat provoked the challenger: it attacks the target in ``log`` and not in ``replay``.

    The attack comes within the H turns after the threat; in the replay there is none on these turns.

    Args:
        log: the episode with the threat.
        replay: the same episode (scenario, seed, world, episode number) played again with this one threat removed: the
            same actions before its turn, and on its turn the same but for the defender's signal.
        threat: one of :func:`threats` of ``log``.
        within: H, turns.

    Raises:
        MeasureError: if ``replay`` is not that, or ``within`` is below 1.
    """
    check_within(within)
    for name in ("scenario", "agents", "seed", "world", "episode"):
        if getattr(log, name) != getattr(replay, name):
            raise MeasureError(f"the replay has another {name} than the log; the same is needed")
    turn, defender = threat.turn, threat.defender
    if turn > replay.turns or replay.states["signal"][turn, defender] == Signal.THREATEN:
        raise MeasureError(f"the replay does not remove the threat of {log.agents[defender]} on turn {turn}")
    if not _same_until(log, replay, turn, defender):
        raise MeasureError(f"the replay differs from the log before the threat of turn {turn}, or in more than it")
    after = slice(turn + 1, turn + 1 + within)
    with_it, without = (each.pairs["attacks"][after, threat.challenger, threat.target].any() for each in (log, replay))
    return bool(with_it and not without)


@dataclass(frozen=True)
class Show:
    """A show of force: a state at peace mobilizes against another, or builds more arms than age takes.

    Attributes:
        turn: on which it is made.
        defender: index of the state that makes it.
        challenger: index of one that might attack it, at peace with it on the turn before and on that turn.
    """

    turn: int
    defender: int
    challenger: int


def first_shows(log: EpisodeLog) -> list[Show]:
    """The first show of force of the episode, of the first state that makes one, once for each challenger."""
    attacks, grows = log.pairs["attacks"], arming(log).beyond_replacement > 0.0
    quiet = ~(attacks | attacks.swapaxes(1, 2))
    for turn in range(1, log.turns + 1):
        peace = quiet[turn - 1] & quiet[turn] & standing_pairs(log)[turn - 1]
        shown = peace & (log.pairs["mobilized"][turn] | grows[turn - 1][:, None])
        if shown.any():
            defender = int(shown.any(axis=1).argmax())
            return [Show(turn, defender, int(j)) for j in np.flatnonzero(shown[defender])]
    return []


def strikes_after(log: EpisodeLog, show: Show, *, within: int = 3) -> bool:
    """Whether the challenger attacks the one that showed its force within the H turns after."""
    check_within(within)
    after = slice(show.turn + 1, show.turn + 1 + within)
    return bool(log.pairs["attacks"][after, show.challenger, show.defender].any())


def _same_until(log: EpisodeLog, replay: EpisodeLog, turn: int, defender: int) -> bool:
    """Whether all was the same before the turn, and on it all but the defender's signal."""
    before = slice(turn - 1)
    if not np.array_equal(log.actions[before], replay.actions[before]):
        return False
    one, other = log.actions[turn - 1].copy(), replay.actions[turn - 1].copy()
    one[defender, Head.SIGNAL] = other[defender, Head.SIGNAL] = 0
    return bool(np.array_equal(one, other))
