"""Environments of their own for the libraries of others: made once of pinned versions, or a sentence that says why not.

Versions stand in a file of requirements and are installed as they are written, without their dependencies, so that an
installer has nothing to choose or to go back on. sd-env itself is not among them: it is played from the folder.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
#: Seconds after which an installation, or what runs in an environment, is given up.
PATIENCE: Final = 3600


def environment(requirements: Path, folder: Path) -> tuple[Path, str]:
    """The Python of an environment with these requirements, made if need be, and why there is none, or "".

    It is made anew when the file of requirements has changed since. A ``constraints.txt`` beside that file holds where
    a package is built, too.

    Args:
        requirements: file of pinned versions.
        folder: where the environment is, or will be.
    """
    python = folder / "bin" / "python"
    if ready(requirements, folder):
        return python, ""
    constraints = requirements.with_name("constraints.txt")
    pip = [python, "-m", "pip", "install", "--disable-pip-version-check", "--no-deps", "-r", requirements]
    for command in ([sys.executable, "-m", "venv", "--clear", folder], pip):
        done = run([str(word) for word in command], PIP_CONSTRAINT=str(constraints) if constraints.is_file() else "")
        (folder / "setup.log").write_text(done.stdout + done.stderr, encoding="utf-8")
        if done.returncode:
            return python, reason(done.stdout + done.stderr)
    (folder / "made-of.txt").write_text(requirements.read_text(encoding="utf-8"), encoding="utf-8")
    return python, ""


def ready(requirements: Path, folder: Path) -> bool:
    """Whether the environment is there and is of these very requirements."""
    made_of = folder / "made-of.txt"
    return made_of.is_file() and made_of.read_text(encoding="utf-8") == requirements.read_text(encoding="utf-8")


def pinned(requirements: Path, distribution: str) -> str:
    """Version of a distribution in a file of requirements; "" if it is not pinned there."""
    text = requirements.read_text(encoding="utf-8")
    found = re.search(rf"^{re.escape(distribution)}(?:\[\w+\])?==(\S+)", text, re.M | re.I)
    return found[1] if found else ""


def reason(said: str) -> str:
    """The sentence in which a program says why it failed: its last error, on one line."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    raised = [line for line in lines if re.match(r"(\w+\.)*\w*(Error|Exception)\b", line)]
    errors = [line for line in lines if re.match(r"ERROR|error:", line)]
    fatal = [line for line in lines if line.startswith("fatal:")]  # git's
    return " ".join((raised or fatal or errors or lines or ["nothing was said"])[-1].split())[:300]


def run(command: Sequence[str], **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the project's folder and wait for it; what takes too long ended with 124 and says so."""
    try:
        return subprocess.run(
            command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, timeout=PATIENCE
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 124, "", f"ERROR: not done after {PATIENCE} s")
