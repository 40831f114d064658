"""The distributions tried as whoever downloads them has them: built, unpacked elsewhere, and tested there.

    python -m tools.distribution [PYTEST WORDS ...]

The source distribution is built from a copy of the tree, and the wheel from what is unpacked of it. The wheel is
installed in a folder of its own, and the packages of the unpacked tree are replaced by links to it: the tests of the
source distribution then run on the files of the wheel, and the repository takes no part. ``make test-dist`` does it in
an environment in which sd-env is not installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
#: The packages of the wheel.
PACKAGES: Final = ("sd_env", "agents")
#: What is made where one works, and belongs to nobody else.
MADE: Final = frozenset({
    ".git", ".venv", ".venv-bare", ".venv-bench", ".venv-compat", ".venv-dist", ".venv-lowest", ".venv-peers",
    "build", "dist", "runs", "site", "__pycache__", ".pytest_cache", ".hypothesis", ".mypy_cache", ".ruff_cache",
    "sd_env.egg-info",
})  # fmt: skip
#: Tests without which nothing else would be worth a try: rules, files, faces, commands.
SOME: Final = (
    "tests/sd_env/test_golden.py", "tests/sd_env/test_scenario_files.py", "tests/sd_env/test_parallel.py",
    "tests/sd_env/test_parallel_seen.py", "tests/sd_env/test_parallel_refusals.py",
    "tests/sd_env/test_record_files.py", "tests/agents/commands/test_cli.py",
)  # fmt: skip
_SDIST: Final = "import sys; from setuptools import build_meta; print(build_meta.build_sdist(sys.argv[1]))"


def unpacked(place: Path) -> Path:
    """The tree of a source distribution that is built from a copy of this one, in and below a folder.

    Raises:
        CalledProcessError: if it cannot be built.
    """
    tree = shutil.copytree(ROOT, place / "copy", ignore=lambda _, names: MADE & set(names), symlinks=True)
    _run([sys.executable, "-c", _SDIST, str(place)], tree)
    [archive] = place.glob("*.tar.gz")
    with tarfile.open(archive) as held:
        held.extractall(place / "out", filter="data")
    [top] = (place / "out").iterdir()
    shutil.rmtree(tree)
    return top


def wheel_of(tree: Path, place: Path) -> Path:
    """A wheel of a tree, in a folder.

    Raises:
        CalledProcessError: if it cannot be built.
    """
    offline = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    _run([sys.executable, "-m", "pip", "wheel", *offline, "--wheel-dir", str(place), str(tree)], place)
    [wheel] = place.glob("sd_env-*.whl")
    return wheel


def installed(wheel: Path, place: Path) -> Path:
    """The folder in which a wheel is installed by itself.

    Raises:
        CalledProcessError: if it cannot be installed.
    """
    target = place / "installed"
    offline = ["--quiet", "--no-deps", "--no-index", "--disable-pip-version-check"]
    _run([sys.executable, "-m", "pip", "install", *offline, "--target", str(target), str(wheel)], place)
    return target


def with_the_wheel(tree: Path, target: Path) -> None:
    """Replace the packages of a tree by links to those that are installed in a folder."""
    for name in PACKAGES:
        shutil.rmtree(tree / name)
        (tree / name).symlink_to(target / name, target_is_directory=True)


def run_pytest(tree: Path, target: Path, words: Sequence[str]) -> int:
    """Run tests of a tree on what is installed in a folder; returns pytest's exit code."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words]
    return subprocess.run(command, cwd=tree, env=environment | {"PYTHONPATH": str(target)}, check=False).returncode


def _run(command: Sequence[str], folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)


def main(words: Sequence[str] | None = None) -> int:
    """Command line; returns pytest's exit code, or 1 if something cannot be built."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        try:
            tree = unpacked(place)
            wheel = wheel_of(tree, place)
            target = installed(wheel, place)
        except subprocess.CalledProcessError as error:
            print(error.stderr, file=sys.stderr)
            return 1
        print(f"{wheel.name}, {wheel.stat().st_size / 1e6:.1f} MB; tests of {tree.name}.tar.gz on it:", flush=True)
        with_the_wheel(tree, target)
        return run_pytest(tree, target, (sys.argv[1:] if words is None else words) or SOME)


if __name__ == "__main__":
    sys.exit(main())
