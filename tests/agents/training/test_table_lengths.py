"""Learners of different lengths: the finished play on as they learned to, the others see the worlds as they stand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch as th
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecNormalize

from agents.policies.protocol import RandomPolicy
from agents.training.table import Seat, Table
from sd_env import layout
from tests.side_by_side import A2C_, PPO_, Scripted, noops, same, scenario, weights

pytestmark = pytest.mark.usefixtures("no_hang")


def test_learners_of_different_lengths_finish_and_play_on() -> None:
    table = Table(scenario(), {"state_0": PPO_, "state_1": A2C_, "others": RandomPolicy()}, num_worlds=4, seed=3)
    table.learn({"state_0": 32, "state_1": 200})
    assert [table.learners[name].num_timesteps for name in ("state_0", "state_1")] == [32, 200]
    finished = weights(table.learners["state_0"])
    table.learn({"state_0": 0, "state_1": 200})
    assert same(finished, weights(table.learners["state_0"]))
    assert table.learners["state_1"].num_timesteps == 200


class _FirstObservations(BaseCallback):
    """Keeps what the learner believes it sees at the start of each rollout, and what its worlds show."""

    def __init__(self, table: Callable[[], Table], name: str) -> None:
        super().__init__()
        self.table, self.name = table, name
        self.pairs: list[tuple[np.ndarray, np.ndarray]] = []

    def _on_rollout_start(self) -> None:
        self.pairs.append((np.array(self.model._last_obs), self.table().seats[self.name].observe()))

    def _on_step(self) -> bool:
        return True


def test_a_learner_that_goes_on_sees_the_worlds_as_they_stand() -> None:
    table = Table(scenario(), {"state_0": PPO_, "state_1": A2C_, "others": RandomPolicy()}, num_worlds=4, seed=3)
    watch = _FirstObservations(lambda: table, "state_0")
    table.learn({"state_0": 32, "state_1": 200})
    table.learn(64, each={"state_0": {"callback": watch}}, reset_num_timesteps=False)
    assert table.learners["state_0"].num_timesteps == 96
    assert len(watch.pairs) == 2
    for believed, shown in watch.pairs:
        np.testing.assert_array_equal(believed, shown)


def test_a_frozen_learner_acts_by_its_policy() -> None:
    """One that finishes at once leaves its first weights in play: all its draws are the untrained policy's."""
    game = scenario(n_states=2)
    kept: list[np.ndarray] = []

    def choose(masks: np.ndarray) -> np.ndarray:
        kept.append(table.worlds.states["build_offense"][:, 0].copy())
        return np.tile(layout.noop(2), (len(masks), 1))

    def sure(seat: Seat) -> Any:
        learner = PPO_(seat)
        with th.no_grad():
            learner.policy.action_net.weight.zero_()
            learner.policy.action_net.bias.zero_()
            learner.policy.action_net.bias[layout.Build.FULL] = 50.0
        return learner

    seats = {"state_0": sure, "state_1": lambda seat: Scripted(seat, turns=4, choose=choose)}
    table = Table(game, seats, num_worlds=4, seed=3)
    table.learn({"state_0": 0, "state_1": 1})
    assert (np.array(kept[1:]) == layout.Build.FULL).all() and len(kept) == 4


def test_a_frozen_learner_sees_through_its_own_normalisation() -> None:
    def normal(seat: Seat) -> Any:
        return PPO_(VecNormalize(seat))

    table = Table(scenario(), {"state_0": normal, "others": A2C_}, num_worlds=4, seed=3)
    table.learn({"state_0": 32, "others": 200})
    learner = table.learners["state_0"]
    asked: list[np.ndarray] = []
    predict = learner.policy.predict
    learner.policy.predict = lambda seen, *rest: asked.append(seen) or predict(seen, *rest)  # type: ignore[func-returns-value]
    table.learn({"state_0": 0, "others": 200})
    assert asked and max(float(np.abs(seen).max()) for seen in asked) <= 10.0  # VecNormalize's clip


def test_one_who_resets_alone_does_not_end_the_others_episodes() -> None:
    class Restless(Scripted):
        def learn(self, total_timesteps: int) -> None:
            self.seen.append(self.seat.reset())
            for _ in range(3):
                self.seat.step(noops(self.seat.num_envs))
                self.seen.append(self.seat.reset())

    seats = {"state_0": Restless, "others": lambda seat: Scripted(seat, turns=4)}
    table = Table(scenario(), seats, num_worlds=4, seed=3).learn(1)
    assert [int(obs[0, layout.Own.TURN]) for obs in table.learners["state_0"].seen] == [0, 1, 2, 3]
    assert not any(step[2].any() for step in table.learners["others"].seen[1:])


def test_all_who_reset_begin_new_episodes() -> None:
    table = Table(scenario(), {"state_0": Scripted, "others": Scripted}, num_worlds=4, seed=3)
    table.learn(1).learn(1)
    first, second = table.learners["state_0"].seen[0], table.learners["state_0"].seen[13]
    assert (first[:, layout.Own.TURN] == 0).all() and (second[:, layout.Own.TURN] == 0).all()
    assert not np.array_equal(first, second)
