"""Tang's (2009) components of a security dilemma, measured in every scenario of the catalogue.

For each scenario and seed one policy is trained that plays all states. It plays recorded episodes, and an untrained
strategy plays beside it in the same worlds. The flags of each episode are those of
:func:`sd_env.measures.components`, by the beliefs of the Bayesian filter.
"""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import pandas as pd

from agents import make
from agents.evaluation.statistics import estimate
from agents.files import copy_whole, read_table, write_text
from agents.publish import components_shown as shown
from agents.publish.reference import heading
from agents.publish.results import ResultError
from agents.table.play import play
from agents.training.config import ScenarioChoice, TrainingConfig
from agents.training.job import Job, run_job, trained_policy
from agents.work import Interrupted, Unit, run_units, write_table
from sd_env.layout import Stance
from sd_env.measures import Components, arming, components, filter_beliefs, spiral_index
from sd_env.measures.episode import allows_stance
from sd_env.record import Collector, EpisodeLog
from sd_env.scenario import Scenario, scenarios

#: Who plays all states: the policy trained in the scenario, and the untrained reference.
LEARNED: Final = "learned"
REFERENCE: Final = "bayesian-realist"
POLICIES: Final = (LEARNED, REFERENCE)
FLAGS: Final = tuple(field.name for field in fields(Components))
#: All flags together: a true dilemma.
DILEMMA: Final = "dilemma"
#: Which episodes are counted: all, those in which every state is a security seeker, and those with a malign state.
EPISODES: Final = ("all", "seekers", "malign")

#: Training is shorter than in other experiments, since there are nearly fifty scenarios, with smaller rollouts and
#: batches to make up for some of it.
SEEDS: Final = (1, 2, 3, 4, 5)
STEPS: Final = 200_000
SIZES: Final[dict[str, int]] = {"worlds": 64, "batch_size": 2048}
#: Recorded episodes of a seed; fewer where so many would take more turns than ``TURNS``, but never below ``LEAST``.
RECORDED: Final = 64
TURNS: Final = 2048
LEAST: Final = 16

Row = dict[str, Any]


def config_from(science: TrainingConfig, names: Sequence[str] = ()) -> TrainingConfig:
    """The jobs behind the table: every scenario of the catalogue, with the learner of ``science`` and less training.

    Args:
        science: whose learner it is.
        names: scenarios, if not the whole catalogue.
    """
    data = science.model_dump(mode="json")
    choices = [{"scenario": name, "label": name.replace("/", "__")} for name in names or scenarios()]
    data |= {"name": "components", "scenarios": choices, "overrides": {}, "seeds": list(SEEDS), "total_steps": STEPS}
    data |= {"worlds": SIZES["worlds"]}
    data["learner"] |= {"batch_size": SIZES["batch_size"]}
    data["checkpoint"] |= {"every_rollouts": 100}
    data["evaluation"] |= {"worlds": LEAST}  # of the trainer's own report, which is not used here
    return TrainingConfig.model_validate(data)


def run(config: TrainingConfig, out: Path, episodes: int = RECORDED, *, fresh: bool = False) -> int:
    """Train, play and write ``components.txt``, ``.csv`` and ``.png`` into ``out``; returns the exit code.

    What is finished is kept in ``<runs>/components__<digest of the units>``: the same call goes on from there, unless
    scenarios, rules or anything else that decides the flags has changed.

    Args:
        config: as :func:`experiment_from` gives it, or smaller.
        out: folder of the results.
        episodes: recorded episodes of a seed, at the most.
        fresh: set aside what is kept, and begin anew.

    Raises:
        WorkError: if the folder is in use, or what is kept in it was made by something else.
    """
    started = time.monotonic()
    units = list(units_of(config, episodes))
    games = {choice.scenario: Scenario.load(choice.scenario).fingerprint() for choice in config.scenarios}
    inputs = {f"the scenario {name}": fingerprint for name, fingerprint in games.items()}
    plan = hashlib.sha256(repr([unit.arguments for unit in units]).encode()).hexdigest()[:8]
    folder = config.runs / f"components__{plan}"
    for unit in units:
        unit.arguments["folder"] = str(folder / "jobs")
    try:
        rows = run_units(
            flags_played, units, folder, workers=config.workers, title="components", inputs=inputs, fresh=fresh
        )
    except Interrupted as interrupted:
        print(f"python -m agents.publish.science: {interrupted}", file=sys.stderr)
        return 130
    table = aggregate(rows)
    out.mkdir(parents=True, exist_ok=True)
    learner = config.learner
    words = (
        f"agent-steps a job: {config.total_steps:,}\n"
        f"Learner: that of configs/science.yaml, {config.worlds} worlds, batches of {learner.batch_size}; "
        f"episodes a seed: {shown.span(rows)}; processor time {rows['seconds'].sum() / 60:.1f} minutes"
    )
    made = heading("Components of the security dilemma (Tang 2009)", "components", config.seeds, words, started)
    text = shown.as_table(table)
    write_text(out / "components.txt", made + text)
    write_table(table, out / "components")
    shown.draw(table, out / "components.png", len(config.seeds))
    print(text, end="")
    return 0


def draw_again(out: Path) -> None:
    """Draw ``components.png`` of ``out`` again, from its ``components.csv``.

    Raises:
        ResultError: where there is no table.
    """
    path = out / "components.csv"
    if not path.is_file():
        raise ResultError(f"{path} is not there: nothing is known of which a picture could be drawn.")
    table = read_table(path)
    with TemporaryDirectory() as folder:
        shown.draw(table, Path(folder) / "components.png", int(table["seeds"].max()))
        copy_whole(Path(folder) / "components.png", out / "components.png")


def units_of(config: TrainingConfig, episodes: int) -> Iterator[Unit]:
    """One unit for each seed, scenario and policy, seed by seed so that all scenarios advance together."""
    for seed in config.seeds:
        for choice in config.scenarios:
            horizon = int(np.max(Scenario.load(choice.scenario).horizon))  # of a range, its end
            arguments: Row = {
                "job": job_experiment(config, choice, seed).model_dump(mode="json"),
                "episodes": min(episodes, max(LEAST, TURNS // horizon)),
            }
            for policy in POLICIES:
                yield Unit(f"{choice.name} {policy} seed {seed}", {"policy": policy, **arguments})


def job_experiment(config: TrainingConfig, choice: ScenarioChoice, seed: int) -> TrainingConfig:
    """The experiment of one job, wherever it runs."""
    own = {"scenarios": [choice], "seeds": [seed], "workers": 1, "runs": Path("runs")}
    return config.model_copy(update=own)


def flags_played(job: Row, policy: str, episodes: int, folder: str) -> list[Row]:
    """Train what is to be trained, play recorded episodes in fresh worlds, and give one row an episode.

    Args:
        job: the experiment of one scenario and one seed.
        policy: one of :data:`POLICIES`.
        episodes: how many, one a world.
        folder: of all jobs' files.
    """
    before = time.process_time()
    config = TrainingConfig.model_validate(job)
    [choice], [seed] = config.scenarios, config.seeds
    work = Job(config, choice, seed, Path(folder) / f"{choice.name}__seed{seed}")
    if policy == LEARNED:
        run_job(work)
    player = trained_policy(work) if policy == LEARNED else make(policy)
    collector = Collector()
    play(work.scenario(), player, worlds=episodes, seed=config.evaluation.seed + seed, recorder=collector)
    logs = sorted(collector.logs, key=lambda log: log.world)
    rows = [{"scenario": choice.scenario, "policy": policy, "seed": seed, **flags_of(log)} for log in logs]
    seconds = time.process_time() - before
    return [{**row, "seconds": seconds / len(rows)} for row in rows]


def flags_of(log: EpisodeLog) -> Row:
    """World, turns, flags and whether all hold; and for each flag whether it could have been other than false.

    ``applies_spiral``: the spiral index is defined (four turns, arms that vary). ``applies_arms_up``: some state could
    have built more than age took. ``applies_tragic_result``: the scenario allows to attack. ``applies_self_defeat``:
    both of these. The other flags always apply.
    """
    found = components(log, filter_beliefs(log))
    could_attack, could_arm = allows_stance(log, Stance.ATTACK), bool(arming(log).room.any())
    applies = dict.fromkeys(FLAGS, True) | {
        "arms_up": could_arm,
        "spiral": bool(np.isfinite(spiral_index(log))),
        "self_defeat": could_arm and could_attack,
        "tragic_result": could_attack,
    }
    return {
        "world": log.world,
        "turns": log.turns,
        **{name: getattr(found, name) for name in FLAGS},
        DILEMMA: found.dilemma,
        **{f"applies_{name}": value for name, value in applies.items()},
    }


def aggregate(rows: pd.DataFrame) -> pd.DataFrame:
    """Shares of episodes with each flag, over seeds.

    Args:
        rows: one an episode: ``scenario, policy, seed``, the flags, :data:`DILEMMA` and ``applies_<flag>``.

    Returns:
        A row for each scenario, policy, kind of episodes (those of :data:`EPISODES` that there are) and flag:
        ``scenario, policy, episodes, flag, value, low, high`` (mean over seeds of the seed's share, 95% t interval),
        ``seeds`` (that have such episodes), ``played`` (such episodes of all seeds) and ``applies``, the share of those
        in which the flag applies. Where it applies in none, value and interval are NaN.
    """
    found: list[Row] = []
    for (scenario, policy), group in rows.groupby(["scenario", "policy"], sort=False):
        seekers = group["no_malign_state"].astype(bool)
        for kind, chosen in zip(EPISODES, (group, group[seekers], group[~seekers]), strict=True):
            if chosen.empty:
                continue
            for flag in (*FLAGS, DILEMMA):
                applies = 1.0 if flag == DILEMMA else float(chosen[f"applies_{flag}"].mean())
                shares = chosen.groupby("seed", sort=False)[flag].mean().astype(float).tolist()
                over = estimate(shares if applies else [])
                found.append(
                    {
                        "scenario": scenario,
                        "policy": policy,
                        "episodes": kind,
                        "flag": flag,
                        "value": over.value,
                        "low": over.low,
                        "high": over.high,
                        "seeds": len(shares),
                        "played": len(chosen),
                        "applies": applies,
                    }
                )
    return pd.DataFrame(found)
