"""The zoo: certified policies of a finished run are put into the package, each with its card, and the page is written.

``python -m agents.publish.zoo RUN`` takes a run folder as ``python -m agents.publish.science --only held_back`` leaves
it. A job's policy goes into the zoo if its own certificate holds for both types; of each that does not it is said why.
A policy of the same name is replaced, all others stay; with ``--lacking`` worlds of which the zoo has one get none.
Without a run the page alone is written, from what is there.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from agents import zoo
from agents.evaluation import members
from agents.evaluation.certify import ALLOWED, CERTIFIED, certificates
from agents.evaluation.deeds import Deeds, returns_of_types
from agents.evaluation.tables import records
from agents.evaluation.trained import certificates_of, groups_of
from agents.evaluation.verdict import uncertified
from agents.files import read_table, without_nan, write_json
from agents.policies.bundle_files import MANIFEST
from agents.policies.bundles import LearnedBundle, load_bundle
from agents.policies.mixture import MixedBundle, mix
from agents.publish import zoo_page
from agents.publish.door import through
from agents.publish.results import ResultError, read
from agents.publish.zoo_words import sentences
from agents.strategies.deviators import battery
from agents.table.play import play
from agents.training.config import TrainingConfig, load_training
from agents.training.job import Job, jobs_of
from agents.training.run import results, versions
from agents.work import EPISODES, PLAN, WorkError, described, plan_of
from agents.zoo.cards import FORMAT, VERSION, Card
from sd_env.scenario import Scenario, scenarios

#: Worlds in which the figures of a card are measured, and what is added to the training's seed for theirs.
WORLDS: Final = 1024
MEASURING: Final = 7_000_000


class LeftOut(Exception):
    """Why a job's policy does not go into the zoo, as the end of a sentence."""


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        folder: where it is.
        config: what was trained.
        sha256: digest of the config's file.
        command: that trained it.
        done: the finished jobs.
        results: what each measured, by job.
    """

    folder: Path
    config: TrainingConfig
    sha256: str
    command: str
    done: Sequence[Job]
    results: Mapping[str, Mapping[str, Any]]


def run_at(folder: Path) -> Run:
    """The run in a folder.

    Raises:
        ConfigError: if its config cannot be read.
        ResultError: if it has not been trained to its report, or asked for no certificates.
    """
    path = folder / "config.yaml"
    for needed in (path, folder / "report.json"):
        if not needed.is_file():
            raise ResultError(f"{folder} holds no finished run: it has no {needed.name}.")
    config = load_training(path)
    if config.certificate is None or config.population.mode != "shared":
        raise ResultError(f"{folder} has no certificates: its config asks for none, or several parties learn in it.")
    finished = results(config, folder)
    return Run(
        folder,
        config,
        hashlib.sha256(path.read_bytes()).hexdigest(),
        str(read(folder, "report").get("command", "")),
        [job for job in jobs_of(config, folder) if job.name in finished],
        finished,
    )


def publish(folder: Path, lacking: bool = False) -> list[str]:
    """Put the certified policies of a run into the zoo.

    Args:
        folder: of the run.
        lacking: whether only the first policy of each world is taken of which the zoo has none.

    Returns:
        A sentence for each job: the name of its policy, or why it is left out.

    Raises:
        ConfigError, ResultError: if the folder holds no finished run; nothing has changed then.
    """
    run = run_at(folder)
    told, taken = [], set[str]()
    held = {zoo.card(name).scenario for name in zoo.names()} if lacking else set[str]()
    for job in jobs_of(run.config, folder):
        try:
            if job.choice.scenario in held:
                raise LeftOut(f"the zoo has a policy of {job.choice.scenario}")
            policy, rows = certified(run, job)
            name = zoo.name_of(job.choice.scenario, job.seed)
            if name in taken:
                raise LeftOut(f"{name} is from another start of this run")
            card = put(run, job, name, policy, rows)
        except LeftOut as why:
            told.append(f"{job.name} is left out: {why}.")
        else:
            taken.add(name)
            if lacking:
                held.add(job.choice.scenario)
            told.append(f"{job.name} is {card.name} now, {card.bundle.bytes:,} bytes.")
    return told


def certified(run: Run, job: Job) -> tuple[LearnedBundle, list[dict[str, Any]]]:
    """The policy of a job and its certificates, by seat and type.

    Raises:
        LeftOut: if it is not trained to its end, not of a world of the catalogue, or not certified.
    """
    if job.name not in run.results:
        raise LeftOut("it is not finished, or its files are damaged")
    scenario, name = job.scenario(), job.choice.scenario
    if name not in scenarios():
        raise LeftOut(f"{name} is no world of the catalogue")
    if scenario.fingerprint() != Scenario.load(name).fingerprint():
        raise LeftOut(f"its world is {name} with other values")
    [path] = job.bundles().values()
    rows = certificate_of(run, job, path, scenario)
    if why := uncertified(rows):
        raise LeftOut(f"it is not certified ({why})")
    return lean(load_bundle(path)), rows


def certificate_of(run: Run, job: Job, bundle: Path, scenario: Scenario) -> list[dict[str, Any]]:
    """What the searches against one job's policy found, judged by itself: its interval is that of the worlds' luck.

    Raises:
        LeftOut: if there are no certificates, or they are of another policy.
    """
    folder = certificates_of(run.folder, list(run.done))
    try:
        plan = plan_of(folder)
    except (WorkError, OSError) as error:
        raise LeftOut(f"its certificate cannot be read: {error}".rstrip(".")) from None
    table = folder / f"{EPISODES}.csv"
    if plan is None or not table.is_file():
        raise LeftOut(f"there is no certificate of it in {folder}")
    inputs = plan.get("inputs") if isinstance(plan, dict) else None
    digest = hashlib.sha256((bundle / MANIFEST).read_bytes()).hexdigest()
    if not isinstance(inputs, dict) or digest not in inputs.values():
        raise LeftOut(f"the certificates in {folder} are of another policy, by its {PLAN}")
    group, jobs = next((name, jobs) for name, jobs in groups_of(list(run.done)).items() if job in jobs)
    rows = read_table(table)
    own = rows[(rows["group"] == group) & (rows["member"] == jobs.index(job))]
    return records(certificates(own, scenario)) if len(own) else []


def lean(policy: LearnedBundle) -> LearnedBundle:
    """The same policy without members that nobody draws."""
    if not isinstance(policy, MixedBundle) or (policy.shares.sum(axis=0) > 0).all():
        return policy
    return mix(policy.members, policy.shares, name=policy.name)


def put(run: Run, job: Job, name: str, policy: LearnedBundle, rows: list[dict[str, Any]]) -> Card:
    """Write a policy and its card into the zoo. The card comes last: a policy without one is not there.

    Raises:
        LeftOut: if a type that occurs in the world has no certificate.
    """
    folder = zoo.HOME / name.removeprefix(zoo.PREFIX)
    bundle = folder / zoo.BUNDLE
    figures = measured(policy, MEASURING + job.seed)
    if missing := sorted(set(figures["returns"]) - {row["type"] for row in rows}):
        raise LeftOut(f"nothing was tried against its {missing[0]}")
    (folder / zoo.CARD).unlink(missing_ok=True)
    bundle.parent.mkdir(parents=True, exist_ok=True)
    policy.save(bundle)
    card = {
        "format": FORMAT,
        "version": VERSION,
        "name": name,
        "scenario": job.choice.scenario,
        "fingerprint": job.scenario().fingerprint(),
        "words": sentences(figures["rates"]),
        "training": training_of(run, job, policy),
        "played": figures,
        "certificate": tried(run.config, policy, rows),
        "certified": all(row["verdict"] == CERTIFIED for row in rows),
        "bundle": {
            "bytes": sum(file.stat().st_size for file in bundle.iterdir()),
            "sha256": hashlib.sha256((bundle / MANIFEST).read_bytes()).hexdigest(),
        },
        "versions": versions(),
        "machine": described(),
    }
    found = Card.model_validate(without_nan(card))
    write_json(folder / zoo.CARD, found.model_dump(mode="json"))
    return found


def measured(policy: LearnedBundle, seed: int, worlds: int = WORLDS) -> dict[str, Any]:
    """What the policy earns and does in all seats of fresh worlds, as a card has it.

    Args:
        policy: whose scenario is played.
        seed: of the worlds and of the policy's draws.
        worlds: how many.
    """
    assert policy.scenario is not None, "a bundle has its scenario"
    deeds = Deeds()
    frame = play(policy.scenario, policy, worlds=worlds, seed=seed, recorder=deeds)
    figures = {"worlds": worlds, "seed": seed, "returns": returns_of_types(frame), "rates": deeds.rates()}
    plain: dict[str, Any] = without_nan(figures)
    return plain


def training_of(run: Run, job: Job, policy: LearnedBundle) -> dict[str, Any]:
    """How a policy was trained, as a card has it."""
    result, rounds = run.results[job.name], job.config.rounds
    return {
        "config": run.config.name,
        "sha256": run.sha256,
        "command": run.command,
        "start": job.path,
        "algorithm": job.config.learner.algorithm,
        "seed": job.seed,
        "agent_steps": int(result["agent_steps"]),
        "rounds": max((int(each["round"]) for each in result.get("rounds") or []), default=0),
        "response_steps": rounds.response_steps if rounds else 0,
        "members": _members(result, policy),
    }


def _members(result: Mapping[str, Any], policy: LearnedBundle) -> list[dict[str, Any]]:
    """Who is in a mixture, with the names that its rounds gave them, and their shares."""
    if not isinstance(policy, MixedBundle):
        return []
    game = members.read(result["members"])
    names = [name for name, drawn in zip(game.names, np.sum(game.played, axis=0) > 0, strict=True) if drawn]
    return [
        {"name": name, "seekers": float(seekers), "greedy": float(greedy)}
        for name, (seekers, greedy) in zip(names, policy.shares.T, strict=True)
    ]


def tried(config: TrainingConfig, policy: LearnedBundle, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """What was tried against a policy and what it gained, as a card has it."""
    asked = config.certificate
    assert asked is not None, "the run asked for certificates"
    return {
        "allowed": ALLOWED,
        "scratch": asked.scratch,
        "warm": asked.warm,
        "scripts": sum(1 for _ in battery(policy)),
        "searcher": asked.searcher,
        "steps": asked.steps,
        "worlds": asked.worlds,
        "gaps": rows,
    }


def main(argv: list[str] | None = None) -> int:
    """Command line; returns 0 well, 2 for a folder that holds no finished run, or where the system refuses."""
    prog = "python -m agents.publish.zoo"
    parser = argparse.ArgumentParser(prog=prog, description=(__doc__ or "").splitlines()[0])
    parser.add_argument("runs", nargs="*", type=Path, metavar="RUN", help="run folders; none writes the page alone")
    parser.add_argument("--lacking", action="store_true", help="only worlds of which the zoo has no policy")
    arguments = parser.parse_args(argv)

    def run() -> int:
        for folder in arguments.runs:
            print("\n".join(publish(folder, arguments.lacking)), flush=True)
        zoo_page.write()
        return 0

    return through(prog, run)


if __name__ == "__main__":
    sys.exit(main())
