"""What is fuzzed: the doors at which somebody else's words come in, each as a function of bytes.

A door raises :class:`Refusal` with the sentence by which it refuses, or nothing; whatever else it raises is a fault.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib
import io
import itertools
import json
import logging
import shlex
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

ROOT: Final = Path(__file__).parents[1]
CORPUS: Final = ROOT / "tests" / "corpus"


class Refusal(Exception):
    """A door has refused an input with its documented error."""


@contextlib.contextmanager
def _refusing(*errors: type[Exception]) -> Iterator[None]:
    try:
        yield
    except errors as error:
        raise Refusal(str(error)) from error


def _written(data: bytes, path: Path) -> Path:
    path.write_bytes(data)
    return path


def _line(data: bytes) -> str:
    """Bytes as the system hands over a word of a command line."""
    return data.decode("utf-8", "surrogateescape").replace("\x00", "")


# --- files ------------------------------------------------------------------------------------------------------


def _scenario(data: bytes, place: Path) -> None:
    from sd_env import ScenarioError, load_scenario

    with _refusing(ScenarioError):
        load_scenario(_written(data, place / "mine.yaml"))


def _config(data: bytes, place: Path) -> None:
    """A configuration of a training that goes no further, since its device is not there."""
    from agents import cli

    path, nowhere = _written(data, place / "config.yaml"), "cuda:99"
    said = io.StringIO()
    with redirect_stderr(said), redirect_stdout(io.StringIO()):
        code = cli.main(["train", "--config", str(path), "--device", nowhere])
    if code != 2 or nowhere not in said.getvalue():
        raise Refusal(said.getvalue().rstrip("\n") if code == 2 else f"exit code {code}\n")


def _challenge(data: bytes, place: Path) -> None:
    """A challenge, with its residents made."""
    from agents.evaluation.challenges import ChallengeError, load_challenge
    from agents.evaluation.challenges.environments import residents
    from sd_env.policies import PolicyError

    with _refusing(ChallengeError, PolicyError):
        residents(load_challenge(_written(data, place / "mine.yaml")))


def _experiment(data: bytes, place: Path) -> None:
    """An experiment, looked through as it is before its first unit; of large ones a few cells."""
    from agents.experiments import ExperimentError, load_experiment
    from agents.experiments.language import Experiment
    from agents.experiments.work import check
    from agents.training.config import ConfigError
    from sd_env.policies import PolicyError

    cells = Experiment.cells
    with _refusing(ExperimentError, ConfigError, PolicyError):
        found = load_experiment(_written(data, place / "mine.yaml"))
        with patch.object(Experiment, "cells", lambda self: cells(self)[:4]):
            check(found)


def _log(data: bytes, place: Path) -> None:
    """A log, and the same with a digest that fits, as one who made its values up would give it."""
    from sd_env.record import LogError, read_log, verify
    from sd_env.record.files import sealed

    path = _written(data, place / "log.jsonl")
    try:
        read_log(path)
        verify(path)
    except LogError as error:
        refused = error
    else:
        return
    if data.endswith(b'"}\n'):
        path.write_bytes(sealed(data))
        with contextlib.suppress(LogError):
            read_log(path)
            _told(path, len(data))
    raise Refusal(str(refused))


def _told(path: Path, number: int) -> None:
    """Have one of the commands that tell of a log tell of it."""
    page = str(path.with_suffix(".html"))
    words = (["replay", str(path)], ["replay", str(path), "-o", page], ["measure", str(path)], ["explain", str(path)],
             ["verify", str(path)])[number % 5]  # fmt: skip
    with contextlib.suppress(Refusal):
        _command(words)


def _bundle(data: bytes, place: Path) -> None:
    """A manifest; the weights beside it are those of the corpus's own."""
    from agents.policies.bundles import BundleError, load_bundle

    bundle = place / "mine.sd"
    if not bundle.exists():
        bundle.mkdir()
        (bundle / "policy.safetensors").write_bytes((CORPUS / "policy.safetensors").read_bytes())
    _written(data, bundle / "bundle.json")
    with _refusing(BundleError):
        load_bundle(bundle)


def _report(data: bytes, place: Path) -> None:
    """The records of a folder of finished work: its page, and the folder beside another of its kind."""
    from agents.pages.compare import compare, compared_page, shown
    from agents.pages.folders import PageError
    from agents.pages.write import report_page

    mine = place / "mine"
    mine.mkdir(exist_ok=True)
    _written(data, mine / "report.json")
    refused: PageError | None = None
    try:
        report_page(mine)
    except PageError as error:
        refused = error
    for path in sorted((CORPUS / "report").glob("*.json")):
        other = place / path.stem
        if not other.exists():
            other.mkdir()
            _written(path.read_bytes(), other / "report.json")
        with contextlib.suppress(PageError):
            found = compare([mine, other])
            _plain(shown(found))
            compared_page(found)
    if refused is not None:
        raise Refusal(str(refused))


def _plain(shown: Any) -> None:
    from agents.escape import Printable, console

    text = io.StringIO()
    console(file=text, width=200).print(Printable(shown))
    if not all(line.isprintable() for line in text.getvalue().split("\n")):
        raise AssertionError("letters that drive a terminal are shown")


# --- words ------------------------------------------------------------------------------------------------------


def _overrides(data: bytes, place: Path) -> None:
    """A line of ``KEY=VALUE`` words, as the commands take them."""
    _command(["evaluate", "dove", "--scenario", "jervis/intense", "--overrides", *_line(data).splitlines()], load=True)


def _policy(data: bytes, place: Path) -> None:
    """A policy as it is named, made and asked whether it fits."""
    from agents.policies.specs import check_fits, policy_from
    from sd_env import load_scenario
    from sd_env.policies import PolicyError

    spec = _line(data)
    with contextlib.chdir(place), _refusing(PolicyError):
        check_fits(policy_from(spec), load_scenario("jervis/intense"), spec)


#: Commands that are let go on to their work; of the others the words alone are read.
_LIGHT: Final = ("strategies", "verify", "measure", "replay", "explain", "compare")


def _argv(data: bytes, place: Path) -> None:
    with contextlib.suppress(ValueError):  # no command line at all
        words = shlex.split(_line(data))
        with contextlib.chdir(place):
            _command(words)


def _command(words: list[str], load: bool = False) -> None:
    """Give a command its words; it goes no further than to its scenario, if that is to be loaded, but for the light."""
    from agents import cli
    from sd_env import load_scenario

    def run(args: argparse.Namespace) -> int:
        if load:
            load_scenario(args.scenario, dict(args.overrides))
        return 0

    said, out = io.StringIO(), io.StringIO()
    with contextlib.ExitStack() as stack:
        stack.enter_context(redirect_stderr(said))
        stack.enter_context(redirect_stdout(out))
        if words and words[0] in cli.COMMANDS and words[0] not in _LIGHT:
            module = importlib.import_module(f"agents.commands.{words[0].replace('-', '_')}")
            stack.enter_context(patch.object(module, "run", run))
        code = cli.main(words)
    if code not in (0, 1, 2):
        raise AssertionError(f"exit code {code}")
    shown = out.getvalue()
    if not shown.replace("\n", "").isprintable():
        raise AssertionError(f"letters that drive a terminal are shown: {ascii(shown)[:200]}")
    lines = said.getvalue().splitlines()  # of some commands one an argument
    if code == 2 and not (shown and not lines):  # without a command there is help instead
        raise Refusal(next((line for line in lines if not is_fit(line)), lines[-1] if lines else ""))


#: Characters in the longest sentence.
LONGEST: Final = 1000


def is_fit(text: str) -> bool:
    """Whether it is a sentence to show anybody: one line, of letters that drive no terminal, and not too long."""
    return 0 < len(text) <= LONGEST and text.isprintable()


# --- people at the game -----------------------------------------------------------------------------------------

#: What opens what, in the kept file of games and in requests.
KEYS: Final = {name: f"{name:-<22}" for name in ("host", "lesson", "seat", "ending")}
_HOST: Final = "127.0.0.1:8765"


def _play(data: bytes, place: Path) -> None:
    """What somebody types at a game in the terminal."""
    from agents.play.game import Game
    from agents.play.terminal import Terminal
    from sd_env import load_scenario

    def say(text: str) -> None:
        if not all(map(str.isprintable, text.split("\n"))):
            raise AssertionError(f"a line that is not printable: {text[:200]!r}")

    game = Game(load_scenario("games/one-shot", {"horizon": 3}), 1, [0], ["tit-for-tat"])
    lines = io.StringIO(data.decode("utf-8", "replace"))
    with _refusing(KeyboardInterrupt):  # type: ignore[arg-type]
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


def _games(data: bytes, place: Path) -> None:
    """A file of games, opened by a server, which is asked for all that is in it; or the kept one with other cells."""
    from agents.play.game import PlayError

    path = place / "games.sqlite"
    for suffix in ("-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    refused = ""
    cells = data.startswith(b"{")
    _written(_games_of_the_corpus() if cells else data, path)
    if cells:
        _set(path, data)
    with _refusing(PlayError), _served(path) as lessons:
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


def _request(data: bytes, place: Path) -> None:
    """A request to the server: method, path and whose key on the first line, then the body."""
    path = place / "asked.sqlite"
    for suffix in ("-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    line, _, body = data.partition(b"\n")
    with _served(_written(_games_of_the_corpus(), path)) as lessons:
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


TARGETS: Final[dict[str, Callable[[bytes, Path], None]]] = {
    "scenario": _scenario, "config": _config, "challenge": _challenge, "experiment": _experiment, "log": _log,
    "bundle": _bundle, "report": _report, "overrides": _overrides, "policy": _policy, "argv": _argv, "play": _play,
    "games": _games, "request": _request,
}  # fmt: skip
