"""What each kind of finished work has played, as games that can be played again to be looked at."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import pandas as pd

from agents.escape import cell
from agents.evaluation import certify, exploit
from agents.evaluation.ablate import BASE, text_of
from agents.evaluation.challenges import challenges, load_challenge
from agents.evaluation.challenges.environments import draw, residents
from agents.evaluation.challenges.suite import fits
from agents.evaluation.crossplay import apart
from agents.evaluation.players import Chair, load, players_of, seated
from agents.evaluation.tournament import TREMBLE, noise_of
from agents.experiments.language import Experiment, Setup
from agents.experiments.work import WORLDS_FROM, cast_of, units_of
from agents.files import read_table
from agents.pages.episodes import Chosen, Game, chosen
from agents.pages.folders import (
    ABLATION,
    CERTIFICATE,
    CHALLENGES,
    CROSSPLAY,
    ESCALATION,
    EVALUATION,
    EXPLOITATION,
    TOURNAMENT,
    Finished,
)
from agents.strategies.deviators import battery
from agents.table.deviation import cast_of as cast_of_deviation
from agents.training.config import TrainingConfig
from agents.training.job import Job, final_cast, jobs_of
from agents.work import EPISODES
from sd_env.policies import name_of
from sd_env.scenario import Scenario


def of_run(config: TrainingConfig, run: Path) -> Iterator[Chosen]:
    """Telling episodes of each world of a run: of its first way to learn, and its first seed that is finished."""
    seen = set()
    for job in jobs_of(config, run):
        if job.choice.name not in seen and job.finished()[0] is not None:
            seen.add(job.choice.name)
            yield from _chosen_of(of_job(job))


def of_job(job: Job) -> Game:
    """The evaluation of a job's final policies, as :func:`agents.training.measure.measure` played it."""
    scenario, settings = job.scenario(), job.config.evaluation
    shared = job.config.population.mode == "shared"
    return Game(
        label=job.choice.name,
        scenario=scenario,
        cast=final_cast(job, scenario),
        names=(job.name,) * scenario.n_states,
        worlds=settings.worlds,
        seed=settings.seed + job.seed,
        interventions=job.config.population.interventions,
        specs=[str(path) for path in job.bundles().values()] if shared else (),
    )


def of_finished(of: Finished) -> Iterator[Chosen]:
    """Telling episodes of what a command has done: of those that it has counted, or of the play that it starts from.

    Where somebody learned what is not kept (best responses, learned searches), the policy alone is shown.
    """
    return _OF[of.kind](of)


def _of_casts(of: Finished) -> Iterator[Chosen]:
    """Of an evaluation, a tournament, cross-play or an ablation, which differ in who takes turns with whom."""
    report = of.report
    frame = _episodes(of, value=str)
    noise = dict(report.get("noise", []))
    slips, changed = noise_of(noise)
    base = Scenario.load(report["scenario"], {**report["overrides"], **changed})
    trust, seeds, against = bool(report["trust"]), [int(seed) for seed in report["seeds"]], report.get("against")
    entrants = players_of(report["policies"], base, trust=trust)
    players = {cell(each.label): each for each in (apart(entrants) if of.kind == CROSSPLAY else entrants)}
    rivals = players_of([against], base, trust=trust) if against else []
    players |= {name: each for each in rivals if (name := cell(each.label)) not in players}
    games = {BASE: base}
    if of.kind == ABLATION:
        games |= {cell(text_of(v)): base.with_overrides({report["parameter"]: v}) for v in report["values"]}
    evaluated = "training_seed" in frame
    keys = [*(["training_seed", "seat"] if evaluated else []), *(["value"] if of.kind == ABLATION else [])]
    seats = [name for name in frame if re.fullmatch(r"policy_\d+", str(name))]
    frame["game"] = frame.groupby([*seats, "seed", "episode", *keys], dropna=False, sort=False).ngroup()
    first = frame.groupby("game").first()

    @lru_cache(maxsize=8)
    def game_of(which: Hashable) -> Game:
        row = first.loc[which]
        value = str(row["value"]) if of.kind == ABLATION else BASE
        scenario = games[value]
        names = [str(row[f"policy_{i}"]) for i in range(scenario.n_states)]
        chairs: list[Chair] = []
        for name in names:
            player = players[name]
            if not evaluated:  # members take turns, seed by seed
                chairs.append((player.label, player.member(seeds.index(int(row["seed"])))))
            else:
                mine = name == row["policy"] and row["training_seed"] in player.seeds
                chairs.append((player.label, player.members[player.seeds.index(row["training_seed"]) if mine else 0]))
        label = " and ".join(dict.fromkeys(label for label, _ in chairs))
        return Game(
            label=label if value == BASE else f"{label}, {report['parameter']} = {value}",
            scenario=scenario,
            cast=seated(chairs, slips, trust),
            names=[label for label, _ in chairs],
            worlds=int(report["worlds"]),
            seed=int(row["seed"]),
            episode=int(row["episode"]),
            specs=[] if TREMBLE in noise else [str(spec) for _, spec in chairs],
        )

    return chosen(frame, game_of)


def _of_challenges(of: Finished) -> Iterator[Chosen]:
    report, frame, trust = of.report, _episodes(of), bool(of.report["trust"])
    frame["game"] = frame.groupby(["challenge", "policy", "training_seed", "seed"], dropna=False, sort=False).ngroup()
    first = frame.groupby("game").first()
    names = {load_challenge(name).name: name for name in report["only"] or challenges()}
    specs = [str(each) for each in report["policies"]]

    @lru_cache(maxsize=8)
    def game_of(which: Hashable) -> Game:
        row = first.loc[which]
        task = load_challenge(names[str(row["challenge"])])
        fitting = [spec for spec in specs if report["only"] or fits(spec, task, trust)]
        player = next(each for each in players_of(fitting, task.game, trust=trust) if cell(each.label) == row["policy"])
        seed = row["training_seed"]
        spec = player.members[player.seeds.index(seed) if seed in player.seeds else 0]
        others = residents(task)
        draw(others, int(row["seed"]), range(int(report["worlds"])))
        focal = load(spec, trust)
        seats = range(task.game.n_states)
        fixed = {seat: options[0].strategy for seat, options in task.cast.items() if len(options) == 1}
        known = len(fixed) == len(others)
        return Game(
            label=f"{player.label} in {task.name}",
            scenario=task.game,
            cast=[focal if seat in task.focal_seats else others[seat] for seat in seats],
            names=[player.label if seat in task.focal_seats else name_of(others[seat]) for seat in seats],
            worlds=int(report["worlds"]),
            seed=int(row["seed"]),
            specs=[str(spec) if seat in task.focal_seats else fixed[seat] for seat in seats] if known else [],
        )

    return chosen(frame, game_of)


def _of_escalation(of: Finished) -> Iterator[Chosen]:
    """Of each policy the play in which nothing is done to anybody, of the first seed."""
    for label, spec in _members(of):
        yield from _chosen_of(_alone(of, label, spec, int(of.report["seeds"][0])))


def _of_exploitation(of: Finished) -> Iterator[Chosen]:
    """Of the policy itself, in the worlds of the first seed, in which the response was measured beside it."""
    label, spec = next(_members(of))
    return _chosen_of(_alone(of, label, spec, exploit.MEASURING + int(of.report["seeds"][0])))


def _of_certificate(of: Finished) -> Iterator[Chosen]:
    """Of the policy itself, and of the scripted deviator that gains most against it, if one of them does."""
    label, spec = next(_members(of))
    game = _alone(of, label, spec, certify.MEASURING + int(of.report["seed"]))
    yield from _chosen_of(game)
    rows = read_table(of.folder / f"{EPISODES}.csv")
    found = rows[(rows["start"] == certify.BATTERY) & (rows["member"] == 0) & (rows["gain"] > 0) & (rows["chosen"] > 0)]
    if len(found):
        best = found.loc[(found["gain"] / found["own"].abs()).idxmax()]
        seat, name = int(best["seat"]), str(best["response"])
        deviator = dict(battery(game.cast[0]))[name]
        yield from _chosen_of(
            replace(
                game,
                label=f"{name}, as {game.scenario.agents[seat]}, against {label}",
                cast=cast_of_deviation(game.scenario, seat, deviator, game.cast[0]),
                names=[name if i == seat else label for i in range(game.scenario.n_states)],
                specs=(),
            )
        )


def _members(of: Finished) -> Iterator[tuple[str, str]]:
    """Name and specification of each policy of a report, training seeds apart."""
    scenario = Scenario.load(of.report["scenario"], of.report["overrides"])
    for player in apart(players_of(of.report["policies"], scenario, trust=bool(of.report["trust"]))):
        yield player.label, str(player.members[0])


def _alone(of: Finished, label: str, spec: str, seed: int) -> Game:
    """A policy in all seats."""
    scenario = Scenario.load(of.report["scenario"], of.report["overrides"])
    cast = [load(spec, bool(of.report["trust"]))] * scenario.n_states
    names, specs = (label,) * scenario.n_states, (spec,) * scenario.n_states
    return Game(label, scenario, cast, names, int(of.report["worlds"]), seed, specs=specs)


def _episodes(of: Finished, **kinds: type) -> pd.DataFrame:
    """What a command has left in ``episodes.csv``; an ablation's ``value`` is a text."""
    kinds = kinds if of.kind == ABLATION else {}
    nothing: dict[str, Any] = {"keep_default_na": False, "na_values": ["nan", "NaN", ""]}
    return read_table(of.folder / f"{EPISODES}.csv", low_memory=False, dtype=kinds or None, **nothing)


def of_experiment(experiment: Experiment, out: Path) -> Iterator[Chosen]:
    """Telling episodes of the first and the last cell of an experiment, of its first seed."""
    seed = experiment.seeds[0]
    cells = [
        (unit, labels, Setup.model_validate(setup))
        for unit in units_of(experiment, out)
        if unit.arguments["seed"] == seed
        for _, labels, setup in unit.arguments["cells"]
    ]
    for k in sorted({0, len(cells) - 1}):
        unit, labels, setup = cells[k]
        scenario = Scenario.load(setup.scenario, setup.overrides)
        game = Game(
            label=", ".join(f"{axis} = {label}" for axis, label in labels.items()),
            scenario=scenario,
            cast=cast_of(unit, setup, scenario),
            names=("",) * scenario.n_states,
            worlds=experiment.worlds,
            seed=WORLDS_FROM + seed,
            interventions=setup.interventions,
        )
        yield from _chosen_of(game)


def _chosen_of(game: Game) -> Iterator[Chosen]:
    """Telling episodes of one game."""
    return chosen(game.frame().assign(game=game.label), lambda _: game)


_OF: Final[Mapping[str, Callable[[Finished], Iterator[Chosen]]]] = {
    EVALUATION: _of_casts, TOURNAMENT: _of_casts, CROSSPLAY: _of_casts, ABLATION: _of_casts,
    CHALLENGES: _of_challenges, ESCALATION: _of_escalation, EXPLOITATION: _of_exploitation,
    CERTIFICATE: _of_certificate,
}  # fmt: skip
