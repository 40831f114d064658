"""The README's first pictures: the replay of a policy of a run, as a browser shows it, and the run's phase diagram.

``python -m tools.readme_picture RUN`` takes a finished run's folder, photographs one of its telling episodes, copies
its map, and writes into the README what they show and what the policy's certificate says: that it is certified, or why
it is not.
It needs chromium, and reaches no host.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agents.evaluation.report import open_question
from agents.files import copy_whole, write_text
from agents.pages.episodes import FOLDER, INDEX
from agents.pages.folders import RUN, PageError, read, records_of
from agents.pages.of_runs import certificate_words
from agents.pictures.maps import PHASE
from agents.publish.marked import marked
from sd_env.errors import RefusedError
from sd_env.record import read_log

ROOT: Final = Path(__file__).parents[1]
#: What stands in the README before and after what is written, and where the pictures are.
BEGIN, END = "<!-- pictures: python -m tools.readme_picture RUN -->", "<!-- end of the pictures -->"
REPLAY, MAP = "docs/assets/replay.png", "docs/assets/phase.png"
#: Kinds of episodes, the most telling first.
KINDS: Final = ("most tragic war", "show of force that backfired", "longest fighting", "best cooperation")
SIZE: Final = (1280, 800)


class ReadmeError(RefusedError):
    """Pictures that cannot be made: one sentence."""


@dataclass(frozen=True)
class Shown:
    """The episode that is shown.

    Attributes:
        page: its replay.
        turn: the turn at which it stands.
        words: what it is and what its policy's certificate says, Markdown.
    """

    page: Path
    turn: int
    words: str


def chosen(run: Path, world: str | None = None, kind: str | None = None, turn: int | None = None) -> Shown:
    """The episode of a run that is shown: of a certified policy, if there is one.

    Args:
        run: folder of a finished run.
        world: which; default the first that stands, else the first whose policy is certified, else the first.
        kind: of episode; default the most telling that the world has.
        turn: of the episode; default that on which its first war begins, else its first marked one, else its middle.

    Raises:
        ReadmeError, PageError: one sentence.
    """
    found = read(run)
    if found.kind != RUN:
        raise PageError(f"{run} is of a {found.kind}; the folder of a training run is needed.")
    worlds: Mapping[str, Any] = found.report["worlds"]
    records = {(str(each["of"]), str(each["kind"])): each for each in records_of(run / FOLDER / INDEX)}
    told = [name for name in worlds if any(of == name for of, _ in records)]
    if world is not None and world not in told:
        raise ReadmeError(f"--world is {world!r:.80}; episodes are kept of {', '.join(told) or 'none'}.")
    if not told:
        raise ReadmeError(f"{run} keeps no episodes, so that there is nothing to show.")
    first = {name: next(iter(worlds[name]["starts"].items())) for name in told}
    best = sorted(told, key=lambda name: (bool(open_question(worlds[name])), not certified(first[name][1])))[0]
    name = world or best
    kinds = [each for each in (*KINDS, *(of for _, of in records)) if (name, each) in records]
    if kind is not None and kind not in kinds:
        raise ReadmeError(f"--episode is {kind!r:.80}; of {name} there are {', '.join(dict.fromkeys(kinds))}.")
    record = records[name, kind or kinds[0]]
    page = run / FOLDER / f"{record['name']}.html"
    log = read_log(run / FOLDER / f"{record['name']}.jsonl")
    if turn is not None and not 0 <= turn <= log.turns:
        raise ReadmeError(f"--turn is {turn}; 0 to {log.turns} is allowed.")
    path, start = first[name]
    at = _moment(page, log.turns) if turn is None else turn
    beginning = f", from the start {path}" if path else ""
    verdict = (
        "Not certified" if not certified(start) else "Certified, not settled" if start["unsettled"] else "Certified"
    )
    words = (
        f"*Turn {at} of {log.turns} of an episode, as its replay shows it: the {record['kind']} of the policy that "
        f"training {found.title} has learned in the world {name}{beginning}, with seed {start['seeds'][0]}. "
        f"**{verdict}.** {certificate_words(start)} "
        f"Written by `python -m tools.readme_picture`.*"
    )
    return Shown(page, at, words)


def certified(start: Mapping[str, Any]) -> bool:
    """Whether the policies of a way to begin are certified, by the certificates in the run's report."""
    return bool(start["certificates"]) and not start["uncertified"]


def _moment(page: Path, turns: int) -> int:
    """The turn on which a replay's first war begins, else the first that it marks, else its middle."""
    held = re.search(r'<script id="data" type="application/json">(.*?)</script>', page.read_text(encoding="utf-8"))
    moments = json.loads(held[1])["moments"] if held else []
    wars = [each for each in moments if str(each["text"]).startswith("War begins")]
    return int((wars or moments)[0]["turn"]) if moments else turns // 2


def photograph(shown: Shown, picture: Path) -> None:
    """Take a picture of a replay as chromium shows it.

    Raises:
        ReadmeError: without chromium, or if it makes none.
    """
    chromium = shutil.which("chromium")
    if chromium is None:
        raise ReadmeError("chromium is not installed, which takes the picture: apt-get install chromium.")
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch) / "replay.png"
        command = [
            chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
            "--force-device-scale-factor=1", "--force-prefers-reduced-motion", "--virtual-time-budget=2000",
            "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={scratch}/profile",
            f"--window-size={SIZE[0]},{SIZE[1]}", f"--screenshot={made}",
            f"{shown.page.resolve().as_uri()}#turn={shown.turn}",
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        if not made.is_file():
            raise ReadmeError(f"chromium made no picture: {done.stderr.strip()[-200:] or 'it said nothing'}.")
        picture.parent.mkdir(parents=True, exist_ok=True)
        copy_whole(made, picture)


def written(readme: str, shown: Shown, title: str, phase: bool) -> str:
    """The README with the pictures and what they show, between :data:`BEGIN` and :data:`END`.

    Args:
        readme: as it stands.
        shown: the episode.
        title: of the run.
        phase: whether there is a map.

    Raises:
        MarkError: for a README without the two marks.
    """
    parts = [
        f"![Two states on one turn of a replay: arms, alliances, signals, attacks, beliefs]({REPLAY})",
        shown.words,
    ]
    if phase:
        parts += [
            f"![Offensive advantage across, distinguishability up, thresholds and outcomes]({MAP})",
            f"*The worlds of training {title} on the map of the model: Jervis's two variables, where the thresholds of "
            "trust lie on them, and how each world ended. Filled: settled and certified; hatched: starts or seeds "
            "differ.*",
        ]
    return marked(readme, BEGIN, END, "\n\n".join(parts), "README.md")


def main(argv: list[str] | None = None) -> int:
    """Command line; returns 0, or 2 with a sentence."""
    parser = argparse.ArgumentParser(prog="python -m tools.readme_picture", description=__doc__.partition("\n")[0])
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of a finished training run")
    parser.add_argument("--world", metavar="NAME", help="default: one whose policy is certified, if there is one")
    parser.add_argument("--episode", metavar="KIND", help=f"default the first that there is of: {', '.join(KINDS)}")
    parser.add_argument("--turn", type=int, metavar="T", help="default that on which its first war begins")
    parser.add_argument("--root", type=Path, default=ROOT, metavar="DIR", help="where README.md and docs/assets are")
    arguments = parser.parse_args(argv)
    readme = arguments.root / "README.md"
    try:
        shown = chosen(arguments.run, arguments.world, arguments.episode, arguments.turn)
        phase = arguments.run / f"{PHASE}.png"
        text = written(readme.read_text(encoding="utf-8"), shown, read(arguments.run).title, phase.is_file())
        photograph(shown, arguments.root / REPLAY)
    except (RefusedError, OSError) as error:
        print(f"python -m tools.readme_picture: {error}", file=sys.stderr)
        return 2
    if phase.is_file():
        copy_whole(phase, arguments.root / MAP)
    write_text(readme, text)
    print(shown.words)
    return 0


if __name__ == "__main__":
    sys.exit(main())
