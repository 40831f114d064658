"""The gymnasium VectorEnv: slots, same-step autoreset, final observations, refusals, copies."""

from __future__ import annotations

import copy
import pickle
import re
import warnings
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import data_equivalence
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import sd_env
from sd_env import layout
from tests.face_play import LIVELY, STEADY, play_vector, play_worlds, script

N = 3


def random_actions(env: Any, random: np.random.Generator) -> np.ndarray:
    return random.integers(0, np.tile(layout.action_sizes(N), (env.num_envs, 1)))


def test_shapes_types_and_spaces() -> None:
    env = sd_env.vector_env(LIVELY, 4)
    assert env.num_envs == 12 and env.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    assert env.single_action_space == gymnasium.spaces.MultiDiscrete([3, 3, 3, 4, 4])
    size = layout.observation_size(N, True)
    assert env.single_observation_space.shape == (size,) and env.observation_space.shape == (12, size)
    observations, infos = env.reset(seed=0)
    for turn in range(60):
        assert observations.dtype == np.float32 and env.observation_space.contains(observations)
        assert infos["action_mask"].shape == (12, layout.mask_size(N)) and infos["action_mask"].dtype == np.int8
        assert infos["_action_mask"].all()
        actions = env.action_space.sample()
        assert actions.shape == (12, 5), turn
        observations, rewards, terminations, truncations, infos = env.step(actions)
        assert rewards.shape == (12,) and rewards.dtype == np.float64
        for flags in (terminations, truncations):
            assert flags.shape == (12,) and flags.dtype == np.bool_
            by_world = flags.reshape(4, N)
            assert (by_world == by_world[:, :1]).all()


def test_dict_observation_holds_the_masks() -> None:
    env, plain = sd_env.vector_env(LIVELY, 2, dict_observation=True), sd_env.vector_env(LIVELY, 2)
    observations, infos = env.reset(seed=1)
    rows, _ = plain.reset(seed=1)
    random = np.random.default_rng(0)
    finals = 0
    for _ in range(40):
        assert env.observation_space.contains(observations)
        np.testing.assert_array_equal(observations["observation"], rows)
        np.testing.assert_array_equal(observations["action_mask"], infos["action_mask"])
        actions = random_actions(env, random)
        observations, _, _, _, infos = env.step(actions)
        rows, _, _, _, plain_infos = plain.step(actions)
        for slot in np.flatnonzero(infos.get("_final_obs", [])):
            final = infos["final_obs"][slot]
            assert env.single_observation_space.contains(final)
            np.testing.assert_array_equal(final["observation"], plain_infos["final_obs"][slot])
            finals += 1
    assert finals > 0


def test_autoreset_is_as_gymnasium_does_it() -> None:
    """Two worlds beside gymnasium's own SyncVectorEnv in SAME_STEP mode over the solo face with the same others."""
    scenario = {**LIVELY, "n_states": 2}

    class Follows:
        """Plays for the other seat what the test says."""

        def __init__(self) -> None:
            self.next = np.zeros(4, np.int64)

        def reset(self, seed: int) -> None:
            pass

        def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
            return self.next[None]

    follower = Follows()
    sync = SyncVectorEnv([lambda: sd_env.solo_env(scenario, others=follower)], autoreset_mode=AutoresetMode.SAME_STEP)
    env = sd_env.vector_env(scenario, 1)
    observations, infos = env.reset(seed=4)
    theirs, their_infos = sync.reset(seed=4)
    random = np.random.default_rng(2)
    ends = 0
    for _ in range(60):
        np.testing.assert_array_equal(observations[:1], theirs)
        np.testing.assert_array_equal(infos["action_mask"][:1], their_infos["action_mask"])
        actions = random.integers(0, [[3, 3, 3, 4]] * 2)
        follower.next = actions[1]
        observations, rewards, terminations, truncations, infos = env.step(actions)
        theirs, *rest, their_infos = sync.step(actions[:1])
        for mine, other in zip((rewards, terminations, truncations), rest, strict=True):
            assert mine[0] == other[0]
        assert set(infos) == set(their_infos)
        if "final_obs" in infos:
            ends += 1
            np.testing.assert_array_equal(infos["final_obs"][0], their_infos["final_obs"][0])
            np.testing.assert_array_equal(infos["_final_obs"][:1], their_infos["_final_obs"])
            assert set(infos["final_info"]) == set(their_infos["final_info"])
            np.testing.assert_array_equal(
                infos["final_info"]["action_mask"][:1], their_infos["final_info"]["action_mask"]
            )
            assert infos["final_obs"].dtype == their_infos["final_obs"].dtype == object
    assert ends > 3


def test_only_the_ended_worlds_show_a_final_observation() -> None:
    env = sd_env.vector_env(LIVELY, 6)
    env.reset(seed=0)
    random = np.random.default_rng(0)
    seen = 0
    for _ in range(50):
        _, _, terminations, truncations, infos = env.step(random_actions(env, random))
        ended = terminations | truncations
        if not ended.any():
            assert set(infos) == {"action_mask", "_action_mask"}
            continue
        np.testing.assert_array_equal(infos["_final_obs"], ended)
        assert [row is not None for row in infos["final_obs"]] == ended.tolist()
        assert not infos["final_info"]["action_mask"][~ended].any()
        assert infos["final_info"]["action_mask"][ended].any(axis=1).all()
        seen += 0 < ended.sum() < len(ended)
    assert seen > 3


@pytest.mark.parametrize("world", [0, 2])
def test_a_world_is_the_same_in_any_batch(world: int) -> None:
    alone = play_vector(LIVELY, 7, num_worlds=world + 1, world=world)
    play_vector(LIVELY, 7, num_worlds=9, world=world).same_as(alone)
    if world == 0:
        alone.same_as(play_worlds(LIVELY, 7))


def test_threads_do_not_matter() -> None:
    one, two = sd_env.vector_env(LIVELY, 16), sd_env.vector_env(LIVELY, 16, threads=2)
    random = np.random.default_rng(0)
    np.testing.assert_array_equal(one.reset(seed=0)[0], two.reset(seed=0)[0])
    for _ in range(30):
        actions = random_actions(one, random)
        assert data_equivalence(one.step(actions), two.step(actions), exact=True)


def test_copies_of_results_or_the_worlds_own() -> None:
    env, bare = sd_env.vector_env(STEADY, 2), sd_env.vector_env(STEADY, 2, copy=False)
    first, _ = env.reset(seed=0)
    own, _ = bare.reset(seed=0)
    kept = first.copy()
    random = np.random.default_rng(0)
    actions = random_actions(env, random)
    second, rewards, *_ = env.step(actions)
    own_second, own_rewards, *_ = bare.step(actions)
    np.testing.assert_array_equal(first, kept)
    np.testing.assert_array_equal(second, own_second)
    np.testing.assert_array_equal(rewards, own_rewards)
    np.testing.assert_array_equal(own, own_second)  # the buffer that was handed out has moved on


def test_all_that_was_returned_is_the_users_to_keep() -> None:
    env = sd_env.vector_env(LIVELY, 2)
    random = np.random.default_rng(0)
    results = [env.reset(seed=0)]
    kept = copy.deepcopy(results)
    finals = 0
    for _ in range(40):
        results.append(env.step(random_actions(env, random)))
        finals += "final_obs" in results[-1][-1]
        kept.append(copy.deepcopy(results[-1]))
    assert finals > 2
    assert data_equivalence(results, kept, exact=True)


BAD: list[tuple[Any, str]] = [
    (np.zeros((6, 4), np.int64), "actions have shape (6, 4), but allowed is (6, 5)"),
    (np.zeros((2, 3, 5), np.int64), "actions have shape (2, 3, 5), but allowed is (6, 5)"),
    ([[0], [0, 1]], "actions have shape (0,), but allowed is (6, 5)"),
    (np.full((6, 5), np.nan), "action of slot 0 (world 0, state_0), head build_offense: nan is not among"),
    (np.zeros((6, 5)), "action of slot 0 (world 0, state_0), head build_offense: 0.0 is not among"),
]


@pytest.mark.parametrize(("actions", "message"), BAD)
def test_bad_actions_are_refused_and_change_nothing(actions: Any, message: str) -> None:
    env, reference = sd_env.vector_env(STEADY, 2), sd_env.vector_env(STEADY, 2)
    env.reset(seed=0)
    reference.reset(seed=0)
    with pytest.raises(ValueError, match=re.escape(message)):
        env.step(actions)
    good = random_actions(env, np.random.default_rng(1))
    np.testing.assert_equal(env.step(good), reference.step(good))


@pytest.mark.parametrize("value", [-1, 4, 99])
def test_a_bad_slot_is_named(value: int) -> None:
    env = sd_env.vector_env(STEADY, 2)
    env.reset(seed=0)
    actions = np.ones((6, 5), np.int64)
    actions[4, 3] = value
    message = f"action of slot 4 (world 1, state_1), head stance toward state_0: {value} is not among"
    with pytest.raises(ValueError, match=re.escape(message)):
        env.step(actions)


def test_reset_arguments() -> None:
    env = sd_env.vector_env(LIVELY, 2)
    with pytest.raises(gymnasium.error.ResetNeeded, match="no episode has begun"):
        env.step(np.zeros((6, 5), np.int64))
    for seed in (-1, [1, 2], 0.5):
        with pytest.raises(ValueError, match=r"seed: .* is not allowed"):
            env.reset(seed=seed)
    with pytest.raises(ValueError, match="options: reset_mask is not allowed"):
        env.reset(options={"reset_mask": np.ones(6, bool)})
    first, _ = env.reset(seed=0, options={"whatever": 1})
    assert env.np_random_seed == 0
    following, _ = env.reset()
    again, _ = env.reset(seed=0)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, following)
    assert not np.array_equal(first[:3], first[3:])  # each world has its own stream
    with pytest.raises(ValueError, match="num_worlds is 0"):
        sd_env.vector_env(LIVELY, 0)
    env.close()
    env.close()


@pytest.mark.parametrize(
    "clone", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))], ids=["deepcopy", "pickle"]
)
def test_a_copy_continues_identically(clone: Any) -> None:
    env = sd_env.vector_env(LIVELY, 5)
    env.reset(seed=0)
    random = np.random.default_rng(0)
    for _ in range(4):
        env.step(random_actions(env, random))
    twin = clone(env)
    for _ in range(30):
        actions = random_actions(env, random)
        assert data_equivalence(twin.step(actions), env.step(actions), exact=True)


def test_registered_by_id() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        env = gymnasium.make_vec("sd_env/Vector-v0", num_envs=12, scenario=LIVELY)
        assert isinstance(env, sd_env.WorldsVectorEnv) and env.num_envs == 12 and env.num_worlds == 4
        env = gymnasium.make_vec("sd_env/Vector-v0", num_worlds=5, scenario=LIVELY, overrides={"n_states": 2})
        assert env.num_envs == 10
    with pytest.raises(ValueError, match=r"num_envs: 4 is not allowed; .* allowed are multiples of 3"):
        gymnasium.make_vec("sd_env/Vector-v0", num_envs=4, scenario=LIVELY)
    with pytest.raises(ValueError, match="num_envs: 4 is not num_worlds 2 x 3 states"):
        gymnasium.make_vec("sd_env/Vector-v0", num_envs=4, num_worlds=2, scenario=LIVELY)


def test_gymnasiums_vector_wrappers_work() -> None:
    env = gymnasium.wrappers.vector.RecordEpisodeStatistics(sd_env.vector_env(STEADY, 2))
    env.reset(seed=0)
    returns = np.zeros(6)
    for turn in range(14):
        actions = np.concatenate([[script(0, turn, i, N) for i in range(N)]] * 2)
        _, rewards, terminations, truncations, infos = env.step(actions)
        returns += rewards
        if (terminations | truncations).all():
            np.testing.assert_allclose(infos["episode"]["r"], returns)
            assert infos["episode"]["l"].tolist() == [turn + 1] * 6
            return
    pytest.fail("no episode ended")
