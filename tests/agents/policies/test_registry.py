"""The registry: names, descriptions, searches, refusals, and strategies of other people's packages."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import agents
from agents import cli
from agents.policies import registry
from agents.strategies import BUILT_INS, Traits
from agents.strategies.baselines import Dove
from sd_env.policies import PolicyError
from tests.docs import rows

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "my_strategy"


class Statue:
    """Stands still."""

    def __init__(self, height: int = 3, *, name_plate: str = "") -> None:
        self.height, self.name_plate = height, name_plate

    def reset(self, seed: int) -> None:
        """Nothing to forget."""

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        return np.zeros((len(mask), 4), dtype=np.int64)


def bare(cell: str) -> str:
    """A cell without code font."""
    return cell.replace("`", "").strip()


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A registry whose additions are gone after the test."""
    mine: dict[str, Any] = {}
    monkeypatch.setattr(registry, "_registered", mine)
    return mine


# --- names, descriptions, searches ----------------------------------------------------------------------------


def test_names_are_sorted_and_all_can_be_made_and_described() -> None:
    names = agents.names()
    assert list(names) == sorted(names)
    for strategy in BUILT_INS:
        policy = agents.make(strategy.name)
        assert isinstance(policy, strategy)
        described = agents.describe(strategy.name)
        assert described.name == strategy.name
        assert described.traits is strategy.traits
        assert described.source == "sd-env"
        assert described.summary in " ".join(described.behaviour.split())
        assert described.citation not in described.behaviour


def test_parameters_reach_the_strategy_and_are_described() -> None:
    dove = agents.make("dove", armour=2)
    assert isinstance(dove, Dove)
    assert dove.armour == 2
    (parameter,) = agents.describe("dove").parameters
    assert (parameter.name, parameter.default) == ("armour", "1")
    assert parameter.meaning.startswith("defensive building")
    assert agents.describe("tit-for-tat").citation == "Axelrod 1984, The Evolution of Cooperation"


def test_a_search_holds_every_condition() -> None:
    calm = set(agents.search(first_strikes=False, memory=0, stochastic=False))
    for strategy in BUILT_INS:
        traits = strategy.traits
        fits = not traits.first_strikes and traits.memory == 0 and not traits.stochastic
        assert (strategy.name in calm) == fits
    assert "tit-for-tat" in calm
    assert agents.search() == agents.names()


@pytest.mark.parametrize(
    ("traits", "sentence"),
    [
        ({"bold": True}, "There is no trait 'bold'; traits are first_strikes, preempts,"),
        ({"retaliates": 1}, "The trait retaliates is true or false, not 1."),
        ({"memory": True}, "The trait memory is a whole number, not True."),
    ],
)
def test_a_search_for_what_is_no_trait_is_refused(traits: dict[str, Any], sentence: str) -> None:
    with pytest.raises(PolicyError) as caught:
        agents.search(**traits)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("tit-for-tit", "There is no strategy 'tit-for-tit'; did you mean tit-for-tat or generous-tit-for-tat?"),
        ("doves", "There is no strategy 'doves'; did you mean dove?"),
        ("xyzzy", "There is no strategy 'xyzzy'; there are appeaser, balancer, "),
    ],
)
def test_an_unknown_name_gets_the_nearest(name: str, sentence: str) -> None:
    for ask in (agents.make, agents.describe):
        with pytest.raises(PolicyError) as caught:
            ask(name)
        assert str(caught.value).startswith(sentence)


# --- register -------------------------------------------------------------------------------------------------


def test_any_policy_can_be_registered(registered: dict[str, Any]) -> None:
    agents.register(Statue, "statue")
    agents.register(Statue, "statue")  # the same again is harmless
    assert "statue" in agents.names()
    made = agents.make("statue", height=5)
    assert isinstance(made, Statue)
    assert made.height == 5
    described = agents.describe("statue")
    assert (described.summary, described.citation, described.traits) == ("Stands still.", "", None)
    assert [(p.name, p.default) for p in described.parameters] == [("height", "3"), ("name_plate", "''")]
    assert "statue" not in agents.search(stochastic=False)  # it declares nothing
    with pytest.raises(PolicyError, match="statue has no parameter 'width'; it has height, name_plate."):
        agents.make("statue", width=1)


def test_a_name_is_given_once(registered: dict[str, Any]) -> None:
    with pytest.raises(PolicyError, match="The name 'dove' is taken by a strategy of sd-env; choose another."):
        agents.register(Statue, "dove")
    agents.register(Statue, "statue")
    with pytest.raises(PolicyError, match="The name 'statue' is taken"):
        agents.register(lambda: Statue(), "statue")
    assert isinstance(agents.make("dove"), Dove)


@pytest.mark.parametrize("name", ["Statue", "my statue", "a:b", "a/b", "", "-a", None])
def test_a_name_is_in_kebab_case(name: str | None, registered: dict[str, Any]) -> None:
    with pytest.raises(PolicyError, match="is no name for a strategy"):
        agents.register(Statue, name)
    assert registered == {}


def test_what_makes_no_policy_is_refused_in_a_sentence(registered: dict[str, Any]) -> None:
    agents.register(lambda: 3, "three")  # type: ignore[arg-type, return-value]
    agents.register(lambda: 1 // 0, "zero")  # type: ignore[arg-type, return-value]
    with pytest.raises(PolicyError, match="'three' of the package .* makes no policy: reset or act is missing"):
        agents.make("three")
    with pytest.raises(PolicyError, match="'zero' of the package .* cannot be made: ZeroDivisionError: "):
        agents.make("zero")


# --- importing is light ---------------------------------------------------------------------------------------


def test_importing_agents_imports_nothing_heavy() -> None:
    light = (
        "import sys, agents; heavy = {'torch', 'stable_baselines3', 'pandas', 'sklearn', 'matplotlib'};"
        "assert not heavy & set(sys.modules) and 'agents.policies.registry' not in sys.modules;"
        "assert {'make', 'names', 'search', 'describe'} <= set(dir(agents));"
        "agents.make('dove'); agents.search(memory=0); assert not heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", light], check=True, cwd=ROOT)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        agents.nothing  # noqa: B018


# --- other people's packages ----------------------------------------------------------------------------------


def plug_in(folder: Path, package: str, entries: dict[str, str], code: str) -> None:
    """An installed package as pip leaves it: a module and its metadata."""
    module = package.replace("-", "_")
    (folder / f"{module}.py").write_text(code, encoding="utf-8")
    metadata = folder / f"{module}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n", encoding="utf-8")
    lines = [f"{name} = {value}" for name, value in entries.items()]
    (metadata / "entry_points.txt").write_text("\n".join(["[sd_env.agents]", *lines, ""]), encoding="utf-8")


@pytest.fixture
def plugged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A folder on the path, looked at anew by the registry, which forgets it after the test."""
    monkeypatch.syspath_prepend(str(tmp_path))
    registry._discovered.cache_clear()
    yield tmp_path
    registry._discovered.cache_clear()


DOVE = "from agents.strategies.baselines import Dove\nclass Pigeon(Dove):\n    '''Coos.'''\n    name = 'pigeon'\n"


def test_the_example_package_is_installed_and_found(tmp_path: Path) -> None:
    """As a user would have it: pip, an entry point, agents.make; and what it declares stands."""
    source, target = tmp_path / "source", tmp_path / "target"
    shutil.copytree(EXAMPLE, source)
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    done = subprocess.run([*install, "--target", str(target), str(source)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); import agents;"
        "from agents.strategies.checks import refutations;"
        "assert 'my_strategy' not in sys.modules and 'tit-for-two-tats' in agents.names();"
        "print(type(agents.make('tit-for-two-tats', armour=2)).__module__, agents.describe('tit-for-two-tats').source);"
        "print('tit-for-two-tats' in agents.search(memory=1), refutations(sys.modules['my_strategy'].TitForTwoTats))"
    )
    found = subprocess.run(
        [sys.executable, "-c", script, str(target)], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert found.stdout.splitlines() == ["my_strategy my-strategy", "True ()"]


def test_the_example_says_where_it_is_found() -> None:
    text = (EXAMPLE / "README.md").read_text(encoding="utf-8")
    assert "pip install examples/my_strategy" in text
    assert "tit-for-two-tats" in text


def test_a_broken_package_harms_nobody_and_is_explained_when_it_is_asked_for(plugged: Path) -> None:
    plug_in(plugged, "broken-birds", {"ostrich": "broken_birds:Ostrich"}, "import no_such_module\n")
    assert "ostrich" in agents.names()
    assert isinstance(agents.make("dove"), Dove)
    assert "ostrich" not in agents.search(memory=0)
    for ask in (agents.make, agents.describe):
        with pytest.raises(PolicyError) as caught:
            ask("ostrich")
        assert str(caught.value) == (
            "The strategy 'ostrich' of the package broken-birds cannot be loaded: "
            "ModuleNotFoundError: No module named 'no_such_module'"
        )


def test_an_entry_point_that_leads_nowhere_or_to_no_class(plugged: Path) -> None:
    plug_in(plugged, "odd-birds", {"auk": "odd_birds:Auk", "emu": "odd_birds:EMU"}, "EMU = 3\n")
    with pytest.raises(PolicyError, match="'auk' of the package odd-birds cannot be loaded: AttributeError"):
        agents.make("auk")
    with pytest.raises(PolicyError, match="names odd_birds:EMU, which is neither a class nor a function"):
        agents.make("emu")


def test_a_package_cannot_take_a_name_that_is_built_in(plugged: Path) -> None:
    plug_in(plugged, "cuckoo", {"dove": "cuckoo:Pigeon", "pigeon": "cuckoo:Pigeon"}, DOVE)
    with pytest.warns(UserWarning, match="The strategy 'dove' of the package cuckoo is left out: that name is built"):
        names = agents.names()
    assert names.count("dove") == 1
    assert type(agents.make("dove")) is Dove
    assert agents.make("pigeon").__class__.__name__ == "Pigeon"


def test_a_name_of_another_form_is_left_out(plugged: Path) -> None:
    plug_in(plugged, "shouting", {"PIGEON": "shouting:Pigeon"}, DOVE)
    with pytest.warns(UserWarning, match="'PIGEON' of the package shouting is left out: a name has small letters"):
        assert "PIGEON" not in agents.names()


def test_two_packages_with_one_name_are_both_refused(plugged: Path) -> None:
    plug_in(plugged, "first-loft", {"pigeon": "first_loft:Pigeon"}, DOVE)
    plug_in(plugged, "second-loft", {"pigeon": "second_loft:Pigeon"}, DOVE)
    with pytest.raises(PolicyError, match="packages first-loft and second-loft both bring a strategy 'pigeon'; remove"):
        agents.make("pigeon")
    assert isinstance(agents.make("dove"), Dove)


def test_what_a_process_registers_does_not_replace_a_package(plugged: Path, registered: dict[str, Any]) -> None:
    plug_in(plugged, "loft", {"pigeon": "loft:Pigeon"}, DOVE)
    with pytest.raises(PolicyError, match="The name 'pigeon' is taken by a strategy of loft"):
        agents.register(Statue, "pigeon")


# --- sd-env strategies ----------------------------------------------------------------------------------------


def test_the_command_lists_all_with_their_traits(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["strategies"]) == 0
    entries = capsys.readouterr().out.split("\n\n")
    assert [entry.split()[0] for entry in entries] == list(agents.names())
    dove = next(" ".join(entry.split()) for entry in entries if entry.startswith("dove "))
    assert dove == f"dove {agents.describe('dove').summary} [forgives, reassures]"
    assert max(len(line) for entry in entries for line in entry.splitlines()) <= 100


def test_the_command_searches(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["strategies", "--search", "first_strikes=false", "--search", "memory=episode"]
    assert cli.main(words) == 0
    found = [entry.split()[0] for entry in capsys.readouterr().out.split("\n\n")]
    assert found == ["appeaser", "grim-trigger", "grit", "kydd-reassurer"]
    assert cli.main(["strategies", "--search", "memory=77"]) == 0
    assert capsys.readouterr().out == "No strategy has these traits.\n"


def test_the_command_tells_all_about_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["strategies", "grim-trigger"]) == 0
    told = capsys.readouterr().out
    assert "neutral toward each state until it is attacked by it once" in " ".join(told.split())
    assert "traits      [retaliates, builds offense, memory]" in told
    assert "source      Friedman 1971, A Non-cooperative Equilibrium for Supergames" in told
    assert "package     sd-env" in told
    assert cli.main(["strategies", "dove"]) == 0
    assert "parameters  armour=1: defensive building on every turn" in capsys.readouterr().out


def test_the_command_shows_others_and_the_broken(
    plugged: Path, registered: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    plug_in(plugged, "broken-loft", {"ostrich": "broken_loft:Ostrich"}, "1 / 0\n")
    agents.register(Statue, "statue")
    assert cli.main(["strategies"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "ostrich The strategy 'ostrich' of the package broken-loft cannot be loaded: ZeroDivisionError" in told
    assert "statue Stands still. [declares no traits]" in told


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nobody-at-all"], "There is no strategy 'nobody-at-all'"),
        (["dove", "--search", "memory=0"], "Give either the name of a strategy or --search, not both."),
        (["--search", "memory"], "--search 'memory' is not allowed; TRAIT=VALUE is, with true, false, a number or"),
        (["--search", "allies=2"], "The trait allies is true or false, not 2."),
    ],
)
def test_the_command_refuses_in_one_line(words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["strategies", *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert sentence in line


# --- docs/strategies.md ---------------------------------------------------------------------------------------


def test_the_table_of_the_documentation_is_the_registrys() -> None:
    listed = rows(ROOT / "docs" / "strategies.md", "strategy", "behaviour", "traits", "source")
    described = [agents.describe(strategy.name) for strategy in BUILT_INS]
    assert [row[0] for row in listed] == [f"`{one.name}`" for one in described]
    for row, one in zip(listed, described, strict=True):
        assert one.traits is not None
        assert [bare(cell) for cell in row] == [
            bare(cell) for cell in (one.name, one.summary, one.traits.words(), one.citation)
        ]


def test_the_documentation_explains_every_trait() -> None:
    explained = [row[0] for row in rows(ROOT / "docs" / "strategies.md", "trait", "meaning")]
    assert explained == [trait.name.replace("_", " ") for trait in dataclasses.fields(Traits)]
