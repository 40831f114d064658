"""A training that diverges says so and keeps what it had; a checkpoint that cannot be used is passed over."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch as th

from agents import cli
from agents.training import checkpoint
from agents.training.callbacks import DivergedError
from agents.training.config import TrainingConfig, load_training
from agents.training.job import Job, jobs_of, run_job
from agents.training.logs import Curves, is_whole
from agents.training.players import seat_players

SMALL = {"total_steps": 192, "worlds": 2, "overrides": {"horizon": 4}, "seeds": [1], "torch_threads": 1}


def job(folder: Path, **learner: object) -> Job:
    data = load_training("smoke").model_dump(mode="json") | SMALL
    data["scenarios"] = data["scenarios"][:1]
    data["learner"] |= {"n_steps": 8, "batch_size": 32, **learner}
    data["checkpoint"] = {"every_rollouts": 1, "keep": 3}
    return jobs_of(TrainingConfig.model_validate(data), folder)[0]


def poisoned(steps: int, number: float) -> Callable[[int], None]:
    """Puts a number into the policy's weights once so many steps are done."""

    def report(done: int) -> None:
        if done == steps:
            for learner in LEARNERS:
                next(learner.policy.parameters()).data.fill_(number)

    return report


LEARNERS: list[th.nn.Module] = []


@pytest.fixture(autouse=True)
def learners(monkeypatch: pytest.MonkeyPatch) -> None:
    LEARNERS.clear()
    seat = seat_players

    def seated(*arguments: object) -> object:
        players = seat(*arguments)  # type: ignore[arg-type]
        LEARNERS.extend(players.learners.values())  # type: ignore[arg-type]
        return players

    monkeypatch.setattr("agents.training.job.seat_players", seated)


@pytest.mark.parametrize("number", [np.nan, np.inf, 1e30])
def test_weights_that_are_no_numbers_end_it_and_the_last_good_checkpoint_stays(number: float, tmp_path: Path) -> None:
    broken = job(tmp_path)
    with pytest.raises(DivergedError, match="the learner all has diverged: after .* smaller learner.learning_rate"):
        run_job(broken, poisoned(96, number))
    kept = sorted((broken.folder / "checkpoints").glob("*.json"))
    assert [path.stem[-3:] for path in kept] == ["032", "064"]
    weights = checkpoint.load(kept[-1])["tensors"]["learners"]["all"]["policy"]
    assert all(bool(th.isfinite(each).all()) for each in weights.values())
    assert not broken.result.exists() and not (broken.folder / "policy.sd").exists()


def test_it_ends_by_itself_with_steps_that_are_too_large(tmp_path: Path) -> None:
    with pytest.raises(DivergedError):
        run_job(job(tmp_path, learning_rate=1e30, learning_rate_end=1e30))


def test_the_command_says_so_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = "train --config smoke --total_steps 64 --worlds 2 --seeds 1 --scenarios jervis/intense --workers 1"
    more = "--learner.n_steps 8 --learner.batch_size 32 --learner.learning_rate 1e30 --runs"
    assert cli.main([*words.split(), *more.split(), str(tmp_path)]) == 2
    said = capsys.readouterr()
    failed = next(line for line in said.err.splitlines() if "failed" in line)
    assert failed.startswith("train: job intense__seed1 failed: the learner all has diverged")
    assert "Traceback" not in said.err and "Try again: sd-env train --resume" in said.out


# --- checkpoints that cannot be used --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """A job that was stopped after two checkpoints."""
    stopped = job(tmp_path_factory.mktemp("begun"))

    def stop(steps: int) -> None:
        if steps == 128:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_job(stopped, stop)
    return stopped


def forged(folder: Path, suffix: str, data: bytes) -> None:
    """Put something else into the newest checkpoint, with a digest that fits."""
    newest = sorted(folder.glob("*.json"))[-1]
    newest.with_suffix(f".{suffix}").write_bytes(data)
    meta = json.loads(newest.read_text())
    meta["sha256"][suffix] = hashlib.sha256(data).hexdigest()
    newest.write_text(json.dumps(meta))


def zipped(good: bytes) -> bytes:
    return good[:200] + b"\0" * (len(good) - 400) + good[-200:]


BAD: dict[str, Callable[[Path], None]] = {
    "empty pt": lambda folder: forged(folder, "pt", b""),
    "a bad pickle": lambda folder: forged(folder, "pt", b"\x80\x02}q\x00(X\x01"),
    "pickle's own words": lambda folder: forged(folder, "pt", b"cos\nsystem\n(S'true'\ntR."),
    "half a zip": lambda folder: forged(folder, "npz", zipped(max(folder.glob("*.npz")).read_bytes())),
    "packed rubbish": lambda folder: forged(folder, "npz", b"PK\x03\x04" + zlib.compress(b"x" * 900)),
    "empty npz": lambda folder: forged(folder, "npz", b""),
    "other arrays": lambda folder: (np.savez(folder / "x.npz", a=np.zeros(3)), forged(
        folder, "npz", (folder / "x.npz").read_bytes()), (folder / "x.npz").unlink()),
    "json: empty": lambda folder: max(folder.glob("*.json")).write_text("") and None,
    "json: {}": lambda folder: max(folder.glob("*.json")).write_text("{}") and None,
    "json: a list": lambda folder: max(folder.glob("*.json")).write_text("[]") and None,
    "json: deep": lambda folder: max(folder.glob("*.json")).write_text("[" * 100_000) and None,
    "json: a folder": lambda folder: (max(folder.glob("*.json")).unlink(), (folder / "000000000096.json").mkdir()),
    "a file is gone": lambda folder: max(folder.glob("*.npz")).unlink(),
}  # type: ignore[dict-item]  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_the_checkpoint_before_is_taken(
    what: str, begun: Job, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "checkpoints"
    shutil.copytree(begun.folder / "checkpoints", folder)
    assert [path.stem[-3:] for path in sorted(folder.glob("*.json"))] == ["032", "064", "096"]
    BAD[what](folder)
    with caplog.at_level(logging.WARNING):
        saved = checkpoint.take_up(folder, seat_players(begun.config, begun.scenario(), 1))
    assert saved is not None and saved["num_timesteps"] == 64
    (message,) = caplog.messages
    assert "cannot be used: " in message and message.isprintable() and len(message) < 1000


# --- curves ---------------------------------------------------------------------------------------------------


def test_curves_are_whole_as_they_are_written_and_not_when_anything_else_is_there(tmp_path: Path) -> None:
    curves, path = Curves(tmp_path), tmp_path / "progress.csv"
    assert not is_whole(path)
    curves.write({"a": 1.0}, {}, 1)
    curves.write({"a": float("nan"), "b": 2e-9}, {}, 2)
    curves.close()
    assert is_whole(path)
    text = path.read_bytes()
    for other in (b"", b"{}", b"garbage", b"\xff\x00", text[:-9], text + b"x,1,2\n", text + b"1\n", text + b"1,inf,1\n",
                  b"\0" * 99, text.replace(b"time/", b"")):  # fmt: skip
        path.write_bytes(other)
        assert not is_whole(path), other
    path.unlink()
    path.mkdir()
    assert not is_whole(path)
