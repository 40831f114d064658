"""Compiled code on disk is used again only while every rule is as it was."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numba
import pytest

from sd_env.rules import compiled, turn

PACKAGE = Path(__file__).parents[2] / "sd_env"
SOURCES = sorted([*(PACKAGE / "rules").glob("*.py"), *PACKAGE.glob("layout*.py")])
#: Begins an episode; prints where the code came from, what it gave and whether it had to be compiled.
PROGRAM = """
import json
import logging
import sd_env
logging.basicConfig()
from sd_env.rules.turn import reset_worlds
worlds = sd_env.Worlds(sd_env.load_scenario({}), seed=0)
stats = reset_worlds.stats
print(json.dumps({
    "home": sd_env.__file__, "economy": worlds.states["economy"].max(),
    "hits": sum(stats.cache_hits.values()), "misses": sum(stats.cache_misses.values()),
}))
"""


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the package without compiled code, and with the dates that numba looks at."""
    return Path(shutil.copytree(PACKAGE, tmp_path / "sd_env", ignore=shutil.ignore_patterns("__pycache__")))


def fingerprint(package: Path) -> str:
    """What a process that imports this copy would say."""
    spec = importlib.util.spec_from_file_location("compiled_of_a_copy", package / "rules" / "compiled.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return str(module.rules_fingerprint())


def begin_an_episode(package: Path, cache: Path, says: str = "") -> dict[str, Any]:
    """What the program printed; on standard error it said ``says`` in one line, or nothing."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": str(package.parent)}
    command = [sys.executable, "-B", "-c", PROGRAM]
    ran = subprocess.run(command, cwd=package.parent, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert says in ran.stderr and ran.stderr.count("\n") == bool(says), ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout)
    assert Path(found.pop("home")).parent == package
    return found


def test_the_fingerprint_is_of_the_content_alone(copied: Path) -> None:
    assert fingerprint(copied) == compiled.rules_fingerprint()
    for path in copied.rglob("*.py"):
        os.utime(path, (0, 0))
    (copied / "worlds.py").write_text("# not part of the compiled code\n", encoding="utf-8")
    assert fingerprint(copied) == compiled.rules_fingerprint()


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_any_change_in_any_rule_changes_the_fingerprint(copied: Path, source: Path) -> None:
    path = copied / source.relative_to(PACKAGE)
    path.write_bytes(path.read_bytes() + b"#\n")
    assert fingerprint(copied) != compiled.rules_fingerprint()


def test_a_rule_more_or_less_changes_the_fingerprint(copied: Path) -> None:
    empty = copied / "rules" / "empty.py"
    empty.touch()
    more = fingerprint(copied)
    empty.rename(empty.with_name("renamed.py"))
    assert len({more, fingerprint(copied), compiled.rules_fingerprint()}) == 3


def test_rules_are_made_of_nothing_that_the_fingerprint_leaves_out() -> None:
    covered = {".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in SOURCES}
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path.name} imports relatively"
                names = {node.module or ""}
            else:
                names = {alias.name for alias in node.names} if isinstance(node, ast.Import) else set()
            own = {name for name in names if name.split(".")[0] == "sd_env"}
            assert own <= covered, f"{path.name} imports {own - covered}"


@pytest.mark.parametrize("name", ["step_worlds", "step_worlds_in_parallel", "reset_worlds", "show_worlds"])
def test_every_entry_point_carries_the_fingerprint(name: str) -> None:
    """numba's private names: if a new version moves them, its cache must be tied to the rules in another way."""
    assert not compiled.UNCOMPILED
    _, tied = getattr(turn, name)._cache._cache_file._source_stamp
    assert tied == compiled.rules_fingerprint()


def test_no_other_function_is_cached() -> None:
    """A rule cached on its own would be found without asking whether what it calls has changed."""
    dispatchers = {
        name: value for name, value in vars(turn).items() if isinstance(value, numba.core.registry.CPUDispatcher)
    }
    cached = {name for name, value in dispatchers.items() if value.stats.cache_path is not None}
    assert cached == {"step_worlds", "step_worlds_in_parallel", "reset_worlds", "show_worlds"}
    assert len(dispatchers) > 10


@pytest.mark.slow
def test_an_unchanged_rule_is_read_from_the_cache_and_a_changed_one_compiled(copied: Path, tmp_path: Path) -> None:
    """The entry point's own file stays as it was, and its date is all that numba would look at."""
    cache = tmp_path / "cache"
    assert begin_an_episode(copied, cache) == {"economy": 1.0, "hits": 0, "misses": 1}
    assert begin_an_episode(copied, cache) == {"economy": 1.0, "hits": 1, "misses": 0}
    rule = copied / "rules" / "setup.py"
    text, before = rule.read_text(encoding="utf-8"), "s[i][name] = between("
    assert text.count(before) == 1
    rule.write_text(text.replace(before, "s[i][name] = 3.0 * between("), encoding="utf-8")
    assert begin_an_episode(copied, cache) == {"economy": 3.0, "hits": 0, "misses": 1}


@pytest.mark.slow
def test_damaged_files_of_the_cache_cost_a_compilation_and_no_more(copied: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    assert begin_an_episode(copied, cache)["misses"] == 1
    for pattern in ("*reset_worlds*.nbi", "*reset_worlds*.nbc"):
        [file] = cache.rglob(pattern)
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
        assert begin_an_episode(copied, cache, "is damaged") == {"economy": 1.0, "hits": 0, "misses": 1}
    assert begin_an_episode(copied, cache)["hits"] == 1  # mended


@pytest.mark.slow
def test_where_nothing_can_be_written_all_is_compiled_and_one_line_says_so(
    copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A read-only package and no home, as containers have it: files stand where folders would be made."""
    nowhere = tmp_path / "nowhere"
    nowhere.touch()
    for folder in (copied / "rules", copied / "measures"):
        (folder / "__pycache__").touch()
    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(nowhere))
    found = begin_an_episode(copied, nowhere, "NUMBA_CACHE_DIR may name a folder")
    assert found == {"economy": 1.0, "hits": 0, "misses": 1}
