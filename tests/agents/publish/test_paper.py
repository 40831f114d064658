"""paper.md: its results are the published ones, its references are there and cited, and CITATION.cff agrees."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from agents.publish import paper
from agents.publish.marked import MarkError

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / paper.PAPER).read_text(encoding="utf-8")
_, FRONT, BODY = TEXT.split("---\n", 2)
BIB = (ROOT / "paper.bib").read_text(encoding="utf-8")
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A copy of what the paragraph is written from, to be changed."""
    (tmp_path / "experiments").mkdir()
    for name in (f"{paper.RUN}.json", "experiments/index.json"):
        shutil.copy(ROOT / paper.PUBLISHED / name, tmp_path / name)
    return tmp_path


def change(published: Path, **fields: Any) -> None:
    """Change the first certificate of every start of every world."""
    path = published / f"{paper.RUN}.json"
    report = json.loads(path.read_text(encoding="utf-8"))
    for world in report["worlds"].values():
        for start in world["starts"].values():
            start["certificates"][0] |= fields
    path.write_text(json.dumps(report), encoding="utf-8")


def test_its_results_are_the_published_ones() -> None:
    assert paper.written(TEXT, ROOT / paper.PUBLISHED) == TEXT, f"stale: {paper.COMMAND}"


def test_every_number_of_its_results_is_in_the_reports() -> None:
    """Counted and rounded here from the JSON, not by the writer."""
    report = json.loads((ROOT / paper.PUBLISHED / "held_back.json").read_text(encoding="utf-8"))
    index = json.loads((ROOT / paper.PUBLISHED / "experiments" / "index.json").read_text(encoding="utf-8"))
    certificates = [
        c for world in report["worlds"].values() for s in world["starts"].values() for c in s["certificates"]
    ]
    gains = {f"{round(100 * each['gain'], 1):.1f}" for each in certificates}
    tried = [each for entry in index for each in entry["predictions"]]
    worlds = [[s["certificates"] for s in world["starts"].values()] for world in report["worlds"].values()]
    held = sum(all(c["verdict"] == "certified" for found in starts for c in found) for starts in worlds)
    counts = {str(len(tried)), str(len(report["seeds"])), str(held)}
    for word in ("supported", "contradicted", "undecided"):
        counts.add(str(sum(each["verdict"] == word and not each["status"] for each in tried)))
    for mark in ("withdrawn", "rederived", "not run", "uncertified"):
        counts.add(str(sum(each["status"].startswith(mark) for each in tried)))
    told = set(re.findall(r"(?<![\w-])-?\d+(?:\.\d+)?", paper.paragraph(ROOT / paper.PUBLISHED)))
    assert gains <= told <= gains | counts


def test_what_is_not_certified_is_not_called_so(published: Path) -> None:
    certified = paper.paragraph(published)
    change(published, verdict="beaten", gain=0.25)
    beaten = paper.paragraph(published)
    assert "none is certified" in beaten and "typology" not in beaten
    assert "25.0% of the return of security seekers (beaten)" in beaten and "25.0%" not in certified
    change(published, verdict="certified", gain=0.001)
    assert "0.1% of the return of security seekers;" in paper.paragraph(published)


def test_without_its_marks_it_is_refused() -> None:
    with pytest.raises(MarkError, match="needs the lines"):
        paper.written(TEXT.replace(paper.END, ""), ROOT / paper.PUBLISHED)


def test_outside_of_its_results_it_claims_no_number_of_a_run() -> None:
    around = BODY[: BODY.index(paper.BEGIN)] + BODY[BODY.index(paper.END) :]
    numbers = set(re.findall(r"(?<![@\w-])\d+(?:\.\d+)?%?", around))
    assert numbers == {"2", "16", "2%"}, "the states of a world, and the gain that forbids a certificate"


def test_its_references_are_there_and_cited() -> None:
    keys = re.findall(r"^@\w+\{(\w+),", BIB, re.M)
    assert len(set(keys)) == len(keys)
    assert set(re.findall(r"@(\w+)", BODY)) == set(keys)
    for entry in BIB.split("\n\n"):
        assert all(f"{field} = {{" in entry for field in ("author", "title", "year")), entry
        assert "journal = {" in entry or "booktitle = {" in entry or "doi = {" in entry, entry
    for doi in re.findall(r"doi = \{([^}]*)\}", BIB):
        assert re.fullmatch(r"10\.\d{4,5}/[\w.()/-]+", doi), doi
    assert BIB.count("{") == BIB.count("}")


def test_it_is_as_the_journal_asks() -> None:
    front = yaml.safe_load(FRONT)
    assert front["title"] == CITATION["title"]
    assert [each["name"] for each in front["authors"]] == [each["name"] for each in CITATION["authors"]]
    assert set(front["tags"]) - {"Python"} <= set(CITATION["keywords"])
    assert (ROOT / front["bibliography"]).is_file()
    assert {each["affiliation"] for each in front["authors"]} <= {each["index"] for each in front["affiliations"]}
    sections = re.findall(r"^# (.+)$", BODY, re.M)
    assert {"Summary", "Statement of need", "State of the field", "Limitations", "References"} <= set(sections)
    assert 750 <= len(re.sub(r"<!--.*?-->", "", BODY).split()) <= 1750
