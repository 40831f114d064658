"""The README's results are the published ones, and what is not certified is not called so."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from agents.evaluation.outcome import PREDICTED
from agents.publish import front, paper, results
from agents.publish.marked import MarkError

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / front.PAGE).read_text(encoding="utf-8")
FEAR = "experiments/sudden-fear.json"


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A copy of what the section is written from, to be changed."""
    for suffix in ("json", "txt"):
        shutil.copy(ROOT / paper.PUBLISHED / f"{paper.RUN}.{suffix}", tmp_path)
    (tmp_path / "experiments").mkdir()
    shutil.copy(ROOT / paper.PUBLISHED / FEAR, tmp_path / FEAR)
    return tmp_path


def change(published: Path, **fields: Any) -> None:
    """Change all certificates."""
    path = published / f"{paper.RUN}.json"
    report = json.loads(path.read_text(encoding="utf-8"))
    for world in report["worlds"].values():
        for start in world["starts"].values():
            start["certificates"] = [each | fields for each in start["certificates"]]
    path.write_text(json.dumps(report), encoding="utf-8")


def test_they_are_the_published_ones() -> None:
    assert front.written(TEXT, ROOT / paper.PUBLISHED) == TEXT, f"stale: {front.COMMAND}"


def test_the_tables_are_those_of_the_report_without_the_nulls() -> None:
    """Found here by their lines, not as the writer finds them."""
    verdicts, played = re.findall(r"```text\n(.*?)```", TEXT[TEXT.index(front.BEGIN) : TEXT.index(front.END)], re.S)
    report = (ROOT / paper.PUBLISHED / f"{paper.RUN}.txt").read_text(encoding="utf-8").splitlines()
    lines = (verdicts + played).splitlines()
    assert [line for line in lines if f" {line}" not in report] == []
    for table in (verdicts, played):
        assert sum(line.startswith(world) for line in table.splitlines() for world in PREDICTED) == len(PREDICTED)
    assert "tragic wars" in played and "gap S" in verdicts and "random" not in played


def test_every_number_of_the_summary_is_in_the_report() -> None:
    report = json.loads((ROOT / paper.PUBLISHED / f"{paper.RUN}.json").read_text(encoding="utf-8"))
    starts = [start for world in report["worlds"].values() for start in world["starts"].values()]
    certificates = [each for start in starts for each in start["certificates"]]
    known = {f"{100 * each['gain']:.1f}%" for each in certificates} | {f"{each['searches']}" for each in certificates}
    known |= {f"{start['learned']['outcome/ss_attacks']['value']:.4f}" for start in starts}
    known |= {str(seed) for seed in report["seeds"]} | {f"{report['seconds'] / 60:.0f}", "95%", "2%", "2"}
    known |= {each.rstrip("%") for each in known}  # "0.5 to 1.2%"
    told = set(re.findall(r"(?<![\w-])-?\d+(?:\.\d+)?%?", front.summary(report).replace("x86_64", "")))
    assert told <= known


def test_every_number_of_what_fear_does_is_in_its_report() -> None:
    report = json.loads((ROOT / paper.PUBLISHED / FEAR).read_text(encoding="utf-8"))
    told = front.fear(report)
    known = {f"{row['estimate']['value']:{form}}" for row in report["cells"] for form in (".3f", ".1f")}
    known |= {f"{100 * each['gain']:.1f}" for each in report["certificates"]} | set(map(str, report["seeds"]))
    assert set(re.findall(r"\d+(?:\.\d+)?", told.split("png)")[1])) <= known
    assert "Certified: " in told and "Not certified: " not in told
    report["certificates"][0]["verdict"] = "beaten"
    assert "Not certified: " in front.fear(report)


def test_what_is_not_certified_is_not_called_so(published: Path) -> None:
    change(published, verdict="beaten", gain=0.25)
    beaten = " ".join(front.section(published).split())
    assert "gain 25.0% of the return of security seekers and 25.0%" in beaten
    assert "below 2%: none. It is not yet for doubly-dangerous, intense, not-intense, doubly-safe." in beaten
    change(published, verdict="certified", gain=0.001)
    certified = " ".join(front.section(published).split())
    assert "It is not yet" not in certified and "intense (cooperation)" in certified


def test_a_report_without_its_tables_and_a_page_without_its_marks_are_refused(published: Path) -> None:
    with pytest.raises(MarkError, match=r"README\.md needs the lines"):
        front.written(TEXT.replace(front.END, ""), published)
    with pytest.raises(MarkError, match="each once"):
        front.written(front.END + TEXT, published)
    (published / f"{paper.RUN}.txt").write_text("nothing\n", encoding="utf-8")
    with pytest.raises(results.ResultError, match="has no table 'verdicts'"):
        front.section(published)
