"""The page of an episode in a browser: opened without a network, by keys and links, and by what strangers wrote."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

import sd_env
from sd_env import layout
from sd_env.record import record
from sd_env.show.page import page
from tests.browser.test_book import dom, serving
from tests.browser.test_play import press, quiet, says
from tests.browser.windows import window

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
    radii: numbers("circle.rim", "r"),
    land: D.homeland[t].map((land, i) => land + D.holdings[t][i]),
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
            for drawn, held in (("radii", "land"), ("shields", "defense"), ("swords", "offense")):
                assert np.argsort(found[drawn], stable=True).tolist() == np.argsort(found[held], stable=True).tolist()
            cursors.append(found["cursor"])
            press(browser, Keys.ARROW_RIGHT)
        assert cursors[1] - cursors[0] == pytest.approx(cursors[2] - cursors[1], abs=0.2) and cursors[0] < cursors[1]
        press(browser, Keys.HOME, " ")
        says(browser, "Turn 2 of 20")
        press(browser, " ")
        assert browser.find_element(By.ID, "play").text == "Play"
        quiet(browser)


def test_the_largest_page_opens_quickly(folder: Path, tmp_path: Path) -> None:
    dom("about:blank", tmp_path)  # the browser itself
    start = time.monotonic()
    dom("about:blank", tmp_path)
    nothing = time.monotonic() - start
    start = time.monotonic()
    found = dom(f"file://{folder}/big.html#turn=150", tmp_path)
    assert text_of(found, "turn") == "Turn 150 of 200"
    looks = re.findall(r'<line [^>]*class="curve" stroke="([^"]*)" stroke-dasharray="([^"]*)"', found)
    assert len(looks) == len(set(looks)) == layout.MAX_STATES  # told apart by dashes where eight colours end
    assert time.monotonic() - start - nothing < 10  # two seconds on an idle machine; this one may be busy


def test_what_a_stranger_called_a_state_runs_nothing(folder: Path, tmp_path: Path) -> None:
    import dataclasses

    log = record("games/one-shot", sd_env.RandomPolicy(), seed=3)
    names = ("</script><script>document.title='owned'</script>", "<img src=x onerror=\"document.title='owned'\">")
    strange = dataclasses.replace(log, agents=names, policies=names, events=tuple(() for _ in log.events))
    (folder / "strange.html").write_text(page(strange), encoding="utf-8")
    found = dom(f"file://{folder}/strange.html", tmp_path)
    assert "<title>owned" not in found
    assert "&lt;/script&gt;" in found or "&lt;/Script&gt;" in found
