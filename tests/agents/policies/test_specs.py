"""Policies by specification: strategies, bundles, run folders, zips; names for tables; what fits a scenario."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.policies import registry
from agents.policies.bundles import LearnedBundle, bundle_of
from agents.policies.protocol import NeverAttackPolicy, RandomPolicy
from agents.policies.specs import PolicyError, check_fits, label_of, policy_from
from agents.training.learners import LearnedPolicy
from sd_env.scenario import Scenario
from tests.learners import SCENARIO, rows, trained


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with two jobs, one of them with two learners."""
    run = tmp_path_factory.mktemp("runs") / "war__1__2026"
    made = bundle_of(trained("heads"), SCENARIO, name="intense__seed1")
    made.save(run / "jobs" / "intense__seed1" / "policy.sd")
    for learner in ("germany", "russia"):
        made.save(run / "jobs" / "july__seed1" / "learners" / learner / "policy.sd")
    return run


class Parrot:
    """Keeps its parameters."""

    def __init__(self, **said: Any) -> None:
        self.said = said

    def reset(self, seed: int | None) -> None: ...

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        return np.zeros((len(mask), 4), dtype=np.int64)


@pytest.fixture
def parrot(monkeypatch: pytest.MonkeyPatch) -> str:
    right, known = registry.make, registry.names()
    monkeypatch.setattr(
        registry, "make", lambda name, **said: Parrot(**said) if name == "parrot" else right(name, **said)
    )
    monkeypatch.setattr(registry, "names", lambda: (*known, "parrot"))
    return "parrot"


def refused(spec: Any, **arguments: Any) -> str:
    with pytest.raises(PolicyError) as caught:
        policy_from(spec, **arguments)
    text = str(caught.value)
    assert "\n" not in text and text[-1] in ".?"
    return text


# --- strategies ----------------------------------------------------------------------------------------------


def test_every_strategy_is_a_spec_and_its_own_label() -> None:
    observations, masks = rows()
    for name in registry.names():
        policy = policy_from(name)
        assert type(policy) is type(registry.make(name)) and label_of(name) == name
        policy.reset(1)
        assert policy.act(observations, masks).shape == (6, 4)
        check_fits(policy, SCENARIO, name)
    assert policy_from("dove") is not policy_from("dove")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("parrot", {}),
        ("parrot:a=1", {"a": 1}),
        ("parrot:a=0.5,b=true,c=word", {"a": 0.5, "b": True, "c": "word"}),
        ("parrot:a=1e-3,b=-2E4", {"a": 0.001, "b": -20000.0}),
        ("parrot:a=[1, 2],b={x: 1, y: [2, 3]}", {"a": [1, 2], "b": {"x": 1, "y": [2, 3]}}),
        ("parrot: a = 1, b = null", {"a": 1, "b": None}),
        ("parrot:a=tit-for-tat:x", {"a": "tit-for-tat:x"}),
    ],
)
def test_parameters_are_yaml(text: str, said: dict[str, Any], parrot: str) -> None:
    policy = policy_from(text)
    assert isinstance(policy, Parrot) and policy.said == said
    assert all(type(policy.said[key]) is type(value) for key, value in said.items())
    assert label_of(text) == text


def test_strategies_that_do_not_exist_or_cannot_be_so_are_refused(parrot: str) -> None:
    assert "no strategy 'dov'; did you mean dove" in refused("dov")
    assert "feathers" in refused("dove:feathers=3")
    assert refused("parrot:a") == "Policy 'parrot:a': 'a' is no parameter; parameters are given as key=value,key=value."
    assert "'' is no parameter" in refused("parrot:")
    assert refused("parrot:a=1,a=2") == "Policy 'parrot:a=1,a=2' gives a twice."
    for value in ("[1", "!!python/object/apply:os.getcwd []", "[" * 3000):
        assert "the value of a, " in refused(f"parrot:a={value}")
    assert "''" in refused("")


# --- bundles and folders -------------------------------------------------------------------------------------


def test_a_bundle_is_found_by_its_path_its_job_and_its_run(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = run / "jobs" / "intense__seed1"
    for spec in (job / "policy.sd", str(job / "policy.sd"), str(job), f"{job}/"):
        policy = policy_from(spec)
        assert isinstance(policy, LearnedBundle) and policy.name == "intense__seed1"
        assert label_of(spec) == "intense__seed1"
    russia = run / "jobs" / "july__seed1" / "learners" / "russia" / "policy.sd"
    assert label_of(russia) == label_of(russia.parent) == "russia.july__seed1"
    monkeypatch.chdir(job)
    assert isinstance(policy_from("policy.sd"), LearnedBundle) and label_of("policy.sd") == "intense__seed1"
    monkeypatch.chdir(run / "jobs")
    assert isinstance(policy_from("intense__seed1"), LearnedBundle)


def test_a_run_with_one_policy_stands_for_it(tmp_path: Path) -> None:
    bundle_of(trained("heads"), SCENARIO, name="only").save(tmp_path / "run" / "jobs" / "only__seed3" / "policy.sd")
    policy = policy_from(str(tmp_path / "run"))
    assert isinstance(policy, LearnedBundle) and policy.name == "only"
    assert label_of(tmp_path / "run") == "only__seed3"


def test_several_policies_are_listed_and_none_is_said(run: Path, tmp_path: Path) -> None:
    text = refused(str(run))
    assert text.startswith(
        f"Policy '{run}': the folder holds 3 bundles, name one of {run}/jobs/intense__seed1/policy.sd, "
    )
    assert "july__seed1/learners/germany/policy.sd" in text
    assert "holds 2 bundles" in refused(run / "jobs" / "july__seed1")
    for k in range(10):
        (tmp_path / "many" / f"{k}.sd").mkdir(parents=True)
    assert refused(tmp_path / "many").endswith("7.sd and 2 more.")
    (tmp_path / "empty").mkdir()
    assert refused(tmp_path / "empty").endswith("the folder holds no bundle (*.sd), nor do jobs in it.")
    (tmp_path / "half.sd").mkdir()
    assert "bundle.json: no such file or directory" in refused(tmp_path / "half.sd")
    (tmp_path / "notes.txt").write_text("")
    assert "is neither a bundle (a folder with bundle.json) nor a zip." in refused(tmp_path / "notes.txt")
    for missing in ("gone.sd", "gone.zip", "runs/gone"):
        assert refused(missing) == f"Policy '{missing}': there is no such bundle, run folder or zip."


def test_a_bundle_takes_parameters(run: Path) -> None:
    path = run / "jobs" / "intense__seed1" / "policy.sd"
    policy = policy_from(f"{path}:deterministic=true,device=cpu")
    assert isinstance(policy, LearnedBundle) and policy.deterministic
    assert label_of(f"{path}:deterministic=true") == "intense__seed1:deterministic=true"
    assert "has no parameter 'fear'; it has deterministic and device." in refused(f"{path}:fear=1")
    assert "deterministic is 'perhaps', but must be true or false." in refused(f"{path}:deterministic=perhaps")
    assert "device is 3, but must be a text" in refused(f"{path}:device=3")
    assert "device 'abacus' cannot be used here" in refused(f"{path}:device=abacus")


def test_a_zip_needs_trust(tmp_path: Path) -> None:
    archive = tmp_path / "heads.zip"
    trained("heads").save(archive)
    assert "is an SB3 zip, which holds pickled code" in refused(archive)
    policy = policy_from(str(archive), trust=True)
    assert isinstance(policy, LearnedBundle) and policy.name == label_of(archive) == "heads"
    check_fits(policy, SCENARIO, "heads")
    assert "a zip takes no parameters, got device." in refused(f"{archive}:device=cpu", trust=True)
    archive.write_bytes(b"noise")
    assert "cannot be imported" in refused(archive, trust=True)


# --- a class of a file ---------------------------------------------------------------------------------------

PORCUPINE = """
from typing import ClassVar

import numpy as np
from pydantic import Field

from agents.strategies import Plan, Strategy, Traits, View


class Porcupine(Strategy):
    \"\"\"Builds shields.\"\"\"

    name: ClassVar[str] = "porcupine"
    traits: ClassVar[Traits] = Traits()
    armour: int = Field(default=2, ge=0, le=2)

    def decide(self, view: View, plan: Plan) -> None:
        plan.build_defense[:] = self.armour


class Blind:
    def __init__(self, seed=0):
        self.seed = seed

    def reset(self, seed):
        pass

    def act(self, observation, mask):
        return np.zeros((len(mask), 4), np.int64)


def hedgehog(spines=1):
    return Porcupine(armour=spines)


number = 3


def nobody():
    return 3
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "my_file.py"
    path.write_text(PORCUPINE, encoding="utf-8")
    return path


def test_a_class_of_a_file_is_a_policy_if_the_file_is_trusted(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policy: Any = policy_from(f"{file}:Porcupine:armour=1", trust=True)
    assert policy.armour == 1 and type(policy) is type(policy_from(f"{file}:Porcupine", trust=True))
    assert policy_from(f"{file}:hedgehog:spines=0", trust=True).armour == 0  # type: ignore[attr-defined]
    assert policy_from(f"{file}:Blind:seed=4", trust=True).seed == 4  # type: ignore[attr-defined]
    assert label_of(f"{file}:Porcupine:armour=1") == "my_file.py:Porcupine:armour=1"
    monkeypatch.chdir(file.parent)
    assert policy_from("my_file.py:Porcupine", trust=True).armour == 2  # type: ignore[attr-defined]


def test_an_untrusted_file_is_not_even_run(file: Path) -> None:
    trap = file.parent / "sprung"
    file.write_text(f"open({str(trap)!r}, 'w')\n{PORCUPINE}", encoding="utf-8")
    text = refused(f"{file}:Porcupine")
    assert "is of a Python file, which runs when it is loaded" in text and "--trust" in text
    assert not trap.exists()
    policy_from(f"{file}:Porcupine", trust=True)
    assert trap.exists()


def test_an_edited_file_is_run_anew(file: Path) -> None:
    before = policy_from(f"{file}:hedgehog", trust=True)
    file.write_text(PORCUPINE.replace("spines=1", "spines=2"), encoding="utf-8")
    assert (before.armour, policy_from(f"{file}:hedgehog", trust=True).armour) == (1, 2)  # type: ignore[attr-defined]
    assert not (file.parent / "__pycache__").exists()


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("my_file.py:Porcupin", "has no class or function 'Porcupin'; did you mean Porcupine?"),
        ("my_file.py:xyz", "has no class or function 'xyz'; it has Porcupine, Blind, hedgehog, nobody."),
        ("my_file.py:number", "has no class or function 'number'"),
        ("my_file.py:nobody", "of the file my_file.py makes no policy: reset or act is missing."),
        ("my_file.py:Porcupine:armour=9", "armour=9 is not allowed"),
        ("my_file.py:Blind:fear=1", "has no parameter 'fear'; it has seed."),
        ("my_file.py:Blind:fear", "'fear' is no parameter"),
        ("gone.py:Porcupine", "gone.py cannot be read: No such file or directory."),
        ("broken.py:Porcupine", "broken.py cannot be run: SyntaxError"),
        ("exits.py:Porcupine", "exits.py cannot be run: SystemExit: 3"),
        ("my_file.py", "is neither a bundle"),
    ],
)
def test_what_is_wrong_with_a_file_gets_a_sentence(
    spec: str, words: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file.parent / "broken.py").write_text("def", encoding="utf-8")
    (file.parent / "exits.py").write_text("raise SystemExit(3)", encoding="utf-8")
    monkeypatch.chdir(file.parent)
    with pytest.raises(PolicyError) as caught:
        policy_from(spec, trust=True)
    assert words in str(caught.value) and "\n" not in str(caught.value)


# --- policies themselves -------------------------------------------------------------------------------------


def test_a_policy_means_itself() -> None:
    mine = Parrot()
    assert policy_from(mine) is mine and label_of(mine) == "parrot"
    assert label_of(RandomPolicy()) == "random" and label_of(NeverAttackPolicy()) == "never-attack"
    assert label_of(bundle_of(trained("heads"), SCENARIO, name="mine")) == "mine"
    check_fits(mine, SCENARIO, "parrot")
    assert "is no policy and no text that names one" in refused(3)
    assert "is no policy" in refused(None)


# --- what fits -----------------------------------------------------------------------------------------------


def test_a_learned_policy_must_see_what_the_scenario_shows() -> None:
    for policy in (bundle_of(trained("heads"), SCENARIO, name="mine"), LearnedPolicy(trained("heads"))):
        check_fits(policy, SCENARIO, "mine")
        check_fits(policy, Scenario.load("jervis/doubly-safe"), "mine")
        multipolar = Scenario.load("jervis/multipolar")  # four states
        with pytest.raises(PolicyError, match=r"^mine does not fit scenario 'jervis/multipolar': it sees 86 columns "):
            check_fits(policy, multipolar, "mine")


def test_both_sizes_and_the_first_column_that_differs_are_named() -> None:
    three = SCENARIO.with_overrides({"n_states": 3})
    with pytest.raises(PolicyError) as caught:
        check_fits(bundle_of(trained("heads"), SCENARIO), three, "mine")
    assert str(caught.value) == (
        f"mine does not fit scenario '{three.name}': it sees 86 columns (2 states) and scenario '{three.name}' "
        "shows 118 (3 states); the first that differs is column 47, 'context.perceived_offense_advantage' against "
        "'other1.standing'."
    )


def test_a_strategy_is_found_without_torch() -> None:
    code = (
        "import sys; from agents.policies import specs; specs.label_of('a/b.sd'); specs.policy_from('dove'); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3], timeout=120).returncode == 0
