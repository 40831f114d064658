"""Strangers' words made harmless where they are shown: on a terminal, in tables of rich, in pictures, in CSV.

Titles of scenarios, names of policies, folders and keys may be anybody's. What :mod:`sd_env.errors` does for sentences
and :mod:`agents.messages` for messages, this does for all else, once for each way of showing.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

from agents.files import write_whole
from sd_env.errors import printable

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

#: With these a spreadsheet begins a formula.
_FORMULA: Final = ("=", "+", "-", "@")


def console(*, stderr: bool = False, width: int | None = None, file: TextIO | None = None) -> Console:
    """A console on which brackets and colons are what they are: no markup, no emoji, no colours of numbers.

    Args:
        stderr: write there instead of to standard output.
        width: at least so many columns, rather than numbers cut off.
        file: write there instead, in this very width.
    """
    from rich.console import Console

    plain: Any = {"markup": False, "emoji": False, "highlight": False}
    if file is not None:
        return Console(file=file, width=width, color_system=None, **plain)
    found = Console(stderr=stderr, **plain)
    return found if width is None or found.width >= width else Console(stderr=stderr, width=width, **plain)


@dataclass(frozen=True)
class Printable:
    """What rich shows, without letters that would drive a terminal."""

    shown: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.segment import Segment

        for text, style, control in console.render(self.shown, options):
            yield Segment("\n".join(map(printable, text.split("\n"))), style, control)


#: What decides the names within an SVG, which are chance otherwise.
_SALT: Final = "sd-env"


def save_picture(figure: Figure, path: Path, dpi: int) -> None:
    """Write a figure as PNG, and as SVG beside it, whole; a dollar in its texts is a dollar and begins no formula.

    Equal figures make equal files: neither holds a date, or names that are drawn by lot.
    """
    import matplotlib
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        text.set_parse_math(False)
        text.set_text("\n".join(map(printable, text.get_text().split("\n"))))
    # the setting is for labels that are made only when it is drawn
    with (
        matplotlib.rc_context({"text.parse_math": False, "svg.hashsalt": _SALT}),
        warnings.catch_warnings(),
    ):
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)  # a box stands in its place
        write_whole(path, lambda file: figure.savefig(file, dpi=dpi, format="png"))
        undated = {"Date": None}
        write_whole(path.with_suffix(".svg"), lambda file: figure.savefig(file, format="svg", metadata=undated))


def csv_of(frame: pd.DataFrame) -> str:
    """A table as CSV that keeps every digit; a text has no letters that drive, and none that a spreadsheet computes.

    The latter have a ``'`` before them.
    """
    texts = frame.select_dtypes(include=["object", "string", "category"]).columns
    safe = frame.assign(**{name: frame[name].map(cell) for name in texts}) if len(texts) else frame
    return str(safe.rename(columns=cell).to_csv(index=False))


def cell(value: Any) -> Any:
    """A cell of CSV: a text as :func:`csv_of` writes it, all else as it is."""
    if not isinstance(value, str):
        return value
    text = printable(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
