"""What is fuzzed: the doors at which somebody else's words come in, each as a function of bytes.

A door raises :class:`Refusal` with the sentence by which it refuses, or nothing; whatever else it raises is a fault.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import shlex
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from tools.fuzz_answers import CORPUS, Refusal, is_fit, line, refusing, written
from tools.fuzz_people import games, play, request

# --- files ------------------------------------------------------------------------------------------------------


def _scenario(data: bytes, place: Path) -> None:
    from sd_env import ScenarioError, load_scenario

    with refusing(ScenarioError):
        load_scenario(written(data, place / "mine.yaml"))


def _config(data: bytes, place: Path) -> None:
    """A configuration of a training that goes no further, since its device is not there."""
    from agents import cli

    path, nowhere = written(data, place / "config.yaml"), "cuda:99"
    said = io.StringIO()
    with redirect_stderr(said), redirect_stdout(io.StringIO()):
        code = cli.main(["train", "--config", str(path), "--device", nowhere])
    if code != 2 or nowhere not in said.getvalue():
        raise Refusal(said.getvalue().rstrip("\n") if code == 2 else f"exit code {code}\n")


def _challenge(data: bytes, place: Path) -> None:
    """A challenge, with its residents made."""
    from agents.evaluation.challenges import ChallengeError, load_challenge
    from agents.evaluation.challenges.environments import residents
    from sd_env.policies import PolicyError

    with refusing(ChallengeError, PolicyError):
        residents(load_challenge(written(data, place / "mine.yaml")))


def _experiment(data: bytes, place: Path) -> None:
    """An experiment, looked through as it is before its first unit; of large ones a few cells."""
    from agents.experiments import ExperimentError, load_experiment
    from agents.experiments.language import Experiment
    from agents.experiments.work import check
    from agents.training.config import ConfigError
    from sd_env.policies import PolicyError

    cells = Experiment.cells
    with refusing(ExperimentError, ConfigError, PolicyError):
        found = load_experiment(written(data, place / "mine.yaml"))
        with patch.object(Experiment, "cells", lambda self: cells(self)[:4]):
            check(found)


def _log(data: bytes, place: Path) -> None:
    """A log, and the same with a digest that fits, as one who made its values up would give it."""
    from sd_env.record import LogError, read_log, verify
    from sd_env.record.files import sealed

    path = written(data, place / "log.jsonl")
    try:
        read_log(path)
        verify(path)
    except LogError as error:
        refused = error
    else:
        return
    if data.endswith(b'"}\n'):
        path.write_bytes(sealed(data))
        with contextlib.suppress(LogError):
            read_log(path)
            _told(path, len(data))
    raise Refusal(str(refused))


def _told(path: Path, number: int) -> None:
    """Have one of the commands that tell of a log tell of it."""
    page = str(path.with_suffix(".html"))
    words = (["replay", str(path)], ["replay", str(path), "-o", page], ["measure", str(path)], ["explain", str(path)],
             ["verify", str(path)])[number % 5]  # fmt: skip
    with contextlib.suppress(Refusal):
        _command(words)


def _bundle(data: bytes, place: Path) -> None:
    """A manifest; the weights beside it are those of the corpus's own."""
    from agents.policies.bundles import BundleError, load_bundle

    bundle = place / "mine.sd"
    if not bundle.exists():
        bundle.mkdir()
        (bundle / "policy.safetensors").write_bytes((CORPUS / "policy.safetensors").read_bytes())
    written(data, bundle / "bundle.json")
    with refusing(BundleError):
        load_bundle(bundle)


def _report(data: bytes, place: Path) -> None:
    """The records of a folder of finished work: its page, and the folder beside another of its kind."""
    from agents.pages.compare import compare, compared_page, shown
    from agents.pages.folders import PageError
    from agents.pages.write import report_page

    mine = place / "mine"
    mine.mkdir(exist_ok=True)
    written(data, mine / "report.json")
    refused: PageError | None = None
    try:
        report_page(mine)
    except PageError as error:
        refused = error
    for path in sorted((CORPUS / "report").glob("*.json")):
        other = place / path.stem
        if not other.exists():
            other.mkdir()
            written(path.read_bytes(), other / "report.json")
        with contextlib.suppress(PageError):
            found = compare([mine, other])
            _plain(shown(found))
            compared_page(found)
    if refused is not None:
        raise Refusal(str(refused))


def _plain(shown: Any) -> None:
    from agents.escape import Printable, console

    text = io.StringIO()
    console(file=text, width=200).print(Printable(shown))
    if not all(line.isprintable() for line in text.getvalue().split("\n")):
        raise AssertionError("letters that drive a terminal are shown")


# --- words ------------------------------------------------------------------------------------------------------


def _overrides(data: bytes, place: Path) -> None:
    """A line of ``KEY=VALUE`` words, as the commands take them."""
    _command(["evaluate", "dove", "--scenario", "jervis/intense", "--overrides", *line(data).splitlines()], load=True)


def _policy(data: bytes, place: Path) -> None:
    """A policy as it is named, made and asked whether it fits."""
    from agents.policies.specs import check_fits, policy_from
    from sd_env import load_scenario
    from sd_env.policies import PolicyError

    spec = line(data)
    with contextlib.chdir(place), refusing(PolicyError):
        check_fits(policy_from(spec), load_scenario("jervis/intense"), spec)


#: Commands that are let go on to their work; of the others the words alone are read.
_LIGHT: Final = ("strategies", "zoo", "verify", "measure", "replay", "explain", "compare")


def _argv(data: bytes, place: Path) -> None:
    with contextlib.suppress(ValueError):  # no command line at all
        words = shlex.split(line(data))
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
        stack.enter_context(redirect_stderr(said))
        stack.enter_context(redirect_stdout(out))
        if words and words[0] in cli.COMMANDS and words[0] not in _LIGHT:
            module = importlib.import_module(f"agents.commands.{words[0].replace('-', '_')}")
            stack.enter_context(patch.object(module, "run", run))
        code = cli.main(words)
    if code not in (0, 1, 2):
        raise AssertionError(f"exit code {code}")
    shown = out.getvalue()
    if not shown.replace("\n", "").isprintable():
        raise AssertionError(f"letters that drive a terminal are shown: {ascii(shown)[:200]}")
    lines = said.getvalue().splitlines()  # of some commands one an argument
    if code == 2 and not (shown and not lines):  # without a command there is help instead
        raise Refusal(next((line for line in lines if not is_fit(line)), lines[-1] if lines else ""))


#: Characters in the longest sentence.


TARGETS: Final[dict[str, Callable[[bytes, Path], None]]] = {
    "scenario": _scenario, "config": _config, "challenge": _challenge, "experiment": _experiment, "log": _log,
    "bundle": _bundle, "report": _report, "overrides": _overrides, "policy": _policy, "argv": _argv, "play": play,
    "games": games, "request": request,
}  # fmt: skip
