"""What works with which library: each example is run beside it, and docs/compatibility.md says what came of it.

    python -m tools.compatibility [NAME ...]            set up what is missing, run at full size, write data and page
    python -m tools.compatibility --smoke --out FOLDER  seconds for each: shows that it runs, writes its data there
    python -m tools.compatibility --page                docs/compatibility.md and docs/examples anew from what there is

Each library has an environment of its own in `.venv-compat` (tools/environments.py), of the versions in
examples/requirements. A library that does not install is a row that says why, in its installer's words.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from agents.files import write_text
from benchmarks.harness import commit, machine
from tools.compatibility_page import example, index, page
from tools.environments import environment, pinned, reason, run

ROOT: Final = Path(__file__).parents[1]
ENVIRONMENTS: Final = ROOT / ".venv-compat"
REQUIREMENTS: Final = ROOT / "examples" / "requirements"
DATA: Final = ROOT / "docs" / "results" / "compatibility.json"
PAGE: Final = ROOT / "docs" / "compatibility.md"
PAGES: Final = ROOT / "docs" / "examples"
_RATE: Final = re.compile(r"^(\d+) agent-steps/s, (\d+) a processor second$", re.M)
_EARNED: Final = re.compile(r"^random (\S+), learned (\S+)$", re.M)
_FAILS: Final = re.compile(r"^fails: (.*) \| (.*) \| (.*)$", re.M)


@dataclass(frozen=True)
class Library:
    """A library, or an example that needs none but those that sd-env itself has.

    Attributes:
        name: what the page calls it.
        example: module in `examples`.
        requirements: file in `examples/requirements`, without `.txt`; several examples may share one.
        distribution: whose version the row states; empty for none.
    """

    name: str
    example: str
    requirements: str
    distribution: str = ""


LIBRARIES: Final = (
    Library("stable-baselines3", "sb3_ppo", "sb3", "stable-baselines3"),
    Library("sb3-contrib", "sb3_contrib_maskable", "sb3", "sb3-contrib"),
    Library("SuperSuit", "supersuit_ppo", "supersuit", "supersuit"),
    Library("TorchRL", "torchrl_mappo", "torchrl", "torchrl"),
    Library("RLlib", "rllib_ppo", "rllib", "ray"),
    Library("BenchMARL", "benchmarl_mappo", "benchmarl", "benchmarl"),
    Library("Tianshou", "tianshou_ppo", "tianshou", "tianshou"),
    Library("AgileRL", "agilerl_ippo", "agilerl", "agilerl"),
    Library("PufferLib", "pufferlib_ppo", "pufferlib", "pufferlib"),
    Library("OpenSpiel", "open_spiel_games", "open_spiel", "open-spiel"),
    Library("Nashpy", "nashpy_one_shot", "sb3", "nashpy"),
    Library("rliable", "rliable_intervals", "rliable", "rliable"),
    Library("one file, as CleanRL's", "cleanrl_ppo", "sb3"),
    Library("an algorithm of your own", "custom_algorithm", "sb3"),
    Library("a network of your own", "custom_network", "sb3"),
    Library("opponents of your own", "custom_opponents", "sb3"),
    Library("data of people", "human_data", "sb3"),
)


def row(library: Library, smoke: bool) -> dict[str, Any]:
    """Run an example beside its library; what came of it, as plain data."""
    found: dict[str, Any] = {
        "library": library.name,
        "example": library.example,
        "requirements": library.requirements,
        "version": version(library),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": machine(),
        "size": "smoke" if smoke else "full",
    }
    python, missing = environment(REQUIREMENTS / f"{library.requirements}.txt", ENVIRONMENTS / library.requirements)
    if missing:
        return found | {"installs": False, "failed": missing} | said("")
    words = [str(python), "-m", f"examples.{library.example}", *["--smoke"] * smoke]
    done = run(words, OMP_NUM_THREADS="1", PYTHONWARNINGS="ignore", PYTHONDONTWRITEBYTECODE="")
    failed = reason(done.stderr) if done.returncode else ""
    return found | {"installs": True, "failed": failed} | said(done.stdout)


def version(library: Library) -> str:
    """Version of the library in its file of requirements; "" if it has none of its own."""
    return pinned(REQUIREMENTS / f"{library.requirements}.txt", library.distribution) if library.distribution else ""


def said(printed: str) -> dict[str, Any]:
    """What an example said (examples/say.py), as plain data."""
    rate, earned = _RATE.search(printed), _EARNED.search(printed)
    return {
        "works": re.findall(r"^works: (.*)$", printed, re.M),
        "fails": [dict(zip(("what", "error", "whose"), each, strict=True)) for each in _FAILS.findall(printed)],
        "agent_steps_per_second": int(rate[1]) if rate else None,
        "agent_steps_per_processor_second": int(rate[2]) if rate else None,
        "random": float(earned[1]) if earned else None,
        "learned": float(earned[2]) if earned else None,
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run what was asked for; 1 if an example failed that could be installed."""
    names = [library.example for library in LIBRARIES]
    parser = argparse.ArgumentParser(prog="python -m tools.compatibility", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"examples: {', '.join(names)} (default: all)")
    parser.add_argument("--smoke", action="store_true", help="seconds for each: shows that it runs")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="write the data there, and leave the page alone")
    parser.add_argument("--page", action="store_true", help="run nothing: the page anew from the data")
    given = parser.parse_args(argv)
    if unknown := [name for name in given.names if name not in names]:
        parser.error(f"NAME is {unknown[0]!r}; there are {', '.join(names)}")
    if given.smoke and given.out is None:
        parser.error("--smoke needs --out FOLDER, so that its figures never pass for results")
    data = given.out / DATA.name if given.out else DATA
    rows = {each["example"]: each for each in (json.loads(data.read_text("utf-8")) if data.is_file() else [])}
    failed = False
    chosen = [library for library in LIBRARIES if not given.page and library.example in (given.names or names)]
    for library in chosen:
        print(f"{library.name} ...", flush=True)
        rows[library.example] = found = row(library, given.smoke)
        failed |= found["installs"] and bool(found["failed"])
        print("  " + (found["failed"] or "; ".join(found["works"])), flush=True)
        data.parent.mkdir(parents=True, exist_ok=True)
        kept = [rows[name] for name in names if name in rows]
        write_text(data, json.dumps(kept, indent=2, ensure_ascii=False) + "\n")
    if not given.out:
        for path, text in pages().items():
            path.parent.mkdir(exist_ok=True)
            write_text(path, text)
    return int(failed)


def pages() -> dict[Path, str]:
    """Path -> text of all that is written from the data and from the examples."""
    rows = json.loads(DATA.read_text(encoding="utf-8")) if DATA.is_file() else []
    names = [library.example for library in LIBRARIES]
    return {PAGE: page(rows), PAGES / "README.md": index(names)} | {
        PAGES / f"{name}.md": example(name) for name in names
    }


if __name__ == "__main__":
    sys.exit(main())
