"""Whether anything that is tried beats the policies of an experiment, where they were trained.

What policies do says something of the game only if nobody gains by doing otherwise. So the policies of all seeds of an
experiment are held against the battery of scripted deviators and learned responses, from each seat that differs (where
a cast plays some states, from those of the others), with all that states are bound to; ``training.certificate`` says
how much is tried. A prediction that rests on policies which something beats by more than 2% of a type's return, or may,
is marked *uncertified*, whatever was found; it rests on those who play in the cells of which it speaks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, Final

from agents.evaluation.certify import ALLOWED, CERTIFIED, SCRATCH, WARM, certificates, rows_of, search, units_against
from agents.evaluation.predictions import Prediction, mark_uncertified
from agents.evaluation.tables import records
from agents.evaluation.verdict import uncertified
from agents.experiments.language import Expectation, Experiment, Setup
from agents.experiments.work import GENERALIST, OWN, digest, job_of
from agents.training.config import CertificateConfig
from agents.training.job import learners_of_states
from agents.work import Unit, policy_inputs, run_units
from sd_env.scenario import Scenario

#: Folder of the searches.
FOLDER: Final = "certificates"


def certified(
    units: Sequence[Unit], much: Mapping[str, CertificateConfig | None], out: Path, workers: int
) -> list[dict[str, Any]] | None:
    """Certificates of the policies of all seeds; None if nobody learned, or nothing is to be tried.

    Args:
        units: of :func:`agents.experiments.work.units_of`, finished.
        much: how much is tried, by name of the training (:func:`agents.experiments.work.tried`).
        out: folder of the experiment: what was searched is kept in it, and not searched again.
        workers: processes; 0 is one a core.

    Returns:
        A row for each training, seat and type: ``policies`` (name of the training), ``seeds``, ``cells`` (labels of
        those in which they play), ``whose`` (a generalist's, or a cell's own), and the columns of
        :func:`agents.evaluation.certify.certificates`, with intervals over seeds where there are several. A generalist
        has rows over all that it was trained over, and rows in each cell that has policies of its own.
    """
    seeds = list(dict.fromkeys(unit.arguments["seed"] for unit in units))
    trained = [each.arguments for each in units if each.arguments["seed"] == seeds[0] and each.arguments["training"]]
    beside = [labels for given in trained for kind, labels, _ in given["cells"] if kind == OWN]
    games, searches, policies = dict[str, tuple[dict[str, Any], Scenario]](), list[Unit](), list[str]()
    for given, (member, seed) in product(trained, enumerate(seeds)):
        job = job_of(given["training"], seed, given["folder"], given["name"])
        asked, bundles, game = much[given["name"]], job.bundles(), job.scenario()
        if asked is None:
            return None
        scripts, learners = job.config.population.cast or {}, learners_of_states(job, game)
        cast = [str(bundles[learners[k]]) if k in learners else scripts[a] for k, a in enumerate(game.agents)]
        others = [k for k in range(game.n_states) if k not in learners]
        places = _places(given, game, seeds, beside)
        for group, (_, place) in places.items():
            searches += units_against(
                cast, place, others=others, group=group, name=f"seed {seed}", member=member,
                searches=[(SCRATCH, asked.scratch), (WARM, asked.warm)], steps=asked.steps, worlds=asked.worlds,
                searcher=asked.searcher, seed=seed, interventions=job.config.population.interventions,
            )  # fmt: skip
        games |= places
        policies += cast
    if not searches:
        return None
    folder, inputs = out / FOLDER / digest([unit.arguments for unit in searches]), policy_inputs(policies)
    rows = run_units(search, searches, folder, workers=workers, title="certify", inputs=inputs)
    return [
        {**about, **row}
        for group, (about, game) in games.items()
        for row in records(certificates(rows_of(rows, group), game))
    ]


def _places(
    given: Mapping[str, Any], game: Scenario, seeds: Sequence[int], beside: Sequence[Mapping[str, str]]
) -> dict[str, tuple[dict[str, Any], Scenario]]:
    """Where policies of a training are held against others, and what is said of it: where they were trained.

    A generalist's are in each cell ``beside`` it, too, that has policies of its own: what is gained in a corner, the
    mean over the range hides.
    """
    name, cells = given["name"], given["cells"]
    whose = GENERALIST if any(kind == GENERALIST for kind, _, _ in cells) else OWN
    about = {"policies": name, "seeds": list(seeds), "cells": [labels for _, labels, _ in cells], "whose": whose}
    places = {name: (about, game)}
    for _, labels, setup in cells:
        if whose == GENERALIST and labels in beside:
            where = Setup.model_validate(setup)
            own = about | {"cells": [labels]}, Scenario.load(where.scenario, where.overrides)
            places[f"{name} in {digest(labels)}"] = own
    return places


def held(rows: Sequence[Mapping[str, Any]] | None, first: int) -> str:
    """Policies of which seeds were held against others, in words; ``first``: of what is older and does not say so."""
    seeds = next((row["seeds"] for row in rows or [] if "seeds" in row), [first])
    return f"Seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}"


def told(rows: Sequence[Mapping[str, Any]] | None) -> str:
    """What was found, in words; ``rows`` as :func:`certified` gives them. Where a generalist plays, what it is."""
    rows = _played(rows or [])
    if not rows:
        return uncertified([])
    trainings = dict.fromkeys(row["policies"] for row in rows)
    stand = sum(all(row["verdict"] == CERTIFIED for row in rows if row["policies"] == name) for name in trainings)
    most = max(rows, key=lambda row: float(row["gain"]))
    words = f"{stand} of {len(trainings)} policies certified"
    if most["gain"] > ALLOWED:
        words += f"; {most['state']}, {most['type']}, gains {most['gain']:+.1%} ({most['response']})"
    return words


def marked(
    experiment: Experiment, predictions: Sequence[Prediction], rows: Sequence[Mapping[str, Any]] | None
) -> list[Prediction]:
    """Predictions with the mark of what rests on policies that are not certified, but for those with another mark.

    Args:
        experiment: whose they are.
        predictions: judged, in the order in which the experiment has them.
        rows: as :func:`certified` gives them.
    """
    found = []
    for each, wanted in zip(predictions, experiment.predictions, strict=True):
        under = resting(experiment, wanted, rows or [])
        found.append(each if each.status or not uncertified(under) else mark_uncertified(each, told(under)))
    return found


def resting(experiment: Experiment, wanted: Expectation, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The rows of those policies on whose play a prediction rests: of those who play in a cell that it speaks of."""
    needed = [cell.labels for cell in experiment.cells() if any(map(cell.matches, wanted.cells))]
    return [row for row in _played(rows) if any(labels in needed for labels in row["cells"])]


def _played(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The rows of those whose play is measured: not of those beside whom a generalist is put."""
    generalists = [row for row in rows if row.get("whose") == GENERALIST]
    return generalists or list(rows)
