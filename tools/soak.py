"""Soak: worlds are played for a long time, and memory stays where it was and every number a number.

``python -m tools.soak 1e9`` (``make soak ARGS=1e9``) plays so many agent-steps, by policies that draw, in one process,
over the whole catalogue, with resets, new environments and new policies on the way.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from pathlib import Path
from typing import Final

import numpy as np

from agents.policies.protocol import RandomPolicy
from agents.table.play import play
from sd_env import load_scenario, scenarios, vector_env
from sd_env.worlds import Worlds

SCENARIOS: Final = tuple(scenarios())
WORLDS: Final = 1024
#: Growth of memory over the second half that is too much, as a share.
GROWTH: Final = 0.01
#: Measurements of memory, spread over the whole.
MEASURED: Final = 20


def resident() -> int:
    """Bytes of memory that this process holds."""
    gc.collect()
    for line in Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Rss:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("the system does not say how much memory a process has")


def round_of(number: int) -> int:
    """Play a little of everything; returns the agent-steps, and raises for what is no number."""
    scenario = load_scenario(SCENARIOS[number % len(SCENARIOS)])
    table, policy = Worlds(scenario, WORLDS, seed=number, autoreset=True), RandomPolicy(number)
    n, steps = table.num_states, 0
    for _ in range(64):
        flat = table.masks.reshape(WORLDS * n, -1)
        actions = policy.act_with(table.observations.reshape(WORLDS * n, -1), flat, table.heads)
        table.step(actions.reshape(WORLDS, n, -1))
        steps += WORLDS * n
        for array in (table.observations, table.rewards):
            if not np.isfinite(array).all():
                raise ArithmeticError(f"{scenario.name}, seed {number}: a number that is none after {steps} steps")
    table.close()
    frame = play(scenario, RandomPolicy(), worlds=8, seed=number)
    steps += int(frame["turns"].sum()) * n
    if not np.isfinite(frame.select_dtypes("number").to_numpy()).all():
        raise ArithmeticError(f"{scenario.name}, seed {number}: a number that is none in an episode's row")
    env = vector_env(scenario, 16)
    env.reset(seed=number)
    env.close()
    return steps


def soak(steps: int) -> tuple[list[tuple[int, int]], float]:
    """Play; returns memory by agent-steps, and the seconds that it took."""
    done, number, measured, began = 0, 0, list[tuple[int, int]](), time.monotonic()
    while done < steps:
        done += round_of(number)
        number += 1
        if done >= len(measured) * steps / MEASURED and number >= len(SCENARIOS):
            measured.append((done, resident()))
    return [*measured, (done, resident())], time.monotonic() - began


def growth(measured: list[tuple[int, int]]) -> float:
    """By how much memory has grown over the second half, as a share: in the first, caches and pools fill."""
    late = [held for _, held in measured[len(measured) // 2 :]]
    return late[-1] / late[0] - 1.0


def main(argv: list[str] | None = None) -> int:
    """Soak and print; returns 0 if memory stayed flat."""
    parser = argparse.ArgumentParser(prog="python -m tools.soak", description=__doc__.partition("\n")[0])
    parser.add_argument("steps", nargs="?", type=float, default=1e8, help="agent-steps; default 1e8")
    measured, seconds = soak(int(parser.parse_args(argv).steps))
    for done, held in measured:
        print(f"{done:>16,} agent-steps {held / 2**20:>10.1f} MiB")
    grown = growth(measured)
    print(f"{measured[-1][0]:,} agent-steps in {seconds:.0f} s, no number that is none, memory {grown:+.2%}.")
    return int(grown > GROWTH)


if __name__ == "__main__":
    sys.exit(main())
