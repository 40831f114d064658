"""The modes of a population: runs of each that resume bit for bit, leagues, and settings that are refused."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch as th

from agents import cli
from agents.commands.train import parse
from agents.evaluation.trained import certified
from agents.policies.bundles import load_bundle
from agents.policies.protocol import NeverAttackPolicy
from agents.table.metrics import RATES, rates_of
from agents.table.play import play
from agents.table.population import Pool
from agents.training import checkpoint
from agents.training.config import ConfigError, TrainingConfig, load_training
from agents.training.job import Job, final_cast, jobs_of, run_job
from agents.training.learners import make_learner
from agents.training.players import LEARNER, Rotated, seat_players, seats_of
from agents.training.run import check
from agents.training.seats import WorldsVecEnv
from sd_env import layout
from sd_env.policies import Cast
from sd_env.scenario import Scenario
from sd_env.worlds import Worlds
from tests.table import Says


def main(argv: list[str]) -> int:
    return cli.main(["train", *argv])


ROOT = Path(__file__).parents[3]
SMOKE = ROOT / "configs" / "smoke.yaml"
N = 3
MODES: dict[str, dict[str, Any]] = {
    "shared": {},
    "independent": {},
    "roles": {"roles": {"hegemon": ["state_1"], "rivals": ["state_0", "state_2"]}},
    "cast": {"mode": "independent", "cast": {"state_2": "grim-trigger", "state_0": "random"}},
    "versus": {"opponents": {"grim-trigger": 1.0, "random": 1.0, "generous-tit-for-tat:generosity=0.5": 1.0}},
    "league": {
        "opponents": {"grit": 0.2},
        "latest_weight": 0.5,
        "past_weight": 0.3,
        "snapshot_rollouts": 1,
        "keep_snapshots": 2,
    },
}
LEARNERS = {"shared": ["all"], "roles": ["rivals", "hegemon"], "independent": [f"state_{i}" for i in range(N)]}
LEARNERS["cast"] = ["state_1"]
ALGORITHMS: dict[str, dict[str, Any]] = {
    "PPO": {},
    "A2C": {"batch_size": None, "n_epochs": None, "clip_range": None, "rms_prop_eps": 1e-5},
    "MaskablePPO": {},
    "RecurrentPPO": {"lstm_hidden_size": 8, "n_lstm_layers": 1},
    "FastPPO": {"masks": True},
}


def config(mode: str, algorithm: str = "PPO", **population: Any) -> TrainingConfig:
    """Five rollouts of 8 turns, a checkpoint before the third and the fifth; episodes of up to 6 turns."""
    data = load_training(SMOKE).model_dump()
    slots = 4 * (1 if mode in ("versus", "league", "cast") else N)
    data |= {"total_steps": 5 * 8 * slots, "worlds": 4, "seeds": [5], "scenarios": data["scenarios"][:1]}
    data["overrides"] = {"horizon": 6, "continuation": 0.95, "n_states": N}
    data["evaluation"] |= {"worlds": 6, "episodes": 2}
    data["population"] = {"mode": mode} | MODES[mode] | population
    data["learner"] |= {"n_steps": 8, "net_arch": [8], "batch_size": 16, "algorithm": algorithm}
    data["learner"] |= ALGORITHMS[algorithm]
    return TrainingConfig.model_validate(data)


def job(run: Path, mode: str, algorithm: str = "PPO", **population: Any) -> Job:
    return jobs_of(config(mode, algorithm, **population), run)[0]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as handle:
        return [{k: v for k, v in row.items() if k != "time/fps"} for row in csv.DictReader(handle)]


@pytest.mark.parametrize(
    ("mode", "algorithm"),
    [(mode, algorithm) for mode in ("independent", "league") for algorithm in ALGORITHMS]
    # shared: test_training.py
    + [("roles", "A2C"), ("versus", "RecurrentPPO"), ("roles", "FastPPO"), ("versus", "FastPPO"), ("cast", "PPO")],
)
def test_every_mode_resumes_to_where_an_unbroken_run_ends(mode: str, algorithm: str, tmp_path: Path) -> None:
    class Killed(Exception):
        """Stands for the power going off."""

    def until(steps: int) -> Any:
        def report(done: int) -> None:
            if done >= steps:
                raise Killed

        return report

    unbroken, broken = job(tmp_path / "a", mode, algorithm), job(tmp_path / "b", mode, algorithm)
    run_job(unbroken)
    total = unbroken.config.total_steps
    for share in (3, 5):  # killed in rollout 3, after the checkpoint before it; again in rollout 5
        with pytest.raises(Killed):
            run_job(broken, until(total // 5 * share))
    run_job(broken)
    files = sorted(path.relative_to(unbroken.folder) for path in unbroken.folder.rglob("progress.csv"))
    learners = LEARNERS.get(mode, [LEARNER])
    assert len(files) == (1 if mode == "shared" else 1 + len(learners))
    for file in files:
        found = rows(unbroken.folder / file)
        assert len(found) == 5 and found == rows(broken.folder / file)
    for name in learners:
        mine, theirs = (final(each, name) for each in (unbroken, broken))
        assert all(th.equal(mine[key], theirs[key]) for key in mine)
    results = [json.loads(each.result.read_text()) for each in (unbroken, broken)]
    for key in ("evaluation", "returns", "agent_steps"):
        assert results[0][key] == results[1][key]


def final(job: Job, name: str) -> dict[str, th.Tensor]:
    """Final weights of a learner, from its bundle."""
    return load_bundle(job.learner_folder(name) / "policy.sd").network.state_dict()


def test_a_shared_policy_is_what_the_learner_learns_in_the_worlds_alone(tmp_path: Path) -> None:
    done = job(tmp_path, "shared")
    run_job(done)
    settings = done.config
    scale = settings.learner.reward_scale
    env = WorldsVecEnv(done.scenario(), settings.worlds, seed=5, reward_scale=scale, horizon_ends=True)
    alone = make_learner(settings.learner, env, seed=5)
    alone.learn(settings.total_steps)
    mine, theirs = alone.policy.state_dict(), final(done, "all")
    assert all(th.equal(mine[key], theirs[key]) for key in mine)
    assert sorted(path.name for path in done.folder.iterdir() if path.is_dir()) == [
        "checkpoints",
        "policy.sd",
        "tensorboard",
    ]


def test_independent_learners_differ_from_the_start_and_have_folders_of_their_own(tmp_path: Path) -> None:
    done = job(tmp_path, "independent")
    players = seat_players(done.config, done.scenario(), 5)
    first = [learner.policy.state_dict()["action_net.weight"] for learner in players.learners.values()]
    assert not th.equal(first[0], first[1]) and not th.equal(first[1], first[2])
    assert [learner.n_envs for learner in players.learners.values()] == [4, 4, 4]
    run_job(done)
    for name in LEARNERS["independent"]:
        own = rows(done.folder / "learners" / name / "progress.csv")
        assert [float(row["time/total_timesteps"]) for row in own] == [32.0, 64.0, 96.0, 128.0, 160.0]
        assert not set(RATES) & set(own[0]) and "rollout/ep_rew_mean" in own[0]
        assert list((done.folder / "learners" / name / "tensorboard").glob("events.*"))
    worlds = rows(done.folder / "progress.csv")
    assert [float(row["time/total_timesteps"]) for row in worlds] == [96.0, 192.0, 288.0, 384.0, 480.0]
    assert set(RATES) <= set(worlds[-1])
    # 4 worlds, 40 turns, episodes of at most 6: each episode is counted once, not once a learner
    assert 4 * 40 / 6 - 4 <= sum(float(row["outcome/episodes"]) for row in worlds) <= 4 * 40 / 6 * 1.6
    result = json.loads(done.result.read_text())
    assert result["population"] == "independent" and set(result["evaluation"]) == {"learned", "random", "never_attack"}
    assert set(result["returns"]["learned"]) == set(LEARNERS["independent"])


@pytest.mark.parametrize("mode", ["versus", "league"])
def test_one_learner_among_opponents_is_measured_by_itself_and_among_them(mode: str, tmp_path: Path) -> None:
    done = job(tmp_path, mode)
    run_job(done)
    result = json.loads(done.result.read_text())
    assert set(result["evaluation"]) == {"learned", "random", "never_attack", "population"}
    assert set(result["returns"]["population"]) == {"learner", "opponents"}
    assert result["evaluation"]["population"] != result["evaluation"]["learned"]


@pytest.mark.parametrize("mode", ["independent", "roles"])
def test_a_state_of_the_cast_plays_its_strategy_and_does_not_learn(mode: str, tmp_path: Path) -> None:
    roles = {"roles": {"hegemon": ["state_1"], "rival": ["state_2"]}} if mode == "roles" else {}
    settings = config(mode, cast={"state_0": "hawk"}, **roles)
    done = jobs_of(settings, tmp_path)[0]
    run_job(done)
    result, _ = done.finished()
    assert result is not None and sorted(done.bundles()) == sorted(roles["roles"] if roles else ["state_1", "state_2"])
    cast = final_cast(done, done.scenario())
    assert [policy.name == "hawk" for policy in cast] == [True, False, False]  # type: ignore[attr-defined]
    where = {"worlds": settings.evaluation.worlds, "episodes": 2, "seed": settings.evaluation.seed + done.seed}
    played = play(done.scenario(), cast, **where)
    assert rates_of(played) == pytest.approx(result["evaluation"]["learned"], nan_ok=True)
    resting = play(done.scenario(), [cast[0], NeverAttackPolicy(), NeverAttackPolicy()], **where)
    assert rates_of(resting) == pytest.approx(result["evaluation"]["never_attack"], nan_ok=True)
    assert result["evaluation"]["never_attack"]["outcome/attacks"] > 0, "the hawk's"


def test_a_run_certifies_the_one_policy_that_its_cast_leaves(tmp_path: Path) -> None:
    data = config("cast").model_dump()
    data["certificate"] = {"scratch": 0, "warm": 1, "steps": 1, "worlds": 64, "searcher": "FastPPO"}
    settings = TrainingConfig.model_validate(data | {"workers": 1})
    [done] = jobs_of(settings, tmp_path)
    run_job(done)
    [found] = certified(settings, tmp_path, [done]).values()
    assert {row["state"] for rows in found.values() for row in rows} == {"state_1"}
    several = config("independent").model_copy(update={"certificate": settings.certificate})
    assert certified(several, tmp_path, jobs_of(several, tmp_path)) == {}


def test_a_league_takes_snapshots_on_time_and_keeps_the_latest() -> None:
    settings = config("league", snapshot_rollouts=2, keep_snapshots=3)
    players = seat_players(settings, jobs_of(settings, Path())[0].scenario(), 5)
    league, pool, learner = players.league, players.pool, players.learners[LEARNER]
    assert league is not None and pool is not None
    seen = []
    for rollout in range(9):
        learner.num_timesteps = rollout * 8 * 4
        league.begin_rollout(learner)
        seen.append(pool.weights)
    assert seen[0] == {"grit": 0.2, "past-0": 0.8} and seen[1] == seen[0]
    assert seen[2] == {"grit": 0.2, "past-0": 0.3, "past-2": 0.5}
    assert seen[8] == {"grit": 0.2, "past-4": 0.15, "past-6": 0.15, "past-8": 0.5}
    assert set(pool.members) == {"grit", "past-4", "past-6", "past-8"}


def test_a_snapshot_is_the_learner_as_it_was() -> None:
    settings = config("league", opponents={})
    players = seat_players(settings, jobs_of(settings, Path())[0].scenario(), 5)
    league, pool, learner = players.league, players.pool, players.learners[LEARNER]
    assert league is not None and pool is not None
    league.begin_rollout(learner)
    before = {key: value.clone() for key, value in pool.members["past-0"].network.state_dict().items()}  # type: ignore[attr-defined]
    with th.no_grad():
        for parameter in learner.policy.parameters():
            parameter += 1.0
    after = pool.members["past-0"].network.state_dict()  # type: ignore[attr-defined]
    assert all(th.equal(before[key], after[key]) for key in before)
    assert th.equal(before["action_net.weight"] + 1.0, learner.policy.state_dict()["action_net.weight"])


def test_the_learner_of_a_league_sits_in_another_state_of_each_world() -> None:
    settings = config("versus")
    players = seat_players(settings, jobs_of(settings, Path())[0].scenario(), 5)
    assert players.table.seats["rotating"].slots.tolist() == [0, 4, 8, 9]  # states 0, 1, 2, 0 of worlds 0 to 3
    worlds = Worlds(Scenario.load("jervis/intense", {"n_states": N}), 4, seed=0)
    pool = Pool({"a": Says(1)}, {"a": 1})
    actions = np.zeros((4, N, 5), np.int64)
    mixed = Cast([Rotated(Says(2), pool, seat, N) for seat in range(N)], worlds.scenario.agents)
    mixed.reset(1)
    mixed.act(worlds.observations, worlds.masks, actions)
    signals = actions.reshape(12, -1)[:, layout.Head.SIGNAL]
    assert np.flatnonzero(signals == 2).tolist() == [0, 4, 8, 9] and set(signals) == {1, 2}


def test_roles_seat_their_states() -> None:
    agents = ("germany", "britain", "france")
    population = config("roles", roles={"challenger": ["germany"], "status-quo": ["france", "britain"]}).population
    assert seats_of(population, agents) == {"challenger": ("germany",), "status-quo": ("france", "britain")}


def test_a_checkpoint_of_other_learners_is_refused(tmp_path: Path) -> None:
    done = job(tmp_path, "independent")
    run_job(done)
    saved = checkpoint.load(sorted((done.folder / "checkpoints").glob("*.json"))[-1])
    assert saved["num_timesteps"] == 4 * 8 * 4 * N
    other = config("roles")
    with pytest.raises(
        checkpoint.CheckpointError, match=r"is of state_0 \(PPO\), .*, the experiment has rivals \(PPO\)"
    ):
        checkpoint.restore(saved, seat_players(other, done.scenario(), 5))


@pytest.mark.parametrize(
    ("population", "sentence"),
    [
        ({"mode": "solo"}, "population.mode = 'solo' is not allowed: should be 'shared', 'independent', 'roles',"),
        ({"mode": "roles"}, "population.roles is missing: mode roles needs it."),
        ({"mode": "shared", "keep_snapshots": 3}, "population.keep_snapshots = 3 is not a setting of mode shared"),
        ({"mode": "league", **MODES["league"], "past_weight": -1}, "population.past_weight = -1 is not allowed"),
        ({"mode": "versus", "opponents": {"dove": 0}}, "population.opponents = {'dove': 0.0} is not allowed: a weight"),
        ({"mode": "versus", "opponents": {"doves": 1}}, "population: doubly-dangerous: "),
        ({"mode": "versus", "opponents": {"runs/none.sd": 1}}, "there is no such bundle"),
        (
            {"mode": "roles", "roles": {"a": ["state_0", "germany"]}},
            "roles: 'germany' is no state; states are state_0,",
        ),
        ({"mode": "roles", "roles": {"a": ["state_0"]}}, "roles: state_1 has no role; each state needs one, or"),
        ({"mode": "roles", "roles": {"a": ["state_0", "state_1"], "b": ["state_1"]}}, "roles: state_1 is there twice"),
        ({"mode": "roles", "roles": {"a": ["state_0", "state_1"], "b": []}}, "roles: b has no state"),
        ({"mode": "roles", "roles": {"../a": ["state_0", "state_1"]}}, "population.roles"),
        ({"mode": "independent", "weights": 1}, "population.weights is not a key"),
        ({"mode": "shared", "cast": {"state_1": "dove"}}, "population.cast = {'state_1': 'dove'} is not a setting of"),
        ({"mode": "independent", "cast": {"germany": "dove"}}, "cast: 'germany' is no state; states are state_0,"),
        ({"mode": "independent", "cast": {"state_1": "doves"}}, "population: doubly-dangerous: "),
        ({"mode": "independent", "cast": {"state_0": "dove", "state_1": "dove"}}, "one at least must learn"),
        (
            {"mode": "roles", "roles": {"a": ["state_0", "state_1"]}, "cast": {"state_1": "dove"}},
            "roles: state_1 has a role and is in the cast",
        ),
    ],
)
def test_bad_populations_are_refused_in_one_sentence(
    population: dict[str, Any], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--config", str(SMOKE), "--runs", str(tmp_path / "runs"), "--population", json.dumps(population)]
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert sentence in error and error.count("\n") == 1 and error.startswith("sd-env: ")
    assert not (tmp_path / "runs").exists()


def test_a_batch_must_fit_the_rollout_of_each_learner() -> None:
    settings, _ = parse(["--config", str(SMOKE), "--population.mode", "independent"])
    check(settings)  # 32 worlds x 1 state x 16 turns = a batch of 512
    settings, _ = parse(["--config", str(SMOKE), "--population.mode", "independent", "--worlds", "31"])
    with pytest.raises(
        ConfigError, match=r"batch_size = 512 is larger than a rollout .* learner.n_steps = 496 at most"
    ):
        check(settings)
