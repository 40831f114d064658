"""The guided half hour in a browser: by keys alone, prediction before answer, the map, no network."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from agents.tour.write import page
from tests.browser.test_book import dom, serving
from tests.browser.test_play import press, quiet, says, tab_to, until
from tests.browser.test_report import said
from tests.browser.windows import window

#: A page that holds the tour, does all six steps with what a keyboard can reach, and says in its title what it saw.
WALKS = """<title></title><iframe width="1200" height="800" src="/tour.html"></iframe><script>
onload = async () => {
  const inner = document.querySelector("iframe").contentWindow, page = inner.document, saw = [];
  const $ = (id) => page.getElementById(id);
  const pause = () => new Promise((resume) => setTimeout(resume, 400));
  const reached = (element) => { // by Tab: it takes the focus, and is neither disabled nor out of order
    element.focus();
    return page.activeElement === element && element.tabIndex === 0;
  };
  const steps = page.querySelectorAll("#steps button").length;
  for (let k = 0; k < steps; k++) {
    const before = $("result") === null;
    const radio = page.querySelector("input[type=radio]"), guess = $("guess");
    const input = radio || guess;
    const here = { heading: $("heading").textContent, before, reached: reached(input) && reached($("predict")) };
    if (radio) radio.checked = true;
    else {
      guess.value = guess.max;
      guess.dispatchEvent(new inner.Event("input", { bubbles: true }));
    }
    $("predict").form.requestSubmit(); // what Enter does
    await pause();
    here.verdict = $("verdict").textContent;
    here.focus = page.activeElement.id;
    here.bars = page.querySelectorAll(".bars li").length;
    const look = page.querySelector(".shown button");
    if (look) {
      here.reached = here.reached && reached(look);
      look.click();
      await pause();
    }
    if ($("omega")) {
      const readouts = [$("readout").textContent];
      for (const [id, to] of [["omega", "0"], ["q", "1"]]) {
        here.reached = here.reached && reached($(id));
        $(id).value = to;
        $(id).dispatchEvent(new inner.Event("input", { bubbles: true }));
        readouts.push($("readout").textContent);
      }
      here.readouts = readouts;
      await pause();
    }
    await pause();
    const replay = page.querySelector(".frame iframe").contentDocument;
    here.replay = replay.getElementById("turn").textContent + " / " + replay.getElementById("strip").textContent.length;
    saw.push(here);
    if (k < steps - 1) {
      here.reached = here.reached && reached($("next"));
      $("next").click();
    }
  }
  saw.push($("score").textContent);
  document.title = JSON.stringify(saw);
};
</script>"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("tour")
    (made / "tour.html").write_text(page(20, 5, (0.65, 1.2), (0.0, 1.0)), encoding="utf-8")
    (made / "walks.html").write_text(WALKS, encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with serving(folder) as where:
        yield where


def test_it_opens_as_a_file_without_a_server_and_asks_before_it_answers(folder: Path, tmp_path: Path) -> None:
    for k in range(1, 7):
        found = dom(f"file://{folder}/tour.html#step={k}", tmp_path)
        assert f'id="heading">{k}. ' in found and f"Step {k} of 6" in found
        assert 'id="ask"' in found and 'id="result"' not in found
        assert said(f"file://{folder}/tour.html#step={k}", tmp_path) == ""


def test_all_six_steps_by_keyboard_with_prediction_then_answer(address: str, tmp_path: Path) -> None:
    found = dom(f"{address}/walks.html", tmp_path)
    [title] = re.findall("<title>(.*?)</title>", found, re.DOTALL)
    *steps, score = json.loads(title.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">"))
    assert [step["heading"][:2] for step in steps] == [f"{k}." for k in range(1, 7)]
    for step in steps:
        assert step["before"] and step["reached"] and step["focus"] == "came"
        assert step["verdict"].startswith("You said") and step["bars"] >= 2
        assert re.fullmatch(r"(Turn \d+ of \d+|The start .*) / \d{2,}", step["replay"])
    assert "You said 100 of 100; in 20 games it was 0 of 100" in steps[2]["verdict"]
    first, calm, safe = steps[2]["readouts"]
    assert "the doubly dangerous world" in first and "theory expects war" in first
    assert "the not intense world" in calm and "the doubly safe world" in safe and "expects peace" in safe
    assert re.match(r"[1-6] of 6 predicted well", score)


def test_one_deed_is_another_offline_and_by_keys_and_then_it_is_as_it_was(folder: Path) -> None:
    with window() as browser:
        browser.get(f"file://{folder}/tour.html#step=2")
        tab_to(browser, "I predict this: show me")
        press(browser, Keys.ENTER)
        until(browser, "document.querySelector('.shown button')")
        tab_to(browser, "Two who trust a little too little")
        press(browser, Keys.ENTER)
        until(browser, "document.getElementById('change')")
        deed = Select(browser.find_element(By.ID, "deed"))
        assert [each.text for each in deed.options] == [
            "mobilizes against nobody", "promises not to attack", "builds no arms",
        ]  # fmt: skip
        tab_to(browser, "on")
        press(browser, "2")
        assert deed.first_selected_option.text == "attacks nobody"
        tab_to(browser, "Play it so")
        press(browser, Keys.ENTER)
        until(browser, "document.querySelector('#became p')")
        assert "Northland attacks nobody on turn 2: wars " in browser.find_element(By.ID, "became").text
        browser.switch_to.frame(browser.find_element(By.CSS_SELECTOR, ".frame iframe"))
        says(browser, "Turn 2 of 32")
        told = browser.find_element(By.ID, "events").text
        assert "Southland attacks Northland" in told and "Northland attacks Southland" not in told
        browser.switch_to.default_content()
        tab_to(browser, "As it was")
        press(browser, Keys.ENTER)
        until(browser, "!document.querySelector('#became p')")
        browser.switch_to.frame(browser.find_element(By.CSS_SELECTOR, ".frame iframe"))
        until(browser, "document.getElementById('events').textContent.includes('Northland attacks Southland')")
        browser.switch_to.default_content()
        quiet(browser)


def test_the_browser_has_nothing_to_complain_of(address: str, tmp_path: Path) -> None:
    assert said(f"{address}/walks.html", tmp_path) == ""
