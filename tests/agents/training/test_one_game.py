"""What is learned is the game that is scored: its end, its discount, and a learner that finds its equilibria."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch as th
from stable_baselines3 import PPO

from agents.commands.train import parse
from agents.evaluation.threshold import effective_turns
from agents.policies.sb3 import SymlogExtractor, TypesPolicy
from agents.training.callbacks import Anneal
from agents.training.config import ConfigError, TrainingConfig, load_training
from agents.training.learners import make_learner
from agents.training.players import seat_players
from agents.training.seats import WorldsVecEnv
from agents.training.table import Table
from sd_env import layout
from sd_env.scenario import Scenario

CONFIGS = Path(__file__).parents[3] / "configs"
SMOKE = load_training(CONFIGS / "smoke.yaml")


def config(**learner: Any) -> TrainingConfig:
    data = SMOKE.model_dump()
    data["learner"] |= learner
    return TrainingConfig.model_validate(data)


# --- the end of the game ------------------------------------------------------------------------------------


def cut(env: Any) -> set[bool]:
    """What slots that ended are told of the horizon in eight turns of worlds that last four."""
    env.reset()
    found: set[bool] = set()
    for _ in range(8):
        env.step_async(np.tile(layout.noop(2), (env.num_envs, 1)))
        _, _, dones, infos = env.step_wait()
        found |= {infos[slot]["TimeLimit.truncated"] for slot in np.flatnonzero(dones)}
    return found


@pytest.mark.parametrize("continuation", [1.0, 0.7])
def test_the_horizon_is_an_end_for_trainings_and_a_cut_for_the_face_of_sb3(continuation: float) -> None:
    scenario = Scenario.load("jervis/intense", {"horizon": 4, "continuation": continuation})
    assert cut(WorldsVecEnv(scenario, 64, seed=1, horizon_ends=True)) == {False}
    assert cut(WorldsVecEnv(scenario, 64, seed=1)) == ({True} if continuation == 1 else {True, False})
    seats = seat_players(SMOKE, scenario, seed=1).table.seats.values()
    assert all(seat.horizon_ends for seat in seats)
    own = Table(scenario, {"all": partial(PPO, "MlpPolicy", n_steps=8, batch_size=32)}, num_worlds=2, seed=1)
    assert not own.seats["all"].horizon_ends  # a table of one's own is a face too


@pytest.mark.parametrize("gamma", [0.0, 0.98])
def test_a_training_that_discounts_is_refused_in_a_sentence(gamma: float, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        parse(["--learner.gamma", str(gamma)])
    text = str(refused.value)
    assert text.startswith(f"learner.gamma = {gamma} is not allowed: ") and "only 1 is" in text and "\n" not in text
    assert "continuation" in text


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_training_is_of_the_scenarios_own_game(path: Path) -> None:
    assert load_training(path).learner.gamma == 1.0


def test_the_turns_of_thresholds_are_those_that_are_scored() -> None:
    assert effective_turns(32) == 32.0
    assert effective_turns(3, 0.5) == pytest.approx(1 + 0.5 + 0.25)


# --- networks by type ---------------------------------------------------------------------------------------


def typed() -> Any:
    env = WorldsVecEnv("jervis/not-intense", 8, seed=1)
    return make_learner(config(networks="by_type", batch_size=64).learner, env, seed=1)


def rows(greed: float, count: int = 5) -> th.Tensor:
    size = WorldsVecEnv("jervis/not-intense", 1, seed=1).observation_space.shape[0]
    found = th.rand((count, size), generator=th.Generator().manual_seed(3))
    found[:, layout.Own.GREED] = greed
    return found


def logits(policy: Any, observations: th.Tensor) -> tuple[th.Tensor, th.Tensor]:
    with th.no_grad():
        latent = policy.mlp_extractor(policy.extract_features(observations, policy.features_extractor))
        return policy.action_net(latent[0]), policy.value_net(latent[1])


@pytest.mark.parametrize(("mine", "others"), [("seeker", "greedy"), ("greedy", "seeker")])
def test_a_types_play_and_values_do_not_depend_on_the_other_types_network(mine: str, others: str) -> None:
    policy = typed().policy
    assert type(policy) is TypesPolicy and policy.features_extractor_class is SymlogExtractor
    before = {name: logits(policy, rows(greed)) for name, greed in (("seeker", 0.0), ("greedy", 0.5))}
    with th.no_grad():
        for net in (policy.mlp_extractor.policy_net, policy.mlp_extractor.value_net):
            for parameter in getattr(net, others).parameters():
                parameter += 1.0
    after = {name: logits(policy, rows(greed)) for name, greed in (("seeker", 0.0), ("greedy", 0.5))}
    assert all(th.equal(old, new) for old, new in zip(before[mine], after[mine], strict=True))
    assert not any(th.allclose(old, new) for old, new in zip(before[others], after[others], strict=True))


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"algorithm": "MaskablePPO", "networks": "by_type"}, "networks = 'by_type' is not allowed with MaskablePPO"),
        ({"network": "set", "networks": "by_type"}, "networks = 'by_type' is not allowed with network set"),
        ({"ent_coef": 0.0, "ent_coef_end": 0.1}, "ent_coef_end = 0.1 is not allowed with ent_coef = 0"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(changed: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        config(**changed)


# --- falling entropy ----------------------------------------------------------------------------------------


def test_the_entropy_bonus_falls_geometrically_by_the_steps_done() -> None:
    settings = config(ent_coef=0.3, ent_coef_end=0.003, n_steps=4, batch_size=64, n_epochs=1).learner
    learner = make_learner(settings, WorldsVecEnv("jervis/intense", 8, seed=1), seed=1)
    seen: list[tuple[int, float]] = []

    class Notes(Anneal):
        def _on_rollout_start(self) -> None:
            super()._on_rollout_start()
            seen.append((self.model.num_timesteps, self.model.ent_coef))  # type: ignore[attr-defined]

    learner.learn(64 * 4, callback=Notes(settings))
    assert [done for done, _ in seen] == [0, 64, 128, 192]
    # the end is reached after four fifths of the training, so that play may settle in the last
    assert [weight for _, weight in seen] == pytest.approx([0.3 * 0.01 ** (k / 4 / 0.8) for k in range(4)])


def test_without_an_end_the_entropy_bonus_stays() -> None:
    settings = config(n_steps=4, batch_size=64, n_epochs=1).learner
    learner = make_learner(settings, WorldsVecEnv("jervis/intense", 8, seed=1), seed=1)
    learner.learn(128, callback=Anneal(settings))
    assert learner.ent_coef == settings.ent_coef  # type: ignore[attr-defined]
