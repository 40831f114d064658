"""Overcooked-AI, cramped_room: two cooks in a kitchen, each step with the planes that learners are shown."""

from __future__ import annotations

import random

import numpy as np
from overcooked_ai_py.mdp.actions import Action
from overcooked_ai_py.mdp.overcooked_env import OvercookedEnv
from overcooked_ai_py.mdp.overcooked_mdp import OvercookedGridworld

from benchmarks.peers import EPISODE, Game

_EPISODES = 8


def kitchen(worlds: int) -> Game:
    """One kitchen at a time; it has no way of many."""
    assert worlds == 1
    env = OvercookedEnv.from_mdp(OvercookedGridworld.from_layout_name("cramped_room"), horizon=EPISODE, info_level=0)
    rng = random.Random(0)
    pool = [[(rng.choice(Action.ALL_ACTIONS), rng.choice(Action.ALL_ACTIONS)) for _ in range(EPISODE)]
            for _ in range(_EPISODES)]  # fmt: skip

    def play() -> None:
        for episode in pool:
            env.reset()
            for actions in episode:
                state, *_ = env.step(actions)
                env.lossless_state_encoding_mdp(state)

    numbers = np.size(env.lossless_state_encoding_mdp(env.state)[0])
    return Game(play, _EPISODES * EPISODE, 2, int(numbers))


GAMES = {"cramped_room": kitchen}
