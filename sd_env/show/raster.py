"""A world as a picture, with numpy alone: what ``render_mode="rgb_array"`` shows and videos are made of.

States stand at their places on a map, where the scenario has them, else on a circle, as large as the land that they
hold; beside each a blue bar (shields) and a red one (swords). Green: allied. Yellow, dashed: mobilized. Red, with a
thick end at the target: attacks. A ring of dots: greedy. Below: how far the episode is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sd_env.layout import Signal
from sd_env.show.places import Frame, places_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sd_env.worlds import Worlds

    Pixels = NDArray[np.uint8]

#: Height and width, even as video codecs want them.
SIZE: Final = (480, 640)
_PAPER, _INK, _FAINT = (250, 250, 247), (30, 34, 38), (205, 210, 214)
_ALLIED, _MOBILIZED, _ATTACK = (0, 130, 95), (214, 150, 0), (200, 40, 30)
_SHIELD, _SWORD, _LAND, _FALLEN = (0, 98, 170), (200, 40, 30), (150, 178, 205), (228, 228, 228)
_SAID: Final[dict[int, tuple[str, tuple[int, int, int]]]] = {
    int(Signal.REASSURE): ("+", _ALLIED), int(Signal.THREATEN): ("!", _ATTACK),
}  # fmt: skip
#: Stock of arms that fills a bar, and its pixels.
_FULL, _BAR = 4.0, 44
#: Letters, and the five rows of each: a digit a row, whose bits are its three columns.
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-+!/ "
_SHAPES: Final = (
    "25755 65656 34443 65556 74647 74644 34553 55755 72227 11153 55655 44447 57755 65555 25552 65644 25563 65655 34216 "
    "72222 55557 55552 55775 55255 55222 71247 25552 26227 61247 61216 55711 74616 34652 71222 25252 25316 00700 02720 "
    "22202 11244 00000"
)
_FONT: Final = dict(zip(_LETTERS, _SHAPES.split(), strict=True))


def raster(
    worlds: Worlds,
    names: Sequence[str],
    title: str = "",
    b: int = 0,
    given: Mapping[str, Sequence[float]] | None = None,
) -> Pixels:
    """World ``b`` for a spectator, true types and arms included: uint8 ``(480, 640, 3)``.

    Args:
        worlds: the worlds.
        names: of the N states; letters that are not of A to Z, digits or a dash stand as boxes.
        title: of the picture, likewise.
        b: which world.
        given: state -> its longitude and latitude, degrees; None for a circle.
    """
    canvas = _Canvas()
    states, pairs, count = worlds.states[b], worlds.pairs[b], len(names)
    reach = 160 if count > 2 else 130
    frame = Frame(
        80, 70, SIZE[1] - 110, SIZE[0] - 75, (SIZE[1] / 2, SIZE[0] / 2 - 4), (1.35 * reach, reach),
        (125, 100) if count < 9 else (100, 85),
    )  # fmt: skip
    places = [(float(y), float(x)) for x, y in places_of(names, given, frame)]
    for i in range(count):
        for j in range(count):
            if i < j and pairs["allied"][i, j]:
                canvas.line(places[i], places[j], _ALLIED, 2.5)
            if i != j and pairs["attacks"][i, j]:
                canvas.line(places[i], places[j], _ATTACK, 3.0)
                canvas.line(_toward(places[j], places[i], 70), _toward(places[j], places[i], 34), _ATTACK, 8.0)
            elif i != j and pairs["mobilized"][i, j]:
                canvas.line(places[i], _toward(places[j], places[i], 34), _MOBILIZED, 2.0, dash=9)
    for i, name in enumerate(names):
        _state(canvas, states[i], places[i], name)
    world, horizon = worlds.worlds[b], int(worlds.params["horizon"][b])
    canvas.text(title[:44], (10, 12), _INK)
    canvas.text(f"turn {int(world['turn'])}/{horizon}", (SIZE[0] - 34, 12), _INK)
    canvas.box((SIZE[0] - 12, 12), (SIZE[0] - 6, SIZE[1] - 12), _FAINT)
    done = 12 + (SIZE[1] - 24) * min(int(world["turn"]) / max(horizon, 1), 1.0)
    canvas.box((SIZE[0] - 12, 12), (SIZE[0] - 6, round(done)), _INK)
    return canvas.pixels


def _state(canvas: _Canvas, state: Any, place: tuple[float, float], name: str) -> None:
    y, x = place
    land = float(state["homeland"] + state["holdings"])
    radius = 10.0 + 14.0 * math.sqrt(max(land, 0.0))
    stands = bool(state["standing"])
    canvas.disc(place, radius + 2, _INK if stands else _FAINT)
    canvas.disc(place, radius, _LAND if stands else _FALLEN)
    if state["greed"] > 0:
        for k in range(12):
            at = 2 * math.pi * k / 12
            canvas.disc((y + (radius + 8) * math.cos(at), x + (radius + 8) * math.sin(at)), 2.0, _INK)
    for k, (stock, colour) in enumerate((("defense", _SHIELD), ("offense", _SWORD))):
        left, tall = round(x + radius + 14 + 9 * k), round(_BAR * min(float(state[stock]) / _FULL, 1.0))
        bottom = round(y) + _BAR // 2
        canvas.box((bottom - _BAR, left), (bottom, left + 7), _FAINT)
        canvas.box((bottom - tall, left), (bottom, left + 7), colour)
    if int(state["signal"]) in _SAID:
        sign, colour = _SAID[int(state["signal"])]
        canvas.text(sign, (round(y) - 10, round(x) - 6), colour, 4)
    shown = name.replace("_", " ")[:18]
    canvas.text(shown, (round(y + radius + 14), round(x) - 4 * len(shown)), _INK)


def _toward(one: tuple[float, float], two: tuple[float, float], pixels: float) -> tuple[float, float]:
    """The point so many pixels from the first toward the second."""
    far = math.dist(one, two) or 1.0
    return one[0] + (two[0] - one[0]) * pixels / far, one[1] + (two[1] - one[1]) * pixels / far


class _Canvas:
    """Pixels to draw on; what lies outside is left out. Points are (row, column)."""

    def __init__(self) -> None:
        self.pixels = np.full((*SIZE, 3), _PAPER, np.uint8)
        self._rows, self._columns = np.mgrid[: SIZE[0], : SIZE[1]]

    def disc(self, at: tuple[float, float], radius: float, colour: tuple[int, int, int]) -> None:
        self.pixels[(self._rows - at[0]) ** 2 + (self._columns - at[1]) ** 2 <= radius**2] = colour

    def box(self, one: tuple[int, int], two: tuple[int, int], colour: tuple[int, int, int]) -> None:
        (top, left), (bottom, right) = ((max(value, 0) for value in point) for point in (one, two))
        self.pixels[top:bottom, left:right] = colour

    def line(
        self,
        one: tuple[float, float],
        two: tuple[float, float],
        colour: tuple[int, int, int],
        width: float,
        dash: float = 0.0,
    ) -> None:
        far = math.dist(one, two)
        if far == 0.0:
            return
        down, across = (two[0] - one[0]) / far, (two[1] - one[1]) / far
        y, x = self._rows - one[0], self._columns - one[1]
        along = y * down + x * across
        on = (np.abs(x * down - y * across) <= width / 2) & (along >= 0) & (along <= far)
        if dash:
            on &= along // dash % 2 == 0
        self.pixels[on] = colour

    def text(self, words: str, at: tuple[int, int], colour: tuple[int, int, int], scale: int = 2) -> None:
        for k, letter in enumerate(words.upper()):
            rows = _FONT.get(letter, "75557")
            for row, bits in enumerate(rows):
                for column in range(3):
                    if int(bits) >> (2 - column) & 1:
                        top, left = at[0] + scale * row, at[1] + scale * (4 * k + column)
                        self.box((top, left), (top + scale, left + scale), colour)
