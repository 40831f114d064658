"""The SB3 face: what stable-baselines3 expects of a VecEnv, and the traps that other bridges fall into."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch as th
from sb3_contrib.common.maskable.utils import get_action_masks, is_masking_supported
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecMonitor

from agents.table.metrics import tally_rows
from agents.training.callbacks import OnStep
from agents.training.seats import WorldsVecEnv
from sd_env import layout
from sd_env.scenario import Scenario
from sd_env.worlds import Worlds

HORIZON = 5


def table(num_worlds: int = 4, *, seed: int = 3, **overrides: Any) -> WorldsVecEnv:
    settings = {"horizon": HORIZON, "n_states": 3} | overrides
    return WorldsVecEnv(Scenario.load("jervis/doubly-dangerous", settings), num_worlds, seed=seed)


def random_actions(env: WorldsVecEnv, rng: np.random.Generator) -> np.ndarray:
    sizes = layout.action_sizes(env.num_states)
    return rng.integers(0, sizes, size=(env.num_envs, len(sizes)))


def noops(env: WorldsVecEnv) -> np.ndarray:
    return np.tile(layout.noop(env.num_states), (env.num_envs, 1))


def test_spaces_hold_what_is_observed_and_arrays_are_copies() -> None:
    env, rng = table(), np.random.default_rng(0)
    first = env.reset()
    kept = first.copy()
    for _ in range(2 * HORIZON + 1):
        obs, rewards, dones, infos = env.step(random_actions(env, rng))
        assert obs.shape == (12, *env.observation_space.shape) and obs.dtype == np.float32
        assert all(env.observation_space.contains(row) for row in obs)
        assert rewards.shape == dones.shape == (12,) and dones.dtype == bool and len(infos) == 12
    np.testing.assert_array_equal(first, kept)


def test_slots_are_the_states_of_worlds_in_order() -> None:
    env = table()
    twin = Worlds(env.scenario, 4, seed=3, autoreset=True)
    rng = np.random.default_rng(1)
    np.testing.assert_array_equal(env.reset(), twin.observations.reshape(12, -1))
    for _ in range(2 * HORIZON):
        actions = random_actions(env, rng)
        obs, rewards, _, _ = env.step(actions)
        twin.step(actions.reshape(4, 3, -1))
        np.testing.assert_array_equal(obs, twin.observations.reshape(12, -1))
        np.testing.assert_array_equal(rewards, twin.rewards.reshape(-1).astype(np.float32))


def test_terminal_observation_is_the_ended_episodes_and_not_the_next_ones() -> None:
    env = table()
    env.reset()
    for turn in range(HORIZON):
        obs, _, dones, infos = env.step(noops(env))
        assert dones.all() == (turn == HORIZON - 1) == dones.any()
    for slot, info in enumerate(infos):
        assert info["TimeLimit.truncated"] is True
        assert info["terminal_observation"][layout.Own.TURN] == HORIZON
        assert obs[slot, layout.Own.TURN] == 0
    assert all(info == {} for info in env.step(noops(env))[3])


def test_an_end_by_the_game_is_no_truncation() -> None:
    env = table(continuation=0.3, horizon=1000)
    env.reset()
    ends = 0
    for _ in range(30):
        _, _, dones, infos = env.step(noops(env))
        for world in range(4):
            assert len(set(dones[3 * world : 3 * world + 3])) == 1
        for done, info in zip(dones, infos, strict=True):
            assert ("terminal_observation" in info) == done
            if done:
                ends += 1
                assert info["TimeLimit.truncated"] is False
    assert ends > 0


def test_episode_infos_are_vec_monitors() -> None:
    env, rng = table(continuation=0.8), np.random.default_rng(4)
    bare = VecMonitor(_Bare(table(continuation=0.8)))
    env.reset(), bare.reset()
    seen = 0
    for _ in range(3 * HORIZON):
        actions = random_actions(env, rng)
        mine, theirs = env.step(actions)[3], bare.step(actions)[3]
        for a, b in zip(mine, theirs, strict=True):
            assert ("episode" in a) == ("episode" in b)
            if "episode" in a:
                seen += 1
                assert a["episode"]["l"] == b["episode"]["l"]
                assert a["episode"]["r"] == pytest.approx(b["episode"]["r"], rel=1e-5, abs=1e-5)
    assert seen > 10


class _Bare(WorldsVecEnv):
    """The same worlds without episode infos of their own."""

    def __init__(self, env: WorldsVecEnv) -> None:
        super().__init__(env.scenario, env.num_worlds, seed=env.worlds.seed)

    def step_wait(self) -> Any:
        obs, rewards, dones, infos = super().step_wait()
        return obs, rewards, dones, [{k: v for k, v in info.items() if k != "episode"} for info in infos]


def test_seeds_are_per_world_and_repeat() -> None:
    env, other = table(seed=7), table(seed=8)
    first = env.reset()
    assert env.seed(7) == [7] * env.num_envs
    np.testing.assert_array_equal(env.reset(), first)
    assert not np.array_equal(env.reset(), first)  # the next episode of the stream
    assert not np.array_equal(other.reset(), first)
    alone = Worlds(env.scenario, 1, seed=7, first_world=2)
    np.testing.assert_array_equal(first[6:9], alone.observations[0])
    for zero in (table(seed=0), table(seed=5)):
        zero.seed(0)
        np.testing.assert_array_equal(zero.reset(), table(seed=0).reset())


def test_masks_reach_sb3_contrib() -> None:
    env = table()
    env.reset()
    assert is_masking_supported(env)
    masks = get_action_masks(env)
    assert masks.shape == (12, layout.mask_size(3)) and masks.dtype == bool
    np.testing.assert_array_equal(masks, env.worlds.masks.reshape(12, -1).astype(bool))
    assert not masks.all()  # nobody has mobilized yet: attack is illegal
    assert [m.tolist() for m in env.env_method("action_masks", indices=[1, 5])] == masks[[1, 5]].tolist()
    np.testing.assert_array_equal(env.get_attr("action_masks", indices=4)[0](), masks[4])


def test_attributes_do_not_raise_needlessly() -> None:
    env = table()
    assert env.get_attr("render_mode") == [None] * 12
    assert env.get_attr("num_states", indices=[0, 1]) == [3, 3]
    assert env.env_is_wrapped(VecMonitor) == [False] * 12  # type: ignore[arg-type]
    assert not env.has_attr("no_such_thing")
    env.set_attr("note", 5)
    assert env.get_attr("note", indices=0) == [5]


def test_totals_count_worlds_once() -> None:
    env, rng = table(), np.random.default_rng(2)
    twin = Worlds(env.scenario, 4, seed=3)
    env.reset()
    for _ in range(HORIZON):
        actions = random_actions(env, rng)
        env.step(actions)
        twin.step(actions.reshape(4, 3, -1))
    totals, episodes = env.take_totals()
    assert episodes == 4
    np.testing.assert_allclose(totals, tally_rows(twin.worlds).sum(axis=0))
    assert totals[layout.TALLY.index("pair_turns")] <= 4 * HORIZON * 6
    assert totals[layout.TALLY.index("turns")] == 4 * HORIZON
    assert env.take_totals()[1] == 0


def test_a_restored_table_continues_identically() -> None:
    env, twin, rng = table(continuation=0.9), table(seed=99, continuation=0.9), np.random.default_rng(5)
    env.reset()
    for _ in range(HORIZON + 2):
        env.step(random_actions(env, rng))
    twin.restore(env.snapshot())
    for _ in range(2 * HORIZON):
        actions = random_actions(env, rng)
        for a, b in zip(env.step(actions)[:3], twin.step(actions)[:3], strict=True):
            np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(env.take_totals()[0], twin.take_totals()[0])
    with pytest.raises(ValueError, match="4 worlds"):
        table(2).restore(env.snapshot())


@pytest.mark.parametrize("callback", [None, OnStep()], ids=["SB3 itself", "in one pass"])
@pytest.mark.parametrize("ends", ["truncation", "termination"])
def test_the_buffer_bootstraps_at_truncation_only(callback: OnStep | None, ends: str) -> None:
    """Rewards in SB3's buffer hold gamma * V(terminal observation) where the horizon cut, and nowhere else."""
    overrides = {} if ends == "truncation" else {"continuation": 1e-9, "horizon": 1000}
    env = table(**overrides)
    recorder = _Recorder(env)
    learner = PPO("MlpPolicy", recorder, n_steps=2 * HORIZON, batch_size=30, gamma=0.9, seed=1, device="cpu")
    with th.no_grad():
        learner.policy.value_net.bias += 3.0  # so that a missing bootstrap shows
    _, callback = learner._setup_learn(0, callback)
    assert learner.collect_rollouts(recorder, callback, learner.rollout_buffer, 2 * HORIZON)
    expected = np.stack(recorder.rewards)
    cut = 0
    for step, infos in enumerate(recorder.infos):
        for slot, info in enumerate(infos):
            if info.get("TimeLimit.truncated"):
                cut += 1
                with th.no_grad():
                    value = learner.policy.predict_values(th.as_tensor(info["terminal_observation"][None])).item()
                expected[step, slot] += 0.9 * value
    assert cut == (24 if ends == "truncation" else 0)
    np.testing.assert_allclose(learner.rollout_buffer.rewards, expected, rtol=1e-5, atol=1e-5)


class _Recorder(WorldsVecEnv):
    """Keeps what each step gave, before anyone changes it."""

    def __init__(self, env: WorldsVecEnv) -> None:
        super().__init__(env.scenario, env.num_worlds, seed=1)
        self.rewards: list[np.ndarray] = []
        self.infos: list[list[dict[str, Any]]] = []

    def step_wait(self) -> Any:
        obs, rewards, dones, infos = super().step_wait()
        self.rewards.append(rewards.copy())
        self.infos.append([dict(info) for info in infos])
        return obs, rewards, dones, infos
