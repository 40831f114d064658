"""Kill -9 at random times: work is killed with all its processes, again and again, and then done to its end.

``python -m tools.crash 100`` (``make crash ARGS=100``) kills so many times. After each kill it looks whether what was
finished is whole, and after the last of a row of kills whether the same command ends with the very files of a run that
nobody killed, and did nothing twice.

Evaluations and tournaments are command lines with two workers. A training takes longer to begin than to train: it is a
fork of this process, which has all modules, and does its job itself.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from unittest.mock import patch

from tools.faults import ROOT, different, files

#: Kills in a row, at most, before the work is let go on to its end.
IN_A_ROW: Final = 4
_PLAYED: Final = ("--scenario", "jervis/intense", "--worlds", "256", "--workers", "2", "--out", "out")
COMMANDS: Final = {
    "evaluate": ("evaluate", "tit-for-tat", "hawk", "--seeds", *map(str, range(1, 9)), *_PLAYED),
    "tournament": ("tournament", "dove", "hawk", "grim-trigger", "--seeds", "1", "2", *_PLAYED),
}
#: Words of a training of its own, by which nothing is learned.
TRAINED: Final = (
    "train", "--config", "smoke", "--total_steps", "512", "--worlds", "4", "--overrides", "horizon=8",
    "--learner.batch_size", "32", "--learner.n_steps", "8", "--learner.n_epochs", "1", "--evaluation.worlds", "4",
    "--checkpoint.every_rollouts", "1", "--seeds", "1", "2", "--scenarios", "games/one-shot", "--workers", "1",
    "--runs", "runs",
)  # fmt: skip
TRAIN: Final = "train"
#: What is finished once it is there, and is never written again.
_FINISHED: Final = ("*/units/*.json", "runs/*/jobs/*/result.json", "runs/*/jobs/*/policy.sd/*")


@dataclass
class Tally:
    """What became of the kills of one command."""

    kills: int = 0
    late: int = 0
    kept: int = 0
    wrong: list[str] = field(default_factory=list)


@dataclass
class Started:
    """A command at work, in a group of processes of its own."""

    pid: int
    said: Path

    def ended(self) -> int | None:
        """Its exit code, or None while it works."""
        try:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
        except ChildProcessError:  # waited for already
            return self._code
        if pid:
            self._code = os.waitstatus_to_exitcode(status)
        return self._code

    _code: int | None = None

    def kill(self) -> None:
        """Kill it with all its processes."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        while self.ended() is None:
            time.sleep(0.005)


def start(command: str, folder: Path) -> Started:
    """The command at work in ``folder``."""
    said = folder.with_name(f"{folder.name}.txt")
    with said.open("wb") as file:
        if command == TRAIN:
            return Started(_forked(folder, file.fileno()), said)
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(
            [sys.executable, "-m", "agents.cli", *COMMANDS[command]], cwd=folder, env=environment,
            start_new_session=True, stdout=subprocess.DEVNULL, stderr=file,
        )  # fmt: skip
    process.returncode = 0  # it is waited for here
    return Started(process.pid, said)


def _forked(folder: Path, said: int) -> int:
    """A fork of this process that trains, or goes on with the training that there is; its number."""
    from agents import cli
    from agents.training import run
    from agents.work import in_turn

    if pid := os.fork():
        return pid
    code = 1
    try:
        os.setsid()
        os.chdir(folder)
        os.dup2(said, 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        begun = [path.parent for path in Path("runs").glob("*/plan.json")]
        with patch.object(run, "in_processes", in_turn):
            code = cli.main(["train", "--resume", str(begun[0])] if begun else [*TRAINED])
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _warmed(folder: Path) -> None:
    """Train once in this process; it must have no threads by then."""
    import torch

    from agents import cli
    from agents.training import run
    from agents.work import in_turn

    torch.set_num_threads(1)
    with contextlib.chdir(folder), patch.object(run, "in_processes", in_turn), redirect_stdout(io.StringIO()):
        if cli.main([*TRAINED]):
            raise RuntimeError("train fails unharmed")


def to_the_end(command: str, folder: Path) -> tuple[float, str]:
    """Seconds from where something is written to the end; and what was said if it did not end well, else ""."""
    process, began = start(command, folder), time.monotonic()
    while process.ended() is None and not any(folder.iterdir()):
        time.sleep(0.005)
        began = time.monotonic()
    while (code := process.ended()) is None:
        time.sleep(0.005)
    return time.monotonic() - began, process.said.read_text(errors="replace") or f"exit code {code}" if code else ""


def finished(folder: Path) -> dict[str, bytes]:
    """What is finished, by path."""
    found = (path for pattern in _FINISHED for path in folder.glob(pattern))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found if path.name[0] != "."}


def row_of_kills(command: str, folder: Path, lasts: float, kills: int, draw: random.Random, tally: Tally) -> None:
    """Begin, kill at a random time, and again from there; the last time let it end."""
    unbroken = files(folder / "whole")
    place = folder / "killed"
    place.mkdir()
    for _ in range(kills):
        process = start(command, place)
        while process.ended() is None and not any(place.iterdir()):
            time.sleep(0.005)
        time.sleep(draw.uniform(0.0, lasts))
        tally.late += process.ended() is not None
        process.kill()
        tally.kills += 1
        before = finished(place)
        for name, data in before.items():
            if name.endswith(".json"):
                json.loads(data)  # whole, or this raises
        tally.kept += len(before)
    _, said = to_the_end(command, place)
    if said:
        tally.wrong.append(f"{command}: it does not end after a kill: {said[-300:]}")
    after = finished(place)
    if lost := [name for name, data in before.items() if after.get(name) != data]:
        tally.wrong.append(f"{command}: finished, and not as it was: {lost[:3]}")
    if odd := different(unbroken, files(place)):
        tally.wrong.append(f"{command}: other than the unbroken run: {odd[:3]}")


def main(argv: list[str] | None = None) -> int:
    """Kill, and print a row a command; returns 0 if nothing was lost and all ended as unbroken."""
    parser = argparse.ArgumentParser(prog="python -m tools.crash", description=__doc__.partition("\n")[0])
    parser.add_argument("kills", nargs="?", type=int, default=100, help="how many; default 100")
    parser.add_argument(
        "--only", nargs="+", choices=[*COMMANDS, TRAIN], default=[*COMMANDS, TRAIN], help="default all, in turn"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the times; default 1")
    args = parser.parse_args(argv)
    draw, tallies, left = random.Random(args.seed), {name: Tally() for name in args.only}, Counter[str]()
    for k in range(args.kills):
        left[args.only[k % len(args.only)]] += 1
    with tempfile.TemporaryDirectory() as place:
        for command in args.only:
            scratch, number = Path(place) / command, 0
            (scratch / "whole").mkdir(parents=True)
            if command == TRAIN:  # compile and import here, so that its forks need not
                (scratch / "warm").mkdir()
                _warmed(scratch / "warm")
            lasts, said = to_the_end(command, scratch / "whole")
            if said:
                raise RuntimeError(f"{command} fails unharmed: {said}")
            while left[command]:
                number += 1
                kills = min(left[command], draw.randint(1, IN_A_ROW))
                left[command] -= kills
                row_of_kills(command, scratch, lasts, kills, draw, tallies[command])
                os.rename(scratch / "killed", scratch / f"killed-{number}")
                done = tallies[command]
                print(f"{command}: {done.kills} kills, {len(done.wrong)} wrong", file=sys.stderr, flush=True)
    print("command       kills   after its end   found finished   wrong")
    for command, tally in tallies.items():
        print(f"{command:<12}{tally.kills:>7}{tally.late:>16}{tally.kept:>17}{len(tally.wrong):>8}")
        print("".join(f"  {sentence}\n" for sentence in tally.wrong), end="")
    return int(any(tally.wrong for tally in tallies.values()))


if __name__ == "__main__":
    sys.exit(main())
