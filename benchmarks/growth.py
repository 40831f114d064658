"""(i) Growth: world-turns a second with worlds, states and threads, and the memory that a world takes.

Random legal actions that were drawn before the clock started, observations included, worlds reset as they end. All
sizes are played in turn, so that what the machine does meanwhile falls on all of them; each number of threads is
played by a pool of its own size, on whatever cores the process may use.
"""

from __future__ import annotations

import tracemalloc
from typing import Final

from agents.machine import cores
from benchmarks.engine import SCENARIO, prepare
from benchmarks.harness import Figure, Report, alternate, one_core
from sd_env import load_scenario
from sd_env.worlds import Worlds

#: Sizes: how many worlds of two states, how many states, and of how many worlds memory is measured.
WORLDS: Final = (1, 16, 256, 4096, 32768)
STATES: Final = (2, 4, 8, 16)
IN_MEMORY: Final = 64
#: World-turns of a pass of two states; of more states as many fewer as pairs are more.
PASS: Final = 2**18


def bytes_a_world(states: int, worlds: int) -> float:
    """Bytes that a world takes: what is allocated for so many of them, shared out."""
    scenario = load_scenario(SCENARIO, {"n_states": states})
    tracemalloc.start()
    try:
        kept = Worlds(scenario, worlds, seed=0)
        return tracemalloc.get_traced_memory()[0] / kept.num_worlds
    finally:
        tracemalloc.stop()


def run(smoke: bool, repeats: int) -> Report:
    """Measure growth with worlds, states and threads, and memory."""
    report = Report("growth", "Growth with worlds, states and threads, and memory: random legal actions")
    work, sizes, states = (64, (1, 16), (2, 4)) if smoke else (PASS, WORLDS, STATES)
    shapes = {f"{b:,} world{'s' * (b > 1)} of 2 states": (2, b, max(work // b, 4), 1) for b in sizes}
    shapes |= {f"{n} states, 256 worlds": (n, 256, max(4 * work // (256 * n * n), 4), 1) for n in states}
    many = 16 if smoke else 4096
    threads = range(1, min(cores(), 8) + 1)
    shared = {
        f"{k} thread{'s' * (k > 1)}, {many:,} worlds of 4 states": (4, many, max(work // many, 4), k) for k in threads
    }
    # threads first: a pool of threads keeps the cores that it was started with
    measure(report, shared, repeats)
    with one_core(not smoke):
        measure(report, shapes, repeats)
    for n in states:
        samples = tuple(bytes_a_world(n, IN_MEMORY) for _ in range(repeats))
        report.figures.append(Figure(f"memory of a world of {n} states", samples[0], "bytes", samples))
    report.settings = {"scenario": SCENARIO, "repeats": repeats, "world-turns": work}
    return report


def measure(report: Report, shapes: dict[str, tuple[int, int, int, int]], repeats: int) -> None:
    """Add world-turns a second of each shape: states, worlds, turns, threads; played in turn."""
    works = [prepare(*shape) for shape in shapes.values()]
    for work in works:
        work()
    for (name, (_, worlds, turns, _)), seconds in zip(shapes.items(), alternate(repeats, *works), strict=True):
        report.rate(name, worlds * turns, seconds, "world-turns/s")
