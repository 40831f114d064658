"""What a page is made of: HTML in which whatever somebody else wrote is text, and never markup."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import NewType
from urllib.parse import quote

from sd_env.errors import printable
from sd_env.show.template import filled

#: What is markup already. Only the functions of this room make it.
Html = NewType("Html", str)

#: Tones of a verdict: it stands, it does not, nothing is decided.
GOOD, BAD, OPEN = "good", "bad", "open"


@dataclass(frozen=True)
class Verdict:
    """What was found of one thing, in a card.

    Attributes:
        of: what it is of.
        word: the verdict.
        tone: ``GOOD``, ``BAD`` or ``OPEN``.
        lines: what it rests on, and what theory says.
    """

    of: str
    word: str
    tone: str
    lines: Sequence[str] = ()


@dataclass(frozen=True)
class Link:
    """A cell of a table that leads to a file beside the page.

    Attributes:
        path: relative, with ``/``.
        label: its words.
    """

    path: str
    label: str


def text(given: object) -> Html:
    """Anybody's words, as text."""
    return Html(escape("\n".join(map(printable, str(given).split("\n")))))


def together(parts: Iterable[Html]) -> Html:
    """Parts one after another."""
    return Html("\n".join(parts))


def words(*given: str) -> Html:
    """Paragraphs; those without words are left out."""
    return together(Html(f"<p>{text(each)}</p>") for each in given if each)


def small(given: str) -> Html:
    """A paragraph in small print."""
    return Html(f'<p class="small">{text(given)}</p>')


def listed(given: Iterable[str]) -> Html:
    """A list of sentences."""
    return Html("<ul>" + "".join(f"<li>{text(each)}</li>" for each in given) + "</ul>")


def code(given: str) -> Html:
    """What is typed at a prompt."""
    return Html(f'<pre tabindex="0"><code>{text(given)}</code></pre>')


def verdicts(found: Iterable[Verdict]) -> Html:
    """Cards side by side."""
    cards = (
        f'<li class="{each.tone}"><h3>{text(each.of)}</h3><p class="word">{text(each.word)}</p>'
        + "".join(f"<p>{text(line)}</p>" for line in each.lines)
        + "</li>"
        for each in found
    )
    return Html('<ul class="verdicts">' + "".join(cards) + "</ul>")


def table(
    caption: str,
    headings: Sequence[str],
    rows: Iterable[Sequence[object]],
    shades: Sequence[Sequence[int]] = (),
    *,
    prose: bool = False,
) -> Html:
    """A table whose first column names the rows; it scrolls by itself where it is too wide.

    Args:
        caption: what it is.
        headings: of the columns; a line break within one is a place where it may break.
        rows: of cells, each anything, or a :class:`Link`.
        shades: of each row and each column after the first from 0 to 9, how dark it stands; -1 is none.
        prose: whether its cells are words rather than numbers.
    """
    kind = ' class="prose"' if prose else ""
    head = "".join(f'<th scope="col">{text(each)}</th>' for each in headings)
    body = []
    for k, (first, *rest) in enumerate(rows):
        tones = shades[k] if k < len(shades) else [-1] * len(rest)
        cells = "".join(
            f"<td{f' class={chr(34)}shade{tone}{chr(34)}' if tone >= 0 else ''}>{_cell(each)}</td>"
            for each, tone in zip(rest, tones, strict=True)
        )
        body.append(f'<tr><th scope="row">{_cell(first)}</th>{cells}</tr>')
    title = text(caption)
    return Html(
        f'<div class="wide" role="region" tabindex="0" aria-label="{title}"><table{kind}><caption>{title}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


def _cell(given: object) -> Html:
    if isinstance(given, Link):
        return Html(f'<a href="./{escape(quote(given.path))}">{text(given.label)}</a>')
    return text(given)


def picture(file: Path, says: str) -> Html:
    """A PNG, held by the page itself, and what it says."""
    data = base64.b64encode(file.read_bytes()).decode()
    return figure(Html(f'<img alt="{text(says)}" src="data:image/png;base64,{data}">'), says)


def figure(drawn: Html, says: str) -> Html:
    """A drawing with its caption."""
    return Html(f"<figure>{drawn}<figcaption>{text(says)}</figcaption></figure>")


def section(title: str, *parts: Html) -> Html:
    """A section, "" where it has no parts."""
    held = together(part for part in parts if part)
    return Html(f"<section>\n<h2>{text(title)}</h2>\n{held}\n</section>") if held else Html("")


def page(title: str, about: str, sections: Iterable[Html]) -> str:
    """The whole page, as HTML.

    Args:
        title: of the page.
        about: what it is a page of, in a line.
        sections: of :func:`section`, the verdict first.
    """
    return filled(
        "agents.pages",
        {"title": text(title), "about": text(about), "body": together(each for each in sections if each)},
        pictures=True,
    )
