"""The floors of the house: what stands on what, read from the imports."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tools import floors

ROOT = Path(__file__).parent.parent
#: Imports that go up, each put into a module of its own.
UPWARD = {
    "sd_env/rules/war.py": "import sd_env.worlds",
    "sd_env/worlds.py": "def f():\n    from sd_env import parallel",
    "agents/table/play.py": "from agents.training.config import parse",
    "agents/policies/registry.py": "from agents.strategies import BUILT_INS",
    "agents/training/run.py": "from ..evaluation import report",
}


@pytest.fixture(scope="module")
def found() -> list[floors.Import]:
    return floors.imports()


def test_no_module_imports_one_above_it(found: list[floors.Import]) -> None:
    assert not floors.upward(found)


def test_every_module_has_a_room(found: list[floors.Import]) -> None:
    assert len(found) > 300 and not floors.homeless(found)


def test_the_picture_is_that_of_the_code(found: list[floors.Import]) -> None:
    drawn = floors.drawn(floors.reduced(floors.stands_on(found)))
    assert floors.PICTURE.read_text(encoding="utf-8") == drawn, "python -m tools.floors draws it anew"


def test_an_import_that_goes_up_is_found(tmp_path: Path) -> None:
    """In a copy of the tree, wherever it hides."""
    for package in ("sd_env", "agents"):
        for source in (ROOT / package).rglob("*.py"):
            copy = tmp_path / source.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(source.read_bytes())
    assert not floors.upward(floors.imports(tmp_path))
    for module, line in UPWARD.items():
        changed = tmp_path / module
        changed.write_text(changed.read_text(encoding="utf-8") + f"\n{line}\n", encoding="utf-8")
    wrong = [each.importer for each in floors.upward(floors.imports(tmp_path))]
    assert sorted(wrong) == sorted(module.removesuffix(".py").replace("/", ".") for module in UPWARD)


def _imported(path: Path) -> set[str]:
    """Top-level packages that a module imports, those within functions among them, those for types alone not."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def _modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def test_torch_and_stable_baselines3_stay_in_policies_and_training() -> None:
    learning = {"torch", "stable_baselines3", "sb3_contrib"}
    users = {path for path in _modules("agents") if learning & _imported(path)}
    rooms = {path.relative_to(ROOT / "agents").parts[0] for path in users}
    assert rooms == {"policies", "training"}


def test_below_the_faces_nothing_knows_gymnasium_or_pettingzoo() -> None:
    faces = {"spaces.py", "parallel.py", "solo.py", "vector.py", "registry.py"}
    users = [path for path in _modules("sd_env") if {"gymnasium", "pettingzoo"} & _imported(path)]
    assert {str(path.relative_to(ROOT / "sd_env")) for path in users} <= faces
    assert users


def test_the_game_needs_its_six_packages_alone() -> None:
    ours = {"numpy", "numba", "gymnasium", "pettingzoo", "pydantic", "pydantic_core", "yaml"}
    drawing = {"matplotlib"}  # only when it is asked to draw
    found = set().union(*(_imported(path) for path in _modules("sd_env")))
    assert found - set(sys.stdlib_module_names) - {"sd_env", "__future__"} <= ours | drawing


def test_the_command_says_where_an_import_goes_up() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.floors", "--check"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
