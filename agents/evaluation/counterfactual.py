"""What would have happened: the episode of a log, played again by its policies with and without an intervention."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from agents.evaluation.replayer import Replayer
from agents.table.interventions import InterventionError
from agents.table.replays import Do, parse_do
from sd_env.measures import War, wars
from sd_env.record import EpisodeLog
from sd_env.show.story import Story

#: Arms that differ by less are told as the same.
_VISIBLE: Final = 0.005


@dataclass(frozen=True)
class Counterfactual:
    """One episode twice, with the same chance.

    Attributes:
        dos: what was done.
        bare, done: without it and with it.
        notes: what a reader must know of how they were played, a sentence each.
    """

    dos: tuple[Do, ...]
    bare: EpisodeLog
    done: EpisodeLog
    notes: tuple[str, ...]

    @property
    def first(self) -> int:
        """The turn of the first intervention."""
        return min(do.turn for do in self.dos)


def counterfactual(
    log: EpisodeLog, dos: Sequence[str], *, policies: Sequence[str] = (), trust: bool = False
) -> Counterfactual:
    """Play the episode of ``log`` again, without and with interventions.

    Until the first of them all act as logged; from then on policies choose that are those of the log's labels, but for
    states whose label is empty: these act as logged to the end.

    Args:
        log: the episode.
        dos: what is done (:func:`agents.table.replays.parse_do`), at least one.
        policies: who plays instead of those whom the log names: one for all states, or one a state in index order.
        trust: whether ``policies`` may be what can run code: zip files of stable-baselines3, Python files.

    Raises:
        InterventionError: for what cannot be done, or not on a turn of the log.
        PolicyError: for policies that cannot be found or do not fit.
        LogError: for a log of another game than that which is played here.
    """
    parsed = tuple(parse_do(text, log.agents, log.scenario.heads) for text in dos)
    for do in parsed:
        if do.turn > log.turns:
            raise InterventionError(f"{do.text!r} is on turn {do.turn}; the log has turns 1 to {log.turns}.")
    replayer = Replayer(log, policies=policies, trust=trust)
    first = min(do.turn for do in parsed)
    bare, done = replayer.again(first), replayer.again(first, *(do.intervention for do in parsed))
    return Counterfactual(parsed, bare, done, tuple(_notes(log, bare, done, replayer.held)))


def _notes(log: EpisodeLog, bare: EpisodeLog, done: EpisodeLog, held: np.ndarray) -> Iterator[str]:
    if held.any():
        names = Story(log).names
        whose = " and ".join(names[agent] for agent, holds in zip(log.agents, held, strict=True) if holds)
        yield f"The log does not say who played {whose}: what was done there is done again, whatever the others do."
        if done.turns > log.turns:
            yield f"After turn {log.turns}, where the log ends, nothing is done there."
    turns = min(log.turns, bare.turns)
    others = np.flatnonzero((log.actions[:turns] != bare.actions[:turns]).any(axis=(1, 2)))
    if len(others):
        yield (
            f"Played again, these policies choose otherwise than in the log from turn {others[0] + 1} on (they draw "
            "otherwise in a batch, or had other parameters): with and without are both played again."
        )


def tell(
    found: Counterfactual, *, state: str | None = None, only: int | None = None, quiet: bool = False
) -> Iterator[str]:
    """Lines for people: who plays, what is done, how the two episodes part turn by turn, and what it comes to.

    Args:
        found: what is told.
        state: tell only what this state does or what befalls it.
        only: this turn alone.
        quiet: leave out the turns on which the two do not differ.
    """
    bare, done = Story(found.bare), Story(found.done)
    yield from bare.opening()
    yield f"with: {', '.join(do.text for do in found.dos)}"
    yield from found.notes
    for turn in range(found.first, max(found.bare.turns, found.done.turns) + 1) if only is None else [only]:
        lines = [*_arms(found, bare.names, turn), *_sentences(bare, done, turn, state)]
        if not quiet or any(line.startswith(("- with", "arms")) for line in lines):
            yield ""
            yield f"turn {turn} of {int(found.bare.params['horizon'])}"
            yield from lines
    if only is None:
        yield ""
        yield from comparison(found, bare.names, f"With {', '.join(do.text for do in found.dos)}")


def _sentences(bare: Story, done: Story, turn: int, state: str | None) -> Iterator[str]:
    """What happened in both, then what in one of them alone."""
    one, other = (story.sentences(turn, state) if turn <= story.log.turns else [] for story in (bare, done))
    yield from (f"- {sentence}" for sentence in one if sentence in other)
    yield from (f"- without: {sentence}" for sentence in one if sentence not in other)
    yield from (f"- with: {sentence}" for sentence in other if sentence not in one)
    for ended, longer in ((bare, done), (done, bare)):
        if ended.log.turns < turn <= longer.log.turns and turn == ended.log.turns + 1:
            yield f"- {'without' if ended is bare else 'with'}: the episode has ended"


def _arms(found: Counterfactual, names: dict[str, str], turn: int) -> Iterator[str]:
    """The arms of states that differ as the turn begins."""
    if turn > min(found.bare.turns, found.done.turns):
        return
    one, other = (_total(log)[turn - 1] for log in (found.bare, found.done))
    told = [
        f"{name} {other[i]:.2f} instead of {one[i]:.2f}"
        for i, name in enumerate(names.values())
        if abs(other[i] - one[i]) >= _VISIBLE
    ]
    if told:
        yield f"arms: {', '.join(told)}"


def comparison(found: Counterfactual, names: Mapping[str, str], said: str) -> Iterator[str]:
    """Where the two episodes part, which wars are gone or new, and what it comes to, a sentence each.

    Args:
        found: what is told.
        names: of the states as they are written, by agent.
        said: what was done, with which the last sentence begins.
    """
    yield _parting(found, names)
    yield from _wars(found, list(names.values()))
    logs = found.bare, found.done
    counts = [(len(wars(log)), int(log.worlds[-1]["attacks"]), _total(log)[-1].sum()) for log in logs]
    (some, attacks, arms), (others, more, armed) = counts
    returns = (log.rewards.sum(axis=0) for log in logs)
    paid = [
        f"{name} {other:.2f} instead of {one:.2f}" for name, one, other in zip(names.values(), *returns, strict=True)
    ]
    yield (
        f"{said}: wars {others} instead of {some}, attacks {more} instead of "
        f"{attacks}, arms at the end {armed:.2f} instead of {arms:.2f}, returns of {', '.join(paid)}."
    )


def _parting(found: Counterfactual, names: Mapping[str, str]) -> str:
    """Who first chooses otherwise because of what was done, and when."""
    for turn in range(found.first, min(found.bare.turns, found.done.turns) + 1):
        bound = found.bare.actions[turn - 1 : turn].copy()
        for do in found.dos:
            do.intervention.bind(bound, turn)
        others = (found.done.actions[turn - 1] != bound[0]).any(axis=1)
        if others.any():
            who = " and ".join(name for name, other in zip(names.values(), others, strict=True) if other)
            return f"They part on turn {turn}, on which {who} for the first time {_does(others)} otherwise."
    return "Nobody ever chooses otherwise."


def _does(others: np.ndarray) -> str:
    return "choose" if others.sum() > 1 else "chooses"


def _wars(found: Counterfactual, names: list[str]) -> Iterator[str]:
    """Wars that there are in one of the two alone, and those that begin on another turn."""
    bare, done = wars(found.bare), wars(found.done)
    for war in [*bare]:
        same = next((each for each in done if each.first == war.first), None)
        if same is None:
            yield f"Gone is the war of {_between(war, names)} that begins on turn {war.start} without."
            continue
        done.remove(same)
        if same.start != war.start:
            yield f"The war of {_between(war, names)} begins on turn {same.start} instead of {war.start}."
    for war in done:
        yield f"New is the war of {_between(war, names)} that begins on turn {war.start}."


def _between(war: War, names: list[str]) -> str:
    *some, last = (names[i] for i in war.first)
    return f"{', '.join(some)} and {last}" if some else last


def _total(log: EpisodeLog) -> np.ndarray:
    total: np.ndarray = log.states["offense"] + log.states["defense"]
    return total
