"""MOMAland, item_gathering as a ParallelEnv: two agents on a grid, rewards of several objectives."""

from __future__ import annotations

from momaland.envs.item_gathering import item_gathering

from benchmarks.peers import EPISODE, Game
from benchmarks.peers.pettingzoo_loop import game


def gathering(worlds: int) -> Game:
    """One world; it has no way of many."""
    assert worlds == 1
    return game(lambda: item_gathering.parallel_env(num_timesteps=EPISODE))


GAMES = {"item_gathering": gathering}
