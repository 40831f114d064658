"""(d) The table: what it costs that learners sit side by side, and what it gains that they may compute at once.

PPO and A2C, with the settings of the default experiment and of configs/a2c.yaml, learn in a world of two states:

- side by side, each in one state of every world, at an :class:`agents.training.table.Table`;
- alone, one after another, each in both states of half as many worlds, through
  :class:`agents.training.seats.WorldsVecEnv`: the same slots, the same turns and as many world-turns in all, without
  a table.

Both on one core. On two, the table may let its learners overlap: a result that cannot be repeated, but sooner.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import torch

from agents.machine import cores
from agents.training.callbacks import OnStep
from agents.training.config import load_training
from agents.training.learner_config import LearnerConfig
from agents.training.learners import make_learner
from agents.training.seats import SlotsVecEnv, WorldsVecEnv
from agents.training.table import Table
from benchmarks.engine import SCENARIO
from benchmarks.harness import Report, alternate, one_core, timed
from sd_env import load_scenario

OVERHEAD_CLAIM: Final = 1.10
_CONFIGS: Final = Path(__file__).parent.parent / "configs"


def seat(config: LearnerConfig, env: SlotsVecEnv) -> Any:
    """A learner for its seat or its worlds."""
    return make_learner(config, env, seed=0)


def side_by_side(configs: list[LearnerConfig], worlds: int, turns: int, overlap: bool) -> Callable[[], float]:
    """Seat the learners and warm them up; the result trains them all for ``turns`` and gives the seconds."""
    seats = {f"state_{i}": partial(seat, config) for i, config in enumerate(configs)}
    table = Table(load_scenario(SCENARIO), seats, num_worlds=worlds, seed=0, overlap=overlap)
    each = {name: {"callback": OnStep()} for name in table.seats}
    table.learn(turns * worlds, each=each)
    return lambda: timed(partial(table.learn, turns * worlds, each=each))


def alone(config: LearnerConfig, worlds: int, turns: int) -> Callable[[], float]:
    """As :func:`side_by_side`, for one learner that plays both states of ``worlds`` worlds."""
    env = WorldsVecEnv(load_scenario(SCENARIO), worlds, seed=0)
    learner = seat(config, env)
    learner.learn(turns * env.num_envs, callback=OnStep())
    return lambda: timed(partial(learner.learn, turns * env.num_envs, callback=OnStep()))


def run(smoke: bool, repeats: int) -> Report:
    """Measure learning side by side against learning alone, and overlapping learners where there are two cores."""
    torch.set_num_threads(1)
    report = Report("table", "The table: PPO and A2C side by side against each alone, one torch thread")
    names = ("smoke", "a2c") if smoke else ("four_worlds", "a2c")
    first, second = (load_training(_CONFIGS / f"{name}.yaml") for name in names)
    configs = [first.learner, second.learner]
    worlds = 16 if smoke else first.worlds
    turns = first.learner.n_steps * (1 if smoke else 2)
    slots = 2 * worlds
    with one_core(not smoke):
        together, ppo, a2c = alternate(
            repeats,
            side_by_side(configs, worlds, turns, overlap=False),
            alone(configs[0], worlds // 2, turns),
            alone(configs[1], worlds // 2, turns),
        )
    separate = [a + b for a, b in zip(ppo, a2c, strict=True)]
    report.rate("side by side, one core", slots * turns, together, "agent-steps/s")
    report.rate("alone, one after another, one core", slots * turns, separate, "agent-steps/s")
    report.rate("PPO alone, one core", worlds * turns, ppo, "agent-steps/s")
    report.rate("A2C alone, one core", worlds * turns, a2c, "agent-steps/s")
    cost = statistics.median(a / b for a, b in zip(together, separate, strict=True))
    note = "median over the repeats of their ratio"
    report.ratio("time side by side against alone", cost, at_most=OVERHEAD_CLAIM, note=note)
    if cores() < 2:
        report.notes.append("Not measured: overlapping learners, which need two cores.")
    else:
        free = alternate(repeats, side_by_side(configs, worlds, turns, overlap=True))[0]
        rate = report.rate("side by side, overlapping on two cores", slots * turns, free, "agent-steps/s")
        report.ratio("overlapping on two cores against one core", rate / report.figures[0].value)
    report.settings = {
        "scenario": SCENARIO,
        "configs": [f"configs/{name}.yaml" for name in names],
        "worlds": worlds,
        "turns": turns,
        "repeats": repeats,
        "learners": [config.model_dump(mode="json", exclude_none=True) for config in configs],
    }
    return report
