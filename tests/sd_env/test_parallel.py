"""The PettingZoo faces: the contract of ParallelEnv and AECEnv, and one episode through every face."""

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
from gymnasium import spaces
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import data_equivalence
from pettingzoo.test import api_test, parallel_api_test, parallel_seed_test, seed_test
from pettingzoo.test.max_cycles_test import max_cycles_test
from pettingzoo.test.state_test import state_test

import sd_env
from sd_env import layout
from tests.face_play import LIVELY, STEADY, play_aec, play_parallel, play_solo, play_vector, play_worlds, script

CATALOGUE = sd_env.scenarios()
SIZES = [2, 3, 16]


def of_size(n: int, **overrides: Any) -> dict[str, Any]:
    return {**LIVELY, "n_states": n, **overrides}


def actions_of(env: Any, episode: int, turn: int) -> dict[str, np.ndarray]:
    n = len(env.possible_agents)
    heads = env.unwrapped.scenario.heads
    return {agent: script(episode, turn, i, n, heads) for i, agent in enumerate(env.possible_agents)}


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


# --- observations, masks, infos ---


@pytest.mark.parametrize("dict_observation", [False, True])
@pytest.mark.parametrize(
    "scenario", [*CATALOGUE, of_size(2), of_size(5, perception={"context_observed": False, "beliefs": True})], ids=str
)
def test_observations_lie_in_their_space(scenario: Any, dict_observation: bool) -> None:
    env = sd_env.parallel_env(scenario, dict_observation=dict_observation)
    for episode in range(3):
        obs, infos = env.reset(seed=episode)
        turn = 0
        while True:
            for agent in env.possible_agents:
                assert env.observation_space(agent).contains(obs[agent])
                mask = infos[agent]["action_mask"]
                assert set(infos[agent]) == {"action_mask"}
                assert mask.dtype == np.int8 and mask.shape == (env.unwrapped.scenario.heads.mask_size,)
                assert set(np.unique(mask)) <= {0, 1}
                if dict_observation:
                    np.testing.assert_array_equal(obs[agent]["action_mask"], mask)
            assert env.state_space.contains(env.state())
            if not env.agents:
                break
            obs, rewards, _, _, infos = env.step(actions_of(env, episode, turn))
            assert all(isinstance(value, float) and np.isfinite(value) for value in rewards.values())
            turn += 1


@pytest.mark.parametrize("dict_observation", [False, True])
def test_masks_are_kept_out_of_infos_if_one_asks(dict_observation: bool) -> None:
    """By every face; what is observed and played stays the same."""
    kept: dict[str, Any] = {"dict_observation": dict_observation, "mask_in_info": False}
    env = sd_env.parallel_env(of_size(2), **kept)
    usual = sd_env.parallel_env(of_size(2), dict_observation=dict_observation)
    for one, other in ((env.reset(seed=3), usual.reset(seed=3)), *(both(env, usual, turn) for turn in range(5))):
        assert one[-1] == {agent: {} for agent in env.possible_agents} and "action_mask" in other[-1]["state_0"]
        for agent in env.possible_agents:
            assert data_equivalence(one[0][agent], other[0][agent])
    turned = sd_env.env(of_size(2), **kept)
    turned.reset(seed=3)
    assert turned.last()[-1] == {}
    solo = sd_env.solo_env(of_size(2), **kept)
    seen, info = solo.reset(seed=3)
    assert info == {} and solo.observation_space.contains(seen)
    assert solo.step(solo.action_space.sample(solo.action_masks().astype(np.int8)))[-1] == {}
    vector = sd_env.vector_env({**of_size(2), "horizon": 2}, 3, **kept)
    seen, infos = vector.reset(seed=3)
    assert infos == {} and vector.observation_space.contains(seen)
    vector.action_space.seed(3)
    infos = [vector.step(vector.action_space.sample())[-1] for _ in range(2)]
    assert infos[1]["final_info"] == {} and not any("action_mask" in told for told in infos)


def both(one: Any, other: Any, turn: int) -> tuple[Any, Any]:
    actions = actions_of(one, 0, turn)
    return one.step(actions), other.step(actions)


def test_masks_say_what_is_carried_out() -> None:
    env = sd_env.parallel_env(LIVELY)
    n, seen = 3, {True: 0, False: 0}
    for episode in range(20):
        _, infos = env.reset(seed=episode)
        turn = 0
        while env.agents:
            masks = {agent: info["action_mask"] for agent, info in infos.items()}
            actions = actions_of(env, episode, turn)
            _, _, _, _, infos = env.step(actions)
            starts = np.cumsum([0, *layout.action_sizes(n)[:-1]])
            for i, agent in enumerate(env.possible_agents):
                illegal = int((masks[agent][starts + actions[agent]] == 0).sum())
                assert illegal == env.worlds.states["illegal"][0, i]
                seen[illegal > 0] += 1
            turn += 1
    assert min(seen.values()) > 20  # legal and illegal actions were both met


def test_action_space_samples_under_the_flat_mask() -> None:
    env = sd_env.parallel_env(LIVELY)
    space = env.action_space("state_0")
    assert isinstance(space, spaces.MultiDiscrete) and space == spaces.MultiDiscrete([3, 3, 3, 4, 4])
    only = np.zeros(17, np.int8)
    only[[2, 3, 7, 10, 16]] = 1
    assert space.sample(only).tolist() == [2, 0, 1, 1, 3]
    assert space.sample(tuple(np.split(only, [3, 6, 9, 13]))).tolist() == [2, 0, 1, 1, 3]
    with pytest.raises(ValueError, match=re.escape("flat action mask has shape (17,), got (4,)")):
        space.sample(np.ones(4, np.int8))


def test_spaces_are_the_same_objects_at_each_call() -> None:
    for env in (sd_env.parallel_env(LIVELY), sd_env.env(LIVELY)):
        env.reset(seed=0)
        for agent in env.possible_agents:
            assert env.observation_space(agent) is env.observation_space(agent)
            assert env.action_space(agent) is env.action_space(agent)
    env = sd_env.parallel_env(LIVELY)
    assert env.action_space("state_0") is not env.action_space("state_1")  # each agent's is seeded by itself


def test_what_was_returned_is_the_users_to_keep() -> None:
    env = sd_env.parallel_env(STEADY)
    obs, infos = env.reset(seed=3)
    kept = copy.deepcopy((obs, infos))
    for turn in range(4):
        env.step(actions_of(env, 0, turn))
    np.testing.assert_equal((obs, infos), kept)
    twin = sd_env.parallel_env(STEADY)
    obs, infos = twin.reset(seed=3)
    obs["state_0"][:] = 7
    infos["state_0"]["action_mask"][:] = 0
    for turn in range(4):
        after = twin.step(actions_of(twin, 0, turn))
    reference = sd_env.parallel_env(STEADY)
    reference.reset(seed=3)
    for turn in range(4):
        wanted = reference.step(actions_of(reference, 0, turn))
    np.testing.assert_equal(after, wanted)


def test_names_come_from_the_scenario() -> None:
    scenario = of_size(2, states={"names": ["germany", "russia"]})
    env = sd_env.parallel_env(scenario)
    assert env.possible_agents == ["germany", "russia"]
    obs, _ = env.reset(seed=0)
    assert list(obs) == ["germany", "russia"]
    with pytest.raises(ValueError, match="action of germany, head stance toward russia: 9 is not among"):
        env.step({"germany": [0, 0, 0, 9], "russia": [0, 0, 0, 1]})


# --- bad actions ---

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
    wanted = [name.replace("other0.", "other.") for name in layout.observation_names(2, False, True, True)]
    assert columns == wanted
    signed = {row[0] for row in cells if row[0] in wanted and "±" in row[-1]}
    low = layout.observation_low(2, False, True, True)
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


@pytest.mark.parametrize("dict_observation", [False, True])
def test_what_an_agent_is_given_leads_to_nothing_of_the_others(dict_observation: bool) -> None:
    env = sd_env.parallel_env("jervis/multipolar", dict_observation=dict_observation)
    observations, infos = env.reset(seed=4)
    given = [array for part in (observations, infos) for value in part.values() for array in leaves(value)]
    assert len(given) == 4 * (3 if dict_observation else 2)
    for array in given:
        assert array.base is None and array.flags.owndata
        array[...] = 1
    twin = sd_env.parallel_env("jervis/multipolar", dict_observation=dict_observation)
    twin.reset(seed=4)
    assert np.array_equal(env.state(), twin.state())


def leaves(value: Any) -> list[np.ndarray]:
    return [leaf for each in value.values() for leaf in leaves(each)] if isinstance(value, dict) else [value]
