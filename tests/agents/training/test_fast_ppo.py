"""FastPPO is PPO: the same rollout gives the same update, and gradients by hand are those of autograd."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch as th
from sb3_contrib import MaskablePPO
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.logger import configure
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.utils import LinearSchedule
from torch import nn

from agents.policies.sb3 import HeadsPolicy, MaskableTypesPolicy, SymlogExtractor
from agents.training.fast_networks import Differentiated, Layers, networks_of
from agents.training.fast_ppo import FastPPO
from agents.training.learner_config import LearnerConfig
from agents.training.learners import make_learner
from agents.training.seats import WorldsVecEnv
from sd_env import layout
from tests.fast_learners import KINDS, ROWS, SCENARIO, TURNS, WORLDS, config, fast, worlds


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
