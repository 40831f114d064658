"""What a published result is: a report as JSON, and the text that is written from it.

``status.yaml`` beside the reports marks those that no longer stand, or single predictions of theirs::

    science: "withdrawn: the policies are not at rest"
    arms-race:
      Arms follow arms.: "withdrawn: the null rises as well"
      Wars rise.: "rederived: counted restarts of one war as wars"

``rederived`` is of a prediction that was published and is not made any more: its record stays in the report as it was.
It is applied whenever a report is written, so that a mark outlives a new run until it is taken out of the file.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import RenderableType

from agents.evaluation.predictions import REDERIVED, Prediction, counted, predictions_of, records
from agents.evaluation.report import Report, as_text
from agents.files import write_json, write_text
from agents.work import described
from sd_env.errors import RefusedError, said
from sd_env.files import MOST, read_bounded
from sd_env.reading import read_json
from sd_env.scenario import ScenarioError
from sd_env.scenario_files import parse_yaml

STATUS: Final = "status.yaml"
#: The folder of the experiments, in that of the results.
EXPERIMENTS: Final = "experiments"
_MARK: Final = re.compile(r"[a-z]+( [a-z]+)*: .+")


class ResultError(RefusedError):
    """A published result that cannot be written: one sentence."""


def made(
    title: str, command: str, *, seeds: Sequence[int], steps: int | None, seconds: float | None, versions: Any
) -> Report:
    """What made a result, for its report.

    Args:
        title: for people.
        command: that made it.
        seeds: of the trainings.
        steps: agent-steps of a training; None where nobody learns.
        seconds: that it took, if known.
        versions: of the packages.
    """
    return {
        "title": title,
        "command": command,
        "seeds": list(seeds),
        "agent_steps": steps,
        "machine": described(),
        "seconds": None if seconds is None else round(seconds, 1),
        "versions": versions,
    }


def heading(report: Mapping[str, Any]) -> str:
    """What made a result, and its mark if it has one."""
    versions, seconds, steps = report["versions"], report["seconds"], report["agent_steps"]
    mark = f"{report['status']}\n\n" if report.get("status") else ""
    trained = "" if steps is None else f"    agent-steps a training: {steps:,}"
    took = "" if seconds is None else f"; {seconds / 60:.1f} minutes"
    command = f"{report['title']}\n\n{mark}Command: {report['command']}    seeds: {report['seeds']}{trained}\n"
    if versions is None:
        return f"{command}Not run yet.\n\n"
    return (
        f"{command}Machine: {report['machine']}{took}; Python {versions['python']}, torch {versions['torch']}, "
        f"stable-baselines3 {versions['stable-baselines3']}\n\n"
    )


def judged(report: Report, predictions: Sequence[Prediction], out: Path, name: str) -> Report:
    """The report with these predictions, each with the mark that it has in ``out``, and those derived anew since.

    Raises:
        ResultError: as :func:`check_marks` says.
    """
    current, before = {each.claim for each in predictions}, _before(out, name)
    whole, claims = _marks(out, name, current, before)
    predictions = [*predictions, *(before[claim] for claim in claims if claim not in current)]
    marked = [each.model_copy(update={"status": claims.get(each.claim, each.status)}) for each in predictions]
    return {**report, "status": whole, "predictions": records(marked)}


def check_marks(out: Path, name: str, current: Collection[str]) -> None:
    """Look at the marks that ``out`` has of a result.

    Args:
        out: folder of the results.
        name: of the result.
        current: what it claims now.

    Raises:
        ResultError: for a mark of a claim that there is not, or one that is none.
    """
    _marks(out, name, current, _before(out, name))


def _marks(out: Path, name: str, current: Collection[str], before: Collection[str]) -> tuple[str, dict[str, str]]:
    """The mark of a result as a whole, empty if it has none, and those of its claims, now and before."""
    path = out / STATUS
    try:
        entry = (parse_yaml(path.read_bytes()) if path.exists() else {}).get(name, {})
    except ScenarioError as error:
        raise ResultError(f"{path} must be a mapping of results to marks: {error}") from None
    if not isinstance(entry, (str, dict)):
        raise ResultError(f"{path}: {name} is {entry!r}; a mark, or marks by claim, are needed.")
    whole, claims = (entry, dict.fromkeys(current, entry)) if isinstance(entry, str) else ("", entry)
    for claim, mark in claims.items():
        if not isinstance(mark, str) or not _MARK.fullmatch(mark):
            raise ResultError(f"{path}: {name} has the mark {mark!r}; a word, a colon and the reason are needed.")
        old = mark.startswith(f"{REDERIVED}: ")
        if old and claim in current:
            raise ResultError(f"{path}: {name} predicts {claim!r} still; what is derived anew says something else.")
        if claim not in (before if old else current):
            raise ResultError(f"{path}: {name} has no prediction {claim!r}.")
    return whole, claims


def _before(out: Path, name: str) -> dict[str, Prediction]:
    """What the report in ``out`` predicts, by claim; nothing where there is none."""
    there = (out / f"{name}.json").exists()
    return {each.claim: each for each in predictions_of(read(out, name), name)} if there else {}


def write(out: Path, name: str, report: Report, shown: RenderableType) -> None:
    """Write ``NAME.json`` and ``NAME.txt`` and say how many predictions have which verdict.

    Args:
        out: folder of the results.
        name: of the result.
        report: as :func:`judged` gives it.
        shown: what the text has below its heading.
    """
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / f"{name}.json", report)
    write_text(out / f"{name}.txt", heading(report) + as_text(shown))
    print(f"{name}: {counted(predictions_of(report, name))}", flush=True)


def read(out: Path, name: str) -> Report:
    """A published report.

    Raises:
        ResultError: if there is none.
    """
    path = out / f"{name}.json"
    if not path.exists():
        raise ResultError(f"{path} is not there; only what was published can be judged again.")
    try:
        report = read_json(read_bounded(path), "it", most=MOST)
    except (OSError, RefusedError) as error:
        raise ResultError(f"{path} cannot be read: {said(error).rstrip('.')}.") from None
    if not isinstance(report, dict):
        raise ResultError(f"{path} is not as this program writes it.")
    return report
