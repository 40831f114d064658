"""MPE2, simple_spread as a ParallelEnv: three agents, continuous space, each rewarded alike."""

from __future__ import annotations

from mpe2 import simple_spread_v3

from benchmarks.peers import EPISODE, Game
from benchmarks.peers.pettingzoo_loop import game


def spread(worlds: int) -> Game:
    """One world; it has no way of many."""
    assert worlds == 1
    return game(lambda: simple_spread_v3.parallel_env(N=3, max_cycles=EPISODE))


GAMES = {"simple_spread": spread}
