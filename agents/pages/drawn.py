"""The pictures of a folder of finished work, made from its records: PNG, and SVG beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd

from agents.evaluation.certify import ALLOWED
from agents.evaluation.outputs import ECOLOGY, PAYOFFS, RANKING
from agents.evaluation.report import open_question
from agents.evaluation.threshold import plain
from agents.files import read_table
from agents.pages.folders import (
    ABLATION,
    CERTIFICATE,
    CHALLENGES,
    CROSSPLAY,
    ESCALATION,
    EXPLOITATION,
    TOURNAMENT,
    Finished,
)
from agents.pages.numbers import named
from agents.pages.of_members import members_of
from agents.pictures import curves, maps, members, plays, responses
from agents.pictures.episodes import PictureError
from agents.pictures.style import Caption
from agents.training.job import Job
from sd_env.scenario import Scenario, ScenarioError

#: Names of pictures in a folder, without their endings.
ABLATED, RESPONSES, GAINS, SCORES, CURVES = "ablation", "responses", "gains", "scores", "four_worlds"


def draw(of: Finished) -> None:
    """Draw what a folder's page shows; nothing for work of which there is no picture, and experiments draw their own.

    Args:
        of: the folder, but a run's, which has :func:`draw_run`.
    """
    if of.kind in _DRAW:
        _DRAW[of.kind](of)


def draw_run(of: Finished, done: list[Job]) -> None:
    """Draw a run's curves, its rounds, and a map of the most worlds that differ in Jervis's two variables alone.

    Args:
        of: the run's folder.
        done: its finished jobs, one at least.
    """
    names = dict.fromkeys(job.choice.name for job in done)
    files = {
        name: [job.folder / "progress.csv" for job in done if job.choice.name == name and job.path == done[0].path]
        for name in names
    }
    curves.draw(files, of.folder / f"{CURVES}.png", of.title)
    _members(of, done)
    scenarios = {job.choice.name: job.scenario() for job in done if job.choice.name in of.scenarios}
    groups = maps.maps(scenarios)
    if not groups:
        return
    points = []
    for name in groups[0]:
        world, technology = of.report["worlds"][name], scenarios[name].technology
        outcomes = [each for start in world["starts"].values() for each in start["outcomes"]]
        where = plain(technology.offense_advantage), plain(technology.distinguishability)
        points.append(maps.Point(name, *where, outcomes, not open_question(world)))
    picture = of.folder / f"{maps.PHASE}.png"
    maps.draw(scenarios[groups[0][0]], points, picture, f"{of.title}: the worlds on the map of the model")


def _members(of: Finished, done: list[Job]) -> None:
    """Draw the gaps of a run's rounds and, of the first job of each world, the game among its members."""
    found: dict[str, list[dict[str, dict[int, float]]]] = {}
    for job in done:
        game, gaps = members_of(job.folder)
        if game is None:
            continue
        world = job.choice.name
        if world not in found and job.config.rounds is not None:
            title = f"{of.title}: what members of the rounds earn in {world}, seed {job.seed}"
            members.payoffs(game, of.folder / f"{members.PAYOFFS}_{world}.png", title, job.config.rounds.worlds)
        found.setdefault(world, []).append(gaps)
    if found:
        members.gaps(found, of.folder / f"{members.GAPS}.png", f"{of.title}: what the rounds found")


def draw_tournament(folder: Path, title: str, worlds: int) -> None:
    """Draw who earns what against whom, and who spreads, from the tables of a tournament.

    Args:
        folder: with them.
        title: of the scenario.
        worlds: a seed and seating.
    """
    ranked = read_table(folder / f"{RANKING}.csv")
    matrix = read_table(folder / f"{PAYOFFS}.csv", index_col=0)
    best = list(ranked["policy"])
    seeds = plays.over(ranked, "").n
    caption = Caption(seeds, f"{ranked['unit'].iloc[0]}, {worlds} worlds a seed and seating", "", "means")
    unit = "return of the row's policy"
    plays.heat_map(matrix.loc[best, best], folder / f"{PAYOFFS}.png", f"{title}: pay-offs", unit, caption)
    if (course := folder / f"{ECOLOGY}.csv").is_file():
        name = f"{title}: who spreads when pay-off is offspring"
        plays.shares(read_table(course), folder / f"{ECOLOGY}.png", name)


def _tournament(of: Finished) -> None:
    draw_tournament(of.folder, _title(of), int(of.report["worlds"]))


def _crossplay(of: Finished) -> None:
    matrix = pd.DataFrame(of.report["payoffs"]).T
    matrix = matrix.loc[:, list(matrix.index)].astype(float)
    seeds, worlds = of.report["seeds"], of.report["worlds"]
    caption = Caption(len(seeds), f"seeds, {worlds} worlds a seed and seating", "", "means")
    unit = "return of the row's policy"
    plays.heat_map(matrix, of.folder / f"{PAYOFFS}.png", f"{_title(of)}: cross-play", unit, caption)


def _ablation(of: Finished) -> None:
    table = pd.DataFrame(of.report["differences"])
    plays.ablation(table, of.folder / f"{ABLATED}.png", f"{_title(of)}: {of.report['parameter']}")


def _escalation(of: Finished) -> None:
    table = responses.table_of(of.folder)
    try:
        responses.impulse_responses(table, of.folder / f"{RESPONSES}.png")
    except PictureError:  # nobody was given arms
        return


def _certificate(of: Finished) -> None:
    rows = of.report["certificates"]
    several = len(of.report["policies"])
    found = {(f"{row['state']}, {row['type']}", ""): named(row, "gain") for row in rows}
    caption = (
        Caption(several, "policies", "bars: 95% t interval over policies")
        if several > 1
        else Caption(int(of.report["worlds"]), "worlds", "bars: 95% normal interval over worlds")
    )
    lines = {"nothing gained": 0.0, f"allowed, {ALLOWED:.0%}": ALLOWED}
    label = "gain of the best deviator found, as a share of the own return"
    _intervals(of, GAINS, found, f"{_title(of)}: what beats the policy", label, caption, lines)


def _exploitation(of: Finished) -> None:
    rows = of.report["seats"]
    seeds = max((int(row["count"]) for row in rows), default=0)
    found = {(str(row["state"]), "learned, at least"): named(row, "gap") for row in rows}
    found |= {
        (str(row["state"]), "exact"): named({**row, "low": None, "high": None}, "exact_gap")
        for row in rows
        if row["exact_gap"] is not None
    }
    caption = Caption(seeds, "seeds of learning", "bars: 95% t interval over seeds" if seeds > 1 else "")
    label = "gap to the best response, homeland-incomes an episode"
    _intervals(of, GAINS, found, f"{_title(of)}: what a best response gains", label, caption, {"nothing gained": 0.0})


def _challenges(of: Finished) -> None:
    rows = of.report["challenges"]
    found = {(str(row["challenge"]), str(row["policy"])): named(row, "score") for row in rows}
    caption = plays.over(pd.DataFrame(rows), "bars: 95% {} interval")
    lines = {"random play": 0.0, "the best known": 1.0}
    _intervals(of, SCORES, found, "Scores in challenges", "score", caption, lines)


def _intervals(of: Finished, name: str, found: Mapping[tuple[str, str], Any], *how: Any) -> None:
    if found:
        title, label, caption, lines = how
        plays.intervals(found, of.folder / f"{name}.png", title, label, caption, lines)


def _title(of: Finished) -> str:
    """The scenario's title, or its name where it cannot be had any more."""
    try:
        scenario = Scenario.load(of.report["scenario"], of.report["overrides"])
    except ScenarioError:
        return of.title
    return scenario.title or scenario.name


_DRAW: Final[Mapping[str, Callable[[Finished], None]]] = {
    TOURNAMENT: _tournament, CROSSPLAY: _crossplay, ABLATION: _ablation, ESCALATION: _escalation,
    CERTIFICATE: _certificate, EXPLOITATION: _exploitation, CHALLENGES: _challenges,
}  # fmt: skip
