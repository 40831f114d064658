"""Oracles of theory.md, section 2 (c): sunk costs and tied hands, solved on the environment's own payoffs."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np
import pytest
from scipy.optimize import brentq

from sd_env.layout import Head, Signal, Stance
from sd_env.scenario import Scenario
from sd_env.worlds import Worlds

NAMES = ("games/sinking-costs", "games/tying-hands")
CHALLENGER, DEFENDER = 0, 1
#: Stances of a turn with what is said on it: numbers of moves in the plans below. The first three are said in silence.
MOVES = np.array(
    [
        (stance, signal)
        for signal in (Signal.SILENCE, Signal.THREATEN)
        for stance in (Stance.NEUTRAL, Stance.MOBILIZE, Stance.ATTACK)
    ],
    int,
)
WAIT, MOBILIZE, ATTACK, THREATEN, MOBILIZE_AND_THREATEN, ATTACK_AND_THREATEN = range(len(MOVES))
#: Types in equal cells of their range; payoffs are linear in types, so that means over the midpoints are exact where no
#: cell has a kink in it: .15 and .6 of the defender's values and .6 of the challenger's range are ends of cells.
CELLS = 20
TURNS_AT_STAKE = 2  # the second and the third: nobody can attack on the first


class Plan(NamedTuple):
    """What to do on each turn, whatever the other does."""

    first: int
    unthreatened: int  # on the second turn, if no threat was heard
    threatened: int
    let_be: int  # on the third, if not attacked on the second
    attacked: int


def challenger(if_silent: bool, if_threatened: bool) -> Plan:
    return Plan(MOBILIZE, ATTACK if if_silent else WAIT, ATTACK if if_threatened else WAIT, WAIT, WAIT)


def defender(threatens: bool, fights: bool) -> Plan:
    return Plan(THREATEN if threatens else WAIT, MOBILIZE, MOBILIZE, WAIT, ATTACK if fights else WAIT)


YES_NO = list(itertools.product((False, True), repeat=2))
CHALLENGES, DEFENCES = [challenger(*x) for x in YES_NO], [defender(*x) for x in YES_NO]
#: All plans of the defender against challengers that are silent; a signal on the last turn binds to nothing.
DEFENDER_PLANS = [
    Plan(first, second, second, *third)
    for first, second in itertools.product(range(len(MOVES)), repeat=2)
    for third in itertools.product((WAIT, MOBILIZE, ATTACK), repeat=2)
]
#: All plans of the challenger for one thing heard, silence or a threat, against defenders that never attack first.
CHALLENGER_PLANS = [
    Plan(first, second, second, third, WAIT)
    for first, second in itertools.product(range(len(MOVES)), repeat=2)
    for third in (WAIT, MOBILIZE, ATTACK)
]


class Outcome(NamedTuple):
    """Of worlds (B,) played out."""

    payoffs: np.ndarray  # (B, 2) returns without the first turn's worth of the land at the start
    war: np.ndarray  # bool (B,): attacked, and struck back


def crisis(scenario: Scenario, stakes: np.ndarray, plans: np.ndarray) -> Outcome:
    """Play plans (B, 2, 5) of types with ``stakes`` (B, 2), what the land is worth to them on the turns at stake."""
    count = len(plans)
    worlds = Worlds(scenario, count, seed=0)
    worlds.states["greed"][:] = stakes / TURNS_AT_STAKE
    payoffs = -np.asarray(worlds.states["greed"] * worlds.states["holdings"])
    actions = np.zeros((count, 2, Head.STANCE + 1), int)

    def turn(choices: np.ndarray) -> None:
        actions[:, :, [Head.STANCE, Head.SIGNAL]] = MOVES[choices]
        worlds.step(actions)
        payoffs[...] += worlds.rewards

    turn(plans[:, :, 0])
    heard = (worlds.states["signal"] == Signal.THREATEN)[:, ::-1]
    turn(np.where(heard, plans[:, :, 2], plans[:, :, 1]))
    attacked = np.stack([worlds.pairs["attacks"][:, 1, 0], worlds.pairs["attacks"][:, 0, 1]], axis=1)
    turn(np.where(attacked, plans[:, :, 4], plans[:, :, 3]))
    assert worlds.truncations.all()
    return Outcome(payoffs, attacked[:, DEFENDER] & worlds.pairs["attacks"][:, DEFENDER, CHALLENGER])


def table(scenario: Scenario, seat: int, stakes: np.ndarray, mine: list[Plan], theirs: list[Plan]) -> np.ndarray:
    """Payoffs (types, mine, theirs) of ``seat``. The other's type does not matter to it, but for what it does."""
    shape = (len(stakes), len(mine), len(theirs))
    t, m, o = (index.ravel() for index in np.indices(shape))
    plans, values = np.zeros((t.size, 2, len(Plan._fields)), int), np.zeros((t.size, 2))
    plans[:, seat], plans[:, 1 - seat], values[:, seat] = np.array(mine)[m], np.array(theirs)[o], stakes[t]
    return crisis(scenario, values, plans).payoffs[:, seat].reshape(shape)


def stakes_of(scenario: Scenario, seat: int) -> np.ndarray:
    """Midpoints (CELLS,) of equal cells of the range from which the scenario draws the type of ``seat``."""
    types: Any = scenario.states.greed
    low, high = types[scenario.agents[seat]]
    return np.asarray(TURNS_AT_STAKE * (low + (high - low) * (np.arange(CELLS) + 0.5) / CELLS))


class Equilibrium:
    """Best replies to threats that are believed: who threatens fights, who is silent does not."""

    def __init__(self, name: str) -> None:
        self.scenario = Scenario.load(name)
        self.w, self.v = (stakes_of(self.scenario, seat) for seat in (CHALLENGER, DEFENDER))
        believed = [defender(False, False), defender(True, True)]
        against = table(self.scenario, CHALLENGER, self.w, CHALLENGES, believed)
        # what to do in silence is judged in silence alone, and what to do after a threat likewise
        self.challenges = against.sum(axis=2).argmax(axis=1)
        self.challenge_shares = np.bincount(self.challenges, minlength=len(CHALLENGES)) / CELLS
        answers = table(self.scenario, DEFENDER, self.v, DEFENCES, CHALLENGES) @ self.challenge_shares
        self.defences = answers.argmax(axis=1)
        self.defence_shares = np.bincount(self.defences, minlength=len(DEFENCES)) / CELLS

    def played(self) -> Outcome:
        """Every type against every other, each with its equilibrium plan."""
        i, j = (index.ravel() for index in np.indices((CELLS, CELLS)))
        plans = np.stack([np.array(CHALLENGES)[self.challenges[i]], np.array(DEFENCES)[self.defences[j]]], axis=1)
        return crisis(self.scenario, np.stack([self.w[i], self.v[j]], axis=1), plans)


@pytest.fixture(scope="module")
def equilibria() -> dict[str, Equilibrium]:
    return {name: Equilibrium(name) for name in NAMES}


def test_the_two_scenarios_differ_in_their_signals_alone() -> None:
    sinking, tying = (Scenario.load(name).to_dict() for name in NAMES)
    texts = {"name", "title", "description", "tags", "prediction"}
    assert {key for key in sinking if sinking[key] != tying[key]} - texts == {"signals"}
    assert {key for key, value in sinking["signals"].items() if value != tying["signals"][key]} == {
        *("signal_cost", "audience_cost"),
    }


@pytest.mark.parametrize("name", NAMES)
def test_payoffs_are_those_of_the_crisis(name: str) -> None:
    """Peace v, backing down 0, war v / 2 - c; a threat costs m at once, and a if it is not kept."""
    scenario = Scenario.load(name)
    m, a, c, p = scenario.signals.signal_cost, scenario.signals.audience_cost, 0.3, 0.5
    assert {NAMES[0]: (0.36, 0.0), NAMES[1]: (0.0, 0.225)}[name] == (m, a)
    v, w = (stakes_of(scenario, seat)[:, None] for seat in (DEFENDER, CHALLENGER))
    peace, attack = challenger(False, False), challenger(True, True)
    for (threatens, fights), plan in zip(YES_NO, DEFENCES, strict=True):
        if_attacked = p * v - c if fights else 0 * v - threatens * a
        expected = np.hstack([v, if_attacked]) - threatens * m
        got = table(scenario, DEFENDER, v[:, 0], [plan], [peace, attack])[:, 0]
        assert got == pytest.approx(expected, abs=1e-12)
        taken = w * (1 - p if fights else 1) - c
        got = table(scenario, CHALLENGER, w[:, 0], [peace, attack], [plan])[:, :, 0]
        assert got == pytest.approx(np.hstack([0 * w, taken]), abs=1e-12)


@pytest.mark.parametrize(("name", "cutoff"), [(NAMES[0], 0.60), (NAMES[1], 0.15)])
def test_who_threatens_and_that_threats_are_meant(name: str, cutoff: float, equilibria: dict[str, Equilibrium]) -> None:
    e = equilibria[name]
    threatens, fights = np.array(YES_NO)[e.defences].T
    assert list(threatens) == list(e.v > cutoff)
    assert list(fights) == list(threatens), "the belief that challengers act on is true"
    silent_too, threat_too = np.array(YES_NO)[e.challenges].T
    assert silent_too.all(), "silence deters nobody"
    assert list(threat_too) == list(e.w > 0.6)
    assert threat_too.mean() == pytest.approx(0.4), "r"


@pytest.mark.parametrize(("name", "risk", "value"), [(NAMES[0], 0.16, 0.064), (NAMES[1], 0.34, 0.289)])
def test_risk_of_war_and_value_as_played(
    name: str, risk: float, value: float, equilibria: dict[str, Equilibrium]
) -> None:
    outcome = equilibria[name].played()
    assert outcome.war.mean() == pytest.approx(risk, abs=1e-12)
    assert outcome.payoffs[:, DEFENDER].mean() == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_no_plan_of_the_defender_does_better(name: str, equilibria: dict[str, Equilibrium]) -> None:
    """All 324 of every type, among them attacks out of turn, second ones, and threats that come too late."""
    e = equilibria[name]
    values = table(e.scenario, DEFENDER, e.v, [*DEFENDER_PLANS, *DEFENCES], CHALLENGES) @ e.challenge_shares
    kept = values[np.arange(CELLS), len(DEFENDER_PLANS) + e.defences]
    assert (values.max(axis=1) <= kept + 1e-12).all()


@pytest.mark.parametrize("name", NAMES)
def test_no_plan_of_the_challenger_does_better_whatever_it_hears(name: str, equilibria: dict[str, Equilibrium]) -> None:
    """All 108 of every type: even one that knew beforehand which signal it will hear could not do better."""
    e = equilibria[name]
    values = table(e.scenario, CHALLENGER, e.w, [*CHALLENGER_PLANS, *CHALLENGES], DEFENCES)
    for threatened in (False, True):
        weights = e.defence_shares * [threatens == threatened for threatens, _ in YES_NO]
        assert weights.sum() > 0
        worth = values @ weights
        kept = worth[np.arange(CELLS), len(CHALLENGER_PLANS) + e.challenges]
        assert (worth.max(axis=1) <= kept + 1e-12).all()


@pytest.mark.parametrize("name", NAMES)
def test_who_would_fight_could_as_well_wait_for_the_last_turn(name: str, equilibria: dict[str, Equilibrium]) -> None:
    """The limit of a game that is over after the answer: a last-turn attack is not answered, and worth what war is."""
    e = equilibria[name]
    late = Plan(WAIT, MOBILIZE, MOBILIZE, ATTACK, WAIT)
    worth = table(e.scenario, CHALLENGER, e.w, [challenger(True, True), late], [defender(True, True)])[:, :, 0]
    assert worth[:, 0] == pytest.approx(worth[:, 1], abs=1e-12)
    worth = table(e.scenario, CHALLENGER, e.w, [challenger(True, True), late], [defender(False, False)])[:, :, 0]
    assert (worth[:, 0] > worth[:, 1] + 0.1).all()


def value(scenario: Scenario, v: float, plan: Plan) -> float:
    """Of the defender's ``plan`` where r = .4 of the challengers attack after a threat, and all after silence."""
    shares = np.array([0.6, 0.4])  # of those that a threat deters, and of the others
    return float(table(scenario, DEFENDER, np.array([v]), [plan], CHALLENGES[2:])[0, 0] @ shares)


SILENT, BLUFF, FIGHT = defender(False, False), defender(True, False), defender(True, True)


@pytest.mark.parametrize(
    ("name", "key", "other", "at", "tempted", "least"),
    [
        # the value that is just ready to fight has the most to gain by a bluff
        (NAMES[0], "signals.signal_cost", BLUFF, 0.36, 0.60, 0.36),
        # the value that gains nothing by a threat that it keeps gains nothing by a bluff either
        (NAMES[1], "signals.audience_cost", SILENT, 1.0, 0.15, 0.225),
    ],
)
def test_the_least_cost_with_which_all_threats_are_meant(
    name: str, key: str, other: Plan, at: float, tempted: float, least: float
) -> None:
    """``tempted``: to this value fighting is worth what ``other`` is; at the least cost a bluff gives it nothing."""

    def gain(cost: float, v: float, plan: Plan, over: Plan) -> float:
        scenario = Scenario.load(name, {key: cost})
        return value(scenario, v, plan) - value(scenario, v, over)

    v = float(brentq(lambda x: gain(at, x, FIGHT, other), 0.0, 1.0, xtol=1e-14))
    assert v == pytest.approx(tempted, abs=1e-9)
    assert brentq(lambda cost: gain(cost, v, BLUFF, SILENT), 0.0, 1.0, xtol=1e-14) == pytest.approx(least, abs=1e-9)


@pytest.mark.parametrize(("cost", "kept"), [(0.2, False), (0.225, True), (0.5, True)])
def test_cheaper_words_are_broken(cost: float, kept: bool) -> None:
    """At an audience cost of .2 values between 2/15 and .2 bluff; at .225 or more nobody does."""
    scenario = Scenario.load(NAMES[1], {"signals.audience_cost": cost})
    values = (np.arange(600) + 0.5) / 600
    choices = (table(scenario, DEFENDER, values, DEFENCES, CHALLENGES[2:]) @ np.array([0.6, 0.4])).argmax(axis=1)
    bluffs = values[choices == DEFENCES.index(BLUFF)]
    assert (len(bluffs) == 0) == kept
    if not kept:
        assert (bluffs.min(), bluffs.max()) == pytest.approx((2 / 15, 0.2), abs=1 / 600)
