"""Links of the repository's pages, led to where their targets are in the book."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote

from book.concepts import page_of
from book.markdown import block, link, one_line, outside_code, relative, table

#: Pages of the repository that are elsewhere in the book.
MOVED = {
    "README.md": "index.md",
    "docs/README.md": "contents.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CODE_OF_CONDUCT.md": "code-of-conduct.md",
}
#: Files and folders outside docs/ that the book shows as they are, each on a page of its own below source/.
SOURCES = (
    "configs", "agents/evaluation/challenges", "agents/experiments", "examples", "benchmarks", "train.py", "LICENSE",
    "CITATION.cff", "Makefile", "pyproject.toml", "requirements.lock", "sd_env/catalogue/history/data",
)  # fmt: skip
_LANGUAGES = {
    ".py": "python",
    ".yaml": "yaml",
    ".json": "json",
    ".toml": "toml",
    ".md": "markdown",
    ".cff": "yaml",
    ".patch": "diff",
}
_TEXTS = {*_LANGUAGES, ".csv", ".txt", ".lock", ""}
_LINK = re.compile(r"(\]\()([^)\s]+)((?:\s+\"[^\"]*\")?\))")


class Places:
    """Where each file of the repository is in the book.

    Args:
        root: the repository.
        pages: pages that are generated from a file, by that file's path in the repository.
    """

    def __init__(self, root: Path, pages: Mapping[str, str]) -> None:
        self.root = root
        self._pages = {**pages, **MOVED}

    def of(self, path: str) -> str | None:
        """The place of a file or folder in the book, or None if the book does not have it."""
        path = posixpath.normpath(path)
        if not (self.root / path).exists():
            return None
        if any(path == source or path.startswith(f"{source}/") for source in SOURCES):
            return source_page(path, folder=(self.root / path).is_dir())
        if path in self._pages:
            return self._pages[path]
        if (path == "docs" or path.startswith("docs/")) and (self.root / path).is_dir():
            return self.of(f"{path}/README.md")
        if path.startswith("docs/"):
            return path.removeprefix("docs/")
        return _in_catalogue(path) if path.startswith("sd_env/catalogue") else None

    def relink(self, text: str, source: str, page: str) -> str:
        """The Markdown of a file with its links changed to lead from its page in the book.

        Links to other hosts, to places on the same page, and to what the book does not have stay as they are; the
        last are then reported by mkdocs.

        Args:
            text: Markdown.
            source: path of the file in the repository.
            page: its place in the book.
        """

        def change(match: re.Match[str]) -> str:
            where, mark, anchor = unquote(match[2]).partition("#")
            if not where or re.match(r"[a-z]+:", where):
                return match[0]
            place = self.of(posixpath.join(posixpath.dirname(source), where))
            return match[0] if place is None else match[1] + relative(page, place) + mark + anchor + match[3]

        return outside_code(text, lambda prose: _LINK.sub(change, prose))


def _in_catalogue(path: str) -> str | None:
    """The page of a scenario's file, or of a folder of them."""
    if path.endswith(".yaml"):
        return page_of(path.removeprefix("sd_env/catalogue/").removesuffix(".yaml"))
    inside = path.removeprefix("sd_env/catalogue").strip("/")
    return f"concepts/{inside}/README.md".replace("//", "/") if inside.count("/") == 0 else None


def link_names(text: str, names: Iterable[str], page: str) -> str:
    """The Markdown with every scenario that it names in code font linked to that scenario's page.

    Headings, links and blocks of code stay as they are.
    """
    known = set(names)

    def change(match: re.Match[str]) -> str:
        name = match["name"]
        return link(page, page_of(name), f"`{name}`") if name in known else match[0]

    pattern = re.compile(r"^#[^\n]*$|!?\[(?:[^\[\]]|\[[^\]]*\])*\]\([^)]*\)|``[^`].*?``|`(?P<name>[^`\n]+)`", re.M)
    return outside_code(text, lambda prose: pattern.sub(change, prose))


def source_page(path: str, folder: bool = False) -> str:
    """Where the page of a file or folder of the repository is in the book."""
    return f"source/{path}/README.md" if folder else f"source/{path}.md"


def source_pages(root: Path) -> Iterator[tuple[str, str]]:
    """Place and Markdown of a page for each file of :data:`SOURCES`, and for each folder its list of files."""
    for source in SOURCES:
        path = root / source
        if path.is_dir():
            yield from _folder(root, path)
        elif path.exists():
            yield _file(root, path)


def _folder(root: Path, folder: Path) -> Iterator[tuple[str, str]]:
    entries = sorted(path for path in folder.iterdir() if not path.name.startswith((".", "__pycache__")))
    kept = [path for path in entries if path.suffix in _TEXTS and (path.is_dir() or path.is_file())]
    name = folder.relative_to(root).as_posix()
    page = source_page(name, folder=True)
    rows = []
    for path in kept:
        target = source_page(path.relative_to(root).as_posix(), folder=path.is_dir())
        rows.append((link(page, target, f"`{path.name}{'/' if path.is_dir() else ''}`"), _about(path)))
        yield from _folder(root, path) if path.is_dir() else [_file(root, path)]
    yield page, _HIDDEN + f"# `{name}/`\n\n" + table(("", ""), rows)


def _file(root: Path, path: Path) -> tuple[str, str]:
    name = path.relative_to(root).as_posix()
    text = path.read_text(encoding="utf-8")
    return source_page(name), _HIDDEN + f"# `{name}`\n\n" + block(text, _LANGUAGES.get(path.suffix, "text"))


def _about(path: Path) -> str:
    """What a file says of itself: its title, or its first comment or line of documentation, up to the full stop."""
    if path.is_dir():
        return ""
    text = path.read_text(encoding="utf-8")
    said = re.search(r"^title: (.+)$|^\"\"\"(.+?)(?:\.\s|\"\"\"|\n)|\A# (.+)$", text, re.M)
    return one_line(next(part for part in said.groups() if part)).replace("|", "\\|") if said else ""


_HIDDEN = "---\nsearch:\n  exclude: true\nhide:\n  - toc\n---\n"
