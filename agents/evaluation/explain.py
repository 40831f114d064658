"""Why the wars of a logged episode broke out, and what would have averted them, as records.

What a war was to those who began it comes from the log alone (:func:`sd_env.measures.assess`). What would have averted
it comes from playing the episode again by the same seed with one thing changed (Pearl's do), a change after the other.
:func:`agents.evaluation.explained.sentences` tells it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from agents.evaluation.replayer import Replayer
from agents.table.replays import NOBODY, Believing, parse_do
from sd_env.layout import Signal, Stance
from sd_env.measures import Assessment, War, assess, filter_beliefs, wars
from sd_env.measures.episode import security_seekers
from sd_env.policies import PolicyError
from sd_env.record import EpisodeLog
from sd_env.show.story import Story

if TYPE_CHECKING:
    from sd_env.measures.episode import FloatArray

#: Kinds of changes, in the order in which they are tried.
KINDS: Final = (
    "truth",
    "balance",
    "reassurance",
    "threat",
    "mobilization",
    "standing down",
    "no swords",
    "more shields",
)
#: What may become of a war when something is changed.
OUTCOMES: Final = ("averted", "put off", "not averted")
#: Shields that are given to who is attacked, the fewest first, in arms.
SHIELDS: Final = (0.25, 0.5, 1.0, 2.0, 4.0)


@dataclass(frozen=True)
class Attempt:
    """The episode played again with one change, and what became of the war.

    Attributes:
        kind: one of ``KINDS``.
        states: indices of those to whom it is done: who learns the truth, or whose deed, word or arms are changed.
        toward: index of the state about or toward which; ``NOBODY`` where it is no single one.
        value: arms that are given, or the true offensive advantage; NaN of what has no number.
        dos: the change as ``sd-env replay --do`` takes it; none for what is known, which is no deed.
        outcome: one of ``OUTCOMES``: no two of those who began the war fight to the end of the episode; they fight, but
            later; or they fight on the same turn.
        turn: the first turn on which they fight; None if averted.
    """

    kind: str
    states: tuple[int, ...]
    toward: int
    value: float
    dos: tuple[str, ...]
    outcome: str
    turn: int | None


@dataclass(frozen=True)
class Explanation:
    """Why a war broke out.

    Attributes:
        war: who fought whom, and when.
        kind: its class, one of ``sd_env.measures.motives.KINDS``.
        assessments: of each attack of its first turn, in the order of ``war.opening``.
        attempts: what was tried to avert it; empty where nothing could be tried.
        untried: why nothing could be tried; "" if something was.
        notes: what a reader must know of how the episode was played again, a sentence each.
    """

    war: War
    kind: str
    assessments: tuple[Assessment, ...]
    attempts: tuple[Attempt, ...]
    untried: str
    notes: tuple[str, ...]

    @property
    def averted(self) -> tuple[Attempt, ...]:
        """The changes that averted it."""
        return tuple(each for each in self.attempts if each.outcome == "averted")


def explain(
    log: EpisodeLog,
    beliefs: FloatArray | None = None,
    *,
    policies: Sequence[str] = (),
    trust: bool = False,
) -> list[Explanation]:
    """Why each war of an episode broke out, in the order in which they began.

    Args:
        log: the episode.
        beliefs: float64 ``(T+1, N, N)`` (:mod:`sd_env.measures.beliefs`); default those of the filter.
        policies: who plays when the episode is played again, instead of those whom the log names: one for all states,
            or one a state in index order.
        trust: whether ``policies`` may be what can run code: zip files of stable-baselines3, Python files.

    Raises:
        LogError: for a log of another game than that which is played here.
        MeasureError: for beliefs that do not fit.
        PolicyError: for ``policies`` that cannot be found or do not fit. Where those whom the log names cannot be, wars
            are explained all the same, and ``untried`` says why nothing was tried.
    """
    held = filter_beliefs(log) if beliefs is None else beliefs
    replayer: Replayer | None = None
    untried = ""
    try:
        replayer = Replayer(log, policies=policies, trust=trust)
    except PolicyError as error:
        if policies:
            raise
        untried = str(error)
    explained = []
    for war in wars(log):
        assessments = tuple(assess(log, attacker, target, war.start, held) for attacker, target in war.opening)
        attempts, why, notes = ((), untried, ()) if replayer is None else _tried(replayer, war)
        kind = max((each.motive for each in assessments), key=lambda motive: motive.utility).kind
        explained.append(Explanation(war, kind, assessments, attempts, why, notes))
    return explained


def _tried(replayer: Replayer, war: War) -> tuple[tuple[Attempt, ...], str, tuple[str, ...]]:
    """What was tried, or why nothing was, and what must be known of it."""
    log, attackers = replayer.log, sorted({attacker for attacker, _ in war.opening})
    names = list(Story(log).names.values())
    unknown = [names[i] for i in attackers if replayer.held[i]]
    if unknown:
        return (), (
            f"The log does not say who played {' and '.join(unknown)}, which could only do again what it did: "
            "--policies names who is to play."
        ), ()  # fmt: skip
    first = max(war.start - 1, 1)
    if _begins(replayer.again(first), war) != war.start:
        return (), (
            "Played again, these policies do not begin this war on that turn (they draw otherwise in a batch, or had "
            "other parameters), so that nothing can be said of what would have averted it."
        ), ()  # fmt: skip
    notes = []
    if replayer.held.any():
        whose = " and ".join(name for name, held in zip(names, replayer.held, strict=True) if held)
        notes.append(
            f"The log does not say who played {whose}: what was done there is done again, whatever is changed."
        )
    for i in attackers:
        if not replayer.can_be_informed(i):
            why = "its policy sees no beliefs here (perception.beliefs is false)"
            notes.append(f"What {names[i]} would do if it knew the truth cannot be tried: {why}.")
    attempts = [*_truths(replayer, war, first), *_balance(replayer, war, first), *_deeds(replayer, war, first)]
    return tuple(attempts), "", tuple(notes)


def _begins(log: EpisodeLog, war: War) -> int | None:
    """The first turn, from that of the war on, on which two of those who began it fight; None if there is none."""
    among = np.ix_(range(war.start, log.turns + 1), war.first, war.first)
    fought = np.flatnonzero(log.pairs["attacks"][among].any(axis=(1, 2)))
    return war.start + int(fought[0]) if len(fought) else None


def _attempt(
    kind: str,
    states: Sequence[int],
    again: EpisodeLog,
    war: War,
    *,
    toward: int = NOBODY,
    value: float = math.nan,
    dos: Sequence[str] = (),
) -> Attempt:
    turn = _begins(again, war)
    outcome = OUTCOMES[0] if turn is None else OUTCOMES[1] if turn > war.start else OUTCOMES[2]
    return Attempt(kind, tuple(states), toward, value, tuple(dos), outcome, turn)


def _truths(replayer: Replayer, war: War, first: int) -> Iterator[Attempt]:
    """Each attacker is shown what whom it attacks is, from that turn on; if there are several, then all of them."""
    seekers = security_seekers(replayer.log)[war.start - 1]
    able = [(i, j) for i, j in war.opening if replayer.can_be_informed(i)]
    several = [able] if len({i for i, _ in able}) > 1 else []
    for told in [*([each] for each in able), *several]:
        beliefs = np.full((1, len(seekers), len(seekers)), np.nan)
        for i, j in told:
            beliefs[0, i, j] = float(seekers[j])
        who = sorted({i for i, _ in told})
        shown = Believing(beliefs, since=war.start, force=replayer.log.scenario.heads.limits_force)
        toward = told[0][1] if len(told) == 1 else NOBODY
        yield _attempt("truth", who, replayer.again(first, shown, informed=who), war, toward=toward)


def _balance(replayer: Replayer, war: War, first: int) -> Iterator[Attempt]:
    """All know how far offence has the advantage, where they were wrong about it."""
    before = replayer.log.worlds[war.start - 1]
    true = float(before["offense_advantage"])
    if true != before["perceived_offense_advantage"]:
        again = replayer.again(first, overrides={"technology.perceived_offense_advantage": None})
        yield _attempt("balance", range(len(replayer.log.agents)), again, war, value=true)


def _deeds(replayer: Replayer, war: War, first: int) -> Iterator[Attempt]:
    """Each who is attacked says, does or has something else, the turn before or as the turn of the war begins.

    What several of them could do they do together, too.
    """

    def attempt(kind: str, states: Sequence[int], *dos: str, toward: int = NOBODY, value: float = math.nan) -> Attempt:
        done = [parse_do(do, log.agents, log.scenario.heads).intervention for do in dos]
        return _attempt(kind, states, replayer.again(first, *done), war, toward=toward, value=value, dos=dos)

    log, start = replayer.log, war.start
    targets = sorted({target for _, target in war.opening})
    ways: dict[str, list[tuple[int, int, str]]] = {}
    for target in targets:
        for kind, toward, do in _ways(log, war, target):
            ways.setdefault(kind, []).append((target, toward, do))
    for kind in sorted(ways, key=KINDS.index):
        for target, toward, do in ways[kind]:
            yield attempt(kind, [target], do, toward=toward)
        if len(ways[kind]) > 1:
            yield attempt(kind, [target for target, *_ in ways[kind]], *(do for *_, do in ways[kind]))
    for target in targets:
        for shields in SHIELDS:
            do = f"{log.agents[target]}.defense+={shields:g}@{start}"
            found = attempt("more shields", [target], do, value=shields)
            if found.outcome == OUTCOMES[0] or shields == SHIELDS[-1]:
                yield found
                break


def _ways(log: EpisodeLog, war: War, target: int) -> Iterator[tuple[str, int, str]]:
    """What who is attacked could have said, done or lacked, and did not: kind, toward whom, as ``--do`` takes it."""
    name, before = log.agents[target], war.start - 1
    if log.states["offense"][before, target] > 0.0:
        yield "no swords", NOBODY, f"{name}.offense=0@{war.start}"
    if before < 1:
        return
    for kind, signal in (("reassurance", Signal.REASSURE), ("threat", Signal.THREATEN)):
        word = signal.name.lower()
        if word in log.scenario.actions.signal and log.states["signal"][before, target] != signal:
            yield kind, NOBODY, f"{name}.signal={word}@{before}"
    whom = next(attacker for attacker, attacked in war.opening if attacked == target)
    stance = log.pairs["stance"][before, target, whom]
    if stance == Stance.MOBILIZE:
        yield "standing down", whom, f"{name}.neutral={log.agents[whom]}@{before}"
    elif "mobilize" in log.scenario.actions.stance and stance != Stance.ATTACK:
        yield "mobilization", whom, f"{name}.mobilize={log.agents[whom]}@{before}"
