"""Faults of the system, injected: the k-th write, fsync, rename, open or fork of a command fails, for each k in turn.

``python -m tools.faults`` (``make faults``) runs each command once unharmed, counting what it does beneath its folder,
and then once for each operation that is made to fail, as on a full or broken disk. After each it looks whether

* the command ended with 2 and one line, or with 0 and everything whole where it could do without,
* what was finished is as it was,
* the same command again, now unharmed, ends with the very files of the unbroken run.

All is done in this process but for ``fork``, so that a thousand faults take minutes.
"""

from __future__ import annotations

import argparse
import builtins
import contextlib
import errno
import io
import json
import os
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from multiprocessing import popen_spawn_posix
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

ROOT: Final = Path(__file__).parents[1]
#: What fails, and how.
KINDS: Final = {
    "write": errno.ENOSPC, "fsync": errno.EIO, "rename": errno.EIO, "open": errno.EMFILE, "fork": errno.EAGAIN,
}  # fmt: skip
#: Lines of a run's own clock, and of how many processes did it: they differ from run to run.
_TIMED: Final = re.compile(r'"command"|time/|fps|"seconds"|per_second|per second|sha256|^workers: ')


class Faults:
    """Counts operations beneath a folder while it is entered, and has one of them fail.

    Args:
        folder: whose files count.
        kind: of :data:`KINDS`; "" only counts.
        number: which of them fails, from 1 on.
    """

    def __init__(self, folder: Path, kind: str = "", number: int = 0) -> None:
        self.folder, self.kind, self.number = folder.resolve(), kind, number
        self.counts: Counter[str] = Counter()
        self._patches = ExitStack()

    def __enter__(self) -> Faults:
        real: dict[str, Any] = {"open": io.open, "os_open": os.open, "fsync": os.fsync}
        real |= {"replace": os.replace, "rename": os.rename, "launch": popen_spawn_posix.Popen._launch}  # type: ignore[attr-defined]

        def opens(file: Any, mode: str = "r", buffering: int = -1, *rest: Any, **more: Any) -> Any:
            within = self._within(file)
            if within and not isinstance(file, int):
                self._happens("open", file)
            if not within or set(mode).isdisjoint("wax+") or more.get("opener"):
                return real["open"](file, mode, buffering, *rest, **more)
            return self._writable(file, mode, *rest, **more)

        def os_open(path: Any, *rest: Any, **more: Any) -> Any:
            if self._within(path):
                self._happens("open", path)
            return real["os_open"](path, *rest, **more)

        def renames(name: str) -> Callable[..., Any]:
            def rename(source: Any, target: Any, **more: Any) -> Any:
                if self._within(target):
                    self._happens("rename", target)
                return real[name](source, target, **more)

            return rename

        def fsync(handle: int) -> None:
            if self._within(handle):
                self._happens("fsync", None)
            real["fsync"](handle)

        def launch(popen: Any, process: Any) -> None:
            self._happens("fork", None)
            real["launch"](popen, process)

        for where, name, new in (
            (builtins, "open", opens), (io, "open", opens), (os, "open", os_open), (os, "fsync", fsync),
            (os, "replace", renames("replace")), (os, "rename", renames("rename")),
            (popen_spawn_posix.Popen, "_launch", launch),
        ):  # fmt: skip
            self._patches.enter_context(patch.object(where, name, new))
        return self

    def __exit__(self, *error: object) -> None:
        self._patches.close()

    def _happens(self, kind: str, where: Any) -> None:
        self.counts[kind] += 1
        if kind == self.kind and self.counts[kind] == self.number:
            code = KINDS[kind]
            raise OSError(code, os.strerror(code), where)

    def _within(self, file: Any) -> bool:
        if isinstance(file, int):
            file = os.readlink(f"/proc/self/fd/{file}")
        path = os.path.abspath(os.fsdecode(file))
        return path.startswith(f"{self.folder}{os.sep}")

    def _writable(self, file: Any, mode: str, *text: Any, **more: Any) -> Any:
        """An open file as ``open`` gives it, each write of which to the system counts."""
        happens = self._happens

        class Raw(io.FileIO):
            def write(self, data: Any, /) -> int:
                happens("write", None)
                return super().write(data)

        raw = Raw(file, mode.replace("b", "").replace("t", ""), closefd=more.pop("closefd", True))
        buffered = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        return buffered if "b" in mode else io.TextIOWrapper(buffered, *text, **more)


# --- what is run ------------------------------------------------------------------------------------------------

_GAME = ("--scenario", "games/one-shot", "--seeds", "1", "2", "--worlds", "2")
_TRAINING: Final = (
    "--config", "smoke", "--total_steps", "64", "--worlds", "2", "--overrides", "horizon=4", "--learner.batch_size",
    "16", "--learner.n_steps", "4", "--learner.n_epochs", "1", "--evaluation.worlds", "2",
    "--checkpoint.every_rollouts", "1", "--seeds", "1", "--scenarios", "jervis/doubly-safe",
)  # fmt: skip
_STUDY = """
name: made-up
title: Made up
description: Nobody learns.
rows: [Anarchy]
sources: [none]
scenario: games/one-shot
grid: {motives.p_greedy: [0.0, 0.5]}
cast: {all: dove}
seeds: [1, 2]
worlds: 2
logs: 1
predictions:
  - {claim: Nobody attacks., measure: outcome/attacks, of: {motives.p_greedy: 0.5}, expect: same, margin: 0.1}
picture: {x: motives.p_greedy, measures: [outcome/attacks]}
"""


def _command(*words: str) -> Callable[[int], int]:
    def run(workers: int) -> int:
        from agents import cli

        return cli.main([*words, "--workers", str(workers), "--out", "out"])

    return run


def _experiment(workers: int) -> int:
    study = Path("..", "made-up.yaml")  # beside the folder: it is no product
    study.write_text(_STUDY, encoding="utf-8")
    return _command("experiment", str(study))(workers)


def _train(workers: int) -> int:
    """Go on with the run that there is, or begin one, as a user would."""
    from agents import cli
    from agents.training import run
    from agents.work import in_turn

    begun = [path.parent for path in Path("runs").glob("*/plan.json") if (path.parent / "config.yaml").exists()]
    words = ["--resume", str(begun[0])] if begun else [*_TRAINING, "--runs", "runs"]
    with patch.object(run, "in_processes", in_turn) if workers == 1 else contextlib.nullcontext():
        return cli.main(["train", *words, "--workers", str(workers)])


def _record(workers: int) -> int:
    """The library's own door: its documented errors are the sentence."""
    from agents import make
    from sd_env.record import record, write_log

    try:
        for world in range(2):
            write_log(f"{world}.jsonl", record("games/one-shot", make("dove"), 1, world))
    except (ValueError, OSError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 2
    return 0


def _verify(workers: int) -> int:
    from agents import cli

    return cli.main(["verify", "0.jsonl", "1.jsonl"])


COMMANDS: Final[dict[str, Callable[[int], int]]] = {
    "evaluate": _command("evaluate", "hawk", *_GAME, "--log", "1"),
    "tournament": _command("tournament", "hawk", "dove", *_GAME),
    "experiment": _experiment,
    "train": _train,
    "record": _record,
    "verify": _verify,
}


# --- trying -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fault:
    """One fault and what became of it: ``wrong`` is a sentence a promise that was not kept."""

    command: str
    kind: str
    number: int
    code: int
    said: str
    wrong: tuple[str, ...]


@dataclass(frozen=True)
class _Ran:
    code: int
    said: str
    counts: Counter[str]


def _run(command: str, folder: Path, kind: str = "", number: int = 0) -> _Ran:
    err, faults = io.StringIO(), Faults(folder, kind, number)
    folder.mkdir(exist_ok=True)
    with contextlib.chdir(folder), redirect_stdout(io.StringIO()), redirect_stderr(err):
        if command == "verify":
            _record(1)
        with faults:
            try:
                code = COMMANDS[command](2 if kind == "fork" else 1)
            except Exception as error:
                code = -1
                print(f"Traceback: {type(error).__name__}: {' '.join(str(error).split())}", file=sys.stderr)
    return _Ran(code, err.getvalue(), faults.counts)


def counted(command: str, scratch: Path) -> tuple[Counter[str], dict[str, bytes]]:
    """How often a command does what, unharmed, and the files that it leaves."""
    ran = _run(command, scratch / "whole")
    if ran.code:
        raise RuntimeError(f"{command} fails unharmed: {ran.said}")
    counts = ran.counts
    if command not in ("record", "verify"):
        counts["fork"] = 1 if command == "train" else 2  # a process for each unit, of which a training has one
    return counts, files(scratch / "whole")


def tried(command: str, kind: str, number: int, unbroken: dict[str, bytes], scratch: Path) -> Fault:
    """Let one operation of a command fail, then run it again."""
    folder = scratch / f"{kind}-{number}"
    ran = _run(command, folder, kind, number)
    wrong = list(_told_wrong(ran))
    kept = files(folder)
    wrong += [f"{name} is not as finished work is" for name in sorted(kept) if _half(name, kept[name])]
    again = _run(command, folder)
    after = files(folder)
    if again.code:
        wrong.append(f"the same command again ends with {again.code}: {again.said.strip()[-300:]}")
    elif odd := different(unbroken, after):
        wrong.append(f"after the same command again differ from the unbroken run: {', '.join(odd[:4])}")
    shutil.rmtree(folder)
    return Fault(command, kind, number, ran.code, ran.said.strip(), tuple(wrong))


def different(first: dict[str, bytes], second: dict[str, bytes]) -> list[str]:
    """Files that are not the same in both, but for what hangs on the clock."""
    common = {
        name for name in first.keys() & second.keys() if timeless(name, first[name]) == timeless(name, second[name])
    }
    return sorted((first.keys() | second.keys()) - common)


def _told_wrong(ran: _Ran) -> Iterator[str]:
    if "Traceback" in ran.said:
        yield f"a traceback: {ran.said.strip().splitlines()[-1][:200]}"
    if ran.code not in (0, 2):
        yield f"it ended with {ran.code}"
    lines = [line for line in ran.said.splitlines() if line.startswith("sd-env: ")]
    if ran.code == 2 and len(lines) > 1:
        yield f"{len(lines)} lines where one sentence is promised"


def _half(name: str, data: bytes) -> bool:
    """Whether a file that is to be whole is not."""
    if not name.endswith((".json", ".jsonl")):
        return False
    try:
        for line in data.decode().splitlines() if name.endswith(".jsonl") else [data.decode()]:
            json.loads(line)
    except ValueError:
        return True
    return False


def files(folder: Path) -> dict[str, bytes]:
    """What a command has left, by path; without temporary and lock files, and TensorBoard's, which have a date each."""
    found = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {
        re.sub(r"__[0-9-]+/", "/", name): path.read_bytes()
        for name, path in found.items()
        if not path.name.startswith(".") and "tensorboard/" not in name
    }


def timeless(name: str, data: bytes) -> bytes:
    """What does not hang on the clock: pictures and archives have dates, and a run says how fast it was."""
    suffix = Path(name).suffix
    if suffix == ".png" or "checkpoints/" in name:
        return b""
    if (not name.endswith(("report.json", "result.json")) and not name.startswith("runs/")) or suffix == ".safetensors":
        return data
    text = re.sub(r"runs/[^/ ]*__[0-9-]+", "RUN", data.decode())
    if suffix == ".html":  # a page names the command, which is another where a run is taken up again
        text = re.sub(r"(?s)<code>.*?</code>", "", text)
    if suffix == ".csv":  # the column of the speed has its own numbers
        return "\n".join(",".join(line.split(",")[-1:]) for line in text.splitlines()).encode()
    return "\n".join(line for line in text.splitlines() if not _TIMED.search(line)).encode()


def chosen(total: int, most: int) -> list[int]:
    """At most so many of 1 to ``total``, spread over all, the first and the last among them."""
    if total <= most:
        return list(range(1, total + 1))
    return sorted({1 + round(k * (total - 1) / (most - 1)) for k in range(most)}) if most > 1 else [total]


def sweep(
    commands: Sequence[str], kinds: Sequence[str], most: int, told: Callable[[Fault], None] = lambda fault: None
) -> list[Fault]:
    """Try at most ``most`` faults of each kind in each command, spread over the whole of it."""
    found = []
    for command in commands:
        with tempfile.TemporaryDirectory() as place:
            scratch = Path(place)
            counts, unbroken = counted(command, scratch)
            for kind in kinds:
                for number in chosen(counts[kind], most):
                    found.append(tried(command, kind, number, unbroken, scratch))
                    told(found[-1])
    return found


def main(argv: list[str] | None = None) -> int:
    """Print what was tried and every promise that was not kept; returns 0 if all were."""
    parser = argparse.ArgumentParser(prog="python -m tools.faults", description=__doc__.partition("\n")[0])
    parser.add_argument("commands", nargs="*", metavar="COMMAND", help=f"default all: {', '.join(COMMANDS)}")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS), help="default all")
    parser.add_argument("--most", type=int, default=10**6, metavar="N", help="faults a kind and command; default all")
    args = parser.parse_args(argv)
    if odd := [name for name in args.commands if name not in COMMANDS]:
        parser.error(f"{odd[0]!r} is not tried; there are {', '.join(COMMANDS)}")

    def told(fault: Fault) -> None:
        for sentence in fault.wrong:
            print(f"{fault.command} {fault.kind} {fault.number} ({fault.code}): {sentence}", flush=True)
        tried = f"{fault.command} {fault.kind} {fault.number}"
        print(f"{tried}: ended with {fault.code}, {len(fault.wrong)} wrong", file=sys.stderr, flush=True)

    found = sweep(args.commands or list(COMMANDS), args.kinds, args.most, told)
    print(f"\n{'':<12}" + "".join(f"{kind:>8}" for kind in args.kinds))
    for command in dict.fromkeys(fault.command for fault in found):
        each = Counter(fault.kind for fault in found if fault.command == command)
        print(f"{command:<12}" + "".join(f"{each[kind]:>8}" for kind in args.kinds))
    bad = sum(bool(fault.wrong) for fault in found)
    print(f"{len(found)} faults, after {bad} of which a promise was not kept.")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
