"""Verdicts: what starts that settled and are certified amount to, and why there is none otherwise."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from agents.commands.train import parse
from agents.evaluation.outcome import COOPERATES, RACES, SPIRALS
from agents.evaluation.report import write_report
from agents.evaluation.statistics import estimate
from agents.evaluation.verdict import Start, uncertified, unsettled, verdict
from agents.table.metrics import RATES
from agents.training.config import ConfigError
from agents.training.job import jobs_of
from agents.training.measure import errors_of, moved
from tests.agents.evaluation.test_report import certificate, result

#: With how many decimals arms are told here.
DECIMALS = {"arms": 2, "rate": 4}


def start(*outcomes: str, unsettled: str = "", uncertified: str = "") -> Start:
    return Start(outcomes, unsettled, uncertified)


@pytest.mark.parametrize(
    ("starts", "expected"),
    [
        ({"uniform": start(SPIRALS), "peaceful": start(SPIRALS)}, "spiral whatever the start"),
        ({"uniform": start(SPIRALS), "peaceful": start(COOPERATES)}, "spiral or cooperation, by the start"),
        ({"uniform": start(SPIRALS, COOPERATES), "peaceful": start(COOPERATES)}, "spiral or cooperation, by the seed"),
        ({"uniform": start(RACES, RACES)}, "arms race without war, from one start"),
        ({"uniform": start(SPIRALS, uncertified="beaten")}, "not certified"),
        (
            {"uniform": start(SPIRALS, uncertified="beaten"), "hostile": start(SPIRALS, unsettled="arms moved")},
            "not settled",
        ),
        ({"uniform": start(SPIRALS, unsettled="arms moved")}, "not settled"),
        (
            {"uniform": start(COOPERATES), "hostile": start(SPIRALS, uncertified="beaten")},
            "not certified (cooperation so far; hostile open)",
        ),
    ],
)
def test_a_verdict_rests_on_what_stands(starts: dict[str, Start], expected: str) -> None:
    assert verdict(starts) == expected


def test_shares_of_seeds() -> None:
    assert start(SPIRALS, COOPERATES, SPIRALS, SPIRALS).shares == {SPIRALS: 0.75, COOPERATES: 0.25}


def test_a_quantity_that_moves_by_more_than_its_interval_is_named() -> None:
    arms = {"arms": estimate([1.0, 1.2, 1.4])}  # half the interval: 4.3027 * .2 / sqrt 3 = .497
    errors = [{"arms": 0.0}] * 3
    assert unsettled(arms, [{"arms": 0.4}, {"arms": 0.5}, {"arms": 0.55}], errors, DECIMALS) == ""  # .483 on average
    assert "arms still moved by +0.51" in unsettled(
        arms, [{"arms": 0.5}, {"arms": 0.5}, {"arms": 0.53}], errors, DECIMALS
    )
    assert (
        unsettled(arms, [{"arms": -2.0}, {"arms": 2.0}, {"arms": 0.1}], errors, DECIMALS) == ""
    )  # noise of seeds is no drift


def test_one_seed_has_the_interval_of_its_worlds() -> None:
    one = {"arms": estimate([1.0])}
    assert unsettled(one, [{"arms": 0.019}], [{"arms": 0.01}], DECIMALS) == ""
    assert "still moved" in unsettled(one, [{"arms": 0.02}], [{"arms": 0.01}], DECIMALS)
    assert unsettled(one, [{"arms": math.nan}], [{"arms": 0.01}], DECIMALS).startswith("too short")
    assert unsettled(one, [{"arms": 0.0}], [{"arms": math.nan}], DECIMALS).startswith("too few worlds")
    assert unsettled(one, [{}], [{}], DECIMALS) != ""


def test_the_move_is_that_of_the_last_fifth() -> None:
    rows = [{"arms/s_total": float(k)} for k in range(20)]  # last fifth: 16, 17 | 18, 19
    assert moved(rows)["arms/s_total"] == 2.0
    assert moved([{"arms/s_total": 5.0 * (k < 16) + 1.0} for k in range(20)])["arms/s_total"] == 0.0
    assert math.isnan(moved(rows[:4])["arms/s_total"])


def test_errors_are_those_of_a_mean_over_worlds() -> None:
    """Metrics that are means over episodes have the standard error of a mean, near enough for 16 groups."""
    import numpy as np
    import pandas as pd

    from sd_env import layout

    draws = np.random.default_rng(1).normal(3.0, 2.0, (50, 1600))
    frames = [pd.DataFrame({name: np.ones(1600) for name in layout.TALLY} | {"wars": row}) for row in draws]
    found = np.mean([errors_of(frame)["outcome/wars"] for frame in frames])
    assert found == pytest.approx(2.0 / 40.0, rel=0.1)
    assert math.isnan(errors_of(frames[0].iloc[:20])["outcome/wars"])


def test_nothing_tried_is_no_certificate() -> None:
    assert uncertified([]) == "nothing was tried against these policies"
    assert uncertified(certificate("certified", 0.01)) == ""
    assert "beaten, +55.0%" in uncertified(certificate("beaten", 0.55))


def test_the_report_has_the_starts_and_their_verdict(tmp_path: Path) -> None:
    results = [
        result("intense", 1, outcome__ss_attacks=attacks) | {"path": path}
        for path, attacks in (("uniform", 0.2), ("peaceful", 0.0))
    ]
    sound = {"intense": {path: certificate("certified", 0.01) for path in ("uniform", "peaceful")}}
    theory = {"intense": {"t": "0.8", "m": "0.58", "m~(3)": "0.17"}}
    write_report(tmp_path, "title", results, {}, "", sound, theory)
    world = json.loads((tmp_path / "report.json").read_text())["worlds"]["intense"]
    assert world["verdict"] == "spiral or cooperation, by the start"
    assert world["outcome"] == "spiral" and world["starts"]["peaceful"]["outcomes"] == ["cooperation"]
    assert world["learned"]["outcome/ss_attacks"]["value"] == 0.2  # of the first path, which theory is held against
    text = (tmp_path / "table.txt").read_text()
    for words in ("uniform", "peaceful", "by the start", "0.58", "0.17", "1.0%"):
        assert words in text
    assert max(map(len, text.splitlines())) <= 132 and "\u2026" not in text
    sound["intense"]["peaceful"] = certificate("beaten", 0.55)
    write_report(tmp_path, "title", results, {}, "", sound, theory)
    assert "not certified (spiral so far; peaceful open)" in " ".join((tmp_path / "table.txt").read_text().split())
    assert "55.0% *" in (tmp_path / "table.txt").read_text()


def test_paths_are_jobs_of_their_own(tmp_path: Path) -> None:
    config, _ = parse(["--paths", json.dumps({"calm": {"learner.culture": "peaceful"}, "long": {"total_steps": 99}})])
    jobs = jobs_of(config, tmp_path)
    assert len(jobs) == 2 * len(config.scenarios) * len(config.seeds)
    assert {(job.path, job.config.learner.culture, job.config.total_steps) for job in jobs} >= {
        ("calm", "peaceful", config.total_steps),
        ("long", config.learner.culture, 99),
    }
    assert jobs[0].name == f"{jobs[0].choice.name}__calm__seed{config.seeds[0]}"
    assert not jobs[0].config.paths  # a bundle says how it was trained, and not how others were


@pytest.mark.parametrize(
    ("paths", "words"),
    [
        ({"calm": {"learner.cultur": "peaceful"}}, "paths.calm.learner.cultur is not a key"),
        ({"calm": {"seeds": [1]}}, "paths.calm.seeds is not a key"),
        ({"calm": {"learner.culture": "sleepy"}}, "paths.calm"),
        ({"calm": {"total_steps": 0}}, "paths.calm"),
        ({"calm": {"learner.gamma": 0.9}}, "paths.calm"),
        ({"a b": {}}, "paths"),
    ],
)
def test_bad_paths_are_one_sentence(paths: dict[str, dict[str, object]], words: str) -> None:
    with pytest.raises(ConfigError, match=words) as found:
        parse(["--paths", json.dumps(paths)])
    assert "\n" not in str(found.value)


def test_every_metric_moves_or_is_missing() -> None:
    assert set(moved([{}] * 20)) == set(RATES)


def test_what_does_not_move_the_last_decimal_that_is_told_has_not_moved() -> None:
    none = {"rate": estimate([0.0, 0.0, 0.0])}  # no event in any evaluation, so no width either
    assert unsettled(none, [{"rate": 4e-5}] * 3, [{}] * 3, DECIMALS) == ""
    assert "rate still moved by +6e-05" in unsettled(none, [{"rate": 6e-5}] * 3, [{}] * 3, DECIMALS)
