"""What every example says, in lines that `python -m tools.compatibility` reads.

works: WHAT                      what the example just did
fails: WHAT | ERROR | WHOSE      what it tried in vain, in the library's own words, and whose fault that is
random RETURN, learned RETURN    mean return of a state in an episode, before and after
NUMBER agent-steps/s             of learning, all states counted, by the clock on the wall and by the processor's
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

import sd_env
from sd_env.scenario import ScenarioLike

#: Where the learners of the examples play: two states, 32 turns, weapons that tell.
SCENARIO = "jervis/doubly-safe"


def smoke(what: str | None) -> bool:
    """Read the command line of an example, `[--smoke]`; `what` is its docstring. Returns whether seconds must do."""
    parser = argparse.ArgumentParser(description=(what or "").splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="seconds in all: shows that it runs, no more")
    return bool(parser.parse_args().smoke)


def works(what: str) -> None:
    """Say what was just done."""
    print(f"works: {what}", flush=True)


def refuses(what: str, whose: str, attempt: Callable[[], object]) -> bool:
    """Try what is known to fail, and say how, and whose fault it is. Returns whether it failed."""
    try:
        attempt()
    except Exception as error:  # whatever it is, it is told
        said = " ".join(str(error).split())
        print(f"fails: {what} | {type(error).__name__}: {said[:160]} | {whose}", flush=True)
        return True
    works(what)
    return False


class Clock:
    """Runs from where it is made."""

    def __init__(self) -> None:
        self.wall, self.processor = time.perf_counter(), time.process_time()

    def rate(self, agent_steps: float) -> None:
        """Say how fast was learned since then; all states of all worlds count."""
        wall, processor = time.perf_counter() - self.wall, time.process_time() - self.processor
        print(f"{agent_steps / wall:.0f} agent-steps/s, {agent_steps / processor:.0f} a processor second", flush=True)


def learned(returned: float, *, full_size: bool, scenario: ScenarioLike = SCENARIO) -> None:
    """Say what a state earns in an episode now, beside random play; see :func:`earns`."""
    earns(random_return(scenario), returned, full_size=full_size)


def earns(by_chance: float, returned: float, *, full_size: bool) -> None:
    """Say what a state earns in an episode by chance and as learned.

    Raises:
        SystemExit: if a learner at full size earns no more than by chance.
    """
    print(f"random {by_chance:.1f}, learned {returned:.1f}", flush=True)
    if full_size and not returned > by_chance:
        raise SystemExit("what was learned earns no more than random play does")


def random_return(scenario: ScenarioLike = SCENARIO, worlds: int = 512, seed: int = 0) -> float:
    """Mean return of a state in an episode of random legal play."""
    rng = np.random.default_rng(seed)
    return played(lambda _, masks: rng.random(masks.shape), scenario, worlds, seed)


def played(
    preferences: Callable[[np.ndarray, np.ndarray], np.ndarray],
    scenario: ScenarioLike = SCENARIO,
    worlds: int = 512,
    seed: int = 0,
) -> float:
    """Mean return of a state in an episode, each head taking the legal choice that is preferred.

    Args:
        preferences: observations float32 `(K, D)` and masks int8 `(K, M)` -> numbers `(K, M)`, heads end to end.
        scenario: where.
        worlds: how many episodes.
        seed: of the worlds.
    """
    envs = sd_env.vector_env(scenario, worlds)
    ends = np.cumsum(envs.single_action_space.nvec)[:-1]
    observations, infos = envs.reset(seed=seed)
    returns, going = np.zeros(envs.num_envs), np.ones(envs.num_envs, bool)
    while going.any():
        masks = infos["action_mask"]
        wanted = np.where(masks == 1, preferences(observations, masks), -np.inf)
        actions = np.stack([head.argmax(axis=1) for head in np.split(wanted, ends, axis=1)], axis=1)
        observations, rewards, terminations, truncations, infos = envs.step(actions)
        returns += rewards * going
        going &= ~(terminations | truncations)
    return float(returns.mean())
