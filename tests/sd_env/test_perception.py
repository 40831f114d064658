"""What a state sees: model.md section 4, against the formulas, and what it can never see."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from sd_env import layout
from sd_env.layout import Other, Own
from sd_env.worlds import Worlds
from tests.table import attack, column, play, quiet, random_actions, worlds

ARMS = {"states__offense": 3.0, "states__defense": 1.0}


def test_own_state_is_seen_whole_and_public_columns_true() -> None:
    w = worlds(3, horizon=10, **ARMS, perception__noise=1.0, states__greed={"state_1": 0.7, "default": 0.0})
    play(w, s1={"offense": "half", "signal": "threaten"}, s0={"signal": "reassure"})
    for i in range(3):
        for name in ("greed", "homeland", "holdings", "economy", "offense", "defense", "pledge", "commitment"):
            assert column(w, i, name) == pytest.approx(w.states[name][0, i])
        assert (column(w, i, "step"), column(w, i, "turn"), column(w, i, "horizon")) == (pytest.approx(0.1), 1, 10)
        for j in range(3):
            if j != i:
                for name in ("standing", "homeland", "holdings", "economy", "reliability", "pledge", "commitment"):
                    assert column(w, i, name, j) == pytest.approx(float(w.states[name][0, j]))


@pytest.mark.parametrize("q", [0.0, 0.4, 1.0])
def test_distinguishability_in_sight(q: float) -> None:
    w = worlds(technology__distinguishability=q, perception__threat_inflation=0.5, **ARMS)
    share = q * 0.75 + (1 - q) * 0.5
    assert column(w, 0, "offense_estimate", 1) == pytest.approx(6.0 * share)
    assert column(w, 0, "defense_estimate", 1) == pytest.approx(6.0 * (1 - share))


def test_arms_that_were_changed_from_outside_are_seen_with_the_errors_of_the_turn() -> None:
    w = worlds(num_worlds=2, perception__noise=0.3, **ARMS)
    play(w)
    before = w.observations.copy()
    w.show()
    assert (w.observations == before).all()
    w.states["offense"][1, 1] = 7.0  # of 4 arms 8: what is seen of them doubles, errors and all
    w.show()
    changed = np.argwhere(w.observations != before)
    assert {(b, i) for b, i, _ in changed.tolist()} == {(1, 0), (1, 1)}
    place = 1, 0, layout.OWN_SIZE + Other.OFFENSE_ESTIMATE
    assert w.observations[place] == pytest.approx(2 * before[place], rel=1e-6)


def test_noise_is_lognormal_with_the_given_sigma_and_worst_case_shifts_it() -> None:
    def logs(worst: float) -> np.ndarray:
        w = worlds(num_worlds=4000, perception__noise=0.3, perception__worst_case=worst, **ARMS)
        play(w)
        first = layout.OWN_SIZE
        total = (
            w.observations[:, 0, first + Other.OFFENSE_ESTIMATE] + w.observations[:, 0, first + Other.DEFENSE_ESTIMATE]
        )
        return np.log(total / 4.0) / 0.3

    assert stats.kstest(logs(0.0), "norm").pvalue > 1e-3
    shifted = logs(0.5)
    assert (shifted.mean(), shifted.std()) == (pytest.approx(1.0, abs=0.04), pytest.approx(0.5, abs=0.03))
    assert logs(1.0) == pytest.approx(2.0, abs=1e-4)


def test_noise_is_fresh_each_turn_and_for_each_pair() -> None:
    w = worlds(3, perception__noise=0.5, **ARMS)
    seen = []
    for _ in range(3):
        seen += [column(w, i, "offense_estimate", j) for i in range(3) for j in range(3) if i != j]
        play(w)
    assert len(set(seen)) == len(seen)


def test_signal_noise_flips_signals_but_never_silence() -> None:
    w = worlds(num_worlds=3000, perception__signal_noise=0.2)
    play(w, s0={"signal": "reassure"})
    first = layout.OWN_SIZE
    reassure = w.observations[:, 1, first + Other.HEARD_REASSURE]
    threaten = w.observations[:, 1, first + Other.HEARD_THREATEN]
    assert (reassure + threaten == 1).all()
    assert threaten.mean() == pytest.approx(0.2, abs=0.035)
    assert not w.observations[:, 0, [first + Other.HEARD_REASSURE, first + Other.HEARD_THREATEN]].any()


def test_net_assessment_is_the_perceived_duel() -> None:
    w = worlds(
        **ARMS,
        technology__distinguishability=0.6,
        technology__offense_advantage=1.0,
        technology__perceived_offense_advantage=2.0,
        war__first_strike=0.5,
        war__decisiveness=3.0,
        geography__reach=[[0, 0.5], [0.8, 0]],
    )
    share = 0.6 * 0.75 + 0.4 * 0.5
    offense, defense = 4 * share, 4 * (1 - share)
    true_attack, true_defence = 3 + 0.4, 1 + 0.4 * 3

    def p(force: float, defence: float) -> float:
        return force**3 / (force**3 + (1.0 + defence) ** 3)

    theirs = p(2.0 * 1.5 * 0.8 * (offense + 0.4 * defense), true_defence)
    ours = p(2.0 * 1.5 * 0.5 * true_attack, defense + 0.4 * offense)
    assert column(w, 0, "their_success", 1) == pytest.approx(theirs, rel=1e-5)
    assert column(w, 0, "our_success", 1) == pytest.approx(ours, rel=1e-5)
    play(w, s0={"stance": {1: "mobilize"}})  # ready now: no surprise for state_0 to fear
    assert column(w, 0, "their_success", 1) == pytest.approx(
        p(2.0 * 0.8 * (offense + 0.4 * defense), true_defence), rel=1e-5
    )


def test_net_assessment_counts_what_peacetime_leaves_ready() -> None:
    """Base 1 and arms of 2 against a force of 3: 3 / (3 + 1 + .25 * 2) = 2/3, once mobilized 3 / (3 + 1 + 2) = 1/2."""
    w = worlds(
        technology__distinguishability=1.0, war__peacetime_readiness=0.25,
        states__offense={"state_1": 3.0, "default": 0.0}, states__defense={"state_0": 2.0, "default": 0.0},
    )  # fmt: skip
    assert column(w, 0, "their_success", 1) == column(w, 1, "our_success", 0) == pytest.approx(2 / 3)
    play(w, s0={"stance": {1: "mobilize"}})
    assert column(w, 0, "their_success", 1) == column(w, 1, "our_success", 0) == pytest.approx(1 / 2)
    play(w, s0=attack(1))
    assert column(w, 0, "their_success", 1) == pytest.approx(1 / 2)  # at war it is ready, too


def test_third_parties_are_seen() -> None:
    w = worlds(4, war__conquest=0.0)
    play(w, s1={"stance": {2: "align", 3: "mobilize"}}, s2={"stance": {1: "align"}}, s3=attack(1, 2))
    assert column(w, 0, "allies", 1) == pytest.approx(0.5)
    assert column(w, 0, "mobilizations", 1) == pytest.approx(0.5)
    assert column(w, 0, "attacked", 1) == pytest.approx(0.5)
    assert column(w, 0, "attacks", 3) == pytest.approx(1.0)
    assert column(w, 1, "they_attacked", 3) == 1.0
    assert column(w, 1, "attacks", 3) == pytest.approx(0.5)  # of thirds: the attack on itself is not one
    assert column(w, 2, "aligned", 1) == column(w, 2, "allied", 1) == 1.0


def test_context_shows_what_is_believed_of_technology_or_nothing() -> None:
    w = worlds(technology__offense_advantage=0.7, technology__perceived_offense_advantage=2.0, war__conquest=0.25)
    start = layout.OWN_SIZE + layout.OTHER_SIZE
    context = dict(zip(layout.CONTEXT, w.observations[0, 0, start:].tolist(), strict=True))
    assert context["perceived_offense_advantage"] == 2.0
    assert (context["conquest"], context["dual_use"]) == (0.25, 1.0)
    assert not np.isclose(w.observations, 0.7).any()
    hidden = worlds(perception__context_observed=False)
    assert hidden.observations.shape[-1] == start == layout.observation_size(2, False)


def test_names_match_columns() -> None:
    names = layout.observation_names(3, True)
    assert len(names) == layout.observation_size(3, True) == len(set(names))
    assert names[Own.GREED] == "own.greed"
    assert names[layout.OWN_SIZE + layout.OTHER_SIZE + Other.AMITY] == "other1.amity"


@pytest.mark.parametrize("rules", [{}, {"arming__convexity": 0.5, "arming__investment_return": 0.05}])
@pytest.mark.parametrize("seed", range(5))
def test_the_greed_of_others_never_shows(seed: int, rules: dict[str, float]) -> None:
    """Two worlds that differ only in state_1's greed, same actions: state_0 and state_2 see the same, bit for bit."""
    rng = np.random.default_rng(seed)
    loud = {
        "perception__noise": 0.4, "perception__signal_noise": 0.3, "war__outcome": "gamble", "technology__drift": 0.1,
        "motives__identification": 0.5, "motives__power_motive": 0.3, "continuation": 0.97, **ARMS,
        "arming__arms_cost": 0.1, **rules,
    }  # fmt: skip
    pair = [
        Worlds(quiet(3, **loud, states__greed={"state_1": greed, "default": 0.5}), 8, seed=seed, autoreset=True)
        for greed in (0.0, 3.0)
    ]
    for _ in range(120):
        actions = random_actions(rng, pair[0])
        for w in pair:
            w.step(actions)
        for kind in ("observations", "final_observations", "masks"):
            a, b = (getattr(w, kind) for w in pair)
            assert (a[:, [0, 2]] == b[:, [0, 2]]).all()
    assert (pair[0].observations[:, 1] != pair[1].observations[:, 1]).any()


def test_toward_the_fallen_and_by_them_no_attack_is_foreseen() -> None:
    w = worlds(
        3, war__base_defense=0.5, war__conquest=1.0, war__collapse=0.9, technology__distinguishability=1.0,
        states__offense={"state_0": 4.0, "default": 1.0},
    )  # fmt: skip
    before = [(column(w, i, "our_success", j), column(w, i, "their_success", j)) for i, j in ((0, 1), (1, 0), (0, 2))]
    assert all(min(each) > 0.0 for each in before)
    play(w, s0=attack(1))
    assert not w.states["standing"][0, 1]
    for i, j in ((0, 1), (1, 0), (1, 2), (2, 1)):
        assert column(w, i, "our_success", j) == column(w, i, "their_success", j) == 0.0
    assert column(w, 0, "our_success", 2) > 0.0


def test_everybody_estimates_the_others_alone() -> None:
    w = worlds(3, perception__noise=0.3, **ARMS)
    play(w)
    estimates = w.pairs["estimate"][0]
    assert (np.diag(estimates) == 0.0).all() and np.count_nonzero(estimates) == 6


def test_what_is_said_is_heard_where_no_noise_is_and_turned_about_where_all_is() -> None:
    for noise, heard in ((0.0, ("heard_reassure", "heard_threaten")), (1.0, ("heard_threaten", "heard_reassure"))):
        w = worlds(3, perception__signal_noise=noise)
        play(w, s0={"signal": "reassure"}, s1={"signal": "threaten"})
        assert [column(w, 2, name, 0) for name in heard] == [1.0, 0.0]
        assert [column(w, 2, name, 1) for name in heard] == [0.0, 1.0]
        assert [column(w, 0, name, 2) for name in heard] == [0.0, 0.0]
