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

from agents import cli
from agents.commands.train import parse
from agents.training.config import ConfigError, load_training, trainings
from agents.training.job import jobs_of, run_job
from agents.training.run import check, held, new_run
from sd_env import load_scenario


def main(argv: list[str]) -> int:
    return cli.main(["train", *argv])


ROOT = Path(__file__).parents[3]
SMOKE = ROOT / "configs" / "smoke.yaml"


def small(steps: str = "512") -> list[str]:
    """The words of a training of a second."""
    return ["--total_steps", steps, *_SMALL]


_SMALL = [
    "--config", str(SMOKE), "--worlds", "4", "--learner.batch_size", "64",
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


@pytest.mark.parametrize("workers", ["1", pytest.param("2", marks=pytest.mark.slow)])
def test_a_run_leaves_its_whole_folder(workers: str, tmp_path: Path) -> None:
    arguments = [*small(), "--runs", str(tmp_path), "--seeds", "[1]", "--workers", workers]
    done = subprocess.run(command(*arguments), cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    run = only_run(tmp_path)
    assert run.name.startswith("smoke__1__")
    assert "doubly-dangerous" in done.stdout and "never attacks" in done.stdout and str(run) in done.stdout
    assert load_training(run / "config.yaml").total_steps == 512
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
    arguments = [*small("2560"), "--seeds", "[3]", "--workers", "1"]
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
    finished, cut = jobs_of(load_training(run / "config.yaml"), run)
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
    config, _ = parse([*small(), "--runs", str(tmp_path), "--seeds", "[1]"])
    run = new_run(config)
    bad, good = jobs_of(config, run)
    (bad.folder / "checkpoints").mkdir(parents=True)
    (bad.folder / "checkpoints" / "000000000064.json").write_text("{}")
    assert main(["--resume", str(run)]) == 2
    printed = capsys.readouterr().err
    assert "train: job doubly-dangerous__seed1 failed: No checkpoint in" in printed
    assert "Traceback" not in printed
    assert good.result.is_file() and not bad.result.exists()
    assert list(json.loads((run / "report.json").read_text())["worlds"]) == ["doubly-safe"]


def test_a_run_is_not_continued_twice_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, _ = parse([*small(), "--runs", str(tmp_path)])
    run = new_run(config)
    with held(run):
        assert main(["--resume", str(run)]) == 2
    assert f"--resume {run}: {run} is in use by another process." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--learner.gama", "1"], "there is no option --learner.gama; did you mean --learner.gamma?"),
        (["--learner.gamma", "2"], "learner.gamma = 2 is not allowed: should be less than or equal to 1."),
        (["--learner.algorithm", "DQN"], "learner.algorithm = 'DQN' is not allowed: should be 'PPO', 'A2C',"),
        (["--learner.batch_size", "null"], "learner.batch_size is missing: PPO needs it."),
        (["--learner.rms_prop_eps", "0.1"], "learner.rms_prop_eps = 0.1 is not a setting of PPO"),
        (["--learner.batch_size", "100000"], "learner.batch_size = 100000 is larger than a rollout"),
        (["--seeds", "[1, 1]"], "seeds: 1 is there twice"),
        (["--total_steps", "1.5"], "total_steps = 1.5 is not allowed"),
        (["--total_steps", "1e-1"], "total_steps = 0.1 is not allowed"),
        (["--scenarios", "jervis/nowhere"], "jervis/nowhere"),
        (["--overrides", '{"horizon": 0}'], "horizon is 0"),
        (["--overrides", '{"horizn": 3}'], "horizn"),
        (["--scenarios", '[{"scenario": "jervis/nowhere"}]'], "jervis/nowhere"),
        (["--config", "nowhere.yaml"], "Config 'nowhere.yaml' does not exist; by name there are"),
        (["--device", "cuda:99"], "device = cuda:99 is not there"),
        (["--device", "tpu"], "device = 'tpu' is not allowed"),
        (["stray"], "there is no place for 'stray' here; did you mean --config stray?"),
        (["--resume", "nowhere"], "--resume nowhere goes with the run's own config"),
    ],
)
def test_bad_command_lines_say_so_before_anything_is_created(
    arguments: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = [] if "--config" in arguments else ["--config", str(SMOKE)]
    assert main([*arguments, *config, "--runs", str(tmp_path / "runs")]) == 2
    error = capsys.readouterr().err
    assert sentence in error and error.startswith("sd-env") and error.count("\n") == 1
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("name: [", "is not YAML, as it must be"),
        ("- a\n- b\n", "must hold a mapping of keys to values"),
        ("nmae: x\n", r"^nmae is not a key; did you mean name\? There are \d+ more\.$"),
        ("!!python/object/apply:os.system ['true']\n", "written without tags"),
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
    assert [choice.name for choice in load_training(tmp_path / "config.yaml").scenarios] == ["intense", "mine"]


@pytest.mark.parametrize(("given", "steps"), [("1e4", 10_000), ("2.5e3", 2_500), ("10000", 10_000)])
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


@pytest.mark.parametrize(
    ("words", "key", "value"),
    [
        ("--seeds 1 2", "seeds", [1, 2]),
        ("--seeds [1,2] 3", "seeds", [1, 2, 3]),
        ("--overrides n_states=4 war.conquest=0.2", "overrides", {"n_states": 4, "war.conquest": 0.2}),
        ("--overrides {n_states: 4}", "overrides", {"n_states": 4}),
        ("--total_steps 1e4", "total_steps", 10_000),
        ("--total_steps=1E4", "total_steps", 10_000),
        ("--learner.learning_rate 1e-4", "learner.learning_rate", 1e-4),
        ("--learner.net_arch 64 32", "learner.net_arch", [64, 32]),
        ("--learner.target_kl null", "learner.target_kl", None),
        ("--name no", "name", "no"),
        ("--population {mode: independent}", "population.mode", "independent"),
    ],
)
def test_one_spelling_for_all_options(words: str, key: str, value: object) -> None:
    option, _, rest = words.partition(" ")
    given = [rest] if rest.startswith("{") else rest.split()
    config, _ = parse(["--config", "smoke", option, *given])
    found: object = config
    for part in key.split("."):
        found = getattr(found, part)
    assert found == value and type(found) is type(value)


def test_scenarios_are_names_or_paths() -> None:
    config, _ = parse(["--config", "smoke", "--scenarios", "jervis/intense", "jervis/doubly-safe"])
    assert [each.scenario for each in config.scenarios] == ["jervis/intense", "jervis/doubly-safe"]
    mixed, _ = parse(["--config", "smoke", "--scenarios", "jervis/intense", "{scenario: jervis/intense, label: b}"])
    assert [each.name for each in mixed.scenarios] == ["intense", "b"]


@pytest.mark.parametrize(
    ("line", "other", "sentence"),
    [
        ("total_steps: 4096", "total_steps: 4096\ntotal_steps: 8", "'total_steps' on line 9 is a key given twice"),
        ("clip_range: 0.2", "clip_range: yes", "yes on line .* write true, or quote it"),
        (
            "normalize_advantage: true",
            'normalize_advantage: "no"',
            "normalize_advantage = 'no' is not allowed",
        ),
        ("normalize_advantage: true", "normalize_advantage: 1", "normalize_advantage = 1 is not allowed"),
        ("worlds: 32 ", "worlds: 010 ", "010 on line .* plain decimal digits"),
        ("worlds: 32 ", "worlds: '8' ", "worlds = '8' is not allowed: should be a valid integer"),
        ("worlds: 32 ", "worlds: true ", "worlds = true is not allowed"),
        ("worlds: 32 ", "worlds: 8.5 ", "worlds = 8.5 is not allowed"),
        ("learning_rate: 0.001", "learning_rate: '0.001'", "learner.learning_rate = '0.001' is not allowed"),
        ("culture: uniform", "cultur: uniform", "learner.cultur is not a key; did you mean learner.culture"),
        ("seeds: [1, 2]", "seeds: [!!int 1]", "has the tag !!int"),
        ("net_arch: [32]", "net_arch: [65536, 65536]", "makes a network of .* weights; a bundle holds .* at most"),
        ("worlds: 32 ", "worlds: 100000000 ", "need .* GB; this machine has"),
        ("n_steps: 16 ", "n_steps: 100000000 ", "make rollouts of .* GB; this machine has"),
        ("torch_threads: 1", "torch_threads: 100000", "torch_threads = 100000 is not allowed"),
        ("name: smoke", "name: " + "x" * 300, "name = 'x.* is not allowed"),
    ],
)
def test_a_config_is_read_strictly(line: str, other: str, sentence: str, tmp_path: Path) -> None:
    text = SMOKE.read_text()
    assert line in text
    path = tmp_path / "bad.yaml"
    path.write_text(text.replace(line, other, 1))
    with pytest.raises(ConfigError, match=sentence) as refused:
        check(load_training(path))
    assert len(str(refused.value)) < 1000


def test_configs_are_found_by_name_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config, _ = parse(["--config", "smoke"])
    assert config == load_training(SMOKE)
    assert parse([])[0].name == "four_worlds"
    assert set(trainings()) == {path.stem for path in (ROOT / "configs").glob("*.yaml")}
    with pytest.raises(ConfigError, match="Config 'smok' does not exist; did you mean smoke?"):
        parse(["--config", "smok"])


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
    config = load_training(path)
    check(config)
    copy = tmp_path / "copy.yaml"
    copy.write_text(config.to_yaml())
    assert load_training(copy) == config
    groups = ("population:", "learner:", "checkpoint:", "evaluation:")
    bare = [line for line in path.read_text().splitlines() if "#" not in line and line.strip()]
    assert [line for line in bare if line not in groups and line != "scenarios:"] == []


def test_the_environment_does_not_leak_into_an_experiment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOTAL_STEPS", "7")
    monkeypatch.setenv("NAME", "leak")
    config, _ = parse(["--config", str(SMOKE)])
    assert (config.total_steps, config.name) == (4096, "smoke")
