"""Settings that all tests share."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from agents import machine

# Before torch is imported: the tests already run one process a core, and networks this small are slower on two threads.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Pictures are drawn without a display.
os.environ.setdefault("MPLBACKEND", "Agg")

# A shell that starts the tests in the background has them ignore Ctrl-C, which some tests press.
signal.signal(signal.SIGINT, signal.default_int_handler)

# No deadline and no complaint about slow data: an example may be the first to compile a rule.
settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
# In CI the same examples every time, so that a failure is the change's own.
settings.register_profile("ci", parent=settings.get_profile("here"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


@pytest.fixture(scope="session", autouse=True)
def _one_process() -> Iterator[None]:
    """Work is done in this process, unless a test asks for two workers or more: each takes seconds to begin."""
    modules: dict[str, Any] = {name: sys.modules.get(f"agents.{name}") for name in ("work.units", "training.run")}
    with pytest.MonkeyPatch.context() as patch:
        for module in filter(None, (machine, *modules.values())):
            patch.setattr(module, "cores", lambda: 1)
        if (run := modules["training.run"]) is not None:  # without tests, even one worker is a process of its own
            from agents.work import in_turn

            several = run.in_processes
            patch.setattr(run, "in_processes", lambda task, units, n: (several if n > 1 else in_turn)(task, units, n))
        yield


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Slow tests run when they are asked for: by -m, or by name (tests/test_sdist.py::test_its_tests_run)."""
    if config.option.markexpr:
        return
    named = {str(arg).partition("::")[2].partition("[")[0] for arg in config.invocation_params.args} - {""}
    left_out = [
        item for item in items
        if item.get_closest_marker("slow") and item.nodeid.partition("::")[2].partition("[")[0] not in named
    ]  # fmt: skip
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
