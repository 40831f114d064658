"""make science: smoke-sized, and what it says of predictions on numbers made up here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from agents.evaluation.threshold import effective_turns, success_probabilities, trust_threshold
from agents.policies.bundles import save_bundle
from agents.policies.registry import make
from agents.publish import one_shot
from agents.publish.one_shot import WaitUnlessGreedy, share_of_attacks
from agents.publish.results import read
from agents.publish.science import SECURITY, TRAININGS, judge_alliances, main
from agents.table.play import play
from agents.training.config import load_training
from sd_env.scenario import Scenario
from tests.learners import fresh

ROOT = Path(__file__).parents[3]


def test_smoke_sized_science_leaves_its_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    where = ["--out", str(tmp_path / "out"), "--runs", str(tmp_path / "runs")]
    assert main(["--smoke", "--only", "one_shot", "alliances", *where]) == 0
    for name in ("one_shot", "alliances"):
        text = (tmp_path / "out" / f"{name}.txt").read_text()
        assert TRAININGS[name] in text and "seeds: [1, 2]" in text
        judged = read(tmp_path / "out", name)["predictions"]
        assert judged and {each["reason"] for each in judged} == {"2 seeds, where at least 3 decide"}
    assert (tmp_path / "out" / "alliances.png").exists()
    assert "Security of learned policies: with pooled defence" in (tmp_path / "out" / "alliances.txt").read_text()


def test_smoke_sized_reference_games_are_played_with_the_trained_policies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    out, runs = tmp_path / "out", tmp_path / "runs"
    games = ["--smoke", "--out", str(out), "--runs", str(runs), "--only", "tournament", "challenges"]
    assert main(games) == 2 and "holds no finished run of science" in capsys.readouterr().err
    for world in ("intense", "doubly-safe"):
        for seed in (1, 2):
            scenario = Scenario.load(f"jervis/{world}")
            learner = fresh("heads", scenario)
            where = runs / "science__1-2__20260101-000000" / "jobs" / f"{world}__seed{seed}"
            where.mkdir(parents=True)
            save_bundle(where / "policy.sd", learner, scenario, training={"seed": seed}, name=where.name)
    assert main(games) == 0
    ranking = (out / "tournament" / "doubly-dangerous.txt").read_text()
    scores = (out / "challenges.txt").read_text()
    for entrant in ("dove", "hawk", "intense", "doubly-safe"):
        assert entrant in ranking and entrant in scores
    made = {path.name for path in (out / "tournament").iterdir()}
    assert {"doubly-dangerous.csv", "doubly-dangerous_payoffs.png", "doubly-dangerous_ecology.png"} <= made


def test_smoke_numbers_never_replace_the_real_ones() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "agents.publish.science", "--smoke"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2 and "--smoke needs --out" in done.stderr


def test_sides_are_judged_by_the_interval_over_seeds() -> None:
    shares = {"x-below": [0.99, 0.97, 0.98], "x-above": [0.01, 0.8, 0.4], "y-above": [0.9, 0.8, 0.95]}
    below, above, wrong = one_shot.judge({one_shot.SHARES: shares})
    assert (below.verdict, above.verdict, wrong.verdict) == ("supported", "undecided", "contradicted")
    assert below.claim == "x, trust below m: the learner attacks." and below.predicted == (0.5, None)
    assert wrong.claim == "y, trust above m: the learner waits." and wrong.predicted == (None, 0.5)


def test_the_rivals_of_the_one_shot_game_attack_if_they_are_greedy() -> None:
    wait = make("isolationist", safe=1.0)
    first, _ = success_probabilities(Scenario.load("games/one-shot"), 1.0, 0.2)
    for greed, attacks in ((1.5, 1), (0.0, 0)):
        scenario = Scenario.load("games/one-shot", {"states.greed": {"state_0": 0.0, "state_1": greed}})
        frame = play(scenario, [wait, WaitUnlessGreedy()], worlds=3, seed=1)
        assert frame["attacks_0"].tolist() == [0] * 3 and frame["attacks_1"].tolist() == [attacks] * 3
        lost = 0.5 * first + 0.15 if attacks else 0.0
        assert frame["return_0"].to_numpy() == pytest.approx(np.full(3, 1 - lost))


@pytest.mark.parametrize(
    ("pooled", "verdict"), [(0.95, "supported"), (0.5, "undecided"), (0.15, "contradicted"), (0.6, "undecided")]
)
def test_alliances_are_judged_by_the_interval_of_the_difference(pooled: float, verdict: str) -> None:
    # seeds .1 to either side: the difference's interval is .227 to either side (Welch, four degrees of freedom)
    middles = {"alone": 0.5, "pooled": pooled}
    report = {
        "worlds": {
            world: {who: {SECURITY: {"values": [x - 0.1, x, x + 0.1]}} for who in ("learned", "random")}
            for world, x in middles.items()
        }
    }
    learned, random = judge_alliances(report)
    assert learned.verdict == random.verdict == verdict
    assert "learned" in learned.claim and "random" in random.claim
    assert learned.value == pytest.approx(pooled - 0.5) and learned.count == 3


def test_the_threshold_is_that_of_the_reduction() -> None:
    scenario = Scenario.load("games/one-shot")
    first, both = success_probabilities(scenario, 1.0, 0.2)
    assert first == pytest.approx(2.52**2 / (2.52**2 + 1.3**2))
    assert both == pytest.approx(1.68**2 / (1.68**2 + 2.98**2))
    assert trust_threshold(scenario, 1.0, 0.2) == pytest.approx(1 - 0.15 / (0.5 * (first - both)))
    with pytest.raises(ValueError, match="is a range"):
        trust_threshold(scenario.with_overrides({"war.conquest": [0.1, 0.2]}), 1.0, 0.2)


def test_the_four_worlds_stand_where_calibration_puts_them() -> None:
    """m at the standing start: between 1/2 and trust where weapons do not tell; the distinguishable ones are safe."""
    turns = effective_turns(32)
    at_start = {
        name: trust_threshold(Scenario.load(f"jervis/{name}"), 0.0, 1.75, turns)
        for name in ("doubly-dangerous", "intense", "not-intense", "doubly-safe")
    }
    trust = 1.0 - Scenario.load("jervis/intense").motives.p_greedy  # type: ignore[operator]
    assert 0.5 < at_start["intense"] < at_start["doubly-dangerous"] < trust
    assert at_start["not-intense"] < 0.0 and at_start["doubly-safe"] < 0.0


def test_one_shot_config_is_at_m_plus_and_minus_15_hundredths() -> None:
    for choice in load_training(ROOT / "configs" / "one_shot.yaml").scenarios:
        scenario = Scenario.load(choice.scenario, choice.overrides)
        m = trust_threshold(scenario, 1.0, 0.2)
        trust = 1.0 - scenario.motives.p_greedy  # type: ignore[operator]
        assert trust - m == pytest.approx(-0.15 if choice.name.endswith("below") else 0.15, abs=1e-9)


@pytest.mark.parametrize("side", ["below", "above"])
def test_ppo_lands_on_the_predicted_side_of_m(side: str) -> None:
    """Smoke-sized: one technology, one seed; make science runs three technologies and five seeds."""
    share = share_of_attacks(load_training(ROOT / "configs" / "one_shot.yaml"), f"advantage-1.4-{side}", seed=1)
    assert (share > 0.5) == (side == "below"), share
