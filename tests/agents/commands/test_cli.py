"""The command sd-env: what it lists, what it refuses and how, and that a command loads no more than it needs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from agents import cli, make
from agents.cli import COMMANDS, main
from agents.work import Interrupted
from sd_env.measures import summary
from sd_env.record import record, write_log
from sd_env.scenario import Scenario, ScenarioError

ROOT = Path(__file__).parents[3]
SMALL = ["--scenario", "jervis/intense", "--overrides", "horizon=4", "--worlds", "4", "--workers", "1"]


def command(monkeypatch: pytest.MonkeyPatch, run: Any) -> None:
    """Put a command in the place of ``verify``."""
    module = types.SimpleNamespace(HELP="for a test", add_arguments=lambda parser: None, run=run)
    monkeypatch.setattr(cli, "_module", lambda name: module)


def raising(error: BaseException) -> Any:
    def run(args: Any) -> int:
        raise error

    return run


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    printed = capsys.readouterr().out
    for name in (*COMMANDS, "train"):
        assert f"\n  {name:<14}" in printed
    assert main([]) == 2 and capsys.readouterr().out == printed


@pytest.mark.parametrize(
    ("word", "meant"),
    [("trian", "train"), ("evalute", "evaluate"), ("explian", "explain"), ("tournement", "tournament")],
)
def test_a_misspelt_command_is_told_the_nearest(word: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([word, "--seeds", "1"]) == 2
    assert capsys.readouterr().err == f"sd-env: there is no command {word!r}; did you mean {meant}?\n"
    assert main(["xyzzy"]) == 2 and "there are train, evaluate" in capsys.readouterr().err


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_tells_of_its_options(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"usage: sd-env {name} ")


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    import sd_env

    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"sd-env {sd_env.__version__}\n"


def test_an_unknown_command_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evalute"]) == 2
    [error] = capsys.readouterr().err.splitlines()
    assert error.startswith("sd-env: ") and "'evalute'" in error and "evaluate" in error


def test_refusals_of_ours_are_one_sentence_and_faults_are_not_hidden(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command(monkeypatch, raising(ScenarioError("war.conquest is 2, but must be 0 to 1.")))
    assert main(["verify"]) == 2
    assert capsys.readouterr().err == "sd-env: war.conquest is 2, but must be 0 to 1.\n"
    command(monkeypatch, raising(ValueError("a fault of the program's")))
    with pytest.raises(ValueError, match="a fault"):
        main(["verify"])
    command(monkeypatch, lambda args: 1)
    assert main(["verify"]) == 1


def test_interruption_exits_with_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    command(monkeypatch, raising(Interrupted("interrupted; 2 of 4 units are kept in x.")))
    assert main(["verify"]) == 130
    assert capsys.readouterr().err == "sd-env: interrupted; 2 of 4 units are kept in x.\n"
    command(monkeypatch, raising(KeyboardInterrupt()))
    assert main(["verify"]) == 130
    assert capsys.readouterr().err == "sd-env: interrupted.\n"


def test_training_is_handed_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--config", "nowhere.yaml"]) == 2
    assert "nowhere.yaml" in capsys.readouterr().err


def test_a_closed_pipe_is_no_fault() -> None:
    """The reader has gone before the first line: no traceback."""
    code = "import sys; from agents.cli import main; sys.exit(main(['strategies']))"
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) in (0, 1) and errors == ""


def test_commands_load_no_more_than_they_need() -> None:
    """Neither the front nor a command's options load torch, pandas or matplotlib; playing strategies loads no torch."""
    code = """
import contextlib, io, sys
from agents.cli import COMMANDS, main
with contextlib.redirect_stdout(io.StringIO()):
    assert main(["--help"]) == 0
    assert all(main([name, "--help"]) == 0 for name in COMMANDS)
    heavy = {"torch", "pandas", "matplotlib", "scipy", "numba"} & set(sys.modules)
    assert not heavy, heavy
    words = "evaluate dove --scenario jervis/intense --overrides horizon=2 --worlds 1 --seeds 1 --workers 1"
    assert main(words.split()) == 0
    assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=120)


BAD: list[tuple[str, str]] = [
    ("evaluate no-such-policy", "no-such-policy"),
    ("evaluate dove:courage=1", "courage"),
    ("evaluate no/such/policy.sd", "no/such/policy.sd"),
    ("evaluate dove dove", "dove is given twice"),
    ("evaluate dove --scenario jervis/nowhere", "jervis/nowhere"),
    ("evaluate dove --overrides war.conqest=1", "war.conqest"),
    ("evaluate dove --overrides war.conquest=7", "war.conquest"),
    ("evaluate dove --overrides horizon", "KEY=VALUE"),
    ("evaluate dove --overrides horizon=[", "not a value as YAML has it"),
    ("evaluate dove --worlds 0", "at least 1"),
    ("evaluate dove --episodes x", "'x' is not allowed"),
    ("evaluate dove --seeds -1", "-1"),
    ("evaluate dove --seeds 1 1", "each once"),
    ("evaluate dove --seeds 99999999999999999999", "2**63 - 1"),
    ("evaluate dove --workers -2", "-2"),
    ("evaluate dove --log 5", "0 to 4, the number of worlds"),
    ("evaluate dove --against nobody", "nobody"),
    ("tournament dove", "at least two policies"),
    ("tournament dove hawk --noise shake=1", "tremble, noise, signal_noise"),
    ("tournament dove hawk --noise tremble=2", "tremble is 2.0; a probability from 0 to 1"),
    ("tournament dove hawk --noise tremble", "KIND=NUMBER"),
    ("tournament dove hawk --noise signal_noise=3", "perception.signal_noise"),
    ("tournament dove hawk --mixed -1", "-1"),
    ("crossplay dove", "at least two policies"),
    ("ablate dove --parameter war.nothing --values 1", "war.nothing"),
    ("ablate dove --parameter war.conquest --values 0.1 9", "war.conquest"),
    ("ablate dove --parameter war.conquest --values 0.1 0.1", "each once"),
]


@pytest.mark.parametrize(("words", "needed"), BAD, ids=[words for words, _ in BAD])
def test_bad_input_is_one_sentence_exit_code_2_and_no_files(
    words: str, needed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    given = words.split()
    small = [word for k, word in enumerate(SMALL) if k >= 2 or "--scenario" not in given]
    for option in ("--overrides", "--worlds", "--workers"):
        if option in given:
            at = small.index(option)
            del small[at : at + 2]
    assert main([*given, *small, "--out", "out"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert needed in printed.err.splitlines()[-1] and printed.err.splitlines()[-1].startswith("sd-env")
    assert list(tmp_path.iterdir()) == []


def test_missing_pyarrow_is_told_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert main(["evaluate", "dove", *SMALL, "--out", str(tmp_path / "out"), "--parquet"]) == 2
    assert capsys.readouterr().err.startswith("sd-env: Parquet needs pyarrow")
    assert list(tmp_path.iterdir()) == []


FILES = {
    "evaluate dove hawk": ["logs", "report.html", "episodes"],
    "tournament dove hawk tit-for-tat": [
        *("ecology.csv", "ecology.png", "ecology.svg", "payoffs.csv", "payoffs.png", "payoffs.svg", "ranking.csv"),
        *("report.html", "episodes"),
    ],
    "crossplay dove hawk tit-for-tat": [
        *("gaps.csv", "payoffs.csv", "payoffs.png", "payoffs.svg", "report.html", "episodes")
    ],
    "ablate dove --parameter war.conquest --values 0.1 0.3": [
        *("ablation.png", "ablation.svg", "differences.csv", "report.html", "episodes")
    ],
}


@pytest.mark.parametrize("words", FILES, ids=[words.split()[0] for words in FILES])
def test_a_command_prints_its_table_and_leaves_everything_in_its_folder(
    words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    extra = ["--log", "1"] if words.startswith("evaluate") else []
    given = [*words.split(), *SMALL, "--out", str(out), "--parquet", *extra]
    assert main(given) == 0
    printed = capsys.readouterr().out
    always = [".lock", "episodes.csv", "episodes.parquet", "plan.json", "report.json", "table.txt", "units"]
    assert sorted(path.name for path in out.iterdir()) == sorted([*always, *FILES[words]])
    table = (out / "table.txt").read_text()
    assert [line.rstrip() for line in printed.splitlines()] == table.splitlines()
    assert max(map(len, table.splitlines())) <= 132 and "…" not in table
    report = json.loads((out / "report.json").read_text())
    assert report["command"] == f"sd-env {words.split()[0]}" and report["policies"]
    # again, as JSON: nothing is played, the same numbers come out
    before = {path: path.stat().st_mtime_ns for path in (out / "units").iterdir()}
    assert main([*given, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == report
    assert before == {path: path.stat().st_mtime_ns for path in (out / "units").iterdir()}
    for picture in out.glob("*.png"):
        assert picture.read_bytes().startswith(b"\x89PNG")


def test_the_installed_command_is_this_one() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["scripts"] == {"sd-env": "agents.cli:main"}


def test_logs_are_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scenario = Scenario.load("jervis/intense", {"horizon": 5})
    logs = [record(scenario, [make(name)] * 2, seed=3) for name in ("dove", "worst-case")]
    paths = [str(write_log(tmp_path / f"{k}.jsonl", log)) for k, log in enumerate(logs)]
    assert main(["measure", *paths, "--csv", str(tmp_path / "m.csv")]) == 0
    table = capsys.readouterr().out
    rows = pd.read_csv(tmp_path / "m.csv")
    for name, value in summary(logs[0]).items():
        assert rows[name][0] == pytest.approx(value, nan_ok=True)
    mean = rows["measure/cooperation_index"].mean()
    assert re.search(rf"cooperation index +{mean:.3f} +2\n", table.replace(" \n", "\n"))
    assert main(["measure", *paths, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["measure/waste"]["episodes"] == 2
    assert main(["measure", str(tmp_path / "no.jsonl")]) == 2
    assert main(["measure", *paths, "--csv", str(tmp_path / "m.txt")]) == 2
    assert "--csv" in capsys.readouterr().err
