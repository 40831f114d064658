"""Strangers' words where they are shown: tables, pictures, CSV, messages, and files beside planted links."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pandas as pd
import pytest
from matplotlib import pyplot as plt
from rich.table import Table

from agents.escape import Printable, console, csv_of, save_picture
from agents.evaluation.report import as_text
from agents.training.logs import Curves
from sd_env.files import PART, write_whole


def test_tables_show_brackets_and_colons_as_they_are_and_no_codes() -> None:
    table = Table(title="[/nope] :skull: \x1b]0;owned\x07 [red]r[/red]")
    table.add_column("[bold]a[/]\x1b[2J")
    table.add_row("=\x1b[1A[x]")
    text = as_text(table)
    for needed in ("[/nope] :skull:", "[red]r[/red]", "[bold]a[/]", "[x]"):
        assert needed in text
    assert "\x1b" not in text and "\x07" not in text
    file = io.StringIO()
    console(file=file, width=60).print(Printable("r[/x] \x1b[2J"))
    assert file.getvalue() == "r[/x] ?[2J\n"


@pytest.mark.parametrize(
    "words", [r"Costs $\frac{1", "$x^$", "c$^_$.sd", "a $ b", "\x1b[2J$", r"\frac", "$$", "安全 $"]
)
def test_dollars_in_pictures_begin_no_formula(words: str, tmp_path: Path) -> None:
    figure, axis = plt.subplots()
    axis.plot([0, 1], [0, 1], label=words)
    axis.set(title=words, xlabel=words)
    axis.set_xticks([0, 1], [words, words])
    axis.legend(title=words)
    figure.suptitle(words)
    save_picture(figure, tmp_path / "a.png", dpi=20)
    plt.close(figure)
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


FORMULAS = {
    **{text: f"'{text}" for text in ("=cmd|'/C calc'!A0", "+1+cmd", "-2+3", "@SUM(A1)")},
    **{"\t=1": "?=1", "\r=1": "?=1", "\n=1": "?=1", "\x1b[2J": "?[2J", "a\r\n=1,2": "a??=1,2"},
}


@pytest.mark.parametrize("name", FORMULAS)
def test_no_cell_is_a_formula_and_numbers_stay_numbers(name: str) -> None:
    frame = pd.DataFrame({"policy": [name, "dove"], name: [-1.5, 2.0], "whole": [-3, 4]})
    read = pd.read_csv(io.StringIO(csv_of(frame)), keep_default_na=False)
    safe = FORMULAS[name]
    assert list(read["policy"]) == [safe, "dove"] and list(read.columns) == ["policy", safe, "whole"]
    assert list(read[safe]) == [-1.5, 2.0] and list(read["whole"]) == [-3, 4]
    assert list(frame["policy"]) == [name, "dove"]  # the table itself is as it was


def test_a_category_of_names_is_made_safe_too() -> None:
    frame = pd.DataFrame({"policy": pd.Categorical(["=1", "dove"])})
    assert csv_of(frame) == "policy\n'=1\ndove\n"


def test_nothing_is_written_through_a_planted_link(tmp_path: Path) -> None:
    """Wherever a link is: at the file itself, or at every temporary name that is still free."""
    mine = tmp_path / "mine"
    mine.write_text("mine")
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "report.json").symlink_to(mine)
    for planted in (f".report.{os.getpid()}.json", ".report.json.tmp", f".{'0' * 16}{PART}"):
        (folder / planted).symlink_to(mine)
    write_whole(folder / "report.json", b"new")
    assert mine.read_text() == "mine" and not (folder / "report.json").is_symlink()
    curves = Curves(folder)
    curves.write({"a": 1.0}, {}, 1)
    (folder / "progress.csv").unlink()
    (folder / "progress.csv").symlink_to(mine)
    with pytest.raises(OSError):
        curves.write({"a": 2.0}, {}, 2)
    curves.close()
    assert mine.read_text() == "mine"
