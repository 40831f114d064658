"""The source distribution is the whole repository: what is unpacked from it can be tested."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
#: What is made where one works, and belongs to nobody else.
MADE = {
    ".git", ".venv", ".venv-bare", ".venv-bench", ".venv-lowest", "build", "dist", "runs", "site", "__pycache__",
    ".pytest_cache", ".hypothesis", ".mypy_cache", ".ruff_cache", "sd_env.egg-info",
}  # fmt: skip
BUILD = "import sys; from setuptools import build_meta; print(build_meta.build_sdist(sys.argv[1]))"


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree of a source distribution that is built from a copy of this one."""
    place = tmp_path_factory.mktemp("sdist")
    tree = shutil.copytree(ROOT, place / "tree", ignore=lambda _, names: MADE & set(names), symlinks=True)
    built = subprocess.run([sys.executable, "-c", BUILD, str(place)], cwd=tree, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    [archive] = place.glob("*.tar.gz")
    with tarfile.open(archive) as held:
        held.extractall(place / "out", filter="data")
    [top] = (place / "out").iterdir()
    return top


def names(tree: Path) -> set[str]:
    """Files by path: without what is made, and with those behind the links to folders."""
    found = set()
    for folder, inner, files in os.walk(tree, followlinks=True):
        inner[:] = [name for name in inner if name not in MADE]
        found |= {Path(folder, name).relative_to(tree).as_posix() for name in files}
    return {name for name in found if not name.endswith((".pyc", ".nbi", ".nbc"))}


def test_nothing_of_the_repository_is_left_out(unpacked: Path) -> None:
    mine = names(ROOT) - {".git", "shared"}  # a worktree's .git is a file
    assert len(mine) > 900
    assert mine - names(unpacked) == set()
    assert {name for name in names(unpacked) - mine if "egg-info" not in name} <= {"PKG-INFO", "setup.cfg"}


def test_its_tests_run(unpacked: Path) -> None:
    """With conftest, helpers and golden files: a few that need each."""
    some = ["tests/sd_env/test_golden.py", "tests/sd_env/test_scenario_files.py", "tests/test_floors.py"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--collect-only", *some]
    environment = {**os.environ, "PYTHONPATH": str(unpacked)}
    ran = subprocess.run(command, cwd=unpacked, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    light = [*command[:-4], "tests/sd_env/test_scenario_files.py"]
    ran = subprocess.run(light, cwd=unpacked, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
