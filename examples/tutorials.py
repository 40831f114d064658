"""The tutorials of docs/tutorials and the works of docs/reproduce: run them, write what they print, make notebooks.

    python -m examples.tutorials                         run them and say where a page shows something else
    python -m examples.tutorials --write                 run them and put what they print, and their pictures, into them
    python -m examples.tutorials --notebooks notebooks   write each as a Jupyter notebook

A tutorial's `python` blocks are one script. A `text` block that follows one is what it prints, and a picture in the
page is a file that a block saves. `<!-- varies -->` between the two says that it may come out differently on another
kind of machine, as what is trained does; then only the first word of each line is compared.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent.parent / "docs"
PAGES = [page for folder in ("tutorials", "reproduce") for page in sorted((DOCS / folder).glob("[0-9]*.md"))]
VARY = "<!-- varies -->"
FENCED = r"^```{}\n(.*?)^```$"
BLOCK = re.compile(
    FENCED.format("python") + rf"(?:\s*?\n(?P<vary>\n*{VARY}\n)?\s*?" + FENCED.format("text") + ")?", re.M | re.S
)
PICTURE = re.compile(r"!\[[^\]]*\]\(([\w-]+\.png)\)")
LINK = re.compile(r"(\]\()(?![a-z]+:|#)([^)\s#]+)")


@dataclass(frozen=True)
class Block:
    """A block of code and what the page shows of its output.

    Attributes:
        start: where the block and its output begin in the page.
        end: where they end.
        line: number of the code's first line.
        code: the code.
        shown: the output as the page shows it; empty where it shows none.
        varies: whether it may come out differently on another machine.
    """

    start: int
    end: int
    line: int
    code: str
    shown: str
    varies: bool

    def shows(self, printed: str) -> bool:
        """Whether the page shows what was printed; of an output that varies only the first word of each line counts."""
        if self.varies:
            return _begins(self.shown) == _begins(printed)
        return self.shown == _trimmed(printed)

    def text(self, printed: str) -> str:
        """The block as Markdown, with this output."""
        code = f"```python\n{self.code}```"
        marked = f"{VARY}\n\n" * self.varies
        return code + (f"\n\n{marked}```text\n{_trimmed(printed)}```" if printed.strip() else "")


def _trimmed(printed: str) -> str:
    """Without blanks at the ends of lines and empty lines at the end."""
    lines = "\n".join(line.rstrip() for line in printed.splitlines()).strip("\n")
    return lines + "\n" if lines else ""


def _begins(text: str) -> list[str]:
    return [line.split()[0] for line in text.splitlines() if line.strip()]


def blocks(text: str) -> Iterator[Block]:
    """The blocks of a page in order."""
    for found in BLOCK.finditer(text):
        line = text.count("\n", 0, found.start(1)) + 1
        yield Block(found.start(), found.end(), line, found[1], found[3] or "", found["vary"] is not None)


def play(page: Path) -> Iterator[tuple[Block, str]]:
    """Run a page in the working directory, block by block; yields each with what it printed."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks(page.read_text(encoding="utf-8")):
        heard = io.StringIO()
        with contextlib.redirect_stdout(heard):
            # empty lines in front, so that a traceback names the page's own lines
            exec(compile("\n" * (block.line - 1) + block.code, str(page), "exec"), namespace)
        yield block, heard.getvalue()


def written(page: Path, played: list[tuple[Block, str]]) -> str:
    """The page's text with what its blocks printed."""
    text = page.read_text(encoding="utf-8")
    for block, printed in reversed(played):
        text = text[: block.start] + block.text(printed) + text[block.end :]
    return text


def notebook(page: Path, folder: Path) -> dict[str, Any]:
    """A tutorial as a Jupyter notebook (nbformat 4.5) that is to lie in ``folder``, with the page's outputs."""

    def moved(link: re.Match[str]) -> str:
        return link[1] + Path(os.path.relpath(page.parent / link[2], folder)).as_posix()

    def words(text: str) -> None:
        if text.strip():
            add("markdown", LINK.sub(moved, text.replace(VARY, "")).strip("\n"))

    def add(kind: str, source: str, **more: Any) -> None:
        cell = {"cell_type": kind, "id": f"cell-{len(cells)}", "metadata": {}}
        cells.append(cell | {"source": source.splitlines(keepends=True)} | more)

    text, done = page.read_text(encoding="utf-8"), 0
    cells: list[dict[str, Any]] = []
    for block in blocks(text):
        words(text[done : block.start])
        stream = {"output_type": "stream", "name": "stdout", "text": block.shown.splitlines(keepends=True)}
        add("code", block.code.rstrip("\n"), execution_count=None, outputs=[stream] if block.shown else [])
        done = block.end
    words(text[done:])
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def main(argv: list[str] | None = None) -> int:
    """Command line; returns 1 if a page shows something else than its code prints."""
    parser = argparse.ArgumentParser(prog="python -m examples.tutorials", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("pages", nargs="*", type=Path, metavar="PAGE", help="default: all")
    parser.add_argument("--write", action="store_true", help="put what the code prints, and pictures, into the pages")
    parser.add_argument("--notebooks", type=Path, metavar="DIR", help="write notebooks there, and run nothing")
    arguments = parser.parse_args(argv)
    pages = [page.resolve() for page in arguments.pages] or PAGES
    if arguments.notebooks:
        arguments.notebooks.mkdir(parents=True, exist_ok=True)
        for page in pages:
            made = json.dumps(notebook(page, arguments.notebooks.resolve()), indent=1, ensure_ascii=False)
            (arguments.notebooks / f"{page.stem}.ipynb").write_text(made + "\n", encoding="utf-8")
        return 0
    stale = False
    for page in pages:
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            played = list(play(page))
            if arguments.write:
                text = written(page, played)
                page.write_text(text, encoding="utf-8")
                for name in PICTURE.findall(text):
                    shutil.copy(name, page.parent / name)
        for block, printed in played:
            if not arguments.write and not block.shows(printed):
                stale = True
                print(f"{page.name}, line {block.line}: the page does not show what the block prints:\n{printed}")
    return int(stale)


if __name__ == "__main__":
    raise SystemExit(main())
