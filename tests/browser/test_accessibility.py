"""axe-core over every kind of page: no finding that it calls serious or critical, wide and on a phone, light and dark.

axe-core comes with axe-core-python and is under the MPL 2.0 (docs/licences.md); nothing is fetched.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_core_python.selenium import Axe
from selenium.webdriver import Chrome

import sd_env
from agents import cli
from agents.files import write_text
from agents.pages.write import report_page
from agents.tour.write import page as tour_page
from sd_env.record import record
from sd_env.show.page import page
from tests.agents.evaluation.test_report import as_theory_says
from tests.agents.pages.test_pages import COMMANDS, made_run
from tests.browser.test_play import Server, begin, picture, play, says, until
from tests.browser.windows import window


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    found = Server(tmp_path_factory.mktemp("served"))
    yield found
    found.stop()


def findings(browser: Chrome) -> list[str]:
    """What axe finds serious: its rule, and the first element of which it says so."""
    # axe reckons no contrast on a gradient: what has a shadow at its edges is looked at without
    browser.execute_script(
        "document.querySelectorAll('.wide, #events, #moments').forEach((each) => { each.style.background = 'none'; })"
    )
    # as text, since it writes options as Python does; a replay that the half hour frames is looked at by itself
    found = Axe().run(browser, options="{ iframes: false }")
    assert len(found["passes"]) > 5, "it looked at nothing"
    return [
        f"{each['id']}: {each['nodes'][0]['html'][:200]} ({each['nodes'][0]['failureSummary']})"
        for each in found["violations"]
        if each["impact"] in ("serious", "critical")
    ]


WINDOWS = [(width, height, dark) for width, height in ((1280, 900), (390, 844)) for dark in (False, True)]
everywhere = pytest.mark.parametrize(("width", "height", "dark"), WINDOWS)


@everywhere
def test_a_game_from_its_form_to_its_end(server: Server, width: int, height: int, dark: bool) -> None:
    with window(width, height, dark=dark) as browser:
        browser.get(server.link)
        until(browser, "document.getElementById('scenario')")
        assert findings(browser) == []
        begin(browser, server)
        for turn in (1, 2, 3):
            says(browser, f"Turn {turn} of 3")
            if turn < 3:
                browser.execute_script("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
                assert findings(browser) == []
            play(browser)
        says(browser, "The game is over")
        assert findings(browser) == []


@everywhere
def test_a_class(server: Server, width: int, height: int, dark: bool) -> None:
    with window(width, height, dark=dark) as browser:
        begin(browser, server, people=2, games=2)
        until(browser, "document.querySelectorAll('#links a').length === 4")
        picture(browser, f"class-{width}-{'dark' if dark else 'light'}")
        assert findings(browser) == []


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pages that are files: a replay, what four kinds of work leave, two of them side by side, and the half hour."""
    made = tmp_path_factory.mktemp("pages")
    log = record("history/1914-chain-gang", sd_env.RandomPolicy(), seed=3)
    (made / "replay.html").write_text(page(log), encoding="utf-8")
    arena = ["--scenario", "jervis/intense", "--seeds", "1", "2", "--worlds", "4", "--workers", "1"]
    for words in (["evaluate", "dove", "hawk"], ["evaluate", "dove"], ["tournament", "dove", "hawk"]):
        assert cli.main([*words, *arena, "--out", str(made / "-".join(words))]) == 0
    assert cli.main(["compare", str(made / "evaluate-dove-hawk"), str(made / "evaluate-dove"),
                     "-o", str(made / "compared.html")]) == 0  # fmt: skip
    run = made_run(made / "run", as_theory_says())
    write_text(run / "report.html", report_page(run))
    (made / "tour.html").write_text(tour_page(20, 5, (0.65, 1.2), (0.0, 1.0)), encoding="utf-8")
    return made


@everywhere
@pytest.mark.parametrize(
    "name",
    [
        "replay.html#turn=5", "evaluate-dove-hawk/report.html", "tournament-dove-hawk/report.html", "run/report.html",
        "compared.html",
    ],
)  # fmt: skip
def test_a_page_that_is_a_file(folder: Path, name: str, width: int, height: int, dark: bool) -> None:
    with window(width, height, dark=dark) as browser:
        browser.get(f"file://{folder}/{name}")
        if name.startswith("replay"):
            says(browser, "Turn 5")
        browser.execute_script("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        picture(browser, f"{name.partition('.')[0].replace('/', '-')}-{width}-{'dark' if dark else 'light'}")
        assert findings(browser) == []


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of all other work, each with its page."""
    made = tmp_path_factory.mktemp("others")
    crossplay = ["crossplay", "dove", "hawk", "--scenario", "jervis/intense", "--seeds", "1", "2", "--worlds", "4"]
    for words in ([*crossplay, "--workers", "1"], *(words for words, *_ in COMMANDS)):
        assert cli.main([*words, "--out", str(made / words[0])]) == 0
    (made / "experiment").mkdir()
    shutil.copy(Path("tests/corpus/report/experiment.json"), made / "experiment" / "report.json")
    write_text(made / "experiment" / "report.html", report_page(made / "experiment"))
    return made


@everywhere
def test_pages_of_all_other_work(others: Path, width: int, height: int, dark: bool) -> None:
    pages = sorted(others.glob("*/report.html"))
    assert len(pages) == 2 + len(COMMANDS)
    with window(width, height, dark=dark) as browser:
        for page in pages:
            browser.get(f"file://{page}")
            browser.execute_script("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
            picture(browser, f"{page.parent.name}-{width}-{'dark' if dark else 'light'}")
            assert findings(browser) == [], page.parent.name
            wide = browser.execute_script("return document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, f"{page.parent.name} is wider than the window"


@everywhere
def test_the_half_hour_before_and_after_each_answer(folder: Path, width: int, height: int, dark: bool) -> None:
    with window(width, height, dark=dark) as browser:
        browser.get(f"file://{folder}/tour.html")
        for step in range(1, 7):
            until(browser, f"document.getElementById('heading')?.textContent.startsWith('{step}. ')")
            assert findings(browser) == []
            browser.execute_script("document.querySelector('input[type=radio]')?.click()")
            browser.execute_script("document.getElementById('predict').click()")
            until(browser, "document.getElementById('result')")
            browser.execute_script("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
            browser.execute_script("document.querySelector('.shown button')?.click()")
            picture(browser, f"tour-{step}-{width}-{'dark' if dark else 'light'}")
            assert findings(browser) == []
            browser.execute_script("document.getElementById('next').click()")


def test_what_is_not_accessible_would_be_found(tmp_path: Path) -> None:
    bad = '<!doctype html><html><title>x</title><main><h1>x</h1><img src="data:,"><p style="color:#ddd">pale</p></main>'
    (tmp_path / "bad.html").write_text(bad, encoding="utf-8")
    with window() as browser:
        browser.get(f"file://{tmp_path}/bad.html")
        assert {each.partition(":")[0] for each in findings(browser)} >= {
            "image-alt",
            "color-contrast",
            "html-has-lang",
        }
