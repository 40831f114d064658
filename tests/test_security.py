"""What SECURITY.md promises of files and names that others made, as far as no other test holds it."""

from __future__ import annotations

import ast
import hashlib
import io
import json
import os
import pickle
import re
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch as th
import yaml

from agents import cli
from agents.commands.options import mapping
from agents.commands.train import parse
from agents.training import checkpoint
from agents.training.config import ConfigError, load_training
from agents.training.players import seat_players
from agents.work import UNITS, Unit, file_name, run_units
from sd_env import Scenario, ScenarioError, load_scenario, parallel_env


def train(argv: list[str]) -> int:
    return cli.main(["train", *argv])


ROOT = Path(__file__).parent.parent
POLICY = ROOT / "SECURITY.md"


class Trap:
    """Pickled, it makes a folder where it is loaded."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (self.folder,)


@pytest.fixture
def sprung(tmp_path: Path) -> Path:
    """The folder that a trap makes, when it is shown that it does."""
    folder = tmp_path / "sprung"
    pickle.loads(pickle.dumps(Trap(folder)))
    folder.rmdir()
    return folder


# --- the page -------------------------------------------------------------------------------------------------


def named_tests() -> list[str]:
    return re.findall(r"`(tests/[\w/]+\.py::\w+)`", POLICY.read_text(encoding="utf-8"))


def test_every_test_that_the_page_names_is_there() -> None:
    assert len(named_tests()) >= 10
    for named in named_tests():
        path, _, name = named.partition("::")
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        assert name in {each.name for each in tree.body if isinstance(each, ast.FunctionDef)}, named


# --- YAML -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["tags", "title", "n_states", "states.homeland", "colour", "war.colour"])
def test_nested_aliases_are_refused_at_once(key: str, tmp_path: Path) -> None:
    """Eleven lists of ten times the one before: written out, a hundred billion texts."""
    lines = ["&a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"&a{k} [{', '.join([f'*a{k - 1}'] * 10)}]" for k in range(1, 11)]
    group, _, last = key.rpartition(".")
    head = [f"{group}:", f" {last}:"] if group else [f"{last}:"]
    path = tmp_path / "bomb.yaml"
    path.write_text("\n".join([*head, *(f"  - {line}" for line in lines)]), encoding="utf-8")
    started = time.process_time()
    with pytest.raises(ScenarioError, match="more than 20000 values, with those that aliases repeat") as refusal:
        load_scenario(path)
    assert time.process_time() - started < 5.0
    assert len(str(refusal.value)) < 1_000


def test_no_value_on_the_command_line_makes_an_object(sprung: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make = f"!!python/object/apply:os.mkdir ['{sprung}']"
    yaml.unsafe_load(make)
    sprung.rmdir()  # it would
    with pytest.raises(Exception, match="not a value as YAML has it"):
        mapping([f"title={make}"])
    with pytest.raises(ConfigError, match="written without tags"):
        parse(["--config", str(ROOT / "configs" / "smoke.yaml"), "--overrides", f"{{title: {make}}}"])
    scenario = ["--scenario", "jervis/intense", "--worlds", "1", "--seeds", "1"]
    assert cli.main(["evaluate", f"dove:armour={make}", *scenario]) == 2
    assert "armour" in capsys.readouterr().err
    assert not sprung.exists()


# --- checkpoints and kept work --------------------------------------------------------------------------------


def pt(content: Any) -> bytes:
    buffer = io.BytesIO()
    th.save(content, buffer)
    return buffer.getvalue()


def npz(content: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, a=content)
    return buffer.getvalue()


def checkpoint_of(folder: Path, tensors: bytes, arrays: bytes) -> None:
    """Write a checkpoint whose digests fit, whatever it holds."""
    folder.mkdir(exist_ok=True)
    stem = folder / f"{64:012d}"
    files = {"pt": tensors, "npz": arrays}
    for suffix, data in files.items():
        stem.with_suffix(f".{suffix}").write_bytes(data)
    digests = {suffix: hashlib.sha256(data).hexdigest() for suffix, data in files.items()}
    meta = {"format": checkpoint.FORMAT, "sha256": digests, "rows": {}, "num_timesteps": 64}
    stem.with_suffix(".json").write_text(json.dumps(meta), encoding="utf-8")


def test_a_forged_checkpoint_runs_no_code(tmp_path: Path, sprung: Path) -> None:
    settings, _ = parse(["--config", "smoke", "--worlds", "2"])
    tensors, arrays = pt({"a": th.zeros(1)}), npz(np.zeros(1))
    checkpoint_of(tmp_path / "good", tensors, arrays)
    assert checkpoint.load(tmp_path / "good" / f"{64:012d}.json")  # but for the traps, these would be read
    traps = {
        "pickled": (pickle.dumps(Trap(sprung), protocol=2), arrays),
        "in a torch file": (pt({"a": Trap(sprung)}), arrays),
        "in an array": (tensors, npz(np.array([Trap(sprung)], dtype=object))),
        "in the place of arrays": (tensors, pickle.dumps(Trap(sprung))),
    }
    for name, (first, second) in traps.items():
        checkpoint_of(tmp_path / name, first, second)
        with pytest.raises(ValueError):
            checkpoint.load(tmp_path / name / f"{64:012d}.json")
        with pytest.raises(checkpoint.CheckpointError, match="No checkpoint in"):
            checkpoint.take_up(tmp_path / name, seat_players(settings, Scenario.load("jervis/intense"), 1))
    assert not sprung.exists()


def doubled(number: int) -> list[dict[str, Any]]:
    return [{"number": number, "doubled": 2 * number}]


def test_a_forged_unit_runs_no_code_and_is_done_again(tmp_path: Path, sprung: Path) -> None:
    units, out = [Unit(str(k), {"number": k}) for k in range(2)], tmp_path / "work"
    whole = run_units(doubled, units, out, workers=1)
    kept = out / UNITS / "1.json"
    good = kept.read_bytes()
    kept.write_bytes(pickle.dumps(Trap(sprung)))
    assert run_units(doubled, units, out, workers=1).equals(whole)
    assert kept.read_bytes() == good and not sprung.exists()


def test_training_takes_no_zip(tmp_path: Path, sprung: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archive, config = tmp_path / "trap.zip", tmp_path / "config.yaml"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("data", pickle.dumps(Trap(sprung)))
    data = load_training(ROOT / "configs" / "smoke.yaml").model_dump(mode="json")
    data |= {"runs": str(tmp_path / "runs"), "population": {"mode": "versus", "opponents": {str(archive): 1.0}}}
    config.write_text(yaml.safe_dump(data), encoding="utf-8")
    assert train(["--config", str(config)]) == 2
    assert "holds pickled code" in capsys.readouterr().err
    assert not sprung.exists() and not (tmp_path / "runs").exists()


# --- names and titles -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["../up", "/etc/x", "a/b", "a\\b", "..", ".hidden", "a\nb", ""])
def test_a_name_that_becomes_a_file_stays_in_its_folder(name: str, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    good = load_training(ROOT / "configs" / "smoke.yaml").model_dump(mode="json")
    for bad in (
        good | {"name": name},
        good | {"scenarios": [{"scenario": "jervis/intense", "label": name}]},
        good | {"population": {"mode": "roles", "roles": {name: ["state_0", "state_1"]}}},
    ):
        config.write_text(yaml.safe_dump(bad), encoding="utf-8")
        with pytest.raises(ConfigError, match=r"is .*not allowed|should match|must"):
            load_training(config)
    file = tmp_path / f"{file_name(name)}.json"
    assert file.resolve().parent == tmp_path.resolve()
    assert "/" not in file_name(name) and "\\" not in file_name(name)


TITLE = "\x1b]0;owned\x07\x1b[2J\x9b31m\rpeace"


def test_no_title_drives_the_terminal(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path, bad = tmp_path / "mine.yaml", tmp_path / "bad.yaml"
    load_scenario("jervis/intense", {"title": TITLE, "prediction": TITLE, "horizon": 2}).save(path)
    bad.write_text(yaml.safe_dump({TITLE: 1}), encoding="utf-8")
    assert load_scenario(path).title == TITLE  # it is kept as it is
    env = parallel_env(str(path), render_mode="ansi")
    env.reset(seed=1)
    few = ["--worlds", "2", "--seeds", "1", "--workers", "1"]
    assert cli.main(["evaluate", "dove", "--scenario", str(path), *few, "--out", str(tmp_path / "out")]) == 0
    assert cli.main(["evaluate", "dove", "--scenario", str(bad), *few]) == 2
    printed = capfd.readouterr()
    texts = [env.render(), printed.out, printed.err, (tmp_path / "out" / "table.txt").read_text(encoding="utf-8")]
    for text in texts:
        assert text is not None and "owned" in text
        assert all(letter.isprintable() or letter == "\n" for letter in text)
