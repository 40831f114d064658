"""The README's first picture: what it says of the policy is what the certificate says, and bad words are refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from agents import make
from agents.pages import episodes
from agents.pages.episodes import Chosen, Game
from agents.pages.folders import PageError
from sd_env.record import record
from sd_env.scenario import Scenario
from tests.agents.evaluation.test_report import as_theory_says
from tests.agents.pages.test_pages import certificate, made_run
from tools import readme_picture
from tools.readme_picture import BEGIN, END, ReadmeError, chosen, written

STANDS = [certificate("security seekers", 0.001, "certified"), certificate("greedy states", 0.002, "certified")]
BEATEN = [certificate("security seekers", 0.05, "beaten")]


def run_with(folder: Path, certificates: dict[str, Any], *worlds: str) -> Path:
    """A run's folder with an episode of some worlds."""
    run = made_run(folder, as_theory_says(), certificates=certificates)
    found = []
    for name in worlds:
        game = Scenario.load(f"jervis/{name}")
        log = record(game, make("hawk"), seed=1)
        found.append(Chosen("most tragic war", log, Game(name, game, [make("hawk")] * 2, ("hawk",) * 2, 1, 1)))
        found.append(Chosen("best cooperation", record(game, make("dove"), seed=1), found[-1].game))
    episodes.write(run, found)
    return run


def test_a_certified_policy_is_taken_first_and_called_so(tmp_path: Path) -> None:
    worlds = {"intense": {"": BEATEN}, "doubly-safe": {"": STANDS}}
    shown = chosen(run_with(tmp_path / "run", worlds, "intense", "doubly-safe"))
    assert "in the world doubly-safe, with seed 1. **Certified" in shown.words
    assert "gains 0.1% of the return of security seekers, certified" in shown.words
    assert shown.page.name == "doubly-safe__most-tragic-war.html" and 0 < shown.turn < 32
    assert f"*Turn {shown.turn} of " in shown.words


def test_what_is_not_certified_is_called_so_and_says_why(tmp_path: Path) -> None:
    run = run_with(tmp_path / "run", {"intense": {"": BEATEN}}, "intense", "doubly-safe")
    beaten, never = chosen(run, "intense"), chosen(run, "doubly-safe", "best cooperation", 5)
    assert "**Not certified.**" in beaten.words and "5.0% of the return of security seekers, beaten" in beaten.words
    assert "**Not certified.** Not certified: " in never.words and never.turn == 5
    assert never.page.name == "doubly-safe__best-cooperation.html"


def test_bad_words_are_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = run_with(tmp_path / "run", {}, "intense")
    for given, said in (
        (("doubly-safe",), "--world is 'doubly-safe'; episodes are kept of intense."),
        (("intense", "rout"), "--episode is 'rout'; of intense there are most tragic war, best cooperation."),
        (("intense", None, 99), "--turn is 99; 0 to 32 is allowed."),
    ):
        with pytest.raises(ReadmeError) as caught:
            chosen(run, *given)
        assert str(caught.value) == said
    with pytest.raises(PageError, match="is no folder"):
        chosen(tmp_path / "nowhere")
    with pytest.raises(ReadmeError, match="keeps no episodes"):
        chosen(made_run(tmp_path / "bare", as_theory_says()))
    (tmp_path / "README.md").write_text("no marks\n")
    assert readme_picture.main([str(run), "--root", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("python -m tools.readme_picture: README.md needs the lines <!-- pictures")


def test_all_else_in_the_readme_stays_and_a_second_time_changes_nothing(tmp_path: Path) -> None:
    shown = chosen(run_with(tmp_path / "run", {}, "intense"))
    text = written(f"before\n\n{BEGIN}\n\nwhat stood here\n\n{END}\n\nafter\n", shown, "t", phase=True)
    assert "what stood here" not in text
    assert text.startswith(f"before\n\n{BEGIN}\n\n![") and text.endswith(f"{END}\n\nafter\n")
    assert text.index("replay.png") < text.index("phase.png") and written(text, shown, "t", phase=True) == text
    assert "phase.png" not in written(text, shown, "t", phase=False)


def test_the_readme_begins_with_a_replay_of_a_certified_policy_and_then_the_map() -> None:
    text = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]*)\)", text)
    assert pictures[:2] == [readme_picture.REPLAY, readme_picture.MAP]
    between = text[text.index(readme_picture.REPLAY) : text.index(readme_picture.MAP)]
    assert "**Certified.** Certificate: " in between and "Not certified" not in between
    assert "Written by `python -m tools.readme_picture`" in between
