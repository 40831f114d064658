"""The documentation's code runs and its commands are accepted."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
from pathlib import Path

import pytest

from agents.cli import COMMANDS, parser_of
from agents.commands.train import parse
from agents.policies import registry
from agents.training.run import check
from benchmarks import run as benchmarks
from examples import tutorials
from sd_env.scenario import Scenario
from tests.docs import PAGES, ROOT, blocks, code_spans, commands, page_id

TUTORIALS = tutorials.PAGES
#: Pages with code; one of them trains.
SCRIPTS = [
    pytest.param(page, marks=pytest.mark.slow if page.stem == "03-train-and-judge" else ())
    for page in PAGES
    if any(blocks(page, "python"))
]


@pytest.mark.parametrize("page", SCRIPTS, ids=page_id)
def test_the_code_of_a_page_runs_from_top_to_bottom(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page is one script: later blocks use what earlier ones made. A tutorial shows what its code prints."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "_registered", dict(registry._registered))  # what a page enters is no other test's
    played = list(tutorials.play(page))
    if page in TUTORIALS:
        stale = [block.line for block, printed in played if not block.shows(printed)]
        assert stale == [], "of these lines the page shows something else; python -m examples.tutorials --write"
        pictures = tutorials.PICTURE.findall(page.read_text(encoding="utf-8"))
        assert [name for name in pictures if not (tmp_path / name).exists()] == []


@pytest.mark.parametrize("page", SCRIPTS, ids=page_id)
def test_every_block_of_a_page_is_run(page: Path) -> None:
    found = list(tutorials.blocks(page.read_text(encoding="utf-8")))
    assert [block.line for block in found] == [line for line, _ in blocks(page, "python")]
    if page in TUTORIALS:  # each output belongs to a block, and there is one to look at
        shown = [block.shown for block in found if block.shown]
        assert shown and shown == [text for _, text in blocks(page, "text")]


@pytest.mark.parametrize("page", TUTORIALS, ids=page_id)
def test_a_tutorial_is_a_notebook_too(page: Path, tmp_path: Path) -> None:
    assert tutorials.main([str(page), "--notebooks", str(tmp_path)]) == 0
    book = json.loads((tmp_path / f"{page.stem}.ipynb").read_text(encoding="utf-8"))
    assert (book["nbformat"], book["nbformat_minor"]) == (4, 5)
    code = ["".join(cell["source"]) + "\n" for cell in book["cells"] if cell["cell_type"] == "code"]
    assert code == [text for _, text in blocks(page, "python")]
    assert len({cell["id"] for cell in book["cells"]}) == len(book["cells"])
    words = "".join("".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == "markdown")
    links = re.findall(r"\]\((?!http|#)([^)\s#]+)", words)
    assert links and [link for link in links if not (tmp_path / link).exists()] == []


def test_outputs_that_differ_would_be_found() -> None:
    page = "```python\nprint(1)\n```\n\n{}```text\n{}\n```\n"
    same, other = (next(tutorials.blocks(page.format("", shown))) for shown in ("1", "2"))
    assert same.shows("1  \n\n") and not other.shows("1\n") and not same.shows("")
    varying = next(tutorials.blocks(page.format(tutorials.VARY + "\n\n", "attacks 0.25 undecided")))
    assert varying.varies and varying.shows("attacks 1.5 supported\n")
    assert not varying.shows("arms 0.25 undecided\n") and not varying.shows("attacks 1\nattacks 2\n")
    silent = next(tutorials.blocks("```python\nx = 1\n```\n"))
    assert silent.shows("") and not silent.shows("1\n")


def test_the_pages_that_promise_examples_have_them() -> None:
    promised = {
        "README.md": 4, "docs/model.md": 1, "docs/faces.md": 6, "docs/reductions.md": 4, "docs/seats.md": 3,
        "docs/evaluation.md": 4, "docs/challenges.md": 2, "docs/bundles.md": 3, "docs/logs.md": 3,
        "docs/measures.md": 6, "docs/strategies.md": 1,
    }  # fmt: skip
    for name, least in promised.items():
        assert len(list(blocks(ROOT / name, "python"))) >= least, name


def check_command(words: list[str], tmp_path: Path) -> None:
    """Fail if the command would be refused before it does anything."""
    if words[:2] in (["python", "train.py"], ["sd-env", "train"]):
        check_training(words[2:], tmp_path)
    elif words[0] == "sd-env" and words[1] in COMMANDS:
        arguments = parser_of(words[1]).parse_args(words[2:])
        if getattr(arguments, "scenario", None) is not None:
            Scenario.load(arguments.scenario, dict(getattr(arguments, "overrides", ())))
    elif words[:3] == ["python", "-m", "benchmarks.run"]:
        benchmarks.parse(words[3:])
    elif words[:2] == ["python", "-m"]:
        assert importlib.util.find_spec(words[2]) is not None, f"there is no module {words[2]}"
    elif words[0] == "make":
        targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
        given = dict(word.split("=", 1) for word in words[1:] if "=" in word)
        named = [word for word in words[1:] if "=" not in word]
        assert set(named) <= targets, f"make has no target {set(named) - targets}"
        arguments = shlex.split(given.get("ARGS", ""))
        if arguments and named[0] in ("train", "science"):
            check_training(arguments, tmp_path)
        if arguments and named[0] == "bench":
            benchmarks.parse(arguments)


def check_training(arguments: list[str], tmp_path: Path) -> None:
    if "--resume" in arguments:  # a run folder of a reader's own: any will do
        (tmp_path / "config.yaml").write_text((ROOT / "configs" / "smoke.yaml").read_text(encoding="utf-8"))
        arguments[arguments.index("--resume") + 1] = str(tmp_path)
    try:
        config, _ = parse(arguments)
    except SystemExit as leaving:
        if "--help" in arguments and leaving.code in (None, 0):
            return
        raise
    check(config)


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_commands_are_accepted(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    for line in commands(page):
        check_command(shlex.split(line, comments=True), tmp_path)
    for span in code_spans(page):
        if re.match(r"make [a-z]|python (train\.py|-m) ?[^ ]", span) and "RUN" not in span and "…" not in span:
            check_command(shlex.split(span), tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        "python train.py --no_such_key 1",
        "python train.py --config configs/nowhere.yaml",
        "python -m benchmarks.run nothing",
        "python -m no_such_module",
        "make nothing",
        "sd-env evaluate dove",
        "sd-env evaluate dove --scenario jervis/nowhere",
        "sd-env tournament dove hawk --scenario jervis/intense --no-such-option 1",
        'make train ARGS="--seed 1"',
    ],
)
def test_bad_commands_would_be_found(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    with pytest.raises((ValueError, AssertionError, SystemExit)):
        check_command(shlex.split(line), tmp_path)
