"""The four worlds as a map: ω across, q up, the theory's thresholds as lines, and games at every point of a grid."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np

from agents.evaluation.statistics import Interval
from agents.evaluation.threshold import expected_turns, middle, trust_threshold
from agents.evaluation.thresholds import thresholds
from agents.tour.games import Game, war
from agents.tour.steps import UNSURE, Replays
from sd_env.scenario import Scenario

#: Points of the grid; the four worlds of the catalogue are its points at .65 and 1.2, 0 and 1.
OMEGAS: Final = (0.3, 0.65, 0.8, 0.9, 1.0, 1.2, 1.4, 1.7, 2.0)
QS: Final = (0.0, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0)
#: Points of each line.
_FINE: Final = 81
#: Jervis's names of the four.
NAMES: Final = {
    (1.2, 0.0): "doubly dangerous", (1.2, 1.0): "intense", (0.65, 0.0): "not intense", (0.65, 1.0): "doubly safe"
}  # fmt: skip
_KEYS: Final = ("technology.offense_advantage", "technology.distinguishability")


@dataclass(frozen=True)
class Cell:
    """A point of the grid.

    Attributes:
        omega, q: where.
        m: threshold of trust of two like states there with the arms of the start, half of them swords.
        distinguishable_from: q* of its column.
        found: share of episodes with war.
        of: of how many.
        replay: key of its episode.
        turn: at which the replay opens.
    """

    omega: float
    q: float
    m: float
    distinguishable_from: float
    found: Interval
    of: int
    replay: str
    turn: int


@dataclass(frozen=True)
class Map:
    """The map.

    Attributes:
        trust: t.
        cells: one for each point, rows of q within columns of ω.
        lines: name -> points ``(omega, q)``.
        made: what was played.
    """

    trust: float
    cells: tuple[Cell, ...]
    lines: dict[str, list[tuple[float, float]]]
    made: str


def drawn(replays: Replays, episodes: int, omegas: tuple[float, ...] = OMEGAS, qs: tuple[float, ...] = QS) -> Map:
    """Play every point, and reckon the lines.

    Args:
        replays: takes one episode of each point.
        episodes: of two security seekers, at each point.
        omegas: columns of the grid.
        qs: its rows.
    """
    scenario = UNSURE.loaded()
    theory = {omega: thresholds(scenario, {_KEYS[0]: omega}, lag=False)[0] for omega in _columns(omegas)}
    trust = next(iter(theory.values())).trust
    cells = []
    for omega in omegas:
        for q in qs:
            game = _at(omega, q)
            frame, key = game.episodes(episodes), f"worlds-{omega:g}-{q:g}"
            turn = replays.keep(key, "", game, frame, changed=(omega, q) in NAMES).turn
            m, star = m_at(scenario, omega, q), theory[omega].distinguishable_from
            cells.append(Cell(omega, q, m, star, war(frame), len(frame), key, turn))
    lines = {name: _contour(scenario, omegas, level) for name, level in (("m = 0", 0.0), ("m = t", trust))}
    lines["q*"] = [(omega, each.distinguishable_from) for omega, each in theory.items()]
    return Map(trust, tuple(cells), lines, UNSURE.told())


def m_at(scenario: Scenario, omega: float, q: float) -> float:
    """m of two like states with the arms of the start, half of them swords, for a war of one turn (model.md, 5)."""
    arms = (middle(scenario.states.offense) + middle(scenario.states.defense)) / 2.0
    turns = expected_turns(scenario)
    return trust_threshold(scenario, arms, arms, turns, omega=omega, q=q)


def _at(omega: float, q: float) -> Game:
    return replace(UNSURE, overrides={**UNSURE.overrides, _KEYS[0]: omega, _KEYS[1]: q})


def _columns(omegas: tuple[float, ...]) -> list[float]:
    """The grid's and one between each two, so that the line bends where it should."""
    between = [(one + other) / 2.0 for one, other in pairwise(omegas)]
    return sorted({*omegas, *between})


def _contour(scenario: Scenario, omegas: tuple[float, ...], level: float) -> list[tuple[float, float]]:
    """Where m, which rises with ω, comes to exceed a level: for each q the ω, if it is on the map."""
    across = np.linspace(omegas[0], omegas[-1], _FINE)
    points = []
    for q in np.linspace(0.0, 1.0, _FINE):
        m = np.array([m_at(scenario, omega, float(q)) for omega in across])
        above = np.flatnonzero(m > level)
        if len(above) and above[0] > 0:
            k = int(above[0])
            part = (level - m[k - 1]) / (m[k] - m[k - 1]) if np.isfinite(m[k - 1]) else 1.0
            points.append((float(across[k - 1] + part * (across[k] - across[k - 1])), float(q)))
    return points
