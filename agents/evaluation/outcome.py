"""What play in a world amounts to, and what theory predicts of it: the only place that knows the thresholds.

Thresholds come from the model, not from results (docs/metrics.md):

* ``SPIRAL``: attacks between security seekers per pair-turn. Such an attack gains nothing in this game, so any that
  learning keeps are fear's work. 0.01 is one attack per pair of states in 50 turns (a pair has two ordered pairs),
  in a default world of 32 turns one world in two or three. Policies drawn from a softmax with an entropy bonus keep an
  attack now and then even where attack never pays; that stays well below it.
* ``ARMS_RACE``: mean stock of a security seeker, offence and defence together. Stocks follow
  s <- (1 - depreciation) s + build_rate u y. In the four worlds (.04 and .08, a start of 1.75 on average) a state that
  never builds averages .96 over 32 turns, one that builds one kind at half speed (u = 1) on every turn 1.86, one that
  builds all it can 4.6. Above 1.5 a state adds arms on more than half of its turns.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from agents.evaluation.predictions import CONTRADICTED, SUPPORTED, UNDECIDED, Bounds, Prediction, Verdict, judge
from agents.evaluation.statistics import SEEDS, Estimate, Interval, difference_of_means

SPIRAL: Final = 0.01
ARMS_RACE: Final = 1.5

SPIRALS: Final = "spiral"
RACES: Final = "arms race without war"
COOPERATES: Final = "cooperation"
OUTCOMES: Final = (SPIRALS, RACES, COOPERATES)

ATTACKS: Final = "outcome/ss_attacks"
ARMS: Final = "arms/s_total"
_NAMES: Final = {ATTACKS: "S-S attacks", ARMS: "arms"}

Worlds = Mapping[str, Mapping[str, Estimate]]  # last part of the scenario's name -> metric -> estimate

#: What Jervis (1978) predicts of the four worlds (theory.md, section 1), by the last part of the scenario's name.
PREDICTED: Final = {
    "doubly-dangerous": SPIRALS,
    "intense": RACES,
    "not-intense": COOPERATES,
    "doubly-safe": COOPERATES,
}
#: Each outcome by the bounds of the two metrics that make it.
_CONDITIONS: Final[dict[str, dict[str, Bounds]]] = {
    SPIRALS: {ATTACKS: (SPIRAL, None)},
    RACES: {ATTACKS: (None, SPIRAL), ARMS: (ARMS_RACE, None)},
    COOPERATES: {ATTACKS: (None, SPIRAL), ARMS: (None, ARMS_RACE)},
}
_W1, _W2, _W3, _W4 = PREDICTED
#: Jervis's signs: metric, world, the world that it is held against (None: 0), where the difference should lie. "At
#: least" and "near 0" are to within the threshold of a spiral.
_SIGNS: Final[tuple[tuple[str, str, str | None, Bounds], ...]] = (
    (ATTACKS, _W1, _W3, (0.0, None)),
    (ATTACKS, _W1, _W2, (0.0, None)),
    (ATTACKS, _W3, _W4, (-SPIRAL, None)),
    (ATTACKS, _W2, None, (None, SPIRAL)),
    (ATTACKS, _W4, None, (None, SPIRAL)),
    (ARMS, _W2, _W4, (0.0, None)),
    (ARMS, _W2, _W3, (0.0, None)),
)


def outcome(ss_attacks: float, arms: float) -> str:
    """Spiral, arms race without war, or cooperation; "" where there was no security seeker.

    Args:
        ss_attacks: attacks between security seekers per ordered pair-turn.
        arms: mean stock of offence and defence of a security seeker.
    """
    if math.isnan(ss_attacks):
        return ""
    if ss_attacks >= SPIRAL:
        return SPIRALS
    return RACES if arms >= ARMS_RACE else COOPERATES


def predicted_of(scenario: str) -> str | None:
    """The outcome that theory predicts of one of Jervis's four worlds, by its scenario's name; None for others."""
    return PREDICTED.get(Path(scenario).stem)


def conditions(
    metrics: Mapping[str, Interval], predicted: str, *, count: int, unit: str = SEEDS, where: str = ""
) -> list[Prediction]:
    """Whether an outcome is the predicted one: a prediction for each metric that makes it, all of which must hold.

    Args:
        metrics: metric -> value and interval, of one policy.
        predicted: one of ``OUTCOMES``.
        count: units behind the intervals.
        unit: what they are.
        where: of whom or what the claim is; comes first in it.
    """
    return [
        judge(
            f"{where}{': ' if where else ''}{predicted}, {_NAMES[metric]} {_words(bounds)}",
            metric,
            metrics[metric],
            bounds,
            count=count,
            unit=unit,
        )
        for metric, bounds in _CONDITIONS[predicted].items()
    ]


def _words(bounds: Bounds) -> str:
    low, high = bounds
    return f"above {low:g}" if high is None else f"below {high:g}"


def all_hold(predictions: list[Prediction]) -> Verdict:
    """The verdict on several predictions together: contradicted by one, supported only by all."""
    verdicts = {each.verdict for each in predictions}
    if CONTRADICTED in verdicts:
        return CONTRADICTED
    return SUPPORTED if verdicts == {SUPPORTED} else UNDECIDED


def signs(worlds: Worlds, suffix: str = "") -> list[Prediction]:
    """Jervis's signs for those of the four worlds that were run.

    Worlds are trained apart, so that the difference of two is Welch's.

    Args:
        worlds: last part of the scenario's name -> metric -> estimate.
        suffix: what is added to the claims.
    """
    found = []
    for metric, world, other, bounds in _SIGNS:
        if world not in worlds or (other is not None and other not in worlds):
            continue
        one, name = worlds[world][metric], _NAMES[metric]
        if other is None:
            found.append(judge(f"{name}: {world} near 0{suffix}", metric, one, bounds))
            continue
        two = worlds[other][metric]
        than = ">" if bounds[0] == 0 else ">="
        found.append(
            judge(
                f"{name}: {world} {than} {other}{suffix}",
                f"{metric}, difference",
                difference_of_means(one.values, two.values),
                bounds,
                count=min(len(one.values), len(two.values)),
            )
        )
    return found
