"""(f) Units: what the one runner of long work costs beside the work, and what work costs, to plan a cluster by.

- The folder: units of one row are done in turn, kept, and the folder is taken up again with all of them finished.
- Training: core-seconds of a million agent-steps of PPO with the settings of the default experiment.
- Ray, where it is installed: units of one row on a cluster of two nodes of one core, all on this machine.
"""

from __future__ import annotations

import importlib.util
import os
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import torch

from agents.training.config import load_training
from agents.training.learners import make_learner
from agents.training.seats import WorldsVecEnv
from agents.work import UNITS, Unit, done_at, run_units
from benchmarks.engine import SCENARIO
from benchmarks.harness import Figure, Report, one_core, timed
from benchmarks.training import prepare
from sd_env import load_scenario

#: Units of the folder, and of the cluster, to which each goes and comes back.
KEPT: Final = 10_000
SENT: Final = 1_000
#: Bytes of the shared memory of each of Ray's nodes.
_STORE: Final = 80 * 2**20
_CONFIGS: Final = Path(__file__).parent.parent / "configs"


def tiny(number: int) -> list[dict[str, Any]]:
    """A unit of next to no work."""
    return [{"number": number, "half": number / 2, "even": number % 2 == 0}]


def units(count: int) -> list[Unit]:
    """So many of them."""
    return [Unit(f"unit {k}", {"number": k}) for k in range(count)]


def run(smoke: bool, repeats: int) -> Report:
    """Measure the folder, training, and Ray if it is there."""
    torch.set_num_threads(1)
    report = Report("units", "Units of long work: the folder, a million agent-steps, a cluster")
    kept, sent = (50, 20) if smoke else (KEPT, SENT)
    with one_core(not smoke):
        folder(report, kept, repeats)
        training(report, smoke, repeats)
    if smoke or importlib.util.find_spec("ray") is None:
        report.notes.append("Ray was left out: it is not installed, or this is no more than a look.")
    else:
        cluster(report, sent)
    report.settings = {"kept": kept, "sent": sent, "repeats": repeats}
    return report


def folder(report: Report, count: int, repeats: int) -> None:
    """Keep so many units, and take the folder up again, each time in a folder of its own."""
    kept, taken, sizes = [], [], list[int]()
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as place:
            out = Path(place) / "out"
            work: Callable[[], object] = partial(run_units, tiny, units(count), out, workers=1)
            kept.append(timed(work))
            taken.append(timed(work))
            sizes = [path.stat().st_size for path in (out / UNITS).iterdir()]
    report.rate(f"{count:,} units, kept in a folder", count, kept, "units/s")
    report.duration(f"taking up a folder of {count:,} finished units", taken)
    report.notes.append(f"The folder: {len(sizes):,} files of {sum(sizes) / len(sizes):.0f} bytes on average.")


def training(report: Report, smoke: bool, repeats: int) -> None:
    """Core-seconds of a million agent-steps."""
    config = load_training(_CONFIGS / f"{'smoke' if smoke else 'four_worlds'}.yaml")
    env = WorldsVecEnv(load_scenario(SCENARIO), config.worlds, seed=0)
    rollout = prepare(make_learner(config.learner, env, seed=0), env, 1)
    millions = config.learner.n_steps * env.num_envs / 1e6
    seconds = sorted(rollout() / millions for _ in range(repeats))
    middle = seconds[len(seconds) // 2]
    report.figures.append(Figure("a million agent-steps of training", middle, "core-s", tuple(seconds)))


def cluster(report: Report, count: int) -> None:
    """Send so many units to a cluster and have them back, and the same once more, when its workers have begun."""
    from ray.cluster_utils import Cluster

    from agents.work.cluster import connected

    made: Any = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": _STORE})
    try:
        made.add_node(num_cpus=1, object_store_memory=_STORE)
        os.environ["RAY_ADDRESS"] = made.address
        with connected() as ray, done_at(ray, str(ray)):
            began = time.perf_counter()
            run_units(tiny, units(2), None)
            report.duration("the first unit on Ray: its worker begins", [time.perf_counter() - began])
            report.rate(f"{count:,} units on Ray, 2 nodes of this machine", count, [timed(
                partial(run_units, tiny, units(count), None))], "units/s")  # fmt: skip
    finally:
        made.shutdown()
