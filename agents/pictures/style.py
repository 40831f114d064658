"""The one look of pictures: colours that the common kinds of colour blindness keep apart, and a caption below."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import matplotlib

from agents.escape import save_picture
from agents.evaluation.picture import COLOURS, STYLES

matplotlib.use("Agg")  # before pyplot: no display is needed

from matplotlib import pyplot as plt

DPI: Final = 130
GREY: Final = "#666666"


def panels(across: int, down: int = 1, *, size: tuple[float, float] = (5.2, 4.2)) -> tuple[Any, list[Any]]:
    """A figure and its panels, row by row."""
    figure, axes = plt.subplots(
        down, across, figsize=(size[0] * across, size[1] * down), layout="constrained", squeeze=False
    )
    return figure, list(axes.flat)


def look(k: int) -> dict[str, Any]:
    """Colour and dashes of the k-th line."""
    return {"color": COLOURS[k % len(COLOURS)], "linestyle": STYLES[k // len(COLOURS) % len(STYLES)]}


def finish(figure: Any, title: str, caption: str, path: Path) -> None:
    """Title, caption, and the files: ``path`` as PNG and an SVG beside it."""
    figure.suptitle(title, fontsize=12)
    figure.supxlabel(caption, fontsize=8.5, color=GREY)
    save_picture(figure, path, dpi=DPI)
    plt.close(figure)
