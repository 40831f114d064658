"""(g) Beside others: random play of sd-env and of its peers, observations included, on one core, in turn.

Each peer has an environment and a process of its own (benchmarks/peers), where its games are made and compiled once.
Then all are played in turn, round after round, so that what the machine does meanwhile falls on all of them. A turn
moves all agents of a world; actions were drawn before the clock started; episodes have 32 turns where a game lets one
say so. What a turn works out differs from game to game: the ratios tell what a million turns of it cost, and no more.

A peer that does not install or does not run is a note that says why.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.harness import Report, alternate, one_core
from tools.environments import environment, pinned, ready

ROOT: Final = Path(__file__).parents[1]
ENVIRONMENTS: Final = ROOT / ".venv-peers"
REQUIREMENTS: Final = Path(__file__).parent / "peers" / "requirements"
#: Worlds of those that play many at once.
MANY: Final = 1024
#: Seconds for which each game is played in each round.
ROUND: Final = 0.4


@dataclass(frozen=True)
class Peer:
    """A library whose games are played beside ours.

    Attributes:
        name: what the page calls it.
        adapter: module in `benchmarks.peers`, and file of `requirements` there.
        distribution: whose version is stated.
        games: name of each of its games in the adapter -> worlds of it that are played at once.
        face: which of ours its games are compared with.
        remark: what is known besides where it does not install.
    """

    name: str
    adapter: str
    distribution: str
    games: Mapping[str, int]
    face: str = ""
    remark: str = ""


OURS: Final = Peer(
    "sd-env",
    "sd_env",
    "sd-env",
    {
        "ParallelEnv, 2 states": 1,
        "ParallelEnv, 3 states": 1,
        "World, 2 states": 1,
        "Worlds, 2 states": MANY,
        "Worlds, 3 states": MANY,
    },
)
PEERS: Final = (
    Peer("MPE2", "mpe2", "mpe2", {"simple_spread": 1}, "ParallelEnv"),
    Peer("MOMAland", "momaland", "momaland", {"item_gathering": 1}, "ParallelEnv"),
    Peer("Overcooked-AI", "overcooked", "overcooked_ai", {"cramped_room": 1}, "World"),
    Peer(
        "OpenSpiel",
        "open_spiel",
        "open-spiel",
        {"repeated matrix_pd": 1, "coop_box_pushing": 1, "laser_tag": 1},
        "World",
    ),
    Peer(
        "JaxMARL",
        "jaxmarl",
        "jaxmarl",
        {"coin_game": MANY, "storm_2p": MANY, "overcooked": MANY, "simple_spread": MANY},
        "Worlds",
    ),
    # nobody could write an adapter for what cannot be installed
    Peer(
        "SocialJax",
        "socialjax",
        "socialjaxproject",
        {},
        remark=" The package index does not list it, and a copy of its repository does not build: No file/folder found "
        "for package socialjaxproject.",
    ),
)
_NOTE: Final = "median over the rounds of their ratio"
#: Claims on how many times a peer's world-turns a second ours are.
CLAIMS: Final = {"MPE2 simple_spread": 12.0, "MOMAland item_gathering": 1.0}


class PeerError(RuntimeError):
    """A peer that cannot be played: one sentence, in its own words."""


class Process:
    """A worker, which plays the games of one adapter.

    Args:
        python: of the peer's environment.
        adapter: its module in `benchmarks.peers`.

    Raises:
        PeerError: from each method, if the worker ends or says that something failed.
    """

    def __init__(self, python: Path, adapter: str) -> None:
        command = [str(python), "-m", "benchmarks.peers.worker", adapter]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True
        )
        self._made = 0

    def ask(self, **what: Any) -> dict[str, Any]:
        """Say a line and read one."""
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(what) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise PeerError(f"its process ended with {self._process.wait()}")
        found: dict[str, Any] = json.loads(line)
        if "failed" in found:
            raise PeerError(found["failed"])
        return found

    def make(self, game: str, worlds: int) -> tuple[int, dict[str, Any]]:
        """Make a game; its number, and what it is."""
        found = self.ask(game=game, worlds=worlds)
        self._made += 1
        return self._made - 1, found

    def close(self) -> None:
        """End the worker: it does when there is nothing more to read."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # a line that it did not live to read may still wait to be sent
            self._process.stdin.close()
        self._process.wait()


@contextmanager
def process(python: Path, adapter: str) -> Iterator[Process]:
    """A worker that is ended afterwards."""
    worker = Process(python, adapter)
    try:
        yield worker
    finally:
        worker.close()


@dataclass(frozen=True)
class Played:
    """A game that is ready: how to play it so many times, what it is, and how many times are a round."""

    peer: Peer
    name: str
    worker: Process
    number: int
    worlds: int
    made: dict[str, Any]
    times: int

    def __call__(self) -> float:
        """Seconds of one play, on average over a round."""
        return float(self.worker.ask(play=self.number, times=self.times)["seconds"]) / self.times


def python_of(peer: Peer, making: bool) -> Path:
    """The Python of a peer's environment, made first if that is wanted.

    Raises:
        PeerError: if there is none.
    """
    if peer is OURS:
        return Path(sys.executable)
    requirements, folder = REQUIREMENTS / f"{peer.adapter}.txt", ENVIRONMENTS / peer.adapter
    if not making and not ready(requirements, folder):
        raise PeerError("its environment was not made, and this is no more than a look")
    python, why = environment(requirements, folder)
    if why:
        raise PeerError(f"it does not install: {why}")
    return python


def run(smoke: bool, repeats: int) -> Report:
    """Play sd-env and its peers in turn; with ``smoke`` only those whose environments are there."""
    report = Report("others", "Beside others: random play, observations included, one core")
    peers = (OURS, *PEERS)
    with one_core(not smoke), ExitStack() as stack:
        games = [game for peer in peers for game in games_of(peer, smoke, report, stack)]
        seconds = dict(zip([game.name for game in games], alternate(repeats, *games), strict=True))
    for game in games:
        report.rate(game.name, game.made["turns"], seconds[game.name], "world-turns/s", note=words(game))
    compare(report, games, seconds)
    report.settings = {
        "repeats": repeats,
        "worlds": MANY,
        "versions": {peer.name: pinned(REQUIREMENTS / f"{peer.adapter}.txt", peer.distribution) for peer in PEERS},
        "games": {game.name: game.made | {"worlds": game.worlds} for game in games},
    }
    return report


def games_of(peer: Peer, smoke: bool, report: Report, stack: ExitStack) -> list[Played]:
    """A peer's games, made and ready; what is missing is a note."""
    found: list[Played] = []
    try:
        worker = stack.enter_context(process(python_of(peer, not smoke), peer.adapter))
    except PeerError as error:
        report.notes.append(f"{peer.name}: {error}.{peer.remark}")
        return found
    for game, worlds in peer.games.items():
        try:
            number, made = worker.make(game, min(worlds, 8) if smoke else worlds)
        except PeerError as error:
            report.notes.append(f"{peer.name} {game}: {error}.")
            continue
        seconds = made.pop("seconds")
        times = 1 if smoke else max(round(ROUND / seconds), 1)
        found.append(Played(peer, f"{peer.name} {game}", worker, number, worlds, made, times))
    return found


def words(game: Played) -> str:
    """What a game is, in a few words."""
    worlds = "one world" if game.worlds == 1 else f"{game.worlds:,} worlds"
    return f"{game.made['agents']} agents, {game.made['numbers']} numbers seen by each, {worlds}"


def compare(report: Report, games: Sequence[Played], seconds: dict[str, list[float]]) -> None:
    """Add how many times as many world-turns a second ours plays, by the like face, with as many agents or more."""
    for game in games:
        like = f"{OURS.name} {game.peer.face}, "
        ours = [each for each in games if each.name.startswith(like) and each.made["agents"] >= game.made["agents"]]
        if game.peer is OURS or not ours:
            continue
        our = min(ours, key=lambda each: int(each.made["agents"]))
        rounds = zip(seconds[game.name], seconds[our.name], strict=True)
        times = statistics.median(theirs / mine for theirs, mine in rounds) * our.made["turns"] / game.made["turns"]
        report.ratio(f"{our.name} against {game.name}", times, at_least=CLAIMS.get(game.name), note=_NOTE)
