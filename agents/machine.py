"""What the machine has, as far as this process may use it."""

from __future__ import annotations

import os
import platform


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def described() -> str:
    """The machine in the words of a published result."""
    return f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}"
