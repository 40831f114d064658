"""Games in a file: what they follow from, so that a server that stops and starts again finds each where it was.

SQLite keeps of each lesson its scenario and players, of each game its seed, and of each turn what was chosen and
played. What a state wants is nowhere in it, but follows from the seed; so the file is for the one who runs the server
alone (mode 600).
"""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agents.play.game import PlayError
from sd_env.errors import said
from sd_env.reading import ReadError, read_json

#: Said of a file in which something stands that was never put there.
DAMAGED: Final = "the file of the games is damaged: this one cannot be read from it any more"
#: Of the tables below; another number is another program's file, or another version's.
_VERSION: Final = 0x5DE0001
_TABLES: Final = """
CREATE TABLE host (key TEXT NOT NULL);
CREATE TABLE lessons (
  id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, ask TEXT NOT NULL UNIQUE, scenario TEXT NOT NULL,
  people TEXT NOT NULL, against TEXT NOT NULL, forecasts INTEGER NOT NULL, rules TEXT NOT NULL
);
CREATE TABLE games (
  id INTEGER PRIMARY KEY, lesson INTEGER NOT NULL REFERENCES lessons ON DELETE CASCADE, number INTEGER NOT NULL,
  seed TEXT NOT NULL, ending TEXT NOT NULL UNIQUE
);
CREATE TABLE seats (
  key TEXT PRIMARY KEY, game INTEGER NOT NULL REFERENCES games ON DELETE CASCADE, state INTEGER NOT NULL,
  UNIQUE (game, state)
);
CREATE TABLE choices (
  game INTEGER NOT NULL REFERENCES games ON DELETE CASCADE, turn INTEGER NOT NULL, state INTEGER NOT NULL,
  choices TEXT NOT NULL, forecast TEXT NOT NULL, PRIMARY KEY (game, turn, state)
);
CREATE TABLE turns (
  game INTEGER NOT NULL REFERENCES games ON DELETE CASCADE, turn INTEGER NOT NULL, actions TEXT NOT NULL,
  PRIMARY KEY (game, turn)
);
"""


def new_key() -> str:
    """A secret that nobody guesses: 128 bits, in letters that a link may have."""
    return secrets.token_urlsafe(16)


@dataclass(frozen=True)
class LessonRow:
    """A lesson as it is kept: games of one scenario, made together.

    Attributes:
        id, key: number, and secret of the teacher.
        scenario: as ``Scenario.to_dict`` gives it.
        people: indices of the states that people play.
        against: names of who plays the others.
        forecasts: whether forecasts are asked for.
        rules: fingerprint of the rules by which it is played.
    """

    id: int
    key: str
    scenario: dict[str, Any]
    people: list[int]
    against: list[str]
    forecasts: bool
    rules: str


@dataclass(frozen=True)
class GameRow:
    """A game as it is kept; ``ending``: the secret by which its replay is read once it is over."""

    id: int
    lesson: int
    number: int
    seed: int
    ending: str


@dataclass(frozen=True)
class ChoiceRow:
    """What a person chose."""

    turn: int
    state: int
    choices: list[int]
    forecast: list[list[Any]]


class Store:
    """The file.

    Attributes:
        host: the secret of who runs the server, made with the file.

    Args:
        path: of the file, made if there is none; None keeps everything in memory.

    Raises:
        PlayError: for a file that is no such store, or that cannot be opened.
    """

    def __init__(self, path: Path | None) -> None:
        where = ":memory:" if path is None else os.fspath(path)
        try:
            if path is not None:
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600))
            # one thread at a time uses it, though not always the same one
            self._base = sqlite3.connect(where, isolation_level=None, check_same_thread=False)
            self._base.execute("PRAGMA foreign_keys = ON")
            found = self._one("PRAGMA user_version")[0]
            empty = self._one("SELECT count(*) FROM sqlite_master")[0] == 0
            if found == 0 and empty:
                self._base.execute("PRAGMA journal_mode = WAL")
                with self.together():
                    for each in filter(str.strip, _TABLES.split(";")):
                        self._base.execute(each)
                    self._base.execute("INSERT INTO host VALUES (?)", (new_key(),))
                    self._base.execute(f"PRAGMA user_version = {_VERSION}")
            elif found != _VERSION:
                raise PlayError(f"--data {where!r:.200} is not a file of games of this version of sd-env")
            self.host: str = self._one("SELECT key FROM host")[0]
        except (sqlite3.Error, OSError, ValueError) as error:
            if isinstance(error, PlayError):
                raise
            raise PlayError(f"--data {where!r:.200} cannot be used: {said(error)}") from None

    def close(self) -> None:
        """Close the file."""
        self._base.close()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Within, all or nothing is kept."""
        self._base.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._base.execute("ROLLBACK")
            raise
        self._base.execute("COMMIT")

    def add_lesson(
        self,
        ask: str,
        scenario: dict[str, Any],
        people: Sequence[int],
        against: Sequence[str],
        seeds: Sequence[int],
        forecasts: bool,
        rules: str,
    ) -> LessonRow:
        """Keep a new lesson with one game for each of ``seeds`` and a key for each seat.

        The same ``ask`` again gives the lesson that it made, so that a request that is sent twice makes one.
        """
        if known := self._base.execute("SELECT key FROM lessons WHERE ask = ?", (ask,)).fetchone():
            return self.lesson(known[0])
        key = new_key()
        with self.together():
            made = self._base.execute(
                "INSERT INTO lessons (key, ask, scenario, people, against, forecasts, rules)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (key, ask, *map(json.dumps, (scenario, list(people), list(against))), int(forecasts), rules),
            ).lastrowid
            for number, seed in enumerate(seeds, 1):
                game = self._base.execute(
                    "INSERT INTO games (lesson, number, seed, ending) VALUES (?, ?, ?, ?)",
                    (made, number, str(seed), new_key()),
                ).lastrowid
                rows = [(new_key(), game, state) for state in people]
                self._base.executemany("INSERT INTO seats VALUES (?, ?, ?)", rows)
        return self.lesson(key)

    def lesson(self, key: str) -> LessonRow:
        """The lesson of a teacher's key; KeyError if there is none."""
        return self._lesson("key", key)

    def lesson_of(self, game: GameRow) -> LessonRow:
        """The lesson that a game belongs to."""
        return self._lesson("id", game.lesson)

    def _lesson(self, column: str, value: Any) -> LessonRow:
        columns = "id, key, scenario, people, against, forecasts, rules"
        row = self._one(f"SELECT {columns} FROM lessons WHERE {column} = ?", value)
        scenario, people, against = map(_held, row[2:5], (dict, list, list))
        return LessonRow(row[0], row[1], scenario, people, against, bool(row[5]), row[6])

    def games(self, lesson: LessonRow) -> list[GameRow]:
        """The games of a lesson, in order."""
        found = self._base.execute(f"{_GAMES} WHERE lesson = ? ORDER BY number", (lesson.id,))
        return [_game(row) for row in found]

    def ending(self, key: str) -> GameRow:
        """The game whose replay has this secret; KeyError if there is none."""
        return _game(self._one(f"{_GAMES} WHERE ending = ?", key))

    def seat(self, key: str) -> tuple[GameRow, int]:
        """The game and the state of a guest's key; KeyError if there is none."""
        game, state = self._one("SELECT game, state FROM seats WHERE key = ?", key)
        return _game(self._one(f"{_GAMES} WHERE id = ?", game)), state

    def keys(self, game: GameRow) -> dict[int, str]:
        """The key of each seat of a game, by state."""
        found = self._base.execute("SELECT state, key FROM seats WHERE game = ? ORDER BY state", (game.id,))
        return dict(found.fetchall())

    def turns(self, game: GameRow) -> list[list[list[int]]]:
        """The actions of each turn that was played."""
        found = self._base.execute("SELECT actions FROM turns WHERE game = ? ORDER BY turn", (game.id,))
        return [_held(row[0], list) for row in found]

    def choices(self, game: GameRow) -> list[ChoiceRow]:
        """All that people chose in a game, in the order of turns and states."""
        found = self._base.execute(
            "SELECT turn, state, choices, forecast FROM choices WHERE game = ? ORDER BY turn, state", (game.id,)
        )
        return [ChoiceRow(turn, state, _held(chosen, list), _held(seen, list)) for turn, state, chosen, seen in found]

    def add_choice(self, game: GameRow, choice: ChoiceRow) -> None:
        """Keep what a person chose; what was kept for that turn before stands."""
        self._base.execute(
            "INSERT OR IGNORE INTO choices VALUES (?, ?, ?, ?, ?)",
            (game.id, choice.turn, choice.state, json.dumps(choice.choices), json.dumps(choice.forecast)),
        )

    def add_turn(self, game: GameRow, turn: int, actions: list[list[int]]) -> None:
        """Keep what all did on a turn."""
        self._base.execute("INSERT INTO turns VALUES (?, ?, ?)", (game.id, turn, json.dumps(actions)))

    def forget(self, lesson: LessonRow) -> None:
        """Remove a lesson and all its games from the file."""
        self._base.execute("DELETE FROM lessons WHERE id = ?", (lesson.id,))

    def count(self) -> int:
        """How many games are kept."""
        return int(self._one("SELECT count(*) FROM games")[0])

    def _one(self, query: str, *values: Any) -> Any:
        row = self._base.execute(query, values).fetchone()
        if row is None:
            raise KeyError(query)
        return row


_GAMES: Final = "SELECT id, lesson, number, seed, ending FROM games"


def _game(row: Any) -> GameRow:
    number, lesson, place, seed, ending = row
    if not is_seed(seed):
        raise PlayError(DAMAGED)
    return GameRow(number, lesson, place, int(seed), ending)


def is_seed(given: Any) -> bool:
    """Whether it is a text that means a seed: a browser's numbers end at 2**53."""
    return isinstance(given, str) and given.isascii() and given.isdigit() and len(given) <= 20


def _held(text: Any, kind: type[Any]) -> Any:
    """What a cell holds, of the kind that was put there.

    Raises:
        PlayError: if somebody, or a disk, has changed it.
    """
    try:
        found = read_json(text, "a cell") if isinstance(text, str) else None
    except ReadError:
        found = None
    if not isinstance(found, kind):
        raise PlayError(DAMAGED)
    return found
