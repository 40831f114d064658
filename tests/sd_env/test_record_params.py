"""The parameters that a log holds are among those that its scenario may have."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sd_env.policies import RandomPolicy
from sd_env.record import LogError, files, read_log, record, write_log
from sd_env.scenario import Scenario, scenarios


@pytest.mark.parametrize(("name", "value"), [("levels", 1e18), ("horizon", None), ("conquest", -1.0)])
def test_parameters_that_the_scenario_does_not_have(name: str, value: float | None, tmp_path: Path) -> None:
    """Else a forged one could keep a measure busy for ever."""
    path = write_log(tmp_path / "a.jsonl", record(Scenario.load("jervis/intense", {"horizon": 2}), RandomPolicy(), 1))
    first, _, rest = path.read_bytes().partition(b"\n")
    header = json.loads(first)
    header["params"][name] = value
    path.write_bytes(files.sealed(json.dumps(header, separators=(",", ":")).encode() + b"\n" + rest))
    with pytest.raises(LogError, match=rf"line 1: .*{name}.* params|params {name}"):
        read_log(path)


def test_a_drawn_parameter_may_be_any_in_its_range(tmp_path: Path) -> None:
    scenario = Scenario.load("jervis/intense", {"horizon": [2, 3], "war.conquest": [0.2, 0.4]})
    for seed in range(6):
        log = record(scenario, RandomPolicy(), seed)
        assert read_log(write_log(tmp_path / "a.jsonl", log)).params.tobytes() == log.params.tobytes()


def test_the_catalogue_is_read_as_it_is_written(tmp_path: Path) -> None:
    for name in scenarios():
        log = record(Scenario.load(name, {"horizon": 1}), RandomPolicy(), 1)
        assert read_log(write_log(tmp_path / "a.jsonl", log)).params.tobytes() == log.params.tobytes(), name
