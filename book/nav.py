"""The table of contents: entries of mkdocs.yml that end in ``*`` stand for all pages below that folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any


def expand(nav: Sequence[Any], pages: Iterable[str], titles: Mapping[str, str]) -> list[Any]:
    """The contents with each ``folder/*`` replaced by the pages of that folder that no other entry names.

    A folder's index comes first and its folders last; a section without pages is left out.

    Args:
        nav: contents as mkdocs.yml has them.
        pages: places of all pages.
        titles: titles of folders; those that it names come in its order, before others by name.
    """
    named = set(_named(nav))
    free = sorted(page for page in pages if page not in named)
    return _entries(nav, free, titles)


def _named(nav: Iterable[Any]) -> Iterator[str]:
    for entry in nav:
        value = next(iter(entry.values())) if isinstance(entry, dict) else entry
        if isinstance(value, list):
            yield from _named(value)
        else:
            yield value


def _entries(nav: Iterable[Any], free: list[str], titles: Mapping[str, str]) -> list[Any]:
    entries: list[Any] = []
    for entry in nav:
        title, value = next(iter(entry.items())) if isinstance(entry, dict) else (None, entry)
        if isinstance(value, list):
            inside = _entries(value, free, titles)
            entries += [{title: inside}] if inside else []
        elif value.endswith("*"):
            found = _folder(value.removesuffix("*"), free, titles)
            entries += [{title: found}] if title and found else found
        else:
            entries.append(entry)
    return entries


def _folder(prefix: str, free: list[str], titles: Mapping[str, str]) -> list[Any]:
    """The pages of a folder, and below them each folder in it as a section."""
    inside = [page for page in free if page.startswith(prefix)]
    own = [page for page in inside if "/" not in page.removeprefix(prefix)]
    own.sort(key=lambda page: (not page.endswith(("/README.md", "/index.md")), page))
    folders = dict.fromkeys(page.removeprefix(prefix).partition("/")[0] for page in inside if page not in own)
    order = list(titles)

    def place(folder: str) -> tuple[int, str]:
        path = prefix + folder
        return (order.index(path) if path in order else len(order), folder)

    sections = []
    for folder in sorted(folders, key=place):
        title = titles.get(prefix + folder, folder.replace("_", " ").capitalize())
        sections.append({title: _folder(f"{prefix}{folder}/", free, titles)})
    return [*own, *sections]
