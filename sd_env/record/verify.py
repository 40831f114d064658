"""Playing a log again and comparing it, bit for bit, with what it says."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sd_env import layout
from sd_env.errors import RefusedError
from sd_env.record.columns import LogError
from sd_env.record.episode import EpisodeLog, same
from sd_env.record.files import read_log
from sd_env.record.recorder import Tape, versions_here


@dataclass(frozen=True)
class Verification:
    """Whether an episode, played again, is the one that was logged; true if it is.

    Attributes:
        ok: it is, bit for bit.
        message: what was found, in a sentence, with where they first differ and which versions do.
        turn: of the first difference; 0 is the start.
        table: what differs there: ``params``, ``worlds``, ``states``, ``pairs``, ``rewards``, ``observations``,
            ``events`` or ``end``.
        field: the column of the table that differs.
        who: the state by name, or the pair as ``"a toward b"``; ``""`` for what is the world's.
        logged, simulated: the two values.
    """

    ok: bool
    message: str
    turn: int | None = None
    table: str = ""
    field: str = ""
    who: str = ""
    logged: Any = None
    simulated: Any = None

    def __bool__(self) -> bool:
        return self.ok


def verify(log: EpisodeLog | str | os.PathLike[str]) -> Verification:
    """Play a log's episode again, from its scenario, seed, world, episode and actions, and compare all that it holds.

    The policies take no part: their actions are in the log. A log of another version is verified all the same; the
    message says so. Every record, reward and event is compared, and every observation that was kept.

    Raises:
        LogError: if a file cannot be read as a log, if random draws were made otherwise where the log was written, or
            if what a log in Python has for actions is no choice.
    """
    logged = log if isinstance(log, EpisodeLog) else read_log(log)
    name = "the log" if isinstance(log, EpisodeLog) else os.fspath(log)
    _check_draws(logged, name)
    try:
        again = _play_again(logged)
    except RefusedError as error:
        raise LogError(f"{name} cannot be played again: {error}.") from None
    found = _first_difference(logged, again)
    played = f"{logged.turns} turns of {logged.scenario.name}, seed {logged.seed}, world {logged.world}, "
    played += f"episode {logged.episode}"
    note = _versions_note(logged.versions, found is not None)
    if found is None:
        return Verification(True, f"{played}: the same when played again, bit for bit{note}")
    where = f"{found.table} {found.field}".strip() + (f" of {found.who}" if found.who else "")
    values = f"logged {_shown(found.logged)}, played again {_shown(found.simulated)}"
    return replace(found, message=f"{played}: differs first at turn {found.turn}, {where}: {values}{note}")


def _check_draws(logged: EpisodeLog, name: str) -> None:
    """Refuse a log that says that its chance is another's; one that says nothing is played."""
    here = versions_here()["draws"]
    theirs = logged.versions.get("draws", here)
    if theirs != here:
        by = logged.versions.get("sd_env", "unknown")
        raise LogError(
            f"{name} has random draws of version {theirs}, by sd_env {by}, but here they are of version {here}, so "
            "that its seed gives another episode: verify it with the version that wrote it."
        )


def _play_again(logged: EpisodeLog) -> EpisodeLog:
    tape = Tape(logged.scenario, logged.world, observations=logged.observations is not None)
    tape.begin(logged.seed, logged.episode)
    for actions in logged.actions:
        tape.play(actions)
        if tape.ended:
            break
    return tape.log(logged.policies)


def _first_difference(logged: EpisodeLog, again: EpisodeLog) -> Verification | None:
    """Where two logs of one episode first differ, without a message; in a turn, in the order of the tables."""
    found = _in_records(logged, 0, "params", logged.params, again.params)
    if found is not None:
        return found
    for turn in range(min(logged.turns, again.turns) + 1):
        for table in ("worlds", "states", "pairs"):
            found = _in_records(logged, turn, table, getattr(logged, table)[turn], getattr(again, table)[turn])
            if found is not None:
                return found
        found = _in_turn(logged, again, turn)
        if found is not None:
            return found
    ends = [f"{log.turns} turns, {_ending(log)}" for log in (logged, again)]
    return None if ends[0] == ends[1] else _differs(min(logged.turns, again.turns), "end", "", "", *ends)


def _differs(turn: int, table: str, field: str, who: str, logged: Any, simulated: Any) -> Verification:
    return Verification(False, "", turn, table, field, who, logged, simulated)


def _in_records(log: EpisodeLog, turn: int, table: str, one: Any, other: Any) -> Verification | None:
    one, other = np.asarray(one), np.asarray(other)
    if same(one, other):
        return None
    for field in one.dtype.names or ():
        place = _first_place(one[field], other[field])
        if place is not None:
            values = one[field][place].item(), other[field][place].item()
            return _differs(turn, table, field, _who(log, place), *values)
    return None  # only NaN of different bits


def _in_turn(logged: EpisodeLog, again: EpisodeLog, turn: int) -> Verification | None:
    """Rewards, observations and events of a turn."""
    if turn:
        one, other = logged.rewards[turn - 1], again.rewards[turn - 1]
        place = _first_place(one, other)
        if place is not None:
            return _differs(turn, "rewards", "", _who(logged, place), one[place].item(), other[place].item())
    if logged.observations is not None and again.observations is not None:
        found = _in_observations(logged, turn, logged.observations[turn], again.observations[turn])
        if found is not None:
            return found
    if turn:
        told, happened = ([*log.events[turn - 1]] for log in (logged, again))
        for k in range(max(len(told), len(happened))):
            event, instead = (events[k] if k < len(events) else None for events in (told, happened))
            if not _same_event(event, instead):
                named = event or instead
                return _differs(turn, "events", type(named).__name__, getattr(named, "agent", ""), event, instead)
    return None


def _same_event(one: Any, other: Any) -> bool:
    return type(one) is type(other) and repr(one) == repr(other)  # as text, NaN equals NaN and 0.0 is not -0.0


def _in_observations(log: EpisodeLog, turn: int, one: np.ndarray, other: np.ndarray) -> Verification | None:
    if one.shape != other.shape:
        return _differs(turn, "observations", "columns", "", one.shape[-1], other.shape[-1])
    place = _first_place(one, other)
    if place is None:
        return None
    i, column = place
    names = layout.observation_names(len(log.agents), *log.scenario.shown)
    field = names[column] if len(names) == one.shape[-1] else f"column {column}"
    return _differs(turn, "observations", field, log.agents[i], one[place].item(), other[place].item())


def _first_place(one: np.ndarray, other: np.ndarray) -> tuple[int, ...] | None:
    """Index of the first entry that differs in a bit; NaN equals NaN."""
    differ = one != other
    if one.dtype.kind == "f":
        differ = (differ & ~(np.isnan(one) & np.isnan(other))) | (np.signbit(one) != np.signbit(other))
    places = np.argwhere(differ)
    return tuple(int(index) for index in places[0]) if len(places) else None


def _who(log: EpisodeLog, place: tuple[int, ...]) -> str:
    return " toward ".join(log.agents[i] for i in place)


def _ending(log: EpisodeLog) -> str:
    return "terminated" if log.terminated else "truncated" if log.truncated else "not at its end"


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    sentence = getattr(value, "sentence", None)
    return f"'{sentence}'" if sentence is not None else repr(value) if isinstance(value, float) else str(value)


def _versions_note(logged: dict[str, str], differs: bool) -> str:
    """Which versions are others than here: of the game always, of what runs it where the outcome differs."""
    names = [name for name, here in versions_here().items() if logged.get(name) != here]
    if not differs:
        names = [name for name in names if name in ("sd_env", "rules")]
    here = versions_here()
    changed = ", ".join(f"{name} {logged.get(name, 'unknown')} then and {here[name]} now" for name in names)
    return f" ({changed})" if changed else ""
