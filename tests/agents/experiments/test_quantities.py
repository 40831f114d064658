"""What experiments measure, by hand, from small logs and tables."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from agents.experiments.quantities import LOGGED, hazard, known, needs_logs, of_frame, of_logs, parts_of
from sd_env import layout
from sd_env.layout import Build
from tests.logs import Draft

AGENTS = ("state_0", "state_1")

# --- hazards --------------------------------------------------------------------------------------------------


def against_the_greedy(*, ladder: bool = False) -> Draft:
    """Seeker 0 and greedy 1: only what 0 does counts. 0 mobilizes on turn 1 and attacks on turn 2 of four."""
    draft = Draft(4, war__mobilization_required=ladder).mobilize(1, 0, 1).attack(2, 0, 1)
    draft.states["greed"][:, 1] = 1.0
    return draft


def test_an_attack_after_the_rivals_mobilization_is_a_hazard_of_its_own_kind() -> None:
    """1 mobilizes on turn 1: turn 2 is the one case, and an attack. Not mobilized: turns 1 and 4; 3 follows a fight."""
    log = against_the_greedy().mobilize(1, 1, 0).log()
    assert hazard([log], True) == LOGGED["hazard/mobilized"]([log]) == 1.0
    assert hazard([log], False) == LOGGED["hazard/unmobilized"]([log]) == 0.0


def test_a_turn_after_the_rivals_attack_is_not_at_peace() -> None:
    """1 attacks on turn 1, 0 on turn 3: only turns 1 and 3 follow a quiet one, and 0 attacks on the latter."""
    draft = Draft(4, war__mobilization_required=False).attack(1, 1, 0).attack(3, 0, 1)
    draft.states["greed"][:, 1] = 1.0
    assert hazard([draft.log()], False) == 1 / 2


def test_where_war_needs_it_only_turns_after_its_own_mobilization_count() -> None:
    """Under the ladder turn 2 alone; without it turns 1, 2 and 4."""
    assert hazard([against_the_greedy(ladder=True).log()], False) == 1.0
    assert hazard([against_the_greedy().log()], False) == 1 / 3


def test_hazards_pool_the_turns_of_all_logs_and_are_nan_without_a_case() -> None:
    """1 of 3 turns, and 0 of 2 of a peace."""
    peace = Draft(2, war__mobilization_required=False)
    peace.states["greed"][:, 1] = 1.0
    assert hazard([against_the_greedy().log(), peace.log()], False) == 1 / 5
    assert math.isnan(hazard([], False)) and math.isnan(hazard([peace.log()], True))
    peace.states["greed"][:, 0] = 1.0
    assert math.isnan(hazard([peace.log()], False))


# --- cases pooled over episodes -------------------------------------------------------------------------------


def test_joining_pools_the_cases_and_gives_three_turns() -> None:
    """2's ally 1 is attacked on turn 1; 2 joins on turn 2, on turn 4, and on turn 5, too late."""
    logs = [Draft(6, 3).ally(0, 1, 2).attack(1, 0, 1).attack(turn, 2, 0).log() for turn in (2, 4, 5)]
    assert LOGGED["alliances/joining"](logs) == 2 / 3
    assert math.isnan(LOGGED["alliances/joining"]([]))


def prey() -> Draft:
    """0 attacks 1 on both turns, mobilized against 2 and 3: these have it to balance on turn 2; nobody can build."""
    none = {"actions__build_offense": ["none"], "actions__build_defense": ["none"]}
    draft = Draft(2, 4, **none).arms(8.0, 1.0, 2.0, 2.0)
    return draft.attack(1, 0, 1).mobilize(1, 0, 2, 3).attack(2, 0, 1)


def test_passing_pools_the_cases() -> None:
    """Nobody balances: 2 of 2 pass. 3 mobilizes alone: 1 of 2."""
    assert LOGGED["alliances/passing"]([prey().log(), prey().mobilize(2, 3, 0).log()]) == 3 / 4


def test_deterrence_pools_the_trials_of_each_kind() -> None:
    """1 threatens on turn 2; its ally 2 is attacked on turn 3 by 0, mobilized against it; 1 itself is left alone."""
    draft = Draft(6, 3, horizon=6, war__attacker_cost=0.5).arms(1.0, 1.0, 1.0).threaten(2, 1)
    draft.states["greed"][:, 0], draft.pairs["belief"] = 2.0, 1.0
    draft.ally(1, 1, 2).mobilize(1, 0, 2).attack(3, 0, 2)
    alone = Draft(6, 3, horizon=6, war__attacker_cost=0.5).arms(1.0, 1.0, 1.0).threaten(2, 1)
    alone.states["greed"][:, 0], alone.pairs["belief"] = 2.0, 1.0
    logs = [draft.log(), alone.log()]
    kinds = {"all": 2 / 3, "direct": 1.0, "extended": 0.0, "immediate": 0.0}
    assert {kind: LOGGED[f"deterrence/{kind}"](logs) for kind in kinds} == kinds


def test_the_reaction_slope_is_the_mean_over_states_and_episodes() -> None:
    """x' = .7 x + .2 y + 1, y' = .75 y + .15 x + .5: slopes .2 and .15."""
    x, y = [0.0], [3.0]
    for _ in range(12):
        x, y = [*x, 0.7 * x[-1] + 0.2 * y[-1] + 1.0], [*y, 0.75 * y[-1] + 0.15 * x[-1] + 0.5]
    assert LOGGED["arms/reaction_slope"]([Draft(12).arms(x, y).log()] * 2) == pytest.approx(0.175)
    assert math.isnan(LOGGED["arms/reaction_slope"]([]))


def test_late_effort_is_that_of_seekers_on_turns_5_and_6_of_8() -> None:
    """Offence full on 5, half on 6; defence half on 6: (1 + ½ + 0 + ½) / 4. The greedy and other turns are left out."""
    draft = Draft(8)
    draft.states["greed"][:, 1] = 1.0
    draft.states["build_offense"][:] = Build.FULL
    draft.states["build_offense"][6, 0] = draft.states["build_defense"][6, 0] = Build.HALF
    assert LOGGED["arms/s_late_effort"]([draft.log()]) == 0.5
    assert of_logs(["late_effort/state_0", "late_effort/state_1"], [draft.log()]) == {
        "late_effort/state_0": 0.5, "late_effort/state_1": 0.5,
    }  # fmt: skip
    draft.states["build_defense"][5, 1] = Build.FULL
    assert of_logs(["late_effort/state_1"], [draft.log()]) == {"late_effort/state_1": 0.75}
    assert math.isnan(LOGGED["arms/s_late_effort"]([]))


def test_trust_is_between_seekers_after_the_first_turn() -> None:
    """0 gives 1 .5 and .7, 1 gives 0 .9 twice: mean .75. What the start or greedy 2 has to do with does not count."""
    draft = Draft(2, 3)
    draft.states["greed"][:, 2] = 1.0
    draft.pairs["belief"][:, 0, 1], draft.pairs["belief"][:, 1, 0] = [0.1, 0.5, 0.7], [0.1, 0.9, 0.9]
    assert LOGGED["beliefs/s_trust"]([draft.log()]) == pytest.approx(0.75)
    assert math.isnan(LOGGED["beliefs/s_trust"]([]))


# --- names ----------------------------------------------------------------------------------------------------


def test_shares_of_pairs_are_of_the_turns_after_the_start() -> None:
    """Allied at the start, which is no turn, and on one of four; then never on one of two more: 1/6."""
    logs = [Draft(4).ally(0, 0, 1).ally(2, 0, 1).log(), Draft(2).attack(1, 1, 0).attack(2, 1, 0).log()]
    names = ["allied/state_0>state_1", "attacks/state_0>state_1", "attacks/state_1>state_0"]
    assert list(of_logs(names, logs).values()) == [1 / 6, 0.0, 2 / 6]
    assert all(math.isnan(value) for value in of_logs(names, []).values())


def test_measures_are_means_over_episodes_that_have_a_case() -> None:
    """A war in one of two episodes; a rate that only the first has a case of; a name that there is not."""
    pulled = Draft(3, 3).ally(0, 1, 2).attack(1, 0, 1).attack(2, 2, 0).log()
    names = ["measure/wars", "measure/chain_gang_rate", "measure/tea", "alliances/joining"]
    found = of_logs(names, [pulled, Draft(3, 3).log()])
    assert [found[name] for name in (*names[:2], names[3])] == [0.5, 1.0, 1.0] and math.isnan(found["measure/tea"])
    assert of_logs(["outcome/wars"], [pulled]) == {}
    assert math.isnan(of_logs(["measure/wars"], [])["measure/wars"])


def test_a_difference_has_two_parts() -> None:
    assert parts_of("outcome/wars") == ("outcome/wars",)
    assert parts_of("outcome/wars - return/all - x") == ("outcome/wars", "return/all - x")


@pytest.mark.parametrize(
    ("measure", "there", "logs"),
    [
        ("outcome/wars", True, False),
        ("arms/reaction_slope", True, True),
        ("backfire/greedy", True, False),
        ("measure/wars", True, True),
        ("attacks/all", True, False),
        ("return/state_1", True, False),
        ("attacks/state_0>state_1", True, True),
        ("allied/state_1>state_0", True, True),
        ("held/state_1", True, True),
        ("economy/state_0", True, True),
        ("stock/state_0", True, True),
        ("stock/all", False, True),
        ("late_effort/state_1", True, True),
        ("war/onset", True, True),
        ("mobilizations/state_0>state_1", False, True),
        ("allied/state_0", False, False),
        ("attacks/state_0>state_0", False, True),
        ("attacks/state_0>france", False, True),
        ("attacks/france", False, False),
        ("return/all - outcome/wars", True, False),
        ("return/all - outcome/tea", False, False),
    ],
)
def test_which_measures_there_are_and_which_need_logs(measure: str, there: bool, logs: bool) -> None:
    assert (known(measure, AGENTS), needs_logs(measure)) == (there, logs)


def test_rates_of_a_table_are_of_its_tallies() -> None:
    """3 wars in 2 episodes; no pair-turn to attack on; no row, no number."""
    frame = pd.DataFrame({name: np.zeros(2) for name in layout.TALLY})
    frame["wars"] = [1.0, 2.0]
    assert of_frame("outcome/wars", frame, AGENTS) == 1.5
    assert math.isnan(of_frame("outcome/wars", frame[:0], AGENTS))
    frame[[f"attacks_{i}" for i in (0, 1)]] = frame[[f"pair_turns_{i}" for i in (0, 1)]] = 0
    assert math.isnan(of_frame("attacks/state_0", frame, AGENTS))


def test_what_a_state_holds_owns_and_has_and_when_war_begins() -> None:
    """Arms of 2, 4 and 6 after the three turns; half of the homeland and an economy of 2 at the end; war on turn 2."""
    draft = Draft(3).arms([0.0, 2.0, 4.0, 6.0], 0.0).attack(2, 1, 0)
    draft.states["homeland"][3, 0], draft.states["economy"][3, 0] = 0.5, 2.0
    war, peace = draft.log(), Draft(3).log()
    asked = ["held/state_0", "economy/state_0", "stock/state_0", "swords/state_0", "war/onset"]
    whole = {"held/state_0": 0.5, "economy/state_0": 2.0, "stock/state_0": 4.0, "swords/state_0": 0.0, "war/onset": 2.0}
    assert of_logs(asked, [war]) == whole
    draft.states["offense"][1:, 0] = 1.0
    assert of_logs(asked, [draft.log()]) == whole | {"stock/state_0": 5.0, "swords/state_0": 1.0}
    assert of_logs(asked, [war, peace])["held/state_0"] == 0.75
    assert of_logs(asked, [war, peace])["war/onset"] == 2.0, "episodes at peace have no first attack"
    assert math.isnan(of_logs(["war/onset"], [peace])["war/onset"])
