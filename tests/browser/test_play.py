"""Games in a browser: by keyboard and by mouse, two people at one table, a class, and a restart in the middle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from sd_env.record import read_log, verify
from tests.browser.windows import window

#: Where pictures of the pages go, to be looked at; nowhere unless asked for.
PICTURES = os.environ.get("SD_ENV_PICTURES")


class Server:
    """A server in a process of its own that can be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, 0
        self.start()

    def start(self) -> None:
        (self.folder / "short.yaml").write_text(SHORT, encoding="utf-8")
        command = [sys.executable, "-m", "agents.cli", "serve", "--port", str(self.port), "--data", "games.sqlite",
                   "--scenarios", "short.yaml", "strange.yaml"]  # fmt: skip
        (self.folder / "strange.yaml").write_text(STRANGE, encoding="utf-8")
        env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        self.process = subprocess.Popen(command, cwd=self.folder, stdout=subprocess.PIPE, text=True, env=env)
        assert self.process.stdout is not None
        self.link = self.process.stdout.readline().strip()
        self.port = int(self.link.partition("#")[0].rpartition(":")[2].strip("/"))
        self.process.stdout.readline()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(60) == 130


SHORT = """
name: short
title: A short game
description: Two neighbours for three turns.
n_states: 2
horizon: 3
states: {names: [north, south]}
"""
STRANGE = """
name: strange
title: "<img src=x onerror=\\"document.title='owned'\\"></script><script>document.title='owned'</script>"
description: "<b onclick=alert(1)>bold</b>"
horizon: 2
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    found = Server(tmp_path_factory.mktemp("served"))
    yield found
    found.stop()


def picture(browser: Chrome, name: str) -> None:
    if PICTURES:
        browser.save_screenshot(str(Path(PICTURES) / f"{name}.png"))


def until(browser: Chrome, script: str, *arguments: Any) -> Any:
    """What a script finds, once it is something."""
    return WebDriverWait(browser, 240).until(lambda b: b.execute_script(f"return {script}", *arguments))


def says(browser: Chrome, text: str) -> None:
    """Wait until the heading of the turn begins so."""
    until(browser, "(document.getElementById('turn')?.textContent || '').startsWith(arguments[0])", text)


def begin(browser: Chrome, server: Server, scenario: str = "short", people: int = 1, games: int = 1) -> None:
    """Make a game by the form."""
    browser.get("about:blank")
    browser.get(server.link)
    until(browser, "document.getElementById('scenario')")
    Select(browser.find_element(By.ID, "scenario")).select_by_value(scenario)
    for box in browser.find_elements(By.NAME, "people")[1:people]:
        box.click()
    browser.find_element(By.CSS_SELECTOR, "#setup summary").click()
    browser.find_element(By.ID, "forecasts").click()
    field = browser.find_element(By.ID, "games")
    field.clear()
    field.send_keys(str(games))
    browser.find_element(By.CSS_SELECTOR, "#setup button[type=submit]").click()


def press(browser: Chrome, *keys: str) -> None:
    for key in keys:
        browser.switch_to.active_element.send_keys(key)


def focused(browser: Chrome) -> str:
    return str(browser.execute_script("return document.activeElement.name || document.activeElement.textContent"))


def tab_to(browser: Chrome, wanted: str) -> None:
    """Press the tabulator until something is in focus."""
    for _ in range(60):
        if focused(browser) == wanted:
            return
        press(browser, Keys.TAB)
    raise AssertionError(f"{wanted} is not reached by the keyboard")


def play(browser: Chrome) -> None:
    browser.find_element(By.CSS_SELECTOR, "#move button[type=submit]").click()


def click(browser: Chrome, selector: str) -> None:
    """Scroll there, as who uses a mouse does, and click."""
    found = browser.find_element(By.CSS_SELECTOR, selector)
    browser.execute_script("arguments[0].scrollIntoView({ block: 'center' })", found)
    found.click()


def quiet(browser: Chrome) -> None:
    """Nothing was blocked or failed while the page ran."""
    assert [entry["message"] for entry in browser.get_log("browser") if "favicon" not in entry["message"]] == []


def test_a_whole_game_by_mouse_with_its_log_and_replay(server: Server, tmp_path: Path) -> None:
    with window() as browser:
        browser.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
        begin(browser, server)
        says(browser, "Turn 1 of 3: you are North")
        assert "attack: not yet" in browser.find_element(By.ID, "move").text
        click(browser, "input[name=head-3][value='2']")
        assert "make ready for war" in browser.find_element(By.ID, "means-3").text
        Select(browser.find_element(By.CSS_SELECTOR, "#forecast select")).select_by_value("0.2")
        picture(browser, "mouse-turn-1")
        play(browser)
        says(browser, "Turn 2 of 3")
        click(browser, "input[name=head-3][value='3']")
        play(browser)
        says(browser, "Turn 3 of 3")
        assert "You attacked South." in browser.find_element(By.ID, "news").text
        picture(browser, "mouse-turn-3")
        play(browser)
        says(browser, "The game is over")
        told = browser.find_element(By.ID, "reveal").text
        assert "South" in told and "tit-for-tat" in told and "a person" in told
        assert "Brier score 0.040 over 1 forecast:" in browser.find_element(By.ID, "brier").text
        picture(browser, "mouse-end")
        browser.find_element(By.ID, "log").click()
        WebDriverWait(browser, 60).until(lambda _: list(tmp_path.glob("*.jsonl")))
        [kept] = tmp_path.glob("*.jsonl")
        log = read_log(kept)
        assert verify(log) and log.actions[:, 0, 3].tolist() == [2, 3, 3] and log.policies == ("", "tit-for-tat")
        quiet(browser)
        browser.find_element(By.ID, "replay").click()
        browser.switch_to.window(browser.window_handles[-1])
        until(browser, "(document.getElementById('turn')?.textContent || '').length > 0")
        assert "North" in browser.find_element(By.ID, "strip").text
        quiet(browser)


def test_a_whole_game_by_the_keyboard_on_a_phone(server: Server) -> None:
    with window(390, 844, dark=True) as browser:
        begin(browser, server)
        for turn in (1, 2, 3):
            says(browser, f"Turn {turn} of 3")
            if turn == 1:
                browser.execute_script("document.activeElement.blur()")
            else:
                assert focused(browser).startswith(f"Turn {turn} of 3"), "whoever hears the page hears the turn first"
            tab_to(browser, "head-1")
            press(browser, Keys.ARROW_RIGHT)
            tab_to(browser, "head-2")
            press(browser, Keys.ARROW_RIGHT)
            if turn == 1:
                picture(browser, "phone-dark")
            wide = browser.execute_script("return [document.documentElement.scrollWidth, innerWidth]")
            assert wide[0] <= wide[1], "no scrolling sideways"
            tab_to(browser, f"Play turn {turn}")
            press(browser, Keys.ENTER)
        says(browser, "The game is over")
        picture(browser, "phone-end")
        quiet(browser)


def test_two_people_at_one_table_and_a_restart_in_the_middle(server: Server) -> None:
    with window() as one, window(390, 844) as other:
        begin(one, server, people=2)
        until(one, "document.querySelectorAll('#links a').length === 2")
        picture(one, "class-of-one")
        links = [each.get_attribute("href") for each in one.find_elements(By.CSS_SELECTOR, "#links a")]
        for browser, link, name in ((one, links[0], "North"), (other, links[1], "South")):
            browser.get(link)
            says(browser, f"Turn 1 of 3: you are {name}")
        play(one)
        until(one, "document.getElementById('waits').textContent === 'You have chosen. Waiting for South.'")
        until(other, "document.getElementById('waits').textContent === 'Others have chosen and wait for you.'")
        play(other)
        for browser in (one, other):
            says(browser, "Turn 2 of 3")
        play(one)
        until(one, "document.getElementById('waits').textContent.startsWith('You have chosen')")
        server.stop()
        play(other)
        until(other, "document.getElementById('says').textContent.startsWith('The server does not answer')")
        picture(other, "server-away")
        server.start()
        play(other)
        for browser in (one, other):
            says(browser, "Turn 3 of 3")
            play(browser)
        for browser in (one, other):
            says(browser, "The game is over")
        assert one.find_element(By.ID, "reveal").text.replace(" (you)", "") == other.find_element(
            By.ID, "reveal"
        ).text.replace(" (you)", "")


def test_a_class_sees_its_outcomes_as_they_come(server: Server, tmp_path: Path) -> None:
    with window() as teacher, window() as student:
        teacher.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
        begin(teacher, server, games=3)
        until(teacher, "document.querySelectorAll('#links a').length === 3")
        links = [each.get_attribute("href") for each in teacher.find_elements(By.CSS_SELECTOR, "#links a")]
        student.get(links[1])
        for turn in (1, 2, 3):
            says(student, f"Turn {turn} of 3")
            play(student)
        says(student, "The game is over")
        until(teacher, "document.querySelectorAll('#games tbody tr')[1].textContent.includes('replay')")
        rows = teacher.find_elements(By.CSS_SELECTOR, "#games tbody tr")
        assert "North" in rows[0].text and "over" in rows[1].text and "over" not in rows[2].text
        picture(teacher, "class")
        teacher.find_element(By.ID, "csv").click()
        WebDriverWait(teacher, 60).until(lambda _: (tmp_path / "outcomes.csv").exists())
        assert len((tmp_path / "outcomes.csv").read_text(encoding="utf-8").splitlines()) == 7
        quiet(teacher)


def test_what_a_stranger_wrote_runs_nothing(server: Server) -> None:
    with window() as browser:
        begin(browser, server, scenario="strange")
        says(browser, "Turn 1 of 2")
        assert browser.find_element(By.ID, "title").text.startswith("<img src=x")
        assert "owned" not in browser.title.split(":")[0] and not browser.find_elements(By.CSS_SELECTOR, "main img, b")
        quiet(browser)


def test_a_link_that_opens_nothing_says_so(server: Server) -> None:
    with window() as browser:
        browser.get(server.link.partition("#")[0] + "#seat=nothing")
        until(browser, "document.getElementById('says').textContent.includes('this key opens nothing')")
        browser.get(server.link.partition("#")[0])
        until(browser, "document.body.textContent.includes('Open the link that you were given')")
