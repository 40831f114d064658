"""Report pages: the verdict first, what strangers wrote is text, equal work makes equal bytes, links lead somewhere."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import shutil
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pytest

from agents import cli
from agents.evaluation.report import write_report
from agents.evaluation.statistics import estimate
from agents.files import write_json, write_text
from agents.pages.compare import compare
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


@pytest.mark.parametrize("words", ["evaluate hawk dove", "tournament hawk dove tit-for-tat", "crossplay hawk dove"])
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


HAWKS = ["hawk", "--scenario", "jervis/intense", "--workers", "1"]
CHALLENGES = ["one-deceiver", "chain-gang"]


#: What leaves a folder beside runs, evaluations and tournaments: a command, its verdict, of what, and its picture.
COMMANDS: Final = [
    (
        ["ablate", *HAWKS, "--parameter", "war.conquest", "--values", "0.3", "--seeds", "1", "2", "--worlds", "4"],
        "hawk, 0.3", "hawk", "ablation",
    ),
    (
        ["escalation", "tit-for-tat", *HAWKS[1:], "--seeds", "1", "2", "--worlds", "12", "--window", "6"],
        "To swords:", "tit-for-tat", "responses",
    ),
    (
        ["certify", *HAWKS, "--scratch", "0", "--warm", "0", "--steps", "1", "--worlds", "32"],
        "beaten", "hawk", "gains",
    ),
    (
        ["exploit", *HAWKS, "--steps", "1", "--seeds", "1", "2", "--worlds", "8", "--seat", "0"],
        "Gap, at least", "hawk", "gains",
    ),
    (
        ["challenge", "hawk", "--only", *CHALLENGES, "--seeds", "1", "2", "--worlds", "4", "--workers", "1"],
        "Mean of the middle half of 2 challenges", "hawk in", "scores",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("words", "verdict", "of", "picture"), COMMANDS)
def test_every_folder_has_its_page(words: list[str], verdict: str, of: str, picture: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert cli.main([*words, "--out", str(out)]) == 0
    page = (out / "report.html").read_text(encoding="utf-8")
    seen = plain(page)
    assert seen.index("Verdict") < seen.index(verdict) < seen.index("Picture") < seen.index("How to make it again")
    assert f"sd-env {words[0]} {words[1]}" in seen
    shown = base64.b64encode((out / f"{picture}.png").read_bytes()).decode()
    assert shown in page and (out / f"{picture}.svg").is_file()
    told = json.loads((out / "episodes" / "episodes.json").read_text())
    assert told and any(each["of"].startswith(of) for each in told)
    links = [html.unescape(each) for each in re.findall(r'href="\./([^"]*)"', page)]
    assert len(links) == 2 * len(told) and all((out / link).is_file() for link in links)
    for each in told:
        log = read_log(out / "episodes" / f"{each['name']}.jsonl")
        assert verify(log) and (log.seed, log.world) == (each["seed"], each["world"])
    again = compare([out, shutil.copytree(out, tmp_path / "again")])
    assert again.numbers and all(one == other for one, other in again.numbers.values()) and not again.differences


def test_an_episode_of_a_challenge_is_one_that_was_counted(tmp_path: Path) -> None:
    words = ["challenge", "hawk", "--only", "mixed-society", "--seeds", "1", "2", "--worlds", "6", "--workers", "1"]
    assert cli.main([*words, "--out", str(tmp_path)]) == 0
    frame = pd.read_csv(tmp_path / "episodes.csv")
    for each in json.loads((tmp_path / "episodes" / "episodes.json").read_text()):
        log = read_log(tmp_path / "episodes" / f"{each['name']}.jsonl")
        [row] = frame[(frame["seed"] == each["seed"]) & (frame["world"] == each["world"])].to_dict("records")
        assert log.rewards.sum(axis=0) == pytest.approx([row[f"return_{i}"] for i in range(len(log.agents))])


def test_a_certificate_shows_the_scripted_deviator_that_gains_most(tmp_path: Path) -> None:
    words = ["certify", "dove", *HAWKS[1:], "--scratch", "0", "--warm", "0", "--steps", "1", "--worlds", "32"]
    assert cli.main([*words, "--out", str(tmp_path)]) == 0
    rows = pd.read_csv(tmp_path / "episodes.csv")
    best = rows.loc[(rows["gain"] / rows["own"].abs()).idxmax()]
    told = json.loads((tmp_path / "episodes" / "episodes.json").read_text())
    assert f"{best['response']}, as state_0, against dove" in [each["of"] for each in told]


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (None, "it has no report.json"),
        ("{", "is not JSON|holds|is no"),
        ("[1]", "is not as this program writes it"),
        ('{"command": "sd-env evaluate"}', "is not as this program writes it"),
        ('{"command": "sd-env measure"}', "is of 'sd-env measure', of which there is no page"),
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
