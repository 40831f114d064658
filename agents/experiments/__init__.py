"""Experiments: a prediction of theory, the worlds in which it is tried, and how it is judged, one YAML file each.

``sd-env experiment NAME`` trains policies in every cell of the grid, plays them, and says of each prediction whether
it is supported, contradicted or undecided (docs/experiments.md).
"""

from agents.experiments.language import (
    Cell,
    Expectation,
    Experiment,
    ExperimentError,
    Setup,
    experiments,
    load_experiment,
)

__all__ = ["Cell", "Expectation", "Experiment", "ExperimentError", "Setup", "experiments", "load_experiment"]
