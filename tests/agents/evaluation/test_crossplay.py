"""Cross-play: the gap and its interval by hand, and that the interval covers where pairs share policies."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from agents.evaluation.crossplay import apart, crossplay, gap, gaps
from agents.evaluation.evaluate import METRICS, PAYOFF
from agents.evaluation.players import Player, players_of
from agents.evaluation.report import as_text
from agents.evaluation.statistics import estimate
from agents.evaluation.tables import crossplay_table
from agents.evaluation.tournament import payoff_matrix
from agents.policies.protocol import RandomPolicy
from agents.work import WorkError
from sd_env import layout
from sd_env.scenario import Scenario

SMALL = {"horizon": 4}


def test_the_gap_is_the_diagonal_less_the_rest() -> None:
    found = gap(np.array([[4.0, 1.0, 2.0], [1.0, 5.0, 3.0], [2.0, 3.0, 6.0]]))
    assert found.value == 5.0 - 2.0
    # leaving one out: gaps 5.5 - 3, 5 - 2, 4.5 - 1; pseudo-values 3 * 3 - 2 * those
    assert found.values == pytest.approx((4.0, 3.0, 2.0))
    expected = estimate([4.0, 3.0, 2.0])
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_where_cross_play_is_the_same_the_interval_is_that_of_self_play() -> None:
    own = [1.0, 4.0, 2.0, 7.0]
    matrix = np.full((4, 4), 0.5)
    np.fill_diagonal(matrix, own)
    found, expected = gap(matrix), estimate([value - 0.5 for value in own])
    assert (found.value, found.low, found.high) == pytest.approx((expected.value, expected.low, expected.high))


def test_two_policies_have_a_gap_and_no_interval_and_holes_are_left_out() -> None:
    two = gap(np.array([[2.0, 1.0], [1.0, 4.0]]))
    assert two.value == 2.0 and not two.known
    nan = math.nan
    assert gap(np.array([[2.0, nan, 1.0], [nan, 4.0, 3.0], [1.0, 3.0, nan]])).value == 1.0
    assert math.isnan(gap(np.full((3, 3), nan)).value)


def test_the_interval_covers() -> None:
    """Policies of eight seeds, each good with itself and with others by chance: 95% of intervals hold the true gap."""
    random = np.random.default_rng(1)
    inside = []
    for _ in range(600):
        skill, own = random.normal(size=8), random.normal(size=8)
        pairs = random.normal(scale=0.3, size=(8, 8))
        matrix = (skill[:, None] + skill) / 2 + (pairs + pairs.T) / 2
        np.fill_diagonal(matrix, 1.5 + skill + own)
        found = gap(matrix)
        inside.append(found.low <= 1.5 <= found.high)
    assert 0.92 < np.mean(inside) < 0.985


def made_up(returns: dict[tuple[str, str], list[tuple[float, float]]]) -> pd.DataFrame:
    rows = []
    for (first, second), games in returns.items():
        for world, values in enumerate(games):
            tallies = dict.fromkeys(layout.TALLY, 0.0) | {"ss_attacks": sum(values), "ss_pair_turns": 10.0}
            row = {"first": first, "second": second, "seed": 1, "world": world, "episode": 0}
            rows.append({**row, "return_0": values[0], "return_1": values[1], **tallies})
    return pd.DataFrame(rows)


def test_every_metric_has_its_gap() -> None:
    frame = made_up(
        {
            ("a", "a"): [(4.0, 4.0)], ("a", "b"): [(2.0, 0.0), (1.0, 1.0)], ("a", "c"): [(3.0, 1.0)],
            ("b", "b"): [(5.0, 5.0)], ("b", "c"): [(3.0, 3.0)], ("c", "c"): [(6.0, 6.0)],
        }
    )  # fmt: skip
    table = gaps(frame).set_index("metric")
    assert list(table.index) == list(METRICS)
    payoff = table.loc[PAYOFF]
    assert (payoff["self_play"], payoff["cross_play"], payoff["gap"], payoff["count"]) == (5.0, 2.0, 3.0, 3)
    assert payoff["low"] == pytest.approx(estimate([4.0, 3.0, 2.0]).low)
    attacks = table.loc["outcome/ss_attacks"]
    assert attacks["self_play"] == pytest.approx(1.0) and attacks["cross_play"] == pytest.approx(0.4)
    assert math.isnan(table.loc["arms/s_total", "gap"])
    text = as_text(crossplay_table("title", gaps(frame)))
    assert "pay-off" in text and "3.00" in text and "3 policies" in text


class Learned(RandomPolicy):
    def __init__(self, seed: int) -> None:
        super().__init__()
        self.name = f"learned__seed{seed}"
        self.info: dict[str, Any] = {"algorithm": "PPO", "training": {"seed": seed}}


def test_training_seeds_are_rows_of_their_own() -> None:
    scenario = Scenario.load("jervis/intense", SMALL)
    policies = [Learned(3), Learned(5), "dove"]
    assert [player.label for player in apart(players_of(policies, scenario))] == [
        "learned seed 3",
        "learned seed 5",
        "dove",
    ]
    assert apart([Player("a", ("x",), (1.0,))]) == [Player("a", ("x",), (1.0,))]
    frame = crossplay(policies, scenario, seeds=(1,), worlds=2)
    assert list(payoff_matrix(frame)) == ["learned seed 3", "learned seed 5", "dove"]
    assert len(frame) == 2 * (3 + 2 * 3)  # three with themselves, three pairs in both seatings
    with pytest.raises(WorkError, match="only dove is there; at least two policies are needed"):
        crossplay(["dove"], scenario)


@pytest.mark.parametrize("states", [2, 3, 4])
def test_a_policy_under_two_names_has_no_gap(states: int) -> None:
    """Self-play and cross-play share all chance: where the policies are one, their games are the same to the bit."""
    names = ["generous-tit-for-tat:generosity=0.3", "generous-tit-for-tat:generosity=0.30"]
    overrides = {**SMALL, "n_states": states, "war.mobilization_required": False}
    frame = crossplay([*names, "random"], "jervis/intense", overrides=overrides, seeds=(1,), worlds=4)
    alone, together = (
        frame[(frame["first"] == names[0]) & (frame["second"] == name)].filter(regex="^(return|attacks)_")
        for name in names
    )
    assert alone.to_numpy().std() > 0
    pd.testing.assert_frame_equal(alone.reset_index(drop=True), together.iloc[: len(alone)].reset_index(drop=True))
    random = frame[frame["second"] == "random"]
    assert random["attacks"].sum() > 0
