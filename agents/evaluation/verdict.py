"""What a world's trainings amount to: a verdict on the game, or why there is none.

One training shows what one learner did from one start. So a verdict asks of every start whether its policies settled,
whether anything that was tried beats them, and how those end that stand; and it says whether all starts end alike.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from agents.evaluation.certify import CERTIFIED
from agents.evaluation.outcome import COOPERATES, RACES, SPIRALS
from agents.evaluation.statistics import Estimate
from agents.table.deviation import WIDTH

NOT_SETTLED: Final = "not settled"
NOT_CERTIFIED: Final = "not certified"


@dataclass(frozen=True)
class Start:
    """What came of one way to learn a world.

    Attributes:
        outcomes: of each training seed.
        unsettled: why its policies are not settled, "" if they are.
        uncertified: why they are not certified, "" if they are.
    """

    outcomes: Sequence[str]
    unsettled: str
    uncertified: str

    @property
    def stands(self) -> bool:
        """Whether a verdict may rest on it."""
        return not (self.unsettled or self.uncertified)

    @property
    def shares(self) -> dict[str, float]:
        """Outcome -> share of the seeds that end so, the commonest first."""
        return {name: count / len(self.outcomes) for name, count in Counter(self.outcomes).most_common()}


def unsettled(
    metrics: Mapping[str, Estimate],
    moves: Sequence[Mapping[str, float]],
    errors: Sequence[Mapping[str, float]],
    decimals: Mapping[str, int],
) -> str:
    """Which reported quantity still moved in the last fifth of the trainings by more than its interval, "" if none.

    Args:
        metrics: those that are reported, over seeds.
        moves: of each seed, how far each moved (:func:`agents.training.measure.moved`).
        errors: of each seed, the standard error of each over worlds: of one seed there is no other interval.
        decimals: with how many each is reported: what does not move the last of them has not moved.
    """
    for name, metric in metrics.items():
        moved = [number(move.get(name)) for move in moves]
        if any(math.isnan(each) for each in moved):
            if math.isnan(metric.value):
                continue  # nothing is reported either
            return "too short a training to tell whether it settled"
        move = sum(moved) / len(moved)
        width = (metric.high - metric.low) / 2 if metric.known else WIDTH * number(errors[0].get(name))
        if math.isnan(width):
            return "too few worlds to tell whether it settled"
        width = max(width, 0.5 * 10.0 ** -decimals[name])
        if abs(move) > width:
            return f"{name} still moved by {move:+.3g} in the last fifth, its interval is ±{width:.2g}"
    return ""


def number(value: float | None) -> float:
    """A number as JSON has it, in which null stands for one that there is not."""
    return math.nan if value is None else float(value)


def uncertified(rows: Sequence[Mapping[str, Any]]) -> str:
    """Why no verdict may rest on policies with these certificates, "" if they are certified."""
    if not rows:
        return "nothing was tried against these policies"
    open_ = [f"{row['type']} {row['verdict']}, {row['gain']:+.1%}" for row in rows if row["verdict"] != CERTIFIED]
    return "; ".join(open_)


def largest_gap(rows: Sequence[Mapping[str, Any]], kind: str) -> Mapping[str, Any]:
    """Of the certificates of a type, over the seats, that with the largest gain; empty if there is none."""
    return max((row for row in rows if row["type"] == kind), key=lambda row: float(row["gain"]), default={})


def verdict(starts: Mapping[str, Start]) -> str:
    """What the game does, as far as these starts say: of those that stand, whether all end alike.

    ``spiral``, ``arms race without war`` or ``cooperation``, each ``whatever the start``; ``OUTCOME or OUTCOME, by the
    start`` where starts differ, ``by the seed`` where seeds of one start do; ``not settled`` where none stands, or some
    do not (then of what stands it is told that it is so far), and ``not certified`` where all settled and some of them
    may be beaten.
    """
    standing = {name: start for name, start in starts.items() if start.stands}
    why = NOT_SETTLED if any(start.unsettled for start in starts.values()) else NOT_CERTIFIED
    if not standing:
        return why
    ends = {name: set(start.outcomes) for name, start in standing.items()}
    found = [name for name in (SPIRALS, RACES, COOPERATES) if any(name in end for end in ends.values())]
    if len(standing) < len(starts):
        missing = ", ".join(name for name in starts if name not in standing)
        return f"{why} ({' or '.join(found)} so far; {missing} open)"
    if len(found) == 1:
        return f"{found[0]} whatever the start" if len(starts) > 1 else f"{found[0]}, from one start"
    if all(len(end) == 1 for end in ends.values()):
        return f"{' or '.join(found)}, by the start"
    return f"{' or '.join(found)}, by the seed"
