"""Pictures of worlds: what is there is drawn, what changes shows, and films are made of them without a screen."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

import sd_env
from sd_env import layout
from sd_env.show.raster import SIZE, raster
from sd_env.worlds import Worlds

RED, GREEN = (200, 40, 30), (0, 130, 95)


def worlds(**changes: Any) -> Worlds:
    found = Worlds(sd_env.load_scenario("jervis/intense"), 1, seed=1)
    found.reset()
    for name in ("offense", "defense"):
        found.states[name] = 0.0
    for name, value in changes.items():
        (found.pairs if name in ("allied", "attacks", "mobilized") else found.states)[name] = value
    return found


def count(picture: np.ndarray, colour: tuple[int, int, int]) -> int:
    return int((picture == colour).all(axis=2).sum())


def test_a_picture_has_the_promised_shape_and_is_always_the_same() -> None:
    one, two = (raster(worlds(), ("a", "b"), "Two") for _ in range(2))
    assert one.shape == (*SIZE, 3) and one.dtype == np.uint8 and np.array_equal(one, two)
    assert count(one, RED) == count(one, GREEN) == 0  # no arms, no attack, no ally


def test_swords_fill_their_bar_by_how_many_there_are() -> None:
    half, whole = (count(raster(worlds(offense=stock), ("a", "b")), RED) for stock in (2.0, 4.0))
    assert whole == 2 * half == 2 * 44 * 7


def test_alliances_attacks_and_signals_are_seen() -> None:
    links = np.array([[[False, True], [True, False]]])
    assert count(raster(worlds(allied=links), ("a", "b")), GREEN) > 300
    attack = np.array([[[False, True], [False, False]]])
    picture = raster(worlds(attacks=attack), ("a", "b"))
    _, columns = np.nonzero((picture == RED).all(axis=2))
    wide = [int((columns == column).sum()) for column in np.unique(columns)]
    assert max(wide) >= 7 and min(wide) <= 4  # thick at the target alone
    said = raster(worlds(signal=int(layout.Signal.THREATEN)), ("a", "b"))
    assert 0 < count(said, RED) < 400


def test_any_name_can_be_drawn() -> None:
    raster(worlds(), ("\x1b[2J<script>", "ÄÖÜ" * 40), "\0" * 100)


def test_the_faces_give_it() -> None:
    env = sd_env.parallel_env("jervis/multipolar", render_mode="rgb_array")
    env.reset(seed=1)
    assert env.render().shape == (*SIZE, 3)
    solo = sd_env.solo_env("jervis/intense", render_mode="rgb_array")
    solo.reset(seed=1)
    assert solo.render().shape == (*SIZE, 3)


def film(folder: Path) -> gymnasium.Env[Any, Any]:
    env = gymnasium.make("sd_env/Solo-v0", scenario="jervis/intense", render_mode="rgb_array")
    return gymnasium.wrappers.RecordVideo(env, str(folder), episode_trigger=lambda episode: True)


@pytest.mark.filterwarnings("ignore")
def test_films_are_made_without_a_screen(tmp_path: Path) -> None:
    pytest.importorskip("moviepy", reason="needs the extra video")
    env = film(tmp_path)
    env.reset(seed=1)
    for _ in range(3):
        env.step(env.action_space.sample())
    env.close()
    [made] = tmp_path.glob("*.mp4")
    assert made.stat().st_size > 1000


@pytest.mark.filterwarnings("ignore")
def test_without_moviepy_it_is_told_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "moviepy", None)
    with pytest.raises(gymnasium.error.DependencyNotInstalled, match="MoviePy is not installed"):
        film(tmp_path)
