"""A finished run of seconds, and a zoo that the publisher made of it."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from agents import zoo
from agents.evaluation import certify, trained
from agents.evaluation.report import write_report
from agents.files import read_table, write_text
from agents.publish import zoo as publisher
from agents.strategies.deviators import battery
from agents.training import oracle, searcher
from agents.training.config import TrainingConfig, load_training
from agents.training.job import jobs_of, run_job
from agents.training.run import results
from agents.work import write_table

CONFIGS = Path(__file__).parents[3] / "configs"
#: Learners of responses for games of seconds.
SMALL = {"n_steps": 8, "batch_size": 64, "net_arch": [8], "n_epochs": 1}
#: Seeds of the run: the certificates say that nothing gains on the first and third, and that the second is beaten.
CERTIFIED, BEATEN, ALSO = 5, 6, 7
WORLD = "zoo/doubly-dangerous-v1"
NAME = f"{WORLD}/seed{CERTIFIED}"


@dataclass(frozen=True)
class Made:
    """What the publisher left: the run, the zoo, and a sentence for each job."""

    run: Path
    home: Path
    told: list[str]


def tiny(**top: object) -> TrainingConfig:
    data = load_training(CONFIGS / "smoke.yaml").model_dump()
    data |= {"name": "tiny", "seeds": [CERTIFIED, BEATEN, ALSO], "scenarios": ["jervis/doubly-dangerous"]}
    data |= {"total_steps": 1, "worlds": 4, "workers": 1, "paths": {"uniform": {}}}
    data["learner"] |= {"networks": "by_type", "n_steps": 8, "batch_size": 64, "net_arch": [8], "n_epochs": 1}
    data["evaluation"] |= {"worlds": 4}
    data["rounds"] = {"most": 1, "quiet": 1, "gap": 1e9, "response_steps": 1, "worlds": 16}
    data["certificate"] = {"scratch": 1, "warm": 1, "steps": 1, "worlds": 64}
    return TrainingConfig.model_validate(data | top)


def train(run: Path, config: TrainingConfig) -> Path:
    """Train all jobs, certify them and write the report, as ``train_and_report`` does in processes of its own."""
    run.mkdir(parents=True)
    write_text(run / "config.yaml", config.to_yaml())
    done = jobs_of(config, run)
    for job in done:
        run_job(job)
    found = trained.certified(config, run, done)
    write_report(run, config.name, [*results(config, run).values()], {}, "sd-env train --config tiny", found)
    return run


def judge(run: Path, done: int, **gains: float) -> None:
    """Put gains of seeds in the place of those that the searches found: shares of the return, each by its member."""
    folder = run / "certificates" / f"of-{done}-policies"
    rows = read_table(folder / "episodes.csv")
    for member, gain in gains.items():
        own = rows["member"] == int(member.removeprefix("member"))
        rows.loc[own, "chosen"] = rows.loc[own, "own"].abs() * 0.01
        rows.loc[own, "chosen_error"] = 0.0
        rows.loc[own, "gain"] = rows.loc[own, "own"].abs() * gain
        rows.loc[own, "error"] = rows.loc[own, "own"].abs() * 0.001
    write_table(pd.DataFrame(rows), folder / "episodes")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    folder = tmp_path_factory.mktemp("zoo")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(searcher, "SEARCHER", searcher.SEARCHER.model_copy(update=SMALL))
        for module in (searcher, oracle):
            patch.setattr(module, "SEARCH_WORLDS", 8)
        for module in (certify, oracle):
            patch.setattr(module, "battery", lambda policy: itertools.islice(battery(policy), 3))
        run = train(folder / "runs" / "tiny", tiny())
        judge(run, 3, member0=0.01, member1=0.5, member2=0.015)
        patch.setattr(zoo, "HOME", folder / "home")
        told = publisher.publish(run)
    yield Made(run, folder / "home", told)


@pytest.fixture
def here(made: Made, monkeypatch: pytest.MonkeyPatch) -> Made:
    """The zoo of the run in the place of the package's."""
    monkeypatch.setattr(zoo, "HOME", made.home)
    return made


@pytest.fixture
def copied(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    """A zoo and a run that a test may change."""
    run = shutil.copytree(made.run, tmp_path / "runs" / "tiny")
    home = shutil.copytree(made.home, tmp_path / "home")
    monkeypatch.setattr(zoo, "HOME", home)
    return Made(run, home, made.told)
