"""sd-env itself, as its peers are played: one world as a ParallelEnv, or many as `Worlds`, one thread."""

from __future__ import annotations

from functools import partial

from benchmarks.engine import SCENARIO, drawn
from benchmarks.peers import EPISODE, Game
from benchmarks.peers.pettingzoo_loop import game
from sd_env import layout, load_scenario, parallel_env


def alone(states: int, worlds: int) -> Game:
    """One world of so many states as a ParallelEnv."""
    assert worlds == 1
    scenario = load_scenario(SCENARIO, {"n_states": states, "horizon": EPISODE})
    return game(partial(parallel_env, scenario), episodes=64)


def many(states: int, worlds: int) -> Game:
    """So many worlds at once, an episode of each; or several of one."""
    turns = EPISODE * (64 if worlds == 1 else 1)
    play, before = drawn(states, worlds, turns, threads=1)
    return Game(play, turns * worlds, states, layout.observation_size(states, True), before)


GAMES = {f"ParallelEnv, {n} states": partial(alone, n) for n in (2, 3)} | {
    f"World{s}, {n} states": partial(many, n) for n in (2, 3) for s in ("", "s")
}
