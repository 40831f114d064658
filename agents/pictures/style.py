"""The one look of pictures: colours that the common kinds of colour blindness keep apart, and a caption below.

Nothing else draws: a figure is begun by :func:`panels` and ended by :func:`finish`, which asks for its caption.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import matplotlib

from agents.escape import save_picture

matplotlib.use("Agg")  # before pyplot: no display is needed

from matplotlib import pyplot as plt
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

DPI: Final = 130
GREY: Final = "#666666"
#: Okabe and Ito's palette, which the common kinds of colour blindness keep apart; line styles repeat the difference.
COLOURS: Final = ("#D55E00", "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#000000")
STYLES: Final = ("-", "--", "-.", ":")
#: Letters that an inch has, of a title and of a caption.
_TITLE, _CAPTION = 10, 14


@dataclass(frozen=True)
class Caption:
    """What a picture rests on.

    Attributes:
        n: how many; a text where they are not the same everywhere.
        of: of what, as ``"seeds of 64 worlds each"``.
        interval: what is drawn as an interval and of which kind, as ``"bars: 95% t interval over seeds"``; "" if there
            is none.
        more: what else is to be known.
    """

    n: int | str
    of: str
    interval: str = ""
    more: str = ""

    def __str__(self) -> str:
        return "; ".join(
            each for each in (f"n = {self.n} {self.of}", self.interval or "no interval", self.more) if each
        )


def panels(
    across: int, down: int = 1, *, size: tuple[float, float] = (5.2, 4.2), **keywords: Any
) -> tuple[Any, list[Any]]:
    """A figure and its panels, row by row.

    Args:
        across: panels side by side.
        down: rows of them.
        size: of a panel, inches.
        keywords: of :func:`matplotlib.pyplot.subplots`.
    """
    figure, axes = plt.subplots(
        down, across, figsize=(size[0] * across, size[1] * down), layout="constrained", squeeze=False, **keywords
    )
    return figure, list(axes.flat)


def look(k: int) -> dict[str, Any]:
    """Colour and dashes of the k-th line."""
    return {"color": COLOURS[k % len(COLOURS)], "linestyle": STYLES[k % len(STYLES)]}


def halo(colour: str = "white") -> list[Any]:
    """What makes words that stand on lines or hatching readable: an edge of another colour around them."""
    return [withStroke(linewidth=2.2, foreground=colour)]


def hatch(axis: Any, corner: tuple[float, float], width: float, height: float) -> None:
    """Hatch a part of a map: there starts or seeds disagree."""
    axis.add_patch(Rectangle(corner, width, height, fill=False, hatch="////", edgecolor="#333333", linewidth=0))


def short(name: Any, most: int = 34) -> str:
    """A name that a legend has room for."""
    text = str(name)
    return text if len(text) <= most else text[: most - 1] + "…"


def finish(figure: Any, title: str, caption: Caption, path: Path) -> None:
    """Title, caption, and the files: ``path`` as PNG and an SVG beside it."""
    wide = figure.get_size_inches()[0]
    figure.suptitle(textwrap.fill(title, int(_TITLE * wide)), fontsize=12)
    figure.supxlabel(textwrap.fill(str(caption), int(_CAPTION * wide)), fontsize=8.5, color=GREY)
    try:
        save_picture(figure, path, dpi=DPI)
    finally:
        plt.close(figure)
