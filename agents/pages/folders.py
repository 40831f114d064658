"""Folders of finished work, read as what they are: training runs, experiments, and what each command leaves."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from agents.work import PLAN
from sd_env.errors import RefusedError, said
from sd_env.files import read_bounded
from sd_env.reading import ReadError, read_json, read_yaml

RUN, EVALUATION, TOURNAMENT, EXPERIMENT = "training run", "evaluation", "tournament", "experiment"
CROSSPLAY, ABLATION, ESCALATION = "cross-play", "ablation", "escalation"
CERTIFICATE, EXPLOITATION, CHALLENGES = "certificate", "best response", "challenge"
#: What there are pages of, with its article.
KINDS: Final = {
    RUN: "a", EVALUATION: "an", TOURNAMENT: "a", EXPERIMENT: "an", CROSSPLAY: "a", ABLATION: "an", ESCALATION: "an",
    CERTIFICATE: "a", EXPLOITATION: "a", CHALLENGES: "a",
}  # fmt: skip
#: What leaves them, but for runs and experiments, whose reports say more.
_COMMANDS: Final = {
    "sd-env evaluate": EVALUATION, "sd-env tournament": TOURNAMENT, "sd-env crossplay": CROSSPLAY,
    "sd-env ablate": ABLATION, "sd-env escalation": ESCALATION, "sd-env certify": CERTIFICATE,
    "sd-env exploit": EXPLOITATION, "sd-env challenge": CHALLENGES,
}  # fmt: skip
#: Name of the records of all of them.
REPORT: Final = "report.json"
#: What of a report is no setting of what was done, but how it was asked for or what came of it.
_BESIDE: Final = (
    *("scenario", "overrides", "command", "words", "trust"),
    *("theory", "outcomes", "predictions", "metrics", "ranking", "payoffs"),
    *("gaps", "differences", "escalation", "certificates", "seats", "overall", "challenges"),
)
#: Bytes of a report that are read.
_MOST: Final = 200_000_000


class PageError(RefusedError):
    """A folder of which there is no page: one sentence."""


@dataclass(frozen=True)
class Finished:
    """A folder of finished work.

    Attributes:
        folder: where it is.
        kind: a key of :data:`KINDS`.
        title: what it is called.
        report: its ``report.json``.
        settings: dotted key -> value, of all that was asked for.
        versions: package -> version, of what made it; empty where that was not kept.
        scenarios: what a scenario is called, "" where there is one, -> it and its overrides, as text.
        command: what made it, as it is typed.
    """

    folder: Path
    kind: str
    title: str
    report: Mapping[str, Any]
    settings: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    scenarios: Mapping[str, str] = field(default_factory=dict)
    command: str = ""


def read(folder: Path) -> Finished:
    """A folder of finished work.

    Raises:
        PageError: one sentence for a folder that holds none, work that is not finished, or records that are damaged.
    """
    if not folder.is_dir():
        raise PageError(f"{folder} is no folder; what a command has left with --out, a run or an experiment is one.")
    if not (folder / REPORT).is_file():
        begun = (folder / PLAN).is_file() or (folder / "config.yaml").is_file()
        why = "it has no report.json yet: finish it first" if begun else "it has no report.json"
        raise PageError(f"{folder} holds no finished work: {why}.")
    report = mapping(folder / REPORT)
    with as_written(folder / REPORT):
        return _made(folder, report)


@contextmanager
def as_written(path: Path) -> Iterator[None]:
    """Within, a file that does not hold what this program writes into it is refused: somebody else wrote it.

    Raises:
        PageError: one sentence.
    """
    try:
        yield
    except PageError:
        raise
    except RefusedError as error:
        raise PageError(str(error)) from error
    except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError, csv.Error) as error:
        raise PageError(f"{path} is not as this program writes it.") from error


def _made(folder: Path, report: Mapping[str, Any]) -> Finished:
    command, title = str(report["command"]), str(report.get("title", ""))
    if "worlds" in report and "interval" in report:
        worlds = report["worlds"]
        config = mapping(folder / "config.yaml") if (folder / "config.yaml").is_file() else {}
        versions = mapping(folder / "versions.json") if (folder / "versions.json").is_file() else {}
        scenarios = {str(name): _scenario(each["scenario"], each["overrides"]) for name, each in worlds.items()}
        return Finished(folder, RUN, title, report, dotted(config), versions, scenarios, command)
    if "expectations" in report and "cells" in report:
        settings = {key: report[key] for key in ("name", "seeds", "policies", "agent_steps", "design")}
        scenarios = {str(name): str(name) for name in report["scenarios"]}
        return Finished(folder, EXPERIMENT, title, report, settings, report["versions"] or {}, scenarios, command)
    kind = _COMMANDS.get(command)
    if kind is None:
        raise PageError(f"{folder} is of {command!r:.80}, of which there is no page.")
    settings = {key: value for key, value in report.items() if key not in _BESIDE}
    versions = dict(mapping(folder / PLAN)["versions"]) if (folder / PLAN).is_file() else {}
    words = str(report["words"])
    if kind == CHALLENGES:  # each has a scenario of its own
        names = list(dict.fromkeys(str(row["challenge"]) for row in report["challenges"]))
        title = names[0] if len(names) == 1 else f"{len(names)} challenges"
        return Finished(folder, kind, title, report, dotted(settings), versions, {}, words)
    scenario = str(report["scenario"])
    scenarios = {"": _scenario(scenario, report["overrides"])}
    return Finished(folder, kind, scenario, report, dotted(settings), versions, scenarios, words)


def _scenario(name: Any, overrides: Mapping[str, Any]) -> str:
    return " ".join([str(name), *(f"{key}={value}" for key, value in sorted(overrides.items()))])


def dotted(data: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Settings by their dotted keys; a mapping of nothing has none."""
    found: dict[str, Any] = {}
    for key, value in data.items():
        found |= dotted(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return found


def mapping(path: Path) -> dict[str, Any]:
    """What a YAML or JSON file of finished work holds; raises PageError, one sentence, if it is no mapping."""
    try:
        data = read_bounded(path, _MOST)
        found = read_yaml(data, str(path)) if path.suffix == ".yaml" else read_json(data, str(path), most=_MOST)
    except ReadError as error:
        raise PageError(f"{error}.") from None
    except (OSError, RefusedError) as error:
        raise PageError(f"{path} cannot be read: {said(error)}.") from None
    if not isinstance(found, dict):
        raise PageError(f"{path} is not as this program writes it.")
    return found


def records_of(path: Path) -> list[dict[str, Any]]:
    """The records of a JSON file, none if it is not there.

    Raises:
        PageError: if it holds something else.
    """
    if not path.is_file():
        return []
    try:
        found = read_json(read_bounded(path, _MOST), str(path), most=_MOST)
    except ReadError as error:
        raise PageError(f"{error}.") from None
    except (OSError, RefusedError) as error:
        raise PageError(f"{path} cannot be read: {said(error)}.") from None
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise PageError(f"{path} is not as this program writes it.")
    return found
