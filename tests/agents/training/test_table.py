"""Learners side by side: unmodified algorithms meet at every turn, one seed gives one result, and nothing hangs."""

from __future__ import annotations

import random
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch as th
from sb3_contrib import MaskablePPO, RecurrentPPO
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecNormalize

from agents.policies.protocol import NeverAttackPolicy, RandomPolicy
from agents.table.metrics import tally_rows
from agents.table.population import Pool
from agents.training.seats import WorldsVecEnv
from agents.training.streams import Streams
from agents.training.table import Seat, Table
from sd_env import layout
from sd_env.scenario import Scenario
from sd_env.worlds import Worlds

HORIZON = 5
PPO_ = partial(PPO, "MlpPolicy", n_steps=8, batch_size=8, n_epochs=2, device="cpu")
A2C_ = partial(A2C, "MlpPolicy", n_steps=5, device="cpu")


def scenario(**overrides: Any) -> Scenario:
    return Scenario.load("jervis/doubly-dangerous", {"horizon": HORIZON, "n_states": 3} | overrides)


@pytest.fixture(autouse=True)
def _no_hang() -> Iterator[None]:
    """A table that hangs fails its test."""

    def give_up(*_: object) -> None:
        raise TimeoutError("the table hangs")

    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(240)  # far beyond the slowest on a busy machine
    yield
    signal.alarm(0)
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("seat ")] == []


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


# --- one learner at a table is one learner at its worlds ----------------------------------------------------


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


# --- one seed, one result -----------------------------------------------------------------------------------


def side_by_side(seed: int = 3, **options: Any) -> Table:
    seats = {"state_0": PPO_, ("state_1", "state_2"): A2C_}
    return Table(scenario(continuation=0.9), seats, num_worlds=4, seed=seed, **options)


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


# --- different lengths, resets, finishing -------------------------------------------------------------------


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


# --- failure ------------------------------------------------------------------------------------------------


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


# --- policies and pools at the table ------------------------------------------------------------------------


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


# --- the gymnasium face -------------------------------------------------------------------------------------


def test_the_gymnasium_face_ends_episodes_in_the_same_step() -> None:
    class Own(Scripted):
        def learn(self, total_timesteps: int) -> None:
            env = self.seat.vector_env
            obs, infos = env.reset(seed=5)
            assert env.observation_space.contains(obs) and infos["action_mask"].shape == (4, layout.mask_size(3))
            for _ in range(2 * HORIZON):
                self.seen.append(env.step(noops(4)))

    table = Table(scenario(), {"state_1": Own, "others": Scripted}, num_worlds=4, seed=3).learn(1)
    own, others = table.learners["state_1"], table.learners["others"]
    twin = Worlds(table.scenario, 4, seed=3, autoreset=True)
    for turn, (obs, rewards, terminations, truncations, infos) in enumerate(own.seen, start=1):
        twin.step(noops(12).reshape(4, 3, -1))
        np.testing.assert_array_equal(obs, twin.observations[:, 1])
        np.testing.assert_array_equal(rewards, twin.rewards[:, 1])
        np.testing.assert_array_equal(infos["action_mask"], twin.masks[:, 1])
        assert not terminations.any() and truncations.all() == (turn % HORIZON == 0)
        assert ("final_obs" in infos) == (turn % HORIZON == 0)
        if "final_obs" in infos:
            np.testing.assert_array_equal(np.stack(infos["final_obs"]), twin.final_observations[:, 1])
            np.testing.assert_array_equal(infos["final_info"]["action_mask"], twin.final_masks[:, 1])
            assert infos["_final_obs"].all() and (obs[:, layout.Own.TURN] == 0).all()
    assert len(others.seen) == 13


def test_the_gymnasium_face_refuses_what_is_no_action() -> None:
    class Wrong(Scripted):
        def learn(self, total_timesteps: int) -> None:
            env = self.seat.vector_env
            env.reset()
            with pytest.raises(ValueError, match="state_1 in world 2, head build_offense: 3 is not among .* 2 "):
                env.step(np.where(np.arange(20).reshape(4, 5) == 10, 3, noops(4)))
            with pytest.raises(ValueError, match=r"actions have shape \(3, 5\); \(4, 5\) is needed"):
                env.step(noops(3))

    Table(scenario(), {"state_1": Wrong, "others": RandomPolicy()}, num_worlds=4, seed=3).learn(1)


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
