"""What a newcomer meets first is true: hooks check what CI checks, templates are whole, editors do what files are."""

from __future__ import annotations

import configparser
import re
import shlex
import subprocess
from fnmatch import fnmatch
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from tests import conftest

ROOT = Path(__file__).parent.parent
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
#: What GitHub knows as parts of an issue form, and which of them ask for something.
ASKING = {"input", "textarea", "dropdown", "checkboxes"}


# --- pre-commit -----------------------------------------------------------------------------------------------


def lint() -> list[list[str]]:
    """The commands of `make lint`, with the Makefile's variables in place."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    values = dict(re.findall(r"^(VENV|RUN) := (.*)$", text, re.M))
    recipe = re.search(r"^lint:.*\n((?:\t.*\n)+)", text, re.M)
    assert recipe is not None
    put = recipe[1].replace("$(RUN)", values["RUN"]).replace("$(VENV)", values["VENV"])
    return [shlex.split(line.strip().removeprefix("@")) for line in put.splitlines()]


def test_the_hooks_are_the_commands_of_make_lint() -> None:
    (local,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    assert local["repo"] == "local"
    assert [shlex.split(hook["entry"]) for hook in local["hooks"]] == lint()
    for hook in local["hooks"]:  # the tools of .venv, over everything, whatever was changed
        assert (hook["language"], hook["pass_filenames"], hook["always_run"]) == ("system", False, True)


def test_ci_runs_make_lint() -> None:
    assert re.search(r"^make lint$", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.M)


# --- slow tests -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "left"),
    [
        (["-q"], ["b.py::quick"]),
        (["-q", "tests/a.py", "b.py"], ["b.py::quick"]),
        (["tests/a.py::long", "b.py"], ["a.py::long", "a.py::long[2]", "b.py::quick"]),
        (["-n", "2", "/where/tests/a.py::long[2]"], ["a.py::long", "a.py::long[2]", "b.py::quick"]),
        (["tests/a.py::longer"], ["a.py::longer", "b.py::quick"]),
    ],
)
def test_slow_tests_run_by_name(args: list[str], left: list[str]) -> None:
    slow = ["a.py::long", "a.py::long[2]", "a.py::longer"]
    items: list[Any] = [
        SimpleNamespace(nodeid=name, get_closest_marker=lambda marker, name=name: marker == "slow" and name in slow)
        for name in (*slow, "b.py::quick")
    ]
    told: list[Any] = []
    config: Any = SimpleNamespace(
        option=SimpleNamespace(markexpr=""), invocation_params=SimpleNamespace(args=args),
        hook=SimpleNamespace(pytest_deselected=lambda items: told.extend(items)),
    )  # fmt: skip
    everything = list(items)
    conftest.pytest_collection_modifyitems(config, items)
    assert [item.nodeid for item in items] == left and len(told) == 4 - len(left)
    config.option.markexpr, items = "slow or not slow", everything  # who asks by a mark gets what is asked for
    conftest.pytest_collection_modifyitems(config, items)
    assert len(items) == 4


def test_ci_runs_the_slow_tests_and_the_others() -> None:
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert lines.index("make test-slow") < lines.index("make test") == len(lines) - 1


# --- templates ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [path for path in FORMS if path.stem != "config"], ids=lambda path: path.stem)
def test_an_issue_form_is_one_that_github_takes(path: Path) -> None:
    form: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert {"name", "description", "body"} <= set(form) <= {"name", "description", "body", "labels", "title"}
    asking = [part for part in form["body"] if part["type"] in ASKING]
    assert len({part["id"] for part in asking}) == len(asking) > 0
    for part in form["body"]:
        assert part["type"] in ASKING | {"markdown"}
        assert part["attributes"]["label" if part["type"] in ASKING else "value"].strip()
    assert any(part["validations"]["required"] for part in asking)


def test_there_are_forms_for_what_people_come_with() -> None:
    assert {path.stem for path in FORMS} == {"bug", "question", "scenario", "config"}


def test_templates_name_files_that_are_there() -> None:
    for path in [*FORMS, ROOT / ".github" / "PULL_REQUEST_TEMPLATE.md"]:
        for name in re.findall(r"(?:docs/)?[\w-]+\.md", path.read_text(encoding="utf-8")):
            assert (ROOT / name).exists(), f"{path.name} names {name}"


# --- .editorconfig --------------------------------------------------------------------------------------------


def editor_settings(name: str) -> dict[str, str]:
    """What .editorconfig says of a file; later sections win."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string("[top]\n" + (ROOT / ".editorconfig").read_text(encoding="utf-8"))
    found: dict[str, str] = {}
    for section in parser.sections()[1:]:
        inner = re.fullmatch(r"(.*)\{(.*)\}(.*)", section)
        patterns = [inner[1] + part + inner[3] for part in inner[2].split(",")] if inner else [section]
        if any(fnmatch(name if "/" in pattern else Path(name).name, pattern) for pattern in patterns):
            found.update(parser[section])
    return found


def test_sections_are_read() -> None:
    assert editor_settings("a/b.py")["max_line_length"] == "120"
    assert editor_settings("Makefile")["indent_style"] == "tab"
    assert editor_settings("configs/x.yaml")["indent_size"] == "2" and editor_settings("x.py")["indent_size"] == "4"
    assert editor_settings("tests/golden/x.txt")["trim_trailing_whitespace"] == "false"


def test_files_are_as_editors_would_leave_them() -> None:
    """Else the first edit of a file would change lines that nobody meant to."""
    if not (ROOT / ".git").exists():
        pytest.skip("only git knows which files are ours")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    odd = []
    for name in filter(None, listed.decode().split("\0")):
        path = ROOT / name
        data = path.read_bytes() if path.is_file() else b""
        if not data or b"\0" in data:
            continue
        settings = editor_settings(name)
        trailing = settings["trim_trailing_whitespace"] == "true" and re.search(rb"[ \t]$", data, re.M)
        tabs = settings["indent_style"] == "space" and re.search(rb"^ *\t", data, re.M)
        cut = settings["insert_final_newline"] == "true" and not data.endswith(b"\n")
        if cut or b"\r" in data or trailing or tabs:
            odd.append(name)
    assert odd == []
