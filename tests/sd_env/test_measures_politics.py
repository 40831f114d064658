"""Measures of alliances, balancing, deterrence and the dilemma as a whole, against values worked out by hand."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from sd_env import measures
from sd_env.layout import Signal
from sd_env.measures import AllyAtWar, MeasureError, Threat
from tests.logs import Draft, believing

# --- chain gangs ----------------------------------------------------------------------------------------------


def gang(joins: int | None) -> Draft:
    """2 and 1 are allied on turn 1; 0 attacks 1 from turn 2 on; 2 attacks 0 on turn ``joins``."""
    draft = Draft(6, 4).ally(1, 1, 2)
    for turn in (2, 3, 4, 5, 6):
        draft.attack(turn, 0, 1)
    return draft if joins is None else draft.attack(joins, 2, 0)


def test_who_joins_an_allys_war_in_time_is_chain_ganged() -> None:
    log = gang(4).log()
    assert measures.allies_at_war(log) == [AllyAtWar(turn=2, state=2, ally=1, war=0, joined=4)]
    assert measures.chain_gangs(log) == measures.allies_at_war(log)
    assert measures.chain_gangs(log, within=1) == []
    assert measures.allies_at_war(gang(6).log()) == [AllyAtWar(2, 2, 1, 0, None)]  # a turn late
    assert measures.allies_at_war(gang(None).log()) == [AllyAtWar(2, 2, 1, 0, None)]


def test_an_ally_who_attacks_pulls_its_friends_in_too() -> None:
    """1 attacks 0 on turn 2, allied with 2 on that very turn: chains hold in either direction."""
    draft = Draft(4, 3).ally(2, 1, 2).attack(2, 1, 0).attack(3, 2, 0)
    assert measures.chain_gangs(draft.log()) == [AllyAtWar(2, 2, 1, 0, 3)]


@pytest.mark.parametrize(
    "draft",
    [
        gang(None).attack(2, 2, 0),  # fights from the first turn: a first belligerent
        gang(4).attack(3, 0, 2),  # attacked first
        gang(4).attack(4, 3, 2),  # attacked on the turn on which it joins
        Draft(4, 4).attack(2, 0, 1).attack(3, 2, 0),  # no ally
        Draft(4, 4).ally(1, 1, 2).attack(3, 0, 1).attack(4, 2, 0),  # not an ally any more
    ],
)
def test_these_are_no_occasion_for_a_chain_gang(draft: Draft) -> None:
    assert measures.allies_at_war(draft.log()) == []


def test_to_attack_somebody_else_or_the_ally_is_not_to_join() -> None:
    elsewhere = gang(None).attack(3, 2, 3).attack(4, 2, 0)
    assert measures.allies_at_war(elsewhere.log()) == [AllyAtWar(2, 2, 1, 0, None)]
    traitor = gang(3).attack(3, 2, 1)
    assert measures.allies_at_war(traitor.log()) == [AllyAtWar(2, 2, 1, 0, None)]


def test_a_second_ally_in_the_same_war_opens_no_second_case() -> None:
    draft = gang(5).ally(2, 2, 3).ally(3, 2, 3).attack(3, 3, 0)
    assert measures.chain_gangs(draft.log()) == [AllyAtWar(2, 2, 1, 0, 5)]


def test_the_rate_is_the_share_that_joined() -> None:
    cases = [*measures.allies_at_war(gang(4).log()), *measures.allies_at_war(gang(None).log())]
    assert measures.chain_gang_rate(cases) == 0.5
    assert math.isnan(measures.chain_gang_rate([]))
    with pytest.raises(MeasureError, match="within is 0; at least 1 turn is needed"):
        measures.chain_gangs(gang(4).log(), within=0)


# --- balancing and the passed buck ----------------------------------------------------------------------------


def prey(**overrides: Any) -> Draft:
    """0, with 8 arms, attacks 1 on turn 1 and is mobilized against 2 and 3; each of these has 2, 1 has 1.

    On turn 2 it is the aggressor; p_02 = 8/(8 + 1 + 2) = .727. Nobody can build unless told so.
    """
    none = {"actions__build_offense": ["none"], "actions__build_defense": ["none"]}
    draft = Draft(2, 4, **{**none, **overrides}).arms(8.0, 1.0, 2.0, 2.0)
    return draft.attack(1, 0, 1).mobilize(1, 0, 2, 3).attack(2, 0, 1)


def cases(draft: Draft, threshold: float = 0.5) -> list[tuple[int, int, float, float, bool, bool]]:
    found = measures.balancing(draft.log(), threshold)
    assert {(case.turn, case.aggressor) for case in found} <= {(2, 0)}
    return [(c.state, c.turn, pytest.approx(c.effort), pytest.approx(c.share), c.passed, c.collective) for c in found]


def test_who_does_less_than_its_share_passes_the_buck() -> None:
    """3 mobilizes all it has: effort 2 of means 1 + 2 + 2. Shares of 2 and 3: 2 · 2/5 = .8 each."""
    assert cases(prey().mobilize(2, 3, 0)) == [(2, 2, 0.0, 0.8, True, False), (3, 2, 2.0, 0.8, False, False)]
    log = prey().mobilize(2, 3, 0).log()
    assert [case.state for case in measures.buck_passing(log)] == [2]
    assert measures.buck_passing_rate(measures.balancing(log)) == 0.5


def test_when_nobody_balances_all_have_passed_the_buck() -> None:
    assert cases(prey()) == [(2, 2, 0.0, 0.0, True, True), (3, 2, 0.0, 0.0, True, True)]


def test_when_all_do_their_share_nobody_has() -> None:
    draft = prey().mobilize(2, 2, 0).mobilize(2, 3, 0).mobilize(2, 1, 0)
    assert cases(draft) == [(2, 2, 2.0, 2.0, False, False), (3, 2, 2.0, 2.0, False, False)]


def test_the_victims_own_defence_counts_as_anothers_effort() -> None:
    """1 strikes back with its one weapon: total 1, shares .4: the bystanders leave it to the victim."""
    assert cases(prey().attack(2, 1, 0)) == [(2, 2, 0.0, 0.4, True, False), (3, 2, 0.0, 0.4, True, False)]


def test_arms_are_split_over_targets_and_reach_in_part() -> None:
    """3 mobilizes against 0 and 1 and reaches 0 with half: effort .5 · 2/2 = .5 of means 1 + 2 + 1; 2's share .25."""
    draft = prey().mobilize(2, 3, 0, 1)
    draft.pairs["reach"][:, 3, 0] = 0.5
    assert cases(draft) == [(2, 2, 0.0, 0.25, True, False), (3, 2, 0.5, 0.125, False, False)]


def test_an_ally_of_the_victim_lends_its_commitment() -> None:
    """κ .25: 2, allied with 1, lends .5 of its 2 arms; share of 2 and 3: .5 · 2/5 = .2."""
    draft = prey(alliances__alliance_commitment=0.25).ally(2, 1, 2)
    assert cases(draft) == [(2, 2, 0.5, 0.2, False, False), (3, 2, 0.0, 0.2, True, False)]


def test_building_beyond_replacement_is_effort() -> None:
    """All may build one level (1 arm): means 2, 3, 3. 2 builds it: total 1, shares 3/8."""
    half = {"actions__build_offense": ["none", "half"], "actions__build_defense": ["none"]}
    draft = prey(**half)
    draft.states["build_offense"][2, 2] = 1
    assert cases(draft) == [(2, 2, 1.0, 0.375, False, False), (3, 2, 0.0, 0.375, True, False)]


def test_only_those_concerned_have_a_buck_to_pass() -> None:
    weak = prey()
    weak.states["defense"][:, 0] = 2.0  # p_02 = 2/(2 + 1 + 2) = .4
    assert cases(weak) == []
    assert [case[0] for case in cases(weak, threshold=0.3)] == [2, 3]
    calm = prey()
    calm.pairs["stance"][1, 0, 2:] = 1  # neutral: nobody but 1 is threatened
    assert cases(calm) == []
    assert [case[0] for case in cases(calm.bid(1, 3, 0))] == [3]  # but 3 is called
    peace = prey()
    peace.pairs["stance"][1, 0, 1] = 1
    assert cases(peace) == []  # mobilized, but no aggressor
    attacked = prey().attack(1, 0, 2)
    assert [case[0] for case in cases(attacked)] == [3]  # 2 fights for itself
    with pytest.raises(MeasureError, match="threshold is 2; 0 to 1 is allowed"):
        measures.balancing(peace.log(), 2)


def test_somebody_else_must_be_able_to_balance() -> None:
    """Without reach of the others there is nobody to pass the buck to; without its own it cannot act."""
    alone = prey()
    alone.pairs["reach"][:, [1, 3], 0] = 0.0
    assert cases(alone) == []


def test_aggressors_are_those_who_began_and_go_on() -> None:
    """0 attacks 1 on 1 and 2, and 1 strikes back on 2 and on 3, when 0 has stopped: from then on 1 is one."""
    draft = Draft(5, 3).attack(1, 0, 1).attack(2, 0, 1).attack(2, 1, 0).attack(3, 1, 0).attack(4, 1, 0)
    draft.bid(4, 2, 1).attack(5, 2, 1)  # called: no aggressor
    assert measures.aggressors(draft.log()).astype(int).tolist() == [
        [0, 0, 0], [1, 0, 0], [1, 0, 0], [0, 0, 0], [0, 1, 0], [0, 0, 0],
    ]  # fmt: skip


# --- deterrence -----------------------------------------------------------------------------------------------


def crisis(**overrides: Any) -> Draft:
    """Greedy 0, g 2, could attack 1 or 2; on turn 2 state 1 threatens. p = 1/3, τ ½, L = horizon left, c_A ½.

    With horizon 6, on turn 2: L = 5; U = 5 · 2 · ½ · 1/3 - ½ = 7/6 against each of the two.
    """
    draft = Draft(6, 3, horizon=6, war__attacker_cost=0.5, **overrides).arms(1.0, 1.0, 1.0).threaten(2, 1)
    draft.states["greed"][:, 0] = 2.0
    return draft


def trust(draft: Draft) -> tuple[Any, np.ndarray]:
    log = draft.log()
    return log, believing(log, 1.0)


def test_a_threat_that_holds_and_one_that_fails() -> None:
    log, beliefs = trust(crisis())
    (trial,) = measures.trials(log, beliefs)
    assert (trial.turn, trial.defender, trial.target, trial.challenger) == (2, 1, 1, 0)
    assert (trial.direct, trial.immediate, trial.success) == (True, False, True)
    assert trial.utility == pytest.approx(7 / 6)
    log, beliefs = trust(crisis().attack(5, 0, 1))
    assert [trial.success for trial in measures.trials(log, beliefs)] == [False]
    assert [trial.success for trial in measures.trials(log, beliefs, within=2)] == [True]
    log, beliefs = trust(crisis().attack(5, 0, 2))  # another was attacked
    assert [trial.success for trial in measures.trials(log, beliefs)] == [True]


def test_only_those_with_a_reason_to_attack_are_on_trial() -> None:
    """2 is a security seeker that trusts 1: U = - c_A. All the same it is a challenger of the threat."""
    log, beliefs = trust(crisis())
    found = measures.threats(log, beliefs)
    assert [(threat.challenger, threat.utility > 0) for threat in found] == [(0, True), (2, False)]
    assert found[1].utility == pytest.approx(-0.5)


def test_extended_and_immediate_deterrence() -> None:
    """2 is 1's ally when the turn begins; 0 is mobilized against 2."""
    log, beliefs = trust(crisis().ally(1, 1, 2).mobilize(1, 0, 2).attack(3, 0, 2))
    found = measures.trials(log, beliefs)
    assert [(t.target, t.direct, t.immediate, t.success) for t in found] == [
        (1, True, False, True),
        (2, False, True, False),
    ]
    assert measures.success_rate(found) == 0.5
    assert measures.success_rate(found, direct=True) == 1.0
    assert measures.success_rate(found, direct=False) == 0.0
    assert measures.success_rate(found, immediate=True) == 0.0
    assert math.isnan(measures.success_rate(found, direct=True, immediate=True))
    assert math.isnan(measures.success_rate([]))


@pytest.mark.parametrize(
    "draft",
    [
        crisis().attack(1, 0, 1),  # at war already
        crisis().attack(2, 0, 1),  # attacks as the threat is made
        crisis().fall(4, 0),  # the challenger fell before the time was up
        crisis().fall(4, 1),  # the target did, by another's hand
    ],
)
def test_these_are_no_trials(draft: Draft) -> None:
    log, beliefs = trust(draft)
    assert [trial for trial in measures.trials(log, beliefs) if trial.challenger == 0] == []


def test_an_episode_that_ends_too_soon_leaves_the_outcome_open() -> None:
    log, beliefs = trust(crisis())
    assert measures.trials(log, beliefs, within=5) == []
    assert {threat.success for threat in measures.threats(log, beliefs, within=5)} == {None}
    log, beliefs = trust(crisis().attack(6, 0, 1))
    assert [trial.success for trial in measures.trials(log, beliefs, within=5)] == [False]


def test_a_renewed_threat_is_no_new_one() -> None:
    draft = crisis().threaten(3, 1)  # the commitment of turn 2 binds on 3 and 4
    log, beliefs = trust(draft)
    assert [threat.turn for threat in measures.trials(log, beliefs, within=1)] == [2]
    draft = Draft(6, 3, horizon=6).threaten(2, 1, turns=2).threaten(4, 1, turns=2)  # on row 3 it shows 1: run out
    log, beliefs = trust(draft)
    assert sorted({threat.turn for threat in measures.threats(log, beliefs, within=1)}) == [2, 4]


def replayed(draft: Draft) -> Any:
    """The same without the threat of turn 2 by state 1."""
    draft.states["signal"][2, 1] = Signal.SILENCE
    draft.states["commitment"][:, 1] = 0
    return draft.log()


def test_a_threat_backfires_if_without_it_there_is_no_attack() -> None:
    log, beliefs = trust(crisis().attack(4, 0, 1))
    threat = measures.threats(log, beliefs)[0]
    assert measures.backfires(log, replayed(crisis()), threat)
    assert not measures.backfires(log, replayed(crisis().attack(4, 0, 1)), threat)  # it would have come anyway
    assert not measures.backfires(log, replayed(crisis().attack(3, 0, 1)), threat)  # and sooner
    assert not measures.backfires(log, replayed(crisis()), threat, within=1)
    quiet_log, beliefs = trust(crisis())
    assert not measures.backfires(quiet_log, replayed(crisis()), threat)


def test_a_replay_must_be_the_same_but_for_the_threat() -> None:
    log, beliefs = trust(crisis().attack(4, 0, 1))
    threat = measures.threats(log, beliefs)[0]
    with pytest.raises(MeasureError, match="the replay does not remove the threat of state_1 on turn 2"):
        measures.backfires(log, log, threat)
    with pytest.raises(MeasureError, match="the replay has another seed than the log"):
        measures.backfires(log, dataclasses.replace(replayed(crisis()), seed=1), threat)
    for other in (crisis().mobilize(1, 0, 1), crisis().attack(2, 0, 1)):
        with pytest.raises(MeasureError, match="differs from the log before the threat of turn 2, or in more than it"):
            measures.backfires(log, replayed(other), threat)
    with pytest.raises(MeasureError, match="within is 0"):
        measures.backfires(log, replayed(crisis()), threat, within=0)


def test_a_threat_knows_whom_it_protects() -> None:
    assert Threat(1, 0, 0, 1, False, 1.0, True).direct
    assert not Threat(1, 0, 2, 1, False, 1.0, True).direct


# --- the dilemma ----------------------------------------------------------------------------------------------


def dilemma(**overrides: Any) -> Draft:
    """Two security seekers race as Richardson's states do, and then fight."""
    x, y = [1.0], [1.5]
    for _ in range(8):
        x, y = [*x, x[-1] + 0.2 * y[-1] + 0.1], [*y, y[-1] + 0.3 * x[-1]]
    return Draft(8, **overrides).arms(x, y).attack(8, 0, 1)


def flags(draft: Draft, belief: float = 0.5) -> dict[str, bool]:
    log = draft.log()
    return dataclasses.asdict(measures.components(log, believing(log, belief)))


def test_a_true_dilemma_has_all_components() -> None:
    """Rates of attack: (1 + ½)/(8 + 1) and ½/9. State 1 loses 1/6 of the rise of p_01, above .01 on average."""
    log = dilemma().log()
    assert all(flags(dilemma()).values())
    assert measures.components(log, believing(log, 0.5)).dilemma


@pytest.mark.parametrize(
    ("missing", "draft", "belief"),
    [
        ("anarchy", dilemma(anarchy__enforcement=0.1), 0.5),
        ("uncertain_intentions", dilemma(), 0.04),
        ("tragic_result", Draft(8).arms([1, 2, 3, 5, 6, 8, 9, 12, 13], [1, 2, 4, 5, 7, 8, 11, 12, 15]), 0.5),
    ],
)
def test_each_flag_falls_with_its_cause(missing: str, draft: Draft, belief: float) -> None:
    found = flags(draft, belief)
    assert not found[missing]
    log = draft.log()
    assert not measures.components(log, believing(log, belief)).dilemma


def test_a_malign_state_voids_the_dilemma_and_the_tragedy() -> None:
    draft = dilemma()
    draft.states["greed"][:, 1] = 0.5
    found = flags(draft)
    assert [name for name, flag in found.items() if not flag] == ["no_malign_state", "tragic_result"]


def test_without_arms_there_is_no_race_no_fear_and_no_defeat() -> None:
    found = flags(Draft(8).attack(8, 0, 1))
    assert [name for name, flag in found.items() if flag] == [
        "anarchy", "uncertain_intentions", "no_malign_state", "tragic_result",
    ]  # fmt: skip


def test_fear_below_the_threshold_is_none() -> None:
    """p = 1/3 for equals of 1: f = (1 - b)/3 ≥ .05 iff b ≤ .85."""
    even = Draft(8).arms(1.0, 1.0)
    assert flags(even, 0.84)["mutual_fear"] and not flags(even, 0.86)["mutual_fear"]


# --- all at once ----------------------------------------------------------------------------------------------


def test_the_summary_has_each_measure_by_name() -> None:
    log = dilemma().log()
    beliefs = believing(log, 0.5)
    found = measures.summary(log, beliefs)
    expected = {
        "spiral_index": measures.spiral_index(log),
        "arms_growth": measures.arms_growth(log),
        "cooperation_index": measures.cooperation_index(log),
        "security": measures.security(log)[-1].mean(),
        "self_defeat": measures.self_defeat(log),
        "mutual_fear": measures.mutual_fear(log, beliefs),
        "misperception": 0.25,
        "mistrust_bias": 0.5,
        "wars": 1.0,
        "tragic_wars": 1.0,
        "other_wars": 0.0,
        "preemptive_wars": 1.0,
        "chain_gangs": 0.0,
        "buck_passing": 0.0,
        "deterrence_trials": 0.0,
        "has_spiral": 1.0,
        "dilemma": 1.0,
    }
    assert {name: found[f"measure/{name}"] for name in expected} == pytest.approx(expected)
    undefined = {name for name, value in found.items() if math.isnan(value)}
    rates = ("chain_gang_rate", "buck_passing_rate", "deterrence", *(f"{k}_deterrence" for k in ("direct", "extended")))
    assert undefined == {f"measure/{name}" for name in (*rates, "immediate_deterrence", "waste")}
    assert all(type(value) is float for value in found.values())


def test_the_summary_passes_its_options_on() -> None:
    log = gang(4).log()
    beliefs = believing(log, 0.5)
    assert measures.summary(log, beliefs)["measure/chain_gangs"] == 1.0
    assert measures.summary(log, beliefs, within=1)["measure/chain_gangs"] == 0.0
    bucks = prey().mobilize(2, 3, 0).log()
    assert measures.summary(bucks, believing(bucks, 1.0), threshold=0.8)["measure/buck_passing"] == 0.0
    assert measures.summary(bucks, believing(bucks, 1.0), threshold=0.5)["measure/buck_passing"] == 1.0
