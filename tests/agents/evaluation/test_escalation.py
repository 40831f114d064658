"""Causal measures of escalation: exact where the race is linear, 0 where nobody can respond."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from agents.cli import main
from agents.evaluation import escalation as module
from agents.evaluation.course import Course, pairs_of
from agents.evaluation.escalation import escalation
from agents.evaluation.paired import difference_of_shares, share_attributed
from agents.table.replays import NOBODY
from agents.work import WorkError
from sd_env import layout
from sd_env.layout import Head, Other, Own, Stance
from sd_env.scenario import Scenario
from sd_env.worlds import Worlds

SEEKERS = {"motives.p_greedy": 0.0, "perception.noise": 0.0}


def found(table: pd.DataFrame, do: str, measure: str, h: int | None = None) -> pd.Series:
    """The row of a measure, by default that at the window's end."""
    rows = table[(table["do"] == do) & (table["measure"] == measure)]
    row = rows[rows["h"] == (rows["h"].max() if h is None else h)]
    assert len(row) == 1
    return row.iloc[0]


# --- linear races, exactly ------------------------------------------------------------------------------------------


class Race:
    """Worlds that are a linear race, x' = A x, stepped as :func:`agents.table.play.play` steps worlds: arms are
    ``offense``, and a state's action is what it adds on a turn."""

    def __init__(self, matrix: np.ndarray, worlds: int) -> None:
        self.matrix, self.num_worlds, self.num_states = matrix, worlds, len(matrix)
        shape = (worlds, self.num_states)
        kinds = [(name, np.float64) for name in ("offense", "defense", "greed")]
        self.states = np.zeros(shape, [*kinds, ("standing", np.bool_)])
        self.states["standing"] = True
        self.states["offense"] = np.random.default_rng(1).uniform(1.0, 2.0, shape)
        self.pairs = np.zeros((*shape, self.num_states), [("attacks", np.bool_)])
        self.terminations = self.truncations = np.zeros(worlds, np.bool_)

    def play(self, scenario: Scenario, cast: Any, *, worlds: int, seed: int, recorder: Any, interventions: Any) -> None:
        recorder.start(self)
        for turn in range(1, scenario.horizon + 1):
            changes = [each.change(self, turn) for each in interventions]
            if any(changes):
                recorder.changed(self)
            added = self.states["offense"] @ (self.matrix - np.eye(self.num_states)).T
            # a state's own wear is not its choice: what it chooses is what it builds
            worn = self.states["offense"] * (np.diag(self.matrix) - 1.0)
            actions = (added - worn)[:, :, None]
            for each in interventions:
                each.bind(actions, turn)
            self.states["offense"] += actions[:, :, 0] + worn
            recorder.step(self, actions)


def raced(matrix: np.ndarray, monkeypatch: pytest.MonkeyPatch, window: int) -> pd.DataFrame:
    """The table of escalation for x' = A x, by the code that plays worlds, in which the race is played instead.

    One world: its pair is (0, 1), the first.
    """
    game = Scenario.load("games/richardson", {"n_states": len(matrix), "horizon": window, "motives.p_greedy": 0.0})

    def play(scenario: Scenario, cast: Any, **more: Any) -> None:
        Race(matrix, more["worlds"]).play(scenario, cast, **more)

    monkeypatch.setattr(module, "play", play)
    return escalation("dove", game, seeds=(1,), worlds=1, window=window, delta=0.5)


def test_richardsons_race_has_richardsons_multiplier(monkeypatch: pytest.MonkeyPatch) -> None:
    """x' = k y - a x, y' = l x - b y, a turn a unit of time: the response to a push of x sums to (1 - A)^-1 e_x.

    det(1 - A) = ab - kl = .075 - .03 = .045, so x sums to b/.045 = 5.556 and y to l/.045 = 3.333; with y held x sums to
    1/a = 3.333. M = 5.556/3.333 = 1.667, G = kl/(ab) = .4. The greater eigenvalue is .9 (trace 1.45, determinant .495),
    and .9^120 = 3e-6 is what the window leaves out.
    """
    a, b, k, r = 0.3, 0.25, 0.2, 0.15
    table = raced(np.array([[1 - a, k], [r, 1 - b]]), monkeypatch, window=120)
    expected = {
        "total own response": 5.5556, "total response": 3.3333, "total own response, others frozen": 3.3333,
        "multiplier": 1.6667, "gain": 0.4, "spectral radius": 0.9,
    }  # fmt: skip
    for measure, value in expected.items():
        assert found(table, "offense", measure)["value"] == pytest.approx(value, abs=2e-4), measure
    # turn by turn: y answers a turn later, and x answers that answer another turn later
    responses = [found(table, "offense", "response", h)["value"] for h in range(3)]
    assert responses == pytest.approx([0.0, r, r * (1 - a) + r * (1 - b)], abs=1e-12)
    excess = [found(table, "offense", "own excess", h)["value"] for h in range(4)]
    # A^3 has (1-a)^3 + 2 k r (1-a) + k r (1-b) at its first place
    assert excess == pytest.approx([0.0, 0.0, k * r, 2 * k * r * (1 - a) + k * r * (1 - b)], abs=1e-12)


@pytest.mark.parametrize(("n", "radius", "multiplier"), [(2, 0.95, 2.2857), (3, 1.10, np.inf)])
def test_two_like_states_have_a_multiplier_and_three_have_none(
    n: int, radius: float, multiplier: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """k = .15, a = .2: the greatest eigenvalue is 1 - a + k (N - 1). At N = 2 M = 1/(1 - (k/a)^2) = 2.2857."""
    k, a = 0.15, 0.2
    table = raced(np.full((n, n), k) + (1 - a - k) * np.eye(n), monkeypatch, window=160)
    assert found(table, "offense", "spectral radius")["value"] == pytest.approx(radius, abs=1e-4)
    row = found(table, "offense", "multiplier")
    assert row["value"] == pytest.approx(multiplier, rel=1e-3)
    assert ("its sum has no end" in row["why"]) == np.isinf(multiplier)


# --- the game ---------------------------------------------------------------------------------------------------------


class Scripted:
    """A policy by a function of what a seat sees: observation ``(K, D)`` and the action to change ``(K, H)``."""

    def __init__(self, decide: Callable[[np.ndarray, np.ndarray], None], name: str = "scripted") -> None:
        self.decide, self.name = decide, name

    def reset(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        actions = np.tile(layout.noop(2), (len(observation), 1))
        self.decide(observation, actions)
        return actions


THEIR_ARMS = [layout.OWN_SIZE + Other.OFFENSE_ESTIMATE, layout.OWN_SIZE + Other.DEFENSE_ESTIMATE]


class Carrying(Scripted):
    """Richardson's reactions in a tenth of his unit of time; what rounding to levels leaves is carried over.

    x is who has a spotless record of alliances (which does nothing here), y the other.
    """

    def __init__(self) -> None:
        super().__init__(self.build)

    def reset(self, seed: int) -> None:
        self.carried: Any = 0.0

    def build(self, seen: np.ndarray, actions: np.ndarray) -> None:
        x = seen[:, Own.RELIABILITY] == 1.0
        fatigue, reaction, grievance = (np.where(x, *each) for each in ((0.3, 0.25), (0.2, 0.15), (1.0, 0.5)))
        own = seen[:, Own.OFFENSE].astype(np.float64)
        change = 0.1 * (reaction * seen[:, THEIR_ARMS].sum(axis=1) - fatigue * own + grievance)
        wanted = change + 0.025 * own + self.carried
        levels = np.clip(np.rint(wanted / 0.125), 0, 2)
        self.carried = wanted - 0.125 * levels
        actions[:, Head.BUILD_OFFENSE] = levels


def test_richardsons_race_in_the_game() -> None:
    """The race of above in games/richardson, ten turns a unit of time, so that sums are ten times as large.

    Building is in levels of .125 and what is left is carried over, so that a path's building is off by half a level at
    most in all, and two paths' difference by .125: (5.556 + 4.444) .125 / delta = .3 of a sum at the very worst with 4
    arms given. Starts are spread over more than a level, so that over 64 worlds what is carried is 0 on average, to a
    few hundredths; 60 units of time leave exp(-6) out. Worlds of even numbers give arms to x, those of odd numbers to
    y: sums are means of the two.
    """
    start = {
        "states.offense": {"state_0": [7.5, 8.5], "state_1": [6.5, 7.5]},
        "states.reliability": {"state_0": 1.0, "state_1": 0.5},
    }
    scenario = Scenario.load("games/richardson", {**SEEKERS, **start})
    table = escalation(Carrying(), scenario, seeds=(1,), worlds=64, window=600, delta=4.0)
    assert found(table, "offense", "total own response")["value"] == pytest.approx(10 * (5.556 + 6.667) / 2, abs=0.6)
    assert found(table, "offense", "total response")["value"] == pytest.approx(10 * (3.333 + 4.444) / 2, abs=0.6)
    frozen = found(table, "offense", "total own response, others frozen")["value"]
    assert frozen == pytest.approx(10 * (3.333 + 4.0) / 2, abs=0.4)
    # of both directions together: M = (5.556 + 6.667)/(3.333 + 4) = 1.667, G = .4
    assert found(table, "offense", "multiplier")["value"] == pytest.approx(1.667, abs=0.03)
    assert found(table, "offense", "gain")["value"] == pytest.approx(0.4, abs=0.015)


def test_who_cannot_react_does_not_and_who_keeps_pace_does() -> None:
    """``never-attack`` draws its builds by lot: arms that it is given wear by .04 a turn, and that is all.

    So its own response is .96^h, 1 + .96 + ... + .96^24 = (1 - .96^25)/.04 = 15.99 in all. Tit for tat keeps pace with
    the other's arms, so that a rival answers, and the answer is answered.
    """
    worlds = {"seeds": (1, 2), "worlds": 32}
    none = escalation("never-attack", "jervis/intense", **worlds)
    for kind in ("defense", "offense"):
        response = none[(none["do"] == kind) & (none["measure"] == "response")]
        assert (response[["value", "low", "high", "swapped"]] == 0.0).all(axis=None) and len(response) == 25
        assert found(none, kind, "gain")[["value", "low", "high"]].tolist() == [0.0, 0.0, 0.0]
        assert found(none, kind, "total own response")["value"] == pytest.approx((1 - 0.96**25) / 0.04, rel=1e-9)
        assert found(none, kind, "spectral radius")["value"] == pytest.approx(0.96, rel=1e-9)
    pace = escalation("tit-for-tat", "jervis/intense", **worlds)
    response, gain = found(pace, "defense", "total response"), found(pace, "defense", "gain")
    assert response["low"] > 1.0 and gain["low"] > 0.0
    assert response["swapped"] == response["never_attack"] == gain["never_attack"] == 0.0


def test_the_swapped_rival_finds_draws_that_move_with_what_is_seen() -> None:
    """A policy that draws once more where anybody's arms pass a bound plays otherwise in worlds in which nothing was
    done: its "response" is no response, and the null says so. One that draws as often whatever it sees has a null of 0.
    """

    class Drawing(Scripted):
        def __init__(self, by_sight: bool) -> None:
            super().__init__(self.build)
            self.by_sight = by_sight

        def build(self, seen: np.ndarray, actions: np.ndarray) -> None:
            if self.by_sight:
                self.random.random(int((seen[:, Own.DEFENSE] > 2.5).sum()))
            actions[:, Head.BUILD_DEFENSE] = self.random.integers(0, 3, len(seen))

    game = Scenario.load("jervis/intense", SEEKERS)
    for by_sight in (False, True):
        table = escalation(Drawing(by_sight), game, seeds=(1,), worlds=32, window=8)
        row = found(table, "defense", "total response")
        assert (row["swapped_high"] - row["swapped_low"] > 0.1) == by_sight and (row["swapped"] != 0.0) == by_sight


#: Nobody builds but who is told to; a war can begin at once.
QUIET = {
    **SEEKERS,
    "horizon": 6,
    "states.offense": 0.0,
    "states.defense": [0.1, 0.3],
    "war.mobilization_required": False,
}


def test_war_elasticity_is_counted_from_the_turn_after_the_deed() -> None:
    """Who sees more than .5 arms strikes on that very turn: .5 given make war certain, that is 1/.5 = 2 by an arm.

    Who was mobilized against strikes a turn later. Deeds are a unit each, and words are nothing to them.
    """

    def afraid(seen: np.ndarray, actions: np.ndarray) -> None:
        menaced = seen[:, layout.OWN_SIZE + Other.THEY_MOBILIZED] > 0
        actions[(seen[:, THEIR_ARMS].sum(axis=1) > 0.5) | menaced, Head.STANCE] = Stance.ATTACK

    table = escalation(
        Scripted(afraid), Scenario.load("jervis/intense", QUIET), seeds=(1,), worlds=8, turn=2, delta=0.5
    )
    curves = {do: [found(table, do, "war elasticity", h)["value"] for h in (1, 2, 5)] for do in ("defense", "mobilize")}
    assert curves == {"defense": [2.0, 2.0, 2.0], "mobilize": [0.0, 1.0, 1.0]}
    for do in ("reassure", "threaten", "align"):
        assert found(table, do, "war elasticity")["value"] == 0.0
    assert found(table, "mobilize", "war elasticity")["swapped"] == 0.0
    assert "of 8 pairs 0 are at peace as the window ends, and 10 are needed" in found(table, "defense", "gain")["why"]
    # war ends the comparison of arms: none is left after the turn of the gift, and there is no sum
    assert found(table, "defense", "response", 0)["pairs"] == 8
    assert found(table, "defense", "response", 1)["pairs"] == 0 and np.isnan(found(table, "defense", "gain")["value"])


def test_the_fear_fraction_is_the_share_of_wars_that_trust_would_have_spared() -> None:
    """Who believes less than .9 strikes, and who has more than .2 shields strikes whatever it believes (trust is .5).

    So without trust all pairs fight, and with it those in which one of the two has more than .2 shields.
    """

    def decide(seen: np.ndarray, actions: np.ndarray) -> None:
        doubts = layout.observed_beliefs(seen, 2)[:, 0] < 0.9
        actions[doubts | (seen[:, Own.DEFENSE] > 0.2), Head.STANCE] = Stance.ATTACK

    told = {**QUIET, "perception.beliefs": True, "motives.p_greedy": 0.5}
    game = Scenario.load("jervis/intense", told)
    table = escalation(Scripted(decide), game, seeds=(1,), worlds=64, delta=0.5)
    row = found(table, "belief", "fear fraction")
    start = Worlds(game, 64, seed=1).states
    seekers = (start["greed"] == 0.0).all(axis=1)
    spared = (start["defense"][seekers] <= 0.2).all(axis=1).mean()
    assert row["value"] == pytest.approx(spared) and 0.0 < spared < 1.0 and row["pairs"] == seekers.sum()
    assert row["low"] < spared < row["high"] and row["swapped"] == 0.0 and np.isnan(row["never_attack"])
    blind = escalation("dove", Scenario.load("jervis/intense", {"horizon": 4}), seeds=(1,), worlds=8)
    why = found(blind, "belief", "fear fraction")
    assert np.isnan(why["value"]) and "perception.beliefs is false" in why["why"]


def test_of_three_states_only_pairs_of_seekers_are_looked_at_each_as_often() -> None:
    course = Course(
        arms=np.ones((1, 6, 3)),
        war=np.full((6, 3, 3), 9),
        actions=np.zeros((1, 6, 3, 5), np.int64),
        seekers=np.array([[True, True, True]] * 3 + [[True, False, True], [True, True, True], [False, True, False]]),
        turns=np.full(6, 9),
    )
    course.war[4, 0, 1] = course.war[4, 1, 0] = 1
    i, j = pairs_of(course, 1)
    assert list(zip(i[:4].tolist(), j[:4].tolist(), strict=True)) == [(0, 1), (0, 2), (1, 0), (2, 0)]
    assert (i[5], j[5]) == (NOBODY, NOBODY)
    # as turn 2 begins, those who fought on turn 1 are no pair: four are left, of which world 4 has the first
    assert tuple(each[4] for each in pairs_of(dataclasses.replace(course, arms=np.ones((2, 6, 3))), 2)) == (0, 2)


def test_shares_have_intervals_where_no_world_differs() -> None:
    """Agresti and Min add half a world to each cell: of 38 worlds none differs, +- 1.96 sqrt(1)/40 = .049."""
    never = np.zeros(38, np.bool_)
    same = difference_of_shares(never, never)
    assert (same.value, round(same.low, 4), round(same.high, 4)) == (0.0, -0.049, 0.049)
    # 10 of 38 more: 10/38; its interval about 10/40 = .25 is 1.96 sqrt(10 + 1 - 100/40)/40 = .1429 wide to each side
    some = np.arange(38) < 10
    more = difference_of_shares(some, never)
    assert (more.value, more.low, more.high) == pytest.approx((10 / 38, 0.25 - 0.14286, 0.25 + 0.14286), abs=1e-4)
    assert share_attributed(never, some).value == 1.0 and np.isnan(share_attributed(some, never).value)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"turn": 33}, "turn is 33; 1 to 32"),
        ({"window": 0}, "window is 0; at least 1"),
        ({"delta": 0.0}, "delta is 0.0; a number above 0"),
        ({"worlds": 0}, "worlds is 0"),
        ({"seeds": ()}, "seeds are"),
    ],
)
def test_bad_sizes_get_a_sentence(given: dict[str, Any], words: str) -> None:
    with pytest.raises(WorkError, match=words):
        escalation("dove", "jervis/intense", **given)


def test_without_two_seekers_at_peace_there_is_nothing_to_compare() -> None:
    greedy = Scenario.load("jervis/intense", {"motives.p_greedy": 1.0, "horizon": 3})
    with pytest.raises(WorkError, match="dove in jervis/intense: no world has two security seekers at peace as turn 1"):
        escalation("dove", greedy, seeds=(1,), worlds=4)


def test_the_command_prints_the_table_and_keeps_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["escalation", "dove", "--scenario", "jervis/intense", "--overrides", "horizon=4", "--seeds", "1"]
    words += ["--worlds", "8"]
    assert main([*words, "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "multiplier M" in printed and "never-attack" in printed and "perception.beliefs is false" in printed
    rows = pd.read_csv(tmp_path / "episodes.csv")
    assert rows["do"].nunique() == 7 and (rows["policy"] == "dove").all()
    assert max(map(len, printed.splitlines())) <= 132 and "…" not in printed
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads((tmp_path / "report.json").read_text())
    assert main([*words, "--turn", "5"]) == 2
    assert capsys.readouterr().err == "sd-env: turn is 5; 1 to 4, the scenario's horizon, is allowed.\n"
    assert main([*words[:2], "dove", *words[2:]]) == 2
