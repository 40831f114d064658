"""Tournaments: seats, pay-offs and ranks by hand, drawn casts, noise, and the dynamics of known games."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from agents.evaluation.dynamics import fitness, replicator
from agents.evaluation.statistics import EPISODES, SEEDS
from agents.evaluation.tournament import (
    ecology,
    meetings,
    noise_of,
    payoff_matrix,
    ranking,
    seatings,
    tournament,
)
from agents.pictures.plays import heat_map, shares
from agents.pictures.style import Caption
from agents.policies.protocol import RandomPolicy
from agents.work import WorkError
from sd_env.scenario import Scenario, ScenarioError

SMALL = {"horizon": 4}


def test_seats_rotate() -> None:
    assert seatings(2) == [(True, False), (False, True)]
    assert seatings(4) == [
        (True, True, False, False),
        (False, True, True, False),
        (False, False, True, True),
        (True, False, False, True),
    ]
    assert seatings(3) == [
        (True, False, False), (False, True, False), (False, False, True),
        (True, True, False), (False, True, True), (True, False, True),
    ]  # fmt: skip


@pytest.mark.parametrize("states", range(2, 17))
def test_each_of_two_policies_sits_in_each_seat_equally_often(states: int) -> None:
    held = np.array(seatings(states))
    assert len(set(map(tuple, held.tolist()))) == len(held)
    assert (held.sum(axis=0) == len(held) / 2).all()


def test_a_round_robin_plays_every_pair_and_everyone_itself_in_the_same_worlds() -> None:
    frame = tournament(["dove", "hawk", "random"], "jervis/intense", overrides=SMALL, seeds=(1, 2), worlds=3)
    games = frame.groupby(["first", "second", "policy_0", "policy_1"], sort=False).size()
    assert games.to_dict() == dict.fromkeys(
        [
            ("dove", "dove", "dove", "dove"),
            ("dove", "hawk", "dove", "hawk"), ("dove", "hawk", "hawk", "dove"),
            ("dove", "random", "dove", "random"), ("dove", "random", "random", "dove"),
            ("hawk", "hawk", "hawk", "hawk"),
            ("hawk", "random", "hawk", "random"), ("hawk", "random", "random", "hawk"),
            ("random", "random", "random", "random"),
        ],
        6,
    )  # fmt: skip
    assert frame.groupby(["seed", "world"])["greed_0"].nunique().eq(1).all()


def rows(*games: tuple[str, str, tuple[str, ...], int, int, tuple[float, ...]]) -> pd.DataFrame:
    """Rows of given pairing, seats, seed, world and returns; state i attacks i times in ten pair-turns."""
    found = []
    for first, second, seats, seed, world, returns in games:
        row = {"first": first, "second": second, "seed": seed, "world": world, "episode": 0}
        for i, (policy, value) in enumerate(zip(seats, returns, strict=True)):
            row |= {f"policy_{i}": policy, f"return_{i}": value, f"pair_turns_{i}": 10}
            row |= {f"attacks_{i}": i, f"mobilizations_{i}": 1}
        found.append(row)
    return pd.DataFrame(found)


BY_HAND = rows(
    ("a", "a", ("a", "a"), 1, 0, (2.0, 4.0)),
    ("a", "b", ("a", "b"), 1, 0, (5.0, 0.0)),
    ("a", "b", ("b", "a"), 1, 0, (2.0, 7.0)),
    ("b", "b", ("b", "b"), 1, 0, (1.0, 1.0)),
    ("a", "a", ("a", "a"), 2, 0, (3.0, 3.0)),
    ("a", "b", ("a", "b"), 2, 0, (8.0, 1.0)),
    ("a", "b", ("b", "a"), 2, 0, (1.0, 8.0)),
    ("b", "b", ("b", "b"), 2, 0, (3.0, 3.0)),
)


def test_the_matrix_has_what_the_row_earned_against_the_column() -> None:
    matrix = payoff_matrix(BY_HAND)
    assert list(matrix.index) == list(matrix.columns) == ["a", "b"]
    assert matrix.to_numpy().tolist() == [[3.0, 7.0], [1.0, 2.0]]
    assert len(meetings(BY_HAND)) == 16


def test_ranks_and_intervals_by_hand() -> None:
    ranked = ranking(BY_HAND)
    assert ranked["policy"].tolist() == ["a", "b"] and ranked["rank"].tolist() == [1, 2]
    # seed 1: a has 3 with itself and 6 against b, 4.5 in the mean; seed 2: 3 and 8, 5.5
    best = ranked.iloc[0]
    assert (best["payoff"], best["count"], best["unit"]) == (5.0, 2, SEEDS)
    assert best["high"] - 5.0 == pytest.approx(12.7062 * math.sqrt(0.5) / math.sqrt(2), rel=1e-4)
    # a sits twice in seat 0 and twice in seat 1 of pairs, and in both in self-play: attacks 0 and 1, 1 mobilization
    assert best["attacks"] == pytest.approx(0.05) and best["cooperation"] == pytest.approx(1 - 0.15)
    assert best["iqm"] == pytest.approx((3 + 6) / 2)  # of 3, 3, 6, 8 the middle two


def test_one_seed_resamples_worlds_with_all_their_games() -> None:
    """What a earns moves from world to world alike in all its games, and so does the bootstrap's interval."""
    luck = np.random.default_rng(1).normal(size=100)
    games = [
        game
        for world, shift in enumerate(luck)
        for game in (
            ("a", "a", ("a", "a"), 1, world, (shift, shift)),
            ("a", "b", ("a", "b"), 1, world, (shift, 0.0)),
            ("a", "b", ("b", "a"), 1, world, (0.0, shift)),
            ("b", "b", ("b", "b"), 1, world, (0.0, 0.0)),
        )
    ]
    ranked = ranking(rows(*games)).set_index("policy")
    assert ranked.loc["a", "unit"] == EPISODES and ranked.loc["a", "count"] == 100
    width = 2 * 1.96 * luck.std() / 10  # games apart would make it narrower by the square root of 2
    assert ranked.loc["a", "high"] - ranked.loc["a", "low"] == pytest.approx(width, rel=0.1)
    assert ranked.loc["b", "low"] == ranked.loc["b", "high"] == 0.0


def test_the_interval_covers_where_games_of_a_seed_share_their_worlds() -> None:
    """Three seeds with luck of their own, in 200 tournaments: Student's t over seeds covers as it says."""
    random = np.random.default_rng(0)
    inside = []
    for _ in range(200):
        games = []
        for seed in (1, 2, 3):
            luck = random.normal()
            for first, second, seats in (("a", "a", "aa"), ("a", "b", "ab"), ("a", "b", "ba"), ("b", "b", "bb")):
                noise = random.normal(scale=0.2, size=2)
                games.append((first, second, tuple(seats), seed, 0, (luck + noise[0], luck + noise[1])))
        row = ranking(rows(*games), resamples=10).set_index("policy").loc["a"]
        inside.append(row["low"] <= 0.0 <= row["high"])
    assert 0.91 < np.mean(inside) < 0.99


def test_more_than_two_states_are_halved() -> None:
    frame = tournament(["dove", "hawk"], "jervis/intense", overrides={**SMALL, "n_states": 3}, seeds=(1,), worlds=2)
    seats = frame[["policy_0", "policy_1", "policy_2"]]
    held = (seats == "dove").sum(axis=1)
    assert held.tolist() == [3] * 2 + [1] * 6 + [2] * 6 + [0] * 2  # among its own kind every seating is one game
    met = meetings(frame)
    assert met.groupby(["policy", "opponent"]).size().to_dict() == {
        ("dove", "dove"): 2 * 3, ("dove", "hawk"): 18, ("hawk", "dove"): 18, ("hawk", "hawk"): 2 * 3,
    }  # fmt: skip


def test_drawn_casts_deal_everybody_equally_often() -> None:
    names = ["dove", "hawk", "random", "grit", "bluffer"]
    frame = tournament(names, "jervis/intense", overrides={**SMALL, "n_states": 4}, seeds=(1, 2), worlds=1, mixed=5)
    seats = frame[[f"policy_{i}" for i in range(4)]].to_numpy()
    assert seats.shape == (10, 4)
    for seed in (0, 1):  # 20 seats a seed, five policies
        assert sorted(seats[5 * seed : 5 * seed + 5].ravel().tolist()) == sorted(names * 4)
    assert not (seats[:5] == seats[5:]).all()
    ranked = ranking(frame)
    for row in ranked.to_dict("records"):
        values = [
            frame.loc[frame["seed"] == seed, [f"return_{i}" for i in range(4)]]
            .to_numpy()[seats[5 * (seed - 1) : 5 * seed] == row["policy"]]
            .mean()
            for seed in (1, 2)
        ]
        assert row["payoff"] == pytest.approx(np.mean(values))
    met = meetings(frame)
    assert len(met) == 10 * 4 * 3


def test_noise_is_a_trembling_hand_or_of_perception() -> None:
    assert noise_of({}) == (0.0, {})
    assert noise_of({"tremble": 0.1, "noise": 0.5, "signal_noise": 0.2}) == (
        0.1,
        {"perception.noise": 0.5, "perception.signal_noise": 0.2},
    )
    with pytest.raises(WorkError, match="noise has no 'shake'; tremble, noise, signal_noise are its kinds"):
        noise_of({"shake": 1.0})
    for value in (-0.1, 1.1, math.nan):
        with pytest.raises(WorkError, match="a probability from 0 to 1 is needed"):
            noise_of({"tremble": value})
    with pytest.raises(ScenarioError, match=r"perception\.noise"):
        tournament(["dove", "hawk"], "jervis/intense", noise={"noise": -1.0})
    quiet, shaken = (
        tournament(["dove", "isolationist"], "jervis/intense", overrides=SMALL, seeds=(1,), worlds=16, noise=noise)
        for noise in (None, {"tremble": 0.5})
    )
    assert quiet["attacks"].sum() == 0 and shaken["attacks"].sum() > 0
    again = tournament(
        ["dove", "isolationist"], "jervis/intense", overrides=SMALL, seeds=(1,), worlds=16, noise={"tremble": 0.5}
    )
    pd.testing.assert_frame_equal(shaken, again)


def test_training_seeds_take_turns_and_all_must_play() -> None:
    class Learned(RandomPolicy):
        def __init__(self, seed: int) -> None:
            super().__init__()
            self.name, self.resets = f"learned__seed{seed}", 0
            self.info = {"algorithm": "PPO", "training": {"seed": seed}}

        def reset(self, seed: int) -> None:
            super().reset(seed)
            self.resets = getattr(self, "resets", 0) + 1

    scenario = Scenario.load("jervis/intense", SMALL)
    policies = [Learned(1), Learned(2)]
    before = [policy.resets for policy in policies]
    frame = tournament([*policies, "dove"], scenario, seeds=(1, 2, 3), worlds=1)
    assert list(payoff_matrix(frame)) == ["learned", "dove"]
    played = [policy.resets - start for policy, start in zip(policies, before, strict=True)]
    assert played == [6, 3]  # with itself, and in either seat, for seeds 1 and 3, and for seed 2
    with pytest.raises(WorkError, match="learned has 2 training seeds and there are 1 seeds; 2 are needed"):
        tournament([*policies, "dove"], scenario, seeds=(1,))


def test_workers_change_nothing(tmp_path: Path) -> None:
    frames = [
        tournament(
            ["random", "tit-for-tat"],
            "jervis/intense",
            overrides=SMALL,
            seeds=(1, 2),
            worlds=2,
            out=out,
            workers=workers,
        )
        for out, workers in ((tmp_path / "one", 1), (tmp_path / "two", 2))
    ]
    pd.testing.assert_frame_equal(*frames)
    assert (tmp_path / "one" / "episodes.csv").read_bytes() == (tmp_path / "two" / "episodes.csv").read_bytes()


# --- dynamics -------------------------------------------------------------------------------------------------


def test_one_generation_by_hand() -> None:
    course = replicator(np.array([[0.0, 4.0], [2.0, 0.0]]), 1, np.array([0.25, 0.75]))
    # scaled onto 1 to 2: [[1, 2], [1.5, 1]]; fitness 1.75 and 1.125, mean 1.28125
    np.testing.assert_allclose(course, [[0.25, 0.75], [0.25 * 1.75 / 1.28125, 0.75 * 1.125 / 1.28125]])
    assert fitness(np.array([[3.0, 3.0], [3.0, 3.0]])).tolist() == [[1.0, 1.0], [1.0, 1.0]]


def test_hawks_and_doves_settle_where_neither_gains() -> None:
    """Maynard Smith's game, value 2 and cost 4: half are hawks, from wherever it starts, in whatever units."""
    game = np.array([[-1.0, 2.0], [0.0, 1.0]])
    for payoffs in (game, 1000 * game - 7):
        for start in ([0.05, 0.95], [0.9, 0.1]):
            np.testing.assert_allclose(replicator(payoffs, 400, np.array(start))[-1], [0.5, 0.5], atol=1e-6)


def test_defectors_take_over_and_the_start_decides_a_stag_hunt() -> None:
    dilemma = replicator(np.array([[3.0, 0.0], [5.0, 1.0]]), 200)
    assert dilemma[-1, 1] > 0.999 and (np.diff(dilemma[:50, 1]) > 0).all()
    stag = np.array([[4.0, 0.0], [3.0, 2.0]])  # indifferent where 4 x = 3 x + 2 (1 - x): x = 2/3
    assert replicator(stag, 500, np.array([0.68, 0.32]))[-1, 0] > 0.99
    assert replicator(stag, 500, np.array([0.65, 0.35]))[-1, 0] < 0.01
    np.testing.assert_allclose(replicator(stag, 50, np.array([2 / 3, 1 / 3]))[-1, 0], 2 / 3, atol=1e-9)


def test_axelrods_ecology_is_won_by_reciprocity_after_the_defectors_victims_are_gone() -> None:
    """Repeated dilemma of 10 rounds (5, 3, 1, 0) between always-cooperate, always-defect and tit for tat."""
    game = np.array([[30.0, 0.0, 30.0], [50.0, 10.0, 5.0 + 9.0], [30.0, 9.0, 30.0]])
    course = replicator(game, 2000)
    assert course[20, 1] > course[0, 1]  # defection spreads first
    assert course[-1, 2] > 0.6 and course[-1, 1] < 1e-3
    np.testing.assert_allclose(course.sum(axis=1), 1.0)


def test_bad_games_and_shares_are_refused() -> None:
    for payoffs in (np.ones((2, 3)), np.ones(3), np.ones((0, 0)), np.array([[1.0, np.nan], [1.0, 1.0]])):
        with pytest.raises(WorkError, match="a square of finite numbers is needed"):
            replicator(payoffs)
    for start in ([0.5, 0.6], [1.0], [1.5, -0.5], [np.nan, 1.0]):
        with pytest.raises(WorkError, match="2 numbers of at least 0 that sum to 1"):
            replicator(np.ones((2, 2)), 5, np.array(start))
    with pytest.raises(WorkError, match="generations is -1; 0 or more"):
        replicator(np.ones((2, 2)), -1)


def test_the_ecology_of_a_tournament_has_a_column_a_policy() -> None:
    course = ecology(payoff_matrix(BY_HAND), 300)
    assert list(course) == ["generation", "a", "b"] and len(course) == 301
    assert course["a"].iloc[-1] > 0.99  # a earns more whoever it meets
    with pytest.raises(WorkError, match="some policies never met"):
        ecology(payoff_matrix(BY_HAND[BY_HAND["first"] == "a"]).reindex(index=["a", "c"], columns=["a", "c"]))


# --- pictures -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [2, 9, 31])
def test_heat_maps_show_their_numbers(count: int, tmp_path: Path) -> None:
    from matplotlib import image

    names = [f"policy-with-a-long-name-{k}" for k in range(count)]
    values = np.arange(count * count, dtype=float).reshape(count, count)
    drawn = []
    for k, table in enumerate((values, values.T)):
        heat_map(pd.DataFrame(table, names, names), tmp_path / f"{k}.png", "title", "return", Caption(2, "seeds"))
        drawn.append(image.imread(tmp_path / f"{k}.png"))
    assert min(drawn[0].shape[:2]) > 350 and drawn[0].shape == drawn[1].shape and not np.array_equal(*drawn)


def test_the_picture_of_shares_names_the_largest(tmp_path: Path) -> None:
    from matplotlib import image

    course = ecology(payoff_matrix(BY_HAND), 50)
    many = course.assign(**{f"p{k}": 0.001 * k for k in range(20)})
    for name, table in (("two", course), ("many", many)):
        shares(table, tmp_path / f"{name}.png", "title")
    two, more = (image.imread(tmp_path / f"{name}.png") for name in ("two", "many"))
    assert two.shape == more.shape and not np.array_equal(two, more)
