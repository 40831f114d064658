"""axe-core over the pages of games and of replays: no finding that it calls serious or critical, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_core_python.selenium import Axe
from selenium.webdriver import Chrome

import sd_env
from sd_env.record import record
from sd_env.show.page import page
from tests.browser.test_play import Server, begin, play, says, until
from tests.browser.windows import window


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    found = Server(tmp_path_factory.mktemp("served"))
    yield found
    found.stop()


def findings(browser: Chrome) -> list[str]:
    """What axe finds serious: its rule, and the first element of which it says so."""
    found = Axe().run(browser)
    assert len(found["passes"]) > 5, "it looked at nothing"
    return [
        f"{each['id']}: {each['nodes'][0]['html'][:200]} ({each['nodes'][0]['failureSummary']})"
        for each in found["violations"]
        if each["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize(("width", "height", "dark"), [(1280, 900, False), (390, 844, True), (390, 844, False)])
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


def test_a_class(server: Server) -> None:
    with window() as browser:
        begin(browser, server, people=2, games=2)
        until(browser, "document.querySelectorAll('#links a').length === 4")
        assert findings(browser) == []


@pytest.mark.parametrize("dark", [False, True])
def test_a_replay(tmp_path: Path, dark: bool) -> None:
    log = record("history/1914-chain-gang", sd_env.RandomPolicy(), seed=3)
    (tmp_path / "episode.html").write_text(page(log), encoding="utf-8")
    with window(dark=dark) as browser:
        browser.get(f"file://{tmp_path}/episode.html#turn=5")
        until(browser, "(document.getElementById('turn')?.textContent || '').startsWith('Turn 5')")
        assert findings(browser) == []


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
