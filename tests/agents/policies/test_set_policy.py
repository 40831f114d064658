"""Policies over sets: the order of the others does not matter, nor does their number."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch as th
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.commands.train import parse
from agents.evaluation.report import as_text
from agents.policies.bundles import BundleError, LearnedBundle, bundle_of, load_bundle, save_bundle
from agents.policies.sb3_set import MaskableSetPolicy, SetPolicy
from agents.policies.set_network import SetHeads
from agents.policies.specs import PolicyError, check_fits
from agents.publish import science, set_network
from agents.table.play import play
from agents.training.config import ConfigError, TrainingConfig, load_training
from agents.training.job import jobs_of, run_job, trained_policy
from agents.training.learner_config import LearnerConfig
from agents.training.learners import make_learner
from agents.training.seats import WorldsVecEnv
from sd_env import layout
from sd_env.scenario import Scenario
from tests.learners import fresh

CONFIGS = Path(__file__).parents[3] / "configs"
SHOWN = [(True, False), (False, False), (True, True), (False, True)]


def config(**changes: Any) -> LearnerConfig:
    """Small layers, and logits that differ."""
    data = load_training(CONFIGS / "smoke.yaml").learner.model_dump()
    data |= {"network": "set", "net_arch": [8, 6], "n_steps": 4, "batch_size": 8, "n_epochs": 1} | changes
    return LearnerConfig.model_validate(data)


def game(states: int, context: bool = True, beliefs: bool = False) -> Scenario:
    shown = {"perception.context_observed": context, "perception.beliefs": beliefs}
    return Scenario.load("jervis/doubly-dangerous", {"n_states": states, "horizon": 8, **shown})


def learner_of(scenario: Scenario, **changes: Any) -> Any:
    """A learner whose heads are far from uniform."""
    learner: Any = make_learner(config(**changes), WorldsVecEnv(scenario, 2, seed=1), seed=1)
    with th.no_grad(), th.random.fork_rng():
        th.manual_seed(3)
        for tensor in learner.policy.parameters():
            tensor.add_(0.3 * th.randn(tensor.shape))
    return learner


def logits_and_values(policy: Any, observations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    seen = th.as_tensor(observations)
    with th.no_grad():
        latent, critic = policy.mlp_extractor(policy.extract_features(seen))
        return policy.action_net(latent).numpy(), policy.value_net(critic).numpy()[:, 0]


def blocks_of(observations: np.ndarray, states: int) -> np.ndarray:
    """A view of the blocks about others, ``(rows, N - 1, columns)``."""
    width = layout.other_size(layout.observation_parts(observations.shape[1], states).beliefs)
    end = layout.OWN_SIZE + (states - 1) * width
    found = observations[:, layout.OWN_SIZE : end].reshape(len(observations), states - 1, width)
    assert np.shares_memory(found, observations)
    return found


def noise(states: int, shown: tuple[bool, bool], seed: int, rows: int = 5) -> np.ndarray:
    """Observations of nothing in particular, in which some of the others have fallen."""
    rng = np.random.default_rng(seed)
    observations = rng.uniform(0, 4, (rows, layout.observation_size(states, *shown))).astype(np.float32)
    blocks_of(observations, states)[..., layout.Other.STANDING] = rng.random((rows, states - 1)) < 0.7
    return observations


# --- a set ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shown", SHOWN)
@pytest.mark.parametrize("states", range(3, 9))
def test_permuting_the_others_permutes_the_stances_and_nothing_else(states: int, shown: tuple[bool, bool]) -> None:
    policy = learner_of(game(states, *shown)).policy
    first = sum(layout.standard_heads(2).own_sizes)

    @settings(max_examples=4, deadline=None, derandomize=True)
    @given(st.permutations(range(states - 1)), st.integers(0, 2**31))
    def holds(order: list[int], seed: int) -> None:
        observations = noise(states, shown, seed)
        permuted = observations.copy()
        blocks_of(permuted, states)[:] = blocks_of(observations, states)[:, order]
        logits, values = logits_and_values(policy, observations)
        turned, same = logits_and_values(policy, permuted)
        np.testing.assert_allclose(same, values, atol=1e-5)
        np.testing.assert_allclose(turned[:, :first], logits[:, :first], atol=1e-5)
        stances = logits[:, first:].reshape(-1, states - 1, len(layout.Stance))
        np.testing.assert_allclose(turned[:, first:].reshape(stances.shape), stances[:, order], atol=1e-5)
        assert np.ptp(stances, axis=1).max() > 0.01  # each other state has a stance of its own

    holds()


def test_every_column_matters() -> None:
    policy = learner_of(game(4, True, True)).policy
    observations = noise(4, (True, True), 1)
    blocks_of(observations, 4)[..., layout.Other.STANDING] = 1
    before = logits_and_values(policy, observations)
    for column in range(observations.shape[1]):
        other = observations.copy()
        other[:, column] += 1.5
        for old, new in zip(before, logits_and_values(policy, other), strict=True):
            assert not np.allclose(old, new, atol=1e-6), column


def test_fallen_states_do_not_count() -> None:
    """Whatever is seen of a fallen state, all that is not toward it is as if it were not there."""
    policy, first = learner_of(game(5)).policy, sum(layout.standard_heads(2).own_sizes)
    observations = noise(5, (True, False), 2)
    blocks = blocks_of(observations, 5)
    blocks[..., layout.Other.STANDING] = [1, 0, 1, 1]
    logits, values = logits_and_values(policy, observations)
    blocks[:, 1, layout.Other.STANDING + 1 :] += 3
    toward = slice(first + len(layout.Stance), first + 2 * len(layout.Stance))
    changed, same = logits_and_values(policy, observations)
    assert not np.allclose(changed[:, toward], logits[:, toward])
    others = np.delete(np.arange(logits.shape[1]), np.arange(toward.start, toward.stop))
    assert np.array_equal(changed[:, others], logits[:, others]) and np.array_equal(same, values)
    # and it is as if there were one state fewer
    smaller = np.delete(observations, np.s_[layout.OWN_SIZE + 32 : layout.OWN_SIZE + 64], axis=1)
    four, value = logits_and_values(policy, smaller)
    np.testing.assert_allclose(four, logits[:, others], atol=1e-5)
    np.testing.assert_allclose(value, values, atol=1e-5)
    blocks[..., layout.Other.STANDING] = 0  # alone in the world
    assert all(np.isfinite(found).all() for found in logits_and_values(policy, observations))


def test_gradients_reach_every_weight() -> None:
    for algorithm in ("PPO", "MaskablePPO"):
        policy = learner_of(game(4), algorithm=algorithm, net_arch=[8, 6, 5]).policy
        seen = th.as_tensor(noise(4, (True, False), 3, rows=64))
        values, log_prob, entropy = policy.evaluate_actions(seen, th.zeros((64, 6), dtype=th.int64))
        (values.sum() + log_prob.sum() + entropy.sum()).backward()
        for name, tensor in policy.named_parameters():
            assert tensor.grad is not None and th.isfinite(tensor.grad).all() and (tensor.grad != 0).any(), name


# --- as a learner --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["PPO", "A2C", "MaskablePPO"])
def test_weights_of_four_states_play_six(algorithm: str) -> None:
    own: dict[str, Any] = {"algorithm": algorithm}
    if algorithm == "A2C":
        own |= {"batch_size": None, "n_epochs": None, "clip_range": None, "rms_prop_eps": 1e-5}
    four, six = learner_of(game(4), **own), learner_of(game(6), **own)
    assert type(four.policy) is (MaskableSetPolicy if algorithm == "MaskablePPO" else SetPolicy)
    four.learn(64)
    six.policy.load_state_dict(four.policy.state_dict(), strict=True)
    observations = noise(6, (True, False), 4)
    np.testing.assert_array_equal(
        logits_and_values(six.policy, observations)[0], logits_and_values(four.policy, observations)[0]
    )
    before = {key: tensor.clone() for key, tensor in six.policy.state_dict().items()}
    six.learn(96)  # and go on learning there
    assert not all(th.equal(before[key], tensor) for key, tensor in six.policy.state_dict().items())


def test_masked_choices_are_never_made() -> None:
    learner = learner_of(game(4), algorithm="MaskablePPO")
    rng = np.random.default_rng(5)
    observations = noise(4, (True, False), 5, rows=200)
    sizes = layout.action_sizes(4)
    masks = rng.random((200, sum(sizes))) < 0.5
    starts = np.cumsum([0, *sizes[:-1]])
    masks[:, starts] |= ~np.logical_or.reduceat(masks, starts, axis=1)  # a choice for every head
    with th.random.fork_rng():
        th.manual_seed(1)
        actions, _ = learner.policy.predict(observations, action_masks=masks)
    assert np.take_along_axis(masks, actions + starts, axis=1).all()
    assert len(np.unique(actions, axis=0)) > 20


@pytest.mark.parametrize(("culture", "favoured"), [("peaceful", (0, 1)), ("hostile", (2, 3))])
def test_culture_favours_stances_toward_all_others(culture: str, favoured: tuple[int, int]) -> None:
    env = WorldsVecEnv(game(5), 2, seed=1)
    plain, biased = (
        make_learner(config(culture=word, culture_strength=2.0), env, seed=1).policy for word in ("uniform", culture)
    )
    observations = noise(5, (True, False), 6)
    gain = logits_and_values(biased, observations)[0] - logits_and_values(plain, observations)[0]
    expected = np.zeros(4)
    expected[list(favoured)] = 2.0
    np.testing.assert_allclose(gain, np.tile([*[0.0] * 9, *np.tile(expected, 4)], (5, 1)), atol=1e-5)
    assert isinstance(biased.action_net, SetHeads)


def test_what_does_not_go_together_is_refused_in_a_sentence() -> None:
    smoke = ["--config", str(CONFIGS / "smoke.yaml"), "--learner.network"]
    memory = [*smoke, "set", "--learner.algorithm", "RecurrentPPO", "--learner.lstm_hidden_size", "8"]
    for arguments, says in (
        ([*memory, "--learner.n_lstm_layers", "1"], "network = 'set' is not allowed with RecurrentPPO"),
        ([*smoke, "set", "--learner.net_arch", "[]"], "net_arch = [] is not allowed with network set"),
        ([*smoke, "graph"], "learner.network = 'graph' is not allowed: should be 'flat' or 'set'"),
    ):
        with pytest.raises(ConfigError) as caught:
            parse(arguments)
        assert says in str(caught.value) and "\n" not in str(caught.value)
    with pytest.raises(ValueError, match="net_arch = .* a policy over sets needs a layer"):
        fresh("set", net_arch={"pi": [8], "vf": []})


def run_config(states: int, **population: Any) -> TrainingConfig:
    """Three rollouts of a population over sets, a checkpoint after each."""
    data = load_training(CONFIGS / "smoke.yaml").model_dump()
    data |= {"worlds": 4, "seeds": [5], "scenarios": data["scenarios"][:1], "population": population}
    data |= {"overrides": {"horizon": 4, "n_states": states}, "total_steps": 3 * 4 * 4 * states}
    data["checkpoint"] |= {"every_rollouts": 1}
    data["evaluation"] |= {"worlds": 4}
    data["learner"] = config().model_dump()
    return TrainingConfig.model_validate(data)


class Killed(Exception):
    """Stands for the power going off."""


def killed(steps: int) -> None:
    if steps > 2 * 4 * 4 * 3:
        raise Killed


LEAGUE = {"opponents": {"dove": 1.0}, "latest_weight": 1.0, "past_weight": 1.0, "snapshot_rollouts": 1}


@pytest.mark.parametrize("population", [{"mode": "shared"}, {"mode": "league", "keep_snapshots": 2, **LEAGUE}])
def test_a_killed_job_reaches_the_policy_of_an_unbroken_one(population: dict[str, Any], tmp_path: Path) -> None:
    [whole], [broken] = (jobs_of(run_config(3, **population), tmp_path / name) for name in ("whole", "broken"))
    run_job(whole)
    with pytest.raises(Killed):
        run_job(broken, killed)
    assert list((broken.folder / "checkpoints").iterdir()) and not broken.result.exists()
    run_job(broken)
    mine, theirs = (trained_policy(job).network.state_dict() for job in (whole, broken))
    assert mine.keys() == theirs.keys() and all(th.equal(mine[key], theirs[key]) for key in mine)


def test_a_policy_of_four_states_is_an_opponent_among_five(tmp_path: Path) -> None:
    save_bundle(tmp_path / "four.sd", learner_of(game(4)), game(4))
    [job] = jobs_of(run_config(5, mode="versus", opponents={str(tmp_path / "four.sd"): 1.0}), tmp_path / "run")
    run_job(job)
    assert trained_policy(job).info["policy"] == "SetPolicy" and trained_policy(job).spaces.states == 5
    returns = json.loads(job.result.read_text())["returns"]["population"]
    assert all(map(math.isfinite, returns.values()))


# --- as a bundle ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["PPO", "MaskablePPO"])
def saved(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> LearnedBundle:
    path = tmp_path_factory.mktemp("sets") / "four.sd"
    save_bundle(path, learner_of(game(4), algorithm=request.param), game(4))
    return load_bundle(path)


@pytest.mark.parametrize("states", range(2, 7))
def test_a_policy_of_four_states_plays_any_number(states: int, saved: LearnedBundle) -> None:
    check_fits(saved, game(states), "four")
    episodes = play(game(states), saved, worlds=8, seed=1)
    assert len(episodes) == 8 and np.isfinite(episodes[f"return_{states - 1}"]).all()
    observations = noise(states, (True, False), 7)
    masks = np.ones((5, layout.mask_size(states)), dtype=np.int8)
    odds = saved.probabilities(observations, masks)
    assert [head.shape for head in odds] == [(5, size) for size in layout.action_sizes(states)]
    twin = learner_of(game(states), algorithm=saved.info["algorithm"])
    twin.policy.load_state_dict(saved.network.state_dict())
    expected = bundle_of(twin, game(states)).probabilities(observations, masks)
    assert all(map(np.array_equal, odds, expected))
    assert saved.value(observations).shape == (5,)
    assert saved.latents(observations).shape == (5, 6 * states)


def test_it_still_sees_the_same_kind_of_blocks(saved: LearnedBundle) -> None:
    for shown in ((False, False), (True, True)):
        with pytest.raises(PolicyError, match=r"^four does not fit scenario [^\n]* the first that differs is column "):
            check_fits(saved, game(6, *shown), "four")
    observations, masks = noise(5, (True, False), 8), np.ones((5, layout.mask_size(4)), dtype=np.int8)
    for seen, legal in ((observations, masks), (observations[:, :-1], masks), (observations[0], masks)):
        with pytest.raises(BundleError, match="takes observations of shape"):
            saved.act(seen, legal)
    with pytest.raises(BundleError, match="cannot be made a bundle: it sees 150 columns"):
        bundle_of(learner_of(game(4)), game(6))


def test_a_forged_bundle_over_sets_is_refused(tmp_path: Path) -> None:
    bundle = bundle_of(learner_of(game(4)), game(4))
    architecture = bundle.manifest.architecture
    empty = architecture.model_copy(update={"net_arch": architecture.net_arch.model_copy(update={"vf": []})})
    bundle.manifest = bundle.manifest.model_copy(update={"architecture": empty})
    path = bundle.save(tmp_path / "forged.sd")
    with pytest.raises(BundleError, match=r"SetPolicy does not go with an empty net_arch\.$"):
        load_bundle(path)


# --- the experiment ------------------------------------------------------------------------------------------


def test_the_area_under_a_curve_is_its_mean_height() -> None:
    steps = np.array([10.0, 20.0, 40.0])
    assert set_network.area(steps, np.array([0.0, 2.0, 4.0])) == pytest.approx((10 * 1 + 20 * 3) / 30)
    assert set_network.area(steps[:1], np.array([5.0])) == 5.0
    assert math.isnan(set_network.area(np.array([]), np.array([])))


def test_networks_are_judged_by_the_interval_of_paired_differences() -> None:
    flat = [1.0, 2.0, 3.0]
    gains = {"up": [0.9, 1.0, 1.1], "down": [-0.9, -1.0, -1.1], "open": [-5.0, 0.0, 6.0], "unknown": [math.nan] * 3}

    def arm(extra: dict[str, list[float]]) -> dict[str, dict[str, list[float]]]:
        both = {world: [a + b for a, b in zip(flat, gain, strict=True)] for world, gain in extra.items()}
        return {world: {"area": values, "final": values} for world, values in both.items()}

    report = {"scores": {"set": arm(gains), "flat": arm(dict.fromkeys(gains, [0.0] * 3))}}
    judged = {each.claim.partition(":")[0]: each for each in set_network.judge(report) if "training" in each.measure}
    verdicts = {world: each.verdict for world, each in judged.items()}
    assert verdicts == {"up": "supported", "down": "contradicted", "open": "undecided", "unknown": "undecided"}
    # Student's t with two degrees of freedom: 4.3027 * .1 / sqrt 3
    assert judged["up"].value == pytest.approx(1.0)
    assert judged["up"].interval == pytest.approx([1.0 - 0.24841, 1.0 + 0.24841], abs=1e-4)
    assert judged["up"].values == pytest.approx((0.9, 1.0, 1.1))
    # of the nine pairs of {1.9, 3, 4.1} and {1, 2, 3}: 1, 2.5 and 3 are won
    [row] = [line for line in as_text(set_network.shown(report)).splitlines() if "up" in line and "training" in line]
    assert f"{6.5 / 9:.2f} [" in row.rpartition("]")[0]


def test_smoke_sized_networks_are_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = load_training(CONFIGS / "set_network.yaml")
    small = data.model_copy(update={"scenarios": data.scenarios[:1], "overrides": {"horizon": 4}})
    for name, text in (("set_network", small.to_yaml()), ("science", (CONFIGS / "science.yaml").read_text())):
        (tmp_path / f"{name}.yaml").write_text(text)
    monkeypatch.setattr(science, "CONFIGS", tmp_path)
    monkeypatch.setattr(science, "SMOKE", science.SMOKE | {"seeds": [1]})
    where = ["--out", str(tmp_path / "out"), "--runs", str(tmp_path / "runs")]
    assert science.main(["--smoke", "--only", "set_network", *where]) == 0
    numbers = json.loads((tmp_path / "out" / "set_network.json").read_text())
    assert numbers["net_arch"] == {"set": [32, 32], "flat": [64, 64]}
    [seed] = numbers["scores"]["set"]["multipolar-4"]["area"]
    assert math.isfinite(seed) and seed != numbers["scores"]["flat"]["multipolar-4"]["area"][0]
    text = (tmp_path / "out" / "set_network.txt").read_text()
    assert "seeds: [1]" in text and "undecided    multipolar-4" in text
    assert {each["reason"] for each in numbers["predictions"]} == {"1 seeds, where at least 3 decide"}
    assert (tmp_path / "out" / "set_network.png").stat().st_size > 1000
