"""Environments and wrappers of others that the benchmarks compare with; each may be absent."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from benchmarks.harness import Report


def load(module: str, distribution: str, report: Report) -> Any | None:
    """The module, or None with a note in the report when its distribution does not import."""
    try:
        return import_module(module)
    except ImportError as error:
        report.notes.append(
            f"Not compared with {distribution}: it does not import here ({error}); `make bench` installs it, "
            "or pip install 'sd-env[bench]'."
        )
        return None


def simple_spread(num_agents: int, turns: int, report: Report) -> Callable[[], Any] | None:
    """Maker of mpe2's simple_spread as a ParallelEnv with episodes of ``turns``, if installed."""
    module = load("mpe2.simple_spread_v3", "mpe2", report)
    return None if module is None else lambda: module.parallel_env(N=num_agents, max_cycles=turns)


def item_gathering(turns: int, report: Report) -> Callable[[], Any] | None:
    """Maker of MOMAland's item_gathering (2 agents) as a ParallelEnv with episodes of ``turns``, if installed."""
    module = load("momaland.envs.item_gathering.item_gathering", "momaland", report)
    return None if module is None else lambda: module.parallel_env(num_timesteps=turns)


def supersuit_vec_env(parallel_env: Any, copies: int, report: Report) -> Any | None:
    """SuperSuit's SB3 path on copies of a ParallelEnv, in this process, if installed."""
    module = load("supersuit", "SuperSuit", report)
    if module is None:
        return None
    one = module.pettingzoo_env_to_vec_env_v1(parallel_env)
    return module.concat_vec_envs_v1(one, copies, num_cpus=0, base_class="stable_baselines3")
