"""Double oracle rounds: a planted hole is found and filled, what nothing beats is left alone, kills change nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch as th

from agents.commands.train import parse
from agents.policies.bundles import LearnedBundle, bundle_of
from agents.policies.mixture import MixedBundle, mix
from agents.policies.protocol import Policy
from agents.policies.specs import policy_from
from agents.table.metrics import RATES, rates_of
from agents.table.play import play
from agents.training import job as jobs
from agents.training import oracle
from agents.training.config import TrainingConfig, load_training
from agents.training.job import Job, final_cast, jobs_of, run_job, trained_policy
from agents.training.learners import make_learner
from agents.training.oracle import Answer, Arena, Search
from agents.training.players import seat_players
from agents.training.response import learn_response
from agents.training.rounds import improve
from agents.training.run import check
from agents.training.seats import WorldsVecEnv
from sd_env import layout
from sd_env.errors import RefusedError
from sd_env.layout import Head
from sd_env.scenario import Scenario

CONFIGS = Path(__file__).parents[3] / "configs"
ROUNDS = {"most": 1, "quiet": 1, "gap": 0.02, "response_steps": 10_000, "worlds": 256}


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


def at_rest(scenario: Scenario, settings: TrainingConfig) -> LearnedBundle:
    """A policy that does nothing, whoever it is: the hole in which exploration that died ends."""
    [learner] = seat_players(settings, scenario, seed=1).learners.values()
    with th.no_grad():
        learner.policy.action_net.weight.zero_()  # type: ignore[union-attr, operator]
        bias: Any = learner.policy.action_net.bias  # type: ignore[union-attr]
        bias.zero_()
        for head in scenario.heads.all:
            bias[scenario.heads.mask_entries(head, head.noop)] = 8.0
    return bundle_of(learner, scenario, name="rest")


@pytest.mark.slow
def test_what_a_greedy_state_gains_from_a_policy_at_rest_is_found_and_joins_it() -> None:
    # known answer: in the not intense world a greedy state gains some 15 by open swords (emergence.md, 1)
    scenario, settings = Scenario.load("jervis/not-intense"), config({"most": 2})
    found = improve(settings, at_rest(scenario, settings), Arena(scenario), 1)
    first = {answer.greedy: answer for answer in found.answers if answer.round == 1}
    assert first[True].taken and first[True].gain > 5
    assert not first[False].taken  # a seeker has nothing to gain among those at rest
    second = {answer.greedy: answer for answer in found.answers if answer.round == 2}
    # the second round's policy has what was found, and less is to be had from it
    assert second[True].own > first[True].own + 5
    assert max(answer.gain / answer.own for answer in second.values()) < first[True].gain / first[True].own
    seen = np.zeros((1, len(found.policy.spaces.columns)), dtype=np.float32)
    seen[:, layout.Own.GREED] = 1.0
    idle = found.policy.probabilities(seen, np.ones((1, layout.mask_size(2)), dtype=np.int8))
    assert idle[Head.BUILD_OFFENSE][0, 0] * idle[Head.STANCE][0, Head.STANCE.noop] < 0.9
    assert found.moved is not None and set(found.moved) == set(RATES)


@pytest.mark.parametrize("quiet", [1, 2])
def test_so_many_rounds_in_which_nothing_gains_enough_are_the_last_and_the_policy_is_as_it_was(quiet: int) -> None:
    scenario = Scenario.load("jervis/not-intense")
    settings = config({"most": 4, "quiet": quiet, "gap": 1e6, "response_steps": 512})
    rest = at_rest(scenario, settings)
    found = improve(settings, rest, Arena(scenario), 1)
    assert {answer.round for answer in found.answers} == set(range(1, quiet + 1))
    assert not any(answer.taken for answer in found.answers)
    # one round alone cannot say whether the policy moves: then what its training moved in its last fifth counts
    assert found.moved == (None if quiet == 1 else dict.fromkeys(RATES, 0.0))
    for member in found.policy.members:
        own, now = rest.network.state_dict(), member.network.state_dict()
        assert all(th.equal(own[name], now[name]) for name in own)


@pytest.mark.slow
def test_where_one_state_learns_each_type_plays_the_best_answer_that_was_found() -> None:
    # known answer: who arms not and answers nothing is a greedy state's prey, and a seeker gains nothing by it
    scenario, settings = Scenario.load("jervis/not-intense"), config({"most": 3, "quiet": 1, "worlds": 512})
    others = {1: policy_from("dove")}
    rest = at_rest(scenario, settings)
    found = improve(settings, rest, Arena(scenario, others), 1)
    assert found.game is None
    kept = {answer.greedy: answer for answer in found.answers if answer.round == 1}
    assert kept[True].taken and kept[True].gain > 5

    def returns(policy: Policy, greedy: float) -> float:
        game = scenario.with_overrides({"states.greed.state_0": greedy})
        return float(play(game, [policy, others[1]], worlds=512, seed=9)["return_0"].mean())

    greed = float(scenario.motives.greed)  # type: ignore[arg-type]
    assert returns(found.policy, greed) > returns(rest, greed) + 5
    assert returns(found.policy, 0.0) > returns(rest, 0.0) - 0.5


def test_what_answers_for_a_type_takes_that_types_place_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = Scenario.load("jervis/not-intense")
    settings = config({"most": 3, "quiet": 1, "response_steps": 512, "worlds": 16})
    rest = at_rest(scenario, settings)
    better = bundle_of(make_learner(settings.learner, WorldsVecEnv(scenario, 8, seed=1), seed=3), scenario)
    policies: list[MixedBundle] = []

    def answers(search: Any) -> Any:
        policies.append(search.policy)
        taken = len(policies) == 1
        best = [Answer(1, kind, 10.0, 5.0, 0.1, name, taken and kind) for kind, name in ((False, "a"), (True, "b"))]
        return best, {"b": better} if taken else {}

    monkeypatch.setattr(Search, "answers", answers)
    found = improve(settings, rest, Arena(scenario, {1: policy_from("dove")}), 1)
    assert len(policies) == 2 and len(policies[0].members) == 1
    seeker, greedy = (found.policy.leading(kind).network.state_dict() for kind in (False, True))
    name = "action_net.bias"
    assert th.equal(seeker[name], rest.network.state_dict()[name])
    assert th.equal(greedy[name], better.network.state_dict()[name])
    assert found.policy.shares.tolist() == [[1.0, 0.0], [0.0, 1.0]]
    assert found.moved == dict.fromkeys(RATES, 0.0)


def test_what_states_are_bound_to_binds_them_in_rounds_too() -> None:
    # the greedy state of the known answer above, bound to peace: nothing that it could take is left to find
    scenario, settings = Scenario.load("jervis/not-intense"), config({"most": 1, "response_steps": 512})
    peace = {"all": {"stance": "neutral", "build_offense": "none", "build_defense": "none", "signal": "silence"}}
    found = improve(settings, at_rest(scenario, settings), Arena(scenario, interventions=peace), 1)
    assert [answer.gain for answer in found.answers] == [0.0, 0.0]
    assert found.game is not None and np.ptp(found.game["payoffs"], axis=(1, 3)).max() == 0.0


def test_the_policy_is_that_against_which_least_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = Scenario.load("jervis/not-intense")
    settings = config({"most": 3, "response_steps": 512, "worlds": 16})
    gains = iter((9.0, 1.0, 5.0))
    policies: list[MixedBundle] = []

    def answers(search: Any) -> Any:
        policies.append(search.policy)
        return [Answer(len(policies), True, 10.0, next(gains), 0.1, "made up", True)], {"made up": search.first}

    monkeypatch.setattr(Search, "answers", answers)
    found = improve(settings, at_rest(scenario, settings), Arena(scenario), 1)
    assert len(policies) == 3 and found.policy is policies[1]


def test_a_search_that_misses_what_the_next_finds_does_not_end_the_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = Scenario.load("jervis/not-intense")
    settings = config({"most": 6, "quiet": 2, "response_steps": 512, "worlds": 16})
    gains = iter((0.0, 5.0, 0.0, 0.1, 9.0))
    policies: list[MixedBundle] = []

    def answers(search: Any) -> Any:
        policies.append(search.policy)
        taken = (gain := next(gains)) > 1
        joining = {"made up": search.first} if taken else {}
        return [Answer(len(policies), True, 10.0, gain, 0.1, "made up", taken)], joining

    monkeypatch.setattr(Search, "answers", answers)
    found = improve(settings, at_rest(scenario, settings), Arena(scenario), 1)
    assert len(policies) == 4 and policies[0] is policies[1] and policies[2] is policies[3]
    assert found.policy is policies[2]  # though the first search of the first policy found even less


def test_every_seed_and_round_has_a_response_of_its_own_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = Scenario.load("jervis/not-intense")
    settings = config({"most": 2, "gap": 0.0, "response_steps": 512, "worlds": 16})
    seeds: list[int] = []

    def response(*arguments: Any, seed: int, **keywords: Any) -> Any:
        seeds.append(seed)
        return learn_response(*arguments, seed=seed, **keywords)

    monkeypatch.setattr(oracle, "learn_response", response)
    for seed in (1, 2):
        improve(settings, at_rest(scenario, settings), Arena(scenario), seed)
    assert len(seeds) == len(set(seeds)) >= 4
    assert all(0 <= seed < 2**31 for seed in seeds)  # as SB3 takes them


def test_a_search_that_begins_with_a_mixture_begins_with_who_leads_each_type() -> None:
    scenario = Scenario.load("jervis/not-intense")
    env = WorldsVecEnv(scenario, 8, seed=1)
    one, other = (bundle_of(make_learner(config().learner, env, seed=seed), scenario) for seed in (1, 2))
    policy = mix([one, other], np.array([[0.9, 0.1], [0.2, 0.8]]), name="mixed")
    begun = learn_response(
        scenario, policy, "rotating", seed=1, steps=1, worlds=8, begin=policy,
        config=config().learner.model_copy(update={"learning_rate": 1e-12, "learning_rate_end": 1e-12}),
    )  # fmt: skip
    seen = np.random.default_rng(0).uniform(0, 2, (12, env.observation_space.shape[0])).astype(np.float32)
    seen[:, layout.Own.GREED] = np.arange(12) % 2
    mask = np.ones((12, layout.mask_size(2)), dtype=np.int8)
    is_, seeker, greedy = (np.hstack(each.probabilities(seen, mask)) for each in (begun, one, other))
    np.testing.assert_allclose(is_[::2], seeker[::2], atol=1e-5)
    np.testing.assert_allclose(is_[1::2], greedy[1::2], atol=1e-5)


def test_every_round_starts_from_as_many_members_as_asked_and_once_from_scratch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scenario = Scenario.load("jervis/not-intense")
    settings = config({"most": 2, "quiet": 2, "gap": 1e6, "warm": 3, "response_steps": 512, "worlds": 16})
    starts: list[tuple[bool, int]] = []
    seeds: list[int] = []

    def response(*arguments: Any, seed: int, begin: Any, rank: int, **keywords: Any) -> Any:
        starts.append((begin is not None, rank))
        seeds.append(seed)
        return learn_response(*arguments, seed=seed, begin=begin, rank=rank, **keywords)

    monkeypatch.setattr(oracle, "learn_response", response)
    improve(settings, at_rest(scenario, settings), Arena(scenario), 1)
    assert starts == [(False, 0), (True, 0), (True, 1), (True, 2)] * 2
    assert len(set(seeds)) == len(seeds)


# --- in a job -----------------------------------------------------------------------------------------------------


def job(folder: Path, top: dict[str, Any] | None = None, **changed: Any) -> Job:
    settings = config(
        {"most": 2, "response_steps": 2048, "worlds": 64} | changed, total_steps=2048, seeds=[1], paths={},
        scenarios=[{"scenario": "jervis/not-intense"}], checkpoint={"every_rollouts": 1, "keep": 2}, **(top or {}),
    )  # fmt: skip
    [only] = jobs_of(settings, folder)
    return only


def weights(folder: Path) -> bytes:
    [path] = folder.rglob("*.safetensors")
    return path.read_bytes()


def test_a_jobs_policy_is_what_came_of_its_rounds_and_its_result_says_what_they_found(tmp_path: Path) -> None:
    done = job(tmp_path)
    run_job(done)
    result, _ = done.finished()
    assert result is not None
    assert any(answer["taken"] for answer in result["rounds"])  # two rollouts still play at random: easily bettered
    assert result["agent_steps"] == 2048
    kept = pd.read_csv(done.folder / "rounds.csv")
    assert kept["gain"].tolist() == pytest.approx([answer["gain"] for answer in result["rounds"]])
    assert kept["round"].tolist() == [answer["round"] for answer in result["rounds"]]
    policy = trained_policy(done)
    assert isinstance(policy, MixedBundle) and policy.info["training"]["seed"] == 1
    assert policy.info["training"]["metrics"] == result["evaluation"]["learned"]
    where = done.config.evaluation
    frame = play(done.scenario(), [policy, policy], worlds=where.worlds, seed=where.seed + 1)
    assert rates_of(frame) == pytest.approx(result["evaluation"]["learned"], nan_ok=True)


def test_where_one_state_learns_among_a_cast_a_job_has_rounds_and_its_policy_is_theirs(tmp_path: Path) -> None:
    population = {"mode": "independent", "cast": {"state_1": "dove", "state_2": "grim-trigger"}}
    top = {"population": population, "overrides": {"n_states": 3}}
    done = job(tmp_path, top, response_steps=512, worlds=16)
    run_job(done)
    result, _ = done.finished()
    assert result is not None and result["rounds"] and result["members"] is None
    policy, *others = final_cast(done, done.scenario())
    assert isinstance(policy, MixedBundle)
    assert [other.name for other in others] == ["dove", "grim-trigger"]  # type: ignore[attr-defined]
    assert done.bundles() == {"state_0": done.folder / "learners" / "state_0" / "policy.sd"}


def test_rounds_are_for_all_of_two_states_or_one_that_learns(tmp_path: Path) -> None:
    settings = config(population={"mode": "independent", "cast": {"state_2": "dove"}}, overrides={"n_states": 3})
    with pytest.raises(
        RefusedError, match=r"rounds: .* population.cast leaves 2 states that learn, and rounds are for"
    ):
        check(settings)


@pytest.mark.slow
def test_a_job_that_was_killed_in_a_round_ends_as_one_that_was_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, cut = (job(tmp_path / name, response_steps=512, worlds=16) for name in ("whole", "cut"))
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
        (["--rounds.quiet", "0"], "rounds.quiet = "),
        (["--rounds.gap", "-1"], "rounds.gap = "),
        (["--rounds.worlds", "1"], "rounds.worlds = "),
        (["--rounds.response_steps", "0"], "rounds.response_steps = "),
        (["--rounds.moot", "1"], "sd-env train: there is no option --rounds.moot; did you mean --rounds.most?"),
    ],
)
def test_rounds_that_cannot_be_are_refused_in_a_sentence(arguments: list[str], sentence: str) -> None:
    with pytest.raises(RefusedError) as refused:
        parse([*arguments])
    assert str(refused.value).startswith(sentence) and "\n" not in str(refused.value)


def test_among_more_than_two_states_there_are_none(tmp_path: Path) -> None:
    settings = config(overrides={"n_states": 3}, total_steps=1, seeds=[1], paths={},
                      scenarios=[{"scenario": "jervis/not-intense"}])  # fmt: skip
    [only] = jobs_of(settings, tmp_path)
    run_job(only)
    result, _ = only.finished()
    assert result is not None and result["rounds"] == []
    assert not isinstance(trained_policy(only), MixedBundle)
