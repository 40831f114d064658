"""What the PettingZoo faces show: observations and masks in their spaces, true, and the reader's own to keep."""

from __future__ import annotations

import copy
import re
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.utils.env_checker import data_equivalence

import sd_env
from sd_env import layout
from tests.face_play import LIVELY, STEADY, actions_of, of_size

CATALOGUE = sd_env.scenarios()


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
