"""What the PettingZoo faces refuse, in one sentence and with nothing changed: actions, order of calls, seeds, modes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gymnasium.error import ResetNeeded

import sd_env
from tests.face_play import LIVELY, STEADY, actions_of, of_size

BAD = [
    ({"state_0": None}, r"action of state_0: None has shape \(\), but allowed is \(5,\): build_offense"),
    ({"state_1": [0, 0, 0, 1]}, r"action of state_1: .* has shape \(4,\), but allowed is \(5,\)"),
    ({"state_1": [[0, 0, 0, 1, 1]]}, r"action of state_1: .* has shape \(1, 5\)"),
    ({"state_1": [[0, 0], [0, 1, 1]]}, r"action of state_1: .* has shape of rows of different lengths"),
    ({"state_0": 3}, r"action of state_0: 3 has shape \(\)"),
    (
        {"state_0": [3, 0, 0, 1, 1]},
        r"state_0, head build_offense: 3 is not among .* 0 \(none\), 1 \(half\), 2 \(full\)",
    ),
    ({"state_2": [0, -1, 0, 1, 1]}, r"state_2, head build_defense: -1 is not among"),
    ({"state_2": [0, 0, 2**63, 1, 1]}, r"state_2, head signal: 9223372036854775808 is not among .* 2 \(threaten\)"),
    ({"state_1": [0, 0, 0, 1, 4]}, r"state_1, head stance toward state_2: 4 is not among .* 3 \(attack\)"),
    ({"state_1": [0, 0, 0, 1, 1.0]}, r"state_1, head stance toward state_2: 1.0 is not among"),
    ({"state_1": [float("nan"), 0, 0, 1, 1]}, r"state_1, head build_offense: nan is not among"),
    ({"state_1": [0, 0, float("inf"), 1, 1]}, r"state_1, head signal: inf is not among"),
    ({"state_1": np.array([0, 0, 0, 1, 1], np.float32)}, r"state_1, head build_offense: 0.0 is not among"),
    ({"state_1": [0, 0, None, 1, 1]}, r"state_1, head signal: None is not among"),
    ({"state_1": (0, np.float64(0.5), 0, 1, 1)}, r"state_1, head build_defense: 0.5 is not among"),
    ({"state_1": list("abcde")}, r"state_1, head build_offense: 'a' is not among"),
    ({"state_9": [0, 0, 0, 1, 1]}, r"unknown agent 'state_9'; the agents are state_0, state_1, state_2"),
]


@pytest.mark.parametrize(("change", "message"), BAD)
def test_bad_actions_are_refused_and_change_nothing(change: dict[str, Any], message: str) -> None:
    env, reference = sd_env.parallel_env(STEADY), sd_env.parallel_env(STEADY)
    for each in (env, reference):
        each.reset(seed=5)
        each.step(actions_of(each, 0, 0))
    with pytest.raises(ValueError, match=message) as refusal:
        env.step({**actions_of(env, 0, 1), **change})
    assert "\n" not in str(refusal.value)
    assert env.events == reference.events
    for turn in range(1, 4):
        np.testing.assert_equal(env.step(actions_of(env, 0, turn)), reference.step(actions_of(reference, 0, turn)))


def test_a_missing_agent_is_refused() -> None:
    env = sd_env.parallel_env(STEADY)
    env.reset(seed=0)
    actions = actions_of(env, 0, 0)
    del actions["state_1"]
    with pytest.raises(ValueError, match="actions has none for agent 'state_1'"):
        env.step(actions)
    with pytest.raises(ValueError, match="allowed is a mapping from agent to action"):
        env.step([0, 0])  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int32, np.uint64, list, tuple])
def test_any_whole_numbers_are_actions(kind: Any) -> None:
    env, reference = sd_env.parallel_env(STEADY), sd_env.parallel_env(STEADY)
    env.reset(seed=0)
    reference.reset(seed=0)
    actions = actions_of(env, 0, 0)
    cast = {a: kind(v.tolist()) if kind in (list, tuple) else v.astype(kind) for a, v in actions.items()}
    np.testing.assert_equal(env.step(cast), reference.step(actions))


def test_aec_refuses_a_bad_action_when_it_is_given() -> None:
    env = sd_env.env(LIVELY)
    env.reset(seed=0)
    with pytest.raises(ValueError, match=r"action of state_0, head signal: 5 is not among"):
        env.step(np.array([0, 0, 5, 1, 1]))
    assert env.agent_selection == "state_0"
    for _ in range(3):
        env.step(np.array([0, 0, 0, 1, 1]))
    assert env.unwrapped.worlds.worlds["turn"][0] == 1


# --- order of calls, seeds, render modes ---


def test_calls_out_of_order_are_refused() -> None:
    env = sd_env.parallel_env(of_size(2, horizon=1))
    with pytest.raises(ResetNeeded, match="no episode has begun: call reset"):
        env.step(actions_of(env, 0, 0))
    with pytest.raises(ResetNeeded, match="no episode has begun: call reset"):
        env.state()
    assert env.agents == [] and env.events == ()
    env.reset(seed=0)
    env.step(actions_of(env, 0, 0))
    assert env.agents == []
    with pytest.raises(ResetNeeded, match="the episode is over: call reset"):
        env.step(actions_of(env, 0, 1))
    env.close()
    env.close()


@pytest.mark.parametrize("seed", [-1, 2**64, 1.0, "0", True])
def test_bad_seeds_are_refused(seed: Any) -> None:
    with pytest.raises(ValueError, match=r"seed: .* is not allowed; allowed are None and whole numbers"):
        sd_env.parallel_env(LIVELY).reset(seed=seed)


def test_unknown_render_mode_is_refused() -> None:
    with pytest.raises(
        ValueError, match="render_mode: 'rgb' is not allowed; allowed are None, 'ansi', 'human', 'rgb_array'"
    ):
        sd_env.parallel_env(LIVELY, render_mode="rgb")
