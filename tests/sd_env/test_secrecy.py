"""A state's type stays its own: turned about, it changes nothing that any other state receives, in no scenario.

Twins are worlds of one seed in which one state has another type and all states do the same. There are two exceptions:
``motives.identification``, which pays a state out of what its friends earn (their greed is in that), and
``institutions.mediation``, whose report is of the type.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

import sd_env
from sd_env import layout, parallel, vector
from sd_env.worlds import Worlds
from tests.table import random_actions

#: Scenarios in which the others' rewards may tell, and do: docs/model.md says so.
TELLING = ("theories/wendt-culture", "theories/wendt-identification")
#: Scenarios in which a mediator tells, which is seen in its report and in the belief that it moves.
MEDIATED = ("institutions/mediation",)
TURNS = 60


class Turned(Worlds):
    """Worlds in which the type of one state is turned about behind everybody's back, whatever was known of it."""

    hidden = 0

    def reset(self, seed: int | None = None, worlds: Any = None) -> None:
        super().reset(seed, worlds)
        chosen = np.ones(self.num_worlds, bool) if worlds is None else worlds
        greed = self.states["greed"][:, self.hidden]
        self.states["greed"][:, self.hidden] = np.where(chosen & (greed > 0.0), 0.0, np.where(chosen, 3.0, greed))
        self.show()


def of_others(array: np.ndarray, hidden: int) -> np.ndarray:
    return np.delete(array, hidden, axis=1)


@pytest.mark.parametrize("name", sd_env.scenarios())
def test_a_type_turned_about_changes_nothing_that_others_receive(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = sd_env.load_scenario(name)
    for hidden in range(scenario.n_states):
        monkeypatch.setattr(Turned, "hidden", hidden)
        true, turned = pair = [kind(scenario, 8, seed=hidden) for kind in (Worlds, Turned)]
        assert (true.observations[:, hidden] != turned.observations[:, hidden]).any()
        rng, told, mediated = np.random.default_rng(hidden), False, False
        names = layout.observation_names(scenario.n_states, *scenario.shown)
        secret = [not (name in MEDIATED and each.endswith((".report", ".belief"))) for each in names]
        for _ in range(TURNS):
            seen = [of_others(table.observations, hidden) for table in pair]
            np.testing.assert_array_equal(*(each[..., secret] for each in seen), "observations")
            mediated |= not np.array_equal(*seen)
            np.testing.assert_array_equal(*(of_others(table.masks, hidden) for table in pair), "masks")
            actions = random_actions(rng, true)
            for table in pair:
                table.step(actions)
            np.testing.assert_array_equal(true.terminations, turned.terminations)
            np.testing.assert_array_equal(true.truncations, turned.truncations)
            told |= bool((of_others(true.rewards, hidden) != of_others(turned.rewards, hidden)).any())
            ended = true.terminations | true.truncations
            for table in pair:
                table.reset(worlds=ended)
        assert told == (name in TELLING), "rewards"
        assert mediated == (name in MEDIATED), "reports"


def test_the_exceptions_are_the_scenarios_that_share_payoffs_or_have_a_mediator() -> None:
    games = {name: sd_env.load_scenario(name) for name in sd_env.scenarios()}
    assert tuple(name for name, game in games.items() if game.motives.identification != 0.0) == TELLING
    assert tuple(name for name, game in games.items() if game.institutions.mediation != 0.0) == MEDIATED


def received(parallel: dict[str, Any], agent: str) -> list[Any]:
    """What a face gave one agent, of whatever it gave, as plain data."""
    return [each[agent] if not isinstance(each[agent], dict) else sorted(each[agent].items()) for each in parallel]


def pair_of(face: ModuleType, make: Any, hidden: int, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """An environment as it is, and one in which a type is turned about."""
    true = make()
    monkeypatch.setattr(Turned, "hidden", hidden)
    monkeypatch.setattr(face, "Worlds", Turned)
    return [true, make()]


@pytest.mark.parametrize("name", [name for name in sd_env.scenarios() if name not in TELLING + MEDIATED])
def test_no_face_tells_in_its_infos_or_elsewhere(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """PettingZoo's face, of which solo_env is one agent's view: every value that it hands an agent, bit for bit."""
    agents = sd_env.load_scenario(name).agents
    hidden = len(agents) - 1
    pair = pair_of(parallel, lambda: sd_env.parallel_env(name), hidden, monkeypatch)
    given = [list(env.reset(seed=1)) for env in pair]
    assert not np.array_equal(*(each[0][agents[hidden]] for each in given))
    rng = np.random.default_rng(1)
    for _ in range(12):
        for agent in agents[:hidden]:
            np.testing.assert_equal(*(received(each, agent) for each in given))
        first = pair[0]
        assert first.agents == pair[1].agents
        if not first.agents:
            break
        sizes = [first.action_space(agent).nvec for agent in first.agents]
        actions = {agent: rng.integers(0, size) for agent, size in zip(first.agents, sizes, strict=True)}
        given = [list(env.step(actions)) for env in pair]


def test_the_vector_face_tells_nothing_either(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over the ends of episodes, whose last observations and masks are in the infos."""
    scenario = sd_env.load_scenario("jervis/multipolar", {"horizon": 5})
    n, hidden = scenario.n_states, 2
    pair = pair_of(vector, lambda: sd_env.vector_env(scenario, 4), hidden, monkeypatch)
    rows = [row for row in range(4 * n) if row % n != hidden]
    given = [env.reset(seed=3) for env in pair]
    rng = np.random.default_rng(3)
    seen = set()
    for _ in range(7):
        np.testing.assert_equal(*([of_rows(part, rows) for part in each] for each in given))
        seen |= given[0][-1].keys()
        actions = rng.integers(0, layout.action_sizes(n), (4 * n, len(layout.action_sizes(n))))
        given = [env.step(actions) for env in pair]
    assert {"action_mask", "final_obs", "final_info"} <= seen


def of_rows(part: Any, rows: list[int]) -> Any:
    return {key: of_rows(value, rows) for key, value in part.items()} if isinstance(part, dict) else list(part[rows])
