"""The pages of the results: every published text with its pictures, and its verdicts at the top."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from book.markdown import block, escape, link, table

#: What a verdict can be, the ones that a reader must not overlook first.
VERDICTS = ("contradicted", "undecided", "supported")
_PICTURES = {".png", ".svg"}
_DATA = {".json", ".csv", ".parquet"}


@dataclass(frozen=True)
class Result:
    """A published text: its path in the repository, its title, what it says, and the files that go with it.

    ``claims``: verdict and claim of each line that gives one. ``pictures``, ``data``: places in the book.
    """

    path: str
    title: str
    text: str
    claims: tuple[tuple[str, str], ...]
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
    title = report["title"] if "predictions" in report else first
    beside = [other for other in sorted(path.parent.iterdir()) if _belongs(other, path)]
    places = [(other.suffix, other.relative_to(root / "docs").as_posix()) for other in beside]
    return Result(
        path=path.relative_to(root).as_posix(),
        title=title,
        text=text,
        claims=tuple(claims_of(text, report)),
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
    return Result(**{**vars(result), "title": f"{result.title}: {name}"})


def claims_of(text: str, report: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Verdict and claim of each of the report's predictions, or else of each line that begins with a verdict."""
    if "predictions" in report:
        yield from ((each["verdict"], each["claim"]) for each in report["predictions"])
        return
    for verdict, claim in re.findall(rf"^\s*({'|'.join(VERDICTS)})\b[:\s]+(.+)$", text, re.M):
        yield verdict, claim.strip()


def result_page(result: Result) -> str:
    """The page of a published text."""
    here = result.page
    files = ", ".join(link(here, place, f"`{Path(place).name}`") for place in (result.place, *result.data))
    pictures = [f"!{link(here, place, escape(Path(place).stem.replace('_', ' ')))}" for place in result.pictures]
    sections = [
        f"---\nhide:\n  - toc\nsearch:\n  exclude: {'true' if len(result.text) > 50_000 else 'false'}\n---",
        f"# {escape(result.title)}",
        *verdict_box(list(result.claims)),
        *pictures,
        f'<div class="sd-wide" markdown>\n\n{block(result.text)}\n</div>',
        f"Files: {files}",
    ]
    return "\n\n".join(sections) + "\n"


def verdict_box(claims: list[tuple[str, str]]) -> list[str]:
    """How many predictions were supported, and in full each one that was contradicted or left undecided."""
    if not claims:
        return []
    summary = counted(claims)
    against = [(verdict, claim) for verdict, claim in claims if verdict != "supported"]
    kind = "failure" if "contradicted" in dict(claims) else "warning" if against else "success"
    lines = [f"    - {badge(verdict)} {escape(claim)}" for verdict, claim in sorted(against)]
    return ["\n".join([f'!!! {kind} "Predictions: {summary}"', "", *(lines or ["    None was contradicted."])])]


def counted(claims: Iterable[tuple[str, str]]) -> str:
    """How many of the claims have each verdict, in words."""
    counts = Counter(verdict for verdict, _ in claims)
    return ", ".join(f"{counts[verdict]} {badge(verdict)}" for verdict in reversed(VERDICTS) if counts[verdict])


def badge(verdict: str) -> str:
    """A verdict, set so that it stands out."""
    return f"**{verdict}**{{ .sd-{verdict} }}" if verdict in VERDICTS else f"**{escape(verdict)}**"


def published(found: list[Result], here: str) -> str:
    """A table of the published texts that judge predictions, with their counts."""
    rows = []
    for result in found:
        if result.claims:
            counts = Counter(verdict for verdict, _ in result.claims)
            rows.append((link(here, result.page, escape(result.title)), *(str(counts[each]) for each in VERDICTS)))
    return table(("run", *VERDICTS), rows)
