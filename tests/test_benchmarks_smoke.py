"""The benchmarks run and write what they promise, at sizes of seconds; how fast anything is, is not tested here."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from gymnasium import spaces

from benchmarks import compare, engine, harness, run, training
from benchmarks.others import PEERS
from sd_env import layout, load_scenario
from sd_env.worlds import Worlds

EXPECTED = {
    "engine": {"2 states, one core", "4 states, one core", "cost of a turn, 4 states against 2"},
    "bare": {"the engine", "the bare kernel", "time of the engine against the bare kernel"},
    "growth": {
        "1 thread, 16 worlds of 4 states",
        "1 world of 2 states",
        "4 states, 256 worlds",
        "memory of a world of 4 states",
    },
    "faces": {
        "ParallelEnv, 2 states",
        "solo_env, 2 states",
        "vector_env, 4 worlds",
        "WorldsVecEnv (stable-baselines3), 4 worlds",
        "time of vector_env, 4 worlds against Worlds",
    },
    "others": {"sd-env ParallelEnv, 2 states", "sd-env World, 2 states", "sd-env Worlds, 3 states"},
    "training": {
        "training on the worlds",
        "training on zero-cost VecEnv",
        "training: the worlds against zero-cost VecEnv",
    },
    "table": {"side by side, one core", "alone, one after another, one core", "time side by side against alone"},
    "learner": {
        "by type: FastPPO",
        "by type: FastPPO against PPO",
        "by type: time of FastPPO against the products",
        "masks: FastPPO against MaskablePPO",
        "memory: FastPPO against RecurrentPPO",
    },
    "acting": {"a mixture of 6, 64 rows: compiled against torch", "one policy, 64 rows: torch"},
    "startup": {"import sd_env"},
    "units": {
        "50 units, kept in a folder",
        "taking up a folder of 50 finished units",
        "a million agent-steps of training",
    },
}


@pytest.fixture(autouse=True)
def _no_peers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Peers are absent, wherever the tests run: their absence is what must not stop a benchmark."""

    def absent(name: str) -> ModuleType:
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr("benchmarks.training.import_module", absent)
    monkeypatch.setattr("benchmarks.others.ENVIRONMENTS", Path(os.devnull))


@pytest.mark.parametrize("name", run.BENCHMARKS)
def test_a_benchmark_measures_and_writes_its_figures(name: str, tmp_path: Path) -> None:
    module = importlib.import_module(f"benchmarks.{name}")
    report = module.run(smoke=True, repeats=2)
    written = json.loads(harness.save(report, tmp_path, "the command").read_text(encoding="utf-8"))
    assert list(tmp_path.iterdir()) == [tmp_path / f"{name}.json"]
    figures = {figure["name"]: figure for figure in written["figures"]}
    assert EXPECTED[name] <= set(figures)
    for figure in figures.values():
        assert np.isfinite(figure["value"])
        assert figure["value"] > 0
        assert len(figure["samples"]) == (0 if figure["unit"] == "x" else 2)
    assert written["machine"]["cores"] >= 1
    assert written["machine"]["processor"]
    assert written["versions"]["numpy"] == np.__version__
    assert written["date"].endswith("+00:00")
    said = " ".join(written["notes"])
    assert "Not compared with SuperSuit" in said or name != "training"
    assert all(f"{peer.name}: its environment was not made" in said for peer in PEERS) or name != "others"
    assert str(Path.home()) not in json.dumps(written)


def test_the_pool_of_actions_is_legal_and_random() -> None:
    worlds = Worlds(load_scenario(engine.SCENARIO, {"n_states": 4}), 64, seed=0, autoreset=True)
    worlds.reset()
    rng = np.random.default_rng(0)
    seen: set[tuple[int, ...]] = set()
    for _ in range(40):
        actions = engine.random_legal(worlds.masks, rng)
        assert actions.shape == (64, 4, len(layout.action_sizes(4)))
        seen |= {tuple(row) for row in actions.reshape(-1, actions.shape[-1])}
        worlds.step(actions)
        assert not worlds.states["illegal"].any()
    assert {row[-1] for row in seen} == set(range(len(layout.Stance)))
    assert len(seen) > 1000


def test_a_pool_that_is_played_again_ends_in_the_same_worlds() -> None:
    """The timed passes measure the very game that the actions were drawn for: all of them are legal."""
    worlds = Worlds(load_scenario(engine.SCENARIO), 8, seed=0, autoreset=True)
    worlds.reset()
    start = {name: values.copy() for name, values in worlds.snapshot().items()}
    rng = np.random.default_rng(0)
    pool = []
    for _ in range(40):
        pool.append(engine.random_legal(worlds.masks, rng))
        worlds.step(pool[-1])
    end = worlds.observations.copy()
    worlds.restore(start)
    for actions in pool:
        worlds.step(actions)
    np.testing.assert_array_equal(worlds.observations, end)


def test_the_zero_cost_vec_env_stays_inside_its_spaces() -> None:
    seen = spaces.Box(np.zeros(3, np.float32), np.ones(3, np.float32))
    env = training.ZeroCostVecEnv(5, seen, spaces.MultiDiscrete([3, 4]))
    first = env.reset()
    second, rewards, dones, infos = env.step(np.zeros((5, 2), np.int64))
    for observations in (first, second):
        assert observations.shape == (5, 3)
        assert all(seen.contains(row) for row in observations)
    assert not np.array_equal(first, second)
    assert rewards.shape == dones.shape == (5,)
    assert not dones.any()
    assert infos == [{}] * 5


def test_the_figures_know_whether_their_claims_are_met() -> None:
    report = harness.Report("name", "title")
    assert report.rate("median of three", 10.0, [1.0, 2.0, 5.0], "things/s", at_least=5.0) == 5.0
    report.ratio("too large", 4.1, at_most=4.0)
    report.duration("no claim", [3.0, 1.0, 2.0])
    assert [figure.met for figure in report.figures] == [True, False, None]
    assert [figure.target for figure in report.figures] == ["at least 5", "at most 4", ""]
    assert report.figures[-1].value == 2.0


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the system cannot hold a process to a core")
def test_one_core_holds_the_process_and_lets_it_go() -> None:
    before = os.sched_getaffinity(0)
    with harness.one_core():
        assert len(os.sched_getaffinity(0)) == 1
    assert os.sched_getaffinity(0) == before


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["engin"], "no benchmark named 'engin'; there are engine, bare, growth, faces, others,"),
        (["--repeats", "0"], "--repeats must be at least 1, got 0"),
        (["--smoke"], "--smoke needs --out FOLDER"),
    ],
)
def test_a_wrong_command_is_refused_in_one_sentence(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run.main(arguments)
    assert ended.value.code == 2
    assert sentence in capsys.readouterr().err


def test_the_command_prints_a_table_and_writes_results(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run.main(["startup", "--smoke", "--repeats", "1", "--out", str(tmp_path)]) == 0
    printed = capfd.readouterr().out
    assert "import sd_env" in printed
    assert "at most 1" in printed
    assert (tmp_path / "startup.json").is_file()


def test_before_and_after_are_compared_figure_by_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work a second and seconds both give above 1 for faster; what only one side measures is left out."""
    measured = {
        "before": ({"turns": [100.0, 300.0, 200.0], "start": [2.0], "gone": [1.0]}, {"turns": "turns/s", "start": "s"}),
        "after": ({"turns": [400.0], "start": [1.0], "new": [1.0]}, {"turns": "turns/s", "start": "s"}),
    }
    monkeypatch.setattr(compare, "figures", lambda tree, name, smoke, clock: measured[tree.name])
    rows = compare.compare(Path("before"), Path("after"), ["engine"], rounds=3)
    assert [(row["figure"], row["before"], row["after"], row["ratio"]) for row in rows] == [
        ("start", 2.0, 1.0, 2.0),
        ("turns", 200.0, 400.0, 2.0),
    ]
    assert [row["best"] for row in rows] == [2.0, 400.0 / 300.0]
    told = compare.table([*rows, {**rows[0], "ratio": 0.96}], "abc").splitlines()
    assert "against abc" in told[0] and [line.endswith("slower") for line in told[1:]] == [False, False, False, True]


def test_processor_time_does_not_count_what_is_slept() -> None:
    program = "import time; began = time.perf_counter(); time.sleep(0.2); print(time.perf_counter() - began < 0.1)"
    for code, said in (("", "False"), (compare._CPU_CLOCK, "True")):
        ran = subprocess.run([sys.executable, "-c", f"{code}\n{program}"], capture_output=True, text=True, check=True)
        assert ran.stdout.strip() == said


def test_a_tree_is_as_fast_as_itself_in_every_figure_that_it_measures() -> None:
    rows = compare.compare(compare.ROOT, compare.ROOT, ["engine"], rounds=1, smoke=True, clock="cpu")
    assert {"2 states, one core", "4 states, one core"} <= {row["figure"] for row in rows}
    assert all(row["ratio"] > 0 for row in rows)


def test_a_commit_that_is_none_is_refused_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        compare.main(["no-such-commit", "engine"])
    assert left.value.code == 2 and "REV is 'no-such-commit', which git cannot check out" in capsys.readouterr().err
