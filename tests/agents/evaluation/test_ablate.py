"""Ablation: the same worlds but for one parameter, and differences to the base by hand."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from agents.evaluation.ablate import BASE, ablate, differences, text_of
from agents.evaluation.evaluate import METRICS, PAYOFF
from agents.evaluation.report import as_text
from agents.evaluation.statistics import EPISODES, SEEDS, TRAINING_SEEDS, estimate
from agents.evaluation.tables import ablation_table
from agents.pictures.plays import ablation
from agents.work import WorkError
from sd_env import layout
from sd_env.scenario import ScenarioError

SMALL = {"horizon": 6}


def test_only_the_parameter_differs() -> None:
    frame = ablate(
        ["worst-case"], "jervis/intense", "technology.perceived_offense_advantage", [0.5, 4.0], overrides=SMALL,
        seeds=(1, 2), worlds=3,
    )  # fmt: skip
    assert list(frame)[:5] == ["policy", "training_seed", "seat", "parameter", "value"]
    assert frame.groupby("value", sort=False).size().to_dict() == {BASE: 6, "0.5": 6, "4.0": 6}
    by = frame.set_index(["value", "seed", "world"]).sort_index()
    for value in ("0.5", "4.0"):
        assert by.loc[value, "greed_0"].equals(by.loc[BASE, "greed_0"])
    # worst-case thinking attacks iff the offence is believed to have the advantage (Wendt 1992)
    attacks = frame.groupby("value")["attacks"].sum()
    assert attacks["0.5"] == attacks[BASE] == 0 < attacks["4.0"]


def test_a_value_that_is_the_scenarios_own_changes_nothing() -> None:
    frame = ablate(["random"], "jervis/intense", "horizon", [6], overrides=SMALL, seeds=(1, 2), worlds=2)
    table = differences(frame)
    changed = table[(table["value"] == "6") & table["mean"].notna()]
    assert (changed["difference"] == 0).all() and (changed["low"] == 0).all() and (changed["high"] == 0).all()


def made_up(values: dict[tuple[str, float, int], list[float]]) -> pd.DataFrame:
    rows = []
    for (value, training, seed), returns in values.items():
        for world, number in enumerate(returns):
            tallies = dict.fromkeys(layout.TALLY, 0.0) | {"ss_attacks": number, "ss_pair_turns": 10.0}
            row = {"policy": "p", "training_seed": training, "seat": -1, "parameter": "horizon", "value": value}
            row |= {"seed": seed, "world": world, "episode": 0}
            rows.append({**row, "return_0": number, "return_1": number, **tallies})
    return pd.DataFrame(rows)


def row_of(frame: pd.DataFrame, value: str, metric: str = PAYOFF) -> dict[str, Any]:
    table = differences(frame)
    [row] = table[(table["value"] == value) & (table["metric"] == metric)].to_dict("records")
    return {str(key): entry for key, entry in row.items()}


NAN = math.nan


def test_differences_are_paired_by_seed() -> None:
    frame = made_up(
        {
            (BASE, NAN, 1): [1, 3], (BASE, NAN, 2): [10, 10], (BASE, NAN, 3): [5, 5],
            ("x", NAN, 1): [3, 3], ("x", NAN, 2): [12, 12], ("x", NAN, 3): [5, 7],
        }
    )  # fmt: skip
    row = row_of(frame, "x")
    expected = estimate([1.0, 2.0, 1.0])  # seeds' means 2, 10, 5 and 3, 12, 6
    assert (row["mean"], row["difference"], row["count"], row["unit"]) == (7.0, expected.value, 3, SEEDS)
    assert (row["low"], row["high"]) == pytest.approx((expected.low, expected.high))
    assert row_of(frame, "x", "outcome/ss_attacks")["difference"] == pytest.approx(expected.value / 10)
    base = row_of(frame, BASE)
    assert base["mean"] == pytest.approx(17 / 3) and base["difference"] == 0 and math.isnan(base["low"])
    table = differences(frame)
    assert table["metric"].tolist() == [*METRICS] * 2


def test_differences_are_paired_by_training_seed_where_there_are_several() -> None:
    frame = made_up({(BASE, 1.0, 1): [0], (BASE, 2.0, 1): [4], ("x", 1.0, 1): [1], ("x", 2.0, 1): [7]})
    row = row_of(frame, "x")
    assert (row["difference"], row["count"], row["unit"]) == (2.0, 2, TRAINING_SEEDS)
    assert row["high"] == pytest.approx(estimate([1.0, 3.0]).high)


def test_one_seed_resamples_worlds_with_and_without_the_change() -> None:
    random = np.random.default_rng(2)
    luck, change = random.normal(scale=10, size=200), random.normal(1.0, 0.5, size=200)
    base = made_up({(BASE, NAN, 1): list(luck)})
    changed = made_up({("x", NAN, 1): list(luck + change)})
    frame = pd.concat([base, changed.sample(frac=1, random_state=0)])  # in whatever order the rows come
    row = row_of(frame, "x")
    assert (row["count"], row["unit"]) == (200, EPISODES)
    assert row["difference"] == pytest.approx(change.mean())
    # the worlds' luck cancels: only the spread of the change is left
    assert row["high"] - row["low"] == pytest.approx(2 * 1.96 * change.std() / math.sqrt(200), rel=0.1)


def test_what_cannot_be_varied_is_refused() -> None:
    with pytest.raises(ScenarioError, match=r"war\.nothing"):
        ablate(["dove"], "jervis/intense", "war.nothing", [1])
    with pytest.raises(ScenarioError, match=r"war\.conquest"):
        ablate(["dove"], "jervis/intense", "war.conquest", [0.1, 7])
    for values in ([], [0.1, 0.1]):
        with pytest.raises(WorkError, match=r"values of war\.conquest are .*at least one is needed, each once"):
            ablate(["dove"], "jervis/intense", "war.conquest", values)


def test_values_are_written_as_in_yaml() -> None:
    assert [text_of(value) for value in (None, True, False, 0.5, 1, "share")] == [
        "null",
        "true",
        "false",
        "0.5",
        "1",
        "share",
    ]


def test_a_parameter_may_change_the_number_of_states() -> None:
    frame = ablate(["dove"], "jervis/intense", "n_states", [3], overrides=SMALL, seeds=(1, 2), worlds=2)
    wide = frame[frame["value"] == "3"]
    assert wide["return_2"].notna().all() and frame.loc[frame["value"] == BASE, "return_2"].isna().all()
    assert row_of(frame, "3")["mean"] == pytest.approx(wide[["return_0", "return_1", "return_2"]].to_numpy().mean())


def test_the_table_and_the_picture_show_every_value(tmp_path: Path) -> None:
    from matplotlib import image

    frame = made_up(
        {(value, NAN, seed): [shift + seed] for value, shift in ((BASE, 0), ("x", 2), ("y", 4)) for seed in (1, 2, 3)}
    )
    table = differences(frame)
    text = as_text(ablation_table("title", table))
    assert "+2.00" in text and "+4.00" in text and "±0.00" in text and "95% t interval over 3 seeds" in text
    ablation(table, tmp_path / "one.png", "title")
    ablation(table.assign(mean=-table["mean"]), tmp_path / "two.png", "title")
    one, two = (image.imread(tmp_path / f"{name}.png") for name in ("one", "two"))
    assert one.shape[1] > 1200 and one.sum() != two.sum()
