"""Measures of predictions that were derived again: each by hand, and of a policy that cannot have what it measures."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from agents import make
from agents.experiments.backfire import Without, answers, unarmed
from agents.experiments.quantities import LOGGED, OF_TALLIES, known, needs_logs, of_frame, of_logs
from agents.table.play import play
from sd_env import layout, measures
from sd_env.layout import Build, Head, Stance
from sd_env.record import Collector, EpisodeLog, record
from sd_env.scenario import Scenario
from tests.agents.experiments.test_experiments_run import Script
from tests.logs import Draft


def played(strategy: str, world: str = "jervis/multipolar", **overrides: object) -> list[EpisodeLog]:
    scenario = Scenario.load(world, {key.replace("__", "."): value for key, value in overrides.items()})
    kept = Collector()
    seats = [make(strategy) for _ in range(scenario.n_states)]
    play(scenario, seats, worlds=8, seed=1, recorder=kept)
    return kept.logs


# --- alliances --------------------------------------------------------------------------------------------------


def test_entrapment_is_what_the_rules_take_of_an_ally_that_does_not_join() -> None:
    """2 and 3 are 1's allies; 0 attacks 1 on turns 1 and 2, and 3 joins on turn 2: .8 x .5, 2 pays twice, 3 once."""
    extra = {"alliances__alliance_commitment": 0.8, "war__defender_cost": 0.5}
    draft = Draft(3, 4, **extra).ally(1, 1, 2).ally(2, 1, 2).attack(1, 0, 1).attack(2, 0, 1).attack(2, 3, 0)
    for turn in (1, 2):
        for pair in ((1, 3), (3, 1)):
            draft.pairs["allied"][turn, pair[0], pair[1]] = True
    costs = measures.entrapment_costs(draft.log())
    assert costs[1:] == pytest.approx(np.array([[0, 0, 0.4, 0.4], [0, 0, 0.4, 0], [0, 0, 0, 0]]))
    assert LOGGED["alliances/entrapment"]([draft.log()]) == pytest.approx(1.2 / 12)
    assert math.isnan(LOGGED["alliances/entrapment"]([]))


def test_entrapment_is_what_states_have_paid_in_the_game_itself() -> None:
    """Nothing else costs here but to be attacked: what is left of the costs is the allies' share of the defence."""
    free = {
        "arming.arms_cost": 0.0, "signals.signal_cost": 0.0, "signals.audience_cost": 0.0, "war.mobilization_cost": 0.0,
        "war.attacker_cost": 0.0, "alliances.abandonment_cost": 0.0, "alliances.alliance_commitment": 0.7,
    }  # fmt: skip
    scenario = Scenario.load("theories/snyder-alliances", free)
    log = record(scenario, [make("random") for _ in range(4)], seed=3)
    own = 0.5 * log.pairs["attacks"].any(axis=1)
    assert measures.entrapment_costs(log)[1:] == pytest.approx((log.states["cost"] - own)[1:])
    assert measures.entrapment_costs(log).any()


def test_no_ally_no_entrapment_and_nothing_drawn() -> None:
    logs = played("hawk")
    assert LOGGED["alliances/entrapment"](logs) == 0.0 and math.isnan(LOGGED["alliances/drawn"](logs))


def test_an_attack_is_drawn_by_the_allys_enemies_before_the_state_attacks_anybody() -> None:
    """1 and 2 are allied and 0 attacks 1. Then 0 attacks 2 as well; or late; or a stranger does; or 2 struck before."""

    def share(*attacks: tuple[int, int, int], states: int = 4) -> float:
        draft = Draft(6, states).ally(0, 1, 2).attack(1, 0, 1)
        for attack in attacks:
            draft.attack(*attack)
        return LOGGED["alliances/drawn"]([draft.log()])

    assert share((3, 0, 2)) == 1.0 and share((5, 0, 2)) == 0.0 and share((3, 3, 2)) == 0.0 and share() == 0.0
    assert share((2, 2, 0), (3, 0, 2)) == 0.0
    assert share((3, 3, 1), (4, 3, 2)) == 1.0  # who attacks the ally later is an enemy as well


def test_the_share_of_abandoned_calls_is_of_those_that_were_judged() -> None:
    frame = pd.DataFrame({name: np.zeros(2) for name in layout.TALLY})
    assert math.isnan(of_frame("alliances/abandoned_share", frame, ("a", "b")))
    frame["calls"], frame["calls_abandoned"], frame["calls_honoured"] = [9.0, 0.0], [2.0, 1.0], [1.0, 0.0]
    assert of_frame("alliances/abandoned_share", frame, ("a", "b")) == 0.75  # open or lapsed ones are not counted


@pytest.mark.parametrize(("stance", "share"), [("attack", 0.0), ("neutral", 1.0)])
def test_who_honours_every_call_abandons_none_and_who_fights_nobody_all(stance: str, share: float) -> None:
    scenario = Scenario.load("theories/huth-extended", {"war.mobilization_required": False})
    bound = {
        "defender": {"stance.protege": "align", "stance.challenger": stance},
        "protege": {"stance.defender": "align", "stance.challenger": stance},
    }
    frame = play(scenario, [make("hawk") for _ in range(3)], worlds=8, seed=1, interventions=bound)
    assert frame["calls_honoured"].sum() + frame["calls_abandoned"].sum() > 0
    assert OF_TALLIES["alliances/abandoned_share"](frame) == share


# --- wars -------------------------------------------------------------------------------------------------------


def test_any_war_counts_an_episode_once_however_often_its_war_began_anew() -> None:
    frame = pd.DataFrame({name: np.zeros(4) for name in layout.TALLY})
    frame["wars"] = [5.0, 0.0, 1.0, 0.0]
    assert of_frame("outcome/any_war", frame, ("a", "b")) == 0.5
    scenario = Scenario.load("theories/fearon-tying-hands")
    peace = play(scenario, [make("never-attack") for _ in range(2)], worlds=8, seed=1)
    assert OF_TALLIES["outcome/any_war"](peace) == 0.0


def test_a_first_strike_is_no_answer_and_no_war_that_goes_on() -> None:
    """0 attacks on turns 2 and 3, 1 strikes back on 3 and 4; 0 strikes first again on turn 6, after a turn of peace."""
    log = Draft(6).attack(2, 0, 1).attack(3, 0, 1).attack(3, 1, 0).attack(4, 1, 0).attack(6, 0, 1).log()
    names = ["strikes/state_0", "strikes/state_1", "strikes/all", "strikes/state_0>state_1"]
    # at peace before turns 1, 2 and 6
    assert list(of_logs(names, [log]).values()) == pytest.approx([2 / 3, 0.0, 2 / 6, 2 / 3])
    first, could = measures.first_strikes(log)
    assert could[1:, 0, 1].tolist() == [True, True, False, False, False, True]
    assert np.argwhere(first).tolist() == [[2, 0, 1], [6, 0, 1]]


def test_who_only_fights_back_never_strikes_first() -> None:
    scenario = Scenario.load("jervis/doubly-dangerous")
    kept = Collector()
    play(scenario, [make("hawk"), make("grim-trigger")], worlds=8, seed=1, recorder=kept)
    found = of_logs(["strikes/state_0", "strikes/state_1", "attacks/state_1>state_0"], kept.logs)
    assert found["strikes/state_0"] > 0.0 == found["strikes/state_1"] < found["attacks/state_1>state_0"]


def test_who_opens_a_war_does_so_from_peace_with_all_whomever_it_strikes() -> None:
    """0 strikes both on turn 2, 1 again on turn 5: 2 of turns 1, 2 and 5. 1 only fights back: it opens none."""
    log = Draft(5, 3).attack(2, 0, 1, 2).attack(3, 0, 1).attack(5, 0, 1).log()
    names = [f"opens/state_{i}" for i in range(3)]
    assert list(of_logs(names, [log]).values()) == pytest.approx([2 / 3, 0.0, 0.0])
    assert of_logs(["opens/state_0"], played("never-attack")) == {"opens/state_0": 0.0}


def test_tragic_wars_of_a_state_are_those_in_which_it_fights() -> None:
    """0 is greedy. Seekers 1 and 2 begin a war that 0 joins; 0 attacks 3, which is its war, and not tragic."""
    draft = Draft(6, 4).attack(1, 1, 2).attack(2, 0, 2).attack(5, 0, 3)
    draft.states["greed"][:, 0] = 1.0
    quiet = Draft(6, 4).log()
    names = [f"tragic/state_{i}" for i in range(4)]
    assert list(of_logs(names, [draft.log(), quiet]).values()) == [0.5, 0.5, 0.5, 0.0]
    assert of_logs(["tragic/state_0"], played("never-attack")) == {"tragic/state_0": 0.0}


def test_preventive_wars_are_worth_it_for_the_shift_alone() -> None:
    """In the long game the decliner's war pays by the shift; where nobody grows there is no shift to prevent."""
    long = {"horizon": 128, "war.conquest": 0.5, "war.attrition_loser": 0.9, "motives.p_greedy": 0.0}
    cast = [Script([Stance.MOBILIZE, Stance.ATTACK, Stance.NEUTRAL]), make("dove")]

    def share(riser: float) -> float:
        growth = {"states.growth": {"decliner": 0.0, "riser": riser}}
        scenario = Scenario.load("theories/fearon-power-shift", long | growth)
        return LOGGED["wars/preventive"]([record(scenario, cast, seed=seed) for seed in range(3)])

    assert share(0.04) == 1.0 and share(0.0) == 0.0
    assert LOGGED["wars/preventive"](played("never-attack")) == 0.0


# --- balancing --------------------------------------------------------------------------------------------------


def prey(*mobilized: int) -> EpisodeLog:
    """0 attacks 1 on turns 1 to 5 of 6; 2 and 3, as strong, mobilize from these turns on; nobody can build."""
    none = {"actions__build_offense": ["none"], "actions__build_defense": ["none"]}
    draft = Draft(6, 4, **none).arms(8.0, 2.0, 2.0, 2.0)
    for turn in range(1, 6):
        draft.attack(turn, 0, 1)
    for state, first in zip((2, 3), mobilized, strict=False):
        for turn in range(first, 7):
            draft.mobilize(turn, state, 0)
    return draft.log()


def test_effort_over_means_and_the_time_until_half_is_put_up() -> None:
    """2 from turn 3 and 3 from turn 4: nothing on turn 2, a third on 3, two thirds from 4 on, the third turn after."""
    [shares] = measures.balancing_shares(prey(3, 4))
    assert shares.tolist() == pytest.approx([0, 1 / 3, 2 / 3, 2 / 3, 2 / 3])
    assert measures.time_to_balance(shares) == LOGGED["balance/time"]([prey(3, 4)]) == 3
    assert LOGGED["balance/effort"]([prey(3, 4)]) == pytest.approx(7 / 15)
    assert measures.time_to_balance(shares, threshold=0.9) == 6  # never, in five turns


def test_who_never_balances_counts_as_the_slowest_and_without_an_aggressor_there_is_no_case() -> None:
    assert LOGGED["balance/time"]([prey()]) == 6 and LOGGED["balance/effort"]([prey()]) == 0.0
    peace = played("never-attack")
    assert math.isnan(LOGGED["balance/time"](peace)) and math.isnan(LOGGED["balance/effort"](peace))


def test_joint_attacks_are_of_both_on_the_third_on_one_turn() -> None:
    log = Draft(4, 3).attack(1, 0, 2).attack(2, 0, 2).attack(2, 1, 2).attack(3, 1, 0).log()
    names = ["joint/state_0+state_1>state_2", "joint/state_1+state_2>state_0"]
    assert list(of_logs(names, [log]).values()) == [1 / 4, 0.0]
    assert math.isnan(of_logs(names, [])[names[0]])
    assert of_logs(["joint/state_0+state_1>state_2"], played("never-attack"))["joint/state_0+state_1>state_2"] == 0.0


# --- shows of force -----------------------------------------------------------------------------------------------


class Alarmed(Script):
    """On turn 3 it attacks who mobilized or armed on turn 2 (or, contrary, who did not)."""

    def __init__(self, contrary: bool = False) -> None:
        super().__init__([Stance.NEUTRAL])
        self.contrary = contrary

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        actions = super().act(observation, mask)
        if int(observation[0, layout.Own.TURN]) == 2:
            alarm = observation[:, layout.OWN_SIZE + layout.Other.THEY_MOBILIZED] > 0
            alarm |= observation[:, layout.OWN_SIZE + layout.Other.DEFENSE_ESTIMATE] > 0.51  # half of what is there
            actions[:, Head.STANCE] = np.where(alarm != self.contrary, Stance.ATTACK, Stance.NEUTRAL)
        return actions


class Armer(Script):
    """Builds defence on its second turn, and never mobilizes."""

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        actions = super().act(observation, mask)
        actions[:, Head.BUILD_DEFENSE] = Build.FULL if int(observation[0, layout.Own.TURN]) == 1 else Build.NONE
        return actions


QUIET = {
    "horizon": 8, "perception.noise": 0.0, "states.defense": 1.0, "arming.depreciation": 0.0, "states.greed": 0.0,
    "war.mobilization_required": False,
}  # fmt: skip


@pytest.mark.parametrize(("contrary", "provoked", "checked"), [(False, 1.0, 0.0), (True, 0.0, 1.0)])
@pytest.mark.parametrize("builds", [False, True])
def test_force_that_is_taken_away_shows_what_it_did(
    contrary: bool, provoked: float, checked: float, builds: bool
) -> None:
    scenario = Scenario.load("jervis/doubly-dangerous", QUIET)
    shower = Armer([Stance.NEUTRAL]) if builds else Script([Stance.NEUTRAL, Stance.MOBILIZE, Stance.NEUTRAL])
    cast, collector = [Alarmed(contrary), shower], Collector()
    play(scenario, cast, worlds=3, seed=1, recorder=collector)
    found = answers(scenario, cast, {}, collector.logs, worlds=3, seed=1)
    assert (found["provoked/security"], found["checked/security"]) == (provoked, checked)
    assert math.isnan(found["provoked/greedy"])


@pytest.mark.parametrize("strategy", ["hawk", "never-attack", "dove"])
def test_who_looks_at_nothing_is_neither_provoked_nor_checked(strategy: str) -> None:
    scenario = Scenario.load("theories/jervis-spiral")
    cast, collector = [make("richardson"), make(strategy)], Collector()
    play(scenario, cast, worlds=8, seed=1, recorder=collector)
    found = answers(scenario, cast, {}, collector.logs, worlds=8, seed=1)
    assert all(value == 0.0 or math.isnan(value) for value in found.values())
    assert math.isnan(answers(scenario, cast, {}, [], worlds=8, seed=1)["checked/greedy"])


# --- names --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("measure", "there", "logs"),
    [
        ("outcome/any_war", True, False),
        ("alliances/abandoned_share", True, False),
        ("alliances/entrapment", True, True),
        ("provoked/greedy", True, False),
        ("strikes/all", True, True),
        ("strikes/a", True, True),
        ("strikes/a>b", True, True),
        ("strikes/a>a", False, True),
        ("strikes/france", False, True),
        ("opens/c", True, True),
        ("opens/all", False, True),
        ("tragic/b", True, True),
        ("tragic/all", False, True),
        ("tragic/a>b", False, True),
        ("joint/a+b>c", True, True),
        ("joint/a+b>b", False, True),
        ("joint/a>c", False, True),
    ],
)
def test_which_of_these_measures_there_are(measure: str, there: bool, logs: bool) -> None:
    assert (known(measure, ("a", "b", "c")), needs_logs(measure)) == (there, logs)


def test_without_force_a_state_mobilizes_and_builds_nothing_whatever_the_heads_of_the_scenario() -> None:
    game = Scenario.load("jervis/intense", {"n_states": 3, "war.force_levels": 2})
    actions = np.ones((2, 3, len(game.heads.kinds)), np.int64)  # extents of one half
    actions[:, :, game.heads.entries(Head.STANCE)] = (Stance.MOBILIZE, Stance.ATTACK)
    as_chosen = actions.copy()
    bound = Without(game, {}, {1: (2, 3)}, 2, unarmed)
    for turn in (1, 2, 5):  # before its first turn, and after its last
        bound.bind(actions, turn)
        assert (actions == as_chosen).all()
    for turn in (3, 4):
        bound.bind(actions, turn)
        stripped = actions[1, 2].copy()
        assert stripped.tolist() == [0, 0, 1, Stance.NEUTRAL, 1, Stance.ATTACK, 1]
        actions[1, 2] = as_chosen[1, 2]
        assert (actions == as_chosen).all()  # no other state, no other world
