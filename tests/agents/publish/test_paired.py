"""Ways to learn side by side: smoke-sized runs leave their results, and what is expected is judged by the seeds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from agents.evaluation.outcome import ATTACKS, SPIRAL
from agents.evaluation.report import as_text
from agents.publish import fast_path, science, shaping
from agents.publish.paired import Comparison
from agents.training.config import load_training

ROOT = Path(__file__).parents[3]
COMPARISONS = [fast_path.COMPARISON, shaping.COMPARISON]


@pytest.mark.slow
@pytest.mark.parametrize("of", COMPARISONS, ids=lambda of: of.name)
def test_smoke_sized_it_leaves_its_results_and_judges_them_again(
    of: Comparison, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    out, runs = tmp_path / "out", tmp_path / "runs"
    where = ["--out", str(out)]
    assert science.main(["--only", of.name, "--smoke", *where, "--runs", str(runs)]) == 0
    report = json.loads((out / f"{of.name}.json").read_text())
    config = load_training(of.name)
    assert set(report["scores"]) == set(config.paths)
    for worlds in report["scores"].values():
        assert set(worlds) == {choice.name for choice in config.scenarios}
        assert all(len(numbers) == 2 for measures in worlds.values() for numbers in measures.values())
    assert {each["reason"] for each in report["predictions"]} == {"2 seeds, where at least 3 decide"}
    text = (out / f"{of.name}.txt").read_text()
    assert of.title in text and "AlignedPPO" in text if of.name == "shaping" else "FastPPO" in text
    before = (out / f"{of.name}.txt").read_bytes()
    assert science.main(["--only", of.name, "--rejudge", *where]) == 0
    assert (out / f"{of.name}.txt").read_bytes() == before
    capsys.readouterr()


def test_smoke_numbers_never_replace_the_real_ones_and_there_must_be_some_to_judge_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        science.main(["--only", "shaping", "--smoke"])
    assert left.value.code == 2 and "--smoke needs --out" in capsys.readouterr().err
    assert science.main(["--only", "shaping", "--rejudge", "--out", str(tmp_path)]) == 2
    assert "shaping.json is not there" in capsys.readouterr().err


def test_both_learners_differ_in_nothing_but_alignment() -> None:
    config = load_training("shaping")
    assert len(config.seeds) >= 10 and config.scenarios[0].scenario == "jervis/doubly-dangerous"
    for mine, theirs in shaping.STARTS.values():
        own, other = config.along(mine).model_dump(), config.along(theirs).model_dump()
        assert own["learner"].pop("algorithm") == "AlignedPPO" and other["learner"].pop("algorithm") == "PPO"
        for name in ("align_weight", "align_decay"):
            assert own["learner"].pop(name) is not None and other["learner"].pop(name) is None
        assert own == other


def made_up(attacks: Mapping[str, list[float]]) -> dict[str, Any]:
    """Scores in which nothing differs but how often security seekers attack."""
    seeds = len(next(iter(attacks.values())))
    same: dict[str, list[float | None]] = {name: [1.0] * seeds for name in shaping.MEASURES}
    worlds = {
        path: {
            shaping.DANGEROUS: same
            | {
                shaping.SEEKERS_ATTACK: list(numbers),
                shaping.SPIRALS: [shaping.spirals({ATTACKS: number}) for number in numbers],
            },
            shaping.DILEMMA: same | {shaping.SEEKERS_ATTACK: [None] * seeds, shaping.SPIRALS: [None] * seeds},
        }
        for path, numbers in attacks.items()
    }
    return {"title": "t", "command": "c", "scores": worlds, "predictions": []}


def test_what_is_expected_is_judged_by_the_same_seeds() -> None:
    report = made_up(
        {
            "ppo": [0.0, 0.0, 0.001, 0.0],
            "aligned": [0.02, 0.05, 0.03, 0.04],
            "ppo-hostile": [0.2, 0.3, 0.25, 0.21],
            "aligned-hostile": [0.001, 0.02, 0.001, 0.002],
        }
    )
    found = {(each.claim.partition(":")[0], each.measure.partition(",")[0]): each for each in shaping.judge(report)}
    assert len(found) == len(shaping.EXPECTED)
    assert found["doubly-dangerous, even start", shaping.SEEKERS_ATTACK].verdict == "contradicted"
    assert found["doubly-dangerous, hostile start", shaping.SEEKERS_ATTACK].verdict == "supported"
    spirals = found["doubly-dangerous, hostile start", shaping.SPIRALS]
    assert spirals.value == -0.75 and spirals.verdict == "undecided"  # three of four seeds are too few for a t interval
    assert found["repeated-pd, even start", shaping.DEFECTS].verdict == "undecided"  # no difference at all
    text = as_text(shaping.shown(report))
    assert "even start" in text and "hostile start" in text and "0.240 [" in text and "nan" not in text


def test_a_spiral_begins_where_outcomes_say() -> None:
    assert [shaping.spirals({ATTACKS: each}) for each in (SPIRAL, SPIRAL - 1e-9)] == [1.0, 0.0]
    assert shaping.spirals({ATTACKS: None}) != shaping.spirals({ATTACKS: None})  # NaN


def test_a_return_within_the_margin_is_not_below() -> None:
    def scores(fast: list[float]) -> dict[str, Any]:
        numbers = {"fast": fast, "sb3": [30.0, 31.0, 29.0]}
        return {"scores": {path: {"w": {fast_path.RETURN: each}} for path, each in numbers.items()}}

    assert [each.verdict for each in fast_path.judge(scores([29.9, 30.8, 28.9]))] == ["supported"]
    assert [each.verdict for each in fast_path.judge(scores([25.0, 26.1, 24.0]))] == ["contradicted"]
