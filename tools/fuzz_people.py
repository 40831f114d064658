"""The doors of the game that people play: the terminal, the server, its file of games (:mod:`tools.fuzz_targets`)."""

from __future__ import annotations

import asyncio
import contextlib
import io
import itertools
import json
import logging
import sqlite3
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from tools.fuzz_answers import CORPUS, Refusal, refusing, written

#: What opens what, in the kept file of games and in requests.
KEYS: Final = {name: f"{name:-<22}" for name in ("host", "lesson", "seat", "ending")}
_HOST: Final = "127.0.0.1:8765"


def play(data: bytes, place: Path) -> None:
    """What somebody types at a game in the terminal."""
    from agents.play.game import Game
    from agents.play.terminal import Terminal
    from sd_env import load_scenario

    def say(text: str) -> None:
        if not all(map(str.isprintable, text.split("\n"))):
            raise AssertionError(f"a line that is not printable: {text[:200]!r}")

    game = Game(load_scenario("games/one-shot", {"horizon": 3}), 1, [0], ["tit-for-tat"])
    lines = io.StringIO(data.decode("utf-8", "replace"))
    with refusing(KeyboardInterrupt):  # type: ignore[arg-type]
        Terminal(game, 0, lines, say, forecasts=len(data) % 2 == 0).play()


@contextlib.contextmanager
def _served(path: Path | None) -> Iterator[Any]:
    """Lessons of a file of games, whatever rules they were begun with."""
    from agents.play import lessons as module
    from agents.play.store import Store

    with patch.object(module, "rules_fingerprint", lambda: "these"):
        store = Store(path)
        try:
            yield module.Lessons(store, ["dove", "tit-for-tat"])
        finally:
            store.close()


def kept_games(path: Path) -> None:
    """Make the file of games of the corpus: a lesson of one game with two people, and a turn of it."""
    from sd_env import load_scenario

    secrets = itertools.chain([KEYS["lesson"], KEYS["ending"], KEYS["seat"], f"{'other':-<22}"], itertools.repeat(""))
    scenario = load_scenario("games/one-shot", {"horizon": 2}).to_dict()
    with _served(path) as lessons, patch("agents.play.store.new_key", lambda: next(secrets)):
        store = lessons.store
        store._base.execute("UPDATE host SET key = ?", (KEYS["host"],))
        store.host = KEYS["host"]
        store.add_lesson("a" * 8, scenario, [0, 1], [], [3], True, "these")
        for key in (KEYS["seat"], f"{'other':-<22}"):
            wish = {"turn": 1, "choices": lessons.seat(key)["defaults"], "forecast": []}
            lessons.act(key, wish)
        store._base.execute("PRAGMA journal_mode = DELETE")
        store._base.execute("PRAGMA page_size = 512")
        store._base.execute("VACUUM")


@cache
def _games_of_the_corpus() -> bytes:
    return (CORPUS / "games" / "kept.sqlite").read_bytes()


#: Cells of the file of games that an input may set.
_CELLS: Final = (
    "lessons.scenario", "lessons.people", "lessons.against", "lessons.forecasts", "games.seed", "games.number",
    "seats.state", "choices.turn", "choices.choices", "choices.forecast", "turns.turn", "turns.actions",
)  # fmt: skip


def _set(path: Path, data: bytes) -> None:
    """Put values into cells of the kept games: a JSON object by table and column, lists and objects as their text."""
    with contextlib.closing(sqlite3.connect(path)) as base, contextlib.suppress(ValueError, sqlite3.Error):
        found = json.loads(data)
        for name in _CELLS:
            if name in found:
                value = found[name]
                given = json.dumps(value) if isinstance(value, (list, dict)) else value
                table, _, column = name.partition(".")
                with contextlib.suppress(OverflowError):  # a number that no cell of the file can hold
                    base.execute(f"UPDATE {table} SET {column} = ?", (given,))  # names of ours
        base.commit()


def games(data: bytes, place: Path) -> None:
    """A file of games, opened by a server, which is asked for all that is in it; or the kept one with other cells."""
    from agents.play.game import PlayError

    path = place / "games.sqlite"
    for suffix in ("-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    refused = ""
    cells = data.startswith(b"{")
    written(_games_of_the_corpus() if cells else data, path)
    if cells:
        _set(path, data)
    with refusing(PlayError), _served(path) as lessons:
        for line, body in (
            ("GET /api/lesson lesson", b""), ("GET /api/lesson.csv lesson", b""), ("GET /api/seat seat", b""),
            ("POST /api/act seat", b'{"turn": 2, "choices": [0, 0, 0, 1], "forecast": [[1, 0, 0.5]]}'),
            ("POST /api/hurry lesson", b'{"game": 1, "turn": 2}'), ("GET /api/lesson.csv lesson", b""),
            (f"GET /replay/{KEYS['ending']} -", b""), ("POST /api/forget lesson", b"{}"),
        ):  # fmt: skip
            try:
                _asked(lessons, line, body)
            except Refusal as refusal:
                refused = refused or str(refusal)
    if refused:
        raise Refusal(refused)


def request(data: bytes, place: Path) -> None:
    """A request to the server: method, path and whose key on the first line, then the body."""
    path = place / "asked.sqlite"
    for suffix in ("-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    line, _, body = data.partition(b"\n")
    with _served(written(_games_of_the_corpus(), path)) as lessons:
        _asked(lessons, line.decode("latin-1"), body)


def _asked(lessons: Any, line: str, body: bytes) -> None:
    """Send a request through guard and server; Refusal where it is refused, and AssertionError where it fails."""
    from agents.play.server import application

    method, path, key = (line.split(" ") + [""] * 3)[:3]
    sent: list[dict[str, Any]] = []
    waiting: Iterable[dict[str, Any]] = iter([{"type": "http.request", "body": body}])

    async def receive() -> dict[str, Any]:
        return next(waiting, {"type": "http.disconnect"})  # type: ignore[call-overload,no-any-return]

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    headers = {"host": _HOST, "content-type": "application/json", "authorization": f"Bearer {KEYS.get(key, key)}"}
    scope = {
        "type": "http", "http_version": "1.1", "method": method, "path": f"/{path.lstrip('/')}", "query_string": b"",
        "root_path": "", "scheme": "http", "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8765),
        "headers": [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()],
        "raw_path": path.encode("latin-1", "replace"),
    }  # fmt: skip
    told = _Told()
    logging.getLogger("agents").addHandler(told)
    try:
        _loop().run_until_complete(application(lessons, [_HOST])(scope, receive, send))  # type: ignore[arg-type]
    finally:
        logging.getLogger("agents").removeHandler(told)
    status = sent[0]["status"]
    answer = b"".join(message.get("body", b"") for message in sent[1:])
    if status == 500:
        raise AssertionError(f"{line!r} is answered with 500: {told.last}")
    if status >= 400 and method != "HEAD":
        raise Refusal(json.loads(answer)["error"])


class _Told(logging.Handler):
    """Keeps the last error that the server told."""

    last = ""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        self.last = f"{record.getMessage()}: {type(error).__name__}: {error}" if error else record.getMessage()


@cache
def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()
