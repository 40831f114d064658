"""(b) The faces: agent-steps a second of each, beside the arrays that all of them stand on.

ParallelEnv and solo_env play one world, the others many. All play random actions that were drawn before the clock
started, legal on the turn on which they are played, in episodes of the same length; an agent-step is one move of a
state. In solo_env one state moves, and the policy of the other does nothing.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from agents.training.seats import WorldsVecEnv
from benchmarks.engine import SCENARIO, drawn, random_legal
from benchmarks.harness import Report, alternate, one_core, timed
from benchmarks.peers import EPISODE
from benchmarks.peers.pettingzoo_loop import game
from sd_env import layout, load_scenario, parallel_env, solo_env, vector_env

#: Worlds of the faces that play many.
MANY: Final = 256


def played_alone(states: int, turns: int) -> Callable[[], float]:
    """One world as a ParallelEnv."""
    scenario = load_scenario(SCENARIO, {"n_states": states, "horizon": EPISODE})
    made = game(partial(parallel_env, scenario), turns // EPISODE)
    return partial(made.seconds, 1)


class Passive:
    """A policy that costs next to nothing: it does nothing."""

    def reset(self, seed: int) -> None:
        """It has no chance."""

    def act(self, observation: NDArray[np.float32], mask: NDArray[np.int8]) -> NDArray[np.int64]:
        """The no-op of two states in each row."""
        return np.array([layout.noop(2)] * len(mask), np.int64)


def played_solo(turns: int) -> Callable[[], float]:
    """One state of one world of two, as a gymnasium Env."""
    env = solo_env(load_scenario(SCENARIO, {"horizon": EPISODE}), others=Passive())
    rng = np.random.default_rng(0)
    sizes = layout.action_sizes(2)
    edges = np.cumsum([0, *sizes])
    pool: list[NDArray[np.int64]] = []
    _, info = env.reset(seed=0)
    for _ in range(turns):
        weights = rng.random(edges[-1]) * info["action_mask"]
        pool.append(np.array([weights[low:high].argmax() for low, high in pairwise(edges)]))
        *_, ended, cut, info = env.step(pool[-1])
        if ended or cut:
            _, info = env.reset()

    def play() -> None:
        for action in pool:
            _, _, ended, cut, _ = env.step(action)
            if ended or cut:
                env.reset()

    return partial(timed, play, partial(env.reset, seed=0))


def played_by(make: Callable[[], Any], reset: Callable[[Any], object], worlds: int, turns: int) -> Callable[[], float]:
    """Many worlds of two states, by a face whose ``step`` takes the actions of all slots."""
    env = make()
    reset(env)
    rng = np.random.default_rng(0)
    pool = []
    for _ in range(turns):
        masks = env.worlds.masks
        pool.append(random_legal(masks, rng).reshape(worlds * masks.shape[1], -1))
        env.step(pool[-1])

    def play() -> None:
        for actions in pool:
            env.step(actions)

    return partial(timed, play, partial(reset, env))


def run(smoke: bool, repeats: int) -> Report:
    """Measure agent-steps a second of every face."""
    alone, many, worlds = (64, 2, 4) if smoke else (200 * EPISODE, 2 * EPISODE, MANY)
    report = Report("faces", "Faces: random legal actions, observations included, one core")
    scenario = load_scenario(SCENARIO, {"horizon": EPISODE})
    works = {f"ParallelEnv, {n} states": (played_alone(n, alone), n * alone) for n in (2, 4)}
    works["solo_env, 2 states"] = played_solo(alone), alone
    steps = 2 * worlds * many
    arrays = partial(timed, *drawn(2, worlds, many, threads=1))
    works[f"Worlds, {worlds} worlds"] = arrays, steps
    vectors = partial(vector_env, scenario, worlds), lambda env: env.reset(seed=0)
    works[f"vector_env, {worlds} worlds"] = played_by(*vectors, worlds, many), steps
    bare = partial(vector_env, scenario, worlds, copy=False), lambda env: env.reset(seed=0)
    works[f"vector_env, {worlds} worlds, copy=False"] = played_by(*bare, worlds, many), steps
    seats = partial(WorldsVecEnv, scenario, worlds, seed=0), WorldsVecEnv.reset
    works[f"WorldsVecEnv (stable-baselines3), {worlds} worlds"] = played_by(*seats, worlds, many), steps
    with one_core(not smoke):
        seconds = dict(zip(works, alternate(repeats, *(work for work, _ in works.values())), strict=True))
    for name, samples in seconds.items():
        report.rate(name, works[name][1], samples, "agent-steps/s")
    median = {name: statistics.median(samples) for name, samples in seconds.items()}
    below = f"Worlds, {worlds} worlds"
    for name in list(works)[4:]:
        report.ratio(f"time of {name} against Worlds", median[name] / median[below])
    report.settings = {"scenario": SCENARIO, "episode": EPISODE, "worlds": worlds, "repeats": repeats}
    return report
