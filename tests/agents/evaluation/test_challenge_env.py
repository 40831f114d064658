"""Challenges as environments: the same game as the evaluation's, and nothing hidden can be reached or changed there."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pettingzoo.test import parallel_api_test

from agents.evaluation.challenges import challenges, load_challenge
from agents.evaluation.challenges.environments import ChallengeEnv, SoloChallengeEnv, challenge_env
from agents.evaluation.challenges.suite import play_challenge
from agents.policies.registry import make
from agents.policies.specs import policy_from
from sd_env import layout

#: Two seats, a mixture and several focal states between them.
SOME = ["reassured-in-danger", "mixed-society", "appeasement"]


def played(policy: Any, name: str, seed: int = 1, worlds: int = 4) -> pd.DataFrame:
    return play_challenge(
        label="mine", training_seed=math.nan, policy=policy, name=name, seed=seed, worlds=worlds, trust=False
    )


# --- environments -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", challenges())
def test_every_challenge_is_an_environment_of_its_focal_states(name: str) -> None:
    chosen, env = load_challenge(name), challenge_env(name)
    if len(chosen.focal_seats) == 1:
        assert isinstance(env, SoloChallengeEnv) and env.seat == chosen.focal_seats[0]
        observation, info = env.reset(seed=0)
        assert env.observation_space.contains(observation)
        assert env.step(env.action_space.sample(info["action_mask"]))[1] != 0.0
    else:
        assert isinstance(env, ChallengeEnv)
        assert env.possible_agents == [chosen.game.agents[seat] for seat in chosen.focal_seats]
        parallel_api_test(env, num_cycles=20)


def whole_episode(env: SoloChallengeEnv | ChallengeEnv, seed: int | None, policy: str = "tit-for-tat") -> list[Any]:
    """Observations and rewards of an episode in which the policy plays the focal seats."""
    player = policy_from(policy)
    player.reset(0)
    seen: list[Any] = []
    if isinstance(env, SoloChallengeEnv):
        observation, info = env.reset(seed=seed)
        ended = False
        while not ended:
            action = player.act(observation[None], info["action_mask"][None])[0]
            observation, reward, terminated, truncated, info = env.step(action)
            seen.append((observation.copy(), reward))
            ended = terminated or truncated
        return seen
    observations, infos = env.reset(seed=seed)
    while env.agents:
        names = env.agents
        stacked = np.stack([observations[name] for name in names])
        masks = np.stack([infos[name]["action_mask"] for name in names])
        chosen = dict(zip(names, player.act(stacked, masks), strict=True))
        observations, rewards, _, _, infos = env.step(chosen)
        seen.append(({name: row.copy() for name, row in observations.items()}, rewards))
    return seen


@pytest.mark.parametrize("name", [*SOME, "passed-bucks"])
def test_episodes_of_an_environment_follow_from_its_seed(name: str) -> None:
    first, again = challenge_env(name), challenge_env(name)
    one = [whole_episode(first, 5), whole_episode(first, None)]
    np.testing.assert_equal([whole_episode(again, 5), whole_episode(again, None)], one)
    with pytest.raises(AssertionError):
        np.testing.assert_equal(whole_episode(challenge_env(name), 6), one[0])


@pytest.mark.parametrize("name", ["passed-bucks", "appeasement", "reassured-in-danger"])
def test_environment_and_evaluation_play_the_same_game(name: str) -> None:
    """Where nobody draws: the environment's episode of a seed is world 0 of the evaluation."""
    played_out, frame = whole_episode(challenge_env(name), 11), played("tit-for-tat", name, seed=11, worlds=1)
    chosen = load_challenge(name)
    for seat in chosen.focal_seats:
        agent = chosen.game.agents[seat]
        total = sum(reward[agent] if isinstance(reward, dict) else reward for _, reward in played_out)
        assert total == pytest.approx(frame[f"return_{seat}"][0])


def test_several_focal_states_all_act_and_nobody_else() -> None:
    env = challenge_env("appeasement")
    assert isinstance(env, ChallengeEnv)
    _, infos = env.reset(seed=0)
    actions = {agent: env.action_space(agent).sample(infos[agent]["action_mask"]) for agent in env.agents}
    with pytest.raises(ValueError, match="actions has none for agent 'focal_2'"):
        env.step({"focal_1": actions["focal_1"]})
    with pytest.raises(ValueError, match="actions names 'predator'"):
        env.step({**actions, "predator": actions["focal_1"]})
    assert set(env.step(actions)[0]) == {"focal_1", "focal_2"}


# --- nothing hidden can be reached or changed -------------------------------------------------------------------


class Spy:
    """Plays a dove, and tries to reach and to change the world through the arrays that it is given."""

    name = "spy"
    memory = 0

    def __init__(self, spoils: bool) -> None:
        self._spoils, self._dove = spoils, make("dove")
        self._kept: list[np.ndarray] = []
        self.reached: list[Any] = []

    def reset(self, seed: int | None = None) -> None:
        self._dove.reset(seed or 0)

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        actions = self._dove.act(observation.copy(), mask.copy())
        if self._spoils:
            for array in (observation, mask):
                if array.base is not None:
                    self.reached.append(array.base)
                if not array.flags.owndata:
                    self.reached.append(array)
                self._kept.append(array)
            for array in self._kept:  # those of earlier turns too
                array[...] = np.ones((), array.dtype)
        return actions


@pytest.mark.parametrize("name", SOME)
def test_a_spy_in_the_focal_seats_reaches_nothing_and_changes_nothing(name: str) -> None:
    spy = Spy(spoils=True)
    pd.testing.assert_frame_equal(played(spy, name), played(Spy(spoils=False), name))
    assert spy._kept and spy.reached == []


@pytest.mark.parametrize("name", [*SOME, "isolated-neighbours"])
@pytest.mark.parametrize("dict_observation", [False, True])
def test_a_spy_in_an_environment_reaches_nothing_and_changes_nothing(name: str, dict_observation: bool) -> None:
    def play(spoil: bool) -> list[Any]:
        env, given, seen = challenge_env(name, dict_observation=dict_observation), [], []
        solo = isinstance(env, SoloChallengeEnv)
        shown, told = env.reset(seed=4)
        rng = np.random.default_rng(0)
        for _ in range(10):
            for leaf in leaves((shown, told)):
                assert leaf.base is None and leaf.flags.owndata
                given.append(leaf)
            seen.append([leaf.copy() for leaf in leaves((shown, told))])
            if spoil:
                for leaf in given:
                    leaf[...] = 1
            sizes = layout.action_sizes(env.challenge.game.n_states)
            if solo:
                shown, reward, _, _, told = env.step(rng.integers(0, sizes))
            else:
                shown, reward, _, _, told = env.step({agent: rng.integers(0, sizes) for agent in env.agents})
            seen.append(reward)
        return seen

    np.testing.assert_equal(play(True), play(False))


def leaves(value: Any) -> list[np.ndarray]:
    if isinstance(value, np.ndarray):
        return [value]
    items = value.values() if isinstance(value, dict) else value
    return [leaf for item in items for leaf in leaves(item)]


@pytest.mark.parametrize("name", SOME)
def test_infos_hold_the_mask_alone(name: str) -> None:
    env = challenge_env(name)
    told = env.reset(seed=0)[1]
    infos = [told] if isinstance(env, SoloChallengeEnv) else list(told.values())
    assert all(set(info) == {"action_mask"} for info in infos)
    if isinstance(env, ChallengeEnv):
        with pytest.raises(NotImplementedError):
            env.state()


def test_types_of_residents_do_not_show_before_their_deeds() -> None:
    """Greedy or not, residents that act alike look alike: the focal state's observations are the same, bit for bit."""
    data = load_challenge("visitor-among-doves").model_dump()
    seen = []
    for greed in (0.0, 2.0):
        changed = type(load_challenge("visitor-among-doves")).model_validate(
            {**data, "overrides": {**data["overrides"], "states.greed": {"visitor": 0.0, "default": greed}}}
        )
        seen.append([observation for observation, _ in whole_episode(challenge_env(changed), 3)])
    np.testing.assert_equal(seen[0], seen[1])
