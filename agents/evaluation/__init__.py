"""Measuring policies: evaluation in fresh worlds, outcomes and predictions, and the report at the end of a run."""
