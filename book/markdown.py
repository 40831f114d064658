"""Small pieces of Markdown: links, tables, escapes."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Sequence

#: A fenced block of code, from its opening to its closing line.
FENCE = re.compile(r"^( *)(`{3,}|~{3,})[^\n]*\n.*?^\1\2`*~* *$\n?", re.M | re.S)


def relative(page: str, target: str) -> str:
    """The link from one page of the book to another, or to a file in it; an anchor may follow the target."""
    where, mark, anchor = target.partition("#")
    return posixpath.relpath(where, posixpath.dirname(page) or ".") + mark + anchor


def link(page: str, target: str, text: str) -> str:
    """A link from ``page`` to ``target``, both by their place in the book."""
    return f"[{text}]({relative(page, target)})"


def escape(text: str) -> str:
    """The text as plain prose: nothing in it is read as Markdown or HTML."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]#|~])", r"\\\1", text)


def one_line(text: str) -> str:
    """The text without line breaks and doubled spaces."""
    return " ".join(text.split())


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells hold Markdown on one line."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(one_line(cell) for cell in line) + " |" for line in lines) + "\n"


def block(text: str, language: str = "text", title: str = "") -> str:
    """A block of code, fenced by more backticks than it holds in a row."""
    most = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, most + 1)
    titled = f' title="{title}"' if title else ""
    return f"{fence}{language}{titled}\n{text.rstrip()}\n{fence}\n"


def outside_code(text: str, change: Callable[[str], str]) -> str:
    """The text with ``change`` applied to all that is between its fenced blocks."""
    parts, done = [], 0
    for match in FENCE.finditer(text):
        parts += [change(text[done : match.start()]), match[0]]
        done = match.end()
    return "".join([*parts, change(text[done:])])


def slug(title: str) -> str:
    """The anchor of a heading, as forges make it."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
