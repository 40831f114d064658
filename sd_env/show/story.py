"""An episode log as a story in plain text: who plays whom, what each turn brings in sentences, how it ends."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from sd_env.events import NAMING, Attacks, CallHonoured, CallOpened, Conquest, Event, IllegalAction
from sd_env.show.ansi import ansi

if TYPE_CHECKING:
    from sd_env.record import EpisodeLog
    from sd_env.worlds import Worlds


class Story:
    """The lines of an episode log. States are named as in the log, with capitals: austria-hungary, Austria-Hungary."""

    def __init__(self, log: EpisodeLog) -> None:
        """Tell of ``log``."""
        self.log = log
        self.names = written(log.agents)

    def find(self, name: str) -> str:
        """The state that is meant by ``name``, however it is capitalised; ValueError if none or several are."""
        found = [name] if name in self.names else [agent for agent in self.names if agent.lower() == name.lower()]
        if len(found) != 1:
            raise ValueError(f"{name!r} names no state of this log; its states are {', '.join(self.names)}")
        return found[0]

    def opening(self) -> Iterator[str]:
        """What was played, and by whom."""
        log = self.log
        title = f": {log.scenario.title}" if log.scenario.title else ""
        yield f"{log.scenario.name}{title}"
        yield f"seed {log.seed}, world {log.world}, episode {log.episode}, {_count(log.turns, 'turn')}"
        for label in dict.fromkeys(log.policies):
            held = [self.names[a] for a, policy in zip(log.agents, log.policies, strict=True) if policy == label]
            by = label or "somebody whom the log does not name"
            yield f"{_and(held)} {'is' if len(held) == 1 else 'are'} played by {by}"

    def table(self, turn: int) -> list[str]:
        """Who holds what and who stands how to whom at the end of turn ``turn``, 0 being the start."""
        return ansi(cast("Worlds", _Rows(self.log)), list(self.names.values()), b=turn).splitlines()

    def width(self) -> int:
        """Length of the longest line of all tables, in characters."""
        return max(len(line) for turn in range(self.log.turns + 1) for line in self.table(turn))

    def turn(self, turn: int, state: str | None = None, table: bool = True) -> list[str]:
        """Turn number ``turn``, 0 being the start.

        Args:
            turn: 0 .. T.
            state: tell only what this state does or what befalls it.
            table: begin with the turn's table, and the payoffs.
        """
        lines = self.table(turn) if table else [f"turn {turn} of {int(self.log.params['horizon'])}"]
        if table and turn:
            paid = zip(self.names.values(), self.log.rewards[turn - 1].tolist(), strict=True)
            lines.append("payoffs: " + ", ".join(f"{name} {reward:.2f}" for name, reward in paid))
        told = self.sentences(turn, state) if turn else []
        return lines + [f"- {sentence}" for sentence in told]

    def sentences(self, turn: int, state: str | None = None) -> list[str]:
        """What happened on turn ``turn`` (from 1), or what of it concerns ``state``.

        An attack that honours a call and the honouring are one sentence, told after the call and the other attacks.
        """
        return [sentence for sentence, states in self.told(turn) if state is None or state in states]

    def told(self, turn: int) -> Iterator[tuple[str, set[str]]]:
        """The same sentences, each with the states that it is about."""
        return self._told(self.log.events[turn - 1])

    def told_alone(self, event: Event) -> str:
        """The sentence of an event that is told by itself, as all but honoured calls and their attacks are."""
        return self._plain(event)[0]

    def _told(self, events: Sequence[Event]) -> Iterator[tuple[str, set[str]]]:
        """Sentences, each with the states that it is about."""
        answers = [event for event in events if isinstance(event, CallHonoured) and event.against]
        answered = {(answer.agent, target) for answer in answers for target in answer.against}
        calls = {(answer.agent, answer.ally) for answer in answers}
        plain: list[Event] = []
        calling: list[Event] = []
        honouring: dict[str, list[Attacks]] = {}
        place = 0
        for event in events:
            if isinstance(event, Attacks):
                place = len(plain)
                if (event.agent, event.target) in answered:
                    honouring.setdefault(event.agent, []).append(event)
                    continue
                place += 1
            elif isinstance(event, CallOpened) and (event.agent, event.ally) in calls:
                calling.append(event)
                continue
            elif event in answers:
                continue
            plain.append(event)
        yield from map(self._plain, [*plain[:place], *calling])
        for agent, attacks in honouring.items():
            allies = [answer.ally for answer in answers if answer.agent == agent]
            targets = _and([f"{self.names[attack.target]} with force {attack.force:.2f}" for attack in attacks])
            by = _and([self.names[ally] for ally in allies])
            calls_ = "call" if len(allies) == 1 else "calls"
            sentence = f"{self.names[agent]} honours its {calls_} and attacks {targets} (called by {by})"
            yield sentence, {agent, *allies, *(attack.target for attack in attacks)}
        yield from map(self._plain, plain[place:])

    def _plain(self, event: Event) -> tuple[str, set[str]]:
        """An event's own sentence with the names that people write, and the states that it is about."""
        values = {each.name: getattr(event, each.name) for each in dataclasses.fields(event) if each.name in NAMING}
        states = {name for value in values.values() for name in ((value,) if isinstance(value, str) else value)}
        changed: dict[str, Any] = {
            field: self.names[value] if isinstance(value, str) else tuple(self.names[name] for name in value)
            for field, value in values.items()
        }
        if isinstance(event, IllegalAction):
            head, toward, target = event.head.partition(" toward ")
            changed["head"] = head + toward + self.names.get(target, target)
        return dataclasses.replace(event, **changed).sentence, states

    def closing(self) -> Iterator[str]:
        """How the episode ended and what it came to."""
        log = self.log
        last = log.worlds[-1]
        yield f"after {_count(log.turns, 'turn')} {self._end()}"
        taken = sum(isinstance(event, Conquest) for events in log.events for event in events)
        yield (
            f"{_count(int(last['wars']), 'war')} ({int(last['tragic_wars'])} among security seekers), "
            f"{_count(int(last['attacks']), 'attack')}, land taken {_count(taken, 'time')}, "
            f"{_count(int(last['fallen']), 'state')} fallen"
        )
        width = max(map(len, self.names.values()))
        for i, name in enumerate(self.names.values()):
            state = log.states[-1, i]
            kind = "security seeker" if state["greed"] == 0 else f"greedy {state['greed']:.1f}"
            yield (
                f"{name:{width}} return {log.rewards[:, i].sum():8.2f}, homeland {state['homeland']:.2f}, "
                f"holdings {state['holdings']:.2f} ({kind}{'' if state['standing'] else ', fallen'})"
            )

    def _end(self) -> str:
        log = self.log
        standing = [
            name for name, stands in zip(self.names.values(), log.states["standing"][-1], strict=True) if stands
        ]
        if log.truncated:
            return "the horizon is reached"
        if not log.terminated:
            return "the log ends, though the episode does not"
        if len(standing) > 1:
            return "chance ends the world"
        return f"{standing[0]} alone stands" if standing else "no state stands"


def written(agents: Sequence[str]) -> dict[str, str]:
    """The names of states as people write them, by the names of the log: austria-hungary, Austria-Hungary."""
    names = [re.sub(r"(?<![a-zA-Z0-9])[a-z]", lambda found: found[0].upper(), agent) for agent in agents]
    if len(set(names)) < len(names):  # states that differ in nothing but capitals keep the names that they have
        names = list(agents)
    return dict(zip(agents, names, strict=True))


@dataclass(frozen=True)
class _Rows:
    """A log's records where a batch of worlds has its own: row t in the place of world t."""

    log: EpisodeLog

    def __getattr__(self, name: str) -> np.ndarray:
        rows: np.ndarray = getattr(self.log, name)
        return np.broadcast_to(rows, self.log.turns + 1) if name == "params" else rows


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _and(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
