"""What the files of theories/ say in numbers, but for thresholds of trust, is what their formulas give."""

from __future__ import annotations

import numpy as np
import pytest

from agents import make
from agents.evaluation.threshold import effective_turns, trust_threshold
from agents.table.play import play
from sd_env import layout, measures
from sd_env.record import Collector
from sd_env.rules.beliefs import GREEDY, SEEKER, SIGNALS
from sd_env.rules.war import contest
from sd_env.scenario import Scenario, load_scenario
from sd_env.worlds import Worlds
from tests.catalogue_text import START, TURNS, plain, says, two


def heard(trust: float, signal: layout.Signal, times: int = 1) -> float:
    odds = trust / (1.0 - trust) * float(SIGNALS[SEEKER, signal] / SIGNALS[GREEDY, signal]) ** times
    return odds / (1.0 + odds)


def test_signals_carry_belief_across_the_threshold() -> None:
    spiral = load_scenario("theories/jervis-spiral")
    m, trust = trust_threshold(spiral, *START, TURNS), 1.0 - plain(spiral.motives.p_greedy)
    threat, reassurance = heard(trust, layout.Signal.THREATEN), heard(trust, layout.Signal.REASSURE)
    assert threat < trust < m < reassurance
    says(spiral.name, f"starts at {trust:.1f}".replace("0.", "."), two(threat), two(reassurance))
    kydd = load_scenario("theories/kydd-reassurance")
    m, trust = trust_threshold(kydd, *START, TURNS), 1.0 - plain(kydd.motives.p_greedy)
    three, four = (heard(trust, layout.Signal.REASSURE, times) for times in (3, 4))
    assert three < m < four
    says(
        kydd.name,
        f"three reassurances carry belief from {two(trust)} to {two(three)}, below m",
        f"four reassurances carry belief from {two(trust)} to {two(four)}, above it",
    )


def gain(scenario: Scenario, greed: float, force: float, defence: float, turns: float) -> float:
    """Of one attack, for a state that wants land: greed x conquest x spoils x turns x p - attacker_cost."""
    war = scenario.war
    won: float = contest(force, defence, plain(war.decisiveness))
    return greed * plain(war.conquest) * plain(war.spoils) * turns * won - plain(war.attacker_cost)


DUELS = (
    "theories/huth-direct",
    "theories/huth-extended",
    "theories/fearon-tying-hands",
    "theories/fearon-sinking-costs",
)


@pytest.mark.parametrize("name", DUELS)
def test_there_is_something_to_deter_and_a_way_to_deter_it(name: str) -> None:
    scenario = load_scenario(name)
    greed = plain(scenario.states.greed["challenger"])  # type: ignore[call-overload,index]
    force = plain(scenario.technology.offense_advantage) * 1.75
    waits, fights = (gain(scenario, greed, f, d, TURNS) for f, d in ((1.5 * force, 2.05), (force, 2.05 + force)))
    assert [waits, fights] == pytest.approx([1.25, -0.35], abs=0.005)
    says(scenario.name, "+1.25", "-.35", "(p = .70)", "(p = .20)")


def test_force_is_equal_in_direct_and_extended_deterrence() -> None:
    direct, extended = (load_scenario(f"theories/huth-{kind}").bounds() for kind in ("direct", "extended"))
    base = plain(load_scenario("theories/huth-direct").war.base_defense)
    column = layout.INITIAL_STATE.index("defense")
    _, defender, protege = extended.states[0, :, column]
    assert direct.states[0, 1, column] + base == pytest.approx(2.05)
    kappa = plain(load_scenario("theories/huth-extended").alliances.alliance_commitment)
    assert protege + kappa * defender + base == pytest.approx(2.05)
    assert direct.states[0, 0, column] == extended.states[0, 0, column]


def test_an_open_crisis_is_one_that_help_can_end() -> None:
    scenario = load_scenario("theories/huth-immediate")
    force, turns = 1.2 * 1.75, effective_turns(8)
    cases = ((1.5 * force, 0.65, "+.53", ".96"), (1.5 * force, 2.05, "+.12", ".70"), (force, 2.05, "-.18", ".51"))
    for sent, met, profit, chance in cases:
        assert gain(scenario, 1.0, sent, met, turns) == pytest.approx(float(profit), abs=0.005)
        assert contest(sent, met, 2.0) == pytest.approx(float(chance), abs=0.005)
        says(scenario.name, f"{profit} if", f"(p = {chance})")


def test_a_broken_pledge_costs_the_greedy_more_than_a_first_strike_brings_from_the_fifth_turn_on() -> None:
    scenario = load_scenario("theories/kydd-reassurance")
    greed, cost = plain(scenario.motives.greed), plain(scenario.signals.audience_cost)
    strike = [gain(scenario, greed, 1.2 * 1.5 * 1.75, 2.05, effective_turns(32 - turn)) for turn in range(5)]
    assert 0.0 < strike[4] < cost < strike[3]
    assert (strike[0], strike[4]) == pytest.approx((1.25, 0.97), abs=0.005)
    says(scenario.name, "1.25 on the first turn", "below the 1.25", "the .97 of the fifth turn")


def test_power_is_worth_more_arms_than_can_be_kept() -> None:
    scenario = load_scenario("theories/mearsheimer-power")
    arming, power = scenario.arming, plain(scenario.motives.power_motive)
    kept = 1.0 - plain(arming.depreciation)
    lasting = sum(kept**turn for turn in range(scenario.horizon))  # type: ignore[arg-type]
    equilibrium = power / 4.0 * plain(arming.build_rate) * lasting / plain(arming.arms_cost)
    possible = 4.0 * plain(arming.build_rate) / plain(arming.depreciation)
    assert (lasting, equilibrium, possible) == pytest.approx((18.2, 12.2, 8.0), abs=0.05)
    says(scenario.name, "18.2", "12.2", "of 8 possible")


def test_leaving_a_rivalry_costs_more_than_peace_gains_from_the_seventh_turn_on() -> None:
    scenario = load_scenario("theories/mitzen-routine")
    peace = [plain(scenario.war.mobilization_cost) * effective_turns(32 - turn) for turn in range(7)]
    assert (peace[0], peace[6]) == pytest.approx((0.96, 0.78), abs=0.005)
    assert peace[6] < plain(scenario.motives.routine) < peace[5]
    says(scenario.name, ".03 x 32 = .96", ".96 on the first turn and .78 on the seventh", "From the seventh turn on")


@pytest.mark.parametrize(
    ("decisiveness", "weaker", "stronger"), [(2.0, "0.10", "0.08"), (1.0, "0.167", "0.167"), (0.5, "0.207", "0.214")]
)
def test_the_third_survives_more_often_beside_the_weaker_if_contests_are_decisive(
    decisiveness: float, weaker: str, stronger: str
) -> None:
    """Survival: its side wins, and then it holds out against the winner beside it."""
    scenario = load_scenario("theories/waltz-balancing")
    assert plain(scenario.war.decisiveness) == 2.0
    strong, weak, third = scenario.bounds().states[0, :, layout.INITIAL_STATE.index("defense")].tolist()

    def survives(beside: float, against: float) -> float:
        wins: float = contest(beside + third, against, decisiveness)
        return wins * contest(third, beside, decisiveness)

    assert survives(weak, strong) == pytest.approx(float(weaker), abs=0.0005)
    assert survives(strong, weak) == pytest.approx(float(stronger), abs=0.0005)
    difference = survives(weak, strong) - survives(strong, weak)
    assert np.sign(round(difference, 12)) == np.sign(decisiveness - 1.0)
    says(scenario.name, weaker.lstrip("0"), stronger.lstrip("0"))


def test_stakes_reassure_below_the_threshold_of_trust_in_the_two_round_game() -> None:
    """model: stakes alpha, then 1 - alpha; seeker R4 T3 P2 S1, greedy R3 T4 P2 S1, trust .4."""
    t = 1.0 - plain(load_scenario("theories/kydd-reassurance").motives.p_greedy)
    least = t * (4 - 2) / (t * (4 - 2) + t * (4 - 3) + (1 - t) * (2 - 1))
    most = t * (4 - 2) / (t * (4 - 2) + (1 - t) * (2 - 1) - t * (4 - 3))
    assert (least, most) == pytest.approx((0.4444, 0.8), abs=0.0001)
    says("theories/kydd-reassurance", "from .44 to .80")


def test_power_shifts_beyond_the_preventive_threshold_at_once_but_not_in_twelve_turns() -> None:
    """War now leaves (1 - p1) H - c; peace for k turns and war then k + (1 - p2) (H - k) - c."""
    scenario = load_scenario("theories/fearon-power-shift")
    growth = plain(scenario.states.growth["riser"])  # type: ignore[call-overload,index]
    assert (1 + growth) ** 11 < 2.0 < (1 + growth) ** 12 == pytest.approx(2.01, abs=0.005)
    now, later = contest(1.2 * 1.5 * 1.75, 2.05, 2.0), contest(1.2 * 1.5 * 3.5, 2.05, 2.0)
    assert (now, later) == pytest.approx((0.70, 0.90), abs=0.005)
    at_once, in_twelve, now_lost = ((TURNS - k) * p for k, p in ((1, later), (12, later), (0, now)))
    assert (at_once, in_twelve, now_lost) == pytest.approx((28.0, 18.1, 22.5), abs=0.05)
    assert at_once > now_lost > in_twelve
    assert (TURNS - 1) * now < now_lost  # without growth
    says(scenario.name, "28.0 > 22.5", "18.1 < 22.5")


@pytest.mark.parametrize(("horizon", "pays"), [(32, False), (128, True)])
def test_the_preventive_motive_alone_pays_in_a_long_game_and_not_over_the_turns_of_the_scenario(
    horizon: int, pays: bool
) -> None:
    """U(0, s, 0) of docs/measures.md on the best turn of an episode in which nobody attacks; the decliner trusts."""
    scenario = load_scenario("theories/fearon-power-shift", {"horizon": horizon})
    kept = Collector(policies=("isolationist", "isolationist"))
    play(scenario, [make("isolationist"), make("isolationist")], worlds=1, seed=1, recorder=kept)
    [log] = kept.logs
    trust = np.ones(log.pairs.shape)
    assert any(measures.motive(log, 0, 1, turn, trust).preventive for turn in range(1, log.turns + 1)) == pays
    says(scenario.name, "is never worth an attack here, as it is with a horizon of 128")


def test_signals_cost_what_the_derived_game_says_for_a_war_cost_of_one() -> None:
    tying, sinking = (load_scenario(f"theories/fearon-{how}") for how in ("tying-hands", "sinking-costs"))
    assert plain(tying.war.attacker_cost) == plain(sinking.war.attacker_cost) == 1.0
    assert plain(tying.signals.audience_cost) == pytest.approx(0.225 / 0.3)
    assert plain(sinking.signals.signal_cost) == pytest.approx(0.36 / 0.3)


def test_nobody_volunteers_as_often_as_the_file_says() -> None:
    nobody = {n: 0.25 ** (n / (n - 1)) for n in (2, 3)}
    assert nobody == pytest.approx({2: 0.0625, 3: 0.125})
    says("theories/christensen-snyder-buck-passing", ".125", ".0625")


def test_an_allys_war_is_worth_joining_as_believed_alone() -> None:
    """Joining is free where omega eta is at least 1, for a share eta, at most 1, of the ally's fall."""
    technology = load_scenario("theories/christensen-snyder-chain-gang").technology
    assert plain(technology.perceived_offense_advantage) * 0.5 == 1.0
    assert plain(technology.offense_advantage) * 1.0 < 1.0


def test_net_assessment_does_not_see_the_mix_of_arms() -> None:
    seen = []
    for offense in (0.0, 0.875, 1.75):
        arms = {"states.offense": offense, "states.defense": 1.75 - offense}
        row = Worlds(load_scenario("theories/glaser-net-assessment", arms), seed=0).observations[0, 0]
        seen.append(row[layout.OWN_SIZE + np.array([layout.Other.THEIR_SUCCESS, layout.Other.OUR_SUCCESS])])
    assert seen[0] == pytest.approx([0.70, 0.70], abs=0.005)
    np.testing.assert_allclose(seen, np.broadcast_to(seen[0], (3, 2)), rtol=1e-6)
