"""What is raised of a policy."""

from __future__ import annotations


class PolicyError(ValueError):
    """A policy that cannot be, or that does not fit: one sentence."""
