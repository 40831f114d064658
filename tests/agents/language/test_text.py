"""The text of a state: it tells all of its observation and its mask, and nothing of what others hide."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import sd_env
from agents.language import observation_text
from sd_env import layout
from sd_env.layout import Heads, Own
from sd_env.scenario import Scenario
from sd_env.worlds import Worlds
from tests.sd_env.test_secrecy import MEDIATED, Turned
from tests.table import random_actions

#: Scenarios that differ in what observations hold: context, beliefs, limited force, many states.
KINDS = (
    "jervis/doubly-dangerous",
    "jervis/multipolar",
    "theories/kydd-reassurance",
    "theories/schelling-limited-force",
)


def texts(worlds: Worlds, before: np.ndarray | None) -> list[list[str]]:
    """The text of every state of every world."""
    scenario = worlds.scenario
    return [
        [
            observation_text(
                worlds.observations[b, i],
                worlds.masks[b, i],
                scenario.heads,
                names=scenario.agents,
                seat=i,
                before=None if before is None else before[b, i],
            )
            for i in range(scenario.n_states)
        ]
        for b in range(worlds.num_worlds)
    ]


@pytest.mark.parametrize("name", [name for name in sd_env.scenarios() if name not in MEDIATED])
def test_a_type_turned_about_changes_no_letter_of_anothers_text(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = sd_env.load_scenario(name)
    hidden = scenario.n_states - 1
    monkeypatch.setattr(Turned, "hidden", hidden)
    pair = [kind(scenario, 2, seed=3) for kind in (Worlds, Turned)]
    rng, before = np.random.default_rng(3), (None, None)
    for turn in range(4):
        true, turned = (texts(table, old) for table, old in zip(pair, before, strict=True))
        for b in range(2):
            assert true[b][:hidden] == turned[b][:hidden]
            assert turn or true[b][hidden] != turned[b][hidden], "one's own type is told"
        actions = random_actions(rng, pair[0])
        before = tuple(table.observations.copy() for table in pair)
        for table in pair:
            table.step(actions)


@pytest.mark.parametrize("name", KINDS)
def test_every_number_of_an_observation_is_told(name: str) -> None:
    scenario = Scenario.load(name)
    worlds = Worlds(scenario, 1, seed=1)
    seen, mask = worlds.observations[0, 0], worlds.masks[0, 0]
    columns = layout.observation_names(scenario.n_states, *scenario.shown)

    def text(observation: np.ndarray) -> str:
        return observation_text(observation, mask, scenario.heads, names=scenario.agents)

    untold = []
    for k, column in enumerate(columns):
        other = seen.copy()
        other[k] = 1.0 - other[k] if 0.0 <= other[k] <= 1.0 else other[k] + 1.0
        other[k] += 0.25 if other[k] == seen[k] else 0.0
        if text(other) == text(seen):
            untold.append(column)
    assert untold == ["own.step"], "which is turn / horizon"


def test_names_that_drive_a_terminal_are_harmless() -> None:
    worlds = Worlds(Scenario.load("jervis/intense"), 1)
    found = observation_text(worlds.observations[0, 0], worlds.masks[0, 0], Heads(2), names=["a\x1b[2J", "b\nc"])
    assert "\x1b" not in found and "a?[2J" in found and "b?c" in found


def test_what_was_lost_and_promised_is_news(monkeypatch: pytest.MonkeyPatch) -> None:
    worlds = Worlds(Scenario.load("jervis/intense"), 1)
    before, now = worlds.observations[0, 0].copy(), worlds.observations[0, 0].copy()
    now[Own.TURN] += 1
    now[layout.OWN_SIZE + layout.Other.THEY_MOBILIZED] = 1
    arguments: dict[str, Any] = {"names": ["Austria", "Russia"]}
    found = observation_text(now, worlds.masks[0, 0], Heads(2), before=before, **arguments)
    assert "Russia mobilized against you." in found
    assert "Russia mobilized against you." not in observation_text(now, worlds.masks[0, 0], Heads(2), **arguments)
