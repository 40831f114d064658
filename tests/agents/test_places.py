"""Places that are not as one would like them: more of this in test_compiled_cache and in ``make test-container``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["strategies", "dove"], 0, ""),
        (["tournament", "dove", "hawk", "--scenario", "games/one-shot", "--out", "o"], 2, "No such file or directory"),
    ],
)
def test_a_working_folder_that_was_deleted_is_no_traceback(
    words: list[str], code: int, said: str, tmp_path: Path
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    program = f"import os, sys; os.rmdir({str(gone)!r}); from agents.cli import main; sys.exit(main({words!r}))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run([sys.executable, "-c", program], cwd=gone, env=environment, capture_output=True, text=True)
    assert ran.returncode == code, ran.stderr
    assert said in ran.stderr and ran.stderr.count("\n") == bool(said)
