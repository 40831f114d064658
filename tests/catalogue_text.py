"""What the files of the catalogue say, for the tests that hold them to it."""

from __future__ import annotations

from importlib import resources
from typing import Any

from agents.evaluation.threshold import effective_turns

TURNS = effective_turns(32)
#: Offensive and defensive arms of each state at the start of most of theories/: the middle of their range.
START = (0.0, 1.75)


def text_of(name: str) -> str:
    return (resources.files("sd_env") / "catalogue" / f"{name}.yaml").read_text(encoding="utf-8")


def says(name: str, *numbers: str) -> None:
    """The file has these words, wherever its lines break and whether in a comment or not."""
    text = " ".join(text_of(name).replace("\n#", "\n").split())
    for words in numbers:
        assert words in text, f"{name} does not say {words!r}"


def two(value: float) -> str:
    """Two decimals as the files write them: .66."""
    return f"{value:.2f}".replace("0.", ".", 1) if abs(value) < 1 else f"{value:.2f}"


def plain(value: Any) -> float:
    assert isinstance(value, (int, float))
    return float(value)
