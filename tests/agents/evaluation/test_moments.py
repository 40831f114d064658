"""Moments on which wars hung: cases in which it is known which turn, whose deed and how much."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from agents.evaluation.moments import KINDS, Moment, moments, sentence
from agents.evaluation.replayer import Replayer
from agents.policies.specs import policy_from
from agents.table.replays import NOBODY
from sd_env.record import EpisodeLog, record
from tests.table import quiet


def played(one: str, two: str, seed: int = 0, **overrides: Any) -> EpisodeLog:
    log = record(quiet(**{"states__offense": 1.0, "horizon": 6, **overrides}), [*map(policy_from, (one, two))], seed)
    return dataclasses.replace(log, policies=(one, two))


def of_first(log: EpisodeLog, **options: Any) -> dict[str, Moment]:
    return {each.kind: each for each in moments(log, futures=8, **options)[0][1]}


def test_a_mobilization_that_brought_the_war_is_a_deterrent_that_backfired() -> None:
    """A preemptor strikes who mobilizes, and nobody else: nothing is left to chance."""
    log = played("preemptor", "worst-case", technology__offense_advantage=0.9, war__first_strike=0.5)
    found = of_first(log)
    backfired = found["backfired deterrent"]
    assert (backfired.turn, backfired.state, backfired.deed, backfired.by) == (1, 1, "mobilizes", 2)
    assert (backfired.chance, backfired.otherwise) == (1.0, 0.0) and 0.0 < backfired.low < backfired.high <= 1.0
    assert sentence(log, backfired) == (
        "Had State_1 not mobilized on turn 1, war on it by turn 2 would have fallen from 100% to 0%."
    )
    likely = found["likely"]
    assert (likely.turn, likely.state, likely.chance) == (1, NOBODY, 1.0) and math.isnan(likely.otherwise)
    assert sentence(log, likely) == "From turn 1 on war by turn 2 was likely: it comes in 100% of that turn's futures."


def test_arms_of_a_seeker_that_were_taken_for_greed_are_a_misread_build_up() -> None:
    """The other builds on the first turn alone; from trust .7 that takes the realist below the threshold, .64."""
    log = next(
        log
        for log in (
            played(
                "bayesian-realist", "timetable:attacks_from=99,builds_until=1", seed, motives__p_greedy=0.3,
                perception__beliefs=True, perception__buildup_evidence=3.0, war__attacker_cost=0.3,
                war__first_strike=0.5, war__base_defense=0.1, war__decisiveness=2.0, war__conquest=0.3,
                states__defense=1.0,
            )
            for seed in range(40)
        )
        if not log.states["greed"][0].any()
    )  # fmt: skip
    found = of_first(log)
    misread = found["misread build-up"]
    assert (misread.turn, misread.state, misread.deed) == (1, 1, "builds")
    assert misread.chance == 1.0 and misread.otherwise == 0.0
    assert sentence(log, misread).startswith(
        "Had State_1 built no arms on turn 1, war on it by turn 2 would have fallen from 100%"
    )


def test_an_aggressor_who_heeds_nothing_leaves_no_deed_on_which_war_hung() -> None:
    assert set(of_first(played("hawk", "worst-case", war__mobilization_required=True))) <= {"likely"}


def test_chance_of_its_own_begins_where_it_is_said_to() -> None:
    """Random states: the futures are the log before the fork, and differ from it and from each other after."""
    log = played("random", "random", perception__noise=0.2)
    seen: list[np.ndarray] = []

    class Spy:
        def start(self, worlds: Any) -> None: ...

        def changed(self, worlds: Any) -> None: ...

        def step(self, worlds: Any, actions: np.ndarray) -> None:
            seen.append(worlds.pairs["estimate"][:, 0, 1].copy())

    Replayer(log).futures(3, 6, Spy())
    for turn, estimates in enumerate(seen, 1):
        same = estimates == log.pairs["estimate"][turn, 0, 1]
        assert same.all() if turn < 3 else len(set(estimates.tolist())) > 1


def test_the_share_is_that_of_chance() -> None:
    """An attack is planned for turn 3, and after each turn the world goes on with .6: from turn 2 on, war has .6."""
    log = next(
        log
        for log in (played("timetable:attacks_from=2", "dove", seed, continuation=0.6) for seed in range(200))
        if log.turns >= 3
    )
    [(war, found)] = moments(log, futures=400)
    assert war.start == 3
    [likely] = found
    assert (
        likely.kind == KINDS[0] and (likely.turn, war.start) == (2, 3) and likely.chance == pytest.approx(0.6, abs=0.08)
    )


def test_of_who_is_not_known_nothing_is_said() -> None:
    log = dataclasses.replace(played("hawk", "dove"), policies=("", "dove"))
    assert [found for _, found in moments(log, futures=4)] == [[]]
    assert [len(found) for _, found in moments(log, futures=4, policies=["hawk", "dove"])] == [1]


def test_too_few_futures_are_refused() -> None:
    with pytest.raises(ValueError, match="futures is 1; at least 2 are needed"):
        moments(played("hawk", "dove"), futures=1)
