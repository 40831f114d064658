"""The pages of the results: every published text with its pictures, and its predictions at the top.

What was predicted and found is read from the JSON beside a text, never from the text itself.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agents.evaluation.predictions import (
    CONTRADICTED,
    SUPPORTED,
    UNDECIDED,
    Prediction,
    counts,
    predictions_of,
    quoted,
    sentence,
)
from book.markdown import block, escape, link, one_line, table

#: What a prediction can count as, the ones that a reader must not overlook first; marks such as "withdrawn" come last.
ORDER = (CONTRADICTED, UNDECIDED, SUPPORTED)
_PICTURES = {".png", ".svg"}
_DATA = {".json", ".csv", ".parquet"}


@dataclass(frozen=True)
class Result:
    """A published text: its path in the repository, its title, what it says, and the files that go with it.

    ``predictions``: those of its report. ``status``: the mark of the whole of it, if any. ``pictures``, ``data``:
    places in the book.
    """

    path: str
    title: str
    text: str
    predictions: tuple[Prediction, ...]
    status: str
    pictures: tuple[str, ...]
    data: tuple[str, ...]

    @property
    def page(self) -> str:
        """Where its page is in the book."""
        return self.place.removesuffix(".txt") + ".md"

    @property
    def place(self) -> str:
        """Where the text itself is in the book."""
        return self.path.removeprefix("docs/")


def results(root: Path) -> list[Result]:
    """Every ``.txt`` of docs/results that has no page of its own, by path."""
    folder = root / "docs" / "results"
    found = [_read(root, path) for path in sorted(folder.rglob("*.txt")) if not path.with_suffix(".md").exists()]
    often = Counter(result.title for result in found)
    return [result if often[result.title] == 1 else _told_apart(result) for result in found]


def _read(root: Path, path: Path) -> Result:
    text = path.read_text(encoding="utf-8")
    report = _report(path)
    first = next((line.strip() for line in text.splitlines() if line.strip()), path.stem)
    name = path.relative_to(root).with_suffix(".json").as_posix()
    beside = [other for other in sorted(path.parent.iterdir()) if _belongs(other, path)]
    places = [(other.suffix, other.relative_to(root / "docs").as_posix()) for other in beside]
    return Result(
        path=path.relative_to(root).as_posix(),
        title=report.get("title", first),
        text=text,
        predictions=tuple(predictions_of(report, name)),
        status=report.get("status", ""),
        pictures=tuple(place for suffix, place in places if suffix in _PICTURES),
        data=tuple(place for suffix, place in places if suffix in _DATA),
    )


def _report(path: Path) -> dict[str, Any]:
    """The JSON beside a text, where it is a mapping."""
    beside = path.with_suffix(".json")
    report = json.loads(beside.read_text(encoding="utf-8")) if beside.exists() else {}
    return report if isinstance(report, dict) else {}


def _belongs(other: Path, text: Path) -> bool:
    """Whether a file goes with a text: the same name, or the name, ``_`` and more, unless another text fits better."""
    if other.stem != text.stem and not other.stem.startswith(f"{text.stem}_"):
        return False
    better = (each.stem for each in text.parent.glob("*.txt") if len(each.stem) > len(text.stem))
    return not any(other.stem == stem or other.stem.startswith(f"{stem}_") for stem in better)


def _told_apart(result: Result) -> Result:
    name = Path(result.path).stem.replace("_", " ").replace("-", " ")
    return replace(result, title=f"{result.title}: {name}")


def result_page(result: Result) -> str:
    """The page of a published text."""
    here = result.page
    files = ", ".join(link(here, place, f"`{Path(place).name}`") for place in (result.place, *result.data))
    pictures = [f"!{link(here, place, escape(Path(place).stem.replace('_', ' ')))}" for place in result.pictures]
    sections = [
        f"---\nhide:\n  - toc\nsearch:\n  exclude: {'true' if len(result.text) > 50_000 else 'false'}\n---",
        f"# {escape(result.title)}",
        *([_mark(result.status)] if result.status else []),
        *verdict_box(result.predictions),
        *pictures,
        f'<div class="sd-wide" markdown>\n\n{block(result.text)}\n</div>',
        f"Files: {files}",
    ]
    return "\n\n".join(sections) + "\n"


def _mark(status: str) -> str:
    """A box for a result that no longer stands."""
    word, _, reason = status.partition(":")
    return f'!!! failure "{escape(word.capitalize())}"\n\n    {escape(reason.strip())}'


def verdict_box(predictions: Iterable[Prediction]) -> list[str]:
    """How many predictions were supported, and in full each one that was not."""
    found = list(predictions)
    if not found:
        return []
    against = sorted((each for each in found if each.word != SUPPORTED), key=_place)
    contradicted = any(each.word == CONTRADICTED for each in found)
    kind = "failure" if contradicted else "warning" if against else "success"
    lines = [f"    - {shown(each)}" for each in against]
    return ["\n".join([f'!!! {kind} "Predictions: {counted(found)}"', "", *(lines or ["    None was contradicted."])])]


def _place(prediction: Prediction) -> int:
    return ORDER.index(prediction.verdict) if prediction.word in ORDER else len(ORDER)


def shown(prediction: Prediction) -> str:
    """What a prediction counts as, and its sentence."""
    return f"{badge(prediction.word)} {told(prediction)}"


def told(prediction: Prediction) -> str:
    """The sentence of a prediction as Markdown."""
    return one_line(sentence(prediction, escape, quoted))


def counted(predictions: Iterable[Prediction]) -> str:
    """How many predictions count as what, in words, without what there is none of."""
    return ", ".join(f"{number} {badge(word)}" for word, number in counts(predictions).items() if number)


def badge(word: str) -> str:
    """A verdict or a mark, set so that it stands out."""
    return f"**{word}**{{ .sd-{word} }}"


def published(found: list[Result], here: str) -> str:
    """A table of the published texts that judge predictions, with their counts."""
    judging = [result for result in found if result.predictions]
    words = [
        *ORDER,
        *(word for word in counts(each for result in judging for each in result.predictions) if word not in ORDER),
    ]
    rows = []
    for result in judging:
        own = counts(result.predictions)
        rows.append((link(here, result.page, escape(result.title)), *(str(own.get(word, 0)) for word in words)))
    return table(("run", *words), rows)
