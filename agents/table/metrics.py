"""The numbers by which worlds are judged, from the tallies of finished episodes (docs/metrics.md explains each).

Tallies are summed over worlds first and divided after: a rate is the mean over pair-turns or state-turns, not a mean
of the episodes' rates, and every world counts once however many states it has.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import pandas as pd

from sd_env import layout

#: Metric -> (tallies of the numerator, tallies of the denominator, factor). ``episodes`` is how many ended.
RATES: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...], float]]] = {
    "outcome/ss_attacks": (("ss_attacks",), ("ss_pair_turns",), 1.0),
    "outcome/s_attacks": (("s_attacks",), ("s_pair_turns",), 1.0),
    "outcome/attacks": (("attacks",), ("pair_turns",), 1.0),
    "outcome/tragic_wars": (("tragic_wars",), ("episodes",), 1.0),
    "outcome/wars": (("wars",), ("episodes",), 1.0),
    "outcome/conquests": (("conquests",), ("episodes",), 1.0),
    "outcome/s_welfare": (("s_welfare",), ("s_states",), 1.0),
    "outcome/s_homeland": (("s_homeland",), ("s_states",), 1.0),
    "outcome/s_security": (("s_security",), ("s_state_turns",), 1.0),
    "outcome/return": (("s_welfare", "g_welfare"), ("s_states", "g_states"), 1.0),
    "outcome/episode_length": (("turns",), ("episodes",), 1.0),
    "arms/s_offense": (("s_offense",), ("s_state_turns",), 1.0),
    "arms/s_defense": (("s_defense",), ("s_state_turns",), 1.0),
    "arms/s_total": (("s_offense", "s_defense"), ("s_state_turns",), 1.0),
    "arms/spending_share": (("arms_spending",), ("income",), 1.0),
    "signals/s_reassurances": (("s_reassurances",), ("s_state_turns",), 1.0),
    "signals/s_threats": (("s_threats",), ("s_state_turns",), 1.0),
    "signals/pledges_broken": (("pledges_broken",), ("episodes",), 1.0),
    "alliances/allied": (("alliances",), ("pair_turns",), 2.0),  # unordered pairs over ordered ones
    "alliances/calls": (("calls",), ("episodes",), 1.0),
    "alliances/honoured": (("calls_honoured",), ("episodes",), 1.0),
    "alliances/abandoned": (("calls_abandoned",), ("episodes",), 1.0),
}

_COLUMN: Final = {name: k for k, name in enumerate(layout.TALLY)}

#: Where the tallies begin in a record of ``layout.WORLDS`` seen as a row of 8-byte numbers.
_FIRST: Final = layout.WORLDS.fields[layout.TALLY[0]][1] // 8  # type: ignore[index]


def tally_rows(records: np.ndarray) -> np.ndarray:
    """The tallies of world records as a plain table, float64 ``(len(records), len(layout.TALLY))``."""
    rows = np.ascontiguousarray(records).view(np.float64, np.ndarray).reshape(len(records), -1)
    return rows[:, _FIRST : _FIRST + len(layout.TALLY)]


def rates(totals: np.ndarray, episodes: int) -> dict[str, float]:
    """All metrics of :data:`RATES`.

    Args:
        totals: tallies summed over finished episodes, in the order of ``layout.TALLY``.
        episodes: how many episodes that were.

    Returns:
        Metric name -> value; NaN where nothing was there to count (no security seeker, no episode).
    """

    def total(names: tuple[str, ...]) -> float:
        return sum(float(episodes) if name == "episodes" else float(totals[_COLUMN[name]]) for name in names)

    values = {}
    for metric, (above, below, factor) in RATES.items():
        denominator = total(below)
        values[metric] = factor * total(above) / denominator if denominator > 0 else math.nan
    return values


def rates_of(frame: pd.DataFrame) -> dict[str, float]:
    """All metrics of :data:`RATES` of some rows of :func:`agents.table.play.play`, taken together."""
    return rates(frame[list(layout.TALLY)].to_numpy(np.float64).sum(axis=0), len(frame))
