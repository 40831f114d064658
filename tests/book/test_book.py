"""The pages of the book: every scenario with all that its file says, links and contents."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import sd_env
from book.comments import comments_of
from book.concepts import Concept, concepts, read_concept, variation
from book.history import read_table
from book.hooks import places
from book.links import link_names
from book.markdown import block, escape, table
from book.nav import expand
from book.pages import concept_pages
from book.reference import modules
from book.roles import plain
from book.threshold import Threshold, threshold_of
from sd_env.scenario import TEXTS, Scenario

ROOT = Path(__file__).parents[2]
NAMES = sd_env.scenarios()


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return dict(concept_pages(ROOT))


# --- a file's comments --------------------------------------------------------------------------------------------

FILE = """\
name: games/made-up # not a title
description: >-
  A text with a # in it,
  on two lines.
prediction: "a # b"

# A note of the file,
# on two lines.
n_states: 3 # three of them

states:
  # of the data,
  # in thousands
  economy: # over the first
    {state_0: 1.0, state_1: 0.5, state_2: 0.1}
  growth: 0.01

# Another note.
geography:
  reach:
    - [1.0, 0.5, 0.5] # the first
    - [0.5, 1.0, 0.5]
    - [0.5, 0.5, 1.0] # the last

war:
  conquest: 0.5 # half
"""


def test_the_reason_of_a_value_is_the_comment_beside_it_or_right_above() -> None:
    found = comments_of(FILE)
    assert found.reasons == {
        "name": "not a title",
        "n_states": "three of them",
        "states.economy": "of the data, in thousands; over the first",
        "geography.reach": "the first; the last",
        "war.conquest": "half",
    }
    assert found.notes == ("A note of the file, on two lines.", "Another note.")


def test_what_differs_from_the_defaults() -> None:
    concept = read_concept(FILE)
    assert [(each.key, each.default) for each in concept.changes] == [
        ("n_states", 2), ("states.economy", 1.0), ("states.growth", 0.0), ("geography.reach", 1.0),
        ("war.conquest", 0.25),
    ]  # fmt: skip
    with pytest.raises(ValueError, match="no mapping"):
        comments_of("- a list")


# --- the pages of the concepts ------------------------------------------------------------------------------------


def differing(scenario: Scenario) -> set[str]:
    """Dotted keys of what is not as in a scenario of defaults, worked out from the written-out scenarios."""
    keys = set()
    default = Scenario().to_dict()
    for name, value in scenario.to_dict().items():
        if isinstance(value, dict) and name not in TEXTS:
            keys |= {f"{name}.{key}" for key, item in value.items() if item != default[name][key]}
        elif value != default[name]:
            keys.add(name)
    return keys - set(TEXTS)


def rows_of(page: str, heading: str) -> list[list[str]]:
    """Cells of the table under a heading of the page."""
    part = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = part[part.index("| parameter") :].split("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


@pytest.mark.parametrize("name", NAMES)
def test_a_scenarios_page_has_all_that_its_file_says(name: str, pages: dict[str, str]) -> None:
    page, scenario = pages[f"concepts/{name}.md"], Scenario.load(name)
    rows = rows_of(page, "What differs from the defaults")
    assert {row[0].strip("`") for row in rows} == differing(scenario)
    assert [row for row in rows if not row[3]] == [], "a value without its reason"
    assert page.startswith(f"# {escape(scenario.title)}\n")
    text = (ROOT / "sd_env" / "catalogue" / f"{name}.yaml").read_text(encoding="utf-8")
    assert text.strip() in page
    for tag in scenario.tags:
        assert f"[{tag}](" in page
    for source in scenario.sources:
        assert escape(" ".join(source.split())) in page
    words = re.findall(r"[a-z]{4,}", f"{scenario.description} {scenario.prediction}")
    assert len(words) > 10
    said = page.partition("## Fear and trust")[0]
    assert [word for word in words if word not in said] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_variation_on_a_page_is_another_world(name: str) -> None:
    concept = concepts()[name]
    assert Scenario.load(name, variation(concept)) != concept.scenario


def test_the_code_on_a_page_runs_and_the_prediction_names_its_variation(pages: dict[str, str]) -> None:
    page = pages["concepts/theories/kydd-reassurance.md"]
    code = re.search(r"```python\n(.*?)```", page, re.S)
    assert code is not None
    names: dict[str, Any] = {}
    exec(code[1], names)
    assert names["env"].unwrapped.scenario.signals.audience_cost == 1.0
    assert names["other"].unwrapped.scenario.signals.audience_cost == 0.0


def test_every_scenario_is_listed_in_its_family_in_the_index_and_by_its_tags(pages: dict[str, str]) -> None:
    for name in NAMES:
        family, _, stem = name.partition("/")
        assert f"({stem}.md)" in pages[f"concepts/{family}/README.md"]
        assert f"({name}.md)" in pages["concepts/README.md"]
        listed = pages["concepts/tags.md"]
        for tag in Scenario.load(name).tags:
            assert f"({name}.md)" in listed.partition(f"\n## {tag}\n")[2].partition("\n## ")[0]


def test_history_shows_its_data_and_what_is_stylised(pages: dict[str, str]) -> None:
    used = set()
    for name in (name for name in NAMES if name.startswith("history/")):
        page = pages[f"concepts/{name}.md"]
        files = re.findall(r"\[`([a-z0-9-]+\.csv)`\]", page)
        assert files, f"{name} names no data"
        used |= set(files)
        for file in files:
            lines = (ROOT / "sd_env/catalogue/history/data" / file).read_text(encoding="utf-8").splitlines()
            for line in lines[2:]:
                assert "| " + " | ".join(line.split(",")) + " |" in page
        stylised = page.partition("## What is stylised")[2].partition("\n## ")[0]
        assert "`" in stylised
    assert used == {path.name for path in (ROOT / "sd_env/catalogue/history/data").glob("*.csv")}
    about, headings, rows = read_table(ROOT / "sd_env/catalogue/history/data/warheads-1950-1990.csv")
    assert about == "Federation of American Scientists; nuclear warheads"
    assert headings == ["year", "usa", "ussr"]
    assert rows[0] == ["1950", "299", "5"]


def test_where_a_scenario_is_used(pages: dict[str, str]) -> None:
    page = pages["concepts/jervis/multipolar.md"].partition("## Where it is used")[2].partition("\n## ")[0]
    assert "(../../source/agents/evaluation/challenges/passed-bucks.yaml.md)" in page
    page = pages["concepts/games/one-shot.md"].partition("## Where it is used")[2].partition("\n## ")[0]
    assert "(../../source/configs/one_shot.yaml.md)" in page
    assert "(../../reductions.md)" in page
    assert "(../../catalogue.md)" not in page, "a list of all scenarios is no use of one"


# --- m and t ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "values", "trust"),
    [
        ("jervis/doubly-dangerous", {"": 0.75}, (0.8, 0.8)),  # docs/calibration.md
        ("jervis/intense", {"": 0.58}, (0.8, 0.8)),
        ("jervis/doubly-safe", {"": None}, (0.8, 0.8)),
        ("theories/kydd-reassurance", {"": 0.75}, (0.4, 0.4)),
        ("games/one-shot", {"": 0.45}, None),  # m = 0.453190 in its description
        (
            "theories/jervis-regulators",
            {"At ω = 0.5, q = 0": 0.40, "At ω = 0.5, q = 1": None, "At ω = 2, q = 0": 0.79, "At ω = 2, q = 1": None},
            (0.8, 0.8),
        ),
    ],
)
def test_the_threshold_is_that_of_the_files(
    name: str, values: dict[str, float | None], trust: tuple[float, float] | None
) -> None:
    found = threshold_of(concepts()[name])
    assert isinstance(found, Threshold)
    assert set(found.values) == set(values)
    for label, expected in values.items():
        if expected is None:
            assert found.values[label] <= 0
        else:
            assert found.values[label] == pytest.approx(expected, abs=0.005)
    if trust is not None:
        assert found.trust == pytest.approx(trust)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("games/richardson", "nobody can attack"),
        ("history/1914-chain-gang", "different arms"),
        ("history/naval-race-1906-1913", "without arms"),
    ],
)
def test_where_there_is_no_threshold_the_page_says_why(name: str, reason: str, pages: dict[str, str]) -> None:
    assert reason in str(threshold_of(concepts()[name]))
    assert reason in pages[f"concepts/{name}.md"]


def of_file(overrides: dict[str, Any]) -> Concept:
    return read_concept(yaml.safe_dump(Scenario.load("jervis/doubly-dangerous", overrides).to_dict()))


def test_the_threshold_knows_reach_belief_and_restored_land() -> None:
    half = threshold_of(of_file({"geography.reach": 0.5, "technology.offense_advantage": 2.4}))
    whole = threshold_of(of_file({}))
    assert isinstance(half, Threshold)
    assert isinstance(whole, Threshold)
    assert half.values == pytest.approx(whole.values), "half the force arrives"
    believed = threshold_of(of_file({"technology.perceived_offense_advantage": 2.0}))
    assert isinstance(believed, Threshold)
    assert believed.values["As believed, ω = 2"] == pytest.approx(0.79, abs=0.005)
    ends = threshold_of(of_file({"continuation": 0.98}))
    assert isinstance(ends, Threshold)
    assert (whole.turns, ends.turns) == pytest.approx((32.0, (1 - 0.98**32) / (1 - 0.98)))
    restored = threshold_of(of_file({"war.restoration": 1.0}))
    assert isinstance(restored, Threshold)
    assert restored.turns == 1.0
    assert "plain numbers" in str(threshold_of(of_file({"war.conquest": [0.1, 0.2]})))
    assert "no land" in str(threshold_of(of_file({"war.conquest": 0.0})))


# --- Markdown, links, contents ------------------------------------------------------------------------------------


def test_text_is_escaped_and_blocks_are_fenced_by_more_than_they_hold() -> None:
    assert escape("q* < [1] & a_b") == r"q\* &lt; \[1\] &amp; a\_b"
    assert table(("a", "b"), [("1\n2", "3")]) == "| a | b |\n| --- | --- |\n| 1 2 | 3 |\n"
    assert block("a ``` b") == "````text\na ``` b\n````\n"


def test_links_lead_to_where_their_targets_are() -> None:
    of = places(ROOT).of
    assert of("docs/model.md") == "model.md"
    assert of("README.md") == "index.md"
    assert of("docs/README.md") == of("docs") == "contents.md"
    assert of("docs/results") == "results/README.md"
    assert of("docs/results/science.txt") == "results/science.md"
    assert of("docs/results/science.png") == "results/science.png"
    assert of("configs") == "source/configs/README.md"
    assert of("configs/science.yaml") == "source/configs/science.yaml.md"
    assert of("agents/evaluation/challenges/") == "source/agents/evaluation/challenges/README.md"
    assert of("sd_env") == "reference/sd_env/README.md"
    assert of("sd_env/worlds.py") == "reference/sd_env/worlds.md"
    assert of("sd_env/catalogue") == "concepts/README.md"
    assert of("sd_env/catalogue/jervis/intense.yaml") == "concepts/jervis/intense.md"
    assert of("tests/book/test_book.py") is None
    assert of("docs/nowhere.md") is None


def test_links_of_a_page_are_rewritten_and_nothing_else() -> None:
    text = (
        "[a](../configs/) [b](model.md#7-exact-reductions) [c](#here) [d](https://example.org/x.md) [e](nowhere.md)\n"
        "```text\n[a](../configs/)\n```\n![p](results/science.png)\n"
    )
    assert places(ROOT).relink(text, "docs/faces.md", "faces.md") == (
        "[a](source/configs/README.md) [b](model.md#7-exact-reductions) [c](#here) [d](https://example.org/x.md) "
        "[e](nowhere.md)\n```text\n[a](../configs/)\n```\n![p](results/science.png)\n"
    )
    assert places(ROOT).relink("[m](docs/model.md#1-world-and-states)", "README.md", "index.md") == (
        "[m](model.md#1-world-and-states)"
    )


def test_scenarios_named_in_code_font_become_links() -> None:
    aside = "[`jervis/intense`](x.md), `sd_env`.\n```python\n'`jervis/intense`'\n```\n"
    text = f"# `jervis/intense`\nIn `jervis/intense`, {aside}"
    expected = f"# `jervis/intense`\nIn [`jervis/intense`](../concepts/jervis/intense.md), {aside}"
    assert link_names(text, NAMES, "results/README.md") == expected


def test_the_contents_take_in_every_page_of_a_folder() -> None:
    nav = ["index.md", {"Tutorials": "tutorials/*"}, {"Concepts": ["c/tags.md", "c/*"]}]
    found = expand(
        nav, ["index.md", "c/README.md", "c/tags.md", "c/z/b.md", "c/a_b/a.md", "c/a_b/README.md"], {"c/z": "Zed"}
    )
    assert found == [
        "index.md",
        {"Concepts": ["c/tags.md", "c/README.md", {"Zed": ["c/z/b.md"]}, {"A b": ["c/a_b/README.md", "c/a_b/a.md"]}]},
    ]
    assert {"Tutorials": ["tutorials/1.md"]} in expand(nav, ["index.md", "tutorials/1.md"], {})


def test_the_reference_has_every_public_module() -> None:
    names = [name for name, _ in modules(ROOT)]
    assert {
        "sd_env",
        "sd_env.worlds",
        "sd_env.rules.war",
        "agents",
        "agents.policies.bundles",
        "agents.commands",
    } <= set(names)
    assert not [name for name in names if "__" in name]
    assert plain("See :func:`trust` and :class:`~agents.X`, :ref:`x`.") == "See `trust` and `agents.X`, :ref:`x`."
