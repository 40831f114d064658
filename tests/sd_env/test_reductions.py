"""The exact reductions of model.md section 5: the game is the Bayesian 2x2 game, to the last digit."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from sd_env.layout import Head, Stance
from sd_env.scenario import Scenario
from sd_env.worlds import Worlds

PAIRS = list(itertools.product((False, True), repeat=2))


def payoffs(scenario: Scenario, turns: int = 1) -> np.ndarray:
    """Rewards (turns, 4, 2) of the four pairs of wait and attack, one world each."""
    w = Worlds(scenario, len(PAIRS), seed=0)
    actions = np.zeros((len(PAIRS), 2, 4), int)
    for b, pair in enumerate(PAIRS):
        for i, attacks in enumerate(pair):
            actions[b, i, Head.STANCE] = Stance.ATTACK if attacks else Stance.NEUTRAL
    rewards = []
    for _ in range(turns):
        w.step(actions)
        rewards.append(w.rewards.copy())
    return np.array(rewards)


def draw(rng: np.random.Generator) -> dict[str, float]:
    """A point of the parameter space."""
    low_high = {
        "omega": (0.2, 3.0), "phi": (0.0, 2.0), "q": (0.0, 1.0), "a": (0.0, 2.0), "d": (0.0, 2.0), "base": (0.05, 1.0),
        "r": (0.3, 5.0), "tau": (0.01, 1.0), "rho": (0.0, 1.0), "c_a": (0.0, 1.0), "c_d": (0.0, 1.0), "g": (0.01, 5.0),
    }  # fmt: skip
    return {name: float(rng.uniform(*span)) for name, span in low_high.items()}


def one_shot(x: dict[str, float], p_greedy: float) -> Scenario:
    keys = {
        "omega": "technology.offense_advantage", "phi": "war.first_strike", "q": "technology.distinguishability",
        "a": "states.offense", "d": "states.defense", "base": "war.base_defense", "r": "war.decisiveness",
        "tau": "war.conquest", "rho": "war.spoils", "c_a": "war.attacker_cost", "c_d": "war.defender_cost",
        "g": "motives.greed",
    }  # fmt: skip
    overrides: dict[str, Any] = {keys[name]: value for name, value in x.items()}
    return Scenario.load("games/one-shot", {**overrides, "motives.p_greedy": p_greedy})


def success(x: dict[str, float]) -> tuple[float, float]:
    """(p_f, p_s): success when I strike and you wait, and when both strike."""
    attack, defence = x["a"] + (1 - x["q"]) * x["d"], x["d"] + (1 - x["q"]) * x["a"]
    first, mutual, stands = x["omega"] * (1 + x["phi"]) * attack, x["omega"] * attack, x["base"] + defence
    r = x["r"]
    return first**r / (first**r + stands**r), mutual**r / (mutual**r + (stands + mutual) ** r)


def formula(x: dict[str, float], g: float) -> np.ndarray:
    """My payoff for (I, you) in the order of ``PAIRS``."""
    p_f, p_s = success(x)
    gain = g * x["tau"] * x["rho"]
    return np.array(
        [
            1.0,
            1.0 - x["tau"] * p_f - x["c_d"],
            1.0 - x["c_a"] + gain * p_f,
            1.0 - x["tau"] * p_s - x["c_a"] - x["c_d"] + gain * p_s,
        ]
    )


@pytest.mark.parametrize("seed", range(200))
def test_one_shot_payoffs_are_those_of_the_model(seed: int) -> None:
    x = draw(np.random.default_rng(seed))
    for p_greedy, g in ((0.0, 0.0), (1.0, x["g"])):
        got = payoffs(one_shot(x, p_greedy))[0]
        assert got[:, 0] == pytest.approx(formula(x, g), abs=1e-9)
        assert got[[0, 2, 1, 3], 1] == pytest.approx(formula(x, g), abs=1e-9)


def test_the_best_response_flips_at_t_equals_m() -> None:
    """With trust t, and greedy states attacking for sure, attack iff t < m = 1 - c_A / (tau (p_f - p_s))."""
    inside = 0
    for seed in range(200):
        x = draw(np.random.default_rng(1000 + seed))
        p_f, p_s = success(x)
        m = 1 - x["c_a"] / (x["tau"] * (p_f - p_s)) if p_f > p_s else -1.0
        wait_wait, wait_attack, attack_wait, attack_attack = payoffs(one_shot(x, 0.0))[0][:, 0]
        for t in (max(m, 0.0) + 1e-6, min(max(m, 0.0) - 1e-6, 1.0)):
            if not 0.0 <= t <= 1.0:
                continue
            wait = t * wait_wait + (1 - t) * wait_attack
            strike = t * attack_wait + (1 - t) * attack_attack
            assert (strike > wait) == (t < m), f"seed {seed}: m = {m}, t = {t}"
        inside += 0.05 < m < 0.95
    assert inside >= 10  # the dilemma proper was among the points


def test_security_seekers_are_never_in_a_prisoners_dilemma() -> None:
    for seed in range(200):
        x = draw(np.random.default_rng(seed))
        wait_wait, _, attack_wait, _ = payoffs(one_shot(x, 0.0))[0][:, 0]
        assert wait_wait >= attack_wait


@pytest.mark.parametrize(
    ("name", "values", "unit"),
    [("games/repeated-pd", (3.0, 1.0, 4.0, 2.0), 0.2), ("games/stag-hunt", (4.0, 0.0, 3.0, 2.0), 0.1)],
)
def test_repeated_games_are_stationary_and_affine_to_the_textbook(
    name: str, values: tuple[float, ...], unit: float
) -> None:
    """Order: reward, sucker's payoff, temptation, punishment."""
    scenario = Scenario.load(name)
    rewards = payoffs(scenario, turns=int(scenario.horizon))  # type: ignore[arg-type]
    expected = rewards[0, 0, 0] + unit * (np.array(values) - values[0])
    for turn in rewards:
        assert turn[:, 0] == pytest.approx(expected, abs=1e-12)
        assert turn[[0, 2, 1, 3], 1] == pytest.approx(expected, abs=1e-12)
