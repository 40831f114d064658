"""What earlier runs found, kept as long as nothing that it depends on has changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from agents.files import write_json
from tools.mutants.swap import Hit


@dataclass
class Baseline:
    """A test on the unchanged code.

    Attributes:
        digest: of all that it depends on.
        outcome: ``passed``, or why it cannot be used.
        seconds: of processor time.
        hits: the statements that it reaches.
    """

    digest: str
    outcome: str
    seconds: float
    hits: frozenset[Hit]


@dataclass
class Verdict:
    """What became of a mutant.

    Attributes:
        outcome: ``killed``, ``timed out`` or ``survived``.
        test: that killed it; empty if the changed module could not even be loaded.
        digest: of what that test depends on.
        passed: digests of the tests that did not notice.
    """

    outcome: str
    test: str = ""
    digest: str = ""
    passed: list[str] = field(default_factory=list)


@dataclass
class Kept:
    """The file of what is known: tests on the unchanged code by their name, mutants by their key."""

    path: Path
    tests: dict[str, Baseline] = field(default_factory=dict)
    mutants: dict[str, Verdict] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Kept:
        """What ``path`` holds; nothing if there is no such file."""
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        tests = {name: Baseline(**each) for name, each in data.get("tests", {}).items()}
        for name, each in tests.items():
            lines: dict[str, list[int]] = data["tests"][name]["hits"]
            each.hits = frozenset((file, line) for file in lines for line in lines[file])
        return cls(path, tests, {key: Verdict(**each) for key, each in data.get("mutants", {}).items()})

    def write(self) -> None:
        """Write the file whole."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        tests = {name: {**asdict(each), "hits": _by_file(each.hits)} for name, each in self.tests.items()}
        write_json(self.path, {"tests": tests, "mutants": {key: asdict(each) for key, each in self.mutants.items()}})


def _by_file(hits: Iterable[Hit]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for file, line in sorted(hits):
        found.setdefault(file, []).append(line)
    return found


@dataclass(frozen=True)
class Digests:
    """Hashes of a project's files: of each file of tests, and of all else."""

    rest: str
    tests: Mapping[str, str]

    @classmethod
    def of(cls, root: Path, folders: Iterable[str], marked: Iterable[str]) -> Digests:
        """Of the files in these folders of ``root``; ``marked`` are the modules whose statements are told."""
        rest, tests = hashlib.sha256("\n".join(marked).encode()), {}
        for folder in sorted(set(folders)):
            for path in sorted((root / folder).rglob("*")):
                if path.is_dir() or "__pycache__" in path.parts or path.suffix in (".nbi", ".nbc"):
                    continue
                name, content = path.relative_to(root).as_posix(), path.read_bytes()
                if path.name.startswith("test_"):
                    tests[name] = hashlib.sha256(content).hexdigest()
                else:
                    rest.update(name.encode() + b"\0" + content)
        return cls(rest.hexdigest(), tests)

    def of_test(self, name: str) -> str:
        """Of all that the test depends on: its own file, and all that is no file of tests; and the test's name."""
        return hashlib.sha256(f"{self.rest} {name} {self.tests.get(name.partition('::')[0])}".encode()).hexdigest()[:16]
