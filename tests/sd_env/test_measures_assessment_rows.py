"""What an attack was worth on its turn: the row before it, and what is worth nothing at all."""

from __future__ import annotations

import numpy as np
import pytest

from sd_env import measures
from tests.logs import Draft, believing


def free(**overrides: object) -> Draft:
    """As in test_measures_assessment, but an attack costs nothing: U(h) = .175 h of a seeker."""
    return Draft(1, horizon=1, war__first_strike=2.0, **overrides).arms(1.0, 1.0).attack(1, 0, 1)


def test_an_attack_is_assessed_by_what_the_turn_before_left() -> None:
    draft = Draft(3, horizon=3, war__attacker_cost=0.1, war__first_strike=2.0).arms(1.0, 1.0).attack(2, 0, 1)
    draft.worlds["perceived_offense_advantage"] = [1.0, 1.5, 2.0, 2.5]
    draft.worlds["offense_advantage"] = [1.0, 0.8, 0.6, 0.5]
    draft.states["greed"][:, 1] = [0.0, 0.5, 0.7, 0.9]
    draft.pairs["estimate"][:, 0, 1] = 4.0
    log, beliefs = draft.log(), np.zeros((4, 2, 2))
    beliefs[:, 0, 1] = [0.1, 0.3, 0.6, 0.9]
    found = measures.assess(log, 0, 1, 2, beliefs)
    assert (found.belief, found.target_greed, found.advantage, found.true_advantage) == (0.3, 0.5, 1.5, 0.8)
    greedy = np.zeros_like(beliefs)
    assert found.truly == measures.motive(log, 0, 1, 2, greedy, seen=False)
    assert found.truly != measures.motive(log, 0, 1, 2, greedy)


@pytest.mark.parametrize(("belief", "pays"), [(0.0, True), (1.0, False)])
def test_what_is_free_pays_a_seeker_as_soon_as_it_fears(belief: float, pays: bool) -> None:
    log = free().log()
    found = measures.assess(log, 0, 1, 1, believing(log, belief))
    assert (found.threshold, found.pays, found.motive.pays) == (1.0, "below", pays)


def test_what_is_free_and_spares_nothing_never_pays_a_seeker() -> None:
    log = free(war__mobilization_required=True).log()
    found = measures.assess(log, 0, 1, 1, believing(log, 0.0))
    assert found.pays == "never" and np.isnan(found.threshold) and found.motive.utility == 0.0
