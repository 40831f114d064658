"""Runs that are resumed end as they began: what was changed, damaged or lost is refused by name or made again."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from agents import cli
from agents.commands.train import parse
from agents.policies.bundles import load_bundle
from agents.training.job import _digest
from agents.training.run import begun, new_run, train
from agents.work import identity as identities
from tests.agents.commands.test_train_cli import small


def main(argv: list[str]) -> int:
    return cli.main(["train", *argv])


ONE = [
    *small("192"), "--scenarios", '[{"scenario": "jervis/doubly-safe", "label": "safe"}]', "--seeds", "[1]",
]  # fmt: skip


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of one small job; tests take copies."""
    runs = tmp_path_factory.mktemp("runs")
    assert main([*ONE, "--runs", str(runs)]) == 0
    [run] = runs.iterdir()
    return run


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "run"))


def edited(run: Path, old: str, new: str) -> None:
    text = (run / "config.yaml").read_text()
    assert old in text
    (run / "config.yaml").write_text(text.replace(old, new))


def refused(run: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The sentence with which the run is refused; nothing in it is touched."""
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    capsys.readouterr()
    assert main(["--resume", str(run)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and said.startswith(f"sd-env: --resume {run}: ")
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == before
    return said


def test_a_setting_that_was_edited_before_the_end_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, _ = parse([*ONE, "--runs", str(tmp_path)])
    run = new_run(config)
    edited(run, "learning_rate: 0.001", "learning_rate: 0.5")
    said = refused(run, capsys)
    assert "learner.learning_rate was 0.001 and is 0.5; a run ends as it began: start a new one." in said
    edited(run, "learning_rate: 0.5", "learning_rate: 0.001")
    edited(run, "torch_threads: 1", "torch_threads: 2")
    assert "torch_threads was 1 and is 2" in refused(run, capsys)
    edited(run, "torch_threads: 2", "torch_threads: 1")
    assert not list(run.glob("jobs/*"))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("total_steps: 192", "total_steps: 256", "total_steps was 192 and is 256"),
        ("  horizon: 6", "  horizon: 7", "overrides.horizon was 6 and is 7"),
        ("  horizon: 6", "  horizon: 6\n  continuation: 0.9", "overrides.continuation was null and is 0.9"),
        ("device: cpu", "device: meta", "device"),
    ],
)
def test_a_setting_that_was_edited_after_the_end_is_refused(
    run: Path, old: str, new: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    edited(run, old, new)
    capsys.readouterr()
    assert main(["--resume", str(run)]) == 2
    assert said in capsys.readouterr().err


def test_how_fast_it_is_done_may_change(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.read_bytes() for path in (run / "jobs").rglob("*") if path.is_file()}
    edited(run, "workers: 0", "workers: 1")
    assert main(["--resume", str(run), "--workers", "2"]) == 0
    assert "1 of 1 units were finished before" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in before} == before


def test_other_rules_other_versions_and_older_runs_are_refused(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    read = identities._read

    def altered(file: Path, *stamp: int) -> tuple[str, tuple[tuple[int, str], ...]]:
        digest, imports = read(file, *stamp)
        return ("changed" if file.name == "war.py" else digest), imports

    with monkeypatch.context() as patched:
        patched.setattr(identities, "_read", altered)
        assert "another version of the rules (sd_env/rules/war.py)" in refused(run, capsys)
    plan = json.loads((run / "plan.json").read_text())
    torch = plan["versions"]["torch"]
    (run / "plan.json").write_text(json.dumps(plan | {"versions": plan["versions"] | {"torch": "0.1"}}))
    assert f"torch 0.1 where this is {torch}" in refused(run, capsys)
    (run / "plan.json").write_text("{")
    assert "is not JSON" in refused(run, capsys)
    (run / "plan.json").unlink()
    assert "another version of this program" in refused(run, capsys)


def truncated(job: Path) -> None:
    (job / "result.json").write_bytes((job / "result.json").read_bytes()[:-30])


def emptied(job: Path) -> None:
    (job / "result.json").write_text("")


def hollow(job: Path) -> None:
    (job / "result.json").write_text("{}")


def altered(job: Path) -> None:
    data = json.loads((job / "result.json").read_text())
    data["evaluation"]["learned"]["outcome/attacks"] = 7.0
    (job / "result.json").write_text(json.dumps(data))


def no_policy(job: Path) -> None:
    shutil.rmtree(job / "policy.sd")


def no_manifest(job: Path) -> None:
    (job / "policy.sd" / "bundle.json").unlink()


def other_weights(job: Path) -> None:
    path = job / "policy.sd" / "policy.safetensors"
    path.write_bytes(path.read_bytes()[:-4] + b"\0\0\0\0")


def no_curves(job: Path) -> None:
    (job / "progress.csv").unlink()


def nothing_to_go_on_from(job: Path) -> None:
    shutil.rmtree(job / "policy.sd")
    shutil.rmtree(job / "checkpoints")


DAMAGES = (
    truncated, emptied, hollow, altered, no_policy, no_manifest, other_weights, no_curves, nothing_to_go_on_from,
)  # fmt: skip


def test_what_a_finished_job_has_lost_is_said_and_made_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A job for each way to be damaged, mended in one go: each is named, and ends in the same bytes as before."""
    seeds = json.dumps(list(range(1, len(DAMAGES) + 1)))
    words = [seeds if word == "[1]" else word for word in ONE]
    assert main([*words, "--runs", str(tmp_path)]) == 0
    [run] = tmp_path.iterdir()
    jobs = sorted((run / "jobs").iterdir())
    names = ("progress.csv", "policy.sd/policy.safetensors")

    def kept(job: Path) -> list[object]:
        measured = json.loads((job / "result.json").read_text())["evaluation"]
        return [*((job / name).read_bytes().partition(b"time/fps")[0] for name in names), measured]

    before = [kept(job) for job in jobs]
    for damage, job in zip(DAMAGES, jobs, strict=True):
        damage(job)
    capsys.readouterr()
    assert main(["--resume", str(run)]) == 0
    said = capsys.readouterr().err
    assert "Traceback" not in said
    for damage, job, was in zip(DAMAGES, jobs, before, strict=True):
        assert f"job {job.name}: " in said, damage.__name__
        assert kept(job) == was, damage.__name__
    assert said.count("; it is made again.") == len(DAMAGES)
    assert main(["--resume", str(run)]) == 0
    assert "it is made again" not in capsys.readouterr().err


def made_up(job: Path, **values: object) -> None:
    """Put other values into a job's result, with a digest that fits."""
    found = json.loads((job / "result.json").read_text())
    del found["sha256"]
    found |= values
    (job / "result.json").write_text(json.dumps(found | {"sha256": _digest(found)}))


def test_results_and_bundles_of_other_jobs_are_none_of_this(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As who copies files between run folders has them."""
    assert main([*ONE[:-1], "[2]", "--runs", str(tmp_path / "other")]) == 0
    [job] = (run / "jobs").iterdir()
    [other] = (tmp_path / "other").glob("*/jobs/*")
    weights = job / "policy.sd" / "policy.safetensors"
    before = weights.read_bytes()
    for name, said in (
        ("result.json", "its result.json is of another job"),
        ("policy.sd", f"Bundle {job / 'policy.sd'} is of another training"),
    ):
        if (job / name).is_dir():
            shutil.rmtree(job / name)
            shutil.copytree(other / name, job / name)
        else:
            shutil.copy(other / name, job / name)
        capsys.readouterr()
        assert main(["--resume", str(run)]) == 0
        assert f"{said}; it is made again" in capsys.readouterr().err
        assert weights.read_bytes() == before


@pytest.mark.parametrize("values", [{"evaluation": None}, {"moved": "yes"}, {"evaluation": {"learned": {"a": "x"}}}])
def test_results_that_were_made_up_are_a_sentence(
    values: dict[str, object], run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    [job] = (run / "jobs").iterdir()
    made_up(job, **values)
    capsys.readouterr()
    assert main(["--resume", str(run)]) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith(f"sd-env: {run} holds results that are not as this program writes them (")


@pytest.mark.parametrize("name", ["result.json", "progress.csv", "checkpoints", "policy.sd/bundle.json"])
def test_what_never_ends_is_not_waited_for(name: str, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A pipe in the place of a file of a job, or of its newest checkpoint, from which it would go on."""
    [job] = (run / "jobs").iterdir()
    path = job / name
    if name == "checkpoints":
        (job / "result.json").unlink()
        path = max(path.glob("*.json"))
    path.unlink()
    os.mkfifo(path)
    capsys.readouterr()
    assert main(["--resume", str(run)]) == 0
    assert "made again" in (said := capsys.readouterr().err) or "it is no regular file. The one before is tried" in said


def test_a_folder_in_the_place_of_the_plan_is_a_sentence(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / "plan.json").unlink()
    (run / "plan.json").mkdir()
    assert refused(run, capsys) == f"sd-env: --resume {run}: its plan.json cannot be read: Is a directory.\n"


def test_a_folder_in_the_place_of_a_result_is_a_sentence(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [job] = (run / "jobs").iterdir()
    (job / "result.json").unlink()
    (job / "result.json").mkdir()
    assert main(["--resume", str(run)]) == 2
    assert capsys.readouterr().err == (
        f"sd-env: {job / 'result.json'} is a folder where a file is needed; remove it.\n"
    )


def test_a_bundle_says_on_what_it_was_made(run: Path) -> None:
    [job] = (run / "jobs").iterdir()
    training = load_bundle(job / "policy.sd").info["training"]
    assert (training["device"], training["torch_threads"]) == ("cpu", 1)


def test_a_run_whose_folder_is_taken_away_has_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config, _ = parse([*ONE, "--runs", str(tmp_path)])
    run = new_run(config)
    from agents.training import run as running

    done = running.in_processes

    def then_gone(*arguments: object) -> object:
        yield from done(*arguments)  # type: ignore[arg-type]
        shutil.rmtree(run)

    monkeypatch.setattr(running, "in_processes", then_gone)
    assert train(config, run) == {"safe__seed1": True}


def test_a_run_that_was_begun_as_it_would_be_now_is_found(tmp_path: Path) -> None:
    """By which long work is gone on with: finished runs count, those of other settings or with a broken plan do not."""
    config, _ = parse([*ONE, "--runs", str(tmp_path)])
    assert begun(config) is None
    run = new_run(config)
    assert begun(config) == run
    assert begun(config.model_copy(update={"seeds": [2]})) is None
    newer = Path(shutil.copytree(run, tmp_path / f"{config.name}__1__29990101-000000"))
    assert begun(config) == newer
    (newer / "plan.json").write_text("{")
    assert begun(config) == run
