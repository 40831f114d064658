"""The page of an episode in a browser: opened without a network, by keys and links, and by what strangers wrote."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

import sd_env
from agents.policies.specs import policy_from
from sd_env import layout
from sd_env.record import record
from sd_env.show.page import Note, page
from tests.browser.test_book import dom, serving
from tests.browser.test_play import press, quiet, says, tab_to
from tests.browser.windows import opened, window

#: A page that holds a replay, presses keys in it, and says in its title what the replay then shows.
PRESSES = """<title></title><iframe width="1200" height="800" src="/episode.html"></iframe><script>
onload = () => {
  const inner = document.querySelector("iframe").contentWindow, said = [];
  const press = (key) => {
    inner.document.body.dispatchEvent(new inner.KeyboardEvent("keydown", { key, bubbles: true }));
    said.push(inner.document.getElementById("turn").textContent);
  };
  ["End", "ArrowLeft", "Home", "ArrowRight", "ArrowRight"].forEach(press);
  press("d");
  said.push(inner.document.documentElement.dataset.theme);
  inner.document.getElementById("seen").value = "0";
  inner.document.getElementById("seen").dispatchEvent(new inner.Event("change"));
  said.push(inner.document.getElementById("strip").textContent);
  document.title = said.join(" | ");
};
</script>"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("pages")
    log = record("history/1914-chain-gang", sd_env.RandomPolicy(), seed=3)
    (made / "episode.html").write_text(page(log), encoding="utf-8")
    note = Note(2, "It hung on this.", ("Because of one thing.",))
    (made / "noted.html").write_text(page(log, [note]), encoding="utf-8")
    four = record("jervis/multipolar", policy_from("bayesian-realist"), seed=3)
    (made / "four.html").write_text(page(four), encoding="utf-8")
    (made / "presses.html").write_text(PRESSES, encoding="utf-8")
    big = sd_env.load_scenario("jervis/multipolar", {"n_states": layout.MAX_STATES, "horizon": 200, "continuation": 1.0,
                                                     "war.conquest": 0.0})  # fmt: skip
    (made / "big.html").write_text(page(record(big, sd_env.RandomPolicy(), seed=3)), encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with serving(folder) as where:
        yield where


def text_of(found: str, element: str) -> str:
    """Text of the element of that id."""
    [inner] = re.findall(rf'id="{element}"[^>]*>(.*?)</(?:h2|ol|ul|div|h1|p)>', found, re.DOTALL)
    return re.sub("<[^>]*>", " ", inner)


def test_a_file_opens_without_a_server_at_the_turn_of_a_link(folder: Path, tmp_path: Path) -> None:
    found = dom(f"file://{folder}/episode.html#turn=3", tmp_path)
    assert text_of(found, "turn") == "Turn 3 of 20"
    assert "The chain gang of 1914" in text_of(found, "title")
    assert "attacks" in text_of(found, "events")
    drawn = found[found.index('<svg id="map"') : found.index('<ul id="legend"')]
    assert "Austria-Hungary" in drawn and 'class="attack"' in drawn and 'class="allied"' in drawn


def test_seen_by_one_state_others_intentions_are_hidden(folder: Path, tmp_path: Path) -> None:
    everything = text_of(dom(f"file://{folder}/episode.html#turn=3", tmp_path), "strip")
    assert everything.count("security seeker") + everything.count("greedy") >= 6 and "?" not in everything
    found = dom(f"file://{folder}/episode.html#turn=3&seen=0", tmp_path)
    alone = text_of(found, "strip")
    assert alone.count("?") == 5
    told = text_of(found, "events")
    assert "Germany builds" in told and "Russia builds" not in told


def test_keys_move_through_the_episode(address: str, tmp_path: Path) -> None:
    found = dom(f"{address}/presses.html", tmp_path)
    [title] = re.findall("<title>(.*?)</title>", found)
    said = title.split(" | ")
    turns = ["Turn 20 of 20", "Turn 19 of 20", "The start (20 turns follow)", "Turn 1 of 20", "Turn 2 of 20"]
    assert said[:5] == turns and said[6] in ("dark", "light") and said[7].count("?") == 5


#: What is drawn on the map of a turn, and what the page's data have.
DRAWN = """
  const D = JSON.parse(document.getElementById("data").textContent), t = arguments[0];
  const all = (what) => [...document.getElementById("map").querySelectorAll(what)], count = (what) => all(what).length;
  const numbers = (what, name) => all(what).map((each) => Number(each.getAttribute(name)));
  const others = (i) => D.standing[t].filter((on, j) => on && j !== i).length;
  const struck = D.attacks[t].map(([i, j]) => `${i},${j}`);
  const said = D.signals[t].reduce((sum, word, i) => sum + (word === "silence" ? 0 : others(i)), 0);
  return {
    drawn: {
      allied: count("line.allied"), mobilized: count("line.mobilized"), attacks: count("line.attack"),
      signals: count("circle.reassure, circle.threaten"), travelling: document.getAnimations().length,
      greedy: count("circle.greedy"), states: count("circle.rim"),
    },
    held: {
      allied: D.allied[t].length, mobilized: D.mobilized[t].filter((pair) => !struck.includes(String(pair))).length,
      attacks: struck.length, signals: said, travelling: said,
      greedy: D.greed[t].filter((greed) => greed > 0).length, states: D.states.length,
    },
    radii: numbers("circle.rim", "r"), power: D.power[t],
    shields: numbers("rect.shield", "height"), defense: D.defense[t],
    swords: numbers("rect.sword", "height"), offense: D.offense[t],
    cursor: Number(document.querySelector("#charts .cursor").getAttribute("x1")),
  };
"""


def test_a_map_shows_what_happened_on_its_turn_and_plays_by_itself(folder: Path) -> None:
    with window() as browser:
        browser.get(f"file://{folder}/episode.html#turn=3")
        cursors = []
        for turn in (3, 4, 5):
            says(browser, f"Turn {turn} of 20")
            found = browser.execute_script(DRAWN, turn)
            assert found["drawn"] == found["held"]
            assert found["held"]["attacks"] and found["held"]["allied"] and found["held"]["signals"]
            for drawn, held in (("radii", "power"), ("shields", "defense"), ("swords", "offense")):
                assert np.argsort(found[drawn], stable=True).tolist() == np.argsort(found[held], stable=True).tolist()
            cursors.append(found["cursor"])
            press(browser, Keys.ARROW_RIGHT)
        assert cursors[1] - cursors[0] == pytest.approx(cursors[2] - cursors[1], abs=0.2) and cursors[0] < cursors[1]
        press(browser, Keys.HOME, " ")
        says(browser, "Turn 2 of 20")
        press(browser, " ")
        assert browser.find_element(By.ID, "play").text == "Play"
        quiet(browser)


def test_why_a_war_came_is_opened_by_the_keyboard(folder: Path) -> None:
    with window() as browser:
        browser.get(f"file://{folder}/noted.html")
        assert "It hung on this." in browser.find_element(By.ID, "moments").text
        assert "Because of one thing." not in browser.find_element(By.ID, "moments").text
        tab_to(browser, "More")
        press(browser, Keys.ENTER)
        assert "Because of one thing." in browser.find_element(By.ID, "moments").text
        tab_to(browser, "Turn 2")
        press(browser, Keys.ENTER)
        says(browser, "Turn 2 of 20")


#: Texts of the map: how high they are in pixels of the screen, and how far they reach beyond the map.
TEXTS = """
  const map = document.getElementById("map").getBoundingClientRect();
  return [...document.querySelectorAll("#map text")].filter((each) => each.getClientRects().length).map((each) => {
    const at = each.getBoundingClientRect();
    return [at.height, Math.max(map.left - at.left, at.right - map.right, map.top - at.top, at.bottom - map.bottom)];
  });
"""


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844)])
@pytest.mark.parametrize("name", ["episode", "four", "big"])
def test_words_on_the_map_can_be_read_and_none_is_cut_off(folder: Path, name: str, width: int, height: int) -> None:
    with window(width, height) as browser:
        for turn in (0, 5):
            browser.get(f"file://{folder}/{name}.html#turn={turn}")
            texts = browser.execute_script(TEXTS)
            assert len(texts) >= 4
            assert min(high for high, _ in texts) >= 10 and max(beyond for _, beyond in texts) <= 1


def test_what_all_saw_is_told_before_what_each_built(folder: Path) -> None:
    with window() as browser:
        browser.get(f"file://{folder}/episode.html#turn=3")
        told = [each.text for each in browser.find_elements(By.CSS_SELECTOR, "#events li")]
        builds = [" builds " in each for each in told]
        assert any(builds) and not all(builds) and builds == sorted(builds)
        assert any(" attacks " in each for each in told)


def test_the_scrubber_and_the_curves_go_to_a_turn_and_the_speed_is_kept(folder: Path) -> None:
    with window() as browser:
        browser.get(f"file://{folder}/episode.html#turn=3")
        scrubber = browser.find_element(By.ID, "scrubber")
        assert scrubber.get_attribute("value") == "3"
        scrubber.send_keys(Keys.PAGE_UP)
        turn = int(scrubber.get_attribute("value") or 0)
        assert turn > 3
        says(browser, f"Turn {turn} of 20")
        browser.execute_script("document.querySelector('#charts svg').scrollIntoView({ block: 'center' })")
        ActionChains(browser).move_to_element(browser.find_element(By.CSS_SELECTOR, "#charts svg")).click().perform()
        assert 8 <= int(scrubber.get_attribute("value") or 0) <= 10
        browser.execute_script(
            "window.paces = []; const timer = setInterval;"
            "window.setInterval = (does, pace) => { paces.push(pace); return timer(does, pace); };"
        )
        for speed in ("0.5", "1", "8"):
            Select(browser.find_element(By.ID, "speed")).select_by_value(speed)
            browser.find_element(By.ID, "play").click()
            browser.find_element(By.ID, "play").click()
        assert browser.execute_script("return paces") == [2000, 1000, 125]


def test_the_largest_page_opens_in_two_seconds_of_a_processor(folder: Path) -> None:
    with window() as browser:
        spent = opened(browser, f"file://{folder}/big.html#turn=150")
        says(browser, "Turn 150 of 200")
        curves = browser.find_elements(By.CSS_SELECTOR, "#charts figure:first-child .curve")
        looks = {(each.get_attribute("stroke"), each.get_attribute("stroke-dasharray")) for each in curves}
        assert len(looks) == len(curves) == layout.MAX_STATES  # told apart by dashes where eight colours end
        assert spent < 2.0


def test_a_page_that_is_slow_would_be_noticed(tmp_path: Path) -> None:
    busy = "<script>const start = performance.now(); while (performance.now() < start + 3000);</script>"
    (tmp_path / "slow.html").write_text(busy, encoding="utf-8")
    with window() as browser:
        spent, most = opened(browser, f"file://{tmp_path}/slow.html"), 3.5
        assert 0.1 < spent < most  # as much of three seconds as a busy machine gave it


def test_what_a_stranger_called_a_state_runs_nothing(folder: Path, tmp_path: Path) -> None:
    import dataclasses

    log = record("games/one-shot", sd_env.RandomPolicy(), seed=3)
    names = ("</script><script>document.title='owned'</script>", "<img src=x onerror=\"document.title='owned'\">")
    strange = dataclasses.replace(log, agents=names, policies=names, events=tuple(() for _ in log.events))
    (folder / "strange.html").write_text(page(strange), encoding="utf-8")
    found = dom(f"file://{folder}/strange.html", tmp_path)
    assert "<title>owned" not in found
    assert "&lt;/script&gt;" in found or "&lt;/Script&gt;" in found
