"""Verifying: whatever differs from what happens is found, and named with its turn, column and state."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sd_env
from sd_env import layout
from sd_env.policies import RandomPolicy
from sd_env.record import EpisodeLog, LogError, record, verify, write_log
from sd_env.record.columns import TABLES
from sd_env.record.recorder import versions_here
from tests.sd_env.test_record import RECORDS, changed, lively, with_value


@pytest.fixture(scope="module")
def lived() -> EpisodeLog:
    scenario = lively(**{"continuation": 1, "horizon": 8, "states.names": ["russia", "serbia", "austria-hungary"]})
    return record(scenario, RandomPolicy(), 2, 1, True)


def test_every_field_of_every_record_is_compared(lived: EpisodeLog) -> None:
    """One value changed anywhere is found, and named with its turn, its column and its state or pair."""
    names = lived.agents
    for table, dtype in TABLES.items():
        for field in dtype.names or ():
            place: Any = {"params": (), "worlds": (5,), "states": (5, 2), "pairs": (5, 2, 0)}[table]
            value = getattr(lived, table)[field][place]
            other = not value if value.dtype == bool else np.nan_to_num(value) + 1  # one parameter is NaN
            found = verify(with_value(lived, table, field, place, other))
            who = {"params": "", "worlds": "", "states": names[2], "pairs": f"{names[2]} toward {names[0]}"}[table]
            turn = 5 if place else 0
            assert not found
            assert (found.turn, found.table, found.field, found.who) == (turn, table, field, who)
            if value == value:
                assert (found.logged, found.simulated) == (other, value)


def test_rewards_observations_events_and_the_end_are_compared(lived: EpisodeLog) -> None:
    found = verify(with_value(lived, "rewards", None, (3, 1), 0.5))
    assert (found.turn, found.table, found.who, found.logged) == (4, "rewards", "serbia", 0.5)
    assert found.message == (
        "8 turns of lively, seed 2, world 1, episode 0: differs first at turn 4, rewards of serbia: "
        f"logged 0.5, played again {lived.rewards[3, 1].item()!r}"
    )
    found = verify(with_value(lived, "observations", None, (0, 2, layout.Own.ECONOMY), 7.0))
    assert (found.turn, found.table, found.field) == (0, "observations", "own.economy")
    assert (found.who, found.logged, found.simulated) == ("austria-hungary", 7.0, 1.0)
    narrow = changed(lived, observations=lived.observations[..., :-1])  # type: ignore[index]
    assert verify(narrow).message.count("observations columns: logged ") == 1
    events = [*lived.events]
    events[6] = events[6][:-1]
    found = verify(changed(lived, events=tuple(events)))
    assert (found.turn, found.table, found.logged) == (7, "events", None)
    assert found.simulated == lived.events[6][-1]
    assert found.message.endswith(f"logged nothing, played again '{lived.events[6][-1].sentence}'")
    found = verify(changed(lived, terminated=True, truncated=False))
    assert (found.turn, found.table) == (8, "end")
    assert (found.logged, found.simulated) == ("8 turns, terminated", "8 turns, truncated")


def cut(log: EpisodeLog, turns: int) -> EpisodeLog:
    rows = {name: getattr(log, name)[: turns + 1] for name in (*RECORDS, "observations")}
    return changed(
        log,
        **rows,
        actions=log.actions[:turns],
        rewards=log.rewards[:turns],
        events=log.events[:turns],
        truncated=False,
    )


def test_an_episode_that_is_too_short_or_too_long_differs_in_its_end(lived: EpisodeLog) -> None:
    assert verify(cut(lived, 5))  # it says of itself that it is not at its end
    short = verify(changed(cut(lived, 5), truncated=True))
    assert (short.turn, short.logged, short.simulated) == (5, "5 turns, truncated", "5 turns, not at its end")
    doubled = {name: np.concatenate([getattr(lived, name)] * 2)[:10] for name in (*RECORDS, "observations")}
    longer = changed(
        lived, **doubled, actions=lived.actions[[*range(8), 0]], rewards=lived.rewards[[*range(8), 0]],
        events=(*lived.events, ()),
    )  # fmt: skip
    long = verify(longer)
    assert (long.turn, long.logged, long.simulated) == (8, "9 turns, truncated", "8 turns, truncated")


def test_the_key_and_the_actions_matter(lived: EpisodeLog) -> None:
    for fields in ({"seed": 3}, {"world": 2}, {"episode": 1}):
        assert (verify(changed(lived, **fields)).turn, verify(changed(lived, **fields)).ok) == (0, False)
    actions = lived.actions.copy()
    actions[4, 0, layout.Head.BUILD_OFFENSE] = 2 - actions[4, 0, layout.Head.BUILD_OFFENSE] // 2 * 2
    assert verify(changed(lived, actions=actions)).turn == 5
    other = lived.scenario.with_overrides({"arming.depreciation": 0.5})
    assert verify(changed(lived, scenario=other)).turn == 0  # among the drawn parameters
    assert verify(changed(lived, scenario=other)).field == "depreciation"


def test_other_versions_are_verified_and_named(lived: EpisodeLog) -> None:
    older = changed(lived, versions={**lived.versions, "sd_env": "0.0.1", "machine": "abacus"})
    found = verify(older)
    assert found.ok and found.message.endswith(f"bit for bit (sd_env 0.0.1 then and {sd_env.__version__} now)")
    found = verify(with_value(older, "rewards", None, (0, 0), 9.0))
    here = versions_here()
    assert found.message.endswith(
        f" (sd_env 0.0.1 then and {here['sd_env']} now, machine abacus then and {here['machine']} now)"
    )
    assert "(sd_env unknown then" in verify(changed(lived, versions={})).message


def test_a_log_of_other_draws_is_refused_and_not_reported_as_different(lived: EpisodeLog, tmp_path: Path) -> None:
    """Its seed is of another stream: that the episodes differ would say nothing."""
    here = versions_here()["draws"]
    older = changed(lived, versions={**lived.versions, "draws": "1", "sd_env": "0.0.1"})
    said = (
        f"has random draws of version 1, by sd_env 0.0.1, but here they are of version {here}, so that its seed gives "
        "another episode: verify it with the version that wrote it."
    )
    with pytest.raises(LogError, match=re.escape(f"the log {said}")):
        verify(older)
    path = write_log(tmp_path / "old.jsonl", older)
    with pytest.raises(LogError, match=re.escape(f"{path} {said}")):
        verify(path)
    assert verify(changed(lived, versions={**lived.versions, "draws": here}))
