"""The comments of a scenario file: the reason that stands beside each value, and the notes that stand alone."""

from __future__ import annotations

import re
from dataclasses import dataclass

import yaml


@dataclass(frozen=True)
class Comments:
    """What a YAML file says in its comments.

    ``reasons``: by dotted key, the comments beside the key and its value and those right above it. ``notes``: the
    paragraphs of comments that stand at the left margin.
    """

    reasons: dict[str, str]
    notes: tuple[str, ...]


def comments_of(text: str) -> Comments:
    """Read the comments of a mapping of keys and of groups of keys, as a scenario file is.

    Args:
        text: the file.

    Raises:
        ValueError: it is not such a mapping.
    """
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode):
        raise ValueError("the file is no mapping of keys to values, as a scenario must be.")
    beside = _by_line(text)
    alone = {line for line, row in enumerate(text.splitlines()) if row.lstrip().startswith("#")}
    reasons = {}
    for key, first, last in _spans(root):
        lines = list(range(first, last + 1))
        while "." in key and lines[0] - 1 in alone:
            lines.insert(0, lines[0] - 1)
        said = _sentences([(line, beside[line]) for line in lines if line in beside], alone)
        if said:
            reasons[key] = said
    return Comments(reasons, tuple(_notes(text)))


def _by_line(text: str) -> dict[int, str]:
    """The comment of each line that has one; a ``#`` inside a text is none."""
    after: dict[int, int] = {}
    inside: set[int] = set()
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        start, end = token.start_mark, token.end_mark
        inside.update(range(start.line, end.line))
        after[end.line] = max(after.get(end.line, 0), end.column)
    found = {}
    for number, row in enumerate(text.splitlines()):
        if number not in inside and (match := re.search(r"(?:^|\s)#\s?(.*)$", row[after.get(number, 0) :])):
            found[number] = match[1].strip()
    return found


def _spans(root: yaml.MappingNode) -> list[tuple[str, int, int]]:
    """Dotted key, first and last line of each value; groups are gone into."""
    spans = []
    for key, value in root.value:
        if isinstance(value, yaml.MappingNode) and not value.flow_style:
            spans += [(f"{key.value}.{inner.value}", inner.start_mark.line, _last(item)) for inner, item in value.value]
        else:
            spans.append((key.value, key.start_mark.line, _last(value)))
    return spans


def _last(node: yaml.Node) -> int:
    """The last line that the node itself is on: a block ends where its last part does."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        end = node.value[-1]
        return _last(end[1] if isinstance(end, tuple) else end)
    end_mark = node.end_mark
    return int(end_mark.line - (1 if end_mark.column == 0 and end_mark.line > node.start_mark.line else 0))


def _sentences(said: list[tuple[int, str]], alone: set[int]) -> str:
    """Comments on lines of their own run on into one another; those beside values are set apart."""
    text = ""
    for (line, words), before in zip(said, [None, *said], strict=False):
        runs_on = before is not None and line in alone and before[0] in alone
        text += words if not text else (" " if runs_on else "; ") + words
    return text


def _notes(text: str) -> list[str]:
    notes: list[list[str]] = []
    before = ""
    for row in text.splitlines():
        if row.startswith("#"):
            if not before.startswith("#"):
                notes.append([])
            notes[-1].append(row.lstrip("# ").rstrip())
        before = row
    return [" ".join(lines) for lines in notes]
