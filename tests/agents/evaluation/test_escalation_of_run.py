"""The escalation rows of a run's report."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from agents.evaluation import escalation_of_run as module
from agents.evaluation.report import as_text
from agents.training.config import TrainingConfig
from agents.training.job import Job

ROOT = Path(__file__).parents[3]


@dataclasses.dataclass(frozen=True)
class Scripted(Job):
    """A job whose final policy is a strategy."""

    policy: str = "tit-for-tat"

    def bundles(self) -> dict[str, Any]:
        return {"all": self.policy}


def settings(**changes: Any) -> TrainingConfig:
    data = yaml.safe_load((ROOT / "configs" / "smoke.yaml").read_text(encoding="utf-8"))
    return TrainingConfig.model_validate({**data, "workers": 1, **changes})


def test_each_policy_has_a_row_with_its_nulls(tmp_path: Path) -> None:
    config = settings(overrides={"motives.p_greedy": 0.0})
    first, second = config.scenarios
    jobs: list[Job] = [
        Scripted(config, first, 1, tmp_path, policy="tit-for-tat"),
        Scripted(config, first, 2, tmp_path, policy="never-attack"),
        Scripted(config, second, 1, tmp_path, policy="dove"),
    ]
    found = module.escalation_of_run(config, tmp_path, jobs)
    assert found is not None
    lines = as_text(found).splitlines()
    assert max(map(len, lines)) <= 132 and not any("…" in line for line in lines)
    rows = [k for k, line in enumerate(lines) if line.strip().startswith(("doubly-dangerous, ", "doubly-safe, "))]
    assert [lines[k].split("  ")[0].strip() for k in rows] == [
        "doubly-dangerous, tit-for-tat", "doubly-dangerous, never-attack", "doubly-safe, dove"
    ]  # fmt: skip
    # who keeps pace multiplies the shields it is given, never-attack does not; beside M the null is 1, beside eta 0
    multipliers = [float(lines[k].split("[")[0].split()[-1]) for k in rows]
    assert multipliers[0] > 1.05 and multipliers[1] == 1.0
    assert [lines[k + 1].split() for k in rows] == [[*["-,", "1.00"] * 2, *["0.00,", "0.00"] * 2, "-,", "-"]] * 3
    kept = pd.read_csv(tmp_path / "escalation.csv")
    assert set(kept["world"]) == {"doubly-dangerous", "doubly-safe"} and set(kept["policy"]) == {
        "tit-for-tat", "never-attack", "dove"
    }  # fmt: skip
    # a run that goes on has more policies than it had: nothing stands in their way
    assert module.escalation_of_run(config, tmp_path, jobs[:1]) is not None
    assert set(pd.read_csv(tmp_path / "escalation.csv")["policy"]) == {"tit-for-tat"}


def test_a_world_without_two_seekers_says_so_and_several_parties_have_no_rows(tmp_path: Path) -> None:
    config = settings(overrides={"motives.p_greedy": 1.0, "horizon": 2})
    jobs: list[Job] = [Scripted(config, config.scenarios[0], 1, tmp_path)]
    found = module.escalation_of_run(config, tmp_path, jobs)
    assert found is not None and "no world has two security seekers at peace" in " ".join(as_text(found).split())
    apart = settings(population={"mode": "independent"})
    assert module.escalation_of_run(apart, tmp_path, jobs) is None
