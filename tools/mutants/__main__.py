"""Mutation testing: change one operator, number or statement at a time and see which tests notice.

Rules run uncompiled, in children of one process that has everything loaded. Each mutant meets the tests that reach its
statement, the cheapest first, until one fails. Results are kept in runs/mutants/ and taken up again.
"""

from __future__ import annotations

import os

if __name__ == "__main__":  # whoever imports this keeps compiled rules
    os.environ["NUMBA_DISABLE_JIT"] = "1"  # before anything imports numba
    os.environ["CI"] = "1"  # the same examples of every property each time

import argparse
import gc
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from glob import glob
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, settings

from agents.files import write_text
from tools.mutants import report, trial
from tools.mutants.kept import Baseline, Digests, Kept, Verdict
from tools.mutants.operators import Mutant, mutants, mutated
from tools.mutants.rows import with_rows
from tools.mutants.swap import Hit, SwapError, Swapper

TARGETS: Final = ("sd_env/rules/*.py", "sd_env/measures/*.py", "agents/experiments/quantities.py",
                  "agents/evaluation/outcome.py", "agents/evaluation/predictions.py")  # fmt: skip
#: How rules are compiled is no rule.
NOT_RULES: Final = ("sd_env/rules/compiled.py",)
_OF_RULES: Final = ("rules", "heads", "levels", "perception", "beliefs", "golden", "measures")
TESTS: Final = (
    *(f"tests/sd_env/test_{name}*.py" for name in _OF_RULES),
    *(f"tests/agents/evaluation/test_{name}.py" for name in ("outcome", "predictions")),
    *(f"tests/agents/experiments/test_experiments{part}.py" for part in ("", "_judged", "_language", "_page")),
    "tests/agents/experiments/test_quantities.py",
)
TABLE: Final = Path("docs/results/mutants.txt")
KEPT: Final = Path("runs/mutants/kept.json")
WRITE_EVERY: Final = 20.0  # seconds


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    made.add_argument("--only", action="append", metavar="FILE", help="mutants of this module alone; may be repeated")
    made.add_argument("--line", type=int, action="append", help="and of this line of it alone; may be repeated")
    made.add_argument("--sample", type=int, metavar="N", help="N mutants of each module, drawn by --seed")
    made.add_argument("--seed", type=int, default=0)
    made.add_argument("--tests", nargs="+", default=list(TESTS), metavar="PATH", help="files or folders of tests")
    made.add_argument("--jobs", type=int, default=1, metavar="N", help="processes at a time (default 1)")
    made.add_argument("--budget", type=float, default=20.0, metavar="SECONDS", help="of tests against one mutant")
    made.add_argument("--longest", type=float, default=5.0, metavar="SECONDS", help="leave out tests above this")
    made.add_argument("--kept", type=Path, default=KEPT, metavar="FILE", help="where results are kept")
    return made


class Run:
    """One run, started by pytest once the tests are collected."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args, self.root = args, Path.cwd()
        default = [path.as_posix() for pattern in TARGETS for path in sorted(Path().glob(pattern))]
        default = [file for file in default if file not in NOT_RULES]
        files: list[str] = args.only or default
        marked = default if set(files) <= set(default) else files
        self.sources = {file: Path(file).read_text(encoding="utf-8") for file in marked}
        everything = [mutant for file in files for mutant in mutants(file, self.sources[file])]
        self.reasons = report.equivalents(everything)
        self.chosen = self._choose(everything)
        folders = [path.split("/")[0] for path in (*marked, *args.tests) if "/" in path] or ["."]
        self.digests = Digests.of(self.root, folders, self.sources)
        self.kept = Kept.read(args.kept)
        self.written = 0.0
        self.text = ""

    def _choose(self, everything: list[Mutant]) -> list[Mutant]:
        chosen = [each for each in everything if not self.args.line or each.line in self.args.line]
        if self.args.sample is None:
            return chosen
        kept = []
        for file in dict.fromkeys(each.file for each in chosen):
            of_file = [each for each in chosen if each.file == file]
            drawn = random.Random(f"{self.args.seed} {file}").sample(of_file, min(self.args.sample, len(of_file)))
            kept += [each for each in of_file if each in drawn]
        return kept

    def pytest_collection(self) -> None:
        """Before tests are loaded: no time for the smallest example, one is enough; and fast records."""
        settings.register_profile(
            "mutants", derandomize=True, database=None, deadline=None, phases=(Phase.explicit, Phase.generate),
            suppress_health_check=[HealthCheck.too_slow],
        )  # fmt: skip
        settings.load_profile("mutants")
        if any(file.startswith("sd_env/") for file in self.sources):
            worlds = import_module("sd_env.worlds")
            for name in ("step_worlds", "reset_worlds"):
                setattr(worlds, name, with_rows(getattr(worlds, name)))

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Instead of running the tests: run them on the unchanged code, then against each mutant."""
        if session.testsfailed:
            raise pytest.UsageError("some tests cannot be collected; run them with pytest to see why")
        self.items = {item.nodeid: item for item in session.items}
        self.swapper = Swapper(self.root, self.sources)
        gc.freeze()  # what children share with this process stays shared
        self.measure()
        self.usable = {name for name in self.items if self.kept.tests[name].outcome == trial.PASSED}
        self.reaching: dict[Hit, set[str]] = defaultdict(set)  # names of the tests that run a statement
        for name in self.usable:
            for hit in self.kept.tests[name].hits:
                self.reaching[hit].add(name)
        self.try_all()
        outcomes = {each.key: self.outcome(each) for each in self.chosen}
        self.text = report.table(self.chosen, outcomes, self.reasons, len(self.usable))
        return True

    def outcome(self, mutant: Mutant) -> str:
        """What is known of it."""
        return report.EQUIVALENT if mutant.key in self.reasons else self.kept.mutants[mutant.key].outcome

    def write(self, now: bool = False) -> None:
        """Keep what is known, from time to time."""
        if now or time.monotonic() - self.written > WRITE_EVERY:
            self.kept.write()
            self.written = time.monotonic()

    def measure(self) -> None:
        """Run each test on the unchanged code: how long it takes, and which statements it reaches."""

        def mark() -> Callable[[], Any]:
            hits: set[Hit] = set()
            self.swapper.mark(hits.add)
            return lambda: frozenset(hits)

        def needed() -> Iterator[trial.Trial]:
            for name, item in self.items.items():
                known = self.kept.tests.get(name)
                if known is None or known.digest != self.digests.of_test(name):
                    yield trial.Trial(name, [(item, self.args.longest)], mark)

        for done, found in trial.run(needed(), self.args.jobs):
            hits = found.report or frozenset()
            self.kept.tests[done.name] = Baseline(self.digests.of_test(done.name), found.outcome, found.seconds, hits)
            say(f"unchanged: {done.name} {found.outcome} {found.seconds:.1f} s {found.why}")
            self.write()
        self.write(now=True)
        unusable = [name for name in self.items if self.kept.tests[name].outcome != trial.PASSED]
        for name in unusable:
            print(f"left out: {name} ({self.kept.tests[name].outcome})")

    def tests_for(self, mutant: Mutant) -> list[str]:
        """Tests that reach the mutant, the most promising first, as many as the budget allows."""

        def price(name: str) -> float:
            return self.kept.tests[name].seconds / (1 + self.kills[mutant.file, mutant.function, name])

        known = self.kept.mutants.get(mutant.key, Verdict(""))
        # what runs only when a module is loaded may show in any test
        reaching = sorted(self.reaching.get((mutant.file, mutant.statement), self.usable))
        found, spent = [], 0.0
        for name in sorted(reaching, key=lambda name: (name != known.test, price(name))):
            seconds = self.kept.tests[name].seconds
            if spent + seconds <= self.args.budget:
                found.append(name)
                spent += seconds
        return found

    def left(self) -> Iterator[trial.Trial]:
        """What is to be tried: mutants not killed by a test as it is, against the tests that they have not passed."""
        for mutant in self.chosen:
            known = self.kept.mutants.get(mutant.key, Verdict(""))
            killer = known.test if known.test in self.usable else ""
            if mutant.key in self.reasons or (killer and known.digest == self.digests.of_test(killer)):
                continue
            names = [name for name in self.tests_for(mutant) if self.digests.of_test(name) not in known.passed]
            if names or known.outcome != report.SURVIVED:
                limits = [max(trial.LEAST, trial.PATIENCE * self.kept.tests[name].seconds) for name in names]
                items = [self.items[name] for name in names]
                yield trial.Trial(mutant.key, list(zip(items, limits, strict=True)), self.putting(mutant))

    def putting(self, mutant: Mutant) -> Callable[[], Callable[[], Any]]:
        """What puts the mutant into a child."""

        def put() -> Callable[[], Any]:
            anew = (mutant.file, mutant.statement) not in self.reaching
            self.swapper.put(mutant.file, mutated(self.sources[mutant.file], mutant), anew=anew)
            return lambda: None

        return put

    def try_all(self) -> None:
        """Try each mutant that is not known yet."""
        by_key = {each.key: each for each in self.chosen}
        self.kills = Counter(
            (mutant.file, mutant.function, self.kept.mutants[key].test)
            for key, mutant in by_key.items()
            if key in self.kept.mutants
        )
        outcomes = {trial.FAILED: report.KILLED, trial.TIMED_OUT: report.TIMED_OUT, trial.PASSED: report.SURVIVED}
        for done, found in trial.run(self.left(), self.args.jobs):
            mutant, outcome = by_key[done.name], outcomes[found.outcome]
            if outcome != report.SURVIVED:
                self.kills[mutant.file, mutant.function, found.test] += 1
                verdict = Verdict(outcome, found.test, self.digests.of_test(found.test))
            else:
                names = [item.nodeid for item, _ in done.tests]
                before = self.kept.mutants.get(done.name, Verdict("")).passed
                now = {self.digests.of_test(name) for name in self.usable}
                passed = [digest for digest in before if digest in now] + [self.digests.of_test(name) for name in names]
                verdict = Verdict(outcome, passed=passed)
                print(f"survived ({len(passed)} tests): {mutant.line} {done.name}", flush=True)
            self.kept.mutants[done.name] = verdict
            say(f"{mutant.file}:{mutant.line} {outcome}")
            self.write()
        self.write(now=True)


def say(text: str) -> None:
    """Progress, on one line of a terminal."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text[:100]}", end="", file=sys.stderr, flush=True)


def main(argv: Sequence[str] | None = None) -> None:
    """Run, print the table, and publish it when every mutant was tried."""
    args = parser().parse_args(argv)
    try:
        run = Run(args)
    except (OSError, ValueError) as error:
        raise SystemExit(str(error)) from None
    tests = [path for pattern in args.tests for path in sorted(glob(pattern)) or [pattern]]
    options = ["-q", "-s", "--no-header", "--no-summary", "-p", "no:cacheprovider", "-m", "not slow"]
    code = pytest.main([*options, *tests], plugins=[run])
    if not run.text:
        raise SystemExit(int(code) or 1)
    if args.only or args.sample or args.line:
        print(run.text)
    else:
        write_text(TABLE, run.text)
        print(f"{TABLE} written")


if __name__ == "__main__":
    try:
        main()
    except SwapError as error:
        raise SystemExit(str(error)) from None
