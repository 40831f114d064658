"""Responses: each type learns for itself where that changes nothing for the others, and only there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agents.strategies.deviators import BuildThenStrike
from agents.table.deviation import deviate
from agents.table.play import play
from agents.training import response
from agents.training.learner_config import LearnerConfig
from agents.training.response import learn_response
from agents.training.searcher import scratch
from agents.training.types_drawn import of_type, with_types_even
from sd_env.scenario import Scenario
from sd_env.worlds import Worlds

RARE = Scenario.load("jervis/not-intense", {"motives.p_greedy": 0.1})
#: Where a type does not last, or there is but one.
TOGETHER = (
    {"motives.turnover": 0.1},
    {"motives.p_greedy": 1.0},
    {"motives.p_greedy": 0.0},
    {"motives.greed": 0.0},
    {"states.greed": [0.0, 1.5]},
)
REST = BuildThenStrike(0, 0)


def learned(scenario: Scenario, seat: Any = 0, **changes: Any) -> Any:
    asked: dict[str, Any] = {"seed": 3, "steps": 4096, "worlds": 16, "config": scratch("FastPPO")}
    return learn_response(scenario, REST, seat, **asked | changes)


def tables(monkeypatch: pytest.MonkeyPatch, scenario: Scenario, seat: Any = 0, **changes: Any) -> list[Any]:
    """The games that are learned in, each with its seats and how many turns it is learned over."""
    found: list[Any] = []

    class Watched(response.Table):
        def learn(self, total_timesteps: int, **keywords: Any) -> None:
            found.append((self.worlds.scenario, list(self.learners), total_timesteps))
            super().learn(total_timesteps, **keywords)

    monkeypatch.setattr(response, "Table", Watched)
    learned(scenario, seat, **changes)
    return found


def test_types_are_drawn_evenly_where_how_often_they_occur_decides_nothing_else() -> None:
    even = {"motives.p_greedy": 0.5, "states.trust": {"state_0": 0.9, "state_1": 0.9}}
    assert with_types_even(RARE) == RARE.with_overrides(even)
    for overrides in TOGETHER:
        other = RARE.with_overrides(overrides)
        assert with_types_even(other) is other and of_type(other, "state_0", True) is None


def test_a_state_is_of_a_type_and_its_rival_drawn_as_ever() -> None:
    for greedy in (False, True):
        game = of_type(RARE, "state_1", greedy)
        assert game is not None
        greed = Worlds(game, 4096, seed=1).states["greed"]
        assert ((greed[:, 1] > 0) == greedy).all()
        assert (greed[:, 0] > 0).mean() == pytest.approx(0.1, abs=0.02)
        drawn = Worlds(RARE, 4096, seed=1).states["greed"]
        assert np.array_equal(np.unique(drawn[drawn > 0]), np.unique(greed[greed > 0]))


def test_beliefs_begin_as_in_the_game_however_types_are_drawn() -> None:
    """Else a game of one type would be another game where beliefs are shown."""
    shown = RARE.with_overrides({"perception.beliefs": True, "motives.p_greedy": [0.1, 0.3]})
    for game in (with_types_even(shown), *(of_type(shown, "state_1", greedy) for greedy in (False, True))):
        assert game is not None
        seen, usual = (Worlds(each, 512, seed=1) for each in (game, shown))
        np.testing.assert_array_equal(seen.pairs["belief"], usual.pairs["belief"])
        assert seen.pairs["belief"][0, 0, 1] == 0.8
    share = (Worlds(with_types_even(shown), 4096, seed=1).states["greed"] > 0).mean()
    assert share == pytest.approx(0.5, abs=0.03)


def test_types_that_are_given_stay_where_others_are_drawn() -> None:
    given = RARE.with_overrides({"states.greed": {"state_0": 1.0}, "states.trust": {"state_0": 0.3}})
    assert of_type(given, "state_0", True) is None
    for game in (with_types_even(given), of_type(given, "state_1", True)):
        assert game is not None
        assert game.states.trust == {"state_0": 0.3, "state_1": 0.9}
        assert game.states.greed["state_0"] == 1.0  # type: ignore[index, call-overload]


def test_each_type_learns_over_half_of_the_turns_in_a_game_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for seat in (0, "state_0", "rotating"):  # what one of two like states answers, both do
        found = tables(monkeypatch, RARE, seat)
        assert [game for game, *_ in found] == [of_type(RARE, "state_0", greedy) for greedy in (False, True)]
        assert [each[1:] for each in found] == [(["state_0"], 2048)] * 2


def test_types_learn_together_where_they_cannot_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    for overrides in TOGETHER:
        other = RARE.with_overrides(overrides)
        assert tables(monkeypatch, other) == [(other, ["state_0"], 4096)]
    shared = scratch("FastPPO").model_copy(update={"networks": "shared"})
    assert tables(monkeypatch, RARE, config=shared) == [(RARE, ["state_0"], 4096)]
    unlike = RARE.with_overrides(
        {"states.economy": {"state_0": 1.0, "state_1": 2.0}}
    )  # who differ are learned for in rotation
    assert tables(monkeypatch, unlike, "rotating") == [(unlike, ["rotating"], 4096)]


def test_the_answer_is_of_each_type_what_it_learned_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    both = learned(RARE)
    monkeypatch.setattr(response, "apart", lambda scenario, state: [scenario])
    alone = [learned(of_type(RARE, "state_0", greedy) or RARE, steps=2048) for greedy in (False, True)]
    worlds = Worlds(RARE, 64, seed=2)
    seen, masks = worlds.observations[:, 0], worlds.masks[:, 0]
    greedy = worlds.states["greed"][:, 0] > 0
    assert greedy.any() and not greedy.all()
    for rows, single in ((~greedy, alone[0]), (greedy, alone[1])):
        mine, its = (np.hstack(each.probabilities(seen[rows], masks[rows])) for each in (both, single))
        np.testing.assert_allclose(mine, its, atol=1e-6)
    assert both.info["training"]["steps"] == 4096


@pytest.mark.slow
def test_what_the_rarer_type_gains_is_found_though_it_is_one_state_in_twenty() -> None:
    rare = RARE.with_overrides({"motives.p_greedy": 0.05})
    config: LearnerConfig = scratch("FastPPO")
    answer = learn_response(rare, REST, 0, seed=1, steps=120_000, worlds=64, config=config).likeliest()
    own = play(rare, [REST, REST], worlds=16_384, seed=5)
    before, gained = deviate(rare, [REST, REST], answer, 0, own, None)[True]
    assert gained.mean() > 0.3 * abs(before.mean())  # a greedy state gains by open swords (emergence, 1)
