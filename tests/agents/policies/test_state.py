"""What policies remember is put into arrays and given back, and they go on as if nothing had been."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch as th

from agents.policies.protocol import Policy, RandomPolicy
from agents.policies.state import capture, recall
from sd_env.scenario import Scenario
from sd_env.worlds import Worlds

N = 3


def everyone() -> list[str]:
    import agents

    return list(agents.names())


@pytest.mark.parametrize("name", everyone())
def test_every_strategys_memory_survives_a_checkpoint(name: str) -> None:
    """Two objects of one strategy, the second given the first's memory in the midst of episodes, go on as one."""
    import agents

    first, second = agents.make(name), agents.make(name)
    first.reset(3)
    worlds = Worlds(Scenario.load("jervis/doubly-dangerous", {"n_states": N, "horizon": 9}), 4, seed=1, autoreset=True)
    others = RandomPolicy(8)

    def play(policies: list[Policy], turns: int) -> None:
        for _ in range(turns):
            seen, masks = worlds.observations.reshape(4 * N, -1), worlds.masks.reshape(4 * N, -1)
            actions = others.act(seen, masks)
            answers = [policy.act(seen[::N].copy(), masks[::N].copy()) for policy in policies]
            for answer in answers[1:]:
                np.testing.assert_array_equal(answer, answers[0])
            actions[::N] = answers[0]
            worlds.step(actions.reshape(4, N, -1))

    play([first], 5)
    memory = capture(first)
    assert all(array.dtype != object for array in memory.values())
    recall(second, memory)
    play([first, second], 12)


def test_memories_hold_arrays_numbers_and_generators_and_refuse_the_rest() -> None:
    class Mind:
        def __init__(self) -> None:
            self.values: dict[Any, Any] = {"f": 0.5, 3: [1, (None, "x", True)], "scalar": np.float32(0.1)}
            self.array, self.tensor = np.arange(3), th.arange(4.0)
            self.numbers, self.bits = np.random.default_rng(1), th.Generator().manual_seed(1)
            self.act = len

    mind, empty = Mind(), Mind()
    mind.array[0], mind.values["f"] = 9, float("inf")
    mind.numbers.random(), th.rand(2, generator=mind.bits)
    recall(empty, capture(mind))
    assert empty.values == mind.values and isinstance(empty.values["scalar"], np.float32)
    np.testing.assert_array_equal(empty.array, mind.array)
    assert th.equal(empty.tensor, mind.tensor) and empty.numbers.random() == mind.numbers.random()
    assert th.equal(th.rand(2, generator=empty.bits), th.rand(2, generator=mind.bits))
    mind.values["bad"] = np.array([object()])
    with pytest.raises(ValueError, match=r"Mind.values\['bad'\] is an array of objects"):
        capture(mind)
    mind.values["bad"] = {1, 2}
    with pytest.raises(ValueError, match=r"Mind.values\['bad'\] is a set, which a checkpoint cannot hold"):
        capture(mind)
