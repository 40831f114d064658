"""Explanations of wars in plain sentences, with their numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from agents.evaluation.explain import OUTCOMES, Attempt, Explanation
from agents.table.replays import NOBODY
from sd_env.measures import Assessment
from sd_env.record import EpisodeLog
from sd_env.show.story import Story

_CLASSES: Final = {
    "opportunistic": "greed alone was reason enough",
    "preemptive": "fear of an attack on that very turn alone was reason enough",
    "preventive": "fear of a shift of power alone was reason enough",
    "mixed": "no motive alone was reason enough, and together they were",
    "other": "by the net assessment it did not pay, and its policy attacked all the same",
}


def sentences(log: EpisodeLog, found: Explanation) -> list[str]:
    """Why a war broke out, line by line: what it was, each attack that began it, what would have averted it.

    Args:
        log: the episode.
        found: one of what :func:`agents.evaluation.explain.explain` finds in it.
    """
    names = list(Story(log).names.values())
    lines = [_war(found, names), _class(found)]
    for each in found.assessments:
        lines += _attack(each, names)
    return [*lines, *_replays(found, names)]


def _war(found: Explanation, names: Sequence[str]) -> str:
    war = found.war
    attacks = _and([f"{names[i]} attacks {names[j]}" for i, j in war.opening])
    others = [names[i] for i in war.belligerents if i not in war.first]
    joined = f"; {_and(others)} {'fights' if len(others) == 1 else 'fight'} in it later" if others else ""
    until = f"to turn {war.end}" if war.end > war.start else "for that turn alone"
    return f"War from turn {war.start} {until}: {attacks}{joined}."


def _class(found: Explanation) -> str:
    tragic = " It is tragic: all who began it were security seekers." if found.war.tragic else ""
    return f"Class {found.kind}: {_CLASSES[found.kind]}.{tragic}"


def _attack(of: Assessment, names: Sequence[str]) -> Iterator[str]:
    one, two = names[of.motive.attacker], names[of.motive.target]
    yield f"{one} was {_type(of.motive.greed)}, {two} {_type(of.target_greed)}."
    truth = int(of.target_greed == 0.0)
    yield (
        f"By what it had seen, {one} could believe with {of.belief:.2f} that {two} was a security seeker; the truth is "
        f"{truth}. {_hung(of, two)}"
    )
    wrong = of.advantage != of.true_advantage
    offence = (
        f" It took the advantage of offence for {of.advantage:.2f}; it was {of.true_advantage:.2f}." if wrong else ""
    )
    yield (
        f"Net assessment of {one}: its attack wins with probability {of.success:.2f}; an attack of {two} would with "
        f"{of.risk:.2f} if {one} waits, with {of.risk_met:.2f} if it attacks too.{offence}"
    )
    more = f"{abs(of.motive.utility):.2f} homeland-turns {'more' if of.motive.utility > 0.0 else 'less'} than peace"
    yield (
        f"To attack {two} was worth {more} to {one}: land won {of.won:.2f}, land of its own spared {of.spared:.2f}, "
        f"cost {of.cost:.2f}. {_in_truth(of, two)}"
    )


def _type(greed: float) -> str:
    return "a security seeker" if greed == 0.0 else f"greedy ({greed:.1f})"


def _hung(of: Assessment, other: str) -> str:
    """At which beliefs attacking paid."""
    if not of.imminent:
        verb = "pays" if of.pays == "always" else "does not pay"
        return f"{other} could not attack on that turn, so that the belief did not enter: attacking {verb}."
    if of.pays in ("always", "never"):
        return f"Attacking {'pays' if of.pays == 'always' else 'does not pay'} whatever it believed."
    verb = "it paid" if of.motive.pays else "it did not pay"
    return f"Attacking pays {of.pays} {of.threshold:.2f}: {verb}."


def _in_truth(of: Assessment, other: str) -> str:
    """What it was worth by the truth."""
    worth = f"By the truth about {other} and its arms it was worth {of.truly.utility:+.2f}"
    if of.truly.pays:
        return f"{worth}{', so that it was no mistake' if of.motive.pays else ', more than it thought'}."
    return f"{worth}{': a mistake' if of.motive.pays else ''}."


def _replays(found: Explanation, names: Sequence[str]) -> Iterator[str]:
    """What became of it when the episode was played again."""
    if found.untried:
        yield f"What would have averted it is not known. {found.untried}"
        return
    yield from found.notes
    for outcome in OUTCOMES[:2]:
        for each in found.attempts:
            if each.outcome == outcome:
                until = "" if each.turn is None else f" to turn {each.turn}"
                yield f"It is {outcome}{until} if {_change(each, names)}.{_how(each)}"
    vain = [each for each in found.attempts if each.outcome == OUTCOMES[2]]
    widest = [each for each in vain if not any(_within(each, other) for other in vain)]
    if widest:
        yield f"It comes on the same turn if {', or if '.join(_change(each, names) for each in widest)}."
    if not found.averted:
        yield "None of the changes that were tried averts it."


def _within(one: Attempt, other: Attempt) -> bool:
    """Whether the other is the same of more states."""
    return one.kind == other.kind and set(one.states) < set(other.states)


def _how(attempt: Attempt) -> str:
    return f" ({' '.join(f'--do {do}' for do in attempt.dos)})" if attempt.dos else ""


def _change(attempt: Attempt, names: Sequence[str]) -> str:
    """The change, as what goes on from "if"."""
    several = len(attempt.states) > 1
    toward = names[attempt.toward] if attempt.toward != NOBODY else "who attacks it"
    if attempt.kind == "balance":
        return f"all believe in the true advantage of offence, {attempt.value:.2f}"
    one, more = {
        "truth": (f"knows what {toward} is", "know what those are whom they attack"),
        "reassurance": ("reassures the turn before", "reassure the turn before"),
        "threat": ("threatens the turn before", "threaten the turn before"),
        "mobilization": (
            f"mobilizes against {toward} the turn before",
            "mobilize against those who attack them the turn before",
        ),
        "standing down": (
            f"is not mobilized against {toward} the turn before",
            "are not mobilized against those who attack them the turn before",
        ),
        "no swords": ("has no offensive arms", "have no offensive arms"),
        "more shields": (f"has {attempt.value:g} more defensive arms", f"have {attempt.value:g} more defensive arms"),
    }[attempt.kind]
    return f"{_and([names[i] for i in attempt.states])} {more if several else one}"


def _and(words: Sequence[str]) -> str:
    *some, last = words
    return f"{', '.join(some)} and {last}" if some else last
