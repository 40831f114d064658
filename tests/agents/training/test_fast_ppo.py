"""FastPPO is PPO: the same rollout gives the same update; and it is at home wherever SB3's learners are."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch as th
from gymnasium import spaces
from sb3_contrib import MaskablePPO
from stable_baselines3 import PPO
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.logger import configure
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.utils import LinearSchedule
from torch import nn

from agents.evaluation.evaluate import evaluate
from agents.evaluation.tournament import tournament
from agents.policies.bundles import bundle_of, load_bundle
from agents.policies.mixture import mix
from agents.policies.sb3 import HeadsPolicy, MaskableTypesPolicy, RecurrentHeadsPolicy, SymlogExtractor
from agents.training import searcher
from agents.training.config import TrainingConfig, load_training
from agents.training.fast_networks import Differentiated, Layers, Stack, networks_of
from agents.training.fast_ppo import FastPPO
from agents.training.job import jobs_of, run_job, trained_policy
from agents.training.learner_config import LearnerConfig
from agents.training.learners import LearnedPolicy, make_learner
from agents.training.response import learn_response
from agents.training.seats import SlotsVecEnv, WorldsVecEnv
from agents.training.table import Table
from sd_env import layout
from sd_env.errors import RefusedError
from sd_env.policies import one_thread
from sd_env.scenario import Scenario

SMOKE = load_training("smoke").learner.model_dump()
#: Worlds end at different times, and the last turn of a rollout is amid an episode.
SCENARIO = Scenario.load("jervis/doubly-dangerous", {"horizon": 6, "continuation": 0.9})
MEMORY = {"lstm_hidden_size": 8, "n_lstm_layers": 1}
#: Kinds of networks: settings, and the learner of SB3 that has the same.
KINDS: dict[str, tuple[dict[str, Any], str]] = {
    "flat": ({}, "PPO"),
    "types": ({"networks": "by_type"}, "PPO"),
    "masked": ({"masks": True}, "MaskablePPO"),
    "masked-types": ({"masks": True, "networks": "by_type"}, "MaskablePPO"),
    "set": ({"network": "set"}, "PPO"),
    "masked-set": ({"masks": True, "network": "set"}, "MaskablePPO"),
    "memory": (MEMORY, "RecurrentPPO"),
}
TURNS, WORLDS = 8, 6
ROWS = TURNS * WORLDS * 2


def config(kind: str, **settings: Any) -> LearnerConfig:
    own = {
        "algorithm": "FastPPO",
        "masks": False,
        "n_steps": TURNS,
        "batch_size": 40,
        "n_epochs": 3,
        "net_arch": [8, 6],
    }
    own |= {"ent_coef": 0.05, "max_grad_norm": 0.3, "learning_rate": 0.003, "clip_range": 0.05}
    return LearnerConfig.model_validate(SMOKE | own | KINDS[kind][0] | settings)


def worlds(*, ends: bool = True) -> WorldsVecEnv:
    return WorldsVecEnv(SCENARIO, WORLDS, seed=3, horizon_ends=ends, reward_scale=0.1)


def fast(kind: str, **settings: Any) -> FastPPO:
    learner = make_learner(config(kind, **settings), worlds(), seed=3)
    assert isinstance(learner, FastPPO)
    return learner


def of_sb3(kind: str, **settings: Any) -> OnPolicyAlgorithm:
    """SB3's learner of the same networks and settings."""
    own = config(kind, **settings).model_dump()
    if kind == "masked-types":  # which SB3 has, but not under a name of ours
        names = ("n_steps", "batch_size", "n_epochs", "gamma", "gae_lambda", "ent_coef", "vf_coef", "clip_range",
                 "max_grad_norm", "normalize_advantage", "target_kl")  # fmt: skip
        policy = {"net_arch": [8, 6], "features_extractor_class": SymlogExtractor}
        rate = LinearSchedule(own["learning_rate"], own["learning_rate_end"], 1.0)
        return MaskablePPO(
            MaskableTypesPolicy,
            worlds(),
            learning_rate=rate,
            policy_kwargs=policy,
            seed=3,
            device="cpu",
            **{name: own[name] for name in names},
        )
    known = LearnerConfig.model_validate(own | {"algorithm": KINDS[kind][1], "masks": None})
    return make_learner(known, worlds(), seed=3)


def after_a_rollout(learner: Any) -> Any:
    """The learner with a rollout behind it and no update."""
    learner.train = lambda: None
    learner.learn(ROWS)
    del learner.train
    return learner


def take_rollout(ours: FastPPO, theirs: Any) -> None:
    """Give our learner the weights of SB3's and what it has collected."""
    ours.policy.load_state_dict(theirs.policy.state_dict())
    kept, mine = theirs.rollout_buffer, ours.rollout_buffer
    ours._see(kept.observations.reshape(ROWS, -1).astype(np.float32), mine.features[:ROWS])
    mine.actions[:] = th.from_numpy(kept.actions.reshape(ROWS, -1).T.astype(np.int64))
    for k, numbers in enumerate((kept.log_probs, kept.advantages, kept.returns)):
        mine.numbers[k] = th.from_numpy(numbers.ravel())
    mine.starts[:-1] = kept.episode_starts > 0
    mine.values[:-1] = kept.values
    if mine.legal is not None:
        masks = th.from_numpy(kept.action_masks.reshape(ROWS, -1).astype(bool))
        mine.legal[:] = mine.choices.padded(masks.T, False)
    ours._logger = configure(None, [])
    theirs._current_progress_remaining = 0.5
    ours._current_progress_remaining = 0.5


def in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """SB3 numbers rows slot by slot and we turn by turn: from here on its random orders are told as ours."""
    plain = np.random.permutation

    def permutation(count: int) -> np.ndarray:
        rows = plain(count)
        found: np.ndarray = rows % TURNS * (2 * WORLDS) + rows // TURNS if count == ROWS else rows
        return found

    monkeypatch.setattr(np.random, "permutation", permutation)


# --- the algorithm ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [{}, {"normalize_advantage": False}, {"target_kl": 1e-6}, {"activation": "relu", "observations": "raw"}],
    ids=["plain", "advantages as they are", "stopped early", "relu"],
)
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_rollout_gives_the_same_update_as_sb3(
    kind: str, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "memory":  # its minibatches are others: SB3 cuts sequences, we keep them; so one minibatch
        settings = settings | {"batch_size": ROWS}
        monkeypatch.setattr(np.random, "randint", lambda high: 0)
    if kind == "masked-types" and "activation" in settings:
        pytest.skip("the learner of SB3 that is compared is built with the defaults of its policy")
    theirs, ours = after_a_rollout(of_sb3(kind, **settings)), fast(kind, **settings)
    take_rollout(ours, theirs)
    before = [weights.clone() for weights in ours.policy.state_dict().values()]
    np.random.seed(7)
    theirs.train()
    np.random.seed(7)
    in_their_order(monkeypatch)
    ours.train()
    mine, its = ours.policy.state_dict(), theirs.policy.state_dict()
    assert list(mine) == list(its)
    for name in mine:
        th.testing.assert_close(mine[name], its[name], rtol=0, atol=1e-5, msg=lambda text, name=name: f"{name}: {text}")
    assert max(float((old - new).abs().max()) for old, new in zip(before, its.values(), strict=True)) > 1e-3
    told, known = ours.logger.name_to_value, theirs.logger.name_to_value
    names = [name for name in known if name.startswith("train/")]
    assert set(names) == {name for name in told if name.startswith("train/")}
    for name in names:
        assert told[name] == pytest.approx(known[name], abs=2e-5), name
    assert ours._n_updates == theirs._n_updates and (ours._n_updates < 3) == ("target_kl" in settings)


@pytest.mark.parametrize("kind", KINDS)
def test_a_rollout_is_what_the_policy_says_of_it(kind: str) -> None:
    ours = after_a_rollout(fast(kind))
    rollout, policy = ours.rollout_buffer, ours.policy
    actions = rollout.actions.T
    seen = rollout.features[:ROWS]
    ours._symlog, policy.features_extractor = False, nn.Identity()  # rows are kept squashed
    for name in ("pi_features_extractor", "vf_features_extractor"):
        if hasattr(policy, name):
            setattr(policy, name, policy.features_extractor)
    with th.no_grad():
        if kind == "memory":
            states = [ours.policy.lstm_actor.hidden_size]
            blank = tuple(th.zeros(1, 2 * WORLDS, states[0]) for _ in range(2))
            order = np.arange(ROWS).reshape(TURNS, -1).T.ravel()  # slot by slot
            starts = th.from_numpy(rollout.starts[:-1].ravel()[order].astype(np.float32))
            values, log_probs, _ = policy.evaluate_actions(
                seen[order], actions[order], type("S", (), {"pi": blank, "vf": blank})(), starts
            )
            back = np.argsort(order)
            values, log_probs = values[back], log_probs[back]
        elif rollout.legal is not None:
            masks = rollout.choices.flat(rollout.legal).T
            values, log_probs, _ = policy.evaluate_actions(seen, actions, action_masks=masks.numpy())
        else:
            values, log_probs, _ = policy.evaluate_actions(seen, actions)
    th.testing.assert_close(rollout.numbers[0], log_probs, rtol=0, atol=1e-5)
    th.testing.assert_close(th.from_numpy(rollout.values[:-1].ravel()), values[:, 0], rtol=0, atol=1e-5)
    settings = {"gamma": ours.gamma, "gae_lambda": ours.gae_lambda}
    known = RolloutBuffer(TURNS, ours.observation_space, ours.action_space, n_envs=2 * WORLDS, **settings)
    known.rewards, known.values = rollout.rewards, rollout.values[:-1]
    known.episode_starts = rollout.starts[:-1].astype(np.float32)
    known.compute_returns_and_advantage(th.from_numpy(rollout.values[-1]), rollout.starts[-1])
    np.testing.assert_allclose(rollout.numbers[1], known.advantages.ravel(), atol=1e-5)
    np.testing.assert_allclose(rollout.numbers[2], known.returns.ravel(), atol=1e-5)


@pytest.mark.parametrize("greedy", [0, 7, 12], ids=["no greedy state", "both types", "no security seeker"])
@pytest.mark.parametrize("layers", [[], [5], [5, 7, 4]], ids=str)
@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("kind", ["flat", "types"])
def test_gradients_by_hand_are_those_of_autograd(kind: str, activation: str, layers: list[int], greedy: int) -> None:
    learner = make_learner(config(kind, net_arch=layers, activation=activation), worlds(), seed=1)
    policy = learner.policy
    networks, whole = networks_of(policy, 2 * WORLDS)
    assert isinstance(networks, Layers) and whole.grad is not None
    assert whole.numel() == sum(weights.numel() for weights in policy.parameters())
    rows = th.randn((12, 86), generator=th.Generator().manual_seed(1))
    rows[:, layout.Own.GREED] = th.tensor([0.0] * (12 - greedy) + [1.0] * greedy)
    d_logits, d_values = th.randn((13, 12)), th.randn(12)
    known = Differentiated(policy)
    logits, values = known.forward(rows, None)
    known.backward(d_logits, d_values)
    theirs = whole.grad.clone()
    whole.grad.zero_()
    with th.no_grad():
        mine = networks.forward(rows, [12 - greedy, greedy] if kind == "types" else [12])
        networks.backward(d_logits, d_values)
    th.testing.assert_close(mine[0], logits, rtol=0, atol=1e-5)
    th.testing.assert_close(mine[1], values, rtol=0, atol=1e-5)
    th.testing.assert_close(whole.grad, theirs, rtol=1e-4, atol=1e-5)
    assert float(theirs.abs().max()) > 0.1
    order = th.randperm(12)
    with th.no_grad():  # types need not be sorted to act
        th.testing.assert_close(networks.act(rows[order], np.zeros(12, bool)), logits[:, order], rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", ["masked", "masked-types", "masked-set"])
def test_no_choice_that_the_rules_forbid_is_ever_drawn(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    learner = fast(kind)
    env: Any = learner.get_env()
    forbidden = 0
    plain = env.step

    def step(actions: np.ndarray) -> Any:
        nonlocal forbidden
        masks, first = env.action_masks(), np.cumsum([0, *env.action_space.nvec[:-1]])
        assert np.take_along_axis(masks, actions + first, axis=1).all()
        forbidden += int((~masks).sum())
        return plain(actions)

    monkeypatch.setattr(env, "step", step)
    with th.no_grad():  # a policy that would choose what is forbidden, if it could
        learner.policy.action_net.apply(lambda net: net.bias.uniform_(-30, 30) if hasattr(net, "bias") else None)
    learner.learn(3 * ROWS)
    assert forbidden > 100


def test_what_lies_beyond_a_horizon_that_only_cuts_is_valued(monkeypatch: pytest.MonkeyPatch) -> None:
    env = WorldsVecEnv(SCENARIO, WORLDS, seed=3)
    learner = FastPPO(HeadsPolicy, env, n_steps=TURNS, batch_size=48, gamma=0.9, seed=1, device="cpu")
    given: list[Any] = []
    plain = env.step_wait

    def step_wait() -> Any:
        given.append(plain())
        return copy.deepcopy(given[-1])  # the learner adds to the rewards

    monkeypatch.setattr(env, "step_wait", step_wait)
    after_a_rollout(learner)
    cuts = 0
    for turn, (_, rewards, _, infos) in enumerate(given):
        for slot, info in enumerate(infos):
            extra = 0.0
            if info.get("TimeLimit.truncated"):
                last = th.from_numpy(info["terminal_observation"])[None]
                with th.no_grad():
                    extra, cuts = 0.9 * float(learner.policy.predict_values(last)), cuts + 1
            assert learner.rollout_buffer.rewards[turn, slot] == pytest.approx(rewards[slot] + extra, abs=1e-5)
    assert cuts > 1


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
    assert answer.info["algorithm"] == "FastPPO" and answer.info["training"]["steps"] == TURNS * WORLDS


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
