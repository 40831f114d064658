"""Measuring policies: evaluation in fresh worlds, verdicts, and the report at the end of a run."""
