"""Kill -9 at random times: work is killed with all its processes, again and again, and then done to its end.

``python -m tools.crash 100`` (``make crash ARGS=100``) kills so many times. After each kill it looks whether what was
finished is whole, and after the last of a row of kills whether the same command ends with the very files of a run that
nobody killed, and did nothing twice.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tools.faults import ROOT, different, files

#: Kills in a row, at most, before the work is let go on to its end.
IN_A_ROW: Final = 4
_PLAYED: Final = ("--scenario", "jervis/intense", "--worlds", "256", "--workers", "2", "--out", "out")
_TRAINED: Final = (
    "--config", "smoke", "--total_steps", "8192", "--worlds", "8", "--overrides", "horizon=8", "--learner.batch_size",
    "64", "--learner.n_steps", "8", "--evaluation.worlds", "16", "--checkpoint.every_rollouts", "2", "--seeds", "1",
    "2", "--workers", "2", "--runs", "runs",
)  # fmt: skip
COMMANDS: Final = {
    "evaluate": ("evaluate", "tit-for-tat", "hawk", "--seeds", *map(str, range(1, 9)), *_PLAYED),
    "tournament": ("tournament", "dove", "hawk", "grim-trigger", "--seeds", "1", "2", *_PLAYED),
    "train": ("train", *_TRAINED),
}
#: What is finished once it is there, and is never written again.
_FINISHED: Final = ("*/units/*.json", "runs/*/jobs/*/result.json", "runs/*/jobs/*/policy.sd/*")


@dataclass
class Tally:
    """What became of the kills of one command."""

    kills: int = 0
    kept: int = 0
    wrong: list[str] = field(default_factory=list)


def words(command: str, folder: Path) -> list[str]:
    """The command line: a training goes on with the run that there is."""
    begun = [path.parent.relative_to(folder) for path in folder.glob("runs/*/plan.json")]
    asked = ("train", "--resume", str(begun[0])) if command == "train" and begun else COMMANDS[command]
    return [sys.executable, "-m", "agents.cli", *asked]


def start(command: str, folder: Path) -> subprocess.Popen[str]:
    """The command at work in ``folder``, in a group of processes of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        words(command, folder), cwd=folder, env=environment, start_new_session=True, text=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip


def to_the_end(command: str, folder: Path) -> tuple[float, str]:
    """Seconds from where something is written to the end; and what was said if it did not end well, else ""."""
    process, began = start(command, folder), time.monotonic()
    while process.poll() is None and not any(folder.iterdir()):
        time.sleep(0.01)
        began = time.monotonic()
    _, said = process.communicate()
    return time.monotonic() - began, said if process.returncode else ""


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
        while process.poll() is None and not any(place.iterdir()):
            time.sleep(0.005)
        time.sleep(draw.uniform(0.0, lasts))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
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
    parser.add_argument("--only", nargs="+", choices=COMMANDS, default=list(COMMANDS), help="default all, in turn")
    parser.add_argument("--seed", type=int, default=1, help="of the times; default 1")
    args = parser.parse_args(argv)
    draw, tallies, left = random.Random(args.seed), {name: Tally() for name in args.only}, Counter[str]()
    for k in range(args.kills):
        left[args.only[k % len(args.only)]] += 1
    with tempfile.TemporaryDirectory() as place:
        for command in args.only:
            scratch, number = Path(place) / command, 0
            (scratch / "whole").mkdir(parents=True)
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
    print("command       kills   found finished   wrong")
    for command, tally in tallies.items():
        print(f"{command:<12}{tally.kills:>7}{tally.kept:>17}{len(tally.wrong):>8}")
        print("".join(f"  {sentence}\n" for sentence in tally.wrong), end="")
    return int(any(tally.wrong for tally in tallies.values()))


if __name__ == "__main__":
    sys.exit(main())
