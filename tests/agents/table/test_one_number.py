"""One scenario, policies and seed give one number, by whichever door they are played."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import sd_env
from agents.cli import main
from agents.evaluation.challenges import Challenge
from agents.evaluation.challenges.environments import challenge_env
from agents.evaluation.challenges.suite import play_challenge
from agents.evaluation.crossplay import crossplay
from agents.evaluation.evaluate import evaluate, evaluate_policies
from agents.evaluation.exploit import MEASURING, exploit
from agents.evaluation.probe import probe
from agents.evaluation.tournament import tournament
from agents.experiments.language import Setup
from agents.experiments.work import WORLDS_FROM, _measured
from agents.policies.bundles import save_bundle
from agents.policies.protocol import Policy
from agents.policies.specs import policy_from
from agents.table.metrics import rates_of
from agents.table.play import play, returns_of
from agents.training.config import load_training
from agents.training.learners import LearnedPolicy
from agents.training.measure import LEARNED, measure
from agents.training.players import seat_players
from agents.training.table import Table
from sd_env.policies import PolicyError, derived_seed
from sd_env.record import EpisodeLog, record
from sd_env.scenario import Scenario
from tests.learners import fresh
from tests.table import quiet

#: Two states; four; and one whose worlds end at different times, before the horizon.
SCENARIOS: dict[str, tuple[str, dict[str, Any]]] = {
    "two": ("jervis/intense", {"horizon": 8}),
    "four": ("jervis/multipolar", {"horizon": 6, "perception.noise": 0.2}),
    "early": ("jervis/doubly-dangerous", {"n_states": 3, "horizon": 12, "continuation": 0.8}),
}
#: One that does not draw, one that does, one that remembers, and one that has learned.
POLICIES = ("hawk", "random", "grim-trigger", "learned")
SEED, WORLDS, EPISODES = 7, 3, 2


def game_of(name: str) -> Scenario:
    return Scenario.load(*SCENARIOS[name])


def spec_of(policy: str, scenario: str, folder: Path) -> str:
    if policy != "learned":
        return policy
    path = folder / f"{scenario}.sd"
    if not path.exists():
        save_bundle(path, fresh("heads", game_of(scenario)), game_of(scenario))
    return str(path)


def numbers(frame: pd.DataFrame) -> pd.DataFrame:
    """What was played, without the names of who played it."""
    names = [name for name in play(game_of("two"), policy_from("dove"), worlds=1, seed=0) if "_0" not in name]
    own = [name for name in frame if str(name).split("_")[0] in ("return", "greed", "attacks", "mobilizations")]
    kept = [name for name in frame if name in names and "_1" not in str(name) and name != "scenario"]
    return frame[list(dict.fromkeys([*kept, *own]))].sort_values(["episode", "world"]).reset_index(drop=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bundles")


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_door_to_many_worlds_gives_one_number(scenario: str, policy: str, folder: Path) -> None:
    game, spec = game_of(scenario), spec_of(policy, scenario, folder)
    sizes: dict[str, int] = {"worlds": WORLDS, "episodes": EPISODES}
    one = play(game, policy_from(spec), seed=SEED, **sizes)
    assert one["turns"].nunique() > 1 or scenario != "early"
    # a policy for all states is the same as one for each
    apart = play(game, [policy_from(spec) for _ in game.agents], seed=SEED, **sizes)
    pd.testing.assert_frame_equal(one, apart, check_exact=True)
    np.testing.assert_equal(evaluate(game, policy_from(spec), seed=SEED, **sizes), rates_of(one))
    pd.testing.assert_frame_equal(
        numbers(evaluate_policies([spec], game, seeds=[SEED], **sizes)), numbers(one), check_exact=True
    )
    # against itself by name, seat by seat
    versus = evaluate_policies([spec], game, against=spec, seeds=[SEED], **sizes)
    for _, rows in versus.groupby("seat"):
        pd.testing.assert_frame_equal(numbers(rows), numbers(one), check_exact=True)
    for meet in (tournament, crossplay) if scenario == "four" else (tournament,):
        rows = meet([spec, "dove"], game, seeds=[SEED], **sizes)
        mine = rows[(rows["first"] == rows["first"].iloc[0]) & (rows["second"] == rows["first"].iloc[0])]
        pd.testing.assert_frame_equal(numbers(mine), numbers(one), check_exact=True)
    # an experiment's cell
    seed = WORLDS_FROM + SEED
    cell = play(game, policy_from(spec), worlds=WORLDS, seed=seed)
    wanted: Any = [(None, "outcome/attacks"), (None, "outcome/return")]
    setup, cast = Setup(scenario=SCENARIOS[scenario][0]), [policy_from(spec)] * game.n_states
    found = _measured(wanted, game, cast, setup, SEED, WORLDS, 1)
    assert [value for _, _, value, _ in found] == [rates_of(cell)[measure] for _, measure in wanted]


def test_the_command_gives_the_same_number(folder: Path, tmp_path: Path) -> None:
    name, overrides = SCENARIOS["two"]
    specs = [spec_of(policy, "two", folder) for policy in ("random", "learned")]
    command = ["evaluate", *specs, "--scenario", name, "--seeds", str(SEED), "--worlds", str(WORLDS)]
    command += ["--episodes", str(EPISODES), "--out", str(tmp_path / "out"), "--overrides"]
    assert main([*command, *(f"{key}={value}" for key, value in overrides.items())]) == 0
    told = pd.read_csv(tmp_path / "out" / "episodes.csv")
    for spec, (_, rows) in zip(specs, told.groupby("policy", sort=False), strict=True):
        one = play(game_of("two"), policy_from(spec), worlds=WORLDS, seed=SEED, episodes=EPISODES)
        pd.testing.assert_frame_equal(numbers(rows), numbers(one), check_exact=True)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_door_to_one_world_gives_one_number(scenario: str, policy: str, folder: Path) -> None:
    game, spec = game_of(scenario), spec_of(policy, scenario, folder)
    frame = play(game, policy_from(spec), worlds=1, seed=SEED, episodes=EPISODES)
    returns, rates = returns_of(frame), [rates_of(frame[frame["episode"] == e]) for e in range(EPISODES)]
    for episode in range(EPISODES):
        log = record(game, policy_from(spec), SEED, episode=episode)
        np.testing.assert_array_equal(log.rewards.sum(axis=0), returns[episode])
        assert logged_rate(log) == rates[episode]["outcome/attacks"]
    last = play(game, policy_from(spec), worlds=1, seed=SEED, first_world=2)
    np.testing.assert_array_equal(record(game, policy_from(spec), SEED, 2).rewards.sum(axis=0), returns_of(last)[0])
    for seat in range(game.n_states):
        env = sd_env.solo_env(game, seat=seat, others=policy_from(spec))
        assert stepped(env, policy_from(spec), seat) == returns[:, seat].tolist()


@pytest.mark.parametrize("policy", ["hawk", "random", "grim-trigger"])
@pytest.mark.parametrize(
    ("scenario", "focal"),
    [("two", ["0"]), ("four", ["1"]), ("four", ["1", "3"]), ("early", ["2"]), ("early", ["0", "1"])],
)
def test_a_challenge_gives_the_same_number(scenario: str, policy: str, focal: list[str]) -> None:
    name, overrides = SCENARIOS[scenario]
    options = [{"strategy": policy, "weight": 1}, {"strategy": "dove", "weight": 1}]
    words = {"title": "t", "description": "d", "sources": ["s"], "tags": ["t"], "prediction": "p"}
    asked = words | {"scenario": name, "overrides": overrides, "focal": focal}
    sure = Challenge.model_validate({"name": "sure", "residents": {"default": policy}, **asked})
    mixed = Challenge.model_validate({"name": "mixed", "residents": {"default": options}, **asked})
    seats = sure.focal_seats
    frame = play(sure.game, policy_from(policy), worlds=1, seed=SEED, episodes=EPISODES)
    for each, expected in ((sure, returns_of(frame)), (mixed, None)):
        rows = suite_rows(each, policy)
        first = returns_of(rows)[0]
        if expected is not None:
            np.testing.assert_array_equal(first, expected[0])
        env: Any = challenge_env(each)
        if len(seats) == 1:
            earned = np.array(stepped(env, policy_from(policy), seats[0]))[:, None]
        else:
            earned = stepped_together(env, [policy_from(policy) for _ in seats], seats)
        np.testing.assert_array_equal(earned[0], first[list(seats)])
        if expected is not None:
            np.testing.assert_array_equal(earned, expected[:, seats])


def test_training_and_exploit_and_the_probe_give_the_same_number() -> None:
    config = load_training(Path(__file__).parents[3] / "configs" / "smoke.yaml")
    game = game_of("two")
    for mode in ("shared", "independent"):
        population = config.population.model_copy(update={"mode": mode})
        players = seat_players(config.model_copy(update={"population": population}), game, 3)
        found = measure(config.model_copy(update={"population": population}), players, game, 3)
        settings = config.evaluation
        sizes: dict[str, int] = {"worlds": settings.worlds, "episodes": settings.episodes, "seed": settings.seed + 3}
        learners = list(players.learners.values())
        cast = [LearnedPolicy(learners[seat % len(learners)]) for seat in range(2)]
        expected = {
            LEARNED: cast,
            "random": [policy_from("random")] * 2,
            "never_attack": [policy_from("never-attack")] * 2,
        }
        for name, policies in expected.items():
            np.testing.assert_equal(found["evaluation"][name], evaluate(game, policies, **sizes))
        if mode == "independent":
            gained = returns_of(play(game, cast, **sizes))
            assert list(found["returns"][LEARNED].values()) == [gained[:, seat].mean() for seat in range(2)]
        players.table.close()
    table = exploit("random", game, seat=0, seeds=[1], steps=1, worlds=1)
    own = play(game, policy_from("random"), worlds=1, seed=MEASURING + 1)
    assert table["own"].tolist() == own["return_0"].tolist()
    logs = probe(policy_from("random"), game, worlds=40, seed=SEED).logs
    rows = returns_of(play(game, policy_from("random"), worlds=40, seed=SEED))
    for log in logs:
        np.testing.assert_array_equal(log.rewards.sum(axis=0), rows[log.world])


class Mute:
    """Acts, but cannot be reset."""

    name = "mute"

    def act(self, observation: np.ndarray, mask: np.ndarray) -> np.ndarray:
        raise AssertionError("it is never asked")


def test_what_is_no_policy_is_refused_in_a_sentence_at_every_door() -> None:
    game, mute = quiet(2, horizon=2), Mute()
    here: Any = mute
    sentence = r"^[^\n]*Mute[^\n]*; a policy has reset\(seed\) and act\(observation, mask\)\.$"
    doors = {
        "play": lambda: play(game, here, worlds=1, seed=1),
        "evaluate": lambda: evaluate(game, here, worlds=1, episodes=1, seed=1),
        "evaluate_policies": lambda: evaluate_policies([here], game, worlds=1),
        "tournament": lambda: tournament([here, "dove"], game, worlds=1),
        "crossplay": lambda: crossplay([here, "dove"], game, worlds=1),
        "exploit": lambda: exploit(here, game, steps=1, worlds=1),
        "challenge": lambda: play_challenge(
            label="m", training_seed=0.0, policy=here, name="visitor-among-doves", seed=1, worlds=1, trust=False
        ),
        "probe": lambda: probe(here, game, worlds=4),
        "record": lambda: record(game, here, 1),
        "solo": lambda: sd_env.solo_env(game, others=here),
        "table": lambda: Table(game, {"state_0": here, "state_1": object}, num_worlds=1),
    }
    for door, enter in doors.items():
        with pytest.raises(PolicyError) as refused:
            enter()
        assert re.match(sentence, str(refused.value)), door


# --- playing by hand ------------------------------------------------------------------------------------------


def logged_rate(log: EpisodeLog) -> float:
    """Attacks per pair-turn, from the log alone."""
    standing = log.states["standing"][:-1].astype(np.int64)
    pairs = (standing * (standing.sum(axis=1, keepdims=True) - 1)).sum()
    return float(log.pairs["attacks"][1:].sum() / pairs)


def stepped(env: Any, policy: Policy, seat: int) -> list[float]:
    """What a seat earns in each episode if ``policy`` is stepped in it by hand."""
    earned = []
    for episode in range(EPISODES):
        seen, info = env.reset(seed=None if episode else SEED)
        policy.reset(derived_seed(SEED, episode, 0, seat))
        total, over = 0.0, False
        while not over:
            action = policy.act(seen[None].copy(), info["action_mask"][None].copy())[0]
            seen, reward, terminated, truncated, info = env.step(action)
            total, over = total + reward, terminated or truncated
        earned.append(total)
    return earned


def stepped_together(env: Any, policies: list[Policy], seats: tuple[int, ...]) -> np.ndarray:
    """The same for several seats of one environment, ``(episodes, seats)``."""
    earned = np.zeros((EPISODES, len(seats)))
    for episode in range(EPISODES):
        seen, infos = env.reset(seed=None if episode else SEED)
        for policy, seat in zip(policies, seats, strict=True):
            policy.reset(derived_seed(SEED, episode, 0, seat))
        names = env.possible_agents
        while env.agents:
            actions = {
                name: policy.act(seen[name][None].copy(), infos[name]["action_mask"][None].copy())[0]
                for name, policy in zip(names, policies, strict=True)
            }
            seen, rewards, _, _, infos = env.step(actions)
            earned[episode] += [rewards[name] for name in names]
    return earned


def suite_rows(each: Challenge, policy: str) -> pd.DataFrame:
    """One world of a challenge as the suite plays it, for a challenge that is in no file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("agents.evaluation.challenges.suite.load_challenge", lambda name: each)
        return play_challenge(
            label=policy, training_seed=0.0, policy=policy, name=each.name, seed=SEED, worlds=1, trust=False
        )
