"""The reference tournament and the reference scores in the challenges: part of ``make science``.

Entrants are every strategy of the registry, random play among them, and the policies that the experiment ``science``
trained in the four worlds, which count as one entrant a world, with the training seed as the unit. Everything is played
by what the commands of users stand on; this only names the entrants and copies what it leaves.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from agents.evaluation.challenges.suite import SEEDS as CHALLENGE_SEEDS
from agents.evaluation.outputs import ECOLOGY, PAYOFFS, RANKING, challenge_outputs, tournament_outputs
from agents.evaluation.report import as_text
from agents.files import copy_whole, write_json, write_text
from agents.pages.drawn import draw_tournament
from agents.policies.registry import names
from agents.training.config import ConfigError
from agents.work import described
from sd_env.scenario import Scenario

#: Worlds of the tournament.
ARENAS: Final = ("jervis/doubly-dangerous", "jervis/intense", "jervis/not-intense", "jervis/doubly-safe")
SEEDS: Final = tuple(range(1, 9))
WORLDS: Final = 16
_COMMAND: Final = "python -m agents.publish.science --only {}"


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


def tournaments(learned: Sequence[str], out: Path, work: Path, smoke: bool, fresh: bool = False) -> None:
    """A round robin of all entrants in each of :data:`ARENAS`.

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
    target = out / "tournament"
    target.mkdir(parents=True, exist_ok=True)
    for arena in ARENAS[:1] if smoke else ARENAS:
        world = arena.rpartition("/")[2]
        folder = work / f"tournament_{world}"
        started = time.monotonic()
        _, shown = tournament_outputs(
            [*entrants, *learned],
            Scenario.load(arena),
            seeds=seeds,
            worlds=2 if smoke else WORLDS,
            out=folder,
            workers=1 if smoke else 0,
            fresh=fresh,
        )
        draw_tournament(folder, Scenario.load(arena).title or arena, 2 if smoke else WORLDS)
        made = heading("Tournament", "tournament", seeds, f"{WORLDS} worlds a seed and seating", started)
        write_text(target / f"{world}.txt", made + as_text(shown))
        for source, name in (
            (f"{RANKING}.csv", f"{world}.csv"),
            (f"{PAYOFFS}.csv", f"{world}_payoffs.csv"),
            (f"{PAYOFFS}.png", f"{world}_payoffs.png"),
            (f"{ECOLOGY}.png", f"{world}_ecology.png"),
        ):
            if (folder / source).exists():
                copy_whole(folder / source, target / name)


def suite(learned: Sequence[str], out: Path, work: Path, smoke: bool, fresh: bool = False) -> None:
    """All entrants in all challenges. Leaves ``challenges.txt`` and ``.json`` in ``out``."""
    entrants = [*(["dove", "hawk"] if smoke else names()), *learned]
    seeds = CHALLENGE_SEEDS[:2] if smoke else CHALLENGE_SEEDS
    small = {"names": ["a-bluffer"], "worlds": 2, "workers": 1} if smoke else {"workers": 0}
    started = time.monotonic()
    report, shown = challenge_outputs(entrants, seeds=seeds, out=work / "challenges", fresh=fresh, **small)
    out.mkdir(parents=True, exist_ok=True)
    made = heading("The challenge suite", "challenges", seeds, "scores 0 = random, 1 = best known", started)
    write_text(out / "challenges.txt", made + as_text(shown))
    about = {"command": _COMMAND.format("challenges"), "policies": entrants, "seeds": list(seeds)}
    write_json(out / "challenges.json", {**about, **report})


def heading(title: str, name: str, seeds: Sequence[int], words: str, started: float) -> str:
    """What made a result: title, command, seeds, machine and time."""
    return (
        f"{title}\n\nCommand: {_COMMAND.format(name)}    seeds: {list(seeds)}    {words}\n"
        f"Machine: {described()}; "
        f"{(time.monotonic() - started) / 60:.1f} minutes; Python {platform.python_version()}\n\n"
    )
