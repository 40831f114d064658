"""(d) Acting of frozen policies: compiled code against torch's modules, which compute the same choices.

A policy of the zoo, which is a mixture of several trained networks by type, and one of its members alone are asked for
the choices of as many rows as a search has worlds, and of a large evaluation. Each draws from its own stream. Torch
computes all that :mod:`agents.policies.acting` leaves out, and did compute the rest before.
"""

from __future__ import annotations

import copy
import statistics
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import torch

from agents.policies.mixture import MixedBundle
from agents.policies.specs import policy_from
from benchmarks.harness import Report, alternate, one_core, timed
from sd_env.worlds import Worlds

POLICY: Final = "zoo/not-intense-v1/seed80"
ROWS: Final = (64, 8192)
#: Ratios that are claimed of a mixture, at each number of rows.
CLAIMS: Final = (5.0, 2.0)


def by_torch(policy: Any) -> Any:
    """The same policy, whose networks are torch's modules."""
    twin = copy.deepcopy(policy)
    for each in (twin, *getattr(twin, "members", ())):
        each._acting = None
    return twin


def asked(policy: Any, observation: np.ndarray, mask: np.ndarray, calls: int) -> Callable[[], float]:
    """Ask once, which compiles and packs; the result asks so many times and gives the seconds."""
    policy.reset(0)
    policy.act(observation, mask)

    def ask() -> None:
        for _ in range(calls):
            policy.act(observation, mask)

    return lambda: timed(ask)


def run(smoke: bool, repeats: int) -> Report:
    """Measure a mixture and a policy alone, at few rows and at many."""
    torch.set_num_threads(1)
    report = Report("acting", "Frozen policies act: compiled code against torch, one core")
    mixture = policy_from(POLICY)
    assert isinstance(mixture, MixedBundle) and mixture.scenario is not None
    report.settings = {"policy": POLICY, "members": len(mixture.members), "repeats": repeats}
    policies = {f"a mixture of {len(mixture.members)}": mixture, "one policy": mixture.members[0]}
    for rows, claim in zip(ROWS[:1] if smoke else ROWS, CLAIMS, strict=False):
        worlds = Worlds(mixture.scenario, rows, seed=0)
        worlds.reset()
        observation, mask = worlds.observations[:, 0].copy(), worlds.masks[:, 0].copy()
        calls = 2 if smoke else max(8, 65_536 // rows)
        for name, policy in policies.items():
            with one_core(not smoke):
                times = alternate(
                    repeats, *(asked(each, observation, mask, calls) for each in (policy, by_torch(policy)))
                )
            for how, seconds in zip(("compiled", "torch"), times, strict=True):
                report.rate(f"{name}, {rows:,} rows: {how}", rows * calls, seconds, "choices/s")
            ratio = statistics.median(times[1]) / statistics.median(times[0])
            claimed = {"at_least": claim} if name != "one policy" else {}
            report.ratio(f"{name}, {rows:,} rows: compiled against torch", ratio, **claimed)
    return report
