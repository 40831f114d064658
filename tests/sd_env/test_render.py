"""Rendering as text: PettingZoo's and gymnasium's checks, and what the text says."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from pettingzoo.test.render_test import render_test

import sd_env
from tests.face_play import LIVELY, STEADY, script


def test_pettingzoo_render(capsys: pytest.CaptureFixture[str]) -> None:
    render_test(lambda render_mode: sd_env.env(STEADY, render_mode=render_mode))
    assert "A lively world: turn 1 of 14" in capsys.readouterr().out


def test_text_shows_the_world_and_the_turn() -> None:
    env = sd_env.parallel_env(STEADY, render_mode="ansi")
    with pytest.raises(ResetNeeded, match="no episode has begun"):
        env.render()
    env.reset(seed=0)
    text = env.render()
    assert text is not None and text.startswith("A lively world: turn 0 of 14, offence advantage ")
    for turn in range(8):
        env.step({agent: script(0, turn, i, 3) for i, agent in enumerate(env.possible_agents)})
        text = env.render()
        assert text is not None
        lines = text.splitlines()
        assert f"turn {turn + 1} of 14" in lines[0]
        assert [line[2:] for line in lines if line.startswith("- ")] == [event.sentence for event in env.events]
        states = env.worlds.states[0]
        for i, name in enumerate(env.possible_agents):
            row = next(line for line in lines if line.startswith(name))
            if states["standing"][i]:
                assert f"{states['homeland'][i]:.2f}" in row and f"{states['offense'][i]:.2f}" in row
                assert ("greedy" in row) == (states["greed"][i] > 0)
            else:
                assert row.endswith("fallen")
        assert text.isprintable() or set(text) - {"\n"} <= set(map(chr, range(32, 127)))


def test_alliances_and_fallen_states_are_shown() -> None:
    war = {"collapse": 0.9, "mobilization_required": False, "outcome": "share", "conquest": 1}
    env = sd_env.parallel_env({"n_states": 3, "war": war}, overrides={"states.offense": 50.0}, render_mode="ansi")
    env.reset(seed=0)
    env.step({"state_0": [0, 0, 0, 0, 3], "state_1": [0, 0, 0, 0, 1], "state_2": [0, 0, 0, 1, 1]})
    text = env.render()
    assert text is not None
    assert text.count("allied") == 2 and "align" not in text and "state_2  fallen" in text and "attack" in text


def test_an_unanswered_hand_is_no_alliance() -> None:
    env = sd_env.parallel_env({}, render_mode="ansi")
    env.reset(seed=0)
    env.step({"state_0": [0, 0, 0, 0], "state_1": [0, 0, 0, 1]})
    text = env.render()
    assert text is not None and "allied" not in text and text.count("align") == 1


def test_human_mode_prints_each_turn(capsys: pytest.CaptureFixture[str]) -> None:
    env = sd_env.solo_env(STEADY, render_mode="human")
    env.reset(seed=0)
    env.step(np.array([0, 0, 0, 1, 1]))
    printed = capsys.readouterr().out
    assert "turn 0 of 14" in printed and "turn 1 of 14" in printed
    assert env.render() is None


def test_solo_renders_text() -> None:
    env = gymnasium.make("sd_env/Solo-v0", scenario=LIVELY, render_mode="ansi")
    env.reset(seed=0)
    text = env.render()
    assert isinstance(text, str) and text.startswith("A lively world: turn 0")


def test_no_mode_no_picture() -> None:
    env = sd_env.parallel_env(LIVELY)
    env.reset(seed=0)
    with pytest.warns(UserWarning, match="render\\(\\) shows nothing"):
        assert env.render() is None
