"""The lock files: exact versions, each with the SHA-256 of every file that may be installed for it.

    python -m tools.lock                      hashes for the versions that the lock files pin
    python -m tools.lock --wheel torch.whl    and those of files that the index does not have

Versions are pinned by hand, a line each, and kept in order; uv asks the package index for the files of each version, of
all platforms and Pythons. Hashes that a version had stay: files that came from elsewhere are known by them alone.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from packaging.utils import canonicalize_name, parse_wheel_filename

from agents.files import write_text

ROOT: Final = Path(__file__).parents[1]
LOCKS: Final = ("requirements.lock", "requirements-lowest.lock", "benchmarks/requirements.lock")
#: Whose files in the index need what is not pinned, as torch for CUDA does. Known are those of ``--wheel``.
FROM_ELSEWHERE: Final = frozenset({"torch"})
#: Of the Python that the pins are made for; the hashes are those of all.
PYTHON: Final = "3.11.7"
_PIN: Final = re.compile(r"([A-Za-z0-9._-]+)==([0-9][A-Za-z0-9.]*)((?: \\\n    --hash=sha256:[0-9a-f]{64})*)\n")
_HASH: Final = re.compile(r"sha256:([0-9a-f]{64})")


class LockError(ValueError):
    """A lock file or a wheel that cannot be used: one sentence."""


def main(argv: Sequence[str] | None = None) -> int:
    """Write the lock files anew; returns 0, or 2 if something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tools.lock", description="Hashes for the pins of the lock files.")
    parser.add_argument("--wheel", nargs="+", default=[], type=Path, metavar="FILE", help="files that the index lacks")
    given = parser.parse_args(argv)
    try:
        extra = dict(map(_wheel, given.wheel))
        for name in LOCKS:
            path = ROOT / name
            head, pins = read(path)
            found = _asked([f"{name}=={version}" for name, version in pins if name not in FROM_ELSEWHERE])
            write_text(path, written(head, pins, (found, {key: {value} for key, value in extra.items()})))
    except LockError as error:
        print(f"lock: {error}", file=sys.stderr)
        return 2
    return 0


def read(path: Path) -> tuple[str, dict[tuple[str, str], set[str]]]:
    """What a lock file says before its pins, and its pins: name and version -> hashes, hexadecimal.

    Raises:
        LockError: for a line that is no pin, or a name that is pinned twice.
    """
    text = path.read_text(encoding="utf-8")
    head = "".join(line for line in text.splitlines(keepends=True) if line.startswith("#"))
    body = text.removeprefix(head)
    pins = {(found[1], found[2]): set(_HASH.findall(found[3])) for found in _PIN.finditer(body)}
    if left := _PIN.sub("", body).strip():
        raise LockError(
            f"{path.name} has {left.splitlines()[0]!r}, which is no pin; NAME==VERSION is, with its hashes."
        )
    names = [canonicalize_name(name) for name, _ in pins]
    if double := next((name for name in names if names.count(name) > 1), None):
        raise LockError(f"{path.name} pins {double} twice.")
    return head, pins


def written(
    head: str, pins: dict[tuple[str, str], set[str]], more: Iterable[dict[tuple[str, str], set[str]]] = ()
) -> str:
    """The text of a lock file: its pins with the hashes that they had and those that there are ``more``."""
    more = [{(canonicalize_name(name), version): hashes for (name, version), hashes in each.items()} for each in more]
    lines = []
    for (name, version), hashes in pins.items():
        every = hashes.union(*(each.get((canonicalize_name(name), version), set()) for each in more))
        lines.append(" \\\n    ".join([f"{name}=={version}", *(f"--hash=sha256:{each}" for each in sorted(every))]))
    return head + "".join(f"{line}\n" for line in lines)


def _asked(pins: Iterable[str]) -> dict[tuple[str, str], set[str]]:
    """The hashes that the package index has of each pin."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "-", "--no-config", "--no-deps", "--generate-hashes"]
    command += ["--no-header", "--no-annotate", "--no-emit-index-url", "--quiet", "--python-version", PYTHON]
    done = subprocess.run(command, input="\n".join(pins), capture_output=True, text=True, check=False)
    if done.returncode:
        raise LockError(f"uv says: {' '.join(done.stderr.split())}")
    return {(found[1], found[2]): set(_HASH.findall(found[3])) for found in _PIN.finditer(done.stdout)}


def _wheel(path: Path) -> tuple[tuple[str, str], str]:
    try:
        name, version, *_ = parse_wheel_filename(path.name)
        return (name, version.public), hashlib.sha256(path.read_bytes()).hexdigest()
    except (ValueError, OSError) as error:
        raise LockError(f"--wheel {path}: {error}.") from None


if __name__ == "__main__":
    sys.exit(main())
