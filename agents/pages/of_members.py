"""The section of a run's page on its rounds: gaps, the game among the members, and what solves it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from agents.evaluation.members import TYPES, Members, gaps, read
from agents.pages.elements import Html, picture, small, table
from agents.pages.folders import Finished, as_written, mapping
from agents.pictures.members import GAPS, PAYOFFS
from agents.training.config import job_folder

#: A share below this is not told as a number.
_LEAST: Final = 0.0005


def members_of(job: Path) -> tuple[Members | None, dict[str, dict[int, float]]]:
    """The game among a job's members and the gaps of its rounds; None and none where it had none, or is gone.

    Raises:
        PageError: one sentence for a result that is damaged.
    """
    file = job / "result.json"
    if not file.is_file():
        return None, {}
    result = mapping(file)
    with as_written(file):
        record = result.get("members")
        return (None, {}) if record is None else (read(record), gaps(result["rounds"]))


def rounds_of(of: Finished, worlds: Mapping[str, Any]) -> Iterator[Html]:
    """What the rounds of a run came to; nothing where there were none."""
    if (file := of.folder / f"{GAPS}.png").is_file():
        yield picture(
            file,
            "What the searches of each round found against its policy: a gap is at least so large. A response that "
            "gains more than the config's rounds.gap joins, and the next policy is a mixture with it.",
        )
    for world, entry in worlds.items():
        for path, start in entry["starts"].items():
            for seed in start["seeds"][:1]:  # those of the others are in their jobs' result.json
                game, _ = members_of(job_folder(of.folder, world, path, seed))
                if game is not None:
                    where = " from ".join(filter(None, (world, path)))
                    yield _table(f"{where}, seed {seed}: members and their shares", game)
        if (file := of.folder / f"{PAYOFFS}_{world}.png").is_file():
            yield picture(file, f"{world}: what members earn against one another, by type, of the first seed.")
    if any((of.folder / f"{PAYOFFS}_{world}.png").is_file() for world in worlds):
        yield small(
            "Played: the logit equilibrium against which least was found (McKelvey & Palfrey 1995). Nash: the "
            "equilibrium at the end of Lemke's path, one of maybe several, left out where none is found to 1e-9. "
            "Alpha-rank: how long evolution stays with each (Omidshafiei et al. 2019). The last row is what the best "
            "member earns a type more than the mixture, as a share of its return, by pay-offs that are means of play."
        )


def _table(title: str, game: Members) -> Html:
    solved = game.solutions()
    columns = [(kind, name) for kind in game.occurring for name in solved]
    rows = [
        (f"{k + 1}. {name}", *(_share(solved[how][kind, k]) for kind, how in columns))
        for k, name in enumerate(game.names)
    ]
    gains = {how: game.gain(mixture) for how, mixture in solved.items()}
    rows.append(("the best gains", *(f"{gains[how][kind]:.2%}" for kind, how in columns)))
    return table(title, ("member", *(f"{TYPES[kind]},\n{how}" for kind, how in columns)), rows)


def _share(share: np.floating[Any]) -> str:
    return f"{share:.3f}" if share >= _LEAST else "–"
