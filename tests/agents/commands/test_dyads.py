"""``sd-env dyads``: rows of all logs, the codebook beside them, and what is refused."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from agents import make
from agents.cli import main
from agents.publish.codebook import PAGE
from sd_env.measures import dyad_years
from sd_env.measures.codebook import COLUMNS
from sd_env.record import read_log, record, write_log
from sd_env.scenario import Scenario


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two logs, one of them in a folder below and compressed; the name of one player is a formula."""
    place = tmp_path_factory.mktemp("logs")
    (place / "b").mkdir()
    scenario = Scenario.load("jervis/intense", {"horizon": 3})
    for name, seed in (("a.jsonl", 1), ("b/a.jsonl.gz", 2)):
        log = record(scenario, make("hawk"), seed)
        write_log(place / name, log)
    (place / "notes.txt").write_text("no log")
    return place


def test_the_rows_of_all_logs_are_written_with_the_codebook(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "made" / "dyads.csv"
    assert main(["dyads", str(folder), "--csv", str(out), "--json"]) == 0
    counts = json.loads(capsys.readouterr().out)
    table = pd.read_csv(out, keep_default_na=False)
    assert counts["logs"] == 2 and counts["directed dyad-years"] == len(table) == 2 * 3 * 2
    assert list(table["log"].unique()) == [1, 2] and list(table["seed"].unique()) == [1, 2]
    assert counts["first strikes"] == table["firststrike1"].sum() > 0
    found = dyad_years(read_log(folder / "a.jsonl"), 1)
    for name, values in found.items():
        assert np.array_equal(table[table["log"] == 1][name].to_numpy(), values), name
    with (tmp_path / "made" / "dyads-codebook.csv").open(encoding="utf-8") as file:
        assert [row["column"] for row in csv.DictReader(file)] == list(table)


def test_the_commands_of_the_codebook_leave_something_to_explain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    commands = [line.split() for line in lines if line.startswith(("sd-env ", "Rscript "))]
    script = Path(commands[-1][1]).absolute()
    monkeypatch.chdir(tmp_path)
    for command in commands[:-1]:
        words = ["16" if before in ("--worlds", "--log") else word for before, word in pairwise(command)]
        assert main(words + ["--seeds", "1"] * (words[0] == "evaluate")) == 0
    capsys.readouterr()
    table = pd.read_csv(commands[-1][2])
    chance = table[(table["peaceyrs"] > 0) | (table["year"] == 1)]
    assert 20 < chance["init1"].sum() < len(chance) / 2
    causes = ["cinc1", "cinc2", "arms1", "arms2", "allied", "peaceyrs", "revstate1", "fear1"]
    assert (chance[causes].nunique() > 1).all(), "each of the script's causes differs between rows"
    if (rscript := shutil.which("Rscript")) is not None:
        told = subprocess.run([rscript, str(script), commands[-1][2]], capture_output=True, text=True, check=True)
        assert "fear1" in told.stdout and told.stdout.startswith(f"{chance['init1'].sum()} of {len(chance)} rows")


def test_parquet_has_the_same(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    out = tmp_path / "dyads.csv"
    assert main(["dyads", str(folder / "a.jsonl"), "--csv", str(out), "--parquet"]) == 0
    kept = pd.read_parquet(out.with_suffix(".parquet"))
    for column in COLUMNS:
        for name in column.names:
            assert column.kind == "text" or kept[name].dtype == column.kind, name
    assert kept["hostlev1"].tolist() == pd.read_csv(out)["hostlev1"].tolist()


def test_a_label_is_no_formula(folder: Path, tmp_path: Path) -> None:
    from dataclasses import replace

    log = replace(read_log(folder / "a.jsonl"), policies=("=1+1", "\x1b[2J"))
    path, out = write_log(tmp_path / "a.jsonl", log), tmp_path / "dyads.csv"
    assert main(["dyads", str(path), "--csv", str(out)]) == 0
    with out.open(encoding="utf-8") as file:
        assert {row["policy1"] for row in csv.DictReader(file)} == {"'=1+1", "?[2J"}


def test_what_cannot_be_is_refused_in_a_sentence(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = str(folder / "a.jsonl")
    (tmp_path / "empty").mkdir()
    for words, said in (
        ([str(tmp_path / "empty")], "holds no episode log"),
        ([log, "--csv", "dyads.txt"], "ends in .csv"),
        ([log, "--parquet"], "goes with --csv"),
        ([str(folder / "notes.txt")], "notes.txt"),
    ):
        assert main(["dyads", *words]) == 2
        [line] = capsys.readouterr().err.splitlines()
        assert said in line and line.startswith("sd-env")
