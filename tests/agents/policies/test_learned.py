"""Bundles play as the learners that they were made of, and refuse learners that they cannot hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch as th
from gymnasium import spaces
from sb3_contrib.common.recurrent.type_aliases import RNNStates
from stable_baselines3 import PPO
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.vec_env import VecFrameStack, VecNormalize

from agents.policies.bundles import BundleError, LearnedBundle, bundle_of, load_bundle, save_bundle
from agents.training.learners import LearnedPolicy
from agents.training.seats import WorldsVecEnv
from sd_env import layout
from sd_env.scenario import Scenario
from sd_env.solo import solo_env
from tests.learners import KINDS, SCENARIO, fresh, rows, trained

RECURRENT = ["recurrent", "sb3-lstm", "shared", "linear"]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundles")
    for kind in KINDS:
        save_bundle(folder / f"{kind}.sd", trained(kind), SCENARIO, training={"steps": 96, "seed": 1})
    return folder


# --- the same play -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("deterministic", [False, True])
@pytest.mark.parametrize("kind", list(KINDS))
def test_a_bundle_plays_as_its_learner(kind: str, deterministic: bool, saved: Path) -> None:
    """SB3 is told by its own flags where episodes begin, the bundle sees it."""
    learner, bundle = trained(kind), load_bundle(saved / f"{kind}.sd", deterministic=deterministic)
    env = WorldsVecEnv(SCENARIO, 5, seed=2)
    observations, starts, states = env.reset(), np.ones(10, dtype=bool), None
    ends = []
    bundle.reset(7)
    with th.random.fork_rng():
        th.manual_seed(7)
        for turn in range(25):
            masks = env.action_masks()
            masked = {"action_masks": masks} if "masked" in kind else {}
            policy: Any = learner.policy
            theirs, states = policy.predict(observations, states, starts, deterministic, **masked)
            mine = bundle.act(observations, masks.astype(np.int8))
            assert mine.dtype == np.int64 and np.array_equal(mine, theirs), turn
            env.step_async(theirs)
            observations, _, starts, _ = env.step_wait()
            ends.append(starts[::2])
    assert any(0 < ended.sum() < 5 for ended in ends)  # some worlds went on while others began again


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_live_learner_and_its_bundle_draw_the_same_whatever_else_draws(kind: str, saved: Path) -> None:
    live, bundle = LearnedPolicy(trained(kind)), load_bundle(saved / f"{kind}.sd")
    assert live.memory == bundle.memory == (1000 if kind in RECURRENT else 0)
    env = WorldsVecEnv(SCENARIO, 3, seed=4)
    observations = env.reset()
    for policy in (live, bundle):
        policy.reset(11)
    before = th.get_rng_state()
    for _ in range(12):
        masks = env.action_masks().astype(np.int8)
        actions = live.act(observations, masks)
        assert np.array_equal(bundle.act(observations, masks), actions)
        assert th.equal(th.get_rng_state(), before)  # neither takes from the stream that learners share
        th.rand(3)
        before = th.get_rng_state()
        env.step_async(actions)
        observations, *_ = env.step_wait()


@pytest.mark.parametrize("kind", ["heads", "masked", "set", "masked-set", "sb3"])
def test_what_it_tells_of_itself_is_what_sb3_computes(kind: str, saved: Path) -> None:
    policy: Any = trained(kind).policy
    bundle = load_bundle(saved / f"{kind}.sd")
    observations, masks = rows(3)
    seen = th.as_tensor(observations)
    with th.no_grad():
        np.testing.assert_array_equal(bundle.value(observations), policy.predict_values(seen).numpy()[:, 0])
        latent = policy.mlp_extractor.forward_actor(policy.extract_features(seen, policy.pi_features_extractor))
        np.testing.assert_array_equal(bundle.latents(observations), latent.numpy())
        logits = policy.action_net(latent).numpy().astype(np.float64)
    if "masked" in kind:
        logits[masks == 0] = -np.inf
    first = 0
    found = bundle.probabilities(observations, masks)
    for head, size in enumerate(layout.action_sizes(2)):
        odds = np.exp(logits[:, first : first + size])
        np.testing.assert_allclose(found[head], odds / odds.sum(axis=1, keepdims=True), atol=1e-5)
        first += size
    legal = np.concatenate(found, axis=1)[masks == 0]
    assert legal.size and (legal == 0).all() == ("masked" in kind)


@pytest.mark.parametrize("kind", RECURRENT)
def test_values_follow_the_critics_own_memory(kind: str, saved: Path) -> None:
    policy: Any = trained(kind).policy
    bundle = load_bundle(saved / f"{kind}.sd")
    env = WorldsVecEnv(SCENARIO, 3, seed=5)
    observations, starts = env.reset(), np.ones(6)
    blank = tuple(th.zeros((policy.lstm_hidden_state_shape[0], 6, 8)) for _ in range(2))
    states = RNNStates(blank, blank)
    for _ in range(8):
        masks = env.action_masks().astype(np.int8)
        with th.no_grad(), th.random.fork_rng():
            _, values, _, states = policy.forward(th.as_tensor(observations), states, th.as_tensor(starts).float())
        np.testing.assert_allclose(bundle.value(observations), values.numpy()[:, 0], rtol=1e-6)
        env.step_async(bundle.act(observations, masks))
        observations, _, done, _ = env.step_wait()
        starts = done.astype(float)


@pytest.mark.parametrize("kind", ["heads", "recurrent", "shared"])
def test_looking_inside_changes_nothing(kind: str, saved: Path) -> None:
    plain, watched = (load_bundle(saved / f"{kind}.sd") for _ in range(2))
    env = WorldsVecEnv(SCENARIO, 3, seed=6)
    observations = env.reset()
    for _ in range(10):
        masks = env.action_masks().astype(np.int8)
        looks = [(watched.probabilities(observations, masks), watched.value(observations)) for _ in range(2)]
        assert all(np.array_equal(a, b) for a, b in zip(looks[0][0], looks[1][0], strict=True))
        watched.latents(observations)
        actions = plain.act(observations, masks)
        assert np.array_equal(watched.act(observations, masks), actions)
        env.step_async(actions)
        observations, *_ = env.step_wait()


@pytest.mark.parametrize("kind", ["heads", "masked"])
def test_draws_have_the_probabilities_that_it_tells(kind: str, saved: Path) -> None:
    bundle = load_bundle(saved / f"{kind}.sd")
    observations, masks = (np.repeat(row[:1], 20_000, axis=0) for row in rows(8))
    found = bundle.probabilities(observations[:1], masks[:1])
    bundle.reset(0)
    actions = bundle.act(observations, masks)
    for head, probability in enumerate(found):
        share = np.bincount(actions[:, head], minlength=len(probability[0])) / len(actions)
        assert np.abs(share - probability[0]).max() < 5 * np.sqrt(0.25 / len(actions))
    bundle.deterministic = True
    assert bundle.act(observations[:1], masks[:1]).tolist() == [[int(head[0].argmax()) for head in found]]


# --- memory --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["recurrent", "sb3-lstm"])
def test_a_row_forgets_where_its_episode_begins_and_only_there(kind: str, saved: Path) -> None:
    bundle = load_bundle(saved / f"{kind}.sd")
    observations, masks = rows(9)
    untouched = bundle.probabilities(observations, masks)
    bundle.act(observations, masks)
    again = bundle.probabilities(observations, masks)  # turn 0 everywhere: nothing is remembered
    assert all(np.array_equal(a, b) for a, b in zip(again, untouched, strict=True))
    observations[:, layout.Own.TURN] = 1.0
    bundle.reset()
    blank = bundle.probabilities(observations, masks)
    bundle.act(observations, masks)
    mixed = observations.copy()
    mixed[::2, layout.Own.TURN] = 0.0
    one_by_one = load_bundle(saved / f"{kind}.sd")
    expected = [one_by_one.probabilities(mixed[k : k + 1], masks[k : k + 1]) for k in (0, 2, 4)]
    found = bundle.probabilities(mixed, masks)
    for head, row in enumerate(found):
        np.testing.assert_allclose(row[::2], np.concatenate([part[head] for part in expected]), atol=1e-6)
        assert not np.isclose(row[1::2], blank[head][1::2], atol=1e-6).all(axis=1).any()  # these remember


def test_rows_may_change_between_episodes_only(saved: Path) -> None:
    bundle = load_bundle(saved / "recurrent.sd")
    observations, masks = rows(10)
    bundle.act(observations, masks)
    assert bundle.act(observations[:4], masks[:4]).shape == (4, 4)  # all begin
    observations[:, layout.Own.TURN] = 3.0
    with pytest.raises(BundleError, match=r"^recurrent has memory: it was asked for 6 rows amid an episode of 4\.$"):
        bundle.act(observations, masks)
    bundle.reset()
    assert bundle.act(observations, masks).shape == (6, 4)
    live = LearnedPolicy(trained("recurrent"))
    live.act(observations, masks)
    observations[:, layout.Own.TURN] = 0.0
    assert live.act(observations[:4], masks[:4]).shape == (4, 4)


def test_one_seed_one_play_and_none_goes_on(saved: Path) -> None:
    bundle = load_bundle(saved / "heads.sd")
    observations, masks = rows(1, 64)
    bundle.reset(5)
    first, second = bundle.act(observations, masks), bundle.act(observations, masks)
    assert not np.array_equal(first, second)
    bundle.reset(5)
    assert np.array_equal(bundle.act(observations, masks), first)
    bundle.reset(None)
    assert np.array_equal(bundle.act(observations, masks), second)
    bundle.reset(2**64 - 1)
    assert bundle.act(observations, masks).shape == (64, 4)


def test_it_plays_among_others(saved: Path) -> None:
    env = solo_env(SCENARIO, others=load_bundle(saved / "recurrent.sd"))
    env.reset(seed=3)
    over = False
    while not over:
        _, reward, terminated, truncated, _ = env.step(layout.noop(2))
        over = terminated or truncated
        assert np.isfinite(reward)


def test_wrong_rows_are_refused(saved: Path) -> None:
    bundle = load_bundle(saved / "heads.sd")
    observations, masks = rows()
    with pytest.raises(BundleError, match=r"^heads takes observations of shape \(rows, 86\), got \(6, 85\)\.$"):
        bundle.act(observations[:, 1:], masks)
    with pytest.raises(BundleError, match=r"^heads takes observations of shape \(rows, 86\), got \(86,\)\.$"):
        bundle.value(observations[0])
    with pytest.raises(BundleError, match=r"^heads takes masks of shape \(6, 13\), got \(5, 13\)\.$"):
        bundle.act(observations, masks[1:])


# --- what is kept --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_bundle_says_what_it_is(kind: str, saved: Path) -> None:
    learner, bundle = trained(kind), load_bundle(saved / f"{kind}.sd")
    assert bundle.name == kind and bundle.scenario == SCENARIO
    assert bundle.info["algorithm"] == type(learner).__name__
    assert bundle.info["training"] == {"steps": 96, "seed": 1}
    assert bundle.info["versions"]["torch"] == th.__version__
    assert bundle.info["spaces"]["columns"] == layout.observation_names(2, True)
    given = KINDS[kind][2]
    arch = (
        given["net_arch"] if isinstance(given["net_arch"], dict) else {"pi": given["net_arch"], "vf": given["net_arch"]}
    )
    found = bundle.info["architecture"]
    assert found["net_arch"] == {"pi": arch["pi"], "vf": arch.get("vf", [])}
    assert found["activation"] == ("relu" if kind in ("sb3", "masked-set") else "tanh")
    assert found["extractor"] == ("symlog" if "features_extractor_class" in given else "raw")
    critics = {"recurrent": "own", "sb3-lstm": "own", "shared": "shared", "linear": "linear"}
    layers = given.get("n_lstm_layers", 1)
    lstm = {"hidden_size": 8, "layers": layers, "critic": critics[kind]} if kind in RECURRENT else None
    assert found["lstm"] == lstm


@pytest.mark.parametrize("kind", list(KINDS))
def test_its_weights_go_back_into_a_learner(kind: str, saved: Path) -> None:
    learner = fresh(kind)
    learner.policy.load_state_dict(load_bundle(saved / f"{kind}.sd").network.state_dict())
    theirs = trained(kind).policy.state_dict()
    assert all(th.equal(value, theirs[key]) for key, value in learner.policy.state_dict().items())


def test_what_is_learned_later_does_not_change_it() -> None:
    learner = fresh("heads")
    bundle = bundle_of(learner, SCENARIO, name="early")
    observations, masks = rows()
    before = bundle.probabilities(observations, masks)
    learner.learn(48)
    after = bundle.probabilities(observations, masks)
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_a_device_is_taken_or_refused(saved: Path) -> None:
    assert load_bundle(saved / "heads.sd", device="auto").device.type in ("cpu", "cuda")
    with pytest.raises(BundleError, match=r"^device 'abacus' cannot be used here: [^\n]*\.$"):
        load_bundle(saved / "heads.sd", device="abacus")


# --- what is refused -----------------------------------------------------------------------------------------


class OwnPolicy(ActorCriticPolicy):
    """May compute anything."""


class OwnExtractor(BaseFeaturesExtractor):
    def __init__(self, observation_space: spaces.Box) -> None:
        super().__init__(observation_space, int(observation_space.shape[0]))

    def forward(self, observations: th.Tensor) -> th.Tensor:
        return observations * 2


def refused(learner: Any, scenario: Scenario = SCENARIO, **arguments: Any) -> str:
    with pytest.raises(BundleError) as caught:
        bundle_of(learner, scenario, **arguments)
    text = str(caught.value)
    assert "\n" not in text and text.endswith(".")
    return text


def small(env: Any, policy: Any = "MlpPolicy", **policy_kwargs: Any) -> PPO:
    return PPO(policy, env, n_steps=4, batch_size=12, device="cpu", policy_kwargs={"net_arch": [4], **policy_kwargs})


def test_what_is_not_known_is_refused() -> None:
    env = WorldsVecEnv(SCENARIO, 3, seed=1)
    assert "policy class OwnPolicy is none of HeadsPolicy, " in refused(small(env, OwnPolicy))
    assert "features_extractor_class OwnExtractor" in refused(small(env, features_extractor_class=OwnExtractor))
    assert "activation_fn Hardswish is none of Tanh, ReLU" in refused(small(env, activation_fn=th.nn.Hardswish))
    assert "VecNormalize" in refused(small(VecNormalize(env)))
    assert "observations of 172 columns are not those of any number of states" in refused(small(VecFrameStack(env, 2)))
    assert "lstm_kwargs {'bias': False}" in refused(fresh("recurrent", lstm_kwargs={"bias": False}))
    assert "not a flat Box and a MultiDiscrete" in refused(PPO("MlpPolicy", "CartPole-v1", device="cpu"))


def test_the_scenario_must_be_the_learners() -> None:
    three, blind = (
        SCENARIO.with_overrides({"n_states": 3}),
        SCENARIO.with_overrides({"perception.context_observed": False}),
    )
    many, few = 15 + 32 * 2 + 39, 15 + 32
    name = SCENARIO.name
    assert refused(trained("heads"), three) == (
        f"'learned' cannot be made a bundle: it sees 86 columns (2 states) and scenario '{name}' shows {many} "
        "(3 states); the first that differs is column 47, 'context.perceived_offense_advantage' against "
        "'other1.standing'."
    )
    assert f"shows {few} (2 states); the first that differs is column 47" in refused(trained("heads"), blind)
    assert "'context.perceived_offense_advantage' against nothing." in refused(trained("heads"), blind)


def test_a_learner_that_diverged_is_refused() -> None:
    learner = fresh("heads")
    with th.no_grad():
        learner.policy.value_net.bias.fill_(float("nan"))
    assert refused(learner) == (
        "'learned' cannot be made a bundle: tensor value_net.bias holds numbers that are not finite."
    )


def test_names_and_summaries_are_plain() -> None:
    learner = trained("heads")
    for name in ("", "../up", "a b", "é", "x" * 513, "a\n"):
        assert f"'name' = {name!r}"[:30] in refused(learner, name=name)
    assert "training must be plain data" in refused(learner, training={"env": object()})
    bundle = bundle_of(learner, SCENARIO, training={"seeds": (1, 2), "loss": float("nan"), "steps": 3})
    assert isinstance(bundle, LearnedBundle)
    assert bundle.info["training"] == {"seeds": [1, 2], "loss": None, "steps": 3}
