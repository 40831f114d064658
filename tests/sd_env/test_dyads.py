"""Dyad-years and disputes: by hand, against the codebook, and with causes that are known."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from agents.publish import codebook as publish
from examples import dyad_regression as example
from sd_env.layout import Stance
from sd_env.measures import HostilityLevel, dispute_of, dyad_years, hostility_levels, war_of
from sd_env.measures.codebook import COLUMNS, KEY, ON, SOURCES, TRUTH
from sd_env.scenario import Scenario
from tests.logs import Draft, simulated


def row(found: dict[str, np.ndarray], year: int, one: str, other: str) -> dict[str, object]:
    """The one row of a turn and an ordered pair."""
    (at,) = np.flatnonzero((found["year"] == year) & (found["state1"] == one) & (found["state2"] == other))
    return {name: values[at].item() for name, values in found.items()}


# --- by hand --------------------------------------------------------------------------------------------------


def test_the_five_levels_of_hostility() -> None:
    draft = Draft(5).arms(1.0, 1.0)
    draft.mobilize(1, 0, 1)
    draft.threaten(2, 1)  # the answer to it
    draft.attack(3, 0, 1).attack(4, 0, 1).attack(4, 1, 0).attack(5, 0, 1)
    draft.states["lost_homeland"][5, 1] = 0.1
    levels = hostility_levels(draft.log())
    assert levels[:, 0, 1].tolist() == [1, 3, 1, 4, 5, 5]
    assert levels[:, 1, 0].tolist() == [1, 1, 2, 1, 5, 1]
    assert (levels[:, [0, 1], [0, 1]] == HostilityLevel.NONE).all()


def test_a_threat_is_meant_for_whom_menaced_it_or_its_ally() -> None:
    draft = Draft(3, 4).arms(1.0, 1.0, 1.0, 1.0).ally(1, 2, 3).mobilize(1, 0, 2)
    draft.threaten(1, 3).threaten(2, 3).threaten(3, 3)
    levels = hostility_levels(draft.log())
    assert levels[1, 3].tolist() == [1, 1, 1, 1], "on the first turn there was nobody to threaten"
    assert levels[2, 3].tolist() == [2, 1, 1, 1], "0 was mobilized against 3's ally"
    assert levels[3, 3].tolist() == [1, 1, 1, 1], "and is no more"


def test_disputes_link_states_and_end_with_a_quiet_turn() -> None:
    draft = Draft(6, 4).arms(*[1.0] * 4)
    draft.mobilize(1, 0, 1).mobilize(2, 0, 1).mobilize(2, 2, 1)  # 2 joins
    draft.mobilize(4, 0, 1).mobilize(4, 2, 3)  # two at once, after a quiet turn
    log = draft.log()
    assert dispute_of(log)[1:].tolist() == [[0, 0, -1, -1], [0, 0, 0, -1], [-1] * 4, [1, 1, 2, 2], [-1] * 4, [-1] * 4]
    found = dyad_years(log, 7)
    assert (found["log"] == 7).all() and len(found["year"]) == 6 * 12
    joins = row(found, 2, "state_2", "state_1")
    assert (joins["dispnum"], joins["orig1"], joins["orig2"], joins["init1"], joins["init2"]) == (1, 0, 1, 1, 0)
    begins, goes_on = row(found, 1, "state_0", "state_1"), row(found, 2, "state_0", "state_1")
    assert (begins["disponset"], begins["init1"], begins["orig1"], begins["recip"]) == (1, 1, 1, 0)
    assert (goes_on["disponset"], goes_on["init1"], goes_on["dispongoing"]) == (0, 0, 1)
    aside = row(found, 2, "state_0", "state_2")
    assert (aside["dispnum"], aside["orig1"], aside["dispongoing"]) == (0, 0, 0), "in it, but not with one another"
    assert [row(found, t, "state_1", "state_0")["peaceyrs"] for t in range(1, 7)] == [0, 0, 0, 1, 0, 1]
    assert [row(found, t, "state_3", "state_0")["peaceyrs"] for t in range(1, 7)] == [0, 1, 2, 3, 4, 5]


def test_who_takes_land_is_by_the_share_of_the_force() -> None:
    draft = Draft(2, 3).arms(1.0, 1.0, 1.0).attack(1, 0, 2).attack(1, 1, 2)
    draft.pairs["force"][1, 0, 2], draft.pairs["force"][1, 1, 2] = 3.0, 1.0
    draft.states["lost_homeland"][1, 2], draft.states["lost_holdings"][1, 2] = 0.2, 0.2
    draft.attack(2, 0, 1)
    found = dyad_years(draft.log())
    victor = row(found, 1, "state_0", "state_2")
    assert (victor["outcome"], victor["landlost1"]) == ("victory 1", 0.0)
    assert victor["landlost2"] == pytest.approx(0.3)
    assert row(found, 1, "state_2", "state_1")["landlost1"] == pytest.approx(0.1)
    assert row(found, 1, "state_2", "state_1")["outcome"] == "victory 2"
    assert row(found, 2, "state_1", "state_0")["outcome"] == "stalemate"
    assert row(found, 2, "state_1", "state_2")["outcome"] == "none"
    assert [row(found, t, "state_0", "state_1")["warnum"] for t in (1, 2)] == [0, 1], "in one war, on one side"


def test_capability_is_the_mean_share_of_all_that_stand() -> None:
    draft = Draft(2, 3).arms(3.0, 1.0, 4.0)
    draft.states["economy"][:, 0] = 3.0
    draft.fall(1, 2)
    found = dyad_years(draft.log())
    first = row(found, 1, "state_0", "state_1")
    assert first["cinc1"] == pytest.approx((1 / 3 + 3 / 5 + 3 / 8) / 3)
    later = row(found, 2, "state_0", "state_1")
    assert later["cinc1"] == pytest.approx((1 / 2 + 3 / 4 + 3 / 4) / 3)
    assert later["cinc2"] == pytest.approx((1 / 2 + 1 / 4 + 1 / 4) / 3)
    assert set(found["state1"][found["year"] == 2]) == {"state_0", "state_1"}, "the fallen are no members any more"
    assert dyad_years(Draft(1).log())["cinc1"] == pytest.approx([0.5, 0.5])  # nobody has arms


# --- of play --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tables() -> list[tuple[object, dict[str, np.ndarray]]]:
    logs = simulated(Scenario.load("jervis/multipolar", {"horizon": 8}), 4, seed=3, attack=0.3)
    return [(log, dyad_years(log, k)) for k, log in enumerate(logs, 1)]


def test_every_column_is_in_its_range_and_of_its_type(tables: list[tuple[object, dict[str, np.ndarray]]]) -> None:
    for _, found in tables:
        assert list(found) == [name for column in COLUMNS for name in column.names]
        assert len({len(values) for values in found.values()}) == 1
        for column in COLUMNS:
            for name in column.names:
                values = found[name]
                if column.kind == "text":
                    assert values.dtype.kind == "U" and (not column.choices or set(values) <= set(column.choices)), name
                else:
                    assert values.dtype == column.kind, name
                    assert ((values >= column.low) & (values <= column.high)).all(), name


def test_both_rows_of_a_pair_tell_the_same(tables: list[tuple[object, dict[str, np.ndarray]]]) -> None:
    for _, found in tables:
        frame = pd.DataFrame(found)
        assert not frame.duplicated(["year", "state1", "state2"]).any()
        swap = {name: f"{name[:-1]}{3 - int(name[-1])}" for c in COLUMNS if c.sides for name in c.names}
        keys = ["year", "state1", "state2"]
        one = frame.sort_values(keys).reset_index(drop=True)
        other = frame.rename(columns=swap)[list(frame)].sort_values(keys).reset_index(drop=True)
        one["outcome"] = one["outcome"].map({"victory 1": "victory 2", "victory 2": "victory 1"}).fillna(one["outcome"])
        assert one.equals(other)


def test_it_agrees_with_the_measures(tables: list[tuple[object, dict[str, np.ndarray]]]) -> None:
    from sd_env.measures import hostility, wars

    for log, found in tables:
        assert int(found["attack1"].sum()) == hostility(log).attacks  # type: ignore[arg-type]
        assert int((found["hostlev1"] == 3).sum()) == hostility(log).mobilizations  # type: ignore[arg-type]
        assert found["warnum"].max() == len(wars(log)) == war_of(log).max() + 1  # type: ignore[arg-type]
        struck = found["firststrike1"] == 1
        assert struck.any() and ((found["motive1"] != "") == struck).all()
        lost = sum(float(log.states[name][1:].sum()) for name in ("lost_homeland", "lost_holdings"))  # type: ignore[attr-defined]
        assert found["landlost1"].sum() == pytest.approx(lost) and lost > 0


def test_income_is_that_of_which_arms_are_built() -> None:
    (log,) = simulated(Scenario.load("jervis/multipolar", {"horizon": 6}), 1, seed=5, attack=0.3)
    found = dyad_years(log)
    for year, state, income in zip(found["year"], found["state1"], found["income1"], strict=True):
        assert income == log.states["income"][year, log.agents.index(state)]


def test_what_explains_is_known_before_the_turn() -> None:
    """Acts on the last turn change no column but those that are of the turn."""
    one, other = Draft(2).arms(1.0, 2.0), Draft(2).arms(1.0, 2.0)
    other.attack(2, 0, 1)
    other.pairs["stance"][2, 1, 0] = Stance.MOBILIZE
    quiet, fought = dyad_years(one.log()), dyad_years(other.log())
    changed = {name for name in quiet if not np.array_equal(quiet[name], fought[name])}
    of_the_turn = {name for c in COLUMNS if c.when == ON for name in c.names} | {"motive1", "motive2", "tragic"}
    assert {"hostlev1", "attack1", "disponset", "tragic"} <= changed <= of_the_turn


# --- the codebook ---------------------------------------------------------------------------------------------


def test_the_page_is_the_tables() -> None:
    assert publish.PAGE.read_text(encoding="utf-8") == publish.page(), f"stale: {publish.COMMAND}"


def test_every_entry_is_whole() -> None:
    names = [name for column in COLUMNS for name in column.names]
    assert len(set(names)) == len(names) > 60
    assert {column.source for column in COLUMNS} - {""} == set(SOURCES)
    for column in COLUMNS:
        assert column.meaning.endswith(".") and column.unit and "|" not in column.meaning + column.nearest
        assert column.nearest or not column.source
        assert column.kind == "text" or column.low < column.high
        assert column.choices == () or column.kind == "text"
    assert [column.name for column in COLUMNS][:2] == ["log", "scenario"]
    assert {"revstate", "greed", "belief"} <= {column.name for column in COLUMNS if column.when == TRUTH}
    assert "policy" in {column.name for column in COLUMNS if column.when == KEY}


# --- causes that are known ------------------------------------------------------------------------------------


def test_a_regression_finds_the_causes_that_made_the_data() -> None:
    frame = example.at_risk(example.table(worlds=96, seed=2))
    found = example.logit(frame, "init1", ("revstate1", "success1", "revstate2"))
    for name, cause in example.CAUSES.items():
        error = (found.loc[name, "high"] - found.loc[name, "low"]) / (2 * 1.96)
        assert abs(found.loc[name, "value"] - cause) < 3 * error, name
    assert found.loc["revstate1", "low"] > 0 and found.loc["success1", "low"] > 0


def test_rows_that_are_chosen_by_their_outcome_hide_the_cause() -> None:
    """As the codebook says: without the turns on which a dispute goes on, but with those on which one has ended."""
    everything = example.table(worlds=96, seed=2)
    chosen = everything[(everything["disponset"] == 1) | (everything["dispongoing"] == 0)]
    assert len(chosen) > len(example.at_risk(everything))
    found = example.logit(chosen, "init1", ("revstate1", "success1", "revstate2"))
    assert found.loc["revstate1", "high"] < example.CAUSES["revstate1"]


def test_the_logit_is_that_of_a_table_of_four() -> None:
    """With one flag as the cause the coefficients are the log odds: 1 of 4 without it, 6 of 8 with it."""
    frame = pd.DataFrame({"x": [0] * 4 + [1] * 8, "y": [1] + [0] * 3 + [1] * 6 + [0] * 2, "log": range(12)})
    found = example.logit(frame, "y", ("x",))
    assert found["value"].tolist() == pytest.approx([math.log(1 / 3), math.log(3) - math.log(1 / 3)])
    with pytest.raises(ArithmeticError, match="tell y for certain"):
        example.logit(frame.assign(y=frame["x"]), "y", ("x",))
