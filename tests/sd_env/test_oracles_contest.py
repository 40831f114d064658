"""Oracles of theory.md, section 2 (e): contests for a prize, by best responses on the environment's own payoffs."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from sd_env.layout import Build, Head, Stance
from sd_env.scenario import Scenario
from sd_env.worlds import Worlds

#: Arms of one level of building, and how far apart the arms are that can be chosen.
STEP = 0.0125


def efforts(levels: int, turn: int) -> int:
    """What to build on a turn on the way to ``levels``: full, then half, then nothing."""
    return max(min(levels - 2 * turn, int(Build.FULL)), int(Build.NONE))


class Contest:
    """All arms of one state against given arms of the others, played out one world each."""

    def __init__(self, name: str, overrides: dict[str, Any], roles: list[tuple[Head, int | None]]) -> None:
        """``roles``: for each state that arms, the head that it builds with and whom it attacks (None: nobody)."""
        self.scenario = Scenario.load(name, overrides)
        self.roles = roles
        self.turns = int(self.scenario.horizon)  # type: ignore[arg-type]
        self.most = 2 * self.turns
        self.payoffs = cache(self._payoffs)

    def _payoffs(self, seat: int, others: int) -> np.ndarray:
        """Returns (most + 1,) of ``seat`` by its own levels of arms, if the others have ``others`` levels each."""
        count, n = self.most + 1, self.scenario.n_states
        worlds = Worlds(self.scenario, count, seed=0)
        own = np.arange(count)
        total = np.zeros(count)
        for turn in range(self.turns):
            actions = np.zeros((count, n, Head.STANCE + n - 1), int)
            actions[:, :, Head.STANCE :] = Stance.NEUTRAL
            for state, (head, victim) in enumerate(self.roles):
                actions[:, state, head] = efforts(others, turn)
                if state == seat:
                    actions[:, state, head] = np.clip(own - 2 * turn, Build.NONE, Build.FULL)
                if victim is not None and turn == self.turns - 1:
                    actions[:, state, Head.STANCE + victim - (victim > state)] = Stance.ATTACK
            worlds.step(actions)
            total += worlds.rewards[:, seat]
        return total

    def best(self, seat: int, others: int) -> int:
        """The levels that pay ``seat`` best."""
        return int(self.payoffs(seat, others).argmax())

    def symmetric(self, seat: int = 0, start: int = 10) -> float:
        """Arms at which iterated best response of like states comes to rest.

        They go half of the way each time: with four contenders whole steps go round in circles (slope -1).
        """
        levels = start
        for _ in range(50):
            answer = self.best(seat, levels)
            if abs(answer - levels) <= 1:
                return STEP * answer
            levels = (levels + answer) // 2
        raise AssertionError(f"best responses do not come to rest: {levels}, {answer}")

    def pair(self, start: int = 10) -> tuple[float, float]:
        """Arms at which iterated best response of states 0 and 1, each its own kind, comes to rest."""
        levels = (start, start)
        for _ in range(50):
            answer = (self.best(0, levels[1]), self.best(1, levels[0]))
            if max(abs(a - b) for a, b in zip(answer, levels, strict=True)) <= 1:
                return STEP * answer[0], STEP * answer[1]
            levels = answer
        raise AssertionError(f"best responses do not come to rest: {levels}, {answer}")


def common_prize(contenders: int, strength: float) -> Contest:
    overrides = {"n_states": contenders + 1, "war.base_defense": strength}
    return Contest("games/contest", overrides, [(Head.BUILD_OFFENSE, contenders)] * contenders)


def biased(theta: float, r: float = 1.0) -> Contest:
    overrides = {"technology.offense_advantage": theta, "war.decisiveness": r}
    return Contest("games/biased-contest", overrides, [(Head.BUILD_OFFENSE, 1), (Head.BUILD_DEFENSE, None)])


def ring(states: int, r: float) -> Contest:
    """Each attacks the next, and its own land is worth 10 to it; to each, one rival has the weight of all others."""
    overrides = {
        **{"n_states": states, "states.economy": 10.0, "states.greed": 0.0, "war.decisiveness": r},
        **{"technology.distinguishability": 0.0, "technology.offense_advantage": (states - 1) ** (1 / r)},
    }
    return Contest("games/biased-contest", overrides, [(Head.BUILD_OFFENSE, (i + 1) % states) for i in range(states)])


# Iteration stops where the best response is within a step, and that on the grid is within a step of the true one; as
# best responses fall in the others' arms near rest, the error of the sum is no larger.
TOLERANCE = 2 * STEP


@pytest.mark.parametrize(("contenders", "arms"), [(2, 2.5), (4, 1.875)])
def test_contenders_for_a_common_prize_arm_as_tullock_says(contenders: int, arms: float) -> None:
    """(n - 1) V / (n^2 c)."""
    assert common_prize(contenders, 0.0).symmetric() == pytest.approx(arms, abs=TOLERANCE)


@pytest.mark.parametrize(("strength", "arms"), [(1.0, 2.427), (4.0, 1.812), (9.0, 0.329)])
def test_a_defended_prize_lowers_arms(strength: float, arms: float) -> None:
    assert common_prize(2, strength).symmetric() == pytest.approx(arms, abs=TOLERANCE)


@pytest.mark.parametrize(("strength", "arms"), [(9.9, True), (10.0, False), (12.0, False)])
def test_nobody_arms_iff_defence_is_worth_the_prize(strength: float, arms: bool) -> None:
    """Zero arming iff s >= V / c = 10; at 9.9 the root of 10 (x + s) = (2 x + s)^2 is .0333, more than two steps."""
    contest = common_prize(2, strength)
    assert (contest.best(0, 0) > 0) == arms
    assert (contest.symmetric(start=0) > 0) == arms


@pytest.mark.parametrize(("theta", "arms"), [(1.0, 2.5), (2.0, 2.2222), (4.0, 1.6)])
def test_bias_alone_lowers_arming(theta: float, arms: float) -> None:
    assert biased(theta).pair() == pytest.approx((arms, arms), abs=TOLERANCE)


def test_decisiveness_raises_arming() -> None:
    """r V / (4 c) = 3.25 for r = 1.3 against 2.5 for r = 1."""
    assert biased(1.0, 1.3).pair() == pytest.approx((3.25, 3.25), abs=TOLERANCE)


def test_four_states_arm_24375_at_a_decisiveness_of_13() -> None:
    """r (N - 1) V / (N^2 c); taking part pays V / N - c x = .0625, since r <= N / (N - 1)."""
    contest = ring(4, 1.3)
    arms = contest.symmetric()
    assert arms == pytest.approx(2.4375, abs=TOLERANCE)
    levels = round(2.4375 / STEP)
    assert contest.best(0, levels) == pytest.approx(levels, abs=1)
    payoffs = contest.payoffs(0, levels)
    income = 10.0 * (contest.turns - 1)  # of the turns before the assault
    assert payoffs[levels] - income == pytest.approx(0.0625, abs=1e-9)
    assert payoffs[0] - income == pytest.approx(0.0, abs=1e-9)


def test_four_states_do_not_take_part_beyond_a_decisiveness_of_4_3() -> None:
    """At r = 1.4 the symmetric point r (N - 1) V / (N^2 c) = 2.625 would pay V / 4 - 2.625 < 0."""
    contest = ring(4, 1.4)
    levels = round(2.625 / STEP)
    payoffs = contest.payoffs(0, levels) - 10.0 * (contest.turns - 1)
    assert payoffs[levels] == pytest.approx(-0.125, abs=1e-9)
    assert contest.best(0, levels) == 0
