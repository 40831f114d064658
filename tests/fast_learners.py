"""Small FastPPO learners of each kind of networks, for tests."""

from __future__ import annotations

from typing import Any

from agents.training.config import load_training
from agents.training.fast_ppo import FastPPO
from agents.training.learner_config import LearnerConfig
from agents.training.learners import make_learner
from agents.training.seats import WorldsVecEnv
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
