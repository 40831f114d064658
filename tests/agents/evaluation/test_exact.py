"""Exact solutions of small games: equilibria are the theory's, and best responses those worked out by hand."""

from __future__ import annotations

import itertools
from typing import Any

import nashpy
import numpy as np
import pytest

from agents.evaluation.exact import (
    LIMIT,
    ExactError,
    TurnGame,
    behaviour_of,
    exact_gap,
    turn_game,
)
from agents.policies.protocol import RandomPolicy
from sd_env import layout
from sd_env.layout import Head, Own, Stance
from sd_env.scenario import Scenario
from sd_env.worlds import Worlds

WAIT, ATTACK = 0, 1
M = 0.45319189  # of games/one-shot, from its description: 0.453192


class Fixed:
    """The stances of a rule; everything else a no-op."""

    def reset(self, seed: int | None = None) -> None:
        self._turns = 0

    def attacks(self, observation: np.ndarray) -> np.ndarray:
        raise AssertionError

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        actions = np.tile(layout.noop(layout.num_states_of(mask.shape[1])), (len(mask), 1))
        actions[self.attacks(observation), Head.STANCE :] = Stance.ATTACK
        return actions


class Dove(Fixed):
    def attacks(self, observation: np.ndarray) -> np.ndarray:
        return np.zeros(len(observation), bool)


class Hawk(Fixed):
    def attacks(self, observation: np.ndarray) -> np.ndarray:
        return np.ones(len(observation), bool)


class PeaceUnlessGreedy(Fixed):
    def attacks(self, observation: np.ndarray) -> np.ndarray:
        return observation[:, Own.GREED] > 0


class TitForTat(Fixed):
    def attacks(self, observation: np.ndarray) -> np.ndarray:
        return observation[:, layout.OWN_SIZE + layout.Other.THEY_ATTACKED] > 0


class GrimTrigger(Fixed):
    """With memory of its own, a row each."""

    def reset(self, seed: int | None = None) -> None:
        self._struck = np.zeros(0, bool)

    def attacks(self, observation: np.ndarray) -> np.ndarray:
        if len(self._struck) != len(observation):
            self._struck = np.zeros(len(observation), bool)
        self._struck |= observation[:, layout.OWN_SIZE + layout.Other.THEY_ATTACKED] > 0
        return self._struck


def equilibria(game: TurnGame) -> list[tuple[np.ndarray, np.ndarray]]:
    return list(nashpy.Game(*game.normal_form()).support_enumeration())


def test_the_matrix_of_the_stag_hunt_is_the_textbooks() -> None:
    mine, theirs = turn_game(Scenario.load("games/stag-hunt")).normal_form()
    assert mine == pytest.approx(0.6 + 0.1 * np.array([[4, 0], [3, 2]]))
    assert theirs == pytest.approx(mine.T)


def test_equilibria_of_the_stag_hunt_are_both_pure_ones_and_the_mixture_at_m() -> None:
    found = equilibria(turn_game(Scenario.load("games/stag-hunt")))
    assert len(found) == 3
    expected = ([1, 0], [0, 1], [2 / 3, 1 / 3])  # m = 2/3 is the chance of waiting that leaves both indifferent
    for (mine, theirs), chances in zip(found, expected, strict=True):
        assert mine == pytest.approx(np.array(chances))
        assert theirs == pytest.approx(np.array(chances))


def test_the_only_equilibrium_of_the_prisoners_dilemma_is_to_defect() -> None:
    [(mine, theirs)] = equilibria(turn_game(Scenario.load("games/repeated-pd")))
    assert mine == pytest.approx(np.array([0, 1]))
    assert theirs == pytest.approx(np.array([0, 1]))


def pure(game: TurnGame, *choices: int) -> np.ndarray:
    """The pure strategy that takes one choice for each type, as a mixture."""
    return np.array([float(strategy == choices) for strategy in game.strategies(0)])


def holds(game: TurnGame, mixture: np.ndarray) -> bool:
    return any(np.allclose(mine, mixture) and np.allclose(theirs, mixture) for mine, theirs in equilibria(game))


@pytest.mark.parametrize("trust", [0.1, 0.4, 0.5, 0.9])
def test_peace_among_security_seekers_is_an_equilibrium_of_one_shot_iff_trust_reaches_m(trust: float) -> None:
    game = turn_game(Scenario.load("games/one-shot", {"motives.p_greedy": 1 - trust}))
    assert game.types[0] == pytest.approx([0, 1.5])
    assert holds(game, pure(game, WAIT, ATTACK)) == (trust >= M)
    assert holds(game, pure(game, ATTACK, ATTACK))  # fear confirms itself whatever the trust
    # between the two, security seekers wait so often that a rival waits with chance m in all
    mixed = (M / trust) * pure(game, WAIT, ATTACK) + (1 - M / trust) * pure(game, ATTACK, ATTACK)
    assert holds(game, mixed) == (trust >= M)


def one_shot(omega: float = 1.4) -> dict[str, float]:
    """Payoffs of a security seeker by the formula of model.md section 5, and what conquest gives a greedy one."""
    first, mutual, stands = omega * 1.5 * 1.2, omega * 1.2, 1.3
    p_f, p_s = first**2 / (first**2 + stands**2), mutual**2 / (mutual**2 + (stands + mutual) ** 2)
    return {
        "R": 1.0, "S": 1 - 0.5 * p_f - 0.15, "T": 1 - 0.15, "P": 1 - 0.5 * p_s - 0.3,
        "T+": 1.5 * 0.5 * 0.8 * p_f, "P+": 1.5 * 0.5 * 0.8 * p_s,
    }  # fmt: skip


def test_the_gap_of_hawks_and_doves_in_one_shot_is_the_formulas() -> None:
    scenario, v = Scenario.load("games/one-shot"), one_shot()
    hawk = exact_gap(Hawk(), scenario, seat=0)
    assert hawk.own == pytest.approx(v["P"] + 0.5 * v["P+"])
    assert hawk.gap == pytest.approx(0.0)  # war is an equilibrium
    dove = exact_gap(Dove(), scenario, seat=1)
    assert dove.own == pytest.approx(1.0)
    assert dove.gap == pytest.approx(0.5 * (v["T"] + v["T+"] - v["R"]))  # only a greedy state gains by striking
    assert not dove.sampled


@pytest.mark.parametrize("trust", [0.3, 0.5])
def test_peace_unless_greedy_is_exploitable_iff_trust_is_below_m(trust: float) -> None:
    scenario, v = Scenario.load("games/one-shot", {"motives.p_greedy": 1 - trust}), one_shot()
    gap = exact_gap(PeaceUnlessGreedy(), scenario, seat=0).gap
    wait, strike = trust * v["R"] + (1 - trust) * v["S"], trust * v["T"] + (1 - trust) * v["P"]
    assert gap == pytest.approx(trust * max(strike - wait, 0.0), abs=1e-12)
    assert (gap > 1e-9) == (trust < M)


def test_matrix_and_tree_agree() -> None:
    scenario = Scenario.load("games/one-shot", {"motives.p_greedy": 0.7})
    game = turn_game(scenario)
    for policy in (Dove(), Hawk(), PeaceUnlessGreedy()):
        policy.reset(0)
        behaviour = behaviour_of(policy, scenario, game, draws=2)
        for seat in (0, 1):
            matrix, tree = game.gap(behaviour, seat), exact_gap(policy, scenario, seat)
            assert (matrix.own, matrix.best) == pytest.approx((tree.own, tree.best))


def test_a_policy_that_draws_is_solved_by_its_frequencies_and_says_so() -> None:
    v = one_shot()
    found = exact_gap(RandomPolicy(), Scenario.load("games/one-shot"), seat=0)
    assert found.sampled
    seeker = (v["R"] + v["S"] + v["T"] + v["P"]) / 4
    assert found.own == pytest.approx(seeker + 0.5 * (v["T+"] + v["P+"]) / 4, abs=0.02)
    strike = (v["T"] + v["P"]) / 2
    best = 0.5 * max((v["R"] + v["S"]) / 2, strike) + 0.5 * (strike + (v["T+"] + v["P+"]) / 2)
    assert found.best == pytest.approx(best, abs=0.02)


# In units of the textbook, a turn: the prisoner's dilemma pays R 3, S 1, T 4, P 2, the stag hunt R 4, S 0, T 3, P 2.
CASES: list[tuple[str, Any, float, float]] = [
    ("games/repeated-pd", Dove, 3, 4),  # defect every turn
    ("games/repeated-pd", Hawk, 2, 2),
    ("games/repeated-pd", TitForTat, 3, (5 * 3 + 4) / 6),  # defect on the last turn only
    ("games/repeated-pd", GrimTrigger, 3, (5 * 3 + 4) / 6),
    ("games/stag-hunt", Dove, 4, 4),
    ("games/stag-hunt", Hawk, 2, 2),
    ("games/stag-hunt", TitForTat, 4, 4),
]


@pytest.mark.parametrize(("name", "policy", "own", "best"), CASES)
def test_best_responses_over_six_turns_are_those_worked_out_by_hand(
    name: str, policy: type[Fixed], own: float, best: float
) -> None:
    shift, unit = {"games/repeated-pd": (0.4, 0.2), "games/stag-hunt": (0.6, 0.1)}[name]
    found = exact_gap(policy(), Scenario.load(name, {"horizon": 6}), seat=0)
    assert found.own / 6 == pytest.approx(shift + unit * own)
    assert found.best / 6 == pytest.approx(shift + unit * best)


def test_a_plan_may_use_what_the_seat_sees_but_not_what_it_does_not() -> None:
    """Two turns among security seekers, the other's type unknown: the first turn tells, and only then one may know.

    A plan that knew the other's type from the start would strike first against the greedy; one that never learned
    could not treat them differently on the second turn.
    """
    overrides: dict[str, Any] = {
        "horizon": 2, "motives.p_greedy": 0.3, "war.restoration": 1.0, "states.greed": {"state_0": 0.0},
        "war.attrition_loser": 0.0, "war.attrition_winner": 0.0, "war.first_strike": 0.0, "war.attacker_cost": 0.1,
    }  # fmt: skip
    scenario = Scenario.load("games/one-shot", overrides)
    found = exact_gap(PeaceUnlessGreedy(), scenario, seat=0)
    game = turn_game(scenario)
    seeker, greedy = game.payoffs[0, 0, 0, :, WAIT], game.payoffs[0, 0, 1, :, ATTACK]
    assert seeker.argmax() == WAIT and greedy.argmax() == ATTACK  # so knowing is worth something
    blind = max(0.7 * seeker + 0.3 * greedy)
    informed = 0.7 * max(seeker) + 0.3 * max(greedy)
    assert blind < informed
    assert found.best == pytest.approx(blind + informed)


def test_three_states_are_solved_too() -> None:
    """Against two doves a greedy state takes all it can from both on each turn: compared with play, not a formula."""
    overrides = {"n_states": 3, "horizon": 2, "motives.p_greedy": 0.0, "states.greed": {"state_2": 1.5}}
    scenario = Scenario.load("games/one-shot", overrides)
    found = exact_gap(Dove(), scenario, seat=2)
    assert found.own == pytest.approx(2.0)
    best = 0.0
    for first, second in itertools.product(itertools.product((1, 3), repeat=2), repeat=2):
        worlds, total = Worlds(scenario, 1, seed=0), 0.0
        for stances in (first, second):
            actions = np.tile(layout.noop(3), (1, 3, 1))
            actions[0, 2, Head.STANCE :] = stances
            worlds.step(actions)
            total += float(worlds.rewards[0, 2])
        best = max(best, total)
    assert best > 2.0
    assert found.best == pytest.approx(best)


@pytest.mark.parametrize(
    ("name", "overrides", "sentence"),
    [
        ("games/repeated-pd", {}, r"horizon is 50, which gives 2\^50 action sequences"),
        ("games/one-shot", {"war.outcome": "gamble"}, r"war\.outcome is gamble, but exact figures need share\."),
        ("games/one-shot", {"perception.noise": 0.2}, r"noise is 0\.2, but exact figures need 0\."),
        ("games/one-shot", {"motives.turnover": 0.1}, r"turnover is 0\.1, but exact figures need 0\."),
        ("games/one-shot", {"continuation": 0.5}, r"continuation is 0\.5, but exact figures need 1\."),
        ("games/one-shot", {"war.conquest": [0.1, 0.2]}, r"conquest is drawn from \[0\.1, 0\.2\]"),
        ("games/one-shot", {"states.offense": [0.1, 0.2]}, r"offense is drawn from a range"),
        ("games/one-shot", {"n_states": 4, "horizon": 5}, rf"at most {LIMIT} in all are enumerated"),
    ],
)
def test_what_cannot_be_solved_is_refused_in_one_sentence(name: str, overrides: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ExactError, match=sentence) as refusal:
        exact_gap(Dove(), Scenario.load(name, overrides), seat=0)
    assert str(refusal.value).count("\n") == 0


def test_policies_that_draw_are_refused_over_several_turns() -> None:
    with pytest.raises(ExactError, match="the policy draws its actions"):
        exact_gap(RandomPolicy(), Scenario.load("games/repeated-pd", {"horizon": 3}), seat=0)


def test_matrices_are_of_two_states() -> None:
    with pytest.raises(ExactError, match="n_states is 3"):
        turn_game(Scenario.load("games/one-shot", {"n_states": 3}))
