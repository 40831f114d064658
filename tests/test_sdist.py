"""The source distribution is the whole repository, and its tests pass on the wheel that is built from it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.distribution import MADE, PACKAGES, installed, run_pytest, unpacked, wheel_of, with_the_wheel

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is unpacked of a source distribution."""
    return unpacked(tmp_path_factory.mktemp("sdist"))


def names(tree: Path) -> set[str]:
    """Files by path: without what is made, and with those behind the links to folders."""
    found = set()
    for folder, inner, files in os.walk(tree, followlinks=True):
        inner[:] = [name for name in inner if name not in MADE]
        found |= {Path(folder, name).relative_to(tree).as_posix() for name in files}
    made = {"sbom.json"}  # by make sbom
    return {name for name in found - made if not name.endswith((".pyc", ".nbi", ".nbc"))}


def test_nothing_of_the_repository_is_left_out(tree: Path) -> None:
    mine = names(ROOT) - {".git", "shared"}  # a worktree's .git is a file
    assert len(mine) > 900
    assert mine - names(tree) == set()
    assert {name for name in names(tree) - mine if "egg-info" not in name} <= {"PKG-INFO", "setup.cfg"}


def test_its_tests_are_found(tree: Path) -> None:
    """With conftest, helpers and golden files: a few that need each."""
    some = ["tests/sd_env/test_golden.py", "tests/sd_env/test_scenario_files.py", "tests/test_floors.py"]
    assert run_pytest(tree, tree, ["--collect-only", *some]) == 0


def test_its_tests_pass_on_the_wheel_that_is_built_of_it(tree: Path, tmp_path: Path) -> None:
    """A few; ``make test-dist`` runs more, where sd-env is not installed."""
    target = installed(wheel_of(tree, tmp_path), tmp_path)
    with_the_wheel(tree, target)
    where = "import agents, os, sd_env; print(*(os.path.realpath(m.__file__) for m in (agents, sd_env)))"
    ran = subprocess.run([sys.executable, "-c", where], cwd=tree, capture_output=True, text=True, check=True)
    assert {Path(path).parent for path in ran.stdout.split()} == {(target / name).resolve() for name in PACKAGES}
    command = [sys.executable, "-c", "from agents.cli import main; raise SystemExit(main(['strategies']))"]
    subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(target)}, check=True, capture_output=True
    )
    assert run_pytest(tree, target, ["tests/sd_env/test_scenario_files.py", "tests/sd_env/test_catalogue.py"]) == 0
