"""The guided half hour: six steps, numbers as recomputed, the same bytes, nothing that a stranger runs."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from agents import cli
from agents.evaluation.counterfactual import counterfactual
from agents.evaluation.threshold import trust_threshold
from agents.evaluation.thresholds import thresholds
from agents.policies.specs import policy_from
from agents.table.play import play
from agents.tour import steps as steps_of
from agents.tour import write
from agents.tour.games import Game, share
from agents.tour.steps import SWITCHES, UNSURE
from agents.tour.words import STEPS
from sd_env.scenario import Scenario
from sd_env.show.page import data
from sd_env.show.story import Story

SMALL = {"episodes": 20, "at_each": 5, "omegas": (0.65, 1.2), "qs": (0.0, 1.0)}


@pytest.fixture(scope="module")
def page() -> str:
    return write.page(**SMALL)


@pytest.fixture(scope="module")
def held(page: str) -> dict[str, Any]:
    """What the page's script reads."""
    [found] = re.findall(r'<script id="data" type="application/json">(.*?)</script>', page, re.DOTALL)
    data: dict[str, Any] = json.loads(found)
    return data


def test_the_same_bytes_every_time(page: str) -> None:
    assert write.page(**SMALL) == page


def test_all_six_steps_are_there_with_question_answer_source_and_episode(held: dict[str, Any]) -> None:
    assert [step["title"] for step in held["steps"]] == [words.title for words in STEPS]
    assert len(held["steps"]) == 6
    for k, step in enumerate(held["steps"]):
        assert step["ask"].endswith("?") and step["sources"] and step["told"]
        assert not re.search(r"[{}]|nan|inf\b", json.dumps([step["text"], step["ask"], step["told"]]))
        assert step["bars"][step["answer"]]["of"] == 20
        assert all(0 <= bar["low"] <= bar["value"] <= bar["high"] <= step["most"] for bar in step["bars"])
        assert bool(step["shown"]) != (k == held["map"]["step"])
        assert all(each["key"] in held["replays"] for each in step["shown"])
    assert len({cell["replay"] for cell in held["map"]["cells"]} & set(held["replays"])) == 4


def test_wars_of_two_who_cannot_tell_are_those_that_are_played(held: dict[str, Any]) -> None:
    scenario = Scenario.load("jervis/doubly-dangerous", {"motives.p_greedy": 0.3, "perception.beliefs": True})
    realist = policy_from("bayesian-realist:discount=0.999")
    frame = play(scenario, realist, worlds=120, seed=1)
    seekers = frame[(frame["greed_0"] == 0) & (frame["greed_1"] == 0)].head(20)
    bar = held["steps"][1]["bars"][0]
    assert bar["value"] == (seekers["wars"] > 0).mean() > 0.5
    wilson = stats.binomtest(int((seekers["wars"] > 0).sum()), 20).proportion_ci(0.95, method="wilson")
    assert (bar["low"], bar["high"]) == pytest.approx((wilson.low, wilson.high))
    assert held["replays"]["unsure"]["key"] == f"seed 1, world {int(seekers['world'].iloc[0])}, episode 0"


def test_thresholds_on_the_map_are_those_of_theory(held: dict[str, Any]) -> None:
    scenario = UNSURE.loaded()
    for cell in held["map"]["cells"]:
        arms = 1.75 / 2  # the middle of 1.5 to 2, half of them swords
        assert cell["m"] == pytest.approx(trust_threshold(scenario, arms, arms, 32, omega=cell["omega"], q=cell["q"]))
    theory = thresholds(scenario, lag=False)[0]
    assert held["map"]["trust"] == pytest.approx(theory.trust)
    [star] = [cell["star"] for cell in held["map"]["cells"] if (cell["omega"], cell["q"]) == (1.2, 0.0)]
    assert star == pytest.approx(theory.distinguishable_from)
    lines = {line["name"]: line["points"] for line in held["map"]["lines"]}
    assert set(lines) == {"m = 0", "m = t", "q*"}
    for omega, q in lines["m = t"]:
        m = trust_threshold(scenario, 0.875, 0.875, 32, omega=omega, q=q)
        assert m == pytest.approx(theory.trust, abs=0.01)


def test_what_the_words_claim_is_so(held: dict[str, Any]) -> None:
    """Sentences without a number in them, which the numbers have to bear out."""
    armed, unsure, worlds, signals, alliances, escape = held["steps"]
    assert armed["bars"][0]["value"] > armed["bars"][1]["value"] == 0
    assert unsure["bars"][0]["value"] > 0.9 > 0.1 > unsure["bars"][1]["value"]
    assert worlds["bars"][0]["value"] < 0.1
    dear, cheap, less, deceived = (bar["value"] for bar in signals["bars"])
    assert dear < 0.1 and cheap > dear and less > dear and deceived > 0.9
    chain, buck, attack, defence, further, calmer = (bar["value"] for bar in alliances["bars"])
    assert chain > attack > defence and buck <= 2 and further > attack and calmer > defence and further > calmer
    assert escape["right"] == [escape["answer"]]
    assert escape["bars"][escape["answer"]]["label"] == "War costs whoever is attacked twice as much"
    assert all(bar["value"] < 0.1 for k, bar in enumerate(escape["bars"]) if k not in (0, escape["answer"]))


def test_a_switch_of_the_last_step_changes_the_rules_that_it_names() -> None:
    base = UNSURE.loaded()
    for change in SWITCHES.values():
        changed = replace(UNSURE, overrides={**UNSURE.overrides, **change}).loaded()
        assert changed != base


def test_only_the_pages_own_style_and_script_may_run_and_nothing_is_fetched(page: str, held: dict[str, Any]) -> None:
    [policy] = re.findall(r'Content-Security-Policy" content="([^"]*)"', page.partition("<script")[0])
    style = re.findall("<style>(.*?)</style>", page.partition("<body>")[0], re.DOTALL)[0]
    for text in (style, page.rpartition("<script>")[2].partition("</script>")[0]):
        assert base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() in policy
    replay = "".join(held["skeleton"])
    style, script = (
        replay.split("<style>")[1].split("</style>")[0],
        replay.rpartition("<script>")[2].split("</script>")[0],
    )
    for text in (style, script):
        assert base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() in policy
    assert policy.startswith("default-src 'none'") and "unsafe" not in policy and "http" not in policy
    assert not re.search(r"""(src|href)=["']?(https?:|//)""", page)


def test_what_a_stranger_called_a_thing_is_no_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    evil = "</script><img src=x onerror=alert(1)>"
    monkeypatch.setattr(steps_of, "SWITCHES", {evil: {"technology.distinguishability": 1.0}})
    monkeypatch.setattr(write, "TITLE", evil)
    made = write.page(**SMALL)
    assert evil not in made and "<img" not in made
    assert made.count(html.escape(evil)) == 2 and "\\u003c/script\\u003e\\u003cimg src=x" in made


def unpacked(held: dict[str, Any], key: str) -> dict[tuple[int, str, str], dict[str, Any]]:
    """Of each deed that may be changed in an episode what is told and shown."""
    packed = held["otherwise"][key]
    found = json.loads(zlib.decompress(base64.b64decode(packed["packed"])))
    return {tuple(deed): each for deed, each in zip(packed["deeds"], found, strict=True)}


def test_every_episode_that_is_shown_can_be_changed_by_one_deed_and_is_the_same_before(held: dict[str, Any]) -> None:
    shown = {each["key"] for step in held["steps"] for each in step["shown"]}
    named = {cell["replay"] for cell in held["map"]["cells"] if cell["name"]}
    assert set(held["otherwise"]) == shown | named and len(named) == 4
    changed = 0
    for key in held["otherwise"]:
        bare = held["replays"][key]
        found = unpacked(held, key)
        assert len(found) >= 6 and len({turn for turn, _, _ in found}) > 1
        for (turn, who, deed), each in found.items():
            assert who in bare["states"] and each["told"][-1].startswith(f"{who} {deed} on turn {turn}: wars ")
            for name in ("offense", "defense", "belief", "signals", "attacks"):
                assert each["replay"][name][:turn] == bare[name][:turn]
            changed += each["replay"]["attacks"] != bare["attacks"]
    assert changed > 20


def test_a_deed_otherwise_is_what_a_replay_of_the_log_with_it_finds(held: dict[str, Any]) -> None:
    frame = UNSURE.episodes(20)
    [log] = UNSURE.logs([int(frame["world"].iloc[0])])
    for deed, do in (
        ((1, "Northland", "mobilizes against nobody"), "northland.stance=neutral@1"),
        ((2, "Southland", "promises not to attack"), "southland.signal=reassure@2"),
    ):
        done = counterfactual(log, [do]).done
        assert unpacked(held, "unsure")[deed]["replay"] == json.loads(json.dumps(data(done, Story(done))))


def test_what_states_are_bound_to_holds_where_another_does_otherwise(held: dict[str, Any]) -> None:
    names = held["replays"]["alliances-0"]["states"]
    attack = [names.index("Austria-Hungary"), names.index("Serbia")]
    for (turn, who, _), each in unpacked(held, "alliances-0").items():
        done = turn == 2 and who == "Austria-Hungary"
        attacked = [attack in [pair[:2] for pair in each["replay"]["attacks"][t]] for t in (2, 3, 4)]
        if done:  # and has to make ready again before it is let
            assert attacked == [False, False, True]
        else:
            assert attacked[:2] == [True, True]


def test_the_share_of_nothing_in_many_has_an_interval() -> None:
    frame = Game("jervis/doubly-safe", ("dove",)).episodes(10)
    found = share(frame["wars"] > 0)
    assert (found.value, found.low) == (0.0, 0.0) and 0.1 < found.high < 0.4


def test_the_command_writes_the_page_to_a_file_or_into_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], page: str
) -> None:
    monkeypatch.setattr(write, "page", lambda: page)
    assert cli.main(["tour", "-o", str(tmp_path)]) == 0
    assert cli.main(["tour", "-o", str(tmp_path / "new" / "x.html")]) == 0
    assert (tmp_path / "tour.html").read_text(encoding="utf-8") == page
    assert (tmp_path / "new" / "x.html").read_text(encoding="utf-8") == page
    assert cli.main(["tour", "-o", str(tmp_path / "x.pdf")]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("sd-env: --output is") and "a page's name ends in .html" in line
