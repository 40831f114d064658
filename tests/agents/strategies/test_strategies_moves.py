"""Each strategy against scripted others, turn by turn, worked out by hand from its docstring.

A turn is written as build_offense and build_defense (0 none, 1 half, 2 full), signal (. silence, r reassure,
t threaten) and a stance toward each other state in index order (a align, n neutral, m mobilize, A attack): ``20rn``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import agents
from agents.policies.protocol import NeverAttackPolicy, RandomPolicy
from agents.strategies import BUILT_INS
from sd_env import layout
from sd_env.layout import Head
from sd_env.worlds import Worlds
from tests.table import quiet

SIGNALS, STANCES = ".rt", "anmA"
#: On top of tests.table.QUIET (a level builds 1 and costs nothing, no noise, base defence 1, success F / (F + S)):
#: weapons are told apart, nobody falls, and land is handed back, so that income stays 1.
WORLD = {
    "technology__distinguishability": 1.0,
    "technology__dual_use": 0.0,
    "war__collapse": 0.0,
    "war__restoration": 1.0,
    "states__offense": 0.0,
}
#: Only stances matter: nobody can build.
FROZEN = {"actions__build_offense": ["none"], "actions__build_defense": ["none"]}
GROWING = {"state_0": 0.0, "state_1": 0.1, "state_2": 0.2}
ONE_SWORD = {"state_0": 1.0, "default": 0.0}


def read(turn: str) -> list[int]:
    return [int(turn[0]), int(turn[1]), SIGNALS.index(turn[2]), *(STANCES.index(stance) for stance in turn[3:])]


def written(action: np.ndarray) -> str:
    stances = "".join(STANCES[stance] for stance in action[Head.STANCE :])
    return f"{action[Head.BUILD_OFFENSE]}{action[Head.BUILD_DEFENSE]}{SIGNALS[action[Head.SIGNAL]]}{stances}"


def versus(strategy: Any, *others: str, world: dict[str, Any] | None = None) -> str:
    """What the strategy does as state 0 against others whose turns are given, on one turn more than they have."""
    scripts = [other.split() for other in others]
    worlds = Worlds(quiet(len(others) + 1, **(WORLD | (world or {}))), seed=0)
    assert all(len(script) == len(scripts[0]) for script in scripts)
    strategy.reset(0)
    moves = []
    for turn in range(len(scripts[0]) + 1):
        action = strategy.act(worlds.observations[0, :1], worlds.masks[0, :1])[0]
        moves.append(written(action))
        if turn < len(scripts[0]):
            worlds.step([[action, *(read(script[turn]) for script in scripts)]])
    return " ".join(moves)


def quietly(turns: int, others: int = 1) -> str:
    return " ".join(["00." + "n" * others] * turns)


CASES: dict[str, tuple[str, dict[str, Any], tuple[str, ...], dict[str, Any], str]] = {
    # a pledge lasts 2 turns, the one it is made on included, so it is renewed on every second
    "dove": ("dove", {}, ("00.n 00.A 00.m 00.n",), {}, "01rn 01.n 01rn 01.n 01rn"),
    "dove without arms": ("dove", {"armour": 0}, ("20.A",), {}, "00rn 00.n"),
    # its attack needs a turn of mobilization
    "hawk": ("hawk", {}, (quietly(2),), {"war__mobilization_required": True}, "20.m 20.A 20.A"),
    # 1 sword against 1 + its shields: 1/2, then 1/4, 1/6, 1/8 with 0, 2, 4, 6 shields; it bears .15
    "isolationist": (
        "isolationist", {"safe": 0.15}, ("10.n 00.n 00.A 00.m",), {}, "00.n 02.n 02.n 02.n 00.n",
    ),
    # a sword in sight is answered by two (none at all is below half of one)
    "tit-for-tat": ("tit-for-tat", {}, ("10.n 00.a 00.m 00.A 00.n",), {}, "00.n 20.n 00.a 00.m 00.A 00.n"),
    "tit-for-tat climbs the ladder": (
        "tit-for-tat", {}, ("00.m 00.A 00.A 00.n",), {"war__mobilization_required": True},
        "00.n 00.m 00.A 00.A 00.n",
    ),
    "tit-for-tat tells states apart": ("tit-for-tat", {}, ("00.An 00.nn", "00.aA 00.mn"), {}, "00.nn 00.Aa 00.nm"),
    "generous-tit-for-tat": (
        "generous-tit-for-tat", {"generosity": 1.0}, ("10.A 00.a 00.m",), {}, "00.n 20.n 00.a 00.n",
    ),
    "generous-tit-for-tat that is not": (
        "generous-tit-for-tat", {"generosity": 0.0}, ("00.A 00.a 00.m",), {}, "00.n 00.A 00.a 00.m",
    ),
    "grim-trigger": (
        "grim-trigger", {}, ("00.mn 00.An 00.nn 00.nn", "00.nn 00.nn 00.aa 00.nn"), {},
        "00.nn 00.nn 00.An 00.An 00.An",
    ),
    # step 1 on turn 0, 2 on turn 3; the mobilization takes a step back on turn 6; 2 on turn 9, 3 on turn 12.
    # Shields are matched at step 1 (2 for 1) and no more from step 2 on
    "grit": (
        "grit", {}, ("11.n 00.n 00.n 00.m 00.n 00.n 00.n 00.n 00.n 02.n 00.n 00.n 00.A",), {},
        "00rn 02.n 00.n 00rn 00.m 00.n 00rn 00.n 00.n 00rn 00.n 00.n 00ra 00.A",
    ),
    # state 2 mobilizes under the pledge: no trust any more, swords for its sword, and no new pledge on turn 2
    "kydd-reassurer": (
        "kydd-reassurer", {}, (quietly(4, 2), "10.nn 00.mn 00.nn 00.An"), {},
        "00rnn 00.nn 20.nn 00.an 00.aA",
    ),
    # bears one attack, resists the second; its pledge of turn 1 is renewed on turn 3, its last
    "appeaser": (
        "appeaser", {"patience": 1}, ("00tn 00.n 00.A 00.A 00.n",), {}, "00.n 02ra 00.n 02ra 02.A 00.n",
    ),
    # x' = y/2 - x/2 + 2.4: 2.4, 1 + 2.4 - 1, 3 + 2.4 - 2, 3 + 2.4 - 4, 3 + 2.4 - 5; half of each in each kind
    "richardson": (
        "richardson", {"reaction": 0.5, "fatigue": 0.5, "grievance": 2.4}, ("20.n 22.n 00.A 00.n",), {},
        "11.n 11.n 22.n 11.n 00.n",
    ),
    # q = 1/2, 2 swords each: 1.5 in sight. p_f = 1.5/2.5, p_s = 1.5/4.5, m = 1 - .05/(.5 (.6 - .3333)) = .625.
    # Odds of trust 9, a third of it by the offensive posture: .75. Its mobilization divides them by 5: .375 < m.
    # Then its deeds are answers to this state's own, and count for nothing.
    "bayesian-realist": (
        "bayesian-realist", {"prior": 0.9}, ("00.m 00.n 00.A",),
        {**FROZEN, "states__offense": 2.0, "technology__distinguishability": 0.5, "war__attacker_cost": 0.05},
        "00rn 00.A 00.A 00.A",
    ),
    # the same with a quiet rival: trust rises from .75 (odds 3, times .95/.75 a turn)
    "bayesian-realist trusts": (
        "bayesian-realist", {"prior": 0.9}, (quietly(3),),
        {**FROZEN, "states__offense": 2.0, "technology__distinguishability": 0.5, "war__attacker_cost": 0.05},
        "00rn 00.n 00rn 00.n",
    ),
    # the likeliest attack is anybody's while nobody has arms, and state 2's once it has swords
    "worst-case": ("worst-case", {}, (quietly(1, 2), "20.nn"), {"technology__offense_advantage": 2.0}, "22.Am 22.mA"),
    "worst-case without the lead": ("worst-case", {}, ("00.An 00.nn", quietly(2, 2)), {}, "22.mm 22.Am 22.mm"),
    # 2 swords against 1 + 0 and 1 + 1 shields: 2/3 and 1/2; 4 swords: 4/5 and 2/3
    "power-maximiser": ("power-maximiser", {}, (quietly(2, 2), "01.nn 00.nA"), {}, "22.nn 22.An 22.An"),
    # as the realist's, with q = 1: p_f = 2/3, p_s = 2/5, so m = 1 - .05/(.5 .2667) = .625 > 0: strike
    "preemptor": (
        "preemptor", {}, ("00.n 00.m 00.n",), {**FROZEN, "states__offense": 2.0, "war__attacker_cost": 0.05},
        "00.n 00.n 00.A 00.n",
    ),
    # and with a cost of .2: m = -.5
    "preemptor for whom it does not pay": (
        "preemptor", {}, ("00.n 00.m 00.A",), {**FROZEN, "states__offense": 2.0, "war__attacker_cost": 0.2},
        "00.n 00.n 00.m 00.A",
    ),
    # one sword against base defence 1: 1/2, against both
    "preventive-attacker": (
        "preventive-attacker", {}, (quietly(1, 2), quietly(1, 2)),
        {"states__growth": GROWING, "states__offense": ONE_SWORD}, "00.nA 00.nA",
    ),
    # nine shields: 1/11 is too little, and full defensive building to keep pace
    "preventive-attacker turns to the weaker": (
        "preventive-attacker", {}, (quietly(1, 2), quietly(1, 2)),
        {
            "states__growth": GROWING, "states__offense": ONE_SWORD,
            "states__defense": {"state_2": 9.0, "default": 0.0},
        },
        "02.An 02.An",
    ),
    # state 2 mobilizes: a threat, open for 3 turns. State 1 becomes an ally, is attacked and calls
    "deterrer": (
        "deterrer", {}, ("00.nn 00.an 00.an 00.nn", "00.mn 00.nn 00.nA 00.nn"), {},
        "00.nn 00tnm 00.an 00.aA 00.nn",
    ),
    "deterrer is alarmed": ("deterrer", {}, ("10.n",), {}, "00.n 20tn"),  # 1/2 > .3
    # a threat lasts 3 turns; that of turn 3 falls on the same turn, since the attack of turn 2 is not answered
    "bluffer": ("bluffer", {}, ("00.n 00.m 00.A 00.n",), {}, "01tn 01.n 01.m 01tm 01tn"),
    # three turns of peace, then the one without a shield
    "deceiver": (
        "deceiver", {"patience": 3}, ("01.nn 00.nn 00.nn 00.nn", quietly(4, 2)), {},
        "20rnn 20.nn 20rnn 20.nA 20.nA",
    ),
    # state 3 has power 4 + 1 against 1; by full building this one draws level
    "balancer": (
        "balancer", {}, (quietly(2, 3), quietly(2, 3), "22.nnn 00.Ann"), {}, "00.nnn 22.aan 00.nnA",
    ),
    # state 2 has power 5 against 3, then 9 against 5; its victim's defence is the base's 1 against 2 swords
    "bandwagoner": (
        "bandwagoner", {}, (quietly(3, 2), "22.nn 22.nA 00.An"), {}, "11.nn 11.na 11.Aa 11.na",
    ),
    # state 1 is an ally from turn 2 on, is attacked on turn 2 and calls in vain
    "buck-passer": (
        "buck-passer", {}, ("00.nn 00.an 00.an 00.an 00.nn", "20.nn 00.nn 00.nA 00.mn 00.An"), {},
        "00.nn 00.nn 00.an 00.an 02.an 02.nA",
    ),
    "buck-passer with nobody to pass to": ("buck-passer", {}, ("10.n",), {}, "00.n 20.n"),
    "timetable": (
        "timetable", {"defense": 1, "builds_until": 2, "attacks_from": 1, "attacks_until": 3},
        ("00.n 00.A 00.n 00.n",), {}, "21.n 21.A 00.A 00.n 00.n",
    ),
    # two swords against the base's 1: 2/3
    "timetable with odds": ("timetable", {"odds": 0.6, "attacks_from": 0}, ("00.n",), {}, "20.n 20.A"),
    "timetable of a seeker": (
        "timetable", {"attacks_from": 0, "greedy_only": True, "says": 1}, ("00.n",), {}, "20rn 20rn",
    ),
    "timetable of types that build apart": (
        "timetable", {"attacks_from": 1, "greedy_only": True, "seeker_offense": 0, "seeker_defense": 2}, ("00.n",), {},
        "02.n 02.n",
    ),
    "timetable of a crisis": (
        "timetable", {"builds_until": 0, "mobilizes_from": 1, "attacks_from": 2, "attacks_until": 3},
        (quietly(3),), {}, "00.n 00.m 00.A 00.m",
    ),
    "timetable of types that build alike": (
        "timetable", {"attacks_from": 1, "greedy_only": True, "seeker_defense": 1}, ("00.n",), {}, "21.n 21.n",
    ),
    "timetable of types that speak apart": (
        "timetable", {"attacks_from": 1, "greedy_only": True, "says": 2, "seeker_says": 1}, ("00.n",), {}, "20rn 20rn",
    ),
    # its ally begins a war on turn 1; it leaves when the alliance ends
    "chain-ganger": (
        "chain-ganger", {}, ("00.an 00.aA 00.nn", quietly(3, 2)), {}, "00.aa 00.an 00.aA 00.nn",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_expected_actions(case: str) -> None:
    name, parameters, others, world, expected = CASES[case]
    assert versus(agents.make(name, **parameters), *others, world=world) == expected


def test_every_strategy_has_its_expected_actions() -> None:
    by_lot = {"random", "never-attack"}  # below
    assert {case[0] for case in CASES.values()} | by_lot == {strategy.name for strategy in BUILT_INS}


@pytest.mark.parametrize(("name", "reference"), [("random", RandomPolicy), ("never-attack", NeverAttackPolicy)])
def test_random_strategies_draw_as_the_random_policies(name: str, reference: type[RandomPolicy]) -> None:
    worlds = Worlds(quiet(4), 20, seed=0)
    observation, mask = worlds.observations[:, 0], worlds.masks[:, 0]
    strategy, policy = agents.make(name), reference()
    strategy.reset(7)
    policy.reset(7)
    for _ in range(3):
        assert np.array_equal(strategy.act(observation, mask), policy.act(observation, mask))


def test_generosity_is_the_share_of_hostile_deeds_let_pass() -> None:
    """3000 attacks at once, each let pass with probability 1/3: standard deviation .0086."""
    worlds = Worlds(quiet(2), seed=0)
    worlds.step([[layout.noop(2), read("00.A")]])
    strategy = agents.make("generous-tit-for-tat")
    strategy.reset(0)
    actions = strategy.act(worlds.observations[0, :1].repeat(3000, axis=0), worlds.masks[0, :1].repeat(3000, axis=0))
    stances = actions[:, Head.STANCE]
    assert set(stances.tolist()) == {STANCES.index("n"), STANCES.index("A")}
    assert (stances == STANCES.index("n")).mean() == pytest.approx(1 / 3, abs=0.035)


# --- Richardson's arms race (theory of issue 3; Richardson 1960) -----------------------------------------------


def race(n_states: int, turns: int, **parameters: float) -> np.ndarray:
    """Arms of all states after so many turns of mutual reaction, when levels are fine enough not to matter."""
    fine = {"arming__build_rate": 0.01, "arming__depreciation": 0.01, "horizon": turns + 1}
    worlds = Worlds(quiet(n_states, **(WORLD | fine)), seed=0)
    strategy = agents.make("richardson", **parameters)
    strategy.reset(0)
    for _ in range(turns):
        worlds.step(strategy.act(worlds.observations[0], worlds.masks[0])[None])
    arms: np.ndarray = worlds.states["offense"][0] + worlds.states["defense"][0]
    return arms


def test_richardsons_race_settles_where_grievance_meets_fatigue() -> None:
    """x' = k y - a x + g stands still at x* = g / (a - k); rounding moves it by at most .01 / (a - k)."""
    assert race(2, 200, reaction=0.15, fatigue=0.3, grievance=0.15) == pytest.approx([1.0, 1.0], abs=0.01 / 0.15)


def test_richardsons_defaults_settle_between_two_and_run_away_among_three() -> None:
    """g / (a - k) = .1 / .05 = 2; rounding moves it by at most .01 / .05. Among three, 2 k = .3 > .2: there each
    builds all it can, four levels of .01 a turn, of which age takes a hundredth: 4 (1 - .99^t) after t turns.
    """
    assert race(2, 400) == pytest.approx([2.0, 2.0], abs=0.2)
    assert race(3, 400) == pytest.approx(np.full(3, 4.0 * (1.0 - 0.99**400)))


def test_richardsons_race_runs_away_with_a_third_state() -> None:
    """Symmetric states run away iff (N - 1) k > a: k = .15, a = .2 is stable at N = 2 and not at N = 3."""
    parameters = {"reaction": 0.15, "fatigue": 0.2, "grievance": 0.02}
    settled, later = race(2, 200, **parameters), race(2, 400, **parameters)
    assert later == pytest.approx(settled, abs=0.02)
    growing, grown = race(3, 100, **parameters), race(3, 130, **parameters)
    assert (grown > growing + 0.3).all()
