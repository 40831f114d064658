"""Pictures: each on a case whose answer is known, equal bytes from equal records, refusals in a sentence."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from agents import cli, make
from agents.experiments.picture import disagree
from agents.pictures import episodes, responses, schelling, style
from agents.pictures.maps import Point, draw, maps
from agents.table.play import play, returns_of
from sd_env import RandomPolicy, measures
from sd_env.record import EpisodeLog, record, write_log
from sd_env.scenario import Scenario

FOUR = ("doubly-dangerous", "intense", "not-intense", "doubly-safe")


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Figures as they are finished, with titles and captions."""
    found: list[Any] = []
    for module in (episodes, responses, schelling):
        monkeypatch.setattr(module, "finish", lambda *given: (found.append(given), style.plt.close(given[0])))
    return found


def race(start: tuple[float, float], of: list[tuple[float, float, float]], turns: int = 12) -> EpisodeLog:
    """A log in which arms follow Richardson's equations to the letter."""
    log = record(Scenario.load("jervis/intense", {"horizon": turns}), RandomPolicy(), seed=1)
    states, stocks = log.states.copy(), [np.array(start)]
    for _ in range(log.turns):
        x, y = stocks[-1]
        stocks.append(np.array([m + g + k * o - a * m for (g, k, a), m, o in ((of[0], x, y), (of[1], y, x))]))
    states["offense"], states["defense"] = np.array(stocks), 0.0
    states["standing"] = True
    return dataclasses.replace(log, states=states)


def test_spells_are_the_unbroken_times() -> None:
    assert episodes.spells(np.array([0, 1, 1, 0, 1])) == [(1, 2), (4, 1)]
    assert episodes.spells(np.zeros(3)) == [] and episodes.spells(np.ones(3)) == [(0, 3)]


def test_a_reaction_is_found_as_it_was_made_and_rests_where_it_does() -> None:
    made = [(0.2, 0.1, 0.3), (0.1, 0.05, 0.4)]
    logs = [race((0.2, 3.0), made), race((2.0, 0.1), made)]
    for (mine, theirs), (grievance, k, fatigue) in zip(((0, 1), (1, 0)), made, strict=True):
        found = episodes.reaction(logs, mine, theirs)
        assert (found.grievance, found.k, found.fatigue) == pytest.approx((grievance, k, fatigue))
        assert found.half == pytest.approx(0.0, abs=1e-9) and found.turns == 24
        assert found.rests_at(np.array([2.0])) == pytest.approx([(grievance + 2 * k) / fatigue])
    with pytest.raises(episodes.PictureError, match="no reaction can be told from 12 turns"):
        episodes.reaction([race((1.0, 1.0), [(0.0, 0.0, 0.0)] * 2)], 0, 1)


def test_the_phase_plane_has_both_lines_and_says_what_k_is_not(kept: list[Any], tmp_path: Path) -> None:
    made = [(0.2, 0.1, 0.3), (0.1, 0.05, 0.4)]
    episodes.phase_plane([race((0.2, 3.0), made), race((2.0, 0.1), made)], tmp_path / "x.png")
    [(figure, _, caption, _)] = kept
    lines = {line.get_label(): line for line in figure.axes[0].get_lines()}
    first = next(line for label, line in lines.items() if "k = +0.100" in label)
    x, y = first.get_data()
    assert np.allclose(x, (0.2 + 0.1 * y) / 0.3)
    assert "n = 24 turns of 2 episodes" in str(caption) and "no evidence of a reaction" in str(caption)


def test_alliances_and_beliefs_are_those_of_the_log(kept: list[Any], tmp_path: Path) -> None:
    log = record("history/1914-chain-gang", RandomPolicy(), seed=3)
    episodes.alliances(log, tmp_path / "x.png")
    axis = kept[0][0].axes[0]
    drawn = {label.get_text(): axis.collections[2 * k].get_paths() for k, label in enumerate(axis.get_yticklabels())}
    allied = log.pairs["allied"]
    for i, one in enumerate(log.scenario.agents):
        for j in range(i + 1, len(log.agents)):
            names = [name for name in drawn if name.lower() == f"{one} – {log.agents[j]}".replace("_", "-").lower()]
            if names:
                assert len(drawn[names[0]]) == len(episodes.spells(allied[:, i, j]))
    episodes.beliefs(log, tmp_path / "x.png")
    held = measures.filter_beliefs(log)
    lines = [line for line in kept[1][0].axes[0].get_lines() if len(line.get_ydata()) > 1]
    assert np.array_equal([line.get_ydata() for line in lines], held[:, 0, 1:].T)
    assert str(kept[1][2]).startswith("n = 1 episode (seed 3, world 0, episode 0); no interval")


def test_an_episode_without_allies_or_wars_has_no_picture_of_them(tmp_path: Path) -> None:
    with pytest.raises(episodes.PictureError, match="ever allied or fought"):
        episodes.alliances(record("jervis/intense", make("isolationist"), 1), tmp_path / "x.png")


def test_responses_stand_with_interval_and_nulls(kept: list[Any], tmp_path: Path) -> None:
    row = {"policy": "p", "do": "defense", "low": 0.1, "high": 0.7, "swapped": 0.05, "never_attack": 0.0, "pairs": 9}
    rows = [
        {**row, "do": do, "measure": measure, "h": h, "value": h / 10} for do in ("defense", "offense")
        for measure in responses.MEASURES for h in range(4)
    ]  # fmt: skip
    responses.impulse_responses(pd.DataFrame(rows), tmp_path / "x.png")
    [(figure, _, caption, _)] = kept
    lines = {line.get_label(): line.get_ydata() for line in figure.axes[0].get_lines()}
    assert list(lines["p"]) == [0.0, 0.1, 0.2, 0.3]
    assert list(lines["null: rivals swapped"]) == [0.05] * 4 and list(lines["null: never-attack"]) == [0.0] * 4
    assert "n = 9 pairs" in str(caption)
    with pytest.raises(episodes.PictureError, match="has no responses"):
        responses.table_of(tmp_path)


def test_a_schelling_diagram_has_what_the_casts_earn() -> None:
    game = Scenario.load("games/one-shot")
    table = schelling.schelling("dove", "hawk", game, seeds=(1, 2), worlds=8).set_index(["others", "own"])["value"]

    def earned(mine: str, theirs: str) -> float:
        found = [
            returns_of(play(game, [make(mine), make(theirs)][:: 1 - 2 * seat], worlds=8, seed=seed))[:, seat].mean()
            for seed in (1, 2)
            for seat in (0, 1)
        ]
        return float(np.mean(found))

    for others, theirs in enumerate(("dove", "hawk")):
        for own in ("dove", "hawk"):
            assert table[others, own] == pytest.approx(earned(own, theirs))


def test_the_four_worlds_share_a_map_and_others_do_not() -> None:
    worlds = {name: Scenario.load(f"jervis/{name}") for name in FOUR}
    odd = {
        "six": Scenario.load("history/1914-chain-gang"),
        "dear": Scenario.load("jervis/intense", {"war.conquest": 0.1}),
    }
    assert maps({**worlds, **odd}) == [list(FOUR), ["dear"]]


def test_cells_whose_seeds_disagree_are_hatched() -> None:
    assert disagree("outcome/ss_attacks", [0.0, 0.02]) and not disagree("outcome/ss_attacks", [0.011, 0.02])
    assert disagree("arms/s_total", [1.4, 1.6]) and not disagree("arms/s_total", [0.0, float("nan")])
    assert not disagree("outcome/return", [-9.0, 9.0])


def test_equal_records_make_equal_files_without_a_date(tmp_path: Path) -> None:
    game = Scenario.load("jervis/intense")
    for name in ("a", "b"):
        draw(game, [Point("intense", 0.65, 0.0, ["spiral", "cooperation"], True)], tmp_path / f"{name}.png", "A map")
    for kind in ("png", "svg"):
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()
    assert "<dc:date>" not in (tmp_path / "a.svg").read_text()


def test_the_command_draws_and_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_log("a.jsonl", record("history/1914-chain-gang", RandomPolicy(), seed=3))
    assert cli.main(["draw", "beliefs", "a.jsonl", "-o", "sub/b.png"]) == 0
    assert {path.name for path in Path("sub").iterdir()} == {"b.png", "b.svg"}
    capsys.readouterr()
    refused = {
        ("clouds", "a.jsonl", "-o", "b.png"): (
            "KIND is 'clouds'; allowed are alliances, beliefs, arms, responses, schelling."
        ),
        ("beliefs", "a.jsonl", "a.jsonl", "-o", "b.png"): "beliefs is drawn of one log; 2 words are given.",
        ("schelling", "games/one-shot", "-o", "b.png"): (
            "schelling is drawn of a scenario and two policies; 1 words are given."
        ),
        ("beliefs", "a.jsonl", "-o", "b.pdf"): "--output is 'b.pdf'; a picture's name ends in .png.",
    }  # fmt: skip
    for words, sentence in refused.items():
        assert cli.main(["draw", *words]) == 2
        assert capsys.readouterr().err == f"sd-env: {sentence}\n"


@pytest.mark.parametrize("greedy", [0.0, 0.5, 1.0])
def test_a_map_is_drawn_whatever_the_trust(greedy: float, tmp_path: Path) -> None:
    """Trust of 0, of one half and of 1 are where other lines of the map are."""
    scenario = Scenario.load("jervis/doubly-dangerous", {"motives.p_greedy": greedy})
    draw(scenario, [Point("world", 1.2, 0.0, ["cooperation"], True)], tmp_path / "map.png", "a map")
    assert (tmp_path / "map.png").stat().st_size > 1000
