"""The worked changes of CONTRIBUTING.md work: each patch applies to a copy, and its section's commands pass there."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from examples import changes

ROOT = Path(__file__).parent.parent
PATCHES = sorted(path.name for path in changes.PATCHES.glob("*.patch"))
#: Not needed to run tests, and large.
LEFT_OUT = ("docs/results/", "benchmarks/results/")


def page() -> str:
    return changes.PAGE.read_text(encoding="utf-8")


def script(patch: str) -> list[list[str]]:
    """The commands of the section that begins by applying the patch."""
    for block in re.findall(r"^```bash\n(.*?)^```$", page(), re.M | re.S):
        lines = [shlex.split(line) for line in block.splitlines()]
        if lines[0] == ["git", "apply", f"examples/contributing/{patch}"]:
            return lines[1:]
    raise AssertionError(f"no section of CONTRIBUTING.md begins with: git apply examples/contributing/{patch}")


def here(command: list[str]) -> list[str]:
    """A command of the page, by this Python."""
    if command[:2] == ["make", "test"]:
        (given,) = command[2:]
        return [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            *shlex.split(given.removeprefix("TESTS=")),
        ]
    if command[:2] == ["python", "-m"]:
        return [sys.executable, *command[1:]]
    assert command[0] == "sd-env", f"the page has a command that is not known here: {shlex.join(command)}"
    return [sys.executable, "-m", "agents.cli", *command[1:]]


def run(command: list[str], copy: Path) -> subprocess.CompletedProcess[str]:
    """Run it in the copy and of the copy's code, uncompiled: to compile the rules anew would take longer."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "GIT_"))}
    environment = inherited | {
        "PYTHONPATH": str(copy), "NUMBA_DISABLE_JIT": "1", "PYTHONDONTWRITEBYTECODE": "1",
        "GIT_CEILING_DIRECTORIES": str(copy.parent),  # a repository around the copy is none of git's business
    }  # fmt: skip
    return subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, timeout=600)


def apply(patch: str, copy: Path, *options: str) -> None:
    done = run(["git", "apply", *options, str(changes.PATCHES / patch)], copy)
    if done.returncode:
        pytest.fail(
            f"{patch} no longer applies; CONTRIBUTING.md, 'When a patch no longer fits', says how to mend it:\n"
            + done.stderr,
            pytrace=False,
        )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the tree as it is now, without what git ignores."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    for name in filter(None, listed.split("\0")):
        source, target = ROOT / name, tmp_path / "copy" / name
        if (source.is_file() or source.is_symlink()) and not name.startswith(LEFT_OUT):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
    return tmp_path / "copy"


def test_the_page_shows_each_patch_as_it_is_and_whole() -> None:
    assert changes.written(page()) == page(), "put the patches into the page: python -m examples.changes --write"
    shown = [(match["patch"], match["path"]) for match in changes.BLOCK.finditer(page())]
    for patch in PATCHES:
        files = changes.parts((changes.PATCHES / patch).read_text(encoding="utf-8"))
        assert {path for name, path in shown if name == patch} == set(files), patch
    assert len(shown) == len(set(shown))


def test_there_is_a_worked_change_of_every_kind() -> None:
    assert [name.partition("-")[2] for name in PATCHES] == [
        "strategy.patch", "scenario.patch", "parameter.patch", "measure.patch", "learner.patch",
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("patch", PATCHES)
def test_a_worked_change_works(patch: str, copy: Path) -> None:
    apply(patch, copy)
    imported = run([sys.executable, "-c", "import agents, sd_env; print(agents.__file__, sd_env.__file__)"], copy)
    assert imported.stdout.split() == [str(copy / name / "__init__.py") for name in ("agents", "sd_env")]
    for command in script(patch):
        done = run(here(command), copy)
        assert done.returncode == 0, f"{shlex.join(command)}\n{done.stdout[-4000:]}{done.stderr[-4000:]}"


@pytest.mark.slow
def test_they_go_together_and_pass_make_lint(copy: Path) -> None:
    for patch in PATCHES:
        apply(patch, copy)
    for command in (["ruff", "check", "--no-cache", "."], ["ruff", "format", "--no-cache", "--check", "."], ["mypy"]):
        done = run([sys.executable, "-m", *command], copy)
        assert done.returncode == 0, done.stdout[-4000:]


@pytest.mark.slow
@pytest.mark.parametrize("patch", PATCHES)
def test_its_tests_fail_without_it(patch: str, copy: Path) -> None:
    """Of the patch only the tests are applied."""
    apply(patch, copy, "--include=tests/*")
    failed = [run(here(command), copy) for command in script(patch) if command[:2] == ["make", "test"]]
    codes = [done.returncode for done in failed]
    assert set(codes) & {1, 2}, (
        f"pytest ended with {codes}, but tests that fail (1) or cannot be collected (2) are needed"
    )


def test_a_patch_that_no_longer_applies_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "agents" / "strategies").mkdir(parents=True)
    (tmp_path / "agents" / "strategies" / "__init__.py").write_text("BUILT_INS = ()\n", encoding="utf-8")
    with pytest.raises(pytest.fail.Exception, match=r"mend it:\n(.*\n)*error: .*agents/strategies/__init__\.py:\d+"):
        apply("1-strategy.patch", tmp_path, "--include=agents/strategies/__init__.py")
