"""Fuzzing: whatever stands in a file or on the command line is taken, or refused in one printable sentence.

``python -m tools.fuzz`` (``make fuzz``) changes the inputs of a kept corpus at random and gives them to the reader of
their kind: scenarios, configurations, overrides, logs, bundles, command lines. What a reader answers with anything but
its documented error, or takes too long over, is added to the corpus, which the tests go through.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib
import io
import random
import re
import shlex
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from unittest.mock import patch

ROOT: Final = Path(__file__).parents[1]
CORPUS: Final = ROOT / "tests" / "corpus"
#: Characters in the longest sentence, and seconds that a refusal may take.
LONGEST: Final = 1000
SLOWEST: Final = 5.0
#: What inputs are changed into: what readers trip over.
TOKENS: Final = (
    b"\x00", b"\xff", b"\xed\xa0\x80", b"\x1b]0;x\x07", b"\n", b"'", b'"', b": ", b"- ", b"[", b"]", b"{", b"}",
    b"&a ", b"*a", b"!!float ", b"!!bool x", b"!!timestamp 1", b"<<: ", b"? ", b"|", b"~", b"-1", b"1e999", b"0x1",
    b"010", b".nan", b"1_0", b"9" * 20, b"null", b"true", b"[" * 8, b"=", b"%s", b"[/x]", b"../", b"--", b",",
    b"\\ud800",
)  # fmt: skip


def changed(data: bytes, draw: random.Random, others: list[bytes]) -> bytes:
    """One to four random changes: tokens, bytes and pieces put in, taken out, doubled, cut off or taken from others."""
    for _ in range(draw.randint(1, 4)):
        at, to = sorted((draw.randint(0, len(data)), draw.randint(0, len(data))))
        near = at + draw.randint(1, 8)
        before, after = data[:at], data[to:]
        data = draw.choice((
            before + draw.choice(TOKENS) + data[at:],
            before + draw.choice(TOKENS) + after,
            before + data[near:],
            before + data[at:to] * 2 + after,
            before,
            before + bytes([draw.randrange(256)]) + data[at + 1 :],
            before + draw.choice(others)[at:],
        ))[:65536]  # fmt: skip
    return data


# --- the readers: each raises nothing but a Refusal -------------------------------------------------------------


class Refusal(Exception):
    """A reader has refused an input with its documented error."""


def _scenario(data: bytes, place: Path) -> None:
    from sd_env import ScenarioError, load_scenario

    path = place / "mine.yaml"
    path.write_bytes(data)
    try:
        load_scenario(path)
    except ScenarioError as error:
        raise Refusal(str(error)) from error


def _config(data: bytes, place: Path) -> None:
    """A configuration of a training that goes no further, since its device is not there."""
    from agents import cli

    path, nowhere = place / "config.yaml", "cuda:99"
    path.write_bytes(data)
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        code = cli.main(["train", "--config", str(path), "--device", nowhere])
    if code != 2 or nowhere not in said.getvalue():
        raise Refusal(said.getvalue().rstrip("\n") if code == 2 else f"exit code {code}\n")


def _overrides(data: bytes, place: Path) -> None:
    """A line of ``KEY=VALUE`` words, as the commands take them."""
    words = data.decode("utf-8", "surrogateescape").replace("\x00", "").splitlines()
    _command(["evaluate", "dove", "--scenario", "jervis/intense", "--overrides", *words], load=True)


def _log(data: bytes, place: Path) -> None:
    from sd_env.record import LogError, read_log, verify

    path = place / "log.jsonl"
    path.write_bytes(data)
    try:
        read_log(path)
        verify(path)
    except LogError as error:
        raise Refusal(str(error)) from error


def _bundle(data: bytes, place: Path) -> None:
    """A manifest; the weights beside it are those of the corpus's own."""
    from agents.policies.bundles import BundleError, load_bundle

    bundle = place / "mine.sd"
    bundle.mkdir(exist_ok=True)
    (bundle / "bundle.json").write_bytes(data)
    (bundle / "policy.safetensors").write_bytes((CORPUS / "policy.safetensors").read_bytes())
    try:
        load_bundle(bundle)
    except BundleError as error:
        raise Refusal(str(error)) from error


#: Commands that are let go on to their work; of the others the words alone are read.
_LIGHT: Final = ("strategies", "verify", "measure", "replay")


def _argv(data: bytes, place: Path) -> None:
    with contextlib.suppress(ValueError):  # no command line at all
        words = shlex.split(data.decode("utf-8", "surrogateescape").replace("\x00", ""))
        with contextlib.chdir(place):
            _command(words)


def _command(words: list[str], load: bool = False) -> None:
    """Give a command its words; it goes no further than to its scenario, if that is to be loaded, but for the light."""
    from agents import cli
    from sd_env import load_scenario

    def run(args: argparse.Namespace) -> int:
        if load:
            load_scenario(args.scenario, dict(args.overrides))
        return 0

    said, out = io.StringIO(), io.StringIO()
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.redirect_stderr(said))
        stack.enter_context(contextlib.redirect_stdout(out))
        if words and words[0] in cli.COMMANDS and words[0] not in _LIGHT:
            module = importlib.import_module(f"agents.commands.{words[0].replace('-', '_')}")
            stack.enter_context(patch.object(module, "run", run))
        code = cli.main(words)
    if code not in (0, 1, 2):
        raise AssertionError(f"exit code {code}")
    lines = said.getvalue().splitlines()  # of some commands one an argument
    if code == 2 and not (out.getvalue() and not lines):  # without a command there is help instead
        raise Refusal(next((line for line in lines if not _fit(line)), lines[-1] if lines else ""))


TARGETS: Final[dict[str, Callable[[bytes, Path], None]]] = {
    "scenario": _scenario, "config": _config, "overrides": _overrides, "log": _log, "bundle": _bundle, "argv": _argv,
}  # fmt: skip


# --- trying -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Found:
    """An input that was not answered as it should be, and why not."""

    target: str
    data: bytes
    why: str


def wrong(target: str, data: bytes, place: Path) -> tuple[bool, str]:
    """Whether the input was taken, and what is wrong with the answer; "" if nothing."""
    began = time.process_time()  # others may be at work on the machine
    taken = True
    try:
        TARGETS[target](data, place)
    except Refusal as refusal:
        taken = False
        text = str(refusal)
        if not _fit(text):
            return taken, f"it is refused in no fit sentence: {text[:200]!r}"
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        return False, f"{type(error).__name__}: {str(error)[:200]!r} in {Path(where.filename).name}:{where.lineno}"
    if (seconds := time.process_time() - began) > SLOWEST:
        return taken, f"it took {seconds:.1f} s"
    return taken, ""


def _fit(text: str) -> bool:
    """Whether it is a sentence to show anybody: one line, of letters that drive no terminal, and not too long."""
    return 0 < len(text) <= LONGEST and text.isprintable()


def corpus(target: str) -> list[bytes]:
    """The kept inputs of a kind."""
    return [path.read_bytes() for path in sorted((CORPUS / target).iterdir())]


def fuzz(target: str, number: int, seed: int, seconds: float = float("inf")) -> tuple[Counter[str], list[Found]]:
    """Try so many changed inputs, or as many as there is time for.

    Returns:
        How many were ``tried``, ``taken`` and ``wrong``; and the first of each kind of wrong answer.
    """
    draw, kept, counts, found = random.Random(f"{target} {seed}"), corpus(target), Counter[str](), dict[str, Found]()
    with tempfile.TemporaryDirectory() as place:
        wrong(target, kept[0], Path(place))  # what is imported and compiled once takes its time
        until = time.monotonic() + seconds
        for _ in range(number):
            if time.monotonic() > until:
                break
            data = changed(draw.choice(kept), draw, kept)
            taken, why = wrong(target, data, Path(place))
            counts.update({"tried": 1, "taken": int(taken), "wrong": int(bool(why))})
            if why:
                found.setdefault(re.sub(r"'.*'", "", why), Found(target, data, why))
    return counts, [*found.values()]


def main(argv: list[str] | None = None) -> int:
    """Fuzz, keep what was answered wrongly, and print a row a kind; returns 0 if nothing was."""
    parser = argparse.ArgumentParser(prog="python -m tools.fuzz", description=__doc__.partition("\n")[0])
    parser.add_argument("--only", nargs="+", choices=TARGETS, default=list(TARGETS), help="default all")
    parser.add_argument(
        "--number", type=int, default=10**9, metavar="N", help="inputs a kind; default what time allows"
    )
    parser.add_argument("--seconds", type=float, default=60.0, metavar="S", help="in all; default 60")
    parser.add_argument("--seed", type=int, default=1, help="default 1")
    args = parser.parse_args(argv)
    bad = 0
    print("kind             tried     taken   refused     wrong")
    for target in args.only:
        counts, found = fuzz(target, args.number, args.seed, args.seconds / len(args.only))
        refused = counts["tried"] - counts["taken"] - counts["wrong"]
        print(f"{target:<12}{counts['tried']:>10}{counts['taken']:>10}{refused:>10}{counts['wrong']:>10}", flush=True)
        for each in found:
            name = hashlib.sha256(each.data).hexdigest()[:12]
            (CORPUS / target / name).write_bytes(each.data)
            print(f"  {name}: {each.why}", file=sys.stderr)
        bad += len(found)
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
