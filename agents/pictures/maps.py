"""Jervis's two variables as a map: offensive advantage across, distinguishability up, and the model's thresholds on it.

The thresholds are those of model.md section 5, for two like states with the arms of the start: *m = t*, beyond which a
security seeker strikes first for fear; *m = 1/2*; and *m = 0*, short of which peace is dominant.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from agents.evaluation.outcome import COOPERATES, RACES, SPIRALS
from agents.evaluation.threshold import expected_turns, middle, plain, trust_threshold
from agents.pictures.style import COLOURS, Caption, finish, halo, hatch, panels
from sd_env.scenario import Scenario

#: Stem of the picture's files in a run's folder.
PHASE: Final = "phase"
#: The two variables, of ``technology``.
_OMEGA, _Q = "offense_advantage", "distinguishability"
#: Points a side at which a threshold is reckoned.
_FINE: Final = 61
#: Outcome -> colour and mark.
_MARKS: Final = {
    SPIRALS: (COLOURS[0], "X"),
    RACES: (COLOURS[2], "D"),
    COOPERATES: (COLOURS[1], "o"),
    "": ("#666666", "s"),
}
#: From where peace is dominant to where fear strikes.
_GROUNDS: Final = ("#e8f1f8", "#f6f2e6", "#fae3cb", "#f3c4b2")
_MIXED: Final = ("#000000", "P")
#: Threshold -> how its line is drawn, and what it says.
LINES: Final = {
    "m=0": (":", "#333333", "m = 0: short of it peace is dominant"),
    "m=1/2": ("-.", COLOURS[3], "m = ½"),
    "m=t": ("-", COLOURS[1], "m = t: beyond it fear strikes first"),
    "q*": ("--", COLOURS[5], "q*: the same once a defensive posture was seen"),
}


@dataclass(frozen=True)
class Point:
    """A world on the map.

    Attributes:
        name: of the world.
        omega, q: where it is.
        outcomes: of its seeds and starts.
        stands: whether its policies are settled and certified.
    """

    name: str
    omega: float
    q: float
    outcomes: Sequence[str]
    stands: bool


def maps(worlds: Mapping[str, Scenario]) -> list[list[str]]:
    """Names of the worlds that share a map, the largest map first: those that differ in its two variables alone.

    Worlds of which the thresholds do not speak are on none: with more than two states, without attacks, with ranges
    for plain numbers or values state by state.
    """
    groups: dict[str, list[str]] = {}
    for name, scenario in worlds.items():
        if has_map(scenario):
            data = scenario.rules()
            data["technology"] = {k: v for k, v in data["technology"].items() if k not in (_OMEGA, _Q)}
            groups.setdefault(json.dumps(data, sort_keys=True), []).append(name)
    return sorted(groups.values(), key=lambda names: -len(names))


def has_map(scenario: Scenario) -> bool:
    """Whether the thresholds speak of a scenario."""
    try:
        plain(scenario.technology.offense_advantage), plain(scenario.motives.p_greedy)
        _threshold(scenario, 1.0, 0.0, _arms(scenario))
    except ValueError:
        return False
    return scenario.n_states == 2 and "attack" in scenario.actions.stance


def _arms(scenario: Scenario) -> float:
    """What each has at the start, swords and shields."""
    return middle(scenario.states.offense) + middle(scenario.states.defense)


def _threshold(scenario: Scenario, omega: float, q: float, arms: float) -> float:
    """The threshold of trust m at a point of the map, between two that hold these arms, half of them swords."""
    turns = expected_turns(scenario)
    return trust_threshold(scenario, arms / 2.0, arms / 2.0, turns, omega=omega, q=q)


def thresholds(axis: Any, across: np.ndarray, up: np.ndarray, fields: Mapping[str, np.ndarray]) -> list[Any]:
    """Draw thresholds on a map, and give the entries of its key.

    Args:
        axis: on which.
        across: where the map is reckoned, ``(A,)``.
        up: likewise, ``(U,)``.
        fields: of :data:`LINES` -> how far each point is above it, ``(U, A)``.
    """
    handles: list[Any] = []
    for name, field in fields.items():
        if np.nanmin(field) < 0.0 < np.nanmax(field):
            style, colour, said = LINES[name]
            axis.contour(across, up, field, levels=[0.0], colors=[colour], linestyles=[style], linewidths=1.8)
            handles += axis.plot([], [], color=colour, linestyle=style, label=said)
    return handles


def draw(scenario: Scenario, points: Sequence[Point], picture: Path, title: str) -> None:
    """Draw the map of a scenario with worlds on it.

    Args:
        scenario: what the worlds share.
        points: the worlds.
        picture: PNG to write; an SVG is written beside it.
        title: above it.
    """
    arms = _arms(scenario)
    trust = 1.0 - plain(scenario.motives.p_greedy)
    omegas = [point.omega for point in points]
    across = np.linspace(min(0.3, *omegas), max(2.0, 1.25 * max(omegas)), _FINE)
    up = np.linspace(0.0, 1.0, _FINE)
    m = np.array([[_threshold(scenario, h, v, arms) for h in across] for v in up])
    figure, [axis] = panels(1, size=(7.2, 6.0))
    edges = [-10.0, *sorted((0.0, 0.5, trust)), 10.0]  # trust may be 0, or one half: what lies between is not there
    grounds = {low: ground for low, high, ground in zip(edges, edges[1:], _GROUNDS, strict=False) if low < high}
    axis.contourf(across, up, np.maximum(m, -9.0), levels=[*grounds, edges[-1]], colors=[*grounds.values()])
    handles = thresholds(axis, across, up, {"m=0": m, "m=1/2": m - 0.5, "m=t": m - trust})
    width, height = 0.035 * (across[-1] - across[0]), 0.05
    seen = set()
    for point in points:
        kinds = set(point.outcomes)
        kind = point.outcomes[0] if len(kinds) == 1 else "outcomes differ"
        colour, mark = _MARKS.get(kind, _MIXED) if len(kinds) == 1 else _MIXED
        y = min(max(point.q, 0.03), 0.97)
        if len(kinds) > 1:
            hatch(axis, (point.omega - width, y - height), 2 * width, 2 * height)
        fill = colour if point.stands else "white"
        axis.plot(point.omega, y, mark, color=colour, markerfacecolor=fill, markersize=11, markeredgewidth=2)
        below = point.q > 0.5
        axis.annotate(point.name, (point.omega, y), xytext=(0, -16 if below else 12), textcoords="offset points",
                      ha="center", va="top" if below else "bottom", fontsize=9, path_effects=halo())  # fmt: skip
        if kind not in seen:
            seen.add(kind)
            handles += axis.plot([], [], mark, color=colour, label=kind or "no security seeker", linestyle="none")
    axis.set(
        xlabel="offensive advantage ω", ylabel="distinguishability q", xlim=(across[0], across[-1]), ylim=(-0.02, 1.02)
    )
    axis.legend(handles=handles, fontsize=9, loc="upper center", bbox_to_anchor=(0.5, -0.13), ncol=2, frameon=False)
    counts = sorted({len(point.outcomes) for point in points})
    n = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    more = f"trust t = {trust:g}; filled: settled and certified; hatched: starts or seeds end in different outcomes"
    finish(figure, title, Caption(n, "trainings a world (starts × seeds)", "", more), picture)
