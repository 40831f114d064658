"""The pages of the documentation, read: their code, commands, names in code font and tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CODE_OF_CONDUCT.md", "SECURITY.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
MODEL = ROOT / "docs" / "model.md"
CODE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.M | re.S)


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


def bare(cell: str) -> str:
    return cell.strip("`")
