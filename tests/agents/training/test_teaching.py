"""A network that is taught by scripts plays as they do, each type as its own."""

from __future__ import annotations

import numpy as np

from agents.policies.bundles import bundle_of
from agents.strategies.deviators import BuildThenStrike
from agents.table.play import play
from agents.training.learners import make_learner
from agents.training.searcher import SEARCHER
from agents.training.seats import WorldsVecEnv
from agents.training.teaching import taught
from sd_env.scenario import Scenario


def test_each_type_plays_as_its_script_does() -> None:
    scenario = Scenario.load("jervis/not-intense")
    pupil = bundle_of(make_learner(SEARCHER, WorldsVecEnv(scenario, 4, seed=1), seed=1), scenario)
    rest, strike = BuildThenStrike(0, 0), BuildThenStrike(4, 10_000)
    before = {name: tensor.clone() for name, tensor in pupil.network.state_dict().items()}
    made = taught(scenario, {False: rest, True: strike}, rest, pupil, worlds=256, seed=3)
    assert all(tensor.equal(before[name]) for name, tensor in pupil.network.state_dict().items())
    frames = {name: play(scenario, [policy, rest], worlds=256, seed=5) for name, policy in
              (("taught", made), ("rest", rest), ("strike", strike))}  # fmt: skip
    greedy = frames["taught"]["greed_0"].to_numpy() > 0
    returns = {name: frame["return_0"].to_numpy() for name, frame in frames.items()}
    assert np.abs(returns["taught"] - returns["rest"])[~greedy].mean() < 0.2
    gap = abs(returns["strike"][greedy].mean() - returns["rest"][greedy].mean())
    assert gap > 3 and abs(returns["taught"][greedy].mean() - returns["strike"][greedy].mean()) < 0.2 * gap
    again = taught(scenario, {False: rest, True: strike}, rest, pupil, worlds=256, seed=3)
    assert all(tensor.equal(made.network.state_dict()[name]) for name, tensor in again.network.state_dict().items())
