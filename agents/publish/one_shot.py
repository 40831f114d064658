"""PPO against the threshold m: one learning security seeker among the rivals of model.md section 5.

Section 5 gives the rival a fixed play: a security seeker waits, a greedy state attacks. Then the best answer is unique:
attack iff t < m. In self-play both peace and war are equilibria where 0 < m < 1, and the start decides.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import numpy as np
from rich.console import Group, RenderableType
from rich.text import Text

from agents.evaluation import predictions
from agents.evaluation.predictions import Bounds, Prediction
from agents.evaluation.report import Report
from agents.evaluation.statistics import estimate
from agents.policies.protocol import Policy
from agents.table.play import play
from agents.table.seating import OTHERS
from agents.training.config import TrainingConfig
from agents.training.learners import LearnedPolicy, make_learner, use_threads
from agents.training.table import Table
from agents.work import Unit, run_units
from sd_env import layout
from sd_env.scenario import Scenario

#: Of the report: label of a scenario -> how often its learner attacks, one number a seed.
SHARES: Final = "share of attacks of the learner"


class WaitUnlessGreedy:
    """The rivals of section 5: security seekers wait, greedy states attack for sure."""

    def reset(self, seed: int | None = None) -> None:
        """There is nothing to forget."""

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """No-ops, with attack on everyone where the actor's own greed is above 0."""
        actions = np.tile(layout.noop(layout.num_states_of(mask.shape[1])), (len(mask), 1))
        actions[observation[:, layout.Own.GREED] > 0, layout.standard_heads(2).entries(layout.Head.STANCE)] = (
            layout.Stance.ATTACK
        )
        return actions


def share_of_attacks(config: TrainingConfig, name: str, seed: int) -> float:
    """Train a security seeker in the scenario called ``name`` and return how often it then attacks, 0 to 1."""
    use_threads(config.torch_threads)
    [choice] = [choice for choice in config.scenarios if choice.name == name]
    others = {**config.overrides, **choice.overrides}
    scenario = Scenario.load(choice.scenario, {**others, "states.greed": {"state_0": 0.0}})
    table = Table(
        scenario,
        {scenario.agents[0]: partial(make_learner, config.learner, seed=seed), OTHERS: WaitUnlessGreedy()},
        num_worlds=config.worlds,
        seed=seed,
        reward_scale=config.learner.reward_scale,
        horizon_ends=True,
    )
    table.learn(config.total_steps)
    cast: list[Policy] = [LearnedPolicy(table.learners[scenario.agents[0]]), WaitUnlessGreedy()]
    fresh = config.evaluation.seed + seed
    return float(play(scenario, cast, worlds=config.evaluation.worlds, seed=fresh)["attacks_0"].mean())


def share_of_job(config: TrainingConfig, name: str, seed: int) -> list[dict[str, Any]]:
    """The unit of work: one row, ``name, seed, share``."""
    return [{"name": name, "seed": seed, "share": share_of_attacks(config, name, seed)}]


def run(config: TrainingConfig) -> Report:
    """Train every scenario and seed of ``config``; returns how often each learner attacks.

    Args:
        config: its scenarios' labels end in ``below`` (t < m: attack) or ``above`` (t > m: wait).
    """
    units = [
        Unit(f"{choice.name} seed {seed}", {"config": config, "name": choice.name, "seed": seed})
        for choice in config.scenarios
        for seed in config.seeds
    ]
    rows = run_units(share_of_job, units, None, workers=config.workers, title="one_shot")
    return {SHARES: {str(name): list(group["share"]) for name, group in rows.groupby("name", sort=False)}}


def judge(report: Report) -> list[Prediction]:
    """Is each learner on the side of m that the best answer is on, attacking on more or less than half of its turns?"""
    sides: dict[str, tuple[str, Bounds]] = {"below": ("attacks", (0.5, None)), "above": ("waits", (None, 0.5))}
    found = []
    for name, shares in report[SHARES].items():
        case, _, side = name.rpartition("-")
        does, bounds = sides[side]
        claim = f"{case}, trust {side} m: the learner {does}."
        found.append(predictions.judge(claim, "share of turns with an attack", estimate(shares), bounds))
    return found


def shown(report: Report) -> RenderableType:
    """The predictions and each seed's number."""
    numbers = [
        Text(f"{name}: share of attacks by seed: {', '.join(f'{share:.3f}' for share in shares)}")
        for name, shares in report[SHARES].items()
    ]
    return Group(*predictions.lines(predictions.predictions_of(report, "one_shot")), Text(""), *numbers)
