"""AlignedPPO: PPO at weight 0, coefficients by hand, more cooperation in a repeated dilemma; or it says no."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch as th
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from agents.commands.train import parse
from agents.policies.bundles import bundle_of, load_bundle
from agents.table.play import play
from agents.training.aligned_ppo import AlignedPPO, aligned
from agents.training.callbacks import Anneal
from agents.training.config import ConfigError, load_training
from agents.training.learner_config import LearnerConfig
from agents.training.learners import LearnedPolicy, make_learner
from agents.training.seats import SlotsVecEnv, WorldsVecEnv
from agents.training.table import Table
from sd_env.errors import RefusedError
from sd_env.policies import one_thread
from sd_env.scenario import Scenario

SMOKE = load_training("smoke").learner.model_dump()
#: Worlds end at different times, and the last turn of a rollout is amid an episode.
SCENARIO = Scenario.load("jervis/doubly-dangerous", {"horizon": 6, "continuation": 0.9})


def config(weight: float | None = None, **settings: Any) -> LearnerConfig:
    """Of AlignedPPO with a weight, else of PPO."""
    own = {"algorithm": "PPO"} if weight is None else {"algorithm": "AlignedPPO", "align_weight": weight}
    decay = {} if weight is None else {"align_decay": 0.9}
    small = {"n_steps": 8, "batch_size": 32, "net_arch": [8]}
    return LearnerConfig.model_validate(SMOKE | small | own | decay | settings)


def learned(settings: LearnerConfig, scenario: Scenario = SCENARIO, steps: int = 300) -> OnPolicyAlgorithm:
    env = WorldsVecEnv(scenario, 6, seed=3, horizon_ends=True)
    with one_thread():
        return make_learner(settings, env, seed=3).learn(steps)


# --- the coefficients -----------------------------------------------------------------------------------------------


def test_a_choice_counts_what_it_was_worth_to_the_other_by_what_has_passed() -> None:
    """Two states, four turns; the last begins another episode."""
    advantages = np.array([[2.0, -1.0], [1.0, 3.0], [-2.0, 1.0], [1.0, 1.0]], dtype=np.float32)
    starts = np.array([[1, 1], [0, 0], [0, 0], [1, 1]], dtype=np.float32)
    size = np.sqrt((4 + 1 + 1 + 9 + 4 + 1 + 1 + 1) / 8)
    # state 0 before turn 1: .5 * 2 = 1; before turn 2: .5 * (1 + 1) = 1. State 1: .5 * -1 = -.5; .5 * (3 - .5) = 1.25
    products = np.array([[0.0, 0.0], [1.0 * 3.0, -0.5 * 1.0], [1.0 * 1.0, 1.25 * -2.0], [0.0, 0.0]])
    found = aligned(advantages, starts, 2, 0.8, 0.5)
    np.testing.assert_allclose(found, advantages + 0.8 * products / size, rtol=1e-6)
    assert found.dtype == np.float32


def test_several_others_count_together_and_worlds_apart() -> None:
    rng = np.random.default_rng(1)
    advantages, starts = rng.normal(size=(5, 6)), np.zeros((5, 6))
    found = aligned(advantages, starts, 3, 1.0, 1.0)
    for world in (0, 3):
        for state in range(3):
            own = advantages[:, world + state]
            others = advantages[:, world : world + 3].sum(axis=1) - own
            past = np.concatenate([[0.0], np.cumsum(own)[:-1]])
            wanted = own + past * others / np.sqrt((advantages**2).mean())
            np.testing.assert_allclose(found[:, world + state], wanted)


def test_a_weight_means_the_same_in_whatever_unit_payoffs_are() -> None:
    rng = np.random.default_rng(2)
    advantages, starts = rng.normal(size=(6, 4)), rng.integers(0, 2, (6, 1)).repeat(4, axis=1)
    one = aligned(advantages, starts, 2, 2.0, 0.7)
    np.testing.assert_allclose(aligned(10.0 * advantages, starts, 2, 2.0, 0.7), 10.0 * one)
    assert not aligned(np.zeros((3, 4)), starts[:3], 2, 2.0, 0.7).any()


# --- PPO ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("networks", [{}, {"networks": "by_type"}, {"network": "set"}], ids=str)
def test_with_weight_0_it_is_ppo_bit_for_bit_and_with_another_it_is_not(networks: dict[str, Any]) -> None:
    plain, none, some = (learned(config(weight, **networks)) for weight in (None, 0.0, 1.0))
    mine, theirs, other = (each.policy.state_dict() for each in (none, plain, some))
    assert type(none) is AlignedPPO and mine.keys() == theirs.keys()
    assert all(th.equal(mine[name], theirs[name]) for name in mine)
    assert not all(th.equal(mine[name], other[name]) for name in mine)


def test_the_value_learns_as_ppos_does() -> None:
    """Alignment is no reward: what a state expects for itself is left as it is."""
    returns = []
    for weight in (None, 3.0):
        learner = learned(config(weight), steps=96)  # one rollout, from the same weights
        returns.append(learner.rollout_buffer.returns)
    np.testing.assert_array_equal(*returns)


def test_its_bundle_plays_as_it_does(tmp_path: Path) -> None:
    learner = learned(config(1.0))
    kept = load_bundle(bundle_of(learner, SCENARIO, name="aligned").save(tmp_path / "aligned.sd"))
    assert kept.info["algorithm"] == "AlignedPPO"
    seen = WorldsVecEnv(SCENARIO, 6, seed=4).reset()
    with th.no_grad():
        theirs = learner.policy.get_distribution(th.as_tensor(seen)).log_probs.exp().numpy()  # type: ignore[operator]
    mine = kept.probabilities(seen, np.ones((len(seen), sum(kept.spaces.nvec)), dtype=np.int8))
    for head, probabilities in enumerate(mine):
        np.testing.assert_allclose(probabilities, theirs[:, head, : probabilities.shape[1]], atol=1e-6)


# --- the claim ------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_in_the_repeated_prisoners_dilemma_it_cooperates_where_ppo_defects() -> None:
    """Duque et al. 2025, section 5.1: naive learners always defect, aligned ones come to reciprocate."""
    scenario = Scenario.load("games/repeated-pd", {"horizon": 16})
    attacks: dict[float, list[float]] = {}
    for weight in (0.0, 1.0):
        learner_config = config(
            weight, n_steps=16, batch_size=512, n_epochs=4, net_arch=[32], learning_rate=0.003, ent_coef=0.05,
            ent_coef_end=0.001, gae_lambda=1.0, gamma=1.0, reward_scale=0.1,
        )  # fmt: skip
        for seed in (1, 2, 3):
            env = WorldsVecEnv(scenario, 64, seed=seed, reward_scale=0.1, horizon_ends=True)
            with one_thread():
                learner = make_learner(learner_config, env, seed=seed).learn(60_000, callback=Anneal(learner_config))
            frame = play(scenario, [LearnedPolicy(learner)] * 2, worlds=256, seed=99)
            attacks.setdefault(weight, []).append(float(frame[["attacks_0", "attacks_1"]].to_numpy().mean()) / 16)
    assert min(attacks[0.0]) > 0.95
    assert np.mean(attacks[1.0]) < 0.8, attacks


# --- what it does not do --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--population.mode", "independent"], "'AlignedPPO' is not allowed with population.mode = 'independent'"),
        (["--learner.align_weight", "-1"], "learner.align_weight = -1 is not allowed"),
        (["--learner.align_decay", "1.5"], "learner.align_decay = 1.5 is not allowed"),
        (["--learner.align_decay", "null"], "align_decay is missing: AlignedPPO needs it"),
        (["--learner.masks", "true"], "masks = True is not a setting of AlignedPPO"),
        (["--learner.algorithm", "PPO"], "align_weight = 1.0 is not a setting of PPO"),
    ],
)
def test_what_it_cannot_do_is_refused_in_a_sentence(arguments: list[str], sentence: str) -> None:
    own = ["--learner.algorithm", "AlignedPPO", "--learner.align_weight", "1", "--learner.align_decay", "0.9"]
    given = [word for k in range(0, len(own), 2) if own[k] not in arguments for word in own[k : k + 2]]
    with pytest.raises(ConfigError) as refused:
        parse(["--config", "smoke", *given, *arguments])
    assert sentence in str(refused.value)


def test_a_seat_that_is_not_all_states_is_refused() -> None:
    def make(seat: SlotsVecEnv) -> Any:
        return make_learner(config(1.0), seat, seed=1)

    with pytest.raises(RefusedError, match="AlignedPPO counts what all states of a world gain"):
        Table(SCENARIO, {"state_0": make, "others": "dove"}, num_worlds=4, seed=1)
    table = Table(SCENARIO, {"all": make}, num_worlds=4, seed=1, horizon_ends=True)
    assert isinstance(table.learners["all"], AlignedPPO)
    worlds = WorldsVecEnv(SCENARIO, 4, seed=1)
    for weight, decay in ((-1.0, 0.5), (float("nan"), 0.5), (1.0, 1.1)):
        with pytest.raises(RefusedError, match=r"align_weight = .* a decay one from 0 to 1\.$"):
            partial(AlignedPPO, "MlpPolicy", worlds)(align_weight=weight, align_decay=decay)
