"""The solo gymnasium.Env: one learner among given policies."""

from __future__ import annotations

import copy
import pickle
import warnings
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env

import sd_env
from sd_env import layout
from tests.face_play import LIVELY, STEADY, ScriptedPolicy, play_solo, play_worlds, script


@pytest.mark.parametrize("dict_observation", [False, True])
def test_gymnasiums_checker(dict_observation: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        env = gymnasium.make("sd_env/Solo-v0", scenario=LIVELY, dict_observation=dict_observation)
        check_env(env.unwrapped)


def test_registered_by_id() -> None:
    env = gymnasium.make("sd_env/Solo-v0", scenario=LIVELY, seat="state_1", overrides={"horizon": 3})
    assert isinstance(env.unwrapped, sd_env.SoloEnv) and env.unwrapped.seat == 1
    assert env.unwrapped.scenario.horizon == 3
    many = gymnasium.make_vec("sd_env/Solo-v0", num_envs=3, scenario=LIVELY)
    observations, _ = many.reset(seed=0)
    assert observations.shape == (3, layout.observation_size(3, True))


@pytest.mark.parametrize("scenario", [*sd_env.scenarios(), LIVELY], ids=str)
def test_episodes_follow_from_the_seed(scenario: Any) -> None:
    """With the random policy in the other seats as well, over two episodes, reset observations included."""

    def play(seed: int) -> list[Any]:
        env, seen = sd_env.solo_env(scenario), []
        for episode in range(2):
            seen.append(env.reset(seed=seed) if episode == 0 else env.reset())
            ended, turn = False, 0
            while not ended:
                assert env.observation_space.contains(seen[-1][0])
                seen.append(env.step(script(episode, turn, 0, len(env.agents), env.scenario.heads)))
                ended, turn = seen[-1][2] or seen[-1][3], turn + 1
        return seen

    np.testing.assert_equal(play(0), play(0))
    with pytest.raises(AssertionError):
        np.testing.assert_equal(play(0), play(1))


def test_seat_by_name_is_seat_by_index() -> None:
    reference = play_worlds(LIVELY, 3)
    play_solo(LIVELY, 3, seat=2).same_as(reference.seat(2))
    env = sd_env.solo_env(LIVELY, seat="state_2")
    observation, _ = env.reset(seed=3)
    np.testing.assert_array_equal(observation, reference.rows[0][0][2])


@pytest.mark.parametrize("seat", [3, -1, "state_3", True, None, 1.0])
def test_bad_seats_are_refused(seat: Any) -> None:
    with pytest.raises(ValueError, match=r"seat: .* is not allowed; allowed are 0 to 2 and state_0, state_1, state_2"):
        sd_env.solo_env(LIVELY, seat=seat)


def test_one_policy_each_or_one_for_several_seats() -> None:
    one, two, both = (ScriptedPolicy([2], 3) for _ in range(3))
    apart = sd_env.solo_env(STEADY, seat=1, others={"state_2": two, "state_0": one})
    together = sd_env.solo_env(STEADY, seat=1, others={"state_0": both, "state_2": both})
    np.testing.assert_equal(apart.reset(seed=0), together.reset(seed=0))
    for turn in range(4):
        action = script(0, turn, 1, 3)
        np.testing.assert_equal(apart.step(action), together.step(action))
    assert one.turn == two.turn == both.turn == 4  # a policy in two seats plays one itself and the other by a copy


def test_policies_are_seeded_by_episode_and_seat() -> None:
    policies = {"state_1": ScriptedPolicy([1], 3), "state_2": ScriptedPolicy([2], 3)}
    env = sd_env.solo_env(LIVELY, others=policies)
    for seed in (0, None, 0, 1):
        env.reset(seed=seed)
    seeds = np.array([policy.seeds for policy in policies.values()])
    assert (seeds[:, 0] == seeds[:, 2]).all()
    assert len(np.unique(seeds)) == 2 * 3
    assert ((seeds >= 0) & (seeds < 2**32)).all()


def test_bad_policies_are_refused() -> None:
    with pytest.raises(ValueError, match="the cast names state_1; a policy is needed for each of state_1, state_2"):
        sd_env.solo_env(LIVELY, others={"state_1": sd_env.RandomPolicy()})
    with pytest.raises(ValueError, match=r"the cast has 3 for state_1; a policy has reset\(seed\) and act"):
        sd_env.solo_env(LIVELY, others=3)  # type: ignore[arg-type]

    class Wrong(sd_env.RandomPolicy):
        def __init__(self, answer: Any) -> None:
            super().__init__()
            self.answer = answer

        def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
            return self.answer

    env = sd_env.solo_env(LIVELY, others=Wrong(np.zeros((2, 5), np.int64)))
    env.reset(seed=0)
    with pytest.raises(ValueError, match=r"policy Wrong: act gave int64 \(2, 5\); integers \(1, 5\) are needed"):
        env.step([0, 0, 0, 1, 1])
    env = sd_env.solo_env(LIVELY, others=Wrong(np.full((1, 5), 3)))
    env.reset(seed=0)
    with pytest.raises(ValueError, match="policy Wrong: act gave 3 for build_offense; 0 to 2 are allowed"):
        env.step([0, 0, 0, 1, 1])


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (None, "action of state_1: None has shape"),
        ([0, 0, 0, 1], r"has shape \(4,\), but allowed is \(5,\)"),
        ([0, 0, 0, 4, 1], "state_1, head stance toward state_0: 4 is not among"),
        (np.full(5, np.nan), "state_1, head build_offense: nan is not among"),
    ],
)
def test_bad_actions_are_refused_and_change_nothing(action: Any, message: str) -> None:
    env, reference = sd_env.solo_env(STEADY, seat=1), sd_env.solo_env(STEADY, seat=1)
    env.reset(seed=0)
    reference.reset(seed=0)
    with pytest.raises(ValueError, match=message):
        env.step(action)
    for turn in range(4):  # nor have the other policies lost a draw
        np.testing.assert_equal(env.step(script(0, turn, 1, 3)), reference.step(script(0, turn, 1, 3)))


def test_calls_out_of_order_are_refused() -> None:
    env = sd_env.solo_env(LIVELY, overrides={"horizon": 1})
    with pytest.raises(ResetNeeded, match="no episode has begun: call reset"):
        env.step([0, 0, 0, 1, 1])
    with pytest.raises(ValueError, match="seed: -1 is not allowed"):
        env.reset(seed=-1)
    env.reset(seed=0)
    env.step([0, 0, 0, 1, 1])
    with pytest.raises(ResetNeeded, match="the episode is over: call reset"):
        env.step([0, 0, 0, 1, 1])
    env.close()
    env.close()


@pytest.mark.parametrize(
    "clone", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))], ids=["deepcopy", "pickle"]
)
def test_a_copy_continues_identically(clone: Any) -> None:
    env = sd_env.solo_env(STEADY, dict_observation=True)
    env.reset(seed=0)
    for turn in range(3):
        env.step(script(0, turn, 0, 3))
    twin = clone(env)
    for turn in range(3, 6):
        np.testing.assert_equal(twin.step(script(0, turn, 0, 3)), env.step(script(0, turn, 0, 3)))
    assert twin.events == env.events
    np.testing.assert_equal(twin.reset(), env.reset())
    np.testing.assert_equal(twin.step(script(1, 0, 0, 3)), env.step(script(1, 0, 0, 3)))


@pytest.mark.parametrize("n", [2, 3, 16])
def test_random_policy_is_uniform_over_legal_actions(n: int) -> None:
    policy = sd_env.RandomPolicy()
    policy.reset(0)
    sizes, rows = layout.action_sizes(n), 6000
    mask = np.ones((rows, layout.mask_size(n)), np.int8)
    mask[:, [1, 5, 9, 12]] = 0  # build half, full defence, and the first stance's align and attack
    actions = policy.act(np.zeros((rows, 4), np.float32), mask)
    assert actions.shape == (rows, len(sizes)) and actions.dtype == np.int64
    start = 0
    for head, size in enumerate(sizes):
        legal = mask[0, start : start + size]
        counts = np.bincount(actions[:, head], minlength=size)
        assert (counts[legal == 0] == 0).all()
        np.testing.assert_allclose(counts[legal == 1] / rows, 1 / legal.sum(), atol=0.03)
        start += size
    policy.reset(0)
    np.testing.assert_array_equal(policy.act(np.zeros((rows, 4), np.float32), mask), actions)
