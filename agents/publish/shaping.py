"""What opponent shaping does to spirals: AlignedPPO (Duque et al. 2025) beside plain PPO, paired by seed.

``python -m agents.publish.science --only shaping`` trains from configs/shaping.yaml, each world from an even and from a
hostile start by either learner, and leaves ``shaping.json`` and ``shaping.txt`` in docs/results/. The repeated
prisoner's dilemma is the control: what the paper claims is claimed of it. The doubly dangerous world is the question:
whether states that shape one another are spared what fear alone makes them do, or pay for reciprocity with wars.

What is expected was written before anything but the control was tried (``EXPECTED``); weight and decay were chosen by
three seeds of the control alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.text import Text

from agents.evaluation import predictions
from agents.evaluation.outcome import ARMS, ATTACKS, SPIRAL
from agents.evaluation.predictions import Bounds, Prediction
from agents.evaluation.report import Report
from agents.evaluation.statistics import paired_difference
from agents.publish import paired

NAME: Final = "shaping"
#: How a training starts -> paths of AlignedPPO and of PPO.
STARTS: Final = {"even": ("aligned", "ppo"), "hostile": ("aligned-hostile", "ppo-hostile")}
DANGEROUS, DILEMMA = "doubly-dangerous", "repeated-pd"
RETURN, SEEKERS_ATTACK, SPIRALS = "return of a state", "attacks of security seekers on one another", "ends in a spiral"
DEFECTS: Final = "attacks of a state on a turn"


def spirals(metrics: Mapping[str, Any]) -> float:
    """1 if what was learned is a spiral, 0 if not, NaN where there is no security seeker."""
    attacks = paired.metric(ATTACKS)(metrics)
    return math.nan if math.isnan(attacks) else float(attacks >= SPIRAL)


MEASURES: Final = {
    RETURN: paired.metric("outcome/return"),
    DEFECTS: paired.metric("outcome/attacks"),
    SEEKERS_ATTACK: paired.metric(ATTACKS),
    SPIRALS: spirals,
    "arms of a security seeker": paired.metric(ARMS),
}
#: World, start, measure, what is said of it, where AlignedPPO's number less PPO's should lie.
EXPECTED: Final[tuple[tuple[str, str, str, str, Bounds], ...]] = (
    (DILEMMA, "even", DEFECTS, "states that shape one another defect less", (None, 0.0)),
    (DILEMMA, "hostile", DEFECTS, "states that shape one another defect less", (None, 0.0)),
    (DILEMMA, "even", RETURN, "they earn more by it", (0.0, None)),
    # where plain learners already keep the peace there is little left to shape: no more than a spiral's threshold
    (DANGEROUS, "even", SEEKERS_ATTACK, "shaping makes security seekers attack no more", (None, SPIRAL)),
    (DANGEROUS, "hostile", SEEKERS_ATTACK, "shaping makes security seekers attack less", (None, 0.0)),
    (DANGEROUS, "hostile", SPIRALS, "fewer trainings end in a spiral", (None, 0.0)),
    (DANGEROUS, "hostile", RETURN, "they earn more by it", (0.0, None)),
)


def judge(report: Report) -> list[Prediction]:
    """What was expected of each world and start, by the paired difference of the seeds."""
    found = []
    for world, start, measure, says, bounds in EXPECTED:
        numbers = {(w, m): (mine, theirs) for w, m, mine, theirs in paired.pairs(report["scores"], *STARTS[start])}
        effect = paired_difference(*numbers[world, measure])
        claim = f"{world}, {start} start: {says}."
        found.append(predictions.judge(claim, f"{measure}, difference", effect, bounds))
    return found


def shown(report: Report) -> RenderableType:
    """The learners' numbers by start, then what was expected."""
    tables = [
        paired.table(report["scores"], (mine, "AlignedPPO"), (theirs, "PPO"), f"{start} start")
        for start, (mine, theirs) in STARTS.items()
    ]
    words = (
        "Means over seeds with 95% intervals; a difference is that of the same seeds. Attacks of security seekers are "
        f"by ordered pair and turn; a spiral begins at {SPIRAL}. No policy here is certified: what is learned is what "
        "this learner settles on."
    )
    return Group(*tables, Text(f"{words}\n"), *predictions.lines(predictions.predictions_of(report, NAME)))


COMPARISON: Final = paired.Comparison(
    NAME, "Opponent shaping and spirals: AlignedPPO beside PPO", MEASURES, judge, shown
)
