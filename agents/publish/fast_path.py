"""What FastPPO learns beside stable-baselines3's PPO: the four worlds, the same settings and seeds, paired by seed.

``python -m agents.publish.science --only fast_path`` trains from configs/fast_path.yaml, one path for each learner, and
leaves ``fast_path.json`` and ``fast_path.txt`` in docs/results/. Both are one algorithm, so that only chance should
part them: their random draws are others. What would be wrong is a return below SB3's.
"""

from __future__ import annotations

from typing import Final

from rich.console import Group, RenderableType
from rich.text import Text

from agents.evaluation import predictions
from agents.evaluation.predictions import Prediction
from agents.evaluation.report import Report
from agents.evaluation.statistics import paired_difference
from agents.publish import paired

NAME: Final = "fast_path"
#: Paths of the training.
FAST, SB3 = "fast", "sb3"
RETURN: Final = "return of a state"
MEASURES: Final = {
    RETURN: paired.metric("outcome/return"),
    "attacks between security seekers": paired.metric("outcome/ss_attacks"),
}
#: By what share of SB3's a return may fall short: less than what its seeds differ by.
MARGIN: Final = 0.03


def judge(report: Report) -> list[Prediction]:
    """For each world: FastPPO's return is not below SB3's, by the paired difference of the seeds and a margin."""
    found = []
    for world, measure, fast, sb3 in paired.pairs(report["scores"], FAST, SB3):
        if measure == RETURN:
            margin = MARGIN * abs(sum(sb3) / len(sb3))
            claim = f"{world}: FastPPO's return is not {MARGIN:.0%} below that of SB3's PPO."
            found.append(
                predictions.judge(claim, f"{RETURN}, difference", paired_difference(fast, sb3), (-margin, None))
            )
    return found


def shown(report: Report) -> RenderableType:
    """Both learners' numbers as a table, then the predictions."""
    table = paired.table(report["scores"], (FAST, "FastPPO"), (SB3, "PPO of SB3"))
    words = "Means over seeds with 95% intervals; a difference is that of the same seeds."
    return Group(table, Text(f"{words}\n"), *predictions.lines(predictions.predictions_of(report, NAME)))


COMPARISON: Final = paired.Comparison(
    NAME, "The four worlds by FastPPO and by stable-baselines3's PPO", MEASURES, judge, shown
)
