"""Trained policies among heads of other sizes than the standard ones: learned, kept, played, and refused elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sb3_contrib import MaskablePPO
from stable_baselines3 import PPO

from agents.policies.bundles import BundleError, bundle_of, load_bundle
from agents.policies.sb3 import HeadsPolicy, MaskablePolicy, set_culture
from agents.policies.sb3_set import SetPolicy
from agents.policies.specs import check_fits
from agents.strategies.deviators import NeverMobilizes, StrikesLast
from agents.table.play import play
from agents.training.seats import WorldsVecEnv
from sd_env.layout import Head, Stance
from sd_env.policies import PolicyError, ask
from sd_env.scenario import Scenario, load_scenario
from sd_env.worlds import Worlds

FINE: dict[str, Any] = {"arming.levels": 4, "war.force_levels": 3, "horizon": 6}


def game(n: int = 2, **overrides: Any) -> Scenario:
    return load_scenario("jervis/doubly-dangerous", {"n_states": n, **FINE, **overrides})


def learner_of(scenario: Scenario, policy: Any, algorithm: Any = PPO) -> Any:
    env = WorldsVecEnv(scenario, 3, seed=1)
    return algorithm(policy, env, n_steps=4, batch_size=12, n_epochs=1, seed=1, policy_kwargs={"net_arch": [8, 8]})


@pytest.mark.parametrize(
    ("policy", "algorithm"), [(HeadsPolicy, PPO), (SetPolicy, PPO), (MaskablePolicy, MaskablePPO)], ids=str
)
def test_a_policy_learned_there_plays_there_and_nowhere_else(policy: Any, algorithm: Any, tmp_path: Path) -> None:
    scenario, plain = game(), load_scenario("jervis/doubly-dangerous", {"horizon": 6})
    learner = learner_of(scenario, policy, algorithm)
    set_culture(learner.policy, "hostile", 4.0)
    learner.learn(24)
    bundle_of(learner, scenario, name="fine").save(tmp_path / "fine.sd")
    bundle = load_bundle(tmp_path / "fine.sd")
    assert bundle.spaces.nvec == [5, 5, 3, 4, 3] and bundle.spaces.heads == scenario.heads
    frame = play(scenario, bundle, worlds=4, seed=2)
    assert len(frame) == 4 and frame["mobilizations"].sum() + frame["attacks"].sum() > 0
    check_fits(bundle, scenario, "fine")
    with pytest.raises(PolicyError, match="fine does not fit scenario .*sees"):
        check_fits(bundle, plain, "fine")
    levels = load_scenario("jervis/doubly-dangerous", {"war.force_levels": 4, "arming.levels": 4})
    with pytest.raises(PolicyError, match=r"\[5, 5, 3, 4, 3\] choices and those of .* \[5, 5, 3, 4, 4\]"):
        check_fits(bundle, levels, "fine")
    table = Worlds(levels, 2, seed=0)
    with pytest.raises(BundleError, match=r"fine was trained among \[5, 5, 3, 4, 3\] choices; .* \[5, 5, 3, 4, 4\]"):
        ask(bundle, table.observations[:, 0], table.masks[:, 0], levels.heads)


def test_culture_leans_on_the_stances_of_these_heads() -> None:
    scenario = game()
    for policy in (HeadsPolicy, SetPolicy):
        learner = learner_of(scenario, policy)
        set_culture(learner.policy, "hostile", 9.0)
        chosen = bundle_of(learner, scenario, name="hostile").probabilities(
            *(rows[:, 0] for rows in (Worlds(scenario, 2, seed=0).observations, Worlds(scenario, 2, seed=0).masks))
        )
        assert [len(each[0]) for each in chosen] == [5, 5, 3, 4, 3]
        assert chosen[3][:, [Stance.MOBILIZE, Stance.ATTACK]].sum() > 1.9


def test_a_policy_over_sets_plays_more_states_of_the_same_heads() -> None:
    bundle = bundle_of(learner_of(game(2), SetPolicy), game(2), name="sets")
    check_fits(bundle, game(4), "sets")
    assert len(play(game(4), bundle, worlds=2, seed=1)) == 2


def test_deviators_follow_a_policy_of_these_heads() -> None:
    scenario = game()
    bundle = bundle_of(learner_of(scenario, HeadsPolicy), scenario, name="fine")
    table, heads = Worlds(scenario, 64, seed=0), scenario.heads
    rows = (table.observations[:, 0], table.masks[:, 0])
    quiet = ask(NeverMobilizes(bundle), *rows, heads)
    assert quiet[:, heads.entries(Head.STANCE)].max() == Stance.NEUTRAL
    last = StrikesLast(bundle, 8)
    last.reset(0)
    struck = ask(last, *rows, heads)
    assert (struck[:, heads.entries(Head.STANCE)] == Stance.MOBILIZE).all()
    assert (struck[:, heads.entries(Head.EXTENT)] == 0).all() and len(np.unique(struck[:, 0])) == 5
