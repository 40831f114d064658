"""Learners' doors are as strict as the game's own; and those of stable-baselines3 open without more words."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pettingzoo
import pytest
from sb3_contrib import MaskablePPO
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env

import sd_env
from agents.training.seat_vector import SeatVectorEnv
from agents.training.seats import WorldsVecEnv
from agents.training.table import Table
from tests.sd_env.test_choices import NUMBERS, ODD, rows

TINY: dict[str, Any] = {"n_steps": 8, "batch_size": 8, "device": "cpu"}


class Sends:
    """A learner that sends one array of actions and has learned enough."""

    def __init__(self, seat: Any, actions: np.ndarray, vector: bool = False) -> None:
        self.seat, self.actions, self.vector = seat, actions, vector

    def learn(self, total_timesteps: int, **keywords: Any) -> None:
        env: Any = SeatVectorEnv(self.seat) if self.vector else self.seat
        env.reset()
        env.step(self.actions.reshape(8, 4))


@pytest.mark.parametrize("odd", ODD)
def test_what_is_no_choice_is_refused(odd: str) -> None:
    alone = WorldsVecEnv("jervis/intense", num_worlds=4, seed=1)
    alone.reset()
    with pytest.raises(ValueError):
        alone.step(ODD[odd].reshape(8, 4))
    for vector in (False, True):
        table = Table("jervis/intense", {"all": lambda seat, v=vector: Sends(seat, ODD[odd], v)}, num_worlds=4, seed=1)
        with pytest.raises(ValueError):
            table.learn(8)


def test_what_is_one_is_played_and_other_shapes_are_refused() -> None:
    alone = WorldsVecEnv("jervis/intense", num_worlds=4, seed=1)
    alone.reset()
    alone.step(rows(1, np.int8).reshape(8, 4))
    for shape in ((32,), (4, 2, 4), (4, 8)):
        with pytest.raises(ValueError, match=r"\(8, 4\) is needed"):
            alone.step(rows(1, np.int64).reshape(shape))


@pytest.mark.parametrize("value", NUMBERS, ids=repr)
def test_sizes_and_seeds_that_are_no_whole_numbers_are_refused(value: Any) -> None:
    for make in (
        lambda: WorldsVecEnv("jervis/intense", value),
        lambda: Table("jervis/intense", {"all": lambda seat: Sends(seat, rows(1))}, num_worlds=value),
    ):
        with pytest.raises(ValueError, match="num_worlds is .* a whole number from 1"):
            make()
    if value is not None:
        with pytest.raises(ValueError, match="seed is .* a whole number from 0"):
            WorldsVecEnv("jervis/intense", 2).seed(value)


def test_masks_are_found_where_sb3_contrib_looks() -> None:
    env = sd_env.solo_env("jervis/intense", seat=1)
    env.reset(seed=1)
    mask = env.action_masks()
    assert mask.dtype == np.bool_ and np.array_equal(mask, env.game.worlds.masks[0, 1] == 1)
    assert not mask.all()  # nobody may attack at once
    MaskablePPO("MlpPolicy", env, **TINY).learn(8)
    MaskablePPO("MlpPolicy", make_vec_env("sd_env/Solo-v0", 2), **TINY).learn(16)


@pytest.mark.filterwarnings("ignore::UserWarning")  # gymnasium's, of the pictures that make_vec_env asks for
def test_the_ids_work_with_nothing_but_a_name() -> None:
    assert make_vec_env("sd_env/Solo-v0", 2, env_kwargs={"scenario": "jervis/intense"}).reset().shape[0] == 2
    PPO("MlpPolicy", "sd_env/Solo-v0", **TINY).learn(8)
    assert gymnasium.make("sd_env/Solo-v0").unwrapped.scenario.name == "jervis/doubly-dangerous"  # type: ignore[attr-defined]
    assert gymnasium.make_vec("sd_env/Vector-v0", num_envs=4).reset(seed=1)[0].shape[0] == 4
    for kind in ("parallel", "aec"):
        pettingzoo.make(kind, "sd_env/World-v0").reset(seed=1)


def test_a_render_mode_that_is_not_there_is_a_bad_value() -> None:
    with pytest.raises(ValueError, match="'film' is not allowed; allowed are None, 'ansi', 'human', 'rgb_array'"):
        sd_env.solo_env("jervis/intense", render_mode="film")
