"""Institutions (model.md section 3.7): treaty, hotline, mediator, transparency and crisis turns, worked out by hand."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from agents import make
from sd_env import layout
from sd_env.layout import Institution, Stance
from sd_env.record import read_log, record, verify, write_log
from sd_env.rules import chance
from sd_env.scenario import Scenario, ScenarioError
from sd_env.worlds import Worlds
from tests.table import attack, column, play, quiet, random_actions, worlds

WORLDS = 4000


def told(w: Worlds, i: int, what: Institution, j: int) -> float:
    """What state i of the first world sees of j among the columns of institutions."""
    start = layout.OWN_SIZE + (j - (j > i)) * w.scenario.shown.block + layout.OTHER_SIZE + int(w.beliefs_observed)
    return float(w.observations[0, i, start + what])


def mobilize(*targets: int) -> dict[str, Any]:
    return {"stance": dict.fromkeys(targets, "mobilize")}


def may_attack(w: Worlds, i: int, j: int) -> bool:
    """Whether the mask of the first world lets i attack j."""
    heads = w.heads
    first = int(np.cumsum([0, *heads.sizes])[heads.toward(layout.Head.STANCE, j - (j > i))])
    return bool(w.masks[0, i, first + Stance.ATTACK])


# --- arms treaty ------------------------------------------------------------------------------------------------------


def test_who_has_more_swords_than_the_treaty_allows_pays_and_all_see_it() -> None:
    """At a build rate of 1 half is 1 sword and full 2; the limit is 1, and 1 is not above it. The penalty is .3."""
    w = worlds(3, institutions__treaty_limit=1.0, institutions__treaty_penalty=0.3)
    rewards = play(w, s0={"offense": "full"}, s1={"offense": "half"}, s2={"defense": "full"})
    assert rewards.tolist() == pytest.approx([0.7, 1.0, 1.0])
    assert [told(w, i, Institution.FOUND, 0) for i in (1, 2)] == [1, 1]
    assert told(w, 0, Institution.ACCUSED, 1) == told(w, 0, Institution.ACCUSED, 2) == 1
    assert told(w, 0, Institution.FOUND, 1) == told(w, 1, Institution.ACCUSED, 0) == 0
    assert play(w, s1={"offense": "half"}).tolist() == pytest.approx([0.7, 0.7, 1.0])  # swords do not wear here


@pytest.mark.parametrize(("swords", "share"), [("full", 0.8), ("none", 0.2)])
def test_an_inspection_errs_both_ways(swords: str, share: float) -> None:
    """With an error of .2 a violator is found in .8 of inspections and one that keeps the treaty in .2."""
    w = worlds(num_worlds=WORLDS, institutions__treaty_limit=1.0, institutions__treaty_error=0.2)
    play(w, s0={"offense": swords}, s1={"offense": swords})
    found = w.states["found"]
    assert found.mean() == pytest.approx(share, abs=4 * 0.4 / np.sqrt(found.size))
    assert np.corrcoef(found.T.astype(float))[0, 1] == pytest.approx(0.0, abs=4 / np.sqrt(WORLDS))


def test_inspections_belong_to_name_turn_and_state() -> None:
    w = worlds(num_worlds=50, seed=3, institutions__treaty_limit=0.0, institutions__treaty_error=0.3)
    for turn in range(3):
        keys = w.worlds["key"].copy()
        play(w)
        for b, i in np.ndindex(w.states["found"].shape):
            draw = chance.uniform(keys[b], np.uint64(chance.slot_of(chance.INSPECTION, turn, i, 0)))
            assert w.states["found"][b, i] == (draw < 0.3)


def test_an_error_of_one_half_makes_the_treaty_a_tax() -> None:
    """Who keeps it pays as often as who does not."""
    w = worlds(num_worlds=WORLDS, institutions__treaty_limit=0.0, institutions__treaty_error=0.5)
    play(w, s0={"offense": "full"})
    shares = w.states["found"].mean(axis=0)
    assert shares == pytest.approx([0.5, 0.5], abs=4 * 0.5 / np.sqrt(WORLDS))


def test_the_fallen_are_not_inspected() -> None:
    w = worlds(institutions__treaty_limit=0.0, institutions__treaty_error=0.5, war__conquest=1.0, war__base_defense=0.0)
    play(w, s0={"offense": "full", **attack(1)})
    assert not w.states["standing"][0, 1]
    for _ in range(20):
        play(w)
        assert not w.states["found"][0, 1]


def test_without_a_treaty_nobody_is_found_whatever_the_error() -> None:
    w = worlds(num_worlds=50, institutions__treaty_error=0.5, institutions__mediation=0.5)
    play(w, s0={"offense": "full"})
    assert not w.states["found"].any()


# --- hotline ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("hotline", "heard"), [(False, "heard_threaten"), (True, "heard_reassure")])
def test_over_a_hotline_signals_are_heard_as_meant(hotline: bool, heard: str) -> None:
    """With a noise of 1 every reassurance is heard as a threat, but not over the line."""
    w = worlds(perception__signal_noise=1.0, institutions__hotline=hotline)
    play(w, s0={"signal": "reassure"})
    assert column(w, 1, heard, 0) == 1


def test_war_between_the_two_cuts_the_line_whoever_attacks() -> None:
    w = worlds(3, perception__signal_noise=1.0, institutions__hotline=True)
    play(w, s0={"signal": "threaten", **attack(1)}, s1={"signal": "threaten"}, s2={"signal": "threaten"})
    assert column(w, 1, "heard_reassure", 0) == column(w, 0, "heard_reassure", 1) == 1
    assert (
        column(w, 2, "heard_threaten", 0) == column(w, 0, "heard_threaten", 2) == column(w, 1, "heard_threaten", 2) == 1
    )


def test_beliefs_take_the_line_for_certain() -> None:
    """A reassurance is .3 of a seeker and .2 of a greedy state, odds of 3 / 2.

    With a noise of .4 unaided it is heard with .6 * .3 + .4 * .1 = .22 and .6 * .2 + .4 * .2 = .2.
    """
    settings = {"motives__p_greedy": 0.5, "perception__beliefs": True, "signals__audience_cost": 0.1}
    line = worlds(perception__signal_noise=0.4, institutions__hotline=True, **settings)
    play(line, s0={"signal": "reassure"})
    odds = 1.5 * neutral_ratio(line)
    assert column(line, 1, "belief", 0) == pytest.approx(odds / (1 + odds), abs=1e-6)
    for seed in range(20):
        noisy = worlds(seed=seed, perception__signal_noise=0.4, **settings)
        play(noisy, s0={"signal": "reassure"})
        if column(noisy, 1, "heard_reassure", 0):
            odds = 1.1 * neutral_ratio(noisy)
            assert column(noisy, 1, "belief", 0) == pytest.approx(odds / (1 + odds), abs=1e-6)
            break
    else:
        pytest.fail("nothing was heard rightly in twenty worlds")


def neutral_ratio(w: Worlds) -> float:
    """Seeker to greedy, of standing neutral under a pledge that costs something to break (section 4.2)."""
    assert w.scenario.signals.audience_cost > 0  # type: ignore[operator]
    seeker, greedy = 1 - 0.02 * 0.2 - 0.08 - 0.3, 1 - 0.1 * 0.7 - 0.18 - 0.2
    return seeker / greedy


# --- mediation --------------------------------------------------------------------------------------------------------

TYPES = {"states__greed": {"state_0": 0.0, "state_1": 1.0, "default": 0.0}}


def test_two_that_are_mobilized_against_each_other_are_told_what_the_other_is() -> None:
    w = worlds(3, institutions__mediation=1.0, **TYPES)
    play(w, s0=mobilize(1), s1=mobilize(0), s2=mobilize(0))
    assert told(w, 0, Institution.REPORT, 1) == -1 and told(w, 1, Institution.REPORT, 0) == 1
    assert told(w, 0, Institution.REPORT, 2) == told(w, 2, Institution.REPORT, 0) == 0  # one alone is mobilized
    play(w, s0=attack(1), s1=mobilize(0))
    assert told(w, 0, Institution.REPORT, 1) == told(w, 1, Institution.REPORT, 0) == 0  # not in war


def test_a_mediator_is_right_as_often_as_it_says() -> None:
    """(1 + .6) / 2 = .8 for either type, drawn for each listener and turn."""
    w = worlds(num_worlds=WORLDS, institutions__mediation=0.6, motives__p_greedy=0.4)
    seeker = w.states["greed"] == 0
    found = []
    for turn in range(2):
        keys = w.worlds["key"].copy()
        play(w, s0=mobilize(1), s1=mobilize(0))
        report = np.stack([w.pairs["report"][:, 0, 1], w.pairs["report"][:, 1, 0]], axis=1)
        assert set(np.unique(report)) == {-1, 1}
        right = (report > 0) == seeker[:, ::-1]
        found.append(right)
        draw = chance.uniform(keys[0], np.uint64(chance.slot_of(chance.MEDIATION, turn, 0, 1)))
        assert right[0, 0] == (draw < 0.8)
    for kind in (True, False):
        of_kind = found[0][seeker[:, ::-1] == kind]
        assert of_kind.mean() == pytest.approx(0.8, abs=4 * 0.4 / np.sqrt(of_kind.size))
    assert abs(np.corrcoef(found[0].ravel(), found[1].ravel())[0, 1]) < 4 / np.sqrt(2 * WORLDS)


def test_a_report_is_the_draw_of_its_listener_turn_and_subject() -> None:
    w = worlds(num_worlds=40, institutions__mediation=0.6, **TYPES)
    keys = w.worlds["key"].copy()
    play(w, s0=mobilize(1), s1=mobilize(0))
    for b, (i, j) in product(range(40), ((0, 1), (1, 0))):
        right = chance.uniform(keys[b], np.uint64(chance.slot_of(chance.MEDIATION, 0, i, j))) < 0.8
        assert w.pairs["report"][b, i, j] == (1 if (w.states["greed"][b, j] == 0) == right else -1)


def test_a_report_moves_beliefs_by_its_odds() -> None:
    """(1 + .6) / (1 - .6) = 4, of which mobilizing, provoked by nobody yet, takes .1 / .28."""
    settings = {"motives__p_greedy": 0.5, "perception__beliefs": True, "war__mobilization_required": True}
    w = worlds(num_worlds=200, institutions__mediation=0.6, **settings)
    play(w, s0=mobilize(1), s1=mobilize(0))
    for b in range(200):
        ratio = 4.0 if w.pairs["report"][b, 0, 1] > 0 else 0.25
        odds = ratio * 0.10 / 0.28
        assert w.pairs["belief"][b, 0, 1] == pytest.approx(odds / (1 + odds))


def test_a_mediator_who_knows_leaves_no_doubt_but_what_evidence_leaves() -> None:
    w = worlds(num_worlds=100, institutions__mediation=1.0, motives__p_greedy=0.5, perception__beliefs=True)
    play(w, s0=mobilize(1), s1=mobilize(0))
    seeker, belief = w.states["greed"][:, 1] == 0, w.pairs["belief"][:, 0, 1]
    assert (belief[seeker] > 0.99).all() and (belief[~seeker] < 0.01).all()
    evidence = w.pairs["evidence"][
        :, 0, 1
    ]  # odds of 2 to 1e-4, and the inverse, which with .08 / .18 is below the bound
    assert evidence[seeker] == pytest.approx(2e4 * 0.08 / 0.18) and (evidence[~seeker] == 1e-4).all()


# --- transparency -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("open_skies", "seen"), [(0.0, 3.0), (0.5, 2.25), (1.0, 1.5)])
def test_transparency_takes_its_share_of_inflation(open_skies: float, seen: float) -> None:
    """1.5 shields, taken for twice as many: 1.5 (1 + 1), (1 + .5) and (1 + 0)."""
    w = worlds(states__defense=1.5, perception__threat_inflation=1.0, institutions__transparency=open_skies)
    assert column(w, 0, "offense_estimate", 1) + column(w, 0, "defense_estimate", 1) == pytest.approx(seen)


def test_transparency_takes_its_share_of_the_error() -> None:
    """The same draws with half the spread of the logarithm, and none."""
    hidden, half, shown = (
        np.log([
            each.observations[:, 0, layout.OWN_SIZE + layout.Other.OFFENSE_ESTIMATE]
            + each.observations[:, 0, layout.OWN_SIZE + layout.Other.DEFENSE_ESTIMATE]
        ])
        for each in (
            worlds(num_worlds=50, states__defense=1.0, perception__noise=0.8, institutions__transparency=share)
            for share in (0.0, 0.5, 1.0)
        )
    )  # fmt: skip
    assert hidden.std() > 0.5 and half == pytest.approx(0.5 * hidden, abs=1e-6) and shown == pytest.approx(0, abs=1e-6)


def test_transparency_tells_swords_from_shields_in_sight_and_not_in_effect() -> None:
    """q = .2 and T = .5: what looks is .2 + .5 * .8 = .6, so 2 swords of 2 look like .6 + .4 / 2 = .8 of them."""
    w = worlds(states__offense=2.0, technology__distinguishability=0.2, institutions__transparency=0.5)
    assert column(w, 0, "offense_estimate", 1) == pytest.approx(1.6)
    assert w.params["dual_use"][0] == pytest.approx(0.8)


# --- crisis turns -----------------------------------------------------------------------------------------------------

LADDER = {"war__mobilization_required": True}


@pytest.mark.parametrize("turns", [0, 1, 2])
def test_a_mobilization_has_to_stand_before_it_opens_the_way(turns: int) -> None:
    w = worlds(institutions__crisis_turns=turns, **LADDER)
    for stood in range(1, turns + 2):
        assert not may_attack(w, 0, 1)
        play(w, s0=mobilize(1))
        if turns:
            assert told(w, 0, Institution.ALERT, 1) == told(w, 1, Institution.THEIR_ALERT, 0) == stood
    assert may_attack(w, 0, 1)
    play(w, s0=attack(1))
    assert w.pairs["attacks"][0, 0, 1] and may_attack(w, 0, 1)  # a war goes on


def test_an_attack_out_of_a_young_mobilization_is_one_turn_more_of_it() -> None:
    w = worlds(institutions__crisis_turns=1, **LADDER)
    play(w, s0=mobilize(1))
    play(w, s0=attack(1))
    assert not w.pairs["attacks"].any() and w.pairs["mobilized"][0, 0, 1] and w.worlds["illegal"][0] == 1
    assert may_attack(w, 0, 1)


def test_where_no_institution_tells_anything_nobody_keeps_count() -> None:
    w = worlds(institutions__hotline=True, **LADDER)
    play(w, s0=mobilize(1))
    assert not w.pairs["alert"].any() and not w.states["held"].any()


def test_who_lets_go_starts_anew_and_each_target_counts_for_itself() -> None:
    w = worlds(3, institutions__crisis_turns=1, **LADDER)
    play(w, s0=mobilize(1))
    play(w, s0=mobilize(2))
    assert told(w, 0, Institution.ALERT, 1) == 0 and told(w, 0, Institution.ALERT, 2) == 1
    play(w, s0=mobilize(1, 2))
    assert not may_attack(w, 0, 1) and may_attack(w, 0, 2)


def test_the_target_has_the_crisis_turns_to_arm_in() -> None:
    """At a build rate of 1 a turn of full effort is 2 shields: 2 by turn 2 when the blow may come, 4 by turn 3."""
    for turns, shields in ((0, 2.0), (1, 4.0)):
        w = worlds(institutions__crisis_turns=turns, states__offense=1.0, **LADDER)
        play(w, s0=mobilize(1))
        while not may_attack(w, 0, 1):
            play(w, s0=mobilize(1), s1={"defense": "full"})
        play(w, s0=attack(1), s1={"defense": "full"})
        assert w.pairs["attacks"][0, 0, 1] and w.states["defense"][0, 1] == shields


def test_beliefs_read_a_choice_by_what_the_ladder_let_through() -> None:
    """A wish to attack out of a young mobilization shows as mobilizing: .1 / .28 on the second turn, too."""
    settings = {"motives__p_greedy": 0.5, "perception__beliefs": True}
    w = worlds(institutions__crisis_turns=1, **settings, **LADDER)
    for turn in (1, 2):
        play(w, s0=mobilize(1))
        odds = (0.10 / 0.28) ** turn
        assert w.pairs["belief"][0, 1, 0] == pytest.approx(odds / (1 + odds))
    play(w, s0=mobilize(1))  # now it might have attacked
    odds *= 0.08 / 0.18
    assert w.pairs["belief"][0, 1, 0] == pytest.approx(odds / (1 + odds))


@pytest.mark.parametrize("turns", [1, [0, 2]])
def test_crisis_turns_need_the_ladder(turns: Any) -> None:
    with pytest.raises(ScenarioError, match=r"institutions\.crisis_turns is .*war\.mobilization_required is false"):
        quiet(institutions__crisis_turns=turns)


# --- all of them ------------------------------------------------------------------------------------------------------

ALL = {
    "institutions.treaty_limit": 0.3,
    "institutions.treaty_error": 0.1,
    "institutions.hotline": True,
    "institutions.mediation": 0.5,
    "institutions.transparency": 0.5,
    "institutions.crisis_turns": 1,
}


def test_at_their_defaults_institutions_show_and_change_nothing() -> None:
    """A hotline and transparency widen no observation; without noise of signals the line changes nothing at all."""
    base, line = (
        Worlds(Scenario.load("jervis/multipolar", more), 8, seed=1) for more in ({}, {"institutions.hotline": True})
    )
    assert base.scenario.shown == line.scenario.shown and not base.scenario.shown.institutions
    rng = np.random.default_rng(0)
    for _ in range(10):
        actions = random_actions(rng, base)
        base.step(actions)
        line.step(actions)
        assert (base.observations == line.observations).all() and (base.rewards == line.rewards).all()


@pytest.mark.parametrize("settings", [
    {"institutions.treaty_limit": 1.0}, {"institutions.mediation": [0.0, 0.5]}, {"institutions.crisis_turns": [0, 1]},
])  # fmt: skip
def test_what_institutions_tell_has_columns_of_its_own(settings: dict[str, Any]) -> None:
    scenario = Scenario.load("jervis/intense", settings)
    names = layout.observation_names(2, *scenario.shown)
    extra = [name for name in names if name not in layout.observation_names(2, True)]
    assert extra == [f"other0.{each.name.lower()}" for each in Institution]
    low = dict(zip(names, layout.observation_low(2, *scenario.shown), strict=True))
    assert [name for name in extra if low[name] < 0] == ["other0.report"]


def test_no_two_kinds_of_observation_have_one_size() -> None:
    for n, force in product(range(layout.MIN_STATES, layout.MAX_STATES + 1), (False, True)):
        assert len(layout.parts_of_size(n, force)) == 8


def test_with_all_of_them_a_game_is_logged_told_and_simulated_again(tmp_path: Any) -> None:
    scenario = Scenario.load("jervis/multipolar", {**ALL, "perception.beliefs": True, "war.force_levels": 2})
    log = record(scenario, [make("random")] * scenario.n_states, seed=5)
    kinds = {type(event).__name__ for turn in log.events for event in turn}
    assert {"FoundInViolation", "Mediated"} <= kinds
    write_log(tmp_path / "log.jsonl", log)
    assert verify(read_log(tmp_path / "log.jsonl")) is not None


def test_scripts_play_as_they_do_where_the_columns_are_not() -> None:
    """What institutions tell is no business of strategies that were written without them."""
    plain = Scenario.load("jervis/multipolar", {"institutions.hotline": True})
    shown = Scenario.load(plain, {"institutions.treaty_limit": 1000.0})
    cast = ("tit-for-tat", "bayesian-realist", "dove", "deceiver")
    logs = [record(each, [make(name) for name in cast], seed=2) for each in (plain, shown)]
    assert (logs[0].states["build_defense"] == logs[1].states["build_defense"]).all()
    assert (logs[0].pairs["stance"] == logs[1].pairs["stance"]).all()
