"""make mutants, smoke-sized: what it changes, what it finds in a module made up here, and in one real rule."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.mutants.__main__ import NOT_RULES, TARGETS
from tools.mutants.operators import Mutant, mutants, mutated
from tools.mutants.report import equivalents, table

ROOT = Path(__file__).parents[1]
TOY = '''
"""A module with tests that leave some of it open."""
LIMIT = 18
def adult(age):
    """Of age."""
    return age >= LIMIT
def total(numbers):
    found = 0
    while numbers:
        found += numbers.pop()
    return found
'''
TESTS = """
import toy
def test_adult():
    assert toy.adult(30) and not toy.adult(18 - 5)
def test_total():
    assert toy.total([1, 2, 3]) == 6
"""


def run(folder: Path, *args: str) -> str:
    """What the tool prints; it runs in ``folder`` as the root of a project."""
    command = [sys.executable, "-m", "tools.mutants", "--kept", str(folder / "kept.json"), *args]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    where = ROOT if "sd_env" in "".join(args) else folder
    done = subprocess.run(command, cwd=where, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def row(file: str, text: str) -> list[int]:
    """Mutants of a file: all, killed, timed out, survived, equivalent."""
    (found,) = [line for line in text.splitlines() if line.startswith(f"{file} ") and line[-1].isdigit()]
    return [int(number) for number in found.split()[1:]]


def changes(source: str) -> list[tuple[str, str]]:
    return [(each.was, each.becomes) for each in mutants("m.py", source)]


@pytest.mark.parametrize(
    ("source", "becomes"),
    [
        ("x = a < b", ["a <= b", "a >= b"]),
        ("x = a == b", ["a != b"]),
        ("x = a + b", ["a - b"]),
        ("x = a and b", ["a or b"]),
        ("x = not a", ["a"]),
        ("x = 1", ["2", "0"]),
        ("x = 0.0", ["1.0"]),
        ("x = True", ["False"]),
        ("x = min(a, b)", ["max(a, b)"]),
        ("x = a.any()", ["a.all()"]),
        ("x.y = a", ["pass"]),
        ("x += a", ["x -= a", "x = a", "pass"]),
        ("f(a)", ["pass"]),
        ("def f(a):\n    return a", ["return 0"]),
        ("if a:\n    b", ["if True:", "if False:"]),
        ("x = a if b else c", ["a if True else c", "a if False else c"]),
        ("while a:\n    break", ["pass"]),
    ],
)
def test_one_thing_is_changed_at_a_time(source: str, becomes: list[str]) -> None:
    assert [new for _, new in changes(source)] == becomes


@pytest.mark.parametrize(
    "source",
    [
        "import a",
        "@f(1)\nclass C:\n    a: int = 1",
        "@f(parallel=True)\ndef g(a: T[1] = 2) -> T[3]:\n    '''Text.'''",
        "if TYPE_CHECKING:\n    x = 1",
        "raise ValueError(1 + 1)",
        "assert 1 < 2",
        "x = f'{1}' 'text'",
    ],
)
def test_what_is_no_rule_is_left_alone(source: str) -> None:
    assert changes(source) == []


def test_every_mutant_of_the_rules_is_one_other_program_with_a_name_of_its_own() -> None:
    file = "sd_env/rules/war.py"
    source = (ROOT / file).read_text(encoding="utf-8")
    found = mutants(file, source)
    assert len({each.key for each in found}) == len(found) > 200
    unchanged = compile(source, file, "exec")
    for each in found:
        assert compile(mutated(source, each), file, "exec") != unchanged, each.key
    assert {each.function for each in found} == {
        *("contest", "declare", "go_so_far", "furthest", "pay_for_attacks", "extent_of_attack", "part_in", "called_up"),
        *("remember_who_began", "ready", "garrison", "muster", "fight", "wear", "settle"),
    }


def test_a_name_survives_what_happens_elsewhere_in_the_file() -> None:
    keys = {each.key for each in mutants("toy.py", TOY)}
    assert keys == {each.key for each in mutants("toy.py", "import math\n\n\n" + TOY)}
    assert keys != {each.key for each in mutants("toy.py", TOY.replace("age >= LIMIT", "age >= (LIMIT)"))}


def test_survivors_are_told_from_the_killed_and_the_endless(tmp_path: Path) -> None:
    (tmp_path / "toy.py").write_text(TOY)
    (tmp_path / "test_toy.py").write_text(TESTS)
    text = run(tmp_path, "--only", "toy.py", "--tests", "test_toy.py")
    kept = json.loads((tmp_path / "kept.json").read_text())
    assert {key.partition(" | ")[2]: each["outcome"] for key, each in kept["mutants"].items()} == {
        "18 -> 19": "survived",  # a constant of the module
        "return age >= LIMIT -> return 0": "killed",
        "age >= LIMIT -> age > LIMIT": "survived",  # no test is of age just now
        "age >= LIMIT -> age < LIMIT": "killed",
        "0 -> 1": "killed",
        "found += numbers.pop() -> found -= numbers.pop()": "killed",
        "found += numbers.pop() -> found = numbers.pop()": "killed",
        "found += numbers.pop() -> pass": "timed out",  # nothing is taken away, and the loop never ends
        "return found -> return 0": "killed",
    }
    assert row("toy.py", text) == [9, 6, 1, 2, 0]
    assert "toy.py:6 adult: age >= LIMIT -> age > LIMIT" in text.splitlines()
    reached = kept["tests"]["test_toy.py::test_adult"]["hits"]
    assert reached == {"toy.py": [5, 6]}

    (tmp_path / "test_toy.py").write_text(TESTS + "def test_border():\n    assert toy.adult(18)\n")
    again = run(tmp_path, "--only", "toy.py", "--tests", "test_toy.py")
    assert row("toy.py", again) == [9, 8, 1, 0, 0]


def test_a_real_rule_is_tried_uncompiled(tmp_path: Path) -> None:
    file = "sd_env/rules/arming.py"
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    line = lines.index("    return defense + p.dual_use * offense") + 1
    test = "tests/sd_env/test_rules.py::test_indistinguishable_arms_serve_both_ends"
    args = ("--only", file, "--line", str(line), "--sample", "2", "--seed", "1", "--tests", test)
    text = run(tmp_path, *args)
    assert row(file, text) == [2, 2, 0, 0, 0]


def test_a_reason_whose_line_has_changed_is_refused(tmp_path: Path) -> None:
    known = mutants("toy.py", TOY)
    key = next(each.key for each in known if each.becomes == "19")
    path = tmp_path / "equivalent.yaml"
    listed = [
        {"why": "nobody is counted in halves", "mutants": [key]},
        {"why": "elsewhere", "mutants": ["other.py f: x | 1 -> 2"]},
    ]
    path.write_text(json.dumps(listed))
    assert equivalents(known, path)[key] == "nobody is counted in halves"
    with pytest.raises(ValueError, match="name no mutant.*look at each again:\ntoy.py .module.: LIMIT = 18"):
        equivalents(mutants("toy.py", TOY.replace("18", "21")), path)


def test_the_reasons_of_this_project_are_about_mutants_that_there_are() -> None:
    files = [path.relative_to(ROOT).as_posix() for pattern in TARGETS for path in sorted(ROOT.glob(pattern))]
    known = [each for file in files for each in mutants(file, (ROOT / file).read_text(encoding="utf-8"))]
    reasons = equivalents(known)
    assert set(reasons) <= {each.key for each in known if each.file not in NOT_RULES}
    assert all(len(reason.split()) > 3 for reason in reasons.values())


def test_the_table_lists_each_module_survivor_and_reason() -> None:
    first, second, third = mutants("toy.py", TOY)[:3]
    outcomes = {first.key: "survived", second.key: "equivalent", third.key: "killed"}
    text = table([first, second, third], outcomes, {second.key: "for this reason"}, 7)
    assert "1 modules, 3 mutants, 7 tests" in text
    assert text.endswith(
        "Survivors: no test notices (1)\ntoy.py:3: 18 -> 19\n    in: LIMIT = 18\n\n"
        "Equivalent: no test can notice (1)\ntoy.py:6 adult: return age >= LIMIT -> return 0\n"
        "    for this reason\n"
    )
    assert isinstance(first, Mutant) and text.count("total") == 1
