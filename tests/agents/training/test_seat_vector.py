"""A seat's face for gymnasium: episodes end in the same step, and what is no action is refused."""

from __future__ import annotations

import numpy as np
import pytest

from agents.policies.protocol import RandomPolicy
from agents.training.table import Table
from sd_env import layout
from sd_env.worlds import Worlds
from tests.side_by_side import HORIZON, Scripted, noops, scenario

pytestmark = pytest.mark.usefixtures("no_hang")


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
