"""Learners side by side: each learns what it would in the worlds alone, all is counted once, and snapshots go on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from sb3_contrib import MaskablePPO, RecurrentPPO
from stable_baselines3 import A2C

from agents.policies.protocol import RandomPolicy
from agents.table.metrics import tally_rows
from agents.table.population import Pool
from agents.training.seats import WorldsVecEnv
from agents.training.table import Table
from sd_env import layout
from sd_env.worlds import Worlds
from tests.side_by_side import HORIZON, PPO_, Scripted, noops, same, scenario, weights

pytestmark = pytest.mark.usefixtures("no_hang")


@pytest.mark.parametrize(
    "make",
    [
        PPO_,
        partial(A2C, "MlpPolicy", device="cpu"),
        partial(MaskablePPO, "MlpPolicy", n_steps=8, batch_size=16, n_epochs=2, device="cpu"),
        partial(RecurrentPPO, "MlpLstmPolicy", n_steps=8, batch_size=16, n_epochs=2, device="cpu",
                policy_kwargs={"lstm_hidden_size": 8}),
    ],
    ids=["PPO", "A2C", "MaskablePPO", "RecurrentPPO"],
)  # fmt: skip
def test_a_lone_learner_in_all_seats_learns_what_it_learns_in_the_worlds(make: Any) -> None:
    game = scenario(continuation=0.9)
    alone = make(WorldsVecEnv(game, 3, seed=4), seed=4)
    for _ in range(2):  # a second learn() begins new episodes
        alone.learn(150)
    table = Table(game, {"all": partial(make, seed=4)}, num_worlds=3, seed=4)
    for _ in range(2):
        table.learn(150)
    assert same(weights(alone), weights(table.learners["all"]))
    assert list(alone.ep_info_buffer)[-1]["r"] == list(table.learners["all"].ep_info_buffer)[-1]["r"]


def test_seats_show_the_slots_of_their_states_and_agree_with_the_worlds() -> None:
    rng = np.random.default_rng(0)
    sizes = layout.action_sizes(3)
    plan = rng.integers(0, sizes, size=(12, 4, 3, len(sizes)))
    turn = {"state_1": iter(plan), "state_0+state_2": iter(plan)}
    states = {"state_1": [1], "state_0+state_2": [0, 2]}

    def chooses(name: str) -> Callable[[np.ndarray], np.ndarray]:
        return lambda masks: next(turn[name])[:, states[name]].reshape(len(masks), -1)

    game = scenario(continuation=0.8)
    table = Table(
        game,
        {
            "state_1": lambda seat: Scripted(seat, choose=chooses("state_1")),
            ("state_0", "state_2"): lambda seat: Scripted(seat, choose=chooses("state_0+state_2")),
        },
        num_worlds=4, seed=9,
    ).learn(0)  # fmt: skip
    whole = WorldsVecEnv(game, 4, seed=9)
    shown = [whole.reset()] + [whole.step(actions.reshape(12, -1)) for actions in plan]
    for name, mine in states.items():
        slots = [3 * b + i for b in range(4) for i in mine]
        learner = table.learners[name]
        np.testing.assert_array_equal(learner.seen[0], shown[0][slots])
        ended = 0
        for (obs, rewards, dones, infos), theirs in zip(learner.seen[1:], shown[1:], strict=True):
            np.testing.assert_array_equal(obs, theirs[0][slots])
            np.testing.assert_array_equal(rewards, theirs[1][slots])
            np.testing.assert_array_equal(dones, theirs[2][slots])
            for info, expected in zip(infos, [theirs[3][slot] for slot in slots], strict=True):
                assert info.keys() == expected.keys()
                if info:
                    ended += 1
                    np.testing.assert_array_equal(info["terminal_observation"], expected["terminal_observation"])
                    assert info["TimeLimit.truncated"] == expected["TimeLimit.truncated"]
                    assert {k: info["episode"][k] for k in "rl"} == {k: expected["episode"][k] for k in "rl"}
        assert ended > 4
    np.testing.assert_array_equal(table.take_totals()[0], whole.take_totals()[0])


# --- accounts and snapshots ---------------------------------------------------------------------------------


def test_totals_count_each_world_once_however_many_sit_at_it() -> None:
    seats = {"state_0": Scripted, "state_1": Scripted, "state_2": RandomPolicy(5)}
    table = Table(scenario(), seats, num_worlds=4, seed=3).learn(1)
    totals, episodes = table.take_totals()
    assert episodes == 8 and totals[layout.TALLY.index("turns")] == 8 * HORIZON
    assert totals[layout.TALLY.index("pair_turns")] <= 8 * HORIZON * 6
    lone = Table(scenario(), {"all": Scripted}, num_worlds=4, seed=3).learn(1)
    twin = Worlds(lone.scenario, 4, seed=3)
    for _ in range(HORIZON):
        twin.step(noops(12).reshape(4, 3, -1))
    expected = tally_rows(twin.worlds).sum(axis=0)
    assert lone.take_totals()[0][0] == 2 * expected[0]


def test_a_restored_table_goes_on_as_the_first_would() -> None:
    def table() -> Table:
        pool = Pool({"random": RandomPolicy(), "grim-trigger": "grim-trigger"}, {"random": 1, "grim-trigger": 2})
        seats = {"state_0": lambda seat: Scripted(seat, 7, draw), "state_1": "generous-tit-for-tat", "state_2": pool}
        return Table(scenario(continuation=0.9), seats, num_worlds=6, seed=3)

    def draw(masks: np.ndarray) -> np.ndarray:
        return np.random.randint(0, layout.action_sizes(3), size=(len(masks), 5))

    first, second = table(), table()
    first.learn(1)
    taken = first.snapshot()
    assert all(array.dtype != object for array in taken.values())
    second.restore(taken)
    first.learn(1), second.learn(1)
    mine, theirs = first.learners["state_0"].seen[9:], second.learners["state_0"].seen[1:]
    for a, b in zip(mine, theirs, strict=True):
        for x, y in zip(a[:3], b[:3], strict=True):
            np.testing.assert_array_equal(x, y)
    np.testing.assert_array_equal(first.take_totals()[0], second.take_totals()[0])
    with pytest.raises(ValueError, match="it has no seat rotating"):
        Table(scenario(), {"rotating": Scripted, "others": RandomPolicy()}, num_worlds=6, seed=3).restore(taken)


def test_gathering_is_done_once_and_by_all() -> None:
    done: list[int] = []

    class Gathers(Scripted):
        def learn(self, total_timesteps: int) -> None:
            super().learn(total_timesteps)
            self.seat.gather(lambda: done.append(1))
            super().learn(total_timesteps)

    Table(scenario(), {"state_0": Gathers, "others": Gathers}, num_worlds=4, seed=3).learn(1)
    assert done == [1]
    late = Table(scenario(), {"state_0": Gathers, "others": lambda seat: Scripted(seat, 30)}, num_worlds=4, seed=3)
    with pytest.raises(RuntimeError, match="Some learners have gathered between turns while others waits for a turn"):
        late.learn(1)
