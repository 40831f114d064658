"""The unit of work of an experiment: train the policies of one seed, and measure them in every cell that they serve."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from agents.experiments.backfire import REPLAYS
from agents.experiments.language import (
    TRAINED,
    Cell,
    Experiment,
    ExperimentError,
    Given,
    Setup,
    given_name,
    training_defaults,
)
from agents.experiments.quantities import BACKFIRES, is_given, known, needs_logs, of_frame, of_logs, parts_of
from agents.policies.protocol import Policy
from agents.policies.specs import policy_from
from agents.table.interventions import Interventions
from agents.table.play import play
from agents.training.config import CertificateConfig, ScenarioChoice, TrainingConfig, validated
from agents.work import Unit, policy_inputs
from sd_env.record import Collector
from sd_env.scenario import Scenario

if TYPE_CHECKING:
    from agents.training.job import Job

#: Seeds of evaluation worlds: none that training saw.
WORLDS_FROM: Final = 1_000_003
#: Whose policies a row is of.
OWN, GENERALIST, SCRIPTED = "own", "generalist", "scripted"
#: What makes an experiment smoke-sized: seconds, and numbers that mean nothing.
SMOKE: Final[dict[str, Any]] = {
    "total_steps": 1, "worlds": 8, "learner.n_steps": 8, "learner.batch_size": 32, "learner.n_epochs": 1,
    "rounds": None, "certificate": None,
}  # fmt: skip


def smoke_sized(experiment: Experiment) -> Experiment:
    """The same experiment with as little training and as few worlds as there can be."""
    changed: dict[str, Any] = {"seeds": experiment.seeds[:2], "worlds": 8, "logs": 4}
    if not experiment.scripted:
        changed["training"] = experiment.training | SMOKE
        changed["grid"] = {axis: _without(values) for axis, values in experiment.grid.items()}
    if experiment.generalist is not None:
        changed["generalist"] = experiment.generalist.model_copy(update={"check_training": {}})
    return experiment.model_copy(update=changed)


def _without(values: Any) -> Any:
    """The values of an axis without what some of them say of the size of their training."""
    if not isinstance(values, dict):
        return values
    sizes = {TRAINED + key for key in SMOKE}
    return {label: {k: v for k, v in settings.items() if k not in sizes} for label, settings in values.items()}


def config_of(experiment: Experiment, setup: Setup, seed: int, runs: Path) -> TrainingConfig:
    """The training run of one setup and seed.

    Raises:
        ConfigError: for a setting of ``training`` that there is not, or a value that is not allowed.
        ExperimentError: for a population that has others than learners and a cast, or a cast that does not fit.
    """
    data = training_defaults()
    for key, value in setup.training.items():
        *path, last = key.split(".")
        into: Any = data
        for part in path:
            into = into.get(part)
            if not isinstance(into, dict):
                raise ExperimentError(f"training has {key!r}, which is no setting of a training run.")
        into[last] = value
    data["population"] = {**data["population"], "interventions": setup.interventions or None}
    if experiment.learners:
        game = Scenario.load(setup.scenario, setup.overrides)
        data["population"] |= {"mode": "independent", "cast": _others(setup.cast, game, experiment.learners)}
    choice = ScenarioChoice(scenario=setup.scenario, label="cell", overrides=setup.overrides)
    config = validated(
        TrainingConfig,
        data | {"name": experiment.name, "scenarios": [choice], "overrides": {}, "seeds": [seed], "runs": runs},
    )
    if config.population.mode in ("league", "versus"):
        raise ExperimentError(
            f"training.population.mode is {config.population.mode!r}; shared, independent and roles are allowed."
        )
    return config


def check(experiment: Experiment) -> None:
    """Find what would fail later, before anything is trained.

    Raises:
        ExperimentError: one sentence that names the experiment's key.
        ConfigError: for a training run that cannot be.
    """
    from agents.training.run import check as check_training

    for cell in experiment.cells():
        for setup in {json.dumps(each.model_dump()): each for each in (cell.setup, cell.trained)}.values():
            where = ", ".join(f"{axis} = {label}" for axis, label in cell.labels.items())
            try:
                game = Scenario.load(setup.scenario, setup.overrides)
                Interventions(setup.interventions, game.agents, game.heads)
            except ValueError as error:
                raise ExperimentError(f"experiment {experiment.name}, cell {where}: {error}") from error
            for given, measure in experiment.wanted:
                if not known(measure, game.agents):
                    raise ExperimentError(
                        f"experiment {experiment.name}: {measure!r} is no measure; see docs/experiments.md."
                    )
                for state in given if isinstance(given, dict) else ():
                    if state not in game.agents:
                        raise ExperimentError(
                            f"experiment {experiment.name}: given names {state!r}; states are {', '.join(game.agents)}."
                        )
            if not experiment.scripted:
                check_training(config_of(experiment, setup, experiment.seeds[0], Path("runs")))
            else:
                _scripted(setup.cast, game)


def units_of(experiment: Experiment, out: Path) -> list[Unit]:
    """What is to be done: for each seed and each setup of training, the cells in which its policies play.

    Policies are kept in ``out/policies/``, with checkpoints, so that interrupted training goes on, too.
    """
    served: dict[str, tuple[dict[str, Any] | None, list[tuple[str, Cell]]]] = {}
    for cell in experiment.cells():
        kind = SCRIPTED if experiment.scripted else GENERALIST if experiment.generalist else OWN
        for whose, each in [(kind, cell)] + [(OWN, experiment.own(cell))] * experiment.checked(cell):
            name, training = digest(each.setup.model_dump(mode="json")), None
            if not experiment.scripted:
                name, training = _training_of(each.trained, _config(experiment, each.trained))
            served.setdefault(name, (training, []))[1].append((whose, each))
    asked = {"wanted": experiment.wanted, "worlds": experiment.worlds, "logs": experiment.logs}
    units = []
    for seed in experiment.seeds:
        for name, (training, cells) in served.items():
            arguments = {
                **asked,
                "training": training,
                "cells": [(kind, cell.labels, cell.setup.model_dump(mode="json")) for kind, cell in cells],
                "seed": seed,
                "folder": str(out / "policies"),
                "name": name,
            }
            writes = (str(out / "policies"),) if training else ()
            units.append(Unit(f"{name} seed {seed}", arguments, writes))
    return units


def inputs_of(experiment: Experiment) -> dict[str, str]:
    """Digests of what the experiment reads beside its own file: scenarios, and the strategies of a cast."""
    games = {cell.setup.scenario for cell in experiment.cells()} | {
        cell.trained.scenario for cell in experiment.cells()
    }
    scenarios = {f"the scenario {name}": Scenario.load(name).fingerprint() for name in sorted(games)}
    return scenarios | policy_inputs(sorted({spec for cell in experiment.cells() for spec in cell.setup.cast.values()}))


def _config(experiment: Experiment, setup: Setup) -> TrainingConfig:
    """The training run of a setup, of the first seed."""
    return config_of(experiment, setup, experiment.seeds[0], Path("policies"))


def _training_of(setup: Setup, config: TrainingConfig) -> tuple[str, dict[str, Any]]:
    """The name of a training and its game, and the training as plain data: what changes its policies."""
    training = config.model_dump(mode="json", exclude={"name", "seeds", "runs", "certificate"})
    return digest([training, Scenario.load(setup.scenario, setup.overrides).fingerprint()]), training


def tried(experiment: Experiment) -> dict[str, CertificateConfig | None]:
    """How much is to be tried against the policies of each training of :func:`units_of`, by its name.

    It is no part of the training: who asks for more than before has it searched, and nothing learned anew.
    """
    found: dict[str, CertificateConfig | None] = {}
    for cell in experiment.cells() if not experiment.scripted else ():
        for each in [cell] + [experiment.own(cell)] * experiment.checked(cell):
            config = _config(experiment, each.trained)
            found.setdefault(_training_of(each.trained, config)[0], config.certificate)
    return found


def digest(data: Any) -> str:
    """A short name for plain data: equal data, equal name."""
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:12]


def train_and_measure(
    *,
    wanted: Sequence[tuple[Given, str]],
    worlds: int,
    logs: int,
    training: dict[str, Any] | None,
    cells: Sequence[tuple[str, dict[str, str], dict[str, Any]]],
    seed: int,
    folder: str,
    name: str,
) -> pd.DataFrame:
    """Do a unit: one row a cell, condition and measure: the axes' labels, ``policies, seed, given, measure, value``."""
    from agents.training.job import final_cast

    job = None
    if training is not None:
        from agents.training.job import run_job

        job = job_of(training, seed, folder, name)
        run_job(job)
    rows: list[dict[str, Any]] = []
    for kind, labels, setup in cells:
        where = Setup.model_validate(setup)
        game = Scenario.load(where.scenario, where.overrides)
        seats = _scripted(where.cast, game) if job is None else final_cast(job, game)
        for given, measure, value, episodes in _measured(wanted, game, seats, where, seed, worlds, logs):
            numbers = {"seed": seed, "given": given_name(given), "measure": measure, "value": value}
            rows.append({**labels, "policies": kind, **numbers, "episodes": episodes})
    return pd.DataFrame(rows)


def job_of(training: dict[str, Any], seed: int, folder: str, name: str) -> Job:
    """The job that trains the policies of a unit; arguments as of :func:`train_and_measure`."""
    from agents.training.job import Job

    config = validated(TrainingConfig, {**training, "name": "experiment", "seeds": [seed], "runs": folder})
    return Job(config, config.scenarios[0], seed, Path(folder) / f"{name}__seed{seed}")


def cast_of(unit: Unit, setup: Setup, game: Scenario) -> list[Policy]:
    """Who plays a cell that a finished unit serves: a policy for each state, as it was measured.

    Args:
        unit: of :func:`units_of`.
        setup: of one of its cells.
        game: that cell's scenario.
    """
    from agents.training.job import final_cast

    given = unit.arguments
    if given["training"] is None:
        return _scripted(setup.cast, game)
    return final_cast(job_of(given["training"], given["seed"], given["folder"], given["name"]), game)


def _measured(
    wanted: Sequence[tuple[Given, str]],
    game: Scenario,
    cast: Sequence[Policy],
    setup: Setup,
    seed: int,
    worlds: int,
    logs: int,
) -> list[tuple[Given, str, float, int]]:
    """``given, measure, value, episodes`` of everything that is wanted of one cell."""
    single = [part for _, measure in wanted for part in parts_of(measure)]
    logged = any(needs_logs(part) or part in BACKFIRES for part in single)
    recorder = Collector(range(min(logs, worlds))) if logged else None
    own = {"worlds": worlds, "seed": WORLDS_FROM + seed}
    frame = play(game, cast, recorder=recorder, interventions=setup.interventions, **own)
    greed = frame[[f"greed_{i}" for i in range(game.n_states)]].to_numpy()
    recorded = recorder.logs if recorder else []
    found: dict[tuple[str, str], tuple[float, int]] = {}
    replayed: Mapping[str, float] = {}
    for replay in dict.fromkeys(REPLAYS[part.partition("/")[0]] for part in single if part in BACKFIRES):
        replayed = {**replayed, **replay(game, cast, setup.interventions, recorded, **own)}
    for given in {given_name(given): given for given, _ in wanted}.values():
        asked = [part for each, measure in wanted if each == given for part in parts_of(measure)]
        kept = frame[is_given(given, greed, game.agents)]
        chosen = [log for log in recorded if is_given(given, log.states["greed"][:1], game.agents)[0]]
        of_episodes = of_logs(asked, chosen) if chosen else {}
        for measure in asked:
            if measure in BACKFIRES:
                found[given_name(given), measure] = replayed[measure], len(recorded)
            elif needs_logs(measure):
                found[given_name(given), measure] = of_episodes.get(measure, float("nan")), len(chosen)
            else:
                found[given_name(given), measure] = of_frame(measure, kept, game.agents), len(kept)
    rows = []
    for given, measure in wanted:
        values = [found[given_name(given), part] for part in parts_of(measure)]
        value = values[0][0] - (values[1][0] if len(values) > 1 else 0.0)
        rows.append((given, measure, value, min(episodes for _, episodes in values)))
    return rows


def _scripted(cast: Mapping[str, str], game: Scenario) -> list[Policy]:
    """A strategy of its own for each state."""
    return [policy_from(spec) for spec in _others(cast, game, ()).values()]


def _others(cast: Mapping[str, str], game: Scenario, learners: Sequence[str]) -> dict[str, str]:
    """The strategy of each state that does not learn.

    Raises:
        ExperimentError: naming a state that is none, or has none.
    """
    for what, states, allowed in (("cast", cast, ("all", *game.agents)), ("learners", learners, game.agents)):
        if unknown := [state for state in states if state not in allowed]:
            raise ExperimentError(f"{what} names {unknown[0]!r}; allowed are {', '.join(allowed)}.")
    if both := [state for state in learners if state in cast]:
        raise ExperimentError(f"cast has a strategy for {both[0]}, which is among the learners.")
    others = [agent for agent in game.agents if agent not in learners]
    if not others:
        raise ExperimentError(f"learners are all of {', '.join(game.agents)}; leave learners and cast out, then.")
    if missing := [agent for agent in others if agent not in cast and "all" not in cast]:
        raise ExperimentError(f"cast leaves out {missing[0]}; each state needs a strategy, or all.")
    return {agent: cast.get(agent, cast.get("all", "")) for agent in others}
