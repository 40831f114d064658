"""Finer levels of arming, graded mobilization, limited force (model.md section 3): numbers worked out by hand."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from pettingzoo.test import api_test, parallel_api_test

import sd_env
from agents.evaluation.threshold import trust_threshold
from sd_env import layout, load_scenario
from sd_env.layout import Build, Extent, Force, Head, Heads, Other, Signal, Stance
from sd_env.policies import Cast, RandomPolicy, as_standard, ask
from sd_env.record import read_log, record, verify, write_log
from sd_env.scenario import Scenario, ScenarioError
from sd_env.worlds import Worlds
from tests.table import quiet, worlds

WHOLE, HALF = 0, 1  # choices of extent with two levels
FINE: dict[str, Any] = {"arming.levels": 4, "war.force_levels": 4}
#: Swords that only attack, shields that only protect, and a world in which everything costs.
COSTS: dict[str, Any] = {
    "technology__distinguishability": 1.0, "war__attacker_cost": 0.4, "war__defender_cost": 0.6,
    "war__attrition_loser": 0.5, "war__attrition_winner": 0.1, "anarchy__enforcement": 0.2,
}  # fmt: skip


def turn(table: Worlds, *orders: dict[int, tuple[Stance, int]], signals: tuple[int, ...] = ()) -> np.ndarray:
    """One turn: for each state its stances and extents toward others by index; rewards of the first world."""
    heads = table.heads
    actions = np.array([heads.noop] * table.num_states)
    for i, order in enumerate(orders):
        actions[i, Head.SIGNAL] = signals[i] if signals else Signal.SILENCE
        for j, (stance, extent) in order.items():
            actions[i, heads.toward(Head.STANCE, j - (j > i))] = stance
            if heads.limits_force:
                actions[i, heads.toward(Head.EXTENT, j - (j > i))] = extent
    table.step(np.broadcast_to(actions, (table.num_worlds, *actions.shape)))
    return table.rewards[0].copy()


def strike(j: int, extent: int = WHOLE) -> dict[int, tuple[Stance, int]]:
    return {j: (Stance.ATTACK, extent)}


def call_up(j: int, extent: int = WHOLE) -> dict[int, tuple[Stance, int]]:
    return {j: (Stance.MOBILIZE, extent)}


def seen(table: Worlds, i: int, j: int, column: Force) -> float:
    """What i of the first world sees of j among the columns of force."""
    width = layout.other_size(table.beliefs_observed, force=True)
    start = layout.OWN_SIZE + (j - (j > i)) * width + layout.OTHER_SIZE + int(table.beliefs_observed)
    return float(table.observations[0, i, start + column])


# --- the heads of a scenario ------------------------------------------------------------------------------------------


def test_heads_have_the_sizes_that_the_scenario_gives_them() -> None:
    heads = load_scenario("jervis/doubly-dangerous", {"n_states": 3, **FINE}).heads
    assert heads == Heads(3, 4, 4)
    assert heads.sizes == [5, 5, 3, 4, 4, 4, 4] and heads.mask_size == 29 and heads.noop == [0, 0, 0, 1, 0, 1, 0]
    assert heads.labels(Head.BUILD_OFFENSE) == ["none", "1/4", "half", "3/4", "full"]
    assert heads.labels(Head.EXTENT) == ["full", "3/4", "half", "1/4"]
    assert heads.names(0, "abc")[3:] == ["stance toward b", "extent toward b", "stance toward c", "extent toward c"]
    assert Heads(2, 3).labels(Head.BUILD_DEFENSE) == ["none", "1/3", "2/3", "full"]
    # without a word of levels the head of extents is not there
    assert Heads(3).sizes == [3, 3, 3, 4, 4] and Heads(3).standard and not heads.standard


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("arming.levels", 1, "arming.levels is 1, but must be a whole number from 2 to 10"),
        ("arming.levels", [2, 4], "arming.levels is \\[2, 4\\], but must be a whole number from 2 to 10"),
        ("war.force_levels", 0, "war.force_levels is 0, but must be a whole number from 1 to 10"),
        ("war.force_levels", 2.5, "war.force_levels is 2.5, but must be a whole number from 1 to 10"),
        (
            "actions.extent",
            ["limited"],
            "actions.extent is .'limited'., but must be a list .* full, limited, with full",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(key: str, value: object, sentence: str) -> None:
    with pytest.raises(ScenarioError, match=f": {sentence}"):
        load_scenario("jervis/doubly-dangerous", {key: value})


def test_the_heads_of_spaces_are_known_from_their_sizes_and_the_columns() -> None:
    for n in (2, 3, 5, 16):
        for levels in (2, 3, 10):
            for force in (1, 2, 3, 4, 10):
                for context, beliefs in ((True, True), (False, True), (True, False), (False, False)):
                    heads = Heads(n, levels, force)
                    columns = layout.observation_size(n, context, beliefs, force > 1)
                    assert Heads.of(heads.sizes, columns) == heads
    with pytest.raises(ValueError, match="No scenario has actions of sizes"):
        Heads.of([3, 3, 3, 5], 88)


def test_words_of_a_scenario_allow_the_levels_they_stand_for() -> None:
    """``half`` is every level between none and full, ``limited`` every extent below the whole."""
    allowed = {"actions.build_offense": ["none", "full"], "actions.build_defense": ["none", "half"]}
    table = Worlds(load_scenario("jervis/doubly-dangerous", {**FINE, **allowed, "actions.extent": ["full"]}), seed=0)
    assert table.masks[0, 0].tolist() == [
        *(1, 0, 0, 0, 1), *(1, 1, 1, 1, 0), *(1, 1, 1), *(1, 1, 1, 0), *(1, 0, 0, 0),
    ]  # fmt: skip
    table.step([[[2, 4, 0, 1, 3], table.heads.noop]])
    assert table.heads.carried_out(table.states, table.pairs)[0, 0].tolist() == [0, 0, 0, 1, 0]
    assert table.states["illegal"][0].tolist() == [3, 0]


# --- arming -----------------------------------------------------------------------------------------------------------


def test_levels_divide_the_capacity() -> None:
    """Of four levels three are u = 1.5: 1.5 arms at a build rate of 1. u = 1.5 + .5 = 2 costs .1 * 2 = .2."""
    table = worlds(arming__levels=4, arming__arms_cost=0.1)
    table.step([[[3, 1, 0, 1], [4, 0, 0, 1]]])
    assert table.states["offense"][0].tolist() == [1.5, 2.0] and table.states["defense"][0].tolist() == [0.5, 0.0]
    assert table.rewards[0] == pytest.approx([0.8, 0.8], abs=1e-15)


def test_convexity_is_of_the_levels_together() -> None:
    """u = .5 + 1 of five levels, c = 1: .1 * 1.5 ** 2 / 2 = .1125. Five levels: two fifths are .8."""
    table = worlds(arming__levels=4, arming__arms_cost=0.1, arming__convexity=1.0)
    table.step([[[1, 2, 0, 1], [0, 0, 0, 1]]])
    assert table.rewards[0] == pytest.approx([1 - 0.1125, 1.0], abs=1e-15)
    fifths = worlds(arming__levels=5)
    fifths.step([[[2, 0, 0, 1], [0, 5, 0, 1]]])
    assert fifths.states["offense"][0] == pytest.approx([0.8, 0.0]) and fifths.states["defense"][0, 1] == 2.0


# --- limited force ----------------------------------------------------------------------------------------------------


def test_a_war_at_half_takes_and_costs_half() -> None:
    """Force 3 against 1: p = 3/4 as in a whole war. Land: .5 * .5 * .75. Costs: half of .4 + .2, and of .6.

    The attacker keeps 1 - .5 * (.75 * .1 + .25 * .5) = .9 of its swords.
    """
    setup = {**COSTS, "states__offense": {"state_0": 3.0, "default": 0.0}}
    table = worlds(war__force_levels=2, **setup)
    paid = turn(table, strike(1, HALF))
    assert table.states["success"][0, 1] == 0.75 and table.states["stakes"][0].tolist() == [0.0, 0.5]
    assert table.states["homeland"][0, 1] == pytest.approx(1 - 0.1875, abs=1e-15)
    assert table.states["holdings"][0, 0] == pytest.approx(0.1875, abs=1e-15)
    assert table.states["offense"][0, 0] == pytest.approx(2.7, abs=1e-15)
    assert paid == pytest.approx([1 - 0.3, 1 - 0.1875 - 0.3], abs=1e-15)
    whole = worlds(**setup)
    paid = turn(whole, strike(1))
    assert whole.states["homeland"][0, 1] == pytest.approx(1 - 0.375, abs=1e-15)
    assert paid == pytest.approx([1 - 0.6, 1 - 0.375 - 0.6], abs=1e-15)


def test_who_joins_a_war_by_half_counts_and_takes_by_half() -> None:
    """Two forces of 2, one by half: 3 against 1, p = 3/4, land .5 * .75 = .375, of which the half takes a third.

    Both by half, it is a war at half of 4 against 1: p = .8, land .5 * .5 * .8 = .2.
    """
    setup = {**COSTS, "states__offense": {"state_2": 0.0, "default": 2.0}}
    table = worlds(3, war__force_levels=2, **setup)
    paid = turn(table, strike(2), strike(2, HALF))
    assert table.states["success"][0, 2] == 0.75 and table.states["stakes"][0, 2] == 1.0
    assert table.states["holdings"][0] == pytest.approx([0.25, 0.125, 0.0], abs=1e-15)
    assert paid == pytest.approx([1 - 0.6, 1 - 0.3, 1 - 0.375 - 0.6], abs=1e-15)
    both = worlds(3, war__force_levels=2, **setup)
    paid = turn(both, strike(2, HALF), strike(2, HALF))
    assert both.states["holdings"][0] == pytest.approx([0.1, 0.1, 0.0], abs=1e-15)
    assert paid[2] == pytest.approx(1 - 0.2 - 0.3, abs=1e-15)


def test_a_limited_answer_blunts_and_surprises_by_half() -> None:
    """Swords of 2, phi = 1. In the whole war on state_1 its half answer halves the surprise, 2 * 1.5 = 3, and blunts by
    half: 1 + 2/2 = 2, p = 3/5. The half war on state_0 finds it all called up: 2 against 1 + 3, p = 1/3, of a quarter.
    """
    table = worlds(war__force_levels=2, war__first_strike=1.0, states__offense=2.0, technology__distinguishability=1.0)
    turn(table, strike(1), strike(0, HALF))
    assert table.states["success"][0] == pytest.approx([1 / 3, 3 / 5], abs=1e-15)
    assert table.states["homeland"][0] == pytest.approx([1 - 0.25 / 3, 1 - 0.3], abs=1e-15)


def test_who_struck_by_half_is_called_up_by_half_next_turn() -> None:
    """State_1 attacked by half and waits: against a whole attack 2 * 1.5 = 3 to 1, p = 3/4; against a half one 2/3."""
    for extent, success in ((WHOLE, 3 / 4), (HALF, 2 / 3)):
        table = worlds(
            war__force_levels=2, war__first_strike=1.0, states__offense=2.0, technology__distinguishability=1
        )
        turn(table, {}, strike(0, HALF))
        turn(table, strike(1, extent))
        assert table.states["success"][0, 1] == pytest.approx(success, abs=1e-15)


def test_an_ally_pays_for_the_war_as_far_as_it_goes() -> None:
    """Of a war at half on state_1 the ally pays .5 * .5 * .6 = .15, and lends .5 * 2 arms: 3 against 1 + 1."""
    stocks = {"states__offense": {"state_0": 3.0, "default": 0.0}, "states__defense": {"state_2": 2.0, "default": 0.0}}
    table = worlds(3, war__force_levels=2, alliances__alliance_commitment=0.5, **COSTS, **stocks)
    align = (Stance.ALIGN, WHOLE)
    paid = turn(table, strike(1, HALF), {2: align}, {1: align})
    assert table.states["success"][0, 1] == pytest.approx(3 / 5)
    assert paid[2] == pytest.approx(1 - 0.15, abs=1e-15)


def test_a_pledge_is_broken_and_a_threat_kept_by_any_attack() -> None:
    table = worlds(war__force_levels=2, signals__audience_cost=0.3)
    paid = turn(table, strike(1, HALF), {}, signals=(Signal.REASSURE, Signal.THREATEN))
    assert table.states["pledge_broken"][0, 0] and paid[0] == pytest.approx(0.7)
    turn(table, {}, strike(0, HALF))
    assert not table.states["commitment_failed"][0, 1]


def test_amity_follows_deeds_as_far_as_they_go() -> None:
    table = worlds(3, war__force_levels=2, motives__amity_rate=0.2)
    turn(table, {1: (Stance.ATTACK, HALF), 2: (Stance.MOBILIZE, HALF)}, {2: (Stance.ALIGN, HALF)})
    amity = table.pairs["amity"][0]
    assert [amity[1, 0], amity[2, 0], amity[2, 1]] == pytest.approx([-0.1, -0.05, 0.2])


def test_beliefs_do_not_weigh_how_far_a_deed_goes() -> None:
    found = []
    for extent in (WHOLE, HALF):
        table = worlds(war__force_levels=2, perception__beliefs=True, motives__p_greedy=0.5)
        turn(table, strike(1, extent))
        found.append(table.pairs["belief"][0, 1, 0])
    assert found[0] == found[1] < 0.5


@pytest.mark.parametrize("extent", range(4))
def test_the_threshold_of_trust_is_the_same_however_far_both_go(extent: int) -> None:
    """Striking and waiting pay the same at t = m: of four payoffs, as the game plays them at each extent."""
    scenario = Scenario.load(
        "games/one-shot",
        {
            "states.offense": 1.0, "states.defense": 0.5, "war.peacetime_readiness": 0.7, "war.attacker_cost": 0.2,
            "war.force_levels": 4, "war.contest": "difference", "states.greed": 0.0,
        },
    )  # fmt: skip
    m = trust_threshold(scenario, 1.0, 0.5)
    assert 0.2 < m < 0.95
    paid = {}
    for mine in (Stance.NEUTRAL, Stance.ATTACK):
        for theirs in (Stance.NEUTRAL, Stance.ATTACK):
            paid[mine, theirs] = turn(Worlds(scenario, seed=0), {1: (mine, extent)}, {0: (theirs, extent)})[0]
    waits, strikes = (
        m * paid[mine, Stance.NEUTRAL] + (1 - m) * paid[mine, Stance.ATTACK] for mine in (Stance.NEUTRAL, Stance.ATTACK)
    )
    assert waits == pytest.approx(strikes, abs=1e-12)
    share = 1 - extent / 4
    assert paid[Stance.ATTACK, Stance.NEUTRAL] == pytest.approx(1 - 0.2 * share)


# --- graded mobilization ----------------------------------------------------------------------------------------------


def test_mobilization_by_half_costs_shows_and_protects_by_half() -> None:
    """Half of .2. Against a whole attack of 2 swords, phi = 1: 2 * 1.5 = 3; of 4 shields .5 + .5 * .5 stand: 1 + 3."""
    setup: dict[str, Any] = {
        "war__force_levels": 2, "war__mobilization_cost": 0.2, "war__first_strike": 1.0, "states__defense": 4.0,
        "war__peacetime_readiness": 0.5, "states__offense": {"state_0": 2.0, "default": 0.0},
        "technology__distinguishability": 1.0,
    }  # fmt: skip
    table = worlds(**setup)
    paid = turn(table, strike(1), call_up(0, HALF))
    assert paid[1] == pytest.approx(1 - 0.5 * 3 / 7 - 0.1, abs=1e-15)
    assert table.states["success"][0, 1] == pytest.approx(3 / 7, abs=1e-15)
    # that is all a war at half asks for: 2 against 1 + 4
    table = worlds(**setup)
    turn(table, strike(1, HALF), call_up(0, HALF))
    assert table.states["success"][0, 1] == pytest.approx(2 / 7, abs=1e-15)


def test_all_see_how_far_a_state_goes_and_the_net_assessment_follows() -> None:
    table = worlds(
        3, war__force_levels=2, war__first_strike=1.0, states__offense=2.0, technology__distinguishability=1.0
    )
    turn(table, call_up(1, HALF), {0: (Stance.NEUTRAL, HALF)}, strike(0))
    assert seen(table, 1, 0, Force.THEIR_EXTENT) == 0.5 == seen(table, 0, 1, Force.EXTENT)
    assert seen(table, 0, 2, Force.THEIR_EXTENT) == 1.0 and seen(table, 1, 0, Force.EXTENT) == 0.0
    assert seen(table, 2, 0, Force.EXTENTS) == 0.5 and seen(table, 0, 1, Force.EXTENTS) == 0.0
    assert seen(table, 1, 2, Force.EXTENTS) == 1.0
    # of state_1 against state_0, half called up: 2 * 1.5 = 3 to 1; of state_0 against state_1, 2 * 2 = 4 to 1
    start = layout.OWN_SIZE
    assert table.observations[0, 0, start + Other.THEIR_SUCCESS] == pytest.approx(3 / 4)
    assert table.observations[0, 0, start + Other.OUR_SUCCESS] == pytest.approx(4 / 5)


def test_who_attacks_out_of_its_mobilization_goes_no_further_than_that() -> None:
    """A war that is on may go any way; where no mobilization is required, a first strike may too."""
    table = worlds(war__force_levels=2, war__mobilization_required=True, states__offense=1.0)
    degrees = []
    for order in (call_up(1, HALF), strike(1), strike(1), strike(1, HALF), {}):
        turn(table, order)
        degrees.append(float(table.pairs["degree"][0, 0, 1]))
    assert degrees == [0.5, 0.5, 1.0, 0.5, 0.0] and not table.states["illegal"].any()
    free = worlds(war__force_levels=2, states__offense=1.0)
    turn(free, strike(1))
    assert free.pairs["degree"][0, 0, 1] == 1.0


# --- reductions -------------------------------------------------------------------------------------------------------


LIVELY: dict[str, Any] = {
    "horizon": 12, "war.first_strike": 0.7, "war.peacetime_readiness": 0.6, "motives.p_greedy": 0.5,
    "perception.beliefs": True, "perception.noise": 0.2, "war.base_defense": 0.5, "anarchy.enforcement": 0.1,
}  # fmt: skip


@pytest.mark.parametrize("n", [2, 4])
def test_standard_choices_of_finer_heads_play_the_standard_game_bit_for_bit(n: int) -> None:
    plain = load_scenario("jervis/doubly-dangerous", {**LIVELY, "n_states": n})
    fine = plain.with_overrides(FINE)
    one, other = Worlds(plain, 8, seed=3), Worlds(fine, 8, seed=3)
    policy = RandomPolicy(5)
    for _ in range(12):
        shown, masks = as_standard(other.observations, other.masks, fine.heads)
        assert np.array_equal(shown, one.observations) and np.array_equal(masks, one.masks)
        rows = (one.observations.reshape(8 * n, -1), one.masks.reshape(8 * n, -1))
        actions = policy.act(*rows).reshape(8, n, -1)
        one.step(actions)
        other.step(fine.heads.from_standard(actions))
        assert np.array_equal(one.rewards, other.rewards)
        for table in ("states", "pairs", "worlds"):
            mine, theirs = getattr(one, table), getattr(other, table)
            for name in mine.dtype.names:
                if name not in ("degree", "degree_before", "build_offense", "build_defense"):
                    assert np.array_equal(mine[name], theirs[name]), name
    assert one.states["attacked"].any() or one.worlds["attacks"].any()


def test_a_scenario_that_says_nothing_of_levels_is_the_one_that_says_their_defaults() -> None:
    plain = load_scenario("jervis/doubly-dangerous")
    said = plain.with_overrides({"arming.levels": 2, "war.force_levels": 1})
    assert said == plain and said.fingerprint() == plain.fingerprint() and said.heads.standard


@pytest.mark.parametrize(("levels", "half"), [(2, 1), (3, 1), (4, 2), (5, 2), (9, 4)])
def test_half_is_the_level_nearest_to_it_and_full_the_top(levels: int, half: int) -> None:
    heads = Heads(2, levels, 3)
    assert heads.standing_for(Head.BUILD_OFFENSE) == [0, half, levels]
    given = np.array([[Build.HALF, Build.FULL, 0, Stance.ATTACK], [0, 0, 0, Stance.NEUTRAL]])
    assert heads.from_standard(given).tolist() == [[half, levels, 0, 3, Extent.FULL], [0, 0, 0, 1, Extent.FULL]]


def test_policies_of_standard_heads_play_any_game_and_see_the_standard_one() -> None:
    class Half:
        """Builds half of each and attacks everyone."""

        def reset(self, seed: int) -> None:
            self.shapes: list[tuple[int, int]] = []

        def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
            self.shapes.append((observation.shape[1], mask.shape[1]))
            return np.tile([1, 1, 0, 3], (len(mask), 1))

    scenario, policy = load_scenario("jervis/doubly-dangerous", FINE), Half()
    table, cast = Worlds(scenario, 3, seed=1), Cast(policy, scenario.agents, heads=scenario.heads)
    cast.reset(0)
    actions = np.zeros((3, 2, 5), np.int64)
    cast.act(table.observations, table.masks, actions)
    assert actions.tolist() == [[[2, 2, 0, 3, 0]] * 2] * 3
    assert policy.shapes == [(layout.observation_size(2, True), layout.mask_size(2))]
    drawn = ask(
        RandomPolicy(1),
        *(rows[:1].repeat(400, 0) for rows in (table.observations[:, 0], table.masks[:, 0])),
        scenario.heads,
    )
    assert [len(np.unique(column)) for column in drawn.T] == [5, 5, 3, 3, 4]


# --- all doors --------------------------------------------------------------------------------------------------------


EVERY_DOOR: dict[str, Any] = {**FINE, **LIVELY, "n_states": 3}


def test_pettingzoo_api() -> None:
    scenario = load_scenario("jervis/doubly-dangerous", EVERY_DOOR)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*space for each agent probably should be.*")
        parallel_api_test(sd_env.parallel_env(scenario), num_cycles=60)
        api_test(sd_env.env(scenario), num_cycles=60)
    env = sd_env.parallel_env(scenario)
    assert env.state_space.shape == (layout.state_size(3, force=True),)
    env.reset(seed=1)
    assert env.state_space.contains(env.state())


def test_gymnasium_faces_take_the_heads_of_the_scenario() -> None:
    scenario = load_scenario("jervis/doubly-dangerous", EVERY_DOOR)
    solo, vector = sd_env.solo_env(scenario), sd_env.vector_env(scenario, 4)
    observation, info = solo.reset(seed=2)
    for _ in range(12):
        assert solo.observation_space.contains(observation)
        observation, _, _, over, info = solo.step(solo.action_space.sample(info["action_mask"]))
    assert over
    _, infos = vector.reset(seed=2)
    for _ in range(24):
        masks = infos["action_mask"]
        _, _, _, _, infos = vector.step(
            ask(RandomPolicy(3), vector.worlds.observations.reshape(12, -1), masks, scenario.heads)
        )
    with pytest.raises(
        ValueError, match=r"head extent toward state_1: 4 is not among .* 0 \(full\), 1 \(3/4\), 2 \(half\)"
    ):
        solo.reset(seed=1)
        solo.step([0, 0, 0, 1, 4, 1, 0])


def test_logs_tell_how_far_and_are_read_and_verified(tmp_path: Any) -> None:
    log = record(load_scenario("jervis/doubly-dangerous", EVERY_DOOR), RandomPolicy(), 4, observations=True)
    again = read_log(write_log(tmp_path / "log.jsonl", log))
    assert again.events == log.events and verify(again)
    told = [event.sentence for turn in log.events for event in turn]
    assert any("% of its capacity" in sentence for sentence in told)
    assert any("goes no further than" in sentence for sentence in told)


@pytest.mark.parametrize("seed", range(2))
def test_types_never_show(seed: int) -> None:
    """Two worlds that differ only in state_1's greed, same actions: the others see the same, bit for bit."""
    scenario = load_scenario("jervis/doubly-dangerous", EVERY_DOOR)
    pair = [Worlds(scenario, 8, seed=seed) for _ in range(2)]
    for table, greed in zip(pair, (0.0, 3.0), strict=True):
        table.states["greed"][:, 1] = greed
    rng = np.random.default_rng(seed)
    for _ in range(12):
        actions = rng.integers(0, scenario.heads.sizes, size=(8, 3, len(scenario.heads.sizes)))
        for table in pair:
            table.step(actions)
        one, other = pair
        assert (one.observations[:, [0, 2]] == other.observations[:, [0, 2]]).all()
        assert (one.masks == other.masks).all()
    assert (one.pairs["degree"] > 0).any()


def test_masked_play_is_never_replaced_and_observations_stay_in_their_space() -> None:
    scenario = quiet(
        3, **{key.replace(".", "__"): value for key, value in {**FINE, **LIVELY, "war.force_levels": 3}.items()}
    )
    table, policy, space = Worlds(scenario, 16, seed=2), RandomPolicy(1), None
    space = sd_env.parallel_env(scenario).observation_space("state_0")
    for _ in range(12):
        rows = (table.observations.reshape(48, -1), table.masks.reshape(48, -1))
        table.step(ask(policy, *rows, scenario.heads).reshape(16, 3, -1))
        assert not table.states["illegal"].any() and all(space.contains(row) for row in rows[0])
