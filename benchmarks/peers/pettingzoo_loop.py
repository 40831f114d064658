"""A PettingZoo ParallelEnv as a game of one world: what the adapters of such environments share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.peers import EPISODE, Game


def draw(env: Any, agent: str, info: dict[str, Any]) -> Any:
    """A random action of an agent, legal where its info carries a flat mask of a MultiDiscrete."""
    space = env.action_space(agent)
    if "action_mask" not in info:
        return space.sample()
    mask, parts, begin = info["action_mask"], [], 0
    for size in space.nvec:
        parts.append(mask[begin : begin + size])
        begin += size
    return space.sample(mask=tuple(parts))


def game(make: Callable[[], Any], episodes: int = 8) -> Game:
    """Episodes of random actions, each drawn before the clock starts.

    Args:
        make: makes the environment, with episodes of ``EPISODE`` turns at most.
        episodes: how many.
    """
    env = make()
    observations, infos = env.reset(seed=0)
    for place, agent in enumerate(env.possible_agents):
        env.action_space(agent).seed(place)
    pool: list[dict[str, Any]] = []
    for _ in range(episodes * EPISODE):
        pool.append({agent: draw(env, agent, infos.get(agent, {})) for agent in env.agents})
        *_, infos = env.step(pool[-1])
        if not env.agents:
            _, infos = env.reset()

    def play() -> None:
        for actions in pool:
            env.step(actions)
            if not env.agents:
                env.reset()

    numbers = size(observations[env.possible_agents[0]])
    return Game(play, len(pool), len(env.possible_agents), numbers, lambda: env.reset(seed=0))


def size(observation: Any) -> int:
    """Numbers in an observation, which may have parts."""
    if isinstance(observation, dict | tuple):
        return sum(map(size, observation.values() if isinstance(observation, dict) else observation))
    return int(np.size(observation))
