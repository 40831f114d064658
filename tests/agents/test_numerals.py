"""Whole numbers as people write them, wherever one is asked for."""

from __future__ import annotations

import argparse

import pytest

from agents.commands.options import positive, whole
from agents.numerals import whole_number

WHOLE = [
    ("10000", 10_000), ("10_000", 10_000), ("1e4", 10_000), ("1E+4", 10_000), ("2.5e3", 2_500), ("1.e2", 100),
    (" 7 ", 7), ("-3", -3), ("+3", 3), ("0", 0),
]  # fmt: skip


@pytest.mark.parametrize(("text", "number"), WHOLE)
def test_whole_numbers_are_read_however_they_are_written(text: str, number: int) -> None:
    assert whole_number(text) == number


@pytest.mark.parametrize(
    "text", ["", "x", "1.5", "1.25e1", "1e-2", "1e400", "nan", "inf", "1_", "_1", "0x10", "٣", "1e", "9" * 5000]
)
def test_what_is_no_whole_number_is_none(text: str) -> None:
    assert whole_number(text) is None


def test_options_of_commands_take_them() -> None:
    assert (whole("1e3"), positive("2e0")) == (1000, 2)
    for text in ("1.5", "-1", "9" * 5000):
        with pytest.raises(argparse.ArgumentTypeError, match="a whole number of at least 0 is"):
            whole(text)
