"""What is no choice is refused at every door where a turn is played, before anything moves; illegal choices are not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import sd_env
from sd_env.policies import PolicyError
from sd_env.record import Recorder, record
from sd_env.scenario import Scenario
from sd_env.worlds import Worlds

GAME = Scenario.load("jervis/intense")
NOOP = np.array([0, 0, 0, 1])


def rows(entry: Any, dtype: Any = None) -> np.ndarray:
    """Actions (4, 2, 4) of which one entry is odd: of world 2, state_1, its stance."""
    actions = np.broadcast_to(NOOP, (4, 2, 4)).astype(dtype if dtype is not None else np.array(entry).dtype)
    actions[2, 1, 3] = entry
    return actions


ODD: dict[str, np.ndarray] = {
    "too large": rows(4, np.int64),
    "9": rows(9, np.int32),
    "of a list": rows(7, np.uint8),
    "negative": rows(-1, np.int64),
    "a little negative": rows(-1, np.int8),
    "beyond int64": rows(2**64 - 1, np.uint64),
    "beyond int64, cut to a choice": rows(2**63, np.uint64),
    "a share": rows(0.7),
    "a whole float": rows(1.0),
    "not a number": rows(np.nan),
    "infinite": rows(np.inf),
    "complex": rows(1j),
    "a letter": rows("a"),
    "a digit": rows("1"),
    "nothing": rows(None, object),
    "true": rows(True, np.bool_),
    "a time": np.zeros((4, 2, 4), "datetime64[s]"),
}


def worlds_step(actions: np.ndarray) -> None:
    Worlds(GAME, 4, seed=1).step(actions)


def threads_step(actions: np.ndarray) -> None:
    Worlds(GAME, 4, seed=1, threads=2, autoreset=True).step(actions)


def vector_step(actions: np.ndarray) -> None:
    env = sd_env.vector_env(GAME, 4)
    env.reset(seed=1)
    env.step(actions.reshape(8, 4))


def parallel_step(actions: np.ndarray) -> None:
    env = sd_env.parallel_env(GAME)
    env.reset(seed=1)
    env.step({"state_0": actions[2, 0], "state_1": actions[2, 1]})


def aec_step(actions: np.ndarray) -> None:
    env = sd_env.env(GAME)
    env.reset(seed=1)
    env.step(actions[2, 0])
    env.step(actions[2, 1])


def solo_step(actions: np.ndarray) -> None:
    env = sd_env.solo_env(GAME, seat=1)
    env.reset(seed=1)
    env.step(actions[2, 1])


def recorder_turn(actions: np.ndarray) -> None:
    worlds = Worlds(GAME, 4, seed=1)
    recorder = Recorder(worlds)
    worlds.step(np.broadcast_to(NOOP, (4, 2, 4)))
    recorder.turn(actions)


class Answers:
    """Gives the same row whatever it sees."""

    def __init__(self, row: np.ndarray) -> None:
        self.row = row

    def reset(self, seed: int) -> None:
        pass

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        return np.stack([self.row] * len(mask))


def recorded(actions: np.ndarray) -> None:
    record(GAME, Answers(actions[2, 1]), 1)


DOORS: list[Callable[[np.ndarray], None]] = [
    worlds_step, threads_step, vector_step, parallel_step, aec_step, solo_step, recorder_turn, recorded,
]  # fmt: skip


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
@pytest.mark.parametrize("odd", ODD)
def test_what_is_no_choice_is_refused_at_every_door(odd: str, door: Callable[[np.ndarray], None]) -> None:
    with pytest.raises(ValueError) as refused:
        door(ODD[odd])
    assert len(str(refused.value)) < 1000 and str(refused.value).isprintable()


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.uint64, np.int64])
def test_integers_of_any_type_are_taken(dtype: Any, door: Callable[[np.ndarray], None]) -> None:
    door(rows(1, dtype))


def test_the_sentence_names_world_state_head_value_and_what_is_allowed() -> None:
    with pytest.raises(ValueError) as refused:
        Worlds(GAME, 4, seed=1).step(rows(4, np.int64))
    assert str(refused.value) == (
        "action of state_1 in world 2, head stance toward state_0: 4 is not among the whole numbers "
        "0 (align), 1 (neutral), 2 (mobilize), 3 (attack)"
    )


@pytest.mark.parametrize("threads", [1, 2])
def test_a_refused_turn_changes_nothing(threads: int) -> None:
    refused, untouched = (Worlds(GAME, 4, seed=1, threads=threads) for _ in range(2))
    for actions in ODD.values():
        with pytest.raises(ValueError):
            refused.step(actions)
    for name, array in untouched.snapshot().items():
        assert refused.snapshot()[name].tobytes() == array.tobytes(), name


def test_an_illegal_choice_is_still_replaced_and_counted() -> None:
    """To attack without having mobilized is a choice, only not now: the nearest legal one is to mobilize."""
    worlds = Worlds(GAME.with_overrides({"war.mobilization_required": True}), 1, seed=1)
    worlds.step(np.array([[[0, 0, 0, 3], [0, 0, 0, 1]]]))
    assert worlds.states["illegal"][0].tolist() == [1, 0] and worlds.states["mobilized"][0, 0] == 0b10


def test_actions_that_cannot_be_written_to_or_lie_otherwise_are_taken() -> None:
    """The kernel reads what it is given where it can, else a copy; what it gets is left as it was."""
    expected, found = Worlds(GAME, 4, seed=1), Worlds(GAME, 4, seed=1)
    actions = rows(1, np.int64)
    expected.step(actions)
    odd = np.asfortranarray(actions)
    odd.flags.writeable = False
    found.step(odd)
    assert np.array_equal(expected.rewards, found.rewards) and np.array_equal(odd, actions)


NUMBERS = ["4", 4.0, True, None, -1, [4], np.array([4, 4]), 2.5]


@pytest.mark.parametrize("value", NUMBERS, ids=repr)
def test_sizes_that_are_no_whole_numbers_are_refused(value: Any) -> None:
    for make in (
        lambda: Worlds(GAME, value),
        lambda: Worlds(GAME, 2, threads=value),
        lambda: Worlds(GAME, 2, first_world=value),
        lambda: sd_env.vector_env(GAME, value),
        lambda: record(GAME, Answers(NOOP), value),
        lambda: record(GAME, Answers(NOOP), 1, value),
        lambda: record(GAME, Answers(NOOP), 1, episode=value),
        lambda: Recorder(Worlds(GAME, 2), [value]),
    ):
        with pytest.raises(ValueError, match="a whole number from"):
            make()
    if value is not None:
        for seeded in (lambda: Worlds(GAME, 2, seed=value), lambda: Worlds(GAME, 2).reset(value)):
            with pytest.raises(ValueError, match="seed is .* a whole number from"):
                seeded()


def test_worlds_that_no_memory_holds_are_refused_and_not_begun() -> None:
    with pytest.raises(ValueError, match=r"num_worlds is 1000000000, which need [\d,.]+ GB; this machine has"):
        Worlds(GAME, 10**9)


@pytest.mark.parametrize("scenario", ["jervis/intense", None, {"n_states": 2}])
def test_worlds_are_of_a_scenario(scenario: Any) -> None:
    with pytest.raises(ValueError, match="a Scenario is needed"):
        Worlds(scenario, 2)


class Breaks(Answers):
    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        return np.zeros((3, 5)) @ observation.T  # a network of another number of states


def test_a_policy_that_fails_is_named_with_what_it_was_shown() -> None:
    with pytest.raises(PolicyError, match=r"policy Breaks: act failed for observations \(1, \d+\) .* 2 states: ValueE"):
        record(GAME, Breaks(NOOP), 1)
