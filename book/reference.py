"""The reference: a page for each public module, which mkdocstrings fills from its docstrings."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from book.markdown import escape, link, one_line, table

PACKAGES = ("sd_env", "agents")
INDEX = "reference/README.md"


def modules(root: Path) -> Iterator[tuple[str, Path]]:
    """Dotted name and file of every module of the packages whose name has no underscore in front, sorted."""
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            parts = parts[:-1] if parts[-1] == "__init__" else parts
            if not any(part.startswith("_") for part in parts):
                yield ".".join(parts), path


def package_titles(root: Path) -> dict[str, str]:
    """The dotted name of each package, by the folder of its pages."""
    packages = (name for name, path in modules(root) if path.name == "__init__.py")
    return {f"reference/{name.replace('.', '/')}": name for name in packages}


def page_of_module(name: str, package: bool) -> str:
    """Where the page of a module is in the book."""
    path = name.replace(".", "/")
    return f"reference/{path}/README.md" if package else f"reference/{path}.md"


def reference_pages(root: Path) -> Iterator[tuple[str, str, str]]:
    """Place in the book, Markdown, and path in the repository of the page of each module, and of their index."""
    rows = []
    for name, path in modules(root):
        page = page_of_module(name, path.name == "__init__.py")
        rows.append((link(INDEX, page, f"`{name}`"), escape(summary(path))))
        yield page, f"# `{name}`\n\n::: {name}\n", path.relative_to(root).as_posix()
    about = (
        "Every public module, from its docstrings. `sd_env` is the game and needs nothing of training; `agents` are "
        "those who play, learn and judge."
    )
    yield INDEX, f"# Reference\n\n{about}\n\n{table(('module', 'what it is'), rows)}", ""


def summary(path: Path) -> str:
    """The first sentence of a module's documentation."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return one_line(text.split("\n\n")[0])
