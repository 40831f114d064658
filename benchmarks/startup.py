"""(d) Start-up: importing sd_env, and compiling its rules the first time and every later time.

Each repeat is a fresh interpreter. "First" compiles into an empty folder, which ``NUMBA_CACHE_DIR`` names; "later"
finds the compiled code there.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from benchmarks.engine import SCENARIO
from benchmarks.harness import Report

IMPORT_CLAIM: Final = 1.0
COMPILE_CLAIM: Final = 15.0

_IMPORT: Final = """
import time
start = time.perf_counter()
import sd_env
print(time.perf_counter() - start)
"""
#: Everything that sd_env offers is imported when first named; this names it all.
_IMPORT_ALL: Final = _IMPORT.replace("import sd_env", "from sd_env import *")
_COMPILE: Final = f"""
import time
import numpy as np
from sd_env import layout, load_scenario
from sd_env.worlds import Worlds
scenario = load_scenario({SCENARIO!r})
start = time.perf_counter()
worlds = Worlds(scenario, 1, seed=0)
worlds.reset()
worlds.step(np.array([[layout.noop(worlds.num_states)] * worlds.num_states]))
print(time.perf_counter() - start)
"""
_ROOT: Final = Path(__file__).parent.parent


def seconds_of(program: str, cache: Path | None = None) -> float:
    """Run a program that prints seconds, in a fresh interpreter, with numba's cache in ``cache``.

    Raises:
        RuntimeError: if the program fails; with its own last line.
    """
    environment = dict(os.environ)
    if cache is not None:
        environment["NUMBA_CACHE_DIR"] = str(cache)
    command = [sys.executable, "-c", program]
    ran = subprocess.run(command, cwd=_ROOT, env=environment, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        raise RuntimeError(f"A fresh interpreter failed: {ran.stderr.strip().splitlines()[-1]}")
    return float(ran.stdout)


def run(smoke: bool, repeats: int) -> Report:
    """Measure the import and, unless it is only a smoke test, compilation into an empty and from a full cache."""
    report = Report("startup", "Start-up: fresh interpreters")
    report.settings = {"scenario": SCENARIO, "repeats": repeats}
    seconds_of(_IMPORT_ALL)  # so that files are in memory and byte-compiled, as they are from the second time on
    for name, program in (("import sd_env", _IMPORT), ("from sd_env import *: all that it offers", _IMPORT_ALL)):
        report.duration(name, [seconds_of(program) for _ in range(repeats)], at_most=IMPORT_CLAIM)
    if smoke:
        report.notes.append("Compilation left out of the smoke test.")
        return report
    first, later = [], []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as cache:
            first.append(seconds_of(_COMPILE, Path(cache)))
            later.append(seconds_of(_COMPILE, Path(cache)))
    report.duration("first reset and step, compiling", first, at_most=COMPILE_CLAIM)
    report.duration("first reset and step, from the cache", later)
    return report
