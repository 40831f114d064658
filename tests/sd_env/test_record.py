"""Episode logs: what a recorder keeps is what was played, a file gives it back, and playing it again agrees."""

from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sd_env
from sd_env import layout
from sd_env.policies import RandomPolicy
from sd_env.record import Collector, EpisodeLog, LogError, Recorder, read_log, record, verify, write_log
from sd_env.record.columns import TABLES
from sd_env.record.recorder import versions_here
from sd_env.scenario import Scenario
from sd_env.worlds import Worlds
from tests.face_play import LIVELY
from tests.sd_env.test_properties import scenarios
from tests.table import quiet, random_actions

RECORDS = ("worlds", "states", "pairs")


def lively(n_states: int = 3, **overrides: Any) -> Scenario:
    return Scenario.load({**LIVELY, "n_states": n_states}, overrides)


def changed(log: EpisodeLog, **fields: Any) -> EpisodeLog:
    return dataclasses.replace(log, **fields)


def with_value(log: EpisodeLog, table: str, field: str | None, place: Any, value: Any) -> EpisodeLog:
    """The log with one value of an array replaced."""
    array = getattr(log, table).copy()
    (array if field is None else array[field])[place] = value
    return changed(log, **{table: array})


# --- the recorder ---------------------------------------------------------------------------------------------


def step_and_look(worlds: Worlds, actions: np.ndarray) -> dict[str, np.ndarray]:
    """Copies of all that the worlds show after a turn."""
    worlds.step(actions)
    return {name: np.array(getattr(worlds, name)) for name in (*RECORDS, "rewards", "observations", "params")}


def test_a_recorded_world_is_the_world_that_was_played() -> None:
    """Every array of the log, against copies taken of the worlds themselves; each episode until its own end."""
    worlds = Worlds(lively(), 4, seed=11, first_world=5, track_beliefs=True)
    recorder = Recorder(worlds, [1, 3], policies=("a", "b", "c"), observations=True)
    rng = np.random.default_rng(0)
    seen = [{name: np.array(getattr(worlds, name)) for name in (*RECORDS, "rewards", "observations", "params")}]
    sent, logs = [], []
    while len(logs) < 2:
        sent.append(random_actions(rng, worlds))
        seen.append(step_and_look(worlds, sent[-1]))
        logs += recorder.turn(sent[-1])
    assert {log.world for log in logs} == {6, 8}
    for log in logs:
        b, turns = log.world - 5, log.turns
        assert (log.seed, log.episode, log.policies, log.agents) == (11, 0, ("a", "b", "c"), worlds.scenario.agents)
        for name in RECORDS:
            assert getattr(log, name).dtype == TABLES[name]
            assert getattr(log, name).tobytes() == np.stack([now[name][b] for now in seen[: turns + 1]]).tobytes()
        assert log.observations is not None and log.observations.dtype == np.float32
        assert (log.observations == np.stack([now["observations"][b] for now in seen[: turns + 1]])).all()
        assert (log.rewards == np.stack([now["rewards"][b] for now in seen[1 : turns + 1]])).all()
        assert (log.actions == np.stack([actions[b] for actions in sent[:turns]])).all()
        assert log.params.shape == () and log.params.tobytes() == seen[0]["params"][b].tobytes()
        assert log.worlds["turn"].tolist() == list(range(turns + 1))
        assert log.terminated != log.truncated
        assert len(log.events) == turns and any(log.events)
        assert verify(log)


def test_events_are_those_that_a_face_tells() -> None:
    env = sd_env.parallel_env(lively(horizon=40, continuation=1))
    env.reset(seed=3)
    recorder = Recorder(env.worlds)
    told: list[Any] = []
    logs: tuple[EpisodeLog, ...] = ()
    rng = np.random.default_rng(1)
    while env.agents:
        actions = random_actions(rng, env.worlds)
        env.step(dict(zip(env.possible_agents, actions[0], strict=True)))
        logs += recorder.turn(actions)
        told.append(env.events)
    (log,) = logs
    assert log.events == tuple(told)
    assert {type(event).__name__ for event in sum(told, ())} >= {"Builds", "Attacks", "IllegalAction", "Mobilizes"}


def test_with_autoreset_every_episode_is_whole() -> None:
    """The last records of an episode are overwritten in the batch; the log has them, as worlds that do not reset do."""
    scenario = lively()
    batch = Worlds(scenario, 3, seed=4, autoreset=True)
    recorder = Recorder(batch)
    rng = np.random.default_rng(2)
    logs: list[EpisodeLog] = []
    finals: dict[tuple[int, int], np.ndarray] = {}
    for _ in range(60):
        actions = random_actions(rng, batch)
        batch.step(actions)
        logs += recorder.turn(actions)
        for b in np.flatnonzero(batch.terminations | batch.truncations).tolist():
            finals[b, int(batch.final_tallies["episode"][b])] = batch.final_tallies[b].copy()
    assert len(logs) == len(finals) > 9 and max(log.episode for log in logs) > 2
    for log in logs:
        assert log.worlds[-1].tobytes() == finals[log.world, log.episode].tobytes()
        alone = Worlds(scenario, 1, seed=4, first_world=log.world, track_beliefs=True)
        for _ in range(log.episode):
            alone.reset()
        assert log.states[0].tobytes() == alone.states[0].tobytes()
        for actions in log.actions:
            alone.step(actions[None])
        for name in RECORDS:
            assert getattr(log, name)[-1].tobytes() == getattr(alone, name)[0].tobytes()
        assert log.terminated == alone.terminations[0] and log.truncated == alone.truncations[0]


def test_beliefs_are_logged_even_if_the_worlds_do_not_track_them() -> None:
    """As in worlds that do; and the states of such a world see what a log without observations holds."""
    scenario = lively(continuation=1, horizon=6)
    worlds, tracking = (Worlds(scenario, 1, seed=3, track_beliefs=tracked) for tracked in (False, True))
    recorder, logs = Recorder(worlds), []
    rng = np.random.default_rng(0)
    for _ in range(6):
        actions = random_actions(rng, worlds)
        worlds.step(actions)
        tracking.step(actions)
        logs += recorder.turn(actions)
    (log,) = logs
    assert (log.pairs["belief"][-1] == tracking.pairs["belief"][0]).all()
    assert (log.pairs["belief"][-1] != worlds.pairs["belief"][0]).any()
    seen = record(scenario.with_overrides({"perception.beliefs": True}), RandomPolicy(), 3, observations=True)
    assert seen.observations is not None and verify(seen)
    beliefs = layout.observed_beliefs(seen.observations, 3)
    assert (beliefs[:, 0] == seen.pairs["belief"][:, 0, 1:].astype(np.float32)).all()
    verdict = verify(with_value(seen, "observations", None, (2, 0, layout.OWN_SIZE + layout.BELIEF), 0.125))
    assert (verdict.turn, verdict.field, verdict.logged) == (2, "other0.belief", 0.125)


def test_resets_of_any_kind_begin_new_logs() -> None:
    scenario = lively(continuation=1, horizon=3)
    worlds = Worlds(scenario, 2, seed=7)
    worlds.step(random_actions(np.random.default_rng(0), worlds))
    recorder = Recorder(worlds)  # too late for the first episode
    rng = np.random.default_rng(1)

    def play(turns: int) -> list[tuple[int, int, int]]:
        logs: list[EpisodeLog] = []
        for _ in range(turns):
            actions = random_actions(rng, worlds)
            worlds.step(actions)
            logs += recorder.turn(actions)
        assert all(verify(log) for log in logs)
        return [(log.seed, log.world, log.episode) for log in logs]

    assert play(2) == []
    worlds.reset(worlds=[True, False])
    assert play(3) == [(7, 0, 1)]
    worlds.reset()
    assert play(2) == []
    worlds.reset()  # before its end: nothing is kept of that one
    assert play(4) == [(7, 0, 3), (7, 1, 2)]
    worlds.reset(seed=8)
    assert play(3) == [(8, 0, 0), (8, 1, 0)]


def test_a_recorder_refuses_what_is_not_what_was_played() -> None:
    worlds = Worlds(lively(), 2, seed=7)
    rng = np.random.default_rng(1)
    for kwargs, words in (
        ({"which": [2]}, "an entry of which is 2; a whole number from 0 to 1 is needed"),
        ({"policies": ["a"]}, "policies has 1 labels; one for each of 3 states is needed"),
    ):
        with pytest.raises(ValueError, match=words):
            Recorder(worlds, **kwargs)
    recorder = Recorder(worlds)
    worlds.step(random_actions(rng, worlds))
    with pytest.raises(ValueError, match=r"actions have shape \(1, 3, 5\); \(2, 3, 5\) is needed"):
        recorder.turn(np.zeros((1, 3, 5)))
    actions = np.full((2, 3, 5), [2, 2, 2, 1, 1])
    worlds.reset(seed=7)
    recorder = Recorder(worlds)
    worlds.step(actions)
    with pytest.raises(ValueError, match="world 0 was not played with these actions"):
        recorder.turn(np.zeros_like(actions))
    worlds.reset(seed=7)
    recorder = Recorder(worlds)
    worlds.step(actions)
    recorder.turn(actions)
    worlds.step(actions)
    worlds.step(actions)
    with pytest.raises(ValueError, match=r"world 0 is at turn 3, but the recorder at 1: call turn\(\) after each step"):
        recorder.turn(actions)
    worlds.reset(seed=7)
    worlds.reset(seed=8, worlds=[False, True])  # world 0 stays with seed 7, which the worlds no longer know
    recorder = Recorder(worlds)
    worlds.step(actions)
    with pytest.raises(ValueError, match="world 0 was begun with another seed than 8"):
        recorder.turn(actions)


def test_illegal_choices_are_logged_as_they_were_sent_and_what_is_no_choice_is_in_no_log(tmp_path: Path) -> None:
    worlds = Worlds(quiet(2, horizon=1, actions__build_offense=["none"]), 1, seed=0)
    recorder = Recorder(worlds)
    actions = np.array([[[2, 0, 0, 1], [0, 0, 0, 1]]])
    worlds.step(actions)
    (log,) = recorder.turn(actions)
    assert (log.actions == actions).all()
    assert [str(event) for event in log.events[0]] == ["state_0 may not choose full as build_offense: none instead"]
    assert read_log(write_log(tmp_path / "wild.jsonl", log)) == log
    made_up = dataclasses.replace(log, actions=np.array([[[9, 0, 0, 1], [0, 0, 0, 1]]]))
    with pytest.raises(LogError, match="line 3: action of state_0 .* 9 is not among the whole numbers 0"):
        read_log(write_log(tmp_path / "made_up.jsonl", made_up))
    with pytest.raises(LogError, match="the log cannot be played again: action of state_0 .* 9 is not among"):
        verify(made_up)


# --- recording in one call ------------------------------------------------------------------------------------


class Named(RandomPolicy):
    """Random, with a name and a memory of how it was called."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.seeds: list[int] = []
        super().__init__()
        self.seeds.clear()

    def reset(self, seed: int) -> None:
        self.seeds.append(seed)
        super().reset(seed)

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        self.rows = len(observation)
        return super().act(observation, mask)


def test_record_plays_one_episode_of_a_world() -> None:
    scenario = lively(continuation=1, horizon=9)
    some, other = Named("some"), Named("other")
    log = record(scenario, {"state_0": some, "state_1": other, "state_2": some}, 5, 2, True, episode=3)
    assert (log.seed, log.world, log.episode, log.turns) == (5, 2, 3, 9)
    assert log.policies == ("some", "other", "some") and some.rows == other.rows == 1
    assert len(some.seeds) == len(other.seeds) == 1 and some.seeds != other.seeds
    assert log.truncated and not log.terminated and log.observations is not None
    assert log == record(scenario, [some, other, some], 5, 2, True, episode=3)
    assert log != record(scenario, [some, other, some], 6, 2, True, episode=3)
    assert log != changed(log, policies=("", "", ""))
    # the start is the one that playing the episodes before it leads to
    worlds = Worlds(scenario, 3, seed=5)
    for _ in range(3):
        worlds.reset()
    assert log.states[0].tobytes() == worlds.states[2].tobytes()
    assert log.observations[0].tobytes() == worlds.observations[2].tobytes()
    assert record("jervis/intense", RandomPolicy(), 0).policies == ("RandomPolicy", "RandomPolicy")


def test_record_refuses_in_one_sentence() -> None:
    class Short(RandomPolicy):
        def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
            return super().act(observation, mask)[1:]

    some = RandomPolicy()
    for policies, seed, world, episode, words in (
        (
            {"state_0": some},
            0,
            0,
            0,
            "the cast names state_0; a policy is needed for each of state_0, state_1, s",
        ),
        ([some], 0, 0, 0, "the cast has 1 policies; 3 are needed, one a state"),
        ([some, some, 3], 0, 0, 0, r"the cast has 3 for state_2; a policy has reset\(seed\) and act"),
        (Short(), 0, 0, 0, r"policy Short: act gave int64 \(0, 5\); integers \(1, 5\) are needed"),
        (some, -1, 0, 0, "seed is -1"),
        (some, 0, -1, 0, "world is -1; a whole number from 0"),
        (some, 0, 0, 2**63 - 1, "episode is 9223372036854775807; a whole number from 0"),
    ):
        with pytest.raises(ValueError, match=words):
            record(lively(), policies, seed, world, episode=episode)  # type: ignore[arg-type]


def test_a_log_cannot_be_changed_and_can_be_pickled() -> None:
    log = record("jervis/intense", RandomPolicy(), 0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        log.seed = 1  # type: ignore[misc]
    for array in (log.params, log.worlds, log.states, log.pairs, log.actions, log.rewards):
        assert not array.flags.writeable
    assert pickle.loads(pickle.dumps(log)) == log
    assert log.__eq__(3) is NotImplemented
    assert (
        set(versions_here()) == {"sd_env", "rules", "draws", "python", "numpy", "numba", "machine"} == set(log.versions)
    )


def test_a_collector_gathers_what_a_player_of_worlds_tells_it() -> None:
    collector = Collector([0, 2], policies=("x", "y"), observations=True)
    with pytest.raises(ValueError, match=r"step\(\) was told before start\(\)"):
        collector.step(Worlds(quiet()), np.zeros((1, 2, 4)))
    worlds = Worlds(quiet(2, horizon=[2, 5]), 3, seed=1)
    collector.start(worlds)
    rng = np.random.default_rng(0)
    for _ in range(5):  # ended worlds are stepped on, as a player does who waits for the last
        actions = random_actions(rng, worlds)
        worlds.step(actions)
        collector.step(worlds, actions)
    assert sorted(log.world for log in collector.logs) == [0, 2]
    assert all(log.turns == int(log.params["horizon"]) and log.policies == ("x", "y") for log in collector.logs)


# --- there and back -------------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(scenarios(), st.integers(0, 2**64 - 1), st.integers(0, 2**63 - 2), st.integers(0, 2**63 - 2), st.booleans())
def test_any_episode_comes_back_bit_for_bit_and_verifies(
    tmp_path_factory: pytest.TempPathFactory, scenario: Scenario, seed: int, world: int, episode: int, observed: bool
) -> None:
    log = record(scenario, RandomPolicy(), seed, world, observed, episode=episode)
    path = tmp_path_factory.mktemp("log") / "episode.jsonl"
    back = read_log(write_log(path, log))
    assert back == log
    assert (back.observations is not None) == observed
    assert back.scenario == scenario and back.scenario.fingerprint() == scenario.fingerprint()
    verdict = verify(back)
    assert verdict and verdict.ok and verdict.turn is None, verdict.message


@pytest.mark.parametrize("name", sd_env.scenarios())
def test_every_scenario_of_the_catalogue_is_logged_and_verified(name: str, tmp_path: Path) -> None:
    log = record(name, RandomPolicy(), 1, episode=1)
    assert verify(write_log(tmp_path / "log.jsonl", log)).message.startswith(f"{log.turns} turns of {name}, seed 1, ")
