"""Units in a folder of kept work, and the folder: what was edited, made up, planted or put there by others."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agents import cli
from agents.evaluation import players
from agents.work import Unit, WorkError, folder, held, identity_of, run_units
from tests.stand_in import config_of

ARENA = ["--scenario", "games/one-shot", "--seeds", "1", "--worlds", "2", "--workers", "1"]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def rows(number: int) -> list[dict[str, Any]]:
    return [{"number": number}]


def test_a_unit_that_was_edited_is_done_again_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "o"
    words = ["evaluate", "hawk", *ARENA, "--out", str(out)]
    assert cli.main(words) == 0
    before = contents(out)
    [unit] = (out / "units").glob("*.json")
    kept = json.loads(unit.read_text())
    kept["rows"]["data"][0][kept["rows"]["columns"].index("turns")] = 10**9
    unit.write_text(json.dumps(kept))
    capsys.readouterr()
    assert cli.main(words) == 0
    assert (
        "seed 1 episode 0: its file was changed after it was written, or is of other work; it is done anew."
        in capsys.readouterr().err
    )
    assert contents(out) == before


def made_up(out: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Put other rows into the unit of a folder, with a digest that fits."""
    [unit] = (out / "units").glob("*.json")
    kept = json.loads(unit.read_text())
    rows = change(kept["rows"])
    seal = folder._seal(kept["key"], rows, folder.digest_of_plan(out))
    unit.write_text(json.dumps(kept | {"rows": rows, "sha256": seal}))


def test_units_that_were_made_up_are_done_again_or_refused_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "o"
    words = ["evaluate", "hawk", *ARENA, "--out", str(out)]
    assert cli.main(words) == 0
    before = contents(out)
    for change in (
        lambda rows: 5,
        lambda rows: {},
        lambda rows: rows | {"data": [rows["data"][0][1:]]},
        lambda rows: rows | {"columns": ["a"] * len(rows["columns"])},
        lambda rows: rows | {"data": [[[1]] * len(rows["columns"])]},
        lambda rows: rows | {"index": [3]},
    ):
        made_up(out, change)
        capsys.readouterr()
        assert cli.main(words) == 0
        assert "its rows are no table; it is done anew" in capsys.readouterr().err and contents(out) == before
    for change in (
        lambda rows: {"columns": ["a"], "data": [[1]]},
        lambda rows: rows | {"data": [["x"] * len(rows["columns"])]},
        lambda rows: rows | {"data": []},
    ):
        made_up(out, change)
        capsys.readouterr()
        assert cli.main(words) == 2
        said = capsys.readouterr().err.splitlines()[-1]
        assert said.startswith(f"sd-env: {out} holds results that are not as this program writes them (")
    assert cli.main([*words, "--fresh"]) == 0


def test_a_unit_of_other_work_is_none_of_this(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same key in a folder of another game."""
    mine, other = tmp_path / "mine", tmp_path / "other"
    words = ["evaluate", "hawk", *ARENA]
    assert cli.main([*words, "--out", str(mine)]) == 0
    assert cli.main([*words, "--overrides", "war.conquest=0.31", "--out", str(other)]) == 0
    before = contents(mine)
    [unit] = (mine / "units").glob("*.json")
    shutil.copy(other / "units" / unit.name, unit)
    capsys.readouterr()
    assert cli.main([*words, "--out", str(mine)]) == 0
    assert "or is of other work; it is done anew" in capsys.readouterr().err
    assert contents(mine) == before


@pytest.mark.parametrize("name", ["plan.json", "units/a.json"])
def test_what_never_ends_is_not_waited_for(name: str, tmp_path: Path) -> None:
    """A pipe, and a link to a device, in the place of a file of kept work."""
    out = tmp_path / "out"
    for plant in (os.mkfifo, lambda path: path.symlink_to("/dev/zero")):
        run_units(rows, [Unit("a", {"number": 1})], out, workers=1, fresh=True)
        (out / name).unlink()
        plant(out / name)
        if name == "plan.json":
            with pytest.raises(WorkError, match=r"plan\.json is not JSON"):
                run_units(rows, [Unit("a", {"number": 1})], out, workers=1)
            (out / name).unlink()
            shutil.rmtree(out)
        else:
            assert list(run_units(rows, [Unit("a", {"number": 1})], out, workers=1)["number"]) == [1]
            assert json.loads((out / name).read_text())["key"] == "a"


def test_the_folder_that_is_worked_in_is_not_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_units(rows, [Unit("a", {"number": 1})], Path(), workers=1)
    with pytest.raises(WorkError, match=r"^\. is the folder that you work in, or above it"):
        run_units(rows, [Unit("a", {"number": 2})], Path(), workers=1, fresh=True)
    assert list(run_units(rows, [Unit("a", {"number": 1})], Path(), workers=1)["number"]) == [1]


def test_a_folder_may_be_given_as_a_text(tmp_path: Path) -> None:
    given: Any = str(tmp_path / "out")
    run_units(rows, [Unit("a", {"number": 1})], given, workers=1)
    assert (tmp_path / "out" / "episodes.csv").is_file()


def test_within_a_process_a_policy_is_loaded_anew_after_an_edit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a notebook: else the numbers of the old one would be kept as those of the new."""
    for name, model in (("one", "old"), ("two", "other")):
        (tmp_path / name).mkdir()
        config_of("http://127.0.0.1:9/v1", tmp_path / name, model=model)
    monkeypatch.chdir(tmp_path / "one")

    def model() -> Any:
        policy: Any = players.load("llm:duel.yaml")
        return policy.config.model

    assert model() == "old" and players.load("llm:duel.yaml") is players.load("llm:duel.yaml")
    config_of("http://127.0.0.1:9/v1", tmp_path / "one", model="new")
    assert model() == "new"
    monkeypatch.chdir(tmp_path / "two")
    assert model() == "other"  # the same words from another folder


def test_fresh_sets_aside_again_and_again_and_never_what_is_not_ours(tmp_path: Path) -> None:
    out = tmp_path / "out"
    for number in range(3):
        run_units(rows, [Unit("a", {"number": number})], out, workers=1, fresh=True)
    assert {path.name for path in tmp_path.iterdir()} == {"out", "out.before-1", "out.before-2"}
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "cat.jpg").touch()
    with pytest.raises(WorkError, match="holds files but no plan"):
        run_units(rows, [Unit("a", {"number": 1})], photos, workers=1, fresh=True)
    assert [path.name for path in photos.iterdir()] == ["cat.jpg"]


def test_a_folder_in_use_is_not_set_aside(tmp_path: Path) -> None:
    identity = identity_of(rows, {})
    with held(tmp_path / "out", identity), pytest.raises(WorkError, match="out is in use by another process"):
        run_units(rows, [Unit("a", {"number": 1})], tmp_path / "out", workers=1, fresh=True)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_link_in_the_place_of_the_lock_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "victim").write_text("mine")
    (tmp_path / "out" / ".lock").symlink_to(tmp_path / "victim")
    with pytest.raises(WorkError, match="out cannot be used"):
        run_units(rows, [Unit("a", {"number": 1})], tmp_path / "out", workers=1)
    assert (tmp_path / "victim").read_text() == "mine"
