"""The PettingZoo faces: the contract of ParallelEnv and AECEnv, one episode through every face, copies, the manual."""

from __future__ import annotations

import copy
import pickle
import re
import subprocess
import sys
import warnings
from types import SimpleNamespace
from typing import Any

import numpy as np
import pettingzoo
import pytest
from pettingzoo.test import api_test, parallel_api_test, parallel_seed_test, seed_test
from pettingzoo.test.max_cycles_test import max_cycles_test
from pettingzoo.test.state_test import state_test

import sd_env
from sd_env import layout
from tests.face_play import (
    LIVELY,
    STEADY,
    actions_of,
    of_size,
    play_aec,
    play_parallel,
    play_solo,
    play_vector,
    play_worlds,
)

SIZES = [2, 3, 16]


# --- PettingZoo's own tests ---


@pytest.mark.parametrize("dict_observation", [False, True])
@pytest.mark.parametrize("n", SIZES)
def test_pettingzoo_parallel_api(n: int, dict_observation: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parallel_api_test(sd_env.parallel_env(of_size(n), dict_observation=dict_observation), num_cycles=100)


@pytest.mark.parametrize("dict_observation", [False, True])
@pytest.mark.parametrize("n", SIZES)
def test_pettingzoo_api(n: int, dict_observation: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # PettingZoo advises Box or Discrete spaces; ours are MultiDiscrete and, when asked for, Dict.
        warnings.filterwarnings("ignore", message=".*space for each agent probably should be.*")
        warnings.filterwarnings("ignore", message="Observation is not a NumPy array")
        api_test(sd_env.env(of_size(n), dict_observation=dict_observation), num_cycles=100)


def test_pettingzoo_seed() -> None:
    parallel_seed_test(lambda: sd_env.parallel_env(LIVELY), num_cycles=50)
    seed_test(lambda: sd_env.env(LIVELY), num_cycles=50)


def test_pettingzoo_max_cycles() -> None:
    def fixed(max_cycles: int) -> dict[str, Any]:
        return of_size(2, horizon=max_cycles, continuation=1, war={"attacker_cost": 1.0, "conquest": 0.0})

    module = SimpleNamespace(
        parallel_env=lambda max_cycles: sd_env.parallel_env(fixed(max_cycles)),
        env=lambda max_cycles: sd_env.env(fixed(max_cycles)),
    )
    max_cycles_test(module)


def test_pettingzoo_state() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        state_test(sd_env.env(LIVELY), sd_env.parallel_env(LIVELY), num_cycles=30)


# --- one episode, whatever the face ---


@pytest.mark.parametrize("seed", [0, 1, 2**40])
def test_every_face_plays_the_same_two_episodes(seed: int) -> None:
    reference = play_worlds(LIVELY, seed)
    play_parallel(LIVELY, seed).same_as(reference)
    play_aec(LIVELY, seed).same_as(reference)
    play_vector(LIVELY, seed, num_worlds=1).same_as(reference)
    play_vector(LIVELY, seed, num_worlds=5).same_as(reference)
    for seat in range(3):
        play_solo(LIVELY, seed, seat).same_as(reference.seat(seat))


def test_seeds_and_episodes_differ() -> None:
    first = play_parallel(LIVELY, 0)
    assert not np.array_equal(first.rows[0][0], play_parallel(LIVELY, 1).rows[0][0])
    env = sd_env.parallel_env(LIVELY)
    one, _ = env.reset(seed=0)
    two, _ = env.reset()
    assert not np.array_equal(one["state_0"], two["state_0"])
    again, _ = env.reset(seed=0)
    np.testing.assert_array_equal(one["state_0"], again["state_0"])
    other = sd_env.parallel_env(LIVELY)
    fresh, _ = other.reset()
    assert not np.array_equal(one["state_0"], fresh["state_0"])


# --- copies ---


@pytest.mark.parametrize(
    "clone", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))], ids=["deepcopy", "pickle"]
)
@pytest.mark.parametrize("make", [sd_env.parallel_env, sd_env.env])
def test_a_copy_continues_identically(make: Any, clone: Any) -> None:
    env = make(STEADY)
    env.reset(seed=8)
    for agent in env.possible_agents:
        env.action_space(agent).seed(3)

    def turn(face: Any, number: int) -> Any:
        actions = actions_of(face, 0, number)
        if isinstance(face, pettingzoo.ParallelEnv):
            return face.step(actions)
        for agent in face.possible_agents:
            face.step(actions[agent])
        return [face.observe(a) for a in face.possible_agents], face.rewards, face.infos, face.terminations

    for number in range(3):
        turn(env, number)
    twin = clone(env)
    assert twin.unwrapped.worlds is not env.unwrapped.worlds
    assert twin.unwrapped.events == env.unwrapped.events
    for number in range(3, 6):
        np.testing.assert_equal(turn(twin, number), turn(env, number))
    for agent in env.possible_agents:
        np.testing.assert_equal(env.action_space(agent).sample(), twin.action_space(agent).sample())
    # The next episode too, and the original is not moved by its copy.
    before = env.unwrapped.state()
    twin.reset()
    np.testing.assert_array_equal(env.unwrapped.state(), before)
    env.reset()
    np.testing.assert_array_equal(env.unwrapped.state(), twin.unwrapped.state())
    np.testing.assert_equal(turn(twin, 0), turn(env, 0))


# --- registries, names, manual ---


def test_pettingzoo_registry() -> None:
    parallel = pettingzoo.make("parallel", "sd_env/World-v0", scenario=LIVELY)
    assert isinstance(parallel, sd_env.ParallelEnv)
    aec = pettingzoo.make("aec", "sd_env/World-v0", scenario=LIVELY, render_mode="ansi")
    assert isinstance(aec, pettingzoo.AECEnv) and aec.render_mode == "ansi"
    assert str(aec) == str(parallel) == "sd_env_v0"
    assert parallel.metadata["is_parallelizable"]


def test_import_is_light_and_names_resolve() -> None:
    code = "import sys, sd_env; print([m for m in ('numba', 'pydantic', 'torch', 'matplotlib') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    for name in sd_env.__all__:
        assert getattr(sd_env, name) is not None
    assert set(sd_env.__all__) <= set(dir(sd_env))
    with pytest.raises(AttributeError, match="module 'sd_env' has no attribute 'nothing'"):
        _ = sd_env.nothing


def test_the_manual_agrees_with_the_layout() -> None:
    manual = sd_env.ParallelEnv.__doc__ or ""
    rows = [re.findall(r"[^|]+", line) for line in manual.splitlines() if line.strip().startswith("|")]
    cells = [[cell.strip() for cell in row if cell.strip()] for row in rows]
    columns = [row[0] for row in cells if row[0].startswith(("own.", "other."))]
    wanted = [name.replace("other0.", "other.") for name in layout.observation_names(2, False, True, True, True)]
    assert columns == wanted
    signed = {row[0] for row in cells if row[0] in wanted and "±" in row[-1]}
    low = layout.observation_low(2, False, True, True, True)
    assert signed == {name for name, bound in zip(wanted, low, strict=True) if bound < 0}
    heads = {row[0]: row[1] for row in cells if row[0] in {head.name.lower() for head in layout.Head}}
    choices = {"build_offense": layout.Build, "build_defense": layout.Build, "signal": layout.Signal}
    for head, kind in {**choices, "stance": layout.Stance, "extent": layout.Extent}.items():
        assert heads[head] == ", ".join(f"{choice.value} {choice.name.lower()}" for choice in kind)
    assert list(heads) == [head.name.lower() for head in layout.Head]
    names = (
        "Description",
        "Action space",
        "Observation space",
        "Rewards",
        "Starting state",
        "Episode end",
        "Arguments",
    )
    for kind in (sd_env.ParallelEnv, sd_env.SoloEnv, sd_env.WorldsVectorEnv):
        for name in (*names, "Version history"):
            assert f"## {name}" in (kind.__doc__ or "")
