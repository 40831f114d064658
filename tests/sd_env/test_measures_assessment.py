"""What an attack was worth to its attacker, against values worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sd_env import measures
from sd_env.measures import Assessment, MeasureError
from tests.logs import Draft, believing


def war(greed: float = 0.0, **overrides: Any) -> Draft:
    """The last turn of a world in which 0 attacks 1: τ ½, spoils 1, base 1, r 1, ω 1, φ 2, no other cost than c_A.

    One arm each that serves both purposes: F = 1 · 3, S = 2, so p_f = q_f = 3/5; both attack: 1 / (1 + 1 + 1 + 1) = ¼.
    """
    given = {"war__attacker_cost": 0.1, "war__first_strike": 2.0} | overrides
    draft = Draft(1, horizon=1, **given).arms(1.0, 1.0).attack(1, 0, 1)
    draft.states["greed"][:, 0] = greed
    return draft


def of(draft: Draft, belief: float) -> Assessment:
    log = draft.log()
    return measures.assess(log, 0, 1, 1, believing(log, belief))


def test_the_terms_are_those_of_u() -> None:
    """A seeker that trusts with .4 has h = .6: spared .6 · ½ (3/5 - ¼) = .105, success .4 · 3/5 + .6 · ¼ = .39."""
    found = of(war(), 0.4)
    assert (found.won, found.spared, found.cost) == (0.0, pytest.approx(0.105), 0.1)
    assert (found.success, found.risk, found.risk_met) == pytest.approx((0.39, 0.6, 0.25))
    assert (found.belief, found.target_greed, found.imminent) == (0.4, 0.0, True)
    log = war().log()
    assert found.motive == measures.motive(log, 0, 1, 1, believing(log, 0.4))
    greedy = of(war(2.0), 0.4)  # 2 · ½ · .39 won
    assert greedy.won == pytest.approx(0.39) and greedy.motive.utility == pytest.approx(0.39 + 0.105 - 0.1)


def test_below_the_threshold_fear_pays() -> None:
    """h .175 > .1 iff h > .5714, so b < .4286, m of model.md."""
    found = of(war(), 0.42)
    assert (found.threshold, found.pays) == (pytest.approx(1 - 0.1 / 0.175), "below")
    assert found.motive.pays and not of(war(), 0.43).motive.pays


def test_above_the_threshold_prey_that_waits_pays() -> None:
    """Greed 2: U(h = 0) = 2 · ½ · 3/5 - ½ = .1, U(h = 1) = ¼ + .175 - ½ = -.075: h < .1 / .175."""
    found = of(war(2.0, war__attacker_cost=0.5), 0.43)
    assert (found.threshold, found.pays) == (pytest.approx(1 - 0.1 / 0.175), "above")
    assert found.motive.pays and not of(war(2.0, war__attacker_cost=0.5), 0.42).motive.pays


@pytest.mark.parametrize(("greed", "cost", "pays"), [(0.0, 0.2, "never"), (2.0, 0.1, "always")])
def test_some_attacks_hang_on_no_belief(greed: float, cost: float, pays: str) -> None:
    for belief in (0.0, 1.0):
        found = of(war(greed, war__attacker_cost=cost), belief)
        assert found.pays == pays and np.isnan(found.threshold) and found.motive.pays == (pays == "always")


def test_who_cannot_attack_now_is_not_feared_now() -> None:
    found = of(war(war__mobilization_required=True), 0.0)
    assert (found.imminent, found.pays, found.spared) == (False, "never", 0.0)
    assert np.isnan(found.threshold)


def test_the_truth_stands_beside_what_was_seen() -> None:
    """0 sees two arms where there is one, and fears a seeker: in truth there was nothing to spare, and a cost."""
    draft = war()
    draft.pairs["estimate"][:, 0, 1] = 2.0
    found = of(draft, 0.2)
    assert found.risk == pytest.approx(6 / 8) and found.motive.pays
    assert found.truly.utility == pytest.approx(-0.1) and not found.truly.pays
    assert (found.advantage, found.true_advantage) == (1.0, 1.0)
    draft.states["greed"][:, 1] = 1.0  # and of a greedy one, ½ (3/5 - ¼) - .1
    assert of(draft, 0.2).truly.utility == pytest.approx(0.075)


def test_bad_arguments_are_refused() -> None:
    log = war().log()
    with pytest.raises(MeasureError, match="turn is 2; 1 to 1 is allowed"):
        measures.assess(log, 0, 1, 2, believing(log, 0.5))
    with pytest.raises(MeasureError, match="beliefs have shape"):
        measures.assess(log, 0, 1, 1, np.ones((2, 2)))
