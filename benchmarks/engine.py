"""(a) The engine: world-turns a second of :class:`sd_env.worlds.Worlds`, observations included.

The worlds are jervis/doubly-dangerous with 2, 4, 8 and 16 states, reset as they end. Actions are drawn at random
among the legal ones of each turn **before** the clock starts: a first pass from a snapshot draws and keeps them, and
each timed pass restores the snapshot and plays them again. Drawing random numbers is thus not measured, and no
action is illegal.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from agents.machine import cores
from benchmarks.harness import Report, alternate, one_core, timed
from sd_env import layout, load_scenario
from sd_env.worlds import Worlds

SCENARIO: Final = "jervis/doubly-dangerous"
#: World-turns a second that are claimed on one core, by number of states.
CLAIMS: Final = {2: 4_000_000.0, 4: 1_200_000.0}
SCALING_CLAIM: Final = 1.7

Actions = NDArray[np.int64]


def random_legal(masks: NDArray[np.int8], rng: np.random.Generator) -> Actions:
    """Actions drawn uniformly among the legal choices of each head.

    Args:
        masks: int8 ``(B, N, M)``, flat masks as ``Worlds.masks``.
        rng: the source of randomness.

    Returns:
        int64 ``(B, N, H)``.
    """
    weights = np.where(masks > 0, rng.random(masks.shape, dtype=np.float32), np.float32(-1))
    edges = np.cumsum([0, *layout.action_sizes(masks.shape[1])])
    heads = [weights[..., low:high].argmax(axis=-1) for low, high in pairwise(edges)]
    return np.stack(heads, axis=-1).astype(np.int64)


def drawn(num_states: int, num_worlds: int, turns: int, threads: int) -> tuple[Callable[[], None], Callable[[], None]]:
    """Make worlds and their pool of legal actions: what plays the pool, and what puts the worlds back at its start."""
    scenario = load_scenario(SCENARIO, {"n_states": num_states})
    worlds = Worlds(scenario, num_worlds, seed=0, threads=threads, autoreset=True)
    worlds.reset()
    start = {name: values.copy() for name, values in worlds.snapshot().items()}
    rng = np.random.default_rng(0)
    pool: list[Actions] = []
    for _ in range(turns):
        pool.append(random_legal(worlds.masks, rng))
        worlds.step(pool[-1])

    def play() -> None:
        for actions in pool:
            worlds.step(actions)

    return play, partial(worlds.restore, start)


def prepare(num_states: int, num_worlds: int, turns: int, threads: int) -> Callable[[], float]:
    """As :func:`drawn`; the result plays the pool once and gives its seconds."""
    return partial(timed, *drawn(num_states, num_worlds, turns, threads))


def run(smoke: bool, repeats: int) -> Report:
    """Measure world-turns a second by number of states, and how they grow from one thread to two."""
    worlds, turns = ({2: 4, 4: 4}, 4) if smoke else ({2: 1024, 4: 512, 8: 256, 16: 64}, 64)
    report = Report("engine", "Engine: random legal actions, observations included")
    report.settings = {"scenario": SCENARIO, "worlds": worlds, "turns": turns, "repeats": repeats}
    unit = "world-turns/s"
    # Threads before the process is held to one core: a pool of threads keeps the cores that it was started with.
    if cores() >= 2:
        scaling(report, 4, worlds[4], turns, repeats)
    else:
        report.notes.append("Threads not measured: this process may use one core only.")
    speed: dict[int, float] = {}
    with one_core(not smoke):
        for n, b in worlds.items():
            (seconds,) = alternate(repeats, prepare(n, b, turns, threads=1))
            speed[n] = report.rate(f"{n} states, one core", b * turns, seconds, unit, at_least=CLAIMS.get(n))
    for n in speed:
        if n != 2:
            name = f"cost of a turn, {n} states against 2"
            report.ratio(name, speed[2] / speed[n], at_most=(n / 2) ** 2, note="claim: at most as N squared")
    return report


def scaling(report: Report, num_states: int, num_worlds: int, turns: int, repeats: int) -> None:
    """Add the ratio of two threads to one, on a batch long enough that starting threads is not what is measured."""
    setup: list[Any] = [prepare(num_states, 4 * num_worlds, turns, threads) for threads in (1, 2)]
    one, two = (statistics.median(seconds) for seconds in alternate(repeats, *setup))
    note = f"{num_states} states, {4 * num_worlds} worlds; claimed for an idle machine"
    report.ratio("two threads against one", one / two, at_least=SCALING_CLAIM, note=note)
