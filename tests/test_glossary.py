"""docs/glossary.md against the code: each word is where it says, and what a thing is not called is in no name."""

from __future__ import annotations

import ast
import re
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
ROW = re.compile(r"^\| ([a-z][\w ,-]*) \| (.+?) \| (.*?) \|(.*)\|$", re.M)
ROWS = [row for row in ROW.findall((ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")) if row[0] != "word"]
NAME = re.compile(r"`((?:sd_env|agents)[\w.]*)`")


def found(dotted: str) -> Any:
    """The module, class, function or constant of that name."""
    parts = dotted.split(".")
    for k in range(len(parts), 0, -1):
        try:
            thing: Any = import_module(".".join(parts[:k]))
        except ModuleNotFoundError:
            continue
        for part in parts[k:]:
            thing = getattr(thing, part)
        return thing
    raise AttributeError(dotted)


@cache
def public_names() -> dict[str, str]:
    """Public names of modules and of what they define -> where."""
    names: dict[str, str] = {}
    for package in ("sd_env", "agents"):
        for path in sorted((ROOT / package).rglob("*.py")):
            where = str(path.relative_to(ROOT))
            names[path.stem] = where
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
                    names[node.name] = where
                elif isinstance(node, (ast.Assign, ast.AnnAssign)):
                    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                    names |= {target.id: where for target in targets if isinstance(target, ast.Name)}
    return {name: where for name, where in names.items() if not name.startswith("_")}


def words(name: str) -> set[str]:
    """The words of a name: ``EpisodeLogs`` and ``EPISODE_LOG`` have two, in small letters, without a plural's s too."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().split("_")
    return {*apart, *(word.removesuffix("s") for word in apart)}


def test_the_page_has_its_words() -> None:
    assert len(ROWS) > 30
    assert len({word for word, *_ in ROWS}) == len(ROWS)
    assert all(NAME.search(where) for _, _, where, _ in ROWS)


@pytest.mark.parametrize(("word", "where"), [(word, where) for word, _, where, _ in ROWS])
def test_a_word_is_where_the_page_says(word: str, where: str) -> None:
    for dotted in NAME.findall(where):
        found(dotted)


@pytest.mark.parametrize(
    ("word", "other"), [(word, other.strip()) for word, *_, no in ROWS for other in no.split(",") if other.strip()]
)
def test_what_a_thing_is_not_called_is_in_no_public_name(word: str, other: str) -> None:
    named = [f"{name} in {where}" for name, where in public_names().items() if other in words(name)]
    assert not named, f"the word is {word}"


def test_words_that_are_none_would_be_found() -> None:
    assert "outcome" in {word for name in public_names() for word in words(name)}
    assert words("EpisodeLog") >= {"episode", "log"} and words("STUDY_ERRORS") >= {"study", "error"}
    with pytest.raises(AttributeError):
        found("sd_env.layout.NO_SUCH_NAME")
