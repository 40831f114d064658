"""Learners, metrics, checkpoints: a resumed job ends where an unbroken one does, bit for bit."""

from __future__ import annotations

import csv
import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch as th
from gymnasium import spaces
from stable_baselines3.common.distributions import MultiCategoricalDistribution

from agents.evaluation.evaluate import evaluate
from agents.files import without_nan
from agents.policies.bundles import BundleError, load_bundle
from agents.policies.sb3 import HeadsDistribution, SymlogExtractor
from agents.table.metrics import RATES, rates
from agents.training import checkpoint
from agents.training.config import TrainingConfig, load_training
from agents.training.job import Job, jobs_of, run_job, trained_policies, trained_policy
from agents.training.learners import make_learner
from agents.training.players import seat_players
from agents.training.seats import WorldsVecEnv
from sd_env import layout
from sd_env.scenario import Scenario

CONFIGS = Path(__file__).parents[3] / "configs"
MEMORY = {"lstm_hidden_size": 8, "n_lstm_layers": 1}
ALGORITHMS: dict[str, dict[str, Any]] = {
    "PPO": {},
    "A2C": {},
    "MaskablePPO": {},
    "RecurrentPPO": MEMORY,
    "FastPPO": {"masks": False},
    "AlignedPPO": {"align_weight": 1.0, "align_decay": 0.9},
}


def config(algorithm: str = "PPO", **learner: Any) -> TrainingConfig:
    """Five rollouts of 64 agent-steps, a checkpoint after every second."""
    data = load_training(CONFIGS / "smoke.yaml").model_dump()
    data |= {"total_steps": 320, "worlds": 4, "seeds": [5], "scenarios": data["scenarios"][:1]}
    data["overrides"] = {"horizon": 6, "continuation": 0.95}
    data["evaluation"] |= {"worlds": 4}
    data["learner"] |= {"algorithm": algorithm, "n_steps": 8, "net_arch": [8]}
    if algorithm == "A2C":
        data["learner"] |= {"batch_size": None, "n_epochs": None, "clip_range": None, "rms_prop_eps": 1e-5}
    else:
        data["learner"] |= {"batch_size": 32}
    data["learner"] |= ALGORITHMS[algorithm] | learner
    return TrainingConfig.model_validate(data)


def job(run: Path, algorithm: str = "PPO") -> Job:
    return jobs_of(config(algorithm), run)[0]


def curve(job: Job) -> list[dict[str, str]]:
    """Rows of progress.csv without what depends on the clock."""
    with (job.folder / "progress.csv").open(newline="") as handle:
        return [{k: v for k, v in row.items() if k != "time/fps"} for row in csv.DictReader(handle)]


def weights(job: Job) -> dict[str, th.Tensor]:
    return load_bundle(job.folder / "policy.sd").network.state_dict()


class Killed(Exception):
    """Stands for the power going off."""


def killed_after(steps: int) -> Any:
    def report(done: int) -> None:
        if done >= steps:
            raise Killed

    return report


@pytest.mark.parametrize("algorithm", list(ALGORITHMS))
def test_resumed_equals_unbroken(algorithm: str, tmp_path: Path) -> None:
    unbroken, broken = job(tmp_path / "a", algorithm), job(tmp_path / "b", algorithm)
    run_job(unbroken)
    for steps in (192, 320):  # killed in rollout 3, after the checkpoint at 128; again in rollout 5, after 256
        with pytest.raises(Killed):
            run_job(broken, killed_after(steps))
    assert not broken.result.exists()
    run_job(broken)
    mine, theirs = weights(unbroken), weights(broken)
    assert mine.keys() == theirs.keys() and all(th.equal(mine[k], theirs[k]) for k in mine)
    rows = curve(unbroken)
    assert [float(row["time/total_timesteps"]) for row in rows] == [64.0, 128.0, 192.0, 256.0, 320.0]
    assert rows == curve(broken)
    results = [json.loads(j.result.read_text()) for j in (unbroken, broken)]
    assert results[0]["evaluation"] == results[1]["evaluation"]


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_config_trains_and_its_policy_can_be_loaded(path: Path, tmp_path: Path) -> None:
    data = load_training(path).model_dump()
    data |= {"worlds": 4, "total_steps": 1}
    data["evaluation"] |= {"worlds": 4}
    if data["rounds"]:
        data["rounds"] |= {"response_steps": 1, "worlds": 4, "gap": 1e9}  # none takes a place
    if data["learner"]["batch_size"] is not None:
        data["learner"]["batch_size"] = 32
    trained = jobs_of(TrainingConfig.model_validate(data), tmp_path)[0]
    with pytest.raises(BundleError):
        trained_policies(trained)
    run_job(trained)
    result = json.loads(trained.result.read_text())
    mode = trained.config.population.mode
    slots = 4 * (1 if mode in ("league", "versus") else trained.scenario().n_states)
    assert result["agent_steps"] == data["learner"]["n_steps"] * slots
    if mode == "independent":
        assert list(trained_policies(trained)) == list(trained.scenario().agents)
        with pytest.raises(ValueError, match="trained several policies"):
            trained_policy(trained)
        return
    settings = trained.config.evaluation
    again = evaluate(
        trained.scenario(),
        trained_policy(trained),
        worlds=4,
        episodes=settings.episodes,
        seed=settings.seed + trained.seed,
    )
    assert without_nan(again) == result["evaluation"]["learned"]


def test_a_finished_job_is_left_alone(tmp_path: Path) -> None:
    done = job(tmp_path)
    run_job(done)
    before = done.result.stat().st_mtime_ns
    run_job(done, killed_after(0))
    assert done.result.stat().st_mtime_ns == before


@pytest.mark.parametrize("suffix", ["pt", "npz", "json"])
def test_a_damaged_checkpoint_falls_back_to_the_one_before(
    suffix: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    unbroken, broken = job(tmp_path / "a"), job(tmp_path / "b")
    run_job(unbroken)
    with pytest.raises(Killed):
        run_job(broken, killed_after(320))
    folder = broken.folder / "checkpoints"
    newest = sorted(folder.glob(f"*.{suffix}"))[-1]
    assert newest.stem.endswith("256")
    newest.write_bytes(newest.read_bytes()[:-40])
    loaded = checkpoint.take_up(folder, seat_players(broken.config, broken.scenario(), broken.seed))
    assert loaded is not None and loaded["num_timesteps"] == 128
    (message,) = caplog.messages
    assert re.fullmatch(r"Checkpoint \S+000000000256\.json cannot be used: .+[^.]\. The one before is tried\.", message)
    run_job(broken)
    assert all(th.equal(weights(unbroken)[k], weights(broken)[k]) for k in weights(unbroken))
    assert curve(unbroken) == curve(broken)


def test_only_damaged_checkpoints_are_refused_in_one_sentence(tmp_path: Path) -> None:
    broken = job(tmp_path)
    with pytest.raises(Killed):
        run_job(broken, killed_after(320))
    for path in (broken.folder / "checkpoints").glob("*.pt"):
        path.write_bytes(b"half")
    with pytest.raises(checkpoint.CheckpointError, match=r"No checkpoint in .* 000000000256.pt is damaged\.$"):
        run_job(broken)


def test_checkpoints_are_few_and_hold_no_pickles(tmp_path: Path) -> None:
    data = config().model_dump()
    data["checkpoint"] = {"every_rollouts": 1, "keep": 3}
    done = jobs_of(TrainingConfig.model_validate(data), tmp_path)[0]
    run_job(done)
    folder = done.folder / "checkpoints"
    stems = {path.stem for path in folder.iterdir()}
    assert stems == {f"{steps:012d}" for steps in (128, 192, 256)}
    assert len(list(folder.iterdir())) == 9
    for path in folder.glob("*.npz"):
        with np.load(path, allow_pickle=False) as arrays:
            assert all(arrays[name].dtype != object for name in arrays.files)


@pytest.mark.parametrize("algorithm", list(ALGORITHMS))
def test_learners_change_their_weights_and_record_every_group(algorithm: str, tmp_path: Path) -> None:
    settings = config(algorithm)
    env = WorldsVecEnv(Scenario.load("jervis/doubly-dangerous", {"horizon": 6}), 4, seed=1)
    learner = make_learner(settings.learner, env, seed=1)
    before = {k: v.clone() for k, v in learner.policy.state_dict().items()}
    learner.learn(2 * 64)
    after = learner.policy.state_dict()
    assert all(not th.equal(before[k], after[k]) for k in before if "bias" in k)
    assert all(th.isfinite(v).all() for v in after.values())
    trained = job(tmp_path, algorithm)
    run_job(trained)
    groups = {key.partition("/")[0] for key in curve(trained)[-1]}
    assert groups >= {"outcome", "arms", "signals", "alliances", "train", "time"}
    assert set(RATES) <= set(curve(trained)[-1])
    assert list((trained.folder / "tensorboard").glob("events.*"))


def test_heads_distribution_is_sb3s() -> None:
    sizes = layout.action_sizes(4)
    logits = th.randn(7, sum(sizes), generator=th.Generator().manual_seed(0)) * 3
    mine = HeadsDistribution(sizes).proba_distribution(logits)
    theirs = MultiCategoricalDistribution(sizes).proba_distribution(logits)
    actions = theirs.sample()
    th.testing.assert_close(mine.log_prob(actions), theirs.log_prob(actions))
    th.testing.assert_close(mine.entropy(), theirs.entropy())
    assert th.equal(mine.mode(), theirs.mode())
    one = HeadsDistribution(sizes).proba_distribution(logits[:1].expand(40_000, -1))
    th.manual_seed(0)
    drawn = one.sample()
    for head, size in enumerate(sizes):
        share = th.bincount(drawn[:, head], minlength=size) / len(drawn)
        probability = theirs.distribution[head].probs[0]
        assert len(share) == size  # a choice that does not exist is never drawn
        assert (share - probability).abs().max() < 5 * math.sqrt(0.25 / len(drawn))


def test_symlog_keeps_signs_and_squashes() -> None:
    squash = SymlogExtractor(spaces.Box(-np.inf, np.inf, (3,)))
    out = squash(th.tensor([[-1.0, 0.0, 1e6]]))
    th.testing.assert_close(out, th.tensor([[-math.log(2), 0.0, math.log1p(1e6)]]))


@pytest.mark.parametrize(
    ("culture", "favoured"), [("peaceful", (0, 1)), ("hostile", (2, 3)), ("uniform", (0, 1, 2, 3))]
)
def test_culture_biases_stances_only(culture: str, favoured: tuple[int, ...]) -> None:
    env = WorldsVecEnv(Scenario.load("jervis/multipolar"), 2, seed=1)
    learner = make_learner(config(culture=culture).learner, env, seed=1)
    obs = th.as_tensor(env.reset())
    probs = learner.policy.get_distribution(obs).log_probs.detach().exp().mean(dim=0)  # (heads, 4)
    for head in range(3):
        assert (probs[head, :3] - 1 / 3).abs().max() < 0.02
    for head in range(3, 3 + env.num_states - 1):
        top = set(probs[head].argsort(descending=True)[: len(favoured)].tolist())
        assert top == set(favoured)
        if culture != "uniform":
            assert probs[head, list(favoured)].sum().item() == pytest.approx(1 / (1 + math.exp(-2)), abs=0.02)
        else:
            assert (probs[head] - 0.25).abs().max() < 0.02


def test_rates_divide_sums_and_give_nan_for_nothing() -> None:
    totals = np.zeros(len(layout.TALLY))
    counted = {"ss_attacks": 3, "ss_pair_turns": 60, "alliances": 10, "pair_turns": 100, "tragic_wars": 2}
    for name, value in counted.items():
        totals[layout.TALLY.index(name)] = value
    values = rates(totals, 4)
    assert values["outcome/ss_attacks"] == 0.05
    assert values["alliances/allied"] == 0.2  # 10 unordered pairs of 50
    assert values["outcome/tragic_wars"] == 0.5
    assert math.isnan(values["arms/s_offense"])


def test_every_metric_is_documented() -> None:
    text = (CONFIGS.parent / "docs" / "metrics.md").read_text()
    assert [metric for metric in RATES if f"`{metric}`" not in text] == []
