"""Double oracle rounds: a planted hole is found and filled, what is at rest is left alone, resuming changes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch as th

from agents.commands.train import parse
from agents.policies.bundles import bundle_of
from agents.training import job as jobs
from agents.training import rounds
from agents.training.config import ConfigError, TrainingConfig, load_training
from agents.training.job import Job, jobs_of, run_job
from agents.training.learners import make_learner
from agents.training.players import Players, seat_players
from agents.training.response import learn_response
from agents.training.rounds import Answer, improve
from agents.training.seats import WorldsVecEnv
from sd_env import layout
from sd_env.layout import Head
from sd_env.scenario import Scenario

CONFIGS = Path(__file__).parents[3] / "configs"
ROUNDS = {
    "most": 1, "gap": 0.02, "response_steps": 150_000, "worlds": 256, "steps": 512, "ent_coef": 0.02,
    "learning_rate": 0.001,
}  # fmt: skip


def config(rounds: dict[str, Any] | None = None, **top: Any) -> TrainingConfig:
    data = load_training(CONFIGS / "smoke.yaml").model_dump()
    data["learner"] |= {"networks": "by_type", "n_steps": 32, "batch_size": 256, "ent_coef_end": 0.001}
    data |= {"rounds": ROUNDS | (rounds or {}), "worlds": 16} | top
    return TrainingConfig.model_validate(data)


# --- a network takes a type's place -----------------------------------------------------------------------------


@pytest.mark.parametrize("greedy", [False, True])
def test_a_policy_that_takes_a_type_plays_it_as_the_other_does_and_the_other_type_as_before(greedy: bool) -> None:
    env = WorldsVecEnv("jervis/not-intense", 8, seed=1)
    scenario = env.worlds.scenario
    mine, other = (make_learner(config().learner, env, seed=seed) for seed in (1, 2))
    with th.no_grad():
        for learner in (mine, other):  # as after learning: no bias is 0
            learner.policy.action_net.bias.normal_()  # type: ignore[union-attr, operator]
            learner.policy.value_net.bias.normal_()  # type: ignore[union-attr, operator]
    seen = np.random.default_rng(0).uniform(0, 2, (12, env.observation_space.shape[0])).astype(np.float32)
    seen[:, layout.Own.GREED] = np.arange(12) % 2
    mask = np.ones((12, layout.mask_size(2)), dtype=np.int8)
    before, its = (bundle_of(learner, scenario) for learner in (mine, other))
    mine.policy.take(its.network, greedy)  # type: ignore[operator]
    after = bundle_of(mine, scenario)
    for of in (lambda bundle: np.hstack(bundle.probabilities(seen, mask)), lambda bundle: bundle.value(seen)[:, None]):
        old, new, wanted = of(before), of(after), of(its)
        taken = (seen[:, layout.Own.GREED] > 0) == greedy
        np.testing.assert_allclose(new[taken], wanted[taken], atol=1e-5)
        np.testing.assert_allclose(new[~taken], old[~taken], atol=1e-6)
        assert np.abs(old[taken] - wanted[taken]).max() > 1e-3


# --- rounds -------------------------------------------------------------------------------------------------------


def at_rest(scenario: Scenario, settings: TrainingConfig) -> Players:
    """Learners that do nothing, whoever they are: the hole in which exploration that died ends."""
    players = seat_players(settings, scenario, seed=1)
    [learner] = players.learners.values()
    with th.no_grad():
        learner.policy.action_net.weight.zero_()  # type: ignore[union-attr, operator]
        bias: Any = learner.policy.action_net.bias  # type: ignore[union-attr]
        bias.zero_()
        for head in scenario.heads.all:
            bias[scenario.heads.mask_entries(head, head.noop)] = 8.0
    return players


def test_what_a_greedy_state_gains_from_a_policy_at_rest_is_found_and_takes_its_place() -> None:
    # known answer: in the not intense world a greedy state gains some 15 by open swords (emergence.md, 1)
    scenario, settings = Scenario.load("jervis/not-intense"), config()
    players = at_rest(scenario, settings)
    stages: list[int] = []
    found = improve(settings, players, scenario, 1, lambda learner, steps, callbacks: stages.append(steps))
    by_type = {answer["greedy"]: answer for answer in found}
    assert by_type[True]["taken"] and by_type[True]["gain"] > 5
    assert not by_type[False]["taken"]  # a seeker has nothing to gain among those at rest
    assert stages == [512]
    [learner] = players.learners.values()
    now = bundle_of(learner, scenario)
    seen = np.zeros((2, len(now.spaces.columns)), dtype=np.float32)
    seen[1, layout.Own.GREED] = 1.0
    idle = now.probabilities(seen, np.ones((2, layout.mask_size(2)), dtype=np.int8))
    nothing = idle[Head.BUILD_OFFENSE][:, 0] * idle[Head.STANCE][:, Head.STANCE.noop]
    assert nothing[0] > 0.99 > nothing[1]


def test_a_round_in_which_nothing_gains_enough_is_the_last_and_changes_nothing() -> None:
    scenario = Scenario.load("jervis/not-intense")
    settings = config({"most": 3, "gap": 1e6, "response_steps": 512})
    players = at_rest(scenario, settings)
    [learner] = players.learners.values()
    before = {name: tensor.clone() for name, tensor in learner.policy.state_dict().items()}
    found = improve(settings, players, scenario, 1, lambda *_: pytest.fail("nothing took a place"))
    assert {answer["round"] for answer in found} == {1} and not any(answer["taken"] for answer in found)
    assert all(th.equal(before[name], tensor) for name, tensor in learner.policy.state_dict().items())


def test_every_seed_and_round_has_a_response_of_its_own_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = Scenario.load("jervis/not-intense")
    settings = config({"most": 2, "gap": 0.0, "response_steps": 512, "worlds": 16})
    seeds: list[int] = []

    def response(*arguments: Any, seed: int, **keywords: Any) -> Any:
        seeds.append(seed)
        return learn_response(*arguments, seed=seed, **keywords)

    monkeypatch.setattr(rounds, "learn_response", response)
    monkeypatch.setattr(rounds, "_answers", lambda *_: [Answer(1, False, 1.0, 1.0, 0.0, True)])
    for seed in (1, 2):
        improve(settings, at_rest(scenario, settings), scenario, seed, lambda *_: None)
    assert len(seeds) == len(set(seeds)) == 4
    assert all(0 <= seed < 2**31 for seed in seeds)  # as SB3 takes them


# --- in a job -----------------------------------------------------------------------------------------------------


def job(folder: Path) -> Job:
    settings = config(
        {"most": 1, "response_steps": 20_000, "worlds": 64, "steps": 1024}, total_steps=2048, seeds=[1], paths={},
            scenarios=[{"scenario": "jervis/not-intense"}],
        checkpoint={"every_rollouts": 1, "keep": 2},
    )  # fmt: skip
    [only] = jobs_of(settings, folder)
    return only


def weights(folder: Path) -> bytes:
    [path] = folder.rglob("*.safetensors")
    return path.read_bytes()


def test_a_job_learns_on_in_its_rounds_and_says_what_they_found(tmp_path: Path) -> None:
    done = job(tmp_path)
    steps: list[int] = []
    run_job(done, steps.append)
    result, _ = done.finished()
    assert result is not None
    taken = {answer["round"] for answer in result["rounds"] if answer["taken"]}
    assert taken == {1}  # a training of two rollouts still plays at random, which is easily bettered
    assert result["agent_steps"] == 2048 + 1024  # whole rollouts of 16 worlds, 2 states and 32 turns
    assert steps == sorted(steps)


def test_a_job_that_was_killed_in_a_round_ends_as_one_that_was_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, cut = job(tmp_path / "whole"), job(tmp_path / "cut")
    run_job(whole)

    def killed(*arguments: Any) -> Any:
        improve(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(jobs, "improve", killed)
        with pytest.raises(KeyboardInterrupt):
            run_job(cut)
    assert cut.finished()[0] is None
    assert list((cut.folder / "checkpoints").glob("*.json"))
    run_job(cut)
    ended, unbroken = cut.finished()[0], whole.finished()[0]
    assert ended is not None and unbroken is not None
    for result in (ended, unbroken):
        result.pop("agent_steps_per_second")
    assert json.dumps(ended, sort_keys=True) == json.dumps(unbroken, sort_keys=True)
    assert weights(cut.folder) == weights(whole.folder)


# --- bad settings -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["--learner.networks", "shared"],
            "rounds is not allowed with population.mode = 'shared' and learner.networks",
        ),
        (["--population.mode", "independent"], "rounds is not allowed with population.mode = 'independent'"),
        (["--rounds.most", "0"], "rounds.most = "),
        (["--rounds.gap", "-1"], "rounds.gap = "),
        (["--rounds.worlds", "1"], "rounds.worlds = "),
        (["--rounds.ent_coef", "0"], "rounds.ent_coef = "),
        (["--rounds.moot", "1"], "there is no option --rounds.moot; did you mean --rounds.most"),
    ],
)
def test_rounds_that_cannot_be_are_refused_in_a_sentence(arguments: list[str], sentence: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse([*arguments])
    assert str(refused.value).startswith(sentence) and "\n" not in str(refused.value)
