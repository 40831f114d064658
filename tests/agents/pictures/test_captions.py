"""Every picture that the package can draw: one look, PNG and SVG, and a caption with n and the kind of interval."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import agents
from agents import cli
from agents.evaluation.members import Members
from agents.evaluation.statistics import Interval
from agents.experiments import picture as of_experiments
from agents.experiments.judge import levels
from agents.experiments.language import load_experiment
from agents.experiments.run import read_cells
from agents.pictures import curves, episodes, maps, members, plays, responses, schelling, style
from agents.publish import components_shown, search, set_network
from sd_env import RandomPolicy
from sd_env.record import record
from sd_env.scenario import Scenario

ROOT = Path(agents.__file__).parents[1]
RESULTS = ROOT / "docs" / "results"
CAPTION = re.compile(r"^n = (\d+|\d+ to \d+) \S.*; (no interval|.*(95% (t |bootstrap |normal )?interval|percentile))")


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Figures as they are saved."""
    found: list[Any] = []
    save = style.save_picture
    monkeypatch.setattr(
        style, "save_picture", lambda figure, *rest, **how: (found.append(figure), save(figure, *rest, **how))
    )
    return found


def progress(where: Path, seed: int) -> Path:
    path = where / f"{seed}.csv"
    rows = [f"{1000 * k},{seed * k / 10},{k / 100}" for k in range(1, 5)]
    path.write_text("\n".join(["time/total_timesteps,arms/s_total,outcome/ss_attacks", *rows]) + "\n")
    return path


def experiment(name: str) -> Callable[[Path], None]:
    asked = load_experiment(name)
    frame = read_cells(asked, RESULTS / "experiments" / f"{name}.csv")
    return lambda path: of_experiments.draw(asked, levels(asked, frame), path)


def logs() -> list[Any]:
    return [record("history/1914-chain-gang", RandomPolicy(), seed=seed) for seed in (3, 4)]


def table(**given: Any) -> pd.DataFrame:
    return pd.DataFrame([given | {"value": value, "metric": metric} for value in ("base", "x") for metric in METRICS])


def game(size: int, meetings: np.ndarray) -> Members:
    return Members(["a"] * size, np.ones((2, size, 2, size)), meetings, np.full((2, size), 1 / size))


METRICS = ("payoff", "outcome/ss_attacks", "arms/s_total")
NUMBERS = {"low": -0.5, "high": 0.5, "count": 3, "unit": "seeds"}
MATRIX = pd.DataFrame([[1.0, 2.0], [3.0, np.nan]], ["a", "b"], ["a", "b"])
RUN = [(np.arange(3.0), np.arange(3.0)), (np.arange(3.0), np.arange(3.0) + 1)]
ROW = {"policy": "p", "low": 0.1, "high": 0.7, "value": 0.2, "swapped": 0.0, "never_attack": 0.0, "pairs": 9}
#: What draws -> how it is made to.
CASES: dict[str, list[Callable[[Path], None]]] = {
    "agents.pictures.curves.draw": [
        lambda path: curves.draw({"w": [progress(path.parent, k) for k in (1, 2)]}, path, "A run"),
        lambda path: curves.draw({"w": [progress(path.parent, 1)]}, path, "One seed"),
    ],
    "agents.pictures.plays.heat_map": [
        lambda path: plays.heat_map(MATRIX, path, "Pay-offs", "return", style.Caption(3, "seeds"))
    ],
    "agents.pictures.plays.shares": [
        lambda path: plays.shares(pd.DataFrame({"generation": [0, 1], "a": [0.5, 0.6], "b": [0.5, 0.4]}), path, "Who")
    ],
    "agents.pictures.plays.ablation": [
        lambda path: plays.ablation(table(policy="p", parameter="k", mean=1.0, difference=0.1, **NUMBERS), path, "k")
    ],
    "agents.pictures.plays.intervals": [
        lambda path: plays.intervals({("a", "p"): Interval(0.1, 0.0, 0.2), ("b", "q"): Interval(0.1, np.nan, np.nan)},
                                     path, "Scores", "score", style.Caption(3, "seeds", "bars: 95% t interval"),
                                     {"0": 0.0})
    ],
    "agents.pictures.maps.draw": [
        lambda path: maps.draw(
            Scenario.load("jervis/intense"), [maps.Point("i", 0.65, 0.0, ["a", "b"], True)], path, "M")
    ],
    "agents.pictures.members.payoffs": [
        lambda path: members.payoffs(game(3, np.eye(2)), path, "M", 9),
        lambda path: members.payoffs(game(14, np.array([[1.0, 0.0], [0.0, 0.0]])), path, "M", 9),
    ],
    "agents.pictures.members.gaps": [
        lambda path: members.gaps({"w": [{"security seekers": {1: 0.2, 2: 0.1}}], "v": [{}, {}]}, path, "G")
    ],
    "agents.pictures.responses.impulse_responses": [
        lambda path: responses.impulse_responses(
            pd.DataFrame([ROW | {"do": do, "measure": measure, "h": h} for do in ("defense", "offense")
                          for measure in responses.MEASURES for h in (0, 1)]), path)
    ],
    "agents.pictures.schelling.draw": [
        lambda path: schelling.draw(
            pd.DataFrame([{"others": k, "own": own, "value": 1.0, "low": 0.5, "high": 1.5, "seeds": 2}
                          for k in (0, 1) for own in ("dove", "hawk")]), Scenario.load("games/one-shot"), path)
    ],
    "agents.pictures.episodes.alliances": [lambda path: episodes.alliances(logs()[0], path)],
    "agents.pictures.episodes.beliefs": [lambda path: episodes.beliefs(logs()[0], path)],
    "agents.pictures.episodes.phase_plane": [lambda path: episodes.phase_plane(logs(), path)],
    "agents.experiments.picture.draw": [experiment("arms-race"), experiment("phase-diagram")],
    "agents.publish.set_network.draw": [
        lambda path: set_network.draw({name: {"w": RUN} for name in set_network.NETWORKS}, path)
    ],
    "agents.publish.search.draw": [lambda path: search.draw(pd.read_csv(RESULTS / "search.csv"), path)],
    "agents.publish.components_shown.draw": [
        lambda path: components_shown.draw(pd.read_csv(RESULTS / "components.csv"), path, 3)
    ],
}  # fmt: skip


def calls(name: str) -> set[str]:
    """Functions of the package, by dotted name, in which something of that name is called."""
    found = set()
    for path in sorted((ROOT / "agents").rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for top in ast.parse(path.read_text(encoding="utf-8")).body:
            inner = [node.func for node in ast.walk(top) if isinstance(node, ast.Call)]
            if any(getattr(each, "id", getattr(each, "attr", "")) == name for each in inner):
                found.add(f"{module}.{getattr(top, 'name', '')}")
    return found


def test_whatever_draws_is_tried_here_and_nothing_draws_but_through_the_one_look() -> None:
    assert calls("finish") == set(CASES)
    assert calls("save_picture") == {"agents.pictures.style.finish"}
    assert calls("savefig") == {"agents.escape.save_picture"}
    assert calls("subplots") == {"agents.pictures.style.panels"}


@pytest.mark.parametrize(("name", "k"), [(name, k) for name, each in CASES.items() for k in range(len(each))])
def test_a_picture_has_a_caption_with_n_and_the_kind_of_its_interval(
    name: str, k: int, kept: list[Any], tmp_path: Path
) -> None:
    CASES[name][k](tmp_path / "x.png")
    assert {path.name for path in tmp_path.iterdir()} >= {"x.png", "x.svg"}
    [figure] = kept
    caption = " ".join(figure.get_supxlabel().split())
    assert CAPTION.match(caption), caption
    assert figure.get_suptitle()


def test_a_tournament_says_on_how_many_seeds_it_rests(kept: list[Any], tmp_path: Path) -> None:
    words = ["tournament", "dove", "hawk", "--scenario", "games/one-shot", "--seeds", "1", "2", "--worlds", "3"]
    assert cli.main([*words, "--workers", "1", "--out", str(tmp_path / "t")]) == 0
    captions = [" ".join(figure.get_supxlabel().split()) for figure in kept]
    assert captions[0] == "n = 2 seeds, 3 worlds a seed and seating; no interval; means"
    assert captions[1].startswith("n = 2 policies; no interval; replicator dynamics")


def test_lines_are_told_apart_without_colour() -> None:
    looks = [style.look(k) for k in range(len(style.COLOURS) * len(style.STYLES))]
    assert len({(each["color"], each["linestyle"]) for each in looks}) == len(looks)
    assert all(looks[k]["linestyle"] != looks[k + 1]["linestyle"] for k in range(len(looks) - 1))


def test_an_interval_of_one_unit_is_none() -> None:
    alone = table(policy="p", parameter="k", mean=1.0, difference=0.0, **NUMBERS | {"low": np.nan, "high": np.nan})
    assert str(plays.over(alone, "bars: 95% {} interval")) == "n = 3 seeds; no interval"
    some = table(policy="p", parameter="k", **NUMBERS | {"unit": "episodes"})
    assert str(plays.over(some, "bars: 95% {} interval")) == "n = 3 episodes; bars: 95% bootstrap interval"


def test_a_world_whose_seeds_disagree_is_hatched_and_one_whose_agree_is_not(kept: list[Any], tmp_path: Path) -> None:
    game = Scenario.load("jervis/intense")
    for k, outcomes in enumerate((["spiral", "cooperation"], ["spiral", "spiral"])):
        maps.draw(game, [maps.Point("intense", 0.65, 0.0, outcomes, True)], tmp_path / f"{k}.png", "A map")
    hatched = [sum(patch.get_hatch() is not None for patch in figure.axes[0].patches) for figure in kept]
    assert hatched == [1, 0]


def test_a_panel_without_numbers_says_why(kept: list[Any], tmp_path: Path) -> None:
    asked = load_experiment("signals-of-resolve")
    frame = read_cells(asked, RESULTS / "experiments" / "signals-of-resolve.csv")
    frame = frame[frame["measure"] != "outcome/any_war"]
    of_experiments.draw(asked, levels(asked, frame), tmp_path / "x.png")
    said = ["".join(text.get_text() for text in axis.texts) for axis in kept[0].axes]
    assert said == ["", "outcome/any_war\nwas not measured in these runs"]
