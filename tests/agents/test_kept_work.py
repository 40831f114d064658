"""Kept work that is no longer true is refused with the name of what changed, at every command that keeps any."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agents import cli
from agents.evaluation.challenges import load_challenge
from agents.policies import registry
from agents.work import identity as identities
from agents.work import identity_of, policy_inputs
from agents.work.identity import changes
from sd_env.policies import PolicyError
from tests.agents.policies.test_registry import plug_in

ROOT = Path(__file__).parents[2]
ARENA = ["--scenario", "games/one-shot", "--seeds", "1", "--worlds", "2", "--workers", "1"]
STUDY = """
name: made-up
title: Made up
description: Nobody learns.
rows: [Anarchy]
sources: [none]
scenario: games/one-shot
grid: {motives.p_greedy: [0.0, 0.5]}
cast: {all: dove}
seeds: [1, 2]
worlds: 4
logs: 2
predictions:
  - {claim: Nobody attacks., measure: outcome/attacks, of: {motives.p_greedy: 0.5}, expect: same, margin: 0.1}
picture: {x: motives.p_greedy, measures: [outcome/attacks]}
"""
#: Every command that keeps work in a folder, but for train.
COMMANDS: dict[str, list[str]] = {
    "evaluate": ["hawk", *ARENA],
    "tournament": ["hawk", "dove", *ARENA],
    "crossplay": ["hawk", "dove", *ARENA],
    "ablate": ["hawk", "--parameter", "war.conquest", "--values", "0.5", *ARENA],
    "escalation": ["dove", "--overrides", "motives.p_greedy=0", *ARENA],
    "exploit": ["dove", "--steps", "1", *ARENA],
    "challenge": ["dove", "--only", "a-bluffer", "--references", "references.json", *ARENA[2:]],
    "experiment": ["made-up.yaml", "--workers", "1"],
}  # fmt: skip


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def other_rules(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Has war.py digested as if it held other rules."""

    def change() -> None:
        read = identities._read

        def altered(file: Path, *stamp: int) -> Any:
            digest, imports = read(file, *stamp)
            return ("changed" if file.parts[-3:] == ("sd_env", "rules", "war.py") else digest), imports

        monkeypatch.setattr(identities, "_read", altered)

    return change


@pytest.mark.parametrize("command", COMMANDS)
def test_other_rules_are_refused_by_every_command_and_fresh_goes_on(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    other_rules: Callable[[], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("made-up.yaml").write_text(STUDY)
    scale = {"fingerprint": load_challenge("a-bluffer").fingerprint(), "random": {"mean": 0.0}}
    scale["best"] = {"mean": 1.0, "policy": "dove"}
    Path("references.json").write_text(json.dumps({"made": {}, "challenges": {"a-bluffer": scale}}))
    out = Path("out")
    words = [command, *COMMANDS[command], "--out", str(out)]
    assert cli.main(words) == 0
    before = contents(out)
    assert cli.main(words) == 0  # nothing has changed
    units = {name: data for name, data in before.items() if "units" in name}
    assert units and units.items() <= contents(out).items()
    before = contents(out)
    other_rules()
    capsys.readouterr()
    assert cli.main(words) == 2
    said = capsys.readouterr().err
    assert said == (
        "sd-env: out holds other work: another version of the rules (sd_env/rules/war.py); "
        "--fresh or another folder goes on.\n"
    )
    assert contents(out) == before
    assert cli.main([*words, "--fresh"]) == 0
    assert contents(Path("out.before-1")) == before
    assert json.loads((out / "plan.json").read_text())["sources"]["sd_env/rules/war.py"] == "changed"


def test_a_changed_rule_is_refused_and_a_changed_comment_is_not(tmp_path: Path) -> None:
    """The real thing: a copy of the package, a rule edited, the same command."""
    for package in ("sd_env", "agents"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__", "results"))
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "NUMBA_DISABLE_JIT": "1"}

    def evaluated() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "agents.cli", "evaluate", "hawk", *ARENA, "--out", "out"]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)

    war = tmp_path / "sd_env" / "rules" / "war.py"
    assert evaluated().returncode == 0
    text = war.read_text()
    war.write_text('"""Other words."""\n\n# and a remark\n' + text.partition('"""\n')[2] + "\n\n# another\n")
    again = evaluated()
    assert again.returncode == 0 and "1 of 1 units were finished before" in again.stderr
    war.write_text(text + "\nSPOILS = 2\n")
    refused = evaluated()
    assert refused.returncode == 2 and refused.stderr.count("\n") == 1
    assert "another version of the rules (sd_env/rules/war.py)" in refused.stderr


# --- plug-in strategies -----------------------------------------------------------------------------------------

PIGEON = """
from agents.strategies.baselines import Dove
from grains import LEAST


class Pigeon(Dove):
    '''Coos.'''

    name = "pigeon"
    armour: int = LEAST
"""


@pytest.fixture
def plugged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A folder on the path with a strategy in it; call it with a text to change a module and begin a new process."""
    monkeypatch.syspath_prepend(str(tmp_path))
    plug_in(tmp_path, "pigeons", {"pigeon": "pigeons:Pigeon"}, PIGEON)
    (tmp_path / "grains.py").write_text("LEAST = 1\n")

    def changed(module: str = "", text: str = "") -> Path:
        if module:
            (tmp_path / f"{module}.py").write_text(text)
        for name in ("pigeons", "grains"):
            sys.modules.pop(name, None)
        registry._discovered.cache_clear()
        from agents.evaluation import players

        players._loaded.cache_clear()
        return tmp_path

    changed()
    yield changed
    changed()


@pytest.mark.parametrize(("module", "text"), [("pigeons", PIGEON + "    armour: int = 2\n"), ("grains", "LEAST = 2\n")])
def test_an_edited_plug_in_is_refused_by_name(
    plugged: Any, module: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = plugged() / "t"
    words = ["tournament", "pigeon", "hawk", *ARENA, "--out", str(out)]
    assert cli.main(words) == 0
    plugged("pigeons", PIGEON.replace("Coos.", "Coos, and coos again.") + "    # a remark\n")
    assert cli.main(words) == 0
    before = contents(out)
    capsys.readouterr()
    plugged(module, text)
    assert cli.main(words) == 2
    said = capsys.readouterr().err
    assert f"another version of the strategy pigeon ({module}.py)" in said and said.count("\n") == 1
    assert contents(out) == before
    assert cli.main([*words[:-1], str(out.with_name("u"))]) == 0  # another folder goes on


def test_what_a_plug_in_has_of_other_packages_counts_by_their_version(plugged: Any) -> None:
    plugged("grains", "import numpy\nimport json\nLEAST = 1\n")
    inputs = policy_inputs(["pigeon:armour=2", "dove"])
    import numpy

    assert inputs.pop("the package numpy of the strategy pigeon") == numpy.__version__
    assert sorted(inputs) == ["the strategy pigeon (grains.py)", "the strategy pigeon (pigeons.py)"]


def test_a_strategy_without_source_cannot_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_registered", {})
    space: dict[str, Any] = {"__name__": "nowhere"}
    exec("class Ghost:\n    name = 'ghost'\n", space)
    registry.register(space["Ghost"])
    with pytest.raises(PolicyError, match="'ghost' has no file of source"):
        policy_inputs(["ghost"])


# --- the parts of an identity -----------------------------------------------------------------------------------


def rows(number: int) -> list[dict[str, Any]]:
    return [{"number": number}]


def test_work_of_a_class_in_a_file_hangs_on_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    source = (
        "import numpy as np\nfrom agents.strategies.baselines import Dove\n\nclass Mine(Dove):\n    armour: int = 1\n"
    )
    file = Path("mine.py")
    file.write_text(source)
    inputs = policy_inputs(["mine.py:Mine:armour=2"])
    assert set(inputs) == {"the file mine.py (mine.py)", "the package numpy of the file mine.py"}
    words = ["evaluate", "mine.py:Mine", *ARENA, "--trust", "--out", "o"]
    assert cli.main(words) == 0 and "mine.py:Mine" in capsys.readouterr().out
    file.write_text(source + "# a remark\n")
    assert cli.main(words) == 0
    file.write_text(source.replace("armour: int = 1", "armour: int = 0"))
    capsys.readouterr()
    assert cli.main(words) == 2
    assert "another version of the file mine.py" in capsys.readouterr().err
    assert cli.main(words[:-3]) == 2 and "--trust" in capsys.readouterr().err


def test_every_part_is_told_by_name() -> None:
    now = identity_of(rows, {"a": 1, "units": "x"}, {"the bundle b.sd": "1", "the bundle c.sd": "1"})
    assert changes(json.loads(json.dumps(now)), now) == []

    def changed(part: str, **entries: Any) -> list[str]:
        return changes({**now, part: {**now[part], **entries}}, now)

    assert changed("asked", a=2) == ["a was 2 and is 1"]
    assert changed("asked", units="y") == ["another command, policy, scenario or number"]
    assert changed("inputs", **{"the bundle b.sd": "2"}) == ["another version of the bundle b.sd"]
    assert changed("versions", numpy="0.1") == [f"numpy 0.1 where this is {now['versions']['numpy']}"]
    python = changed("versions", Python="2.7") + changes(
        {**now, "versions": {**now["versions"], "Python": "2.7"}, "sources": {}}, now
    )
    assert python == [f"Python 2.7 where this is {now['versions']['Python']}"] * 2  # whose syntax trees differ
    assert changed("sources", **{"agents/table/play.py": "x"}) == [
        "another version of the program (agents/table/play.py)"
    ]
    some = {name: "x" for name in now["sources"] if name.startswith("sd_env/rules/")}
    [words] = changed("sources", **some)
    assert words.startswith("another version of the rules (sd_env/rules/") and words.endswith(
        f"and {len(some) - 3} more)"
    )
    for odd in ({}, [], "x", {"work": "agents.x", "fingerprint": "1"}):  # the last as this program once wrote it
        assert changes(odd, now) == [
            "it was made by another version of this program, which did not note what decides its numbers"
        ]
    assert changes({**now, "work": "agents.else"}, now) == ["another command"]


@pytest.mark.parametrize(
    ("work", "within", "without"),
    [
        ("agents.evaluation.players.play_casts", "sd_env/rules/war.py agents/table/play.py agents/strategies/view.py",
         "agents/evaluation/report.py agents/training/job.py agents/work/local.py sd_env/files.py"),
        ("agents.training.job.run_job", "sd_env/worlds.py agents/training/checkpoint.py agents/policies/networks.py",
         "agents/evaluation/report.py agents/work/board.py"),
        ("agents.experiments.work.train_and_measure", "sd_env/measures/__init__.py agents/training/table.py",
         "agents/experiments/judge.py"),
        ("agents.evaluation.exploit.respond", "agents/training/response.py agents/training/learners.py",
         "agents/commands/exploit.py"),
    ],
)  # fmt: skip
def test_the_sources_are_those_that_the_work_reaches(work: str, within: str, without: str) -> None:
    module, _, name = work.rpartition(".")
    function = getattr(__import__(module, fromlist=[name]), name)
    found = identity_of(function, {})["sources"]
    assert set(within.split()) <= set(found) and not set(without.split()) & set(found)
