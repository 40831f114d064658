"""Policies and pools at the table of learners, and learners that sit elsewhere in each world."""

from __future__ import annotations

import numpy as np
import pytest

from agents.policies.protocol import NeverAttackPolicy, RandomPolicy
from agents.table.population import Pool
from agents.training.table import Table
from sd_env.worlds import Worlds
from tests.side_by_side import HORIZON, Scripted, noops, scenario

pytestmark = pytest.mark.usefixtures("no_hang")


class Watcher(RandomPolicy):
    """Keeps what it is shown."""

    memory = 0

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self.shown: list[np.ndarray] = []

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        self.shown.append(observation.copy())
        return super().act(observation, mask)


def test_one_policy_in_two_seats_plays_each_by_itself() -> None:
    watcher = Watcher()
    seats = {"state_0": watcher, "state_1": Scripted, "state_2": watcher}
    table = Table(scenario(), seats, num_worlds=4, seed=3).learn(1)
    assert [shown.shape[0] for shown in watcher.shown] == [4] * 12
    first = Worlds(table.scenario, 4, seed=3).observations
    np.testing.assert_array_equal(watcher.shown[0], first[:, 0])


def test_members_of_a_pool_share_the_rows_and_keep_them_for_whole_episodes() -> None:
    forgetful, mindful = Watcher(1), Watcher(2)
    mindful.memory = 3
    pool = Pool({"forgetful": forgetful, "mindful": mindful}, {"forgetful": 1, "mindful": 3})
    held: list[list[str]] = []
    seats = {"state_0": lambda seat: Scripted(seat, turns=3 * HORIZON, choose=note), "others": pool}

    def note(masks: np.ndarray) -> np.ndarray:
        held.append(pool.playing())
        return noops(len(masks))

    Table(scenario(), seats, num_worlds=40, seed=3).learn(1)
    held = held[1:]  # nobody is seated before the first turn
    for turn, (now, then) in enumerate(zip(held[1:], held[:-1], strict=True), start=2):
        assert (now == then) == ((turn - 1) % HORIZON != 0)
    assert all(len(shown) == 80 for shown in mindful.shown)  # every row, every turn
    assert [len(shown) for shown in forgetful.shown[: len(held)]] == [names.count("forgetful") for names in held]
    share = np.mean([names.count("mindful") / 80 for names in held[::HORIZON]])
    assert share == pytest.approx(0.75, abs=4 * np.sqrt(0.1875 / 240))


def test_rotating_learners_sit_in_another_state_of_each_world() -> None:
    table = Table(scenario(), {"rotating": Scripted, "others": NeverAttackPolicy()}, num_worlds=7, seed=3).learn(1)
    first = Worlds(table.scenario, 7, seed=3).observations
    expected = np.stack([first[b, b % 3] for b in range(7)])
    np.testing.assert_array_equal(table.learners["rotating"].seen[0], expected)
