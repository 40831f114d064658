"""Rounds on a run's page: who joined, their shares beside Nash and alpha-rank, gaps; and damaged records are told."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents import cli
from agents.evaluation.members import gaps, read
from agents.files import write_json
from agents.pages.folders import PageError
from agents.pages.write import report_page
from agents.training.config import load_training
from tests.agents.evaluation.test_report import as_theory_says
from tests.agents.pages.test_pages import made_run, plain


def record(**changed: Any) -> dict[str, Any]:
    """Stone, paper, scissors for both types, lifted by 10; the second mixture was taken."""
    stone = np.array([[10.0, 9.0, 11.0], [11.0, 10.0, 9.0], [9.0, 11.0, 10.0]])
    mixtures = [
        {"round": 1, "shares": [[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]], "found": 0.1},
        {"round": 2, "shares": [[0.5, 0.25, 0.25], [0.0, 0.6, 0.4]], "found": 0.05},
    ]
    return {
        "members": ["as trained", "round 1: learned from scratch", "round 2: taught"],
        "payoffs": np.broadcast_to(stone[None, :, None, :], (2, 3, 2, 3)).tolist(),
        "meetings": [[0.64, 0.16], [0.16, 0.04]],
        "mixtures": mixtures,
        "taken": 1,
    } | changed


ANSWERS = [
    {"round": 1, "greedy": False, "own": 10.0, "gain": 1.0},
    {"round": 1, "greedy": True, "own": -20.0, "gain": 5.0},
    {"round": 2, "greedy": False, "own": 10.0, "gain": 0.5},
]


def test_a_record_is_read_as_the_game_that_it_is() -> None:
    game = read(record())
    assert game.occurring == [0, 1] and game.names[1] == "round 1: learned from scratch"
    assert game.against(1) == pytest.approx(np.array([[10, 9, 11], [11, 10, 9], [9, 11, 10]]))
    solved = game.solutions()
    assert list(solved) == ["played", "Nash", "alpha-rank"]
    assert solved["played"][1].tolist() == [0.0, 0.6, 0.4]
    assert game.gain(solved["Nash"]) == pytest.approx([0.0, 0.0], abs=1e-9)
    # at the middle nobody gains; where all play the first, the second earns a tenth more
    assert game.gain(np.array([[1.0, 0, 0], [1.0, 0, 0]])) == pytest.approx([0.1, 0.1])
    found = gaps(ANSWERS)
    assert found == {"security seekers": {1: 0.1, 2: 0.05}, "greedy states": {1: 0.25}}


@pytest.mark.parametrize(
    "changed",
    [
        {"members": []},
        {"members": ["one"]},
        {"taken": 7},
        {"payoffs": [[1.0]]},
        {"meetings": [[0.0, 0.0], [0.0, 0.0]]},
        {"meetings": [[float("nan"), 0.0], [0.0, 1.0]]},
        {"mixtures": {}},
    ],
    ids=str,
)
def test_a_record_that_is_none_is_refused(changed: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises((ValueError, LookupError, TypeError)):
        read(record(**changed))
    run = made_run(tmp_path / "run", as_theory_says())
    write_json(run / "jobs" / "intense__seed1" / "result.json", {"members": record(**changed), "rounds": ANSWERS})
    with pytest.raises(PageError, match=r"result\.json is not as this program writes it|result\.json"):
        report_page(run)


def test_a_page_has_a_table_of_members_for_each_world_that_had_rounds(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", as_theory_says())
    assert "members and their shares" not in plain(report_page(run))  # no rounds
    for seed in (1, 2):
        write_json(run / "jobs" / f"intense__seed{seed}" / "result.json", {"members": record(), "rounds": ANSWERS})
    write_json(run / "jobs" / "doubly-safe__seed1" / "result.json", {"members": None, "rounds": []})
    page = report_page(run)
    words = plain(page)
    assert words.count("members and their shares") == 1  # of the first seed
    assert words.index("What was played") < words.index("Rounds") < words.index("How to make it again")
    [table] = re.findall(r"<table><caption>intense, seed 1: members.*?</table>", page, re.DOTALL)
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in re.findall(r"<tr>(.*?)</tr>", table)]
    assert rows[0][:2] == ["1. as trained", "0.500"] and rows[1][4] == "0.600"
    assert rows[-1][0] == "the best gains" and rows[-1][2] == "0.00%"


@pytest.mark.slow
def test_a_run_with_rounds_leaves_its_game_its_pictures_and_its_page(tmp_path: Path) -> None:
    settings = load_training("smoke").model_dump(mode="json")
    rounds = {"most": 2, "quiet": 1, "gap": 0.0, "response_steps": 2048, "worlds": 64}
    words = [f"--rounds.{key}={value}" for key, value in rounds.items()]
    words = [word for each in words for word in each.split("=")]
    assert settings["population"]["mode"] == "shared"
    code = cli.main(
        [
            *("train", "--config", "smoke", "--scenarios", "jervis/not-intense", "--seeds", "1", "--workers", "1"),
            *("--learner.networks", "by_type", "--total_steps", "2048", "--runs", str(tmp_path)),
            *words,
        ]
    )
    assert code == 0
    [run] = tmp_path.iterdir()
    assert {"gaps.png", "gaps.svg", "members_not-intense.png", "members_not-intense.svg"} <= {
        path.name for path in run.iterdir()
    }
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "not-intense, seed 1: members and their shares" in plain(page) and page.count("data:image/png") >= 2
