"""The game in a browser: its rules are those compiled here to the bit, policies and views those of Python; the page."""

from __future__ import annotations

import functools
import hashlib
import json
import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

import sd_env
from agents.play.game import Game
from agents.policies.specs import policy_from
from agents.table.play import play
from sd_env.policies import Cast
from sd_env.scenario import Scenario
from tests.browser.test_accessibility import everywhere, findings
from tests.browser.test_play import picture, press, quiet, says, tab_to, until
from tests.browser.windows import window
from tests.transcripts import MADE, legal_action, scenarios
from tools.browser import elementary
from tools.browser.games import game
from tools.browser.write import SHOWN, STRATEGIES, held, page, playable, script

ARRAYS = ("params", "worlds", "states", "pairs", "observations", "masks", "rewards")
WORLDS, TURNS = 3, 40
#: Plays what it is given and answers with digests: a turn's arrays, or what policies choose, or what a state sees.
HARNESS = """
const hex = (buffer) => Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");
const digest = async (worlds, name) => hex(await crypto.subtle.digest("SHA-256", worlds.raw(name).slice()));
async function played({ game, worlds, seed, turns }) {
  const made = await Worlds.make(ENGINE, game, { worlds, seed, beliefs: true }), found = [];
  for (const actions of [null, ...turns]) {
    if (actions === "next") made.reset(true);
    else if (actions) made.step(actions);
    found.push(await Promise.all(ARRAYS.map((name) => digest(made, name))));
  }
  return found;
}
async function chosen({ game, worlds, seed, cast, turns }) {
  const made = await Worlds.make(ENGINE, game, { worlds, seed, beliefs: true }), memories = [];
  return turns.map((actions) => {
    const found = chooseAll(made, cast, memories);
    made.step(actions);
    return found;
  });
}
async function viewed({ game, seed, seat, cast, turns }) {
  const table = await Table.make(ENGINE, game, { seat, cast, seed, bounds: {} });
  return [null, ...turns].map((choices) => {
    if (choices) table.act(choices);
    return table.view();
  });
}
"""


@numba.njit
def _each(function: Any, numbers: np.ndarray) -> np.ndarray:
    found = np.empty_like(numbers)
    for k in range(len(numbers)):
        found[k] = function(numbers[k])
    return found


@functools.cache
def differing(name: str) -> int:
    """For how many of some hundred thousand numbers, of every size, this machine's exp or log is another."""
    theirs = numba.njit((lambda x: math.exp(x)) if name == "exp" else (lambda x: math.log(x)))
    dice = np.random.default_rng(1)
    if name == "exp":
        spans = [dice.uniform(low, high, 100_000) for low, high in ((-1e-3, 1e-3), (-5, 5), (-745.5, 710))]
        edges = [0.0, -0.0, 1e-300, 5e-324, math.inf, -math.inf, math.nan, 709.79, -745.14, 512, 1024, -2000]
    else:
        spans = [dice.uniform(low, high, 100_000) for low, high in ((0, 1), (0.9, 1.1), (0, 1e6))]
        spans.append(np.exp(dice.uniform(-744, 709, 100_000)))
        edges = [0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan, 5e-324, 2.3e-308, 1.7e308]
    numbers = np.concatenate([*spans, np.array(edges)])
    ours, ref = _each(getattr(elementary, name), numbers), _each(theirs, numbers)
    different = (ours.view(np.int64) != ref.view(np.int64)) & ~(np.isnan(ours) & np.isnan(ref))
    return int(different.sum())


#: glibc computes otherwise on processors without a fused multiply-add, and other libraries do anywhere (browser.md).
other_libm = pytest.mark.skipif(
    "differing('exp') + differing('log') > 0", reason="this machine's own exp or log is not glibc's with FMA"
)


@pytest.mark.skipif(
    not any(" fma " in line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("flags")),
    reason="a processor without FMA",
)
def test_exp_and_log_are_glibcs_to_the_bit() -> None:
    assert differing("exp") == 0
    assert differing("log") == 0


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """A page that holds the engine and the scripts, as a file."""
    folder = tmp_path_factory.mktemp("engine")
    head = f"const ENGINE = {json.dumps(held())}, ARRAYS = {json.dumps(ARRAYS)};"
    text = f'<!doctype html><main id="main"></main><script>{script()}\n{head}\n{HARNESS}</script>'
    (folder / "engine.html").write_text(text, encoding="utf-8")
    with window() as found:
        found.get(f"file://{folder}/engine.html")
        yield found
        quiet(found)


def asked(browser: Chrome, function: str, wish: dict[str, Any]) -> Any:
    """What the page answers."""
    answer = "then((found) => done({ found }), (error) => done({ error: error.stack }))"
    found = browser.execute_async_script(f"const [wish, done] = arguments; {function}(wish).{answer}", wish)
    assert "found" in found, found["error"]
    return found["found"]


def digests(worlds: sd_env.Worlds) -> list[str]:
    return [hashlib.sha256(np.ascontiguousarray(getattr(worlds, name)).tobytes()).hexdigest() for name in ARRAYS]


@other_libm
def test_every_number_of_every_scenario_is_the_same_to_the_bit(browser: Chrome) -> None:
    turns_played = 0
    for k, name in enumerate(scenarios()):
        scenario = Scenario.load(MADE.get(name, name))
        worlds = sd_env.Worlds(scenario, WORLDS, seed=2**63 + k, track_beliefs=True)
        dice, turns, expected = random.Random(k), [], [digests(worlds)]
        for _ in range(TURNS):
            if worlds.terminations.any() or worlds.truncations.any():
                worlds.reset()
                turns.append("next")
            else:
                legal = [[legal_action(dice, masks, worlds.heads) for masks in of_world] for of_world in worlds.masks]
                worlds.step(np.array(legal))
                turns.append(np.array(legal).ravel().tolist())
            expected.append(digests(worlds))
        wish = {"game": game(scenario), "worlds": WORLDS, "seed": str(2**63 + k), "turns": turns}
        found = asked(browser, "played", wish)
        wrong = [
            (name, turn, array)
            for turn, (was, is_) in enumerate(zip(expected, found, strict=True))
            for array, one, other in zip(ARRAYS, was, is_, strict=True)
            if one != other
        ]
        assert wrong == []
        turns_played += len(turns)
    assert turns_played > 2000


def test_a_changed_rule_would_be_noticed(browser: Chrome) -> None:
    scenario = Scenario.load("jervis/doubly-dangerous")
    worlds = sd_env.Worlds(scenario.with_overrides({"war.first_strike": 0.51}), 1, seed=1)
    wish = {"game": game(scenario), "worlds": 1, "seed": 1, "turns": []}
    assert asked(browser, "played", wish)[0] != digests(worlds)


def casts() -> Iterator[tuple[int, Scenario, list[str]]]:
    """Each scenario three times, and each strategy some times."""
    for k, name in enumerate(sd_env.scenarios()):
        scenario = Scenario.load(name)
        if playable(scenario):
            for shift in range(3):
                step = [
                    STRATEGIES[(k + 5 * shift + i * (shift + 1)) % len(STRATEGIES)] for i in range(scenario.n_states)
                ]
                yield k, scenario, step


@other_libm
def test_strategies_choose_what_those_of_python_choose(browser: Chrome) -> None:
    seen: dict[str, set[int]] = {name: set() for name in STRATEGIES}
    for seed, scenario, names in casts():
        worlds = sd_env.Worlds(scenario, 2, seed=seed, track_beliefs=True)
        cast, turns = Cast([policy_from(name) for name in names], scenario.agents), []
        cast.reset(seed)
        while len(turns) < 32 and not (worlds.terminations.any() or worlds.truncations.any()):
            actions = np.zeros((2, scenario.n_states, len(worlds.heads.kinds)), np.int64)
            cast.act(worlds.observations, worlds.masks, actions)
            worlds.step(actions)
            turns.append(actions.ravel().tolist())
            for i, name in enumerate(names):
                seen[name] |= set(actions[:, i, 3:].ravel().tolist())
        wish = {"game": game(scenario), "worlds": 2, "seed": seed, "cast": names, "turns": turns}
        assert asked(browser, "chosen", wish) == turns, (scenario.name, names)
    assert set().union(*seen.values()) == {0, 1, 2, 3}


@other_libm
def test_what_a_person_sees_is_what_the_game_shows_elsewhere(browser: Chrome) -> None:
    for k, name in enumerate(sd_env.scenarios()):
        scenario = Scenario.load(name, SHOWN if k % 2 else None)
        if not playable(scenario):
            continue
        n, dice = scenario.n_states, random.Random(k)
        seat, cast = k % n, [STRATEGIES[(k + i) % len(STRATEGIES)] for i in range(n)]
        table = Game(scenario, k, [seat], [each for i, each in enumerate(cast) if i != seat])
        expected, turns = [table.view(seat)], []
        while not table.over and len(turns) < 40:
            worlds = table._tape.worlds
            turns.append(legal_action(dice, worlds.masks[0, seat], worlds.heads).tolist())
            table.choose(seat, table.turn, turns[-1])
            expected.append(table.view(seat))
        wish = {"game": game(scenario), "seed": k, "seat": seat, "cast": cast, "turns": turns}
        found = asked(browser, "viewed", wish)
        for turn, (was, is_) in enumerate(zip(expected, found, strict=True)):
            if was["over"]:  # numpy adds up in another order: what is half a hundredth may be rounded otherwise
                returns = [[state.pop("return") for state in view["reveal"]["states"]] for view in (was, is_)]
                assert returns[0] == pytest.approx(returns[1], abs=0.011)
            assert is_ == was, (name, turn)


# --- the page ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("page") / "play.html"
    file.write_text(page(), encoding="utf-8")
    assert file.stat().st_size < 1_000_000
    return f"file://{file}"


def slide(browser: Chrome, name: str, value: float) -> None:
    """Move a slider, as keys do."""
    browser.execute_script(
        "const input = document.getElementById(arguments[0]); input.value = arguments[1];"
        "for (const kind of ['input', 'change']) input.dispatchEvent(new Event(kind));",
        name,
        str(value),
    )


@other_libm
def test_many_games_end_as_they_do_in_python(address: str) -> None:
    told = []
    with window() as browser:
        browser.get(address)
        slide(browser, "p_greedy", 0.3)
        browser.find_element(By.ID, "watch").click()
        for omega, q in ((1.2, 0.0), (0.65, 0.0)):
            slide(browser, "offense_advantage", omega)
            slide(browser, "distinguishability", q)
            frame = play(
                Scenario.load("jervis/doubly-dangerous", SHOWN | {
                    "motives.p_greedy": 0.3, "technology.offense_advantage": omega, "technology.distinguishability": q,
                }), policy_from(STRATEGIES[0]), worlds=200, seed=1,
            )  # fmt: skip
            told.append(int((frame["wars"] > 0).sum()))
            until(
                browser, "document.getElementById('many').textContent.startsWith(arguments[0])", f"War in {told[-1]} of"
            )
            tragic = int((frame["tragic_wars"] > 0).sum())
            assert f"in {tragic} of them security seekers" in browser.find_element(By.ID, "many").text
        quiet(browser)
    assert told[0] > 100 > told[1]


@everywhere
def test_a_whole_game_by_keyboard(address: str, width: int, height: int, dark: bool) -> None:
    name = f"static-{width}-{'dark' if dark else 'light'}"
    with window(width, height, dark=dark) as browser:
        browser.get(address)
        assert findings(browser) == []
        picture(browser, f"{name}-setup")
        Select(browser.find_element(By.ID, "scenario")).select_by_value("games/tying-hands")
        tab_to(browser, "Begin")
        press(browser, Keys.ENTER)
        for turn in range(1, 4):
            says(browser, f"Turn {turn} of 3")
            assert findings(browser) == []
            picture(browser, f"{name}-turn-{turn}")
            tab_to(browser, f"Play turn {turn}")
            press(browser, Keys.ENTER)
        says(browser, "The game is over")
        until(browser, "document.getElementById('again')")
        assert "bayesian-realist" in browser.find_element(By.ID, "reveal").text
        assert findings(browser) == []
        picture(browser, f"{name}-end")
        tab_to(browser, "Another game")
        press(browser, Keys.ENTER)
        until(browser, "document.getElementById('scenario')")
        wide = browser.execute_script("return document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, "wider than the window"
        quiet(browser)
