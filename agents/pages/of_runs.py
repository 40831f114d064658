"""The page of a training run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from agents.evaluation.certify import GREEDY, SEEKERS
from agents.evaluation.outcome import ARMS, ATTACKS, OUTCOMES, SPIRAL
from agents.evaluation.predictions import predictions_of
from agents.evaluation.report import COLUMNS, POLICIES, open_question
from agents.evaluation.statistics import interval_from
from agents.evaluation.thresholds import ROWS
from agents.evaluation.verdict import largest_gap
from agents.pages.common import again, episodes, heading, predicted, short
from agents.pages.curves import Curve, panels
from agents.pages.elements import (
    BAD,
    GOOD,
    OPEN,
    Html,
    Verdict,
    figure,
    page,
    picture,
    section,
    small,
    table,
    verdicts,
    words,
)  # fmt: skip
from agents.pages.folders import Finished
from agents.pages.of_members import rounds_of
from agents.pages.of_searches import certificates
from agents.pictures.curves import banded, read_curve
from agents.pictures.maps import PHASE
from agents.training.config import job_folder

#: Curves of a run: metric, what it is, a line across and what that says.
_CURVES: Final = (
    (ATTACKS, "attacks between security seekers, a pair-turn", (SPIRAL, f"spiral from {SPIRAL}")),
    (ARMS, "arms of a security seeker", None),
    ("outcome/s_welfare", "welfare of a security seeker", None),
)
_UNIT: Final = 1e6


def run_page(of: Finished) -> str:
    """The page of a run, from its ``report.json`` and the curves of its jobs."""
    worlds: Mapping[str, Any] = of.report["worlds"]
    stand = sum(not open_question(world) for world in worlds.values())
    seeds = len(next(iter(worlds.values()))["seeds"]) if worlds else 0
    return page(
        of.title,
        f"Training run: {len(worlds)} world{'s' * (len(worlds) != 1)}, {seeds} seed{'s' * (seeds != 1)}",
        [
            section(
                "Verdict",
                words(
                    f"{stand} of {len(worlds)} worlds have policies that settled, and that nothing which was tried "
                    "beats by more than a certificate allows."
                ),
                verdicts(_verdict(name, world) for name, world in worlds.items()),
            ),
            section("Learning curves", *_curves(of, worlds)),
            section("What was played", _played(worlds), small(str(of.report["interval"]) + ".")),
            section("What beats the policies", _certificates(worlds)),
            section("Rounds", *rounds_of(of, worlds)),
            section("Where theory puts these worlds", *_phase(of)),
            section("Thresholds", *_thresholds(worlds)),
            predicted(predictions_of(of.report, str(of.folder)), "What theory predicts"),
            episodes(of),
            again(of),
        ],
    )  # fmt: skip


def _verdict(name: str, world: Mapping[str, Any]) -> Verdict:
    why = open_question(world)
    lines = []
    for path, start in world["starts"].items():
        ends = ", ".join(f"{each or 'no security seeker'} {start['outcomes'].count(each)}/{len(start['outcomes'])}"
                         for each in dict.fromkeys(start["outcomes"]))  # fmt: skip
        lines.append(f"{f'From {path}: ' if path else ''}{ends}. {certificate_words(start)}")
    theory = str(world["theory"])
    if theory:
        lines.append(f"Theory predicts: {theory}")
    tone = OPEN if why else BAD if theory in OUTCOMES and not str(world["verdict"]).startswith(theory) else GOOD
    return Verdict(name, str(world["verdict"]), tone, lines)


def certificate_words(start: Mapping[str, Any]) -> str:
    """What a start's certificate is, in a sentence."""
    gaps = [
        f"{found['gain']:.1%} of the return of {kind}, {found['verdict']}"
        for kind in (SEEKERS, GREEDY)
        if (found := largest_gap(start["certificates"], kind))
    ]
    word = f"Certificate: the best deviator found gains {'; '.join(gaps)}." if gaps else ""
    word = word or f"Not certified: {start['uncertified']}."
    return f"{word} Not settled: {start['unsettled']}." if start["unsettled"] else word


def _curves(of: Finished, worlds: Mapping[str, Any]) -> Iterator[Html]:
    files = {
        world: {
            path: [job_folder(of.folder, world, path, seed) / "progress.csv" for seed in start["seeds"]]
            for path, start in entry["starts"].items()
        }
        for world, entry in worlds.items()
    }
    seeds = max((len(entry["seeds"]) for entry in worlds.values()), default=0)
    what = (
        f"Mean of {seeds} seeds; band: 95% t interval over them, as far as a panel goes"
        if seeds > 1
        else "One seed: no interval"
    )
    for metric, says, bound in _CURVES:
        drawn = {
            world: {path: curve for path, each in paths.items() if (curve := curve_of(each, metric)) is not None}
            for world, paths in files.items()
        }
        if any(drawn.values()):
            yield figure(panels(drawn, "million agent-steps", says, bound), f"{says.capitalize()}. {what}.")


def curve_of(files: Sequence[Path], metric: str) -> Curve | None:
    """A metric over training from the ``progress.csv`` of each seed, with its interval; None where nobody has it."""
    runs = [curve for curve in (read_curve(path, metric) for path in files if path.is_file()) if len(curve[0])]
    if not runs:
        return None
    steps, mean, low, high = banded(runs)
    return Curve(steps / _UNIT, mean, low, high)


def _played(worlds: Mapping[str, Any]) -> Html:
    rows = [
        (
            name if policy == "learned" else f"{name}: {label}",
            *(short(interval_from(world[policy][metric]), places) for metric, _, places in COLUMNS),
        )
        for name, world in worlds.items()
        for policy, label in POLICIES.items()
        if policy in world
    ]
    return table("Means with half their intervals", ("world", *(heading(each) for _, each, _ in COLUMNS)), rows)


def _certificates(worlds: Mapping[str, Any]) -> Html:
    rows = [
        (" from ".join(filter(None, (name, path))), row)
        for name, world in worlds.items()
        for path, start in world["starts"].items()
        for row in start["certificates"]
    ]
    return certificates(rows, "policies")


def _phase(of: Finished) -> Iterator[Html]:
    if (file := of.folder / f"{PHASE}.png").is_file():
        yield picture(
            file,
            "Jervis's two variables, the thresholds of the model on them, and the outcome of each world of this run. A "
            "filled mark is settled and certified, an open one is not; hatched: starts or seeds end differently.",
        )


def _thresholds(worlds: Mapping[str, Any]) -> Iterator[Html]:
    names = [row for row in ROWS if any(row.name in world["thresholds"] for world in worlds.values())]
    if names:
        rows = [(name, *(world["thresholds"].get(row.name, "–") for row in names)) for name, world in worlds.items()]
        yield table("What theory says before any training", ("world", *(row.name for row in names)), rows)
        yield small(" ".join(f"{row.name}: {row.meaning}." for row in names))
