"""One seed gives one result: learners at a table draw by themselves, and leave the caller's generators alone."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import torch as th

from agents.training.streams import Streams
from agents.training.table import Seat, Table
from sd_env import layout
from tests.side_by_side import A2C_, PPO_, Scripted, same, scenario, side_by_side, weights

pytestmark = pytest.mark.usefixtures("no_hang")


def test_one_seed_gives_one_result_whatever_was_drawn_before() -> None:
    first = side_by_side().learn(200)
    th.rand(7), np.random.rand(3), random.random()
    second = side_by_side().learn(200)
    other = side_by_side(seed=4).learn(200)
    for name in first.learners:
        assert same(weights(first.learners[name]), weights(second.learners[name]))
        assert not same(weights(first.learners[name]), weights(other.learners[name]))
    assert not same(weights(first.learners["state_0"])[:1], weights(other.learners["state_0"])[:1])


def test_what_one_learner_draws_does_not_move_another() -> None:
    """Seats that meet only in the worlds: another algorithm beside it changes nothing where no deed can be seen."""

    def final(beside: Any) -> list[np.ndarray]:
        actions = {"build_offense": ["none"], "build_defense": ["none"], "signal": ["silence"], "stance": ["neutral"]}
        game = scenario(n_states=2, **{f"actions.{head}": choices for head, choices in actions.items()})
        table = Table(game, {"state_0": PPO_, "state_1": beside}, num_worlds=4, seed=1)
        return weights(table.learn(100).learners["state_0"])

    def greedy_for_chance(seat: Seat) -> Any:
        def choose(masks: np.ndarray) -> np.ndarray:
            th.rand(3), np.random.rand(2), random.random()
            return np.tile(layout.noop(2), (len(masks), 1))

        return Scripted(seat, turns=40, choose=choose)

    assert same(final(A2C_), final(greedy_for_chance))


def test_the_callers_generators_are_left_as_they_were() -> None:
    th.manual_seed(1), np.random.seed(1), random.seed(1)
    np.random.randn()  # leaves a spare number behind
    expected = np.random.get_state(legacy=False), th.get_rng_state(), random.getstate()
    side_by_side().learn(60)
    numpy, torch, python = np.random.get_state(legacy=False), th.get_rng_state(), random.getstate()
    assert numpy["has_gauss"] == 1 and numpy["gauss"] == expected[0]["gauss"]
    assert np.array_equal(numpy["state"]["key"], expected[0]["state"]["key"])
    assert th.equal(torch, expected[1]) and python == expected[2]


def test_the_order_of_the_mapping_does_not_matter() -> None:
    a = side_by_side().learn(100)
    b = Table(scenario(continuation=0.9), {("state_2", "state_1"): A2C_, "state_0": PPO_}, num_worlds=4, seed=3)
    b.learn(100)
    assert same(weights(a.learners["state_0"]), weights(b.learners["state_0"]))
    assert same(weights(a.learners["state_1+state_2"]), weights(b.learners["state_2+state_1"]))


def test_overlapping_learners_learn_too() -> None:
    table = side_by_side(overlap=True)
    before = {name: weights(learner) for name, learner in table.learners.items()}
    table.learn(200)
    for name, learner in table.learners.items():
        assert learner.num_timesteps >= 200 and not same(before[name], weights(learner))


def test_streams_come_back_from_their_arrays() -> None:
    streams, again = Streams(), Streams()
    streams.open("a", 5), again.open("a", 6)

    def draw() -> tuple[float, float, float, float]:
        return random.gauss(0, 1), np.random.rand(), np.random.randn(), th.rand(1).item()

    with streams.inside("a"):
        draw()
    again.restore("a", streams.snapshot("a"))
    with streams.inside("a"):
        expected = [draw() for _ in range(3)]
    with again.inside("a"):
        assert [draw() for _ in range(3)] == expected
