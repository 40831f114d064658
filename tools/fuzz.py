"""Fuzzing: whatever stands in a file or on the command line is taken, or refused in one printable sentence.

``python -m tools.fuzz`` (``make fuzz``) changes the inputs of a kept corpus at random and gives them to the doors of
:mod:`tools.fuzz_targets`: scenarios, configurations, logs, bundles, command lines, requests. What a door answers with
anything but its documented error, or takes too long over, is added to the corpus, which the tests go through.

All is done in this process, in batches of which each follows from its number: ``--counts FILE`` goes on where the last
call ended, so that a million inputs need not be one sitting.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import json
import random
import re
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import yaml

from tools.fuzz_answers import CORPUS, Refusal, is_fit
from tools.fuzz_targets import TARGETS

#: Seconds of the processor that an answer may take, and after which an input is broken off.
SLOWEST: Final = 5.0
BROKEN_OFF: Final = 20.0
#: Inputs of a batch.
BATCH: Final = 500
#: What inputs are changed into: what readers trip over.
TOKENS: Final = (
    b"\x00", b"\xff", b"\xed\xa0\x80", b"\x1b]0;x\x07", b"\n", b"'", b'"', b": ", b"- ", b"[", b"]", b"{", b"}",
    b"&a ", b"*a", b"!!float ", b"!!bool x", b"!!timestamp 1", b"<<: ", b"? ", b"|", b"~", b"-1", b"1e999", b"0x1",
    b"010", b".nan", b"1_0", b"9" * 20, b"null", b"true", b"[" * 8, b"=", b"%s", b"[/x]", b"../", b"--", b",",
    b"\\ud800", b" ", b":", b"\r", b"\xe2\x80\xa8", b"\xc2\x85", b"1.5", b"0",
)  # fmt: skip
#: What a value of YAML or JSON is changed into.
VALUES: Final[tuple[Any, ...]] = (
    None, True, False, "", "1", "yes", "x", " ", "../x", "/", "default", "all", "=1", "\x1b[2J", "\u2028", "\ud800",
    "[/x]", "$\\frac{1", "%s", "x" * 2000, 0, 1, -1, 2, 0.5, -0.5, 1.0, 1e-320, 1e308, -1e308, 2**31, 2**53, 2**63,
    2**64, 10**30, float("nan"), float("inf"), [], {}, [[]], [None], {"": 1}, {"x": None}, [1, 2], [1, "a"], [0.0, 1.0],
    [[[[[[[[[[]]]]]]]]]], ["a"] * 100,
)  # fmt: skip


def changed(data: bytes, draw: random.Random, others: list[bytes]) -> bytes:
    """One to four random changes: of the values that a text holds, or of its bytes, whatever they hold."""
    if draw.random() < 0.5 and (found := _values_changed(data, draw)) is not None:
        return found if draw.random() < 0.9 else _bytes_changed(found, draw, others)
    return _bytes_changed(data, draw, others)


def _bytes_changed(data: bytes, draw: random.Random, others: list[bytes]) -> bytes:
    """Tokens, bytes and pieces put in, taken out, doubled, cut off or taken from others."""
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


def _values_changed(data: bytes, draw: random.Random) -> bytes | None:
    """The text, or a line of it, with some of its values, keys and items changed; None if it holds none."""
    lines = data.split(b"\n") if data.startswith((b"{", b"GET", b"POST")) else [data]
    at = draw.randrange(len(lines))
    if (parsed := _parsed(lines[at])) is None:
        return None
    tree = [copy.deepcopy(parsed)]
    for _ in range(draw.randint(1, 3)):
        places = list(_places(tree))
        into, key = places[draw.randrange(len(places))]
        what = draw.random()
        if what < 0.65 or into is tree:
            into[key] = copy.deepcopy(draw.choice(VALUES))
        elif what < 0.75:
            del into[key]
        elif what < 0.85:
            other, theirs = draw.choice(places)
            into[key] = copy.deepcopy(other[theirs])
        elif isinstance(into, dict):
            into[draw.choice((f"{key}s", f"{key}"[1:], "x", "default", f"x.{key}"))] = into.pop(key)
        else:
            into.insert(key, copy.deepcopy(into[key]))
    try:
        lines[at] = json.dumps(tree[0], separators=(",", ":"), ensure_ascii=draw.random() < 0.5).encode()
    except (UnicodeEncodeError, ValueError, RecursionError):  # half of a letter, or a value within itself
        return None
    return b"\n".join(lines)


@lru_cache(256)
def _parsed(text: bytes) -> dict[str, Any] | list[Any] | None:
    """What a text of YAML or JSON holds; None if that is nothing to go into."""
    try:
        found = json.loads(text) if text.startswith(b"{") else yaml.load(text, yaml.CSafeLoader)  # safe
    except (ValueError, yaml.YAMLError):
        return None
    return found if isinstance(found, (dict, list)) and found else None


def _places(into: Any) -> Iterator[tuple[Any, Any]]:
    for key, value in list(into.items() if isinstance(into, dict) else enumerate(into)):
        yield into, key
        if isinstance(value, (dict, list)):
            yield from _places(value)


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
        if not is_fit(text):
            return taken, f"it is refused in no fit sentence: {text[:200]!r}"
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        return False, f"{type(error).__name__}: {str(error)[:200]!r} in {Path(where.filename).name}:{where.lineno}"
    if (seconds := time.process_time() - began) > SLOWEST:
        return taken, f"it took {seconds:.1f} s"
    return taken, ""


def corpus(target: str) -> list[bytes]:
    """The kept inputs of a kind."""
    return [path.read_bytes() for path in sorted((CORPUS / target).iterdir())]


def fuzz(target: str, number: int, seed: int, seconds: float = float("inf")) -> tuple[Counter[str], list[Found]]:
    """Try so many changed inputs, or as many as there is time for.

    Returns:
        How many were ``tried``, ``taken`` and ``wrong``; and the first of each kind of wrong answer.
    """
    counts, found, batch = Counter[str](), dict[str, Found](), 0
    until = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as place:
        while counts["tried"] < number and time.monotonic() < until:
            left = min(BATCH, number - counts["tried"])
            tried, odd = one_batch(target, f"{seed} {batch}", left, Path(place), until)
            counts.update(tried)
            for each in odd:
                found.setdefault(kind_of(each), each)
            batch += 1
    return counts, [*found.values()]


def kind_of(found: Found) -> str:
    """What is wrong, without what hangs on the input."""
    return re.sub(r"'.*'|\".*\"|[0-9.]+ s$", "", found.why)


def one_batch(
    target: str, seed: str, number: int, place: Path, until: float = float("inf")
) -> tuple[Counter[str], list[Found]]:
    """Try ``number`` inputs that follow from ``seed``, or fewer where time is up: counts, and all wrong answers."""
    draw, kept, counts, found = random.Random(f"{target} {seed}"), corpus(target), Counter[str](), list[Found]()
    wrong(target, kept[0], place)  # what is imported and compiled once takes its time
    for _ in range(number):
        if time.monotonic() > until:
            break
        data = changed(draw.choice(kept), draw, kept)
        with _broken_off():
            taken, why = wrong(target, data, place)
        counts.update({"tried": 1, "taken": int(taken), "wrong": int(bool(why))})
        if why:
            found.append(Found(target, data, why))
    return counts, found


@contextmanager
def _broken_off() -> Iterator[None]:
    """Within, what takes far too long is broken off by an error."""

    def tell(number: int, frame: Any) -> None:
        raise TimeoutError(f"broken off after {BROKEN_OFF:.0f} s")

    before = signal.signal(signal.SIGVTALRM, tell)
    signal.setitimer(signal.ITIMER_VIRTUAL, BROKEN_OFF)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


# --- counting ---------------------------------------------------------------------------------------------------


def step_once() -> None:
    """Play a turn: rules that are not compiled on this machine yet take their time, for which no input is to blame."""
    from sd_env import parallel_env

    env = parallel_env("games/one-shot")
    env.reset(seed=1)
    env.step({agent: env.action_space(agent).sample() for agent in env.agents})


def counted(path: Path | None, targets: list[str]) -> dict[str, Counter[str]]:
    """What was counted before."""
    before = json.loads(path.read_text(encoding="utf-8")) if path is not None and path.exists() else {}
    return {target: Counter(before.get(target, {})) for target in [*targets, *before]}


def main(argv: list[str] | None = None) -> int:
    """Fuzz, keep what was answered wrongly, and print a row a kind; returns 0 if nothing was."""
    parser = argparse.ArgumentParser(prog="python -m tools.fuzz", description=__doc__.partition("\n")[0])
    parser.add_argument("--only", nargs="+", choices=TARGETS, default=list(TARGETS), help="default all")
    parser.add_argument(
        "--number", type=float, default=1e9, metavar="N", help="inputs in all; default what time allows"
    )
    parser.add_argument("--seconds", type=float, default=60.0, metavar="S", help="in all; default 60")
    parser.add_argument("--seed", type=int, default=1, help="default 1")
    parser.add_argument("--counts", type=Path, metavar="FILE", help="where counts are kept, to go on from")
    args = parser.parse_args(argv)
    step_once()
    counts, seen, until = counted(args.counts, args.only), set[str](), time.monotonic() + args.seconds
    with tempfile.TemporaryDirectory() as place:
        while sum(each["tried"] for each in counts.values()) < args.number and time.monotonic() < until:
            # the one with the least of the processor's time so far: cheap doors are tried more often
            target = min(args.only, key=lambda name: counts[name]["seconds"])
            began = time.process_time()
            tried, found = one_batch(target, f"{args.seed} {counts[target]['batches']}", BATCH, Path(place), until)
            counts[target].update({**tried, "batches": 1, "seconds": time.process_time() - began})
            for each in found:
                if (kind := f"{target} {kind_of(each)}") not in seen:
                    seen.add(kind)
                    name = hashlib.sha256(each.data).hexdigest()[:12]
                    (CORPUS / target / name).write_bytes(each.data)
                    print(f"  {target}/{name}: {each.why}", file=sys.stderr, flush=True)
            if args.counts is not None:
                args.counts.write_text(json.dumps(counts, indent=1), encoding="utf-8")
    print("kind             tried     taken   refused     wrong   ms each")
    for target, count in counts.items():
        refused = count["tried"] - count["taken"] - count["wrong"]
        print(f"{target:<12}{count['tried']:>10}{count['taken']:>10}{refused:>10}{count['wrong']:>10}"
              f"{1e3 * count['seconds'] / max(count['tried'], 1):>10.2f}")  # fmt: skip
    print(f"{'in all':<12}{sum(each['tried'] for each in counts.values()):>10}")
    return int(bool(seen))


if __name__ == "__main__":
    sys.exit(main())
