"""The real train.py: a run, its folder, bad command lines, kill -9 and --resume."""

from __future__ import annotations

import csv
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch as th

from agents.commands.train import main
from agents.training.config import ConfigError, parse, read_yaml
from agents.training.job import jobs_of, run_job
from agents.training.run import check, held, new_run
from sd_env import load_scenario

ROOT = Path(__file__).parents[3]
SMOKE = ROOT / "configs" / "smoke.yaml"
SMALL = [
    "--config", str(SMOKE), "--total_steps", "512", "--worlds", "4", "--learner.batch_size", "64",
    "--learner.n_steps", "8", "--evaluation.worlds", "4", "--checkpoint.every_rollouts", "1",
    "--overrides", '{"horizon": 6}',
]  # fmt: skip


def command(*arguments: str) -> list[str]:
    return [sys.executable, str(ROOT / "train.py"), *arguments]


def only_run(runs: Path) -> Path:
    [run] = runs.iterdir()
    return run


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as handle:
        return [{k: v for k, v in row.items() if k != "time/fps"} for row in csv.DictReader(handle)]


def test_a_run_leaves_its_whole_folder(tmp_path: Path) -> None:
    arguments = [*SMALL, "--runs", str(tmp_path), "--seeds", "[1]"]
    done = subprocess.run(command(*arguments), cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    run = only_run(tmp_path)
    assert run.name.startswith("smoke__1__")
    assert "doubly-dangerous" in done.stdout and "never attacks" in done.stdout and str(run) in done.stdout
    assert read_yaml(run / "config.yaml").total_steps == 512
    assert json.loads((run / "versions.json").read_text())["torch"] == th.__version__
    assert (run / "four_worlds.png").read_bytes().startswith(b"\x89PNG")
    assert "doubly-safe" in (run / "table.txt").read_text()
    report = json.loads((run / "report.json").read_text())
    world = report["worlds"]["doubly-dangerous"]
    assert world["seeds"] == [1] and world["theory"] == "spiral"
    assert world["learned"]["outcome/episode_length"]["value"] > 0
    assert world["learned"]["outcome/episode_length"]["low"] is None  # one seed: no interval
    assert world["never_attack"]["outcome/attacks"]["value"] == 0
    for job in ("doubly-dangerous__seed1", "doubly-safe__seed1"):
        folder = run / "jobs" / job
        assert (folder / "result.json").is_file() and (folder / "policy.sd" / "bundle.json").is_file()
        assert [float(row["time/total_timesteps"]) for row in rows(folder / "progress.csv")] == list(range(64, 513, 64))


def test_kill_9_and_resume_end_where_an_unbroken_run_does(tmp_path: Path) -> None:
    arguments = [*SMALL, "--total_steps", "2560", "--seeds", "[3]", "--workers", "1"]
    process = subprocess.Popen(
        command(*arguments, "--runs", str(tmp_path / "killed")),
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while not list((tmp_path / "killed").glob("*/jobs/doubly-safe__seed3/checkpoints/[0-9]*.json")):
        assert process.poll() is None and time.monotonic() < deadline, "the run ended before it could be killed"
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    run = only_run(tmp_path / "killed")
    finished, cut = jobs_of(read_yaml(run / "config.yaml"), run)
    assert finished.result.exists() and not cut.result.exists()
    before = finished.result.stat().st_mtime_ns
    assert main(["--resume", str(run)]) == 0
    assert finished.result.stat().st_mtime_ns == before
    for job in (finished, cut):
        whole = dataclasses.replace(job, folder=tmp_path / "whole" / job.name)
        run_job(whole)
        mine, theirs = (j.folder / "policy.sd" / "policy.safetensors" for j in (job, whole))
        assert mine.read_bytes() == theirs.read_bytes()
        assert rows(job.folder / "progress.csv") == rows(whole.folder / "progress.csv")
        measured = [json.loads(j.result.read_text())["evaluation"] for j in (job, whole)]
        assert measured[0] == measured[1]


def test_a_failing_job_names_itself_and_the_others_finish(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, _ = parse([*SMALL, "--runs", str(tmp_path), "--seeds", "[1]"])
    run = new_run(config)
    bad, good = jobs_of(config, run)
    (bad.folder / "checkpoints").mkdir(parents=True)
    (bad.folder / "checkpoints" / "000000000064.json").write_text("{}")
    assert main(["--resume", str(run)]) == 1
    printed = capsys.readouterr().err
    assert "train: job doubly-dangerous__seed1 failed: Traceback" in printed
    assert "CheckpointError: No checkpoint in" in printed
    assert good.result.is_file() and not bad.result.exists()
    assert list(json.loads((run / "report.json").read_text())["worlds"]) == ["doubly-safe"]


def test_a_run_is_not_continued_twice_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, _ = parse([*SMALL, "--runs", str(tmp_path)])
    run = new_run(config)
    with held(run):
        assert main(["--resume", str(run)]) == 2
    assert f"--resume {run}: {run} is in use by another process." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--learner.gama", "1"], "--learner.gama is not a key; did you mean learner.gamma?"),
        (["--learner.gamma", "2"], "learner.gamma = '2' is not allowed: should be less than or equal to 1."),
        (["--learner.algorithm", "DQN"], "learner.algorithm = 'DQN' is not allowed: should be 'PPO', 'A2C',"),
        (["--learner.batch_size", "null"], "learner.batch_size is missing: PPO needs it."),
        (["--learner.rms_prop_eps", "0.1"], "learner.rms_prop_eps = 0.1 is not a setting of PPO"),
        (["--learner.batch_size", "100000"], "learner.batch_size = 100000 is larger than a rollout"),
        (["--seeds", "[1, 1]"], "seeds: 1 is there twice"),
        (["--total_steps", "1.5"], "total_steps = '1.5' is not allowed"),
        (["--total_steps", "1e-1"], "total_steps = '1e-1' is not allowed"),
        (["--scenarios", "jervis/nowhere"], "jervis/nowhere"),
        (["--overrides", '{"horizon": 0}'], "horizon is 0"),
        (["--overrides", '{"horizn": 3}'], "horizn"),
        (["--scenarios", '[{"scenario": "jervis/nowhere"}]'], "jervis/nowhere"),
        (["--config", "nowhere.yaml"], "Config file nowhere.yaml does not exist"),
        (["--device", "cuda:99"], "device = cuda:99 is not there"),
        (["--device", "tpu"], "device = 'tpu' is not allowed"),
        (["stray"], "'stray' is not expected here"),
        (["--resume", "nowhere"], "--resume nowhere goes with the run's own config"),
    ],
)
def test_bad_command_lines_say_so_before_anything_is_created(
    arguments: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--config", str(SMOKE), "--runs", str(tmp_path / "runs"), *arguments]) == 2
    error = capsys.readouterr().err
    assert sentence in error and error.startswith("train.py: ") and error.count("\n") == 1
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("name: [", "is not valid YAML"),
        ("- a\n- b\n", "must hold a mapping of keys to values"),
        ("nmae: x\n", "is missing"),
        ("!!python/object/apply:os.system ['true']\n", "is not valid YAML"),
    ],
)
def test_bad_config_files_are_refused(text: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=sentence):
        parse(["--config", str(path)])


def test_an_unknown_key_in_a_file_is_named_with_its_neighbour(tmp_path: Path) -> None:
    path = tmp_path / "typo.yaml"
    path.write_text(SMOKE.read_text().replace("ent_coef", "ent_coeff"))
    with pytest.raises(ConfigError, match=r"learner\.ent_coef"):
        parse(["--config", str(path)])


@pytest.mark.parametrize("given", ["jervis/intense", '["jervis/intense"]', '[{"scenario": "jervis/intense"}]'])
def test_a_scenario_is_given_by_its_name(given: str) -> None:
    config, _ = parse(["--config", str(SMOKE), "--scenarios", given])
    assert [choice.name for choice in config.scenarios] == ["intense"]
    assert config.scenarios[0].scenario == "jervis/intense"


def test_a_scenario_is_given_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    load_scenario("jervis/intense").save(path)
    config, _ = parse(["--config", str(SMOKE), "--scenarios", str(path)])
    check(config)
    assert [choice.scenario for choice in config.scenarios] == [str(path)]
    whole = SMOKE.read_text()
    listed = (
        whole[: whole.index("scenarios:")]
        + f"scenarios: [jervis/intense, {path}]\n"
        + whole[whole.index("overrides:") :]
    )
    (tmp_path / "config.yaml").write_text(listed)
    assert [choice.name for choice in read_yaml(tmp_path / "config.yaml").scenarios] == ["intense", "mine"]


@pytest.mark.parametrize(("given", "steps"), [("1e4", 10_000), ("2.5e3", 2_500), ("10_000", 10_000)])
def test_a_number_of_steps_is_given_as_people_write_it(given: str, steps: int) -> None:
    assert parse(["--config", str(SMOKE), "--total_steps", given])[0].total_steps == steps


def test_resume_refuses_what_is_no_run_and_other_settings(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"is not a run folder: it has no config\.yaml\.$"):
        parse(["--resume", str(tmp_path)])
    (tmp_path / "config.yaml").write_text(SMOKE.read_text())
    with pytest.raises(ConfigError, match="--total_steps cannot change when a run is resumed; allowed beside --resume"):
        parse(["--resume", str(tmp_path), "--total_steps", "5"])
    config, run = parse(["--resume", str(tmp_path), "--workers", "3"])
    assert run == tmp_path and config.workers == 3


def test_overrides_reach_nested_keys_and_keep_their_types() -> None:
    config, run = parse(
        ["--config", str(SMOKE), "--learner.learning_rate", "3e-4", "--seeds", "[4]", "--overrides", '{"n_states": 4}']
    )
    assert run is None
    assert config.learner.learning_rate == 3e-4
    assert config.seeds == [4]
    assert config.overrides == {"n_states": 4} and isinstance(config.overrides["n_states"], int)


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda path: path.stem)
def test_configs_are_whole_commented_and_survive_a_round_trip(path: Path, tmp_path: Path) -> None:
    config = read_yaml(path)
    check(config)
    copy = tmp_path / "copy.yaml"
    copy.write_text(config.to_yaml())
    assert read_yaml(copy) == config
    groups = ("population:", "learner:", "checkpoint:", "evaluation:")
    bare = [line for line in path.read_text().splitlines() if "#" not in line and line.strip()]
    assert [line for line in bare if line not in groups and line != "scenarios:"] == []


def test_the_environment_does_not_leak_into_an_experiment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOTAL_STEPS", "7")
    monkeypatch.setenv("NAME", "leak")
    config, _ = parse(["--config", str(SMOKE)])
    assert (config.total_steps, config.name) == (4096, "smoke")
