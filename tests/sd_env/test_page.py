"""The page of an episode: all that it shows is the log's, and nothing that a stranger wrote is more than text."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import re
from typing import Any

import numpy as np
import pytest
from gymnasium.error import ResetNeeded

import sd_env
from sd_env import layout
from sd_env.events import Builds
from sd_env.layout import Stance
from sd_env.record import EpisodeLog, Recorder, record, verify
from sd_env.show.page import Note, page


@pytest.fixture(scope="module")
def log() -> EpisodeLog:
    return record("history/1914-chain-gang", sd_env.RandomPolicy(), seed=3)


def shown(text: str) -> dict[str, Any]:
    """What the page's script is given."""
    [found] = re.findall(r'<script id="data" type="application/json">(.*?)</script>', text, re.DOTALL)
    data: dict[str, Any] = json.loads(found)
    return data


def test_a_page_holds_what_the_log_does(log: EpisodeLog) -> None:
    data = shown(page(log))
    assert data["states"][1] == "Austria-Hungary" and data["turns"] == log.turns
    for name in ("homeland", "holdings", "offense", "defense", "greed"):
        np.testing.assert_allclose(data[name], log.states[name], atol=5e-4)
    np.testing.assert_allclose(data["rewards"], log.rewards, atol=5e-4)
    np.testing.assert_allclose(data["belief"], log.pairs["belief"], atol=5e-4)
    np.testing.assert_allclose(data["estimate"], log.pairs["estimate"], atol=5e-4)
    assert len(data["events"]) == log.turns and len(data["signals"]) == log.turns + 1
    for turn in range(1, log.turns + 1):
        attacks = {(i, j) for i, j, _ in data["attacks"][turn]}
        assert attacks == set(map(tuple, np.argwhere(log.pairs["attacks"][turn]).tolist()))
        mobilized = set(map(tuple, data["mobilized"][turn]))
        assert mobilized == set(map(tuple, np.argwhere(log.pairs["mobilized"][turn]).tolist()))
        words = {each["text"] for each in data["events"][turn - 1]}
        won = {i for i, _, taken in data["attacks"][turn] if taken}
        assert bool(won) == any(re.search("conquers? land", each) for each in words)


def test_what_a_state_builds_is_its_own_affair(log: EpisodeLog) -> None:
    data = shown(page(log))
    private = [each for row in data["events"] for each in row if each["only"] >= 0]
    built = [event for events in log.events for event in events if isinstance(event, Builds)]
    assert len(private) >= len(built) > 0
    assert all(each["text"].startswith(data["states"][each["only"]]) for each in private)
    assert not any("attacks" in each["text"] or "alliance" in each["text"] for each in private)


def test_a_war_of_two_seekers_is_marked_where_it_begins() -> None:
    worlds = sd_env.Worlds(sd_env.load_scenario("games/one-shot", {"motives.p_greedy": 0}), seed=0)
    recorder = Recorder(worlds)
    actions = [[[0, 0, 0, Stance.ATTACK], [0, 0, 0, Stance.NEUTRAL]]]
    worlds.step(actions)
    [log] = recorder.turn(actions)
    [moment] = shown(page(log))["moments"]
    assert moment == {
        "turn": 1,
        "text": "War begins: State_0 attacks State_1: both only wanted to be safe.",
        "more": [],
    }
    more = shown(page(log, [Note(0, "Here it could have been averted.")]))["moments"]
    assert [each["turn"] for each in more] == [0, 1]


def test_a_war_begins_as_often_as_it_is_counted_and_spreads_else(log: EpisodeLog) -> None:
    moments = shown(page(log))["moments"]
    begun = {each["turn"] for each in moments if each["text"].startswith("War begins")}
    spread = {each["turn"] for each in moments if each["text"].startswith("The war spreads")}
    counted = set((np.flatnonzero(np.diff(log.worlds["wars"]) > 0) + 1).tolist())
    assert begun == counted and spread - counted


def test_power_is_the_income_of_land(log: EpisodeLog) -> None:
    power = np.array(shown(page(log))["power"])
    np.testing.assert_allclose(power[:-1], log.states["income"][1:], atol=5e-4)
    assert len(set(power[0].tolist())) > 1  # the powers of 1914 are no equals


def test_what_can_be_said_beyond_a_sentence_waits_until_it_is_asked_for(log: EpisodeLog) -> None:
    moments = shown(page(log, [Note(2, "It hung on this.", ("Because of one thing.", "And another."))]))["moments"]
    [noted] = [each for each in moments if each["more"]]
    assert noted == {"turn": 2, "text": "It hung on this.", "more": ["Because of one thing.", "And another."]}


HOSTILE = [
    "</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<!--", "]]>", "{{data}}", "\u2028", "&lt;b>",
]  # fmt: skip


def test_names_and_titles_of_strangers_are_never_markup(log: EpisodeLog) -> None:
    agents = tuple(HOSTILE[: len(log.agents)])
    names = dict(zip(log.agents, agents, strict=True))

    def renamed(event: Any) -> Any:
        changed = {}
        for field in dataclasses.fields(event):
            value = getattr(event, field.name)
            if isinstance(value, str) and value in names:
                changed[field.name] = names[value]
            elif isinstance(value, tuple):
                changed[field.name] = tuple(names.get(each, each) for each in value)
        return dataclasses.replace(event, **changed)

    events = tuple(tuple(renamed(event) for event in row) for row in log.events)
    strange = dataclasses.replace(log, agents=agents, policies=tuple(HOSTILE[-1] for _ in agents), events=events)
    text, plain = page(strange), page(log)
    assert text.count("<script") == plain.count("<script") and text.count("<!") == plain.count("<!")
    assert "<img" not in text and "alert(1)</script>" not in text and text.isascii() == plain.isascii()
    assert [name.lower() for name in shown(text)["states"]] == [name.lower() for name in agents]


def test_the_policy_names_the_only_script_and_style_and_no_host(log: EpisodeLog) -> None:
    text = page(log)
    [policy] = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy.startswith("default-src 'none';") and "unsafe" not in policy and "http" not in policy
    for element, directive in (("style", "style-src"), ("script", "script-src")):
        [inline] = re.findall(rf"<{element}>(.*?)</{element}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in policy
    hosts = set(re.findall(r"https?://[^\"'\s<>]+", text))
    assert hosts == {"http://www.w3.org/2000/svg"}  # the name of a namespace; nothing is asked of it
    assert " style=" not in text and "onclick" not in text


def test_the_largest_page_is_small() -> None:
    scenario = sd_env.load_scenario(
        "jervis/multipolar", {"n_states": layout.MAX_STATES, "horizon": 200, "continuation": 1.0, "war.conquest": 0.0}
    )
    log = record(scenario, sd_env.RandomPolicy(), seed=3)
    assert log.turns == 200 and len(log.agents) == 16
    assert len(page(log).encode()) < 5_000_000


def test_one_log_one_page(log: EpisodeLog) -> None:
    assert page(log) == page(record("history/1914-chain-gang", sd_env.RandomPolicy(), seed=3))


# --- from an environment ---------------------------------------------------------------------------------------


def test_an_environment_tells_of_the_episode_so_far() -> None:
    env = sd_env.parallel_env("jervis/doubly-dangerous")
    with pytest.raises(ResetNeeded, match="no turn has been played"):
        env.unwrapped.log()
    for seed in (5, None):  # the first episode of the stream, then its next
        env.reset(seed=seed)
        with pytest.raises(ResetNeeded):
            env.unwrapped.replay()
        rewards = []
        for _ in range(4):
            actions = {agent: env.action_space(agent).sample() for agent in env.agents}
            rewards.append([*env.step(actions)[1].values()])
        log = env.unwrapped.log()
        assert verify(log) and log.turns == 4 and log.seed == 5 and log.episode == (0 if seed else 1)
        assert np.array_equal(log.rewards, rewards)
        assert np.array_equal(log.states["offense"][-1], env.unwrapped.worlds.states["offense"][0])
        assert env.unwrapped.replay() == page(log)


def test_so_does_one_with_a_single_learner() -> None:
    env = sd_env.solo_env("jervis/intense")
    env.reset(seed=3)
    for _ in range(3):
        env.step(env.action_space.sample())
    assert env.unwrapped.log().turns == 3 and env.unwrapped.replay() == page(env.unwrapped.log())
