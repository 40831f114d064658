"""The probe: it reads what deeds tell, finds nothing where they tell nothing, and looks at i's own inputs alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch as th
from sb3_contrib import RecurrentPPO
from stable_baselines3 import PPO

from agents.evaluation.probe import Episode, ProbeError, Scores, probe, train
from agents.policies.bundles import bundle_of
from agents.policies.protocol import RandomPolicy
from agents.policies.sb3 import HeadsPolicy, RecurrentHeadsPolicy
from agents.table.play import play
from agents.training.seats import WorldsVecEnv
from sd_env import layout, measures
from sd_env.layout import Build, Head, Own, Signal, Stance
from sd_env.record import Collector
from tests.table import quiet

#: As many greedy as not; distinguishable arms; deeds that take no land, so that nobody falls.
SCENE: dict[str, Any] = {
    "motives__p_greedy": 0.5, "technology__distinguishability": 1.0, "horizon": 6, "war__conquest": 0.0,
    "war__mobilization_required": True, "signals__audience_cost": 0.3, "perception__noise": 0.2,
}  # fmt: skip


class HawksAndDoves:
    """The greedy build offence, threaten and attack; security seekers build defence, reassure and align."""

    name = "hawks and doves"
    memory = 0

    def reset(self, seed: int | None = None) -> None:
        """Nothing to forget."""

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        hawk = observation[:, Own.GREED] > 0
        actions = np.zeros((len(observation), Head.STANCE + layout.num_states_of(mask.shape[1]) - 1), np.int64)
        actions[:, Head.BUILD_OFFENSE] = np.where(hawk, Build.FULL, Build.NONE)
        actions[:, Head.BUILD_DEFENSE] = np.where(hawk, Build.NONE, Build.FULL)
        actions[:, Head.SIGNAL] = np.where(hawk, Signal.THREATEN, Signal.REASSURE)
        actions[:, Head.STANCE :] = np.where(hawk, Stance.ATTACK, Stance.ALIGN)[:, None]
        return actions

    def latents(self, observation: np.ndarray) -> np.ndarray:
        """One unit that keeps the first other's posture, and one that keeps nothing."""
        estimates = observation[:, layout.OWN_SIZE + np.array([10, 11])]
        return np.stack([estimates @ [1, -1], np.zeros(len(observation))], axis=1).astype(np.float32)


def guess_error(states: int, share: float = 0.5) -> float:
    """Standard error of the AUC of a guess about so many states (Mann-Whitney), were every belief one draw a state."""
    seekers = states * share
    return float(np.sqrt((states + 1) / (12 * seekers * (states - seekers))))


@pytest.mark.parametrize("n", [2, 3])
def test_types_that_show_are_read(n: int) -> None:
    found = probe(HawksAndDoves(), quiet(n, **SCENE), worlds=60, seed=3)
    assert (found.policy, found.inputs, found.trained, len(found.logs)) == ("hawks and doves", "observation", 42, 18)
    turns = found.by_turn.set_index("turn")
    assert turns.index.tolist() == list(range(6))
    shown = turns.loc[1:]
    assert (shown["probe_auc"] > 0.99).all() and (shown["filter_auc"] > 0.99).all()
    assert (shown["probe_balanced_accuracy"] > 0.95).all()
    # before any deed there is nothing to read
    assert turns.loc[0, "filter_auc"] == 0.5 and abs(turns.loc[0, "probe_auc"] - 0.5) < 4 * guess_error(18 * n)
    assert found.probe.rows == found.filter.rows == turns["rows"].sum() == 18 * 6 * n * (n - 1)
    assert found.probe.base_rate == pytest.approx(np.mean([log.states["greed"][0] == 0 for log in found.logs]))


def test_types_that_behave_alike_are_not_read() -> None:
    """Random play depends on no type: in test episodes a guess. 180 episodes of 2 types: .5 +- 4 x .03."""
    found = probe(None, quiet(**SCENE), worlds=600, seed=8)
    assert found.policy == "RandomPolicy"
    for scores in (found.probe, found.filter):
        assert abs(scores.auc - 0.5) < 4 * guess_error(360)
    assert found.by_turn["probe_auc"].std() > 0  # not a constant


def test_episodes_are_on_one_side_and_are_those_that_play_plays() -> None:
    scenario = quiet(3, **SCENE)
    found = probe(HawksAndDoves(), scenario, worlds=20, seed=5, test_share=0.25)
    assert len(found.logs) == 5 and found.trained == 15
    tested = [log.world for log in found.logs]
    assert tested == sorted(set(tested))
    collector = Collector(observations=True)
    play(scenario, HawksAndDoves(), worlds=20, seed=5, recorder=collector)
    played = {log.world: log for log in collector.logs}
    for log in found.logs:
        assert log.pairs.tobytes() == played[log.world].pairs.tobytes()
    # the probe is what training on the others makes, and nothing else
    rest = [Episode(played[b], observed(played[b])) for b in sorted(set(played) - set(tested))]
    again = train(rest)
    for log, beliefs in zip(found.logs, found.beliefs, strict=True):
        assert (again.beliefs(observed(log)) == beliefs).all()


def observed(log: Any) -> np.ndarray:
    assert log.observations is not None
    seen: np.ndarray = log.observations
    return seen


def test_beliefs_are_as_measures_take_them() -> None:
    found = probe(HawksAndDoves(), quiet(3, **SCENE), worlds=30, seed=1)
    errors = []
    for log, beliefs in zip(found.logs, found.beliefs, strict=True):
        assert beliefs.shape == log.pairs.shape == (7, 3, 3)
        assert (beliefs[:, range(3), range(3)] == 1).all() and (beliefs >= 0).all() and (beliefs <= 1).all()
        errors.append(measures.misperception(log, beliefs))
    assert np.mean(errors) == pytest.approx(found.probe.brier)
    filtered = [measures.misperception(log, measures.filter_beliefs(log)) for log in found.logs]
    assert np.mean(filtered) == pytest.approx(found.filter.brier)


def test_only_what_i_sees_makes_i_believe() -> None:
    found = probe(HawksAndDoves(), quiet(3, **SCENE), worlds=30, seed=1)
    seen = observed(found.logs[0])
    other = seen.copy()
    other[:, 1:] += 1.0
    before, after = found.readout.beliefs(seen), found.readout.beliefs(other)
    assert (before[:, 0] == after[:, 0]).all() and (before[:, 1] != after[:, 1]).any()


def test_latents_are_what_the_policy_makes_of_the_turn() -> None:
    found = probe(HawksAndDoves(), quiet(**SCENE), worlds=60, seed=3, inputs="latent")
    assert found.inputs == "latent"
    assert found.readout.slots[0].n_features_in_ == 2
    assert found.by_turn["probe_auc"][2:].min() > 0.99
    log = found.logs[0]
    latents = HawksAndDoves().latents(observed(log).reshape(14, -1)).reshape(7, 2, 2)
    assert found.readout.beliefs(latents) == pytest.approx(found.beliefs[0], abs=1e-12)


def test_latents_of_an_sb3_policy_are_its_policy_branch() -> None:
    scenario = quiet(3, **SCENE)
    learner = PPO(HeadsPolicy, WorldsVecEnv(scenario, 2, seed=0), n_steps=6, batch_size=36, seed=0, device="cpu")
    found = probe(bundle_of(learner, scenario), scenario, worlds=20, seed=2, inputs="latent")
    extractor = learner.policy.mlp_extractor
    for log, beliefs in zip(found.logs, found.beliefs, strict=True):
        rows = th.tensor(observed(log).reshape(7 * 3, -1))
        with th.inference_mode():
            features = learner.policy.extract_features(rows, learner.policy.pi_features_extractor)
            latents = extractor.forward_actor(features).numpy().reshape(7, 3, extractor.latent_dim_pi)
        assert found.readout.beliefs(latents) == pytest.approx(beliefs, abs=1e-4)


def test_latents_of_a_recurrent_policy_remember() -> None:
    """A turn later the same policy makes something else of the same observation."""
    scenario = quiet(2, **SCENE)
    table = WorldsVecEnv(scenario, 2, seed=0)
    learner = RecurrentPPO(RecurrentHeadsPolicy, table, n_steps=6, batch_size=24, seed=0, device="cpu")
    policy = bundle_of(learner, scenario)
    found = probe(policy, scenario, worlds=12, seed=2, inputs="latent")
    policy.reset(0)
    log = found.logs[0]
    blank = policy.latents(observed(log)[3].copy())  # as if nothing had come before
    assert found.readout.beliefs(blank[None])[0] != pytest.approx(found.beliefs[0][3], abs=1e-6)


def test_one_seed_gives_one_result() -> None:
    first, second = (probe(None, quiet(**SCENE), worlds=20, seed=4) for _ in range(2))
    assert first.by_turn.equals(second.by_turn)
    assert all((a == b).all() for a, b in zip(first.beliefs, second.beliefs, strict=True))
    assert probe(None, quiet(**SCENE), worlds=20, seed=5).probe != first.probe


def test_the_fallen_neither_believe_nor_are_believed() -> None:
    """Hawks with all the arms take all the land: from then on only pairs that stand are judged."""
    scene = {**SCENE, "war__conquest": 1.0, "war__collapse": 0.5, "states__offense": 50.0, "war__decisiveness": 8.0}
    found = probe(HawksAndDoves(), quiet(4, **scene), worlds=40, seed=2)
    rows = 0
    for log in found.logs:
        standing = log.states["standing"][:-1].sum(axis=1)
        rows += int((standing * (standing - 1)).sum())
    assert found.probe.rows == rows < sum(len(log.actions) for log in found.logs) * 12


@pytest.mark.parametrize(("greed", "belief"), [(0.0, 1.0), (2.0, 0.0)])
def test_a_slot_that_has_held_one_type_only_says_so(greed: float, belief: float) -> None:
    """The first slot of three states holds state_1 or state_0, whose greed is fixed here; the second also state_2."""
    scenario = quiet(3, **SCENE, states__greed={"state_0": greed, "state_1": greed, "state_2": 2.0 - greed})
    found = probe(HawksAndDoves(), scenario, worlds=10, seed=0)
    for beliefs in found.beliefs:
        assert (beliefs[:, [0, 1, 2], [1, 0, 0]] == belief).all()
    assert found.probe.accuracy == 1.0  # own greed tells the second slot, too


def test_scores_by_hand() -> None:
    """Beliefs .9 and .4 in seekers, .6, .4 and .1 in the greedy."""
    found = Scores.of(np.array([0.9, 0.4, 0.6, 0.4, 0.1]), np.array([True, True, False, False, False]))
    assert found.accuracy == pytest.approx(3 / 5)
    assert found.balanced_accuracy == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert found.brier == pytest.approx((0.01 + 0.36 + 0.36 + 0.16 + 0.01) / 5)
    assert found.auc == pytest.approx((3 + 0 + 0.5 + 1) / 6)  # .4 against .6, .4 and .1
    assert (found.base_rate, found.rows) == (2 / 5, 5)
    alone = Scores.of(np.array([0.9, 0.2]), np.array([True, True]))
    assert np.isnan([alone.auc, alone.balanced_accuracy]).all() and alone.accuracy == 0.5
    nobody = Scores.of(np.array([]), np.array([], bool))
    assert nobody.rows == 0 and np.isnan(nobody.brier)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"inputs": "thoughts"}, r"inputs is 'thoughts', but allowed are 'observation', 'latent'\."),
        ({"test_share": 1.0}, r"test_share is 1\.0, but must be above 0 and below 1\."),
        ({"worlds": 1}, r"worlds is 1, but at least 2 are needed"),
        ({"inputs": "latent"}, r"policy RandomPolicy has no latents to probe; .*bundle_of"),
        ({"scenario": quiet(motives__p_greedy=0.0)}, r"only security seekers in the 14 episodes to train on"),
        ({"scenario": quiet(motives__p_greedy=1.0)}, r"only greedy states in the 14 episodes to train on"),
    ],
)
def test_what_cannot_be_probed_is_said_in_a_sentence(arguments: dict[str, Any], message: str) -> None:
    settings: dict[str, Any] = {"policy": None, "scenario": quiet(**SCENE), "worlds": 20, **arguments}
    with pytest.raises(ProbeError, match=message):
        probe(**settings)


def test_a_cast_plays_and_is_named() -> None:
    scenario = quiet(**{**SCENE, "horizon": 2})
    found = probe({"state_0": HawksAndDoves(), "state_1": RandomPolicy()}, scenario, worlds=20, seed=1)
    assert found.policy == "hawks and doves, RandomPolicy"
    for log in found.logs:
        hawk = log.states["greed"][0, 0] > 0
        assert (log.actions[:, 0, Head.STANCE] == (Stance.ATTACK if hawk else Stance.ALIGN)).all()
