"""FastPPO is at home wherever SB3's learners are: tables, trainings, checkpoints, bundles, searches; or says no."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch as th
from gymnasium import spaces
from stable_baselines3 import PPO
from torch import nn

from agents.evaluation.evaluate import evaluate
from agents.evaluation.tournament import tournament
from agents.policies.bundles import bundle_of, load_bundle
from agents.policies.mixture import mix
from agents.policies.sb3 import HeadsPolicy, RecurrentHeadsPolicy
from agents.training import searcher
from agents.training.config import TrainingConfig, load_training
from agents.training.fast_networks import Layers, Stack, networks_of
from agents.training.fast_ppo import FastPPO
from agents.training.job import jobs_of, run_job, trained_policy
from agents.training.learner_config import LearnerConfig
from agents.training.learners import LearnedPolicy, make_learner
from agents.training.response import learn_response
from agents.training.seats import SlotsVecEnv, WorldsVecEnv
from agents.training.table import Table
from sd_env.errors import RefusedError
from sd_env.policies import one_thread
from sd_env.scenario import Scenario
from tests.fast_learners import KINDS, MEMORY, ROWS, SCENARIO, TURNS, WORLDS, config, fast, worlds

# --- at home --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_one_seed_gives_one_result_and_another_another(kind: str) -> None:
    def learned(seed: int) -> dict[str, th.Tensor]:
        make: Callable[[SlotsVecEnv], Any] = partial(make_learner, config(kind), seed=seed)
        table = Table(SCENARIO, {"all": make}, num_worlds=WORLDS, seed=seed, horizon_ends=True)
        with one_thread():
            table.learn(2 * ROWS)
        found: dict[str, th.Tensor] = table.learners["all"].policy.state_dict()
        return found

    one, again, other = learned(1), learned(1), learned(2)
    assert all(th.equal(one[name], again[name]) for name in one)
    assert not all(th.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("kind", KINDS)
def test_its_bundle_plays_as_it_does_and_through_every_door(kind: str, tmp_path: Path) -> None:
    learner = fast(kind).learn(2 * ROWS)
    live, bundle = LearnedPolicy(learner), bundle_of(learner, SCENARIO, name="fast")
    path = bundle.save(tmp_path / "fast.sd")
    kept = load_bundle(path)
    assert kept.info["algorithm"] == "FastPPO" and kept.ignores_masks == (not KINDS[kind][0].get("masks", False))
    frames = {name: evaluate(SCENARIO, policy, worlds=16, episodes=1, seed=5) for name, policy in
              (("bundle", bundle), ("kept", kept))}  # fmt: skip
    assert frames["bundle"] == frames["kept"]
    assert all(
        math.isfinite(value) for value in evaluate(SCENARIO, live, worlds=16, episodes=1, seed=5).values() if value
    )
    env = worlds()
    seen, masks = env.reset(), env.action_masks().astype(np.int8)
    chosen = th.cat([th.from_numpy(head) for head in kept.probabilities(seen, masks)], dim=1)
    with th.no_grad():
        padded = learner.rollout_buffer.choices.padded(
            learner._networks.act(learner._see(seen, th.empty(seen.shape)), np.ones(len(seen), dtype=bool)), -1e8
        )
        if learner.rollout_buffer.legal is not None:
            padded.masked_fill_(~learner.rollout_buffer.choices.padded(th.from_numpy(masks).bool().T, False), -1e8)
        own = learner.rollout_buffer.choices.flat(th.softmax(padded, dim=0)).T
    th.testing.assert_close(own, chosen, rtol=0, atol=1e-5)
    table = tournament([str(path), "tit-for-tat"], SCENARIO, seeds=[1], worlds=4)
    assert {"fast", "tit-for-tat"} == set(table["first"])
    if kind == "types":
        both = mix([kept, kept.likeliest()], np.full((2, 2), 0.5), name="mixed")
        assert evaluate(SCENARIO, both, worlds=4, episodes=1, seed=5)
    answer = learn_response(
        SCENARIO, kept, 0, seed=1, steps=TURNS * WORLDS, worlds=WORLDS, config=config(kind, batch_size=16),
        begin=kept if kind in ("flat", "types") else None,
    )  # fmt: skip
    rollouts = 2 if kind == "types" else 1  # each type learns for itself, over a rollout at least
    assert answer.info["algorithm"] == "FastPPO" and answer.info["training"]["steps"] == rollouts * TURNS * WORLDS


@pytest.mark.parametrize("kind", ["types", "masked-types", "masked-set", "memory"])
def test_a_killed_training_ends_as_an_unbroken_one_bit_for_bit(kind: str, tmp_path: Path) -> None:
    class Killed(Exception):
        """Stands for the power going off."""

    def killed(steps: int) -> None:
        if steps > 3 * ROWS:  # after the checkpoint before the third rollout
            raise Killed

    data = load_training("smoke").model_dump()
    data |= {"total_steps": 5 * ROWS, "worlds": WORLDS, "seeds": [5], "scenarios": data["scenarios"][:1]}
    data |= {"learner": config(kind).model_dump(), "overrides": {"horizon": 6, "continuation": 0.9}}
    data["evaluation"] |= {"worlds": 4}
    unbroken, broken = (jobs_of(TrainingConfig.model_validate(data), tmp_path / name)[0] for name in "ab")
    run_job(unbroken)
    with pytest.raises(Killed):
        run_job(broken, killed)
    run_job(broken)
    mine, its = (trained_policy(job).network.state_dict() for job in (unbroken, broken))
    assert all(th.equal(mine[name], its[name]) for name in mine)
    assert unbroken.finished()[0] is not None and broken.finished()[1] == ""


def test_it_may_be_the_searcher_of_rounds_and_certificates() -> None:
    bundle = bundle_of(fast("types"), SCENARIO)
    for found in (searcher.scratch("FastPPO"), searcher.warm(bundle, "FastPPO")):
        assert found is not None and LearnerConfig.model_validate(found.model_dump()).algorithm == "FastPPO"
    assert searcher.scratch() == searcher.SEARCHER


def test_beside_a_learner_of_sb3_it_plays_on_when_it_has_finished() -> None:
    make = {name: partial(make_learner, config("flat", algorithm=name, masks=None if name == "PPO" else False), seed=1)
            for name in ("PPO", "FastPPO")}  # fmt: skip
    table = Table(SCENARIO, {"state_0": make["FastPPO"], "state_1": make["PPO"]}, num_worlds=8, seed=1)
    table.learn({"state_0": 64, "state_1": 256})
    assert [learner.num_timesteps for learner in table.learners.values()] == [64, 256]


def test_a_zip_of_it_is_loaded_and_learns_on_as_the_first(tmp_path: Path) -> None:
    first = fast("types").learn(ROWS)
    first.save(tmp_path / "fast.zip")
    second = FastPPO.load(tmp_path / "fast.zip", env=worlds())
    for learner in (first, second):
        learner.set_env(worlds())
        learner.set_random_seed(9)
        learner.learn(ROWS)
    mine, its = first.policy.state_dict(), second.policy.state_dict()
    assert all(th.equal(mine[name], its[name]) for name in mine)


def test_what_it_does_not_do_is_refused_in_a_sentence() -> None:
    box = worlds()
    make = partial(FastPPO, HeadsPolicy, box, n_steps=8, batch_size=16, device="cpu")
    with pytest.raises(RefusedError, match="neither clip_range_vf nor use_sde"):
        make(clip_range_vf=0.2)
    with pytest.raises(RefusedError, match="hidden layers of the same widths for policy and value"):
        make(policy_kwargs={"net_arch": {"pi": [8], "vf": [4]}})
    with pytest.raises(RefusedError, match="tanh or relu between its layers, not ELU"):
        make(policy_kwargs={"activation_fn": nn.ELU})
    lstm = {"enable_critic_lstm": False, "lstm_hidden_size": 8}
    with pytest.raises(RefusedError, match="an LSTM each for policy and value"):
        FastPPO(RecurrentHeadsPolicy, box, n_steps=8, batch_size=16, policy_kwargs=lstm)
    with pytest.raises(RefusedError, match="batch_size = 4 is below n_steps = 8"):
        FastPPO(RecurrentHeadsPolicy, box, n_steps=8, batch_size=4, policy_kwargs={"lstm_hidden_size": 8})
    box.action_space = spaces.Discrete(3)
    with pytest.raises(RefusedError, match="a flat Box and actions of a MultiDiscrete"):
        FastPPO("MlpPolicy", box, n_steps=8, batch_size=16)
    cut = FastPPO(
        RecurrentHeadsPolicy, worlds(ends=False), n_steps=8, batch_size=16, policy_kwargs={"lstm_hidden_size": 8}
    )
    with pytest.raises(RefusedError, match="its worlds need horizon_ends"):
        cut.learn(8 * 2 * WORLDS)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"masks": None}, "masks is missing: FastPPO needs it"),
        ({"lstm_hidden_size": 8}, "lstm_hidden_size and n_lstm_layers go together"),
        (MEMORY | {"masks": True}, "masks = True is not allowed with lstm_hidden_size"),
        (MEMORY | {"batch_size": 4}, "batch_size = 4 is not allowed with FastPPO's memory and n_steps = 8"),
        (MEMORY | {"network": "set"}, "network = 'set' is not allowed with FastPPO with lstm_hidden_size"),
        (MEMORY | {"networks": "by_type"}, "networks = 'by_type' is not allowed with FastPPO with lstm_hidden_size"),
        ({"algorithm": "PPO", "masks": True}, "masks = True is not a setting of PPO"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        config("flat", **settings)


def test_it_learns_what_sb3_learns() -> None:
    """A game with one good choice: from a coin's toss both come to take it, and as often."""
    scenario = Scenario.load("jervis/doubly-safe", {"horizon": 4})
    returns = {}
    for algorithm, masks in (("PPO", None), ("FastPPO", False)):
        speed = {"n_steps": 4, "batch_size": 64, "n_epochs": 4, "learning_rate": 0.01, "clip_range": 0.2}
        settings = config("types", algorithm=algorithm, masks=masks, ent_coef=0.001, **speed)
        env = WorldsVecEnv(scenario, 32, seed=2, horizon_ends=True, reward_scale=0.1)
        learner = make_learner(settings, env, seed=2)
        before = evaluate(scenario, LearnedPolicy(learner), worlds=256, episodes=1, seed=9)["outcome/return"]
        learner.learn(16_000)
        after = evaluate(scenario, LearnedPolicy(learner), worlds=256, episodes=1, seed=9)["outcome/return"]
        returns[algorithm] = before, after
    assert returns["PPO"][0] == returns["FastPPO"][0]  # the same weights to begin with
    gains = {name: after - before for name, (before, after) in returns.items()}
    assert gains["PPO"] > 0.5 and gains["FastPPO"] == pytest.approx(gains["PPO"], rel=0.1)


def test_the_stack_is_one_product_a_layer() -> None:
    """What the speed rests on: actor and critic lie side by side in memory."""
    policy: Any = PPO(HeadsPolicy, worlds(), n_steps=8, batch_size=16, device="cpu").policy
    networks, whole = networks_of(policy, 2 * WORLDS)
    assert isinstance(networks, Layers)
    stack: Stack = networks._stacks[0]
    weight = stack._d_weights[0]
    assert weight.shape == (2, 64, 86) and weight.is_contiguous()
    assert whole.grad is not None and weight.data_ptr() == whole.grad.data_ptr()
