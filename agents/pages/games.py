"""What each kind of finished work has played, as games that can be played again to be looked at."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from agents.escape import cell
from agents.evaluation.players import Chair, players_of, seated
from agents.evaluation.tournament import TREMBLE, noise_of
from agents.experiments.language import Experiment, Setup
from agents.experiments.work import WORLDS_FROM, cast_of, units_of
from agents.pages.episodes import Chosen, Game, chosen
from agents.training.config import TrainingConfig
from agents.training.job import Job, final_cast, jobs_of
from agents.work import EPISODES
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


def of_evaluation(report: Mapping[str, Any], out: Path) -> Iterator[Chosen]:
    """Telling episodes of an evaluation or a tournament, by the episodes that it has counted.

    Args:
        report: its report: what was asked for.
        out: its folder, with ``episodes.csv``.
    """
    frame = pd.read_csv(out / f"{EPISODES}.csv", keep_default_na=False, na_values=["nan", "NaN", ""], low_memory=False)
    noise = dict(report.get("noise", []))
    slips, changed = noise_of(noise)
    scenario = Scenario.load(report["scenario"], {**report["overrides"], **changed})
    trust, seeds, against = bool(report["trust"]), [int(seed) for seed in report["seeds"]], report.get("against")
    players = {cell(each.label): each for each in players_of(report["policies"], scenario, trust=trust)}
    rivals = players_of([against], scenario, trust=trust) if against else []
    players |= {name: each for each in rivals if (name := cell(each.label)) not in players}
    seats = [f"policy_{i}" for i in range(scenario.n_states)]
    evaluated = "training_seed" in frame
    keys = [*seats, "seed", "episode", *(["training_seed", "seat"] if evaluated else [])]
    frame["game"] = frame.groupby(keys, dropna=False, sort=False).ngroup()
    first = frame.groupby("game").first()

    @lru_cache(maxsize=8)
    def game_of(which: Hashable) -> Game:
        row = first.loc[which]
        names = [str(row[seat]) for seat in seats]
        chairs: list[Chair] = []
        for name in names:
            player = players[name]
            if not evaluated:  # members take turns, seed by seed
                chairs.append((player.label, player.member(seeds.index(int(row["seed"])))))
            else:
                mine = name == row["policy"] and row["training_seed"] in player.seeds
                chairs.append((player.label, player.members[player.seeds.index(row["training_seed"]) if mine else 0]))
        return Game(
            label=" and ".join(dict.fromkeys(label for label, _ in chairs)),
            scenario=scenario,
            cast=seated(chairs, slips, trust),
            names=[label for label, _ in chairs],
            worlds=int(report["worlds"]),
            seed=int(row["seed"]),
            episode=int(row["episode"]),
            specs=[] if TREMBLE in noise else [str(spec) for _, spec in chairs],
        )

    yield from chosen(frame, game_of)


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
