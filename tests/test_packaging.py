"""What is installed is what the code needs: dependencies, lock file, wheel, directions between the packages."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterable
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from agents import cli
from tools.lock import read

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OWN = {"sd_env", "agents", "benchmarks", "train"}
EXTRAS = PROJECT["optional-dependencies"]
#: Modules that may know gymnasium or PettingZoo: the faces, their spaces and their registration.
FACES = {"parallel", "vector", "solo", "registry", "spaces"}
#: Endings of the files of the wheel.
DATA = {".py", ".typed", ".yaml", ".json", ".safetensors", ".csv", ".html", ".css", ".js"}


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Top-level names that a file imports from outside the standard library, wherever in the file."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module.split(".")[0])
    return names - set(sys.stdlib_module_names)


def distributions(paths: list[Path]) -> set[str]:
    """Distributions, by canonical name, that the files import."""
    known = packages_distributions()
    names = set().union(*(imported(path) for path in paths)) - OWN
    # pydantic_core comes with pydantic, which pins its one fitting version
    return {canonicalize_name(known.get(name, [name])[0]) for name in names - {"pydantic_core"}}


def requirements(lines: list[str]) -> dict[str, Requirement]:
    parsed = [Requirement(line) for line in lines]
    return {canonicalize_name(requirement.name): requirement for requirement in parsed}


def lock(name: str) -> dict[str, str]:
    _, pins = read(ROOT / name)
    return {canonicalize_name(distribution): version for distribution, version in pins}


def test_the_packages_declare_what_they_import_and_nothing_more() -> None:
    game, training, serving, asking, clusters = (
        set(requirements(lines))
        for lines in (PROJECT["dependencies"], *(EXTRAS[k] for k in ("train", "serve", "llm", "ray")))
    )
    assert game == {"gymnasium", "numba", "numpy", "pettingzoo", "pydantic", "pyyaml"} and not game & training
    assert distributions(sources("sd_env")) == game
    used = distributions([*sources("agents"), ROOT / "train.py"])
    assert used - game - training == serving | asking | clusters, "imported but not declared in pyproject.toml"
    # tensorboard is imported by torch's writer, which stable-baselines3 uses when it is there
    assert training - used == {"tensorboard"}, "declared in pyproject.toml but not imported"


def test_the_game_imports_nothing_of_training() -> None:
    assert [str(path) for path in sources("sd_env") if imported(path) & {"agents", "benchmarks", "train"}] == []


def installed_for(names: Iterable[str]) -> set[str]:
    """These distributions and all that they need, by canonical name."""
    found: set[str] = set()
    waiting = [*names]
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name not in found:
            found.add(name)
            needed = map(Requirement, distribution(name).requires or [])
            waiting += [each.name for each in needed if each.marker is None or each.marker.evaluate({"extra": ""})]
    return found


def test_six_dependencies_are_enough_to_play() -> None:
    """With all modules blocked that the six do not bring; ``make test-bare`` does it in a real environment."""
    six = installed_for(requirements(PROJECT["dependencies"]))
    blocked = {
        module
        for module, owners in packages_distributions().items()
        if not {canonicalize_name(owner) for owner in owners} & six
    } - OWN - sys.stdlib_module_names  # fmt: skip
    assert blocked >= {"torch", "pandas", "matplotlib", "rich"}
    command = [sys.executable, "-m", "tests.bare_install", *sorted(blocked)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "plays with Python" in ran.stdout


def test_to_import_and_to_play_is_light_even_where_everything_is_installed() -> None:
    code = """
import sys
import sd_env, agents, agents.cli
from tests.bare_install import play_every_face
heavy = (agents.cli.TRAINING | {"numba", "pydantic"}) & set(sys.modules)
assert not heavy, f"imported by import: {heavy}"
play_every_face()
heavy = (agents.cli.TRAINING - {"scipy"}) & set(sys.modules)  # scipy: numba imports it where it finds it
assert not heavy, f"imported by playing: {heavy}"
"""
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_the_command_knows_what_the_training_packages_are() -> None:
    brought = {canonicalize_name(packages_distributions()[module][0]) for module in cli.TRAINING}
    assert brought == set(requirements(EXTRAS["train"]))
    serving = {canonicalize_name(packages_distributions()[module][0]) for module in cli.SERVING}
    assert serving == set(requirements(EXTRAS["serve"]))


@pytest.mark.parametrize(("missing", "extra"), [("torch", "train"), ("uvicorn", "serve")])
def test_a_missing_package_is_told_with_its_extra(
    missing: str, extra: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(words: list[str]) -> int:
        raise ModuleNotFoundError(f"No module named {missing!r}", name=missing)

    monkeypatch.setattr(cli, "_run", fails)
    assert cli.main(["serve"]) == 2
    assert f"pip install 'sd-env[{extra}]'" in capsys.readouterr().err


def test_another_packages_missing_module_is_not_taken_for_one_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(words: list[str]) -> int:
        raise ModuleNotFoundError("No module named 'nowhere'", name="nowhere")

    monkeypatch.setattr(cli, "_run", missing)
    with pytest.raises(ModuleNotFoundError, match="nowhere"):
        cli.main(["evaluate"])


def test_all_is_every_extra_for_users_but_that_of_clusters() -> None:
    """Ray is larger than all the rest but torch, and of no use without a cluster."""
    [everything] = map(Requirement, EXTRAS["all"])
    assert everything.name == PROJECT["name"] and everything.extras == set(EXTRAS) - {"all", "bench", "dev", "ray"}


def test_below_the_faces_nobody_knows_the_interfaces() -> None:
    below = [path for path in sources("sd_env") if path.parent != ROOT / "sd_env" or path.stem not in FACES]
    assert [str(path) for path in below if imported(path) & {"gymnasium", "pettingzoo"}] == []


@pytest.mark.parametrize("extra", [None, "train", "parquet", "onnx", "serve", "llm", "dev", "docs"])
def test_the_lock_pins_every_dependency_within_its_range(extra: str | None) -> None:
    wanted = PROJECT["dependencies"] if extra is None else EXTRAS[extra]
    pins = lock("requirements.lock")
    for name, requirement in requirements(wanted).items():
        assert name in pins, f"{name} is not in requirements.lock"
        assert requirement.specifier.contains(pins[name]), f"{name}=={pins[name]} is outside {requirement.specifier}"


@pytest.mark.parametrize("extra", [None, "train", "parquet", "onnx", "serve", "llm"])
def test_the_lowest_lock_pins_the_lower_bounds(extra: str | None) -> None:
    pins = lock("requirements-lowest.lock")
    for name, requirement in requirements(PROJECT["dependencies"] if extra is None else EXTRAS[extra]).items():
        [least] = [bound.version for bound in requirement.specifier if bound.operator == ">="]
        assert Version(pins[name]) == Version(least), f"{name}: {least} in pyproject.toml, {pins[name]} is tested"


def test_the_peers_of_the_benchmarks_are_pinned_within_their_ranges() -> None:
    pins = lock("benchmarks/requirements.lock")
    for name, requirement in requirements(EXTRAS["bench"]).items():
        assert requirement.specifier.contains(pins[name])
    assert not set(pins) & set(lock("requirements.lock")), "pinned in both lock files"


def test_the_versions_agree() -> None:
    version = PROJECT["version"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == version
    assert citation["license"] == PROJECT["license"] == "MIT"
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert version in changes, f"CHANGELOG.md says nothing of {version}"


def test_the_citation_file_has_what_the_format_asks_for() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= set(citation)
    allowed = {
        *("cff-version", "message", "title", "abstract", "type", "authors", "version", "license", "keywords"),
        *(
            "date-released",
            "repository-code",
            "url",
            "doi",
            "identifiers",
            "references",
            "preferred-citation",
            "contact",
        ),
    }
    assert set(citation) <= allowed
    assert all({"name"} <= set(author) or {"family-names"} <= set(author) for author in citation["authors"])


def test_the_wheel_holds_both_packages_with_their_data_and_nothing_else(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    for name in ("sd_env", "agents", "benchmarks", "tests"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__", "results"))
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*build, "--wheel-dir", str(tmp_path), str(tree)], check=True, capture_output=True, text=True)
    (wheel,) = tmp_path.glob("sd_env-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    expected = {
        path.relative_to(ROOT).as_posix()
        for package in ("sd_env", "agents")
        for path in (ROOT / package).rglob("*")
        if path.is_file()
        and path.suffix in {".py", ".typed", ".yaml", ".json", ".safetensors", ".csv", ".html", ".css", ".js"}
    }
    assert held == expected
    assert {"sd_env/py.typed", "agents/py.typed", "sd_env/catalogue/jervis/doubly-dangerous.yaml"} <= held


def test_make_refuses_an_old_python_in_one_sentence(tmp_path: Path) -> None:
    old = tmp_path / "python3.8"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && { echo Python 3.8.1; exit 0; }\nexit 1\n', encoding="utf-8")
    old.chmod(0o755)
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("pyproject.toml", "requirements.lock"):
        (tmp_path / name).touch()
    for target in ("train", "test"):
        command = ["make", "-C", str(tmp_path), target, f"PYTHON={old}"]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ran.returncode != 0
        assert "sd-env needs Python 3.11 or newer, and found Python 3.8.1" in ran.stderr
        assert not (tmp_path / ".venv").exists()
