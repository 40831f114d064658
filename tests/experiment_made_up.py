"""An experiment that nobody runs, and tables of results with numbers made up, for tests of the experiments' parts."""

from __future__ import annotations

from typing import Any

import pandas as pd

from agents.experiments import Experiment


def made(**changes: Any) -> dict[str, Any]:
    data: dict[str, Any] = {
        "name": "made-up",
        "title": "Made up",
        "rows": ["Anarchy"],
        "description": "For tests.",
        "sources": ["Nobody (2026)."],
        "scenario": "jervis/doubly-dangerous",
        "grid": {"motives.p_greedy": [0.0, 0.2, 0.6], "war.first_strike": [0.0, 0.5]},
        "seeds": [1, 2, 3],
        "predictions": [
            {"claim": "It rises.", "measure": "outcome/ss_attacks", "along": "motives.p_greedy", "expect": "rises"}
        ],
        "picture": {"x": "motives.p_greedy", "measures": ["outcome/ss_attacks"]},
    }
    return data | changes


def experiment(**changes: Any) -> Experiment:
    return Experiment.model_validate(made(**changes))


def rows(asked: Experiment, value: Any, policies: str = "own") -> pd.DataFrame:
    """A tidy table in which every measure of a cell and seed is ``value(labels, seed)``."""
    return pd.DataFrame(
        [
            {**cell.labels, "policies": policies, "seed": seed, "given": "", "measure": prediction.measure,
             "value": value(cell.labels, seed), "episodes": 8}
            for cell in asked.cells() for seed in asked.seeds for prediction in asked.predictions[:1]
        ]
    )  # fmt: skip
