"""A table ends with the traceback of who raised, stops at Ctrl-C, and refuses seats and calls in one sentence."""

from __future__ import annotations

import signal
import traceback
from typing import Any

import numpy as np
import pytest
from stable_baselines3.common.callbacks import BaseCallback

from agents.policies.protocol import RandomPolicy
from agents.training.table import Seat, Table
from tests.side_by_side import A2C_, PPO_, noops, scenario, side_by_side

pytestmark = pytest.mark.usefixtures("no_hang")


class Trips(BaseCallback):
    """Fails on its third step."""

    def _on_step(self) -> bool:
        if self.n_calls == 3:
            self.stumble()
        return True

    def stumble(self) -> None:
        raise ZeroDivisionError("the third step")


@pytest.mark.parametrize("overlap", [False, True])
@pytest.mark.parametrize("who", ["state_0", "state_1+state_2"])
def test_one_who_raises_ends_the_table_with_its_own_traceback(who: str, overlap: bool) -> None:
    table = side_by_side(overlap=overlap)
    with pytest.raises(ZeroDivisionError, match="the third step") as failed:
        table.learn(10_000, each={who: {"callback": Trips()}})
    assert "stumble" in "".join(traceback.format_tb(failed.value.__traceback__))
    table.learn(40)  # and the table can be used again
    assert table.learners["state_0"].num_timesteps >= 40


def test_a_policy_that_raises_or_answers_nonsense_ends_the_table() -> None:
    class Broken(RandomPolicy):
        def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
            return super().act(observation, mask)[:, :2]

    table = Table(scenario(), {"state_0": PPO_, "state_1": A2C_, "state_2": Broken()}, num_worlds=4, seed=3)
    with pytest.raises(ValueError, match=r"policy Broken: act gave int64 \(4, 2\); integers \(4, 5\) are needed"):
        table.learn(100)


@pytest.mark.parametrize("overlap", [False, True])
def test_ctrl_c_stops_everyone(overlap: bool) -> None:
    table = side_by_side(overlap=overlap)

    class Presses(BaseCallback):
        def _on_step(self) -> bool:
            if self.n_calls == 5:
                signal.raise_signal(signal.SIGINT)
            return True

    with pytest.raises(KeyboardInterrupt):
        table.learn(10**9, each={"state_0": {"callback": Presses()}})


def test_learn_does_not_begin_twice_and_a_seat_does_not_play_without_it() -> None:
    table = side_by_side()

    class Greedy(BaseCallback):
        def _on_step(self) -> bool:
            table.learn(5)
            return True

    with pytest.raises(RuntimeError, match="in use"):
        table.learn(100, each={"state_0": {"callback": Greedy()}})
    with pytest.raises(RuntimeError, match=r"Seat state_0 plays only inside the table's learn\(\)\."):
        table.seats["state_0"].step(noops(4))


@pytest.mark.parametrize(
    ("seats", "sentence"),
    [
        ({"germany": PPO_}, "'germany' is no seat; allowed are state_0, state_1, state_2, all, others and rotating."),
        ({"state_0": PPO_}, "nobody sits for state_1"),
        ({"all": PPO_, "state_1": PPO_}, "state_0 has two seats|state_1 has two seats"),
        ({("state_0", "state_1"): PPO_, ("state_1", "state_2"): PPO_}, "state_1 has two seats"),
        ({"all": PPO_, "others": PPO_}, "'others' has no state"),
        ({"all": RandomPolicy()}, "nobody learns"),
        ({"state_0": PPO_, "others": 5}, "5 is no policy"),
        ({"state_0": lambda seat: RandomPolicy(), "others": PPO_}, r"which has no learn\(total_timesteps\)"),
    ],
)
def test_bad_seatings_are_refused(seats: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Table(scenario(), seats, num_worlds=2, seed=1)


def test_a_state_whose_name_means_a_seat_is_refused() -> None:
    with pytest.raises(ValueError, match="a state named 'others' has no seat"):
        Table(scenario(**{"states.names": ["others", "a", "b"]}), {"all": PPO_}, num_worlds=2, seed=1)


def test_bad_arguments_of_learn_are_refused() -> None:
    table = side_by_side()
    with pytest.raises(ValueError, match="total_timesteps: 'state_1' is no learner's seat; there are state_0, state_1"):
        table.learn({"state_1": 5})
    with pytest.raises(ValueError, match=r"total_timesteps: state_1\+state_2 is missing"):
        table.learn({"state_0": 5})

    class Mute:
        def __init__(self, seat: Seat) -> None:
            pass

        def learn(self, total_timesteps: int) -> None:
            pass

    mute = Table(scenario(), {"state_0": Mute, "others": PPO_}, num_worlds=2, seed=1)
    with pytest.raises(ValueError, match="the learner of state_0 cannot play on when it has finished"):
        mute.learn(10)
