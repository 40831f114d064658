"""Report pages in a browser: opened as files without a network, complete, silent, with links that lead to replays."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from agents import cli
from agents.evaluation.report import write_report
from agents.files import write_text
from agents.pages.write import report_page
from tests.agents.evaluation.test_report import as_theory_says
from tests.agents.pages.test_pages import made_run
from tests.browser.test_book import dom
from tests.browser.windows import window

EVIL = "</td></table><img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("evaluated") / "out"
    words = ["evaluate", "dove", "hawk", "--scenario", "jervis/intense", "--seeds", "1", "2", "--worlds", "4"]
    assert cli.main([*words, "--workers", "1", "--out", str(out)]) == 0
    return out


def said(address: str, tmp_path: Path) -> str:
    """What the browser has to complain of a page."""
    chromium = shutil.which("chromium")
    assert chromium is not None, "these tests need chromium: apt-get install chromium"
    command = [
        chromium, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}",
        "--enable-logging=stderr", "--host-resolver-rules=MAP * ~NOTFOUND", "--virtual-time-budget=10000", "--dump-dom",
        address,
    ]  # fmt: skip
    found = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stderr
    return "\n".join(line for line in found.splitlines() if "CONSOLE" in line)


def test_it_opens_as_a_file_and_its_links_lead_to_replays_that_play(evaluated: Path, tmp_path: Path) -> None:
    page = dom(f"file://{evaluated}/report.html", tmp_path)
    for title in ("Verdict", "What was played", "Episodes to look at", "How to make it again"):
        assert f"<h2>{title}</h2>" in page
    assert '<th scope="col">policy</th><th scope="col">outcome</th>' in page  # what matters most is not cut off
    assert said(f"file://{evaluated}/report.html", tmp_path) == ""
    links = [html.unescape(each) for each in re.findall(r'href="\./([^"]*\.html)"', page)]
    assert len(links) >= 2
    for link in links:
        replay = dom(f"file://{evaluated}/{link}", tmp_path)
        assert re.search(r'id="turn">(Turn|The start)', replay)
        assert said(f"file://{evaluated}/{link}", tmp_path) == ""


def test_styles_and_pictures_are_let_in_by_the_policy(evaluated: Path, tmp_path: Path) -> None:
    out = tmp_path / "t"
    words = ["tournament", "dove", "hawk", "--scenario", "games/one-shot", "--seeds", "1", "2", "--worlds", "2"]
    assert cli.main([*words, "--workers", "1", "--out", str(out)]) == 0
    assert "<img" in (out / "report.html").read_text(encoding="utf-8")
    assert said(f"file://{out}/report.html", tmp_path) == ""


#: By how many pixels words reach beyond the drawing that they are in.
BEYOND = """
  return [...document.querySelectorAll(".panels text")].map((each) => {
    const at = each.getBoundingClientRect(), all = each.ownerSVGElement.getBoundingClientRect();
    return Math.max(all.left - at.left, at.right - all.right, all.top - at.top, at.bottom - all.bottom);
  });
"""


@pytest.mark.parametrize("width", [1280, 390])
def test_no_word_of_a_curve_is_cut_off(tmp_path: Path, width: int) -> None:
    run = made_run(tmp_path / "run", as_theory_says())
    write_text(run / "report.html", report_page(run))
    with window(width) as browser:
        browser.get(f"file://{run}/report.html")
        found = browser.execute_script(BEYOND)
        assert len(found) > 20 and max(found) <= 0.5


def test_what_strangers_called_a_world_is_text_and_runs_nothing(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    results = [each | {"world": EVIL if each["world"] == "intense" else each["world"]} for each in as_theory_says()]
    write_report(run, EVIL, results, {}, f"sd-env train --name '{EVIL}'")
    write_text(run / "report.html", report_page(run))
    page = dom(f"file://{run}/report.html", tmp_path)
    assert "<title>owned" not in page and "<img" not in page and "<script" not in page
    assert html.escape(EVIL, quote=False) in page
    assert said(f"file://{run}/report.html", tmp_path) == ""
