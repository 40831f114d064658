"""The heads of scenarios that say how fine they are (``arming.levels``, ``war.force_levels``), at all doors."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from pettingzoo.test import api_test, parallel_api_test

import sd_env
from sd_env import layout, load_scenario
from sd_env.layout import Build, Extent, Head, Heads, Stance
from sd_env.policies import Cast, RandomPolicy, as_standard, ask
from sd_env.record import read_log, record, verify, write_log
from sd_env.scenario import ScenarioError
from sd_env.worlds import Worlds
from tests.table import quiet

FINE: dict[str, Any] = {"arming.levels": 4, "war.force_levels": 4}


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
