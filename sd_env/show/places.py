"""Where states stand in a picture: at their places on a map, where a scenario has them, else on a circle.

The map is equirectangular with the cosine of its middle latitude, so that near it a mile is as long in all directions;
it is cut where there are no states. It is fitted to the picture, and states that would hide one another are moved
apart.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Steps in which states are moved apart at most.
_STEPS: Final = 400


@dataclass(frozen=True)
class Frame:
    """A picture, in its own units, y downward.

    Attributes:
        left, top, right, bottom: edges between which states stand on a map.
        middle: of the circle, (x, y).
        radii: of the circle, across and down.
        apart: room of a state on a map, across and down: two share it in no picture that has enough.
    """

    left: float
    top: float
    right: float
    bottom: float
    middle: tuple[float, float]
    radii: tuple[float, float]
    apart: tuple[float, float]


def places_of(names: Sequence[str], given: Mapping[str, Sequence[float]] | None, frame: Frame) -> NDArray[np.float64]:
    """Where each state stands, float64 ``(N, 2)``: x, y.

    Args:
        names: of the states.
        given: state -> its longitude and latitude, degrees; None for a circle.
        frame: of the picture.
    """
    return _circle(len(names), frame) if given is None else _map(np.array([given[name] for name in names]), frame)


def _circle(count: int, frame: Frame) -> NDArray[np.float64]:
    """From the top on, clockwise; two stand side by side, the first on the left."""
    angles = 2 * math.pi * np.arange(count) / count - (math.pi / 2 if count == 2 else 0.0)
    return np.stack([frame.middle[0] + frame.radii[0] * np.sin(angles),
                     frame.middle[1] - frame.radii[1] * np.cos(angles)], axis=1)  # fmt: skip


def _map(degrees: NDArray[np.float64], frame: Frame) -> NDArray[np.float64]:
    east, north = _uncut(degrees[:, 0]), degrees[:, 1]
    middle = (north.min() + north.max()) / 2
    plane = np.stack([east * math.cos(math.radians(middle)), -north], axis=1)
    low, high = plane.min(axis=0), plane.max(axis=0)
    room = np.array([frame.right - frame.left, frame.bottom - frame.top])
    scale = min((room[k] / (high[k] - low[k]) for k in (0, 1) if high[k] > low[k]), default=1.0)
    corner = np.array([frame.left, frame.top])
    return _apart(corner + room / 2 + scale * (plane - (low + high) / 2), corner, room, np.array(frame.apart))


def _uncut(east: NDArray[np.float64]) -> NDArray[np.float64]:
    """Longitudes that go on beyond 180 where the map is else cut between neighbours: it is cut in the widest gap."""
    order = np.sort(east)
    gaps = np.append(order[1:], order[0] + 360.0) - order
    last = order[int(gaps.argmax())]  # west of the widest gap, and so the east end of the map
    return np.where(east > last, east - 360.0, east)


def _apart(
    spots: NDArray[np.float64], corner: NDArray[np.float64], room: NDArray[np.float64], apart: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The spots, moved as little as it takes for any two to be ``apart``, across or down, as far as there is room.

    Two that are too near are moved the shorter way, both by half, and none beyond the edges.
    """
    moved, count = spots.copy(), len(spots)
    for _ in range(_STEPS):
        close = False
        for i in range(count):
            for j in range(i + 1, count):
                way = moved[j] - moved[i]
                lacks = 1.0 - np.abs(way) / apart
                if (lacks <= 1e-3).any():
                    continue
                close = True
                k = int(lacks.argmin())
                step = lacks[k] / 2 * apart[k] * (1.0 if way[k] > 0 or (way[k] == 0 and (i + j) % 2) else -1.0)
                moved[i, k], moved[j, k] = moved[i, k] - step, moved[j, k] + step
        moved = np.clip(moved, corner, corner + room)
        if not close:
            break
    return moved
