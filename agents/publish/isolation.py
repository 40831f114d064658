"""Which game PPO learns: the same training with and without a value beyond the horizon, everything else equal.

stable-baselines3 takes a horizon for a cut in a game that goes on, and adds the discounted value of the last
observation to the last reward (bootstrapping at truncation). Where the horizon is the end of the game that is scored, a
learner that does so plays another game than the one in which it is judged. Each seed is trained both ways here; the
scenario, the seeds, the weights at the start and all settings are the same.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import numpy as np
from rich.console import Group, RenderableType
from rich.text import Text

from agents.evaluation import predictions
from agents.evaluation.outcome import SPIRAL
from agents.evaluation.predictions import Bounds, Prediction
from agents.evaluation.report import Report
from agents.evaluation.statistics import estimate
from agents.table.metrics import rates_of
from agents.table.play import play, returns_of
from agents.table.seating import ALL
from agents.training.callbacks import OnStep
from agents.training.config import TrainingConfig
from agents.training.learners import LearnedPolicy, make_learner, use_threads
from agents.training.table import Table
from agents.work import Unit, run_units
from sd_env.scenario import Scenario

#: Of the report: what the learner does at the horizon -> figure -> one number a seed.
FIGURES: Final = "figures"
#: Of the trainings whose verdicts were withdrawn; here both ways have it. Trainings now refuse any but 1.
DISCOUNT: Final = 0.98
BOOTSTRAPS, ENDS = "values what lies beyond the horizon", "knows that the horizon ends the game"
ATTACKS, RETURN = "attacks of security seekers on each other a pair-turn", "return of security seekers in 32 turns"


def figures_of(config: dict[str, Any], at_horizon: str, seed: int) -> list[dict[str, Any]]:
    """The unit of work: train ``config``'s one scenario and measure the game that is scored; one row."""
    settings = TrainingConfig.model_validate(config)
    use_threads(settings.torch_threads)
    learner = settings.learner.model_copy(update={"gamma": DISCOUNT})
    [choice] = settings.scenarios
    scenario = Scenario.load(choice.scenario, {**settings.overrides, **choice.overrides})
    table = Table(
        scenario,
        {ALL: partial(make_learner, learner, seed=seed)},
        num_worlds=settings.worlds,
        seed=seed,
        reward_scale=settings.learner.reward_scale,
        horizon_ends=at_horizon == ENDS,
    )
    table.learn(settings.total_steps, each={ALL: {"callback": OnStep()}})
    worlds, fresh = settings.evaluation.worlds, settings.evaluation.seed + seed
    frame = play(scenario, LearnedPolicy(table.learners[ALL]), worlds=worlds, seed=fresh)
    greed = np.stack([frame[f"greed_{state}"] for state in range(scenario.n_states)], axis=1)
    return [
        {
            "at_horizon": at_horizon,
            "seed": seed,
            ATTACKS: rates_of(frame)["outcome/ss_attacks"],
            RETURN: float(returns_of(frame)[greed == 0].mean()),
        }
    ]


def run(config: TrainingConfig) -> Report:
    """Train every seed of ``config`` both ways."""
    plain = config.model_dump(mode="json")
    units = [
        Unit(f"{at_horizon} seed {seed}", {"config": plain, "at_horizon": at_horizon, "seed": seed})
        for seed in config.seeds
        for at_horizon in (BOOTSTRAPS, ENDS)
    ]
    out = config.runs / "isolation"
    rows = run_units(figures_of, units, out, workers=config.workers, title="isolation")
    return {
        FIGURES: {
            str(way): {figure: [float(value) for value in group[figure]] for figure in (ATTACKS, RETURN)}
            for way, group in rows.groupby("at_horizon", sort=False)
        }
    }


def judge(report: Report) -> list[Prediction]:
    """The spiral that was published should be there with bootstrapping, and gone without."""
    bounds: dict[str, Bounds] = {BOOTSTRAPS: (SPIRAL, None), ENDS: (None, SPIRAL)}
    return [
        predictions.judge(
            f"A learner that {way}: security seekers {'fight' if way == BOOTSTRAPS else 'stay at peace'}.",
            ATTACKS,
            estimate(report[FIGURES][way][ATTACKS]),
            bounds[way],
        )
        for way in (BOOTSTRAPS, ENDS)
    ]


def shown(report: Report) -> RenderableType:
    """The predictions and each seed's numbers."""
    numbers = [
        Text(f"A learner that {way}: {figure}, by seed: {', '.join(f'{value:.3f}' for value in values)}")
        for way, figures in report[FIGURES].items()
        for figure, values in figures.items()
    ]
    return Group(*predictions.lines(predictions.predictions_of(report, "isolation")), Text(""), *numbers)
