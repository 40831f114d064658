"""Measures of arms, acts, wars, security and beliefs, against values worked out by hand."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from sd_env import layout, measures
from sd_env.layout import Other, Stance
from sd_env.measures import MeasureError, War
from sd_env.scenario import Scenario
from tests.logs import Draft, believing, simulated
from tests.table import quiet

# --- contests -------------------------------------------------------------------------------------------------


def test_success_is_the_contest_of_all_that_attacks_with_all_that_defends() -> None:
    """q = 0, so all arms attack and defend: A = D = 3 and 1. base 1, r 1: p_01 = 3/(3+1+1), p_10 = 1/(1+1+3)."""
    draft = Draft(1).arms(3.0, 1.0)
    p = measures.success_probabilities(draft.log())
    assert p.shape == (2, 2, 2)
    assert p[0] == pytest.approx(np.array([[0, 0.6], [0.2, 0]]))


def test_success_counts_reach_the_drifted_technology_and_surprise() -> None:
    """ω 2, w_01 .5, φ .5: F = 2 · .5 · 3 · 1.5 = 4.5 against 1 + 1; ready: 3 against 2. w_10 1: 3 against 1 + 3."""
    draft = Draft(2, technology__offense_advantage=2.0, war__first_strike=0.5).arms(3.0, 1.0)
    draft.pairs["reach"][:, 0, 1] = 0.5
    draft.mobilize(1, 1, 0).attack(2, 1, 0)  # ready on row 1, at war on row 2
    draft.worlds["offense_advantage"][2] = 4.0  # row 2: F = 4 · .5 · 3 = 6 against 2
    p = measures.success_probabilities(draft.log())
    assert p[:, 0, 1] == pytest.approx([4.5 / 6.5, 3 / 5, 6 / 8])
    assert p[:, 1, 0] == pytest.approx([3 / 7, 3 / 7, 6 / 10])


def test_success_of_and_against_the_fallen_is_0() -> None:
    log = Draft(1, 3).arms(1.0, 1.0, 1.0).fall(1, 1).log()
    p = measures.success_probabilities(log)
    assert (p[0] + np.eye(3) > 0).all()
    assert not p[1, 1].any() and not p[1, :, 1].any() and p[1, 0, 2] > 0


@pytest.mark.parametrize("q", [0.0, 1.0])
def test_success_is_what_a_state_without_error_perceives(q: float) -> None:
    """Net assessment in the observation is computed by perception; with noise 0 and true ω it is the truth."""
    scenario = quiet(
        3, perception__noise=0.0, technology__distinguishability=q, war__first_strike=0.5, technology__drift=0.1,
        geography__reach=[0.2, 1.0], states__offense=[0.5, 2.0], states__defense=[0.5, 2.0], horizon=12,
        war__mobilization_required=True, war__decisiveness=3.0,
    )  # fmt: skip
    for log in simulated(scenario, 10, seed=3):
        p = measures.success_probabilities(log)
        assert log.observations is not None
        for i in range(3):
            for j in (j for j in range(3) if j != i):
                start = layout.OWN_SIZE + (j - (j > i)) * layout.OTHER_SIZE
                ours = log.observations[:, i, start + Other.OUR_SUCCESS]
                theirs = log.observations[:, i, start + Other.THEIR_SUCCESS]
                assert p[:, i, j] == pytest.approx(ours, rel=1e-5, abs=1e-7)
                assert p[:, j, i] == pytest.approx(theirs, rel=1e-5, abs=1e-7)


def test_a_clash_blunts_each_others_offensive_and_surprises_nobody() -> None:
    """ω 1, base 1, φ .5: 0's clash 3/(3 + 1+1+1) = ½; 1's 1/(1 + 1+3+3) = 1/8. The other side's are the transposes."""
    found = measures.duels(Draft(1, war__first_strike=0.5).arms(3.0, 1.0).log())
    assert found.clash[0] == pytest.approx(np.array([[0, 1 / 2], [1 / 8, 0]]))
    assert found.clashed[0] == pytest.approx(found.clash[0].T)
    assert found.struck == pytest.approx(found.strike.swapaxes(1, 2))


def test_a_duel_as_seen_uses_the_estimate_and_the_believed_technology() -> None:
    """0 takes 1's single weapon for 4 and ω for 2: strike 2·3/(6 + 1+4) = 6/11, struck 2·4/(8 + 1+3) = 2/3."""
    draft = Draft(1, technology__perceived_offense_advantage=2.0).arms(3.0, 1.0)
    draft.pairs["estimate"][:, 0, 1] = 4.0
    seen, true = measures.duels(draft.log(), seen=True), measures.duels(draft.log())
    assert (seen.strike[0, 0, 1], seen.struck[0, 0, 1]) == (pytest.approx(6 / 11), pytest.approx(2 / 3))
    assert (true.strike[0, 0, 1], true.struck[0, 0, 1]) == (pytest.approx(0.6), pytest.approx(0.2))


def test_who_may_attack_follows_the_ladder_and_the_mask() -> None:
    ladder = Draft(1, war__mobilization_required=True).mobilize(1, 0, 1).log()
    assert measures.duels(ladder).may.tolist() == [[[False] * 2] * 2, [[False, True], [False, False]]]
    assert measures.duels(Draft(1).log()).may[0].tolist() == [[False, True], [True, False]]
    assert not measures.duels(Draft(1, actions__stance=["neutral"]).log()).may.any()


def test_projected_success_multiplies_the_attackers_arms() -> None:
    """1 against 0's 3: 1/(1+1+3), 2/(2+1+3), 9/(9+1+3)."""
    found = measures.projected_success(Draft(1).arms(3.0, 1.0).log(), 0, 1, 0, np.array([1.0, 2.0, 9.0]))
    assert found == pytest.approx([1 / 5, 2 / 6, 9 / 13])


# --- the spiral -----------------------------------------------------------------------------------------------


def richardson(turns: int, a: float, b: float, k: float, reaction: float) -> tuple[np.ndarray, np.ndarray]:
    """x' = x + k y - a x + 1, y' = y + reaction x - b y + ½, from (0, 3)."""
    x, y = np.zeros(turns + 1), np.full(turns + 1, 3.0)
    for t in range(turns):
        x[t + 1] = x[t] + k * y[t] - a * x[t] + 1.0
        y[t + 1] = y[t] + reaction * x[t] - b * y[t] + 0.5
    return x, y


def test_slopes_are_richardsons_coefficients() -> None:
    """A linear race without noise: the regression is exact. Index √(.2 · .15) (theory.md section 2d)."""
    log = Draft(12).arms(*richardson(12, 0.3, 0.25, 0.2, 0.15)).log()
    slopes = measures.reaction_slopes(log)
    assert (slopes[0, 1], slopes[1, 0]) == (pytest.approx(0.2), pytest.approx(0.15))
    assert np.isnan(np.diag(slopes)).all()
    assert measures.spiral_index(log) == pytest.approx(math.sqrt(0.03))


def test_one_sided_reaction_is_no_spiral() -> None:
    log = Draft(12).arms(*richardson(12, 0.3, 0.25, 0.2, -0.15)).log()
    assert measures.reaction_slopes(log)[1, 0] == pytest.approx(-0.15)
    assert measures.spiral_index(log) == 0.0


def test_both_disarming_at_each_others_arms_is_no_spiral() -> None:
    """Both slopes negative: their product is positive, the index is not."""
    assert measures.spiral_index(Draft(12).arms(*richardson(12, 0.3, 0.25, -0.2, -0.15)).log()) == 0.0


def test_pairs_that_react_to_nothing_are_left_out_of_the_mean() -> None:
    """State 2 holds 5 throughout: no slope can be told against it; its own change, 0, is a slope of 0 to others."""
    log = Draft(12, 3).arms(*richardson(12, 0.3, 0.25, 0.2, 0.15), 5.0).log()
    slopes = measures.reaction_slopes(log)
    assert np.isnan(slopes[:, 2]).all()
    assert slopes[2, 0] == pytest.approx(0.0, abs=1e-12)
    assert measures.spiral_index(log) == pytest.approx(math.sqrt(0.03))


def test_the_spiral_index_is_nan_where_no_slope_can_be_told() -> None:
    race = 1.2 ** np.arange(13)
    assert math.isnan(measures.spiral_index(Draft(12).arms(race, 5.0).log()))  # constant
    assert math.isnan(measures.spiral_index(Draft(12).arms(race, race).log()))  # lockstep
    assert math.isnan(measures.spiral_index(Draft(12).arms(race, 2 * race + 1).log()))  # lockstep, other scale
    x, y = richardson(3, 0.3, 0.25, 0.2, 0.15)
    assert math.isnan(measures.spiral_index(Draft(3).arms(x, y).log()))  # three turns, three coefficients
    x, y = richardson(12, 0.3, 0.25, 0.2, 0.15)
    assert math.isnan(measures.spiral_index(Draft(12).arms(x, y).fall(4, 1).log()))  # three turns with both


def test_turns_after_a_fall_are_left_out() -> None:
    x, y = richardson(12, 0.3, 0.25, 0.2, 0.15)
    assert measures.spiral_index(Draft(12).arms(x, y).fall(9, 1).log()) == pytest.approx(math.sqrt(0.03))


def test_arms_growth_is_log_growth_per_turn() -> None:
    """2 + 0 becomes 5 + 3 in 4 turns: ln 4 / 4."""
    log = Draft(4).arms([2, 3, 4, 4, 5], [0, 1, 2, 3, 3]).log()
    assert measures.arms_growth(log) == pytest.approx(math.log(4) / 4)
    assert math.isnan(measures.arms_growth(Draft(2).arms([0, 1, 1], 0).log()))
    assert math.isnan(measures.arms_growth(Draft(2).arms([1, 1, 0], 0).log()))


# --- cooperation ----------------------------------------------------------------------------------------------


def test_cooperation_is_one_less_the_share_of_hostile_acts() -> None:
    """Two turns: 4 stances, 4 chances to build. Hostile: a mobilization, an attack, two builds. 1 - 4/8."""
    draft = Draft(2).mobilize(1, 0, 1).attack(2, 0, 1)
    draft.states["build_offense"][1:, 0] = 1
    found = measures.hostility(draft.log())
    assert found == measures.Hostility(1, 1, 2, 4, 4)
    assert (found.acts, found.opportunities) == (4, 8)
    assert measures.cooperation_index(draft.log()) == 0.5
    assert measures.cooperation_index(Draft(2).log()) == 1.0


@pytest.mark.parametrize(("offense", "defense", "hostile"), [(0, 0, 0), (1, 0, 0), (2, 0, 0), (1, 2, 1), (2, 2, 1)])
def test_replacing_what_age_takes_is_not_hostile(offense: int, defense: int, hostile: int) -> None:
    """Of 10 arms age takes 1; a level builds .5 · min(1, cap), so that two levels just replace it and three do more."""
    draft = Draft(1, arming__depreciation=0.1, arming__build_rate=0.5).arms(10.0, 10.0)
    draft.states["build_offense"][1, 0], draft.states["build_defense"][1, 0] = offense, defense
    assert measures.hostility(draft.log()).builds == hostile


def test_who_cannot_be_hostile_has_no_opportunity() -> None:
    """30 arms lose 3 a turn and at most 2 are built; a fallen state has no choice; a mask may leave none."""
    draft = Draft(1, arming__depreciation=0.1, arming__build_rate=0.5).arms(30.0, 10.0)
    assert measures.hostility(draft.log()).build_opportunities == 1
    fallen = measures.hostility(Draft(2, 3).fall(1, 2).log())
    assert (fallen.stance_opportunities, fallen.build_opportunities) == (6 + 2, 3 + 2)
    none = ["none"]
    idle = Draft(1, actions__stance=["align", "neutral"], actions__build_offense=none, actions__build_defense=none)
    assert math.isnan(measures.cooperation_index(idle.log()))
    half = Draft(1, actions__build_offense=["none", "half"], actions__build_defense=none, arming__depreciation=0.1)
    assert measures.hostility(half.arms(10.0, 9.0).log()).build_opportunities == 1  # 1 is built; age takes 1 and .9


def test_arming_is_that_of_the_rules() -> None:
    """Where nobody fights, what was armed is what the turn left."""
    scenario = quiet(3, arming__depreciation=0.2, arming__build_rate=0.3, states__economy=[0.1, 3.0], horizon=10)
    for log in simulated(scenario, 5, seed=1, attack=0.0):
        found = measures.arming(log)
        assert found.after == pytest.approx((log.states["offense"] + log.states["defense"])[1:])
        assert (found.most >= found.after).all() and (found.beyond_replacement <= found.room + 1e-12).all()


# --- wars -----------------------------------------------------------------------------------------------------


def test_wars_begin_spread_merge_and_end() -> None:
    """0-1 and 2-3 fight from turn 1; on turn 2 state 1 attacks 2 and the wars are one; peace on 3; 2-3 again on 4."""
    draft = Draft(5, 5)
    draft.states["greed"][:, 0] = 1.0
    draft.attack(1, 0, 1).attack(1, 2, 3).attack(1, 3, 2)
    draft.attack(2, 0, 1).attack(2, 1, 2).attack(2, 4, 2)
    draft.attack(4, 2, 3).attack(5, 2, 3)
    log = draft.log()
    assert measures.wars(log) == [
        War(1, 2, (0, 1), ((0, 1),), (0, 1, 2, 4), tragic=False),
        War(1, 1, (2, 3), ((2, 3), (3, 2)), (2, 3), tragic=True),
        War(4, 5, (2, 3), ((2, 3),), (2, 3), tragic=True),
    ]
    assert measures.war_of(log).tolist() == [
        [-1, -1, -1, -1, -1],
        [0, 0, 1, 1, -1],
        [0, 0, 0, -1, 0],
        [-1, -1, -1, -1, -1],
        [-1, -1, 2, 2, -1],
        [-1, -1, 2, 2, -1],
    ]


def test_a_war_that_falls_apart_stays_one_and_a_chain_is_one_war() -> None:
    """0 → 1 → 2 → 3 → 4 is one war; on turn 2 only 0 → 1 and 3 → 4 go on, both in it."""
    draft = Draft(2, 5)
    for i in range(4):
        draft.attack(1, i, i + 1)
    draft.attack(2, 0, 1).attack(2, 3, 4)
    log = draft.log()
    (war,) = measures.wars(log)
    assert (war.start, war.end, war.first) == (1, 2, (0, 1, 2, 3, 4))
    assert measures.war_of(log)[2].tolist() == [0, 0, -1, 0, 0]


def test_tragic_war_rate_is_per_episode() -> None:
    peace, tragic = Draft(2).log(), Draft(2).attack(1, 0, 1).log()
    twice = Draft(3).attack(1, 0, 1).attack(3, 1, 0).log()
    greedy = Draft(2).attack(1, 0, 1)
    greedy.states["greed"][:, 1] = 1.0  # the victim is no security seeker: no tragedy
    logs = [peace, tragic, twice, greedy.log()]
    assert measures.tragic_war_rate(logs) == 3 / 4
    assert measures.tragic_war_rate(logs, all_seekers=True) == 1.0
    assert math.isnan(measures.tragic_war_rate([greedy.log()], all_seekers=True))
    assert math.isnan(measures.tragic_war_rate([]))


@pytest.mark.parametrize(("n_states", "attack"), [(2, 0.2), (3, 0.1), (5, 0.03), (5, 0.15), (8, 0.02)])
def test_wars_are_those_that_the_accounts_count(n_states: int, attack: float) -> None:
    """400 episodes of random play in all: the tallies of ``sd_env.rules.accounts`` are the same."""
    scenario = Scenario.load(
        "jervis/multipolar",
        {"n_states": n_states, "horizon": 16, "war.mobilization_required": False, "motives.p_greedy": 0.3},
    )
    logs = simulated(scenario, 80, seed=n_states, attack=attack)
    total = 0
    for log in logs:
        found = measures.wars(log)
        assert len(found) == log.worlds["wars"][-1]
        assert sum(war.tragic for war in found) == log.worlds["tragic_wars"][-1]
        total += len(found)
    assert total > 80  # there was something to count


# --- security -------------------------------------------------------------------------------------------------


def test_attack_rates_are_jeffreys_estimates() -> None:
    """1 attacks 0 on one of four turns: 1.5/5; 0 never: .5/5. Plain frequencies: ¼ and 0."""
    log = Draft(4).attack(2, 1, 0).log()
    assert measures.attack_rates(log) == pytest.approx(np.array([[0, 0.1], [0.3, 0]]))
    assert measures.attack_rates(log, prior=0.0) == pytest.approx(np.array([[0, 0], [0.25, 0]]))


def test_attack_rates_watch_only_turns_on_which_both_stood() -> None:
    """2 falls on turn 2: it was watched on two turns; who may not attack at all has rate 0."""
    log = Draft(4, 3).attack(1, 0, 2).fall(2, 2).log()
    assert measures.attack_rates(log)[0].tolist() == pytest.approx([0, 0.5 / 5, 1.5 / 3])
    assert not measures.attack_rates(Draft(4, actions__stance=["neutral", "mobilize"]).log()).any()
    with pytest.raises(MeasureError, match="prior is -1; 0 or more is needed"):
        measures.attack_rates(log, prior=-1)


def test_security_multiplies_over_rivals() -> None:
    """All have 1 arm, so p = 1/3. 1 attacked 0 on one of four turns, 2 never: (1 - .3/3)(1 - .1/3)."""
    log = Draft(4, 3).arms(1.0, 1.0, 1.0).attack(2, 1, 0).log()
    safe = measures.security(log)
    assert safe[:, 0] == pytest.approx([(1 - 0.1) * (1 - 0.1 / 3)] * 5)
    assert safe[:, 1] == pytest.approx([(1 - 0.1 / 3) ** 2] * 5)


def test_self_defeat_is_security_lost_by_those_who_armed() -> None:
    """0 arms from 1 to 2 and 1 from 1 to 7, rate of attack .1 both ways: p_10 rises from 1/3 to 7/10, p_01 falls.

    0 loses .1 (.7 - 1/3) of security, 1 loses none: mean half of that. Had 0 not armed (7/9), it would not count.
    """
    log = Draft(4).arms([1, 1, 1, 1, 2], [1, 2, 3, 4, 7]).log()
    lost = 0.1 * (0.7 - 1 / 3)
    assert measures.self_defeats(log) == pytest.approx([lost, 0.0])
    assert measures.self_defeat(log) == pytest.approx(lost / 2)
    assert measures.self_defeat(Draft(4).arms(1, [1, 2, 3, 4, 7]).log()) == 0.0


def test_a_fallen_state_that_had_armed_defeated_itself() -> None:
    """p = 1/3 at the start, rate .1: security 1 - .1/3, and 0 once fallen, though its arms are gone too."""
    log = Draft(4).arms([1, 2, 2, 2, 2], 1.0).fall(4, 0).log()
    assert measures.security(log)[-1].tolist() == [0.0, 1.0]
    assert measures.self_defeats(log) == pytest.approx([1 - 0.1 / 3, 0.0])


def test_waste_is_spending_over_income() -> None:
    draft = Draft(2)
    draft.worlds["arms_spending"], draft.worlds["income"] = [0, 1, 3], [0, 5, 12]
    assert measures.waste(draft.log()) == 0.25
    assert math.isnan(measures.waste(Draft(2).log()))
    costly = simulated(quiet(2, arming__arms_cost=0.5, horizon=4), 1, seed=0, attack=0.0)[0]
    levels = (costly.states["build_offense"] + costly.states["build_defense"]).sum()
    assert measures.waste(costly) == pytest.approx(0.5 * levels / 8)  # two incomes of 1 on four turns


# --- beliefs --------------------------------------------------------------------------------------------------


def test_fear_is_doubt_times_danger_and_mutual_fear_the_lesser_of_two() -> None:
    """p_01 = .6, p_10 = .2; 0 believes .5, 1 believes .75: f_01 = .5 · .2 = .1, f_10 = .25 · .6 = .15."""
    log = Draft(2).arms(3.0, 1.0).log()
    beliefs = np.broadcast_to([[1, 0.5], [0.75, 1]], log.pairs.shape)
    assert measures.fear(log, beliefs)[0] == pytest.approx(np.array([[0, 0.1], [0.15, 0]]))
    assert measures.mutual_fear(log, beliefs) == pytest.approx(0.1)


def test_mutual_fear_averages_pairs_and_rows_before_the_last() -> None:
    """Three equals, p = 1/3; row 0: all doubt by ½; row 1: all are trusted; row 2, the end, does not count."""
    log = Draft(2, 3).arms(1.0, 1.0, 1.0).log()
    beliefs = believing(log, 0.5)
    beliefs[1], beliefs[2] = 1.0, 0.0
    assert measures.mutual_fear(log, beliefs) == pytest.approx((1 / 6 + 0) / 2)


def test_misperception_and_mistrust() -> None:
    """0 is greedy, 1 a seeker; 0 believes .9 of 1, 1 believes .6 of 0.

    Squares: (.9 - 1)² = .01 and (.6 - 0)² = .36, mean .185. Mistrust: 1 - .9 and 0 - .6, mean -.25.
    """
    draft = Draft(1)
    draft.states["greed"][:, 0] = 2.0
    log = draft.log()
    beliefs = np.broadcast_to([[1, 0.9], [0.6, 1]], log.pairs.shape)
    assert measures.misperception(log, beliefs) == pytest.approx(0.185)
    assert measures.mistrust_bias(log, beliefs) == pytest.approx(-0.25)


def test_beliefs_about_the_fallen_do_not_count() -> None:
    log = Draft(2, 3).fall(1, 2).log()
    beliefs = believing(log, 0.5)
    beliefs[1:, :, 2] = beliefs[1:, 2] = np.nan
    assert measures.misperception(log, beliefs) == 0.25
    assert measures.mistrust_bias(log, beliefs) == 0.5


def test_beliefs_must_fit() -> None:
    log = Draft(2).log()
    with pytest.raises(MeasureError, match=r"beliefs have shape \(2, 2\); \(3, 2, 2\), \(T \+ 1, N, N\), is needed"):
        measures.misperception(log, np.ones((2, 2)))
    with pytest.raises(MeasureError, match="beliefs hold 1.5; a probability, 0 to 1, is needed"):
        measures.misperception(log, believing(log, 1.5))
    with pytest.raises(MeasureError, match="beliefs hold nan"):
        measures.fear(log, believing(log, math.nan))


def test_the_filters_beliefs_are_those_in_the_log() -> None:
    log = Draft(1).log()
    names = [name for name in layout.PAIRS.names or () if name != "belief"]
    bare = np.zeros(log.pairs.shape, [(name, layout.PAIRS[name]) for name in names])
    with pytest.raises(MeasureError, match="the log holds no beliefs: record the episode with a recorder that tracks"):
        measures.filter_beliefs(dataclasses.replace(log, pairs=bare))
    held = np.zeros(log.pairs.shape, [*((name, layout.PAIRS[name]) for name in names), ("belief", np.float64)])
    held["belief"] = 0.25
    assert (measures.filter_beliefs(dataclasses.replace(log, pairs=held)) == 0.25).all()


def test_stances_of_the_log_are_those_carried_out() -> None:
    """The builder writes what the rules write: a check of the tests' own tool against a played episode."""
    (log,) = simulated(quiet(3, horizon=6), 1, seed=5, attack=0.3)
    draft = Draft(log.turns, 3)
    draft.pairs["stance"][1:] = log.pairs["stance"][1:]
    built = draft.log()
    for name in ("attacked", "attackers", "struck", "enemies", "mobilized"):
        assert (built.states[name] == log.states[name]).all(), name
    assert (built.pairs["attacks"] == log.pairs["attacks"]).all()
    assert (log.pairs["stance"] == Stance.ATTACK).any()
