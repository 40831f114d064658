"""Report pages: the verdict first, what strangers wrote is text, equal work makes equal bytes, links lead somewhere."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents import cli
from agents.evaluation.report import write_report
from agents.evaluation.statistics import estimate
from agents.files import write_json, write_text
from agents.pages.curves import Curve, panels
from agents.pages.elements import Link, table
from agents.pages.folders import PageError, read
from agents.pages.of_runs import curve_of
from agents.pages.write import report_page
from sd_env.record import read_log, verify
from tests.agents.evaluation.test_report import as_theory_says

TINY = ["--seeds", "1", "2", "--worlds", "4", "--workers", "1"]
EVIL = "</td><script>document.title='owned'</script>"


def made_run(folder: Path, results: list[dict[str, Any]], name: str = "made-up", certificates: Any = None) -> Path:
    """A run's folder with made-up results and curves."""
    folder.mkdir()
    write_text(folder / "config.yaml", "name: made-up\nseeds: [1, 2, 3]\nlearner: {gamma: 1.0}\n")
    write_json(folder / "versions.json", {"numpy": "9.9"})
    write_report(folder, name, results, {}, "sd-env train --config made-up", certificates)
    for result in results:
        job = folder / "jobs" / f"{result['world']}__seed{result['seed']}"
        job.mkdir(parents=True, exist_ok=True)
        rows = [f"{1000 * k},{result['seed'] * k / 100}" for k in range(5)]
        write_text(job / "progress.csv", "\n".join(["time/total_timesteps,outcome/ss_attacks", *rows]) + "\n")
    return folder


def plain(page: str) -> str:
    """What a reader sees of a page."""
    body = page[page.index("<body>") :]
    return html.unescape(re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", body)))


def certificate(kind: str, gain: float, verdict: str) -> dict[str, Any]:
    row = {"state": "all", "type": kind, "own": 20.0, "gain": gain, "low": gain - 0.001, "high": gain + 0.001}
    return row | {"response": "from scratch", "verdict": verdict, "failed": 0, "searches": 3}


def test_the_verdict_comes_first_with_its_certificate(tmp_path: Path) -> None:
    rows = [certificate("security seekers", 0.011, "certified"), certificate("greedy states", 0.058, "beaten")]
    page = plain(report_page(made_run(tmp_path / "run", as_theory_says(), certificates={"intense": {"": rows}})))
    assert page.index("Verdict") < page.index("Learning curves") < page.index("What was played")
    assert page.index("What was played") < page.index("How to make it again")
    card = page[page.index("intense") :][:400]
    assert "the best deviator found gains 1.1% of the return of security seekers, certified" in card
    assert "5.8% of the return of greedy states, beaten" in card and "Theory predicts: arms race without war" in card
    assert "0 of 4 worlds have policies" in page and "sd-env train --config made-up" in page and "numpy 9.9" in page
    assert "Mean of 3 seeds; band: 95% t interval" in page


def test_a_certified_world_that_ends_as_theory_says_is_marked_as_standing(tmp_path: Path) -> None:
    rows = [certificate("security seekers", 0.001, "certified")]
    page = report_page(made_run(tmp_path / "run", as_theory_says(), certificates={"intense": {"": rows}}))
    [card] = re.findall(r'<li class="good">(.*?)</li>', page)
    assert "<h3>intense</h3>" in card and "arms race without war, from one start" in card


def test_curves_are_means_with_students_interval_over_seeds(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", as_theory_says())
    curve = curve_of([run / "jobs" / f"intense__seed{k}" / "progress.csv" for k in (1, 2, 3)], "outcome/ss_attacks")
    assert curve is not None
    last = estimate([0.04, 0.08, 0.12])
    assert (curve.mean[-1], curve.low[-1], curve.high[-1]) == pytest.approx((last.value, last.low, last.high))
    assert curve.x[-1] == 0.004
    assert curve_of([tmp_path / "nobody.csv"], "outcome/ss_attacks") is None


def test_a_curve_is_drawn_where_its_numbers_are() -> None:
    nothing = np.full(2, np.nan)
    drawn = panels({"w": {"": Curve(np.array([0.0, 4.0]), np.array([0.0, 8.0]), nothing, nothing)}}, "x", "y")
    [path] = re.findall(r'class="line c0 dash0" d="M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)"', drawn)
    grid = [float(y) for y in re.findall(r'class="grid" d="M46 ([\d.]+)', drawn)]
    assert [float(each) for each in path] == [46.0, grid[0], 330.0, grid[-1]]  # 0 at the lowest line, 8 at the highest
    assert "band" not in drawn


def test_what_strangers_wrote_is_text(tmp_path: Path) -> None:
    results = [each | {"world": EVIL if each["world"] == "intense" else each["world"]} for each in as_theory_says()]
    run = tmp_path / "run"
    run.mkdir()
    write_report(run, EVIL, results, {}, f"sd-env train {EVIL}")
    page = report_page(run)
    assert "<script" not in page and html.escape(EVIL) in page
    assert 'href="./a%22%3E%3Cb/%E2%80%AE.html"' in table("", ("", ""), [("x", Link('a"><b/\u202e.html', EVIL))])


def test_the_page_asks_nothing_of_any_host_and_runs_nothing(tmp_path: Path) -> None:
    page = report_page(made_run(tmp_path / "run", as_theory_says()))
    [style] = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    [policy] = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy == (
        f"default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-{digest}'; img-src data:"
    )
    assert not re.findall(r"https?://|//[a-z]|\bstyle=|\bon[a-z]+=|<script|<link|@import|url\(", page)


@pytest.mark.parametrize("words", ["evaluate hawk dove", "tournament hawk dove tit-for-tat"])
def test_a_command_leaves_a_page_whose_links_lead_to_replays(words: str, tmp_path: Path) -> None:
    arena = [*words.split(), "--scenario", "jervis/doubly-dangerous", *TINY]
    for name in ("one", "two"):
        assert cli.main([*arena, "--out", str(tmp_path / name)]) == 0
    page = (tmp_path / "one" / "report.html").read_text(encoding="utf-8")
    assert page == (tmp_path / "two" / "report.html").read_text(encoding="utf-8")  # whatever the folder is called
    links = [html.unescape(each) for each in re.findall(r'href="\./([^"]*)"', page)]
    told = json.loads((tmp_path / "one" / "episodes" / "episodes.json").read_text())
    assert len(links) == 2 * len(told) >= 4
    assert all((tmp_path / "one" / link).is_file() for link in links)
    kinds = {each["kind"]: each for each in told}
    assert {"best cooperation", "most tragic war"} <= set(kinds)
    assert kinds["best cooperation"]["of"] in ("dove", "tit-for-tat")
    for each in told:
        log = read_log(tmp_path / "one" / "episodes" / f"{each['name']}.jsonl")
        assert verify(log) and (log.seed, log.world, log.turns) == (each["seed"], each["world"], each["turns"])
    assert f"sd-env {words} --scenario jervis/doubly-dangerous --seeds 1 2 --worlds 4" in plain(page)
    before = {path: path.read_bytes() for path in (tmp_path / "one").rglob("*") if path.is_file()}
    assert cli.main([*arena, "--out", str(tmp_path / "one")]) == 0
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (None, "it has no report.json"),
        ("{", "is not JSON|holds|is no"),
        ("[1]", "is not as this program writes it"),
        ('{"command": "sd-env evaluate"}', "is not as this program writes it"),
        ('{"command": "sd-env certify"}', "is of sd-env certify; runs, evaluations, tournaments and experiments have"),
    ],
)
def test_what_is_no_finished_work_is_refused_in_a_sentence(report: str | None, said: str, tmp_path: Path) -> None:
    if report is not None:
        write_text(tmp_path / "report.json", report)
    with pytest.raises(PageError, match=said):
        read(tmp_path)


def test_what_is_begun_and_not_finished_is_told_so(tmp_path: Path) -> None:
    write_text(tmp_path / "config.yaml", "name: x\n")
    with pytest.raises(PageError, match="it has no report.json yet: finish it first"):
        read(tmp_path)
