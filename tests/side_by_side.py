"""Learners side by side at a table: small games, learners of the usual kind, and one that plays what it is told."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from stable_baselines3 import A2C, PPO

from agents.training.table import Seat, Table
from sd_env import layout
from sd_env.scenario import Scenario

HORIZON = 5
PPO_ = partial(PPO, "MlpPolicy", n_steps=8, batch_size=8, n_epochs=2, device="cpu")
A2C_ = partial(A2C, "MlpPolicy", n_steps=5, device="cpu")


def scenario(**overrides: Any) -> Scenario:
    return Scenario.load("jervis/doubly-dangerous", {"horizon": HORIZON, "n_states": 3} | overrides)


def weights(learner: Any) -> list[np.ndarray]:
    return [tensor.numpy().copy() for tensor in learner.policy.state_dict().values()]


def same(a: list[np.ndarray], b: list[np.ndarray]) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


class Scripted:
    """A learner of its own kind: plays what it is told, and keeps what its seat showed."""

    def __init__(self, seat: Seat, turns: int = 12, choose: Callable[[np.ndarray], np.ndarray] | None = None) -> None:
        self.seat, self.turns = seat, turns
        self.choose = choose or (lambda masks: noops(len(masks)))
        self.seen: list[Any] = []

    def learn(self, total_timesteps: int) -> None:
        self.seen.append(self.seat.reset())
        for _ in range(self.turns):
            self.seen.append(self.seat.step(self.choose(self.seat.action_masks())))

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        return noops(len(observation))

    def reset(self, seed: int | None = None) -> None:
        pass


def noops(rows: int) -> np.ndarray:
    return np.tile(layout.noop(3), (rows, 1))


def side_by_side(seed: int = 3, **options: Any) -> Table:
    seats = {"state_0": PPO_, ("state_1", "state_2"): A2C_}
    return Table(scenario(continuation=0.9), seats, num_worlds=4, seed=seed, **options)
