"""Whether anything that is tried beats the policies of an experiment, where they were trained.

What policies do says something of the game only if nobody gains by doing otherwise. So the policies of an experiment's
first seed are held against the battery of scripted deviators and learned responses, from each seat that differs, with
all that states are bound to; ``training.certificate`` says how much is tried. A prediction that rests on policies which
something beats by more than 2% of a type's return, or may, is marked *uncertified*, whatever was found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from agents.evaluation.certify import ALLOWED, CERTIFIED, SCRATCH, WARM, certificates, rows_of, search, units_against
from agents.evaluation.predictions import Prediction, mark_uncertified
from agents.evaluation.tables import records
from agents.evaluation.verdict import uncertified
from agents.experiments.work import job_of
from agents.training.job import learners_of_states
from agents.work import Unit, policy_inputs, run_units

#: Folder of the searches.
FOLDER: Final = "certificates"


def certified(units: Sequence[Unit], out: Path, workers: int) -> list[dict[str, Any]] | None:
    """Certificates of the policies of the first seed; None if nobody learned, or nothing is to be tried.

    Args:
        units: of :func:`agents.experiments.work.units_of`, finished.
        out: folder of the experiment: what was searched is kept in it, and not searched again.
        workers: processes; 0 is one a core.

    Returns:
        A row for each training, seat and type: ``policies`` (name of the training), ``cells`` (labels of those in which
        they play), and the columns of :func:`agents.evaluation.certify.certificates`.
    """
    first = units[0].arguments["seed"]
    trained = [unit.arguments for unit in units if unit.arguments["seed"] == first and unit.arguments["training"]]
    games, searches, policies = {}, list[Unit](), list[str]()
    for given in trained:
        job = job_of(given["training"], first, given["folder"], given["name"])
        game, asked, bundles = job.scenario(), job.config.certificate, job.bundles()
        if asked is None:
            return None
        cast = [str(bundles[name]) for name in learners_of_states(job, game)]
        starts = [(SCRATCH, asked.scratch), (WARM, asked.warm)]
        searches += units_against(
            cast, game, group=given["name"], name=f"seed {first}", searches=starts,
            steps=asked.steps, worlds=asked.worlds, searcher=asked.searcher, seed=first,
            interventions=job.config.population.interventions,
        )  # fmt: skip
        games[given["name"]] = game
        policies += cast
    if not searches:
        return None
    folder, inputs = out / FOLDER / f"of-{len(games)}-trainings", policy_inputs(policies)
    rows = run_units(search, searches, folder, workers=workers, title="certify", inputs=inputs)
    cells = {given["name"]: [labels for _, labels, _ in given["cells"]] for given in trained}
    return [
        {"policies": name, "cells": cells[name], **row}
        for name, game in games.items()
        for row in records(certificates(rows_of(rows, name), game))
    ]


def told(rows: Sequence[Mapping[str, Any]] | None) -> str:
    """What was found, in words; ``rows`` as :func:`certified` gives them."""
    if not rows:
        return uncertified([])
    trainings = dict.fromkeys(row["policies"] for row in rows)
    stand = sum(all(row["verdict"] == CERTIFIED for row in rows if row["policies"] == name) for name in trainings)
    most = max(rows, key=lambda row: float(row["gain"]))
    words = f"{stand} of {len(trainings)} policies certified"
    if most["gain"] > ALLOWED:
        words += f"; {most['state']}, {most['type']}, gains {most['gain']:+.1%} ({most['response']})"
    return words


def marked(predictions: Sequence[Prediction], rows: Sequence[Mapping[str, Any]] | None) -> list[Prediction]:
    """Predictions with the mark of what rests on policies that are not certified, but for those with another mark."""
    if not uncertified(rows or []):
        return list(predictions)
    return [each if each.status else mark_uncertified(each, told(rows)) for each in predictions]
