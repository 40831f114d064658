"""The search leaves a row for all that was tried, whatever came of it, and a map."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from matplotlib import image

from agents.publish import search as searching
from agents.publish.science import smoke_sized
from agents.publish.search import CONFIG, SETTING, draw, main
from agents.training.config import TrainingConfig, load_training
from agents.training.run import check
from agents.work import WorkError


def small(labels: list[str]) -> TrainingConfig:
    data = smoke_sized(load_training(CONFIG)).model_dump(mode="json")
    data["scenarios"] = [data["scenarios"][0] | {"label": label} for label in labels]
    data |= {"seeds": [1], "paths": {"uniform": {}}}
    data["overrides"] |= {"horizon": 12}
    return TrainingConfig.model_validate(data)


def test_every_setting_of_the_search_is_one() -> None:
    config = load_training(CONFIG)
    check(config)
    assert len({choice.name for choice in config.scenarios}) == len(config.scenarios)
    assert set(config.seeds).isdisjoint(load_training(CONFIG.parent / "science.yaml").seeds)  # held back for results


def test_what_was_tried_is_kept_and_resumed(tmp_path: Path) -> None:
    config, out = small(["first", "second"]), tmp_path / "out"
    searching.search(config, tmp_path / "runs", out, only=["second"])
    searching.search(config, tmp_path / "runs", out, only=["first"])
    table = pd.read_csv(out / "search.csv")
    assert list(table[SETTING]) == ["first", "second"]  # in the order of the settings
    for column in (
        "overrides",
        "t",
        "m",
        "x_star",
        "ss_fight",
        "onset_50",
        "s_gain",
        "g_verdict",
        "elasticity",
        "fear",
    ):
        assert column in table
    assert json.loads(table["overrides"][0]) == config.scenarios[0].overrides
    assert image.imread(out / "search.png").shape[1] > 900
    text = (out / "search.txt").read_text()
    assert text.startswith("The search for a spiral\n") and all(f"\n {name}" in text for name in (" first", "second"))

    bundles = sorted((tmp_path / "runs").rglob("policy.sd/*"))
    before = [path.stat().st_mtime_ns for path in bundles]
    searching.search(config, tmp_path / "runs", out, only=["first"])  # a finished setting is not trained again
    assert bundles and before == [path.stat().st_mtime_ns for path in bundles]
    assert pd.read_csv(out / "search.csv").equals(table)


def test_the_map_is_drawn_of_settings_that_are_certified_and_of_those_that_are_not(tmp_path: Path) -> None:
    row = {
        SETTING: "a",
        "path": "uniform",
        "seed": 1,
        "ss_fight": 0.5,
        "onset_10": 1.0,
        "onset_50": 4.0,
        "onset_90": 9.0,
    }
    table = pd.DataFrame([row | {"uncertified": ""}, row | {"uncertified": "greedy states beaten", SETTING: "b"}])
    draw(table, tmp_path / "one.png")
    draw(table.assign(uncertified=""), tmp_path / "two.png")
    draw(table.assign(path=["uniform", "hostile"]), tmp_path / "three.png")  # a mark of its own, and what it means
    one, two, three = (image.imread(tmp_path / f"{name}.png") for name in ("one", "two", "three"))
    assert (one != two).any() and (one != three).any()


def test_bad_words_are_one_sentence(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["--only", "nowhere", "--smoke", "--out", str(tmp_path), "--runs", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert "'nowhere'" in error and "today" in error and error.count("\n") == 1
    with pytest.raises(SystemExit):
        main(["--smoke"])


def test_what_is_kept_can_be_told_anew_and_what_is_not_there_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--retell", "--out", str(tmp_path)]) == 2
    assert "search.csv is not there" in capsys.readouterr().err
    shutil.copy("docs/results/search.csv", tmp_path / "search.csv")
    assert main(["--retell", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "search.txt").read_text() == Path("docs/results/search.txt").read_text()


def test_trainings_of_another_setting_are_refused_under_whatever_company_and_fresh_goes_on(tmp_path: Path) -> None:
    """What was learned in one game must not be told as of another that has its label."""
    config, out, runs = small(["first", "second"]), tmp_path / "out", tmp_path / "runs"
    searching.search(config, runs, out, only=["first"])
    data = config.model_dump(mode="json")
    data["scenarios"][0]["overrides"] |= {"horizon": 13}
    other = TrainingConfig.model_validate(data)
    bundles = {path: path.read_bytes() for path in runs.rglob("policy.sd/*")}
    for only in (["first"], ["first", "second"]):
        with pytest.raises(WorkError, match=r"first/uniform__seed1 holds other work: .*scenario first"):
            searching.search(other, runs, out, only=only)
    assert bundles and bundles == {path: path.read_bytes() for path in bundles}
    searching.search(other, runs, out, only=["first"], fresh=True)
    [trained] = runs.glob("first/uniform__seed1/jobs/*/scenario.yaml")
    assert "horizon: 13" in trained.read_text()
    assert (runs / "first" / "uniform__seed1.before-1" / "plan.json").is_file()


def test_certified_settings_are_counted_in_memory_as_from_the_file(tmp_path: Path) -> None:
    kept = pd.read_csv("docs/results/search.csv")
    said = []
    for table in (kept, kept.assign(uncertified=kept["uncertified"].fillna(""))):
        searching.tell(table, tmp_path)
        said.append((tmp_path / "search.txt").read_text())
    assert said[0] == said[1]
    assert f"Certified settings: {kept['uncertified'].isna().sum()} of {len(kept)}." in said[0]
