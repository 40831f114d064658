"""The reference tournament and the reference scores in the challenges: part of ``make science``.

Entrants are every strategy of the registry, random play among them, and the policies that the experiment ``science``
trained in the four worlds, which count as one entrant a world, with the training seed as the unit. Everything is played
by the commands that users have; this only names the entrants and copies what the commands leave.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from agents.cli import main as sd_env
from agents.evaluation.challenges.suite import SEEDS as CHALLENGE_SEEDS
from agents.files import copy_whole, write_text
from agents.machine import described
from agents.policies.registry import names
from agents.training.config import ConfigError

#: Worlds of the tournament.
ARENAS: Final = ("jervis/doubly-dangerous", "jervis/intense", "jervis/not-intense", "jervis/doubly-safe")
SEEDS: Final = tuple(range(1, 9))
WORLDS: Final = 16


def bundles(runs: Path) -> list[str]:
    """Paths of the four-world policies of the newest finished run of ``science`` in the folder ``runs``.

    Raises:
        ConfigError: if there is none.
    """
    for run in sorted(runs.glob("science__*"), key=lambda path: path.name.rpartition("__")[2], reverse=True):
        found = sorted(str(path) for path in run.glob("jobs/*/policy.sd"))
        if found and len(found) == len(list(run.glob("jobs/*"))):
            return found
    raise ConfigError(
        f"runs = {runs} holds no finished run of science: python -m agents.publish.science --only science first."
    )


def tournaments(learned: Sequence[str], out: Path, work: Path, smoke: bool, fresh: bool = False) -> int:
    """A round robin of all entrants in each of :data:`ARENAS`; returns the exit code.

    Leaves ``tournament/<world>.txt``, ``.csv`` (ranking), ``_payoffs.csv``, ``_payoffs.png`` and ``_ecology.png`` in
    ``out``.

    Args:
        learned: paths of bundles.
        out: folder of the results.
        work: folder in which finished work is kept.
        smoke: two strategies, two seeds, one arena.
        fresh: set aside what is kept, and begin anew.
    """
    entrants = ["dove", "hawk"] if smoke else list(names())
    seeds = SEEDS[:2] if smoke else SEEDS
    for arena in ARENAS[:1] if smoke else ARENAS:
        world = arena.rpartition("/")[2]
        folder = work / f"tournament_{world}"
        words = [
            "tournament", *entrants, *learned, "--scenario", arena, "--seeds", *map(str, seeds),
            "--worlds", str(2 if smoke else WORLDS), "--out", str(folder), "--workers", "1" if smoke else "0",
            *["--fresh"] * fresh,
        ]  # fmt: skip
        started = time.monotonic()
        if code := sd_env(words):
            return code
        target = out / "tournament"
        target.mkdir(parents=True, exist_ok=True)
        made = heading("Tournament", "tournament", seeds, f"{WORLDS} worlds a seed and seating", started)
        write_text(target / f"{world}.txt", made + (folder / "table.txt").read_text(encoding="utf-8"))
        for source, name in (
            ("ranking.csv", f"{world}.csv"),
            ("payoffs.csv", f"{world}_payoffs.csv"),
            ("payoffs.png", f"{world}_payoffs.png"),
            ("ecology.png", f"{world}_ecology.png"),
        ):
            if (folder / source).exists():
                copy_whole(folder / source, target / name)
    return 0


def suite(learned: Sequence[str], out: Path, work: Path, smoke: bool, fresh: bool = False) -> int:
    """All entrants in all challenges; returns the exit code. Leaves ``challenges.txt`` and ``.json`` in ``out``."""
    entrants = ["dove", "hawk"] if smoke else list(names())
    seeds = CHALLENGE_SEEDS[:2] if smoke else CHALLENGE_SEEDS
    folder = work / "challenges"
    words = ["challenge", *entrants, *learned, "--seeds", *map(str, seeds), "--out", str(folder), *["--fresh"] * fresh]
    words += ["--worlds", "2", "--workers", "1", "--only", "a-bluffer"] if smoke else ["--workers", "0"]
    started = time.monotonic()
    if code := sd_env(words):
        return code
    out.mkdir(parents=True, exist_ok=True)
    made = heading("The challenge suite", "challenges", seeds, "scores 0 = random, 1 = best known", started)
    write_text(out / "challenges.txt", made + (folder / "table.txt").read_text(encoding="utf-8"))
    copy_whole(folder / "report.json", out / "challenges.json")
    return 0


def heading(title: str, name: str, seeds: Sequence[int], words: str, started: float) -> str:
    """What made a result: title, command, seeds, machine and time."""
    return (
        f"{title}\n\nCommand: python -m agents.publish.science --only {name}    seeds: {list(seeds)}    {words}\n"
        f"Machine: {described()}; "
        f"{(time.monotonic() - started) / 60:.1f} minutes; Python {platform.python_version()}\n\n"
    )
