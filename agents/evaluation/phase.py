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

import matplotlib
import numpy as np

from agents.escape import save_picture
from agents.evaluation.outcome import COOPERATES, RACES, SPIRALS
from agents.evaluation.picture import COLOURS
from agents.evaluation.threshold import expected_turns, middle, plain, trust_threshold
from sd_env.scenario import Scenario

matplotlib.use("Agg")  # before pyplot: no display is needed

from matplotlib import pyplot as plt
from matplotlib.patches import Rectangle

#: Stem of the picture's files in a run's folder.
PHASE: Final = "phase"
#: The two variables, of ``technology``, and what is no part of a game.
_OMEGA, _Q = "offense_advantage", "distinguishability"
_WORDS: Final = ("name", "title", "description", "prediction", "sources", "tags")
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
            data = {key: value for key, value in scenario.to_dict().items() if key not in _WORDS}
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
    figure, axis = plt.subplots(figsize=(7.2, 5.4), layout="constrained")
    levels = [-10.0, 0.0, *sorted({0.5, trust}), 10.0]
    axis.contourf(across, up, np.maximum(m, -9.0), levels=levels, colors=_GROUNDS)
    handles: list[Any] = []
    for level, style, words in ((0.0, ":", "m = 0: peace dominant left of it"), (0.5, "-.", "m = ½"),
                                (trust, "-", f"m = t = {trust:g}: fear strikes right of it")):  # fmt: skip
        if np.nanmin(m) < level < np.nanmax(m):
            axis.contour(across, up, m, levels=[level], colors=["#333333"], linestyles=[style])
            handles += axis.plot([], [], color="#333333", linestyle=style, label=words)
    width, height = 0.035 * (across[-1] - across[0]), 0.05
    seen = set()
    for point in points:
        kinds = set(point.outcomes)
        kind = point.outcomes[0] if len(kinds) == 1 else "outcomes differ"
        colour, mark = _MARKS.get(kind, _MIXED) if len(kinds) == 1 else _MIXED
        y = min(max(point.q, 0.03), 0.97)
        if len(kinds) > 1:
            axis.add_patch(
                Rectangle(
                    (point.omega - width, y - height), 2 * width, 2 * height, fill=False, hatch="////", linewidth=0
                )
            )
        fill = colour if point.stands else "white"
        axis.plot(point.omega, y, mark, color=colour, markerfacecolor=fill, markersize=11, markeredgewidth=2)
        below = point.q > 0.5
        axis.annotate(point.name, (point.omega, y), xytext=(0, -16 if below else 12), textcoords="offset points",
                      ha="center", va="top" if below else "bottom", fontsize=9)  # fmt: skip
        if kind not in seen:
            seen.add(kind)
            handles += axis.plot([], [], mark, color=colour, label=kind or "no security seeker", linestyle="none")
    axis.set(
        xlabel="offensive advantage ω", ylabel="distinguishability q", xlim=(across[0], across[-1]), ylim=(-0.02, 1.02)
    )
    axis.set_title(title, fontsize=11)
    axis.legend(handles=handles, fontsize=9, loc="upper center", bbox_to_anchor=(0.5, -0.13), ncol=2, frameon=False)
    save_picture(figure, picture, dpi=130)
    plt.close(figure)
