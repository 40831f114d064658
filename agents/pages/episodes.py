"""The most telling episodes of what was measured, found in the numbers and played again to be looked at.

An episode follows from its scenario, seed, world and players, so that what is shown is one of those that were counted:
the war of security seekers in which most was fought, the peace in which most was gained, and a show of force without
which the one that it was to check would not have attacked.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from agents.evaluation.moments import moments, sentence
from agents.experiments.backfire import backfired
from agents.files import write_json, write_text
from agents.table.interventions import InterventionsLike
from agents.table.play import play, returns_of
from agents.work import file_name
from sd_env.policies import Policy, PolicyError
from sd_env.record import Collector, EpisodeLog, write_log
from sd_env.scenario import Scenario
from sd_env.show.page import Note, page
from sd_env.show.story import Story

#: Their folder, and in it what tells of them.
FOLDER, INDEX = "episodes", "episodes.json"
#: Episodes with a war that are tried for a show of force that backfired.
_TRIED: Final = 4
#: Futures of each turn that are played to find on what a war hung, and wars of an episode up to which that is done.
_FUTURES, _WARS = 32, 4


@dataclass(frozen=True)
class Game:
    """What was played, so that it can be played again: the arguments of :func:`agents.table.play.play`.

    Attributes:
        label: what it is called, for people and files.
        scenario: the game.
        cast: who plays, one a state.
        names: what each is called.
        worlds, seed, episode: which of them.
        interventions: what states are bound to.
        specs: what names the policies of ``cast``, one a state, where it can be named; for counterfactuals.
    """

    label: str
    scenario: Scenario
    cast: Sequence[Policy]
    names: Sequence[str]
    worlds: int
    seed: int
    episode: int = 0
    interventions: InterventionsLike | None = None
    specs: Sequence[str] = ()

    def frame(self) -> pd.DataFrame:
        """Its episodes, one row a world."""
        return self._played(None)

    def logs(self, worlds: Sequence[int]) -> dict[int, EpisodeLog]:
        """The episodes of some of its worlds, by world."""
        collector = Collector(sorted(set(worlds)), policies=self.names)
        self._played(collector)
        return {log.world: log for log in collector.logs}

    def _played(self, recorder: Collector | None) -> pd.DataFrame:
        where: dict[str, Any] = {"worlds": self.worlds, "seed": self.seed, "episode": self.episode}
        return play(self.scenario, self.cast, recorder=recorder, interventions=self.interventions, **where)


@dataclass(frozen=True)
class Chosen:
    """An episode that tells something.

    Attributes:
        kind: why it was chosen.
        log: the episode.
        game: of which it is one.
        notes: on its turns.
    """

    kind: str
    log: EpisodeLog
    game: Game
    notes: Sequence[Note] = ()


def chosen(frame: pd.DataFrame, game_of: Callable[[Hashable], Game], key: str = "game") -> Iterator[Chosen]:
    """The most telling episodes.

    Args:
        frame: rows of :func:`agents.table.play.play`.
        game_of: the game of a row, by what the row has in the column ``key``.
        key: which column that is.
    """
    wanted: dict[str, pd.Series] = {}
    fought = frame[frame["wars"] > 0].sort_values(
        ["tragic_wars", "ss_attacks", "attacks"], ascending=False, kind="stable"
    )
    if len(fought):
        worst = fought.iloc[0]
        wanted["most tragic war" if worst["tragic_wars"] else "longest fighting"] = worst
    calm = frame[(frame["attacks"] == 0) & (frame["land_lost"] == 0)]
    if len(calm):
        best = np.argsort(-np.nanmean(returns_of(calm), axis=1), kind="stable")[0]
        wanted["best cooperation"] = calm.iloc[best]
    tried = fought.iloc[0:0]
    if len(fought):
        tense = fought[fought[key] == fought.iloc[0][key]]
        tried = tense.sort_values("mobilizations", ascending=False, kind="stable").head(_TRIED)
    games = {each[key]: game_of(each[key]) for each in wanted.values()}
    needed = [(each[key], int(each["world"])) for each in [*wanted.values(), *(row for _, row in tried.iterrows())]]
    logs = {which: game.logs([world for mine, world in needed if mine == which]) for which, game in games.items()}
    for kind, row in wanted.items():
        yield _noted(Chosen(kind, logs[row[key]][int(row["world"])], games[row[key]]))
    if len(tried):
        game, candidates = games[tried.iloc[0][key]], [logs[row[key]][int(row["world"])] for _, row in tried.iterrows()]
        yield from _backfire(game, candidates)


def _backfire(game: Game, candidates: Sequence[EpisodeLog]) -> Iterator[Chosen]:
    """The first of some episodes in which a show of force provoked, if there is one."""
    where: dict[str, Any] = {"seed": game.seed, "worlds": game.worlds, "episode": game.episode}
    for log, show in backfired(game.scenario, game.cast, game.interventions or {}, candidates, **where):
        names = list(Story(log).names.values())
        note = Note(
            show.turn,
            f"{names[show.defender]} shows its force; had it neither mobilized nor built on this turn and the next "
            f"ones, {names[show.challenger]} would not have attacked it then.",
        )
        yield _noted(Chosen("show of force that backfired", log, game, [note]))
        return


def _noted(found: Chosen) -> Chosen:
    """With the moments on which its wars hung, where its policies can be had to play its futures."""
    if not 0 < found.log.worlds["wars"][-1] <= _WARS:
        return found
    notes = list(found.notes)
    with suppress(PolicyError):
        hung = moments(found.log, futures=_FUTURES, policies=found.game.specs)
        notes += [Note(moment.turn, sentence(found.log, moment)) for _, each in hung for moment in each]
    return replace(found, notes=notes)


def write(folder: Path, found: Sequence[Chosen]) -> None:
    """Leave episodes in ``folder/episodes``: log and page of each, and ``episodes.json``, which tells of them."""
    where = folder / FOLDER
    where.mkdir(exist_ok=True)
    records = []
    for each in found:
        name = file_name(f"{each.game.label}__{each.kind}".replace(" ", "-"))
        write_log(where / f"{name}.jsonl", each.log)
        write_text(where / f"{name}.html", page(each.log, each.notes))
        closing = [line for line in Story(each.log).closing() if line]
        records.append(
            {
                "name": name, "of": each.game.label, "kind": each.kind, "scenario": each.log.scenario.name,
                "seed": each.log.seed, "world": each.log.world, "episode": each.log.episode, "turns": each.log.turns,
                "worlds": each.game.worlds, "closing": closing, "notes": [note.text for note in each.notes],
            }
        )  # fmt: skip
    write_json(where / INDEX, records)
