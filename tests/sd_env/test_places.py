"""Places of states: read strictly, of no consequence for any game, and shown as a map on which nobody hides another."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sd_env
from sd_env import RandomPolicy
from sd_env.record import record
from sd_env.scenario import Scenario, ScenarioError, scenarios
from sd_env.show.page import page
from sd_env.show.places import Frame, places_of

HISTORY = [name for name in scenarios() if name.startswith("history/")]
FRAME = Frame(0, 0, 600, 400, (300, 200), (200, 150), (60, 60))
HERE = {"state_0": [1.0, 2.0], "state_1": [3.0, -4.5]}


def test_the_historic_scenarios_have_places_and_no_other_invents_any() -> None:
    assert [name for name in scenarios() if Scenario.load(name).places is not None] == HISTORY
    assert Scenario.load("history/1914-chain-gang").places["serbia"] == (20.5, 44.8)


def test_no_game_depends_on_places() -> None:
    bare, placed = Scenario(), Scenario(places=HERE)
    assert (placed.fingerprint(), placed.changes()) == (bare.fingerprint(), bare.changes())
    assert all(np.array_equal(getattr(placed.bounds(), each), getattr(bare.bounds(), each), equal_nan=True)
               for each in ("parameters", "states", "pairs"))  # fmt: skip
    one, two = (record(each, RandomPolicy(), seed=5) for each in (bare, placed))
    assert np.array_equal(one.rewards, two.rewards) and one.events == two.events
    assert Scenario.load(placed.to_dict()) == placed and hash(placed) == hash(Scenario(places=HERE))
    assert Scenario(places=None) == bare and json.loads(json.dumps(placed.to_dict()))["places"] == HERE


@pytest.mark.parametrize(
    ("places", "said"),
    [
        ([1, 2], "places is [1, 2], but must be null or a mapping of state names to [longitude, latitude]"),
        ({}, "places is {}, but must be null or a mapping"),
        ({"state_0": [1, 2]}, "places is {'state_0': [1.0, 2.0]}, but must be given for each state of this scenario"),
        (HERE | {"mars": [0, 0]}, "places.mars is [0.0, 0.0], but must be given for each state of this"),
        (HERE | {"state_0": [181, 0]}, "places.state_0 is [181, 0], but must be a [longitude, latitude], from"),
        (HERE | {"state_0": [0, -91]}, "places.state_0 is [0, -91]"),
        (HERE | {"state_0": [True, 0]}, "places.state_0 is [True, 0]"),
        (HERE | {"state_0": ["1", 0]}, "places.state_0 is ['1', 0]"),
        (HERE | {"state_0": [float("nan"), 0]}, "places.state_0 is [nan, 0]"),
        (HERE | {"state_0": [0]}, "places.state_0 is [0]"),
        (HERE | {"state_0": 7}, "places.state_0 is 7"),
    ],
)  # fmt: skip
def test_what_is_no_place_is_refused_in_a_sentence(places: object, said: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        Scenario(places=places)
    assert str(caught.value).startswith(said) and str(caught.value).endswith(".")


def test_a_map_has_north_above_and_keeps_proportions() -> None:
    spots = places_of("abc", {"a": (0, 0), "b": (20, 0), "c": (0, 10)}, FRAME)
    across, up = spots[1] - spots[0], spots[0] - spots[2]
    assert across[1] == up[0] == 0 and across[0] > 0 and up[1] > 0
    assert across[0] / up[1] == pytest.approx(2 * np.cos(np.radians(5)))
    assert np.ptp(spots[:, 0]) == pytest.approx(600) or np.ptp(spots[:, 1]) == pytest.approx(400)


def test_a_map_is_cut_where_there_are_no_states() -> None:
    fiji, samoa, tonga = places_of("fst", {"f": (178, -18), "s": (-172, -14), "t": (-175, -21)}, FRAME)
    assert fiji[0] < tonga[0] < samoa[0]


@given(
    st.integers(2, 16),
    st.lists(st.tuples(st.floats(-180, 180), st.floats(-90, 90)), min_size=16, max_size=16),
)
@settings(max_examples=60, deadline=None)
def test_states_stand_in_the_picture_wherever_they_are(count: int, degrees: list[tuple[float, float]]) -> None:
    names = [str(k) for k in range(count)]
    spots = places_of(names, dict(zip(names, degrees, strict=False)), FRAME)
    assert np.isfinite(spots).all() and (spots >= -1e-6).all() and (spots <= [600 + 1e-6, 400 + 1e-6]).all()


@pytest.mark.parametrize("name", HISTORY)
def test_nobody_hides_another_on_the_page(name: str) -> None:
    log = record(name, RandomPolicy(), seed=1)
    [data] = re.findall(r'<script id="data" type="application/json">(.*?)</script>', page(log))
    stage = json.loads(data)["stage"]
    spots, apart = np.array(stage["places"]), np.array([105, 160]) * stage["scale"]
    assert stage["map"] is True and len(spots) == len(log.agents)
    far = [(np.abs(spots[i] - spots[j]) / apart).max() for i in range(len(spots)) for j in range(i)]
    assert min(far) >= 1.0
    east = [log.scenario.places[agent][0] for agent in log.agents]
    assert spots[int(np.argmin(east)), 0] < spots[int(np.argmax(east)), 0]


def test_many_on_one_spot_are_told_apart() -> None:
    names = [str(k) for k in range(6)]
    spots = places_of(names, dict.fromkeys(names, (10.0, 50.0)), FRAME)
    far = [np.abs(spots[i] - spots[j]).max() for i in range(6) for j in range(i)]
    assert min(far) > 59


def test_without_places_states_stand_on_a_circle() -> None:
    assert places_of("ab", None, FRAME) == pytest.approx(np.array([[100.0, 200.0], [500.0, 200.0]]))
    four = places_of("abcd", None, FRAME)
    assert four == pytest.approx(np.array([[300, 50], [500, 200], [300, 350], [100, 200]]))


def test_render_shows_states_where_they_are() -> None:
    env = sd_env.parallel_env("history/cold-war-arms-race-v2", render_mode="rgb_array")
    env.reset(seed=1)
    with_map = env.render()
    bare = sd_env.parallel_env(
        Scenario.load("history/cold-war-arms-race-v2", {"places": None}), render_mode="rgb_array"
    )
    bare.reset(seed=1)
    assert with_map.shape == bare.render().shape and not np.array_equal(with_map, bare.render())
