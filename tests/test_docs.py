"""The documentation is true: code runs, commands parse, links lead somewhere, names and tables are the code's."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import gymnasium
import pettingzoo
import pytest

import sd_env
from agents.cli import COMMANDS, parser_of
from agents.commands.train import parse
from agents.experiments.quantities import LOGGED, OF_TALLIES
from agents.policies import registry
from agents.table.metrics import RATES
from agents.training.config import TrainingConfig
from agents.training.run import check
from benchmarks import run as benchmarks
from examples import tutorials
from sd_env import layout
from sd_env.scenario import TEXTS, Scenario

ROOT = Path(__file__).parent.parent
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CODE_OF_CONDUCT.md", "SECURITY.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
MODEL = ROOT / "docs" / "model.md"
TUTORIALS = tutorials.PAGES
CODE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.M | re.S)
METRIC_GROUPS = ("outcome", "arms", "signals", "alliances")
#: Columns of progress.csv that are no rate (docs/metrics.md).
COUNTS = {"outcome/episodes"}


def page_id(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(page: Path, *languages: str) -> Iterator[tuple[int, str]]:
    """Line number of the first line, and text, of each code block in one of the languages."""
    text = page.read_text(encoding="utf-8")
    for match in CODE.finditer(text):
        if match[1] in languages:
            yield text.count("\n", 0, match.start(2)) + 1, match[2]


def prose(page: Path) -> str:
    return CODE.sub("", page.read_text(encoding="utf-8"))


def code_spans(page: Path) -> list[str]:
    return re.findall(r"`([^`\n]+)`", prose(page))


def commands(page: Path) -> list[str]:
    """Lines of the page's shell blocks, without prompts; in console blocks only those after a prompt."""
    found = []
    for language in ("bash", "console"):
        for _, text in blocks(page, language):
            for line in text.replace("\\\n", " ").splitlines():
                if language == "bash" or line.startswith("$ "):
                    found.append(line.removeprefix("$ ").strip())
    return [line for line in found if line and not line.startswith("#")]


def rows(page: Path, *headings: str) -> list[list[str]]:
    """Cells of the first table whose first headings are these."""
    start = "| " + " | ".join(headings)
    lines = iter(page.read_text(encoding="utf-8").splitlines())
    for line in lines:
        if line.startswith(start):
            next(lines)
            return list(_table(lines))
    raise AssertionError(f"{page.name} has no table that begins with {start}")


def tables(page: Path, *headings: str) -> list[list[list[str]]]:
    start = "| " + " | ".join(headings)
    lines = iter(page.read_text(encoding="utf-8").splitlines())
    found = []
    for line in lines:
        if line.startswith(start):
            next(lines)
            found.append(list(_table(lines)))
    return found


def _table(lines: Iterator[str]) -> Iterator[list[str]]:
    for line in lines:
        if not line.startswith("|"):
            return
        yield [cell.strip() for cell in line.strip("|").split(" | ")]


# --- code and commands ----------------------------------------------------------------------------------------


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


# --- links ----------------------------------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    """Anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", prose(page), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    lost = []
    for link in re.findall(r"!?\[[^\]]*\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"https?://|mailto:", link):
            continue
        where, _, anchor = unquote(link).partition("#")
        target = (page.parent / where).resolve() if where else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(link)
    assert lost == []


# --- names ----------------------------------------------------------------------------------------------------


def experiment_keys(model: Any = TrainingConfig, prefix: str = "") -> set[str]:
    keys: set[str] = set()
    for name, field in model.model_fields.items():
        inner = field.annotation
        keys |= experiment_keys(inner, f"{prefix}{name}.") if hasattr(inner, "model_fields") else {prefix + name}
    return keys


def is_python_name(dotted: str) -> bool:
    """Whether a dotted name is a module of ours or an attribute of one; ``layout`` stands for ``sd_env.layout``."""
    parts = dotted.removesuffix("()").split(".")
    parts = ["sd_env", *parts] if parts[0] == "layout" else parts
    for length in range(len(parts), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


SCENARIO_KEYS = set(Scenario.dotted_keys())
SETTINGS = experiment_keys()
GROUPS = {key.partition(".")[0] for key in SCENARIO_KEYS if "." in key}
SECTIONS = {key.partition(".")[0] for key in SETTINGS if "." in key}


def exists(span: str, folder: Path) -> bool | None:
    """Whether what is named in code font exists; None if it is no kind of name that is known here."""
    head, dot, _ = span.partition(".")
    key = re.split(r"[:= ]", span)[0]  # `war.outcome: share` speaks of war.outcome
    if re.fullmatch(r"\w+\.py", span):
        return (
            any(True for package in ("sd_env", "agents", "tests") for _ in (ROOT / package).rglob(span))
            or (ROOT / span).exists()
        )
    if re.fullmatch(r"sd_env/\w+-v\d+", span):
        return span in gymnasium.registry or span in pettingzoo.parallel_registry
    if re.fullmatch(r"(sd_env|agents|tests|configs|docs|benchmarks)/[\w./-]*", span):
        return (ROOT / span).exists() or (folder / span).exists()
    if re.fullmatch(rf"({'|'.join(METRIC_GROUPS)})/\w+", span):
        return span in {*RATES, *COUNTS, *LOGGED, *OF_TALLIES}
    if re.fullmatch(r"(jervis|games|theories|history)/[\w-]+", span):
        return span in sd_env.scenarios()
    if dot and head in GROUPS and re.fullmatch(r"[\w.]+", key):
        return key in SCENARIO_KEYS or (".".join(key.split(".")[:2]) in SCENARIO_KEYS and head == "states")
    if dot and head in SECTIONS and re.fullmatch(r"[\w.]+", key):
        return key in SETTINGS
    if dot and head in ("sd_env", "agents", "layout") and re.fullmatch(r"[\w.]+(\(\))?", span):
        return is_python_name(span)
    return None


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_names_in_code_font_exist(page: Path) -> None:
    assert [span for span in code_spans(page) if exists(span, page.parent) is False] == []


@pytest.mark.parametrize(
    "span",
    [
        "war.conqest",
        "states.wealth.germany",
        "learner.gama",
        "outcome/attack",
        "jervis/nowhere",
        "sd_env.nothing",
        "sd_env/Nothing-v0",
        "layout.NOTHING",
        "agents/nothing.py",
        "nothing.py",
    ],
)
def test_names_that_do_not_exist_would_be_found(span: str) -> None:
    assert exists(span, ROOT) is False


# --- the tables of model.md -----------------------------------------------------------------------------------


def bare(cell: str) -> str:
    return cell.strip("`")


def shown(value: Any) -> str:
    """A default as the table writes it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(shown(item) for item in value) + "]"
    return f"{value:g}" if isinstance(value, (int, float)) else str(value)


def default_of(key: str) -> Any:
    value: Any = Scenario()
    for part in key.split("."):
        value = getattr(value, part)
    return value


def test_the_parameter_table_has_every_key_with_its_default_unit_and_range() -> None:
    words = {*TEXTS, "states.names"}
    table = rows(MODEL, "key", "default", "unit", "allowed")
    assert [bare(row[0]) for row in table] == [key for key in Scenario.dotted_keys() if key not in words]
    assert [(bare(row[0]), row[1]) for row in table] == [
        (bare(row[0]), shown(default_of(bare(row[0])))) for row in table
    ]
    for cell, _, unit, allowed, _ in table:
        quantity = Scenario.quantities().get(bare(cell))
        if quantity is None:
            continue
        low = f"> {quantity.low:g}, ≤ " if quantity.above else f"{quantity.low:g} to "
        whole, null = ", whole" * quantity.whole, ", null" * quantity.optional
        assert (bare(cell), unit, allowed) == (bare(cell), quantity.unit, f"{low}{quantity.high:g}{whole}{null}")


def test_the_observation_tables_have_the_columns_of_the_layout_in_order() -> None:
    own, other = tables(MODEL, "column", "meaning")
    names = layout.observation_names(2, context=True, beliefs=True, force=True)
    described = [bare(row[0]) for row in own] + [bare(row[0]).replace("other.", "other0.") for row in other]
    assert described == names[: -layout.CONTEXT_SIZE]
    signed = {bare(row[0]).partition(".")[2] for row in [*own, *other] if "±" in row[1]}
    low = layout.observation_low(2, context=True, beliefs=True, force=True)
    below = {name.partition(".")[2] for name, bound in zip(names, low, strict=True) if bound < 0}
    assert signed == below - {"threat_inflation"}  # of the context block, said in the text


def test_the_context_block_is_listed_in_order() -> None:
    text = MODEL.read_text(encoding="utf-8")
    listed = ", ".join(f"`{name}`" for name in layout.CONTEXT)
    assert listed in " ".join(text.split())


def test_the_action_table_has_the_heads_and_choices_of_the_layout() -> None:
    table = rows(MODEL, "head", "choices")
    assert [bare(row[0]) for row in table] == [head.name.lower() for head in layout.Head]
    for head, row in zip(layout.Head, table, strict=True):
        assert row[1] == ", ".join(f"{number} `{name}`" for number, name in enumerate(head.labels))


def test_the_tally_table_has_every_tally_in_order() -> None:
    assert [bare(row[0]) for row in rows(MODEL, "tally", "counts")] == list(layout.TALLY)


def test_the_concept_table_names_parameters_in_every_row() -> None:
    keys = set(Scenario.dotted_keys())
    table = rows(MODEL, "concept", "in the game", "turned by")
    named = [set(re.findall(r"`([^`]+)`", row[2])) for row in table]
    known = keys | set(sd_env.scenarios())
    assert [row[0] for row, names in zip(table, named, strict=True) if not names & known] == []
    # every parameter of the world is some concept's, but for those that only set a scene
    scene = {key for key in keys if key.startswith(("states.", "actions."))} - {"states.growth", "states.greed"}
    scene |= {*TEXTS, "perception.context_observed"}
    assert keys - scene - set().union(*named) == {"war.outcome", "war.collapse"}


def test_the_pages_name_the_modules_of_the_rules() -> None:
    """Every rule of the turn has its place in the manual."""
    text = MODEL.read_text(encoding="utf-8")
    called = {
        node.module.rpartition(".")[2]
        for node in ast.walk(ast.parse((ROOT / "sd_env" / "rules" / "turn.py").read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("sd_env.rules.")
    }
    aside = {"accounts", "actions", "chance", "compiled", "setup"}  # no paragraph of section 3 or 4
    assert {name for name in called - aside if f"(`{name}.py`)" not in text} == set()


def test_references_are_cited_and_citations_referenced() -> None:
    """Each work of the list is cited above it, and each year that is cited has a work in the list."""
    body, _, listed = MODEL.read_text(encoding="utf-8").partition("## 12. References")
    works = re.findall(r"^- (Van \w+|\w+), .*?\((\d{4})\)\.", listed, re.M)
    assert len(works) == listed.count("\n- ")
    assert [work for work in works if not re.search(rf"{work[0]}.{{0,40}}{work[1]}", body, re.S)] == []
    assert set(re.findall(r"\b((?:19|20)\d{2})\b", body)) == {year for _, year in works}
